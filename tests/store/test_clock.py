"""A clock that is set back by hours: nothing waits for the old time, and nothing happens twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from listener import schedule
from listener.model import NewNotification, NotificationKind, NotificationState, Receipt
from listener.store import LeaseLost, Store
from rules.vocabulary import Urgency
from tests.fakes.story import NOON, page, settle_to
from tests.test_schedule import Posts, Told, work

TTL = timedelta(minutes=5)
LATE = NOON + timedelta(hours=7)


def told(store: Store, *keys: str) -> None:
    new = [NewNotification(key, NotificationKind.NOTICE, "console", Urgency.NORMAL, LATE, "test") for key in keys]
    store.enqueue(new, LATE)


def test_polls_waits_and_retries_keep_their_distance_when_the_clock_is_set_back(store: Store) -> None:
    store.register_sources({"a": "replay", "b": "replay"}, LATE, {"b": "paid"})
    lease = store.lease("a", "w1", LATE, TTL)
    assert lease is not None
    store.finish(lease, LATE, LATE + TTL)
    store.block_account("paid", LATE + 2 * TTL, "slow down")
    told(store, "k1")
    delivery = store.claim("console", "w1", LATE, TTL)
    assert delivery is not None
    store.mark_retry(delivery.id, "w1", "busy", LATE + TTL, LATE, hold_receiver_until=LATE + TTL)
    assert store.latest_sign() == LATE
    store.turn_back(LATE - NOON, NOON)
    assert store.latest_sign() == NOON
    assert (store.due_sources(NOON), store.due_sources(NOON + TTL)) == ((), ("a",))
    assert store.due_sources(NOON + 2 * TTL) == ("b", "a")
    assert store.claim("console", "w1", NOON, TTL) is None
    assert store.claim("console", "w1", NOON + TTL, TTL) is not None


def test_who_holds_a_lease_while_the_clock_is_set_back_keeps_it_for_its_time(store: Store) -> None:
    store.register_sources({"a": "replay"}, LATE)
    held = store.lease("a", "w1", LATE, TTL)
    assert held is not None
    told(store, "k1")
    sending = store.claim("console", "w1", LATE, TTL)
    assert sending is not None
    store.turn_back(LATE - NOON, NOON)
    assert store.lease("a", "w2", NOON, TTL) is None
    assert store.claim("console", "w2", NOON, TTL) is None
    store.record_page(held, page([]), [], settle_to("console"), NOON)
    assert store.mark_sent(sending.id, "w1", Receipt({}), NOON)
    assert store.outbox(NOON).counts == {"console": {NotificationState.SENT: 1}}
    after = NOON + 3 * TTL
    assert store.lease("a", "w2", after, TTL) is not None
    with pytest.raises(LeaseLost):
        store.finish(held, after, after)


def test_a_daemon_notices_by_its_own_heartbeat_and_by_nobody_elses(store: Store) -> None:
    now = [LATE]
    job = work(store, Posts(), Told(), lambda: now[0])
    store.register_sources({"a": "replay"}, LATE)
    lease = store.lease("a", "w1", LATE, TTL)
    assert lease is not None
    store.finish(lease, LATE, LATE + TTL)
    store.set_meta("heartbeat", {"at": LATE.isoformat(), "owner": "another machine"})
    now[0] = NOON
    schedule.beat(job)
    assert "a" not in store.due_sources(NOON + TTL)
    now[0] = LATE
    schedule.beat(job)
    now[0] = NOON
    schedule.beat(job)
    assert "a" in store.due_sources(NOON + TTL)
    schedule.beat(job)
    assert "a" not in store.due_sources(NOON)  # once
