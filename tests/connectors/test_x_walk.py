"""Reading by id: nothing is lost, nothing is read twice that need not be, and what cannot be read is said."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Author, Cursor, Gap, Malformed, Mention, RateLimited
from connectors.contract import START
from connectors.x_posts import Found, id_at, time_of
from connectors.x_walk import Batch, Reach, walk

MINUTE = timedelta(minutes=1)
REACH = Reach(timedelta(days=1), 2 * MINUTE, 3)


@dataclass
class Listing:
    """A timeline in memory. A post is there from the moment it is known."""

    now: datetime = START
    size: int = 4
    window: timedelta | None = None
    most: int | None = None
    posts: dict[int, datetime] = field(default_factory=dict)
    read_ids: list[int] = field(default_factory=list)
    failing: list[Exception] = field(default_factory=list)
    edits: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def publish(self, at: datetime, lag: timedelta = timedelta(0), edits: int | None = None) -> int:
        one = id_at(at) + len(self.posts) + 1
        self.posts[one] = at + lag
        if edits is not None:
            self.edits[one] = (edits, one)
        return one

    def read(self, since: int, until: int | None) -> Batch:
        if self.failing:
            raise self.failing.pop()
        if self.window is not None:
            assert since >= id_at(self.now - self.window)
        listed = sorted((one for one, known_at in self.posts.items() if known_at <= self.now), reverse=True)
        listed = listed[: self.most]
        found = [one for one in listed if since < one and (until is None or one < until)]
        self.read_ids += found[: self.size]
        posts = tuple(
            Found(one, self.edits.get(one, (one,)), mention(self.edits.get(one, (one,))[0]))
            for one in found[: self.size]
        )
        return Batch(posts, len(found) > self.size)


def mention(one: int) -> Mention:
    return Mention("x", str(one), "Acme", time_of(one), Author("1"))


@dataclass
class Reader:
    cursor: Cursor | None = None
    got: list[int] = field(default_factory=list)
    edited: list[int] = field(default_factory=list)
    gaps: tuple[Gap, ...] = ()
    lost: list[Gap] = field(default_factory=list)

    def poll(self, now: datetime, *lists: Listing, stop: int | None = None, reach: Reach = REACH) -> None:
        for one in lists:
            one.now = now
        named = {str(n): one for n, one in enumerate(lists)}
        for number, page in enumerate(walk(named, self.cursor, now, reach)):
            if stop is not None and number >= stop:
                return
            self.cursor = json.loads(json.dumps(page.cursor))
            self.got += [int(one.external_id) for one in page.mentions]
            self.edited += [int(one.external_id) for one in page.edited]
            self.gaps = tuple(gap for gap in page.gaps if not gap.lost)
            self.lost += [gap for gap in page.gaps if gap.lost and gap not in self.lost]


@settings(deadline=None)
@given(st.data())
def test_whatever_is_interrupted_and_however_late_nothing_is_lost(data: st.DataObject) -> None:
    lists = [Listing(), Listing()]
    reader, now = Reader(), START
    for _ in range(data.draw(st.integers(1, 8))):
        now += data.draw(st.sampled_from([MINUTE, 5 * MINUTE, timedelta(hours=3)]))
        for one in lists:
            for _ in range(data.draw(st.integers(0, 30))):
                at = now - timedelta(seconds=data.draw(st.integers(0, 59)))
                one.publish(at, timedelta(seconds=data.draw(st.integers(0, 120))))
        if data.draw(st.booleans()):
            lists[data.draw(st.integers(0, 1))].failing.append(Malformed("cannot be read"))
        stop = data.draw(st.none() | st.integers(0, 6))
        with suppress(Malformed):
            reader.poll(now, *lists, stop=stop)
        for one in lists:
            one.failing.clear()
    for _ in range(60):
        now += MINUTE
        reader.poll(now, *lists)
    assert set(reader.got) == {*lists[0].posts, *lists[1].posts}
    assert reader.gaps == ()
    assert reader.lost == []


def test_a_quiet_poll_reads_nothing() -> None:
    listing, reader = Listing(), Reader()
    listing.publish(START - 10 * MINUTE)
    reader.poll(START, listing)
    reader.poll(START + 5 * MINUTE, listing)
    reader.poll(START + timedelta(days=9), listing)
    assert len(listing.read_ids) == 1


def test_only_the_lookback_is_read_twice() -> None:
    listing, reader = Listing(size=100), Reader()
    for minute in range(60):
        listing.publish(START + minute * MINUTE - timedelta(seconds=30))
        if minute % 5 == 4:
            reader.poll(START + minute * MINUTE, listing)
    assert len(reader.got) == 60
    assert len(listing.read_ids) == 60 + 11 * 2  # each round finds the two posts of the lookback again
    before = len(listing.read_ids)
    reader.poll(START + 64 * MINUTE, listing, reach=Reach(REACH.history, timedelta(0), 3))
    assert len(listing.read_ids) == before


def test_a_cap_is_a_gap_that_is_closed_days_later_by_its_ids() -> None:
    listing, reader = Listing(), Reader()
    reader.poll(START, listing)
    ids = {listing.publish(START + timedelta(seconds=n)) for n in range(20)}
    reader.poll(START + 10 * MINUTE, listing)
    assert [gap.reason for gap in reader.gaps] == ["page-cap"]
    assert len(reader.got) == 12
    reader.poll(START + timedelta(days=3), listing)
    assert (set(reader.got), reader.gaps) == (ids, ())
    assert sorted(listing.read_ids) == sorted(ids)  # each once


def test_a_gap_that_was_closed_hides_no_late_post() -> None:
    """The newer of two gaps ends where the older began, and the older was read before the late post was known."""
    listing, reader, burst = Listing(), Reader(), START + 5 * MINUTE
    reader.poll(burst - MINUTE, listing)
    for n in range(14):
        listing.publish(burst, timedelta(seconds=n // 13))
    late = listing.publish(burst - timedelta(seconds=1), timedelta(seconds=62))
    listing.publish(burst, timedelta(seconds=1))
    for n in range(10):
        reader.poll(burst + n * MINUTE, listing)
    assert late in reader.got


def test_new_posts_come_before_a_gap() -> None:
    listing, reader = Listing(), Reader()
    reader.poll(START, listing)
    for n in range(60):
        listing.publish(START + timedelta(seconds=n))
    reader.poll(START + MINUTE, listing)
    new = listing.publish(START + 5 * MINUTE)
    seen = len(reader.got)
    reader.poll(START + 5 * MINUTE, listing)
    assert reader.got[seen] == new
    assert len(reader.got) > seen + 1


def test_what_left_the_window_is_a_lost_gap_and_said_once() -> None:
    listing, reader = Listing(window=timedelta(days=7)), Reader()
    listing.publish(START)
    reader.poll(START, listing)
    late = START + timedelta(days=9)
    kept = listing.publish(late - timedelta(days=1))
    reader.poll(late, listing)
    assert [(gap.reason, gap.until) for gap in reader.lost] == [("expired-window", late - timedelta(days=7))]
    assert reader.got[-1] == kept
    reader.lost.clear()
    reader.poll(late + MINUTE, listing)
    assert reader.lost == []


def test_a_gap_that_left_the_window_is_lost() -> None:
    listing, reader = Listing(window=timedelta(days=7)), Reader()
    reader.poll(START, listing)
    for n in range(60):
        listing.publish(START + timedelta(seconds=n))
    reader.poll(START + MINUTE, listing)
    assert len(reader.gaps) == 1
    reader.poll(START + timedelta(days=8), listing)
    assert reader.gaps == ()
    assert "expired-window" in {gap.reason for gap in reader.lost}


def test_mentions_beyond_what_a_timeline_gives_are_a_lost_gap() -> None:
    listing, reader = Listing(size=100, most=300), Reader()
    reader.poll(START, listing)
    for n in range(400):
        listing.publish(START + timedelta(seconds=n))
    reader.poll(START + 10 * MINUTE, listing)
    reader.poll(START + 11 * MINUTE, listing)
    assert [gap.reason for gap in reader.lost] == ["rolled-over"]
    assert len(reader.got) == 300


def test_a_gap_that_newer_mentions_pushed_out_of_reach_is_lost() -> None:
    listing, reader, reach = Listing(size=100, most=300), Reader(), Reach(REACH.history, REACH.lookback, 2)
    reader.poll(START, listing, reach=reach)
    for n in range(2):
        for second in range(250 - 100 * n):
            listing.publish(START + timedelta(hours=n, seconds=second))
        reader.poll(START + timedelta(hours=n, minutes=30), listing, reach=reach)
    reader.poll(START + timedelta(hours=2), listing, reach=reach)
    assert len(reader.got) < 400
    assert reader.gaps == ()
    assert [gap.reason for gap in reader.lost] == ["rolled-over"]


def test_quiet_days_are_no_loss() -> None:
    listing, reader = Listing(window=timedelta(days=7)), Reader()
    listing.publish(START)
    for day in range(20):
        reader.poll(START + timedelta(days=day), listing)
    assert (reader.lost, len(reader.got), len(listing.read_ids)) == ([], 1, 2)


def test_an_edit_is_the_newer_text_of_the_same_mention() -> None:
    listing, reader = Listing(), Reader()
    first = listing.publish(START)
    reader.poll(START, listing)
    listing.publish(START + MINUTE, edits=first)
    reader.poll(START + MINUTE, listing)
    assert (reader.got, reader.edited) == ([first], [first])


def test_an_edit_whose_first_version_was_never_seen_is_a_mention_too() -> None:
    listing, reader = Listing(), Reader()
    first = id_at(START)
    listing.publish(START + MINUTE, edits=first)
    reader.poll(START + MINUTE, listing)
    assert (reader.got, reader.edited) == ([first], [first])


def test_the_timeline_read_longest_ago_comes_first() -> None:
    one, other, reader = Listing(), Listing(), Reader()
    reader.poll(START, one, other)
    one.publish(START + timedelta(seconds=30))
    other.publish(START + timedelta(seconds=31))
    other.failing = [RateLimited("wait")]
    with pytest.raises(RateLimited):
        reader.poll(START + MINUTE, one, other)
    one.failing = [RateLimited("wait")]
    with pytest.raises(RateLimited):
        reader.poll(START + 2 * MINUTE, one, other)
    assert len(reader.got) == 2


def test_a_new_timeline_begins_where_the_one_it_replaces_stood() -> None:
    old, reader = Listing(), Reader()
    reader.poll(START, old)
    new = Listing()
    missed = new.publish(START + timedelta(days=1))
    later = START + timedelta(days=4)  # the history of a day would not reach back to it
    new.now = later
    pages = list(walk({"other": new}, reader.cursor, later, REACH))
    assert [one.external_id for page in pages for one in page.mentions] == [str(missed)]


def test_many_ids_are_not_remembered_for_ever() -> None:
    listing, reader = Listing(size=100), Reader()
    reach = Reach(REACH.history, REACH.lookback, 100)
    for n in range(5_000):
        listing.publish(START + timedelta(milliseconds=10 * n))
    reader.poll(START + MINUTE, listing, reach=reach)
    assert len(reader.got) == 5_000
    assert reader.cursor is not None
    assert len(reader.cursor["seen"]) <= 3_000
    reader.poll(START + 2 * MINUTE, listing, reach=reach)
    assert len(reader.got) == 5_000
