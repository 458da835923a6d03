"""Statements about spikes: their rows, their messages, and what is told in the threads of those.

A case of a spike's kind is told as an entry in the thread of the spike's message: its opening names that message
(`summary_id`), is sent there, and whatever follows it finds it there. It is decided in the claim that would have sent it
singly, so whatever waits, folds, and what was sent already stays where it is. A case that becomes critical is told singly after
all. Each function runs inside a transaction of its caller.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.cases.plan import CaseNotification
from listener.cases.spikes import Stretch, kinds_of
from listener.model import (
    NewNotification,
    NotificationKind,
    NotificationState,
    Receipt,
    Spike,
    SpikeState,
    SpikeView,
)
from listener.store.heard import told_many
from listener.store.mapping import notification_values
from listener.store.pages import TELLING, add_notifications, lock_counter
from listener.store.tables import WAITING, cases, notifications, spikes, verdicts
from rules.vocabulary import Intent, Urgency

LATELY = timedelta(hours=30)  # posts of a spike that ended so long ago are in no window any more
MESSAGE_FIRST = timedelta(seconds=5)  # that an opening waits for the message of its spike
REMOVED = "post-removed"
_OPEN, _SPIKE, _EDIT = (
    kind.value for kind in (NotificationKind.CASE_OPEN, NotificationKind.SPIKE, NotificationKind.SPIKE_UPDATE)
)
_PENDING, _SENDING, _SENT = (
    state.value for state in (NotificationState.PENDING, NotificationState.SENDING, NotificationState.SENT)
)
_CRITICAL = int(Urgency.CRITICAL)
_FOLDING = (SpikeState.OPEN.value, SpikeState.ENDED.value)


def spike_of(row: sa.RowMapping) -> Spike:
    """The spike in a row."""
    return Spike(
        **{
            **row,
            "state": SpikeState(row["state"]),
            "urgency": Urgency(row["urgency"]),
        }
    )


def since(connection: Connection, moment: datetime) -> list[Spike]:
    """Open spikes, and those that ended since, the oldest first."""
    # Sorted here: asked for the order of its key, SQLite would read every spike there ever was instead of the index.
    rows = connection.execute(
        sa.select(spikes).where(sa.or_(spikes.c.ended_at.is_(None), spikes.c.ended_at >= moment))
    ).mappings()
    return sorted(map(spike_of, rows), key=lambda one: one.id)


def by_ref(connection: Connection, ref: str) -> Spike | None:
    """The spike that people call so."""
    row = connection.execute(sa.select(spikes).where(spikes.c.ref == ref)).mappings().one_or_none()
    return None if row is None else spike_of(row)


def begin(connection: Connection, spike: Spike, receivers: Sequence[tuple[str, str]], now: datetime) -> Spike | None:
    """Keep a new spike (its id and ref are given here) and tell it to (receiver, route). None: one of its kind is open."""
    lock_counter(connection)
    running = sa.and_(spikes.c.kind == spike.kind, spikes.c.ended_at.is_(None))
    if connection.execute(sa.select(spikes.c.id).where(running)).first() is not None:
        return None
    last: int = connection.execute(sa.select(sa.func.coalesce(sa.func.max(spikes.c.id), 0))).scalar_one()
    values = {**_values(spike), "id": last + 1, "ref": f"s-{last + 1}"}
    row = connection.execute(spikes.insert().values(**values).returning(spikes)).mappings().one()
    kept = spike_of(row)
    add_notifications(
        connection,
        [
            CaseNotification(
                NewNotification(
                    key=message_key(kept.ref, receiver),
                    kind=NotificationKind.SPIKE,
                    receiver=receiver,
                    urgency=spike.urgency,
                    due_at=now,
                    reason=f"route:{route}",
                    payload={"spike": kept.ref},
                ),
                None,
            )
            for receiver, route in receivers
        ],
        now,
    )
    return kept


def change(connection: Connection, spike: Spike, reason: str, now: datetime) -> bool:
    """Keep a spike as it stands, its revision one higher than the stored one, and edit its messages. False: it changed meanwhile."""
    changed = connection.execute(
        spikes.update().where(spikes.c.id == spike.id, spikes.c.revision == spike.revision - 1).values(**_values(spike))
    )
    if changed.rowcount != 1:
        return False
    _edit(connection, spike, reason, now)
    return True


def show_again(connection: Connection, mention_ids: Collection[int], now: datetime) -> None:
    """Edit the messages that quote these posts, whose words are gone."""
    gone = set(mention_ids)
    for row in connection.execute(sa.select(spikes)).mappings():
        if gone & set(row["figures"].get("examples", ())):
            connection.execute(
                spikes.update().where(spikes.c.id == row["id"]).values(revision=spikes.c.revision + 1, told_at=now)
            )
            found = by_ref(connection, row["ref"])
            assert found is not None
            _edit(connection, found, REMOVED, now)


def message_key(ref: str, receiver: str) -> str:
    """The key of a spike's message to one receiver."""
    return f"spike:{ref}:{receiver}"


