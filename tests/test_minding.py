"""Cases that call for attention by themselves: who is called when, what wakes, and that nothing is said twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Author, Mention, Page
from listener.cases.clock import ServiceHours
from listener.cases.deeds import Deed, Snooze, Wish
from listener.cases.reminders import reminders
from listener.cases.routing import Route
from listener.cases.settle import Settler
from listener.cases.telling import Rules
from listener.minding import Calls, mind
from listener.model import Case, CaseState, NotificationKind, Receipt, Triaged
from listener.store import Store
from listener.working import Desk
from rules.vocabulary import Intent, Urgency
from tests.fakes.story import verdict

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)  # a Friday
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
WEEK = ServiceHours(ZoneInfo("UTC"), {day: ((time(9), time(18)),) for day in range(5)})
CALLS = Calls({"care": "S0123456"}, {"care": "chiefs"})


@pytest.fixture
def desk(store: Store) -> Desk:
    store.register_sources({"forum": "forum"}, NOW)
    return Desk(store, Rules((Route("all", ("care",)),), WEEK))


def publish(desk: Desk, name: str, at: datetime = NOW, author: str = "zoe", **more: object) -> None:
    lease = desk.store.lease("forum", "poller", at, HOUR, force=True)
    assert lease is not None
    fields = {key: more.pop(key) for key in ("thread_id", "parent_id") if key in more}
    post = Mention("forum", name, f"post {name}", at, Author(author, author), **fields)  # type: ignore[arg-type]
    desk.store.record_page(lease, Page((post,), {}), [Triaged(post, verdict(**more))], Settler("forum", desk.rules), at)


def run(desk: Desk, start: datetime, minutes: int, calls: Calls = CALLS) -> list[tuple[int, str, str, str | None]]:
    """Mind and deliver every minute; what was said: minute, receiver, deed or kind, group."""
    said = []
    for minute in range(minutes):
        at = start + minute * MINUTE
        mind(desk, calls, at)
        for receiver in ("care", "chiefs"):
            while (one := desk.store.claim(receiver, "sender", at, HOUR)) is not None:
                desk.store.mark_sent(one.id, "sender", Receipt({"ts": "1"}), at)
                if one.kind is not NotificationKind.CASE_UPDATE:
                    said.append((minute, receiver, one.payload.get("deed", one.kind.value), one.payload.get("group")))
    return said


def case(desk: Desk) -> Case:
    (one,) = desk.store.cases_in(*CaseState)
    return one


def test_a_critical_case_calls_the_group_until_somebody_claims_it_and_then_others(desk: Desk) -> None:
    publish(desk, "1", urgency=Urgency.CRITICAL)
    assert run(desk, NOW, 62) == [
        (0, "care", "case-open", None),
        (0, "care", "unclaimed", "S0123456"),
        (15, "care", "unclaimed", "S0123456"),
        (30, "care", "unclaimed", "S0123456"),
        (45, "care", "due-soon", None),
        (45, "chiefs", "case-open", None),
        (46, "chiefs", "due-soon", None),
        (60, "care", "overdue", "S0123456"),
        (60, "chiefs", "overdue", None),
    ]


def test_claiming_ends_the_calls_and_an_answer_the_reminders(desk: Desk) -> None:
    publish(desk, "1", urgency=Urgency.CRITICAL)
    assert len(run(desk, NOW, 10)) == 2
    desk.do(case(desk).ref, Wish(Deed.CLAIM, "ann", "cli"), NOW + 10 * MINUTE)
    assert [said[2] for said in run(desk, NOW + 10 * MINUTE, 30)] == ["claim"]
    desk.do(case(desk).ref, Wish(Deed.REPLIED, "ann", "cli"), NOW + 40 * MINUTE)
    assert [said[2] for said in run(desk, NOW + 40 * MINUTE, 60)] == ["replied"]


@pytest.mark.parametrize("level", [Urgency.LOW, Urgency.NORMAL, Urgency.HIGH])
def test_praise_calls_no_group_where_a_critical_case_would(desk: Desk, level: Urgency) -> None:
    publish(desk, "1", urgency=level, intents=frozenset({Intent.PRAISE}), complaint_score=0.0)
    said = run(desk, NOW, 62)
    assert said[0][:3] == (0, "care", "case-open")
    assert {group for _, _, _, group in said} == {None}


def test_a_group_is_called_once_in_fifteen_minutes_however_many_cases(desk: Desk) -> None:
    for number in range(5):
        publish(desk, str(number), author=f"a{number}", urgency=Urgency.CRITICAL)
    said = run(desk, NOW, 31, Calls({"care": "S0123456"}))
    assert [minute for minute, _, deed, group in said if deed == "unclaimed" and group] == [0, 15, 30]
    assert sum(deed == "unclaimed" for _, _, deed, _ in said) == 15


def test_a_normal_case_is_reminded_of_when_due_within_service_hours_only(desk: Desk) -> None:
    publish(desk, "1", at=NOW.replace(hour=17))  # due on Monday at 12: an hour on Friday, three on Monday
    friday = run(desk, NOW.replace(hour=17), 120)
    assert [said[2] for said in friday] == ["case-open"]
    monday = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
    assert [said[:3] for said in run(desk, monday, 300)] == [(210, "care", "overdue")]


def test_what_fell_due_while_nothing_ran_is_said_once_and_not_after_a_day(desk: Desk) -> None:
    publish(desk, "1")
    assert [said[2] for said in run(desk, NOW + 5 * HOUR, 3)] == ["case-open", "overdue"]
    late = replace(case(desk), due_at=NOW)
    assert list(reminders(late, NOW, NOW + 25 * HOUR, WEEK)) == []


def test_a_snoozed_case_is_quiet_and_wakes_in_time(desk: Desk) -> None:
    publish(desk, "1", urgency=Urgency.HIGH)
    desk.do(case(desk).ref, Wish(Deed.SNOOZE, "ann", "cli", snooze=Snooze(until=NOW + 2 * HOUR)), NOW)
    said = run(desk, NOW, 119)
    assert [one[2] for one in said] == ["case-open", "snooze"]
    assert case(desk).state is CaseState.SNOOZED
    assert [one[:3] for one in run(desk, NOW + 119 * MINUTE, 3)] == [
        (1, "care", "wake"), (1, "care", "due-soon"), (1, "care", "overdue"),
    ]  # fmt: skip
    assert case(desk).state is CaseState.NEW


def test_a_case_sleeps_until_enough_others_say_the_same(desk: Desk) -> None:
    publish(desk, "1")
    ref = case(desk).ref
    desk.do(ref, Wish(Deed.SNOOZE, "ann", "cli", snooze=Snooze(authors=3)), NOW)
    for number in range(2):
        publish(desk, f"o{number}", at=NOW + MINUTE, author=f"o{number}")
    publish(desk, "other", at=NOW + MINUTE, author="x", touchpoints={"app": None})
    mind(desk, CALLS, NOW + 2 * MINUTE)
    assert [one.ref for one, _ in desk.store.sleeping(NOW + HOUR)] == [ref]
    publish(desk, "o3", at=NOW + 3 * MINUTE, author="o3")
    mind(desk, CALLS, NOW + 4 * MINUTE)
    assert desk.store.sleeping(NOW + HOUR) == []


def test_the_brand_s_own_reply_in_the_thread_stops_the_clock(desk: Desk) -> None:
    publish(desk, "1", thread_id="t9")
    run(desk, NOW, 1)
    publish(desk, "2", at=NOW + 9 * MINUTE, author="acme", thread_id="t9", subject="own", relevant=False)
    done = case(desk)
    assert (done.state, done.due_at) == (CaseState.REPLIED, None)
    assert [said[2] for said in run(desk, NOW + 10 * MINUTE, 300)] == ["brand-replied"]
    event = desk.store.case_history(done.id)[-1]
    assert (event.what, event.who) == ("brand-replied", "acme")
    publish(desk, "3", at=NOW + 20 * MINUTE, thread_id="t9")
    assert case(desk).state is CaseState.NEW
    publish(desk, "4", at=NOW + 15 * MINUTE, author="acme", thread_id="t9", subject="own", relevant=False)
    assert case(desk).state is CaseState.NEW  # that reply was written before the customer's last post


@pytest.mark.parametrize("order", [1, -1])
def test_question_and_answer_found_in_one_page_make_an_answered_case(desk: Desk, order: int) -> None:
    ask = Mention("forum", "1", "where is it", NOW, Author("zoe", "zoe"), thread_id="t9")
    answer = Mention("forum", "2", "on its way", NOW + MINUTE, Author("acme", "acme"), thread_id="t9")
    both = [Triaged(ask, verdict()), Triaged(answer, verdict(subject="own", relevant=False))][::order]
    lease = desk.store.lease("forum", "poller", NOW, HOUR, force=True)
    assert lease is not None
    at = NOW + 2 * MINUTE
    desk.store.record_page(lease, Page((ask, answer), {}), both, Settler("forum", desk.rules), at)
    assert (case(desk).state, case(desk).revision) == (CaseState.REPLIED, 1)
    assert [said[2] for said in run(desk, at, 2)] == ["case-open", "brand-replied"]


# What waited while a person, or the brand, was quicker


def told_later(desk: Desk, deed: Deed, **more: object) -> list[str]:
    """A critical case's reminders wait in the outbox while somebody does something; what is said then."""
    publish(desk, "1", urgency=Urgency.CRITICAL)
    run(desk, NOW, 1)
    for minute in range(1, 80):
        mind(desk, CALLS, NOW + minute * MINUTE)
    at = NOW + 80 * MINUTE
    desk.do(case(desk).ref, Wish(deed, "ann", "cli", **more), at)  # type: ignore[arg-type]
    return [said[2] for said in run(desk, at, 1) if said[1] == "care"]


