"""The digest as one Slack message: `text` for phones and screen readers, `blocks` for everybody else.

Words from outside stand only in plain_text, raw_text and rich_text elements, where Slack reads no mark-up: a post
can mention no channel, form no link, break no layout. The serialised blocks leave room for a button within 9,000 bytes (METHODS §1: an
undocumented limit near 12 kB rejects longer messages); what does not fit is left out in a fixed order, and said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from listener.digest import matrix, sayings, words
from listener.digest.figures import Action, Digest, Post, Topic
from listener.digest.labels import Labels, load
from listener.digest.picture_rows import cases

BUDGET = 8_800  # bytes of serialised blocks; of the 9,000 the button, or who pressed it, takes the others
_HEADER_LIMIT = 150  # characters, Block Kit
_TEXT_LIMIT = 400  # characters of the fallback text
_QUOTE = 120
_LOUD = 260
_LOUD_AT_LEAST = 3  # what was announced explains the rest, so it goes late

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SlackDigest:
    """What `chat.postMessage` takes."""

    text: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class _Detail:
    topics: int
    quotes: bool
    columns: tuple[int, ...]  # of the matrix
    extras: bool  # urgency, rivals, top posts, confidence


_WIDE = (0, 1, 3, 4, 5, 8, 9)
_NARROW = (0, 1, 3, 5, 9)
# What goes first when the message is too long, in this order; the last holds no words from outside but labels.
_STEPS = (
    _Detail(5, True, _WIDE, extras=True),
    _Detail(3, True, _WIDE, extras=True),
    _Detail(3, True, _WIDE, extras=False),
    _Detail(3, False, _NARROW, extras=False),
    _Detail(1, False, _NARROW, extras=False),
    _Detail(1, False, (), extras=False),
    _Detail(0, False, (), extras=False),
)


def render(digest: Digest, budget: int = BUDGET) -> SlackDigest:
    """The message, at the greatest detail that fits into `budget` bytes."""
    book = load(digest.language)
    for step, detail in enumerate(_STEPS):
        blocks = tuple(_blocks(digest, detail, book, shortened=step > 0))
        if size(blocks) <= budget:
            return SlackDigest(_fallback(digest, book), blocks)
    for limit in (600, 300, 150):  # names of a length nobody gives them; fifteen texts of 150 bytes always fit
        blocks = tuple(_pruned(block, limit) for block in blocks)
        if size(blocks) <= budget:
            break
    return SlackDigest(_fallback(digest, book), blocks)


def size(blocks: Sequence[Block]) -> int:
    """Bytes of the blocks as they travel."""
    return len(json.dumps(blocks, ensure_ascii=True, separators=(",", ":")).encode())


def _pruned(value: Any, limit: int) -> Any:
    """`value` with every text cut to `limit` bytes as they travel."""
    if isinstance(value, dict):
        return {
            key: _cut_bytes(part, limit) if key == "text" and isinstance(part, str) else _pruned(part, limit)
            for key, part in value.items()
        }
    return [_pruned(part, limit) for part in value] if isinstance(value, list) else value


def _cut_bytes(text: str, limit: int) -> str:
    while len(json.dumps(text)) > limit:
        text = text[: len(text) * 3 // 4].rstrip() + "…"
    return text


def _fallback(digest: Digest, book: Labels) -> str:
    first = digest.actions[0].text if digest.actions else ""
    # `text` is read as mrkdwn: the three control characters are escaped as Slack asks.
    named = {"brand": digest.brand, "week": digest.week.label}
    whole = book.say("slack_text", **named, headline=digest.headline, first=first)
    cut = whole if len(whole) <= _TEXT_LIMIT else whole[: _TEXT_LIMIT - 1].rstrip() + "…"
    return cut.strip().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _blocks(digest: Digest, detail: _Detail, book: Labels, shortened: bool) -> Iterator[Block]:
    name = f"d-{digest.week.name}:{digest.schema_version}"
    title = book.say("title", brand=digest.brand, week=digest.week.label)
    yield {"type": "header", "block_id": f"{name}:head", "text": _plain(title, _HEADER_LIMIT)}
    yield _rich(f"{name}:sum", _summary(digest, book))
    if detail.columns and digest.total.mentions:
        yield {
            "type": "table",
            "block_id": f"{name}:matrix",
            "column_settings": [
                {"align": "right"} if column in matrix.NUMERIC else {"is_wrapped": True} for column in detail.columns
            ],
            "rows": [
                [{"type": "raw_text", "text": row[column] or "–"} for column in detail.columns]
                for row in (matrix.header(book), *matrix.rows(digest, book))
            ],
        }
    topics = [
        *_topics(book.say("pains_head"), digest.pains[: detail.topics], detail, book),
        *_topics(book.say("delights_head"), digest.delights[: detail.topics], detail, book),
    ]
    if topics:
        yield _rich(f"{name}:topics", topics)
    if digest.exits and detail.topics:
        yield _rich(
            f"{name}:exits",
            [
                _section(_bold(book.say("exits_people", who=book.people(digest.exit_authors)))),
                _list("bullet", [_section(_text(words.door(door, book))) for door in digest.exits[: detail.topics]]),
            ],
        )
    if digest.loud and detail.topics:
        told = [
            _section(_text(sayings.loud(replace(one, sentence=_cut(one.sentence, _LOUD)))))
            for one in digest.loud[: max(detail.topics, _LOUD_AT_LEAST)]
        ]
        if left := len(digest.loud) - len(told):
            told.append(_section(_text(book.say("loud_more", left))))
        yield _rich(f"{name}:loud", [_section(_bold(book.say("loud_head"))), _list("bullet", told)])
    if detail.extras and digest.total.mentions:
        yield _rich(f"{name}:more", list(_more(digest, book)))
    if digest.decisions and detail.topics:
        decided = [
            _section(_text(_cut(sayings.decision(one, book), _QUOTE))) for one in digest.decisions[: detail.topics]
        ]
        yield _rich(f"{name}:decided", [_section(_bold(book.say("decisions_short"))), _list("bullet", decided)])
    yield _context(f"{name}:quality", list(_quality(digest, detail, book, shortened)))
    if digest.report_url:
        yield {
            "type": "actions",
            "block_id": f"{name}:act",
            "elements": [
                {
                    "type": "button",
                    "action_id": "digest_open",
                    "value": digest.week.name,
                    "url": digest.report_url,
                    "text": _plain(book.say("open_report"), 75),
                }
            ],
        }


def _summary(digest: Digest, book: Labels) -> list[Block]:
    total = digest.total
    changed = words.change(digest.change, book, total.authors)
    figures = f"{book.people(total.authors)}, {book.some(total.mentions, 'post')}; {changed}."
    lead = [_bold(digest.headline)]
    if total.mentions:
        lead.append(_text(f"\n{figures}"))
    lead.extend(_text(f"\n{note}") for note in digest.notes)
    parts = [_section(*lead)]
    if digest.actions:
        parts += [
            _section(_bold(book.say("do_first"))),
            _list("ordered", [_action(action, book) for action in digest.actions]),
        ]
    return parts


def _action(action: Action, book: Labels) -> Block:
    return _section(_text(action.text), *_link(action.url, book))


def _topics(title: str, topics: Sequence[Topic], detail: _Detail, book: Labels) -> Iterator[Block]:
    if topics:
        yield _section(_bold(title))
        yield _list("ordered", [_topic(topic, detail, book) for topic in topics])


def _topic(topic: Topic, detail: _Detail, book: Labels) -> Block:
    parts = [_bold(topic.label), _text(f"{book.colon}{words.topic(topic, book)}. ")]
    for post in topic.examples[:1]:
        if detail.quotes and post.text:
            parts.append(_text(f"“{_cut(post.text, _QUOTE)}”", italic=True))
        parts.extend(_link(post.url, book))
    return _section(*parts)


def _more(digest: Digest, book: Labels) -> Iterator[Block]:
    levels = book.listing([f"{level.label} {book.number(level.authors)}" for level in digest.urgency])
    response = digest.response
    yield _section(
        _bold(book.say("response_head")),
        _text(
            f"\n{book.say('reply_levels', levels=levels)} {cases(response, book)}. "
            f"{' '.join((response.note, *response.sentences)).strip()}".rstrip()
        ),
    )
    if digest.rivals:
        rivals = book.listing([f"{rival.label} {book.number(rival.mentions)}" for rival in digest.rivals[:5]])
        yield _section(_bold(book.say("rivals_head")), _text(f"\n{rivals}"))
    if digest.phrases.phrases:
        said = [f"“{one.text}” {book.people(one.authors)}" for one in digest.phrases.phrases[:5]]
        yield _section(_bold(book.say("phrases_head")), _text(f"\n{book.listing(said)}"))
    if digest.top_posts:
        yield _section(_bold(book.say("top_head")))
        yield _list("bullet", [_post(post, book) for post in digest.top_posts[:3]])


def _post(post: Post, book: Labels) -> Block:
    words_of = f"{book.colon}“{_cut(post.text, _QUOTE)}”" if post.text else ""
    return _section(_text(f"{sayings.reactions(post, book)}{words_of}"), *_link(post.url, book))


def _quality(digest: Digest, detail: _Detail, book: Labels, shortened: bool) -> Iterator[str]:
    yield book.say("quality_data", sentences=" ".join(digest.coverage.sentences)).strip()
    gaps = [
        book.say("quality_gap", source=source.name, hours=book.hours(source.of_hours - source.hours))
        for source in digest.coverage.sources
        if source.hours is not None and source.gaps
    ]
    if gaps:
        yield book.say("quality_gaps", gaps=book.listing(gaps))
    yield digest.accounting_sentence
    if detail.extras and digest.confidence.sentences:
        yield " ".join(digest.confidence.sentences[:2])
    yield book.say("quality_clear")
    if shortened:
        yield book.say("quality_short")


def _rich(block_id: str, elements: list[Block]) -> Block:
    return {"type": "rich_text", "block_id": block_id, "elements": elements}


def _section(*elements: Block) -> Block:
    return {"type": "rich_text_section", "elements": list(elements)}


def _list(style: str, entries: list[Block]) -> Block:
    return {"type": "rich_text_list", "style": style, "elements": entries}


def _bold(text: str) -> Block:
    return {"type": "text", "text": text or "–", "style": {"bold": True}}


def _text(text: str, italic: bool = False) -> Block:
    return {"type": "text", "text": text, "style": {"italic": True}} if italic else {"type": "text", "text": text}


def _link(url: str, book: Labels) -> Iterator[Block]:
    if url:
        yield _text(" ")
        yield {"type": "link", "url": url, "text": book.say("post_word")}


def _context(block_id: str, lines: list[str]) -> Block:
    return {"type": "context", "block_id": block_id, "elements": [_plain(line, 600) for line in lines if line]}


def _plain(text: str, limit: int) -> Block:
    # emoji: false, or ":fire:" in a brand's name would become a picture
    return {"type": "plain_text", "text": _cut(text, limit), "emoji": False}


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
