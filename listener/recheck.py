"""Look stored posts up again: what is gone upstream goes here too, what was edited is judged anew.

How often is the platform's term (`Policy.recheck`); how many at once, the connector's. A post that the platform
says nothing about is asked for again the next time. Limits and budgets are those of the source's account, so
a source that may not be asked now is left until it may.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from connectors.base import BudgetReached, ConnectorError, Mention, Parked, RateLimited
from listener.faults import place
from listener.ingest import Feed, judged
from listener.model import SourceState, Verdict
from listener.readback import is_backfill_of
from listener.store import Store

log = structlog.get_logger()

EVERY = timedelta(minutes=5)
BUDGET_SHARE = 0.25  # of an account's budget, at most: looking old posts up must not keep new ones from being read
MOST_BATCHES = 10  # for one source in one round, so that none holds up the others


@dataclass(frozen=True, slots=True)
class Rechecked:
    """What one round did for one source."""

    source: str
    asked: int = 0
    edited: int = 0
    removed: int = 0
    error: str | None = None


def recheck(
    feeds: Mapping[str, Feed],
    judge: Callable[[Mention], Verdict],
    store: Store,
    clock: Callable[[], datetime],
    stopping: Callable[[], bool] = lambda: False,
) -> list[Rechecked]:
    """One round over all sources that can look up. Raises nothing that a source raises."""
    known = {state.name: state for state in store.sources()}
    done = []
    for name, feed in feeds.items():
        state = known.get(name)
        if feed.recheck is None or state is None or state.parked or stopping():
            continue
        if state.account in store.blocked_accounts(clock()) or _was_told_to_wait(state, clock()):
            continue
        of = [name, *(other for other in known if is_backfill_of(other, name))]
        one = _round(feed, of, judge, store, clock, state.account, stopping)
        if one.asked or one.error:
            log.info("rechecked", source=name, asked=one.asked, edited=one.edited, removed=one.removed)
            done.append(one)
    return done


def _round(
    feed: Feed,
    of: Sequence[str],
    judge: Callable[[Mention], Verdict],
    store: Store,
    clock: Callable[[], datetime],
    account: str | None,
    stopping: Callable[[], bool],
) -> Rechecked:
    how, revise = feed.recheck, feed.revise
    assert how is not None
    assert revise is not None  # whoever looks up also says what an edit changes
    done = Rechecked(feed.name)
    for _ in range(MOST_BATCHES):
        now = clock()
        posts = store.to_check(of, now - how.every, now - how.kept, how.batch)
        if not posts or stopping():
            break
        try:
            looked = how.source.recheck(posts, now)
        except ConnectorError as error:
            # A budget that is reached is this job's own part of it.
            if isinstance(error, RateLimited) and not isinstance(error, BudgetReached) and error.retry_at is not None:
                sentence = f"{type(error).__name__}: {error}"
                if account is not None:
                    store.block_account(account, error.retry_at, sentence)
                else:
                    store.hold_source(feed.name, error.retry_at, sentence)
            log.warning(
                "recheck_failed", source=feed.name, fault=type(error).__name__, parked=isinstance(error, Parked)
            )
            return Rechecked(feed.name, done.asked, done.edited, done.removed, str(error))
        except Exception as error:  # noqa: BLE001  # a fault in one connector must not stop the others
            log.error("recheck_fault", source=feed.name, fault=place(error))
            return Rechecked(feed.name, done.asked, done.edited, done.removed, place(error))
        changed = store.record_look_up(
            of,
            [post.external_id for post in posts],
            judged(judge, looked.present, now),
            looked.removed,
            feed.settle,
            revise,
            clock(),
        )
        done = Rechecked(
            feed.name, done.asked + len(posts), done.edited + changed.edited, done.removed + changed.removed
        )
        if len(posts) < how.batch:
            break
    if done.removed:
        store.purge_outbox(clock())  # digests that quote them
        store.forget_log()
    return done


def _was_told_to_wait(state: SourceState, now: datetime) -> bool:
    """Whether a source that shares its limits with nobody met one."""
    limited = state.error is not None and state.error.startswith(f"{RateLimited.__name__}:")
    return limited and state.next_poll_at is not None and state.next_poll_at > now