def test_nobody_is_told_that_a_case_is_nobody_s_once_it_was_claimed(desk: Desk) -> None:
    said = told_later(desk, Deed.CLAIM)
    assert "unclaimed" not in said
    assert "overdue" in said  # still true


@pytest.mark.parametrize("deed", [Deed.REPLIED, Deed.WAIT, Deed.RESOLVE, Deed.SNOOZE, Deed.IRRELEVANT])
def test_nobody_is_reminded_of_what_was_answered_meanwhile(desk: Desk, deed: Deed) -> None:
    more = {"snooze": Snooze(until=NOW + 9 * HOUR)} if deed is Deed.SNOOZE else {}
    assert not {"unclaimed", "due-soon", "overdue"} & set(told_later(desk, deed, **more))


def test_a_new_clock_makes_old_reminders_untrue(desk: Desk) -> None:
    publish(desk, "1", urgency=Urgency.HIGH)
    run(desk, NOW, 1)
    mind(desk, CALLS, NOW + HOUR)
    desk.do(case(desk).ref, Wish(Deed.CORRECT, "ann", "cli", urgency=Urgency.LOW), NOW + HOUR)
    assert not {"due-soon", "overdue"} & {said[2] for said in run(desk, NOW + HOUR, 1)}


def test_what_fell_due_in_the_last_minute_before_closing_is_said_at_the_next_opening(desk: Desk) -> None:
    publish(desk, "1", at=NOW.replace(hour=13, minute=59, second=59))  # due on Friday, a second before closing
    run(desk, NOW.replace(hour=14), 3)
    assert run(desk, NOW.replace(hour=18), 3) == []
    monday = datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert [said[:3] for said in run(desk, monday, 2)] == [(0, "care", "overdue")]
