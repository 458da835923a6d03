"""The living journey map for phones: the stages below one another, net sentiment from left to right."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from markupsafe import Markup

from listener.digest import marks, picture_rows
from listener.digest.curve import segments
from listener.digest.figures import SMALL, Digest, Door, StageFigures, Topic
from listener.digest.labels import Labels, load
from listener.digest.marks import Hand
from listener.digest.text import opening, signed
from listener.digest.typeset import SERIF, fit, leftward, width, wrap

WIDTH = 400
_MARGIN, _TOP = 20, 46
_LEFT, _RIGHT = _MARGIN, WIDTH - _MARGIN
_ZERO = (_LEFT + _RIGHT) / 2
_DOT = 48  # of a row's height: where the point is
_QUOTE, _QUOTE_STEP, _QUOTE_SIZE = 90, 17, 13.4
_LINES = 3
_STEP = 30  # of a line of delights or exits
_BETWEEN = 22
_FEET = 192.0  # response and collection


def tall(digest: Digest, hand: Hand | None = None) -> Markup:
    """The map with the stages below one another."""
    return _Tall(digest, hand or Hand(load(digest.language))).drawn()


class _Tall:
    """One drawing: the height of each row depends on what people said there."""

    def __init__(self, digest: Digest, hand: Hand) -> None:
        self.digest, self.hand, self.stages = digest, hand, digest.stages
        self.doors: dict[str, Door] = {door.stage: door for door in digest.exits}
        self.delights = picture_rows.delights_at(digest)
        self.quotes = [self._wrapped(stage) for stage in self.stages]
        self.tops: list[float] = []
        top = float(_TOP)
        for stage, lines in zip(self.stages, self.quotes, strict=True):
            self.tops.append(top)
            top += self._height(stage, lines)
        self.foot = top

    @property
    def labels(self) -> Labels:
        return self.hand.labels

    def drawn(self) -> Markup:
        """The whole SVG."""
        parts = [*self._ground(), *self._curve()]
        for stage, lines, top in zip(self.stages, self.quotes, self.tops, strict=True):
            parts += self._row(stage, lines, top)
        parts += self._feet()
        return marks.svg("tall", WIDTH, self.foot + _FEET, (_RIGHT, 0, _LEFT, 0), self.digest, self.hand, parts)

    def _wrapped(self, stage: StageFigures) -> list[str]:
        text = opening(stage.quote.text) if stage.quote else ""
        return wrap(f"“{text}”", (WIDTH - 12) / SERIF, _QUOTE_SIZE, _LINES) if text else []

    def _height(self, stage: StageFigures, lines: list[str]) -> float:
        if not stage.tally.authors:
            return 34.0
        more = len(self.delights.get(stage.label, [])) + (stage.key in self.doors)
        cells = self._cell_size(stage)[1] + 10 if stage.touches else 0
        return _QUOTE + len(lines) * _QUOTE_STEP + cells + more * _STEP + _BETWEEN

    def _ground(self) -> Iterator[Markup]:
        yield marks.words(_LEFT, 14, self.labels.say("all_unhappy"), "axis")
        yield marks.words(_ZERO, 14, "0", "axis", "middle")
        yield marks.words(_RIGHT, 14, self.labels.say("all_happy"), "axis", "end")
        for stage, top in zip(self.stages, self.tops, strict=True):
            if not stage.tally.authors:
                continue
            for kind, left, right in (("below", _LEFT, _ZERO), ("above", _ZERO, _RIGHT)):
                yield Markup('<rect class="{}" x="{}" y="{}" width="{}" height="44"/>').format(
                    kind, marks.short(left), marks.short(top + _DOT - 22), marks.short(right - left)
                )
            yield Markup('<line class="zero" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>').format(
                marks.short(_ZERO), marks.short(top + _DOT - 22), marks.short(top + _DOT + 22)
            )

    def _curve(self) -> Iterator[Markup]:
        seen = [(stage, top + _DOT) for stage, top in zip(self.stages, self.tops, strict=True) if stage.tally.authors]
        along = [(y, _across(stage.tally.net or 0.0)) for stage, y in seen]
        for ((one, _), (two, _)), bend in zip(pairwise(seen), segments(along), strict=True):
            kind = "curve" if min(one.tally.authors, two.tally.authors) >= SMALL else "curve faint"
            yield marks.path([(x, y) for y, x in bend], kind, "tall")

    def _row(self, stage: StageFigures, lines: list[str], top: float) -> Iterator[Markup]:
        amount = marks.amount(stage, self.labels)
        mark = {"clear rise": ("▲", "more_unhappy", "unhappy"), "clear fall": ("▼", "fewer_unhappy", "happy")}
        changed = mark.get(stage.change_negative.word)
        room = WIDTH - 20 - width(amount, 12)
        label = fit(stage.label, room * (0.5 if changed else 1), 15, bold=True)
        runs = [(label, "stage")]
        if changed and stage.tally.authors:
            sign, key, mood = changed
            left = room - width(label, 15, bold=True) - 8
            runs.append((fit(f"{sign} {self.labels.say(key)}", left, 11, bold=True), f"mark {mood}"))
        yield marks.runs(4, top + 12, runs)
        yield marks.words(WIDTH - 4, top + 12, amount, "few", "end")
        if not stage.tally.authors:
            return
        yield from self._point(stage, top + _DOT)
        y = top + _QUOTE
        if stage.quote:
            back = leftward(stage.quote.text)
            placed = [(WIDTH - 4.0 if back else 4.0, y + row * _QUOTE_STEP, line) for row, line in enumerate(lines)]
            yield marks.quoted(stage.quote, placed, "end" if back else "start", self.hand)
        y += len(lines) * _QUOTE_STEP - 6
        if stage.touches:
            room, high = self._cell_size(stage)
            most = marks.most_touched(self.digest)
            for place, touch in enumerate(stage.touches):
                yield marks.cell(4 + place * (room + 6), y, room, high, touch, most, self.hand)
            y += high + 10
        for topic in self.delights.get(stage.label, []):
            yield from self._delight(topic, y)
            y += _STEP
        if stage.key in self.doors:
            yield from self._door(self.doors[stage.key], y)

    def _cell_size(self, stage: StageFigures) -> tuple[float, float]:
        room = (WIDTH - 8 - 6 * (len(stage.touches) - 1)) / len(stage.touches)
        return room, marks.cell_height(stage.touches, room, self.hand)

    def _point(self, stage: StageFigures, y: float) -> Iterator[Markup]:
        figures = stage.tally
        if figures.net is None or figures.net_low is None or figures.net_high is None:
            return
        x, radius = _across(figures.net), marks.radius(figures.authors, marks.largest(self.digest)) * 0.85
        firm = figures.authors >= SMALL
        if firm:
            yield marks.capsule((_across(figures.net_low), y), (_across(figures.net_high), y), marks.mood(figures))
        yield marks.dot(stage, x, y, radius, self.hand)
        if firm:
            left = x > WIDTH - 90
            place = x - radius - 6 if left else x + radius + 6
            yield marks.words(
                place, y - 8, signed(figures.net), f"net {marks.mood(figures)}", "end" if left else "start"
            )

    def _delight(self, topic: Topic, y: float) -> Iterator[Markup]:
        people = self.labels.people(topic.authors)
        label = fit(topic.label, WIDTH - 50 - width(people, 12), 12, bold=True)
        yield marks.spark(16, y + 13)
        yield marks.runs(36, y + 18, [(label, "strong"), (people, "few")])

    def _door(self, door: Door, y: float) -> Iterator[Markup]:
        first = self.labels.say("leaving_count", count=self.labels.people(door.authors))
        yield marks.ajar(7, y + 27)
        more = ""
        if door.rivals:
            more = f"→ {door.rivals[0].label} {self.labels.number(door.rivals[0].authors)}"
        elif door.reasons:
            more = self.labels.say("over", what=door.reasons[0].label)
        first = fit(first, 240, 12, bold=True)
        room = WIDTH - 48 - width(first, 12, bold=True)
        yield marks.runs(36, y + 19, [(first, "strong"), (fit(more, room, 12), "few")])

    def _feet(self) -> Iterator[Markup]:
        for key, top, draw in (
            ("response", self.foot, picture_rows.answered),
            ("data", self.foot + 92, picture_rows.collected),
        ):
            y = marks.short(top)
            yield Markup('<line class="foot" x1="0" x2="{}" y1="{}" y2="{}"/>').format(WIDTH, y, y)
            yield marks.words(4, top + 16, self.labels.say(key), "side")
            yield from draw(4, top + 20, WIDTH - 8, self.digest, self.hand)


def _across(net: float) -> float:
    return _ZERO + net * (_RIGHT - _LEFT) / 2
