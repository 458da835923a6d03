"""The living journey map as SVG: the emotion curve over the stages, with people's words, touchpoints and exits.

`wide` has the stages side by side, for screens and paper; `picture_tall` is the form for phones. A point's
place is net sentiment among people, its size the number of people, its bar the 95 % interval; it is hollow, and has
no figure, under ten people. Colours are CSS variables of the page; mood is told by place and by ▲ ▼ as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from listener.digest import marks
from listener.digest.curve import Point, segments
from listener.digest.figures import SMALL, Digest, Door, StageFigures
from listener.digest.text import number, people, signed
from listener.digest.typeset import fit, wrap

# CSS pixels at full size
_WIDTH, _GUTTER, _RIGHT = 1120, 78, 10
_TOP, _BOTTOM = 84, 344  # of the plot: net +100 and −100
_QUOTES = 372
_QUOTE_SIZE, _QUOTE_LINES, _QUOTE_STEP = 12.0, 5, 16
_CHIPS = 462
_CHIP_STEP = 26
_DOORS = 552


def wide(digest: Digest) -> Markup:
    """The map with the stages side by side."""
    stages = digest.stages
    column = (_WIDTH - _GUTTER - _RIGHT) / len(stages)
    middles = [_GUTTER + column * (place + 0.5) for place in range(len(stages))]
    doors = {door.stage: door for door in digest.exits}
    height = _DOORS + (74 if doors else 4)
    parts = [_frame(column, len(stages))]
    spots = [(x, _y(stage.tally.net)) for x, stage in zip(middles, stages, strict=True) if stage.tally.net is not None]
    seen = [stage for stage in stages if stage.tally.net is not None]
    parts += _line(spots, seen, "wide")
    for x, stage in zip(middles, stages, strict=True):
        parts += _head(x, column, stage)
        parts += _point(x, stage, marks.largest(digest), falling=_falls(stages, stage))
        parts += _quote(x, column, stage)
        parts += [
            marks.chip(x, _CHIPS + row * _CHIP_STEP, column - 8, touch) for row, touch in enumerate(stage.touches)
        ]
        if stage.key in doors:
            parts += _door(x, column, doors[stage.key])
    parts += [_side(_QUOTES + 2, "in their", "words"), _side(_CHIPS + 14, "touch-", "points")]
    if doors:
        parts.append(_side(_DOORS + 20, "exits"))
    return marks.svg("wide", _WIDTH, height, (0, _TOP, 0, _BOTTOM), digest, parts)


def _frame(column: float, stages: int) -> Markup:
    right = _WIDTH - _RIGHT
    middle = (_TOP + _BOTTOM) / 2
    parts = [
        Markup('<rect class="above" x="{}" y="{}" width="{}" height="{}" rx="10"/>').format(
            _GUTTER, _TOP - 12, right - _GUTTER, middle - _TOP + 12
        ),
        Markup('<rect class="below" x="{}" y="{}" width="{}" height="{}" rx="10"/>').format(
            _GUTTER, middle, right - _GUTTER, _BOTTOM - middle + 12
        ),
    ]
    for share in (1.0, 0.5, 0.0, -0.5, -1.0):
        kind = "zero" if share == 0 else "grid"
        parts.append(
            Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
                kind, _GUTTER, right, _y(share), _y(share)
            )
        )
        parts.append(marks.words(_GUTTER - 8, _y(share) + 4, signed(share), "axis", "end"))
    parts.append(marks.words(_GUTTER - 8, _TOP + 19, "all happy", "axis faintly", "end"))
    parts.append(marks.words(_GUTTER - 8, _BOTTOM - 12, "all unhappy", "axis faintly", "end"))
    for place in range(1, stages):
        x = marks.short(_GUTTER + column * place)
        parts.append(
            Markup('<line class="rule" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>').format(x, _TOP - 12, _DOORS - 8)
        )
    return Markup("").join(parts)


def _line(spots: Sequence[Point], stages: Sequence[StageFigures], name: str) -> list[Markup]:
    found = []
    for place, bend in enumerate(segments(spots)):
        firm = min(stages[place].tally.authors, stages[place + 1].tally.authors) >= SMALL
        found.append(marks.path(bend, "curve" if firm else "curve faint", name))
    return found


def _head(x: float, column: float, stage: StageFigures) -> list[Markup]:
    label = wrap(stage.label, column - 6, 15, 2)
    parts = [
        marks.words(x, 20 + (row - len(label) + 1) * 17 + 10, line, "stage", "middle") for row, line in enumerate(label)
    ]
    parts.append(marks.words(x, 48, marks.amount(stage), "few", "middle"))
    mark = {"clear rise": ("▲ more unhappy", "unhappy"), "clear fall": ("▼ fewer unhappy", "happy")}
    if stage.change_negative.word in mark:
        text, mood = mark[stage.change_negative.word]
        parts.append(marks.words(x, 64, text, f"mark {mood}", "middle"))
    return parts


def _point(x: float, stage: StageFigures, largest: int, *, falling: bool) -> list[Markup]:
    figures = stage.tally
    if figures.net is None or figures.net_low is None or figures.net_high is None:
        return [marks.words(x, _y(0.0) - 8, "no posts", "few", "middle")]
    y, radius = _y(figures.net), marks.radius(figures.authors, largest)
    parts = []
    firm = figures.authors >= SMALL
    if firm:
        low, high = _y(figures.net_low), _y(figures.net_high)
        parts.append(
            Markup('<path class="bar" d="M{0} {1}V{2}M{3} {1}h10M{3} {2}h10"/>').format(
                marks.short(x), marks.short(high), marks.short(low), marks.short(x - 5)
            )
        )
    parts.append(marks.dot(stage, x, y, radius))
    if firm:
        parts.append(
            marks.words(
                x + radius * 0.8 + 5,
                y - 7 if falling else y + 17,
                signed(figures.net),
                f"net {marks.mood(figures.net)}",
            )
        )
    return parts


def _falls(stages: Sequence[StageFigures], stage: StageFigures) -> bool:
    # A figure stands above a line that goes down to the right and below one that goes up, so that they do not meet.
    following = [other.tally.net for other in stages[stages.index(stage) + 1 :] if other.tally.net is not None]
    return not following or following[0] <= (stage.tally.net or 0.0)


def _quote(x: float, column: float, stage: StageFigures) -> list[Markup]:
    if stage.quote is None or not stage.quote.text:
        return []
    room = column - 12
    lines = wrap(f"“{stage.quote.text}”", room, _QUOTE_SIZE, _QUOTE_LINES)
    text = Markup("").join(
        marks.words(x, _QUOTES + row * _QUOTE_STEP, line, "quote", "middle") for row, line in enumerate(lines)
    )
    return [
        Markup('<a href="{}" rel="noopener noreferrer nofollow">{}</a>').format(stage.quote.url, text)
        if stage.quote.url
        else text
    ]


def _door(x: float, column: float, door: Door) -> list[Markup]:
    top = _DOORS + 4
    left = x - 34
    parts = [
        # a door ajar: the frame, and the leaf swung out of it
        Markup('<path class="doorframe" d="M{} {}v-26h18v26"/><path class="leaf" d="M{} {}v-26l9 4v26z"/>').format(
            marks.short(left), top + 28, marks.short(left), top + 28
        ),
        marks.words(left + 26, top + 14, people(door.authors), "exit"),
        marks.words(left + 26, top + 28, "leaving", "few"),
    ]
    if door.rivals:
        first = door.rivals[0]
        parts.append(
            marks.words(x, top + 48, fit(f"→ {first.label} {number(first.authors)}", column - 8, 12), "exit", "middle")
        )
    elif door.reasons:
        first = door.reasons[0]
        parts.append(
            marks.words(
                x, top + 48, fit(f"over {first.label} {number(first.authors)}", column - 8, 12), "few", "middle"
            )
        )
    return parts


def _side(y: float, *lines: str) -> Markup:
    return Markup("").join(
        marks.words(_GUTTER - 8, y + row * 13, line, "side", "end") for row, line in enumerate(lines)
    )


def _y(net: float) -> float:
    return (_TOP + _BOTTOM) / 2 - net * (_BOTTOM - _TOP) / 2
