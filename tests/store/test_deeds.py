"""Deeds, stored: what a case becomes, what its message and thread are told, what is kept as a label."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Author, Mention, Page, Removal
from listener.cases.clock import ServiceHours
from listener.cases.deeds import Decision, Deed, Refusal, Snooze, Why, Wish
from listener.cases.routing import Route
from listener.cases.settle import Settler
from listener.cases.telling import Rules
from listener.model import Case, CaseState, NotificationKind, Outcome, Receipt, Triaged
from listener.store import Store
from listener.working import Desk, NoSuchCase
from rules.vocabulary import Urgency
from tests.fakes.story import verdict

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE, TTL = timedelta(minutes=1), timedelta(minutes=5)
RULES = Rules(
    (Route("chiefs", ("chiefs",), urgency_at_least=Urgency.HIGH, goes_on=True), Route("all", ("care",))),
    ServiceHours(ZoneInfo("UTC")),
)


@pytest.fixture
def desk(store: Store) -> Desk:
    store.register_sources({"forum": "forum"}, NOW)
    return Desk(store, RULES)


def publish(desk: Desk, name: str, author: str = "zoe", at: datetime = NOW, **changes: object) -> Case:
    """Store a post and deliver what it brings; its case."""
    lease = desk.store.lease("forum", "poller", at, TTL, force=True)
    assert lease is not None
    post = Mention("forum", name, f"post {name}", at, Author(author, author))
    desk.store.record_page(lease, Page((post,), {}), [Triaged(post, verdict(**changes))], Settler("forum", RULES), at)
    deliver(desk, at)
    found = [
        told for told in desk.store.counted(at - TTL * 999, at + TTL) if told.url == post.url and told.text == post.text
    ]
    view = desk.store.case(found[-1].case_ref or "")
    assert view is not None
    return view.case


def deliver(desk: Desk, at: datetime) -> list[tuple[str, NotificationKind]]:
    """Send all that waits; what it was."""
    sent = []
    for receiver in ("care", "chiefs"):
        while (one := desk.store.claim(receiver, "sender", at, TTL)) is not None:
            desk.store.mark_sent(one.id, "sender", Receipt({"ts": str(one.id)}), at)
            sent.append((receiver, one.kind))
    return sent


def do(desk: Desk, case: Case, deed: Deed, who: str = "ann", **more: object) -> Decision | Refusal:
    return desk.do(case.ref, Wish(deed, who, "cli", **more), NOW + MINUTE)  # type: ignore[arg-type]


def test_a_deed_edits_the_message_and_is_noted_in_the_thread(desk: Desk) -> None:
    case = publish(desk, "1")
    done = do(desk, case, Deed.CLAIM)
    assert isinstance(done, Decision)
    assert deliver(desk, NOW + MINUTE) == [("care", NotificationKind.CASE_UPDATE), ("care", NotificationKind.CASE_NOTE)]
    view = desk.store.case(case.ref)
    assert view is not None
    assert (view.case.state, view.case.owner, view.case.revision) == (CaseState.CLAIMED, "ann", 2)
    assert [(event.what, event.who) for event in desk.store.case_history(case.id)] == [("opened", ""), ("claim", "ann")]
    assert isinstance(do(desk, case, Deed.CLAIM), Refusal)
    assert deliver(desk, NOW + MINUTE) == []


def test_of_many_who_claim_at_once_one_wins(desk: Desk) -> None:
    case = publish(desk, "1")
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda n: do(desk, case, Deed.CLAIM, f"p{n}", revision=1), range(8)))
    (won,) = [one for one in done if isinstance(one, Decision)]
    assert {one.why for one in done if isinstance(one, Refusal)} == {Why.TAKEN}
    assert {one.case.owner for one in done} == {won.case.owner}
    assert len(desk.store.case_history(case.id)) == 2


def test_the_customer_s_answer_brings_a_case_back_in_its_thread(desk: Desk) -> None:
    case = publish(desk, "1")
    do(desk, case, Deed.CLAIM)
    do(desk, case, Deed.WAIT)
    deliver(desk, NOW + MINUTE)
    case = publish(desk, "2", at=NOW + 10 * MINUTE)
    assert (case.state, case.owner, case.mention_count) == (CaseState.CLAIMED, "ann", 2)
    assert case.due_at is not None
    assert [event.what for event in desk.store.case_history(case.id)][-1] == "answered"
    do(desk, case, Deed.RESOLVE)
    case = publish(desk, "3", at=NOW + 20 * MINUTE)
    assert (case.state, case.mention_count) == (CaseState.CLAIMED, 3)
    assert [event.what for event in desk.store.case_history(case.id)][-1] == "reopened"


def test_a_snoozed_case_wakes_when_its_author_posts_again_if_that_was_wanted(desk: Desk) -> None:
    case = publish(desk, "1")
    do(desk, case, Deed.SNOOZE, snooze=Snooze(until=NOW + timedelta(hours=2)))
    assert publish(desk, "2", at=NOW + 5 * MINUTE).state is CaseState.SNOOZED
    do(desk, case, Deed.SNOOZE, snooze=Snooze(next_post=True))
    assert [one.snooze for one in desk.store.cases_in(CaseState.SNOOZED)] == [{"next_post": True}]
    assert desk.store.sleeping(NOW + 2 * MINUTE) == []  # no time wakes it
    woken = publish(desk, "3", at=NOW + 6 * MINUTE)
    assert (woken.state, woken.snooze) == (CaseState.NEW, None)


def test_who_hears_of_a_level_is_told_when_a_person_raises_it(desk: Desk) -> None:
    case = publish(desk, "1")
    assert deliver(desk, NOW) == []
    do(desk, case, Deed.ESCALATE)
    assert set(deliver(desk, NOW + MINUTE)) == {
        ("care", NotificationKind.CASE_UPDATE), ("care", NotificationKind.CASE_NOTE), ("chiefs", NotificationKind.CASE_OPEN),
    }  # fmt: skip


def test_a_correction_counts_at_once_and_is_a_label(desk: Desk) -> None:
    case = publish(desk, "1")
    done = do(
        desk, case, Deed.CORRECT, urgency=Urgency.LOW, reason="an old story",
        changes={"stage": "use", "sentiment": "positive", "touchpoints": ["app", "delivery"]},
    )  # fmt: skip
    assert isinstance(done, Decision)
    (counted,) = desk.store.counted(NOW - TTL, NOW + TTL)
    assert (counted.stage.value, counted.urgency, counted.sentiment_label) == ("use", Urgency.LOW, "positive")
    assert counted.touchpoints == {"app": None, "delivery": -0.7}
    labels = desk.store.labels(NOW)
    assert {(one.field, str(one.was), str(one.now)) for one in labels} == {
        ("stage", "purchase", "use"), ("urgency", "normal", "low"), ("sentiment", "negative", "positive"),
        ("touchpoints", "['delivery', 'support']", "['app', 'delivery']"),
    }  # fmt: skip
    assert {(one.who, one.reason, one.text) for one in labels} == {("ann", "an old story", "post 1")}
    told = desk.store.told(labels[0].mention)
    assert told is not None
    assert "stage: purchase → use" in [line.evidence for line in told.verdict.lines]


def test_what_is_not_relevant_leaves_the_counts_and_comes_back_when_reopened(desk: Desk) -> None:
    case = publish(desk, "1")
    do(desk, case, Deed.IRRELEVANT, reason="another Acme")
    (counted,) = desk.store.counted(NOW - TTL, NOW + TTL)
    assert not counted.relevant
    assert desk.store.totals().outcomes == {Outcome.NOT_RELEVANT: 1}
    (label,) = desk.store.labels(NOW)
    assert (label.field, label.was, label.now, label.reason) == ("relevant", True, False, "another Acme")
    do(desk, case, Deed.REOPEN)
    (counted,) = desk.store.counted(NOW - TTL, NOW + TTL)
    assert counted.relevant


def test_cases_are_merged_and_split(desk: Desk) -> None:
    one, other = publish(desk, "1"), publish(desk, "2", author="yan", at=NOW + MINUTE)
    both = desk.merge(other.ref, one.ref, "ann", "cli", NOW + 2 * MINUTE)
    assert (both.ref, both.mention_count) == (one.ref, 2)
    emptied = desk.store.case(other.ref)
    assert emptied is not None
    assert (emptied.case.state, emptied.mentions) == (CaseState.RESOLVED, ())
    deliver(desk, NOW + 2 * MINUTE)
    view = desk.store.case(one.ref)
    assert view is not None
    alone = desk.split(view.mentions[-1].ref[:6], "ann", "cli", NOW + 3 * MINUTE)
    assert alone.ref not in (one.ref, other.ref)
    assert (alone.state, alone.mention_count) == (CaseState.NEW, 1)
    assert ("care", NotificationKind.CASE_OPEN) in deliver(desk, NOW + 3 * MINUTE)
    with pytest.raises(NoSuchCase, match="shares a case"):
        desk.split(view.mentions[0].ref, "ann", "cli", NOW + 3 * MINUTE)
    with pytest.raises(NoSuchCase, match="are not two cases"):
        desk.merge(one.ref, one.ref, "ann", "cli", NOW)
    with pytest.raises(NoSuchCase, match="there is no case"):
        desk.do("c-ZZZZ", Wish(Deed.CLAIM, "ann", "cli"), NOW)


def test_what_was_reopened_is_told_of_again_by_its_outcome(desk: Desk) -> None:
    case = publish(desk, "1")
    do(desk, case, Deed.IRRELEVANT)
    do(desk, case, Deed.REOPEN)
    assert desk.store.totals().outcomes == {Outcome.ALERTED: 1}


def merged(desk: Desk, one: Case, other: Case) -> Case:
    return desk.merge(one.ref, other.ref, "ann", "cli", NOW + 2 * MINUTE)


def test_who_still_waits_in_a_merged_case_is_not_forgotten(desk: Desk) -> None:
    """The clock of the more urgent one runs on, and an unanswered post brings an answered or closed case back."""
    grave = publish(desk, "1", urgency=Urgency.CRITICAL)
    mild = publish(desk, "2", author="yan")
    both = merged(desk, grave, mild)
    assert (both.urgency, both.due_at) == (Urgency.CRITICAL, grave.due_at)
    for number, deed, state in (
        (3, Deed.REPLIED, CaseState.CLAIMED), (4, Deed.WAIT, CaseState.CLAIMED), (5, Deed.RESOLVE, CaseState.CLAIMED),
    ):  # fmt: skip
        answered = publish(desk, f"{number}", author=f"a{number}")
        do(desk, answered, deed)
        open_ = publish(desk, f"{number}0", author=f"b{number}")
        both = merged(desk, open_, answered)
        assert (both.state, both.due_at) == (state, open_.due_at), deed


def test_merging_into_what_is_not_relevant_is_no_way_to_lose_a_customer(desk: Desk) -> None:
    ruled_out, open_ = publish(desk, "1"), publish(desk, "2", author="yan")
    do(desk, ruled_out, Deed.IRRELEVANT)
    with pytest.raises(NoSuchCase, match=f"{ruled_out.ref} is not relevant: reopen it first"):
        merged(desk, open_, ruled_out)
    with pytest.raises(NoSuchCase, match=f"{ruled_out.ref} is not relevant: reopen it first"):
        merged(desk, ruled_out, open_)


def test_a_case_that_was_emptied_before_it_was_told_is_not_told(desk: Desk) -> None:
    one = publish(desk, "1")
    lease = desk.store.lease("forum", "poller", NOW, TTL, force=True)
    assert lease is not None
    post = Mention("forum", "2", "post 2", NOW, Author("yan", "yan"))
    desk.store.record_page(lease, Page((post,), {}), [Triaged(post, verdict())], Settler("forum", RULES), NOW)
    (other,) = [case for case in desk.store.cases_in(CaseState.NEW) if case.ref != one.ref]
    merged(desk, other, one)
    assert NotificationKind.CASE_OPEN not in [kind for _, kind in deliver(desk, NOW + 2 * MINUTE)]


def test_a_removed_post_gets_no_case_of_its_own_and_is_no_company(desk: Desk) -> None:
    case = publish(desk, "1")
    publish(desk, "2")
    view = desk.store.case(case.ref)
    assert view is not None
    first, second = view.mentions
    lease = desk.store.lease("forum", "poller", NOW, TTL, force=True)
    assert lease is not None
    page, settler = Page((), {}, removed=(Removal("forum", "1"),)), Settler("forum", RULES)
    desk.store.record_page(lease, page, [], settler, NOW, (), settler.revise)
    for told in (first, second):
        with pytest.raises(NoSuchCase, match="shares a case"):
            desk.split(told.ref, "ann", "cli", NOW)


def test_a_post_split_out_of_what_is_not_relevant_is_relevant(desk: Desk) -> None:
    case = publish(desk, "1")
    publish(desk, "2")
    do(desk, case, Deed.IRRELEVANT, revision=2)
    view = desk.store.case(case.ref)
    assert view is not None
    desk.split(view.mentions[0].ref, "ann", "cli", NOW + MINUTE)
    assert desk.store.totals().outcomes == {Outcome.NOT_RELEVANT: 1, Outcome.ALERTED: 1}
    assert [one.relevant for one in desk.store.counted(NOW - TTL, NOW + TTL)] == [True, False]
