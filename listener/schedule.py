"""Every job of the daemon on one screen.

Jobs are rebuilt at each start; what must survive a restart (next poll, leases, outbox) lives in the store. The poll
tick asks which sources are due and starts one short-lived job for each; one job a receiver, so that a slow one
holds up nobody else. No job sleeps for a rate limit: it moves its row's next time and returns.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_SCHEDULER_SHUTDOWN, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from connectors.base import Mention
from listener.deliver import Outlet, deliver
from listener.faults import place
from listener.ingest import Feed, Polled, poll
from listener.minding import EVERY as MIND
from listener.model import Verdict
from listener.recheck import EVERY as RECHECK_EVERY
from listener.recheck import recheck
from listener.retention import EVERY as PURGE_EVERY
from listener.retention import is_due as purge_is_due
from listener.spiking import EVERY as SPIKES
from listener.store import Store
from listener.watch.pulse import Pulse

if TYPE_CHECKING:
    from listener.watch.ping import Ping

log = structlog.get_logger()

HEARTBEAT = 20.0  # seconds; `health` calls a daemon dead after three missed ones
SET_BACK = timedelta(minutes=5)  # less is put right by waiting, and by time servers all day
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
    mind: Callable[[datetime, Callable[[], bool]], object]  # wakes cases, reminds of those that nobody answers
    owner: str  # unique to this process: leases carry it
    clock: Callable[[], datetime]
    workers: int = 4  # sources polled at the same time
    spikes: Callable[[datetime, Callable[[], bool]], object] | None = None  # looks for spikes; None: nobody does
    replies: Callable[[Callable[[], bool]], object] | None = (
        None  # publishes what people approved; None: nothing may be
    )
    tick: float = 1.0  # seconds between two looks at what is due
    ping: Ping | None = None  # the dead man's
    pulse: Pulse = field(default_factory=Pulse)  # whether this process moves


def start(work: Work, stopping: threading.Event) -> BackgroundScheduler:
    """Start all jobs and return the running scheduler; `shutdown(wait=True)` lets the page and message in hand finish."""
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(len(work.outlets) + 8)},
        # The default grace of one second silently drops jobs that start late (PLATFORMS §4).
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
    scheduler.add_listener(_report_fault, EVENT_JOB_ERROR)
    delivering = _Delivering(work, stopping, scheduler)
    polling = _Polling(work, stopping, delivering.hurry)
    scheduler.add_listener(polling.finish, EVENT_SCHEDULER_SHUTDOWN)
    now = work.clock()

    every(scheduler, work.tick, "poll-tick", polling.tick, now)
    for outlet in work.outlets:
        every(scheduler, work.tick, f"deliver:{outlet.name}", partial(delivering.deliver, outlet), now)
    every(scheduler, 60.0, "digest", lambda: work.report(work.clock()), now + timedelta(seconds=5))
    every(scheduler, PURGE, "retention", lambda: work.purge(work.clock(), stopping.is_set), now + timedelta(seconds=10))
    every(scheduler, MIND, "mind", lambda: work.mind(work.clock(), stopping.is_set), now + timedelta(seconds=2))
    if (replies := work.replies) is not None:
        every(scheduler, work.tick, "replies", lambda: replies(stopping.is_set), now)
    if (spikes := work.spikes) is not None:
        every(scheduler, SPIKES, "spikes", lambda: spikes(work.clock(), stopping.is_set), now + timedelta(seconds=20))
    look_up = partial(recheck, work.feeds, work.judge, work.store, work.clock, stopping.is_set)
    every(scheduler, RECHECK_EVERY.total_seconds(), "recheck", look_up, now + timedelta(seconds=15))
    every(scheduler, HEARTBEAT, "heartbeat", lambda: beat(work), now)
    if (ping := work.ping) is not None:
        every(scheduler, ping.every.total_seconds(), "ping", lambda: ping(work.clock()), now + timedelta(seconds=20))

    scheduler.start()
    return scheduler


def every(
    scheduler: BackgroundScheduler, seconds: float, name: str, job: Callable[[], object], first: datetime
) -> None:
    """Run `job` every so many seconds, the first time at `first`."""
    scheduler.add_job(job, "interval", seconds=seconds, id=name, next_run_time=first)


def mind_the_clock(scheduler: BackgroundScheduler, now: datetime) -> None:
    """Run at once what lies further ahead than its interval: the clock was set back, and nothing would run until then."""
    for job in scheduler.get_jobs():
        interval = getattr(job.trigger, "interval", None)
        if interval is not None and job.next_run_time is not None and job.next_run_time - now > 2 * interval:
            log.warning("clock_set_back", job=job.id)
            job.modify(next_run_time=now)


def heed_the_clock(store: Store, seen: datetime | None, now: datetime) -> None:
    """Where something happened at a time that is yet to come, the clock was set back: nothing waits for the old one."""
    if seen is not None and seen - now > SET_BACK:
        log.warning("clock_set_back", seconds=round((seen - now).total_seconds()))
        store.turn_back(seen - now, now)


def beat(work: Work) -> None:
    """Leave a sign of life for probes of this process, and one for `health` and `status`."""
    work.pulse.jobs_ran()
    last = work.store.get_meta("heartbeat")
    if isinstance(last, dict) and last.get("owner") == work.owner:  # another machine's clock proves nothing of ours
        heed_the_clock(work.store, datetime.fromisoformat(last["at"]), work.clock())
    work.store.set_meta("heartbeat", {"at": work.clock().isoformat(), "owner": work.owner})


def fall_silent(work: Work) -> None:
    """Take the sign of life back, unless it is that of another daemon on the same database."""
    last = work.store.get_meta("heartbeat")
    if isinstance(last, dict) and last.get("owner") == work.owner:
        work.store.set_meta("heartbeat", None)


def once(
    work: Work, progress: Callable[[str], None] = lambda _: None, sleep: Callable[[float], object] = time.sleep
) -> None:
    """One round for cron: poll what is due, put a due digest into the outbox, send all that waits, purge if it is time.

    A part that breaks keeps no other from its turn; the first fault is raised at the end.
    """
    faults: list[Exception] = []

    def attempt(part: str, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001  # cron must send alerts even if the digest cannot be made
            log.error("job_failed", job=part, fault=place(error))
            faults.append(error)

    for name in work.store.due_sources(work.clock()):
        if name in work.feeds:
            progress(f"polling {name}")
            attempt(f"poll:{name}", partial(poll, work.feeds[name], work.judge, work.store, work.owner, work.clock))
    attempt("digest", lambda: work.report(work.clock()))
    attempt("mind", lambda: work.mind(work.clock(), lambda: False))
    if (spikes := work.spikes) is not None:
        attempt("spikes", lambda: spikes(work.clock(), lambda: False))
    if (replies := work.replies) is not None:
        attempt("replies", lambda: replies(lambda: False))
    attempt("recheck", lambda: recheck(work.feeds, work.judge, work.store, work.clock))
    for outlet in work.outlets:
        progress(f"delivering to {outlet.name}")
        attempt(f"deliver:{outlet.name}", partial(_empty, work, outlet, sleep))
    if purge_is_due(work.store, work.clock()):
        attempt("purge", lambda: work.purge(work.clock(), lambda: False))
    if faults:
        raise faults[0]


def _empty(work: Work, outlet: Outlet, sleep: Callable[[float], object]) -> None:
    """Send until nothing may be sent any more, at the outlet's pace."""
    while deliver(outlet, work.store, work.owner, work.clock):
        sleep(outlet.pace.total_seconds())


