"""The digest as one self-contained HTML page: no script, no request, prints well, light and dark.

Jinja escapes every value (autoescape), links are cleaned http(s) addresses only, and the page forbids itself by its
content policy to load anything, so a hostile post is shown as text and nothing more.
"""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from listener.digest import matrix, picture, picture_tall, words
from listener.digest.figures import SMALL, Digest, SourceFigures, Tally
from listener.digest.text import hours, number, people, signed, some


def render(digest: Digest) -> str:
    """The whole page."""
    environment = Environment(
        loader=PackageLoader("listener.digest", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": number,
        "people": people,
        "some": some,
        "hours": hours,
        "signed": signed,
        "share": words.share,
        "change": words.change,
        "interval": words.interval,
        "net": matrix.net,
    }
    return environment.get_template("page.html.j2").render(
        digest=digest,
        week=digest.week,
        total=digest.total,
        rows=list(zip((*digest.stages, digest.unclear), matrix.rows(digest), strict=False)),
        all_row=matrix.rows(digest)[-1],
        header=matrix.HEADER,
        small=SMALL,
        wide=picture.wide(digest),
        tall=picture_tall.tall(digest),
        bars=bars,
        strip=[strip(digest, source) for source in digest.coverage.sources],
        longest=max((topic.authors for topic in (*digest.pains, *digest.delights)), default=1),
    )


def bars(figures: Tally) -> tuple[float, float, float]:
    """Widths in percent of the unhappy, neutral and happy part of a stage's bar."""
    of = figures.authors or 1
    return (
        round(100 * figures.negative_authors / of, 2),
        round(100 * figures.neutral_authors / of, 2),
        round(100 * figures.positive_authors / of, 2),
    )


def strip(digest: Digest, source: SourceFigures) -> tuple[tuple[float, float], ...]:
    """The gaps of a source as (start, width) in percent of the week, to be drawn on its strip."""
    whole = (digest.week.until - digest.week.since).total_seconds()
    found = []
    for gap in source.gaps:
        since, until = max(gap.since, digest.week.since), min(gap.until, digest.week.until)
        start = (since - digest.week.since).total_seconds()
        found.append((round(100 * start / whole, 2), round(100 * (until - since).total_seconds() / whole, 2)))
    return tuple(found)
