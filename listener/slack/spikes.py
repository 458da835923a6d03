"""A spike as one live message, and the short entry that a case of its kind is in its thread. Pure.

First line: what, how many authors in how long, how many are usual. Then what was observed and expected, the shape, the mix,
stage and touchpoint, words that are new; up to three examples with their links; why, with the baseline and whether
all sources collect. Words from outside stand in rich_text and plain_text only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from listener.model import CaseState, CaseView, SpikeState, SpikeView, Told
from listener.slack import limits, parts
from listener.slack.blocks import Block, button, mrkdwn, plain, quote, reply_button, section
from listener.slack.look import Look
from listener.slack.outside import cut, defuse, defuse_within, one_line, web_address

LADDER = ((3, 160), (3, 80), (2, 60), (1, 60), (0, 0))  # (examples, characters of each)
ADDRESS = 300  # characters of a link; a longer one is left out
_MARKS = {SpikeState.ENDED: "✅", SpikeState.EXPECTED: "⚪", SpikeState.FALSE: "⚪"}
_STATES = ("claim", "end", "expected", "false")  # what the menu offers; the words of `listener spikes`


def spike_parts(view: SpikeView, look: Look, budget: int) -> tuple[str, list[Block], Mapping[str, Any]]:
    """The text, the blocks (at most `budget` bytes) and the metadata of a spike's message."""
    spike = view.spike
    head = _head(view, look)
    text = [head + "."]
    if words := _words(view, look):
        text.append(f"{_say(look, 'fact_words')}: {words}.")
    text += [_folded(view, look), _owner(view, look)]
    blocks: list[Block] = []
    for most, letters in LADDER:
        blocks = list(_blocks(view, look, head, most, letters))
        if limits.size(blocks) <= budget:
            break
    said = defuse_within(" ".join(one for one in text if one), limits.TEXT_WANTED - 80)
    return said, blocks, {"spike": spike.ref, "rev": spike.revision}


def entry_parts(view: CaseView, spike: str, look: Look, budget: int) -> tuple[str, list[Block], Mapping[str, Any]]:
    """A case as an entry in a spike's thread: headline, state, the newest words, where, and a link."""
    case = view.case
    metadata = {"case": case.ref, "rev": case.revision, "spike": spike}
    if not view.mentions:
        gone = look.words.say("empty", case=case.ref)
        return gone, [{"type": "section", "text": plain(gone)}], metadata
    told, where = parts.leading(view), f"{case.ref}:{case.revision}"
    line = parts.case_headline(view, look)
    blocks: list[Block] = []
    for letters in (400, 150, 40):
        blocks = [
            {
                "type": "rich_text",
                "block_id": f"{where}:quote",
                "elements": [
                    section({"type": "text", "text": f"{parts.mark(case)} {line}", "style": {"bold": True}}),
                    quote(told, look, letters),
                ],
            },
            {
                "type": "context",
                "block_id": f"{where}:where",
                "elements": [
                    mrkdwn(parts.status(case, look)),
                    plain(f"{parts.author_name(told, look)} · {parts.where(told, look)}", 300),
                    plain(_say(look, "entry", case=case.ref, spike=spike), 100),
                ],
            },
        ]
        if buttons := _entry_buttons(view, look):
            blocks.append({"type": "actions", "block_id": f"{where}:act", "elements": buttons})
        if limits.size(blocks) <= budget:
            break
    words = one_line(told.mention.text or told.mention.title, 150)
    text = f"{defuse_within(line, 150)} “{defuse_within(words, 150)}”" if words else defuse_within(line, 150)
    return text, blocks, metadata


def kind_words(kind: str, look: Look) -> str:
    """ "checkout complaints", "praise", "posts"."""
    mood, _, touchpoint = kind.partition(":")
    if touchpoint:
        return _say(look, f"{mood}_at", touchpoint=look.words.word("touchpoint", touchpoint))
    return _say(look, mood)


def _say(look: Look, key: str, **values: object) -> str:
    return look.words.tables["spike"][key].format(**values)


def _number(expected: float, look: Look) -> str:
    return look.decimal(expected, 1) if expected < 10 else str(round(expected))


def _head(view: SpikeView, look: Look) -> str:
    spike = view.spike
    if spike.figures.get("announced"):
        return _say(look, "announced", kind=kind_words(spike.kind, look))
    hours = max(int(spike.figures.get("window", 1)), math.ceil((spike.last_at - spike.begun_at).total_seconds() / 3600))
    usual = _say(look, "about", count=round(spike.expected)) if spike.expected >= 1 else _say(look, "under_one")
    line = _say(look, "head", kind=kind_words(spike.kind, look), authors=spike.authors, hours=hours, expected=usual)
    if spike.state is SpikeState.OPEN:
        return _say(look, "open", urgency=look.words.word("urgency", spike.urgency.word), head=line)
    return f"{_say(look, spike.state.value)}: {line}"


def _blocks(view: SpikeView, look: Look, head: str, most: int, letters: int) -> Iterator[Block]:
    spike = view.spike
    where = f"{spike.ref}:{spike.revision}"
    mark = _MARKS.get(spike.state, parts.MARKS[spike.urgency])
    yield {"type": "header", "block_id": f"{where}:head", "text": plain(f"{mark} {head}", limits.HEADER_TEXT)}
    yield {"type": "section", "block_id": f"{where}:facts", "fields": list(_facts(view, look))}
    if lines := [_example(told, look, letters) for told in view.examples[:most]]:
        yield {
            "type": "rich_text",
            "block_id": f"{where}:examples",
            "elements": [{"type": "rich_text_list", "style": "bullet", "elements": lines}],
        }
    elements = [plain(_why(view, look), 600)]
    if said := _owner(view, look):
        elements.append(mrkdwn(said))
    yield {"type": "context", "block_id": f"{where}:why", "elements": elements}
    if look.interactive and spike.state is SpikeState.OPEN:
        yield {"type": "actions", "block_id": f"{where}:act", "elements": _buttons(view, look)}


