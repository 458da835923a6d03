"""The stage × sentiment matrix as words and numbers: one table that every renderer prints.

People come first, posts beside them; net sentiment stands with its interval and is withheld under ten people.
"""

from __future__ import annotations

from listener.digest.figures import SMALL, Digest, StageFigures, Tally
from listener.digest.text import number, signed
from listener.digest.words import change

HEADER = (
    "Stage",
    "People",
    "Posts",
    "Unhappy",
    "Neutral",
    "Happy",
    "Buyers",
    "Non-buyers",
    "Net",
    "Against earlier weeks",
)
NUMERIC = range(1, 9)  # the columns that are set flush right


def rows(digest: Digest) -> tuple[tuple[str, ...], ...]:
    """One row per shown stage in the order of the journey, then `unclear`, then all people together."""
    stages = [_row(stage) for stage in (*digest.stages, digest.unclear)]
    return (*stages, ("All", *_figures(digest.total), change(digest.change, digest.total.authors)))


def net(figures: Tally) -> str:
    """`−46 (−60 to −29)`; an en dash under ten people."""
    if figures.net is None or figures.net_low is None or figures.net_high is None or figures.authors < SMALL:
        return "–"
    return f"{signed(figures.net)} ({signed(figures.net_low)} to {signed(figures.net_high)})"


def _row(stage: StageFigures) -> tuple[str, ...]:
    return (stage.label, *_figures(stage.tally), change(stage.change, stage.tally.authors))


def _figures(figures: Tally) -> tuple[str, ...]:
    counts = (
        figures.authors, figures.mentions,
        figures.negative_authors, figures.neutral_authors, figures.positive_authors,
        figures.buyers, figures.non_buyers,
    )  # fmt: skip
    return (*map(number, counts), net(figures))
