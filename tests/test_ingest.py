"""Polling a source into the store: complete, in pages, with gaps that are seen and closed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors.base import Cursor, Mention, Page, Source, SourceContext
from connectors.hackernews import HackerNewsSettings, connector
from listener.cases.clock import ServiceHours
from listener.cases.routing import Route
from listener.cases.settle import Settler
from listener.cases.telling import Rules
from listener.ingest import CATCH_UP, LEASE, LONGEST_BACKOFF, Feed, Polled, poll
from listener.model import Outcome, Verdict
from listener.store import Store
from listener.store.engine import connect
from tests.fakes.hackernews import FakeHackerNews
from tests.fakes.story import verdict

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RULES = Rules((Route("all", ("care",)),), ServiceHours(ZoneInfo("UTC")))


@contextmanager
def feed(site: FakeHackerNews, store: Store, **settings: object) -> Iterator[Feed]:
    source: Source = connector.open(
        HackerNewsSettings.model_validate({"base_url": site.url, "timeout": 5, **settings}),
        SourceContext("hn", ("Acme",), "listener/test", intranet=("127.0.0.0/8",)),
    )
    store.register_sources({"hn": "hackernews"}, NOW)
    try:
        yield Feed("hn", source, timedelta(minutes=5), Settler("hn", RULES), tell="care")
    finally:
        source.close()


def turn(feed: Feed, store: Store, at: datetime = NOW, judge: object = None) -> Polled | None:
    return poll(feed, judge or (lambda _: verdict()), store, "poller", lambda: at)  # type: ignore[arg-type]


def test_a_burst_beyond_the_page_cap_is_read_in_the_next_rounds_and_seen_as_a_gap_meanwhile(store: Store) -> None:
    """700 posts between two polls, 100 a page, at most 5 pages a poll."""
    with FakeHackerNews().start() as site, feed(site, store, page_cap=5, page_size=100) as hn:
        turn(hn, store)
        burst = NOW + timedelta(minutes=1)
        for number in range(700):
            site.publish(f"Acme order {number}", burst + timedelta(milliseconds=300 * number), author=f"a{number}")
        at, rounds = burst + timedelta(minutes=5), 0
        seen_gap = False
        while store.totals().mentions < 700 and rounds < 5:
            turn(hn, store, at)
            rounds += 1
            (state,) = store.sources()
            seen_gap = seen_gap or bool(state.gaps)
            assert state.next_poll_at is not None
            if state.gaps:
                assert [gap.reason for gap in state.gaps] == ["page-cap"]
                assert state.next_poll_at - at <= CATCH_UP
            at = state.next_poll_at
        assert store.totals().mentions == 700
        assert seen_gap
        assert rounds <= 3
        turn(hn, store, at + timedelta(minutes=5))
        assert store.sources()[0].gaps == ()


def test_a_source_that_is_not_due_or_held_by_another_is_left_alone(store: Store) -> None:
    with FakeHackerNews().start() as site, feed(site, store) as hn:
        assert store.lease("hn", "somebody", NOW, timedelta(minutes=1)) is not None
        assert turn(hn, store) is None
        assert turn(hn, store, NOW + timedelta(minutes=2)) is not None
        assert turn(hn, store, NOW + timedelta(minutes=3)) is None


def test_a_platform_that_says_wait_is_not_asked_before(store: Store) -> None:
    with FakeHackerNews().start() as site, feed(site, store) as hn:
        site.fail_next("429", retry_after=900)
        polled = turn(hn, store)
        assert polled is not None
        assert polled.error is not None
        assert store.sources()[0].next_poll_at == NOW + timedelta(seconds=900)


def test_a_lease_lost_while_the_poll_ends_is_no_fault(store: Store) -> None:
    with FakeHackerNews().start() as site, feed(site, store) as hn:
        clock = iter([NOW, NOW, *[NOW + timedelta(hours=1)] * 9])
        slow = replace(hn, source=_Overslept(lambda: store.lease("hn", "quick", NOW + timedelta(hours=1), LEASE)))
        polled = poll(slow, lambda _: verdict(), store, "slow", lambda: next(clock))
        assert polled is not None
        assert polled.error is None
        assert store.lease_owners() == {"quick"}


class _Overslept:
    """A source that yields nothing for so long that another process takes over."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self._meanwhile = meanwhile

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        self._meanwhile()
        yield from ()

    def close(self) -> None: ...