def folded(connection: Connection, ref: str) -> int:
    """How many cases are told in the threads of a spike, over all receivers that know of it."""
    number: int = connection.execute(
        sa.select(sa.func.count(notifications.c.case_id.distinct())).where(
            notifications.c.kind == _OPEN,
            notifications.c.summary_id.in_(
                sa.select(notifications.c.id).where(
                    notifications.c.kind == _SPIKE, notifications.c.key.startswith(f"spike:{ref}:", autoescape=True)
                )
            ),
        )
    ).scalar_one()
    return number


def _values(spike: Spike) -> dict[str, Any]:
    names = ("kind", "begun_at", "opened_at", "last_at", "ended_at", "authors", "posts", "expected", "revision")
    return {
        **{name: getattr(spike, name) for name in (*names, "told_at", "owner")},
        "state": spike.state.value,
        "urgency": int(spike.urgency),
        "figures": dict(spike.figures),
    }


def _edit(connection: Connection, spike: Spike, reason: str, now: datetime) -> None:
    messages = connection.execute(
        sa.select(notifications.c.id, notifications.c.receiver, notifications.c.state, notifications.c.urgency).where(
            notifications.c.kind == _SPIKE,
            notifications.c.state.in_(TELLING),
            notifications.c.key.startswith(f"spike:{spike.ref}:", autoescape=True),
        )
    ).all()
    for message in messages:
        if message.state == _PENDING and message.urgency < int(spike.urgency):
            connection.execute(
                notifications.update().where(notifications.c.id == message.id).values(urgency=int(spike.urgency))
            )
        new = NewNotification(
            key=f"spike:{spike.ref}:rev{spike.revision}:{message.receiver}",
            kind=NotificationKind.SPIKE_UPDATE,
            receiver=message.receiver,
            urgency=Urgency.NORMAL,
            due_at=now,
            reason=reason,
            payload={"spike": spike.ref, "removed": reason == REMOVED},
        )
        values = notification_values(CaseNotification(new, None), now)
        connection.execute(notifications.insert().values(**values, summary_id=message.id))


class Place(StrEnum):
    """Where an opening that was about to be sent goes."""

    CHANNEL = "channel"
    THREAD = "thread"
    LATER = "later"  # its spike's message is not posted yet


def enfold(connection: Connection, receiver: str, now: datetime) -> None:
    """Let what waits to open a case of a spike's kind be told in that spike's thread."""
    live = connection.execute(
        sa.select(spikes, notifications.c.id.label("message"))
        .select_from(
            spikes.join(
                notifications,
                sa.and_(
                    notifications.c.key == sa.literal("spike:") + spikes.c.ref + sa.literal(f":{receiver}"),
                    notifications.c.state.in_(TELLING),
                ),
            )
        )
        .where(
            spikes.c.state.in_(_FOLDING),
            sa.or_(spikes.c.ended_at.is_(None), spikes.c.ended_at >= now - LATELY),
        )
        .order_by(spikes.c.id)
    ).mappings().all()  # fmt: skip
    if not live:
        return
    critical = sa.exists().where(cases.c.id == notifications.c.case_id, cases.c.urgency >= _CRITICAL)
    waiting = connection.execute(
        sa.select(
            notifications.c.id,
            notifications.c.created_at,
            *(verdicts.c[name] for name in ("intents", "touchpoints", "sentiment_label")),
        )
        .select_from(notifications.join(verdicts, verdicts.c.mention_id == notifications.c.mention_id))
        .where(
            notifications.c.receiver == receiver,
            sa.text(f"notification.{WAITING}"),
            notifications.c.state == _PENDING,
            notifications.c.kind == _OPEN,
            notifications.c.summary_id.is_(None),
            notifications.c.urgency < _CRITICAL,
            ~notifications.c.doubtful,
            ~critical,
        )
        .with_for_update(of=notifications, skip_locked=True)
    ).all()
    stretches = [(Stretch(row["kind"], row["begun_at"], row["ended_at"]), row) for row in live]
    for row in waiting:
        kinds = kinds_of([Intent(one) for one in row.intents], row.sentiment_label, row.touchpoints)
        for stretch, spike in stretches:
            if stretch.kind in kinds and stretch.since <= row.created_at and (
                stretch.until is None or row.created_at <= stretch.until
            ):  # fmt: skip
                connection.execute(
                    notifications.update()
                    .where(notifications.c.id == row.id)
                    .values(
                        summary_id=spike["message"], reason=notifications.c.reason + f", folded-spike:{spike['ref']}"
                    )
                )
                break


