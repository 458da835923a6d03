"""What people do to cases, stored: one deed is one transaction with the edits, notes and labels that it brings.

Each function runs inside a transaction of its caller. Writers of cases are taken one at a time (`lock_counter`), so of
two people who claim at once the second sees that the first has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.cases.clock import ServiceHours
from listener.cases.deeds import Decision, Deed, Refusal, Why, Wish, decide
from listener.cases.plan import CaseChange, CaseEvent, CaseNotification
from listener.cases.turns import CLOCK
from listener.model import (
    Case,
    CaseState,
    Line,
    NewNotification,
    NotificationKind,
    Outcome,
    Told,
    Verdict,
)
from listener.store import summaries
from listener.store.mapping import TOLD, TOLD_FROM, case_of, event_values, told_of, verdict_values
from listener.store.pages import add_notifications, change_case, lock_counter, told_receivers
from listener.store.tables import case_events, cases, labels, mentions, verdicts
from listener.store.values import AUDIT, Label
from rules.vocabulary import Stage, Urgency

Wanted = Callable[[Told, Case], Sequence[tuple[str, str]]]  # (receiver, route) that should know of a case at its level

_MOODS = {"negative": -0.6, "neutral": 0.0, "positive": 0.6}  # what a person's word for a mood counts as


def transition(
    connection: Connection, ref: str, wish: Wish, hours: ServiceHours, wanted: Wanted, now: datetime
) -> Decision | Refusal | None:
    """Do it, unless the case's state forbids it. None: there is no such case."""
    lock_counter(connection)
    row = connection.execute(sa.select(cases).where(cases.c.ref == ref)).mappings().one_or_none()
    if row is None:
        return None
    case = case_of(row)
    decided = decide(case, wish, now, hours)
    if isinstance(decided, Refusal):
        return decided
    lead = leading(connection, case.id)
    if wish.deed in (Deed.CORRECT, Deed.REOPEN) and (lead is None or lead.removed_at is not None):
        return Refusal(Why.GONE, case)
    if wish.deed is Deed.IRRELEVANT:
        set_relevance(connection, case.id, relevant=False)
    if wish.deed in (Deed.CORRECT, Deed.IRRELEVANT) and lead is not None and lead.removed_at is None:
        _correct(connection, lead, wish, now)
    if case.state is CaseState.NOT_RELEVANT and decided.case.state is not CaseState.NOT_RELEVANT:
        set_relevance(connection, case.id, relevant=True)
    change_case(connection, CaseChange(decided.case), now)
    connection.execute(case_events.insert(), [event_values(decided.event)])
    urgent = Urgency.CRITICAL if wish.deed is Deed.ESCALATE else Urgency.NORMAL
    told = told_receivers(connection, [case.id]).get(case.id, [])
    make_known(connection, decided.case, decided.event, told, urgent, now)
    if lead is not None and decided.case.urgency > case.urgency:
        tell_more(
            connection, decided.case, lead, [one for one in wanted(lead, decided.case) if one[0] not in told], now
        )
    return decided


def labels_since(connection: Connection, since: datetime) -> tuple[Label, ...]:
    """Corrections, oldest first, with the words they are about; those of removed posts are left out."""
    rows = connection.execute(
        sa.select(labels, mentions.c.ref, mentions.c.platform, mentions.c.text, verdicts.c.lang)
        .select_from(
            labels.join(mentions, mentions.c.id == labels.c.mention_id).join(
                verdicts, verdicts.c.mention_id == mentions.c.id
            )
        )
        .where(labels.c.at >= since, mentions.c.removed_at.is_(None))
        .order_by(labels.c.id)
    )
    return tuple(
        Label(
            row.at, row.who, row.ref, row.platform, row.lang, row.text, row.field, row.was, row.now, row.reason, row.ruleset
        )
        for row in rows
    )  # fmt: skip


def leading(connection: Connection, case_id: int) -> Told | None:
    """The post that a case's message leads with: the most urgent, of those the newest; a removed one where all are."""
    row = (
        connection.execute(
            sa.select(*TOLD)
            .select_from(TOLD_FROM)
            .where(mentions.c.case_id == case_id)
            .order_by(
                mentions.c.removed_at.is_not(None),
                verdicts.c.urgency.desc(),
                mentions.c.published_at.desc(),
                mentions.c.id.desc(),
            )
            .limit(1)
        )
        .mappings()
        .one_or_none()
    )
    return None if row is None else told_of(row)


