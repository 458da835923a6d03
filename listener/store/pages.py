"""Storing one page: the statements of `Store.record_page`, all inside its one transaction.

Only rows that were not there before get verdicts, cases and notifications. From the first look at what is stored
until the end, writers are taken one at a time (the row lock on the counter): two pages with posts of the same
author, thread or id cannot both open a case. The lock is held for no I/O but the database's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connectors.base import Page
from listener.cases.plan import (
    CLOSED_STATES,
    CaseChange,
    CaseDraft,
    CaseNotification,
    NewMention,
    OpenCase,
    OpenCases,
    Recorded,
    Settle,
    Settled,
    author_key,
    thread_key,
)
from listener.model import Case, CaseState, NewNotification, NotificationKind, NotificationState, Triaged
from listener.store import copies, silences, totals
from listener.store import sources as source_rows
from listener.store.columns import clean
from listener.store.copies import NOTHING_ALIKE, Alike
from listener.store.errors import StoreError
from listener.store.mapping import (
    case_of,
    case_values,
    choose_refs,
    event_values,
    identity,
    mention_values,
    notification_values,
    possible_refs,
    verdict_values,
)
from listener.store.pseudonyms import pseudonyms, removed_id
from listener.store.tables import case_events, cases, counters, mentions, notifications, verdicts
from listener.store.upsert import insert
from listener.store.values import Lease
from rules.vocabulary import Urgency

REOPEN_WITHIN = timedelta(days=7)  # a resolved case may be reopened by its customer for this long (PRODUCT §4)
CASE_COUNTER = "case"
_CHUNK = 500  # values of one IN list; SQLite takes 32,766 variables in a statement, PostgreSQL 65,535

_OPEN_STATES = tuple(sorted(state.value for state in CaseState if state not in CLOSED_STATES))
TELLING = tuple(state.value for state in (NotificationState.PENDING, NotificationState.SENDING, NotificationState.SENT))

T = TypeVar("T")


def record(
    connection: Connection,
    lease: Lease,
    page: Page,
    triaged: Sequence[Triaged],
    settle: Settle,
    now: datetime,
    alike: Alike = NOTHING_ALIKE,
) -> tuple[Recorded, Sequence[int]]:
    """Store the new mentions of a page and all that follows from them; also the ids of the stored cases that changed.

    `advance` must end the same transaction.
    """
    once = list({identity(found.mention): found for found in reversed(triaged)}.values())
    once.sort(key=lambda found: found.mention.published_at)
    new: tuple[NewMention, ...] = ()
    settled = Settled(outcomes={})
    told = 0
    if once:
        lock_counter(connection)
        new = _add_mentions(connection, once, lease.source, now)
        if new:
            settled, told = settle_new(connection, new, settle, now, alike)
            totals.stored(connection, lease.source, new, settled, now)
    recorded = Recorded(len(new), len(triaged), told, dict(Counter(settled.outcomes.values())))
    return recorded, [change.case.id for change in settled.changes]


def advance(connection: Connection, lease: Lease, page: Page, new: int, now: datetime) -> None:
    """Keep the page's gaps and the cursor behind it. The fence last: where the lease is lost, all is undone. Raises LeaseLost."""
    source_rows.sync_gaps(connection, lease.source, page.gaps, now)
    source_rows.advance(connection, lease, page.cursor, new, now)


def settle_new(
    connection: Connection,
    new: Sequence[NewMention],
    settle: Settle,
    now: datetime,
    alike: Alike = NOTHING_ALIKE,
) -> tuple[Settled, int]:
    """Decide what becomes of new mentions, and store it; also how many notifications that made."""
    last_case_id = lock_counter(connection)
    ids = _CaseIds(last_case_id)
    settled = settle(new, _open_cases(connection, new, now, alike), ids.take, now)
    told = _apply(connection, new, settled, now)
    if ids.last != last_case_id:
        connection.execute(counters.update().where(counters.c.name == CASE_COUNTER).values(value=ids.last))
    return settled, told


class _CaseIds:
    """Gives out case ids; those that a rolled-back transaction took are given out again."""

    def __init__(self, last: int) -> None:
        self.last = last

    def take(self) -> int:
        self.last += 1
        return self.last


def lock_counter(connection: Connection) -> int:
    """Keep other writers of mentions and cases out until this transaction ends; the last case id given out."""
    # An UPDATE that changes nothing takes the row lock on PostgreSQL; SQLite holds its one write lock already.
    value: int | None = connection.execute(
        counters.update()
        .where(counters.c.name == CASE_COUNTER)
        .values(value=counters.c.value)
        .returning(counters.c.value)
    ).scalar_one_or_none()
    if value is None:
        raise StoreError("the counter of case ids is missing: the database was not made by `listener db migrate`.")
    return value