def test_a_database_that_is_locked_fails_the_poll_and_says_so(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'listener.db'}"
    with Store.open(url) as first:
        first.migrate()
    impatient = Store(url, connect(url, busy_seconds=0.05))
    with FakeHackerNews().start() as site, impatient as store, feed(site, store) as hn:
        site.publish("Acme order", NOW - timedelta(minutes=1))
        with closing(sqlite3.connect(tmp_path / "listener.db", isolation_level=None)) as backup:
            slow = replace(hn, source=_Locked(hn.source, backup))
            polled = turn(slow, store)
            assert polled is not None
            assert "is locked by another process" in str(polled.error)
            backup.execute("ROLLBACK")
        assert store.due_sources(NOW) == ()
        assert store.due_sources(NOW, "poller") == ("hn",)
        again = turn(hn, store)
        assert again is not None
        assert (again.new, again.error) == (1, None)


class _Locked:
    """A source during whose poll another program locks the database."""

    def __init__(self, source: Source, backup: sqlite3.Connection) -> None:
        self._source, self._backup = source, backup

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        self._backup.execute("BEGIN IMMEDIATE")
        yield from self._source.poll(cursor, now)

    def close(self) -> None: ...


def test_failures_back_off_and_success_forgets_them(store: Store) -> None:
    with FakeHackerNews().start() as site, feed(site, store) as hn:
        at, waits = NOW, []
        for _ in range(4):
            site.fail_next("503", times=3)
            turn(hn, store, at)
            site.mend()
            again = store.sources()[0].next_poll_at
            assert again is not None
            waits.append(again - at)
            at = again
        assert waits == sorted(waits)
        assert max(waits) <= LONGEST_BACKOFF
        turn(hn, store, at)
        (state,) = store.sources()
        assert (state.failures, state.error, state.last_success_at) == (0, None, at)


def test_what_only_a_person_can_mend_parks_the_source(store: Store) -> None:
    with FakeHackerNews().start() as site, feed(site, store) as hn:
        site.fail_next("403")
        polled = turn(hn, store)
        assert polled is not None
        assert polled.parked
        assert store.due_sources(NOW + timedelta(days=9)) == ()
        notice = store.claim("care", "s", NOW, LEASE)
        assert notice is not None
        assert "hn is parked" in notice.payload["text"]
        assert "listener resume hn" in notice.payload["next"]
        store.unpark("hn", NOW)
        assert turn(hn, store, NOW) is not None
        assert store.sources()[0].parked is None


def test_a_post_that_cannot_be_judged_is_kept_and_does_not_stop_the_others(store: Store) -> None:
    def judge(mention: Mention) -> Verdict:
        if "poison" in mention.text:
            raise ZeroDivisionError(mention.text)
        return verdict()

    with FakeHackerNews().start() as site, feed(site, store) as hn:
        site.publish("Acme poison", NOW - timedelta(minutes=2), author="p")
        site.publish("Acme order", NOW - timedelta(minutes=1), author="q")
        polled = turn(hn, store, judge=judge)
        assert polled is not None
        assert (polled.new, polled.error) == (2, None)
        assert store.totals().outcomes == {Outcome.ALERTED: 2}


def test_a_first_poll_counts_old_posts_and_alerts_none(store: Store) -> None:
    with FakeHackerNews().start() as site, feed(site, store) as hn:
        site.publish("Acme long ago", NOW - timedelta(hours=12), author="old")
        site.publish("Acme just now", NOW - timedelta(minutes=5), author="new")
        polled = turn(hn, store)
        assert polled is not None
        assert (polled.new, polled.notifications) == (2, 1)
        assert store.totals().outcomes == {Outcome.SKIPPED_OLD: 1, Outcome.ALERTED: 1}


def test_a_stop_keeps_the_page_in_hand_and_goes_on_from_there(store: Store) -> None:
    with FakeHackerNews().start() as site, feed(site, store, page_size=10) as hn:
        for number in range(30):
            site.publish(f"Acme {number}", NOW - timedelta(minutes=40 - number), author=f"a{number}")
        poll(hn, lambda _: verdict(), store, "poller", lambda: NOW, stopping=lambda: True)
        assert 0 < store.totals().mentions < 30
        turn(hn, store)
        assert store.totals().mentions == 30