class _Polling:
    """Polls each due source in a pool of its own; remembers which are under way in this process.

    Not as jobs of the scheduler: it counts a job as running until a moment after its function returned and drops one of the
    same id meanwhile, and while it shuts down it holds the lock that adding a job needs, and waits for the tick that adds.
    """

    def __init__(self, work: Work, stopping: threading.Event, hurry: Callable[[], object]) -> None:
        self._work, self._stopping, self._hurry = work, stopping, hurry
        self._pool = futures.ThreadPoolExecutor(work.workers, "poll")
        self._under_way: set[str] = set()
        self._lock = threading.Lock()

    def tick(self) -> None:
        # Those this process has a lease on as well: one that is not under way could not be given back.
        for name in self._work.store.due_sources(self._work.clock(), self._work.owner):
            with self._lock:
                if name not in self._work.feeds or name in self._under_way or self._stopping.is_set():
                    continue
                self._pool.submit(self._poll, name)
                self._under_way.add(name)

    def finish(self, _event: object) -> None:
        """Let the pages in hand be stored."""
        self._pool.shutdown(wait=True)

    def _poll(self, name: str) -> None:
        work = self._work
        try:
            if not self._stopping.is_set():  # it may have waited for a free worker until the end
                poll(
                    work.feeds[name],
                    work.judge,
                    work.store,
                    work.owner,
                    work.clock,
                    stopping=self._stopping.is_set,
                    progress=self._tell,
                )
        except Exception as error:  # noqa: BLE001  # nobody reads the future of this thread
            log.error("job_failed", job=f"poll:{name}", fault=place(error))
        finally:
            with self._lock:
                self._under_way.discard(name)

    def _tell(self, so_far: Polled) -> None:
        """A page was stored. What it brought need not wait for the next tick, nor for the pages behind it."""
        if so_far.notifications:
            self._hurry()


class _Delivering:
    """Sends what waits: at each tick, and as soon as there is something and its receiver's pace allows it."""

    def __init__(self, work: Work, stopping: threading.Event, scheduler: BackgroundScheduler) -> None:
        self._work, self._stopping, self._scheduler = work, stopping, scheduler
        self._free_at: dict[str, datetime] = {}  # when a receiver may be sent to again
        self._under_way: dict[str, bool] = {}  # receiver -> whether something came since it was looked for
        self._lock = threading.Lock()

    def deliver(self, outlet: Outlet) -> None:
        work, name = self._work, outlet.name
        with self._lock:
            self._under_way[name] = False
        sent = False
        try:
            sent = bool(deliver(outlet, work.store, work.owner, work.clock, self._stopping.is_set))
        finally:
            with self._lock:
                came_since = self._under_way.pop(name)
                if sent:
                    self._free_at[name] = work.clock() + outlet.pace
        # Without it the next message would wait for the first tick behind its second: for up to two of them.
        if came_since or (sent and outlet.pace):
            self._look(name)

    def hurry(self) -> None:
        """Something came: look now, or as soon as a receiver's pace allows it."""
        for outlet in self._work.outlets:
            with self._lock:
                under_way = outlet.name in self._under_way
                if under_way:
                    self._under_way[outlet.name] = True
            if not under_way:
                self._look(outlet.name)

    def _look(self, name: str) -> None:
        if self._stopping.is_set():
            return
        now = self._work.clock()
        with contextlib.suppress(
            JobLookupError
        ):  # the scheduler ended meanwhile; what waits is sent after the next start
            self._scheduler.modify_job(f"deliver:{name}", next_run_time=max(now, self._free_at.get(name, now)))


def _report_fault(event: JobExecutionEvent) -> None:
    log.error("job_failed", job=event.job_id, fault=place(event.exception))
