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
