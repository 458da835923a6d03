"""How the daemon fares, read in one short transaction whose cost does not grow with what is stored.

Everything is a row, the end of an index, or a count that stops at `MOST`: `health`, `/readyz` and `/metrics` ask often.
Each function runs inside a transaction of its caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.cases.plan import CLOSED_STATES
from listener.model import CaseState, NotificationState, SourceState
from listener.store import outbox, schema, sources, totals
from listener.store.tables import ASKS, TRIED, WAITING, cases, gaps, meta, notifications, spend
from listener.store.tables import sources as source_rows
from listener.store.values import ReceiverState, SchemaState, Spent
from rules.vocabulary import Urgency

MOST = 5_000  # rows of one kind are counted so far and no further
HEARTBEAT = "heartbeat"  # meta key
_COUNTED = (NotificationState.PENDING, NotificationState.SENDING, NotificationState.DEAD)
_KINDS = tuple((state, urgency) for state in CaseState if state not in CLOSED_STATES for urgency in Urgency)


@dataclass(frozen=True, slots=True)
class Vitals:
    """The state of one database at one moment. Counts of waiting messages and of cases end at `MOST`."""

    at: datetime
    schema: SchemaState
    heartbeat: datetime | None  # last sign of life of a daemon
    sources: tuple[SourceState, ...]  # without their gaps, which are counted below
    gaps: Mapping[str, tuple[int, int]]  # source -> open ones that are still to be read, lost ones
    blocked: Mapping[str, tuple[datetime, str]]  # account -> until when it must wait, and why
    spent: Mapping[str, Spent]  # account -> this UTC day and month
    receivers: Mapping[str, ReceiverState]
    outbox: Mapping[str, Mapping[NotificationState, int]]  # receiver -> pending, sending, dead
    oldest: Mapping[str, Mapping[Urgency, datetime]]  # receiver -> urgency -> since when the oldest due one waits
    cases: Mapping[tuple[CaseState, Urgency], int]  # open ones
    overdue: Mapping[Urgency, int]  # cases whose first reply was due
    totals: Mapping[totals.Total, int]
    notes: Mapping[str, Any]  # meta values whose keys begin as asked


def read(connection: Connection, names: Sequence[str], notes: str, now: datetime) -> Vitals:
    """The vitals, with the outbox of the receivers `names` and the meta values whose keys begin with `notes`."""
    counted: dict[str, Mapping[NotificationState, int]] = {}
    oldest: dict[str, Mapping[Urgency, datetime]] = {}
    for name in names:
        counted[name], oldest[name] = _outbox(connection, name, now)
    numbers, overdue = _cases(connection, now)
    return Vitals(
        at=now,
        schema=schema.state_in(connection),
        heartbeat=heartbeat(connection),
        sources=tuple(
            sources.state_of(row) for row in connection.execute(sa.select(source_rows).order_by(source_rows.c.name))
        ),
        gaps={
            row.source: (row.open, row.lost)
            for row in connection.execute(
                sa.select(
                    gaps.c.source,
                    sa.func.sum(sa.case((~gaps.c.lost, 1), else_=0)).label("open"),
                    sa.func.sum(sa.case((gaps.c.lost, 1), else_=0)).label("lost"),
                )
                .where(sa.or_(gaps.c.closed_at.is_(None), gaps.c.lost))
                .group_by(gaps.c.source)
            )
        },
        blocked=sources.blocked(connection, now),
        spent=_spent(connection, now),
        receivers=outbox.receiver_states(connection),
        outbox=counted,
        oldest=oldest,
        cases=numbers,
        overdue=overdue,
        totals=totals.read(connection),
        notes={
            row.key: row.value
            for row in connection.execute(sa.select(meta).where(meta.c.key >= notes, meta.c.key < notes + "\uffff"))
        },
    )


def heartbeat(connection: Connection) -> datetime | None:
    """The last sign of life of a daemon on this database."""
    beat = connection.execute(sa.select(meta.c.value).where(meta.c.key == HEARTBEAT)).scalar_one_or_none()
    return datetime.fromisoformat(beat["at"]) if isinstance(beat, dict) and isinstance(beat.get("at"), str) else None


def _outbox(
    connection: Connection, receiver: str, now: datetime
) -> tuple[Mapping[NotificationState, int], Mapping[Urgency, datetime]]:
    """What waits for one receiver."""
    values = connection.execute(_asked_of_outbox(), {"receiver": receiver, "now": now}).one()
    since: dict[Urgency, datetime] = {}
    for place, urgency in enumerate(Urgency):
        begun = [when for when in values[len(_COUNTED) + 2 * place :][:2] if when is not None]
        if begun:
            since[urgency] = min(begun)
    return dict(zip(_COUNTED, values[: len(_COUNTED)], strict=True)), since


@cache  # building it costs more than the database does
def _asked_of_outbox() -> sa.Select[Any]:
    """One statement of seeks and counts that end."""
    ours = notifications.c.receiver == sa.bindparam("receiver")
    is_due = notifications.c.due_at <= sa.bindparam("now", type_=notifications.c.due_at.type)
    asked = [_count(notifications, ours, notifications.c.state == state.value) for state in _COUNTED]
    for urgency in Urgency:
        level = notifications.c.urgency == int(urgency)
        asked.append(_first(notifications.c.due_at, sa.text(WAITING), ours, level, is_due))
        # Every attempt moves the time of the next; what was tried once has been waiting since it was decided.
        asked.append(_first(notifications.c.created_at, sa.text(TRIED), ours, level))
    return sa.select(*asked)


def _cases(
    connection: Connection, now: datetime
) -> tuple[Mapping[tuple[CaseState, Urgency], int], Mapping[Urgency, int]]:
    values = connection.execute(_asked_of_cases(), {"now": now}).one()
    overdue = dict.fromkeys(Urgency, 0)
    for (_, urgency), late in zip(_KINDS, values[len(_KINDS) :], strict=True):
        overdue[urgency] += late
    return dict(zip(_KINDS, values[: len(_KINDS)], strict=True)), overdue


@cache
def _asked_of_cases() -> sa.Select[Any]:
    is_late = cases.c.due_at < sa.bindparam("now", type_=cases.c.due_at.type)
    kinds = [(cases.c.state == state.value, cases.c.urgency == int(urgency), ASKS) for state, urgency in _KINDS]
    return sa.select(*[_count(cases, *kind) for kind in kinds], *[_count(cases, *kind, is_late) for kind in kinds])


def _count(table: sa.Table, *where: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    """How many rows there are, up to MOST."""
    rows = sa.select(sa.literal(1)).select_from(table).where(*where).limit(MOST).subquery()
    return sa.select(sa.func.count()).select_from(rows).scalar_subquery()


def _first(column: sa.ColumnElement[Any], *where: Any) -> sa.ColumnElement[Any]:
    """The least value, which an index holds first."""
    return sa.select(column).where(*where).order_by(column).limit(1).scalar_subquery()


def _spent(connection: Connection, now: datetime) -> Mapping[str, Spent]:
    day = now.astimezone(UTC).strftime("%Y-%m-%d")
    rows = connection.execute(
        sa.select(
            spend.c.account,
            sa.func.sum(sa.case((spend.c.day == day, spend.c.micro_usd), else_=0)).label("today"),
            sa.func.sum(spend.c.micro_usd).label("month"),
        )
        .where(spend.c.day >= day[:7], spend.c.day < day[:7] + "-99")
        .group_by(spend.c.account)
    )
    return {row.account: Spent(int(row.today), int(row.month)) for row in rows}
