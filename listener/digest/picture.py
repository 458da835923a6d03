"""The living journey map as SVG: the emotion curve over the stages, with people's words, touchpoints and exits.

`wide` has the stages side by side, for screens and paper; `tall` has them below one another, for phones. A point's
place is net sentiment among people, its size the number of people, its bar the 95 % interval; it is hollow, and has
no figure, under ten people. Colours are CSS variables of the page; mood is told by place and by ▲ ▼ as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import sqrt

from markupsafe import Markup

from listener.digest.curve import Point, segments
from listener.digest.figures import SMALL, Digest, Door, StageFigures, Touch
from listener.digest.text import number, people, signed
from listener.digest.typeset import fit, width, wrap

_MOOD = 0.05  # net sentiment nearer to zero is drawn as neither happy nor unhappy

# wide: everything in CSS pixels at full size
_WIDTH, _GUTTER, _RIGHT = 1120, 78, 10
_TOP, _BOTTOM = 84, 344  # of the plot: net +100 and −100
_QUOTES = 372
_QUOTE_SIZE, _QUOTE_LINES, _QUOTE_STEP = 12.0, 5, 16
_CHIPS = 462
_CHIP_STEP = 26
_DOORS = 552

# tall
_T_WIDTH, _T_MARGIN, _T_ROW, _T_TOP = 400, 34, 148, 40


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
        parts += _point(x, stage, _largest(digest), falling=_falls(stages, stage))
        parts += _quote(x, column, stage)
        parts += [_chip(x, _CHIPS + row * _CHIP_STEP, column - 8, touch) for row, touch in enumerate(stage.touches)]
        if stage.key in doors:
            parts += _door(x, column, doors[stage.key])
    parts += [_side(_QUOTES + 2, "in their", "words"), _side(_CHIPS + 14, "touch-", "points")]
    if doors:
        parts.append(_side(_DOORS + 20, "exits"))
    return _svg("wide", _WIDTH, height, digest, parts)


def tall(digest: Digest) -> Markup:
    """The map with the stages below one another."""
    stages = digest.stages
    left, right = _T_MARGIN, _T_WIDTH - _T_MARGIN
    height = _T_TOP + _T_ROW * len(stages)
    zero = (left + right) / 2

    def across(net: float) -> float:
        return zero + net * (right - left) / 2

    parts = [
        Markup('<rect class="below" x="{}" y="24" width="{}" height="{}"/>').format(left, zero - left, height - 24),
        Markup('<rect class="above" x="{}" y="24" width="{}" height="{}"/>').format(zero, right - zero, height - 24),
        Markup('<line class="zero" x1="{0}" x2="{0}" y1="24" y2="{1}"/>').format(zero, height),
        _words(left, 15, "all unhappy", "axis"),
        _words(zero, 15, "0", "axis", "middle"),
        _words(right, 15, "all happy", "axis", "end"),
    ]
    rows = [_T_TOP + _T_ROW * place for place in range(len(stages))]
    seen = [(stage, y + 44) for stage, y in zip(stages, rows, strict=True) if stage.tally.net is not None]
    along = [(float(y), across(stage.tally.net or 0.0)) for stage, y in seen]
    for (one, _), (two, _), bend in zip(seen, seen[1:], segments(along), strict=False):
        kind = "curve" if min(one.tally.authors, two.tally.authors) >= SMALL else "curve faint"
        parts.append(_path([(x, y) for y, x in bend], kind, "tall"))
    leaving = {door.stage: door.authors for door in digest.exits}
    for stage, y in zip(stages, rows, strict=True):
        parts += _tall_row(stage, y, across, digest, leaving.get(stage.key, 0))
    return _svg("tall", _T_WIDTH, height, digest, parts)


def _tall_row(
    stage: StageFigures, y: int, across: Callable[[float], float], digest: Digest, leaving: int
) -> list[Markup]:
    figures = stage.tally
    parts = [
        _words(4, y + 12, fit(stage.label, 200, 15), "stage"),
        _words(
            _T_WIDTH - 4, y + 12, _amount(stage) + (f", {number(leaving)} leaving" if leaving else ""), "few", "end"
        ),
    ]
    if figures.net is not None and figures.net_low is not None and figures.net_high is not None:
        x, low, high = across(figures.net), across(figures.net_low), across(figures.net_high)
        radius = _radius(figures.authors, _largest(digest)) * 0.85
        if figures.authors >= SMALL:
            parts.append(
                Markup('<line class="bar" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(_n(low), _n(high), y + 44, y + 44)
            )
        parts.append(_dot(stage, x, y + 44, radius))
        if figures.authors >= SMALL:
            end = x > _T_WIDTH - 90
            place = x - radius - 6 if end else x + radius + 6
            parts.append(
                _words(place, y + 37, signed(figures.net), f"net {_mood(figures.net)}", "end" if end else "start")
            )
    if stage.quote and stage.quote.text:
        for row, line in enumerate(wrap(f"“{stage.quote.text}”", _T_WIDTH - 12, 12.5, 2)):
            parts.append(_words(4, y + 76 + row * 16, line, "quote"))
    x = 4.0
    for touch in stage.touches:
        room = min(_chip_width(touch), 150.0)
        if x + room > _T_WIDTH - 4:
            break
        parts.append(_chip(x + room / 2, y + 102, room, touch))
        x += room + 6
    return parts


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
        parts.append(_words(_GUTTER - 8, _y(share) + 4, signed(share), "axis", "end"))
    parts.append(_words(_GUTTER - 8, _TOP + 19, "all happy", "axis faintly", "end"))
    parts.append(_words(_GUTTER - 8, _BOTTOM - 12, "all unhappy", "axis faintly", "end"))
    for place in range(1, stages):
        x = _n(_GUTTER + column * place)
        parts.append(
            Markup('<line class="rule" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>').format(x, _TOP - 12, _DOORS - 8)
        )
    return Markup("").join(parts)


def _line(spots: Sequence[Point], stages: Sequence[StageFigures], name: str) -> list[Markup]:
    found = []
    for place, bend in enumerate(segments(spots)):
        firm = min(stages[place].tally.authors, stages[place + 1].tally.authors) >= SMALL
        found.append(_path(bend, "curve" if firm else "curve faint", name))
    return found


def _path(bend: Iterable[Point], kind: str, name: str) -> Markup:
    start, one, two, end = (f"{_n(x)} {_n(y)}" for x, y in bend)
    return Markup('<path class="{}" stroke="url(#mood-{})" d="M{} C{} {} {}"/>').format(
        kind, name, start, one, two, end
    )


def _head(x: float, column: float, stage: StageFigures) -> list[Markup]:
    label = wrap(stage.label, column - 6, 15, 2)
    parts = [
        _words(x, 20 + (row - len(label) + 1) * 17 + 10, line, "stage", "middle") for row, line in enumerate(label)
    ]
    parts.append(_words(x, 48, _amount(stage), "few", "middle"))
    mark = {"clear rise": ("▲ more unhappy", "unhappy"), "clear fall": ("▼ fewer unhappy", "happy")}
    if stage.change_negative.word in mark:
        text, mood = mark[stage.change_negative.word]
        parts.append(_words(x, 64, text, f"mark {mood}", "middle"))
    return parts


def _point(x: float, stage: StageFigures, largest: int, *, falling: bool) -> list[Markup]:
    figures = stage.tally
    if figures.net is None or figures.net_low is None or figures.net_high is None:
        return [_words(x, _y(0.0) - 8, "no posts", "few", "middle")]
    y, radius = _y(figures.net), _radius(figures.authors, largest)
    parts = []
    firm = figures.authors >= SMALL
    if firm:
        low, high = _y(figures.net_low), _y(figures.net_high)
        parts.append(
            Markup('<path class="bar" d="M{0} {1}V{2}M{3} {1}h10M{3} {2}h10"/>').format(
                _n(x), _n(high), _n(low), _n(x - 5)
            )
        )
    parts.append(_dot(stage, x, y, radius))
    if firm:
        parts.append(
            _words(x + radius * 0.8 + 5, y - 7 if falling else y + 17, signed(figures.net), f"net {_mood(figures.net)}")
        )
    return parts


def _falls(stages: Sequence[StageFigures], stage: StageFigures) -> bool:
    # A figure stands above a line that goes down to the right and below one that goes up, so that they do not meet.
    following = [other.tally.net for other in stages[stages.index(stage) + 1 :] if other.tally.net is not None]
    return not following or following[0] <= (stage.tally.net or 0.0)


def _dot(stage: StageFigures, x: float, y: float, radius: float) -> Markup:
    figures = stage.tally
    assert figures.net is not None
    said = f"{stage.label}: {_amount(stage)}, {number(figures.negative_authors)} unhappy, {number(figures.positive_authors)} happy"
    kind = _mood(figures.net) if figures.authors >= SMALL else "hollow"
    return Markup(
        '<a href="#stage-{}"><circle class="dot {}" cx="{}" cy="{}" r="{}"><title>{}</title></circle></a>'
    ).format(stage.key, kind, _n(x), _n(y), _n(radius), said)


def _quote(x: float, column: float, stage: StageFigures) -> list[Markup]:
    if stage.quote is None or not stage.quote.text:
        return []
    room = column - 12
    lines = wrap(f"“{stage.quote.text}”", room, _QUOTE_SIZE, _QUOTE_LINES)
    text = Markup("").join(
        _words(x, _QUOTES + row * _QUOTE_STEP, line, "quote", "middle") for row, line in enumerate(lines)
    )
    return [
        Markup('<a href="{}" rel="noopener noreferrer nofollow">{}</a>').format(stage.quote.url, text)
        if stage.quote.url
        else text
    ]


def _chip(x: float, y: float, room: float, touch: Touch) -> Markup:
    chip = min(_chip_width(touch), room)
    mood = (
        "unhappy"
        if touch.negative_authors > touch.positive_authors
        else "happy"
        if touch.positive_authors > touch.negative_authors
        else "neutral"
    )
    sign = {"unhappy": "▼ ", "happy": "▲ ", "neutral": ""}[mood]
    amount = f" {number(touch.authors)}"
    label = fit(f"{sign}{touch.label}", chip - 10 - width(amount, 11.2), 11.2)
    return Markup('<g class="chip {}"><rect x="{}" y="{}" width="{}" height="21" rx="10.5"/>{}</g>').format(
        mood, _n(x - chip / 2), _n(y), _n(chip), _words(x, y + 14.5, label + amount, "", "middle")
    )


def _chip_width(touch: Touch) -> float:
    return width(f"▼ {touch.label} {number(touch.authors)}", 11.2) + 16


def _door(x: float, column: float, door: Door) -> list[Markup]:
    top = _DOORS + 4
    left = x - 34
    parts = [
        # a door ajar: the frame, and the leaf swung out of it
        Markup('<path class="doorframe" d="M{} {}v-26h18v26"/><path class="leaf" d="M{} {}v-26l9 4v26z"/>').format(
            _n(left), top + 28, _n(left), top + 28
        ),
        _words(left + 26, top + 14, people(door.authors), "exit"),
        _words(left + 26, top + 28, "leaving", "few"),
    ]
    if door.rivals:
        first = door.rivals[0]
        parts.append(
            _words(x, top + 48, fit(f"→ {first.label} {number(first.authors)}", column - 8, 12), "exit", "middle")
        )
    elif door.reasons:
        first = door.reasons[0]
        parts.append(
            _words(x, top + 48, fit(f"over {first.label} {number(first.authors)}", column - 8, 12), "few", "middle")
        )
    return parts


def _side(y: float, *lines: str) -> Markup:
    return Markup("").join(_words(_GUTTER - 8, y + row * 13, line, "side", "end") for row, line in enumerate(lines))


def _svg(name: str, across: int, height: float, digest: Digest, parts: Iterable[Markup]) -> Markup:
    # The line's colour follows its place: from happy to unhappy, in the picture's own coordinates.
    ends = (0, _TOP, 0, _BOTTOM) if name == "wide" else (_T_WIDTH - _T_MARGIN, 0, _T_MARGIN, 0)
    return Markup(
        '<svg class="map {0}" viewBox="0 0 {1} {2}" role="group" aria-label="{3}" xmlns="http://www.w3.org/2000/svg">'
        '<defs><linearGradient id="mood-{0}" gradientUnits="userSpaceOnUse" x1="{4}" y1="{5}" x2="{6}" y2="{7}">'
        '<stop class="stop-happy" offset="0.3"/><stop class="stop-neutral" offset="0.5"/>'
        '<stop class="stop-unhappy" offset="0.7"/></linearGradient></defs>{8}</svg>'
    ).format(name, across, _n(height), _said(digest), *ends, Markup("").join(parts))


def _said(digest: Digest) -> str:
    stages = [
        f"{stage.label} {signed(stage.tally.net)}"
        for stage in digest.stages
        if stage.tally.net is not None and stage.tally.authors >= SMALL
    ]
    return f"Emotion curve, net sentiment by stage: {', '.join(stages) or 'too few people for figures'}. The table below has all numbers."


def _words(x: float, y: float, text: str, kind: str, anchor: str = "start") -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(kind, _n(x), _n(y), anchor, text)


def _amount(stage: StageFigures) -> str:
    return people(stage.tally.authors) if stage.tally.authors else "nobody"


def _largest(digest: Digest) -> int:
    return max(1, *(stage.tally.authors for stage in digest.stages)) if digest.stages else 1


def _radius(authors: int, largest: int) -> float:
    return 5 + 12 * sqrt(authors / largest) if authors >= SMALL else 6


def _mood(net: float) -> str:
    return "happy" if net > _MOOD else "unhappy" if net < -_MOOD else "neutral"


def _y(net: float) -> float:
    return (_TOP + _BOTTOM) / 2 - net * (_BOTTOM - _TOP) / 2


def _n(value: float) -> str:
    # One decimal is finer than a pixel, and equal on every machine.
    return f"{value:.1f}".removesuffix(".0")