def _correct(connection: Connection, lead: Told, wish: Wish, now: datetime) -> None:
    """Change the verdict and keep each change as a label."""
    changes: dict[str, Any] = dict(wish.changes)
    if wish.deed is Deed.IRRELEVANT:
        changes = {"relevant": False}
    elif wish.urgency is not None:
        changes["urgency"] = wish.urgency.word
    verdict = lead.verdict
    was = _as_said(verdict)
    changed = {name: value for name, value in changes.items() if was[name] != value}
    if not changed:
        return
    _keep(connection, lead, {name: (was[name], value) for name, value in changed.items()}, wish.who, wish.reason, now)
    _rejudge(connection, lead, changed, now)


def audit(
    connection: Connection, ref: str, week: str, changes: Mapping[str, Any], who: str, now: datetime
) -> tuple[str, ...] | None:
    """Keep what a person says of a verdict that was drawn for an audit, and put right what was wrong.

    Returns the fields that changed; () where the verdict stands. None: there is no such post, or its words were removed. Cases stay as
    they are: a week's audit is about the rules.
    """
    lock_counter(connection)
    row = (
        connection.execute(sa.select(*TOLD).select_from(TOLD_FROM).where(mentions.c.ref == ref))
        .mappings()
        .one_or_none()
    )
    if row is None or row["removed_at"] is not None:
        return None
    told = told_of(row)
    was = _as_said(told.verdict)
    changed = {name: value for name, value in changes.items() if was[name] != value}
    _keep(
        connection,
        told,
        {AUDIT: (week, was | changed)} | {name: (was[name], to) for name, to in changed.items()},
        who,
        "",
        now,
    )
    if changed:
        _rejudge(connection, told, changed, now)
    return tuple(changed)


def audited(connection: Connection, week: str) -> frozenset[str]:
    """References of the posts that were looked at for this week's audit."""
    rows = connection.execute(
        sa.select(mentions.c.ref, labels.c.was)
        .select_from(labels.join(mentions, mentions.c.id == labels.c.mention_id))
        .where(labels.c.field == AUDIT)
    )
    return frozenset(row.ref for row in rows if row.was == week)


def _keep(
    connection: Connection, told: Told, said: Mapping[str, tuple[Any, Any]], who: str, reason: str, now: datetime
) -> None:
    """Labels: field -> (what it was, what it is)."""
    connection.execute(
        labels.insert(),
        [
            {
                "at": now,
                "who": who,
                "mention_id": told.id,
                "field": name,
                "was": was,
                "now": to,
                "reason": reason,
                "ruleset": told.verdict.ruleset,
            }
            for name, (was, to) in said.items()
        ],
    )


def _rejudge(connection: Connection, told: Told, changed: Mapping[str, Any], now: datetime) -> None:
    values = verdict_values(told.id, _put_right(told.verdict, changed), now)
    del values["mention_id"], values["judged_at"]
    connection.execute(verdicts.update().where(verdicts.c.mention_id == told.id).values(**values))


def corrected(connection: Connection, mention_id: int, verdict: Verdict) -> Verdict:
    """A new verdict on an edited post, with what a person had put right where the rules say what they said before."""
    was: dict[str, Any] = {}
    right: dict[str, Any] = {}
    rows = connection.execute(sa.select(labels).where(labels.c.mention_id == mention_id).order_by(labels.c.id))
    for row in rows:
        if row.field in ("relevant", AUDIT):
            continue  # the state of its case says so; an audit that found nothing wrong changes nothing
        if row.field not in right or right[row.field] != row.was:
            was[row.field] = row.was  # judged by the rules since
        right[row.field] = row.now
    said = _as_said(verdict)
    return _put_right(verdict, {name: value for name, value in right.items() if said[name] == was[name] != value})


