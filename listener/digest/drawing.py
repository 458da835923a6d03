"""The map as a file of its own: an SVG that carries its colours, and the same made ready to become a PNG.

On its own the map has a title above it (whose, which week, how many people) and nothing that leads elsewhere.
"""

from __future__ import annotations

from importlib.resources import files

from markupsafe import Markup

from listener.digest import marks, picture
from listener.digest.figures import Digest
from listener.digest.labels import load
from listener.digest.marks import Hand
from listener.digest.palette import DARK, LIGHT, Theme, painted, variables
from listener.digest.typeset import SERIF, fit, wrap

_MARGIN = 28
_TITLE, _LINE = 21.0, 27


def svg(digest: Digest, *, theme: Theme = "auto") -> str:
    """A whole SVG file. `theme` auto follows the viewer's system."""
    return _framed(digest, f"{variables(theme, ':root,svg')}\n{_css()}")


def still(digest: Digest, *, theme: Theme = "light") -> str:
    """The same with fixed colours, for renderers that know no CSS variables."""
    return _framed(digest, painted(_css(), DARK if theme == "dark" else LIGHT))


def _css() -> str:
    own = (
        "\n.card{fill:var(--card)}"
        "\n.map .headline{font-size:21px;font-weight:bold;"
        'font-family:ui-serif,"Iowan Old Style",Charter,Georgia,"Noto Serif","Liberation Serif","DejaVu Serif",FreeSerif,"Times New Roman",serif}'
        "\n.map .eyebrow{font-size:12.5px;font-weight:bold;fill:var(--accent)}\n"
    )
    return (files("listener.digest") / "templates" / "map.css").read_text(encoding="utf-8") + own


def _framed(digest: Digest, css: str) -> str:
    hand = Hand(load(digest.language), linked=False)
    drawn = picture.wide(digest, hand)
    across = picture.WIDTH + 2 * _MARGIN
    lines = wrap(digest.headline, (picture.WIDTH - 8) / SERIF, _TITLE, 2)
    top = 34 + 34 + _LINE * len(lines)
    tall = top + picture.height(digest) + _MARGIN
    labels = hand.labels
    eyebrow = fit(f"{digest.brand}  ·  {labels.say('journey')}  ·  {digest.week.label}", picture.WIDTH, 13, bold=True)
    head = [marks.words(_MARGIN, 38, eyebrow, "eyebrow")]
    head += [marks.words(_MARGIN, 72 + row * _LINE, line, "headline") for row, line in enumerate(lines)]
    placed = drawn.replace("<svg ", Markup('<svg x="{}" y="{}" width="{}" height="{}" ').format(
        _MARGIN, marks.short(top), picture.WIDTH, marks.short(picture.height(digest))
    ), 1)  # fmt: skip
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="map" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="img" '
        'lang="{2}" aria-labelledby="map-wide-title"><style>{3}</style><rect class="card" width="{0}" height="{1}"/>{4}{5}</svg>\n'
    ).format(across, marks.short(tall), digest.language, Markup(css), Markup("").join(head), placed)  # noqa: S704  # our own style sheet
