"""The index: for each word of a text, the phrases that could hold it.

Every phrase is filed once, under its most telling place: two fixed words that follow each other where it has them,
else its rarest fixed word, else a beginning (`word*`), else a name or number. Looking up a word costs the same
whatever the number of rules; only phrases whose own two words stand there are then verified, step by step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rules.languages import COMMON
from rules.phrases import SHORTEST_STEM, Phrase, fixed_words
from rules.steps import Choice, Gap, Name, NameKind, Number, Step, Word, Year

MOST_SECONDS = 48  # words that may follow the first; beyond, a phrase is filed under its first alone
MOST_PAIRS = 400
ADJACENT = 0.25  # of the posts that hold two words, those where they follow each other


@dataclass(frozen=True, slots=True)
class Posting:
    """A phrase as filed, once for all rules that hold it: what must stand around the place it is looked up by."""

    uses: tuple[tuple[int, str], ...]  # number of a rule, and the phrase's role in it: "any", "with", "unless"
    phrase: Phrase
    before: tuple[Step, ...]
    after: tuple[Step, ...]
    taken: int  # words that the look-up itself has verified
    also: tuple[frozenset[str], ...]  # of each of these sets one word must stand in the text too, rarest set first
    next_to: frozenset[str] | None  # one of these must stand right before the place; None where that is open
    names: tuple[NameKind, ...]  # kinds of names that must stand in it
    kinds: frozenset[NameKind]  # kinds of names that may have fired


@dataclass(frozen=True, slots=True)
class Entry:
    """What is filed under one word: phrases, and phrases that also need a certain next word."""

    alone: tuple[Posting, ...]
    followed: dict[str, tuple[Posting, ...]]


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a phrase is filed. `rate`: how often a post makes the engine try it, as a guess that only ranks places."""

    rate: float
    at: int  # index of the step
    # First word, "beginning*" or sign (see `SIGNS`), and the next word or "" where that is open.
    keys: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Index:
    """All phrases of some rules."""

    words: dict[str, Entry]
    stems: dict[str, tuple[tuple[str, Posting], ...]]  # by the first letters of each beginning
    signs: dict[str, Entry]


# What a phrase is filed under where no word will do, and how often a post has it.
SIGNS = {"{brand}": 0.8, "{product}": 0.8, "{rival}": 0.1, "{n}": 0.3, "^": 1.5, "*": 15.0}


def anchor(phrase: Phrase) -> Anchor:
    """The most telling place of a phrase: the one that the fewest posts hold."""
    steps = phrase.steps
    found = [Anchor(SIGNS[sign], 0, frozenset(((sign, ""),))) for sign in (("^",) if phrase.begins else ())]
    for at, step in enumerate(steps):
        if isinstance(step, Choice) and step.optional:
            continue
        opened = _openings(steps[at:])
        if opened is not None:
            found.append(Anchor(_rate(opened), at, opened))
        elif not isinstance(step, Gap):
            found.append(Anchor(SIGNS["*"], at, frozenset((("*", ""),))))
    return min(found, key=lambda each: each.rate)


def _also(phrase: Phrase, but: int) -> tuple[frozenset[str], ...]:
    """What other steps of the phrase ask for: their absence rules most texts out before any step is taken."""
    others = [words for at, step in enumerate(phrase.steps) if at != but and (words := fixed_words(step))]
    return tuple(sorted(others, key=lambda words: sum(map(_word_rate, words)))[:3])


def _names(phrase: Phrase) -> tuple[NameKind, ...]:
    return tuple({step.kind for step in phrase.steps if isinstance(step, Name) and not step.may_lack})


def _kinds(steps: Iterable[Step]) -> set[NameKind]:
    kinds: set[NameKind] = set()
    for step in steps:
        if isinstance(step, Name):
            kinds.add(step.kind)
        elif isinstance(step, Choice):
            kinds.update(*map(_kinds, step.options))
    return kinds


def _openings(steps: tuple[Step, ...]) -> frozenset[tuple[str, str]] | None:
    """Every pair of words or signs that these steps can begin with, "" for a second that is open. None: all is open."""
    step, rest = steps[0], steps[1:]
    if isinstance(step, Choice):
        keys: set[tuple[str, str]] = set()
        for option in step.options:
            opened = _openings((*option, *rest))
            if opened is None:
                return None
            keys |= opened
        return frozenset(keys)
    stems: tuple[str, ...] = ()
    if isinstance(step, Word):
        firsts, stems = step.words, step.stems
    elif isinstance(step, Number):
        firsts = step.words | {"{n}"}
    elif isinstance(step, Year):
        firsts = frozenset(("{n}",))
    elif isinstance(step, Name) and not step.may_lack:
        return frozenset(((f"{{{step.kind}}}", ""),))
    else:
        firsts = fixed_words(step)
    if not firsts and not stems:
        return None
    seconds = _firsts(rest)
    if seconds is None or len(seconds) > MOST_SECONDS or len(firsts) * len(seconds) > MOST_PAIRS:
        seconds = frozenset(("",))
    return frozenset((first, second) for first in firsts for second in seconds) | {(f"{stem}*", "") for stem in stems}


