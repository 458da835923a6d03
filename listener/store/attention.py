"""Which cases call for attention: open ones, those that sleep, those whose reminders may be due, and who knows of them.

What runs every minute reads what may have become due, however many cases are open. Each function runs inside a
transaction of its caller.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.cases.plan import CLOSED_STATES
from listener.model import Case, CaseState, NotificationKind, NotificationState
from listener.store.mapping import case_of
from listener.store.pages import TELLING
from listener.store.tables import ASKS, cases, notifications
from rules.vocabulary import Urgency

_CHUNK = 500


def to_wake(connection: Connection, now: datetime) -> Sequence[tuple[Case, datetime]]:
    """Cases that sleep until some time before now, or until enough authors say the same; each with since when it does."""
    until, authors = cases.c.snooze["until"].as_string(), cases.c.snooze["authors"].as_string()
    rows = connection.execute(
        sa.select(cases).where(
            cases.c.state == CaseState.SNOOZED.value,
            cases.c.state_since <= now,
            sa.or_(until <= now.astimezone(UTC).isoformat(), authors.is_not(None)),
        )
    ).mappings()
    return [(case_of(row), row["state_since"]) for row in rows]


def authors_since(connection: Connection, sleepers: Sequence[tuple[Case, datetime]]) -> Mapping[int, int]:
    """For each case (by its id) how many other authors opened cases since, with a touchpoint in common."""
    if not sleepers:
        return {}
    earliest = min(since for _, since in sleepers)
    # Ids are given in order: whatever was opened since stands behind the last one that was not.
    last = (
        sa.select(cases.c.id)
        .where(cases.c.opened_at <= earliest)
        .order_by(cases.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    opened = connection.execute(
        sa.select(cases.c.author_key, cases.c.opened_at, cases.c.touchpoints).where(
            cases.c.id > sa.func.coalesce(last, 0)
        )
    ).all()
    latest: dict[frozenset[str], dict[str, datetime]] = {}  # touchpoints -> author -> when they last opened a case
    for touchpoints in {case.touchpoints for case, _ in sleepers}:
        by_author = latest[touchpoints] = {}
        for author, at, theirs in opened:
            if not touchpoints.isdisjoint(theirs) and at > by_author.get(author, earliest):
                by_author[author] = at
    times = {touchpoints: sorted(by_author.values()) for touchpoints, by_author in latest.items()}
    found = {}
    for case, since in sleepers:
        others = times[case.touchpoints]
        themselves = latest[case.touchpoints].get(case.author_key, since) > since
        found[case.id] = len(others) - bisect_right(others, since) - themselves
    return found


def waiting(
    connection: Connection,
    states: Sequence[CaseState],
    owner: str | None,
    due_by: datetime | None,
    closed_since: datetime | None,
    most: int | None,
    skip: int,
    counted_only: bool,
) -> Sequence[Case]:
    """Cases in these states, the most urgent and longest due first. What is None does not matter.

    `counted_only`: also cases of posts that were read back or imported, which nobody waits for an answer to.
    """
    which = sa.select(cases).where(cases.c.state.in_([state.value for state in states]))
    if not counted_only:
        which = which.where(ASKS)
    if owner is not None:
        which = which.where(cases.c.owner == owner)
    if due_by is not None:
        which = which.where(cases.c.due_at <= due_by)
    if closed_since is not None:
        still_open = cases.c.state.not_in([state.value for state in CLOSED_STATES])
        which = which.where(sa.or_(still_open, cases.c.last_mention_at > closed_since))
    order = (cases.c.urgency.desc(), sa.nulls_last(cases.c.due_at), cases.c.id)
    return [case_of(row) for row in connection.execute(which.order_by(*order).limit(most).offset(skip)).mappings()]


def unanswered(
    connection: Connection, due_since: datetime, due_before: datetime, unclaimed_since: datetime
) -> Sequence[tuple[Case, datetime]]:
    """Cases that somebody should answer, each with the time since which it is in its state.

    New or claimed ones above low whose first reply is due in [due_since, due_before], and critical ones that are new
    since `unclaimed_since`.
    """
    above_low = [int(urgency) for urgency in Urgency if urgency > Urgency.LOW]
    due = sa.select(cases).where(
        cases.c.state.in_([CaseState.NEW.value, CaseState.CLAIMED.value]),
        cases.c.urgency.in_(above_low),
        cases.c.due_at.between(due_since, due_before),
    )
    unclaimed = sa.select(cases).where(
        cases.c.state == CaseState.NEW.value,
        cases.c.urgency == int(Urgency.CRITICAL),
        cases.c.state_since >= unclaimed_since,
    )
    found = {row["id"]: row for part in (due, unclaimed) for row in connection.execute(part).mappings()}
    return [(case_of(row), row["state_since"]) for _, row in sorted(found.items())]


def told_since(connection: Connection, case_ids: Sequence[int]) -> dict[int, dict[str, datetime]]:
    """For each case the receivers that know of it, or are about to, be it from a summary, and when that was decided."""
    found: dict[int, dict[str, datetime]] = {}
    summary = notifications.alias("summary")
    in_summary = sa.exists().where(
        summary.c.id == notifications.c.summary_id,
        summary.c.kind == NotificationKind.SUMMARY.value,
        summary.c.state.in_(TELLING),
    )
    for start in range(0, len(case_ids), _CHUNK):
        rows = connection.execute(
            sa.select(notifications.c.case_id, notifications.c.receiver, notifications.c.created_at)
            .where(
                notifications.c.case_id.in_(case_ids[start : start + _CHUNK]),
                notifications.c.kind == NotificationKind.CASE_OPEN.value,
                sa.or_(
                    notifications.c.state.in_(TELLING),
                    sa.and_(notifications.c.state == NotificationState.FOLDED.value, in_summary),
                ),
            )
            .order_by(notifications.c.id)
        )
        for row in rows:
            found.setdefault(row.case_id, {}).setdefault(row.receiver, row.created_at)
    return found


def reminded(connection: Connection, case_ids: Sequence[int]) -> frozenset[str]:
    """The keys of all reminders that these cases had."""
    found: set[str] = set()
    for start in range(0, len(case_ids), _CHUNK):
        rows = connection.execute(
            sa.select(notifications.c.key).where(
                notifications.c.case_id.in_(case_ids[start : start + _CHUNK]),
                notifications.c.kind == NotificationKind.REMINDER.value,
            )
        )
        found.update(rows.scalars())
    return frozenset(found)
