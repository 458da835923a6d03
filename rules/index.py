"""The index: for each word of a text, the phrases that could hold it.

Every phrase is filed once, under its most telling place: two fixed words that follow each other where it has them,
else its rarest fixed word, else a beginning (`word*`), else a name or number. Looking up a word costs the same
whatever the number of rules; only phrases whose own two words stand there are then verified, step by step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rules.languages import COMMON
from rules.phrases import SHORTEST_STEM, Phrase, fixed_words
from rules.steps import Choice, Name, Number, Step, Word, Year

MOST_KEYS = 48  # of one phrase; a group of many words is better filed under another part of the phrase
_RARE, _COMMON, _STEM, _NAMED = 0, 100, 60, 1000


@dataclass(frozen=True, slots=True)
class Posting:
    """A phrase as filed: what must stand before and behind the place it is looked up by."""

    rule: int
    role: str  # "any", "with", "unless"
    phrase: Phrase
    before: tuple[Step, ...]
    after: tuple[Step, ...]
    taken: int  # words that the look-up itself has verified


@dataclass(frozen=True, slots=True)
class Entry:
    """What is filed under one word: phrases, and phrases that also need a certain next word."""

    alone: tuple[Posting, ...]
    followed: dict[str, tuple[Posting, ...]]


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a phrase is filed. Lower cost: more telling."""

    cost: int
    at: int  # index of the step
    firsts: frozenset[str] = frozenset()
    seconds: frozenset[str] = frozenset()
    stems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Index:
    """All phrases of some rules."""

    words: dict[str, Entry]
    stems: dict[str, tuple[tuple[str, Posting], ...]]  # by the first letters of each beginning
    named: tuple[tuple[Step, Posting], ...]  # phrases with neither: tried wherever their name or number stands


def anchor(phrase: Phrase) -> Anchor:
    """The most telling place of a phrase."""
    found = [
        Anchor(_NAMED, at) for at, step in enumerate(phrase.steps) if isinstance(step, Name | Number | Year | Choice)
    ][:1]
    for at, step in enumerate(phrase.steps):
        firsts = fixed_words(step)
        if firsts and len(firsts) <= MOST_KEYS:
            cost = _cost(firsts)
            found.append(Anchor(cost, at, firsts))
            behind = phrase.steps[at + 1] if at + 1 < len(phrase.steps) else phrase.steps[at]
            paired = behind is not step and isinstance(step, Word) and isinstance(behind, Word) and not behind.stems
            if paired and len(firsts) * len(seconds := fixed_words(behind)) <= MOST_KEYS:
                found.append(Anchor(min(cost, _cost(seconds)) - 50, at, firsts, seconds))
        elif isinstance(step, Word) and step.stems and (stems := step.stems):
            if not step.words:
                found.append(Anchor(_STEM, at, stems=stems))
            else:
                found.append(Anchor(_STEM + _cost(step.words), at, step.words, stems=stems))
        elif firsts:
            found.append(Anchor(_COMMON * 5, at, firsts))  # too many keys, yet better than none
    return min(found, key=lambda each: (each.cost, each.at))


def build(postings: Iterable[tuple[int, str, Phrase]]) -> Index:
    """File phrases, given with the number of their rule and their role in it."""
    alone: dict[str, list[Posting]] = {}
    followed: dict[str, dict[str, list[Posting]]] = {}
    stems: dict[str, list[tuple[str, Posting]]] = {}
    named: list[tuple[Step, Posting]] = []
    for rule, role, phrase in postings:
        place = anchor(phrase)
        step = phrase.steps[place.at]
        taken = 2 if place.seconds else 1 if isinstance(step, Word) else 0
        posting = Posting(rule, role, phrase, phrase.steps[: place.at], phrase.steps[place.at + taken :], taken)
        for first in place.firsts:
            if place.seconds:
                behind = followed.setdefault(first, {})
                for second in place.seconds:
                    behind.setdefault(second, []).append(posting)
            else:
                alone.setdefault(first, []).append(posting)
        for stem in place.stems:
            stems.setdefault(stem[:SHORTEST_STEM], []).append((stem, posting))
        if not place.firsts and not place.stems:
            named.append((step, posting))
    keys = alone.keys() | followed.keys()
    return Index(
        {
            key: Entry(tuple(alone.get(key, ())), {word: tuple(each) for word, each in followed.get(key, {}).items()})
            for key in keys
        },
        {key: tuple(each) for key, each in stems.items()},
        tuple(named),
    )


def _cost(words: Sequence[str] | frozenset[str]) -> int:
    if not COMMON.isdisjoint(words):
        return _COMMON + len(words)
    return _RARE + len(words) + (10 if min(map(len, words)) < 4 else 0)
