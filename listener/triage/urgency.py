"""How soon the team should react, as points that anybody can add up.

Rules with a floor override; otherwise points add up by factor, each factor capped (METHODS §8.1), and LABELLING's
meanings are minimums: a complaint, a question to us or a clear wish to buy is at least normal. Tone alone never
makes high; reach and velocity together lift by at most one level; critical never comes from points. The verdict keeps every line,
and says which single line the level hangs on. `with_history` weighs again when the author's earlier posts become known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from listener.model import Line, Verdict
from rules.vocabulary import Intent, Urgency

HIGH_FROM = 55
NORMAL_FROM = 30

CAPS: Mapping[str, int] = {
    "complaint": 20, "blocked": 25, "time pressure": 15, "leaving": 15, "repeated": 15, "asks us": 10, "opportunity": 20,
    "reach": 8, "velocity": 8, "harsh tone": 6,
}  # fmt: skip
SPREAD = frozenset({"reach", "velocity"})  # how far a post travels: one level at most
MINIMUM = "at least"  # label of a line that sets a minimum
LIMIT = "at most"  # label of a line that sets a maximum
OVERRIDE = "override"


@dataclass(frozen=True, slots=True)
class Weighed:
    """A level with its points, and what it hangs on."""

    urgency: Urgency
    points: int
    near: str


def reach_line(followers: int | None) -> Line | None:
    """The line for a known number of followers, None where unknown or none."""
    points = min(CAPS["reach"], round(2 * math.log10(1 + followers))) if followers and followers > 0 else 0
    return Line(points, "reach", f"{followers:,} followers (cap {CAPS['reach']})") if points else None


def weigh(lines: Sequence[Line], floor: Urgency | None, intents: frozenset[Intent], limited: bool) -> Weighed:
    """Points and level of some lines. `limited`: promotion, spam, own account or not about us, so low whatever it says."""
    points = _points(lines)
    level = _level(lines, points, floor, intents, limited)
    return Weighed(level, points, _near(lines, level, points, floor, intents, limited))


def with_history(verdict: Verdict, lines: Sequence[Line]) -> Verdict:
    """The verdict with lines that only the author's earlier posts can give ("repeated", "velocity"); never lower than before."""
    together = _by_weight((*verdict.lines, *lines))
    limited = not verdict.relevant or any(line.label == LIMIT for line in verdict.lines)
    weighed = weigh(together, verdict.floor, verdict.intents, limited)
    return replace(
        verdict, lines=together, points=weighed.points, urgency=max(weighed.urgency, verdict.urgency), near=weighed.near
    )


def _by_weight(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines with points first, heaviest first; the rest in the order they came."""
    return tuple(sorted(lines, key=lambda line: -line.points))


def _points(lines: Sequence[Line]) -> int:
    by_factor: dict[str, int] = {}
    for line in lines:
        if line.points:
            by_factor[line.label] = by_factor.get(line.label, 0) + line.points
    return sum(min(points, CAPS.get(label, points)) for label, points in by_factor.items())


def _by_points(points: int) -> Urgency:
    return Urgency.HIGH if points >= HIGH_FROM else Urgency.NORMAL if points >= NORMAL_FROM else Urgency.LOW


def _level(lines: Sequence[Line], points: int, floor: Urgency | None, intents: frozenset[Intent], limited: bool) -> Urgency:
    if limited:
        return Urgency.LOW
    spread = _points([line for line in lines if line.label in SPREAD])
    without = _by_points(points - spread)
    level = min(_by_points(points), Urgency(min(without + 1, Urgency.HIGH)))
    if level is Urgency.HIGH and points - _points([line for line in lines if line.label == "harsh tone"]) < NORMAL_FROM:
        level = Urgency.NORMAL
    level = max(level, _minimum(lines))
    return max(level, floor) if floor is not None else level


def _minimum(lines: Sequence[Line]) -> Urgency:
    return Urgency.NORMAL if any(line.label == MINIMUM for line in lines) else Urgency.LOW


def _near(
    lines: Sequence[Line], level: Urgency, points: int, floor: Urgency | None, intents: frozenset[Intent], limited: bool
) -> str:
    """The smallest change that would change the level, in words."""
    if limited:
        return ""
    if floor is not None and floor == level:
        rest = _level(lines, points, None, intents, limited)
        return f"would be {rest.word} without: {OVERRIDE} ({points})" if rest < level else ""
    factors = {line.label: line for line in lines if line.points > 0}
    changes: list[tuple[int, str, int, Urgency]] = []
    for label in factors:
        left = tuple(line for line in lines if line.label != label and not (label == "complaint" and line.label == MINIMUM))
        rest = _points(left)
        other = _level(left, rest, floor, intents, limited)
        if other < level:
            changes.append((points - rest, label, rest, other))
    if changes:
        _, label, rest, other = min(changes, key=lambda change: change[0])
        return f"would be {other.word} without: {label} ({rest})"
    if level is Urgency.NORMAL:
        return f"would be high with {HIGH_FROM - points} more points"
    if level is Urgency.LOW:
        return f"would be normal with {NORMAL_FROM - points} more points" if points < NORMAL_FROM else ""
    return ""
