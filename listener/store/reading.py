"""Statements that only read: mentions, cases, counts, the outbox as `status` and `explain` show them.

Each function runs inside a transaction of its caller, but for `counted_after`, which is one page of a longer read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.cases.plan import CLOSED_STATES, CaseEvent, read_case_ref
from listener.model import CaseView, Counted, NotificationState, Outcome, Told
from listener.store.errors import AmbiguousRef
from listener.store.mapping import (
    COUNTED,
    COUNTED_FROM,
    NOTIFICATION,
    TOLD,
    TOLD_FROM,
    case_of,
    counted_of,
    notification_of,
    told_of,
)
from listener.store.ranges import mentions_run
from listener.store.tables import (
    ASKS,
    WAITING,
    audit,
    case_events,
    cases,
    counters,
    mentions,
    notifications,
    praise,
    verdicts,
)
from listener.store.values import AuditLine, NotificationRow, OutboxState, Totals, WeekCount
from rules.vocabulary import Stage

CASE_MENTIONS = 50  # that a case is shown with: its first, and the latest
REMOVED_COUNTER = "removed"  # mentions purged so far: asking each one would read them all
_CANDIDATES = 10
_DEAD_SHOWN = 5


def told_by_id(connection: Connection, mention_id: int) -> Told | None:
    """One stored mention."""
    row = connection.execute(_told().where(mentions.c.id == mention_id)).mappings().one_or_none()
    return None if row is None else told_of(row)


def told(connection: Connection, typed: str) -> Told | None:
    """The mention whose reference begins so. Raises AmbiguousRef where several do."""
    prefix = typed.strip().lower().rstrip("…")
    if not prefix or set(prefix) - set("0123456789abcdef"):
        return None
    # A range, not LIKE: every collation sorts "g" behind the hexadecimal digits, and the index serves it.
    rows = (
        connection.execute(
            _told()
            .where(mentions.c.ref >= prefix, mentions.c.ref < prefix + "g")
            .order_by(mentions.c.ref)
            .limit(_CANDIDATES)
        )
        .mappings()
        .all()
    )
    exact = [row for row in rows if row["ref"] == prefix]
    if len(rows) > 1 and not exact:
        raise AmbiguousRef(prefix, tuple(row["ref"] for row in rows))
    return told_of((exact or rows)[0]) if rows else None


def case(connection: Connection, typed: str) -> CaseView | None:
    """The case that people call so."""
    ref = read_case_ref(typed)
    return None if ref is None else case_view(connection, cases.c.ref == ref)


def case_view(connection: Connection, which: sa.ColumnElement[bool]) -> CaseView | None:
    """A case with its first and its latest mentions, oldest first."""
    row = connection.execute(sa.select(cases).where(which)).mappings().one_or_none()
    if row is None:
        return None
    of_case = _told().where(mentions.c.case_id == row["id"])
    latest = list(
        connection.execute(of_case.order_by(mentions.c.published_at.desc(), mentions.c.id.desc()).limit(CASE_MENTIONS))
        .mappings()
        .all()
    )
    if len(latest) == CASE_MENTIONS:
        latest[-1] = (
            connection.execute(of_case.order_by(mentions.c.published_at, mentions.c.id).limit(1)).mappings().one()
        )
    shelf = connection.execute(on_shelf(row["id"], praise.c.state)).scalar_one_or_none() or ""
    return CaseView(case_of(row), tuple(told_of(mention) for mention in reversed(latest)), shelf)


def on_shelf(case_id: int, column: sa.Column[Any]) -> sa.Select[Any]:
    """Of a case's entries on the shelf the one that changed last: what its message speaks of."""
    return (
        sa.select(column)
        .select_from(praise.join(mentions, mentions.c.id == praise.c.mention_id))
        .where(mentions.c.case_id == case_id)
        .order_by(praise.c.since.desc(), praise.c.mention_id.desc())
        .limit(1)
    )


