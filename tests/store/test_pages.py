"""Storing pages: nothing lost, nothing twice, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from connectors.base import Author, Gap, Page
from listener.cases.plan import CaseChange, NewMention, OpenCases, Recorded, Settle, Settled
from listener.model import CaseState, Outcome, Triaged
from listener.store import LeaseLost, Store
from rules.vocabulary import Urgency
from tests.fakes.story import NOON, page, post, settle_to, triaged, verdict

TTL = timedelta(minutes=5)
DAY = timedelta(days=1)


def record(store: Store, *posts: Triaged, settle: Settle | None = None, now: datetime = NOON) -> Recorded:
    """Store these posts as one page of the source `forum`."""
    store.register_sources({"forum": "replay"}, now)
    lease = store.lease("forum", "w1", now, TTL, force=True)
    assert lease is not None
    try:
        return store.record_page(lease, page(posts), posts, settle or settle_to("console"), now)
    finally:
        store.finish(lease, now, now)


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


def test_a_post_named_twice_or_stored_before_is_one_mention(store: Store) -> None:
    """Whatever query or source found it; the first text stays."""
    assert record(store, triaged(post(1)), triaged(post(1, text="again"))).new == 1
    done = record(store, triaged(post(1, text="later")), triaged(post(2)))
    assert (done.new, done.seen) == (1, 2)
    counted = list(store.counted(NOON, NOON + DAY))
    assert [one.text for one in counted] == ["My order 1 never arrived.", "My order 2 never arrived."]
    assert record(store).new == 0


def test_the_same_id_on_two_platforms_is_two_mentions(store: Store) -> None:
    """Ids are unique within a platform only."""
    assert record(store, triaged(post(1)), triaged(post(1, platform="reviews"))).new == 2
    assert len({one.ref for one in store.counted(NOON, NOON + DAY)}) == 2


def test_new_mentions_are_settled_oldest_first(store: Store) -> None:
    """Newest-first platforms tell a story backwards."""
    order: list[str] = []

    def settle(new: Sequence[NewMention], cases: OpenCases, ids: Callable[[], int], now: datetime, /) -> Settled:
        order.extend(one.mention.external_id for one in new)
        return settle_to()(new, cases, ids, now)

    record(store, *[triaged(post(number)) for number in (5, 3, 4)], settle=settle)
    assert order == ["p3", "p4", "p5"]


@pytest.mark.parametrize("problem", ["raises", "forgets"])
def test_a_case_logic_that_fails_leaves_nothing_behind(store: Store, problem: str) -> None:
    """Neither mentions nor gaps nor cursor; the next try stores it all, with the same case ids."""

    def settle(new: Sequence[NewMention], cases: OpenCases, ids: Callable[[], int], now: datetime, /) -> Settled:
        settled = settle_to("console")(new, cases, ids, now)
        if problem == "raises":
            raise RuntimeError("no")
        return replace(settled, outcomes={})

    store.register_sources({"forum": "replay"}, NOON)
    lease = store.lease("forum", "w1", NOON, TTL)
    assert lease is not None
    posts = [triaged(post(1))]
    with pytest.raises((RuntimeError, ValueError), match=r"no|without an outcome"):
        store.record_page(lease, page(posts, 9, [Gap(NOON, NOON + TTL, "page-cap")]), posts, settle, NOON)
    assert (store.totals().mentions, store.sources()[0].gaps, store.outbox(NOON).counts) == (0, (), {})
    store.finish(lease, NOON, NOON)
    again = store.lease("forum", "w1", NOON, TTL)
    assert again is not None
    assert again.cursor is None
    assert record(store, *posts, now=NOON + TTL).new == 1
    (counted,) = store.counted(NOON, NOON + DAY)
    view = store.case(counted.case_ref or "")
    assert view is not None
    assert view.case.id == 1


def test_the_case_logic_may_change_a_verdict(store: Store) -> None:
    """The author's history may raise it."""

    def settle(new: Sequence[NewMention], cases: OpenCases, ids: Callable[[], int], now: datetime, /) -> Settled:
        settled = settle_to("console")(new, cases, ids, now)
        return replace(settled, verdicts={new[0].id: verdict(urgency=Urgency.CRITICAL)})

    record(store, triaged(post(1)), triaged(post(2)), settle=settle)
    urgencies = [one.urgency for one in store.counted(NOON, NOON + DAY)]
    assert urgencies == [Urgency.CRITICAL, Urgency.NORMAL]


