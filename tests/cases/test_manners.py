"""What holds for a receiver at one moment: quiet or not, since when it is open, until when it is not."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from listener.cases.clock import ServiceHours
from listener.cases.manners import Manners, manners, quiet_until

PARIS = ZoneInfo("Europe/Paris")
NIGHTS = ServiceHours(PARIS, {day: ((time(0), time(7)), (time(22), time.max)) for day in range(7)})
WEEKENDS = ServiceHours(PARIS, {5: ((time(0), time.max),), 6: ((time(0), time.max),)})
ALWAYS_QUIET = ServiceHours(PARIS)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC)


def test_without_quiet_hours_nothing_is_held() -> None:
    assert manners(None, None, local("2026-11-18T03:00")) == Manners()
    assert manners(None, 20, local("2026-11-18T03:00")) == Manners(singles_per_hour=20)


@pytest.mark.parametrize(
    ("at", "opened"),
    [
        ("2026-11-18T06:59", None),
        ("2026-11-18T07:00", "2026-11-18T07:00"),
        ("2026-11-18T21:59", "2026-11-18T07:00"),
        ("2026-11-18T22:00", None),
        ("2026-11-19T00:00", None),
        ("2026-10-25T09:00", "2026-10-25T07:00"),  # the night in which clocks went back
    ],
)
def test_by_night_it_is_quiet_and_by_day_open_since_the_morning(at: str, opened: str | None) -> None:
    found = manners(NIGHTS, 20, local(at))
    assert found == Manners(opened is None, None if opened is None else local(opened), 20)


def test_a_receiver_that_is_quiet_on_weekends_is_open_since_monday() -> None:
    assert manners(WEEKENDS, None, local("2026-11-20T23:59")).opened_at == local("2026-11-16T00:00")
    assert manners(WEEKENDS, None, local("2026-11-21T00:00")).quiet


def test_stretches_that_meet_end_together_and_one_that_never_ends_has_no_end() -> None:
    assert quiet_until(NIGHTS, local("2026-11-18T22:30")) == local("2026-11-19T07:00")
    assert quiet_until(NIGHTS, local("2026-11-18T12:00")) is None
    assert quiet_until(WEEKENDS, local("2026-11-21T12:00")) == local("2026-11-23T00:00")
    assert quiet_until(ALWAYS_QUIET, local("2026-11-18T12:00")) is None
    assert manners(ALWAYS_QUIET, None, local("2026-11-18T12:00") + timedelta(days=3)) == Manners(quiet=True)
