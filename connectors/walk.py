"""Read newest-first listings without losing a post: the one algorithm that all such connectors share.

A connector gives one `Timeline` per term or tag. Each poll goes on where an interrupted walk stopped, reads what is new
from the top down to known ground, gives the oldest gap at least one page, and spends what is left of the page cap on
the lookback. Promises, proved in tests/connectors/test_walk.py:

- Restarting from the cursor of any page that was stored may repeat a post, never skip one, whatever arrives meanwhile.
- A page cap that is hit becomes a `Gap` that is read on every round until it is closed.
- A post indexed up to `lookback` late is found; a poll with nothing new yields no mention.

The idea: the newest mark may move up as soon as the first page is stored, because what lies between that page and known
ground is kept in the cursor as a stretch still to be read. An interrupted walk, a gap and the lookback are all such stretches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from connectors.base import Cursor, Gap, Json, Malformed, Mention, Page

SEEN_LIMIT = 3_000  # ids remembered to tell old from new within the lookback
GAP_LIMIT = 100  # open gaps per timeline; beyond it the two oldest are read as one

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Post:
    """One post of a listing. `at` is the time by which the platform orders it; no mention where it did not match."""

    at: datetime
    mention: Mention | None


@dataclass(frozen=True, slots=True)
class Batch:
    """One answer of the platform, newest first. `next` is where older posts follow, None where nothing older is left."""

    posts: tuple[Post, ...]
    next: Json


class Timeline(Protocol):
    """A listing of a platform, newest first."""

    def read(self, since: datetime, position: Json) -> Batch:
        """The newest posts at or before `position` (None: from the top), of which those since `since` (inclusive) count.

        Posts older than `since` may be among them; they end the stretch. A position is what an earlier batch gave as
        `next`: JSON that still holds days later and that posts arriving meanwhile do not make skip anything.
        """
        ...


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a walk goes."""

    history: timedelta  # back from the very first poll
    lookback: timedelta  # how late a platform may index a post
    page_cap: int  # pages read of one timeline in one poll
    horizon: timedelta | None = None  # how far back the platform gives anything; None: everything


def walk(timelines: Mapping[str, Timeline], cursor: Cursor | None, now: datetime, reach: Reach) -> Iterator[Page]:
    """Yield pages of everything new. Timelines that are new in the mapping start with their history; others are dropped.

    An answer that cannot be read (`Malformed`) ends its own timeline only; it is raised once the others have been read.
    """
    state = _State.load(cursor, timelines, now)
    unreadable: Malformed | None = None
    lanes: dict[str, _Lane] = {}
    for name, timeline in timelines.items():
        lane = _Lane(timeline, state.marks[name], state, _micros(now), reach)
        try:
            yield from lane.newest()
        except Malformed as error:
            unreadable = unreadable or error
        else:
            lanes[name] = lane
    for lane in lanes.values():
        try:
            yield from lane.older()
        except Malformed as error:
            unreadable = unreadable or error
    if unreadable is not None:
        raise unreadable


def ground(cursor: Cursor | None, name: str) -> datetime | None:
    """The time up to which this timeline was read, or is kept as a stretch to be read; None before its first page."""
    known = (cursor or {}).get("timelines", {}).get(name, {}).get("known")
    return None if known is None else _moment(known)


@dataclass(slots=True)
class _Stretch:
    """A piece of a time line still to be read, from `position` down to `since`. Working state of one poll."""

    since: int
    until: int
    position: Json
    why: str  # "walk": in progress; "page-cap": a gap; "late": the lookback, read once already

    def dump(self) -> dict[str, Any]:
        return {"since": self.since, "until": self.until, "position": self.position, "why": self.why}


@dataclass(slots=True)
class _Marks:
    """Where one timeline stands. Everything up to `known` has been read or is in `left`."""

    known: int | None = None
    polled: int = 0  # when everything indexed by then was read, or put into `left`
    left: list[_Stretch] = field(default_factory=list)

    def lowest(self, lookback: int) -> int | None:
        """The oldest moment that may be read again, so whose posts must be remembered."""
        if self.known is None:
            return None
        return min(self.known, self.polled - lookback, *(stretch.since for stretch in self.left))

    def dump(self) -> dict[str, Any]:
        return {"known": self.known, "polled": self.polled, "left": [stretch.dump() for stretch in self.left]}


