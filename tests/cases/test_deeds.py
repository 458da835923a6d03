"""What a person may do to a case in each of its states, and what follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.cases.clock import ServiceHours
from listener.cases.deeds import Decision, Deed, Refusal, Snooze, Why, Wish, decide, read_snooze, snooze_values
from listener.cases.plan import CLOSED_STATES
from listener.model import Case, CaseState
from rules.vocabulary import Urgency

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)  # a Friday
HOURS = ServiceHours(ZoneInfo("UTC"), {day: ((time(9), time(18)),) for day in range(5)})
CASE = Case(
    1, "c-0001", "x", "x:1", "x:9", CaseState.NEW, Urgency.NORMAL, NOW, NOW, 1, 3, due_at=NOW + timedelta(hours=4)
)  # fmt: skip
STATES = {
    "new": CASE,
    "mine": replace(CASE, state=CaseState.CLAIMED, owner="ann"),
    "hers": replace(CASE, state=CaseState.CLAIMED, owner="bea"),
    "replied": replace(CASE, state=CaseState.REPLIED, owner="ann", due_at=None),
    "waiting": replace(CASE, state=CaseState.WAITING, owner="ann", due_at=None),
    "asleep": replace(CASE, state=CaseState.SNOOZED, owner="ann", snooze={"next_post": True}),
    "resolved": replace(CASE, state=CaseState.RESOLVED, owner="ann", due_at=None),
    "irrelevant": replace(CASE, state=CaseState.NOT_RELEVANT, due_at=None),
}

# What Ann gets in each state: the state the case takes, or why not.
TABLE = {
    #            new        mine       hers       replied    waiting    asleep     resolved   irrelevant
    "claim":    ("claimed", "done",    "taken",   "claimed", "claimed", "claimed", "closed",  "closed"),
    "release":  ("done",    "new",     "new",     "replied", "waiting", "snoozed", "closed",  "done"),
    "replied":  ("replied", "replied", "replied", "done",    "replied", "replied", "closed",  "closed"),
    "wait":     ("waiting", "waiting", "waiting", "waiting", "done",    "waiting", "closed",  "closed"),
    "snooze":   ("snoozed", "snoozed", "snoozed", "snoozed", "snoozed", "snoozed", "closed",  "closed"),
    "wake":     ("done",    "done",    "done",    "done",    "done",    "claimed", "closed",  "closed"),
    "resolve":  ("resolved","resolved","resolved","resolved","resolved","resolved","done",    "closed"),
    "reopen":   ("open",    "open",    "open",    "open",    "open",    "open",    "claimed", "new"),
    "irrelevant":("not-relevant",)*6 + ("closed", "done"),
    "escalate": ("new",     "claimed", "claimed", "replied", "waiting", "snoozed", "closed",  "closed"),
    "correct":  ("new",     "claimed", "claimed", "replied", "waiting", "snoozed", "resolved","not-relevant"),
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("deed", TABLE)
def test_what_may_be_done_in_each_state(deed: str, state: str) -> None:
    expected = TABLE[deed][list(STATES).index(state)]
    done = decide(STATES[state], Wish(Deed(deed), "ann", "cli"), NOW, HOURS)
    if isinstance(done, Refusal):
        assert done.why.value == expected
        assert done.case == STATES[state]
    else:
        assert done.case.state.value == expected
        assert done.case.revision == STATES[state].revision + 1
        assert (done.event.what, done.event.who, done.event.detail["to"]) == (deed, "ann", expected)


@pytest.mark.parametrize("deed", Deed)
def test_a_deed_done_twice_with_the_revision_seen_changes_once(deed: Deed) -> None:
    start = STATES["resolved"] if deed is Deed.REOPEN else STATES["asleep"] if deed is Deed.WAKE else STATES["hers"]
    wish = Wish(deed, "bea" if deed is not Deed.CLAIM else "ann", "slack", revision=start.revision)
    first = decide(start if deed is not Deed.CLAIM else CASE, wish, NOW, HOURS)
    assert isinstance(first, Decision)
    again = decide(first.case, wish, NOW, HOURS)
    assert isinstance(again, Refusal)
    assert again.why in (Why.DONE, Why.STALE, Why.CLOSED)


def test_who_loses_a_race_hears_who_won_even_with_an_old_revision() -> None:
    won = decide(CASE, Wish(Deed.CLAIM, "ann", "slack", revision=3), NOW, HOURS)
    assert isinstance(won, Decision)
    lost = decide(won.case, Wish(Deed.CLAIM, "bea", "slack", revision=3), NOW, HOURS)
    assert isinstance(lost, Refusal)
    assert (lost.why, lost.case.owner) == (Why.TAKEN, "ann")


def test_the_clock_stops_with_an_answer_and_runs_anew_when_reopened_or_raised() -> None:
    replied = decide(CASE, Wish(Deed.REPLIED, "ann", "cli"), NOW, HOURS)
    assert isinstance(replied, Decision)
    assert (replied.case.due_at, replied.case.owner) == (None, "ann")
    evening = NOW.replace(hour=17)
    reopened = decide(STATES["resolved"], Wish(Deed.REOPEN, "ann", "cli"), evening, HOURS)
    assert isinstance(reopened, Decision)
    assert reopened.case.due_at == datetime(2026, 11, 23, 12, tzinfo=UTC)  # an hour on Friday, three on Monday
    raised = decide(CASE, Wish(Deed.ESCALATE, "ann", "cli"), NOW, HOURS)
    assert isinstance(raised, Decision)
    assert (raised.case.urgency, raised.case.due_at) == (Urgency.HIGH, NOW + timedelta(hours=1))
    top = decide(replace(CASE, urgency=Urgency.CRITICAL), Wish(Deed.ESCALATE, "ann", "cli"), NOW, HOURS)
    assert isinstance(top, Refusal)
    assert top.why is Why.TOP


def test_a_person_may_lower_a_level() -> None:
    lower = decide(CASE, Wish(Deed.CORRECT, "ann", "cli", urgency=Urgency.LOW), NOW, HOURS)
    assert isinstance(lower, Decision)
    assert lower.case.urgency is Urgency.LOW
    assert lower.event.detail["urgency_from"] == "normal"


@given(st.none() | st.datetimes(timezones=st.just(UTC)), st.booleans(), st.none() | st.integers(1, 99))
def test_a_snooze_survives_its_storing(until: datetime | None, post: bool, authors: int | None) -> None:
    snooze = Snooze(until, post, authors)
    assert read_snooze(snooze_values(snooze)) == snooze


@given(
    st.lists(st.sampled_from(list(Deed)), max_size=30),
    st.lists(st.sampled_from(["ann", "bea"]), min_size=30, max_size=30),
)
def test_whatever_is_done_a_case_stays_whole(deeds: list[Deed], people: list[str]) -> None:
    case = CASE
    for deed, who in zip(deeds, people, strict=False):
        done = decide(case, Wish(deed, who, "cli"), NOW, HOURS)
        if isinstance(done, Decision):
            assert done.case.revision == case.revision + 1
            case = done.case
        assert (case.snooze is not None) == (case.state is CaseState.SNOOZED)
        assert case.owner is not None or case.state is not CaseState.CLAIMED
        assert case.due_at is None or case.state not in CLOSED_STATES
