"""Read X's listings by id, newest first, without losing a post and without paying for one twice.

`connectors.walk` goes by time and reads the newest moment again at every poll, which X would bill. Ids of X are unique and
rise with time, so here a stretch is a pair of ids, exclusive at both ends; a poll with nothing new returns nothing and is
free. What lies between a page and known ground is kept in the cursor as a stretch still to be read: by its ids, which
mean the same days later. Promises, proved in tests/connectors/test_x_walk.py and by the contract:

- Restarting from the cursor of any stored page may repeat a post, never skip one.
- A page cap that is hit becomes a `Gap`, read on every round until it is closed; what has left X's window is a lost one.
- A post indexed up to `lookback` late is found. That overlap is all that is read twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from connectors.base import Cursor, Gap, Json, Malformed, Mention, Page
from connectors.x_posts import Found, id_at, ids_across, time_of

SEEN_LIMIT = 3_000  # ids remembered to tell old from new within the lookback
GAP_LIMIT = 100  # open gaps per timeline; beyond it the two oldest are read as one


@dataclass(frozen=True, slots=True)
class Batch:
    """One answer, newest first."""

    posts: tuple[Found, ...]
    more: bool  # older posts follow


class Timeline(Protocol):
    """A listing of X."""

    @property
    def window(self) -> timedelta | None:
        """How far back it gives anything; None: by number only."""
        ...

    @property
    def most(self) -> int | None:
        """How many posts it gives in all; None: no limit."""
        ...

    def read(self, since: int, until: int | None) -> Batch:
        """The newest posts with ids between the two, both exclusive; `until` None: from the top.

        A batch with more behind it is never empty.
        """
        ...


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a walk goes."""

    history: timedelta  # back from the very first poll
    lookback: timedelta  # how late X may index a post
    page_cap: int  # pages read of one timeline in one poll


def walk(timelines: Mapping[str, Timeline], cursor: Cursor | None, now: datetime, reach: Reach) -> Iterator[Page]:
    """Yield pages of everything new; whichever timeline was read longest ago comes first.

    A timeline that is new in the mapping begins with its history, or where those that are no longer in it stood if that is
    earlier. An answer that cannot be read (`Malformed`) ends its own timeline only; it is raised once the others are read.
    """
    state = _State.load(cursor, timelines, now, reach)
    unreadable: Malformed | None = None
    lanes = [_Lane(timeline, state.marks[name], state, now, reach) for name, timeline in timelines.items()]
    lanes.sort(key=lambda lane: lane.marks.polled)
    for step in (_Lane.newest, _Lane.older):
        for lane in lanes:
            try:
                yield from step(lane)
            except Malformed as error:
                unreadable = unreadable or error
    if unreadable is not None:
        raise unreadable


@dataclass(slots=True)
class _Stretch:
    """A range of ids still to be read, exclusive at both ends. Working state of one poll."""

    since: int
    until: int | None  # None: from the top; never in a cursor
    why: str = "walk"  # "walk": in progress or interrupted; "page-cap": a gap
    read: int = 0  # posts that it and what is above it gave so far


@dataclass(slots=True)
class _Marks:
    """Where one timeline stands. Everything up to `known` has been read or is in `left`."""

    start: int  # where it begins
    known: int | None = None  # the newest id; None: never read
    polled: int = 0  # the id of the moment of the last poll
    left: list[_Stretch] = field(default_factory=list)


