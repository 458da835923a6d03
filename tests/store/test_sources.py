"""Leases, fences, outcomes of polls, gaps."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.base import Gap, Page
from listener.store import Lease, LeaseLost, Store
from tests.fakes.story import NOON, page, post, settle_to, triaged

TTL = timedelta(minutes=5)
SECOND = timedelta(seconds=1)
SETTLE = settle_to("console")


def leased(store: Store, **options: bool) -> Lease:
    """A lease on the source `forum`."""
    store.register_sources({"forum": "replay"}, NOON)
    lease = store.lease("forum", "w1", NOON, TTL, **options)
    assert lease is not None
    return lease


def test_a_new_source_is_due_at_once_and_an_unknown_one_cannot_be_leased(store: Store) -> None:
    """No entry for a source means no lease."""
    store.register_sources({"b": "rss", "a": "rss"}, NOON)
    assert store.due_sources(NOON) == ("a", "b")
    assert store.lease("c", "w1", NOON, TTL) is None


def test_sources_longest_overdue_come_first(store: Store) -> None:
    """So that a busy round starves nobody."""
    store.register_sources({"a": "rss", "b": "rss", "c": "rss"}, NOON)
    for name, minutes in (("a", 3), ("b", 1)):
        lease = store.lease(name, "w1", NOON, TTL)
        assert lease is not None
        store.finish(lease, NOON, NOON + timedelta(minutes=minutes))
    assert store.due_sources(NOON + TTL) == ("c", "b", "a")


def test_a_leased_source_is_free_again_when_its_lease_has_run_out(store: Store) -> None:
    """To the second."""
    first = leased(store)
    assert store.due_sources(NOON + TTL - SECOND) == ()
    assert store.lease("forum", "w2", NOON + TTL - SECOND, TTL, force=True) is None
    assert store.due_sources(NOON + TTL) == ("forum",)
    second = store.lease("forum", "w2", NOON + TTL, TTL)
    assert second is not None
    assert second.fence == first.fence + 1


def test_a_lease_that_ran_out_but_was_taken_by_nobody_still_counts(store: Store) -> None:
    """Being late harms nobody as long as nobody else polls."""
    lease = leased(store)
    posts = [triaged(post(1))]
    assert store.record_page(lease, page(posts), posts, SETTLE, NOON + 2 * TTL).new == 1
    store.finish(lease, NOON + 2 * TTL, NOON + 3 * TTL)


def test_every_stored_page_renews_the_lease(store: Store) -> None:
    """A long first poll is not taken over half-way."""
    lease = leased(store)
    store.record_page(lease, Page((), {"position": 1}), [], SETTLE, NOON + TTL - SECOND)
    assert store.lease("forum", "w2", NOON + TTL, TTL) is None


def test_a_finished_lease_can_neither_store_nor_finish_again(store: Store) -> None:
    """Not even for the same owner."""
    lease = leased(store)
    store.finish(lease, NOON, NOON)
    with pytest.raises(LeaseLost):
        store.record_page(lease, Page((), {}), [], SETTLE, NOON)
    with pytest.raises(LeaseLost):
        store.finish(lease, NOON, NOON)


def test_a_lease_taken_again_by_the_same_owner_fences_the_older_one(store: Store) -> None:
    """A worker that was restarted under its old name is another worker."""
    older = leased(store)
    assert store.lease("forum", "w1", NOON + TTL, TTL) is not None
    with pytest.raises(LeaseLost):
        store.record_page(older, Page((), {}), [], SETTLE, NOON + TTL)


def test_success_clears_failures_and_keeps_the_first_success(store: Store) -> None:
    """What `status` says of a source."""
    store.finish(leased(store), NOON, NOON, error="503 from forum.example")
    store.finish(leased(store), NOON, NOON, error="timed out")
    (state,) = store.sources()
    assert (state.failures, state.error, state.first_success_at) == (2, "timed out", None)
    for minutes in (1, 2):
        lease = store.lease("forum", "w1", NOON + timedelta(minutes=minutes), TTL)
        assert lease is not None
        store.finish(lease, NOON + timedelta(minutes=minutes), NOON)
    (state,) = store.sources()
    assert (state.failures, state.error) == (0, None)
    assert (state.first_success_at, state.last_success_at) == (NOON + timedelta(minutes=1), NOON + timedelta(minutes=2))


def test_a_parked_source_is_not_due_until_it_is_unparked_or_forced(store: Store) -> None:
    """Registering it again at the next start changes nothing."""
    store.finish(leased(store), NOON, NOON, parked="401: the token was revoked")
    store.register_sources({"forum": "replay"}, NOON)
    assert store.due_sources(NOON + TTL) == ()
    assert store.lease("forum", "w1", NOON + TTL, TTL) is None
    assert store.sources()[0].parked == "401: the token was revoked"
    store.unpark("forum", NOON)
    assert store.due_sources(NOON) == ("forum",)
    store.finish(leased(store), NOON, NOON + TTL, parked="again")
    assert store.lease("forum", "w1", NOON, TTL, force=True) is not None


def test_registering_keeps_the_cursor_unless_the_connector_changed(store: Store) -> None:
    """No connector can read another one's cursor."""
    lease = leased(store)
    store.record_page(lease, Page((), {"position": 7}, (Gap(NOON, NOON + TTL, "page-cap"),)), [], SETTLE, NOON)
    store.register_sources({"forum": "replay"}, NOON)
    store.finish(lease, NOON, NOON + TTL)
    assert leased(store, force=True).cursor == {"position": 7}
    assert store.register_sources({"forum": "rss"}, NOON) == {"forum": "replay"}
    assert store.register_sources({"forum": "rss"}, NOON) == {}  # said once
    (state,) = store.sources()
    assert (state.connector, state.gaps) == ("rss", ())
    anew = store.lease("forum", "w2", NOON, TTL)
    assert anew is not None
    assert anew.cursor is None


