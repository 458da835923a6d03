"""The shared newest-first walk against a platform in memory that does what platforms do while one reads."""

from __future__ import annotations

import json
from bisect import insort
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Author, Cursor, Json, Malformed, Mention, Page, Unavailable
from connectors.walk import SEEN_LIMIT, Batch, Post, Reach, walk

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
REACH = Reach(history=timedelta(days=1), lookback=timedelta(minutes=10), page_cap=5)


@dataclass
class Listing:
    """A platform's newest-first listing; posts may arrive at any time, late ones below the top."""

    page_size: int = 100
    posts: list[tuple[datetime, str]] = field(default_factory=list)
    reads: int = 0
    broken: Exception | None = None

    def publish(self, at: datetime, number: int = 1) -> list[str]:
        ids = [f"p{len(self.posts) + one}" for one in range(number)]
        for one in ids:
            insort(self.posts, (at, one))
        return ids

    def read(self, since: datetime, position: Json) -> Batch:
        self.reads += 1
        if self.broken:
            raise self.broken
        older = self.posts
        if isinstance(position, list):
            before = (datetime.fromisoformat(str(position[0])), str(position[1]))
            older = [post for post in older if post < before]
        found = [post for post in older if post[0] >= since][::-1][: self.page_size]
        more = len(found) == self.page_size
        batch = tuple(Post(at, mention(one, at)) for at, one in found)
        return Batch(batch, [found[-1][0].isoformat(), found[-1][1]] if more else None)


def mention(external_id: str, at: datetime) -> Mention:
    return Mention("fake", external_id, "hello", at, Author("a"))


@dataclass
class Reader:
    """Polls like the daemon: a page counts once it is stored, and then its cursor does too."""

    listings: dict[str, Listing]
    reach: Reach = REACH
    cursor: Cursor | None = None
    stored: list[str] = field(default_factory=list)
    last: Page | None = None

    def pages(self, now: datetime) -> Generator[Page]:
        return walk(self.listings, self.cursor, now, self.reach)

    def store(self, page: Page) -> None:
        self.cursor = json.loads(json.dumps(page.cursor))
        self.stored += [one.external_id for one in page.mentions]
        self.last = page

    def poll(self, now: datetime) -> int:
        before = len(self.stored)
        for page in self.pages(now):
            self.store(page)
        return len(self.stored) - before

    @property
    def gaps(self) -> list[Any]:
        return [gap for gap in self.last.gaps if not gap.lost] if self.last else []


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def test_the_first_poll_reads_the_history_and_nothing_older() -> None:
    listing = Listing(page_size=10)
    listing.publish(START - timedelta(days=3), 30)
    wanted = listing.publish(START - timedelta(hours=5), 25)
    reader = Reader({"t": listing})
    reader.poll(START)
    assert sorted(reader.stored) == sorted(wanted)
    assert reader.gaps == []


def test_a_poll_with_nothing_new_costs_one_request_and_yields_no_mention() -> None:
    listing = Listing()
    listing.publish(START - minutes(5), 7)
    reader = Reader({"t": listing})
    reader.poll(START)
    listing.reads = 0
    assert [reader.poll(START + minutes(5 * n)) for n in range(1, 4)] == [0, 0, 0]
    assert listing.reads == 3


def test_a_burst_of_700_behind_a_cap_of_five_pages_is_a_gap_until_the_next_rounds_close_it() -> None:
    listing = Listing()
    reader = Reader({"t": listing})
    reader.poll(START)
    burst = [one for n in range(700) for one in listing.publish(START + timedelta(seconds=1 + n / 10))]
    assert reader.poll(START + minutes(2)) == 500
    [gap] = reader.gaps
    assert gap.reason == "page-cap"
    assert not gap.lost
    assert gap.since <= START + timedelta(seconds=1)
    assert gap.until >= START + timedelta(seconds=20)
    new = listing.publish(START + minutes(2.5), 3)
    assert reader.poll(START + minutes(3)) == 203
    assert reader.gaps == []
    assert sorted(reader.stored) == sorted(burst + new)
    assert reader.poll(START + minutes(4)) == 0


