"""Replies that a team has written beforehand: what may stand in one, which fit a post, and one made ready for it. Pure.

A saved reply is where a person begins, never what is sent: it fills the field or the editor, and what is published is what
the person then sees and approves. `{author}` and `{brand}` are all that is filled in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LONGEST = 1500  # characters; with names and an opening it still fits into the field of a window
AUTHOR = 60  # characters of a name that are used
VARIABLES = ("author", "brand")
_BRACES = re.compile(r"\{([^{}]*)\}|[{}]")


@dataclass(frozen=True, slots=True)
class SavedReply:
    """One of `[[saved_reply]]`."""

    name: str
    text: str
    language: str | None = None  # None: for posts in any
    touchpoints: frozenset[str] = frozenset()  # empty: for posts that speak of anything

    def fits(self, language: str, touchpoints: Iterable[str]) -> bool:
        """Whether it is meant for such a post."""
        return self.language in (None, language) and (not self.touchpoints or bool(self.touchpoints & set(touchpoints)))


def wrong_braces(text: str) -> str | None:
    """The first part in braces that is no variable."""
    return next((found[0] for found in _BRACES.finditer(text) if found[1] not in VARIABLES), None)


def in_order(saved: Sequence[SavedReply], language: str, touchpoints: Sequence[str]) -> list[SavedReply]:
    """Those that fit first, of these the ones that say more of the post; else as they were."""

    def rank(one: SavedReply) -> tuple[bool, int]:
        return not one.fits(language, touchpoints), -(one.language is not None) - bool(one.touchpoints)

    return sorted(saved, key=rank)


def filled(text: str, *, author: str, brand: str) -> str:
    """With its variables. A name that is not known goes with the blank before it; one that holds braces is not read again."""
    name = " ".join(author.split())[:AUTHOR]
    if not name:
        text = re.sub(r"[ \t]*\{author\}", "", text)
    return _BRACES.sub(lambda found: {"author": name, "brand": brand}.get(found[1] or "", found[0]), text)
