"""The marks that both forms of the map are drawn with: dots, chips, words, the curve's path, the frame of the SVG.

Every value is escaped by `Markup.format`; a hostile label is shown as a label. Coordinates have one decimal, which is
finer than a pixel and written alike on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt

from markupsafe import Markup

from listener.digest.curve import Point
from listener.digest.figures import SMALL, Digest, StageFigures, Touch
from listener.digest.text import number, people, signed
from listener.digest.typeset import fit, width

Ends = tuple[float, float, float, float]

_MOOD = 0.05  # net sentiment nearer to zero is drawn as neither happy nor unhappy


def svg(name: str, across: int, height: float, ends: Ends, digest: Digest, parts: Iterable[Markup]) -> Markup:
    """The whole drawing. `ends` are the places (x, y, x, y) of all happy and all unhappy: the curve's colour follows."""
    return Markup(
        '<svg class="map {0}" viewBox="0 0 {1} {2}" role="group" aria-label="{3}" xmlns="http://www.w3.org/2000/svg">'
        '<defs><linearGradient id="mood-{0}" gradientUnits="userSpaceOnUse" x1="{4}" y1="{5}" x2="{6}" y2="{7}">'
        '<stop class="stop-happy" offset="0.3"/><stop class="stop-neutral" offset="0.5"/>'
        '<stop class="stop-unhappy" offset="0.7"/></linearGradient></defs>{8}</svg>'
    ).format(name, across, short(height), said(digest), *ends, Markup("").join(parts))


def path(bend: Iterable[Point], kind: str, name: str) -> Markup:
    start, one, two, end = (f"{short(x)} {short(y)}" for x, y in bend)
    return Markup('<path class="{}" stroke="url(#mood-{})" d="M{} C{} {} {}"/>').format(
        kind, name, start, one, two, end
    )


def dot(stage: StageFigures, x: float, y: float, size: float) -> Markup:
    figures = stage.tally
    assert figures.net is not None
    title = f"{stage.label}: {amount(stage)}, {number(figures.negative_authors)} unhappy, {number(figures.positive_authors)} happy"
    kind = mood(figures.net) if figures.authors >= SMALL else "hollow"
    return Markup(
        '<a href="#stage-{}"><circle class="dot {}" cx="{}" cy="{}" r="{}"><title>{}</title></circle></a>'
    ).format(stage.key, kind, short(x), short(y), short(size), title)


def chip(x: float, y: float, room: float, touch: Touch) -> Markup:
    wide = min(chip_width(touch), room)
    felt = (
        "unhappy"
        if touch.negative_authors > touch.positive_authors
        else "happy"
        if touch.positive_authors > touch.negative_authors
        else "neutral"
    )
    sign = {"unhappy": "▼ ", "happy": "▲ ", "neutral": ""}[felt]
    many = f" {number(touch.authors)}"
    label = fit(f"{sign}{touch.label}", wide - 10 - width(many, 11.2), 11.2)
    return Markup('<g class="chip {}"><rect x="{}" y="{}" width="{}" height="21" rx="10.5"/>{}</g>').format(
        felt, short(x - wide / 2), short(y), short(wide), words(x, y + 14.5, label + many, "", "middle")
    )


def chip_width(touch: Touch) -> float:
    return width(f"▼ {touch.label} {number(touch.authors)}", 11.2) + 16


def said(digest: Digest) -> str:
    stages = [
        f"{stage.label} {signed(stage.tally.net)}"
        for stage in digest.stages
        if stage.tally.net is not None and stage.tally.authors >= SMALL
    ]
    return f"Emotion curve, net sentiment by stage: {', '.join(stages) or 'too few people for figures'}. The table below has all numbers."


def words(x: float, y: float, text: str, kind: str, anchor: str = "start") -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        kind, short(x), short(y), anchor, text
    )


def amount(stage: StageFigures) -> str:
    return people(stage.tally.authors) if stage.tally.authors else "nobody"


def largest(digest: Digest) -> int:
    return max(1, *(stage.tally.authors for stage in digest.stages)) if digest.stages else 1


def radius(authors: int, largest: int) -> float:
    return 5 + 12 * sqrt(authors / largest) if authors >= SMALL else 6


def mood(net: float) -> str:
    return "happy" if net > _MOOD else "unhappy" if net < -_MOOD else "neutral"


def short(value: float) -> str:
    # One decimal is finer than a pixel, and equal on every machine.
    return f"{value:.1f}".removesuffix(".0")
