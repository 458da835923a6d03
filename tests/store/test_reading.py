"""What digests, `status` and `explain` read."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from connectors.base import Author
from listener.model import NotificationKind, NotificationState, Outcome, Triaged
from listener.store import AmbiguousRef, Store
from rules.vocabulary import Stage
from tests.fakes.story import NOON, page, post, settle_to, triaged

TTL = timedelta(minutes=5)
WEEK = timedelta(days=7)


def put(store: Store, *posts: Triaged, now: datetime = NOON) -> None:
    """Store these posts as one page of the source `forum`, told to the console."""
    store.register_sources({"forum": "replay"}, now)
    lease = store.lease("forum", "w1", now, TTL, force=True)
    assert lease is not None
    store.record_page(lease, page(posts), posts, settle_to("console"), now)
    store.finish(lease, now, now)


def test_counting_takes_the_start_and_leaves_the_end(store: Store) -> None:
    """Weeks neither overlap nor leave a gap."""
    at = [NOON - timedelta(microseconds=1), NOON, NOON + WEEK - timedelta(microseconds=1), NOON + WEEK]
    put(store, *[triaged(post(number, published_at=when)) for number, when in enumerate(at)])
    assert [one.published_at for one in store.counted(NOON, NOON + WEEK)] == at[1:3]


def test_counting_streams_past_many_posts_of_the_same_instant(store: Store) -> None:
    """More than one page of the longer read, cut in the middle of equal times."""
    posts = [triaged(post(number, published_at=NOON + timedelta(hours=number // 1500))) for number in range(2500)]
    put(store, *posts)
    counted = list(store.counted(NOON, NOON + WEEK))
    assert len({one.ref for one in counted}) == len(counted) == 2500
    assert [one.published_at for one in counted] == sorted(one.published_at for one in counted)


def test_a_reader_that_stops_holds_nothing(store: Store) -> None:
    """A digest that fails half-way leaves no transaction open."""
    put(store, triaged(post(1)), triaged(post(2)))
    reader = store.counted(NOON, NOON + WEEK)
    next(reader)
    assert store.engine.pool.status().count("Current Checked out connections: 0") == 1
    put(store, triaged(post(3)))
    assert len(list(reader)) == 1


def test_a_counted_mention_has_what_was_stored(store: Store) -> None:
    """Field by field."""
    one = triaged(post(1), secondary_stage=Stage.SATISFACTION, exit_to="Polarex")
    put(store, one)
    (counted,) = store.counted(NOON, NOON + WEEK)
    for name in ("platform", "url", "text", "published_at", "engagement"):
        assert getattr(counted, name) == getattr(one.mention, name)
    for name in (
        "relevant",
        "subject",
        "stage",
        "secondary_stage",
        "sentiment",
        "sentiment_label",
        "urgency",
        "intents",
    ):
        assert getattr(counted, name) == getattr(one.verdict, name)
    for name in ("touchpoints", "emotions", "buyer_status", "promotional", "exit_to", "lang"):
        assert getattr(counted, name) == getattr(one.verdict, name)
    assert (counted.source, counted.author_key, counted.case_state, counted.seen_at) == (
        "forum",
        "forum:a1",
        "new",
        NOON,
    )


def test_weeks_are_counted_by_people_as_well_as_posts(store: Store) -> None:
    """Three posts of one angry person are three mentions of one author, in the week they were published in."""
    angry = Author("angry")
    put(
        store,
        *[triaged(post(number, author=angry)) for number in range(3)],
        triaged(post(3)),
        triaged(post(4), stage=Stage.USE, sentiment_label="positive"),
        triaged(post(5), relevant=False, subject="none"),
        triaged(post(6, author=angry, published_at=NOON + WEEK)),
        triaged(post(7, published_at=NOON + 2 * WEEK)),
        triaged(post(8, published_at=NOON - timedelta(seconds=1))),
    )
    counts = store.weekly(NOON, NOON + 2 * WEEK, [NOON - WEEK, NOON, NOON + WEEK])
    rows = [(one.week_start, one.subject, one.stage, one.sentiment_label, one.mentions, one.authors) for one in counts]
    assert rows == [
        (NOON, "brand", Stage.PURCHASE, "negative", 4, 2),
        (NOON, "brand", Stage.USE, "positive", 1, 1),
        (NOON, "none", Stage.PURCHASE, "negative", 1, 1),
        (NOON + WEEK, "brand", Stage.PURCHASE, "negative", 1, 1),
    ]
    assert [one.relevant for one in counts] == [True, True, False, True]


def test_a_mention_is_found_by_the_beginning_of_its_reference(store: Store) -> None:
    """As `explain` takes it; several candidates are named."""
    put(store, *[triaged(post(number)) for number in range(40)])
    refs = sorted(one.ref for one in store.counted(NOON, NOON + WEEK))
    assert [len(ref) for ref in refs] == [8] * 40
    for ref in refs:
        for typed in (ref, ref.upper(), f" {ref}…"):
            told = store.told(typed)
            assert told is not None
            assert told.ref == ref
    alike = next(digit for digit in "0123456789abcdef" if len([ref for ref in refs if ref[0] == digit]) > 1)
    with pytest.raises(AmbiguousRef, match="Type more characters") as ambiguous:
        store.told(alike)
    assert list(ambiguous.value.candidates) == [ref for ref in refs if ref[0] == alike]
    assert store.told("") is None
    assert store.told("%") is None
    assert store.told("0" * 8) is None


def test_a_large_case_is_shown_with_its_first_and_its_latest_mentions(store: Store) -> None:
    """A receiver has room for so many."""
    put(store, *[triaged(post(number, author=Author("a1"))) for number in range(60)])
    view = store.case(next(store.counted(NOON, NOON + WEEK)).case_ref or "")
    assert view is not None
    assert view.case.mention_count == 60
    assert [one.mention.external_id for one in view.mentions] == ["p0", *[f"p{number}" for number in range(11, 60)]]


def test_the_notifications_of_a_mention_include_those_of_its_case(store: Store) -> None:
    """What `explain` prints below the verdict."""
    put(store, triaged(post(1)), triaged(post(2, author=post(1).author)), triaged(post(3)))
    first = next(store.counted(NOON, NOON + WEEK))
    told = store.told(first.ref)
    assert told is not None
    rows = store.notifications_of(told.id)
    assert [row.kind for row in rows] == [NotificationKind.CASE_OPEN, NotificationKind.CASE_THREAD]
    assert {row.state for row in rows} == {NotificationState.PENDING}
    assert {row.reason for row in rows} == {"route:care"}


def test_totals_and_meta(store: Store) -> None:
    """What `status` begins with."""
    assert (store.totals().mentions, store.get_meta("heartbeat")) == (0, None)
    put(store, triaged(post(1)), triaged(post(2, author=post(1).author)))
    totals = store.totals()
    assert (totals.mentions, totals.cases_open) == (2, 1)
    assert totals.outcomes == {Outcome.ALERTED: 1, Outcome.JOINED_CASE: 1}
    for value in ({"at": "2026-11-16T12:00:00Z"}, [1, None], None, 5):
        store.set_meta("heartbeat", value)
        assert store.get_meta("heartbeat") == value
