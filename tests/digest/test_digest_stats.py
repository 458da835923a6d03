"""The digest's statistics against published values and their own laws."""

from __future__ import annotations

from itertools import pairwise
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listener.digest.curve import segments
from listener.digest.stats import binomial_tail, holm, net_interval, rate_change, wilson


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(3, 5, 23, 88), (12, 20, 39, 78), (60, 100, 50, 69), (0, 10, 0, 28), (81, 263, 26, 37), (15, 148, 6, 16)],
)
def test_wilson_gives_the_published_intervals(count: int, of: int, low: int, high: int) -> None:
    """METHODS §9.2; 81 of 263 (25.53–36.62 %) and 15 of 148 (6.24–16.05 %) are Newcombe's own examples."""
    found = wilson(count, of)
    assert (round(100 * found[0]), round(100 * found[1])) == (low, high)


@pytest.mark.parametrize(("before", "needs"), [(2, 10), (5, 15), (10, 23), (20, 36), (50, 73), (100, 131)])
def test_against_one_week_a_rise_needs_what_the_table_says(before: int, needs: int) -> None:
    """METHODS §9.2, two-sided 5 %, equal exposure."""
    assert rate_change(needs, before, 168, 168) < 0.05 <= rate_change(needs - 1, before, 168, 168)


@pytest.mark.parametrize(("usual", "needs"), [(0.5, 4), (1, 5), (3, 8), (5, 11), (10, 18), (20, 31)])
def test_against_eight_weeks_a_rise_needs_what_the_table_says(usual: float, needs: int) -> None:
    """METHODS §9.2, one week against eight."""
    then = round(usual * 8)
    assert rate_change(needs, then, 168, 8 * 168) < 0.05 <= rate_change(needs - 1, then, 168, 8 * 168)


@pytest.mark.parametrize(("before", "falls_to"), [(10, 2), (20, 8)])
def test_a_fall_needs_what_the_table_says(before: int, falls_to: int) -> None:
    assert rate_change(falls_to, before, 168, 168) < 0.05 <= rate_change(falls_to + 1, before, 168, 168)


@pytest.mark.parametrize("before", [2, 5])
def test_from_few_no_fall_can_be_clear(before: int) -> None:
    assert rate_change(0, before, 168, 168) >= 0.05


def test_fewer_hours_make_the_same_count_a_rise() -> None:
    assert rate_change(30, 30, 168, 168) > 0.9
    assert rate_change(30, 30, 60, 168) < 0.01


def test_nothing_to_compare_is_no_change() -> None:
    assert rate_change(5, 0, 168, 0) == 1.0
    assert rate_change(0, 0, 168, 168) == 1.0


def test_holm_gives_the_textbook_values() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()


@given(st.integers(1, 60), st.integers(0, 60), st.floats(0.01, 0.99))
@settings(max_examples=60)
def test_the_binomial_tail_is_the_plain_sum(of: int, at_least: int, chance: float) -> None:
    plain = sum(comb(of, hits) * chance**hits * (1 - chance) ** (of - hits) for hits in range(at_least, of + 1))
    assert binomial_tail(at_least, of, chance) == pytest.approx(plain, abs=1e-9)


def test_the_binomial_tail_of_large_counts_is_quick_and_a_probability() -> None:
    assert 0.4 < binomial_tail(500_000, 1_000_000, 0.5) < 0.6
    assert binomial_tail(600_000, 1_000_000, 0.5) < 1e-100


@given(st.integers(0, 5000), st.integers(0, 5000))
@settings(max_examples=80)
def test_a_wilson_interval_holds_its_share_and_grows_with_the_count(one: int, other: int) -> None:
    count, of = min(one, other), max(one, other, 1)
    low, high = wilson(count, of)
    assert 0 <= low <= count / of <= high <= 1
    if count < of:
        more = wilson(count + 1, of)
        assert more[0] >= low
        assert more[1] >= high


@given(st.integers(0, 800), st.integers(0, 800), st.integers(0, 800))
@settings(max_examples=80)
def test_a_net_interval_holds_its_value_and_is_symmetric(positive: int, negative: int, neutral: int) -> None:
    of = positive + negative + neutral
    low, high = net_interval(positive, negative, of)
    net = (positive - negative) / of if of else 0
    assert -1 <= low <= net + 1e-9
    assert net - 1e-9 <= high <= 1
    mirrored = net_interval(negative, positive, of)
    assert mirrored == pytest.approx((-high, -low), abs=1e-12)


@given(st.integers(0, 300), st.integers(0, 300), st.floats(1, 500), st.floats(1, 4000))
@settings(max_examples=80)
def test_a_change_is_a_probability_and_seen_the_same_from_both_sides(
    now: int, before: int, hours: float, others: float
) -> None:
    chance = rate_change(now, before, hours, others)
    assert 0 <= chance <= 1
    assert rate_change(before, now, others, hours) == pytest.approx(chance, rel=1e-6, abs=1e-12)


@given(st.integers(0, 200), st.integers(0, 200))
@settings(max_examples=60)
def test_the_higher_above_the_usual_the_clearer_the_rise(before: int, above: int) -> None:
    now = before + above
    assert rate_change(now + 1, before, 168, 168) <= rate_change(now, before, 168, 168) + 1e-12


@given(st.lists(st.floats(0, 1), max_size=12))
@settings(max_examples=60)
def test_holm_never_makes_a_chance_smaller_and_keeps_the_order(chances: list[float]) -> None:
    adjusted = holm(chances)
    assert all(before <= after <= 1 for before, after in zip(chances, adjusted, strict=True))
    by_chance = [after for _, after in sorted(zip(chances, adjusted, strict=True))]
    assert by_chance == sorted(by_chance)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=9))
@settings(max_examples=60)
def test_the_curve_never_swings_beyond_its_points(heights: list[float]) -> None:
    points = [(place * 100.0, height) for place, height in enumerate(heights)]
    for (one, two), bend in zip(pairwise(points), segments(points), strict=True):
        low, high = sorted((one[1], two[1]))
        for tenth in range(11):
            t = tenth / 10
            y = sum(
                weight * point[1]
                for weight, point in zip(
                    ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3), bend, strict=True
                )
            )
            assert low - 1e-9 <= y <= high + 1e-9


@pytest.mark.parametrize(
    "call", [lambda: wilson(3, 2), lambda: net_interval(2, 2, 3), lambda: rate_change(-1, 2, 1, 1)]
)
def test_impossible_counts_are_refused(call: object) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match="got"):
        call()