@dataclass(slots=True)
class _State:
    """The cursor, opened for one poll."""

    marks: dict[str, _Marks]
    seen: dict[str, int]  # key of a post -> its time
    floor: int  # ids older than this were forgotten because there were too many
    now: int
    lost: list[Gap] = field(default_factory=list)

    @classmethod
    def load(cls, cursor: Cursor | None, names: Mapping[str, Any], now: datetime) -> _State:
        cursor = cursor or {}
        stored = cursor.get("timelines", {})
        marks = {}
        for name in names:
            one = stored.get(name, {})
            left = [_Stretch(**stretch) for stretch in one.get("left", ())]
            marks[name] = _Marks(one.get("known"), one.get("polled", 0), left)
        return cls(marks, dict(cursor.get("seen", {})), cursor.get("floor", 0), _micros(now))

    def page(self, batch: Batch, since: int, lookback: int) -> Page:
        """The page of a batch, with the cursor that stands behind it. Its mentions are those not yielded before."""
        fresh: list[Mention] = []
        for post in batch.posts:
            at = _micros(post.at)
            if post.mention is None or at < since:
                continue
            key = _key(post.mention)
            if key not in self.seen:
                self.seen[key] = at
                fresh.append(post.mention)
        self._forget(lookback)
        fresh.sort(key=lambda mention: mention.published_at)
        timelines: dict[str, Json] = {name: marks.dump() for name, marks in self.marks.items()}
        cursor = {"timelines": timelines, "seen": dict(self.seen), "floor": self.floor}
        return Page(tuple(fresh), cursor, self._gaps(), scanned=len(batch.posts))

    def _forget(self, lookback: int) -> None:
        """Drop ids that will not be read again, and the oldest where there are too many, whole moments at a time."""
        lowest = [low for marks in self.marks.values() if (low := marks.lowest(lookback)) is not None]
        keep_from = min(lowest, default=0)
        if len(self.seen) > SEEN_LIMIT:
            times = sorted(self.seen.values())
            # Half are dropped, so that this is rare; posts of the newest moment are never dropped.
            cut = min(times[len(times) - SEEN_LIMIT // 2], times[-1])
            self.floor = max(self.floor, cut)
            keep_from = max(keep_from, cut)
        if keep_from:
            self.seen = {key: at for key, at in self.seen.items() if at >= keep_from}

    def _gaps(self) -> tuple[Gap, ...]:
        """All gaps, each once: timelines of one source may have the same."""
        gaps = {
            Gap(_moment(stretch.since), _moment(stretch.until), stretch.why)
            for marks in self.marks.values()
            for stretch in marks.left
            if stretch.why == "page-cap"
        }
        return tuple(sorted(gaps | set(self.lost), key=lambda gap: (gap.since, gap.until)))


class _Lane:
    """One timeline during one poll: what it still may read, and the steps that read it."""

    def __init__(self, timeline: Timeline, marks: _Marks, state: _State, now: int, reach: Reach) -> None:
        self._timeline = timeline
        self._marks = marks
        self._state = state
        self._now = now
        self._history = _span(reach.history)
        self._lookback = _span(reach.lookback)
        self._cap = reach.page_cap
        self._limit = now - _span(reach.horizon) if reach.horizon else 0  # the platform gives nothing older
        self._spent = 0
        self._old_gaps = [stretch for stretch in marks.left if stretch.why == "page-cap"]

    def newest(self) -> Iterator[Page]:
        """Finish an interrupted walk, then read from the top to known ground."""
        self._give_up_expired()
        for stretch in [stretch for stretch in self._marks.left if stretch.why == "walk"]:
            # One page is left for what is new: an old walk must not delay an alert by a whole round.
            yield from self._descend(stretch, max(1, self._cap - 1 - self._spent))
        yield from self._fresh(max(1, self._cap - self._spent))

    def older(self) -> Iterator[Page]:
        """At least one page for the oldest gap; what is left of the cap for the other gaps, then for the lookback."""
        allowed = max(1, self._cap - self._spent)
        gaps = sorted(self._old_gaps, key=lambda stretch: stretch.until)
        for stretch in gaps + [stretch for stretch in self._marks.left if stretch.why == "late"]:
            before = self._spent
            yield from self._descend(stretch, allowed)
            allowed -= self._spent - before

    def _fresh(self, allowed: int) -> Iterator[Page]:
        marks = self._marks
        late = any(stretch.why == "late" for stretch in marks.left)
        since, ground = self._begin(late)
        stretch: _Stretch | None = None
        position: Json = None
        while allowed > 0:
            batch = self._read(since, position)
            allowed -= 1
            times = [_micros(post.at) for post in batch.posts]
            if stretch is None:
                # A post dated in the future must not lift the mark over posts that are still to come.
                marks.known = max(ground, min(max(times, default=ground), self._now))
                if not late:
                    marks.polled = self._now  # one lookback at a time: the next covers all since this one began
            else:
                marks.left.remove(stretch)
            oldest = min(times, default=stretch.until if stretch else self._now)
            position = batch.next
            exhausted = position is None or oldest < since
            # Posts of the very moment of `ground` were read when it was; one more among them is a late one.
            reached = exhausted or oldest <= ground
            stretch = None
            if not reached:
                stretch = _Stretch(since, oldest, position, "walk" if allowed else "page-cap")
                self._leave(stretch)
            elif not exhausted and not late:
                self._leave(_Stretch(since, oldest, position, "late"))
            yield self._state.page(batch, since, self._lookback)
            if reached:
                return

    def _begin(self, late: bool) -> tuple[int, int]:
        """(how far down to read, below what everything is known)."""
        marks = self._marks
        if marks.known is None:
            start = max(self._now - self._history, self._limit)
            return start, start
        ground = marks.known
        since = ground
        if not late:
            # Ids below the floor were forgotten: reading there again would yield old posts as new.
            since = min(ground, max(marks.polled - self._lookback, self._state.floor))
        if ground < self._limit:
            # Up to the last full poll nothing was missed, however quiet the timeline was.
            if (read_until := max(ground, marks.polled)) < self._limit:
                self._state.lost.append(Gap(_moment(read_until), _moment(self._limit), "expired-window", lost=True))
            return self._limit, self._limit
        return max(since, self._limit), ground

    def _descend(self, stretch: _Stretch, allowed: int) -> Iterator[Page]:
        """Read on in a stretch; it leaves the cursor with its last page."""
        while allowed > 0 and stretch in self._marks.left:
            since = max(stretch.since, self._limit)
            if stretch.why == "late":
                since = max(since, self._state.floor)  # everything there was read once; its ids were forgotten
            batch = self._read(since, stretch.position)
            allowed -= 1
            oldest = min((_micros(post.at) for post in batch.posts), default=stretch.until)
            if batch.next is None or oldest < since:
                self._marks.left.remove(stretch)
            else:
                stretch.position = batch.next
                if stretch.why == "walk":
                    stretch.until = min(stretch.until, oldest)
                    stretch.why = "walk" if allowed else "page-cap"
            yield self._state.page(batch, since, self._lookback)

    def _read(self, since: int, position: Json) -> Batch:
        batch = self._timeline.read(_moment(since), position)
        self._spent += 1
        return batch

    def _leave(self, stretch: _Stretch) -> None:
        left = self._marks.left
        left.append(stretch)
        gaps = sorted((one for one in left if one.why == "page-cap"), key=lambda one: one.until)
        if len(gaps) > GAP_LIMIT:
            older, newer = gaps[0], gaps[1]
            newer.since = min(older.since, newer.since)  # repeats what was read between them; skips nothing
            left.remove(older)

    def _give_up_expired(self) -> None:
        for stretch in list(self._marks.left):
            if stretch.until < self._limit:
                self._marks.left.remove(stretch)
                if stretch.why != "late":
                    self._state.lost.append(Gap(_moment(stretch.since), _moment(stretch.until), "page-cap", lost=True))


def _key(mention: Mention) -> str:
    """A short stand-in for the id: cursors are stored with every page, and some ids are whole addresses."""
    if len(mention.external_id) <= 16:
        return mention.external_id
    return "#" + hashlib.blake2b(mention.external_id.encode(errors="replace"), digest_size=8).hexdigest()


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(micros: int) -> datetime:
    return _EPOCH + micros * _MICROSECOND


def _span(span: timedelta) -> int:
    return span // _MICROSECOND
