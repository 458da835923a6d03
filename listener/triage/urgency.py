"""How soon the team should react, as points that anybody can add up.

Rules with a floor override; otherwise points add up by factor, each factor capped (METHODS §8.1), and LABELLING's
meanings are minimums: a complaint, a question to us or a clear wish to buy is at least normal. Tone alone never
makes high; reach and velocity together lift by at most one level; critical never comes from points. The verdict keeps every line,
and says which single line the level hangs on. `with_history` weighs again when the author's earlier posts become known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from listener.model import Line, Verdict
from rules.vocabulary import Urgency

_LOW: Final = Urgency.LOW
_NORMAL: Final = Urgency.NORMAL
_HIGH: Final = Urgency.HIGH
HIGH_FROM: Final = 55
NORMAL_FROM: Final = 30
ORDINARY: Final = 100  # followers that nearly everybody has: METHODS' 2·log10(1 + n) gives five points to a few hundred

# A complaint weighs so much that one grave fact beside it (paid and got nothing, a customer leaves) makes high, as LABELLING
# says; METHODS, which has no such factor, would call most of these normal.
CAPS: Final[Mapping[str, int]] = {
    "complaint": 35, "blocked": 25, "time pressure": 15, "leaving": 25, "repeated": 15, "asks us": 8, "opportunity": 20,
    "reach": 8, "velocity": 8, "harsh tone": 6,
}  # fmt: skip
MINIMUM: Final = "at least"  # label of a line that sets a minimum
LIMIT: Final = "at most"  # label of a line that sets a maximum
OVERRIDE: Final = "override"


class Weighed(NamedTuple):
    """A level with its points, and what it hangs on."""

    urgency: Urgency
    points: int
    near: str


def reach_line(followers: int | None) -> Line | None:
    """The line for a known number of followers, None where unknown or ordinary."""
    points = (
        min(CAPS["reach"], round(4 * math.log10(followers / ORDINARY))) if followers and followers > ORDINARY else 0
    )
    return Line(points, "reach", f"{followers:,} followers (cap {CAPS['reach']})") if points else None


def weigh(lines: Sequence[Line], floor: Urgency | None, limited: bool) -> Weighed:
    """Points and level of some lines. `limited`: promotion, spam, own account or not about us, so low whatever it says."""
    factors: dict[str, int] = {}
    least = floor or _LOW
    at_least = _LOW
    for line in lines:
        label = line.label
        if line.points:
            factors[label] = min(factors.get(label, 0) + line.points, CAPS.get(label, line.points))
        elif label == MINIMUM:
            at_least = _NORMAL
    if limited:
        return Weighed(_LOW, sum(factors.values()), "")
    return _weighed(tuple(factors.items()), at_least, least)


@lru_cache(4096)  # few sums of points are possible, and most posts share a few of them
def _weighed(scored: tuple[tuple[str, int], ...], at_least: Urgency, least: Urgency) -> Weighed:
    factors = dict(scored)
    points = sum(factors.values())
    level = max(_level(factors, points), at_least, least)
    return Weighed(level, points, _near(factors, points, level, at_least, least))


def with_history(verdict: Verdict, lines: Sequence[Line]) -> Verdict:
    """The verdict with lines that only the author's earlier posts can give ("repeated", "velocity"); never lower than before."""
    together = (*verdict.lines, *lines)
    ordered = tuple(sorted(together, key=lambda line: -line.points))  # stable: lines without points keep their order
    limited = any(line.label == LIMIT for line in verdict.lines)
    weighed = weigh(ordered, verdict.floor, limited)
    return replace(
        verdict, lines=ordered, points=weighed.points, urgency=max(weighed.urgency, verdict.urgency), near=weighed.near
    )


def _level(factors: Mapping[str, int], points: int) -> Urgency:
    if points < NORMAL_FROM:
        return _LOW
    quiet = points - factors.get("reach", 0) - factors.get("velocity", 0)
    if points < HIGH_FROM:
        return _NORMAL
    calm = points - factors.get("harsh tone", 0)
    return _HIGH if quiet >= NORMAL_FROM and calm >= NORMAL_FROM else _NORMAL


def _near(factors: Mapping[str, int], points: int, level: Urgency, at_least: Urgency, floor: Urgency) -> str:
    """The smallest change that would change the level, in words."""
    if level > at_least:
        overrides = floor is level
        if overrides and (other := max(_level(factors, points), at_least)) < level:
            return f"would be {other.word} without: {OVERRIDE} ({points})"
        left_out = _smallest(factors, points, level, at_least)
        rest = points - sum(factors[name] for name in left_out)
        other = max(_level({name: own for name, own in factors.items() if name not in left_out}, rest), at_least)
        if other < level:
            *most, last = (OVERRIDE, *left_out) if overrides else left_out
            names = f"{', '.join(most)} and {last}" if most else last
            return f"would be {other.word} without: {names} ({rest})"
    if level is _NORMAL and points < HIGH_FROM:
        return f"would be high with {HIGH_FROM - points} more points"
    if level is _LOW and points < NORMAL_FROM:
        return f"would be normal with {NORMAL_FROM - points} more points"
    return ""


def _smallest(factors: Mapping[str, int], points: int, level: Urgency, at_least: Urgency) -> tuple[str, ...]:
    """The least factor that the level hangs on; where none decides alone, the heaviest ones that do so together."""
    ordered = sorted(factors, key=lambda name: factors[name])

    def lower(names: Sequence[str]) -> bool:
        kept = {name: own for name, own in factors.items() if name not in names}
        return max(_level(kept, sum(kept.values())), at_least) < level

    for name in ordered:
        if lower((name,)):
            return (name,)
    heaviest = ordered[::-1]
    return next((tuple(heaviest[:many]) for many in range(2, len(heaviest) + 1) if lower(heaviest[:many])), ())
