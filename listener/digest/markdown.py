"""The digest as Markdown (CommonMark with tables), for wikis, issues and mail.

Every word that comes from outside is escaped: punctuation that could start a format stands behind a backslash and
HTML characters are entities, so a post can form no link, heading, table cell, image or tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from listener.digest import markdown_more as more
from listener.digest import matrix, sayings, words
from listener.digest.coverage import heard
from listener.digest.figures import Digest, Topic
from listener.digest.labels import Labels, load
from listener.digest.markup import bullets, counts, escape, link, quoted, table
from listener.digest.picture_rows import cases


def render(digest: Digest) -> str:
    """The whole digest as Markdown, ending with a newline."""
    return "\n".join(_lines(digest, load(digest.language))).rstrip("\n") + "\n"


def _lines(digest: Digest, book: Labels) -> Iterator[str]:
    yield f"# {escape(book.say('title', brand=digest.brand, week=digest.week.label))}"
    yield ""
    yield f"**{escape(digest.headline)}**"
    yield ""
    for note in digest.notes:
        yield f"> {escape(note)}"
        yield ">"
    if digest.notes:
        yield ""
    yield from more.titled(
        book.say("do_first"),
        (f"{place}. {escape(action.text)}{link(action.url, book)}" for place, action in enumerate(digest.actions, 1)),
    )
    yield from more.titled(book.say("felt_head"), _journey(digest, book))
    yield from more.titled(book.say("pains_head"), _topics(digest.pains, book.say("hurt_none"), book))
    yield from more.titled(book.say("delights_head"), _topics(digest.delights, book.say("delighted_none"), book))
    yield from more.titled(book.say("exits_short"), _exits(digest, book))
    yield from more.titled(book.say("response_head"), _response(digest, book))
    yield from more.sections(digest, book)
    if digest.top_posts:
        posts = (
            f"- {escape(sayings.reactions(post, book))}{book.colon}{quoted(post, book)}" for post in digest.top_posts
        )
        yield from more.titled(book.say("top_head"), posts)
    yield from more.titled(book.say("coverage_head"), _coverage(digest, book))
    yield from more.titled(book.say("trust_head"), bullets(digest.confidence.sentences or (book.say("trust_none"),)))
    if digest.decisions:
        decided = (sayings.decision(one, book) for one in digest.decisions)
        yield from more.titled(book.say("decisions_short"), bullets(decided))


def _journey(digest: Digest, book: Labels) -> Iterator[str]:
    yield from table(matrix.header(book), matrix.rows(digest, book), matrix.NUMERIC)
    yield ""
    for stage in digest.stages:
        if stage.quote:
            yield f"- {escape(stage.label)}{book.colon}{quoted(stage.quote, book)}"


def _topics(topics: Sequence[Topic], none: str, book: Labels) -> Iterator[str]:
    if not topics:
        yield escape(none)
    for place, topic in enumerate(topics, 1):
        yield f"{place}. **{escape(topic.label)}**{book.colon}{escape(words.topic(topic, book))}"
        for post in topic.examples:
            yield f"   - {quoted(post, book)}"


def _exits(digest: Digest, book: Labels) -> Iterator[str]:
    yield escape(words.leaving(digest.exit_authors, book))
    if digest.exits:
        yield ""
    for door in digest.exits:
        yield f"- {escape(words.door(door, book))}"
        for post in door.examples:
            yield f"  - {quoted(post, book)}"


def _response(digest: Digest, book: Labels) -> Iterator[str]:
    yield f"{escape(counts(digest.urgency, book))}."
    yield escape(f"{cases(digest.response, book)}. {digest.response.note}".rstrip())
    yield from bullets(digest.response.sentences)


def _coverage(digest: Digest, book: Labels) -> Iterator[str]:
    yield from bullets((*digest.coverage.sentences, *digest.coverage.details))
    if digest.coverage.sources:
        yield ""
        yield from table(
            tuple(map(book.say, ("source_word", "hours_word", "posts", "note_word"))),
            [
                (source.name, heard(source, book), book.number(source.mentions), source.note)
                for source in digest.coverage.sources
            ],
            range(1, 3),
        )
    yield ""
    yield escape(digest.accounting_sentence)
