"""Statements about what spikes are seen in: the posts of a stretch, their words, and the hours behind baselines.

Hours are counted once and kept, a row for each kind, source and UTC day, so that eight weeks of a kind are some dozen rows
however many posts there were. Each function runs inside a transaction of its caller.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.cases.spikes import Heard, kinds_of
from listener.model import Outcome, Told
from listener.store.mapping import TOLD_FROM
from listener.store.reading import told_by_id
from listener.store.tables import hourly, mentions, verdicts
from rules.vocabulary import Intent, Urgency

_NOT_HEARD = (Outcome.ALERTS_OFF.value, Outcome.SILENCED.value)


def heard(connection: Connection, since: datetime, until: datetime, sources: Collection[str]) -> list[Heard]:
    """Posts about the brand published in (since, until] that these sources found themselves, oldest first."""
    rows = connection.execute(
        sa.select(
            *(mentions.c[name] for name in ("id", "published_at", "author_key", "thread_key", "source")),
            *(sa.cast(verdicts.c[name], sa.Text) for name in ("intents", "touchpoints")),  # read once for each spelling
            *(verdicts.c[name] for name in ("sentiment_label", "lang", "stage", "urgency")),
        )
        .select_from(TOLD_FROM)
        .where(
            mentions.c.published_at > since,
            mentions.c.published_at <= until,
            verdicts.c.relevant,
            verdicts.c.subject == "brand",
            ~verdicts.c.promotional,
            sa.func.coalesce(mentions.c.outcome, "").not_in(_NOT_HEARD),
        )
        .order_by(mentions.c.published_at, mentions.c.id)
    )
    known: dict[tuple[str, str, str], frozenset[str]] = {}  # a few dozen combinations, however many posts
    levels = {int(urgency): urgency for urgency in Urgency}
    found = []
    for id_, at, author, thread, source, intents, touchpoints, sentiment, lang, stage, urgency in rows:
        if source not in sources:
            continue
        said = (intents, sentiment, touchpoints)
        if (kinds := known.get(said)) is None:
            wants = [Intent(one) for one in json.loads(intents)]
            kinds = known[said] = kinds_of(wants, sentiment, json.loads(touchpoints))
        found.append(Heard(id_, at, author, thread, source, kinds, sentiment, lang, stage, levels[urgency]))
    return found


def texts(connection: Connection, kind: str, before: datetime, since: datetime, limit: int) -> list[tuple[str, str]]:
    """Author and words of the last posts of a kind before a moment."""
    rows = connection.execute(
        sa.select(
            *(mentions.c[name] for name in ("author_key", "title", "text")),
            *(verdicts.c[name] for name in ("intents", "touchpoints", "sentiment_label")),
        )
        .select_from(TOLD_FROM)
        .where(
            mentions.c.published_at < before,
            mentions.c.published_at >= since,
            mentions.c.removed_at.is_(None),
            verdicts.c.relevant,
        )
        .order_by(mentions.c.published_at.desc())
        .limit(limit)
    )
    return [
        (row.author_key, f"{row.title} {row.text}")
        for row in rows
        if kind in kinds_of([Intent(one) for one in row.intents], row.sentiment_label, row.touchpoints)
    ]


def told_many(connection: Connection, ids: Sequence[int]) -> list[Told]:
    """These mentions; those that are gone are left out."""
    found = [told_by_id(connection, one) for one in ids]
    return [one for one in found if one is not None and one.removed_at is None]


def days_counted(connection: Connection) -> frozenset[date]:
    """The UTC days whose hours were counted."""
    rows = connection.execute(sa.select(hourly.c.day).where(hourly.c.kind == "", hourly.c.source == ""))
    return frozenset(date.fromisoformat(day) for day in rows.scalars())


def keep_day(connection: Connection, day: date, posts: Sequence[Heard], oldest: date) -> None:
    """Count the hours of one UTC day (anew), and forget days before `oldest`."""
    authors: dict[tuple[str, str], list[set[str]]] = {}
    for post in posts:
        for kind in post.kinds:
            hours = authors.setdefault((kind, post.source), [set() for _ in range(24)])
            hours[post.at.astimezone(UTC).hour].add(post.author)
    connection.execute(
        hourly.delete().where(sa.or_(hourly.c.day == day.isoformat(), hourly.c.day < oldest.isoformat()))
    )
    rows = [
        {"kind": kind, "day": day.isoformat(), "source": source, "counts": [len(one) for one in hours]}
        for (kind, source), hours in sorted(authors.items())
    ]
    connection.execute(hourly.insert(), [{"kind": "", "day": day.isoformat(), "source": "", "counts": []}, *rows])


def tally(
    connection: Connection, kinds: Collection[str], since: date
) -> dict[str, dict[str, dict[date, Sequence[int]]]]:
    """Kind -> source -> day -> authors of each hour."""
    found: dict[str, dict[str, dict[date, Sequence[int]]]] = {kind: {} for kind in kinds}
    rows = connection.execute(
        sa.select(hourly).where(hourly.c.kind.in_(sorted(kinds)), hourly.c.day >= since.isoformat())
    )
    for row in rows:
        found[row.kind].setdefault(row.source, {})[date.fromisoformat(row.day)] = row.counts
    return found


def kinds_counted(connection: Connection) -> int:
    """How many kinds have any hours."""
    number: int = connection.execute(
        sa.select(sa.func.count(hourly.c.kind.distinct())).where(hourly.c.kind != "")
    ).scalar_one()
    return number
