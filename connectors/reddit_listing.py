"""Reddit's listings, newest first, as a `Timeline` of `connectors.walk`: nothing is taken for known ground that is not.

A listing goes on behind the fullname of a post. Where that post has left the listing the answer is an empty page, which
looks like the end, so a position holds several such anchors, and an empty page counts as the end only where another anchor
confirms it; where none does the stretch is read again from the top. Posts of days ago are at times shown among the new ones
(praw#1804, #2090): they are not taken, and do not end the reading. A listing ends after about 1,000 posts: what lies between
its end and known ground is a lost gap. `before` is not used at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.base import Gap, Json, Mention
from connectors.reddit_posts import FULLNAME, Row
from connectors.text import mentions
from connectors.walk import Batch, Post

ANCHORS = 4  # posts remembered to go on behind
RESTARTS = 2  # times that a stretch is begun anew from the top; then what is left of it is lost
# Listings are said to end at 1,000 posts, searches in practice earlier. One that was read further than this and still does
# not reach known ground was cut; a shorter one has simply nothing more.
LISTING_END = 200


@dataclass(frozen=True, slots=True)
class Listed:
    """One answer, newest first. `after` is what the next one lies behind, None where the platform says it was the last."""

    rows: tuple[Row, ...]
    after: str | None


Fetch = Callable[[str | None], Listed]  # the page behind this fullname; None: from the top


@dataclass(frozen=True, slots=True)
class Listing:
    """One listing during one poll. What it finds to be lost it adds to `lost`."""

    fetch: Fetch
    pattern: re.Pattern[str] | None  # what a post must hold
    ground: datetime | None  # up to where it was read before this poll
    lost: list[Gap]

    def read(self, since: datetime, position: Json) -> Batch:
        place = _Place.of(position) if position is not None else _Place(ground=self.ground)
        listed, anchor = self._page(place)
        if listed is None:
            if place.again < RESTARTS:
                return Batch((), _Place(ground=place.ground, again=place.again + 1).dump())
            return self._cut(Batch((), None), since, place.until, place.ground)
        times = _times(listed.rows, since, listed.after is not None)
        posts = tuple(
            Post(at, self._wanted(row) if row.at >= since else None) for row, at in zip(listed.rows, times, strict=True)
        )
        read, oldest = place.read + len(posts), times[-1] if times else place.until
        if anchor is not None and any(row.fullname == anchor for row in listed.rows):
            return self._cut(Batch(posts, None), since, place.until, place.ground)  # it does not go on behind anything
        if listed.after is None:
            end = Batch(posts, None)
            return self._cut(end, since, oldest, place.ground) if read >= LISTING_END else end
        names = [listed.after, *(row.fullname for row in reversed(listed.rows)), *place.anchors]
        anchors = tuple(dict.fromkeys(names))[:ANCHORS]
        return Batch(posts, _Place(anchors, read, oldest, place.ground, place.again).dump())

    def _page(self, place: _Place) -> tuple[Listed | None, str | None]:
        """The page at a position and the anchor that led there; no page where no anchor leads anywhere."""
        if not place.anchors:
            return self.fetch(None), None
        for anchor in place.anchors:
            listed = self.fetch(anchor)
            if listed.rows or listed.after:
                return listed, anchor
        return None, None

    def _wanted(self, row: Row) -> Mention | None:
        found = row.mention
        return found if found is not None and mentions(self.pattern, found.text, found.title, row.link) else None

    def _cut(self, batch: Batch, since: datetime, until: datetime | None, ground: datetime | None) -> Batch:
        """The end of what the platform shows. What is older is lost, down to known ground; the lookback was read before."""
        since = since if ground is None else max(since, ground)
        if until is not None and until > since:
            self.lost.append(Gap(since, until, "rolled-over", lost=True))
        return batch


def _times(rows: Sequence[Row], since: datetime, more: bool) -> list[datetime]:
    """By what time each post stands in the listing: never older than one below it.

    Old posts at the very end may be such replays as well: where they are not most of the page, one page more tells.
    """
    times = [row.at for row in rows]
    for n in reversed(range(len(times) - 1)):
        times[n] = max(times[n], times[n + 1])
    old = sum(at < since for at in times)
    if more and 0 < old < len(times) and old <= max(1, len(times) // 2):
        times[-old:] = [times[-old - 1]] * old
    return times


@dataclass(frozen=True, slots=True)
class _Place:
    """A position, opened."""

    anchors: tuple[str, ...] = ()  # fullnames to go on behind, the lowest first
    read: int = 0  # posts read above it
    until: datetime | None = None  # time of the lowest of them
    ground: datetime | None = None  # up to where everything was read before
    again: int = 0  # how often the stretch was begun anew

    @classmethod
    def of(cls, position: Json) -> _Place:
        if not isinstance(position, dict):
            return cls()
        after = position.get("after")
        names = after if isinstance(after, list) else []
        return cls(
            tuple(name for name in names if isinstance(name, str) and FULLNAME.fullmatch(name)),
            _count(position.get("read")),
            _moment(position.get("until")),
            _moment(position.get("ground")),
            _count(position.get("again")),
        )

    def dump(self) -> Json:
        until, ground = _seconds(self.until), _seconds(self.ground)
        return {"after": list(self.anchors), "read": self.read, "until": until, "ground": ground, "again": self.again}


def _moment(value: Json) -> datetime | None:
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int) else None


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


def _count(value: Json) -> int:
    return value if isinstance(value, int) else 0
