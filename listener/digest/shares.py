"""Shares with their interval, as every part of a digest shows them."""

from __future__ import annotations

from listener.digest.parts import SMALL, Share
from listener.digest.stats import wilson


def share(part: int, of: int) -> Share:
    """`part` of `of` with its interval; the percentage is withheld under ten."""
    low, high = wilson(part, of)
    return Share(part, of, round(100 * part / of) if of >= SMALL else None, round(low, 4), round(high, 4))
