"""The stage × sentiment matrix as words and numbers: one table that every renderer prints.

People come first, posts beside them; net sentiment stands with its interval and is withheld under ten people.
"""

from __future__ import annotations

from listener.digest.figures import Digest, StageFigures, Tally
from listener.digest.labels import Labels
from listener.digest.words import change, net

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


def header(book: Labels) -> tuple[str, ...]:
    """The columns' names."""
    return tuple(map(book.word, HEADER))


def rows(digest: Digest, book: Labels) -> tuple[tuple[str, ...], ...]:
    """One row per shown stage in the order of the journey, then `unclear`, then all people together."""
    stages = [_row(stage, book) for stage in (*digest.stages, digest.unclear)]
    return (
        *stages,
        (book.say("all_people"), *_figures(digest.total, book), change(digest.change, book, digest.total.authors)),
    )


def _row(stage: StageFigures, book: Labels) -> tuple[str, ...]:
    return (stage.label, *_figures(stage.tally, book), change(stage.change, book, stage.tally.authors))


def _figures(figures: Tally, book: Labels) -> tuple[str, ...]:
    counts = (
        figures.authors, figures.mentions,
        figures.negative_authors, figures.neutral_authors, figures.positive_authors,
        figures.buyers, figures.non_buyers,
    )  # fmt: skip
    return (*map(book.number, counts), net(figures, book))