def test_gaps_are_opened_kept_closed_and_reopened_as_pages_list_them(store: Store) -> None:
    """The page's list is the whole truth, but what is lost stays shown."""
    lease = leased(store)
    first, second = Gap(NOON - TTL, NOON, "page-cap"), Gap(NOON, NOON + TTL, "page-cap")
    lost = Gap(NOON, NOON + TTL, "page-cap", lost=True)
    for listed, shown in (
        ((first, second), (first, second)),
        ((second, second), (second,)),
        ((first,), (first,)),
        ((first, second), (first, second)),
        ((lost,), (lost,)),
        ((), (lost,)),
    ):
        store.record_page(lease, Page((), {}, listed), [], SETTLE, NOON)
        assert store.sources()[0].gaps == shown


def test_a_shorter_interval_counts_from_the_next_start_on(store: Store) -> None:
    """Who writes `every = "15s"` and starts anew does not wait five minutes."""
    store.finish(leased(store), NOON, NOON + timedelta(minutes=5))
    store.poll_no_later({"forum": timedelta(minutes=10), "unknown": SECOND})
    assert store.due_sources(NOON + timedelta(minutes=4)) == ()
    store.poll_no_later({"forum": 15 * SECOND})
    assert store.due_sources(NOON + 14 * SECOND) == ()
    assert store.due_sources(NOON + 15 * SECOND) == ("forum",)


def test_a_wait_after_a_failure_is_kept_whatever_the_interval(store: Store) -> None:
    """A platform that asked for an hour of quiet gets it."""
    store.finish(leased(store), NOON, NOON + timedelta(minutes=5))
    lease = store.lease("forum", "w1", NOON, TTL, force=True)
    assert lease is not None
    store.finish(lease, NOON, NOON + timedelta(hours=1), error="asked to wait")
    store.poll_no_later({"forum": 15 * SECOND})
    assert store.due_sources(NOON + timedelta(minutes=59)) == ()
