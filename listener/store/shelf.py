"""The shelf, stored: one step is one transaction with its line in the audit trail and the edit of its case's message.

Each function runs inside a transaction of its caller. The words of a post stay the mention's: what takes those away
(`purging`) takes the entry off the shelf as well. The audit trail holds references and states, never a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.cases.plan import CaseChange, CaseEvent, CaseNotification, read_case_ref
from listener.cases.shelf import (
    Asked,
    Grant,
    Loyal,
    Move,
    No,
    Praise,
    PraiseState,
    ShelfStep,
    Shelved,
    Standing,
    Step,
    decide,
)
from listener.model import Case, NewNotification, NotificationKind, Told
from listener.store import reading
from listener.store.deeds import leading
from listener.store.mapping import TOLD, TOLD_FROM, Row, case_of, event_values, told_of
from listener.store.pages import add_notifications, change_case, lock_counter, told_receivers
from listener.store.tables import audit, case_events, cases, mentions, praise, verdicts
from listener.store.upsert import insert
from rules.vocabulary import Intent, Urgency

_SHELVED = (*TOLD, cases.c.ref.label("case_ref"), *(column.label(f"shelf_{column.name}") for column in praise.c))
_SHELVED_FROM = TOLD_FROM.join(praise, praise.c.mention_id == mentions.c.id).outerjoin(
    cases, cases.c.id == mentions.c.case_id
)


def step(connection: Connection, typed: str, move: Move, now: datetime) -> Shelved | No | None:
    """Do it to a mention, or to the post of a case that is on the shelf or leads. None: neither is called so."""
    lock_counter(connection)
    told, case = meant(connection, typed)
    if told is None:
        return None
    if told.removed_at is not None:
        return No.GONE
    if move.revision is not None and case is not None and move.revision != case.revision:
        return No.STALE
    known = _entry(connection, told.id)
    decided = decide(known, move, now)
    if isinstance(decided, No):
        return decided
    values = _values(told.id, decided)
    connection.execute(
        insert(connection, praise).values(**values).on_conflict_do_update(index_elements=["mention_id"], set_=values)
    )
    if decided.state is PraiseState.GRANTED:  # it may be too old to be looked up (`changes.due`); now it is again
        again = sa.func.coalesce(mentions.c.checked_at, mentions.c.seen_at)
        connection.execute(mentions.update().where(mentions.c.id == told.id).values(checked_at=again))
    states = {"from": known.state.value if known else None, "to": decided.state.value}
    detail = {"mention": told.ref, "through": move.through, **states}
    connection.execute(audit.insert(), {"at": now, "who": move.who, "what": f"praise-{move.step}", "detail": detail})
    if case is not None:
        _show(connection, case, told.ref, move, now)
    return Shelved(decided, told, None if case is None else case.ref)


def entries(connection: Connection, states: Sequence[PraiseState]) -> tuple[Shelved, ...]:
    """What stands in these states, the longest unchanged first."""
    rows = connection.execute(
        sa.select(*_SHELVED)
        .select_from(_SHELVED_FROM)
        .where(praise.c.state.in_([state.value for state in states]))
        .order_by(praise.c.since, praise.c.mention_id)
    ).mappings()
    return tuple(_shelved_of(row) for row in rows)


def standing(connection: Connection) -> Standing:
    """How many stand where, and what waits longest for an answer."""
    counts = connection.execute(sa.select(praise.c.state, sa.func.count()).group_by(praise.c.state)).all()
    row = (
        connection.execute(
            sa.select(*_SHELVED)
            .select_from(_SHELVED_FROM)
            .where(praise.c.state == PraiseState.ASKED.value)
            .order_by(praise.c.since, praise.c.mention_id)
            .limit(1)
        )
        .mappings()
        .one_or_none()
    )
    return Standing({PraiseState(state): number for state, number in counts}, None if row is None else _shelved_of(row))


def steps(connection: Connection, before: datetime) -> tuple[ShelfStep, ...]:
    """Every step that was taken before, in its order, of posts that were not removed before."""
    rows = connection.execute(
        sa.select(audit.c.at, audit.c.detail)
        .where(audit.c.what.in_([f"praise-{step}" for step in Step]), audit.c.at < before)
        .order_by(audit.c.id)
    ).all()
    refs = {str(row.detail["mention"]) for row in rows}
    removed = sa.select(mentions.c.ref).where(mentions.c.ref.in_(refs), mentions.c.removed_at < before)
    gone = set(connection.execute(removed).scalars()) if refs else set()
    return tuple(
        ShelfStep(row.at, str(row.detail["mention"]), PraiseState(row.detail["to"]))
        for row in rows
        if row.detail["mention"] not in gone
    )


def kept(now: datetime) -> sa.ColumnElement[bool]:
    """Of a mention: its author allowed that it is shown, so that it outlives retention."""
    return sa.exists().where(
        praise.c.mention_id == mentions.c.id,
        praise.c.state == PraiseState.GRANTED.value,
        sa.or_(praise.c.until.is_(None), praise.c.until > now),
    )


def take_off(connection: Connection, mention_ids: Sequence[int]) -> None:
    """These posts lose their words: nothing of them stays on the shelf, what was typed about them included."""
    connection.execute(praise.delete().where(praise.c.mention_id.in_(mention_ids)))


def loyal(connection: Connection, since: datetime, least: int) -> tuple[Loyal, ...]:
    """Who praised us at least so often since, the most often first. Only people whose name is still kept."""
    times, last = sa.func.count(), sa.func.max(mentions.c.published_at)
    rows = connection.execute(
        sa.select(
            mentions.c.platform,
            sa.func.max(mentions.c.author_handle).label("handle"),
            sa.func.max(mentions.c.author_name).label("name"),
            times.label("times"),
            sa.type_coerce(last, mentions.c.published_at.type).label("last_at"),
        )
        .select_from(TOLD_FROM)
        .where(
            mentions.c.published_at >= since,
            mentions.c.removed_at.is_(None),
            sa.or_(mentions.c.author_handle != "", mentions.c.author_name != ""),
            verdicts.c.relevant,
            verdicts.c.subject == "brand",
            ~verdicts.c.promotional,
            _has(Intent.PRAISE),
            ~_has(Intent.COMPLAINT),
        )
        .group_by(mentions.c.platform, mentions.c.author_key)
        .having(times >= least)
        .order_by(times.desc(), last.desc(), mentions.c.author_key)
    )
    return tuple(Loyal(row.platform, row.handle, row.name, row.times, row.last_at) for row in rows)


def _has(intent: Intent) -> sa.ColumnElement[bool]:
    return verdicts.c.intents.cast(sa.Text).like(f'%"{intent.value}"%')


def meant(connection: Connection, typed: str) -> tuple[Told | None, Case | None]:
    """The mention called so, or of the case called so the one on the shelf, else the one that leads; with its case."""
    told = reading.told(connection, typed)
    if told is not None:
        row = (
            connection.execute(
                sa.select(cases).join(mentions, mentions.c.case_id == cases.c.id).where(mentions.c.id == told.id)
            )
            .mappings()
            .one_or_none()
        )
        return told, None if row is None else case_of(row)
    ref = read_case_ref(typed)
    row = connection.execute(sa.select(cases).where(cases.c.ref == ref)).mappings().one_or_none()
    if row is None:
        return None, None
    case = case_of(row)
    shelved = connection.execute(reading.on_shelf(case.id, praise.c.mention_id)).scalar_one_or_none()
    told = leading(connection, case.id) if shelved is None else reading.told_by_id(connection, shelved)
    return told, case


def _show(connection: Connection, case: Case, mention: str, move: Move, now: datetime) -> None:
    """The case's history says so, and its message shows what can follow. No note: a shelf is no news in a thread."""
    changed = replace(case, revision=case.revision + 1)
    change_case(connection, CaseChange(changed), now)
    event = CaseEvent(case.id, now, f"praise-{move.step}", move.who, move.through, {"mention": mention})
    connection.execute(case_events.insert(), [event_values(event)])
    planned = [
        CaseNotification(
            NewNotification(
                f"case:{case.ref}:rev{changed.revision}:{receiver}",
                NotificationKind.CASE_UPDATE,
                receiver,
                Urgency.NORMAL,
                now,
                "praise",
            ),
            case.id,
        )
        for receiver in told_receivers(connection, [case.id]).get(case.id, ())
    ]
    add_notifications(connection, planned, now)


