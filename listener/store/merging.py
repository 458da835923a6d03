"""Posts change cases: one case is given to another, one post is taken out of its case, a near copy is told by itself.

Whoever still waits for an answer goes on waiting for it: the earlier clock runs on, and nobody is merged into a case
that is not relevant. Each function runs inside a transaction of its caller.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.cases.clock import ServiceHours, due_at
from listener.cases.deeds import Refusal, Why, Wish, merged
from listener.cases.plan import CLOSED_STATES, CaseChange, CaseEvent, case_ref
from listener.cases.turns import Turn, turned
from listener.model import Case, CaseState, NotificationKind, NotificationState, Outcome, Told
from listener.store import copies
from listener.store.deeds import Wanted, leading, make_known, note_in_thread, set_relevance, tell_more
from listener.store.mapping import TOLD, TOLD_FROM, case_of, case_values, event_values, told_of
from listener.store.pages import CASE_COUNTER, change_case, lock_counter, told_receivers
from listener.store.tables import case_events, cases, counters, mentions, notifications
from rules.vocabulary import Urgency


def merge(
    connection: Connection, ref: str, into: str, wanted: Wanted, wish: Wish, now: datetime
) -> Case | Refusal | None:
    """Give all posts of one case to another and close it. Returns the case that has them now; None: one does not exist."""
    lock_counter(connection)
    found = {
        row["ref"]: case_of(row)
        for row in connection.execute(sa.select(cases).where(cases.c.ref.in_([ref, into]))).mappings()
    }
    if len(found) != 2:
        return None
    source, target = found[ref], found[into]
    for case in (source, target):
        if case.state is CaseState.NOT_RELEVANT:
            return Refusal(Why.CLOSED, case)
    connection.execute(mentions.update().where(mentions.c.case_id == source.id).values(case_id=target.id))
    grown, emptied = merged(source, target)
    _fold_opening(connection, source.id, f"it was merged into {into} before this could be told", now)
    due = grown.due_at
    clock = turned(Turn.STOP, now) if due is None else turned(Turn.FIX, due, grown.urgency.word)
    for case, other, what, turn in (
        (grown, ref, "merged", clock),
        (emptied, into, "merged-into", turned(Turn.STOP, now)),
    ):
        change_case(connection, CaseChange(case), now)
        event = CaseEvent(case.id, now, what, wish.who, wish.through, {"case": other, **turn})
        connection.execute(case_events.insert(), [event_values(event)])
        told = told_receivers(connection, [case.id]).get(case.id, [])
        make_known(connection, case, event, told, Urgency.NORMAL, now)
    lead, told = leading(connection, grown.id), told_receivers(connection, [grown.id]).get(grown.id, [])
    if lead is not None and grown.urgency > target.urgency:
        tell_more(connection, grown, lead, [one for one in wanted(lead, grown) if one[0] not in told], now)
    return grown


def split(
    connection: Connection, mention_ref: str, hours: ServiceHours, wanted: Wanted, wish: Wish, now: datetime
) -> Case | None:
    """Take one post out of its case into a case of its own. None: no such post, or its case has no other; removed ones do not count."""
    last = lock_counter(connection)
    row = (
        connection.execute(sa.select(*TOLD).select_from(TOLD_FROM).where(mentions.c.ref == mention_ref))
        .mappings()
        .one_or_none()
    )
    if row is None or row["case_id"] is None:
        return None
    told = told_of(row)
    before = case_of(connection.execute(sa.select(cases).where(cases.c.id == row["case_id"])).mappings().one())
    if told.removed_at is not None or not _has_others(connection, told, before):
        return None
    new = Case(
        id=last + 1,
        ref=case_ref(last + 1),
        platform=before.platform,
        author_key=row["author_key"],
        thread_key=row["thread_key"],
        state=CaseState.NEW,
        urgency=told.verdict.urgency,
        opened_at=now,
        last_mention_at=told.mention.published_at,
        mention_count=1,
        revision=1,
        touchpoints=frozenset(told.verdict.touchpoints),
        due_at=due_at(now, told.verdict.urgency, hours),
    )
    connection.execute(cases.insert(), [{**case_values(new), "state_since": now}])
    connection.execute(counters.update().where(counters.c.name == CASE_COUNTER).values(value=new.id))
    connection.execute(mentions.update().where(mentions.c.id == told.id).values(case_id=new.id))
    left = replace(before, mention_count=before.mention_count - 1, revision=before.revision + 1)
    change_case(connection, CaseChange(left), now)
    if before.state is CaseState.NOT_RELEVANT:
        set_relevance(connection, new.id, relevant=True)
        connection.execute(mentions.update().where(mentions.c.id == told.id).values(outcome=Outcome.ALERTED.value))
    receivers = told_receivers(connection, [before.id]).get(before.id, [])
    gone = CaseEvent(before.id, now, "split", wish.who, wish.through, {"mention": mention_ref, "case": new.ref})
    opened = CaseEvent(
        new.id,
        now,
        "opened",
        wish.who,
        wish.through,
        {"mention": mention_ref, "split_from": before.ref, **turned(Turn.START, now, new.urgency.word)},
    )
    connection.execute(case_events.insert(), [event_values(gone), event_values(opened)])
    make_known(connection, left, gone, receivers, Urgency.NORMAL, now)
    routes = dict(wanted(told, new))
    tell_more(
        connection, new, told, [(one, routes.get(one, "split")) for one in dict.fromkeys([*receivers, *routes])], now
    )
    return new


def unfold(connection: Connection, ref: str, wanted: Wanted, wish: Wish, now: datetime) -> Case | Refusal | None:
    """Tell a case by itself that was folded as a near copy. None: no such case, or it was not folded."""
    lock_counter(connection)
    row = connection.execute(sa.select(cases).where(cases.c.ref == ref)).mappings().one_or_none()
    found = [] if row is None else copies.folded(connection, row["id"])
    lead = leading(connection, row["id"]) if row is not None and found else None
    if row is None or lead is None:
        return None
    before = case_of(row)
    if before.state in CLOSED_STATES:
        return Refusal(Why.CLOSED, before)
    if lead.removed_at is not None:
        return Refusal(Why.GONE, before)
    case = replace(before, revision=before.revision + 1)
    change_case(connection, CaseChange(case), now)
    told = told_receivers(connection, [case.id]).get(case.id, [])
    more = [one for one in wanted(lead, case) if one[0] not in told]
    outcome = Outcome.ALERTED if told or more else Outcome.NO_ROUTE
    copies.unfold(connection, [one.mention_id for one in found], wish.who, outcome, now)
    for first_case in sorted({one.first_case for one in found if one.first_case != case.id}):
        first = case_of(connection.execute(sa.select(cases).where(cases.c.id == first_case)).mappings().one())
        event = CaseEvent(first.id, now, "unfold", wish.who, wish.through, {"case": ref})
        connection.execute(case_events.insert(), [event_values(event)])
        note_in_thread(connection, first, event, f"unfold:{ref}", now)
    event = CaseEvent(case.id, now, "unfolded", wish.who, wish.through)
    connection.execute(case_events.insert(), [event_values(event)])
    tell_more(connection, case, lead, more, now)
    return case


def _has_others(connection: Connection, told: Told, case: Case) -> bool:
    others = sa.select(mentions.c.id).where(
        mentions.c.case_id == case.id, mentions.c.id != told.id, mentions.c.removed_at.is_(None)
    )
    return connection.execute(others.limit(1)).first() is not None


def _fold_opening(connection: Connection, case_id: int, why: str, now: datetime) -> None:
    connection.execute(
        notifications.update()
        .where(
            notifications.c.case_id == case_id,
            notifications.c.kind == NotificationKind.CASE_OPEN.value,
            notifications.c.state == NotificationState.PENDING.value,
            # After a doubtful attempt it may stand in the channel: then it is looked up, and edited.
            ~notifications.c.doubtful,
        )
        .values(state=NotificationState.FOLDED.value, error=why, ended_at=now)
    )
