"""A smooth line through points that never swings beyond them (monotone cubic, Fritsch and Carlson 1980).

An ordinary spline would show a high or a low between two stages that nobody reported.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

Point = tuple[float, float]
Segment = tuple[Point, Point, Point, Point]  # a cubic Bézier: start, two handles, end


def segments(points: Sequence[Point]) -> list[Segment]:
    """One Bézier segment between each two neighbours; x must grow."""
    if len(points) < 2:
        return []
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(points)]
    slopes = [rise / run for run, rise in steps]
    tangents = [slopes[0], *(_between(a, b) for a, b in itertools.pairwise(slopes)), slopes[-1]]
    found: list[Segment] = []
    for place, (run, _) in enumerate(steps):
        (x0, y0), (x1, y1) = points[place], points[place + 1]
        third = run / 3
        found.append(
            (
                (x0, y0),
                (x0 + third, y0 + tangents[place] * third),
                (x1 - third, y1 - tangents[place + 1] * third),
                (x1, y1),
            )
        )
    return found


def _between(before: float, after: float) -> float:
    # At a turning point the line is level; elsewhere the harmonic mean keeps it between its neighbours.
    return 0.0 if before * after <= 0 else 2 * before * after / (before + after)