def _add_mentions(
    connection: Connection, once: Sequence[Triaged], source: str, now: datetime
) -> tuple[NewMention, ...]:
    known: set[tuple[str, str]] = set()
    for platform in sorted({identity(found.mention)[0] for found in once}):
        ids = [identity(found.mention)[1] for found in once if identity(found.mention)[0] == platform]
        # A purged post is remembered by another name; it must not come back with its words.
        named = {name: one for one in ids for name in (one, removed_id(platform, one))}
        for chunk in _chunks(list(named)):
            rows = connection.execute(
                sa.select(mentions.c.external_id).where(
                    mentions.c.platform == platform, mentions.c.external_id.in_(chunk)
                )
            )
            known.update((platform, named[external_id]) for external_id in rows.scalars())
    fresh = {identity(found.mention): found for found in once if identity(found.mention) not in known}
    if not fresh:
        return ()
    possible = [possible_refs(*key) for key in fresh]
    taken: set[str] = set()
    for chunk in _chunks([ref for refs in possible for ref in refs[:2]]):
        taken.update(connection.execute(sa.select(mentions.c.ref).where(mentions.c.ref.in_(chunk))).scalars())
    rows = connection.execute(
        # Whatever was read above, the constraint has the last word on what is new.
        insert(connection, mentions)
        .on_conflict_do_nothing(index_elements=["platform", "external_id"])
        .returning(mentions.c.id, mentions.c.ref, mentions.c.platform, mentions.c.external_id),
        [
            mention_values(found.mention, ref, source, now)
            for found, ref in zip(fresh.values(), choose_refs(possible, taken), strict=True)
        ],
    )
    stored = {(row.platform, row.external_id): (row.id, row.ref) for row in rows}
    return tuple(NewMention(*stored[key], found) for key, found in fresh.items() if key in stored)


def _open_cases(connection: Connection, new: Sequence[NewMention], now: datetime, alike: Alike) -> OpenCases:
    may_be_joined = (
        cases.c.state.in_(_OPEN_STATES),
        sa.and_(cases.c.state == CaseState.RESOLVED.value, cases.c.state_since >= now - REOPEN_WITHIN),
    )
    found: dict[int, sa.RowMapping] = {}
    names = pseudonyms(connection)
    known_as: dict[str, str] = {}  # the key that a case's hidden name stands for
    for column, keys in (
        (cases.c.author_key, {clean(author_key(mention.mention)) for mention in new}),
        (cases.c.thread_key, {clean(thread_key(mention.mention)) for mention in new}),
    ):
        hidden = {names.of(key): key for key in keys} if names is not None else {}
        known_as |= hidden
        for chunk in _chunks(sorted(keys | hidden.keys())):
            for state in may_be_joined:  # two index ranges instead of one scan
                rows = connection.execute(sa.select(cases).where(column.in_(chunk), state)).mappings()
                found.update((row["id"], row) for row in rows)
    texts = copies.earlier(connection, alike, {one.id for one in new})
    for some in _chunks(sorted({text.case_id for text in texts} - found.keys())):
        for state in may_be_joined:
            rows = connection.execute(sa.select(cases).where(cases.c.id.in_(some), state)).mappings()
            found.update((row["id"], row) for row in rows)
    told = told_receivers(connection, sorted(found))
    idle = [id_ for id_, row in found.items() if row["due_at"] is None and row["state"] in _OPEN_STATES]
    clocks = histories(connection, idle)
    return OpenCases(
        tuple(
            OpenCase(_known(case_of(row), known_as), row["state_since"], tuple(told.get(id_, ())), clocks.get(id_, ()))
            for id_, row in sorted(found.items())
        ),
        silences.for_settling(connection, now),
        texts,
    )


def histories(connection: Connection, case_ids: Sequence[int]) -> dict[int, tuple[Mapping[str, Any], ...]]:
    """What the histories of these cases tell, the oldest first; `listener.cases.turns` reads their clocks in it."""
    found: dict[int, tuple[Mapping[str, Any], ...]] = {}
    for chunk in _chunks(sorted(case_ids)):
        rows = connection.execute(
            sa.select(case_events.c.case_id, case_events.c.detail)
            .where(case_events.c.case_id.in_(chunk))
            .order_by(case_events.c.id)
        )
        for row in rows:
            found[row.case_id] = (*found.get(row.case_id, ()), row.detail or {})
    return found


def _known(case: Case, known_as: Mapping[str, str]) -> Case:
    return replace(
        case,
        author_key=known_as.get(case.author_key, case.author_key),
        thread_key=case.thread_key and known_as.get(case.thread_key, case.thread_key),
    )


def told_receivers(connection: Connection, case_ids: Sequence[int]) -> dict[int, list[str]]:
    """For each case who was told of it, or is about to be; where the message died, nobody."""
    told: dict[int, list[str]] = {}
    for chunk in _chunks(case_ids):
        rows = connection.execute(
            sa.select(notifications.c.case_id, notifications.c.receiver)
            .where(
                notifications.c.case_id.in_(chunk),
                notifications.c.kind == NotificationKind.CASE_OPEN.value,
                notifications.c.state.in_(TELLING),
            )
            .order_by(notifications.c.id)
        )
        for row in rows:
            told.setdefault(row.case_id, []).append(row.receiver)
    return told


