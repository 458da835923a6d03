"""One reading of the store, on both databases: what it holds, what it costs, and what is judged from it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from listener import troubles
from listener.config import Config
from listener.model import CaseState, NewNotification, NotificationKind, NotificationState, Receipt
from listener.store import Store
from listener.store.totals import SUM
from rules.vocabulary import Urgency
from tests.fakes.story import NOON, page, post, settle_to, triaged
from tests.watch.conftest import TTL

GROWING = ("mention", "verdict", "notification", "case_", "case_event", "audit", "label")


def test_vitals_hold_what_happened(lived_in: Store, config: Config) -> None:
    read = troubles.vitals(lived_in, NOON, config)
    assert read.schema.is_current
    assert read.heartbeat == NOON
    assert read.gaps == {"forum": (1, 1)}
    assert (read.spent["paid"].day, read.spent["paid"].month) == (2_500_000, 3_500_000)
    pending, sending, dead = NotificationState.PENDING, NotificationState.SENDING, NotificationState.DEAD
    assert read.outbox["care"] == {pending: 6, sending: 0, dead: 0}
    assert read.outbox["night"] == {pending: 0, sending: 0, dead: 0}
    assert sum(read.cases.values()) == 5
    assert read.cases[CaseState.NEW, Urgency.HIGH] == 2
    assert read.totals["case-opened", "high", ""] == 2
    assert sum(value for (what, *_), value in read.totals.items() if what == "verdict") == 7
    assert read.totals["sent", "care", ""] == 1


def test_delays_are_counted_by_bucket_when_things_happen(lived_in: Store, config: Config) -> None:
    """Posts of 20 to 620 seconds ago were stored at noon; the first message went out 45 seconds later."""
    totals = troubles.vitals(lived_in, NOON, config).totals
    seen = {part: value for (what, of, part), value in totals.items() if (what, of) == ("seen-delay", "forum")}
    assert seen == {"30": 1, "120": 1, "300": 1, "600": 3, "1800": 1, SUM: 1000 * sum(100 * n + 20 for n in range(7))}
    sent = {part: value for (what, of, part), value in totals.items() if (what, of) == ("sent-delay", "forum")}
    assert sent == {"60": 1, SUM: 45_000}


def test_a_page_that_comes_twice_is_counted_once(lived_in: Store, config: Config) -> None:
    before = troubles.vitals(lived_in, NOON, config).totals
    lease = lived_in.lease("forum", "w1", NOON, TTL, force=True)
    assert lease is not None
    posts = [triaged(post(number)) for number in range(7)]
    lived_in.record_page(lease, page(posts), posts, settle_to("care"), NOON)
    assert troubles.vitals(lived_in, NOON, config).totals == before


def test_a_message_whose_sender_lost_its_claim_is_counted_once(lived_in: Store, config: Config) -> None:
    lived_in.resume_receiver("care", NOON)
    first = lived_in.claim("care", "s1", NOON, TTL)
    again = lived_in.claim("care", "s2", NOON + TTL, TTL)
    assert first is not None
    assert again is not None
    assert first.id == again.id
    assert lived_in.mark_sent(again.id, "s2", Receipt({}), NOON + TTL)
    assert not lived_in.mark_sent(first.id, "s1", Receipt({}), NOON + TTL)
    assert troubles.vitals(lived_in, NOON, config).totals["sent", "care", ""] == 2


def test_the_oldest_waiting_is_measured_from_when_it_was_due_or_first_tried(store: Store, config: Config) -> None:
    assert troubles.waiting(troubles.vitals(store, NOON, config), config, "care") == timedelta(0)
    due = NOON + timedelta(hours=1)
    store.enqueue([_notice("care", Urgency.LOW, due)], NOON)
    assert troubles.waiting(troubles.vitals(store, NOON, config), config, "care") == timedelta(0)
    later = due + timedelta(minutes=2)
    assert troubles.waiting(troubles.vitals(store, later, config), config, "care") == timedelta(minutes=2)
    delivery = store.claim("care", "s1", later, TTL)
    assert delivery is not None
    store.mark_retry(delivery.id, "s1", "later", later + timedelta(hours=3), later)
    assert troubles.waiting(troubles.vitals(store, later, config), config, "care") == timedelta(hours=1, minutes=2)


@pytest.mark.parametrize(
    ("hour", "urgency", "minutes"),
    [(3, Urgency.NORMAL, 0), (3, Urgency.CRITICAL, 180), (7, Urgency.NORMAL, 0), (8, Urgency.NORMAL, 60)],
)
def test_what_quiet_hours_hold_does_not_wait(
    store: Store, config: Config, hour: int, urgency: Urgency, minutes: int
) -> None:
    """Held from midnight to seven; after that it is waited for from seven on. Critical is never held."""
    midnight = NOON.replace(hour=0)
    store.enqueue([_notice("night", urgency, midnight)], midnight)
    at = midnight + timedelta(hours=hour)
    assert troubles.waiting(troubles.vitals(store, at, config), config, "night") == timedelta(minutes=minutes)
    store.set_meta("heartbeat", {"at": at.isoformat(), "owner": "m:1:a"})
    found = troubles.troubles(store, at, config)
    assert (found != []) == (minutes > 15)


def test_overdue_cases_are_counted_while_they_are_open(lived_in: Store, config: Config) -> None:
    with lived_in.engine.begin() as connection:
        connection.execute(sa.text("UPDATE case_ SET due_at = :at WHERE id IN (1, 2)"), {"at": NOON - TTL})
        connection.execute(sa.text("UPDATE case_ SET state = 'resolved' WHERE id = 2"))
    read = troubles.vitals(lived_in, NOON, config)
    assert sum(read.overdue.values()) == 1
    assert sum(read.cases.values()) == 4


def test_tables_of_another_release_are_a_trouble(lived_in: Store, config: Config) -> None:
    """A daemon that still runs while another machine has migrated."""
    with lived_in.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    assert any("revision 9999" in line for line in troubles.troubles(lived_in, NOON, config))


def test_no_statement_reads_through_history(lived_in: Store, config: Config) -> None:
    """Seeks and counts that end: what the databases say they would do, and that every count has a limit."""
    done: dict[str, Any] = {}

    def remember(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            done.setdefault(statement, parameters)

    event.listen(lived_in.engine, "before_cursor_execute", remember)
    troubles.vitals(lived_in, NOON, config)
    event.remove(lived_in.engine, "before_cursor_execute", remember)
    ours = {
        statement: given for statement, given in done.items() if re.search(r"\b(notification|case_|total)\b", statement)
    }
    assert len(ours) == 3  # each receiver alike, the cases, the totals
    with lived_in.engine.connect() as connection:
        if (
            lived_in.kind == "postgresql"
        ):  # with a handful of rows a scan is cheapest; what matters is that it is not needed
            connection.execute(sa.text("SET enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN " if lived_in.kind == "sqlite" else "EXPLAIN "
        tables = "|".join(GROWING)
        for statement, given in ours.items():
            plan = [str(row[-1]) for row in connection.exec_driver_sql(explain + statement, given)]
            assert [line for line in plan if re.search(rf"(^SCAN|Seq Scan on) ({tables})\b", line)] == []
            assert statement.count("count(") == statement.count("LIMIT") - statement.count("ORDER BY")


def _notice(receiver: str, urgency: Urgency, due: Any) -> NewNotification:
    return NewNotification(f"notice:{receiver}", NotificationKind.NOTICE, receiver, urgency, due, "test", {"text": "x"})
