"""The digest as Markdown (CommonMark with tables), for wikis, issues and mail.

Every word that comes from outside is escaped: punctuation that could start a format stands behind a backslash and
HTML characters are entities, so a post can form no link, heading, table cell, image or tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from listener.digest import matrix, words
from listener.digest.figures import Digest, Door, NamedCount, Post, Topic
from listener.digest.text import hours, listing, number, some

_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()#+\-.!|~^:@/=$])")


def render(digest: Digest) -> str:
    """The whole digest as Markdown, ending with a newline."""
    return "\n".join(_lines(digest)).rstrip("\n") + "\n"


def escape(text: str) -> str:
    """`text` as Markdown that shows it and does nothing else."""
    html = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # The entities just made hold no punctuation of the pattern; a colon and a slash are escaped so that no bare
    # address becomes a link, "@" and "#" so that nobody is mentioned and nothing referred to.
    return _PUNCTUATION.sub(r"\\\1", html)


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
        yield f"{place}. {escape(action.text)}{_link(action.url)}"
    yield ""
    yield "## The journey"
    yield ""
    yield from _table(matrix.HEADER, matrix.rows(digest), matrix.NUMERIC)
    yield ""
    quotes = [(stage.label, stage.quote) for stage in digest.stages if stage.quote]
    for label, quote in quotes:
        yield f"- {escape(label)}: {_quoted(quote)}"
    yield ""
    yield from _topics("Pain points", digest.pains, "Nobody was unhappy with a touchpoint.")
    yield from _topics("Delights", digest.delights, "Nobody praised a touchpoint.")
    yield from _exits(digest.exits, digest.exit_authors)
    yield "## Urgency and response"
    yield ""
    yield f"{escape(_counts(digest.urgency))}."
    response = digest.response
    yield (
        f"{some(response.cases, 'case')}: {number(response.unclaimed)} unclaimed, {number(response.open)} open, "
        f"{number(response.resolved)} resolved. {escape(response.note)}"
    )
    yield ""
    if digest.rivals:
        yield "## Posts about rivals"
        yield ""
        yield f"{escape(_counts(digest.rivals))}. Counts only: search words may not be equal for all."
        yield ""
    if digest.top_posts:
        yield "## Most answered and shared"
        yield ""
        for post in digest.top_posts:
            yield f"- {number(post.engagement)} reactions: {_quoted(post)}"
        yield ""
    yield "## What was collected"
    yield ""
    for sentence in digest.coverage.sentences:
        yield f"- {escape(sentence)}"
    if digest.coverage.sources:
        yield ""
        yield from _table(
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
    for sentence in digest.confidence.sentences:
        yield f"- {escape(sentence)}"


def _topics(title: str, topics: Sequence[Topic], none: str) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    if not topics:
        yield none
    for place, topic in enumerate(topics, 1):
        yield f"{place}. **{escape(topic.label)}**: {escape(words.topic(topic))}"
        for post in topic.examples:
            yield f"   - {_quoted(post)}"
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
            yield f"  - {_quoted(post)}"
    yield ""


def _quoted(post: Post) -> str:
    return f"“{escape(post.text)}”{_link(post.url)}" if post.text else f"(text removed){_link(post.url)}"


def _link(url: str) -> str:
    # `safe_url` let no bracket-breaking character through but parentheses, which angle brackets make harmless.
    return f" ([post](<{url}>))" if url else ""


def _counts(named: Iterable[NamedCount]) -> str:
    return listing(
        [
            f"{entry.label} {number(entry.authors)} people" if entry.authors != 1 else f"{entry.label} 1 person"
            for entry in named
        ]
    )


def _hours(got: float | None, of: float) -> str:
    return f"{hours(got)} of {hours(of)}" if got is not None else "not known"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], numeric: range) -> Iterator[str]:
    yield f"| {' | '.join(map(escape, header))} |"
    yield f"| {' | '.join('---:' if column in numeric else '---' for column in range(len(header)))} |"
    for row in rows:
        yield f"| {' | '.join(map(escape, row))} |"