def _apply(connection: Connection, new: Sequence[NewMention], settled: Settled, now: datetime) -> int:
    undecided = [mention.ref for mention in new if mention.id not in settled.outcomes]
    if undecided:
        raise ValueError(f"settle left mentions without an outcome: {', '.join(undecided)}")
    connection.execute(
        verdicts.insert(),
        [verdict_values(one.id, settled.verdicts.get(one.id, one.verdict), now) for one in new],
    )
    if settled.drafts:
        connection.execute(
            cases.insert(), [{**case_values(draft.case), "state_since": now} for draft in settled.drafts]
        )
    for change in settled.changes:
        change_case(connection, change, now)
    members: tuple[CaseDraft | CaseChange, ...] = (*settled.drafts, *settled.changes)
    case_of_mention = {mention_id: member.case.id for member in members for mention_id in member.mention_ids}
    connection.execute(
        mentions.update()
        .where(mentions.c.id == sa.bindparam("which"))
        .values(case_id=sa.bindparam("to_case"), outcome=sa.bindparam("became")),
        [
            {
                "which": mention.id,
                "to_case": case_of_mention.get(mention.id),
                "became": settled.outcomes[mention.id].value,
            }
            for mention in new
        ],
    )
    if settled.events:
        connection.execute(case_events.insert(), [event_values(event) for event in settled.events])
    silences.keep(connection, settled.silences, now)
    copies.keep(connection, settled.copies, now)
    return add_notifications(connection, settled.notifications, now)


def open_case(connection: Connection, case_id: int) -> OpenCase:
    """A stored case with whom it was told to, its keys as they stand."""
    row = connection.execute(sa.select(cases).where(cases.c.id == case_id)).mappings().one()
    return OpenCase(case_of(row), row["state_since"], tuple(told_receivers(connection, [case_id]).get(case_id, ())))


def change_case(connection: Connection, change: CaseChange, now: datetime) -> None:
    """Store a case as it shall stand now. Raises ValueError where it is not at the revision that was read."""
    values = case_values(change.case)
    del values["id"]
    state = cases.c.state != change.case.state.value
    changed = connection.execute(
        cases.update()
        .where(cases.c.id == change.case.id, cases.c.revision == change.case.revision - 1)
        .values(
            **values,
            state_since=sa.case((state, sa.literal(now, cases.c.state_since.type)), else_=cases.c.state_since),
        )
    )
    if changed.rowcount != 1:
        raise ValueError(f"case {change.case.ref} is not at revision {change.case.revision - 1}: changed twice?")


def add_notifications(connection: Connection, planned: Sequence[CaseNotification], now: datetime) -> int:
    """Put notifications in the outbox, each key once for ever. Returns how many were not there before."""
    if not planned:
        return 0
    added = connection.execute(
        insert(connection, notifications).on_conflict_do_nothing(index_elements=["key"]).returning(notifications.c.id),
        [notification_values(one, now) for one in planned],
    ).all()
    _hurry(connection, planned)
    return len(added)


_FOLLOWING = (NotificationKind.CASE_UPDATE, NotificationKind.CASE_THREAD)


def _hurry(connection: Connection, planned: Sequence[CaseNotification]) -> None:
    # What follows is sent after what opened the case. A critical follow-up behind an opening message that is held
    # over night would wait with it; so the ones before it become as urgent, and due as early.
    most_urgent: dict[tuple[int, str], NewNotification] = {}
    for one in planned:
        follower = one.notification
        if one.case_id is None or follower.kind not in _FOLLOWING or follower.urgency is Urgency.LOW:
            continue
        known = most_urgent.setdefault((one.case_id, follower.receiver), follower)
        if (follower.urgency, known.due_at) > (known.urgency, follower.due_at):
            most_urgent[one.case_id, follower.receiver] = follower
    if not most_urgent:
        return
    due = sa.bindparam("at_latest", type_=notifications.c.due_at.type)
    connection.execute(
        notifications.update()
        .where(
            notifications.c.case_id == sa.bindparam("of_case"),
            notifications.c.receiver == sa.bindparam("to"),
            notifications.c.state == NotificationState.PENDING.value,
            notifications.c.urgency < sa.bindparam("level"),
        )
        .values(
            urgency=sa.bindparam("level"),
            due_at=sa.case((notifications.c.due_at > due, due), else_=notifications.c.due_at),
        ),
        [
            {"of_case": case_id, "to": receiver, "level": int(follower.urgency), "at_latest": follower.due_at}
            for (case_id, receiver), follower in most_urgent.items()
        ],
    )


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
