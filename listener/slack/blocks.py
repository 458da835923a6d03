"""A case as one Slack message: pure, the same view gives the same bytes.

The first line decides, then the customer's own words, at most six facts, why, and the buttons. Words from outside
stand in rich_text and plain_text only; mrkdwn holds our words and Slack's date tokens, with `verbatim` so that
nothing in it becomes a link by itself. A message that would be too long is shortened in the order of `LADDER`,
first what is least missed, and never dropped: the last step always fits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from listener.cases.shelf import STEPS, PraiseState
from listener.model import CaseState, CaseView, Told
from listener.slack import limits, parts
from listener.slack.look import Look
from listener.slack.outside import clean, cut, one_line, web_address

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted: `text` for phones and screen readers, `blocks` for the rest, `metadata` to find it again."""

    text: str
    blocks: tuple[Block, ...]
    metadata: Mapping[str, Any]  # goes into the metadata's event_payload beside the notification's key


@dataclass(frozen=True, slots=True)
class Room:
    """How much of a case is shown."""

    newest: int  # characters of the newest post
    posts: int  # posts in all
    older: int  # characters of each older post
    reasons: int  # score lines and rules
    facts: int = 6


# Shortened in this order: score lines, older posts, the newest post, facts.
LADDER = (
    Room(newest=1500, posts=3, older=400, reasons=6),
    Room(newest=1500, posts=3, older=400, reasons=3),
    Room(newest=1500, posts=3, older=150, reasons=3),
    Room(newest=1500, posts=1, older=0, reasons=3),
    Room(newest=800, posts=1, older=0, reasons=3),
    Room(newest=400, posts=1, older=0, reasons=1),
    Room(newest=150, posts=1, older=0, reasons=1, facts=4),
    Room(newest=60, posts=1, older=0, reasons=0, facts=2),
)
_EMOJI_CODE = re.compile(r":[\w+'-]+:")
LINES_SHOWN = 25  # of one post; a post of a thousand line ends is cut there


def case_message(
    view: CaseView, look: Look, now: datetime, *, repeated: bool = False, budget: int = limits.BLOCKS_BUDGET
) -> Message:
    """The message of `view` as it stands at `now`, its blocks at most `budget` bytes.

    `repeated` marks a second sending that nobody could rule out to be a duplicate.
    """
    again = look.words.say("again_text", text="") if repeated else ""
    if view.mentions:
        text = again + parts.sentence(view, look, limits.TEXT_WANTED - len(again))
    else:
        text = again + look.words.say("empty", case=view.case.ref)
    blocks: tuple[Block, ...] = ()
    for room in LADDER:
        blocks = _case_blocks(view, look, now, room, repeated)
        if limits.size(blocks) <= budget:
            break
    return Message(text, blocks, {"case": view.case.ref, "rev": view.case.revision})


def _case_blocks(view: CaseView, look: Look, now: datetime, room: Room, repeated: bool) -> tuple[Block, ...]:
    case = view.case
    where = f"{case.ref}:{case.revision}"
    if not view.mentions:  # every post was purged or deleted upstream; the case and its count stay
        return (
            {"type": "section", "block_id": f"{where}:head", "text": plain(look.words.say("empty", case=case.ref))},
        )
    told = parts.leading(view)
    head = f"{parts.mark(case)} {parts.case_headline(view, look)}"
    blocks: list[Block] = [{"type": "header", "block_id": f"{where}:head", "text": plain(head, limits.HEADER_TEXT)}]
    if repeated:
        blocks.append({"type": "context", "block_id": f"{where}:again", "elements": [plain(look.words.say("again"))]})
    blocks.append({"type": "rich_text", "block_id": f"{where}:quote", "elements": _quotes(view, look, room)})
    blocks.append({"type": "section", "block_id": f"{where}:facts", "fields": _facts(view, look, now)[: room.facts]})
    reasons = [plain(reason, limits.CONTEXT_TEXT) for reason in parts.why(told, case, look, room.reasons)]
    blocks.append({"type": "context", "block_id": f"{where}:why", "elements": reasons})
    if buttons := _buttons(view, look):
        blocks.append({"type": "actions", "block_id": f"{where}:act", "elements": buttons})
    return tuple(blocks)


