"""The marks that both forms of the map are drawn with: words, points, touchpoints, sparks, doors, the curve, the frame.

Every value is escaped by `Markup.format`; a hostile label is shown as a label. Coordinates have one decimal, which is
finer than a pixel and written alike on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from markupsafe import Markup

from listener.digest.curve import Point
from listener.digest.figures import SMALL, Digest, Post, StageFigures, Tally, Touch
from listener.digest.labels import Labels
from listener.digest.text import signed
from listener.digest.typeset import width, wrap

Ends = tuple[float, float, float, float]

CELL = 23.0  # height of a touchpoint's cell with one line
_CELL_SIZE, _CELL_STEP = 11.2, 13.0
_DARKEST = 20  # people from which on a cell may be as dark as they get
_HIT = 13  # radius of what a finger may touch around a point


@dataclass(frozen=True, slots=True)
class Hand:
    """Who draws: in which language, and whether points and quotes lead anywhere (on a page they do)."""

    labels: Labels
    linked: bool = True


def svg(name: str, across: int, height: float, ends: Ends, digest: Digest, hand: Hand, parts: Iterable[Markup]) -> Markup:  # fmt: skip
    """The whole drawing. `ends` are the places (x, y, x, y) of all happy and all unhappy: the curve's colour follows."""
    title = hand.labels.say("map_title", brand=digest.brand, week=digest.week.label)
    return Markup(
        '<svg class="map {0}" viewBox="0 0 {1} {2}" role="group" aria-labelledby="map-{0}-title" '
        'aria-describedby="map-{0}-said" xmlns="http://www.w3.org/2000/svg">'
        '<title id="map-{0}-title">{3}</title><desc id="map-{0}-said">{4}</desc>'
        '<defs><linearGradient id="mood-{0}" gradientUnits="userSpaceOnUse" x1="{5}" y1="{6}" x2="{7}" y2="{8}">'
        '<stop class="stop-happy" offset="0.3"/><stop class="stop-neutral" offset="0.5"/>'
        '<stop class="stop-unhappy" offset="0.7"/></linearGradient></defs>{9}</svg>\n'
    ).format(name, across, short(height), title, said(digest, hand), *ends, Markup("").join(parts))


def words(x: float, y: float, text: str, kind: str, anchor: str = "start") -> Markup:
    """One line of text with its baseline at `y`."""
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        kind, short(x), short(y), anchor, text
    )


def runs(x: float, y: float, parts: Iterable[tuple[str, str]]) -> Markup:
    """Words of several kinds on one line: each follows the one before, however wide the reader's face is."""
    spans = [
        Markup('<tspan class="{}"{}>{}</tspan>').format(kind, Markup(' dx="8"') if place else "", text)
        for place, (text, kind) in enumerate(parts)
        if text
    ]
    return Markup('<text class="run" x="{}" y="{}">{}</text>').format(short(x), short(y), Markup("").join(spans))


def path(bend: Iterable[Point], kind: str, name: str) -> Markup:
    """One bend of the curve, in the colours of the drawing `name`."""
    start, one, two, end = (f"{short(x)} {short(y)}" for x, y in bend)
    return Markup('<path class="{}" stroke="url(#mood-{})" d="M{} C{} {} {}"/>').format(
        kind, name, start, one, two, end
    )


def capsule(one: Point, two: Point, kind: str) -> Markup:
    """An interval: a broad rounded line with a fine one in it, so that it is seen in greyscale as well."""
    (x1, y1), (x2, y2) = one, two
    place = Markup('x1="{}" y1="{}" x2="{}" y2="{}"').format(short(x1), short(y1), short(x2), short(y2))
    return Markup('<line class="interval {0}" {1}/><line class="bar" {1}/>').format(kind, place)


def dot(stage: StageFigures, x: float, y: float, size: float, hand: Hand) -> Markup:
    """The point of a stage, hollow under ten people; on a page it leads to the stage's posts."""
    figures = stage.tally
    assert figures.net is not None
    labels = hand.labels
    title = labels.say(
        "dot",
        stage=stage.label,
        people=labels.people(figures.authors),
        unhappy=labels.number(figures.negative_authors),
        happy=labels.number(figures.positive_authors),
    )
    kind = mood(figures) if figures.authors >= SMALL else "hollow"
    drawn = Markup('<circle class="dot {}" cx="{}" cy="{}" r="{}"><title>{}</title></circle>').format(
        kind, short(x), short(y), short(size), title
    )
    if not hand.linked:
        return drawn
    return Markup('<a href="#stage-{}" aria-label="{}"><circle class="hit" cx="{}" cy="{}" r="{}"/>{}</a>').format(
        stage.key, title, short(x), short(y), short(max(size, _HIT)), drawn
    )


def quoted(post: Post, lines: Iterable[tuple[float, float, str]], anchor: str, hand: Hand) -> Markup:
    """The lines of a customer's words, leading to the post."""
    text = Markup("").join(words(x, y, line, "quote", anchor) for x, y, line in lines)
    if not post.url or not hand.linked:
        return text
    return Markup('<a href="{}" rel="noopener noreferrer nofollow">{}</a>').format(post.url, text)


