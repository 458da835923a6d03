"""The outbox: in order, one sender at a time, nothing twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from listener.model import Delivery, NewNotification, NotificationKind, NotificationState, Receipt, Triaged
from listener.store import Store
from rules.vocabulary import Urgency
from tests.fakes.story import NOON, page, post, settle_to, triaged

TTL = timedelta(minutes=2)
SECOND = timedelta(seconds=1)
RECEIPT = Receipt({"channel": "C1", "ts": "1.1"})


def put(store: Store, *posts: Triaged, to: Sequence[str] = ("console",), now: datetime = NOON) -> None:
    """Store these posts as one page of the source `forum`."""
    store.register_sources({"forum": "replay"}, now)
    lease = store.lease("forum", "poller", now, TTL, force=True)
    assert lease is not None
    store.record_page(lease, page(posts), posts, settle_to(*to), now)
    store.finish(lease, now, now)


def send_next(store: Store, now: datetime, receiver: str = "console", owner: str = "s1") -> Delivery | None:
    """Claim and mark sent."""
    delivery = store.claim(receiver, owner, now, TTL)
    if delivery is not None:
        assert store.mark_sent(delivery.id, owner, RECEIPT, now)
    return delivery


def test_the_most_urgent_is_sent_first_then_the_oldest(store: Store) -> None:
    """Urgency, then due time, then order of writing."""
    put(store, triaged(post(1)), triaged(post(2), urgency=Urgency.CRITICAL), triaged(post(3)))
    sent = [send_next(store, NOON) for _ in range(4)]
    assert [None if one is None else one.case and one.case.mentions[0].mention.external_id for one in sent] == [
        "p2",
        "p1",
        "p3",
        None,
    ]


def test_nothing_is_claimed_before_it_is_due(store: Store) -> None:
    """A digest for Monday waits for Monday."""
    digest = NewNotification(
        "digest:2026-W47:console", NotificationKind.DIGEST, "console", Urgency.LOW, NOON, "digest", {"week": "2026-W47"}
    )
    assert store.enqueue([digest], NOON - TTL) == 1
    assert store.enqueue([digest], NOON - TTL) == 0
    assert store.claim("console", "s1", NOON - SECOND, TTL) is None
    delivery = store.claim("console", "s1", NOON, TTL)
    assert delivery is not None
    assert (delivery.payload, delivery.case, delivery.parent) == ({"week": "2026-W47"}, None, None)


def test_of_one_case_nothing_overtakes_its_first_message(store: Store) -> None:
    """A thread entry hangs below a message that exists."""
    put(store, triaged(post(1)), triaged(post(2, author=post(1).author)))
    opening = store.claim("console", "s1", NOON, TTL)
    assert opening is not None
    assert opening.kind is NotificationKind.CASE_OPEN
    assert store.claim("console", "s2", NOON, TTL) is None
    assert store.mark_sent(opening.id, "s1", RECEIPT, NOON)
    entry = store.claim("console", "s2", NOON, TTL)
    assert entry is not None
    assert entry.kind is NotificationKind.CASE_THREAD
    assert entry.parent == RECEIPT
    assert entry.mention is not None
    assert entry.mention.mention.external_id == "p2"


def test_an_expired_claim_is_taken_over_and_its_first_owner_cannot_mark(store: Store) -> None:
    """Whoever lost the lease is told so."""
    put(store, triaged(post(1)))
    first = store.claim("console", "slow", NOON, TTL)
    assert first is not None
    assert not first.doubtful
    assert store.claim("console", "quick", NOON + TTL - SECOND, TTL) is None
    second = store.claim("console", "quick", NOON + TTL, TTL)
    assert second is not None
    assert (second.id, second.attempt, second.doubtful) == (first.id, 2, True)
    assert not store.mark_sent(first.id, "slow", RECEIPT, NOON + TTL)
    assert not store.mark_retry(first.id, "slow", "timeout", NOON, NOON)
    assert not store.mark_dead(first.id, "slow", "refused", NOON)
    assert store.mark_sent(second.id, "quick", RECEIPT, NOON + TTL)
    assert store.claim("console", "quick", NOON + 9 * TTL, TTL) is None


@pytest.mark.parametrize("shown", [True, False])
def test_an_update_is_folded_when_its_revision_is_shown_already(store: Store, shown: bool) -> None:
    """What is claimed shows the case as it stands now; an update behind it may have nothing left to show."""
    put(store, triaged(post(1)))
    if not shown:
        send_next(store, NOON)
    put(store, triaged(post(2, author=post(1).author)), now=NOON + SECOND)
    kinds = []
    while (delivery := send_next(store, NOON + SECOND)) is not None:
        kinds.append(delivery.kind)
    first = [NotificationKind.CASE_OPEN] if shown else []
    last = [] if shown else [NotificationKind.CASE_UPDATE]
    assert kinds == [*first, NotificationKind.CASE_THREAD, *last]
    counts = store.outbox(NOON).counts["console"]
    assert counts.get(NotificationState.FOLDED, 0) == (1 if shown else 0)


def test_a_message_found_by_looking_it_up_may_show_an_older_revision(store: Store) -> None:
    """Sent, then killed before marking; meanwhile the case went on. Its update must not be folded."""
    put(store, triaged(post(1)))
    assert store.claim("console", "killed", NOON, TTL) is not None
    put(store, triaged(post(2, author=post(1).author)), now=NOON + SECOND)
    kinds = []
    while (delivery := send_next(store, NOON + TTL)) is not None:
        kinds.append((delivery.kind, delivery.doubtful))
    assert kinds == [
        (NotificationKind.CASE_OPEN, True),
        (NotificationKind.CASE_THREAD, False),
        (NotificationKind.CASE_UPDATE, False),
    ]


def test_what_hangs_below_a_message_that_died_folds_with_the_reason(store: Store) -> None:
    """Nothing waits for ever behind a refused message."""
    put(store, triaged(post(1)), triaged(post(2, author=post(1).author)))
    opening = store.claim("console", "s1", NOON, TTL)
    assert opening is not None
    assert store.mark_dead(opening.id, "s1", "msg_too_long", NOON)
    assert store.claim("console", "s1", NOON, TTL) is None
    state = store.outbox(NOON)
    assert state.counts["console"] == {NotificationState.DEAD: 1, NotificationState.FOLDED: 1}
    assert [row.error for row in state.dead] == ["msg_too_long"]
    assert opening.case is not None
    folded = store.notifications_of(opening.case.mentions[1].id)[-1]
    assert folded.error == "the case's first message was not sent (dead): msg_too_long"


def test_a_critical_follow_up_hurries_the_message_it_hangs_below(store: Store) -> None:
    """The first message waits for its retry, or behind louder ones; a critical post of the same customer does not."""
    put(store, triaged(post(1)), triaged(post(2), urgency=Urgency.HIGH))
    high = store.claim("console", "s1", NOON, TTL)
    low = store.claim("console", "s2", NOON, TTL)
    assert high is not None
    assert low is not None
    store.mark_retry(high.id, "s1", "503", NOON, NOON)
    store.mark_retry(low.id, "s2", "503", NOON + timedelta(hours=8), NOON, doubtful=False)
    put(store, triaged(post(3, author=post(1).author), urgency=Urgency.CRITICAL), now=NOON + SECOND)
    claimed = store.claim("console", "s1", NOON + SECOND, TTL)
    assert claimed is not None
    assert (claimed.id, claimed.urgency, claimed.doubtful) == (low.id, Urgency.CRITICAL, False)


def test_a_retry_waits_and_says_whether_it_is_doubtful(store: Store) -> None:
    """Refused connections are sure not to have got through; timeouts are not."""
    put(store, triaged(post(1)))
    for doubtful in (False, True):
        delivery = store.claim("console", "s1", NOON + SECOND * doubtful, TTL)
        assert delivery is not None
        assert not delivery.doubtful
        due = NOON + SECOND * (doubtful + 1)
        assert store.mark_retry(delivery.id, "s1", "refused", due, NOON, doubtful=doubtful)
        assert store.claim("console", "s1", due - SECOND, TTL) is None
    last = store.claim("console", "s1", NOON + 2 * SECOND, TTL)
    assert last is not None
    assert (last.attempt, last.doubtful) == (3, True)


def test_a_receiver_that_asks_to_wait_is_left_alone_and_others_are_not(store: Store) -> None:
    """Retry-After holds the receiver; a shorter hold never shortens a longer one."""
    put(store, triaged(post(1)), triaged(post(2)), to=["console", "slack"])
    first, second = (store.claim("slack", owner, NOON, TTL) for owner in ("s1", "s2"))
    assert first is not None
    assert second is not None
    assert store.mark_retry(first.id, "s1", "429", NOON, NOON, hold_receiver_until=NOON + 30 * SECOND)
    assert store.mark_sent(second.id, "s2", RECEIPT, NOON, next_at=NOON + SECOND)
    assert store.claim("slack", "s1", NOON + 29 * SECOND, TTL) is None
    assert store.claim("console", "s1", NOON, TTL) is not None
    assert store.receivers()["slack"].next_at == NOON + 30 * SECOND
    assert store.claim("slack", "s1", NOON + 30 * SECOND, TTL) is not None


def test_a_stopped_receiver_is_sent_nothing_until_it_is_resumed(store: Store) -> None:
    """And is stopped without having been sent to before."""
    put(store, triaged(post(1)))
    store.stop_receiver("console", "invalid_auth", NOON)
    state = store.receivers()["console"]
    assert (state.stopped, state.stopped_at) == ("invalid_auth", NOON)
    assert store.claim("console", "s1", NOON + TTL, TTL) is None
    store.resume_receiver("console", NOON + TTL)
    assert store.receivers()["console"].stopped is None
    assert store.claim("console", "s1", NOON + TTL, TTL) is not None


def test_the_outbox_says_how_long_its_oldest_waits(store: Store) -> None:
    """What is not due yet does not wait."""
    assert store.outbox(NOON).oldest_due is None
    put(store, triaged(post(1)))
    assert store.outbox(NOON - SECOND).oldest_due is None
    assert store.outbox(NOON + TTL).oldest_due == TTL
    assert store.outbox(NOON + TTL).waiting == {"console": TTL}


def test_what_is_tried_again_and_again_has_been_waiting_all_the_time(store: Store) -> None:
    """Every failure moves the next attempt, and must not make an alert of this morning look new."""
    put(store, triaged(post(1)))
    for hour in range(3):
        at = NOON + timedelta(hours=hour)
        delivery = store.claim("console", "s1", at, TTL)
        assert delivery is not None
        store.mark_retry(delivery.id, "s1", "503", at + timedelta(minutes=15), at)
    assert store.outbox(NOON + timedelta(hours=2)).waiting == {"console": timedelta(hours=2)}


def test_only_the_last_five_dead_are_shown(store: Store) -> None:
    """The newest first."""
    put(store, *[triaged(post(number)) for number in range(7)])
    for minute in range(7):
        delivery = store.claim("console", "s1", NOON + timedelta(minutes=minute), TTL)
        assert delivery is not None
        store.mark_dead(delivery.id, "s1", f"refused {minute}", NOON + timedelta(minutes=minute))
    assert [row.error for row in store.outbox(NOON).dead] == [f"refused {minute}" for minute in (6, 5, 4, 3, 2)]


def test_what_a_dead_owner_held_is_free_at_once_and_doubtful(store: Store) -> None:
    """A daemon that was killed and started again does not wait for its own leases; others' stay."""
    put(store, triaged(post(1)), triaged(post(2)))
    assert store.lease("forum", "dead", NOON, TTL) is not None
    first = store.claim("console", "dead", NOON, TTL)
    assert store.claim("console", "alive", NOON, TTL) is not None
    assert store.lease_owners() == {"dead", "alive"}
    store.end_leases("dead", NOON)
    assert store.due_sources(NOON) == ("forum",)
    again = store.claim("console", "anew", NOON, TTL)
    assert first is not None
    assert again is not None
    assert (again.id, again.doubtful) == (first.id, True)
    assert store.claim("console", "anew", NOON, TTL) is None


def test_a_case_that_cannot_be_read_holds_up_nobody_and_is_told_once_it_can(store: Store) -> None:
    """A newer release wrote a word that this one does not know."""
    put(store, triaged(post(1), urgency=Urgency.CRITICAL), triaged(post(2)))
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE verdict SET stage = 'bliss' WHERE urgency = 3")
    other = send_next(store, NOON)
    assert other is not None
    assert other.case is not None
    assert other.case.mentions[0].mention.external_id == "p2"
    assert store.claim("console", "s1", NOON, TTL) is None
    assert store.claim("console", "s1", NOON + timedelta(hours=1), TTL) is None
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE verdict SET stage = 'use' WHERE urgency = 3")
    late = store.claim("console", "s1", NOON + timedelta(hours=2), TTL)
    assert late is not None
    assert not late.doubtful


def test_a_case_that_can_never_be_read_is_given_up_with_the_reason(store: Store) -> None:
    put(store, triaged(post(1)))
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE verdict SET stage = 'bliss'")
    for hour in range(30):
        assert store.claim("console", "s1", NOON + timedelta(hours=hour), TTL) is None
    (dead,) = store.outbox(NOON + timedelta(hours=30)).dead
    assert "cannot be read (ValueError)" in str(dead.error)
