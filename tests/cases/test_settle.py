"""What becomes of a page's new mentions: which case, which outcome, whom to tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Page
from listener.cases.clock import ServiceHours
from listener.cases.copies import Earlier, wording
from listener.cases.plan import NewMention, OpenCase, OpenCases, Settled, case_ref
from listener.cases.routing import Route
from listener.cases.settle import Settler
from listener.cases.stories import GRAVE_STORY, SAME_STORY
from listener.cases.telling import Rules
from listener.model import Case, CaseState, Line, NotificationKind, Outcome, Triaged
from listener.store import Store
from rules.vocabulary import Urgency
from tests.cases.conftest import NOON, make_triaged

EVERYTHING = Rules((Route("all", ("care",)),), ServiceHours(ZoneInfo("UTC")))
HIGH_ONLY = replace(EVERYTHING, routes=(Route("care", ("care",), urgency_at_least=Urgency.HIGH),))


def settle(
    *posts: Triaged,
    rules: Rules = EVERYTHING,
    known: Sequence[OpenCase] = (),
    now: datetime = NOON,
    first_case: int = 100,
) -> Settled:
    new = [NewMention(number, f"ref{number}", one) for number, one in enumerate(posts, start=1)]
    ids = count(first_case)
    return Settler("forum", rules)(new, OpenCases(tuple(known)), lambda: next(ids), now)


def told(settled: Settled) -> list[tuple[NotificationKind, str]]:
    return [(one.notification.kind, one.notification.receiver) for one in settled.notifications]


def stored(case: Case, *receivers: str) -> OpenCase:
    return OpenCase(case, case.opened_at, receivers)


def open_case(**changes: object) -> Case:
    case = settle(make_triaged("0", published_at=NOON - timedelta(hours=1)), first_case=7).drafts[0].case
    return replace(case, **changes)  # type: ignore[arg-type]


def test_a_mention_of_a_new_author_opens_a_case_and_tells_it() -> None:
    settled = settle(make_triaged())
    (draft,) = settled.drafts
    assert draft.case.author_key == "mastodon:ada"
    assert draft.case.due_at == NOON + timedelta(hours=1)
    assert settled.outcomes == {1: Outcome.ALERTED}
    assert told(settled) == [(NotificationKind.CASE_OPEN, "care")]
    assert settled.notifications[0].notification.reason == "route:all"


def test_two_posts_of_one_author_on_a_page_are_one_case_and_one_message() -> None:
    settled = settle(make_triaged("1"), make_triaged("2", published_at=NOON + timedelta(minutes=1)))
    (draft,) = settled.drafts
    assert draft.mention_ids == (1, 2)
    assert (draft.case.mention_count, draft.case.revision) == (2, 1)
    assert told(settled) == [(NotificationKind.CASE_OPEN, "care")]


def test_a_message_not_sent_yet_becomes_as_urgent_as_its_gravest_post() -> None:
    settled = settle(make_triaged("1", urgency=Urgency.NORMAL), make_triaged("2", urgency=Urgency.CRITICAL))
    assert [one.notification.urgency for one in settled.notifications] == [Urgency.CRITICAL]


def test_two_authors_in_one_thread_are_two_cases() -> None:
    settled = settle(make_triaged("1", thread="t"), make_triaged("2", thread="t", author="bob"))
    assert len(settled.drafts) == 2


def test_a_later_post_joins_the_open_case_edits_its_message_and_adds_an_entry() -> None:
    settled = settle(make_triaged(), known=[stored(open_case(), "care", "log")])
    (change,) = settled.changes
    assert (change.case.mention_count, change.case.revision) == (2, 2)
    assert settled.outcomes == {1: Outcome.JOINED_CASE}
    assert sorted(told(settled)) == [
        (NotificationKind.CASE_THREAD, "care"),
        (NotificationKind.CASE_THREAD, "log"),
        (NotificationKind.CASE_UPDATE, "care"),
        (NotificationKind.CASE_UPDATE, "log"),
    ]


def test_a_stored_case_grows_by_one_revision_a_page_however_many_posts_join() -> None:
    settled = settle(make_triaged("1"), make_triaged("2"), known=[stored(open_case(), "care")])
    assert settled.changes[0].case.revision == 2


def test_after_three_quiet_days_an_ordinary_story_is_a_new_one_but_a_grave_one_goes_on() -> None:
    later = NOON - timedelta(hours=1) + SAME_STORY + timedelta(minutes=1)
    ordinary, grave = open_case(urgency=Urgency.NORMAL), open_case(urgency=Urgency.HIGH)
    post = make_triaged(published_at=later)
    assert settle(post, known=[stored(ordinary)], now=later).drafts
    assert settle(post, known=[stored(grave)], now=later).changes
    far = later + GRAVE_STORY
    assert settle(make_triaged(published_at=far), known=[stored(grave)], now=far).drafts


def test_the_same_author_on_another_touchpoint_has_a_case_of_its_own_that_names_the_first() -> None:
    first = open_case(urgency=Urgency.NORMAL)
    settled = settle(make_triaged(urgency=Urgency.NORMAL, touchpoints={"app": -0.5}), known=[stored(first, "care")])
    assert settled.drafts[0].case.id != first.id
    assert settled.events[0].detail["same_author"] == first.ref
    assert settled.verdicts[1].lines[-1] == Line(0, "same author", first.ref)


@pytest.mark.parametrize(
    ("before", "posted", "joins"),
    [
        ({"delivery"}, {"delivery": None, "app": None}, True),
        ({"delivery"}, {"app": None}, False),
        ({"delivery"}, {}, True),  # nothing says that it is about something else
        (set(), {"app": None}, True),
        ({"delivery"}, {"support": None}, True),  # on hold about the delivery
    ],
)
def test_touchpoints_tell_an_author_s_stories_apart(
    before: set[str], posted: dict[str, float | None], joins: bool
) -> None:
    known = open_case(urgency=Urgency.NORMAL, touchpoints=frozenset(before))
    settled = settle(make_triaged(urgency=Urgency.NORMAL, touchpoints=posted), known=[stored(known)])
    assert bool(settled.changes) == joins


def test_a_thread_is_one_story_whatever_it_is_about() -> None:
    known = open_case(urgency=Urgency.NORMAL, thread_key="mastodon:t")
    assert settle(make_triaged(thread="t", touchpoints={"app": None}), known=[stored(known)]).changes


def test_of_two_stories_the_one_on_the_same_touchpoint_goes_on_though_another_is_graver() -> None:
    ordinary = open_case(urgency=Urgency.NORMAL, touchpoints=frozenset({"app"}), thread_key="mastodon:one")
    grave = open_case(id=8, ref=case_ref(8), urgency=Urgency.HIGH, thread_key="mastodon:two")
    settled = settle(make_triaged(touchpoints={"app": None}), known=[stored(ordinary), stored(grave)])
    assert [change.case.id for change in settled.changes] == [ordinary.id]


def test_the_same_words_again_within_a_week_are_the_same_case() -> None:
    later = NOON + timedelta(days=5)
    post = make_triaged(published_at=later, urgency=Urgency.NORMAL)
    known = open_case(urgency=Urgency.NORMAL)
    text = Earlier(90, known.id, NOON, wording(post))
    ids = count(100)
    settled = Settler("forum", EVERYTHING)(
        [NewMention(1, "ref1", post)], OpenCases((stored(known),), texts=(text,)), lambda: next(ids), later
    )
    assert [change.case.id for change in settled.changes] == [known.id]


def test_a_customer_who_comes_back_reopens_a_resolved_case() -> None:
    settled = settle(make_triaged(), known=[stored(open_case(state=CaseState.RESOLVED), "care")])
    assert settled.changes[0].case.state is CaseState.NEW
    assert [event.what for event in settled.events] == ["reopened"]


def test_a_second_unanswered_post_is_more_urgent_and_says_why() -> None:
    settled = settle(make_triaged(), known=[stored(open_case(), "care")])
    verdict = settled.verdicts[1]
    assert verdict.points > make_triaged().verdict.points
    assert any(line.label == "repeated" and line.rule == "case history" for line in verdict.lines)


def test_a_case_never_falls_below_its_gravest_post() -> None:
    settled = settle(make_triaged(urgency=Urgency.LOW), known=[stored(open_case(urgency=Urgency.CRITICAL), "care")])
    assert settled.changes[0].case.urgency is Urgency.CRITICAL


def test_a_case_that_rises_reaches_the_receivers_of_its_new_level() -> None:
    calm = open_case(urgency=Urgency.LOW)
    settled = settle(make_triaged(urgency=Urgency.HIGH), rules=HIGH_ONLY, known=[stored(calm)])
    assert told(settled) == [(NotificationKind.CASE_OPEN, "care")]


def test_old_posts_are_counted_and_tell_nobody() -> None:
    settled = settle(make_triaged(published_at=NOON - timedelta(hours=6, seconds=1)))
    assert settled.outcomes == {1: Outcome.SKIPPED_OLD}
    assert len(settled.drafts) == 1
    assert not settled.notifications


def test_an_old_post_still_shows_in_the_message_of_its_case() -> None:
    old = make_triaged(published_at=NOON - timedelta(hours=7))
    assert told(settle(old, known=[stored(open_case(), "care")])) == [(NotificationKind.CASE_UPDATE, "care")]


def test_an_import_without_alerts_tells_nobody() -> None:
    settled = settle(make_triaged(), rules=replace(EVERYTHING, alerts=False))
    assert settled.outcomes == {1: Outcome.ALERTS_OFF}
    assert not settled.notifications


def test_what_no_route_wants_is_kept_with_that_reason() -> None:
    assert settle(make_triaged(urgency=Urgency.LOW), rules=HIGH_ONLY).outcomes == {1: Outcome.NO_ROUTE}


def test_rivals_own_posts_and_noise_open_no_case() -> None:
    settled = settle(
        make_triaged("1", subject="rival:Polarex"),
        make_triaged("2", subject="own", relevant=False),
        make_triaged("3", subject="none", relevant=False),
    )
    assert list(settled.outcomes.values()) == [Outcome.ABOUT_RIVAL, Outcome.OWN_ACCOUNT, Outcome.NOT_RELEVANT]
    assert not settled.drafts


def test_posts_without_an_author_never_share_a_case() -> None:
    settled = settle(make_triaged("1", author=""), make_triaged("2", author=""))
    assert len(settled.drafts) == 2


def test_a_receiver_whose_first_message_died_is_told_by_the_next_post(store: Store) -> None:
    """What opens the case the second time has a key of its own, or the outbox would take it for told."""
    settler = Settler("forum", EVERYTHING)
    store.register_sources({"forum": "replay"}, NOON)
    for number, at in ((1, NOON), (2, NOON + timedelta(hours=1))):
        lease = store.lease("forum", "w", at, timedelta(minutes=1), force=True)
        assert lease is not None
        found = make_triaged(str(number), published_at=at)
        store.record_page(lease, Page((found.mention,), {"at": number}), [found], settler, at)
        delivery = store.claim("care", "s", at, timedelta(minutes=1))
        assert delivery is not None
        assert delivery.kind is NotificationKind.CASE_OPEN
        assert store.mark_dead(delivery.id, "s", "invalid_blocks", at)