def cell(left: float, top: float, wide: float, high: float, touch: Touch, most: int, hand: Hand) -> Markup:
    """A touchpoint of the heat strip: darker where more people spoke of it, ▼ or ▲ by the mood of most of them."""
    felt, sign = _felt(touch)
    lines = _cell_lines(touch, wide, hand)
    first = top + (high - len(lines) * _CELL_STEP) / 2 + _CELL_STEP - 3.5
    middle = top + high / 2 + 4
    parts = [
        Markup("<title>{}</title>").format(touch.label) if lines[-1].endswith("…") else Markup(""),
        Markup('<rect class="heat {} heat-{}" x="{}" y="{}" width="{}" height="{}" rx="3"/>').format(
            felt, heat(touch.authors, most), short(left), short(top), short(wide), short(high)
        ),
        words(left + 6, middle - 0.5, sign, "sign") if sign else Markup(""),
        *(words(left + _begin(sign), first + row * _CELL_STEP, line, "touch") for row, line in enumerate(lines)),
        words(left + wide - 6, middle, hand.labels.number(touch.authors), "touch many", "end"),
    ]
    return Markup('<g class="cell">{}</g>').format(Markup("").join(parts))


def cell_height(touches: Iterable[Touch], wide: float, hand: Hand) -> float:
    """What cells side by side need for the longest of their labels: one line or two."""
    return CELL + _CELL_STEP * max((len(_cell_lines(touch, wide, hand)) - 1 for touch in touches), default=0)


def _cell_lines(touch: Touch, wide: float, hand: Hand) -> list[str]:
    many = width(hand.labels.number(touch.authors), _CELL_SIZE, bold=True)
    return wrap(touch.label, wide - 11 - many - _begin(_felt(touch)[1]), _CELL_SIZE, 2) or [""]


def _felt(touch: Touch) -> tuple[str, str]:
    if touch.negative_authors > touch.positive_authors:
        return "unhappy", "▼"
    if touch.positive_authors > touch.negative_authors:
        return "happy", "▲"
    return "neutral", ""


def _begin(sign: str) -> float:
    return 18 if sign else 8


def heat(authors: int, most: int) -> int:
    """1 to 4: how dark a cell is, by the square root of people, so that a tenth is not invisible."""
    return 1 + min(3, int(4 * sqrt(authors / max(_DARKEST, most))))


def spark(x: float, y: float) -> Markup:
    """A spark of delight around (x, y): one large, one small."""
    large, small = _star(x - 1, y + 1, 9.5), _star(x + 9, y - 7, 4.5)
    return Markup('<path class="spark" d="{}{}"/>').format(large, small)


def _star(x: float, y: float, size: float) -> str:
    near = size * 0.22
    points = [
        (x, y - size), (x + near, y - near), (x + size, y), (x + near, y + near),
        (x, y + size), (x - near, y + near), (x - size, y), (x - near, y - near),
    ]  # fmt: skip
    return "M" + "L".join(f"{short(a)} {short(b)}" for a, b in points) + "Z"


def ajar(left: float, bottom: float) -> Markup:
    """A door ajar, 20 wide and 28 high: the frame, and the leaf swung out of it."""
    return Markup(
        '<path class="doorframe" d="M{0} {1}v-26h17v26"/><path class="leaf" d="M{0} {1}v-26l10 4v26z"/>'
        '<circle class="knob" cx="{2}" cy="{3}" r="1.3"/>'
    ).format(short(left), short(bottom), short(left + 7.2), short(bottom - 9.5))


def said(digest: Digest, hand: Hand) -> str:
    """The drawing in a sentence."""
    labels = hand.labels
    stages = [
        f"{stage.label} {signed(stage.tally.net)}"
        for stage in digest.stages
        if stage.tally.net is not None and stage.tally.authors >= SMALL
    ]
    first = labels.say("map_curve", stages=", ".join(stages)) if stages else labels.say("map_few")
    return f"{first} {labels.say('map_table')}"


def amount(stage: StageFigures, labels: Labels) -> str:
    """`41 people`, `nobody`."""
    return labels.people(stage.tally.authors) if stage.tally.authors else labels.say("nobody")


def largest(digest: Digest) -> int:
    """People at the largest stage."""
    return max(1, *(stage.tally.authors for stage in digest.stages)) if digest.stages else 1


def most_touched(digest: Digest) -> int:
    """People of the most spoken of touchpoint of a stage."""
    return max((touch.authors for stage in digest.stages for touch in stage.touches), default=1)


def radius(authors: int, largest: int) -> float:
    """A point's area grows with its people; hollow ones are all alike."""
    return 5 + 12 * sqrt(authors / largest) if authors >= SMALL else 6


def mood(figures: Tally) -> str:
    """The colour of a net sentiment: grey where its interval reaches nought, for then nobody knows which it is."""
    low, high = figures.net_low or 0.0, figures.net_high or 0.0
    return "happy" if low > 0 else "unhappy" if high < 0 else "neutral"


def short(value: float) -> str:
    """One decimal: finer than a pixel, and equal on every machine."""
    return f"{value:.1f}".removesuffix(".0")
