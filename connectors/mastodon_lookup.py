"""Ask whether posts of the Mastodon network are still there: each on the server where it was written.

The instance's own posts are asked for together; what is not among the answer, and every post of another server, one by one.
A server that does not answer, or only to its own users, tells nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from connectors.base import ConnectorError, Known, Looked, Refused
from connectors.http import Client
from connectors.lookup import GONE, Found, Homes, one_by_one
from connectors.mastodon_posts import home_of, mention_of

BATCH = 20  # posts looked up at once; most are a request each


def look_up(posts: Sequence[Known], instance: Client, base: str, homes: Homes, now: datetime) -> Looked:
    """Ask for all of them. `base` is where `instance` is. Raises `ConnectorError` where the instance itself fails."""
    host = urlsplit(base).hostname or ""
    own = [home[1] for post in posts if (home := home_of(post.external_id)) and _is_same(home[0], base)]
    known = _together(instance, own, now)

    def ask(post: Known) -> Found:
        home = home_of(post.external_id)
        if home is None:
            return None
        if _is_same(home[0], base):
            status = known.get(home[1]) or instance.find(f"/api/v1/statuses/{home[1]}", now)
            return GONE if status is None else _found(status, post, host)
        return _elsewhere(homes, home[0], home[1], post, now)

    try:
        return one_by_one("mastodon", posts, ask)
    finally:
        homes.close()


def _together(instance: Client, ids: list[str], now: datetime) -> dict[str, Any]:
    """The instance's own posts by id (since Mastodon 4.3); none where it does not know the question."""
    if len(ids) < 2:
        return {}
    try:
        found = instance.find("/api/v1/statuses?" + urlencode([("id[]", one) for one in ids]), now)
    except Refused:
        return {}
    listed = found if isinstance(found, list) else []
    return {str(status.get("id")): status for status in listed if isinstance(status, dict)}


def _elsewhere(homes: Homes, base: str, one: str, post: Known, now: datetime) -> Found:
    try:
        status = homes.at(base).find(f"/api/v1/statuses/{one}", now)
    except ConnectorError:
        homes.give_up(base)
        return None
    if status is None:
        return GONE
    # Servers clean each other's markup in their own ways; only what its author changed is a change.
    if not isinstance(status, dict) or not status.get("edited_at"):
        return None
    return _found(status, post, urlsplit(base).hostname or "")


def _found(status: Any, post: Known, host: str) -> Found:
    """The post as it reads now, if it is the one."""
    if not isinstance(status, Mapping):
        return None
    mention = mention_of(status, host)
    return mention if mention is not None and mention.external_id == post.external_id else None


def _is_same(one: str, other: str) -> bool:
    return urlsplit(one).netloc.casefold() == urlsplit(other).netloc.casefold()