def _entry(connection: Connection, mention_id: int) -> Praise | None:
    columns = [column.label(f"shelf_{column.name}") for column in praise.c]
    row = connection.execute(sa.select(*columns).where(praise.c.mention_id == mention_id)).mappings().one_or_none()
    return None if row is None else _praise_of(row)


def _shelved_of(row: Row) -> Shelved:
    return Shelved(_praise_of(row), told_of(row), row["case_ref"])


def _praise_of(row: Row) -> Praise:
    asked_at, granted_at = row["shelf_asked_at"], row["shelf_granted_at"]
    return Praise(
        state=PraiseState(row["shelf_state"]),
        since=row["shelf_since"],
        who=row["shelf_who"],
        found_at=row["shelf_found_at"],
        found_by=row["shelf_found_by"],
        why=row["shelf_why"],
        asked=asked_at and Asked(asked_at, row["shelf_asked_by"], row["shelf_asked_words"], row["shelf_asked_link"]),
        grant=granted_at
        and Grant(granted_at, row["shelf_granted_by"], row["shelf_evidence"], row["shelf_scope"], row["shelf_until"]),
    )


def _values(mention_id: int, entry: Praise) -> dict[str, Any]:
    asked, grant = entry.asked, entry.grant
    return {
        "mention_id": mention_id,
        "state": entry.state.value,
        "since": entry.since,
        "who": entry.who,
        "found_at": entry.found_at,
        "found_by": entry.found_by,
        "why": entry.why,
        "asked_at": asked and asked.at,
        "asked_by": asked and asked.who,
        "asked_words": asked and asked.words,
        "asked_link": asked and asked.link,
        "granted_at": grant and grant.at,
        "granted_by": grant and grant.who,
        "evidence": grant and grant.evidence,
        "scope": grant and grant.scope,
        "until": grant and grant.until,
    }
