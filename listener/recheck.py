"""Look stored posts up again: what is gone upstream goes here too, what was edited is judged anew.

How often is the platform's term (`Policy.recheck`); how many at once, the connector's. A post that the platform
says nothing about is asked for again the next time. One that the platform or its connector cannot answer is set aside
until its next turn, so that it holds up no other, and `status` says why. Limits and budgets are those of the source's
account, so a source that may not be asked now is left until it may.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from connectors.base import (
    BudgetReached,
    ConnectorError,
    Known,
    Looked,
    Mention,
    Parked,
    RateLimited,
    Rechecking,
    Unavailable,
)
from listener.faults import place
from listener.ingest import Feed, judged
from listener.model import SourceState, Verdict
from listener.readback import is_backfill_of
from listener.store import Store

log = structlog.get_logger()

EVERY = timedelta(minutes=5)
BUDGET_SHARE = 0.25  # of an account's budget, at most: looking old posts up must not keep new ones from being read
TROUBLE = "recheck:"  # meta key, with the source's name behind it
MOST_BATCHES = 10  # for one source in one round, so that none holds up the others


@dataclass(frozen=True, slots=True)
class Rechecked:
    """What one round did for one source."""

    source: str
    asked: int = 0
    edited: int = 0
    removed: int = 0
    aside: int = 0  # posts that could not be looked up; they are asked for again at their next turn
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
        of = [
            name,
            # Not those from before the source had this connector: it knows nothing of another platform's posts.
            *(other for other in known if is_backfill_of(other, name) and known[other].connector == state.connector),
        ]
        one = _round(feed, of, judge, store, clock, state, stopping)
        if one.asked or one.error:
            log.info("rechecked", source=name, asked=one.asked, edited=one.edited, removed=one.removed)
            _remember(store, one, clock())
            done.append(one)
    return done


def _round(
    feed: Feed,
    of: Sequence[str],
    judge: Callable[[Mention], Verdict],
    store: Store,
    clock: Callable[[], datetime],
    state: SourceState,
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
        asked = _ask(how.source, posts, now, platform_is_up=state.failures == 0)
        for some, looked in asked.answers:
            found = judged(judge, looked.present, now)
            ids = [post.external_id for post in some]
            changed = store.record_look_up(of, ids, found, looked.removed, feed.settle, revise, clock())
            done = replace(
                done,
                asked=done.asked + len(some),
                edited=done.edited + changed.edited,
                removed=done.removed + changed.removed,
            )
        if asked.alone and done.asked:  # others were answered: it is these posts that cannot be, not the connector
            ids = [post.external_id for post in asked.alone]
            store.record_look_up(of, ids, (), (), feed.settle, revise, clock())
            done = replace(done, aside=done.aside + len(ids), error=asked.why)
            log.warning("recheck_set_aside", source=feed.name, posts=len(ids), fault=asked.fault)
        elif asked.fault:
            log.warning("recheck_failed", source=feed.name, fault=asked.fault)
            done = replace(done, error=asked.why)
            break
        if asked.stopped is not None:
            _heed(feed.name, asked.stopped, store, state.account)
            log.warning("recheck_failed", source=feed.name, fault=type(asked.stopped).__name__)
            done = replace(done, error=str(asked.stopped))
            break
        if len(posts) < how.batch:
            break
    if done.removed:
        store.purge_outbox(clock())  # digests that quote them
        store.forget_log()
    return done


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the platform said about a batch."""

    answers: Sequence[tuple[Sequence[Known], Looked]]
    alone: Sequence[Known] = ()  # asked one by one in the end, and not answered
    fault: str = ""  # where or how it failed, for the log
    why: str = ""  # likewise, for the operator
    stopped: ConnectorError | None = None  # asking more makes no sense now


def _ask(source: Rechecking, posts: Sequence[Known], now: datetime, *, platform_is_up: bool) -> _Asked:
    """Look posts up; where that fails, in halves, until those that cannot be stand alone: they must not hold up others."""
    answers: list[tuple[Sequence[Known], Looked]] = []
    alone: list[Known] = []
    fault = why = ""
    failures, waiting = 0, [posts]
    while waiting and failures < 2 * len(posts).bit_length():  # two are found; of more, the rest in the next round
        some = waiting.pop()
        try:
            answers.append((some, source.recheck(some, now)))
            continue
        except (RateLimited, Parked) as error:
            return _Asked(answers, alone, fault, why, error)
        except ConnectorError as error:
            if isinstance(error, Unavailable) and not platform_is_up:
                return _Asked(answers, alone, fault, why, error)
            fault, why = type(error).__name__, str(error)
        except Exception as error:  # noqa: BLE001  # a fault in one connector must not stop the others
            fault = why = place(error)
        failures += 1
        if len(some) == 1:
            alone += some
        else:
            waiting += [some[len(some) // 2 :], some[: len(some) // 2]]
    return _Asked(answers, alone, fault, why)


def _heed(name: str, error: ConnectorError, store: Store, account: str | None) -> None:
    """Wait where the platform asks to. A budget that is reached is this job's own part of it, and nobody else's."""
    if not isinstance(error, RateLimited) or isinstance(error, BudgetReached) or error.retry_at is None:
        return
    sentence = f"{type(error).__name__}: {error}"
    if account is not None:
        store.block_account(account, error.retry_at, sentence)
    else:
        store.hold_source(name, error.retry_at, sentence)


def _remember(store: Store, done: Rechecked, now: datetime) -> None:
    key = TROUBLE + done.source
    if done.error is not None:
        store.set_meta(key, {"at": now.isoformat(), "why": done.error, "aside": done.aside})
    elif store.get_meta(key) is not None:
        store.set_meta(key, None)


def trouble(store: Store, source: str) -> Mapping[str, Any] | None:
    """How the last look-up of a source's posts failed: {"at": ISO time, "why": sentence, "aside": posts}; None: it went well."""
    said = store.get_meta(TROUBLE + source)
    return said if isinstance(said, dict) else None


def _was_told_to_wait(state: SourceState, now: datetime) -> bool:
    """Whether a source that shares its limits with nobody met one."""
    limited = state.error is not None and state.error.startswith(f"{RateLimited.__name__}:")
    return limited and state.next_poll_at is not None and state.next_poll_at > now
