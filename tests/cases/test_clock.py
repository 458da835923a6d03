"""The reply clock: one table of what is posted when and due when, and what holds for every calendar."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.cases.clock import PRAISE, ServiceHours, Target, Targets, counted, due_at, is_open, target_of
from listener.cases.turns import Turn, replay, turned
from rules.vocabulary import Urgency

PARIS, NEW_YORK = ZoneInfo("Europe/Paris"), ZoneInfo("America/New_York")
WEEKDAYS = range(5)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def works(zone: ZoneInfo, *spans: tuple[int, int], days: range = WEEKDAYS, **replies: Target) -> ServiceHours:
    week = {
        day: tuple((time(opens), time(closes) if closes < 24 else time.max) for opens, closes in spans) for day in days
    }
    targets = Targets()
    return ServiceHours(
        zone, week, frozenset({date(2026, 12, 25)}), replace(targets, first_reply={**targets.first_reply, **replies})
    )


OFFICE = works(PARIS, (9, 17))
BRISK = works(PARIS, (9, 17), high=Target(30 * MINUTE))
LUNCH = works(PARIS, (9, 12), (14, 18))
NIGHT = works(PARIS, (0, 2), (22, 24), days=range(7))
ALL_DAY = works(PARIS, (0, 24), days=range(7))
MANHATTAN = works(NEW_YORK, (9, 17))
MANHATTAN_ALL_DAY = works(NEW_YORK, (0, 24), days=range(7))
CLOSED_TO_ALL = replace(OFFICE, targets=replace(OFFICE.targets, around_the_clock=frozenset()))
OPEN_TO_PRAISE = replace(OFFICE, targets=replace(OFFICE.targets, around_the_clock=frozenset({PRAISE})))


@pytest.mark.parametrize(
    ("what", "team", "target", "posted", "due"),
    [
        ("in hours",                             BRISK,             "high",     "Wed 2026-11-18 10:00", "Wed 2026-11-18 10:30"),
        ("before the opening",                   BRISK,             "high",     "Wed 2026-11-18 03:00", "Wed 2026-11-18 09:30"),
        ("at the very closing",                  BRISK,             "high",     "Wed 2026-11-18 17:00", "Thu 2026-11-19 09:30"),
        ("the last half hour fits",              BRISK,             "high",     "Wed 2026-11-18 16:30", "Wed 2026-11-18 17:00"),
        ("over a weekend",                       BRISK,             "high",     "Fri 2026-11-20 16:45", "Mon 2026-11-23 09:15"),
        ("on a weekend",                         OFFICE,            "normal",   "Sat 2026-11-21 12:00", "Mon 2026-11-23 13:00"),
        ("over a holiday and a weekend",         OFFICE,            "normal",   "Thu 2026-12-24 16:00", "Mon 2026-12-28 12:00"),
        ("on a holiday",                         OFFICE,            "high",     "Fri 2026-12-25 10:00", "Mon 2026-12-28 10:00"),
        ("over lunch",                           LUNCH,             "high",     "Wed 2026-11-18 11:30", "Wed 2026-11-18 14:30"),
        ("in the lunch break",                   LUNCH,             "high",     "Wed 2026-11-18 13:00", "Wed 2026-11-18 15:00"),
        ("a service day with a lunch break",     LUNCH,             "low",      "Wed 2026-11-18 10:00", "Thu 2026-11-19 10:00"),
        ("one service day",                      OFFICE,            "low",      "Wed 2026-11-18 03:00", "Wed 2026-11-18 17:00"),
        ("one service day from the afternoon",   OFFICE,            "low",      "Fri 2026-11-20 15:00", "Mon 2026-11-23 15:00"),
        ("a day of a team that never closes",    ALL_DAY,           "low",      "Wed 2026-11-18 03:00", "Thu 2026-11-19 03:00"),
        ("a span over midnight",                 NIGHT,             "normal",   "Wed 2026-11-18 23:00", "Thu 2026-11-19 23:00"),
        ("a night shift, by day",                NIGHT,             "high",     "Wed 2026-11-18 12:00", "Wed 2026-11-18 23:00"),
        ("critical at night",                    OFFICE,            "critical", "Wed 2026-11-18 23:30", "Thu 2026-11-19 00:30"),
        ("critical on a holiday",                OFFICE,            "critical", "Fri 2026-12-25 10:00", "Fri 2026-12-25 11:00"),
        ("critical of a team that sleeps",       CLOSED_TO_ALL,     "critical", "Wed 2026-11-18 23:30", "Thu 2026-11-19 10:00"),
        ("praise",                               OFFICE,            "praise",   "Thu 2026-11-19 11:00", "Fri 2026-11-20 11:00"),
        ("praise before a weekend",              OFFICE,            "praise",   "Fri 2026-11-20 16:00", "Mon 2026-11-23 16:00"),
        ("praise around the clock",              OPEN_TO_PRAISE,    "praise",   "Fri 2026-11-20 16:00", "Sat 2026-11-21 16:00"),
        ("Paris, over the hour that is missing", ALL_DAY,           "normal",   "Sun 2026-03-29 00:30", "Sun 2026-03-29 05:30"),
        ("Paris, over the hour that is twice",   ALL_DAY,           "normal",   "Sun 2026-10-25 00:30", "Sun 2026-10-25 03:30"),
        ("Paris, the weekend it is spring",      OFFICE,            "high",     "Fri 2026-03-27 16:30", "Mon 2026-03-30 09:30"),
        ("Paris, the weekend it is winter",      OFFICE,            "high",     "Fri 2026-10-23 16:30", "Mon 2026-10-26 09:30"),
        ("a night shift, the hour is missing",   NIGHT,             "high",     "Sun 2026-03-29 01:30", "Sun 2026-03-29 22:30"),
        ("New York, the hour that is missing",   MANHATTAN_ALL_DAY, "normal",   "Sun 2026-03-08 00:30", "Sun 2026-03-08 05:30"),
        ("New York, the hour that is twice",     MANHATTAN_ALL_DAY, "normal",   "Sun 2026-11-01 00:30", "Sun 2026-11-01 03:30"),
        ("New York, the weekend it is spring",   MANHATTAN,         "high",     "Fri 2026-03-06 16:30", "Mon 2026-03-09 09:30"),
        ("New York, the weekend it is winter",   MANHATTAN,         "high",     "Fri 2026-10-30 16:30", "Mon 2026-11-02 09:30"),
    ],
)  # fmt: skip
def test_a_reply_is_due(what: str, team: ServiceHours, target: str, posted: str, due: str) -> None:
    assert due_at(local(posted, team), target, team) == local(due, team), what


@pytest.mark.parametrize(
    ("what", "turns", "due"),
    [
        ("it runs",                      ["start 18 10:00 normal"],                                                          "18 14:00"),
        ("it waits for the customer",    ["start 18 10:00 normal", "pause 18 11:00"],                                        None),
        ("they answer the same day",     ["start 18 10:00 normal", "pause 18 11:00", "go-on 18 13:00 normal"],               "18 16:00"),
        ("they answer at night",         ["start 18 10:00 normal", "pause 18 11:00", "go-on 18 23:00 normal"],               "19 12:00"),
        ("it waits over night twice",    ["start 18 16:00 normal", "pause 19 10:00", "go-on 20 16:00 normal",
                                          "pause 20 16:30", "go-on 23 11:00 normal"],                                        "23 12:30"),
        ("it waited once it was late",   ["start 18 10:00 high", "pause 18 12:00", "go-on 18 13:00 high"],                   "18 13:00"),
        ("critical pauses as well",      ["start 18 22:00 critical", "pause 18 22:45", "go-on 19 03:00 critical"],           "19 03:15"),
        ("answered, they write again",   ["start 18 10:00 normal", "stop 18 11:00", "start 19 09:00 normal"],                "19 13:00"),
        ("waited for, then answered",    ["start 18 10:00 normal", "pause 18 11:00", "stop 18 12:00",
                                          "go-on 19 09:00 normal"],                                                          "19 13:00"),
        ("answered",                     ["start 18 10:00 normal", "stop 18 11:00"],                                         None),
        ("it gets graver",               ["start 18 10:00 normal", "hurry 18 11:00 high"],                                   "18 12:00"),
        ("it gets graver at the end",    ["start 18 10:00 normal", "hurry 18 13:30 high"],                                   "18 14:00"),
        ("a complaint follows praise",   ["start 18 10:00 praise", "hurry 18 11:00 normal"],                                 "18 15:00"),
        ("a post follows: no more time", ["start 18 10:00 normal", "hurry 18 13:00 normal"],                                 "18 14:00"),
        ("two cases became one",         ["start 18 10:00 normal", "fix 18 11:11 normal"],                                   "18 11:11"),
        ("one of two, paused",           ["start 18 10:00 normal", "fix 18 12:00 normal", "pause 18 11:00",
                                          "go-on 19 09:00 normal"],                                                          "19 10:00"),
    ],
)  # fmt: skip
def test_a_history_says_when_a_reply_is_due(what: str, turns: list[str], due: str | None) -> None:
    running = replay([read(turn) for turn in turns], OFFICE)
    assert running is not None
    assert running.due(OFFICE) == (None if due is None else at(due)), what


@pytest.mark.parametrize(
    ("what", "changed", "due"),
    [
        ("as it was",            OFFICE,                                                        "Fri 2026-11-20 11:00"),
        ("the team moves",       replace(OFFICE, zone=NEW_YORK),                                "Thu 2026-11-19 19:00"),
        ("a day off is added",   replace(OFFICE, holidays=frozenset({date(2026, 11, 19)})),     "Fri 2026-11-20 12:00"),
        ("a shorter target",     works(PARIS, (9, 17), normal=Target(2 * HOUR)),                "Thu 2026-11-19 17:00"),
        ("longer days",          works(PARIS, (8, 20)),                                         "Thu 2026-11-19 19:00"),
        ("always open",          ALL_DAY,                                                       "Thu 2026-11-19 19:00"),
    ],
)  # fmt: skip
def test_a_changed_calendar_counts_for_what_began_before(what: str, changed: ServiceHours, due: str) -> None:
    history = [
        turned(Turn.START, local("Wed 2026-11-18 16:00", OFFICE), "normal"),
        turned(Turn.PAUSE, local("Wed 2026-11-18 17:00", OFFICE)),
        turned(Turn.GO_ON, local("Thu 2026-11-19 16:00", OFFICE), "normal"),
    ]
    running = replay(history, changed)
    assert running is not None
    assert running.due(changed) == local(due, OFFICE), what


def test_a_history_that_is_older_than_its_turns_says_nothing() -> None:
    assert replay([{"mention": "4f2c"}], OFFICE) is None
    assert replay([{"mention": "4f2c"}, turned(Turn.PAUSE, at("18 10:00"))], OFFICE) is None


def test_praise_alone_has_its_own_target_unless_it_is_grave() -> None:
    assert [target_of(level, praise=True) for level in Urgency] == ["praise", "praise", "high", "critical"]
    assert [target_of(level) for level in Urgency] == ["low", "normal", "high", "critical"]


def test_a_calendar_that_never_opens_has_no_due_time() -> None:
    assert due_at(at("18 10:00"), Urgency.HIGH, ServiceHours(PARIS, {})) is None


def test_the_team_is_open_in_hours_and_closed_outside_and_on_holidays() -> None:
    assert is_open(OFFICE, at("18 09:00"))
    assert not is_open(OFFICE, at("18 17:00"))
    assert not is_open(OFFICE, local("Fri 2026-12-25 10:00", OFFICE))


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # as hypothesis wants them
teams = st.sampled_from([OFFICE, BRISK, LUNCH, NIGHT, ALL_DAY, MANHATTAN, MANHATTAN_ALL_DAY, CLOSED_TO_ALL])
names = st.sampled_from(sorted(OFFICE.targets.first_reply))


@given(moments, names, teams)
def test_nothing_is_due_before_it_was_published_plus_its_target(
    posted: datetime, name: str, team: ServiceHours
) -> None:
    due = due_at(posted, name, team)
    assert due is not None
    assert due >= posted + team.within(name)


@given(moments, names, teams)
def test_nothing_is_due_outside_service_hours_unless_it_runs_around_the_clock(
    posted: datetime, name: str, team: ServiceHours
) -> None:
    due = due_at(posted, name, team)
    assert due is not None
    assert name in team.targets.around_the_clock or is_open(team, due - timedelta(microseconds=1))


@given(moments, st.integers(1, 3000), st.integers(0, 3000), teams)
def test_a_longer_target_is_never_due_sooner(posted: datetime, minutes: int, more: int, team: ServiceHours) -> None:
    dues = []
    for length in (minutes, minutes + more):
        replies = {**team.targets.first_reply, "normal": Target(length * MINUTE)}
        dues.append(due_at(posted, "normal", replace(team, targets=replace(team.targets, first_reply=replies))))
    shorter, longer = dues
    assert shorter is not None
    assert longer is not None
    assert shorter <= longer


@given(moments, names, teams)
def test_what_is_counted_until_a_reply_is_due_is_its_target(posted: datetime, name: str, team: ServiceHours) -> None:
    due = due_at(posted, name, team)
    assert due is not None
    assert counted(posted, due, name, team) == team.within(name)


@given(moments, st.lists(st.integers(0, 2000), max_size=6), names, teams)
def test_pauses_give_back_exactly_the_time_they_took(
    posted: datetime, gaps: list[int], name: str, team: ServiceHours
) -> None:
    history, now, ran, since = [turned(Turn.START, posted, name)], posted, timedelta(0), posted
    for number, gap in enumerate(gaps):
        now += gap * MINUTE
        if number % 2:
            since = now
            history.append(turned(Turn.GO_ON, now, name))
        else:
            ran += counted(since, now, name, team)
            history.append(turned(Turn.PAUSE, now))
    running = replay(history, team)
    assert running is not None
    if len(gaps) % 2:
        assert running.due(team) is None
    else:
        due = running.due(team)
        assert due is not None
        assert ran + counted(since, due, name, team) == max(team.within(name), ran)


def local(text: str, team: ServiceHours) -> datetime:
    """`Wed 2026-11-18 10:00` where the team works, as UTC; the day's name must be right."""
    found = datetime.strptime(text, "%a %Y-%m-%d %H:%M").replace(tzinfo=team.zone)
    assert f"{found:%a}" == text[:3]
    return found.astimezone(UTC)


def at(text: str) -> datetime:
    """`18 10:00`: that day of November 2026 in Paris."""
    return datetime.fromisoformat(f"2026-11-{text.replace(' ', 'T')}").replace(tzinfo=PARIS).astimezone(UTC)


def read(turn: str) -> dict[str, object]:
    """`pause 18 11:00`, `start 18 10:00 normal`: what an event keeps."""
    what, day, hour, *target = turn.split()
    return dict(turned(Turn(what), at(f"{day} {hour}"), *target))