def _as_said(verdict: Verdict) -> dict[str, Any]:
    """What can be corrected, in the words of labels."""
    return {
        "stage": verdict.stage.value,
        "urgency": verdict.urgency.word,
        "sentiment": verdict.sentiment_label,
        "touchpoints": sorted(verdict.touchpoints),
        "relevant": verdict.relevant,
    }


def _put_right(verdict: Verdict, changes: Mapping[str, Any]) -> Verdict:
    was = _as_said(verdict)
    lines = [Line(0, "corrected", f"{name}: {_said(was[name])} → {_said(to)}", "") for name, to in changes.items()]
    right = replace(verdict, lines=(*verdict.lines, *lines), relevant=changes.get("relevant", verdict.relevant))
    if "stage" in changes:
        right = replace(right, stage=Stage(changes["stage"]), stage_confidence=1.0, secondary_stage=None)
    if "urgency" in changes:
        right = replace(right, urgency=Urgency.of(changes["urgency"]))
    if "sentiment" in changes:
        right = replace(right, sentiment_label=changes["sentiment"], sentiment=_MOODS[changes["sentiment"]])
    if "touchpoints" in changes:
        right = replace(right, touchpoints={name: verdict.touchpoints.get(name) for name in changes["touchpoints"]})
    return right


def _said(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def set_relevance(connection: Connection, case_id: int, *, relevant: bool) -> None:
    """Of all posts of a case; those that do not count any more are not in the digest either."""
    ids = sa.select(mentions.c.id).where(mentions.c.case_id == case_id)
    connection.execute(verdicts.update().where(verdicts.c.mention_id.in_(ids)).values(relevant=relevant))
    whose = mentions.update().where(mentions.c.case_id == case_id)
    if relevant:
        told = told_receivers(connection, [case_id])
        outcome = Outcome.ALERTED if told else Outcome.NO_ROUTE
        whose = whose.where(mentions.c.outcome == Outcome.NOT_RELEVANT.value)
    else:
        outcome = Outcome.NOT_RELEVANT
    connection.execute(whose.values(outcome=outcome.value))


def make_known(
    connection: Connection, case: Case, event: CaseEvent, told: Sequence[str], urgency: Urgency, now: datetime
) -> None:
    """Edit the case's message wherever it stands, note in its thread who did what, and edit summaries that tell it."""
    said = {"deed": event.what, "who": event.who, "through": event.through, **event.detail}
    said.pop(CLOCK, None)  # what the history keeps for counting is nothing to say
    planned = [
        CaseNotification(NewNotification(key, kind, receiver, urgency, now, "deed", payload), case.id)
        for receiver in told
        for key, kind, payload in (
            (f"case:{case.ref}:rev{case.revision}:{receiver}", NotificationKind.CASE_UPDATE, {}),
            (f"case:{case.ref}:note:rev{case.revision}:{receiver}", NotificationKind.CASE_NOTE, said),
        )
    ]
    add_notifications(connection, planned, now)
    summaries.show_again(connection, case.id, "deed", now)


def note_in_thread(connection: Connection, case: Case, event: CaseEvent, part: str, now: datetime) -> None:
    """An entry about something that leaves the case itself as it is; `part` names it once for ever."""
    said = {"deed": event.what, "who": event.who, "through": event.through, **event.detail}
    kind, told = NotificationKind.CASE_NOTE, told_receivers(connection, [case.id]).get(case.id, [])
    notes = [
        NewNotification(f"case:{case.ref}:{part}:{receiver}", kind, receiver, Urgency.NORMAL, now, "deed", said)
        for receiver in told
    ]
    add_notifications(connection, [CaseNotification(one, case.id) for one in notes], now)


def tell_more(connection: Connection, case: Case, lead: Told, wanted: Sequence[tuple[str, str]], now: datetime) -> None:
    """Open the case for receivers that did not know of it."""
    part = "open" if case.revision == 1 else f"open:rev{case.revision}"
    add_notifications(
        connection,
        [
            CaseNotification(
                NewNotification(
                    f"case:{case.ref}:{part}:{receiver}",
                    NotificationKind.CASE_OPEN,
                    receiver,
                    case.urgency,
                    now,
                    f"route:{route}",
                ),
                case.id,
                lead.id,
            )
            for receiver, route in wanted
        ],
        now,
    )
