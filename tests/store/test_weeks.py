"""What only the digest asks of the store: answers, words of a sample, decisions, the digest as it was sent."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from listener.cases.clock import ServiceHours
from listener.cases.deeds import Deed, Wish
from listener.model import NewNotification, NotificationKind
from listener.store import Store
from rules.vocabulary import Urgency
from tests.fakes.story import NOON, page, post, settle_to, triaged

LEASE = timedelta(minutes=5)


def filled(store: Store, amount: int = 4) -> None:
    posts = [triaged(post(number)) for number in range(1, amount + 1)]
    store.register_sources({"forum": "replay"}, NOON)
    lease = store.lease("forum", "p", NOON, LEASE)
    assert lease is not None
    store.record_page(lease, page(posts), posts, settle_to("care"), NOON + timedelta(hours=1))


def test_cases_come_with_their_first_post_and_their_first_answer(store: Store) -> None:
    filled(store)
    first = store.answered(NOON, NOON + timedelta(hours=1))
    assert len(first) == 4
    assert {one.replied_at for one in first} == {None}
    assert min(one.first_at for one in first) == NOON + timedelta(minutes=1)
    ref = first[0].ref
    hours = ServiceHours(ZoneInfo("UTC"))
    for minutes, deed in ((90, Deed.REPLIED), (95, Deed.WAIT)):
        wish = Wish(deed, "ana", "cli")
        store.transition(ref, wish, hours, lambda *_: (), NOON + timedelta(minutes=minutes))
    answered = {one.ref: one.replied_at for one in store.answered(NOON, NOON + timedelta(hours=1))}
    assert answered.pop(ref) == NOON + timedelta(minutes=90)
    assert set(answered.values()) == {None}
    assert store.answered(NOON + timedelta(hours=1), NOON + timedelta(hours=9)) == ()


def test_what_was_stored_out_of_order_is_found_by_when_it_was_published(store: Store) -> None:
    """Reading back brings the oldest posts last: their numbers are higher than those of the posts behind them."""
    hours = {1: 30, 2: 1, 3: 50, 4: 2, 5: 40, 6: 26}  # number of the post, in order of storage -> when it was published
    posts = [triaged(post(number, published_at=NOON + timedelta(hours=at))) for number, at in hours.items()]
    store.register_sources({"forum": "replay"}, NOON)
    lease = store.lease("forum", "p", NOON, LEASE)
    assert lease is not None
    store.record_page(lease, page(posts), posts, settle_to("care"), NOON + timedelta(days=3))
    days = [NOON + timedelta(days=day) for day in range(4)]
    for since, until, there in ((days[0], days[1], [2, 4]), (days[1], days[2], [6, 1, 5]), (days[2], days[3], [3])):
        (row,) = store.weekly(since, until, [since])
        assert (row.mentions, row.authors) == (len(there), len(there))
        assert [author for author, _, _ in store.words(since, until, None)] == [f"forum:a{number}" for number in there]
        assert len(store.answered(since, until)) == len(there)
    assert store.weekly(days[3], days[3] + LEASE, [days[3]]) == []
    assert store.words(days[3], days[3] + LEASE, None) == []


def test_words_are_those_of_counted_posts_and_of_the_sample(store: Store) -> None:
    filled(store, 200)
    span = NOON, NOON + timedelta(days=1)
    assert store.number_of(*span) == 200
    everything = store.words(*span, None)
    assert len(everything) == 200
    assert everything[0] == ("forum:a1", "en", "My order 1 never arrived.")
    half = store.words(*span, "8000")
    assert 60 < len(half) < 140
    assert set(half) < set(everything)


def test_decisions_have_numbers_and_are_done_once(store: Store) -> None:
    filled(store)
    assert [store.decide("2026-W47", text, "ana", NOON) for text in ("one", "two")] == [1, 2]
    assert store.mark_done(1, NOON + timedelta(days=1))
    assert not store.mark_done(1, NOON + timedelta(days=2))
    assert not store.mark_done(9, NOON)
    first, second = store.decisions()
    assert (first.text, first.week, first.done_at, second.done_at) == (
        "one",
        "2026-W47",
        NOON + timedelta(days=1),
        None,
    )


def test_a_digest_that_quotes_what_was_removed_is_not_shown_as_it_was_sent(store: Store) -> None:
    filled(store)
    made = NOON + timedelta(hours=2)
    week = {"since": NOON.isoformat(), "until": (NOON + timedelta(days=1)).isoformat()}
    told = NewNotification(
        "digest:2026-W47:care", NotificationKind.DIGEST, "care", Urgency.LOW, made, "digest", {"digest": {"week": week}}
    )
    store.enqueue([told], made)
    assert store.sent_digest(["digest:2026-W47:care"]) == {"week": week}
    assert store.sent_digest(["digest:2026-W46:care"]) is None
    assert store.forget("forum", "a1", "ana", made + timedelta(hours=1)) == 1
    assert store.sent_digest(["digest:2026-W47:care"]) is None
