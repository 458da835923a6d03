"""The digest for a terminal, as one rich renderable.

Words from outside are put into `Text` values and never read as markup; control characters are gone since counting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from listener.digest import matrix, sayings, words
from listener.digest.coverage import heard
from listener.digest.figures import Digest, Post, Topic
from listener.digest.labels import Labels, load
from listener.digest.picture_rows import cases

_TEXT = 140  # characters of a post on a terminal
_WIDE = 118  # columns that the whole matrix needs
_ALL_COLUMNS = tuple(range(len(matrix.HEADER)))
_FEW_COLUMNS = (0, 1, 3, 5, 9)


def render(digest: Digest) -> RenderableType:
    """The digest as something `rich.console.Console.print` takes."""
    book = load(digest.language)
    parts: list[RenderableType] = [Text(digest.headline, style="bold")]
    parts += [Text(note, style="yellow") for note in digest.notes]
    parts += [_title(book.say("do_first"))]
    parts += [_entry(f"{place}. {action.text}", action.url) for place, action in enumerate(digest.actions, 1)]
    parts += [Text(), _Matrix(digest, book)]
    parts += _topics(book.say("pains_head"), digest.pains, book)
    parts += _topics(book.say("delights_head"), digest.delights, book)
    for title, lines in _sections(digest, book):
        if shown := [*lines]:
            parts += [_title(title), *shown]
    heading = Text(f"{digest.brand} · {digest.week.label} · {digest.week.name}")
    return Panel(Group(*parts), title=heading, title_align="left", padding=(1, 2))


def _sections(digest: Digest, book: Labels) -> Iterator[tuple[str, Iterable[RenderableType]]]:
    """Headings and lines of all that comes behind the stages; a section without a line is left out."""
    if digest.exits:
        who = book.people(digest.exit_authors)
        yield book.say("exits_people", who=who), (_line(words.door(door, book)) for door in digest.exits)
    levels = [f"{level.label} {book.number(level.authors)}" for level in digest.urgency]
    response = digest.response
    told = f"{cases(response, book)}. {response.note}".rstrip()
    answered = (book.say("reply_levels", levels=book.listing(levels)), told, *response.sentences)
    yield book.say("response_head"), map(_line, answered)
    yield book.say("loud_head"), (_line(sayings.loud(one)) for one in digest.loud)
    said = [question for question in digest.questions if question.authors]
    yield book.say("questions_head"), (_line(f"{one.text} {one.sentence}") for one in said)
    yield book.say("pairs_head"), (_line(pair.sentence) for pair in digest.pairs)
    yield book.say("hypotheses_head"), (_line(f"{one.says}. {one.sentence}") for one in digest.hypotheses)
    new = (f"“{one.text}”{book.colon}{sayings.phrase(one, book)}" for one in digest.phrases.phrases)
    yield book.say("phrases_head"), (_line(line) for line in (digest.phrases.sentence, *new) if line)
    yield from _voices(digest, book)
    yield book.say("top_head"), (_reacted(post, book) for post in digest.top_posts)
    yield book.say("decisions_short"), (_line(sayings.decision(one, book)) for one in digest.decisions)
    yield book.say("coverage_head"), _coverage(digest, book)
    yield book.say("trust_head"), (_line(sentence, "dim") for sentence in digest.confidence.sentences)


def _voices(digest: Digest, book: Labels) -> Iterator[tuple[str, Iterable[RenderableType]]]:
    voice = digest.share_of_voice
    if voice.shown:
        shares = (f"{one.name}{book.colon}{words.share(one.share, book)}" for one in voice.brands)
        yield book.say("voices_head"), map(_line, (*shares, sayings.voices(voice, book)))
    elif digest.rivals:
        rivals = book.listing([f"{rival.label} {book.number(rival.mentions)}" for rival in digest.rivals])
        yield book.say("rivals_head"), (_line(line) for line in (rivals, voice.why) if line)


def _coverage(digest: Digest, book: Labels) -> Iterator[RenderableType]:
    yield from map(_line, (*digest.coverage.sentences, *digest.coverage.details))
    for source in digest.coverage.sources:
        note = f"{book.semicolon}{source.note}" if source.note else ""
        posts = book.some(source.mentions, "post")
        yield _line(f"{source.name}{book.colon}{heard(source, book)}, {posts}{note}", "dim")
    yield _line(digest.accounting_sentence)


@dataclass(frozen=True, slots=True)
class _Matrix:
    """The matrix with as many columns as the terminal has room for."""

    digest: Digest
    book: Labels

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = _ALL_COLUMNS if options.max_width >= _WIDE else _FEW_COLUMNS
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
        header = matrix.header(self.book)
        for column in columns:
            name = header[column]
            table.add_column(name, justify="right" if column in matrix.NUMERIC else "left", no_wrap=column == 0)
        rows = matrix.rows(self.digest, self.book)
        for place, row in enumerate(rows):
            style = "bold" if place == len(rows) - 1 else "dim" if place == len(rows) - 2 else ""
            table.add_row(*(Text(row[column]) for column in columns), style=style)
        yield table


def _topics(title: str, topics: Sequence[Topic], book: Labels) -> list[RenderableType]:
    if not topics:
        return []
    parts: list[RenderableType] = [_title(title)]
    for place, topic in enumerate(topics, 1):
        told = Text.assemble(f"{place}. ", (topic.label, "bold"), f"{book.colon}{words.topic(topic, book)}")
        parts.append(_inside(told))
        parts.extend(_inside(_entry(_quoted(post, book), post.url), 5) for post in topic.examples[:1])
    return parts


def _reacted(post: Post, book: Labels) -> RenderableType:
    return _inside(_entry(f"{sayings.reactions(post, book)}{book.colon}{_quoted(post, book)}", post.url))


def _quoted(post: Post, book: Labels) -> str:
    return f"“{_cut(post.text)}”" if post.text else book.say("text_removed")


def _title(text: str) -> Text:
    return Text(f"\n{text}", style="bold cyan")


def _line(text: str, style: str = "") -> RenderableType:
    return _inside(Text(text, style=style))


def _inside(text: Text, by: int = 2) -> RenderableType:
    # Padding, not spaces: the second line of a long sentence stands below the first.
    return Padding(text, (0, 0, 0, by))


def _entry(text: str, url: str) -> Text:
    return Text.assemble(text, (f"  {url}", "dim")) if url else Text(text)


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT else text[: _TEXT - 1].rstrip() + "…"
