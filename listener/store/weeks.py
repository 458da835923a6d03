"""What only the digest asks: words of earlier weeks, answers to cases, decisions. Cost grows with the weeks asked for.

Each function runs inside a transaction of its caller.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.cases.deeds import Deed
from listener.cases.turns import started
from listener.model import CaseState
from listener.store.mapping import TOLD_FROM
from listener.store.pages import lock_counter
from listener.store.purging import quotes_removed
from listener.store.ranges import cases_run, mentions_run
from listener.store.tables import case_events, cases, mentions, meta, notifications, verdicts
from listener.store.upsert import insert
from rules.vocabulary import Urgency

DECISIONS = "digest.decisions"  # meta key: what the team decided, the oldest first
_ANSWERS = (Deed.REPLIED.value, Deed.WAIT.value, "brand-replied")  # what stops a case's clock


@dataclass(frozen=True, slots=True)
class Answered:
    """A case with its first post's time and that of its first public reply."""

    ref: str
    urgency: Urgency
    state: CaseState
    first_at: datetime
    replied_at: datetime | None
    target: str = ""  # which target its clock started with; "" in a history older than that


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """A decision as it is kept."""

    number: int
    week: str
    text: str
    who: str
    at: datetime
    done_at: datetime | None


def number_of(connection: Connection, since: datetime, until: datetime) -> int:
    """How many mentions were published in [since, until)."""
    number: int = connection.execute(
        sa.select(sa.func.count()).where(mentions.c.published_at >= since, mentions.c.published_at < until)
    ).scalar_one()
    return number


def words(
    connection: Connection, since: datetime, until: datetime, below: str | None
) -> Sequence[tuple[str, str, str]]:
    """Author, language and text of the posts that digests count, published in [since, until); oldest first.

    `below`: of those only the ones with a smaller reference.
    """
    statement = (
        sa.select(mentions.c.author_key, verdicts.c.lang, mentions.c.text)
        .select_from(TOLD_FROM)
        .where(
            mentions.c.published_at >= since,
            mentions.c.published_at < until,
            mentions.c.removed_at.is_(None),
            verdicts.c.relevant,
            verdicts.c.subject == "brand",
            ~verdicts.c.promotional,
            mentions_run(connection, since, until).holds(verdicts.c.mention_id),
        )
        .order_by(mentions.c.published_at, mentions.c.id)
    )
    if below is not None:
        # Not the bare column: PostgreSQL would read an eighth of all references ever given.
        statement = statement.where(mentions.c.ref + "" < below)
    return [(author, lang, text) for author, lang, text in connection.execute(statement).all()]


_BEGIN = ("opened", "joined")  # where the clock of a case may begin


def answered(connection: Connection, since: datetime, until: datetime) -> tuple[Answered, ...]:
    """Cases of the mentions published in [since, until) that ask for an answer, with the time since when and of the first answer.

    Cases of posts that were read back or imported ask for none: they were for others to answer.
    """
    run = cases_run(connection, since, until)
    theirs = (
        sa.select(mentions.c.case_id)
        .where(
            mentions.c.published_at >= since,
            mentions.c.published_at < until,
            mentions.c.case_id.is_not(None),
            run.holds(mentions.c.case_id),
        )
        .distinct()
    )
    replied: dict[int, datetime] = {}
    begun: dict[int, tuple[str, datetime]] = {}
    for case_id, written, what, said in connection.execute(
        # As text: most answers say nothing more, and reading that as JSON is half the cost of a row.
        sa.select(case_events.c.case_id, case_events.c.at, case_events.c.what, case_events.c.detail.cast(sa.Text))
        .where(
            case_events.c.case_id.in_(theirs),
            case_events.c.what.in_((*_BEGIN, *_ANSWERS)),
            run.holds(case_events.c.case_id),
        )
        .order_by(case_events.c.id)
    ).all():
        detail = json.loads(said) if said != "{}" else {}
        if what in _ANSWERS:
            at = _written(detail) or written
            replied[case_id] = min(at, replied.get(case_id, at))
        elif case_id not in begun and (first := started(detail)) is not None:
            begun[case_id] = first
    which = sa.select(cases.c.id, cases.c.ref, cases.c.urgency, cases.c.state).where(
        cases.c.id.in_(theirs), run.holds(cases.c.id)
    )
    return tuple(
        Answered(ref, Urgency(urgency), CaseState(state), begun[id_][1], replied.get(id_), begun[id_][0])
        for id_, ref, urgency, state in connection.execute(which.order_by(cases.c.id)).all()
        if id_ in begun
    )


