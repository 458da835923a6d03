"""One text as the engine reads it: its words, where configured names stand, what negates and what contrasts.

A `Reading` lives for one evaluation. Contrasts are looked up when a weight is first asked for, because most texts hold none;
where names stand is remembered with the words, because relevance asks for them, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rules.languages import AFTER, NOT_AFTER, ONLY, contrasts, negations
from rules.steps import NameKind, Names
from rules.words import Words, handle_forms, prepare

NEGATION_REACH = 3  # words before a phrase
AFTER_CONTRAST = 1.5
BEFORE_CONTRAST = 0.5


@dataclass(frozen=True, slots=True)
class Tongue:
    """The closed words of one language, or of all where it is unknown."""

    negations: frozenset[str]
    after: frozenset[str]
    contrasts: dict[str, str]
    marked: frozenset[str]  # words that negate or contrast

    @classmethod
    def of(cls, lang: str) -> Tongue:
        no, turns = negations(lang), contrasts(lang)
        return cls(no, AFTER.get(lang, frozenset()), turns, no | frozenset(turns))


_NOWHERE: frozenset[int] = frozenset()
_UNNAMED = Names({}, {}, {}, _NOWHERE)


@dataclass(frozen=True, slots=True, eq=False)
class NameTable:
    """Configured names of one kind, by first word and by handle."""

    by_first: dict[str, tuple[tuple[tuple[str, ...], str], ...]]  # first word -> (all words, name), longest first
    by_handle: dict[str, str]  # folded, without spaces -> name

    @staticmethod
    @lru_cache(64)
    def of(names: tuple[str, ...]) -> NameTable:
        """The table of some names. The same names give the same table, so that whoever asks for them shares what is found."""
        by_first: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        by_handle: dict[str, str] = {}
        for name in names:
            words = tuple(prepare(name.strip().lstrip("@#")).folded)
            if not words:
                continue
            joined = "".join(words)
            by_handle.setdefault(joined, name)
            by_first.setdefault(words[0], []).append((words, name))
            if len(words) > 1:
                by_first.setdefault(joined, []).append(((joined,), name))
        return NameTable(
            {first: tuple(sorted(each, key=lambda e: -len(e[0]))) for first, each in by_first.items()}, by_handle
        )

    def find(self, words: Words) -> Names:
        """Where the names stand; looked for once in the same words."""
        found: Names | None = words.known.get(self)
        if found is None:
            found = words.known[self] = self._find(words)
        return found

    def _find(self, words: Words) -> Names:
        spelt = not self.by_first.keys().isdisjoint(words.folded)
        standing: dict[int, str] = {}
        if words.handles and self.by_handle:
            for handle in words.handles:
                for form in handle_forms(handle.name):  # @Acme, @acme_one for "Acme One", @AcmeSupport for "Acme"
                    if form in self.by_handle:
                        standing.setdefault(handle.at, self.by_handle[form])
                        break
        if not spelt and not standing:
            return _UNNAMED
        stops: dict[int, tuple[int, ...]] = {}
        starts: dict[int, tuple[int, ...]] = {}
        named: dict[int, str] = {}
        folded = words.folded
        if spelt:
            for at, word in enumerate(folded):
                for wanted, name in self.by_first.get(word, ()):
                    stop = at + len(wanted)
                    if len(wanted) > 1 and tuple(folded[at:stop]) != wanted:
                        continue
                    named.setdefault(at, name)
                    ends = (stop, stop + 1) if stop < len(folded) and folded[stop] == "s" else (stop,)  # Acme's
                    stops[at] = (*stops.get(at, ()), *ends)
                    for end in ends:
                        starts[end] = (*starts.get(end, ()), at)
        for at, name in standing.items():
            named.setdefault(at, name)
        return Names(stops, starts, named, frozenset(standing))


class Reading:
    """See the module's first lines. Implements `rules.steps.Reading`."""

    __slots__ = (
        "_present",
        "_tables",
        "_turns",
        "brand_given",
        "denying",
        "folded",
        "standing",
        "tongue",
        "turning",
        "words",
    )

    def __init__(self, words: Words, tongue: Tongue, tables: dict[NameKind, NameTable], brand_given: bool) -> None:
        self.words = words
        self.folded = words.folded
        self.tongue = tongue
        self.brand_given = brand_given
        self._tables = tables
        self._present: frozenset[str] | None = None
        self._turns: dict[int, int] | None = None
        # Whether a configured name stands anywhere; {brand} and {product} stand for the same names.
        self.standing = bool(tables["brand"].find(words).named or tables["rival"].find(words).named)
        # Whether anything can be cancelled at all, or weigh more than another: most texts are spared the search.
        self.denying = self.turning = False
        if not tongue.marked.isdisjoint(words.folded):
            self.denying = not tongue.negations.isdisjoint(words.folded)
            self.turning = not tongue.contrasts.keys().isdisjoint(words.folded)

    def original(self, at: int) -> str:
        return self.words.slice(at, at + 1)

    def names(self, kind: NameKind) -> Names:
        return self._tables[kind].find(self.words)

    def lacks(self, words: frozenset[str]) -> bool:
        """Whether none of these words stands in the text."""
        if self._present is None:
            self._present = frozenset(self.folded)
        return self._present.isdisjoint(words)

    def negated(self, first: int, stop: int) -> bool:
        """Whether a negation before, inside or (French, German) behind the words cancels them."""
        folded, words, tongue = self.folded, self.words, self.tongue
        for at in range(max(0, first - NEGATION_REACH), stop):
            if folded[at] in tongue.negations and (at >= first or words.same_clause(at, first)):
                nothing_only = at + 1 < len(folded) and folded[at + 1] in ONLY
                if not nothing_only:
                    return True
        if (
            tongue.after
            and 0 < stop < len(folded)
            and folded[stop] in tongue.after
            and words.same_clause(stop - 1, stop)
        ):
            return stop + 1 >= len(folded) or folded[stop + 1] not in NOT_AFTER
        return False

    def weight(self, first: int, stop: int) -> float:
        """1, or more in the clause after the sentence's last contrast, less before it."""
        turns = self._turns
        if turns is None:
            turns = self._turns = self._find_turns()
        if not turns or first >= len(self.folded):
            return 1.0
        turn = turns.get(self.words.sentence_of(first))
        if turn is None:
            return 1.0
        return AFTER_CONTRAST if first > turn else BEFORE_CONTRAST if stop <= turn else 1.0

    def _find_turns(self) -> dict[int, int]:
        folded, tongue = self.folded, self.tongue
        turns: dict[int, int] = {}
        for at, word in enumerate(folded):
            before = tongue.contrasts.get(word)
            if before is not None and (not before or (at > 0 and folded[at - 1] == before)):
                sentence = self.words.sentence_of(at)
                if at > self.words.sentences[sentence].first:  # "But …" as a first word contrasts with nothing here
                    turns[sentence] = at
        return turns
