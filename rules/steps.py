"""What a phrase is made of once read: steps that a matcher takes through the words of a text, in both directions.

`ahead(reading, places, limit)` takes places between words and gives the places after this step, `back(…)` those before
it; an empty answer means no match. `limit` is the end (or the beginning) of the sentence, which no step crosses.
Every step is bounded: a gap by its width, a choice by its options, so a phrase costs the same wherever it is tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from rules.words import exact

NameKind = Literal["brand", "product", "rival"]
Places = Sequence[int]


class Names(NamedTuple):
    """Where configured names of one kind stand in a text."""

    stops: Mapping[int, tuple[int, ...]]  # first word -> the places after the name
    starts: Mapping[int, tuple[int, ...]]  # place after the name -> its first words
    named: Mapping[int, str]  # first word, or place of a handle -> the name as configured
    handles: frozenset[int]  # places where one of the names stands as a handle, which takes no word


class Reading(Protocol):
    """What steps see of a text."""

    folded: list[str]

    def original(self, at: int) -> str:
        """Word `at` as written."""
        ...

    def names(self, kind: NameKind) -> Names:
        """Where names of this kind stand."""
        ...

    brand_given: bool  # the post answers or addresses the brand, so that it need not be named


class Step(Protocol):
    """One element of a phrase."""

    def ahead(self, reading: Reading, places: Places, limit: int) -> Places: ...

    def back(self, reading: Reading, places: Places, limit: int) -> Places: ...


@dataclass(frozen=True, slots=True)
class Word:
    """One word out of a set, or with one of some beginnings."""

    words: frozenset[str]
    stems: tuple[str, ...] = ()

    def ahead(self, reading: Reading, places: Places, limit: int) -> Places:
        folded, words, stems = reading.folded, self.words, self.stems
        if not stems:
            return [p + 1 for p in places if p < limit and folded[p] in words]
        return [p + 1 for p in places if p < limit and (folded[p] in words or folded[p].startswith(stems))]

    def back(self, reading: Reading, places: Places, limit: int) -> Places:
        folded, words, stems = reading.folded, self.words, self.stems
        if not stems:
            return [p - 1 for p in places if p > limit and folded[p - 1] in words]
        return [p - 1 for p in places if p > limit and (folded[p - 1] in words or folded[p - 1].startswith(stems))]


@dataclass(frozen=True, slots=True)
class Exact:
    """One word whose accents must be as written."""

    forms: frozenset[str]

    def ahead(self, reading: Reading, places: Places, limit: int) -> Places:
        return [p + 1 for p in places if p < limit and exact(reading.original(p)) in self.forms]

    def back(self, reading: Reading, places: Places, limit: int) -> Places:
        return [p - 1 for p in places if p > limit and exact(reading.original(p - 1)) in self.forms]


@dataclass(frozen=True, slots=True)
class Gap:
    """Up to `width` words, whatever they are."""

    width: int

    def ahead(self, reading: Reading, places: Places, limit: int) -> Places:
        if len(places) == 1:
            return range(places[0], min(places[0] + self.width, limit) + 1)
        reached: set[int] = set()
        for p in places:
            reached.update(range(p, min(p + self.width, limit) + 1))
        return sorted(reached)

    def back(self, reading: Reading, places: Places, limit: int) -> Places:
        if len(places) == 1:
            return range(max(places[0] - self.width, limit), places[0] + 1)
        reached: set[int] = set()
        for p in places:
            reached.update(range(max(p - self.width, limit), p + 1))
        return sorted(reached)


@dataclass(frozen=True, slots=True)
class Name:
    """A configured name; `may_lack` where the rest of the phrase says enough when the post speaks to the brand anyway."""

    kind: NameKind
    may_lack: bool = False

    def ahead(self, reading: Reading, places: Places, limit: int) -> Places:
        names = reading.names(self.kind)
        reached: set[int] = set()
        for p in places:
            reached.update(stop for stop in names.stops.get(p, ()) if stop <= limit)
            if p in names.handles or (self.may_lack and reading.brand_given):
                reached.add(p)
        return sorted(reached)

    def back(self, reading: Reading, places: Places, limit: int) -> Places:
        names = reading.names(self.kind)
        reached: set[int] = set()
        for p in places:
            reached.update(start for start in names.starts.get(p, ()) if start >= limit)
            if p in names.handles or (self.may_lack and reading.brand_given):
                reached.add(p)
        return sorted(reached)


@dataclass(frozen=True, slots=True)
class Number:
    """A number in digits, or as one of the small number words of the pack's language."""

    words: frozenset[str]

    def fits(self, word: str) -> bool:
        return word[:1].isdecimal() or word in self.words

    def ahead(self, reading: Reading, places: Places, limit: int) -> Places:
        return [p + 1 for p in places if p < limit and self.fits(reading.folded[p])]

    def back(self, reading: Reading, places: Places, limit: int) -> Places:
        return [p - 1 for p in places if p > limit and self.fits(reading.folded[p - 1])]


