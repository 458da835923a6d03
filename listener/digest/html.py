"""The digest as one self-contained HTML page: no script, no request, prints on two sheets, light and dark.

Jinja escapes every value (autoescape), links are cleaned http(s) addresses only, and the page forbids itself by its
content policy to load anything, so a hostile post is shown as text and nothing more. The page speaks the digest's language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from listener.digest import labels, matrix, picture, picture_rows, picture_tall, sayings, words
from listener.digest.coverage import heard
from listener.digest.figures import SMALL, Digest, Post, SourceFigures, StageFigures, Tally
from listener.digest.marks import Hand
from listener.digest.palette import LIGHT, Theme, variables
from listener.digest.text import signed

_VOICES = 6  # posts shown of a stage
SAYINGS: Mapping[str, Callable[..., str]] = {
    "times": sayings.times,
    "phrase": sayings.phrase_people,
    "moods": sayings.phrase_moods,
    "voices": sayings.voices,
    "decision": sayings.decision_state,
}


def render(digest: Digest, *, theme: Theme = "auto") -> str:
    """The whole page. `theme`: auto follows the reader's system, light and dark do not."""
    environment = Environment(
        loader=PackageLoader("listener.digest", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    book = labels.load(digest.language)
    environment.filters |= {
        "number": book.number,
        "people": book.people,
        "some": book.some,
        "change": lambda figures, authors=None: words.change(figures, book, authors),
        "signed": signed,
    }
    hand = Hand(book)
    return environment.get_template("page.html.j2").render(
        digest=digest,
        week=digest.week,
        total=digest.total,
        say=book.say,
        listing=book.listing,
        style=_style(theme),
        theme=theme,
        rows=_rows(digest, book),
        header=matrix.header(book),
        small=SMALL,
        wide=picture.wide(digest, hand),
        tall=picture_tall.tall(digest, hand),
        bars=bars,
        heard=lambda source: heard(source, book),
        cases=lambda: picture_rows.cases(digest.response, book),
        saying=lambda kind, figures: SAYINGS[kind](figures, book),
        strip=[strip(digest, source) for source in digest.coverage.sources],
        longest=max((topic.authors for topic in (*digest.pains, *digest.delights)), default=1),
        voices=[(stage, posts) for stage, posts in voices(digest).items() if posts],
        label_of={stage.key: stage.label for stage in (*digest.stages, digest.unclear)},
    )


def _style(theme: Theme) -> Markup:
    """The style sheet: colours, map, page. Ours alone, so it is not escaped."""
    folder = files("listener.digest") / "templates"
    sheets = [(folder / name).read_text(encoding="utf-8") for name in ("map.css", "page.css")]
    printed = ";".join(f"--{name}:{value}" for name, value in {**LIGHT, "paper": "#ffffff"}.items())
    return Markup("\n".join([variables(theme), *sheets, f"@media print{{:root{{{printed}}}}}"]))  # noqa: S704  # no word from outside


def _rows(digest: Digest, book: labels.Labels) -> list[dict[str, Any]]:
    """The matrix, each row beside the stage it tells of; the last is of all people."""
    stages: list[StageFigures | None] = [*digest.stages, digest.unclear, None]
    return [
        {"stage": stage, "tally": digest.total if stage is None else stage.tally, "cells": cells}
        for stage, cells in zip(stages, matrix.rows(digest, book), strict=True)
    ]


def voices(digest: Digest) -> Mapping[str, tuple[Post, ...]]:
    """Posts by the key of their stage: its quote and every example of the page, each once."""
    found: dict[str, dict[str, Post]] = {stage.key: {} for stage in (*digest.stages, digest.unclear)}
    for stage in (*digest.stages, digest.unclear):
        if stage.quote is not None:
            found[stage.key][stage.quote.ref] = stage.quote
    lists = (*(topic.examples for topic in (*digest.pains, *digest.delights)), *(door.examples for door in digest.exits), digest.top_posts)  # fmt: skip
    for posts in lists:
        for post in posts:
            if post.stage in found:
                found[post.stage].setdefault(post.ref, post)
    return {key: tuple(posts.values())[:_VOICES] for key, posts in found.items()}


def bars(figures: Tally) -> tuple[float, float, float]:
    """Widths in percent of the unhappy, neutral and happy part of a stage's bar."""
    of = figures.authors or 1
    return (
        round(100 * figures.negative_authors / of, 2),
        round(100 * figures.neutral_authors / of, 2),
        round(100 * figures.positive_authors / of, 2),
    )


def strip(digest: Digest, source: SourceFigures) -> tuple[tuple[float, float], ...]:
    """What a source missed as (start, width) in percent of the week, to be drawn on its strip."""
    return tuple((round(100 * start, 2), round(100 * part, 2)) for start, part in picture_rows.holes(digest, source))
