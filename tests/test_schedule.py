"""The jobs: none waits for another, none ends for good, and a round of cron gets everything done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Page
from listener import schedule
from listener.cli.common import log_to_stderr
from listener.deliver import Outlet
from listener.ingest import Feed
from listener.model import Delivery, NewNotification, NotificationKind, NotificationState, Receipt
from listener.schedule import Work
from listener.store import Store
from rules.vocabulary import Urgency
from tests.fakes.story import NOON, post, settle_to, verdict
from tests.test_daemon import wait_for

SECOND = timedelta(seconds=1)


class Told:
    """A receiver that keeps what it was told."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def send(self, delivery: Delivery) -> Receipt:
        self.keys.append(delivery.key)
        return Receipt({})

    def find(self, delivery: Delivery) -> Receipt | None:
        return None


class Posts:
    """A source that yields one page, or breaks."""

    def __init__(self, *numbers: int, meanwhile: Callable[[], object] = lambda: None) -> None:
        self._numbers, self._meanwhile = numbers, meanwhile
        self.polls = 0

    def poll(self, cursor: object, now: datetime) -> Iterator[Page]:
        self.polls += 1
        self._meanwhile()
        yield Page(tuple(post(number) for number in self._numbers), {"at": 1})

    def close(self) -> None: ...


class Hands:
    """A clock that stands still unless somebody sleeps."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def work(store: Store, source: Any, receiver: Any, clock: Any, report: Any = lambda at: None, **options: Any) -> Work:
    store.register_sources({"forum": "replay"}, clock())
    feed = Feed("forum", source, timedelta(minutes=5), settle_to("care"))
    outlet = Outlet("care", receiver, pace=SECOND)
    feeds = {"forum": feed}
    return Work(
        store, feeds, [outlet], lambda _: verdict(), report, lambda *_: None, lambda *_: None, "me", clock, **options
    )


def test_a_round_of_cron_sends_all_that_waits_at_the_receivers_pace(store: Store) -> None:
    told, hands = Told(), Hands()
    schedule.once(work(store, Posts(1, 2, 3), told, hands), sleep=hands.sleep)
    assert len(told.keys) == 3
    assert hands.now >= NOON + 2 * SECOND


def test_a_round_of_cron_sends_alerts_although_the_digest_breaks(store: Store) -> None:
    def broken(at: datetime) -> object:
        raise ZeroDivisionError

    told, hands = Told(), Hands()
    with pytest.raises(ZeroDivisionError):
        schedule.once(work(store, Posts(1), told, hands, broken), sleep=hands.sleep)
    assert len(told.keys) == 1


def test_a_poll_that_could_not_be_ended_is_taken_up_by_the_same_process_at_once(tmp_path: Path) -> None:
    """The database is locked while a poll ends: its lease stays behind, and must not silence the source until it runs out."""
    url = f"sqlite:///{tmp_path / 'listener.db'}"
    with Store.open(url) as store:
        store.migrate()
        source = Posts(1)
        job = work(store, source, Told(), lambda: NOON)
        assert store.lease("forum", "me", NOON, timedelta(minutes=10)) is not None
        assert store.due_sources(NOON, "another") == ()
        stopping = threading.Event()
        scheduler = schedule.start(job, stopping)
        try:
            wait_for(lambda: store.totals().mentions == 1)
        finally:
            stopping.set()
            scheduler.shutdown()


def test_a_stop_while_a_due_source_is_found_ends_all_the_same(store: Store) -> None:
    """The tick stands between "not stopping" and the start of a poll when the end begins."""
    job = work(store, Posts(1), Told(), lambda: NOON)
    found, ended = threading.Event(), threading.Event()

    class Feeds(dict[str, Feed]):
        def __contains__(self, name: object) -> bool:
            found.set()
            ended.wait(1)
            return super().__contains__(name)

    scheduler = schedule.start(replace(job, feeds=Feeds(job.feeds)), threading.Event())
    assert found.wait(10)
    ending = threading.Thread(target=scheduler.shutdown, daemon=True)
    ending.start()
    ended.wait(0.2)
    ended.set()
    ending.join(10)
    assert not ending.is_alive()


def test_a_clock_set_back_does_not_stop_the_jobs(store: Store) -> None:
    beats = threading.Event()
    scheduler = schedule.start(work(store, Posts(), Told(), lambda: NOON, tick=3600), stopping := threading.Event())
    try:
        schedule.every(scheduler, 20, "late", beats.set, datetime.now(UTC) + timedelta(hours=2))
        schedule.mind_the_clock(scheduler, datetime.now(UTC))
        assert beats.wait(10)
    finally:
        stopping.set()
        scheduler.shutdown()


def test_a_job_that_fails_is_named_without_the_words_of_its_error(
    store: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    failed = threading.Event()

    def broken(at: datetime) -> object:
        failed.set()
        raise ValueError("words of a post")

    log_to_stderr("info", "console")
    scheduler = schedule.start(work(store, Posts(), Told(), lambda: NOON, broken), stopping := threading.Event())
    try:
        scheduler.get_job("digest").modify(next_run_time=datetime.now(UTC))
        assert failed.wait(10)
    finally:
        stopping.set()
        scheduler.shutdown()
    said = capfd.readouterr().err
    assert "job_failed" in said
    assert "words of a post" not in said


def test_errors_of_the_database_repeat_no_parameters(store: Store) -> None:
    said = {"text": "words of a post"}
    broken = NewNotification("key", NotificationKind.NOTICE, "care", Urgency.LOW, NOON, None, said)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="parameters hidden"):
        store.enqueue([broken], NOON)


def test_only_the_daemon_that_beats_falls_silent(store: Store) -> None:
    mine, other = (work(store, Posts(), Told(), lambda: NOON) for _ in range(2))
    schedule.beat(mine)
    store.set_meta("heartbeat", {"at": NOON.isoformat(), "owner": "another"})
    schedule.fall_silent(other)
    assert store.get_meta("heartbeat") is not None
    schedule.beat(mine)
    schedule.fall_silent(mine)
    assert store.get_meta("heartbeat") is None


def test_what_cannot_be_rendered_is_given_up_and_holds_up_nobody(store: Store) -> None:
    class Poisoned(Told):
        def send(self, delivery: Delivery) -> Receipt:
            if delivery.case is not None and "1 never" in delivery.case.mentions[0].mention.text:
                raise KeyError("words of a post")
            return super().send(delivery)

    told, hands = Poisoned(), Hands()
    job = work(store, Posts(1, 2), told, hands)
    schedule.once(job, sleep=hands.sleep)
    assert len(told.keys) == 1
    for _ in range(10):
        hands.now += timedelta(minutes=20)
        schedule.once(job, sleep=hands.sleep)
    state = store.outbox(hands.now)
    assert state.counts["care"] == {NotificationState.SENT: 1, NotificationState.DEAD: 1}
    assert "KeyError at test_schedule.py" in str(state.dead[0].error)
    assert "words of a post" not in str(state.dead[0].error)
