"""ISO weeks, seen from a time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listener.digest.labels import load
from listener.digest.week import Week, WeekError


def test_a_week_begins_on_monday_at_local_midnight() -> None:
    week = Week.parse("2026-W47", "Europe/Paris")
    assert week.since == datetime(2026, 11, 15, 23, tzinfo=UTC)
    assert week.until == datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert week.hours == 168


def test_the_clock_change_makes_a_week_an_hour_longer_or_shorter() -> None:
    assert Week.parse("2026-W43", "Europe/Paris").hours == 169
    assert Week.parse("2026-W13", "Europe/Paris").hours == 167


def test_sunday_evening_in_one_zone_is_monday_in_another() -> None:
    moment = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert Week.containing(moment, "UTC").name == "2026-W47"
    assert Week.containing(moment, "Europe/Paris").name == "2026-W48"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("2026-W47", "16–22 November 2026"),
        ("2026-W49", "30 November – 6 December 2026"),
        ("2026-W01", "29 December 2025 – 4 January 2026"),
        ("2026-W53", "28 December 2026 – 3 January 2027"),
    ],
)
def test_labels_say_what_is_needed_and_no_more(name: str, label: str) -> None:
    assert load().period(Week.parse(name)) == label


@pytest.mark.parametrize(
    "text", ["", "W47", "2026-47", "2026-W4", "2026-W00", "2026-W54", "2025-W53", "0000-W01", "٢٠٢٦-W47", "last"]
)
def test_what_is_no_week_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(WeekError, match=r"2026-W47|has weeks 01 to 5"):
        Week.parse(text)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(WeekError, match="no time zone"):
        Week.containing(datetime(2026, 11, 22))  # noqa: DTZ001  # the point of the test


@given(
    st.integers(0, 4_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC)),
    st.sampled_from(["UTC", "Europe/Paris", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Auckland"]),
)
@settings(max_examples=100)
def test_every_moment_lies_in_its_week_which_reads_back_and_follows_the_one_before(moment: datetime, zone: str) -> None:
    week = Week.containing(moment, zone)
    assert moment in week
    assert Week.parse(week.name, zone) == week
    assert week.previous().until == week.since
    assert week.previous().previous(-1) == week
    assert timedelta(days=7, hours=-2) <= week.until - week.since <= timedelta(days=7, hours=2)
