"""The colours of the page and its pictures, light and dark: one source for HTML, SVG and PNG.

Happy is teal and unhappy burnt orange, which red-green colour blindness keeps apart; in greyscale they are near each other,
so that mood is always told by place, by ▲▼ or by hatching as well. Text reaches 4.5 : 1 on every ground it stands on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

Theme = Literal["auto", "light", "dark"]  # auto: as the reader's system prefers

LIGHT: Mapping[str, str] = {
    "paper": "#faf8f4", "card": "#ffffff", "ink": "#1d1b18", "muted": "#645f56", "line": "#e5e0d6",
    "happy": "#0b6b62", "happy-soft": "#e3f1ee", "unhappy": "#b03809", "unhappy-soft": "#fbe9df",
    "neutral": "#736e64", "neutral-soft": "#efebe3", "accent": "#33357f", "warn": "#8a5a00", "warn-soft": "#fdf3d8",
}  # fmt: skip
DARK: Mapping[str, str] = {
    "paper": "#151412", "card": "#1e1c19", "ink": "#eeebe5", "muted": "#b0aaa0", "line": "#3a362f",
    "happy": "#5fcdbf", "happy-soft": "#14322e", "unhappy": "#fb9b6a", "unhappy-soft": "#3c2215",
    "neutral": "#a8a297", "neutral-soft": "#2e2b26", "accent": "#b4b6ff", "warn": "#f0c25a", "warn-soft": "#33290f",
}  # fmt: skip
_VARIABLE = re.compile(r"var\(--([a-z-]+)\)")


def variables(theme: Theme, root: str = ":root") -> str:
    """The colours as CSS variables of `root`; `auto` follows the reader's system."""
    if theme != "auto":
        return _block(root, DARK if theme == "dark" else LIGHT)
    return f"{_block(root, LIGHT)}\n@media (prefers-color-scheme:dark){{{_block(root, DARK)}}}"


def painted(css: str, colours: Mapping[str, str]) -> str:
    """`css` with its variables replaced by their values, for renderers that know no variables."""
    return _VARIABLE.sub(lambda found: colours[found[1]], css)


def _block(root: str, colours: Mapping[str, str]) -> str:
    return f"{root}{{{';'.join(f'--{name}:{value}' for name, value in colours.items())}}}"
