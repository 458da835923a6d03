"""One post of a Mastodon server, read: as a mention, its time, and where it was written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.base import Author, Mention
from connectors.text import clean, label, plain, safe_url

# https://host/users/name/statuses/1, https://host/@name/1, https://host/ap/users/7/statuses/1
_ADDRESS = re.compile(r"(?P<base>https?://[^/?#\s]{1,255})/(?:ap/)?(?:users/|@)[^?#\s]{1,200}/(?P<id>\d{1,25})")


def mention_of(status: Mapping[str, Any], host: str, *, skip_bots: bool = False) -> Mention | None:
    """The post as its author wrote it; None for what is not public, boosted, opted out of search, or cannot be read."""
    account, at = status.get("account"), time_of(status)
    if at is None or not isinstance(account, dict) or status.get("reblog"):
        return None
    if status.get("visibility") in ("private", "direct"):
        return None
    if account.get("noindex") is True or (skip_bots and account.get("bot") is True):
        return None
    warning, content = label(status.get("spoiler_text")), status.get("content")
    text = plain(content) if isinstance(content, str) else ""
    if warning:
        text = clean(f"{warning}\n\n{text}")
    handle = label(account.get("acct"))
    uri = label(status.get("uri"), 1000)
    if not (uri and text and handle):
        return None
    if "@" not in handle:
        handle = f"{handle}@{host}"
    followers = account.get("followers_count")
    counts = {"likes": "favourites_count", "reposts": "reblogs_count", "replies": "replies_count"}
    return Mention(
        platform="mastodon",
        external_id=uri,
        text=text,
        published_at=at,
        author=Author(
            id=handle,
            handle=handle,
            name=label(account.get("display_name")),
            followers=followers if isinstance(followers, int) and followers >= 0 else None,
        ),
        url=safe_url(status.get("url")) or safe_url(uri),
        kind="comment" if status.get("in_reply_to_id") else "post",
        lang=label(status.get("language"), 20) or None,
        engagement={ours: count for ours, theirs in counts.items() if isinstance(count := status.get(theirs), int)},
    )


def time_of(status: Mapping[str, Any]) -> datetime | None:
    """When it was written."""
    try:
        at = datetime.fromisoformat(str(status.get("created_at")))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def home_of(uri: str) -> tuple[str, str] | None:
    """(the server that a post was written on, its id there); None where the address does not say."""
    found = _ADDRESS.fullmatch(uri)
    return (found["base"], found["id"]) if found else None