def case_history(connection: Connection, case_id: int) -> tuple[CaseEvent, ...]:
    """What happened to a case, oldest first."""
    rows = connection.execute(
        sa.select(case_events).where(case_events.c.case_id == case_id).order_by(case_events.c.at, case_events.c.id)
    )
    return tuple(CaseEvent(row.case_id, row.at, row.what, row.who, row.through, row.detail) for row in rows)


def notifications_of(connection: Connection, mention_id: int) -> tuple[NotificationRow, ...]:
    """What was or will be told because of this mention or its case, oldest first."""
    its_case = sa.select(mentions.c.case_id).where(mentions.c.id == mention_id).scalar_subquery()
    rows = connection.execute(
        sa.select(*NOTIFICATION)
        .where(sa.or_(notifications.c.mention_id == mention_id, notifications.c.case_id == its_case))
        .order_by(notifications.c.id)
    ).mappings()
    return tuple(notification_of(row) for row in rows)


def outbox(connection: Connection, now: datetime) -> OutboxState:
    """Counts by receiver and state, how long the oldest due one waits, and what died."""
    counts: dict[str, dict[NotificationState, int]] = {}
    for receiver, state, count in connection.execute(
        sa.select(notifications.c.receiver, notifications.c.state, sa.func.count())
        .group_by(notifications.c.receiver, notifications.c.state)
        .order_by(notifications.c.receiver, notifications.c.state)
    ):
        counts.setdefault(receiver, {})[NotificationState(state)] = count
    # Every attempt moves the time of the next; what was tried once has been waiting since it was decided.
    tried = notifications.c.attempts > 0
    since = sa.func.min(sa.case((tried, notifications.c.created_at), else_=notifications.c.due_at))
    waiting = {
        receiver: now - oldest
        for receiver, oldest in connection.execute(
            sa.select(notifications.c.receiver, sa.type_coerce(since, notifications.c.due_at.type))
            .where(sa.text(WAITING), sa.or_(tried, notifications.c.due_at <= now))
            .group_by(notifications.c.receiver)
            .order_by(notifications.c.receiver)
        )
    }
    dead = connection.execute(
        sa.select(*NOTIFICATION)
        .where(notifications.c.state == NotificationState.DEAD.value)
        .order_by(notifications.c.ended_at.desc(), notifications.c.id.desc())
        .limit(_DEAD_SHOWN)
    ).mappings()
    dead_rows = tuple(notification_of(row) for row in dead)
    return OutboxState(counts, max(waiting.values(), default=None), dead_rows, waiting)


def counted_after(
    connection: Connection, since: datetime, until: datetime, after: tuple[datetime, int] | None, limit: int
) -> tuple[tuple[Counted, ...], tuple[datetime, int] | None]:
    """At most `limit` mentions published in [since, until) behind `after`, and where to go on (None: at the end)."""
    statement = _behind(sa.select(*COUNTED).select_from(COUNTED_FROM), since, until, after, limit)
    rows = connection.execute(statement).all()
    onward = (rows[-1][0], rows[-1][1]) if len(rows) == limit else None
    return tuple(counted_of(row) for row in rows), onward


def told_after(
    connection: Connection, since: datetime, until: datetime, after: tuple[datetime, int] | None, limit: int
) -> tuple[tuple[Told, ...], tuple[datetime, int] | None]:
    """Likewise, with the whole mention and its verdict; purged mentions are not whole and left out."""
    statement = _behind(_told().where(mentions.c.removed_at.is_(None)), since, until, after, limit)
    rows = connection.execute(statement).mappings().all()
    onward = (rows[-1]["published_at"], rows[-1]["id"]) if len(rows) == limit else None
    return tuple(told_of(row) for row in rows), onward


def _behind(
    selected: sa.Select[Any],
    since: datetime,
    until: datetime,
    after: tuple[datetime, int] | None,
    limit: int,
) -> sa.Select[Any]:
    statement = selected.where(mentions.c.published_at < until)
    if after is None:
        statement = statement.where(mentions.c.published_at >= since)
    else:
        published_at, id_ = after
        statement = statement.where(
            mentions.c.published_at >= published_at,
            sa.or_(mentions.c.published_at > published_at, mentions.c.id > id_),
        )
    return statement.order_by(mentions.c.published_at, mentions.c.id).limit(limit)


