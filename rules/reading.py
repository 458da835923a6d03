"""One text as the engine reads it: its words, where configured names stand, what negates and what contrasts.

A `Reading` lives for one evaluation. Names and contrasts are looked up at the first step that asks for them, because
most texts hold no phrase that does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rules.languages import AFTER, NOT_AFTER, ONLY, contrasts, negations
from rules.steps import NameKind, Names
from rules.words import Words, prepare

NEGATION_REACH = 3  # words before a phrase
AFTER_CONTRAST = 1.5
BEFORE_CONTRAST = 0.5


@dataclass(frozen=True, slots=True)
class Tongue:
    """The closed words of one language, or of all where it is unknown."""

    negations: frozenset[str]
    after: frozenset[str]
    contrasts: dict[str, str]
    contrast_words: frozenset[str]

    @classmethod
    def of(cls, lang: str) -> Tongue:
        turns = contrasts(lang)
        return cls(negations(lang), AFTER.get(lang, frozenset()), turns, frozenset(turns))


_NOWHERE: frozenset[int] = frozenset()
_UNNAMED = Names({}, {}, {}, _NOWHERE)


@dataclass(frozen=True, slots=True)
class NameTable:
    """Configured names of one kind, by first word and by handle."""

    by_first: dict[str, tuple[tuple[tuple[str, ...], str], ...]]  # first word -> (all words, name), longest first
    by_handle: dict[str, str]  # folded, without spaces -> name

    @classmethod
    def of(cls, names: Sequence[str]) -> NameTable:
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
        return cls(
            {first: tuple(sorted(each, key=lambda e: -len(e[0]))) for first, each in by_first.items()}, by_handle
        )

    def find(self, words: Words) -> Names:
        if not self.by_handle or (not words.handles and self.by_first.keys().isdisjoint(words.folded)):
            return _UNNAMED
        stops: dict[int, tuple[int, ...]] = {}
        starts: dict[int, tuple[int, ...]] = {}
        named: dict[int, str] = {}
        folded = words.folded
        if not self.by_first.keys().isdisjoint(folded):
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
        if not words.handles:
            return Names(stops, starts, named, _NOWHERE)
        standing: set[int] = set()
        for at, low, forms in words.handle_forms():
            owner = self.by_handle.get(low)  # @Acme, @acme_one for "Acme One" …
            if owner is None and forms:  # … and @AcmeSupport for "Acme"
                owner = next((self.by_handle[form] for form in forms if form in self.by_handle), None)
            if owner is not None:
                standing.add(at)
                named.setdefault(at, owner)
        return Names(stops, starts, named, frozenset(standing))


class Reading:
    """See the module's first lines. Implements `rules.steps.Reading`."""

    __slots__ = (
        "_found", "_kinds", "_standing", "_tables", "_turns", "brand_given", "denying", "folded", "present", "tongue", "turning", "words",
    )  # fmt: skip

    def __init__(
        self,
        words: Words,
        tongue: Tongue,
        tables: dict[NameKind, NameTable],
        brand_given: bool,
        kinds: Sequence[NameKind] = ("brand", "product", "rival"),
    ) -> None:
        """`kinds`: those that have names, each table once."""
        self.words = words
        self.folded = words.folded
        self.present = frozenset(words.folded)
        self.tongue = tongue
        self.brand_given = brand_given
        self._tables = tables
        self._found: dict[NameKind, Names] = {}
        self._kinds = kinds
        self._standing = None if kinds else False
        self._turns: dict[int, int] | None = None
        # Whether anything can be cancelled at all, or weigh more than another: most texts are spared the search.
        self.denying = not tongue.negations.isdisjoint(self.present)
        self.turning = not tongue.contrast_words.isdisjoint(self.present)

    def original(self, at: int) -> str:
        return self.words.slice(at, at + 1)

    def names(self, kind: NameKind) -> Names:
        found = self._found.get(kind)
        if found is None:
            found = self._tables[kind].find(self.words)
            for same, table in self._tables.items():  # {brand} and {product} stand for the same names
                if table is self._tables[kind]:
                    self._found[same] = found
        return found

    @property
    def standing(self) -> bool:
        """Whether a configured name stands anywhere."""
        standing = self._standing
        if standing is None:
            standing = self._standing = any(self.names(kind).named for kind in self._kinds)
        return standing

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
