"""Every job of the daemon on one screen.

Jobs are rebuilt at each start; what must survive a restart (next poll, leases, outbox) lives in the store. The poll
tick asks which sources are due and starts one short-lived job for each; one job a receiver, so that a slow one
holds up nobody else. No job sleeps for a rate limit: it moves its row's next time and returns.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from connectors.base import Mention
from listener.deliver import Outlet, deliver
from listener.faults import place
from listener.ingest import Feed, poll
from listener.model import Verdict
from listener.retention import EVERY as PURGE_EVERY
from listener.retention import is_due as purge_is_due
from listener.store import Store

log = structlog.get_logger()

HEARTBEAT = 20.0  # seconds; `health` calls a daemon dead after three missed ones
PURGE = PURGE_EVERY.total_seconds()


@dataclass(frozen=True, slots=True)
class Work:
    """What there is to do, built by the composition root."""

    store: Store
    feeds: Mapping[str, Feed]
    outlets: Sequence[Outlet]
    judge: Callable[[Mention], Verdict]
    report: Callable[[datetime], object]  # puts the digest into the outbox once it is due
    purge: Callable[[datetime, Callable[[], bool]], object]  # takes away words that were kept long enough
    owner: str  # unique to this process: leases carry it
    clock: Callable[[], datetime]
    workers: int = 4  # sources polled at the same time
    tick: float = 1.0  # seconds between two looks at what is due


def start(work: Work, stopping: threading.Event) -> BackgroundScheduler:
    """Start all jobs and return the running scheduler; `shutdown(wait=True)` lets the page and message in hand finish."""
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(len(work.outlets) + 4), "poll": ThreadPoolExecutor(work.workers)},
        # The default grace of one second silently drops jobs that start late (PLATFORMS §4).
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
    scheduler.add_listener(_report_fault, EVENT_JOB_ERROR)
    polling = _Polling(work, stopping, scheduler)
    now = work.clock()

    every(scheduler, work.tick, "poll-tick", polling.tick, now)
    for outlet in work.outlets:
        every(scheduler, work.tick, f"deliver:{outlet.name}", _deliver(work, outlet, stopping), now)
    every(scheduler, 60.0, "digest", lambda: work.report(work.clock()), now + timedelta(seconds=5))
    every(scheduler, PURGE, "retention", lambda: work.purge(work.clock(), stopping.is_set), now + timedelta(seconds=10))
    every(scheduler, HEARTBEAT, "heartbeat", lambda: beat(work), now)

    scheduler.start()
    return scheduler


def every(
    scheduler: BackgroundScheduler, seconds: float, name: str, job: Callable[[], object], first: datetime
) -> None:
    """Run `job` every so many seconds, the first time at `first`."""
    scheduler.add_job(job, "interval", seconds=seconds, id=name, next_run_time=first)


def beat(work: Work) -> None:
    """Leave a sign of life for `health` and `status`."""
    work.store.set_meta("heartbeat", {"at": work.clock().isoformat(), "owner": work.owner})


def once(work: Work, progress: Callable[[str], None] = lambda _: None) -> None:
    """One round for cron: poll what is due, put a due digest into the outbox, send what is due, purge if it is time."""
    for name in work.store.due_sources(work.clock()):
        if name in work.feeds:
            progress(f"polling {name}")
            poll(work.feeds[name], work.judge, work.store, work.owner, work.clock)
    work.report(work.clock())
    for outlet in work.outlets:
        progress(f"delivering to {outlet.name}")
        deliver(outlet, work.store, work.owner, work.clock)
    if purge_is_due(work.store, work.clock()):
        work.purge(work.clock(), lambda: False)


class _Polling:
    """Starts a job for each due source; remembers which are under way in this process."""

    def __init__(self, work: Work, stopping: threading.Event, scheduler: BackgroundScheduler) -> None:
        self._work, self._stopping, self._scheduler = work, stopping, scheduler
        self._under_way: set[str] = set()
        self._lock = threading.Lock()

    def tick(self) -> None:
        for name in self._work.store.due_sources(self._work.clock()):
            with self._lock:
                if name not in self._work.feeds or name in self._under_way or self._stopping.is_set():
                    continue
                self._under_way.add(name)
            # No id of its own: APScheduler counts an instance as running until a moment after its function returned, and
            # would silently drop a job of the same id that is added within that moment.
            self._scheduler.add_job(self._poll, args=[name], executor="poll")

    def _poll(self, name: str) -> None:
        work = self._work
        try:
            poll(work.feeds[name], work.judge, work.store, work.owner, work.clock, stopping=self._stopping.is_set)
        finally:
            with self._lock:
                self._under_way.discard(name)


def _deliver(work: Work, outlet: Outlet, stopping: threading.Event) -> Callable[[], object]:
    return lambda: deliver(outlet, work.store, work.owner, work.clock, stopping.is_set)


def _report_fault(event: JobExecutionEvent) -> None:
    log.error("job_failed", job=event.job_id, fault=place(event.exception))
