"""Points, floors, caps, limits, and the line that says what would have changed the level."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listener.model import Line, Verdict
from listener.triage.urgency import CAPS, HIGH_FROM, LIMIT, MINIMUM, NORMAL_FROM, reach_line, weigh, with_history
from rules.vocabulary import BuyerStatus, Stage, Urgency


def verdict(*lines: Line, floor: Urgency | None = None) -> Verdict:
    weighed = weigh(lines, floor, any(line.label == LIMIT for line in lines))
    return Verdict(
        True, "brand", "en", Stage.PURCHASE, 0.8, None, weighed.urgency, weighed.points, frozenset(), {}, 0.5, -0.5, "negative", (),
        BuyerStatus.UNKNOWN, lines, "abcd", near=weighed.near, floor=floor,
    )  # fmt: skip


def test_points_add_up_to_a_level() -> None:
    lines = (Line(20, "blocked"), Line(15, "leaving"), Line(12, "repeated"), Line(8, "asks us"), Line(8, "reach"))
    weighed = weigh(lines, None, limited=False)
    assert (weighed.points, weighed.urgency) == (63, Urgency.HIGH)
    assert weighed.near == "would be normal without: repeated (51)"


def test_the_smallest_change_is_named() -> None:
    weighed = weigh((Line(25, "blocked"), Line(20, "leaving"), Line(12, "repeated")), None, limited=False)
    assert weighed.near == "would be normal without: repeated (45)"


def test_a_factor_is_capped_whatever_its_lines_add() -> None:
    assert weigh((Line(25, "blocked"), Line(25, "blocked")), None, limited=False).points == CAPS["blocked"]


def test_critical_never_comes_from_points() -> None:
    lines = tuple(Line(cap, label) for label, cap in CAPS.items())
    assert weigh(lines, None, limited=False).urgency is Urgency.HIGH


def test_a_floor_lifts_and_says_what_it_lifted_from() -> None:
    weighed = weigh((Line(8, "asks us"),), Urgency.CRITICAL, limited=False)
    assert weighed.urgency is Urgency.CRITICAL
    assert weighed.near == "would be low without: override (8)"


def test_tone_alone_never_makes_high() -> None:
    assert weigh((Line(60, "harsh tone"),), None, limited=False).urgency is Urgency.LOW


def test_reach_and_velocity_move_one_level_at_most() -> None:
    assert (
        weigh((Line(8, "reach"), Line(8, "velocity"), Line(20, "asks us")), None, limited=False).urgency is Urgency.LOW
    )
    spread = weigh(
        (Line(8, "reach"), Line(8, "velocity"), Line(20, "blocked"), Line(10, "asks us"), Line(15, "leaving")),
        None,
        limited=False,
    )
    assert spread.urgency is Urgency.HIGH


def test_a_minimum_makes_normal_without_points() -> None:
    assert weigh((Line(0, MINIMUM),), None, limited=False).urgency is Urgency.NORMAL


def test_promotion_spam_and_own_posts_are_low_whatever_they_say() -> None:
    lines = (Line(25, "blocked"), Line(25, "leaving"), Line(30, "complaint"))
    assert weigh(lines, Urgency.CRITICAL, limited=True).urgency is Urgency.LOW


@pytest.mark.parametrize(("followers", "points"), [(None, 0), (0, 0), (100, 0), (500, 3), (12_400, 8), (10**9, 8)])
def test_reach_is_logarithmic_and_capped(followers: int | None, points: int) -> None:
    line = reach_line(followers)
    assert (line.points if line else 0) == points


def test_history_weighs_again() -> None:
    before = verdict(Line(30, "complaint"), Line(20, "blocked"))
    assert before.urgency is Urgency.NORMAL
    after = with_history(before, [Line(12, "repeated", "own post 9 days ago", "case history")])
    assert (after.points, after.urgency) == (62, Urgency.HIGH)
    assert after.near == "would be normal without: repeated (50)"
    assert after.lines[2].rule == "case history"


def test_history_never_lowers_and_never_lifts_what_is_limited() -> None:
    raised = replace(verdict(Line(8, "asks us")), urgency=Urgency.HIGH)
    assert with_history(raised, []).urgency is Urgency.HIGH
    limited = verdict(Line(0, LIMIT, "promotion"), Line(25, "blocked"))
    assert with_history(limited, [Line(15, "repeated")]).urgency is Urgency.LOW


_lines = st.lists(st.builds(Line, st.integers(0, 40), st.sampled_from([*CAPS, MINIMUM, "purchase"])), max_size=8)


@given(_lines, st.sampled_from([None, *Urgency]))
@settings(max_examples=100, deadline=None)
def test_one_more_line_never_lowers_the_level(lines: list[Line], floor: Urgency | None) -> None:
    less, more = weigh(lines, floor, limited=False), weigh([*lines, Line(7, "blocked")], floor, limited=False)
    assert more.urgency >= less.urgency
    assert 0 <= less.points <= sum(line.points for line in lines)
    assert NORMAL_FROM < HIGH_FROM
