"""Statements about the outbox: claim the next notification of a receiver, and mark what became of it.

What is claimed is rendered from the case as it stands now, so an update whose changes are shown already is folded
instead of sent. Of one case and receiver nothing overtakes: the message first, then what edits it or hangs below.
A claim is a lease. Once it has run out, another sender may claim the row again (and looks it up before sending);
whoever lost it is told so when marking. What manners hold or fold is decided here, too (`summaries`). Each function
runs inside a transaction of its caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.cases.manners import EDITS_APART, NO_MANNERS, Manners
from listener.cases.reminders import outdated
from listener.model import Delivery, NotificationKind, NotificationState, Receipt, SpikeView
from listener.store import spikes, summaries, totals
from listener.store.mapping import case_of
from listener.store.reading import case_view, told_by_id
from listener.store.tables import WAITING, cases, notifications, receivers
from listener.store.upsert import insert
from listener.store.values import ReceiverState
from rules.vocabulary import Urgency

_PENDING = NotificationState.PENDING.value
_SENDING = NotificationState.SENDING.value
_SENT = NotificationState.SENT.value
_DEAD = NotificationState.DEAD.value
_FOLDED = NotificationState.FOLDED.value
_earlier = notifications.alias("earlier")
_MOST_UNREADABLE = 20  # attempts to read a case; five hours, in which a release that was taken back may be put right
_UNREADABLE_WAITS = timedelta(minutes=15)
_FOLLOWING = tuple(
    kind.value
    for kind in (
        NotificationKind.CASE_UPDATE,
        NotificationKind.CASE_THREAD,
        NotificationKind.CASE_NOTE,
        NotificationKind.REMINDER,
    )
)
_ENTRY_UPDATE = NotificationKind.ENTRY_UPDATE.value
_OPEN = NotificationKind.CASE_OPEN.value
_SUMMARY = NotificationKind.SUMMARY.value
_SUMMARY_UPDATE = NotificationKind.SUMMARY_UPDATE.value
_REMINDER = NotificationKind.REMINDER.value
_SPIKE = NotificationKind.SPIKE.value
_SPIKE_UPDATE = NotificationKind.SPIKE_UPDATE.value


def claim(
    connection: Connection, receiver: str, owner: str, now: datetime, ttl: timedelta, manners: Manners = NO_MANNERS
) -> Delivery | None:
    """The next notification this receiver may be sent, claimed; None where nothing is due or it may not be sent to."""
    if not _may_send(connection, receiver, now):
        return None
    while (row := _next(connection, receiver, now, manners.quiet)) is not None:
        # Read before the mentions: what is rendered may then be newer than the revision says, never older.
        revision = _revision(connection, row)
        if row["kind"] in (_SPIKE, _SPIKE_UPDATE):
            revision = spikes.revision_of(connection, row["payload"]["spike"])
        why = _superfluous(connection, row, revision, now)
        if why is None:
            if row["kind"] in (_SUMMARY_UPDATE, _SPIKE_UPDATE, _REMINDER) and _is_too_early(connection, row, now):
                continue
            place = spikes.place(connection, row, now) if row["kind"] == _OPEN else spikes.Place.THREAD
            if place is spikes.Place.LATER:
                continue
            alone = place is spikes.Place.CHANNEL
            folded = summaries.fold(connection, row, manners, now) if alone else summaries.Fold.NO
            if folded is summaries.Fold.BUSY:
                return None
            if folded is summaries.Fold.YES:
                continue
            try:
                return _take(connection, row, revision, owner, now + ttl)
            except (ValueError, TypeError, LookupError) as error:
                _put_off(connection, row, error, now)
                continue
        _set(connection, row["id"], state=_FOLDED, error=why, ended_at=now, lease_owner=None, lease_until=None)
    return None


def mark_sent(
    connection: Connection, id_: int, owner: str, receipt: Receipt, now: datetime, next_at: datetime | None
) -> bool:
    """Keep the receipt. False: the claim was lost, nothing is changed."""
    values = {"state": _SENT, "sent_at": now, "receipt": dict(receipt.data), "error": None}
    receiver = _release(connection, id_, owner, values)
    if receiver is None:
        return False
    if next_at is not None:
        hold_receiver(connection, receiver, next_at)
    totals.sent(connection, id_, now)
    return True


def mark_retry(
    connection: Connection,
    id_: int,
    owner: str,
    error: str,
    due_at: datetime,
    hold_until: datetime | None,
    *,
    doubtful: bool,
) -> bool:
    """Send again from `due_at` on. False: the claim was lost, nothing is changed."""
    values = {"state": _PENDING, "error": error, "due_at": due_at, "doubtful": doubtful}
    receiver = _release(connection, id_, owner, values)
    if receiver is not None and hold_until is not None:
        hold_receiver(connection, receiver, hold_until)
    return receiver is not None


def mark_dead(connection: Connection, id_: int, owner: str, error: str, now: datetime) -> bool:
    """Never send it; what would follow it folds when its turn comes. False: the claim was lost, nothing is changed."""
    if _release(connection, id_, owner, {"state": _DEAD, "error": error, "ended_at": now}) is None:
        return False
    row = connection.execute(sa.select(notifications).where(notifications.c.id == id_)).mappings().one()
    if (told := _told_by(row)) is not None:
        summaries.unfold(connection, told, now)
    return True


def lease_owners(connection: Connection) -> frozenset[str]:
    """Everybody who is sending."""
    return frozenset(
        connection.execute(sa.select(notifications.c.lease_owner).where(notifications.c.state == _SENDING)).scalars()
    )


def end_leases(connection: Connection, owner: str, now: datetime) -> None:
    """Let another sender take over, and look up, what a dead owner was sending."""
    connection.execute(
        notifications.update()
        .where(notifications.c.state == _SENDING, notifications.c.lease_owner == owner)
        .values(lease_until=now)
    )


def hold_receiver(connection: Connection, receiver: str, until: datetime) -> None:
    """Send nothing to this receiver before `until`. An earlier time never shortens a longer hold."""
    statement = insert(connection, receivers)
    new = statement.excluded.next_at
    later = sa.case((receivers.c.next_at > new, receivers.c.next_at), else_=new)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["receiver"], set_={"next_at": later}),
        {"receiver": receiver, "next_at": until},
    )


def stop_receiver(connection: Connection, receiver: str, why: str | None, now: datetime | None) -> None:
    """Send nothing until a person acts; with `why` None: that person did."""
    values = {"stopped": why, "stopped_at": now}
    connection.execute(
        insert(connection, receivers).on_conflict_do_update(index_elements=["receiver"], set_=values),
        {"receiver": receiver, **values},
    )


def receiver_states(connection: Connection) -> Mapping[str, ReceiverState]:
    """The receivers that were ever held or stopped."""
    rows = connection.execute(sa.select(receivers).order_by(receivers.c.receiver))
    return {row.receiver: ReceiverState(row.receiver, row.next_at, row.stopped, row.stopped_at) for row in rows}


def _may_send(connection: Connection, receiver: str, now: datetime) -> bool:
    state = connection.execute(sa.select(receivers).where(receivers.c.receiver == receiver)).one_or_none()
    return state is None or (state.stopped is None and (state.next_at is None or state.next_at <= now))


def _next(connection: Connection, receiver: str, now: datetime, quiet: bool) -> sa.RowMapping | None:
    before = (
        _earlier.c.case_id == notifications.c.case_id,
        _earlier.c.receiver == notifications.c.receiver,
        _earlier.c.id < notifications.c.id,
        _earlier.c.state.in_((_PENDING, _SENDING)),
    )
    conditions = [~sa.exists().where(*before)]
    if quiet:
        grave = sa.exists().where(cases.c.id == notifications.c.case_id, cases.c.urgency >= int(Urgency.CRITICAL))
        # What takes a removed post's words away does not wait for opening, nor behind entries that do.
        overtaken = sa.exists().where(*before, sa.or_(_earlier.c.kind == _OPEN, _earlier.c.state == _SENDING))
        removes = sa.and_(notifications.c.reason == summaries.REMOVED, ~overtaken)
        urgent = sa.or_(notifications.c.urgency >= int(Urgency.CRITICAL), grave)
        conditions = [sa.or_(sa.and_(urgent, *conditions), removes)]
    return (
        connection.execute(
            sa.select(notifications)
            .where(
                notifications.c.receiver == receiver,
                sa.text(f"notification.{WAITING}"),
                sa.or_(
                    sa.and_(notifications.c.state == _PENDING, notifications.c.due_at <= now),
                    sa.and_(notifications.c.state == _SENDING, notifications.c.lease_until <= now),
                ),
                *conditions,
            )
            .order_by(notifications.c.urgency.desc(), notifications.c.due_at, notifications.c.id)
            .limit(1)
            # On SQLite this says nothing: the transaction holds the one write lock.
            .with_for_update(of=notifications, skip_locked=True)
        )
        .mappings()
        .one_or_none()
    )


def _revision(connection: Connection, row: sa.RowMapping) -> int | None:
    if (told := _told_by(row)) is not None:
        return summaries.size(connection, told)
    if row["case_id"] is None:
        return None
    revision: int = connection.execute(sa.select(cases.c.revision).where(cases.c.id == row["case_id"])).scalar_one()
    return revision


def _told_by(row: sa.RowMapping) -> int | None:
    """The summary that the row is, or that it edits."""
    own: int | None = row["id"] if row["kind"] == _SUMMARY else row["summary_id"]
    return own if row["kind"] in (_SUMMARY, _SUMMARY_UPDATE) else None


def _superfluous(connection: Connection, row: sa.RowMapping, revision: int | None, now: datetime) -> str | None:
    if row["kind"] == _ENTRY_UPDATE:
        return None if _parent(connection, row) is not None else "the entry was never posted"
    if row["kind"] == _SUMMARY_UPDATE:
        dead = summaries.state_of(connection, row["summary_id"]) is NotificationState.DEAD
        return "the summary was not sent (dead)" if dead else None
    if row["kind"] == _SPIKE_UPDATE:
        return spikes.why_superfluous(connection, row)
    if row["kind"] not in _FOLLOWING or revision is None:
        return None
    opening = _opening(connection, row)
    if opening is None:
        return "this receiver was never told of the case"
    in_summary = row["kind"] == _REMINDER and _summary_of(connection, opening) is not None
    if opening["state"] != _SENT and not in_summary:
        return f"the case's first message was not sent ({opening['state']}): {opening['error'] or 'no reason kept'}"
    if row["kind"] == _REMINDER and _is_outdated(connection, row):
        return "it is not true any more"
    if in_summary:
        return None
    if opening["summary_id"] is not None:
        spikes.take_out(connection, row, now)
    if row["kind"] == NotificationKind.CASE_UPDATE.value:
        shown = connection.execute(
            sa.select(sa.func.max(notifications.c.rendered_revision)).where(
                notifications.c.case_id == row["case_id"],
                notifications.c.receiver == row["receiver"],
                notifications.c.kind.in_((NotificationKind.CASE_OPEN.value, NotificationKind.CASE_UPDATE.value)),
                notifications.c.state == _SENT,
            )
        ).scalar_one()
        if shown is not None and shown >= revision:
            return f"revision {revision} is shown already"
    return None


def _is_outdated(connection: Connection, row: sa.RowMapping) -> bool:
    case = connection.execute(sa.select(cases).where(cases.c.id == row["case_id"])).mappings().one()
    return outdated(case_of(case), row["payload"])


def _is_too_early(connection: Connection, row: sa.RowMapping, now: datetime) -> bool:
    """Put an edit, or what is said below it, off whose summary is not posted yet."""
    above = row["summary_id"]
    if row["kind"] == _REMINDER:
        opening = _opening(connection, row)
        above = None if opening is None else _summary_of(connection, opening)
        if above is None:
            return False
    if summaries.state_of(connection, above) is NotificationState.SENT:
        return False
    _set(connection, row["id"], due_at=now + EDITS_APART)
    return True


def _summary_of(connection: Connection, opening: sa.RowMapping) -> int | None:
    """The summary that tells the case instead of a message of its own; None where there is none, or it was refused."""
    if opening["state"] != _FOLDED or opening["summary_id"] is None:
        return None
    dead = summaries.state_of(connection, opening["summary_id"]) is NotificationState.DEAD
    return None if dead else int(opening["summary_id"])


def _opening(connection: Connection, row: sa.RowMapping) -> sa.RowMapping | None:
    return (
        connection.execute(
            sa.select(*(notifications.c[name] for name in ("id", "state", "error", "receipt", "summary_id")))
            .where(
                notifications.c.case_id == row["case_id"],
                notifications.c.receiver == row["receiver"],
                notifications.c.kind == NotificationKind.CASE_OPEN.value,
            )
            # Told of again after a first message that died: the one that was sent is the parent.
            .order_by((notifications.c.state == _SENT).desc(), notifications.c.id.desc())
            .limit(1)
        )
        .mappings()
        .one_or_none()
    )


def _parent(connection: Connection, row: sa.RowMapping) -> Receipt | None:
    """What the notification edits or hangs below: the case's message, or the entry about its mention."""
    receipt: Mapping[str, Any] | None = None
    if row["kind"] == _ENTRY_UPDATE:
        receipt = connection.execute(
            sa.select(notifications.c.receipt).where(
                notifications.c.mention_id == row["mention_id"],
                notifications.c.receiver == row["receiver"],
                notifications.c.kind == NotificationKind.CASE_THREAD.value,
                notifications.c.state == _SENT,
            )
        ).scalar()
    elif row["kind"] == _SUMMARY_UPDATE:
        return summaries.standing(connection, row["summary_id"])
    elif row["kind"] == _SPIKE_UPDATE:
        return spikes.standing(connection, row["summary_id"])
    elif row["kind"] in _FOLLOWING and row["case_id"] is not None:
        opening = _opening(connection, row)
        if opening is not None and row["kind"] == _REMINDER:
            above = _summary_of(connection, opening)
            if above is not None:
                return summaries.standing(connection, above)
        receipt = None if opening is None else opening["receipt"]
    return None if receipt is None else Receipt(receipt)


