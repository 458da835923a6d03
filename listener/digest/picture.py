"""The living journey map as SVG: the emotion curve over the stages, with people's words, touchpoints, delights and exits.

`wide` has the stages side by side, for screens and paper; `picture_tall` is the form for phones. A point's
place is net sentiment among people, its size the number of people, its bar the 95 % interval; it is hollow, and has
no figure, under ten people. Colours are CSS variables of the page; mood is told by place and by ▲ ▼ as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, zip_longest

from markupsafe import Markup

from listener.digest import marks, picture_rows
from listener.digest.curve import Point, segments
from listener.digest.figures import SMALL, Digest, StageFigures
from listener.digest.labels import Labels, load
from listener.digest.marks import Hand
from listener.digest.text import opening, signed
from listener.digest.typeset import SERIF, fit, width, wrap

# CSS pixels at full size
WIDTH = 1120
_GUTTER, _RIGHT = 92, 10
_TOP, _BOTTOM = 84, 340  # of the plot: net +100 and −100
_PAD = 12  # of the tinted ground around the plot
_QUOTES = _BOTTOM + 40  # baseline of the first line
_QUOTE_SIZE, _QUOTE_LINES, _QUOTE_STEP = 12.8, 5, 16
_QUOTE_ROOM = 260.0
_CELL_GAP = 2
_CELL_ROOM = 220.0
_AFTER = 16  # between two rows
_SIDE = 11.0
_HEADS = (("stage", 15.0), ("stage smaller", 13.0), ("stage smallest", 11.2))  # one size for all stages


def wide(digest: Digest, hand: Hand | None = None) -> Markup:
    """The map with the stages side by side."""
    return _Wide(digest, hand or Hand(load(digest.language))).drawn()


class _Wide:
    """One drawing: the places of its columns and rows, and what is put there."""

    def __init__(self, digest: Digest, hand: Hand) -> None:
        self.digest, self.hand, self.stages = digest, hand, digest.stages
        self.column = (WIDTH - _GUTTER - _RIGHT) / max(1, len(self.stages))
        self.middles = [_GUTTER + self.column * (place + 0.5) for place in range(len(self.stages))]
        self.doors = {door.stage: door for door in digest.exits}
        self.delights = picture_rows.delights_at(digest)
        shown = {stage.label for stage in self.stages} & set(self.delights)
        self.quotes = [self._wrapped(stage) for stage in self.stages]
        quoted = max((len(lines) for lines in self.quotes), default=0)
        self.cells = _QUOTES - 16 + (quoted * _QUOTE_STEP if quoted else 0) + _AFTER
        self.cell_room = min(self.column - 6, _CELL_ROOM)
        self.cell_heights = [
            marks.cell_height(filter(None, row), self.cell_room, hand)
            for row in zip_longest(*(stage.touches for stage in self.stages))
        ]
        self.sparks = self.cells + sum(high + _CELL_GAP for high in self.cell_heights)
        self.sparks += _AFTER if self.cell_heights else 0
        self.spark_heights = [
            picture_rows.spark_height(filter(None, row), self.column)
            for row in zip_longest(*(self.delights[label] for label in shown))
        ]
        self.exits = self.sparks + sum(self.spark_heights) + (_AFTER / 2 if self.spark_heights else 0)
        door = max((picture_rows.door_height(door, self.column, self.labels) for door in digest.exits), default=0.0)
        self.foot = self.exits + (door + _AFTER if self.doors else 0)
        self.head = self._head_size()

    @property
    def labels(self) -> Labels:
        return self.hand.labels

    def drawn(self) -> Markup:
        """The whole SVG."""
        parts = [*self._ground(), *self._curve()]
        largest, most = marks.largest(self.digest), marks.most_touched(self.digest)
        for x, stage, lines in zip(self.middles, self.stages, self.quotes, strict=True):
            parts += self._head(x, stage)
            parts += self._point(x, stage, largest)
            parts += self._quote(x, stage, lines)
            parts += self._cells(x, stage, most)
            delights = self.delights.get(stage.label, [])
            parts += picture_rows.sparks(
                x, self.column, self.sparks, zip(delights, self.spark_heights, strict=False), self.hand
            )
            if stage.key in self.doors:
                parts += picture_rows.door(x, self.column, self.exits, self.doors[stage.key], self.hand)
        parts += [*self._sides(), *self._feet()]
        ends = (0, _TOP, 0, _BOTTOM)
        return marks.svg("wide", WIDTH, self.foot + picture_rows.FOOT, ends, self.digest, self.hand, parts)

    def _ground(self) -> Iterator[Markup]:
        right = WIDTH - _RIGHT
        middle = (_TOP + _BOTTOM) / 2
        for kind, top, height in (("above", _TOP - _PAD, middle - _TOP + _PAD), ("below", middle, _BOTTOM - middle + _PAD)):  # fmt: skip
            yield Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(
                kind, _GUTTER, marks.short(top), right - _GUTTER, marks.short(height)
            )
        for share in (1.0, 0.5, 0.0, -0.5, -1.0):
            y = marks.short(_y(share))
            yield Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
                "zero" if share == 0 else "grid", _GUTTER, right, y, y
            )
            yield marks.words(_GUTTER - 10, _y(share) + 4, signed(share), "axis", "end")
        yield marks.words(_GUTTER - 10, _TOP + 19, self.labels.say("all_happy"), "axis faintly", "end")
        yield marks.words(_GUTTER - 10, _BOTTOM - 12, self.labels.say("all_unhappy"), "axis faintly", "end")
        for place in range(1, len(self.stages)):
            x = marks.short(_GUTTER + self.column * place)
            yield Markup('<line class="rule" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>').format(
                x, _TOP - _PAD, marks.short(self.foot - _AFTER)
            )

    def _curve(self) -> Iterator[Markup]:
        seen = [(x, stage) for x, stage in zip(self.middles, self.stages, strict=True) if stage.tally.net is not None]
        spots: list[Point] = [(x, _y(stage.tally.net or 0.0)) for x, stage in seen]
        for ((_, one), (_, two)), bend in zip(pairwise(seen), segments(spots), strict=True):
            firm = min(one.tally.authors, two.tally.authors) >= SMALL
            yield marks.path(bend, "curve" if firm else "curve faint", "wide")
        if not seen:
            broken = self.digest.state == "broken"
            middle = (_GUTTER + WIDTH - _RIGHT) / 2
            yield marks.words(middle, _y(0.0) - 14, self.labels.say("blind" if broken else "silence"), "hush", "middle")

    def _head_size(self) -> tuple[str, float]:
        """The largest size at which no word of a stage's name is broken, or the smallest."""
        words = [word for stage in self.stages for word in stage.label.split()]
        fitting = (head for head in _HEADS if all(width(word, head[1], bold=True) <= self.column - 6 for word in words))
        return next(fitting, _HEADS[-1])

    def _head(self, x: float, stage: StageFigures) -> Iterator[Markup]:
        kind, size = self.head
        label = wrap(stage.label, self.column - 6, size, 2, bold=True)
        for row, line in enumerate(label):
            yield marks.words(x, 30 + (row - len(label) + 1) * 17, line, kind, "middle")
        yield marks.words(x, 48, marks.amount(stage, self.labels), "few", "middle")
        mark = {"clear rise": ("▲", "more_unhappy", "unhappy"), "clear fall": ("▼", "fewer_unhappy", "happy")}
        if stage.change_negative.word in mark:
            sign, key, mood = mark[stage.change_negative.word]
            changed = fit(f"{sign} {self.labels.say(key)}", self.column - 4, 11, bold=True)
            yield marks.words(x, 65, changed, f"mark {mood}", "middle")

    def _point(self, x: float, stage: StageFigures, largest: int) -> Iterator[Markup]:
        figures = stage.tally
        if figures.net is None or figures.net_low is None or figures.net_high is None:
            return
        y, radius = _y(figures.net), marks.radius(figures.authors, largest)
        firm = figures.authors >= SMALL
        if firm:
            yield marks.capsule((x, _y(figures.net_high)), (x, _y(figures.net_low)), marks.mood(figures))
        yield marks.dot(stage, x, y, radius, self.hand)
        if firm:
            above = _falls(self.stages, stage)
            place = y - 7 if above else y + 17
            yield marks.words(x + radius * 0.8 + 6, place, signed(figures.net), f"net {marks.mood(figures)}")

    def _wrapped(self, stage: StageFigures) -> list[str]:
        text = opening(stage.quote.text) if stage.quote else ""
        room = min(self.column - 12, _QUOTE_ROOM)
        return wrap(f"“{text}”", room / SERIF, _QUOTE_SIZE, _QUOTE_LINES) if text else []

    def _quote(self, x: float, stage: StageFigures, lines: Sequence[str]) -> Iterator[Markup]:
        if stage.quote is not None and lines:
            placed = [(x, float(_QUOTES + row * _QUOTE_STEP), line) for row, line in enumerate(lines)]
            yield marks.quoted(stage.quote, placed, "middle", self.hand)

    def _cells(self, x: float, stage: StageFigures, most: int) -> Iterator[Markup]:
        left, top = x - self.cell_room / 2, float(self.cells)
        for touch, high in zip(stage.touches, self.cell_heights, strict=False):
            yield marks.cell(left, top, self.cell_room, high, touch, most, self.hand)
            top += high + _CELL_GAP

    def _sides(self) -> Iterator[Markup]:
        rows: list[tuple[str, float]] = [("response", self.foot + 16)]
        if any(self.quotes):
            rows.append(("words", _QUOTES))
        if any(stage.touches for stage in self.stages):
            rows.append(("touchpoints", self.cells + 15))
        if self.spark_heights:
            rows.append(("delights", self.sparks + 14))
        if self.doors:
            rows.append(("exits", self.exits + 18))
        for key, y in rows:
            for row, line in enumerate(wrap(self.labels.say(key), _GUTTER - 14, _SIDE, 3)):
                yield marks.words(_GUTTER - 10, y + row * 13, line, "side", "end")

    def _feet(self) -> Iterator[Markup]:
        y = marks.short(self.foot - _AFTER / 2)
        yield Markup('<line class="foot" x1="0" x2="{}" y1="{}" y2="{}"/>').format(WIDTH, y, y)
        whole = WIDTH - _GUTTER - _RIGHT
        side = 64
        half = (whole - side - 30) / 2
        yield from picture_rows.answered(_GUTTER + 6, self.foot, half - 6, self.digest, self.hand)
        begin = _GUTTER + half + 30 + side
        yield marks.words(begin - 10, self.foot + 16, self.labels.say("data"), "side", "end")
        yield from picture_rows.collected(begin, self.foot, WIDTH - _RIGHT - begin, self.digest, self.hand)


def _falls(stages: Sequence[StageFigures], stage: StageFigures) -> bool:
    # A figure stands above a line that goes down to the right and below one that goes up, so that they do not meet.
    following = [other.tally.net for other in stages[stages.index(stage) + 1 :] if other.tally.net is not None]
    return not following or following[0] <= (stage.tally.net or 0.0)


def _y(net: float) -> float:
    return (_TOP + _BOTTOM) / 2 - net * (_BOTTOM - _TOP) / 2


def height(digest: Digest) -> float:
    """Of the wide drawing, in its own pixels."""
    return _Wide(digest, Hand(load(digest.language))).foot + picture_rows.FOOT