def put_into(state: CaseState) -> Settle:
    """A case logic that puts the author's case into a state."""

    def settle(new: Sequence[NewMention], cases: OpenCases, ids: Callable[[], int], now: datetime, /) -> Settled:
        (found,) = cases.cases
        case = replace(found.case, state=state, revision=found.case.revision + 1)
        return Settled({one.id: Outcome.JOINED_CASE for one in new}, changes=(CaseChange(case, (new[0].id,)),))

    return settle


@pytest.mark.parametrize(
    ("state", "after", "offered"),
    [
        (CaseState.WAITING, 100 * DAY, True),
        (CaseState.SNOOZED, 100 * DAY, True),
        (CaseState.RESOLVED, 7 * DAY, True),
        (CaseState.RESOLVED, 7 * DAY + TTL, False),
        (CaseState.NOT_RELEVANT, TTL, False),
    ],
)
@pytest.mark.parametrize("through", ["author", "thread"])
def test_which_cases_a_new_mention_may_join(
    store: Store, state: CaseState, after: timedelta, offered: bool, through: str
) -> None:
    """Open ones for as long as they are open, resolved ones for seven days, through the author or the thread."""
    seen: list[OpenCases] = []

    def look(new: Sequence[NewMention], cases: OpenCases, ids: Callable[[], int], now: datetime, /) -> Settled:
        seen.append(cases)
        return Settled({one.id: Outcome.NO_ROUTE for one in new})

    author = Author("a1")
    record(store, triaged(post(1, author=author)), settle=settle_to("console", "slack"))
    record(store, triaged(post(2, author=author)), settle=put_into(state))
    later = post(3, author=author) if through == "author" else post(3, thread_id="p1")
    record(store, triaged(later), triaged(post(4)), settle=look, now=NOON + after)
    assert len(seen[0].cases) == (1 if offered else 0)
    if offered:
        (found,) = seen[0].cases
        assert (found.case.state, found.state_since, found.receivers) == (state, NOON, ("console", "slack"))
        assert seen[0].of_author("forum:a1") == seen[0].of_thread("forum:p1") == (found,)


def test_a_receiver_whose_message_died_is_not_told_of_changes(store: Store) -> None:
    """There is no message that could be edited."""
    seen: list[OpenCases] = []

    def look(new: Sequence[NewMention], cases: OpenCases, ids: Callable[[], int], now: datetime, /) -> Settled:
        seen.append(cases)
        return Settled({one.id: Outcome.NO_ROUTE for one in new})

    record(store, triaged(post(1)), settle=settle_to("console", "slack"))
    delivery = store.claim("slack", "s1", NOON, TTL)
    assert delivery is not None
    store.mark_dead(delivery.id, "s1", "msg_too_long", NOON)
    record(store, triaged(post(2, author=post(1).author)), settle=look)
    assert seen[0].cases[0].receivers == ("console",)


def test_the_history_of_a_case_is_kept(store: Store) -> None:
    """Who, when, what, through what."""
    record(store, triaged(post(1)))
    (counted,) = store.counted(NOON, NOON + DAY)
    view = store.case(counted.case_ref or "")
    assert view is not None
    (event,) = store.case_history(view.case.id)
    assert (event.at, event.what, event.through, event.detail["mention"]) == (NOON, "opened", "poll", counted.ref)


def test_hundreds_of_notifications_of_a_page_keep_the_order_they_were_decided_in(store: Store) -> None:
    """Their ids are what delivery goes by."""
    decided: list[str] = []

    def settle(new: Sequence[NewMention], cases: OpenCases, ids: Callable[[], int], now: datetime, /) -> Settled:
        settled = settle_to("console", "slack")(new, cases, ids, now)
        decided.extend(one.notification.key for one in settled.notifications)
        return settled

    posts = [triaged(post(number, author=Author("a1"))) for number in range(700)]
    assert record(store, *posts, settle=settle).notifications == 1400
    first = next(store.counted(NOON, NOON + DAY))
    told = store.told(first.ref)
    assert told is not None
    assert [row.key for row in store.notifications_of(told.id)] == decided


def test_an_empty_page_moves_the_cursor(store: Store) -> None:
    """A source may have read much and matched nothing."""
    store.register_sources({"forum": "replay"}, NOON)
    lease = store.lease("forum", "w1", NOON, TTL)
    assert lease is not None
    assert store.record_page(lease, Page((), {"position": 5}), [], settle_to(), NOON) == Recorded(0, 0, 0)
    store.finish(lease, NOON, NOON)
    again = store.lease("forum", "w1", NOON, TTL)
    assert again is not None
    assert again.cursor == {"position": 5}