def weekly(
    connection: Connection, since: datetime, until: datetime, week_starts: Sequence[datetime]
) -> list[WeekCount]:
    """Counts of each week (from its start to the next one's, the last one's to `until`), within [since, until)."""
    counts = []
    for start, begins, ends in _weeks(since, until, week_starts):
        by = (
            verdicts.c.subject,
            verdicts.c.relevant,
            verdicts.c.stage,
            verdicts.c.sentiment_label,
            verdicts.c.promotional,
        )
        rows = connection.execute(
            sa.select(*by, sa.func.count(), sa.func.count(mentions.c.author_key.distinct()))
            .select_from(TOLD_FROM)
            .where(
                mentions.c.published_at >= begins,
                mentions.c.published_at < ends,
                mentions_run(connection, begins, ends).holds(verdicts.c.mention_id),
            )
            .group_by(*by)
            .order_by(*by)
        )
        counts += [
            WeekCount(start, subject, relevant, Stage(stage), label, number, authors, promotional)
            for subject, relevant, stage, label, promotional, number, authors in rows
        ]
    return counts


def totals(connection: Connection) -> Totals:
    """How much is stored, with the outcomes as they are now. The incremental `total` rows (listener.store.totals) say what became
    of mentions when they were stored; edits, deeds and copies change that later, so they cannot answer this.
    """
    outcomes = {
        Outcome(outcome): count
        for outcome, count in connection.execute(
            sa.select(mentions.c.outcome, sa.func.count())
            .where(mentions.c.outcome.is_not(None))
            .group_by(mentions.c.outcome)
        )
    }
    still_open = connection.execute(
        sa.select(sa.func.count()).where(cases.c.state.not_in([state.value for state in CLOSED_STATES]), ASKS)
    ).scalar_one()
    removed: int | None = connection.execute(
        sa.select(counters.c.value).where(counters.c.name == REMOVED_COUNTER)
    ).scalar_one_or_none()
    return Totals(sum(outcomes.values()), still_open, outcomes, removed or 0)


def _told() -> sa.Select[tuple[object, ...]]:
    return sa.select(*TOLD).select_from(TOLD_FROM)


def _weeks(
    since: datetime, until: datetime, week_starts: Sequence[datetime]
) -> Iterator[tuple[datetime, datetime, datetime]]:
    starts = sorted(week_starts)
    for start, following in zip(starts, [*starts[1:], until], strict=True):
        begins, ends = max(start, since), min(following, until)
        if begins < ends:
            yield start, begins, ends


def audit_trail(connection: Connection, limit: int) -> tuple[AuditLine, ...]:
    """The last deeds, newest first."""
    rows = connection.execute(sa.select(audit).order_by(audit.c.id.desc()).limit(limit))
    return tuple(AuditLine(row.at, row.who, row.what, row.detail) for row in rows)


def useful(connection: Connection, since: datetime) -> dict[str, int]:
    """For each source how many of the mentions seen since are about the brand or a rival, and no promotion."""
    # Ids are given in order: whatever was seen since stands behind the last one that was not, which is found from the end.
    newest = mentions.alias("newest")
    last = (
        sa.select(newest.c.id).where(newest.c.seen_at < since).order_by(newest.c.id.desc()).limit(1).scalar_subquery()
    )
    # Not the bare column: SQLite would read all of an index that is sorted by it.
    source = (mentions.c.source + "").label("source")
    rows = connection.execute(
        sa.select(source, sa.func.count().label("number"))
        .select_from(TOLD_FROM)
        .where(mentions.c.id > sa.func.coalesce(last, 0), verdicts.c.relevant, ~verdicts.c.promotional)
        .group_by(source)
    )
    return {row.source: row.number for row in rows}
