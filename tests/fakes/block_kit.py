"""What Slack takes, written from its documentation and not from the program: `faults` of anything a person is shown.

The fake Slack refuses by it, and the tests of hostile posts hold every payload against it. Numbers and shapes:
docs.slack.dev/reference/block-kit (blocks, block elements, composition objects), docs.slack.dev/reference/views, and for
the sum over all blocks, which is documented nowhere, slackapi/bolt-js#2509 and #2867.

`acts` is the other half: what in a text that Slack parses would call somebody, link, draw a picture or change the style.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

REFUSED_NEAR = 13_200  # bytes of all blocks of a message
OURS = 9_000  # what METHODS §1 allows itself of them
SENTENCE = 400  # characters of a message's `text`; ours, too

Thing = Mapping[str, Any]

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029"  # controls; tab and line feed are words' own
    "\u202a-\u202e\u2066-\u2069"  # embeddings, overrides, isolates
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_BLANK = re.compile("[\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]*")  # fmt: skip


def faults(shown: Thing) -> list[str]:
    """What is wrong with a message (`text`, `blocks`) or a view (`type` modal or home); [] where Slack takes it."""
    if shown.get("type") in ("modal", "home"):
        return list(_view(shown))
    return list(_message(shown))


def _message(shown: Thing) -> Iterator[str]:
    text, blocks = shown.get("text"), shown.get("blocks") or []
    if not isinstance(text, str) or _BLANK.fullmatch(text):
        yield "text: there is nothing to read out"
    else:
        yield from _string("text", text, 40_000)
    if size(blocks) > REFUSED_NEAR:
        yield f"blocks: {size(blocks)} bytes"
    yield from _blocks(blocks, 50, _MESSAGE_BLOCKS)


def _view(view: Thing) -> Iterator[str]:
    modal = view["type"] == "modal"
    yield from _unknown("view", view, {"type", "blocks", "private_metadata", "callback_id", "title", "submit", "close", "external_id", "clear_on_close", "notify_on_close", "id"})  # fmt: skip
    if modal:
        yield from _text("view.title", view.get("title"), 24, plain=True)
    for name in ("submit", "close"):
        if name in view:
            yield from _text(f"view.{name}", view[name], 24, plain=True)
    if any(block.get("type") == "input" for block in view["blocks"]) and modal and "submit" not in view:
        yield "view: asks for something and cannot be sent"
    yield from _string("view.private_metadata", view.get("private_metadata", ""), 3000)
    yield from _string("view.callback_id", view.get("callback_id", ""), 255)
    yield from _blocks(view["blocks"], 100, _MESSAGE_BLOCKS | {"input": _input})


def size(blocks: Sequence[Thing]) -> int:
    """Bytes of the blocks as UTF-8 JSON."""
    return len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


def acts(text: str, colleagues: Sequence[str] = (), groups: Sequence[str] = ()) -> list[str]:
    """What Slack would do about `text` besides showing it, our own bold labels and dates and these people aside."""
    text = re.sub(r"<!date\^\d+\^\{date_short_pretty\} \{time\}\|[^<>|]*>", "", text)
    for who in colleagues:
        text = text.replace(f"<@{who}>", "")
    for group in groups:
        text = text.replace(f"<!subteam^{group}>", "")
    text = re.sub(r"^\*[^*\n]+\*\n|^\S+ \*c-[0-9A-Z]+\* ", "", text)
    found = re.findall(r"[<>]|&(?!amp;|lt;|gt;)", text)
    found += re.findall(r"@\w+|#\w+", text)
    found += re.findall(r"\w+://|(?:mailto|tel):\w|(?<=[a-z])\.(?:example|com)\b", text)
    found += re.findall(r"[*~`|]|(?<![^\W_])_\w|\w_(?![^\W_])", text)
    found += re.findall(r":[\w+'-]+:", re.sub(r"(?<!\d)\d\d:\d\d(?!\d)", "", text))
    return found


def parsed(shown: Any) -> Iterator[str]:
    """Every text of a payload that Slack reads as mark-up."""
    if isinstance(shown, Mapping):
        if "blocks" in shown and isinstance(shown.get("text"), str):
            yield shown["text"]
        if shown.get("type") == "mrkdwn":
            yield shown["text"]
        for part in shown.values():
            yield from parsed(part)
    elif isinstance(shown, (list, tuple)):
        for part in shown:
            yield from parsed(part)


def strings(shown: Any) -> Iterator[str]:
    """Every text of a payload, wherever it stands."""
    if isinstance(shown, str):
        yield shown
    elif isinstance(shown, Mapping):
        for name, part in shown.items():
            yield from strings(part) if name != "private_metadata" else ()
    elif isinstance(shown, (list, tuple)):
        for part in shown:
            yield from strings(part)


def people(shown: Any) -> Iterator[str]:
    """Every user whom a rich text names by an element of its own."""
    if isinstance(shown, Mapping):
        yield from (str(part) for name, part in shown.items() if name == "user_id")
        for part in shown.values():
            yield from people(part)
    elif isinstance(shown, (list, tuple)):
        for part in shown:
            yield from people(part)


def addresses(shown: Any) -> Iterator[str]:
    """Every address that a payload lets people open or makes Slack load."""
    if isinstance(shown, Mapping):
        yield from (str(part) for name, part in shown.items() if name in ("url", "image_url", "thumb_url"))
        for part in shown.values():
            yield from addresses(part)
    elif isinstance(shown, (list, tuple)):
        for part in shown:
            yield from addresses(part)


def is_web_address(url: str) -> bool:
    """http or https, a host, no user name, nothing but plain ASCII."""
    split = urlsplit(url)
    printable = url.isascii() and not re.search(r"[\s<>\"|`\\^{}\x00-\x1f\x7f]", url)
    return printable and split.scheme in ("http", "https") and bool(split.hostname) and "@" not in split.netloc


# Blocks


def _blocks(blocks: Sequence[Thing], most: int, known: Mapping[str, Check]) -> Iterator[str]:
    if len(blocks) > most:
        yield f"blocks: {len(blocks)} of {most}"
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(ids) != len(set(ids)):
        yield "blocks: two have the same block_id"
    for number, block in enumerate(blocks):
        place = f"blocks[{number}] {block.get('type')}"
        yield from _string(f"{place}.block_id", block.get("block_id", "-"), 255)
        check = known.get(str(block.get("type")))
        if check is None:
            yield f"{place}: no such block here"
        else:
            yield from check(place, block)


def _header(place: str, block: Thing) -> Iterator[str]:
    yield from _unknown(place, block, {"type", "block_id", "text"})
    yield from _text(place, block.get("text"), 150, plain=True)


def _section(place: str, block: Thing) -> Iterator[str]:
    yield from _unknown(place, block, {"type", "block_id", "text", "fields", "accessory", "expand"})
    if "text" in block:
        yield from _text(f"{place}.text", block["text"], 3000)
    if "fields" in block or "text" not in block:
        yield from _many(f"{place}.fields", block.get("fields", ()), 10)
    for one in block.get("fields", ()):
        yield from _text(f"{place}.fields", one, 2000)
    if "accessory" in block:
        yield from _element(f"{place}.accessory", block["accessory"], _ELEMENTS)


def _context(place: str, block: Thing) -> Iterator[str]:
    yield from _unknown(place, block, {"type", "block_id", "elements"})
    yield from _many(f"{place}.elements", block.get("elements", ()), 10)
    for one in block.get("elements", ()):
        yield from _text(f"{place}.elements", one, 2000)


def _actions(place: str, block: Thing) -> Iterator[str]:
    yield from _unknown(place, block, {"type", "block_id", "elements"})
    elements = block.get("elements", ())
    yield from _many(f"{place}.elements", elements, 25)
    ids = [one.get("action_id") for one in elements]
    if len(ids) != len(set(ids)):
        yield f"{place}: two have the same action_id"
    for number, one in enumerate(elements):
        yield from _element(f"{place}.elements[{number}]", one, _ELEMENTS)


def _rich_text(place: str, block: Thing) -> Iterator[str]:
    yield from _unknown(place, block, {"type", "block_id", "elements"})
    yield from _many(f"{place}.elements", block.get("elements", ()), 1000)
    for one in block.get("elements", ()):
        yield from _rich(place, one)


def _rich(place: str, one: Thing) -> Iterator[str]:
    kind = one.get("type")
    if kind == "text":
        yield from _unknown(place, one, {"type", "text", "style"})
        yield from _string(f"{place}.text", one.get("text"), 4000, least=1)
    elif kind == "link":
        yield from _unknown(place, one, {"type", "url", "text", "style"})
        yield from _string(f"{place}.url", one.get("url"), 3000, least=1)
        yield from _string(f"{place}.link", one.get("text", "-"), 3000, least=1)
    elif kind in ("rich_text_section", "rich_text_quote", "rich_text_list"):
        yield from _many(f"{place}.{kind}", one.get("elements", ()), 1000)
        for inner in one.get("elements", ()):
            if kind == "rich_text_list" and inner.get("type") != "rich_text_section":
                yield f"{place}: a list holds sections only"
            yield from _rich(place, inner)
    elif kind == "user":  # a colleague; whom it may name is for the tests to say (`people`)
        yield from _unknown(place, one, {"type", "user_id", "style"})
        if not re.fullmatch(r"[UW][A-Z0-9]{6,20}", str(one.get("user_id"))):
            yield f"{place}: {one.get('user_id')!r} is no user"
    else:  # usergroup, broadcast, channel, emoji, color, …: all of them act, and we use none
        yield f"{place}: an element of type {kind}"


def _table(place: str, block: Thing) -> Iterator[str]:
    yield from _unknown(place, block, {"type", "block_id", "rows", "column_settings"})
    yield from _many(f"{place}.rows", block.get("rows", ()), 100)
    yield from _many(f"{place}.column_settings", block.get("column_settings", (1,)), 20)
    for row in block.get("rows", ()):
        yield from _many(f"{place}.row", row, 20)
        for cell in row:
            if cell.get("type") != "raw_text":
                yield f"{place}: a cell of type {cell.get('type')}"
            yield from _string(f"{place}.cell", cell.get("text"), 3000, least=1)


def _chart(place: str, block: Thing) -> Iterator[str]:
    yield from _unknown(place, block, {"type", "block_id", "title", "chart"})
    yield from _string(f"{place}.title", block.get("title"), 50, least=1)
    series = block["chart"].get("series", ())
    yield from _many(f"{place}.series", series, 6)
    for one in series:
        yield from _string(f"{place}.series", one.get("name"), 20, least=1)
        yield from _many(f"{place}.data", one.get("data", ()), 20)
        labels = [point["label"] for point in one.get("data", ())]
        if len(labels) != len(set(labels)):
            yield f"{place}: two points have the same label"
        for label in labels:
            yield from _string(f"{place}.label", label, 20, least=1)


def _divider(place: str, block: Thing) -> Iterator[str]:
    yield from _unknown(place, block, {"type", "block_id"})


def _input(place: str, block: Thing) -> Iterator[str]:
    yield from _unknown(place, block, {"type", "block_id", "label", "element", "hint", "optional", "dispatch_action"})
    yield from _text(f"{place}.label", block.get("label"), 2000, plain=True)
    if "hint" in block:
        yield from _text(f"{place}.hint", block["hint"], 2000, plain=True)
    yield from _element(f"{place}.element", block.get("element", {}), _FIELDS)


# Elements


def _element(place: str, one: Thing, known: Mapping[str, Check]) -> Iterator[str]:
    yield from _string(f"{place}.action_id", one.get("action_id", "-"), 255)
    if "placeholder" in one:
        yield from _text(f"{place}.placeholder", one["placeholder"], 150, plain=True)
    if "confirm" in one:
        for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            yield from _text(f"{place}.confirm.{name}", one["confirm"].get(name), most, plain=True)
    check = known.get(str(one.get("type")))
    if check is None:
        yield f"{place}: an element of type {one.get('type')} does not belong here"
    else:
        yield from check(place, one)


def _button(place: str, one: Thing) -> Iterator[str]:
    yield from _unknown(place, one, {"type", "action_id", "text", "value", "url", "style", "accessibility_label", "confirm"})  # fmt: skip
    yield from _text(f"{place}.text", one.get("text"), 75, plain=True)
    yield from _string(f"{place}.value", one.get("value", "-"), 2000)
    yield from _string(f"{place}.url", one.get("url", "-"), 3000, least=1)
    yield from _string(f"{place}.accessibility_label", one.get("accessibility_label", "-"), 75, least=1)
    if one.get("style", "primary") not in ("primary", "danger"):
        yield f"{place}.style: {one['style']}"


def _overflow(place: str, one: Thing) -> Iterator[str]:
    yield from _unknown(place, one, {"type", "action_id", "options", "confirm"})
    yield from _options(place, one, 5)


def _select(place: str, one: Thing) -> Iterator[str]:
    yield from _options(place, one, 100)


def _choice(place: str, one: Thing) -> Iterator[str]:
    yield from _options(place, one, 10)


def _typed(place: str, one: Thing) -> Iterator[str]:
    yield from _string(f"{place}.initial_value", one.get("initial_value", ""), min(3000, one.get("max_length", 3000)))
    if not 1 <= one.get("max_length", 1) <= 3000:
        yield f"{place}.max_length: {one['max_length']}"


def _number(place: str, one: Thing) -> Iterator[str]:
    if "is_decimal_allowed" not in one:
        yield f"{place}: must say whether decimals are allowed"


def _options(place: str, one: Thing, most: int) -> Iterator[str]:
    options = one.get("options", ())
    yield from _many(f"{place}.options", options, most)
    for option in options:
        yield from _text(f"{place}.option", option.get("text"), 75, plain=one.get("type") not in ("radio_buttons", "checkboxes"))  # fmt: skip
        yield from _string(f"{place}.option.value", option.get("value"), 150, least=1)
    values = [option.get("value") for option in options]
    if len(values) != len(set(values)):
        yield f"{place}.options: two have the same value"
    chosen = [one["initial_option"]] if "initial_option" in one else one.get("initial_options", ())
    if any(option not in options for option in chosen) or ("initial_options" in one and not chosen):
        yield f"{place}: what is chosen at first is not on offer"


# Texts


def _text(place: str, thing: Any, most: int, *, plain: bool = False) -> Iterator[str]:
    if not isinstance(thing, Mapping) or thing.get("type") not in (("plain_text",) if plain else ("plain_text", "mrkdwn")):  # fmt: skip
        yield f"{place}: {thing!r:.60} is no text object for here"
        return
    extra = {"emoji"} if thing["type"] == "plain_text" else {"verbatim"}
    yield from _unknown(place, thing, {"type", "text"} | extra)
    yield from _string(place, thing.get("text"), most, least=1)
    if isinstance(thing.get("text"), str) and _BLANK.fullmatch(thing["text"]):
        yield f"{place}: looks empty"


def _string(place: str, text: Any, most: int, *, least: int = 0) -> Iterator[str]:
    if not isinstance(text, str):
        yield f"{place}: {text!r:.60} is no text"
    elif not least <= len(text) <= most:
        yield f"{place}: {len(text)} characters of {least} to {most}"
    elif found := _UNSEEN.search(text):
        yield f"{place}: holds {found[0]!r}"


def _many(place: str, things: Sequence[Any], most: int) -> Iterator[str]:
    if not 1 <= len(things) <= most:
        yield f"{place}: {len(things)} of 1 to {most}"


def _unknown(place: str, thing: Thing, known: set[str]) -> Iterator[str]:
    if extra := set(thing) - known:
        yield f"{place}: {sorted(extra)} means nothing to Slack"


def _day(path: str, element: Thing) -> Iterator[str]:
    day = element.get("initial_date", "2026-11-22")
    if not (isinstance(day, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", day)):
        yield f"{path}: initial_date is {day!r}, not a day such as 2026-11-22"


Check = Callable[[str, Thing], Iterator[str]]

_ELEMENTS: Mapping[str, Check] = {"button": _button, "overflow": _overflow, "static_select": _select}
_FIELDS: Mapping[str, Check] = {
    "static_select": _select,
    "multi_static_select": _select,
    "radio_buttons": _choice,
    "checkboxes": _choice,
    "plain_text_input": _typed,
    "number_input": _number,
    "datepicker": _day,
}
_MESSAGE_BLOCKS: dict[str, Check] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "rich_text": _rich_text,
    "table": _table,
    "divider": _divider,
    "data_visualization": _chart,
}