def test_a_gap_keeps_its_bounds_while_it_is_read() -> None:
    """The store knows a gap by its bounds; a moving one would look like many that open and close."""
    listing = Listing(page_size=10)
    reader = Reader({"t": listing}, Reach(timedelta(days=1), minutes(10), page_cap=2))
    reader.poll(START)
    for n in range(100):
        listing.publish(START + timedelta(seconds=n + 1))
    seen = set()
    for n in range(2, 40):
        reader.poll(START + minutes(n))
        seen |= set(reader.gaps)
    assert len(seen) == 1
    assert reader.gaps == []
    assert len(reader.stored) == len(set(reader.stored)) == 100


def test_new_posts_come_before_the_gap() -> None:
    listing = Listing(page_size=10)
    reader = Reader({"t": listing}, Reach(timedelta(days=1), minutes(0), page_cap=2))
    listing.publish(START - minutes(30), 100)
    reader.poll(START)
    [fresh] = listing.publish(START + minutes(1))
    first = next(reader.pages(START + minutes(2)))
    assert fresh in [one.external_id for one in first.mentions]


def test_posts_of_one_instant_across_pages_are_all_read() -> None:
    listing = Listing(page_size=5)
    reader = Reader({"t": listing})
    listing.publish(START - minutes(1), 3)
    reader.poll(START)
    listing.publish(START - minutes(1), 13)  # the very instant of the newest known post
    reader.poll(START + minutes(1))
    assert len(reader.stored) == 16


def test_a_post_indexed_late_within_the_lookback_is_found_even_after_hours_without_a_poll() -> None:
    listing = Listing()
    reader = Reader({"t": listing})
    listing.publish(START - minutes(1), 5)
    reader.poll(START)
    late = listing.publish(START - minutes(8), 1)
    listing.publish(START + minutes(200), 3)
    assert reader.poll(START + minutes(240)) == 4
    assert late[0] in reader.stored


def test_a_late_post_below_a_burst_is_found_although_the_cap_cuts_the_lookback() -> None:
    listing = Listing(page_size=10)
    reader = Reader({"t": listing}, Reach(timedelta(days=1), minutes(10), page_cap=3))
    reader.poll(START)
    for n in range(200):
        listing.publish(START + timedelta(seconds=n))
    reader.poll(START + minutes(4))
    late = listing.publish(START + timedelta(seconds=2))
    for n in range(5, 60):
        reader.poll(START + minutes(n))
    assert late[0] in reader.stored
    assert len(reader.stored) == len(set(reader.stored)) == 201


def test_a_post_dated_in_the_future_hides_nothing() -> None:
    listing = Listing()
    reader = Reader({"t": listing})
    listing.publish(START + timedelta(days=400))
    reader.poll(START)
    new = listing.publish(START + minutes(1), 3)
    reader.poll(START + minutes(2))
    assert set(new) < set(reader.stored)
    assert len(reader.stored) == 4


def test_a_timeline_added_later_reads_its_history_and_a_removed_one_is_forgotten() -> None:
    one, two = Listing(), Listing()
    one.publish(START - minutes(5))
    two.posts.append((START - minutes(50), "other"))
    reader = Reader({"one": one})
    reader.poll(START)
    reader.listings = {"two": two}
    reader.poll(START + minutes(1))
    assert reader.stored == ["p0", "other"]
    assert reader.cursor is not None
    assert set(reader.cursor["timelines"]) == {"two"}


def test_a_post_that_two_timelines_find_is_yielded_once() -> None:
    one, two = Listing(), Listing()
    one.publish(START - minutes(5))
    two.publish(START - minutes(5))
    reader = Reader({"one": one, "two": two})
    assert reader.poll(START) == 1


def test_a_timeline_that_cannot_be_read_does_not_silence_the_others() -> None:
    bad, good = Listing(broken=Malformed("no")), Listing()
    good.publish(START - minutes(1))
    reader = Reader({"bad": bad, "good": good})
    with pytest.raises(Malformed):
        reader.poll(START)
    assert reader.stored == ["p0"]


def test_what_left_the_platforms_window_is_a_lost_gap() -> None:
    listing = Listing(page_size=10)
    reach = Reach(timedelta(days=1), minutes(10), page_cap=1, horizon=timedelta(days=7))
    reader = Reader({"t": listing}, reach)
    listing.publish(START - minutes(5), 40)
    reader.poll(START)
    assert len(reader.gaps) == 1
    pages = list(reader.pages(START + timedelta(days=9)))
    assert all(gap.lost for page in pages for gap in page.gaps)
    assert {gap.reason for gap in pages[0].gaps} == {"page-cap", "expired-window"}


