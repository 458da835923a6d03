"""The weekly digest's button: somebody has read it. Who and when is kept; the message says it instead of the button."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from listener.slack import limits, parts
from listener.slack.blocks import Block, Message, button, mrkdwn, plain
from listener.slack.look import Look
from listener.slack.outside import defuse_within, unescape

ACTION = "digest_reviewed"
ROOM = 200  # bytes that the button needs, or who it was that pressed it
_WEEK = re.compile(r"\d{4}-W\d\d")


@dataclass(frozen=True, slots=True)
class Review:
    """Who read the digest of a week, and when; of several, the first."""

    week: str
    who: str  # a Slack user's id, or a name
    at: datetime


@dataclass(frozen=True, slots=True)
class LastDigest:
    """The week of the last digest, and who read it; None: nobody yet."""

    week: str
    review: Review | None = None


def standing(digest: LastDigest | None, look: Look) -> list[Block]:
    """The last digest on the home page: who reviewed it, or the button."""
    word = look.words.word
    if digest is None:
        return [{"type": "context", "elements": [plain(word("home", "no_digest"), limits.CONTEXT_TEXT)]}]
    said = [word("home", "digest").format(week=digest.week)]
    if digest.review is None:
        line: Block = {"type": "context", "elements": [plain(said[0], limits.CONTEXT_TEXT)]}
        return [line, *offered(digest.week, look)]
    when = look.moment(digest.review.at)
    said.append(word("digest", "reviewed").format(who=parts.person(digest.review.who), when=when))
    return [{"type": "context", "elements": [mrkdwn(" · ".join(said))]}]


def offered(week: str, look: Look) -> list[Block]:
    """The button, where somebody hears it."""
    if not look.interactive or not _WEEK.fullmatch(week):
        return []
    press = button(ACTION, look.words.word("digest", "review"), week)
    return [{"type": "actions", "block_id": _place(week), "elements": [press]}]


def week_of(value: str) -> str | None:
    """The week that a click names; None for what is no week."""
    return value if _WEEK.fullmatch(value) else None


def reviewed(shown: Mapping[str, Any], review: Review, look: Look) -> Message:
    """The message that was clicked (as Slack shows it), with who reviewed it in the place of the button."""
    for letters in (60, 20, 4):  # the message may be as long as it may be
        line = look.words.word("digest", "reviewed").format(
            who=parts.person(review.who, letters), when=look.moment(review.at)
        )
        said: Block = {"type": "context", "block_id": f"{_place(review.week)}:by", "elements": [mrkdwn(line)]}
        if limits.size([said]) <= ROOM:
            break
    old = (_place(review.week), said["block_id"])
    kept = [dict(block) for block in shown.get("blocks", ()) if block.get("block_id") not in old]
    return Message(
        defuse_within(unescape(str(shown.get("text") or "–")), limits.TEXT_WANTED), (*kept, said), {"week": review.week}
    )


def _place(week: str) -> str:
    return f"digest:{week}:act"
