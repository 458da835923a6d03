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
Doors = Mapping[str, Options]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several runs of steps; none of them, too, where `optional`. Make it with `choice`."""

    options: Options
    optional: bool
    # Options by the word they begin (end) with, so that fifty alternatives cost no more than one; and those that begin
    # (end) with something else than a fixed word, which are always tried.
    by_first: Doors = field(compare=False, repr=False)
    by_last: Doors = field(compare=False, repr=False)
    open_first: Options = field(compare=False, repr=False)
    open_last: Options = field(compare=False, repr=False)

    def ahead(self, reading: Reading, places: Places, limit: int) -> Places:
        folded, doors = reading.folded, self.by_first
        reached: set[int] | None = None
        for p in places:
            if p < limit and (options := doors.get(folded[p])) is not None:
                reached = reached or set()
                for option in options:
                    reached.update(run_ahead(option, reading, (p,), limit))
        for option in self.open_first:
            reached = reached or set()
            reached.update(run_ahead(option, reading, places, limit))
        if not reached:
            return places if self.optional else ()
        return sorted(reached.union(places) if self.optional else reached)

    def back(self, reading: Reading, places: Places, limit: int) -> Places:
        folded, doors = reading.folded, self.by_last
        reached: set[int] | None = None
        for p in places:
            if p > limit and (options := doors.get(folded[p - 1])) is not None:
                reached = reached or set()
                for option in options:
                    reached.update(run_back(option, reading, (p,), limit))
        for option in self.open_last:
            reached = reached or set()
            reached.update(run_back(option, reading, places, limit))
        if not reached:
            return places if self.optional else ()
        return sorted(reached.union(places) if self.optional else reached)


def choice(options: Iterable[tuple[Step, ...]], optional: bool) -> Choice:
    """A choice with its options sorted by their first and last words."""
    every = tuple(options)
    by_first: dict[str, Options] = {}
    by_last: dict[str, Options] = {}
    open_first: Options = ()
    open_last: Options = ()
    for option in every:
        first, last = option[0], option[-1]
        if isinstance(first, Word) and not first.stems:
            for word in first.words:
                by_first[word] = (*by_first.get(word, ()), option)
        else:
            open_first += (option,)
        if isinstance(last, Word) and not last.stems:
            for word in last.words:
                by_last[word] = (*by_last.get(word, ()), option)
        else:
            open_last += (option,)
    return Choice(every, optional, by_first, by_last, open_first, open_last)


def run_ahead(steps: tuple[Step, ...], reading: Reading, places: Places, limit: int) -> Places:
    """The places after all steps, taken in order."""
    taken = 0
    if len(places) == 1:  # nearly always; as long as there is one way on, no list is made
        place = places[0]
        folded = reading.folded
        for step in steps:
            word = folded[place] if place < limit else ""
            if isinstance(step, Word):
                if not word or not (word in step.words or (step.stems and word.startswith(step.stems))):
                    return ()
                place += 1
            elif isinstance(step, Choice) and not step.open_first:
                options = step.by_first.get(word)
                if options is None:
                    if not step.optional:
                        return ()
                elif step.optional or len(options) > 1 or len(options[0]) > 1:
                    break
                else:
                    place += 1
            else:
                break
            taken += 1
        places = (place,)
        if taken == len(steps):
            return places
    for step in steps[taken:]:
        places = step.ahead(reading, places, limit)
        if not places:
            return ()
    return places


def run_back(steps: tuple[Step, ...], reading: Reading, places: Places, limit: int) -> Places:
    """The places before all steps, taken from the last to the first."""
    left = len(steps)
    if len(places) == 1:
        place = places[0]
        folded = reading.folded
        while left:
            step = steps[left - 1]
            word = folded[place - 1] if place > limit else ""
            if isinstance(step, Word):
                if not word or not (word in step.words or (step.stems and word.startswith(step.stems))):
                    return ()
                place -= 1
            elif isinstance(step, Choice) and not step.open_last:
                options = step.by_last.get(word)
                if options is None:
                    if not step.optional:
                        return ()
                elif step.optional or len(options) > 1 or len(options[0]) > 1:
                    break
                else:
                    place -= 1
            else:
                break
            left -= 1
        places = (place,)
    while left:
        left -= 1
        places = steps[left].back(reading, places, limit)
        if not places:
            return ()
    return places
