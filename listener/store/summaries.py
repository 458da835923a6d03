"""Statements about summaries: what waits folds into one message, inside the claim that would have sent it singly.

A folded row names the summary that tells it (`summary_id`, and `error` in words), so nothing is dropped unseen, and what
becomes of its case later can edit that summary. Which cases a summary tells is read when it is claimed: it is as new
as they are, and holds no words of its own. Each function runs inside a transaction of its caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.cases.manners import EDITS_APART, STORM_HOUR, SUMMARY_CASES, Manners
from listener.cases.plan import CLOSED_STATES, CaseNotification
from listener.model import NewNotification, NotificationKind, NotificationState, Receipt, Summary
from listener.store.mapping import notification_values
from listener.store.pages import CASE_COUNTER, TELLING, lock_counter
from listener.store.reading import case_view
from listener.store.tables import WAITING, cases, counters, notifications, receivers
from listener.store.upsert import insert
from rules.vocabulary import Urgency

REMOVED = "post-removed"  # the reason of what takes words away: it waits for no opening

_OPEN, _SUMMARY, _EDIT = (
    kind.value for kind in (NotificationKind.CASE_OPEN, NotificationKind.SUMMARY, NotificationKind.SUMMARY_UPDATE)
)
_PENDING, _SENDING, _SENT, _DEAD, _FOLDED = (
    state.value
    for state in (
        NotificationState.PENDING,
        NotificationState.SENDING,
        NotificationState.SENT,
        NotificationState.DEAD,
        NotificationState.FOLDED,
    )
)
_CRITICAL = int(Urgency.CRITICAL)
_CHUNK = 500
_later = notifications.alias("later")


class Fold(StrEnum):
    """What became of an opening that was about to be sent."""

    NO = "no"  # it is sent singly
    YES = "yes"
    BUSY = "busy"  # somebody stores posts, maybe of its case: ask again in a moment


def fold(connection: Connection, row: sa.RowMapping, manners: Manners, now: datetime) -> Fold:
    """Fold the opening `row`, and all that waits like it, into a summary where manners want it."""
    receiver = row["receiver"]
    if manners.quiet or row["urgency"] >= _CRITICAL or row["doubtful"] or row["state"] != _PENDING:
        return Fold.NO  # what may stand in the channel already is looked up there, not told once more
    if manners.opened_at is not None and row["created_at"] < manners.opened_at:
        key = f"opening:{receiver}:{manners.opened_at.isoformat()}"
        held = _waiting(connection, receiver, manners.opened_at)
        if len(held) > 1 and row["id"] in held and _summary(connection, [key]) is None:
            return _gather(connection, receiver, key, None, held, "held-quiet-hours", now)
    if manners.singles_per_hour is None or _singles(connection, receiver, now) < manners.singles_per_hour:
        return Fold.NO
    keys = [f"storm:{receiver}:{at:%Y-%m-%dT%H}" for at in (now, now - STORM_HOUR)]
    known = _summary(connection, keys)
    if known is not None and known["created_at"] <= now - STORM_HOUR:
        known = None
    waiting = _waiting(connection, receiver, None)
    if row["id"] not in waiting or (known is not None and _is_refused(connection, known)):
        return Fold.NO  # where the summary itself is refused, nothing may vanish in it
    return _gather(connection, receiver, keys[0], known, waiting, "folded-storm", now)


def show_again(connection: Connection, case_id: int, reason: str, now: datetime) -> None:
    """Edit the summaries that tell this case."""
    found = connection.execute(
        sa.select(notifications.c.summary_id)
        .where(
            notifications.c.case_id == case_id,
            notifications.c.state == _FOLDED,
            notifications.c.summary_id.is_not(None),
        )
        .distinct()
    ).scalars()
    for summary_id in list(found):
        row = connection.execute(sa.select(notifications).where(notifications.c.id == summary_id)).mappings().one()
        if row["kind"] == _SUMMARY and row["state"] != _DEAD and not _is_unseen(row):
            _edit(connection, row, reason, now)


def size(connection: Connection, summary_id: int) -> int:
    """How many notifications a summary tells: its revision, which only grows."""
    number: int = connection.execute(
        sa.select(sa.func.count()).select_from(notifications).where(*_told_in(summary_id))
    ).scalar_one()
    return number


def unfold(connection: Connection, summary_id: int, now: datetime) -> None:
    """A summary, or an edit of it, was refused: what it does not show is told singly, unless told anew meanwhile."""
    lock_counter(connection)
    shown: int | None = connection.execute(
        sa.select(sa.func.max(notifications.c.rendered_revision)).where(*_standing(summary_id))
    ).scalar()
    unseen = connection.execute(
        sa.select(notifications.c.id)
        .where(*_told_in(summary_id))
        .order_by(notifications.c.ended_at, notifications.c.id)
        .offset(shown or 0)
    ).scalars()
    told_since = sa.exists().where(
        _later.c.case_id == notifications.c.case_id,
        _later.c.receiver == notifications.c.receiver,
        _later.c.id > notifications.c.id,
        _later.c.kind == _OPEN,
        _later.c.state.in_(TELLING),
    )
    ids = list(unseen)
    for start in range(0, len(ids), _CHUNK):
        connection.execute(
            notifications.update()
            .where(notifications.c.id.in_(ids[start : start + _CHUNK]), ~told_since)
            .values(state=_PENDING, summary_id=None, ended_at=None, due_at=now, error="its summary was refused")
        )


def state_of(connection: Connection, summary_id: int) -> NotificationState:
    """What became of a summary."""
    state = connection.execute(sa.select(notifications.c.state).where(notifications.c.id == summary_id)).scalar_one()
    return NotificationState(state)


def standing(connection: Connection, summary_id: int) -> Receipt | None:
    """Where a summary stands now: the receipt of its last edit, else its own."""
    receipt: Mapping[str, Any] | None = connection.execute(
        sa.select(notifications.c.receipt).where(*_standing(summary_id)).order_by(notifications.c.id.desc()).limit(1)
    ).scalar()
    return None if receipt is None else Receipt(receipt)


def load(connection: Connection, summary_id: int) -> Summary:
    """The cases of a summary as they stand now. One that cannot be read is counted and not shown."""
    of_summary = notifications.join(cases, cases.c.id == notifications.c.case_id)
    told = _told_in(summary_id)
    levels = connection.execute(
        sa.select(cases.c.urgency, sa.func.count(cases.c.id.distinct()))
        .select_from(of_summary)
        .where(*told)
        .group_by(cases.c.urgency)
        .order_by(cases.c.urgency.desc())
    )
    closed = sa.case((cases.c.state.in_(sorted(state.value for state in CLOSED_STATES)), 1), else_=0).label("closed")
    first = connection.execute(
        sa.select(cases.c.id, cases.c.urgency, closed)
        .select_from(of_summary)
        .where(*told)
        .distinct()
        .order_by(closed, cases.c.urgency.desc(), cases.c.id)
        .limit(SUMMARY_CASES)
    )
    views = []
    for row in first.all():
        try:
            view = case_view(connection, cases.c.id == row.id)
        except (ValueError, TypeError, LookupError):  # a newer release wrote it; the others must not wait for that
            continue
        if view is not None:
            views.append(view)
    key = connection.execute(sa.select(notifications.c.key).where(notifications.c.id == summary_id)).scalar_one()
    return Summary(
        "opening" if key.startswith("opening:") else "storm",
        tuple(views),
        {Urgency(urgency): count for urgency, count in levels},
    )


def _told_in(summary_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return notifications.c.summary_id == summary_id, notifications.c.kind == _OPEN, notifications.c.state == _FOLDED


def _standing(summary_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    edits = sa.and_(notifications.c.summary_id == summary_id, notifications.c.kind == _EDIT)
    return sa.or_(notifications.c.id == summary_id, edits), notifications.c.state == _SENT


def _is_refused(connection: Connection, summary: sa.RowMapping) -> bool:
    """The receiver does not accept it, or not any more."""
    if summary["state"] == _DEAD:
        return True
    dead = sa.select(notifications.c.id).where(
        notifications.c.summary_id == summary["id"],
        notifications.c.kind == _EDIT,
        notifications.c.state == _DEAD,
    )
    return connection.execute(dead.limit(1)).first() is not None


def _gather(
    connection: Connection,
    receiver: str,
    key: str,
    known: sa.RowMapping | None,
    waiting: Mapping[int, int],
    why: str,
    now: datetime,
) -> Fold:
    # Whoever stores a post meanwhile counts on the messages that wait: its entry would hang below one that never comes.
    if not _try_lock_counter(connection):
        return Fold.BUSY
    urgency = max(waiting.values())
    if known is None:
        new = NewNotification(key, NotificationKind.SUMMARY, receiver, Urgency(urgency), now, why)
        values = notification_values(CaseNotification(new, None), now)
        known = connection.execute(notifications.insert().values(**values).returning(notifications)).mappings().one()
    ids = sorted(waiting)
    for start in range(0, len(ids), _CHUNK):
        connection.execute(
            notifications.update()
            .where(notifications.c.id.in_(ids[start : start + _CHUNK]))
            .values(state=_FOLDED, summary_id=known["id"], error=f"{why}: told in {known['key']}", ended_at=now)
        )
    if _is_unseen(known):
        connection.execute(
            notifications.update()
            .where(notifications.c.id == known["id"], notifications.c.urgency < urgency)
            .values(urgency=urgency)
        )
    else:
        _edit(connection, known, why, now)
    return Fold.YES


def _is_unseen(summary: sa.RowMapping) -> bool:
    """It will be read anew when it is claimed, and no earlier attempt may stand in the channel."""
    return summary["state"] == _PENDING and not summary["doubtful"]


def _edit(connection: Connection, summary: sa.RowMapping, reason: str, now: datetime) -> None:
    edits = connection.execute(
        sa.select(notifications.c.id, notifications.c.state, notifications.c.sent_at).where(
            notifications.c.summary_id == summary["id"], notifications.c.kind == _EDIT
        )
    ).all()
    waiting = [one.id for one in edits if one.state == _PENDING]
    if waiting:
        if reason == REMOVED:
            connection.execute(notifications.update().where(notifications.c.id.in_(waiting)).values(reason=REMOVED))
        return
    shown = [at for at in (summary["sent_at"], *(one.sent_at for one in edits)) if at is not None]
    if any(state == _SENDING for state in (summary["state"], *(one.state for one in edits))):
        shown.append(now)
    new = NewNotification(
        key=f"{summary['key']}:edit:{len(edits) + 1}",
        kind=NotificationKind.SUMMARY_UPDATE,
        receiver=summary["receiver"],
        urgency=Urgency.NORMAL,
        due_at=max([now, *(at + EDITS_APART for at in shown)]),
        reason=reason,
        payload={"removed": reason == REMOVED},
    )
    values = notification_values(CaseNotification(new, None), now)
    connection.execute(notifications.insert().values(**values, summary_id=summary["id"]))


def _waiting(connection: Connection, receiver: str, before: datetime | None) -> Mapping[int, int]:
    """Openings that may fold, with their urgency. Those that another claim is deciding on are left to it."""
    critical = sa.exists().where(cases.c.id == notifications.c.case_id, cases.c.urgency >= _CRITICAL)
    statement = sa.select(notifications.c.id, notifications.c.urgency).where(
        notifications.c.receiver == receiver,
        sa.text(f"notification.{WAITING}"),
        notifications.c.state == _PENDING,
        notifications.c.kind == _OPEN,
        notifications.c.summary_id.is_(None),  # not told in a spike's thread
        notifications.c.urgency < _CRITICAL,
        notifications.c.summary_id.is_(None),  # else it belongs into the thread of a spike
        ~notifications.c.doubtful,
        ~critical,
    )
    if before is not None:
        statement = statement.where(notifications.c.created_at < before)
    rows = connection.execute(statement.with_for_update(of=notifications, skip_locked=True))
    return {row.id: row.urgency for row in rows}


def _singles(connection: Connection, receiver: str, now: datetime) -> int:
    """Openings sent within the last hour or being sent, the critical ones and those in threads of spikes left out."""
    # Senders of one receiver are counted one after another: each sees what the one before it took.
    connection.execute(
        insert(connection, receivers).on_conflict_do_nothing(index_elements=["receiver"]), {"receiver": receiver}
    )
    connection.execute(sa.select(receivers.c.receiver).where(receivers.c.receiver == receiver).with_for_update())
    counted = (
        notifications.c.receiver == receiver,
        notifications.c.kind == _OPEN,
        notifications.c.summary_id.is_(None),  # what is told in a spike's thread is no message of the channel
        notifications.c.urgency < _CRITICAL,
    )
    number = sa.select(sa.func.count()).select_from(notifications)
    sent = number.where(*counted, notifications.c.sent_at > now - STORM_HOUR).scalar_subquery()
    being_sent = (*counted, sa.text(f"notification.{WAITING}"), notifications.c.state == _SENDING)
    # In one statement, so from one snapshot: what is marked as sent between two would be in neither.
    singles: int = connection.execute(sa.select(sent + number.where(*being_sent).scalar_subquery())).scalar_one()
    return singles


def _summary(connection: Connection, keys: Sequence[str]) -> sa.RowMapping | None:
    return (
        connection.execute(
            sa.select(notifications)
            .where(notifications.c.key.in_(keys))
            .order_by(notifications.c.created_at.desc())
            .limit(1)
        )
        .mappings()
        .one_or_none()
    )


def _try_lock_counter(connection: Connection) -> bool:
    """Keep writers of cases out until this transaction ends, as `lock_counter`, but never wait: whoever waits here
    holds a row of the outbox that they may need."""
    statement = sa.select(counters.c.value).where(counters.c.name == CASE_COUNTER).with_for_update(skip_locked=True)
    return connection.execute(statement).first() is not None
