"""Phrases: from what a person writes in a pack ("jamais (livré(e)|reçu)") to steps.

    word            that word, whatever its case and accents            word*        any ending
    commandé(e)(s)  optional endings                                    =recommandé  accents exactly so
    (a|b|two words) one of them                                         [word]       may be missing
    …  …2           up to 5 (2) words of the same sentence              <name>       a group of the pack
    {brand} {product} {rival} {n} {year}                                ^  $  ?      sentence begins, ends, asks

`parse` never raises anything but `PhraseError`, whose text names the place and the remedy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from sys import intern
from typing import NamedTuple

from rules.errors import did_you_mean
from rules.languages import COMMON, negations, numbers
from rules.steps import Choice, Exact, Gap, Name, Number, Step, Word, Year, choice
from rules.words import exact, fold, prepare, straight

GAP = 5
WIDEST_GAP = 10
SHORTEST_STEM = 3
MOST_STEPS = 40
MOST_FORMS = 64  # of one word: eight pairs of endings are a slip, not an inflection
DEEPEST = 4
PLACEHOLDERS = ("brand", "product", "rival", "n", "year")


class PhraseError(ValueError):
    """What is wrong with a phrase, and the remedy; `rules.load` adds file and line."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")
        self.what = what
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase that was read. `holds_negation`: a negation before it does not cancel it."""

    text: str
    steps: tuple[Step, ...]
    asks: bool = False
    begins: bool = False
    ends: bool = False
    holds_negation: bool = False


_CHARACTER = r"""[^\s{}<>()\[\]|…,;:!¿¡"“”«»„–—?^$.]"""
_ENDING = re.compile(r"\(([^()\[\]{}<>\s]*)\)")
# One piece of a phrase: a word with its endings, a gap, a placeholder, a group, or a single character. All pieces are read
# in one go, because the packs hold a hundred thousand of them.
_PIECE = re.compile(
    rf"""\s*(=?{_CHARACTER}+(?:\.(?=\w){_CHARACTER}+)*(?:\([^()\[\]{{}}<>\s]*\)(?:[^\W_]|[*'-])*)*"""
    r"""|(?:…|\.{3})\d*|\{[^{}]*\}|<[^<>]*>|.)""",
    re.DOTALL,
)
_SKIPPED = frozenset(',;:!¿¡."“”«»„–—')
_ODD = frozenset("?^${}<>")


_BRAND = Name("brand")
_BRAND_MAY_LACK = Name(
    "brand", may_lack=True
)  # in a phrase whose other words say enough in a post that speaks to the brand


class Known(NamedTuple):
    """What was read before: words of a language, which most packs share, and groups of one pack."""

    words: dict[str, tuple[Step, ...]]
    groups: dict[str, tuple[Step, ...]]


def parse(
    text: str, lang: str = "*", groups: Mapping[str, Sequence[str]] | None = None, known: Known | None = None
) -> Phrase:
    """Read one phrase of a pack in language `lang`. Raises PhraseError.

    `known` keeps what was read, for the next phrase.
    """
    reader = _Reader(lang, groups or {}, frozenset(), Known({}, {}) if known is None else known)
    body = straight(text).strip()
    begins = body.startswith("^")
    body = body.removeprefix("^").strip()
    ends = body.endswith("$")
    body = body.removesuffix("$").strip()
    asks = body.endswith("?")
    body = body.rstrip("? ")
    steps = reader.read(body)
    if not any(map(_says, steps)):
        raise PhraseError(
            f"phrase {text!r} has no word that must be there", "Add a word, an emoji, {brand} or {rival}."
        )
    if isinstance(steps[0], Gap) or isinstance(steps[-1], Gap):
        steps = tuple(_strip_gaps(steps))  # a gap at an edge asks for nothing
    if sum(map(_size, steps)) > MOST_STEPS * 4 or len(steps) > MOST_STEPS:
        raise PhraseError(f"phrase {text[:40]!r}… is too long", f"Split it: at most {MOST_STEPS} parts.")
    no = negations("" if lang == "*" else lang)
    if _BRAND in steps and any(isinstance(step, Word | Exact) for step in steps):
        telling = any(not _is_common(step) for step in steps if not isinstance(step, Name | Gap))
        steps = tuple(_BRAND_MAY_LACK if telling and step == _BRAND else step for step in steps)
    return Phrase(text, steps, asks, begins, ends, any(_negates(step, no) for step in steps))


def fixed_words(step: Step) -> frozenset[str]:
    """The folded words of which one must stand where this step begins; empty where that cannot be said."""
    if isinstance(step, Word):
        return frozenset() if step.stems else step.words
    if isinstance(step, Exact):
        return frozenset(fold(form) for form in step.forms)
    if isinstance(step, Choice) and not step.optional:
        firsts = [fixed_words(option[0]) for option in step.options]
        return frozenset().union(*firsts) if all(firsts) else frozenset()
    return frozenset()


def _is_common(step: Step) -> bool:
    if isinstance(step, Choice):
        return step.optional or any(all(_is_common(each) for each in option) for option in step.options)
    words = fixed_words(step)
    if isinstance(step, Word) and step.stems:
        return False
    return not words or not words.isdisjoint(COMMON)


def _negates(step: Step, no: frozenset[str]) -> bool:
    if isinstance(step, Choice):
        return any(_negates(each, no) for option in step.options for each in option)
    return isinstance(step, Word) and not step.words.isdisjoint(no)


def _says(step: Step) -> bool:
    if isinstance(step, Choice):
        return not step.optional and all(any(_says(each) for each in option) for option in step.options)
    return not isinstance(step, Gap)


def _size(step: Step) -> int:
    return 1 + sum(_size(each) for option in step.options for each in option) if isinstance(step, Choice) else 1


def _strip_gaps(steps: Iterable[Step]) -> list[Step]:
    kept = list(steps)
    while kept and isinstance(kept[0], Gap):
        kept.pop(0)
    while kept and isinstance(kept[-1], Gap):
        kept.pop()
    return kept


class _Reader:
    """Reads phrase text in one language with one pack's groups."""

    def __init__(self, lang: str, groups: Mapping[str, Sequence[str]], inside: frozenset[str], known: Known) -> None:
        self._known = known
        self._lang = lang
        self._groups = groups
        self._inside = inside  # groups being read, so that a group that names itself is found

    def read(self, text: str, depth: int = 0) -> tuple[Step, ...]:
        pieces = _PIECE.findall(text)
        steps, at = self._run(pieces, 0, "", depth, text)
        assert at == len(pieces)
        return steps

    def _run(self, pieces: list[str], at: int, closing: str, depth: int, text: str) -> tuple[tuple[Step, ...], int]:
        """Steps from `at` up to the closing bracket (the place after it); alternatives become one choice."""
        if depth > DEEPEST:
            raise PhraseError(
                f"brackets are nested deeper than {DEEPEST} in {text[:60]!r}", "Use a group, or two phrases."
            )
        known = self._known.words
        options: list[tuple[Step, ...]] = []
        steps: list[Step] = []
        while at < len(pieces):
            piece = pieces[at]
            at += 1
            read = known.get(piece)
            if read is not None:
                steps += read
            elif piece == "|":
                if not closing:
                    raise PhraseError(f"'|' stands outside brackets in {text[:60]!r}", "Write (a|b), or two phrases.")
                options.append(tuple(steps))
                steps = []
            elif piece in ("(", "["):
                inner, at = self._run(pieces, at, ")" if piece == "(" else "]", depth + 1, text)
                steps += inner
            elif piece in (")", "]"):
                if piece != closing:
                    raise PhraseError(
                        f"{piece!r} closes nothing in {text[:60]!r}", "Brackets come in pairs: (a|b), [word]."
                    )
                options.append(tuple(steps))
                return self._choice(options, text, closing), at
            elif piece not in _SKIPPED and not piece.isspace():
                read = self._piece(piece, text)
                if piece[0] != "<":
                    known[piece] = read
                steps += read
        if closing:
            raise PhraseError(f"{closing!r} is missing in {text[:60]!r}", "Brackets come in pairs: (a|b), [word].")
        return tuple(steps), at

    @staticmethod
    def _choice(options: list[tuple[Step, ...]], text: str, closing: str) -> tuple[Step, ...]:
        for option in options:
            if not option or (isinstance(option[0], Gap) and all(isinstance(step, Gap) for step in option)):
                raise PhraseError(
                    f"an alternative is empty in {text[:60]!r}", "Write [word] for a word that may be missing."
                )
        optional = closing == "]"
        if len(options) == 1 and not optional:
            return options[0]
        words: list[Word] = []
        longer: list[tuple[Step, ...]] = []
        for option in options:
            first = option[0]
            if len(option) == 1 and isinstance(first, Word):
                words.append(first)
            else:
                longer.append(option)
        if words:
            stems = tuple(dict.fromkeys([stem for word in words for stem in word.stems]))
            one = Word(frozenset().union(*[word.words for word in words]), stems)
            if not longer and not optional:
                return (one,)
            longer.append((one,))
        return (choice(longer, optional),)

    def _piece(self, piece: str, text: str) -> tuple[Step, ...]:
        """What a piece asks for that was not read before."""
        if piece in _ODD:
            if piece == "?":
                raise PhraseError(
                    f"'?' stands inside {text[:60]!r}",
                    "Put it at the end, where it asks for a question; a word that may be missing is [word], an ending (s).",
                )
            if piece in "^$":
                raise PhraseError(f"{piece!r} stands inside {text[:60]!r}", "^ stands first, $ last.")
            raise PhraseError(
                f"{piece!r} has no meaning in {text[:60]!r}", "See docs/rules.md for what a phrase may hold."
            )
        if piece.startswith(("…", "...")):
            width = piece.lstrip("….")
            wide = int(width[:4]) if width else GAP
            if not 1 <= wide <= WIDEST_GAP:
                raise PhraseError(
                    f"gap {piece!r} is not possible in {text[:60]!r}", f"Allowed: …1 to …{WIDEST_GAP}; … is …{GAP}."
                )
            return (Gap(wide),)
        if piece.startswith("{"):
            makers: Mapping[str, Callable[[], Step]] = {
                "brand": lambda: Name("brand"),
                "product": lambda: Name("product"),
                "rival": lambda: Name("rival"),
                "n": lambda: Number(numbers(self._lang)),
                "year": Year,
            }
            name = piece[1:-1].strip()
            if name not in makers:
                raise PhraseError(f"{piece} is unknown", did_you_mean(name, PLACEHOLDERS))
            return (makers[name](),)
        if piece.startswith("<"):
            return self._group(piece[1:-1].strip())
        return tuple(self._word(piece))

    def _group(self, name: str) -> tuple[Step, ...]:
        if name not in self._groups:
            if not self._groups:
                raise PhraseError(f"<{name}> is not a group of this pack", f'Add it: [groups] {name} = ["…", "…"].')
            raise PhraseError(f"<{name}> is not a group of this pack", did_you_mean(name, self._groups))
        if name in self._inside:
            raise PhraseError(f"group <{name}> contains itself", "Write its words out.")
        read = self._known.groups.get(name)
        if read is None:
            reader = _Reader(self._lang, self._groups, self._inside | {name}, self._known)
            options = [reader.read(straight(each), 1 + len(self._inside)) for each in self._groups[name]]
            read = self._known.groups[name] = self._choice(options, f"<{name}>", ")")
        return read

    def _word(self, piece: str) -> Iterable[Step]:
        """A word with its optional endings; apostrophes and hyphens part it as they part the words of a text."""
        if piece.isalpha():
            return (Word(frozenset((intern(fold(piece)),))),)
        marked = piece.startswith("=")
        bare = piece.removeprefix("=")
        if "/" in bare and re.search(r"\w/\w{1,2}$", bare) and not bare[-1].isdigit():
            stem, _, ending = bare.rpartition("/")
            raise PhraseError(f"{piece!r} uses '/'", f"Write both out: {stem}({ending}), or ({stem}|…).")
        if not bare.strip("*="):
            raise PhraseError(f"{piece!r} stands alone", "Write commande* for any ending, … for a gap of any words.")
        forms = _forms(bare)
        stems = {form[:-1] for form in forms if form.endswith("*")}
        whole = [form for form in forms if not form.endswith("*")]
        if any("*" in form for form in (*whole, *stems)):
            raise PhraseError(f"'*' stands inside {piece!r}", "It stands at the end of a word: commande*.")
        if stems:
            runs = [prepare(stem).folded for stem in sorted(stems)]  # l'appli* and e-mail* are two words
            leading = {tuple(run[:-1]) for run in runs}
            if whole or marked or len(leading) != 1 or not all(runs):
                raise PhraseError(f"{piece!r} mixes '*' with something else", "Write the beginning alone: commande*.")
            folded = tuple(run[-1] for run in runs)
            if any(len(stem) < SHORTEST_STEM for stem in folded):
                raise PhraseError(
                    f"{piece!r} is too short for '*'", f"Give at least {SHORTEST_STEM} letters before it."
                )
            before = [Word(frozenset((word,))) for word in leading.pop()]
            return (*before, Word(frozenset(), folded))
        if not marked and all(map(str.isalpha, whole)):
            return (Word(frozenset(map(intern, map(fold, whole)))),)
        runs = [prepare(form).folded for form in whole]
        if not any(runs):
            return ()  # punctuation alone
        if marked:
            if any(len(run) != 1 for run in runs):
                raise PhraseError(f"{piece!r}: '=' asks for a single word", "Put it before the one word that needs it.")
            return (Exact(frozenset(exact(form) for form in whole)),)
        if len({len(run) for run in runs}) == 1:
            columns = [frozenset(column) for column in zip(*runs, strict=True)]
            if sum(len(column) > 1 for column in columns) <= 1:  # else the product would match mixtures
                return [Word(column) for column in columns]
        return (choice((tuple(Word(frozenset((word,))) for word in run) for run in runs if run), optional=False),)


def _forms(piece: str) -> list[str]:
    """All spellings of a word with optional endings: "livré(e)(s)" gives four."""
    if "(" not in piece:
        return [piece]
    literal = _ENDING.split(piece)[0::2]
    endings = [("", *found.group(1).split("|")) for found in _ENDING.finditer(piece)]
    count = 1
    for each in endings:
        count *= len(each)
    if count > MOST_FORMS:
        raise PhraseError(f"{piece[:40]!r} has {count} spellings", f"At most {MOST_FORMS}; use a stem with *.")
    forms: dict[str, None] = {}
    for chosen in product(*endings):
        forms["".join(a + b for a, b in zip(literal, (*chosen, ""), strict=True))] = None
    return list(forms)
