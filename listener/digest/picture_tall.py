"""The living journey map for phones: the stages below one another, net sentiment from left to right."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from listener.digest import marks
from listener.digest.curve import segments
from listener.digest.figures import SMALL, Digest, StageFigures
from listener.digest.text import number, signed
from listener.digest.typeset import fit, wrap

_WIDTH, _MARGIN, _ROW, _TOP = 400, 34, 148, 40


def tall(digest: Digest) -> Markup:
    """The map with the stages below one another."""
    stages = digest.stages
    left, right = _MARGIN, _WIDTH - _MARGIN
    height = _TOP + _ROW * len(stages)
    zero = (left + right) / 2

    def across(net: float) -> float:
        return zero + net * (right - left) / 2

    parts = [
        Markup('<rect class="below" x="{}" y="24" width="{}" height="{}"/>').format(left, zero - left, height - 24),
        Markup('<rect class="above" x="{}" y="24" width="{}" height="{}"/>').format(zero, right - zero, height - 24),
        Markup('<line class="zero" x1="{0}" x2="{0}" y1="24" y2="{1}"/>').format(zero, height),
        marks.words(left, 15, "all unhappy", "axis"),
        marks.words(zero, 15, "0", "axis", "middle"),
        marks.words(right, 15, "all happy", "axis", "end"),
    ]
    rows = [_TOP + _ROW * place for place in range(len(stages))]
    seen = [(stage, y + 44) for stage, y in zip(stages, rows, strict=True) if stage.tally.net is not None]
    along = [(float(y), across(stage.tally.net or 0.0)) for stage, y in seen]
    for (one, _), (two, _), bend in zip(seen, seen[1:], segments(along), strict=False):
        kind = "curve" if min(one.tally.authors, two.tally.authors) >= SMALL else "curve faint"
        parts.append(marks.path([(x, y) for y, x in bend], kind, "tall"))
    leaving = {door.stage: door.authors for door in digest.exits}
    for stage, y in zip(stages, rows, strict=True):
        parts += _tall_row(stage, y, across, digest, leaving.get(stage.key, 0))
    return marks.svg("tall", _WIDTH, height, (right, 0, left, 0), digest, parts)


def _tall_row(
    stage: StageFigures, y: int, across: Callable[[float], float], digest: Digest, leaving: int
) -> list[Markup]:
    figures = stage.tally
    parts = [
        marks.words(4, y + 12, fit(stage.label, 200, 15), "stage"),
        marks.words(
            _WIDTH - 4, y + 12, marks.amount(stage) + (f", {number(leaving)} leaving" if leaving else ""), "few", "end"
        ),
    ]
    if figures.net is not None and figures.net_low is not None and figures.net_high is not None:
        x, low, high = across(figures.net), across(figures.net_low), across(figures.net_high)
        radius = marks.radius(figures.authors, marks.largest(digest)) * 0.85
        if figures.authors >= SMALL:
            parts.append(
                Markup('<line class="bar" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
                    marks.short(low), marks.short(high), y + 44, y + 44
                )
            )
        parts.append(marks.dot(stage, x, y + 44, radius))
        if figures.authors >= SMALL:
            end = x > _WIDTH - 90
            place = x - radius - 6 if end else x + radius + 6
            parts.append(
                marks.words(
                    place, y + 37, signed(figures.net), f"net {marks.mood(figures.net)}", "end" if end else "start"
                )
            )
    if stage.quote and stage.quote.text:
        for row, line in enumerate(wrap(f"“{stage.quote.text}”", _WIDTH - 12, 12.5, 2)):
            parts.append(marks.words(4, y + 76 + row * 16, line, "quote"))
    x = 4.0
    for touch in stage.touches:
        room = min(marks.chip_width(touch), 150.0)
        if x + room > _WIDTH - 4:
            break
        parts.append(marks.chip(x + room / 2, y + 102, room, touch))
        x += room + 6
    return parts
