"""The reply clock over weekends, holidays and changes of local time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.cases.clock import ServiceHours, due_at, is_open
from rules.vocabulary import Urgency

ZURICH = ZoneInfo("Europe/Zurich")
OFFICE = ServiceHours(ZURICH, {day: ((time(9), time(17)),) for day in range(5)}, frozenset({date(2026, 12, 25)}))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZURICH)


@pytest.mark.parametrize(
    ("posted", "urgency", "due"),
    [
        ("2026-11-18T10:00", Urgency.HIGH, "2026-11-18T11:00"),  # a Wednesday, in hours
        ("2026-11-20T16:45", Urgency.HIGH, "2026-11-23T09:45"),  # Friday evening runs over into Monday
        ("2026-11-21T12:00", Urgency.NORMAL, "2026-11-23T13:00"),  # Saturday starts on Monday at nine
        ("2026-11-21T12:00", Urgency.CRITICAL, "2026-11-21T13:00"),  # critical never waits
        ("2026-12-24T16:00", Urgency.NORMAL, "2026-12-28T12:00"),  # over Christmas and a weekend
        ("2026-10-23T16:30", Urgency.HIGH, "2026-10-26T09:30"),  # clocks go back on that Sunday
        ("2026-11-18T03:00", Urgency.LOW, "2026-11-18T17:00"),  # one service day
    ],
)
def test_a_reply_is_due_in_service_hours(posted: str, urgency: Urgency, due: str) -> None:
    assert due_at(local(posted), urgency, OFFICE) == local(due).astimezone(UTC)


def test_around_the_clock_means_published_plus_target() -> None:
    posted = datetime(2026, 11, 18, 23, 30, tzinfo=UTC)
    assert due_at(posted, Urgency.NORMAL, ServiceHours(ZoneInfo("UTC"))) == posted + timedelta(hours=4)


def test_a_calendar_that_never_opens_has_no_due_time() -> None:
    assert due_at(local("2026-11-18T10:00"), Urgency.HIGH, ServiceHours(ZURICH, {})) is None


def test_the_team_is_open_in_hours_and_closed_outside_and_on_holidays() -> None:
    assert is_open(OFFICE, local("2026-11-18T09:00"))
    assert not is_open(OFFICE, local("2026-11-18T17:00"))
    assert not is_open(OFFICE, local("2026-12-25T10:00"))


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.sampled_from(list(Urgency)))  # noqa: DTZ001  # made aware below
def test_nothing_is_due_before_it_was_published_plus_its_target(posted: datetime, urgency: Urgency) -> None:
    from listener.cases.clock import FIRST_REPLY

    due = due_at(posted.replace(tzinfo=UTC), urgency, OFFICE)
    assert due is not None
    assert due >= posted.replace(tzinfo=UTC) + FIRST_REPLY[urgency]