def place(connection: Connection, opening: sa.RowMapping, now: datetime) -> Place:
    """Where an opening that could be sent now goes."""
    this = notifications.c.id == opening["id"]
    enfold(connection, opening["receiver"], now)
    message = connection.execute(sa.select(notifications.c.summary_id, notifications.c.reason).where(this)).one()
    if message.summary_id is None:
        return Place.CHANNEL
    state = connection.execute(
        sa.select(notifications.c.state).where(notifications.c.id == message.summary_id)
    ).scalar_one()
    if state == _SENT:
        return Place.THREAD
    if state in (_PENDING, _SENDING):
        connection.execute(notifications.update().where(this).values(due_at=now + MESSAGE_FIRST))
        return Place.LATER
    connection.execute(
        notifications.update().where(this).values(summary_id=None, reason=f"{message.reason} (its message was refused)")
    )
    return Place.CHANNEL


def take_out(connection: Connection, opening: sa.RowMapping, now: datetime) -> None:
    """A case that is told in a spike's thread has become critical: it gets a message of its own."""
    case = connection.execute(sa.select(cases.c.ref, cases.c.urgency).where(cases.c.id == opening["case_id"])).one()
    if case.urgency < _CRITICAL:
        return
    new = NewNotification(
        key=f"case:{case.ref}:out-of-spike:{opening['receiver']}",
        kind=NotificationKind.CASE_OPEN,
        receiver=opening["receiver"],
        urgency=Urgency.CRITICAL,
        due_at=now,
        reason="critical, was folded-spike",
    )
    add_notifications(connection, [CaseNotification(new, opening["case_id"], opening["mention_id"])], now)


def standing(connection: Connection, message_id: int) -> Receipt | None:
    """Where a spike's message stands."""
    receipt: Mapping[str, Any] | None = connection.execute(
        sa.select(notifications.c.receipt).where(notifications.c.id == message_id, notifications.c.state == _SENT)
    ).scalar()
    return None if receipt is None else Receipt(receipt)


def why_superfluous(connection: Connection, edit: sa.RowMapping) -> str | None:
    """Why an edit need not be made; None: it must, or must wait."""
    state = connection.execute(
        sa.select(notifications.c.state).where(notifications.c.id == edit["summary_id"])
    ).scalar_one()
    if state not in TELLING:
        return f"the spike's message was not sent ({state})"
    shown = connection.execute(
        sa.select(sa.func.max(notifications.c.rendered_revision)).where(
            sa.or_(
                notifications.c.id == edit["summary_id"],
                sa.and_(notifications.c.summary_id == edit["summary_id"], notifications.c.kind == _EDIT),
            ),
            notifications.c.state == _SENT,
        )
    ).scalar_one()
    revision = revision_of(connection, edit["payload"]["spike"])
    return f"revision {revision} is shown already" if shown is not None and shown >= revision else None


def revision_of(connection: Connection, ref: str) -> int:
    """The revision a spike is at."""
    revision: int = connection.execute(sa.select(spikes.c.revision).where(spikes.c.ref == ref)).scalar_one()
    return revision


def in_thread_of(connection: Connection, opening_id: int) -> tuple[str, Receipt | None]:
    """The spike in whose thread an opening is told, and where that thread is; "" for one with a message of its own."""
    message = notifications.alias("message")
    row = connection.execute(
        sa.select(message.c.payload, message.c.receipt)
        .select_from(notifications.join(message, message.c.id == notifications.c.summary_id))
        .where(notifications.c.id == opening_id, message.c.kind == _SPIKE)
    ).one_or_none()
    if row is None:
        return "", None
    return str(row.payload["spike"]), None if row.receipt is None else Receipt(row.receipt)


def view(connection: Connection, row: sa.RowMapping) -> SpikeView:
    """What a spike's message says."""
    spike = by_ref(connection, row["payload"]["spike"])
    if spike is None:
        raise LookupError(f"spike {row['payload']['spike']} is not stored")
    message_id = row["id"] if row["kind"] == _SPIKE else row["summary_id"]
    number: int = connection.execute(
        sa.select(sa.func.count()).where(notifications.c.summary_id == message_id, notifications.c.kind == _OPEN)
    ).scalar_one()
    return SpikeView(spike, tuple(told_many(connection, spike.figures.get("examples", ()))), number)
