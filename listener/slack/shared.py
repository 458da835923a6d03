"""A message that somebody marks in Slack ("Add to mentions") as a mention: the post it links to, or its own words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from slack_sdk import WebClient

from connectors.base import TEXT_LIMIT, Author, Mention
from listener.model import ReceiverError
from listener.slack.failures import translated
from listener.slack.outside import unescape, web_address

PLATFORM = "import"  # as in files that name none
_LINK = re.compile(r"<(https?://[^|>\s]+)(?:\|([^>]*))?>")
_TOKEN = re.compile(r"<[@#!][^>]*>")


def mention_of(message: Mapping[str, Any], channel: str, permalink: str) -> Mention | None:
    """None where the message holds neither words nor a link, or its time is none.

    The author is not the colleague who shared it, so nobody is named.
    """
    raw = str(message.get("text") or "")
    links = [unescape(found[1]) for found in _LINK.finditer(raw)]
    words = _TOKEN.sub("", _LINK.sub(lambda found: found[2] or "", raw))
    text = unescape(" ".join(words.split())) or " ".join(links)
    try:
        at = datetime.fromtimestamp(float(message["ts"]), UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
    if not text:
        return None
    link = next((address for one in links if (address := web_address(one))), None)
    return Mention(
        platform=PLATFORM,
        external_id=link or f"slack:{channel}:{message['ts']}",
        text=text[:TEXT_LIMIT],
        published_at=at,
        author=Author(""),
        url=link or web_address(permalink) or "",
    )


def permalink(client: WebClient, channel: str, body: Mapping[str, Any]) -> str:
    """The address of the message that a shortcut was chosen for; "" where the app is not in that channel."""
    ts = str((body.get("message") or {}).get("ts") or body.get("message_ts") or "")
    try:
        with translated("chat.getPermalink", channel):
            return str(client.chat_getPermalink(channel=channel, message_ts=ts).get("permalink") or "")
    except ReceiverError:
        return ""  # the post is worth keeping all the same