def _firsts(steps: tuple[Step, ...]) -> frozenset[str] | None:
    """Every word that these steps can begin with; None where that is open."""
    if not steps:
        return None
    step = steps[0]
    if not isinstance(step, Choice):
        return fixed_words(step) or None
    found = _firsts(steps[1:]) if step.optional else frozenset[str]()
    for option in step.options:
        inside = _firsts((*option, *steps[1:]))
        if found is None or inside is None:
            return None
        found |= inside
    return found


def _lasts(steps: tuple[Step, ...]) -> frozenset[str] | None:
    """Every word that these steps can end with; None where that is open, or where they may all be missing."""
    if not steps:
        return None
    step = steps[-1]
    if not isinstance(step, Choice):
        return fixed_words(step) or None
    found = _lasts(steps[:-1]) if step.optional else frozenset[str]()
    for option in step.options:
        inside = _lasts(option)
        if found is None or inside is None:
            return None
        found |= inside
    return found


def _rate(keys: Iterable[tuple[str, str]]) -> float:
    return sum(_word_rate(first) * (_word_rate(second) * ADJACENT if second else 1.0) for first, second in keys)


def _word_rate(word: str) -> float:
    if word in SIGNS:
        return SIGNS[word]
    if word.endswith("*"):
        return 0.05
    return 0.3 if word in COMMON else 0.03 if len(word) < 4 else 0.01


def build(postings: Iterable[tuple[int, str, Phrase]]) -> Index:
    """File phrases, given with the number of their rule and their role in it."""
    alone: dict[str, list[Posting]] = {}
    followed: dict[str, dict[str, list[Posting]]] = {}
    stems: dict[str, list[tuple[str, Posting]]] = {}
    shared: dict[Phrase, tuple[Phrase, list[tuple[int, str]]]] = {}
    for rule, role, phrase in postings:  # phrases that differ only in how they are written are one
        shared.setdefault(replace(phrase, text=""), (phrase, []))[1].append((rule, role))
    for phrase, users in shared.values():
        place = anchor(phrase)
        step = phrase.steps[place.at]
        taken = 1 if isinstance(step, Word) else 0  # what a choice or an accent asks for is still to be verified
        posting = Posting(
            tuple(users),
            phrase,
            phrase.steps[: place.at],
            phrase.steps[place.at + taken :],
            taken,
            _also(phrase, place.at),
            _lasts(phrase.steps[: place.at]),
            _names(phrase),
            frozenset(_kinds(phrase.steps)),
        )
        for first, second in place.keys:
            if first.endswith("*") and first not in SIGNS:
                stems.setdefault(first[:SHORTEST_STEM], []).append((first[:-1], posting))
            elif second:
                followed.setdefault(first, {}).setdefault(second, []).append(posting)
            else:
                alone.setdefault(first, []).append(posting)
    entries = {
        key: Entry(tuple(alone.get(key, ())), {word: tuple(each) for word, each in followed.get(key, {}).items()})
        for key in alone.keys() | followed.keys()
    }
    return Index(
        {key: entry for key, entry in entries.items() if key not in SIGNS},
        {key: tuple(each) for key, each in stems.items()},
        {key: entry for key, entry in entries.items() if key in SIGNS},
    )


def merge(indexes: Sequence[Index]) -> Index:
    """One index that finds what any of these finds."""
    if len(indexes) == 1:
        return indexes[0]
    stems: dict[str, tuple[tuple[str, Posting], ...]] = {}
    for index in indexes:
        for key, filed in index.stems.items():
            stems[key] = stems.get(key, ()) + filed
    return Index(_entries([index.words for index in indexes]), stems, _entries([index.signs for index in indexes]))


def _entries(filed: Sequence[dict[str, Entry]]) -> dict[str, Entry]:
    merged = dict(filed[0])
    for entries in filed[1:]:
        for key, entry in entries.items():
            other = merged.get(key)
            if other is not None:
                followed = dict(other.followed)
                for word, postings in entry.followed.items():
                    followed[word] = followed.get(word, ()) + postings
                entry = Entry(other.alone + entry.alone, followed)
            merged[key] = entry
    return merged