def _take(connection: Connection, row: sa.RowMapping, revision: int | None, owner: str, until: datetime) -> Delivery:
    attempt = row["attempts"] + 1
    doubtful = row["doubtful"] or row["state"] == _SENDING  # its last sender never said what became of it
    if doubtful and row["rendered_revision"] is not None:
        # The look-up may find what that sender rendered. Better one edit too many than a message that stays behind.
        revision = row["rendered_revision"]
    _set(
        connection,
        row["id"],
        state=_SENDING,
        attempts=attempt,
        doubtful=doubtful,
        lease_owner=owner,
        lease_until=until,
        rendered_revision=revision,
    )
    folded_in, thread = _spike_of_case(connection, row)
    opening = _opening(connection, row) if row["kind"] == _REMINDER else None
    return Delivery(
        id=row["id"],
        key=row["key"],
        kind=NotificationKind(row["kind"]),
        receiver=row["receiver"],
        urgency=Urgency(row["urgency"]),
        attempt=attempt,
        payload=row["payload"],
        case=None if row["case_id"] is None else case_view(connection, cases.c.id == row["case_id"]),
        mention=None if row["mention_id"] is None else told_by_id(connection, row["mention_id"]),
        parent=thread if row["kind"] == _OPEN else _parent(connection, row),
        created_at=row["created_at"],
        doubtful=doubtful,
        summary=None if (told := _told_by(row)) is None else summaries.load(connection, told),
        spike=_spike(connection, row),
        folded_in=folded_in,
        in_summary=opening is not None and _summary_of(connection, opening) is not None,
    )


