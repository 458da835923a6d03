"""Where to read on in a search that orders by whole seconds, newest first, and gives pages by number.

A page number is counted among the posts up to some second, so it means nothing once that second moves. `onward` therefore
moves the second down and remembers which of its posts were read; it counts pages only within one second that fills
whole pages. A position is {"until": second, "seen": ids of that second, "page": number from 0}, all but "until" optional.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.base import Json


@dataclass(frozen=True, slots=True)
class Place:
    """A position, opened. `until` is inclusive; None: from the top."""

    until: int | None = None
    seen: frozenset[str] = frozenset()
    page: int = 0  # counted from 0, among the posts up to `until`


def place_of(position: Json) -> Place:
    """Opens what `onward` made; anything else is the top."""
    if not isinstance(position, dict) or not isinstance(until := position.get("until"), int):
        return Place()
    seen, page = position.get("seen"), position.get("page")
    ids = frozenset(one for one in seen if isinstance(one, str)) if isinstance(seen, list) else frozenset()
    return Place(until, ids, page if isinstance(page, int) and page > 0 else 0)


def onward(place: Place, read: Sequence[tuple[int, str]], size: int, most: int) -> Json:
    """Where older posts follow a full page of `size` (second, id) pairs read at `place`, newest first.

    `most` is how many posts the platform gives for one query over all its pages; of a second with more, the rest is lost.
    """
    if not read:
        return None
    newest, oldest = read[0][0], read[-1][0]
    if newest > oldest or (place.until is not None and place.until > oldest):
        return {"until": oldest, "seen": [one for second, one in read if second == oldest]}
    if (place.page + 2) * size <= most:
        return {"until": oldest, "page": place.page + 1, "seen": [*sorted(place.seen)]}
    return {"until": oldest - 1}
