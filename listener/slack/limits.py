"""Slack's limits as named numbers with their sources, and `problems`, which checks a message against them.

Slack answers an over-long message with one word (`invalid_blocks`), after the fact. `problems` says which block
and which number, before. The tests hold every message that this program can produce against it, and the fake
Slack refuses by it. Sources: slack_sdk/models/blocks (validators), docs.slack.dev/reference/block-kit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

BLOCKS = 50  # a message; docs.slack.dev/reference/block-kit/blocks
BLOCK_ID = 255
ACTION_ID = 255
HEADER_TEXT = 150
SECTION_TEXT = 3000
SECTION_FIELDS = 10
FIELD_TEXT = 2000
CONTEXT_ELEMENTS = 10
CONTEXT_TEXT = 2000  # images aside; the same as a field's text
ACTIONS_ELEMENTS = 25
BUTTON_TEXT = 75
BUTTON_VALUE = 2000
BUTTON_URL = 3000
ACCESSIBILITY_LABEL = 75
OVERFLOW_OPTIONS = 5
OPTION_TEXT = 75
OPTION_VALUE = 150
TABLE_ROWS = 100
TABLE_COLUMNS = 20
TEXT = 40_000  # cut there; chat.postMessage
TEXT_WANTED = 400  # ours: a phone shows less, a screen reader reads all of it

# Undocumented: the sum over all blocks is refused with `msg_blocks_too_long` somewhere between 11,300 and 13,200
# characters (slackapi/bolt-js#2509, #2867). We stay well below it, and count bytes, which are never fewer.
BLOCKS_TOTAL = 13_200
BLOCKS_BUDGET = 9_000
BLOCKS_SHORTER = (4_500, 2_000)  # what is tried after `msg_blocks_too_long`, before the text alone

Block = Mapping[str, Any]


def size(blocks: Sequence[Block]) -> int:
    """Bytes of `blocks` as compact UTF-8 JSON."""
    return len(json.dumps(list(blocks), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def problems(payload: Mapping[str, Any]) -> list[str]:
    """Everything about `payload` (`text`, `blocks`) that Slack would refuse or cut, one sentence each; [] if fine."""
    return list(_problems(payload))


def _problems(payload: Mapping[str, Any]) -> Iterator[str]:
    text, blocks = payload.get("text") or "", payload.get("blocks") or []
    if not text:
        yield "text: is empty; phones and screen readers have nothing to show"
    yield from _length("text", text, TEXT)
    if len(blocks) > BLOCKS:
        yield f"blocks: {len(blocks)}, allowed {BLOCKS}"
    if (total := size(blocks)) > BLOCKS_TOTAL:
        yield f"blocks: {total} bytes in all, refused near {BLOCKS_TOTAL}"
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(ids) != len(set(ids)):
        yield "blocks: a block_id stands twice"
    for number, block in enumerate(blocks):
        where = f"blocks[{number}] {block.get('type', '?')}"
        yield from _length(f"{where}.block_id", block.get("block_id", "-"), BLOCK_ID)
        check = _CHECKS.get(block.get("type", ""))
        if check is None:
            yield f"{where}: unknown type"
        else:
            yield from check(where, block)


def _length(where: str, text: Any, most: int) -> Iterator[str]:
    if not isinstance(text, str):
        yield f"{where}: not a text"
    elif len(text) > most:
        yield f"{where}: {len(text)} characters, allowed {most}"
    elif any("\ud800" <= letter <= "\udfff" or letter == "\0" for letter in text):
        yield f"{where}: holds a lone surrogate or NUL"


def _text(where: str, thing: Any, most: int, plain_only: bool = False) -> Iterator[str]:
    kinds = ("plain_text",) if plain_only else ("plain_text", "mrkdwn")
    if not isinstance(thing, Mapping) or thing.get("type") not in kinds:
        yield f"{where}: must be a text object ({' or '.join(kinds)})"
        return
    if not thing.get("text"):
        yield f"{where}: is empty"
    yield from _length(where, thing.get("text"), most)


def _header(where: str, block: Block) -> Iterator[str]:
    yield from _text(f"{where}.text", block.get("text"), HEADER_TEXT, plain_only=True)


def _section(where: str, block: Block) -> Iterator[str]:
    fields = block.get("fields", ())
    if "text" not in block and not fields:
        yield f"{where}: has neither text nor fields"
    if "text" in block:
        yield from _text(f"{where}.text", block["text"], SECTION_TEXT)
    if len(fields) > SECTION_FIELDS:
        yield f"{where}.fields: {len(fields)}, allowed {SECTION_FIELDS}"
    for number, one in enumerate(fields):
        yield from _text(f"{where}.fields[{number}]", one, FIELD_TEXT)


def _context(where: str, block: Block) -> Iterator[str]:
    elements = block.get("elements", ())
    if not 1 <= len(elements) <= CONTEXT_ELEMENTS:
        yield f"{where}.elements: {len(elements)}, allowed 1 to {CONTEXT_ELEMENTS}"
    for number, one in enumerate(elements):
        if one.get("type") != "image":
            yield from _text(f"{where}.elements[{number}]", one, CONTEXT_TEXT)


def _actions(where: str, block: Block) -> Iterator[str]:
    elements = block.get("elements", ())
    if not 1 <= len(elements) <= ACTIONS_ELEMENTS:
        yield f"{where}.elements: {len(elements)}, allowed 1 to {ACTIONS_ELEMENTS}"
    ids = [one.get("action_id") for one in elements]
    if len(ids) != len(set(ids)):
        yield f"{where}: an action_id stands twice"
    for number, one in enumerate(elements):
        place = f"{where}.elements[{number}]"
        yield from _length(f"{place}.action_id", one.get("action_id", "-"), ACTION_ID)
        if one.get("type") == "overflow":
            options = one.get("options", ())
            if not 1 <= len(options) <= OVERFLOW_OPTIONS:
                yield f"{place}.options: {len(options)}, allowed 1 to {OVERFLOW_OPTIONS}"
            for option in options:
                yield from _text(f"{place}.options", option.get("text"), OPTION_TEXT, plain_only=True)
                yield from _length(f"{place}.options.value", option.get("value"), OPTION_VALUE)
            continue
        yield from _text(f"{place}.text", one.get("text"), BUTTON_TEXT, plain_only=True)
        yield from _length(f"{place}.value", one.get("value", "-"), BUTTON_VALUE)
        yield from _length(f"{place}.url", one.get("url", "-"), BUTTON_URL)
        yield from _length(f"{place}.accessibility_label", one.get("accessibility_label", "-"), ACCESSIBILITY_LABEL)


def _rich_text(where: str, block: Block) -> Iterator[str]:
    """Rich text nests; every text element must hold a text that is not empty."""
    stack: list[Any] = list(block.get("elements", ()))
    if not stack:
        yield f"{where}: has no elements"
    while stack:
        one = stack.pop()
        if one.get("type") == "text":
            if not one.get("text"):
                yield f"{where}: an empty text element"
            yield from _length(f"{where}.text", one.get("text"), TEXT)
        elif one.get("type") == "link":
            yield from _length(f"{where}.url", one.get("url"), BUTTON_URL)
        elif "elements" in one:
            if not one["elements"]:
                yield f"{where}: an element of type {one.get('type')} is empty"
            stack.extend(one["elements"])


def _table(where: str, block: Block) -> Iterator[str]:
    rows = block.get("rows", ())
    if not 1 <= len(rows) <= TABLE_ROWS:
        yield f"{where}.rows: {len(rows)}, allowed 1 to {TABLE_ROWS}"
    if any(not 1 <= len(row) <= TABLE_COLUMNS for row in rows):
        yield f"{where}.rows: a row with more than {TABLE_COLUMNS} columns, or none"


def _free(where: str, block: Block) -> Iterator[str]:
    """Blocks without a limit that we could break (divider), or that only their renderer knows (chart, image)."""
    return iter(())


_CHECKS = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "rich_text": _rich_text,
    "table": _table,
    "divider": _free,
    "image": _free,
    "data_visualization": _free,
}