def _spike(connection: Connection, row: sa.RowMapping) -> SpikeView | None:
    return spikes.view(connection, row) if row["kind"] in (_SPIKE, _SPIKE_UPDATE) else None


def _spike_of_case(connection: Connection, row: sa.RowMapping) -> tuple[str, Receipt | None]:
    """The spike in whose thread this case is told to this receiver, and the receipt of that spike's message."""
    opening = row if row["kind"] == _OPEN else _opening(connection, row) if row["kind"] in _FOLLOWING else None
    return ("", None) if opening is None else spikes.in_thread_of(connection, opening["id"])


def _put_off(connection: Connection, row: sa.RowMapping, error: Exception, now: datetime) -> None:
    """What cannot be read (a newer release may have written it) must not stand before all others for ever."""
    attempts = row["attempts"] + 1
    given_up = attempts >= _MOST_UNREADABLE
    _set(
        connection,
        row["id"],
        state=_DEAD if given_up else _PENDING,
        attempts=attempts,
        doubtful=row["doubtful"] or row["state"] == _SENDING,
        due_at=now + _UNREADABLE_WAITS,
        ended_at=now if given_up else None,
        error=f"its case cannot be read ({type(error).__name__}); was it written by a newer release?",
        lease_owner=None,
        lease_until=None,
    )


def _set(connection: Connection, id_: int, **values: Any) -> None:
    connection.execute(notifications.update().where(notifications.c.id == id_).values(**values))


def _release(connection: Connection, id_: int, owner: str, values: Mapping[str, Any]) -> str | None:
    receiver: str | None = connection.execute(
        notifications.update()
        .where(notifications.c.id == id_, notifications.c.state == _SENDING, notifications.c.lease_owner == owner)
        .values(lease_owner=None, lease_until=None, **values)
        .returning(notifications.c.receiver)
    ).scalar_one_or_none()
    return receiver
