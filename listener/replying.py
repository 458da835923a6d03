"""Answering in public: who can answer which post, and publishing what a person approved, once.

A use case only. What was approved is a row (`Store.want_reply`); it is claimed in a short transaction, published with
nothing open, and marked. One whose sender died, or whose answer was lost, is looked for at its platform before it is
tried again; where that cannot be told, it is said to be unknown and never sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from connectors.base import CannotReply, ConnectorError, Mention, Replying, Voice
from connectors.text import clean
from listener.cases.clock import ServiceHours
from listener.cases.replies import (
    LATE,
    WITHOUT_WORDS,
    Again,
    Chosen,
    Ended,
    Reply,
    ReplyState,
    after_fault,
    after_looking,
    after_publishing,
)
from listener.cases.saved import AUTHOR, SavedReply, filled
from listener.faults import place
from listener.model import Told
from listener.store import Store

log = structlog.get_logger()

LEASE = timedelta(minutes=5)  # outlives the requests of one try by far
LONGEST = 10_000  # characters of any reply


@dataclass(frozen=True, slots=True)
class Replier:
    """A source that can answer, as the daemon drives it. Its own, since no source serves two threads."""

    platform: str
    source: Replying


Repliers = Mapping[str, Replier]  # by the source's name, in the order of the configuration


def choose(repliers: Repliers, told: Told) -> Chosen | CannotReply:
    """The source that found the post, else the first of its platform that can answer it; or why none can."""
    if told.removed_at is not None:
        return CannotReply("gone", "this post was removed; there is nothing to answer")
    names = [name for name, one in repliers.items() if one.platform == told.mention.platform]
    names.sort(key=lambda name: name != told.source)
    why = CannotReply("platform", f"posts of {told.mention.platform} cannot be answered from here; answer there")
    for name in reversed(names):
        found = repliers[name].source.may_reply(told.mention)
        if isinstance(found, CannotReply):
            why = found
    for name in names:
        found = repliers[name].source.may_reply(told.mention)
        if isinstance(found, Voice):
            return Chosen(name, found)
    return why


def begun(saved: SavedReply, told: Told, brand: str, opening: str = "") -> str:
    """What a person begins with: the opening that the platform wants, and the saved reply made ready for this post."""
    author = clean(told.mention.author.name or told.mention.author.handle, AUTHOR)
    text = filled(saved.text, author=author, brand=brand)
    return text if not opening.strip() or opening.strip() in text else f"{opening.strip()} {text}"


def as_published(typed: str) -> str:
    """What a person typed, as it goes out: without control characters and blanks around it."""
    return clean(typed, LONGEST)


def publish(
    repliers: Repliers,
    store: Store,
    hours: ServiceHours,
    owner: str,
    clock: Callable[[], datetime],
    stopping: Callable[[], bool] = lambda: False,
    only: int | None = None,
) -> list[Reply]:
    """Publish what is due, or `only` this one. Returns how each stands now; raises nothing that a source raises."""
    done: list[Reply] = []
    while not stopping():
        claimed = store.claim_reply(owner, clock(), LEASE, list(repliers), only)
        if claimed is None:
            break
        reply, told = claimed
        step = _try(repliers[reply.source].source, reply, told, clock)
        if isinstance(step, Ended):
            store.finish_reply(reply.id, owner, step, hours, clock())
        else:
            store.retry_reply(reply.id, owner, step.due_at, step.why, doubtful=step.doubtful)
        stands = store.reply(reply.id)
        log.info("reply", case=reply.case, reply=reply.id, attempt=reply.attempts, state=stands.state.value)
        done.append(stands)
    return done


def _try(source: Replying, reply: Reply, told: Told, clock: Callable[[], datetime]) -> Ended | Again:
    try:
        if not reply.text:
            return _nothing_to_send(reply)
        if reply.doubtful and (found := _look(source, reply, told.mention, clock)) is not None:
            return found
        if clock() >= reply.too_late:
            return LATE
        try:
            posted = source.reply(told.mention, reply.approved, clock())
        except ConnectorError as error:
            return after_publishing(reply, error, clock())
    except Exception as error:  # noqa: BLE001  # e.g. in a third party's connector; its text may hold what was written
        log.error("reply_fault", reply=reply.id, fault=place(error))
        return after_fault(reply, place(error))
    return Ended(ReplyState.PUBLISHED, "", posted.external_id, posted.url)


def _look(source: Replying, reply: Reply, post: Mention, clock: Callable[[], datetime]) -> Ended | Again | None:
    """What an earlier try has published; None: nothing."""
    try:
        posted = source.find_reply(post, reply.approved, clock())
    except ConnectorError as error:
        return after_looking(reply, error, clock())
    return None if posted is None else Ended(ReplyState.PUBLISHED, "", posted.external_id, posted.url)


def _nothing_to_send(reply: Reply) -> Ended:
    """Its post was removed while it waited."""
    if reply.doubtful:
        return Ended(ReplyState.UNKNOWN, "its post was removed before it was known whether this had got through")
    return WITHOUT_WORDS
