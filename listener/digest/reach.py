"""The posts that moved most people, each against what is usual in its own source: fifty likes are much on a forum.

Usual is the median reaction of the source's counted posts of the week, at least one. A source with fewer than ten posts
has no usual; its posts come behind the others, by their reactions.
"""

from __future__ import annotations

from array import array
from statistics import median_low

from listener.digest.parts import SMALL, Post
from listener.digest.said import Best, Rank, Said, example

_SHOWN = 5


class Reach:
    """Hears every counted post."""

    def __init__(self) -> None:
        self._reactions: dict[str, array[int]] = {}
        self._best: dict[str, Best] = {}

    def add(self, one: Said) -> None:
        """Remember a post's reactions, and the post if it is among the first of its source."""
        source = one.post.source
        if source not in self._reactions:
            self._reactions[source], self._best[source] = array("q"), Best(_SHOWN)
        self._reactions[source].append(one.engagement)
        if one.engagement:
            self._best[source].offer((-one.engagement, one.post.published_at, one.post.ref), one)

    def figures(self) -> tuple[Post, ...]:
        """The five posts furthest above what is usual where they stand."""
        found: list[tuple[Rank, Post]] = []
        for source, best in self._best.items():
            reactions = self._reactions[source]
            usual = max(1, median_low(reactions)) if len(reactions) >= SMALL else None
            for rank, _, post, key in best.kept:
                times = None if usual is None else round(-rank[0] / usual, 1)
                order = (times is None, -(times or 0), *rank)
                found.append((order, example(post, key, times)))
        by_words: dict[str, Post] = {}  # a text that many told on is one
        for _, shown in sorted(found, key=lambda entry: entry[0]):
            by_words.setdefault(shown.text.casefold(), shown)
        return tuple(by_words.values())[:_SHOWN]
