"""Numbers that only grow, added to in the transaction that does what they count: watching reads a row, not history.

    verdict      of: stage, part: urgency   relevant mentions as they were first judged
    outcome      of: outcome                what became of mentions when they were stored
    case-opened  of: urgency
    sent         of: receiver               messages that were accepted
    seen-delay   of: source, part: bucket   mentions by the time from their publication until they were stored
    sent-delay   of: source, part: bucket   mentions by the time from then until a message of their own told them

A delay's bucket is the number of seconds that it did not exceed; `sum` holds the milliseconds of all. Each function runs
inside a transaction of its caller and adds in one order, so that two of them never wait for each other.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.cases.plan import NewMention, Settled
from listener.model import NotificationKind, Outcome
from listener.store.tables import mentions, notifications, totals
from listener.store.upsert import insert

BUCKETS = (30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)  # seconds; from half a minute to a day
SUM = "sum"
MORE = "more"  # than the last bucket
_TELLING = (NotificationKind.CASE_OPEN.value, NotificationKind.CASE_THREAD.value)
# What was told, or might have been. Old posts that a first poll or a backfill brings say nothing of our speed.
_TIMED = frozenset({Outcome.ALERTED, Outcome.JOINED_CASE, Outcome.NO_ROUTE, Outcome.SILENCED, Outcome.FOLDED_DUPLICATE})

Total = tuple[str, str, str]


def stored(connection: Connection, source: str, new: Iterable[NewMention], settled: Settled, now: datetime) -> None:
    """Count a page's new mentions and what followed from them."""
    counts: Counter[Total] = Counter()
    for one in new:
        verdict = settled.verdicts.get(one.id, one.verdict)
        if verdict.relevant:
            counts["verdict", verdict.stage.value, verdict.urgency.name.lower()] += 1
        outcome = settled.outcomes[one.id]
        counts["outcome", outcome.value, ""] += 1
        if outcome in _TIMED:
            _delay(counts, "seen-delay", source, now - one.mention.published_at)
    for draft in settled.drafts:
        counts["case-opened", draft.case.urgency.name.lower(), ""] += 1
    _add(connection, counts)


def sent(connection: Connection, notification_id: int, now: datetime) -> None:
    """Count a message that was accepted, and how long the post waited that it tells first."""
    row = connection.execute(
        sa.select(notifications.c.receiver, notifications.c.kind, mentions.c.source, mentions.c.seen_at)
        .select_from(notifications.outerjoin(mentions, mentions.c.id == notifications.c.mention_id))
        .where(notifications.c.id == notification_id)
    ).one()
    counts: Counter[Total] = Counter({("sent", row.receiver, ""): 1})
    if row.kind in _TELLING and row.source is not None:
        _delay(counts, "sent-delay", row.source, now - row.seen_at)
    _add(connection, counts)


def read(connection: Connection) -> Mapping[Total, int]:
    """All of them: as many rows as there are sources, receivers, stages and buckets, however much was counted."""
    return {(row.what, row.of, row.part): row.value for row in connection.execute(sa.select(totals))}


def _delay(counts: Counter[Total], what: str, source: str, delay: timedelta) -> None:
    seconds = max(0.0, delay.total_seconds())  # platforms' clocks run ahead of ours at times
    place = bisect_left(BUCKETS, seconds)
    counts[what, source, str(BUCKETS[place]) if place < len(BUCKETS) else MORE] += 1
    counts[what, source, SUM] += round(seconds * 1000)


def _add(connection: Connection, counts: Mapping[Total, int]) -> None:
    if not counts:
        return
    statement = insert(connection, totals)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["what", "of", "part"], set_={"value": totals.c.value + statement.excluded.value}
        ),
        [{"what": what, "of": of, "part": part, "value": value} for (what, of, part), value in sorted(counts.items())],
    )
