"""One post or comment of a Lemmy instance, read: as a mention, its time; and what an instance says with a refusal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from connectors.base import Author, ConnectorError, Json, Mention, RateLimited, Refused
from connectors.http import Answer
from connectors.markdown import plain_markdown
from connectors.text import label, safe_url

ID_LIMIT = 1000  # characters of an ap_id
Kind = Literal["post", "comment"]


class NotThere(Refused):
    """The instance has no such post, or none that it shows."""


@dataclass(frozen=True, slots=True)
class Row:
    """One post or comment as an instance gives it."""

    at: datetime
    one: str  # its ap_id
    view: Mapping[str, Any]


def mention_of(kind: Kind, row: Row, host: str, *, skip_bots: bool = False) -> Mention | None:
    """The post, whatever it says; None for what is deleted, removed, or a bot's if so wanted. `host` gave it."""
    view, creator = row.view, row.view.get("creator")
    said: Mapping[str, Any] = view[kind]
    if is_gone(said) or not isinstance(creator, dict):
        return None
    if skip_bots and creator.get("bot_account") is True:
        return None
    is_post = kind == "post"
    title = label(said.get("name")) if is_post else ""
    markdown = said.get("body" if is_post else "content")
    text = (plain_markdown(markdown) if isinstance(markdown, str) else "") or title
    name = label(creator.get("name"))
    actor = label(creator.get("ap_id") or creator.get("actor_id"), ID_LIMIT) or name
    if not (text and name):
        return None
    thread = row.one
    if not is_post:
        post = view.get("post")
        thread = label(post.get("ap_id"), ID_LIMIT) if isinstance(post, dict) else ""
    apart = view.get("counts")
    counts = apart if isinstance(apart, dict) else said  # v4 keeps them with the post
    replies = counts.get("comments" if is_post else "child_count")
    direct = str(said.get("path")).count(".") == 1  # "0.12" answers the post, "0.12.34" a comment
    return Mention(
        platform="lemmy",
        external_id=row.one,
        text=text,
        published_at=row.at,
        author=Author(actor, f"{name}@{_host(actor) or host}", label(creator.get("display_name"))),
        url=safe_url(row.one),
        title=title,
        kind=kind,
        parent_id=thread or None if direct and not is_post else None,
        thread_id=thread or None,
        engagement={
            key: count
            for key, count in (("score", counts.get("score")), ("replies", replies))
            if isinstance(count, int)
        },
    )


def is_gone(said: Mapping[str, Any]) -> bool:
    """Whether its author deleted it, or a moderator removed it."""
    return said.get("deleted") is True or said.get("removed") is True


def explain(answer: Answer, now: datetime) -> ConnectorError | None:
    """A word in the body: older versions say "wait" with status 400, and some say so that a post is not there."""
    if answer.status not in (400, 404):
        return None
    try:
        told = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None
    word = str(told.get("error")) if isinstance(told, dict) else ""
    if word.startswith("rate_limit"):
        return RateLimited("the Lemmy instance asks to wait (rate_limit_error); it did not say for how long")
    if word in ("couldnt_find_post", "couldnt_find_comment", "not_found"):
        return NotThere(f"the Lemmy instance has no such post ({word})")
    return None


def moment(value: Json) -> datetime | None:
    """A time as the API writes it."""
    try:
        at = datetime.fromisoformat(str(value))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
