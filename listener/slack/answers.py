"""What the person who clicked is told, and nobody else: a sentence, or blocks, where the click was.

Sent once. An answer that is lost is not repeated, since Slack could show it twice; the case's own message, which the
outbox edits until it is right, says the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from slack_sdk import WebClient

from listener.cases.deeds import Refusal, Why
from listener.model import PassingFailure, Spike
from listener.slack import parts
from listener.slack.blocks import Block
from listener.slack.desk import Dropped
from listener.slack.failures import translated
from listener.slack.look import Look
from listener.slack.outside import defuse, is_loopback

TIMEOUT = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Place:
    """Who clicked, and where."""

    user: str
    channel: str = ""
    response_url: str = ""
    home: bool = False
    shows_case: bool = False  # a case's own message, which will show what was done

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Place:
        """From what Slack sent: a click, a command, a shortcut or an event."""
        user = body.get("user") or {}
        channel, box = body.get("channel") or {}, body.get("container") or {}
        return cls(
            user=str(body.get("user_id") or (user.get("id") if isinstance(user, Mapping) else user) or ""),
            channel=str(
                body.get("channel_id") or (channel.get("id") if isinstance(channel, Mapping) else channel) or ""
            ),
            response_url=str(body.get("response_url") or ""),
            home=box.get("type") == "view",
            shows_case=box.get("type") == "message" and not box.get("is_ephemeral"),
        )


@dataclass(frozen=True, slots=True)
class Answers:
    """The way back to one person."""

    client: WebClient
    look: Look

    def say(self, place: Place, text: str, blocks: Sequence[Block] = ()) -> None:
        """Show it to `place.user` alone. `text` is mrkdwn of ours. Raises ReceiverError."""
        if place.response_url:
            self._post(place.response_url, text, blocks)
        elif place.channel:
            with translated("chat.postEphemeral", place.channel):
                self.client.chat_postEphemeral(
                    channel=place.channel, user=place.user, text=text, blocks=list(blocks) or None
                )

    def _post(self, url: str, text: str, blocks: Sequence[Block]) -> None:
        """A response_url is good for five answers in thirty minutes and asks for no scope and no membership."""
        body: dict[str, Any] = {"response_type": "ephemeral", "replace_original": False, "text": text}
        if blocks:
            body["blocks"] = list(blocks)
        try:
            answer = httpx.post(url, json=body, timeout=TIMEOUT, trust_env=not is_loopback(url))
        except httpx.HTTPError as error:
            raise PassingFailure(f"Slack (response_url): {type(error).__name__}") from None
        if answer.status_code >= 300:
            raise PassingFailure(f"Slack (response_url): HTTP {answer.status_code}")


def spike_refused(why: Why, spike: Spike, look: Look) -> str:
    """mrkdwn: why nothing was changed about a spike."""
    owner = parts.person(spike.owner) if spike.owner else look.words.say("nobody")
    return look.words.word("refusal", f"spike_{why.value}").format(spike=defuse(spike.ref, 40), owner=owner)


def exclusion_said(tried: Dropped, words: str, look: Look) -> str:
    """mrkdwn: what leaving posts with these words out would have done."""
    return look.words.word("ask", "excluded").format(
        words=defuse(words, 100), days=tried.days, count=tried.posts, of=tried.of, cases=tried.in_cases
    )


def refusal_said(refusal: Refusal, look: Look) -> str:
    """mrkdwn: why nothing was changed, and how the case stands."""
    case = refusal.case
    owner = parts.person(case.owner) if case.owner else look.words.say("nobody")
    return look.words.word("refusal", refusal.why.value).format(
        case=defuse(case.ref, 40), owner=owner, state=parts.status(case, look)
    )