@dataclass(frozen=True, slots=True)
class Year:
    """A year of the twentieth or twenty-first century, in four digits."""

    @staticmethod
    def fits(word: str) -> bool:
        return len(word) == 4 and word.startswith(("19", "20")) and word.isdigit()

    def ahead(self, reading: Reading, places: Places, limit: int) -> Places:
        return [p + 1 for p in places if p < limit and self.fits(reading.folded[p])]

    def back(self, reading: Reading, places: Places, limit: int) -> Places:
        return [p - 1 for p in places if p > limit and self.fits(reading.folded[p - 1])]


Options = tuple[tuple[Step, ...], ...]
Doors = tuple[Mapping[str, Options], Options]  # options by the word they begin (end) with; those with another beginning


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several runs of steps; none of them, too, where `optional`."""

    options: Options
    optional: bool
    # Worked out when they are needed, which is seldom: the doors at the front and those at the back.
    _doors: dict[bool, Doors] = field(default_factory=dict, compare=False, repr=False)

    def ahead(self, reading: Reading, places: Places, limit: int) -> Places:
        doors, others = self._sorted(back=False)
        folded = reading.folded
        reached: set[int] = set(places) if self.optional else set()
        for p in places:
            for option in doors.get(folded[p], ()) if p < limit else ():
                reached.update(run_ahead(option, reading, (p,), limit))
        for option in others:
            reached.update(run_ahead(option, reading, places, limit))
        return sorted(reached)

    def back(self, reading: Reading, places: Places, limit: int) -> Places:
        doors, others = self._sorted(back=True)
        folded = reading.folded
        reached: set[int] = set(places) if self.optional else set()
        for p in places:
            for option in doors.get(folded[p - 1], ()) if p > limit else ():
                reached.update(run_back(option, reading, (p,), limit))
        for option in others:
            reached.update(run_back(option, reading, places, limit))
        return sorted(reached)

    def _sorted(self, back: bool) -> Doors:
        """The options by their words, so that fifty alternatives cost no more than one."""
        doors = self._doors.get(back)
        if doors is None:
            by_word: dict[str, Options] = {}
            others: Options = ()
            for option in self.options:
                edge = option[-1 if back else 0]
                if isinstance(edge, Word) and not edge.stems:
                    for word in edge.words:
                        by_word[word] = (*by_word.get(word, ()), option)
                else:
                    others += (option,)
            doors = self._doors[back] = by_word, others
        return doors


def choice(options: Iterable[tuple[Step, ...]], optional: bool) -> Choice:
    """A choice of these."""
    return Choice(tuple(options), optional)


def run_ahead(steps: tuple[Step, ...], reading: Reading, places: Places, limit: int) -> Places:
    """The places after all steps, taken in order."""
    for step in steps:
        places = step.ahead(reading, places, limit)
        if not places:
            return ()
    return places


def run_back(steps: tuple[Step, ...], reading: Reading, places: Places, limit: int) -> Places:
    """The places before all steps, taken from the last to the first."""
    for step in reversed(steps):
        places = step.back(reading, places, limit)
        if not places:
            return ()
    return places