def quote(told: Told, look: Look, limit: int) -> Block:
    """The customer's words, untouched but for what `clean` takes away and what does not fit."""
    mention = told.mention
    whole = clean(mention.text).strip()
    shown = cut("\n".join(whole.split("\n")[:LINES_SHOWN]), limit)
    elements: list[Block] = []
    if title := one_line(mention.title, min(limit, 200)):
        elements.append({"type": "text", "text": title + ("\n" if shown else ""), "style": {"bold": True}})
    if shown:
        elements.append({"type": "text", "text": shown})
    if (missing := len(whole) - len(shown)) > 0:
        elements.append({"type": "text", "text": look.words.say("cut", count=missing), "style": {"italic": True}})
    if told.removed_at is not None:
        why = look.words.word("removed", told.removed_why)
        elements = [{"type": "text", "text": why, "style": {"italic": True}}]
    elif told.edited_at is not None:
        elements.append({"type": "text", "text": look.words.say("edited"), "style": {"italic": True}})
    if not elements:
        nothing = look.words.say("no_text", what=look.words.say("no_text_gone"))
        elements.append({"type": "text", "text": nothing, "style": {"italic": True}})
    return {"type": "rich_text_quote", "elements": elements}


def _quotes(view: CaseView, look: Look, room: Room) -> list[Block]:
    """Up to `room.posts` posts, newest last; the leading one is always among them."""
    shown = list(view.mentions[-room.posts :])
    if (lead := parts.leading(view)) not in shown:
        shown[0] = lead
    everything = max(len(view.mentions), view.case.mention_count)
    elements: list[Block] = []
    if hidden := everything - len(shown):
        note = look.words.say("hidden_one") if hidden == 1 else look.words.say("hidden", count=hidden)
        elements.append(section({"type": "text", "text": note, "style": {"italic": True}}))
    for told in shown:
        if everything > 1:
            when = look.moment(told.mention.published_at)
            line = look.words.say("quote_head", when=when, platform=look.platform(told.mention.platform))
            elements.append(section({"type": "text", "text": line, "style": {"bold": True}}))
        newest = told is shown[-1]
        elements.append(quote(told, look, room.newest if newest else room.older))
    return elements


def _facts(view: CaseView, look: Look, now: datetime) -> list[Block]:
    """Most important first, because shortening cuts from the end. Fields that hold outside words are plain."""
    case, told, newest = view.case, parts.leading(view), view.mentions[-1]
    praise = parts.kind(told.verdict) == "praise"
    facts = [_fact("status", parts.status(case, look), look)]
    if (when := parts.due(case, look, now)) is not None:
        facts.append(_fact("thank_by" if praise else "due", when, look))
    facts.append(_outside_fact("author", parts.author(view, look), look))
    facts.append(_outside_fact("where", parts.where(newest, look), look))
    facts.append(_fact("stage", parts.stage(told.verdict, look), look))
    if praise:
        facts.append(_fact("response", look.words.say("thank"), look))
    else:
        facts.append(_fact("sentiment", parts.sentiment(told.verdict, look), look))
    return facts


def _fact(key: str, said: str, look: Look) -> Block:
    return mrkdwn(f"*{look.words.word('fact', key)}*\n{said}")


def _outside_fact(key: str, said: str, look: Look) -> Block:
    return plain(f"{look.words.word('fact', key)}\n{said}", 600)


