"""Poll one source under a lease, page by page: read, triage in memory, record in one transaction.

The cursor is saved with the page it stands behind, so a process that dies at any point repeats at most one page,
which the store's unique key then drops. What goes wrong moves the next poll (a platform that says wait is
not asked before), and what only a person can mend parks the source and is told once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from connectors.base import ConnectorError, Mention, Parked, RateLimited, Rechecking, Source
from listener.bounds import bounded
from listener.cases.plan import Revise, Settle
from listener.faults import place
from listener.model import NewNotification, NotificationKind, Triaged, Verdict
from listener.store import Lease, LeaseLost, Store, StoreError
from listener.triage.unjudged import unjudged
from rules.errors import RulesProblem
from rules.vocabulary import Urgency

log = structlog.get_logger()

LEASE = timedelta(minutes=10)  # renewed with every page; outlives the longest time-out of a connector by far
CATCH_UP = timedelta(minutes=1)  # a source with an open gap is polled again after this at most
LONGEST_BACKOFF = timedelta(hours=1)
FASTER, SLOWER, SLOWEST = 2.0, 1.25, 2.0  # how the pace follows the mentions; SLOWEST: of `every`


@dataclass(frozen=True, slots=True)
class Feed:
    """A source as the daemon drives it."""

    name: str
    source: Source
    every: timedelta
    settle: Settle  # decides cases, outcomes and notifications for the new mentions of a page
    revise: Revise | None = None  # decides what an edited post changes; None: edits and removals are not followed
    least: timedelta | None = None  # the shortest interval while mentions come; None: always `every`
    tell: str | None = None  # the receiver that hears of it when a person must mend this source
    recheck: Recheck | None = None  # how its stored posts are looked up again; None: they cannot be


@dataclass(frozen=True, slots=True)
class Recheck:
    """How the posts of a source are looked up again."""

    source: Rechecking
    batch: int  # posts a look-up
    every: timedelta  # time between two look-ups of a post
    kept: timedelta  # older posts have no words here any more, or are not followed


@dataclass(frozen=True, slots=True)
class Polled:
    """What one poll did."""

    source: str
    pages: int = 0
    scanned: int = 0
    new: int = 0
    edited: int = 0
    removed: int = 0
    notifications: int = 0
    error: str | None = None
    parked: bool = False


def poll(
    feed: Feed,
    judge: Callable[[Mention], Verdict],
    store: Store,
    owner: str,
    clock: Callable[[], datetime],
    *,
    force: bool = False,
    stopping: Callable[[], bool] = lambda: False,
    progress: Callable[[Polled], None] = lambda _: None,
) -> Polled | None:
    """Read everything new of one source. None where it is not due or another process reads it.

    `force` ignores the schedule (neither the lease nor an account that must wait). Once `stopping()` is true the page in hand is still stored.
    Raises nothing once the lease is taken: what goes wrong is in the log and, where it can be written, with the source.
    """
    lease = store.lease(feed.name, owner, clock(), LEASE, force=force)
    if lease is None:
        return None
    done = Polled(feed.name)
    open_gaps = False
    interrupted = False
    try:
        for page in feed.source.poll(lease.cursor, clock()):
            triaged = judged(judge, page.mentions, clock())
            edited = judged(judge, page.edited, clock())
            recorded = store.record_page(lease, page, triaged, feed.settle, clock(), edited, feed.revise)
            open_gaps = any(not gap.lost for gap in page.gaps)
            done = replace(
                done,
                pages=done.pages + 1,
                scanned=done.scanned + max(page.scanned, len(page.mentions)),
                new=done.new + recorded.new,
                edited=done.edited + recorded.edited,
                removed=done.removed + recorded.removed,
                notifications=done.notifications + recorded.notifications,
            )
            progress(done)
            if stopping():
                interrupted = True
                break
    except LeaseLost:
        log.warning("lease_lost", source=feed.name)
        return done
    except (ConnectorError, StoreError) as error:
        return _failed(feed, lease, store, clock(), done, error)
    except Exception as error:  # noqa: BLE001  # a fault in one connector must not silence the others; it is shown in status
        log.error("connector_fault", source=feed.name, fault=place(error))
        return _failed(
            feed, lease, store, clock(), done, ConnectorError(f"fault of listener, please report: {place(error)}")
        )
    now = clock()
    pace = next_pace(lease.pace or feed.every, done.new, feed.every, feed.least)
    wait = timedelta(0) if interrupted else min(pace, CATCH_UP) if open_gaps else pace
    _finish(store, lease, now, now + wait, pace=pace)
    log.info("polled", source=feed.name, pages=done.pages, scanned=done.scanned, new=done.new, next_in=wait.seconds)
    return done


def next_pace(pace: timedelta, new: int, every: timedelta, least: timedelta | None) -> timedelta:
    """The time to the next poll: halved down to `least` while mentions come, drawn out to twice `every` while none do.

    `least` None: always `every`, because the platform's limits bear no more and nothing is saved by asking less.
    """
    if least is None:
        return every
    if new:
        return max(min(least, every), min(pace, every) / FASTER)
    return min(pace * SLOWER, every * SLOWEST)


def judged(judge: Callable[[Mention], Verdict], found: Iterable[Mention], now: datetime) -> list[Triaged]:
    """What a page holds, fit to be stored, with verdicts."""
    return [Triaged(mention, surely(judge, mention)) for mention in (bounded(one, now) for one in found)]


def surely(judge: Callable[[Mention], Verdict], mention: Mention) -> Verdict:
    """The verdict; where judging fails, one that asks a person, so that a single post never stops its source."""
    try:
        return judge(mention)
    except RulesProblem:
        raise  # no fault of the post: nothing can be judged until a person mends the rules
    except Exception as error:  # noqa: BLE001  # whatever it is, the post must be kept
        log.error("triage_fault", platform=mention.platform, fault=place(error))
        return unjudged(place(error))


def _failed(feed: Feed, lease: Lease, store: Store, now: datetime, done: Polled, error: Exception) -> Polled:
    backoff = min(feed.every * 2 ** min(lease.failures, 6), max(LONGEST_BACKOFF, feed.every))
    again = now + backoff
    sentence = f"{type(error).__name__}: {error}"
    if isinstance(error, RateLimited):
        # Not sooner than an error of any kind: some platforms say "in a second" for as long as one asks.
        again = again if error.retry_at is None else max(error.retry_at, now + min(backoff, CATCH_UP))
        _block(store, lease, again, sentence)
    parked = isinstance(error, Parked)
    _finish(store, lease, now, again, sentence, parked)
    if parked:
        _tell(feed, store, f"{feed.name} is parked and reads nothing: {error}", now)
    log.warning("poll_failed", source=feed.name, fault=type(error).__name__, again_at=again.isoformat(), parked=parked)
    return replace(done, error=sentence, parked=parked)


def _block(store: Store, lease: Lease, until: datetime, sentence: str) -> None:
    """A limit is the account's: its other sources need not run into it one after the other."""
    if lease.account is None:
        return
    try:
        store.block_account(lease.account, until, sentence)
    except StoreError as fault:
        log.error("account_not_blocked", account=lease.account, fault=type(fault).__name__)


def _tell(feed: Feed, store: Store, sentence: str, now: datetime) -> None:
    if feed.tell is None:
        return
    notice = NewNotification(
        key=f"notice:parked:{feed.name}:{now:%Y-%m-%dT%H:%M}:{feed.tell}",
        kind=NotificationKind.NOTICE,
        receiver=feed.tell,
        urgency=Urgency.HIGH,
        due_at=now,
        reason="source-parked",
        payload={"text": sentence, "next": f"Mend it, then: listener resume {feed.name}"},
    )
    try:
        store.enqueue([notice], now)
    except StoreError as fault:
        log.error("not_told", source=feed.name, fault=type(fault).__name__)


def _finish(
    store: Store,
    lease: Lease,
    now: datetime,
    again: datetime,
    error: str | None = None,
    parked: bool = False,
    pace: timedelta | None = None,
) -> None:
    """End the poll. Where the database does not let us, the next poll of this process takes up its own lease."""
    try:
        store.finish(lease, now, again, error=error, parked=error if parked else None, pace=pace)
    except LeaseLost:
        log.warning("lease_lost", source=lease.source)
    except StoreError as fault:
        log.error("poll_not_finished", source=lease.source, fault=type(fault).__name__)
