"""Storing pages: nothing lost, nothing twice, all of it or nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.base import Gap
from listener.model import Outcome
from listener.store import LeaseLost, Store
from tests.fakes.story import NOON, page, post, settle_to, triaged

TTL = timedelta(minutes=5)


def test_a_page_is_stored_with_verdicts_cases_notifications_and_cursor(store: Store) -> None:
    """Everything of a page arrives together."""
    store.register_sources({"forum": "replay"}, NOON)
    lease = store.lease("forum", "w1", NOON, TTL)
    assert lease is not None
    assert lease.cursor is None
    posts = [triaged(post(1)), triaged(post(2)), triaged(post(3, author=post(1).author))]
    done = store.record_page(lease, page(posts, 3), posts, settle_to("console"), NOON)
    assert (done.new, done.seen, done.notifications) == (3, 3, 3)
    assert done.outcomes == {Outcome.ALERTED: 2, Outcome.JOINED_CASE: 1}
    store.finish(lease, NOON, NOON + TTL)
    again = store.lease("forum", "w1", NOON + TTL, TTL)
    assert again is not None
    assert again.cursor == {"position": 3}
    counted = list(store.counted(NOON, NOON + timedelta(days=1)))
    assert [one.case_ref is not None for one in counted] == [True] * 3
    told = store.told(counted[0].ref)
    assert told is not None
    assert told.mention == posts[0].mention
    assert told.verdict == posts[0].verdict
    case = store.case(counted[0].case_ref or "")
    assert case is not None
    assert [one.mention.external_id for one in case.mentions] == ["p1", "p3"]


def test_a_worker_that_lost_its_lease_stores_nothing(store: Store) -> None:
    """The fence, not the clock, decides."""
    store.register_sources({"forum": "replay"}, NOON)
    slow = store.lease("forum", "slow", NOON, TTL)
    assert slow is not None
    quick = store.lease("forum", "quick", NOON + TTL, TTL)
    assert quick is not None
    posts = [triaged(post(1))]
    with pytest.raises(LeaseLost, match="forum"):
        store.record_page(slow, page(posts, 1, [Gap(NOON, NOON + TTL, "page-cap")]), posts, settle_to("c"), NOON + TTL)
    assert store.totals().mentions == 0
    assert store.sources()[0].gaps == ()
    assert store.record_page(quick, page(posts, 1), posts, settle_to("c"), NOON + TTL).new == 1
