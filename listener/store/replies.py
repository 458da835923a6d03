"""Public replies: asked for once, claimed like a notification, and what became of them told with the case.

Writers of cases are taken one at a time (`lock_counter`), so of two people who answer one case at once the second is
told about the first. Each function runs inside a transaction of its caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.cases.clock import ServiceHours
from listener.cases.deeds import Decision, Deed, Refusal, Why, Wish, decide
from listener.cases.plan import CLOSED_STATES, CaseChange, CaseEvent, CaseNotification
from listener.cases.replies import FIRST_PAUSE, UNFINISHED, Ended, NewReply, Reply, ReplyState
from listener.model import Case, NewNotification, NotificationKind, Told
from listener.store.deeds import make_known
from listener.store.mapping import case_of, event_values
from listener.store.pages import add_notifications, change_case, lock_counter, told_receivers
from listener.store.reading import told_by_id
from listener.store.tables import UNPUBLISHED, audit, case_events, cases, mentions, replies
from rules.vocabulary import Urgency

_WANTED, _SENDING = ReplyState.WANTED.value, ReplyState.SENDING.value


def want(connection: Connection, new: NewReply, now: datetime) -> Reply | Refusal | None:
    """Keep what a person approved, to be published. The same approval again is the same reply. None: no such case."""
    lock_counter(connection)
    row = connection.execute(sa.select(cases).where(cases.c.ref == new.case)).mappings().one_or_none()
    if row is None:
        return None
    known = connection.execute(sa.select(replies.c.id).where(replies.c.key == new.key)).scalar()
    if known is not None:
        return read(connection, known)
    case = case_of(row)
    if (why := _refused(connection, case, new)) is not None:
        return Refusal(why, case)
    id_: int = connection.execute(
        replies.insert().returning(replies.c.id),
        {
            "key": new.key,
            "case_id": case.id,
            "mention_id": new.mention_id,
            "source": new.source,
            "account": new.account,
            "text": new.text,
            "who": new.who,
            "through": new.through,
            "wanted_at": now,
            "state": _WANTED,
            "due_at": now,
            "attempts": 0,
            "doubtful": False,
        },
    ).scalar_one()
    return read(connection, id_)


def claim(
    connection: Connection, owner: str, now: datetime, ttl: timedelta, of: Sequence[str], only: int | None
) -> tuple[Reply, Told] | None:
    """The next reply that one of the sources `of` is to publish, with the post it answers."""
    row = (
        connection.execute(
            sa.select(replies)
            .where(
                sa.text(f"reply.{UNPUBLISHED}"),
                sa.or_(
                    sa.and_(replies.c.state == _WANTED, replies.c.due_at <= now),
                    sa.and_(replies.c.state == _SENDING, replies.c.lease_until <= now),
                ),
                replies.c.source.in_(sorted(of)),
                *(() if only is None else (replies.c.id == only,)),
            )
            .order_by(replies.c.due_at, replies.c.id)
            .limit(1)
            .with_for_update(of=replies, skip_locked=True)
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    connection.execute(
        replies.update()
        .where(replies.c.id == row["id"])
        .values(
            state=_SENDING,
            attempts=row["attempts"] + 1,
            doubtful=row["doubtful"] or row["state"] == _SENDING,  # its last sender never said what became of it
            lease_owner=owner,
            lease_until=now + ttl,
        )
    )
    told = told_by_id(connection, row["mention_id"])
    assert told is not None  # mentions are never deleted
    return read(connection, row["id"]), told


def again(connection: Connection, id_: int, owner: str, due_at: datetime, why: str, *, doubtful: bool) -> bool:
    """Try again from `due_at` on. False: the claim was lost."""
    return _release(connection, id_, owner, {"state": _WANTED, "due_at": due_at, "error": why, "doubtful": doubtful})


def finish(connection: Connection, id_: int, owner: str, ended: Ended, hours: ServiceHours, now: datetime) -> bool:
    """Keep what became of it, and tell. False: the claim was lost, nothing is changed."""
    lock_counter(connection)
    values = {
        "state": ended.state.value,
        "ended_at": now,
        "external_id": ended.external_id or None,
        "url": ended.url or None,
        "error": ended.why or None,
    }
    if not _release(connection, id_, owner, values):
        return False
    _end(connection, read(connection, id_), hours, now)
    return True


def read(connection: Connection, id_: int) -> Reply:
    """One reply as it stands."""
    return _reply_of(connection.execute(_SELECT.where(replies.c.id == id_)).mappings().one())


def of_case(connection: Connection, case_ref: str) -> tuple[Reply, ...]:
    """All replies to a case, oldest first."""
    rows = connection.execute(_SELECT.where(cases.c.ref == case_ref).order_by(replies.c.id)).mappings()
    return tuple(_reply_of(row) for row in rows)


def lease_owners(connection: Connection) -> frozenset[str]:
    """Everybody who is publishing."""
    return frozenset(connection.execute(sa.select(replies.c.lease_owner).where(replies.c.state == _SENDING)).scalars())


def end_leases(connection: Connection, owner: str, now: datetime) -> None:
    """What a dead owner was publishing is looked for, once its platform has had time to show it."""
    connection.execute(
        replies.update()
        .where(replies.c.state == _SENDING, replies.c.lease_owner == owner)
        .values(lease_until=now + FIRST_PAUSE)
    )


def _refused(connection: Connection, case: Case, new: NewReply) -> Why | None:
    if case.state in CLOSED_STATES:
        return Why.CLOSED
    on_their_way = sa.select(replies.c.id).where(
        replies.c.case_id == case.id, replies.c.state.in_([state.value for state in UNFINISHED])
    )
    if connection.execute(on_their_way.limit(1)).first() is not None:
        return Why.BUSY
    if new.revision is not None and new.revision != case.revision:
        return Why.STALE
    there = sa.select(mentions.c.id).where(
        mentions.c.id == new.mention_id, mentions.c.case_id == case.id, mentions.c.removed_at.is_(None)
    )
    return None if connection.execute(there).first() is not None else Why.GONE


def _end(connection: Connection, reply: Reply, hours: ServiceHours, now: datetime) -> None:
    detail: dict[str, Any] = {"account": reply.account, "reply": reply.id}
    if reply.url:
        detail["url"] = reply.url
    if reply.error:
        detail["reason"] = reply.error
    what = f"reply-{reply.state.value}"
    told = {"case": reply.case, "through": reply.through, **detail}
    connection.execute(audit.insert(), {"at": now, "who": reply.who, "what": what, "detail": told})
    case = case_of(connection.execute(sa.select(cases).where(cases.c.ref == reply.case)).mappings().one())
    receivers = told_receivers(connection, [case.id]).get(case.id, [])
    if reply.state is ReplyState.PUBLISHED:
        _answered(connection, case, reply, detail, receivers, hours, now)
        return
    event = CaseEvent(case.id, now, what, reply.who, reply.through, detail)
    connection.execute(case_events.insert(), [event_values(event)])
    said = {"deed": what, "who": reply.who, **detail}
    # As urgent as can be: a person waits for it, also at night.
    notes = [
        NewNotification(
            f"case:{case.ref}:reply:{reply.id}:{one}",
            NotificationKind.CASE_NOTE,
            one,
            Urgency.CRITICAL,
            now,
            what,
            said,
        )
        for one in receivers
    ]
    add_notifications(connection, [CaseNotification(note, case.id) for note in notes], now)


def _answered(
    connection: Connection,
    case: Case,
    reply: Reply,
    detail: Mapping[str, Any],
    receivers: Sequence[str],
    hours: ServiceHours,
    now: datetime,
) -> None:
    """The clock stops, unless the customer wrote again since; who saw the reply first, we or the connector, does not matter."""
    decided = decide(case, Wish(Deed.REPLIED, reply.who, reply.through), now, hours)
    # The post's own time counts as well: a platform's clock may be ahead of ours.
    posted = connection.execute(
        sa.select(mentions.c.published_at).where(mentions.c.id == reply.mention_id)
    ).scalar_one()
    if isinstance(decided, Decision) and case.last_mention_at <= max(reply.wanted_at, posted):
        changed, told = decided.case, decided.event.detail
    else:
        changed = replace(case, revision=case.revision + 1)
        told = {"from": case.state.value, "to": case.state.value}
    event = CaseEvent(case.id, now, Deed.REPLIED.value, reply.who, reply.through, {**told, **detail})
    change_case(connection, CaseChange(changed), now)
    connection.execute(case_events.insert(), [event_values(event)])
    make_known(connection, changed, event, receivers, Urgency.NORMAL, now)


def _release(connection: Connection, id_: int, owner: str, values: Mapping[str, Any]) -> bool:
    done = connection.execute(
        replies.update()
        .where(replies.c.id == id_, replies.c.state == _SENDING, replies.c.lease_owner == owner)
        .values(lease_owner=None, lease_until=None, **values)
    )
    return done.rowcount == 1


_SELECT = sa.select(replies, cases.c.ref.label("case_ref")).select_from(
    replies.join(cases, cases.c.id == replies.c.case_id)
)


def _reply_of(row: sa.RowMapping) -> Reply:
    return Reply(
        id=row["id"],
        key=row["key"],
        case=row["case_ref"],
        mention_id=row["mention_id"],
        source=row["source"],
        account=row["account"],
        text=row["text"],
        who=row["who"],
        through=row["through"],
        wanted_at=row["wanted_at"],
        state=ReplyState(row["state"]),
        attempts=row["attempts"],
        doubtful=row["doubtful"],
        external_id=row["external_id"] or "",
        url=row["url"] or "",
        error=row["error"] or "",
    )
