"""What YouTube's API answers, read: a comment as a mention, a refusal as an error, the day of its allowance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connectors.base import AccessDenied, Author, ConnectorError, Mention, RateLimited, Refused, Unavailable
from connectors.http import Answer
from connectors.text import clean, label, plain

SITE = "YouTube"
SHORT_WAIT = timedelta(minutes=1)  # where YouTube says "too fast" and not for how long
PACIFIC = ZoneInfo("America/Los_Angeles")  # the day of the allowance ends there


class Closed(Refused):
    """One video or channel cannot be read; others may."""


class Stale(Refused):
    """A place to read on from that YouTube does not take any more."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes mentions of comments."""

    brand: str | None  # whom every comment is about, where all count
    own: frozenset[str]  # the brand's own accounts, "youtube:channel id", case folded

    def mention(self, comment: Any, video: str, thread: str) -> Mention | None:
        """The comment, whatever it says; None where it cannot be read."""
        said = comment.get("snippet") if isinstance(comment, dict) else None
        if not isinstance(said, dict):
            return None
        one, at = label(comment.get("id")), published(said)
        original, shown = said.get("textOriginal"), said.get("textDisplay")
        text = clean(original) if isinstance(original, str) else plain(shown) if isinstance(shown, str) else ""
        channel = said.get("authorChannelId")
        name = label(said.get("authorDisplayName"))
        author = label(channel.get("value")) if isinstance(channel, dict) else ""
        if at is None or not (one and text and (author or name)):
            return None
        video = label(said.get("videoId")) or video
        likes = said.get("likeCount")
        ours = f"youtube:{label(said.get('channelId'))}".casefold() in self.own
        return Mention(
            platform="youtube",
            external_id=one,
            text=text,
            published_at=at,
            author=Author(author, name.removeprefix("@") if name.startswith("@") else "", name),
            url=f"https://www.youtube.com/watch?v={video}&lc={one}" if is_id(video) else "",
            kind="comment",
            parent_id=label(said.get("parentId")) or None,
            thread_id=thread,
            in_reply_to_brand=True if ours and one == thread else None,
            engagement={"likes": likes} if isinstance(likes, int) else {},
            brand=self.brand,
        )


def explain(answer: Answer, now: datetime) -> ConnectorError | None:
    """What YouTube says with a refusal: error.errors[].reason (developers.google.com/youtube/v3/docs/errors)."""
    try:
        told = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None
    error = told.get("error") if isinstance(told, dict) else None
    if not isinstance(error, dict):
        return None
    listed = error.get("errors")
    reasons = (
        {label(one.get("reason")) for one in listed if isinstance(one, dict)} if isinstance(listed, list) else set()
    )
    if reasons & {"quotaExceeded", "dailyLimitExceeded"}:
        again = midnight(now)
        return RateLimited(f"{SITE}: the units of this key's project are spent; not before {again:%H:%M} UTC", again)
    if reasons & {"rateLimitExceeded", "userRateLimitExceeded"} and "retry-after" not in answer.headers:
        return RateLimited(f"{SITE} asks to go slower ({answer.status})", now + SHORT_WAIT)
    if "commentsDisabled" in reasons:
        return Closed(f"{SITE}: comments are switched off")
    if reasons & {"videoNotFound", "channelNotFound"}:
        return Closed(f"{SITE} knows no such video or channel (it may have been deleted or made private)")
    if "invalidPageToken" in reasons:
        return Stale(f"{SITE} does not take its own page token any more")
    if "processingFailure" in reasons:
        return Unavailable(f"{SITE} could not work on the request ({answer.status}); it is asked again later")
    if "keyInvalid" in reasons or b"API_KEY_INVALID" in answer.content[:10_000]:
        return AccessDenied(f"{SITE} does not know this API key; check key_env")
    if reasons & {"accessNotConfigured", "ipRefererBlocked", "forbidden"}:
        return AccessDenied(
            f"{SITE} refuses access ({', '.join(sorted(reasons))}); check that the key's project has the YouTube Data API v3"
        )
    return None


def published(said: Mapping[str, Any]) -> datetime | None:
    """When a comment was written."""
    try:
        at = datetime.fromisoformat(str(said.get("publishedAt")))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def midnight(now: datetime) -> datetime:
    """When the day of the allowance ends, in UTC."""
    tomorrow = now.astimezone(PACIFIC).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=PACIFIC).astimezone(UTC)


def is_id(text: str) -> bool:
    """Whether it is made of what YouTube's ids are made of."""
    return text.isascii() and text.replace("-", "").replace("_", "").isalnum()
