"""The clock of stored cases: what its history says is what its row says, whatever is done and whatever is configured."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Author, Mention, Page
from listener.cases.clock import PRAISE, ServiceHours, Target
from listener.cases.deeds import Deed, Snooze, Wish
from listener.cases.routing import Route
from listener.cases.settle import Settler
from listener.cases.telling import Rules
from listener.cases.turns import replay
from listener.minding import keep_time
from listener.model import Case, CaseState, Triaged
from listener.store import Store
from listener.working import Desk
from rules.vocabulary import Intent, Urgency
from tests.fakes.story import verdict

NOW = datetime(2026, 11, 18, 10, tzinfo=UTC)  # a Wednesday
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OFFICE = ServiceHours(ZoneInfo("UTC"), {day: ((time(9), time(17)),) for day in range(5)})


@pytest.fixture
def desk(store: Store) -> Desk:
    store.register_sources({"forum": "forum"}, NOW)
    return Desk(store, Rules((Route("all", ("care",)),), OFFICE))


def publish(desk: Desk, name: str, at: datetime = NOW, author: str = "zoe", **said: object) -> None:
    lease = desk.store.lease("forum", "poller", at, HOUR, force=True)
    assert lease is not None
    post = Mention("forum", name, f"post {name}", at, Author(author, author), thread_id="story")
    found = Triaged(post, verdict(**said))  # type: ignore[arg-type]
    desk.store.record_page(lease, Page((post,), {}), [found], Settler("forum", desk.rules), at)


def case(desk: Desk) -> Case:
    return desk.store.cases_in(*CaseState, counted_only=True)[0]


def do(desk: Desk, deed: Deed, at: datetime, **more: object) -> None:
    desk.do(case(desk).ref, Wish(deed, "ann", "cli", **more), at)  # type: ignore[arg-type]


def by_history(desk: Desk, one: Case, hours: ServiceHours = OFFICE) -> datetime | None:
    running = replay([event.detail for event in desk.store.case_history(one.id)], hours)
    assert running is not None
    return running.due(hours)


def test_waiting_for_the_customer_pauses_and_their_next_post_goes_on_with_what_was_left(desk: Desk) -> None:
    publish(desk, "1")
    assert case(desk).due_at == NOW + 4 * HOUR
    do(desk, Deed.WAIT, NOW + HOUR)
    assert case(desk).due_at is None
    publish(desk, "2", NOW + 24 * HOUR)
    assert case(desk).due_at == NOW + 24 * HOUR + 3 * HOUR


def test_a_post_after_an_answer_starts_the_clock_afresh(desk: Desk) -> None:
    publish(desk, "1")
    do(desk, Deed.REPLIED, NOW + HOUR)
    do(desk, Deed.WAIT, NOW + HOUR)
    publish(desk, "2", NOW + 24 * HOUR)
    assert case(desk).due_at == NOW + 24 * HOUR + 4 * HOUR


def test_a_case_that_was_claimed_while_it_waited_goes_on_as_well(desk: Desk) -> None:
    publish(desk, "1")
    do(desk, Deed.WAIT, NOW + HOUR)
    do(desk, Deed.CLAIM, NOW + 2 * HOUR)
    publish(desk, "2", NOW + 3 * HOUR)
    assert case(desk).due_at == NOW + 6 * HOUR


def test_a_snooze_does_not_stop_the_clock_of_the_customer(desk: Desk) -> None:
    publish(desk, "1")
    do(desk, Deed.SNOOZE, NOW + HOUR, snooze=Snooze(next_post=True))
    assert case(desk).due_at == NOW + 4 * HOUR
    publish(desk, "2", NOW + 3 * HOUR)
    assert (case(desk).state, case(desk).due_at) == (CaseState.NEW, NOW + 4 * HOUR)


def test_raising_a_case_never_gives_more_time(desk: Desk) -> None:
    publish(desk, "1")
    do(desk, Deed.ESCALATE, NOW + 3 * HOUR + 30 * MINUTE)
    assert (case(desk).urgency, case(desk).due_at) == (Urgency.HIGH, NOW + 4 * HOUR)


def test_praise_has_a_day_and_a_complaint_behind_it_the_time_of_its_level(desk: Desk) -> None:
    publish(desk, "1", intents=frozenset({Intent.PRAISE}))
    assert case(desk).due_at == NOW + timedelta(days=1)
    publish(desk, "2", NOW + HOUR, intents=frozenset({Intent.COMPLAINT}))
    assert case(desk).due_at == NOW + 5 * HOUR


def test_changed_targets_and_hours_count_for_open_cases_from_the_next_start_on(desk: Desk) -> None:
    keep_time(desk.store, OFFICE)
    publish(desk, "1")
    publish(desk, "2", author="kim", intents=frozenset({Intent.PRAISE}), urgency=Urgency.LOW)
    wider = replace(OFFICE, spans={day: ((time(9), time(12)),) for day in range(7)})
    first = OFFICE.targets.first_reply
    keep_time(desk.store, replace(wider, targets=replace(wider.targets, first_reply={**first, PRAISE: Target(HOUR)})))
    assert case(desk).due_at == NOW + 24 * HOUR + HOUR  # two hours today, two tomorrow
    keep_time(desk.store, OFFICE)
    assert case(desk).due_at == NOW + 4 * HOUR


def test_an_unchanged_configuration_changes_nothing_at_the_start(desk: Desk) -> None:
    publish(desk, "1")
    assert desk.store.reset_clocks(OFFICE) == 0
    assert desk.store.reset_clocks(replace(OFFICE, spans={})) == 1
    assert case(desk).due_at is None


def test_a_merged_case_stays_due_when_the_earlier_of_the_two_was(desk: Desk) -> None:
    publish(desk, "1")
    lease = desk.store.lease("forum", "poller", NOW, HOUR, force=True)
    assert lease is not None
    other = Mention("forum", "9", "another", NOW + HOUR, Author("kim", "kim"), thread_id="elsewhere")
    page = Page((other,), {})
    desk.store.record_page(lease, page, [Triaged(other, verdict())], Settler("forum", desk.rules), NOW + HOUR)
    one, two = desk.store.cases_in(CaseState.NEW)
    merged = desk.merge(one.ref, two.ref, "ann", "cli", NOW + 2 * HOUR)
    assert merged.due_at == NOW + 4 * HOUR == by_history(desk, merged)
    assert desk.store.reset_clocks(OFFICE) == 0


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_done_the_history_says_what_the_row_says(desk: Desk, seed: int) -> None:
    dice, at = Random(seed), NOW
    publish(desk, "0")
    deeds = [one for one in Deed if one is not Deed.CORRECT]
    for step in range(1, 26):
        at += dice.randrange(1, 600) * MINUTE
        what = dice.choice([*deeds, "post", "post", "post", "level"])
        if what == "post":
            intents = frozenset({dice.choice(list(Intent))})
            publish(desk, f"{step}", at, urgency=dice.choice(list(Urgency)), intents=intents)
        elif what == "level":
            do(desk, Deed.CORRECT, at, urgency=dice.choice(list(Urgency)))
        else:
            do(desk, Deed(what), at, snooze=Snooze(next_post=dice.random() < 0.5))
        for one in desk.store.cases_in(*CaseState):
            assert by_history(desk, one) == one.due_at, (step, what)
