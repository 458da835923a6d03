"""What is usual: the tail against published values and scipy, the profile, gaps, and what is left out."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from bench.spikes import draw, state
from connectors.base import Gap
from listener.cases.baseline import DAY, HOUR, Baseline, collected, measure, so_far, tail

NOW = datetime(2026, 6, 15, 10, 20, tzinfo=UTC)  # a Monday
FIRST = NOW - 100 * DAY


def days_before(count: int) -> list[date]:
    return [(NOW - number * DAY).date() for number in range(1, count + 1)]


def tally(per_hour: list[int], count: int = 60) -> dict[str, dict[date, list[int]]]:
    return {"forum": {day: list(per_hour) for day in days_before(count)}}


def usual(per_hour: list[int], **more: object) -> Baseline:
    found = measure(tally(per_hour), days_before(60), [state(first=FIRST, **more)], [], NOW, UTC)  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("seen", "mean", "variance", "chance"),
    [
        (10, 4, 4, 0.008132),  # Poisson, as in printed tables: 1 - P(X <= 9) at mean 4
        (5, 1, 1, 0.003660),
        (1, 1, 2, 0.5),  # geometric with p = 1/2: P(X >= n) = 2**-n
        (10, 1, 2, 0.5**10),
        (3, 2, 6, (2 / 3) ** 3),  # geometric with p = 1/3
        (0, 3, 3, 1.0),
        (2, 0, 0, 0.0),
    ],
)
def test_the_tail_has_the_values_that_are_known(seen: int, mean: float, variance: float, chance: float) -> None:
    assert tail(seen, mean, variance) == pytest.approx(chance, rel=2e-4)


def test_the_tail_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = random.Random(3)
    for _ in range(400):
        mean = 10 ** rng.uniform(-3, 3)
        variance = mean * rng.choice((1.0, 1.0 + 10 ** rng.uniform(-3, 2)))
        seen = max(1, round(mean + rng.uniform(-2, 8) * variance**0.5))
        if variance > mean:
            size = mean * mean / (variance - mean)
            wanted = stats.nbinom.sf(seen - 1, size, mean / variance)
        else:
            wanted = stats.poisson.sf(seen - 1, mean)
        assert tail(seen, mean, variance) == pytest.approx(wanted, rel=1e-6, abs=1e-12)


def test_the_profile_follows_the_hours_of_the_day_in_local_time() -> None:
    night, day = [0] * 8, [4] * 12
    found = usual([*night, *day, *[0] * 4])
    noon = NOW.replace(hour=12, minute=0)
    assert found.expected(noon, noon + HOUR) == pytest.approx(4, rel=0.1)
    assert found.expected(noon.replace(hour=2), noon.replace(hour=3)) < 0.1
    paris = measure(
        tally([*night, *day, *[0] * 4]), days_before(60), [state(first=FIRST)], [], NOW, ZoneInfo("Europe/Paris")
    )
    assert paris is not None
    assert paris.expected(noon, noon + HOUR) == pytest.approx(found.expected(noon, noon + HOUR), rel=0.02)


def test_a_stretch_is_expected_by_the_minute() -> None:
    found = usual([6] * 24)
    assert found.expected(NOW, NOW + HOUR / 2) == pytest.approx(3, rel=0.02)
    assert found.expected(NOW - 3 * HOUR, NOW) == pytest.approx(18, rel=0.02)
    assert found.expected(NOW - 3 * HOUR, NOW, 0.5) == pytest.approx(9, rel=0.02)


def test_weekdays_count_once_eight_weeks_are_known() -> None:
    of = {"forum": {day: [8 if day.weekday() < 5 else 1] * 24 for day in days_before(60)}}
    found = measure(of, days_before(60), [state(first=FIRST)], [], NOW, UTC)
    assert found is not None
    sunday, monday = NOW - DAY, NOW
    assert found.expected(monday, monday + HOUR) > 5 * found.expected(sunday, sunday + HOUR)
    short = measure(of, days_before(40), [state(first=FIRST)], [], NOW, UTC)
    assert short is not None
    assert short.expected(monday, monday + HOUR) == pytest.approx(short.expected(sunday, sunday + HOUR), rel=0.01)


def test_hours_that_a_source_missed_are_not_taken_for_quiet_ones() -> None:
    half = {"forum": {day: [4] * 24 if number % 2 else [0] * 24 for number, day in enumerate(days_before(60))}}
    gaps = tuple(
        Gap(
            datetime.combine(day, datetime.min.time(), UTC),
            datetime.combine(day, datetime.min.time(), UTC) + DAY,
            "outage",
        )
        for number, day in enumerate(days_before(60))
        if not number % 2
    )
    found = measure(half, days_before(60), [state(first=FIRST, gaps=gaps)], [], NOW, UTC)
    blind = measure(half, days_before(60), [state(first=FIRST)], [], NOW, UTC)
    assert found is not None
    assert blind is not None
    assert found.expected(NOW, NOW + HOUR) == pytest.approx(4, rel=0.05)
    assert blind.expected(NOW, NOW + HOUR) == pytest.approx(2, rel=0.05)


def test_a_source_that_does_not_answer_collects_nothing_since_its_last_success() -> None:
    failing = state(first=FIRST, failures=3, last_success_at=NOW - HOUR)
    assert collected(failing, NOW - 2 * HOUR, NOW) == pytest.approx(0.5)
    assert collected(state(first=FIRST), NOW - 2 * HOUR, NOW) == 1.0
    assert collected(state(first=None), NOW - 2 * HOUR, NOW) == 0.0  # type: ignore[arg-type]
    twice = (Gap(NOW - 2 * HOUR, NOW - HOUR, "outage"), Gap(NOW - 2 * HOUR, NOW - HOUR / 2, "page-cap"))
    assert collected(state(first=FIRST, gaps=twice), NOW - 2 * HOUR, NOW) == pytest.approx(0.25)


def test_a_confirmed_spike_is_left_out_of_what_is_usual() -> None:
    of = tally([1] * 24)
    loud = days_before(60)[3]
    of["forum"][loud] = [60] * 24
    begin = datetime.combine(loud, datetime.min.time(), UTC)
    with_it = measure(of, days_before(60), [state(first=FIRST)], [], NOW, UTC)
    without = measure(of, days_before(60), [state(first=FIRST)], [(begin, begin + DAY)], NOW, UTC)
    assert with_it is not None
    assert without is not None
    assert without.expected(NOW, NOW + HOUR) == pytest.approx(1, rel=0.05)
    assert with_it.expected(NOW, NOW + HOUR) > 1.3
    assert without.chance(12, 1.0, 1) < 1e-6 < with_it.chance(12, 1.0, 1)


def test_the_spread_is_what_the_past_shows() -> None:
    rng = random.Random(5)
    calm = {"forum": {day: [draw(rng, 4) for _ in range(24)] for day in days_before(60)}}
    wild = {"forum": {day: [draw(rng, 4 * rng.gammavariate(1, 1)) for _ in range(24)] for day in days_before(60)}}
    for of, ratio in ((calm, 1.0), (wild, 5.0)):
        found = measure(of, days_before(60), [state(first=FIRST)], [], NOW, UTC)
        assert found is not None
        assert found.variance(4, 1) / 4 == pytest.approx(ratio, rel=0.25)


def test_young_sources_have_no_baseline_and_say_what_they_had_so_far() -> None:
    young = state(first=NOW - 4 * DAY)
    assert measure(tally([2] * 24), days_before(60), [young], [], NOW, UTC) is None
    assert so_far(tally([2] * 24), [young], NOW) == pytest.approx(2, rel=0.15)
    both = [young, replace(state(first=FIRST), name="old")]
    found = measure({**tally([50] * 24), "old": tally([1] * 24)["forum"]}, days_before(60), both, [], NOW, UTC)
    assert found is not None
    assert found.expected(NOW, NOW + HOUR) == pytest.approx(1, rel=0.1)


def test_days_that_were_not_counted_yet_are_not_taken_for_quiet_ones() -> None:
    found = measure(tally([4] * 24, 10), days_before(10), [state(first=FIRST)], [], NOW, UTC)
    assert found is not None
    assert found.expected(NOW, NOW + HOUR) == pytest.approx(4, rel=0.05)
