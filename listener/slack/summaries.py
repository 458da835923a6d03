"""Many cases as one message: those that were held over quiet hours, or the ones of a storm.

One line a case: its headline, the first of the customer's words, where the post is, what the case is called. Words
from outside stand in rich_text alone. What does not fit is counted, and the message says where all of them are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from listener.model import Case, CaseState, CaseView, Summary
from listener.slack import limits, parts
from listener.slack.blocks import Block, plain
from listener.slack.look import Look
from listener.slack.outside import defuse_within, one_line, web_address
from rules.vocabulary import Urgency

WORDS = 80  # characters of a post
ADDRESS = 300  # characters of a link; a longer one is left out, the case is found by its name
LADDER = ((15, WORDS), (15, 40), (10, 40), (6, 40), (3, 40), (1, 20), (0, 0))  # (cases, characters of each post)


def summary_parts(summary: Summary, look: Look, budget: int) -> tuple[str, list[Block], Mapping[str, Any]]:
    """The text, the blocks (at most `budget` bytes) and the metadata of a summary."""
    head = _head(summary, look)
    levels = _levels(summary.levels, look)
    text = f"{head}: {levels}."
    if summary.cases:
        text += " " + look.words.say("summary_first", headline=parts.case_headline(summary.cases[0], look))
    blocks: list[Block] = []
    for most, words in LADDER:
        blocks = list(_blocks(summary, look, head, levels, most, words))
        if limits.size(blocks) <= budget:
            break
    return defuse_within(text, limits.TEXT_WANTED - 80), blocks, {"cases": summary.total}


def _head(summary: Summary, look: Look) -> str:
    one = "_one" if summary.total == 1 else ""
    return look.words.say(f"summary_{summary.why}{one}", count=summary.total)


def _levels(levels: Mapping[Urgency, int], look: Look) -> str:
    found = sorted(((level, count) for level, count in levels.items() if count), reverse=True)
    return ", ".join(f"{count} {look.words.word('urgency', level.word).lower()}" for level, count in found) or "0"


def _blocks(summary: Summary, look: Look, head: str, levels: str, most: int, words: int) -> Iterator[Block]:
    mark = parts.MARKS[max(summary.levels, default=Urgency.NORMAL)]
    yield {"type": "header", "text": plain(f"{mark} {head}", limits.HEADER_TEXT)}
    yield {"type": "context", "elements": [plain(levels, 200)]}
    shown = summary.cases[:most]
    if shown:
        lines = [{"type": "rich_text_section", "elements": list(_line(view, look, words))} for view in shown]
        yield {"type": "rich_text", "elements": [{"type": "rich_text_list", "style": "bullet", "elements": lines}]}
    hidden = summary.total - len(shown)
    more = look.words.say("summary_more", count=hidden) + " " if hidden > 0 else ""
    yield {"type": "context", "elements": [plain(more + look.words.say("summary_all"), 300)]}


def _line(view: CaseView, look: Look, words: int) -> Iterator[Block]:
    case = view.case
    if not view.mentions:
        yield _text(look.words.say("empty", case=case.ref), italic=True)
        return
    told = parts.leading(view)
    yield _text(one_line(f"{parts.mark(case)} {parts.case_headline(view, look)}", 130), bold=True)
    if told.removed_at is not None:
        yield _text(" " + look.words.word("removed", told.removed_why), italic=True)
    elif said := one_line(told.mention.text or told.mention.title, words):
        yield _text(f" “{said}”")
    platform = look.platform(told.mention.platform)
    yield _text(" · ")
    if url := web_address(told.mention.url, ADDRESS):
        yield {"type": "link", "url": url, "text": platform}
    else:
        yield _text(platform)
    yield _text(f" · {case.ref}")
    if case.state is not CaseState.NEW and case.state not in parts.CLOSED:  # a closed one's headline says so
        yield from _state(case, look)


def _state(case: Case, look: Look) -> Iterator[Block]:
    state = look.words.word("state", case.state.value)
    if not case.owner:
        yield _text(f" · {state}")
        return
    before, _, behind = look.words.say("by_owner", state=state, owner="\0").partition("\0")
    yield _text(f" · {before}")
    yield (
        {"type": "user", "user_id": case.owner} if parts.is_slack_user(case.owner) else _text(one_line(case.owner, 60))
    )
    if behind:
        yield _text(behind)


def _text(text: str, **style: bool) -> Block:
    return {"type": "text", "text": text, **({"style": style} if style else {})}
