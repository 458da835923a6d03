"""The app's home page and the lists that `/mentions` answers with. Pure.

A case is one line with a menu of what may be done to it now; the same deeds as on its message.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from listener.cases.shelf import Standing
from listener.model import Case, CaseState, CaseView, Told
from listener.slack import limits, parts
from listener.slack.blocks import Block, button, mrkdwn, plain, quote
from listener.slack.desk import Found
from listener.slack.look import Look
from listener.slack.outside import defuse, one_line, web_address
from listener.slack.reviewing import LastDigest, standing
from listener.slack.shelving import section

SOON = timedelta(hours=1)
MOST = 15  # cases a list; more are counted
SCORE_LINES = 20
FOUND_LADDER = ((200, 300), (80, 300), (80, 150), (80, 0))  # characters of each post found, and of its link

_MENU = {
    CaseState.NEW: ("claim", "replied", "resolve", "escalate", "explain"),
    CaseState.CLAIMED: ("replied", "wait", "resolve", "release", "explain"),
    CaseState.REPLIED: ("wait", "resolve", "release", "escalate", "explain"),
    CaseState.WAITING: ("replied", "resolve", "release", "escalate", "explain"),
    CaseState.SNOOZED: ("claim", "wake", "resolve", "escalate", "explain"),
    CaseState.RESOLVED: ("reopen", "explain"),
    CaseState.NOT_RELEVANT: ("reopen", "explain"),
}


def menu(case: Case, look: Look) -> Block:
    """What may be done to a case now."""
    options = [
        {
            "text": plain(look.words.word("button", deed), limits.OPTION_TEXT),
            "value": f"{deed}:{case.ref}:{case.revision}",
        }
        for deed in _MENU[case.state]
    ]
    return {"type": "overflow", "action_id": "case_more", "options": options}


def line(case: Case, look: Look, now: datetime) -> Block:
    """One case: reference, level, what it is about, state, when the first reply is due."""
    about = ", ".join(look.words.word("touchpoint", name) for name in sorted(case.touchpoints)[:3])
    said = [
        f"{parts.mark(case)} *{case.ref}* {look.words.word('urgency', case.urgency.word)}",
        defuse(about, 100) if about else defuse(look.platform(case.platform), 40),
        parts.status(case, look),
    ]
    if (when := parts.due(case, look, now)) is not None:
        said.append(f"{look.words.word('fact', 'due')}: {when}")
    return {"type": "section", "text": mrkdwn(" · ".join(said)), "accessory": menu(case, look)}


def lines(cases: Sequence[Case], look: Look, now: datetime, most: int = MOST) -> Iterator[Block]:
    """A list, or the word that it is empty."""
    if not cases:
        yield _context(look.words.word("home", "none"))
    for case in cases[:most]:
        yield line(case, look, now)
    if len(cases) > most:
        yield _context(look.words.word("home", "more").format(count=len(cases) - most))


def mine(cases: Sequence[Case], who: str) -> list[Case]:
    """Those of one person."""
    return [case for case in cases if case.owner == who]


def due(cases: Sequence[Case], now: datetime) -> list[Case]:
    """Those whose first reply is due within an hour, or was."""
    return [
        case
        for case in cases
        if case.due_at is not None and case.due_at <= now + SOON and case.state in parts.UNANSWERED
    ]


def snoozed(cases: Sequence[Case]) -> list[Case]:
    """Those that sleep."""
    return [case for case in cases if case.state is CaseState.SNOOZED]


def home(
    cases: Sequence[Case],
    who: str,
    look: Look,
    now: datetime,
    *,
    troubles: Sequence[str] = (),
    digest: LastDigest | None = None,
    notice: str = "",
    shelf: Standing | None = None,
) -> Block:
    """The home page of one person. `notice` (mrkdwn of ours) says what became of the last click."""
    word = look.words.word
    blocks: list[Block] = []
    if notice:
        blocks.append({"type": "section", "text": mrkdwn(notice)})
    for key, listed in (("mine", mine(cases, who)), ("due", due(cases, now)), ("snoozed", snoozed(cases))):
        blocks.append({"type": "header", "text": plain(word("home", key), limits.HEADER_TEXT)})
        blocks.extend(lines(listed, look, now))
    if shelf is not None:
        blocks.extend(section(shelf, look))
    blocks.append({"type": "divider"})
    blocks.extend(health(troubles, look))
    blocks.extend(standing(digest, look))
    blocks.append({"type": "actions", "elements": [button("home_refresh", word("home", "refresh"), "refresh")]})
    return {"type": "home", "blocks": blocks}


def denied(look: Look) -> Block:
    """The home page of somebody who may not work cases."""
    return {"type": "home", "blocks": [{"type": "section", "text": plain(look.words.word("refusal", "denied"))}]}


def health(troubles: Sequence[str], look: Look) -> list[Block]:
    """Whether the daemon is well."""
    if not troubles:
        return [_context(look.words.word("home", "well"))]
    said = "\n".join(f"⚠ {one_line(trouble, 300)}" for trouble in troubles[:10])
    return [{"type": "section", "text": plain(said)}]


def nothing(look: Look) -> list[Block]:
    """An empty list."""
    return [_context(look.words.word("home", "none"))]


def found(posts: Sequence[Found], look: Look) -> list[Block]:
    """What a search brought, within a message's budget: words go first, then links."""
    if not posts:
        return [_context(look.words.word("home", "nothing"))]
    blocks: list[Block] = []
    for words, address in FOUND_LADDER:
        blocks = [_found(post, look, words, address) for post in posts]
        if limits.size(blocks) <= limits.BLOCKS_BUDGET:
            break
    return blocks


def _found(post: Found, look: Look, words: int, address: int) -> Block:
    """One post. Words from outside stand in plain text; the link is a button."""
    platform = look.platform(post.platform)
    known = (post.case, platform, look.moment(post.published_at), post.ref[:8])
    head = " · ".join(part for part in known if part)
    block: Block = {"type": "section", "text": plain(f"{head}\n{one_line(post.text, words)}")}
    if url := web_address(post.url, address):
        label = look.words.word("button", "read").format(platform=platform)
        block["accessory"] = {**button("case_reply", label, post.ref[:100]), "url": url}
    return block


def explanation(view: CaseView, look: Look) -> list[Block]:
    """The whole verdict on the post that a case leads with: its words, then the reasons."""
    told = parts.leading(view)
    return _explained(told, parts.why(told, view.case, look, SCORE_LINES), look)


def verdict(told: Told, look: Look) -> list[Block]:
    """Likewise, of a post that is asked for by its own reference."""
    said = [
        f"{line.points:+d} {look.words.word('score', line.label.replace(' ', '_'))} {one_line(line.evidence, 100)}"
        for line in told.verdict.lines[:SCORE_LINES]
    ]
    level = look.words.word("urgency", told.verdict.urgency.word).lower()
    reasons = look.words.say("why", urgency=level, points=told.verdict.points, lines=" · ".join(said) or "–")
    return _explained(told, [reasons], look)


def _explained(told: Told, reasons: Sequence[str], look: Look) -> list[Block]:
    return [
        {"type": "rich_text", "elements": [quote(told, look, 300)]},
        *({"type": "section", "text": plain(one, 2900)} for one in reasons),
    ]


def _context(text: str) -> Block:
    return {"type": "context", "elements": [plain(text, limits.CONTEXT_TEXT)]}
