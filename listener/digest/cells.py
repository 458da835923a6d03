"""The finest table: people and posts by stage, touchpoint, mood, language, source and buyer status at once.

It is what the CSV is for: whoever wants another cut than the page's makes it from here. A person's buyer status is that of
the whole week and only known at its end, so people are kept by name until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from listener.digest.findings import Cell
from listener.digest.said import BUYER_WORDS, MOODS, Said
from listener.digest.text import visible


class Cells:
    """Hears every counted post."""

    def __init__(self) -> None:
        self._posts: dict[tuple[str, str, int, str, str], dict[str, int]] = {}

    def add(self, one: Said) -> None:
        """Count a post as a whole, and once for each of its touchpoints."""
        author, key, lang, source = one.author, one.key, one.post.lang, one.post.source
        self._count((key, "", one.sign, lang, source), author)
        for touchpoint, felt in one.felt.items():
            self._count((key, touchpoint, felt, lang, source), author)

    def _count(self, cell: tuple[str, str, int, str, str], author: str) -> None:
        people = self._posts.get(cell)
        if people is None:
            people = self._posts[cell] = {}
        people[author] = people.get(author, 0) + 1

    def figures(self, buyers: Mapping[str, int]) -> tuple[Cell, ...]:
        """All cells that are not empty, in the order of their names."""
        cells = []
        clean = cache(visible)  # the same few names stand in thousands of cells
        for (key, touchpoint, sign, lang, source), people in sorted(self._posts.items()):
            by_status: dict[int, list[int]] = {}
            for author, posts in people.items():
                by_status.setdefault(buyers[author], []).append(posts)
            cells += [
                Cell(
                    key, clean(touchpoint, 60), MOODS[sign], clean(lang, 20), clean(source, 60),
                    BUYER_WORDS[status], sum(posts), len(posts),
                )
                for status, posts in sorted(by_status.items())
            ]  # fmt: skip
        return tuple(cells)