def test_a_quiet_timeline_that_was_polled_all_along_has_lost_nothing() -> None:
    listing = Listing(page_size=10)
    reader = Reader({"t": listing}, Reach(timedelta(days=1), minutes(10), page_cap=3, horizon=timedelta(days=7)))
    listing.publish(START - minutes(5), 3)
    for day in range(12):
        reader.poll(START + timedelta(days=day))
        assert reader.last is not None
        assert reader.last.gaps == ()


def test_a_crowd_of_known_ids_stays_bounded_and_new_posts_still_come() -> None:
    listing = Listing(page_size=1000)
    reader = Reader({"t": listing}, Reach(timedelta(days=1), minutes(60), page_cap=50))
    for n in range(SEEN_LIMIT * 2):
        listing.publish(START - timedelta(seconds=n / 2))
    reader.poll(START)
    new = listing.publish(START + minutes(1), 5)
    for n in range(2, 6):
        reader.poll(START + minutes(n))
    assert len(reader.stored) == len(set(reader.stored)) == SEEN_LIMIT * 2 + 5
    assert set(new) <= set(reader.stored)
    assert reader.cursor is not None
    assert len(reader.cursor["seen"]) <= SEEN_LIMIT
    assert len(json.dumps(reader.cursor)) < 150_000


moves = st.lists(
    st.fixed_dictionaries(
        {
            "wait": st.integers(0, 1200),  # seconds since the last round
            "new": st.lists(st.integers(0, 30), max_size=25),  # how many seconds before now each post is dated
            "late": st.lists(st.integers(0, 600), max_size=4),  # indexed now, dated up to the lookback ago
            "during": st.lists(st.tuples(st.integers(0, 5), st.integers(0, 600)), max_size=4),  # (after page, age)
            "stop": st.none() | st.integers(0, 6),  # stop after this many stored pages
            "crash": st.booleans(),  # … having read one more page that was never stored
            "fail": st.none() | st.integers(0, 4),  # the platform breaks at this read
        }
    ),
    min_size=1,
    max_size=10,
)


@settings(max_examples=100, deadline=None)
@given(moves=moves, page_size=st.integers(1, 7), cap=st.integers(1, 4), history=st.integers(0, 40))
def test_nothing_is_skipped_and_nothing_stored_twice_whatever_happens(
    moves: list[dict[str, Any]], page_size: int, cap: int, history: int
) -> None:
    listing = Listing(page_size)
    reader = Reader({"t": listing}, Reach(timedelta(days=1), timedelta(seconds=600), cap))
    now = START
    for n in range(history):
        listing.publish(now - timedelta(seconds=n // 3))
    for move in moves:
        now += timedelta(seconds=move["wait"])
        for age in move["new"] + move["late"]:
            listing.publish(now - timedelta(seconds=age))
        one_round(reader, listing, now, move)
    settle(reader, now)
    assert sorted(reader.stored) == sorted(one for _, one in listing.posts)


def one_round(reader: Reader, listing: Listing, now: datetime, move: dict[str, Any]) -> None:
    listing.reads = 0
    pages = reader.pages(now)
    number = 0
    while move["stop"] is None or number < move["stop"]:
        listing.broken = Unavailable("down") if move["fail"] == listing.reads else None
        try:
            page = next(pages, None)
        except Unavailable:
            break
        if page is None:
            break
        reader.store(page)
        for after, age in move["during"]:
            if after == number:
                listing.publish(now - timedelta(seconds=age))
        number += 1
    listing.broken = None
    if move["crash"]:
        next(pages, None)
    pages.close()


def settle(reader: Reader, now: datetime) -> None:
    """Poll until nothing comes any more for as many rounds as reading the whole lookback twice, page by page, may take."""
    quiet = 0
    enough = 2 * len(reader.listings["t"].posts) // reader.listings["t"].page_size + 4
    for _ in range(5000):
        now += timedelta(seconds=60)
        quiet = 0 if reader.poll(now) or reader.gaps else quiet + 1
        if quiet == enough:
            return
    pytest.fail("the walk does not come to rest")
