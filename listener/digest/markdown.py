"""The digest as Markdown (CommonMark with tables), for wikis, issues and mail.

Every word that comes from outside is escaped: punctuation that could start a format stands behind a backslash and
HTML characters are entities, so a post can form no link, heading, table cell, image or tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from listener.digest import markdown_more as more
from listener.digest import matrix, sayings, words
from listener.digest.figures import Digest, Door, Topic
from listener.digest.markup import bullets, counts, escape, link, quoted, table
from listener.digest.text import hours, number, some


def render(digest: Digest) -> str:
    """The whole digest as Markdown, ending with a newline."""
    return "\n".join(_lines(digest)).rstrip("\n") + "\n"


def _lines(digest: Digest) -> Iterator[str]:
    yield f"# {escape(digest.brand)}: customer journey, {escape(digest.week.label)}"
    yield ""
    yield f"**{escape(digest.headline)}**"
    yield ""
    for note in digest.notes:
        yield f"> {escape(note)}"
        yield ">"
    if digest.notes:
        yield ""
    yield "## Do first"
    yield ""
    for place, action in enumerate(digest.actions, 1):
        yield f"{place}. {escape(action.text)}{link(action.url)}"
    yield ""
    yield "## The journey"
    yield ""
    yield from table(matrix.HEADER, matrix.rows(digest), matrix.NUMERIC)
    yield ""
    quotes = [(stage.label, stage.quote) for stage in digest.stages if stage.quote]
    for label, quote in quotes:
        yield f"- {escape(label)}: {quoted(quote)}"
    yield ""
    yield from _topics("Pain points", digest.pains, "Nobody was unhappy with a touchpoint.")
    yield from _topics("Delights", digest.delights, "Nobody praised a touchpoint.")
    yield from _exits(digest.exits, digest.exit_authors)
    yield "## Urgency and response"
    yield ""
    yield f"{escape(counts(digest.urgency))}."
    response = digest.response
    yield (
        f"{some(response.cases, 'case')}: {number(response.unclaimed)} unclaimed, {number(response.open)} open, "
        f"{number(response.resolved)} resolved. {escape(response.note)}".rstrip()
    )
    yield from bullets(response.sentences)
    yield ""
    yield from more.sections(digest)
    if digest.top_posts:
        yield "## Most answered and shared"
        yield ""
        for post in digest.top_posts:
            yield f"- {number(post.engagement)} reactions{escape(sayings.times(post))}: {quoted(post)}"
        yield ""
    yield "## What was collected"
    yield ""
    yield from bullets((*digest.coverage.sentences, *digest.coverage.details))
    if digest.coverage.sources:
        yield ""
        yield from table(
            ("Source", "Hours", "Posts", "Note"),
            [
                (source.name, _hours(source.hours, source.of_hours), number(source.mentions), source.note)
                for source in digest.coverage.sources
            ],
            range(1, 3),
        )
    yield ""
    yield escape(digest.accounting_sentence)
    yield ""
    yield "## How far to trust this"
    yield ""
    yield from bullets(digest.confidence.sentences)
    yield from more.decisions(digest)


def _topics(title: str, topics: Sequence[Topic], none: str) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    if not topics:
        yield none
    for place, topic in enumerate(topics, 1):
        yield f"{place}. **{escape(topic.label)}**: {escape(words.topic(topic))}"
        for post in topic.examples:
            yield f"   - {quoted(post)}"
    yield ""


def _exits(doors: Sequence[Door], leaving: int) -> Iterator[str]:
    yield "## Exits"
    yield ""
    if not doors:
        yield "Nobody spoke of leaving."
    else:
        yield f"{'One person speaks' if leaving == 1 else f'{number(leaving)} people speak'} of leaving."
        yield ""
    for door in doors:
        yield f"- {escape(words.door(door))}"
        for post in door.examples:
            yield f"  - {quoted(post)}"
    yield ""


def _hours(got: float | None, of: float) -> str:
    return f"{hours(got)} of {hours(of)}" if got is not None else "not known"
