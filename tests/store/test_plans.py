"""No statement of the daily work reads through history: what SQLite and PostgreSQL say they would do."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from connectors.base import Author
from listener.cases.manners import Manners
from listener.model import Receipt
from listener.store import Store
from listener.store.tables import spikes
from tests.fakes.story import NOON, page, post, settle_to, triaged

TTL, DAY = timedelta(minutes=5), timedelta(days=1)
GROWING = ("mention", "verdict", "notification", "earlier", "case_", "case_event")


def a_day(store: Store) -> None:
    """Polls, deliveries and a digest."""
    store.register_sources({"forum": "replay"}, NOON)
    for start in (0, 3):
        lease = store.lease("forum", "w1", NOON, TTL, force=True)
        assert lease is not None
        posts = [triaged(post(number, author=Author(f"a{number % 2}"))) for number in range(start, start + 6)]
        store.record_page(lease, page(posts), posts, settle_to("console"), NOON)
        store.finish(lease, NOON, NOON)
    for at, manners in (
        (NOON, Manners(quiet=True)),
        (NOON, Manners(singles_per_hour=1)),
        (NOON + TTL / 5, Manners(singles_per_hour=1)),
        (NOON + TTL, Manners(opened_at=NOON + TTL, singles_per_hour=1)),
    ):
        while (delivery := store.claim("console", "s1", at, TTL, manners)) is not None:
            assert store.mark_sent(delivery.id, "s1", Receipt({}), at)
        more = [triaged(post(30 + 10 * at.minute + number)) for number in range(3)]
        lease = store.lease("forum", "w1", NOON, TTL, force=True)
        assert lease is not None
        store.record_page(lease, page(more), more, settle_to("console"), NOON)
    store.forget("forum", "a30", "ann", NOON)
    later = NOON + 50 * TTL
    while (delivery := store.claim("console", "s1", later, TTL, Manners(singles_per_hour=0))) is not None:
        assert store.mark_dead(delivery.id, "s1", "refused", later)
    store.weekly(NOON, NOON + TTL, [NOON])
    store.sleeping(NOON)
    store.unanswered(NOON - TTL, NOON + TTL, NOON - TTL)
    store.to_check(["forum"], NOON, NOON - TTL, 10)
    store.useful(NOON)
    store.answered(NOON, NOON + TTL)
    for one in store.counted(NOON, NOON + TTL):
        told = store.told(one.ref)
        assert told is not None
        store.notifications_of(told.id)
        store.case(one.case_ref or "")


def test_daily_work_uses_indexes(store: Store) -> None:
    """Every statement of a day is explained; none scans a table that grows."""
    done: dict[str, Any] = {}

    def remember(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if re.match(r"(SELECT|UPDATE)", statement):
            done.setdefault(statement, parameters[0] if many else parameters)

    event.listen(store.engine, "before_cursor_execute", remember)
    a_day(store)
    event.remove(store.engine, "before_cursor_execute", remember)
    assert len(done) > 20
    explain = "EXPLAIN QUERY PLAN " if store.engine.dialect.name == "sqlite" else "EXPLAIN "
    with store.engine.connect() as connection:
        if explain == "EXPLAIN ":  # with a handful of rows a scan is cheapest; what matters is that it is not needed
            connection.execute(sa.text("SET enable_seqscan = off"))
        scans = {
            statement: lines
            for statement, parameters in done.items()
            if (lines := _scans([str(row[-1]) for row in connection.exec_driver_sql(explain + statement, parameters)]))
        }
    assert scans == {}


def _scans(plan: list[str]) -> list[str]:
    tables = "|".join(GROWING)
    # SQLite chooses without knowing how many rows there are, so its choice here is its choice for ever: it must not
    # read all that a receiver was ever sent. PostgreSQL chooses anew as tables grow.
    return [line for line in plan if re.search(rf"(^SCAN|Seq Scan on) ({tables})\b|^SEARCH .*_receiver_state ", line)]


def test_the_spikes_of_a_week_are_one_query_by_the_time_they_ended(store: Store) -> None:
    old = NOON - 400 * DAY
    with store.engine.begin() as connection:
        values = dict.fromkeys(("urgency", "authors", "posts", "expected", "revision"), 0)
        times = dict.fromkeys(("begun_at", "opened_at", "last_at", "told_at"), old)
        rows = [
            {
                **values,
                **times,
                "id": n,
                "ref": f"s-{n}",
                "kind": "all",
                "state": "ended",
                "figures": {},
                "ended_at": old + n * TTL,
            }
            for n in range(1, 3_000)
        ]
        connection.execute(spikes.insert(), [*rows, {**rows[0], "id": 3_000, "ref": "s-3000", "ended_at": NOON}])
        connection.execute(sa.text("ANALYZE"))
    done: list[tuple[str, Any]] = []
    event.listen(store.engine, "before_cursor_execute", lambda _c, _cursor, said, given, *_: done.append((said, given)))
    assert [one.ref for one in store.spikes(NOON - DAY)] == ["s-3000"]
    ((statement, parameters),) = [one for one in done if "FROM spike" in one[0]]
    explain = "EXPLAIN QUERY PLAN " if store.engine.dialect.name == "sqlite" else "EXPLAIN "
    with store.engine.connect() as connection:
        plan = [str(row[-1]) for row in connection.exec_driver_sql(explain + statement, parameters)]
    assert [line for line in plan if "ix_spike_ended_at" in line]
    assert not [line for line in plan if re.search(r"^SCAN|Seq Scan|spike_pkey|pk_spike", line)]