class _State:
    """The cursor, opened for one poll."""

    def __init__(self, marks: dict[str, _Marks], seen: set[int], floor: int, overlap: int) -> None:
        self.marks = marks
        self.lost: list[Gap] = []
        self.floor = floor  # lower ids were forgotten because there were too many
        self._seen = seen
        self._overlap = overlap

    @classmethod
    def load(cls, cursor: Cursor | None, names: Mapping[str, Any], now: datetime, reach: Reach) -> _State:
        cursor = cursor or {}
        stored = {
            name: _Marks(one["start"], one["known"], one["polled"], [_Stretch(**stretch) for stretch in one["left"]])
            for name, one in cursor.get("timelines", {}).items()
        }
        ends = [_ground(marks, reach) for name, marks in stored.items() if name not in names]
        start = min([id_at(now - reach.history), *ends])
        marks = {name: stored.get(name) or _Marks(start) for name in names}
        return cls(marks, set(cursor.get("seen", ())), cursor.get("floor", 0), ids_across(reach.lookback))

    def page(self, batch: Batch) -> Page:
        """The page of a batch, with the cursor that stands behind it. Its mentions are those not yielded before."""
        fresh: list[Mention] = []
        edited: list[Mention] = []
        for post in batch.posts:
            if post.id in self._seen:
                continue
            if post.mention is not None:
                if post.edited:
                    edited.append(post.mention)
                if self._seen.isdisjoint(post.history):
                    fresh.append(post.mention)
            self._seen.update(post.history)  # an older version that turns up later says nothing new
        self._forget()
        fresh.sort(key=lambda mention: mention.published_at)
        timelines: dict[str, Json] = {name: asdict(marks) for name, marks in self.marks.items()}
        cursor = {"timelines": timelines, "seen": sorted(self._seen), "floor": self.floor}
        return Page(tuple(fresh), cursor, self._gaps(), scanned=len(batch.posts), edited=tuple(edited))

    def _forget(self) -> None:
        """Drop ids that will not be read again, and where there are too many the older half."""
        lowest = min(
            marks.start if marks.known is None else marks.polled - self._overlap for marks in self.marks.values()
        )
        if len(self._seen) > SEEN_LIMIT:
            self.floor = max(self.floor, sorted(self._seen)[-SEEN_LIMIT // 2])
            lowest = max(lowest, self.floor)
        self._seen = {one for one in self._seen if one >= lowest}

    def _gaps(self) -> tuple[Gap, ...]:
        """All gaps, each once: timelines of one source may have the same."""
        gaps = {
            Gap(time_of(stretch.since), time_of(stretch.until), stretch.why)
            for marks in self.marks.values()
            for stretch in marks.left
            if stretch.why == "page-cap" and stretch.until is not None
        }
        return tuple(sorted(gaps | set(self.lost), key=lambda gap: (gap.since, gap.until)))


class _Lane:
    """One timeline during one poll: what it still may read, and the steps that read it."""

    def __init__(self, timeline: Timeline, marks: _Marks, state: _State, now: datetime, reach: Reach) -> None:
        self.marks = marks
        self._timeline = timeline
        self._state = state
        self._now = id_at(now)
        self._overlap = ids_across(reach.lookback)
        self._cap = reach.page_cap
        self._limit = id_at(now - timeline.window) if timeline.window else 0  # X gives nothing older
        self._spent = 0
        self._left_before = list(marks.left)

    def newest(self) -> Iterator[Page]:
        """Read from the top to known ground."""
        self._give_up_expired()
        yield from self._descend(_Stretch(self._begin(), None), self._cap)

    def older(self) -> Iterator[Page]:
        """At least one page of what earlier polls left: interrupted walks, the newest first, then gaps, the oldest first."""
        allowed = max(1, self._cap - self._spent)
        still = (stretch for stretch in self._left_before if stretch in self.marks.left)
        left = sorted(still, key=lambda stretch: stretch.until or 0)
        walks = [stretch for stretch in reversed(left) if stretch.why == "walk"]
        for stretch in walks + [stretch for stretch in left if stretch.why != "walk"]:
            if allowed <= 0:
                return
            before = self._spent
            yield from self._descend(stretch, allowed)
            allowed -= self._spent - before

    def _begin(self) -> int:
        """The id above which everything is read."""
        marks = self.marks
        if marks.known is None:
            return max(marks.start, self._limit)
        # Where it was quiet there is more to look back on at no cost: nothing of it was paid for.
        since = min(marks.known, max(marks.polled - self._overlap, self._state.floor))
        ground = max(marks.known, marks.polled - self._overlap)
        # What is still to be read will be read with whatever turns up there late, so the lookback need not go there.
        since = max([since, *(left.until for left in marks.left if left.until is not None and left.since <= since)])
        if ground < self._limit:
            self._state.lost.append(Gap(time_of(ground), time_of(self._limit), "expired-window", lost=True))
        return max(since, self._limit)

    def _descend(self, stretch: _Stretch, allowed: int) -> Iterator[Page]:
        """Read on in a stretch, down from the top or from where it stands; it leaves the cursor with its last page."""
        marks = self.marks
        while allowed > 0:
            batch = self._timeline.read(max(stretch.since, self._limit), stretch.until)
            self._spent += 1
            allowed -= 1
            for one in (stretch, *(left for left in marks.left if left.since < stretch.since)):
                one.read += len(batch.posts)  # of what is above it too: X counts its most from the top
            if stretch.until is None:
                newest = max((post.id for post in batch.posts), default=0)
                marks.known = max(marks.known or 0, stretch.since, newest)
                marks.polled = self._now
                # Every id above `since` is now read, or in this stretch.
                marks.left = [left for left in marks.left if left.since < stretch.since]
                if batch.more:
                    self._leave(stretch)
            if batch.more:
                stretch.until = min(post.id for post in batch.posts)
                stretch.why = "walk" if allowed else "page-cap"
            else:
                self._finish(stretch, batch)
            yield self._state.page(batch)
            if not batch.more:
                return

    def _finish(self, stretch: _Stretch, batch: Batch) -> None:
        """It was read to its end, or to where X gives no more: that is a loss, and said."""
        if stretch in self.marks.left:
            self.marks.left.remove(stretch)
        lost = self._state.lost
        if stretch.since < self._limit:
            lost.append(Gap(time_of(stretch.since), time_of(self._limit), "expired-window", lost=True))
        most = self._timeline.most
        if most is not None and stretch.read >= most:
            end = min((post.id for post in batch.posts), default=stretch.until or self._now)
            lost.append(Gap(time_of(stretch.since), time_of(end), "rolled-over", lost=True))

    def _leave(self, stretch: _Stretch) -> None:
        left = self.marks.left
        left.append(stretch)
        gaps = sorted((one for one in left if one.why == "page-cap"), key=lambda one: one.until or 0)
        if len(gaps) > GAP_LIMIT:
            older, newer = gaps[0], gaps[1]
            newer.since = min(older.since, newer.since)  # repeats what was read between them; skips nothing
            left.remove(older)

    def _give_up_expired(self) -> None:
        for stretch in list(self.marks.left):
            if stretch.until is not None and stretch.until < self._limit:
                self.marks.left.remove(stretch)
                self._state.lost.append(
                    Gap(time_of(stretch.since), time_of(stretch.until), "expired-window", lost=True)
                )


def _ground(marks: _Marks, reach: Reach) -> int:
    """Below this a timeline has been read whole."""
    if marks.known is None:
        return marks.start
    ground = max(marks.known, marks.polled) - ids_across(reach.lookback)
    return min([ground, *(stretch.since for stretch in marks.left)])
