"""Everything else that is posted: thread entries, notices, digests, summaries, spikes; and `message_for`, which picks by kind.

A digest brings its own text and blocks (`payload["text"]`, `payload["blocks"]`, `payload["week"]`), rendered by
whoever counted it.
A notice is the daemon speaking of itself: `payload["text"]`, and if wanted `payload["title"]` and
`payload["next"]`, what to do about it. Both are treated as outside words here, since they may quote some.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from listener.model import CaseView, Delivery, NotificationKind
from listener.slack import limits, parts, reviewing
from listener.slack.blocks import Block, Message, case_message, mrkdwn, plain, quote, reply_button, section
from listener.slack.look import Look
from listener.slack.outside import clean, defuse_within, escape, unescape, web_address
from listener.slack.spikes import entry_parts, spike_parts
from listener.slack.summaries import summary_parts
from rules.vocabulary import Urgency

_CHARTS = frozenset({"data_visualization", "image"})
_AGAIN = 300  # bytes that the note on a repeat may take
_AGAIN_TEXT = 80  # characters of it in the text


def message_for(
    delivery: Delivery, look: Look, now: datetime, *, repeated: bool = False, budget: int = limits.BLOCKS_BUDGET
) -> Message:
    """What `delivery` says. Raises ValueError for a delivery that has nothing to say (a programming mistake)."""
    if delivery.kind in {NotificationKind.CASE_OPEN, NotificationKind.CASE_UPDATE}:
        if delivery.case is None:
            raise ValueError(f"{delivery.key}: a case message without its case")
        if delivery.folded_in:
            text, blocks, metadata = entry_parts(delivery.case, delivery.folded_in, look, budget - _AGAIN)
            return _finished(text, blocks, metadata, look, repeated)
        return case_message(delivery.case, look, now, repeated=repeated, budget=budget)
    if delivery.kind in {NotificationKind.CASE_THREAD, NotificationKind.ENTRY_UPDATE} and delivery.mention is not None:
        return thread_entry(delivery, look, repeated=repeated)
    if delivery.kind in {NotificationKind.CASE_NOTE, NotificationKind.REMINDER}:
        return note(delivery, look, repeated=repeated)
    if delivery.spike is not None:
        text, blocks, metadata = spike_parts(delivery.spike, look, budget - _AGAIN)
        return _finished(text, blocks, metadata, look, repeated)
    if delivery.summary is not None:
        text, blocks, metadata = summary_parts(delivery.summary, look, budget - _AGAIN)
        return _finished(text, blocks, metadata, look, repeated)
    if delivery.kind is NotificationKind.DIGEST and delivery.payload.get("blocks"):
        return digest_message(delivery.payload, look, repeated=repeated, budget=budget)
    return notice(delivery.payload, look, urgency=delivery.urgency, repeated=repeated)


def thread_entry(delivery: Delivery, look: Look, *, repeated: bool = False) -> Message:
    """A new post of a case, as an entry below its message: the headline of that post, its words, when, and a link."""
    told = delivery.mention
    if told is None:
        raise ValueError(f"{delivery.key}: a thread entry without its mention")
    case_ref = delivery.case.case.ref if delivery.case else ""
    where = f"{case_ref or 'entry'}:{told.ref}"
    line = parts.headline(told, told.verdict.urgency, look)
    mark = parts.MARKS[told.verdict.urgency]
    said = look.words.say("thread", case=case_ref, headline=line) if case_ref else line
    words = told.mention.text or told.mention.title
    text = f"{defuse_within(said, 150)} “{defuse_within(words, 150)}”" if words else defuse_within(said, 150)
    facts = f"{parts.author_name(told, look)} · {parts.where(told, look)}"
    blocks: list[Block] = [
        {
            "type": "rich_text",
            "block_id": f"{where}:quote",
            "elements": [
                section({"type": "text", "text": f"{mark} {said}", "style": {"bold": True}}),
                quote(told, look, 900),
            ],
        },
        {"type": "context", "block_id": f"{where}:where", "elements": [plain(facts, 300)]},
    ]
    if link := reply_button([told], f"{case_ref}:{told.ref}", look, "reply" if case_ref else "read"):
        blocks.append({"type": "actions", "block_id": f"{where}:act", "elements": [link]})
    metadata = {"case": case_ref, "mention": told.ref}
    return _finished(text, blocks, metadata, look, repeated)


def note(delivery: Delivery, look: Look, *, repeated: bool = False) -> Message:
    """Who did what to a case, or what is due: one line for its thread. `payload`: deed, who, reason, what else it says."""
    said = delivery.payload
    deed, who = str(said.get("deed") or ""), str(said.get("who") or "")
    address = web_address(str(said.get("url") or "")) if deed == "replied" else None
    # Who replied publicly is named by the platform, all others by us: only of those may one become a Slack name.
    named = defuse_within(who, 60) if deed == "brand-replied" else parts.person(who)
    line = look.words.word("deed", "published" if address else deed).format(
        who=named or look.words.say("nobody"),
        case=defuse_within(str(said.get("case") or ""), 120),  # several where they are near copies
        count=said.get("count"),
        level=look.words.word("urgency", str(said.get("urgency") or "")),
        group=parts.group(said.get("group")),
        until=_until(said, look),
        account=defuse_within(str(said.get("account") or ""), 60),
    )
    reason = defuse_within(clean(str(said.get("reason") or "")), 200)
    changes = "; ".join(
        f"{defuse_within(str(name), 30)}: {defuse_within(_listed(value), 80)}"
        for name, value in dict(said.get("changes") or {}).items()
    )
    said_of_it = [part for part in (line.strip() or "–", changes, reason and f"({reason})") if part]
    if delivery.in_summary and delivery.case is not None:
        about = f"{delivery.case.case.ref} {parts.case_headline(delivery.case, look)}"
        said_of_it[0] = f"{defuse_within(about, 200)}: {said_of_it[0]}"
    whole = " ".join(said_of_it)
    most = limits.TEXT_WANTED - _AGAIN_TEXT  # read out; the block shows the rest
    while len(said_of_it) > 1 and len(" ".join(said_of_it)) > most:
        del said_of_it[-1]
    metadata = {"case": delivery.case.case.ref if delivery.case else "", "deed": deed}
    blocks: list[Block] = [{"type": "section", "text": mrkdwn(whole)}]
    if address:
        link = {"type": "link", "url": address, "text": look.words.word("button", "see_reply")}
        blocks.append({"type": "rich_text", "elements": [section(link)]})
    return _finished(" ".join(said_of_it), blocks, metadata, look, repeated)


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _until(said: Mapping[str, Any], look: Look) -> str:
    """Until when a case sleeps, in words."""
    if isinstance(said.get("until"), str):
        when = datetime.fromisoformat(said["until"])
        fallback = escape(look.moment(when))
        return f"<!date^{int(when.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"
    if said.get("next_post"):
        return look.words.say("until_post")
    if said.get("authors"):
        return look.words.say("until_authors", count=said["authors"])
    return look.words.say("until_woken")


def notice(
    payload: Mapping[str, Any], look: Look, *, urgency: Urgency = Urgency.NORMAL, repeated: bool = False
) -> Message:
    """A plain message of the daemon about itself."""
    title, said, then = (clean(str(payload.get(key) or "")).strip() for key in ("title", "text", "next"))
    blocks: list[Block] = []
    if title:
        blocks.append({"type": "header", "text": plain(f"{parts.MARKS[urgency]} {title}", limits.HEADER_TEXT)})
    blocks.append({"type": "section", "text": plain(said or title or "–", 1200)})
    if then:
        blocks.append({"type": "context", "elements": [plain(then, 500)]})
    text = " ".join(defuse_within(one, 160) for one in (title, said) if one)
    return _finished(text, blocks, {}, look, repeated)


def digest_message(
    payload: Mapping[str, Any], look: Look, *, repeated: bool = False, budget: int = limits.BLOCKS_BUDGET
) -> Message:
    """A digest that comes with ready blocks; over `budget` it loses charts, then its last parts, and says so.

    The digest's renderer is bound by the same rule as we are: words from outside in rich_text and plain_text only.
    """
    blocks = [dict(block) for block in payload["blocks"]]
    # It may come escaped already, and it may quote a post all the same.
    text = defuse_within(unescape(str(payload.get("text") or "–")), limits.TEXT_WANTED - _AGAIN_TEXT)
    week = str(payload.get("week") or "")
    press = reviewing.offered(week, look)
    kept = [*shortened(blocks, look, budget - (reviewing.ROOM if press else 0)), *press]
    return _finished(text, kept, {"week": str(payload.get("week") or "")}, look, repeated)


def shortened(blocks: Sequence[Block], look: Look, budget: int) -> list[Block]:
    """`blocks` within `budget` bytes and the number Slack takes: charts go first, then blocks from the end."""
    kept = list(blocks)
    note: Block = {"type": "context", "elements": [mrkdwn(look.words.say("shortened"))]}
    if _fits(kept, budget):
        return kept
    kept = [block for block in kept if block.get("type") not in _CHARTS]
    # The last block holds the buttons that open the report; it stays to the end.
    while len(kept) > 2 and not _fits([*kept, note], budget):
        del kept[-2]
    if not _fits([*kept, note], budget):
        kept = kept[:0]
    return [*kept, note]


def without_charts(message: Message) -> Message:
    """`message` without what only newer workspaces draw; itself where it has nothing of the kind."""
    kept = tuple(block for block in message.blocks if block.get("type") not in _CHARTS)
    return message if len(kept) == len(message.blocks) else Message(message.text, kept, message.metadata)


def text_alone(message: Message) -> Message:
    """What is left where Slack takes none of the blocks: the sentence that phones and screen readers get anyway."""
    return Message(message.text, (), message.metadata)


def state_entry(view: CaseView, look: Look) -> Message:
    """The state of a case for a thread, where Slack does not let its message be edited any more."""
    line = look.words.say(
        "silent_edit", state=parts.status(view.case, look), headline=defuse_within(parts.case_headline(view, look), 200)
    )
    block: Block = {"type": "section", "text": mrkdwn(line)}
    return Message(line, (block,), {"case": view.case.ref, "rev": view.case.revision})


def _fits(blocks: Sequence[Block], budget: int) -> bool:
    return len(blocks) <= limits.BLOCKS and limits.size(blocks) <= budget


def _finished(text: str, blocks: list[Block], metadata: Mapping[str, Any], look: Look, repeated: bool) -> Message:
    text = text.strip() or "–"
    if repeated:
        text = look.words.say("again_text", text=text)
        blocks = [{"type": "context", "elements": [plain(look.words.say("again"))]}, *blocks]
    return Message(text, tuple(blocks), metadata)