def _buttons(view: CaseView, look: Look) -> list[Block]:
    case, word = view.case, look.words.word
    value = f"{case.ref}:{case.revision}"
    praise = parts.kind(parts.leading(view).verdict) == "praise"
    closed = case.state in parts.CLOSED
    link = reply_button(view.mentions, value, look, "read" if closed else "thank" if praise else "reply")
    links = [link] if link else []
    if not look.interactive:
        return links
    if closed:
        shelf = [_shelf_menu(view, look)] if view.shelf or (praise and case.state is CaseState.RESOLVED) else []
        return [button("case_reopen", word("button", "reopen"), value), *links, *shelf]
    claim = button("case_claim", word("button", "claim"), value)
    claim["accessibility_label"] = cut(word("button", "claim_label").format(case=case.ref), limits.ACCESSIBILITY_LABEL)
    claims = [claim] if case.state is CaseState.NEW else []
    answered = case.state in (CaseState.REPLIED, CaseState.WAITING)
    resolve = button("case_resolve", word("button", "resolve"), value)
    if praise:
        thanked = resolve if answered else button("case_replied", word("button", "thanked"), value)
        irrelevant = button("case_irrelevant", word("button", "irrelevant"), value)
        return [*links, *claims, thanked, irrelevant, _shelf_menu(view, look)]
    if claims:
        claim["style"] = "primary"
    # What comes next in the life of a case is a button, what is rarer stands in the menu, which takes five.
    following = {CaseState.CLAIMED: "replied", CaseState.REPLIED: "wait", CaseState.SNOOZED: "wake"}.get(case.state)
    next_step = [button(f"case_{following}", word("button", following), value)] if following else []
    snooze = [] if case.state is CaseState.SNOOZED else [button("case_snooze", word("button", "snooze"), value)]
    fourth = "replied" if case.state in (CaseState.NEW, CaseState.WAITING, CaseState.SNOOZED) else "release"
    deeds = ("edit", "irrelevant", "escalate", fourth, "explain")
    options = [{"text": plain(word("button", deed), limits.OPTION_TEXT), "value": f"{deed}:{value}"} for deed in deeds]
    more = {"type": "overflow", "action_id": "case_more", "options": options}
    return [*claims, *next_step, *links, *snooze, resolve, more]


def _shelf_menu(view: CaseView, look: Look) -> Block:
    """What may be done with praise on its way to being shown."""
    value = f"{view.case.ref}:{view.case.revision}"
    steps = [step.value for step in STEPS[PraiseState(view.shelf) if view.shelf else None]]
    options = [
        {"text": plain(look.words.word("button", step), limits.OPTION_TEXT), "value": f"{step}:{value}"}
        for step in (*steps, "explain")
    ]
    return {"type": "overflow", "action_id": "case_more", "options": options}


def reply_button(mentions: Sequence[Told], value: str, look: Look, key: str) -> Block | None:
    """The button that opens the newest post that has a usable address, or a window to answer it; None where none has one."""
    for told in reversed(mentions):
        if url := web_address(told.mention.url, limits.BUTTON_URL):
            if look.interactive and told.mention.platform in look.replies and key != "read" and told.removed_at is None:
                return _answer_button(told, value, look, {"thank": "thank_there"}.get(key, "answer"))
            label = look.words.word("button", key).format(platform=look.platform(told.mention.platform))
            return {
                **button("case_reply", label, value),
                "url": url,
                "accessibility_label": cut(look.words.word("button", "reply_label"), limits.ACCESSIBILITY_LABEL),
            }
    return None


def _answer_button(told: Told, value: str, look: Look, key: str) -> Block:
    label = look.words.word("button", key).format(platform=look.platform(told.mention.platform))
    says = cut(look.words.word("button", "answer_label"), limits.ACCESSIBILITY_LABEL)
    return {**button("case_answer", label, value), "accessibility_label": says}


def button(action_id: str, label: str, value: str) -> Block:
    """A button; `value` is the case and the revision that its message showed."""
    return {"type": "button", "action_id": action_id, "value": value, "text": plain(label, limits.BUTTON_TEXT)}


def plain(text: str, limit: int = limits.FIELD_TEXT) -> Block:
    """A text object in which Slack reads no markup: no emoji codes either, in the few that hold one."""
    shown: Block = {"type": "plain_text", "text": cut(text, limit)}
    return {**shown, "emoji": False} if _EMOJI_CODE.search(text) else shown


def mrkdwn(text: str) -> Block:
    """A text object of our own words. `verbatim`: no address or name in it becomes a link by itself."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def section(*elements: Block) -> Block:
    """One line of rich text."""
    return {"type": "rich_text_section", "elements": list(elements)}
