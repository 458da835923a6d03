"""The windows that a click opens, and what was entered in them. Pure: the same case gives the same window.

What belongs to the click (case, revision, where to answer) travels in `private_metadata`; a window that stays open
while the case changes is refused like any other old revision.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from listener.cases.deeds import Deed, Snooze, Wish
from listener.model import CaseView
from listener.slack import limits, parts
from listener.slack.blocks import Block, plain
from listener.slack.look import Look
from rules.vocabulary import Stage, Urgency

HOURS = {"1h": timedelta(hours=1), "4h": timedelta(hours=4)}
REASONS = ("not_us", "own", "spam", "language", "duplicate", "other")
MOODS = ("negative", "neutral", "positive")
TITLE = 24  # characters; docs.slack.dev/reference/views/modal-views
OPTIONS = 100  # of a select; docs.slack.dev/reference/block-kit/block-elements


@dataclass(frozen=True, slots=True)
class Origin:
    """Which case a window is about, which revision its message showed, and where its answer goes."""

    case: str
    revision: int
    channel: str = ""
    response_url: str = ""
    home: bool = False

    def text(self) -> str:
        """As JSON, for `private_metadata`."""
        return json.dumps(asdict(self), separators=(",", ":"))


def origin_of(view: Mapping[str, Any]) -> Origin:
    """Back from a submitted window. Raises ValueError, TypeError."""
    return Origin(**json.loads(view["private_metadata"]))


def snooze(origin: Origin, look: Look, opening: datetime | None) -> Block:
    """Until when a case sleeps."""
    word = look.words.word
    choices = ["1h", "4h", *(["opening"] if opening is not None else []), "next_post", "authors"]
    options = [_option(word("until", one), one) for one in choices]
    radio = {"type": "radio_buttons", "action_id": "until", "options": options, "initial_option": options[0]}
    number = {
        "type": "number_input",
        "action_id": "authors",
        "is_decimal_allowed": False,
        "min_value": "1",
        "max_value": "1000",
        "initial_value": "5",
    }
    return _window(
        "case_snooze",
        origin,
        look,
        [
            _input("until", word("ask", "until"), radio),
            _input("authors", word("ask", "authors"), number, optional=True),
        ],
    )


def read_snooze(entered: Mapping[str, Any], now: datetime, opening: datetime | None) -> Snooze | str:
    """What was chosen, or the key of what is wrong with it."""
    until = _chosen(entered, "until")
    if until in HOURS:
        return Snooze(now + HOURS[until])
    if until == "opening" and opening is not None:
        return Snooze(opening)
    if until == "authors":
        number = str(_value(entered, "authors").get("value") or "")
        return Snooze(authors=int(number)) if number.isascii() and number.isdigit() and int(number) else "need_number"
    return Snooze(next_post=True)


def irrelevant(origin: Origin, look: Look) -> Block:
    """Why a case is not relevant."""
    word = look.words.word
    why = {
        "type": "static_select",
        "action_id": "why",
        "options": [_option(word("irrelevant", one), one) for one in REASONS],
        "initial_option": _option(word("irrelevant", REASONS[0]), REASONS[0]),
    }
    words = {"type": "plain_text_input", "action_id": "exclude", "max_length": 100}
    return _window(
        "case_irrelevant",
        origin,
        look,
        [
            _input("why", word("ask", "why"), why),
            _input_reason(look),
            _input("exclude", word("ask", "exclude"), words, optional=True),
        ],
    )


def read_irrelevant(entered: Mapping[str, Any]) -> str:
    """The reason as a label keeps it: our word, and what the person wrote."""
    why, more = _chosen(entered, "why") or REASONS[-1], _reason(entered)
    return f"{why}: {more}" if more else why


def read_exclude(entered: Mapping[str, Any]) -> str:
    """The words whose exclusion is to be tried, "" for none."""
    return " ".join(str(_value(entered, "exclude").get("value") or "").split())[:100]


def edit(origin: Origin, view: CaseView, look: Look, touchpoints: Sequence[str]) -> Block:
    """Stage, urgency, sentiment and touchpoints of the post that leads, as they stand."""
    word, verdict = look.words.word, parts.leading(view).verdict
    stages = [_option(look.stage(stage), stage.value) for stage in Stage]
    levels = [_option(word("urgency", level.word), level.word) for level in sorted(Urgency, reverse=True)]
    moods = [_option(word("sentiment", mood), mood) for mood in MOODS]
    known = list(dict.fromkeys([*verdict.touchpoints, *touchpoints]))[:OPTIONS]
    contacts = [_option(word("touchpoint", name), name) for name in known]
    several: dict[str, Any] = {"type": "multi_static_select", "action_id": "touchpoints", "options": contacts}
    if verdict.touchpoints:
        several["initial_options"] = [one for one in contacts if one["value"] in verdict.touchpoints]
    return _window(
        "case_edit",
        origin,
        look,
        [
            _input("stage", word("ask", "stage"), _select("stage", stages, verdict.stage.value)),
            _input("urgency", word("ask", "urgency"), _select("urgency", levels, view.case.urgency.word)),
            _input("sentiment", word("ask", "sentiment"), _select("sentiment", moods, verdict.sentiment_label)),
            _input("touchpoints", word("ask", "touchpoints"), several, optional=True),
            _input_reason(look),
        ],
    )


def read_edit(entered: Mapping[str, Any], view: CaseView, who: str, revision: int) -> Wish | None:
    """The correction, with what differs from the case as it stands; None where nothing does."""
    verdict = parts.leading(view).verdict
    changes: dict[str, Any] = {}
    stage, mood, level = (_chosen(entered, name) for name in ("stage", "sentiment", "urgency"))
    chosen = _value(entered, "touchpoints").get("selected_options") or ()
    touchpoints = sorted(str(one["value"]) for one in chosen)
    if stage and stage != verdict.stage.value:
        changes["stage"] = Stage(stage).value
    if mood in MOODS and mood != verdict.sentiment_label:
        changes["sentiment"] = mood
    if touchpoints != sorted(verdict.touchpoints):
        changes["touchpoints"] = touchpoints
    urgency = Urgency.of(level) if level and level != view.case.urgency.word else None
    if not changes and urgency is None:
        return None
    reason = _reason(entered)
    return Wish(Deed.CORRECT, who, "slack", revision, reason, urgency=urgency, changes=changes)


def shown(title: str, blocks: Sequence[Block], look: Look) -> Block:
    """A window that only shows something."""
    close = plain(look.words.word("ask", "back"), TITLE)
    return {"type": "modal", "title": plain(title, TITLE), "close": close, "blocks": list(blocks)}


def _window(callback: str, origin: Origin, look: Look, blocks: list[Block]) -> Block:
    word = look.words.word
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": origin.text(),
        "title": plain(word("ask", f"{callback}_title").format(case=origin.case), TITLE),
        "submit": plain(word("ask", "submit"), TITLE),
        "close": plain(word("ask", "close"), TITLE),
        "blocks": blocks,
    }


def _input(block_id: str, label: str, element: Block, optional: bool = False) -> Block:
    return {
        "type": "input",
        "block_id": block_id,
        "optional": optional,
        "label": plain(label, limits.FIELD_TEXT),
        "element": element,
    }


def _input_reason(look: Look) -> Block:
    text = {"type": "plain_text_input", "action_id": "reason", "multiline": True, "max_length": 500}
    return _input("reason", look.words.word("ask", "reason"), text, optional=True)


def _select(action_id: str, options: Sequence[Block], now: str) -> Block:
    element: Block = {"type": "static_select", "action_id": action_id, "options": list(options)}
    if (initial := next((one for one in options if one["value"] == now), None)) is not None:
        element["initial_option"] = initial
    return element


def _option(text: str, value: str) -> Block:
    return {"text": plain(text[:1].upper() + text[1:], limits.OPTION_TEXT), "value": value[: limits.OPTION_VALUE]}


def _value(entered: Mapping[str, Any], block_id: str) -> Mapping[str, Any]:
    """What stands in the one field of a block."""
    return next(iter((entered.get(block_id) or {}).values()), {})


def _chosen(entered: Mapping[str, Any], block_id: str) -> str:
    return str((_value(entered, block_id).get("selected_option") or {}).get("value") or "")


def _reason(entered: Mapping[str, Any]) -> str:
    return str(_value(entered, "reason").get("value") or "").strip()[:500]
