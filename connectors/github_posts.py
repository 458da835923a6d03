"""One issue, pull request or discussion of GitHub, read: as a mention, its id and time; and what GitHub says with a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import Author, ConnectorError, Mention, RateLimited
from connectors.http import Answer, retry_at
from connectors.markdown import plain_markdown
from connectors.text import label, matcher, mentions, safe_url

SITE = "GitHub"
SECONDARY_WAIT = timedelta(minutes=1)  # where a secondary limit names no time (docs: "at least one minute")


def mention_of(one: str, result: Mapping[str, Any], at: datetime, *, skip_bots: bool = False) -> Mention | None:
    """The post, whatever it says; None for a bot's, if so wanted, or where nothing is said."""
    user = result.get("user")  # null where the account was deleted
    login = label(user.get("login")) if isinstance(user, dict) else "ghost"
    is_bot = login.endswith("[bot]") or (isinstance(user, dict) and user.get("type") == "Bot")
    title = label(result.get("title"))
    text = plain_markdown(body_of(result)) or title
    if not (login and text) or (is_bot and skip_bots):
        return None
    reactions = result.get("reactions")
    counts = {
        "replies": result.get("comments"),
        "likes": reactions.get("total_count") if isinstance(reactions, dict) else None,
    }
    return Mention(
        platform="github",
        external_id=one,
        text=text,
        published_at=at,
        author=Author(login, login),
        url=safe_url(result.get("html_url")),
        title=title,
        thread_id=one,
        engagement={key: count for key, count in counts.items() if isinstance(count, int)},
    )


def names(term: str, mention: Mention, result: Mapping[str, Any]) -> bool:
    """Whether it holds the term as whole words, be it in what is left out of its text."""
    return mentions(matcher([term]), mention.title, mention.text, body_of(result)[:100_000])


def body_of(result: Mapping[str, Any]) -> str:
    """Its Markdown; empty where there is none."""
    body = result.get("body")
    return body if isinstance(body, str) else ""


def explain(answer: Answer, now: datetime) -> ConnectorError | None:
    """A limit may come as 403: with Retry-After, with no requests left, or in words (docs: rate limits for the REST API)."""
    if answer.status not in (403, 429):
        return None
    limited = "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining", "").strip() == "0"
    secondary = b"secondary rate limit" in answer.content[:10_000]
    if not (limited or secondary):
        return None
    again = (retry_at(answer.headers, now) if limited else None) or now + SECONDARY_WAIT
    return RateLimited(f"{SITE} asks to wait ({answer.status}), not before {again:%H:%M:%S} UTC", again)


def id_of(result: Mapping[str, Any]) -> str:
    """The node id is unique over issues, pull requests and discussions, and survives a repository's renaming."""
    return label(result.get("node_id")) or label(result.get("id"))


def second_of(result: Mapping[str, Any]) -> int | None:
    """When it was created, in seconds since 1970."""
    try:
        at = datetime.fromisoformat(str(result.get("created_at")))
        return int(at.timestamp() if at.tzinfo else at.replace(tzinfo=UTC).timestamp())
    except (ValueError, OverflowError):
        return None


def stamp(second: int) -> str:
    """A second as the search's qualifiers take it."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
