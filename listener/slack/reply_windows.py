"""The two windows of a public reply: one to write it, one that shows exactly what will be published. Pure.

What belongs to the reply travels in `private_metadata`, its text too once it was written: what a person saw in the second
window is, letter for letter, what is kept when they press "Publish".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from connectors.base import Voice
from connectors.text import clean
from listener.model import Told
from listener.slack import limits, parts
from listener.slack.blocks import Block, plain, quote, section
from listener.slack.look import Look
from listener.slack.outside import clean as without_signs_that_act
from listener.slack.outside import one_line, web_address

WRITE, PUBLISH = "reply_write", "reply_publish"  # callback ids
SAVED = "reply_saved"  # action id
MOST = 2000  # characters in one window, whatever the platform takes: it travels in the metadata
METADATA = 3000  # characters, counted as UTF-16; docs.slack.dev/reference/views/modal-views
TITLE = 24

Measure = Callable[[str, str], tuple[int, int]]  # (source, text) -> its length and the most, as the platform counts


@dataclass(frozen=True, slots=True)
class Errand:
    """What one reply is about."""

    case: str
    revision: int
    mention: str  # reference
    source: str
    platform: str
    account: str
    key: str  # one errand is one reply
    channel: str = ""
    response_url: str = ""
    text: str = ""

    def packed(self) -> str:
        """As JSON, for `private_metadata`."""
        return json.dumps(asdict(self), separators=(",", ":"), ensure_ascii=False)


def errand_of(view: Mapping[str, Any]) -> Errand:
    """Back from a submitted window. Raises ValueError, TypeError."""
    return Errand(**json.loads(view["private_metadata"]))


def write(
    errand: Errand,
    told: Told,
    voice: Voice,
    look: Look,
    saved: Sequence[str] = (),
    begun: tuple[str, int] | None = None,
) -> Block:
    """The customer's post, saved replies to begin with, a field, and how long a reply may be.

    `begun`: a saved reply was chosen, for the how-manieth time. The field's block then has another id, since Slack
    keeps what was typed into a block that stays the same.
    """
    word = look.words.word
    platform = look.platform(errand.platform)
    field: Block = {
        "type": "plain_text_input",
        "action_id": "text",
        "multiline": True,
        "max_length": MOST,
        "focus_on_load": True,
    }
    turn = 0
    if begun is not None:
        text, turn = begun
        field["initial_value"] = without_signs_that_act(text)[:MOST]
    elif opening := one_line(voice.opening, 200):  # it names the customer
        field["initial_value"] = f"{opening} "
    hint = word("ask", "reply_hint").format(longest=voice.longest, platform=platform)
    return _window(
        WRITE,
        errand,
        (word("ask", "reply_title"), word("ask", "preview"), word("ask", "close")),
        [
            *_post(told, look),
            *_offered(saved, look),
            {
                "type": "input",
                "block_id": f"text_{turn}" if turn else "text",
                "label": plain(word("ask", "reply_text").format(account=one_line(errand.account, 100)), 200),
                "hint": plain(hint, 200),
                "element": field,
            },
            *_rule(errand.platform, look),
        ],
    )


def turn_of(view: Mapping[str, Any]) -> int:
    """How often a saved reply was chosen in this window."""
    ids = (str(block.get("block_id") or "") for block in view.get("blocks") or () if block.get("type") == "input")
    turns = [one.removeprefix("text_") for one in ids if one.startswith("text_")]
    return int(turns[0]) if turns and turns[0].isdecimal() else 0


def wrong(view: Mapping[str, Any], measure: Measure, look: Look) -> dict[str, str]:
    """What keeps the text from being published, by block."""
    errand = _written(view)
    word, block = look.words.word, _text_block(view)
    if not errand.text:
        return {block: word("ask", "reply_empty")}
    count, longest = measure(errand.source, errand.text)
    if count > longest:
        said = word("ask", "reply_long")
        return {block: said.format(platform=look.platform(errand.platform), count=count, longest=longest)}
    if len(errand.packed().encode("utf-16-le")) // 2 > METADATA:
        return {block: word("ask", "reply_too_long")}
    return {}


def preview(view: Mapping[str, Any], look: Look) -> Block:
    """Exactly what will be published, where and as whom."""
    errand, word = _written(view), look.words.word
    head = word("ask", "exactly").format(platform=look.platform(errand.platform), account=one_line(errand.account, 100))
    return _window(
        PUBLISH,
        errand,
        (word("ask", "publish_title"), word("ask", "publish"), word("ask", "go_back")),
        [
            {
                "type": "rich_text",
                "block_id": "exactly",
                "elements": [
                    section({"type": "text", "text": head, "style": {"bold": True}}),
                    {"type": "rich_text_quote", "elements": [{"type": "text", "text": errand.text}]},
                ],
            },
            *_rule(errand.platform, look),
        ],
    )


def cannot(case: str, why: str, told: Told | None, look: Look) -> Block:
    """Why not, and the way to the post."""
    word = look.words.word
    blocks: list[Block] = [{"type": "section", "text": plain(why, 1000)}]
    if told is not None:
        blocks += _post(told, look)
    return {
        "type": "modal",
        "title": plain(word("ask", "cannot_title").format(case=case), TITLE),
        "close": plain(word("ask", "back"), TITLE),
        "blocks": blocks,
    }


def _written(view: Mapping[str, Any]) -> Errand:
    field: Mapping[str, Any] = next(iter((view["state"]["values"].get(_text_block(view)) or {}).values()), {})
    return replace(errand_of(view), text=clean(without_signs_that_act(str(field.get("value") or ""))))


def _text_block(view: Mapping[str, Any]) -> str:
    return next((block for block in view["state"]["values"] if block.startswith("text")), "text")


def _offered(saved: Sequence[str], look: Look) -> list[Block]:
    if not saved:
        return []
    options = [{"text": plain(name, limits.OPTION_TEXT), "value": name[: limits.OPTION_VALUE]} for name in saved]
    menu: Block = {
        "type": "static_select",
        "action_id": SAVED,
        "placeholder": plain(look.words.word("ask", "reply_saved"), 100),
        "options": options[:100],
    }
    return [{"type": "actions", "block_id": "saved", "elements": [menu]}]


def _post(told: Told, look: Look) -> list[Block]:
    """The customer's words, where they stand, and a link there."""
    blocks: list[Block] = [
        {"type": "rich_text", "block_id": "post", "elements": [quote(told, look, 900)]},
        {
            "type": "context",
            "block_id": "where",
            "elements": [plain(f"{parts.author_name(told, look)} · {parts.where(told, look)}", 300)],
        },
    ]
    if url := web_address(told.mention.url, limits.BUTTON_URL):
        label = look.words.word("button", "read").format(platform=look.platform(told.mention.platform))
        link = {"type": "button", "action_id": "case_reply", "url": url, "text": plain(label, limits.BUTTON_TEXT)}
        blocks.append({"type": "actions", "block_id": "there", "elements": [link]})
    return blocks


def _rule(platform: str, look: Look) -> list[Block]:
    if not look.words.has("reply_rule", platform):
        return []
    return [{"type": "context", "block_id": "rule", "elements": [plain(look.words.word("reply_rule", platform), 300)]}]


def _window(callback: str, errand: Errand, words: tuple[str, str, str], blocks: list[Block]) -> Block:
    title, submit, close = words
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": errand.packed(),
        "title": plain(title.format(case=errand.case), TITLE),
        "submit": plain(submit, TITLE),
        "close": plain(close, TITLE),
        "blocks": blocks,
    }