def decisions(connection: Connection) -> tuple[DecisionLine, ...]:
    """All that was decided, the oldest first."""
    return tuple(
        DecisionLine(
            one["number"],
            one["week"],
            one["text"],
            one["who"],
            datetime.fromisoformat(one["at"]),
            None if one["done_at"] is None else datetime.fromisoformat(one["done_at"]),
        )
        for one in _kept(connection)
    )


def decide(connection: Connection, week: str, text: str, who: str, now: datetime) -> int:
    """Keep a decision; returns its number."""
    lock_counter(connection)  # two that decide at once do so one after the other
    kept = _kept(connection)
    number = max((one["number"] for one in kept), default=0) + 1
    new = {"number": number, "week": week, "text": text, "who": who, "at": now.isoformat(), "done_at": None}
    _keep(connection, [*kept, new])
    return number


def review(connection: Connection, week: str, who: str, now: datetime) -> tuple[str, datetime]:
    """Keep that somebody read the digest of a week; of several, the first stays."""
    key = f"digest.reviewed:{week}"
    connection.execute(
        insert(connection, meta).on_conflict_do_nothing(index_elements=["key"]),
        {"key": key, "value": {"who": who, "at": now.isoformat()}},
    )
    kept = reviewed(connection, week)
    assert kept is not None  # nobody takes it away
    return kept


def reviewed(connection: Connection, week: str) -> tuple[str, datetime] | None:
    """Who read the digest of a week first, and when."""
    kept = connection.execute(sa.select(meta.c.value).where(meta.c.key == f"digest.reviewed:{week}")).scalar()
    return None if kept is None else (str(kept["who"]), datetime.fromisoformat(kept["at"]))


def was_sent(connection: Connection, keys: Sequence[str]) -> bool:
    """Whether a notification under one of `keys` was sent."""
    sent = sa.select(notifications.c.id).where(notifications.c.key.in_(keys), notifications.c.sent_at.is_not(None))
    return connection.execute(sent.limit(1)).first() is not None


def mark_done(connection: Connection, number: int, now: datetime) -> bool:
    """A decision was carried out. False: there is no open one of that number."""
    lock_counter(connection)
    kept = _kept(connection)
    found = [one for one in kept if one["number"] == number and one["done_at"] is None]
    if not found:
        return False
    _keep(connection, [{**one, "done_at": now.isoformat()} if one is found[0] else one for one in kept])
    return True


def sent_digest(connection: Connection, keys: Sequence[str]) -> Mapping[str, Any] | None:
    """The first digest put in the outbox under one of `keys`; None: there is none, or its words were removed since."""
    rows = connection.execute(
        sa.select(notifications.c.payload, notifications.c.created_at)
        .where(notifications.c.key.in_(keys))
        .order_by(notifications.c.id)
    ).all()
    return next(
        (
            row.payload["digest"]
            for row in rows
            if "digest" in row.payload and not quotes_removed(connection, row.payload, row.created_at)
        ),
        None,
    )


def _written(detail: Mapping[str, Any]) -> datetime | None:
    at = detail.get("at")
    return datetime.fromisoformat(at) if isinstance(at, str) else None


def _kept(connection: Connection) -> list[dict[str, Any]]:
    found = connection.execute(sa.select(meta.c.value).where(meta.c.key == DECISIONS)).scalar_one_or_none()
    return list(found) if isinstance(found, list) else []


def _keep(connection: Connection, kept: Sequence[Mapping[str, Any]]) -> None:
    statement = insert(connection, meta).values(key=DECISIONS, value=list(kept))
    connection.execute(
        statement.on_conflict_do_update(index_elements=["key"], set_={"value": statement.excluded.value})
    )