def _facts(view: SpikeView, look: Look) -> Iterator[Block]:
    spike, figures = view.spike, view.spike.figures
    yield _fact("observed", _say(look, "observed", authors=spike.authors, posts=spike.posts), look)
    key = "plainly" if figures.get("plain") else "expected_authors"
    most = int(figures.get("most", 0))
    usual = _say(look, key, expected=_number(spike.expected, look), most=most, asked=most + 1)
    yield _fact("expected", usual, look)
    share = round(100 * float(figures.get("share", 0)))
    yield _fact("shape", _say(look, "thread" if figures.get("shape") == "thread" else "many", share=share), look)
    moods = ", ".join(
        f"{count} {look.words.word('sentiment', mood).lower()}" for mood, count in _counts(figures, "sentiments")
    )
    tongues = ", ".join(f"{look.language(tag)} {count}" for tag, count in _counts(figures, "languages"))
    yield _fact("mix", defuse(f"{moods}; {tongues}", 300), look)
    stages = ", ".join(
        look.stages.get(name) or look.words.word("stage", name) for name, _ in _counts(figures, "stages")
    )
    touchpoints = ", ".join(look.words.word("touchpoint", name) for name, _ in _counts(figures, "touchpoints"))
    if both := " / ".join(part for part in (stages, touchpoints) if part):
        yield _fact("stage", defuse(both[:1].upper() + both[1:], 200), look)
    yield plain(f"{_say(look, 'fact_words')}\n{_words(view, look) or _say(look, 'no_words')}", 300)


def _counts(figures: Mapping[str, Any], name: str) -> list[tuple[str, int]]:
    """The counts of that name, the largest first: JSON of a database may have lost their order."""
    found = dict(figures.get(name) or {})
    return sorted(((str(key), int(count)) for key, count in found.items()), key=lambda one: (-one[1], one[0]))


def _fact(key: str, said: str, look: Look) -> Block:
    return mrkdwn(f"*{_say(look, f'fact_{key}')}*\n{said}")


def _words(view: SpikeView, look: Look) -> str:
    found = view.spike.figures.get("words") or ()
    return ", ".join(_say(look, "word", word=one_line(str(word), 40), authors=authors) for word, authors in found)


def _example(told: Told, look: Look, letters: int) -> Block:
    place = f"{look.platform(told.mention.platform)}, {look.moment(told.mention.published_at)}"
    said = one_line(told.mention.text or told.mention.title, letters) or "–"
    elements: list[Block] = [{"type": "text", "text": f"{said} "}]
    if url := web_address(told.mention.url, ADDRESS):
        elements.append({"type": "link", "url": url, "text": place})
    else:
        elements.append({"type": "text", "text": place})
    return section(*elements)


def _why(view: SpikeView, look: Look) -> str:
    spike, figures = view.spike, view.spike.figures
    said = [_say(look, "why_plain")]
    if not figures.get("plain"):
        said = [_say(look, "why", spread=look.decimal(float(figures.get("spread", 1)), 1))]
    silent = [one_line(str(name), 40) for name in figures.get("silent") or ()]
    if silent:
        said.append(_say(look, "silent", names=", ".join(silent[:5])))
    else:
        said.append(_say(look, "collecting", count=int(figures.get("sources", 0))))
    said += [_folded(view, look), _say(look, "ref", spike=spike.ref)]
    return " ".join(one for one in said if one)


def _folded(view: SpikeView, look: Look) -> str:
    if not view.folded:
        return ""
    key = "folding" if view.spike.state is SpikeState.OPEN else "folded"
    return _say(look, key, count=view.folded)


def _owner(view: SpikeView, look: Look) -> str:
    spike = view.spike
    if spike.owner:
        return _say(look, "owner", who=parts.person(spike.owner))
    return _say(look, "unclaimed") if spike.state is SpikeState.OPEN else ""


def _buttons(view: SpikeView, look: Look) -> list[Block]:
    value = f"{view.spike.ref}:{view.spike.revision}"
    claim = button("spike_claim", look.words.word("button", "claim"), value)
    claim |= {"style": "primary", "accessibility_label": cut(_say(look, "claim_label"), limits.ACCESSIBILITY_LABEL)}
    options = [
        {"text": plain(_say(look, f"do_{deed}"), limits.OPTION_TEXT), "value": f"{deed}:{value}"}
        for deed in _STATES[1:]
    ]
    more = {"type": "overflow", "action_id": "spike_more", "options": options}
    return [*([] if view.spike.owner else [claim]), more]


def _entry_buttons(view: CaseView, look: Look) -> list[Block]:
    value = f"{view.case.ref}:{view.case.revision}"
    closed = view.case.state in parts.CLOSED
    link = reply_button(view.mentions, value, look, "read" if closed else "reply")
    links = [link] if link else []
    if not look.interactive:
        return links
    if closed:
        return [button("case_reopen", look.words.word("button", "reopen"), value), *links]
    claims = (
        [button("case_claim", look.words.word("button", "claim"), value)] if view.case.state is CaseState.NEW else []
    )
    return [*claims, *links, button("case_resolve", look.words.word("button", "resolve"), value)]
