"""Pairs of touchpoints: the journey is a web, so what do the same posts speak of, and what outweighs what?

Two touchpoints are a pair where one post speaks of both. Where somebody is happy with one and unhappy with the other, the
mood of their whole post says which of them weighs more. Pairs that only one person made are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from listener.digest.findings import Pair
from listener.digest.labels import Labels
from listener.digest.said import HAPPY, NEUTRAL, UNHAPPY, Said, kind_to, standing
from listener.digest.text import visible

_SHOWN = 8
_LEAST = 2  # people
_MOST = 8  # touchpoints of one post that are paired: a post that lists everything says little about any two


@dataclass(slots=True)
class _Together:
    posts: int = 0
    people: set[str] = field(default_factory=set)
    unhappy: set[str] = field(default_factory=set)
    happy: set[str] = field(default_factory=set)
    split: set[str] = field(default_factory=set)
    one_wins: set[str] = field(default_factory=set)
    other_wins: set[str] = field(default_factory=set)


class Pairs:
    """Hears every counted post; `figures` names the pairs that most people made."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], _Together] = {}

    def add(self, one: Said) -> None:
        """Pair the touchpoints of a post."""
        if len(one.felt) < 2:
            return
        author = one.author
        for first, second in combinations(list(one.felt)[:_MOST], 2):
            together = self._found.setdefault((first, second), _Together())
            together.posts += 1
            together.people.add(author)
            moods = one.felt[first], one.felt[second]
            if moods == (UNHAPPY, UNHAPPY):
                together.unhappy.add(author)
            elif moods == (HAPPY, HAPPY):
                together.happy.add(author)
            elif _split(one, (first, second), moods):
                together.split.add(author)
                if one.sign != NEUTRAL:
                    first_wins = (moods[0] == UNHAPPY) == (one.sign == UNHAPPY)
                    (together.one_wins if first_wins else together.other_wins).add(author)

    def figures(self, buyers: Mapping[str, int], label: Callable[[str], str], book: Labels) -> tuple[Pair, ...]:
        """The pairs of most people first. `label` names a touchpoint."""
        ranked = sorted(
            ((key, found) for key, found in self._found.items() if len(found.people) >= _LEAST),
            key=lambda entry: (-len(entry[1].people), -entry[1].posts, entry[0]),
        )
        return tuple(
            _pair(key, (label(key[0]), label(key[1])), found, standing(found.people, buyers), book)
            for key, found in ranked[:_SHOWN]
        )


def _split(one: Said, touchpoints: tuple[str, str], moods: tuple[int, int]) -> bool:
    """Whether a post is happy with one and unhappy with the other.

    Kind words in a complaint are no delight, yet beside what is complained of they are what was outweighed.
    """
    return any(
        mood == UNHAPPY and other != UNHAPPY and kind_to(one.post, touchpoint)
        for mood, other, touchpoint in zip(moods, reversed(moods), reversed(touchpoints), strict=True)
    ) or {UNHAPPY, HAPPY} == set(moods)


def _pair(
    key: tuple[str, str], labels: tuple[str, str], found: _Together, bought: tuple[int, int], book: Labels
) -> Pair:
    (one, other), (one_label, other_label) = key, labels
    return Pair(
        one=visible(one, 60),
        other=visible(other, 60),
        one_label=one_label,
        other_label=other_label,
        authors=len(found.people),
        mentions=found.posts,
        unhappy_both=len(found.unhappy),
        happy_both=len(found.happy),
        split=len(found.split),
        one_outweighs=len(found.one_wins),
        other_outweighs=len(found.other_wins),
        sentence=_sentence(labels, found, book),
        buyers=bought[0],
        non_buyers=bought[1],
    )


def _sentence(labels: tuple[str, str], found: _Together, book: Labels) -> str:
    one, other = labels
    who, posts = book.people(len(found.people)), book.some(found.posts, "post")
    parts = [book.say("pair", one=one, other=other, who=who, posts=posts)]
    for people, mood in ((found.unhappy, "unhappy"), (found.happy, "happy")):
        if people:
            parts.append(book.say("pair_both", mood=book.some(len(people), mood)))
    return f"{', '.join(parts)}{_outweighs(found, one, other, book)}."


def _outweighs(found: _Together, one: str, other: str, book: Labels) -> str:
    mine, theirs = len(found.one_wins), len(found.other_wins)
    if not mine and not theirs:
        return ""
    if mine == theirs:
        return book.say("pair_even", mine)
    first, second, wins = (one, other, mine) if mine > theirs else (other, one, theirs)
    return book.say("pair_outweighs", wins, first=first, second=second, of=book.number(len(found.split)))
