"""The digest for a terminal, as one rich renderable.

Words from outside are put into `Text` values and never read as markup; control characters are gone since counting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from listener.digest import matrix, words
from listener.digest.figures import Digest, Topic
from listener.digest.text import hours, listing, number, people, some

_TEXT = 140  # characters of a post on a terminal
_WIDE = 118  # columns that the whole matrix needs
_ALL_COLUMNS = tuple(range(len(matrix.HEADER)))
_FEW_COLUMNS = (0, 1, 3, 5, 9)


def render(digest: Digest) -> RenderableType:
    """The digest as something `rich.console.Console.print` takes."""
    parts: list[RenderableType] = [Text(digest.headline, style="bold")]
    parts += [Text(note, style="yellow") for note in digest.notes]
    parts += [_title("Do first")]
    parts += [_entry(f"{place}. {action.text}", action.url) for place, action in enumerate(digest.actions, 1)]
    parts += [Text(), _Matrix(digest)]
    for title, topics in (("Pain points", digest.pains), ("Delights", digest.delights)):
        parts += _topics(title, topics)
    if digest.exits:
        parts += [_title(f"Exits: {people(digest.exit_authors)}")]
        parts += [Text(f"  {words.door(door)}") for door in digest.exits]
    parts += [_title("Urgency and response")]
    parts += [Text("  " + listing([f"{level.label} {number(level.authors)}" for level in digest.urgency]) + " people")]
    response = digest.response
    parts += [
        Text(
            f"  {some(response.cases, 'case')}: {number(response.unclaimed)} unclaimed, {number(response.open)} open, "
            f"{number(response.resolved)} resolved. {response.note}"
        )
    ]
    if digest.rivals:
        rivals = listing([f"{rival.label} {number(rival.mentions)}" for rival in digest.rivals])
        parts += [_title("Posts about rivals"), Text(f"  {rivals}")]
    parts += [_title("What was collected")]
    parts += [Text(f"  {sentence}") for sentence in digest.coverage.sentences]
    for source in digest.coverage.sources:
        got = f"{hours(source.hours)} of {hours(source.of_hours)}" if source.hours is not None else "hours not known"
        note = f": {source.note}" if source.note else ""
        parts += [Text(f"  {source.name}: {got}, {some(source.mentions, 'post')}{note}", style="dim")]
    parts += [Text(f"  {digest.accounting_sentence}")]
    if digest.confidence.sentences:
        parts += [_title("How far to trust this")]
        parts += [Text(f"  {sentence}", style="dim") for sentence in digest.confidence.sentences]
    heading = Text(f"{digest.brand} · {digest.week.label} · {digest.week.name}")
    return Panel(Group(*parts), title=heading, title_align="left", padding=(1, 2))


@dataclass(frozen=True, slots=True)
class _Matrix:
    """The matrix with as many columns as the terminal has room for."""

    digest: Digest

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = _ALL_COLUMNS if options.max_width >= _WIDE else _FEW_COLUMNS
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
        for column in columns:
            name = matrix.HEADER[column]
            table.add_column(name, justify="right" if column in matrix.NUMERIC else "left", no_wrap=column == 0)
        rows = matrix.rows(self.digest)
        for place, row in enumerate(rows):
            style = "bold" if place == len(rows) - 1 else "dim" if place == len(rows) - 2 else ""
            table.add_row(*(Text(row[column]) for column in columns), style=style)
        yield table


def _topics(title: str, topics: Sequence[Topic]) -> list[RenderableType]:
    if not topics:
        return []
    parts: list[RenderableType] = [_title(title)]
    for place, topic in enumerate(topics, 1):
        parts.append(Text.assemble(f"  {place}. ", (topic.label, "bold"), f": {words.topic(topic)}"))
        parts.extend(
            _entry(f"     “{_cut(post.text)}”" if post.text else "     (text removed)", post.url)
            for post in topic.examples[:1]
        )
    return parts


def _title(text: str) -> Text:
    return Text(f"\n{text}", style="bold cyan")


def _entry(text: str, url: str) -> Text:
    return Text.assemble(text, (f"  {url}", "dim")) if url else Text(text)


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT else text[: _TEXT - 1].rstrip() + "…"
