"""What Reddit says of a post or comment, as a `Mention`, and whether it is still there.

A thing is known by its fullname (t3_… a post, t1_… a comment), in the API and in the feeds alike, so that what both found is
one mention. An author is known by the name, which cannot change and which the feeds give too; the account's own id (t2_…)
is not kept. Fields: the listings of Reddit's API, read as plain dictionaries: a model of praw would answer a missing
attribute with a request of its own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from connectors.base import Author, Mention
from connectors.markdown import plain_markdown
from connectors.text import label, safe_url

SITE = "https://www.reddit.com"
PLATFORM = "reddit"

FULLNAME = re.compile(r"t[13]_[0-9a-z]{1,13}")
# What stands where a text was: "[deleted]" by its author, "[removed]" by moderators, "[ Removed by Reddit … ]".
_GONE = re.compile(r"\[ ?(?:deleted|removed)(?: by .{1,300})? ?\]", re.IGNORECASE | re.DOTALL)

Fate = Literal["there", "gone", "account-gone"]


@dataclass(frozen=True, slots=True)
class Row:
    """One post or comment of a listing. No mention where it was deleted or says nothing."""

    fullname: str
    at: datetime  # when it was written
    mention: Mention | None
    link: str = ""  # the address that a post is about, where it is about one


def row(child: object) -> Row | None:
    """A child of a listing: {"kind": "t3", "data": {…}}; None for whatever is no post or comment with a time."""
    data = thing(child)
    if data is None or (at := _written(data)) is None:
        return None
    fullname = str(data["name"])
    found = mention(data, at) if fate(data) == "there" else None
    return Row(fullname, at, found, safe_url(data.get("url")) if fullname.startswith("t3_") else "")


def thing(child: object) -> Mapping[str, Any] | None:
    """The fields of a post or comment, with its fullname as `name`; None for anything else."""
    data = child.get("data") if isinstance(child, dict) else None
    if not isinstance(data, dict) or not isinstance(child, dict):
        return None
    name = data.get("name")
    if not isinstance(name, str):
        name = f"{child.get('kind')}_{data.get('id')}"
    return {**data, "name": name} if FULLNAME.fullmatch(name) else None


def fate(data: Mapping[str, Any]) -> Fate:
    """Whether a thing is still there, was taken away, or stands without its author because the account is gone.

    A deleted post loses its author as well, so the account counts as gone only where the text stayed and Reddit says that
    nobody removed the post: who takes back one link must not lose all other posts.
    """
    is_post = str(data["name"]).startswith("t3_")
    if is_gone(data.get("selftext" if is_post else "body")) or is_gone(data.get("title")):
        return "gone"
    if data.get("removed_by_category") is not None:
        return "gone"
    if author_of(data.get("author")):
        return "there"
    told = not is_post or "removed_by_category" in data
    return "account-gone" if told else "gone"


def is_gone(text: object) -> bool:
    """Whether this is what Reddit writes in place of a text or a name that was taken away."""
    return isinstance(text, str) and _GONE.fullmatch(text.strip()[:400]) is not None


def author_of(name: object) -> str:
    """The account's name without "/u/"; empty where there is none any more."""
    one = label(name).removeprefix("/u/").removeprefix("u/")
    return "" if is_gone(one) else one


def mention(data: Mapping[str, Any], at: datetime) -> Mention | None:
    """A thing that is there, as a mention; None where it says nothing."""
    fullname, author = str(data["name"]), author_of(data.get("author"))
    is_post = fullname.startswith("t3_")
    title = label(data.get("title")) if is_post else ""
    markdown = data.get("selftext" if is_post else "body")
    text = (plain_markdown(markdown) if isinstance(markdown, str) else "") or title
    if not (text and author):
        return None
    permalink, parent, thread = data.get("permalink"), data.get("parent_id"), data.get("link_id")
    counts = {"score": data.get("score"), "replies": data.get("num_comments") if is_post else None}
    return Mention(
        platform=PLATFORM,
        external_id=fullname,
        text=text,
        published_at=at,
        author=Author(author, author),
        url=safe_url(SITE + permalink) if isinstance(permalink, str) and permalink.startswith("/") else "",
        title=title,
        kind="post" if is_post else "comment",
        parent_id=None if is_post else _fullname(parent),
        thread_id=fullname if is_post else _fullname(thread),
        engagement={name: count for name, count in counts.items() if type(count) is int},
    )


def present(data: Mapping[str, Any]) -> Mention | None:
    """A thing that was looked up, as it reads now."""
    at = _written(data)
    return None if at is None else mention(data, at)


def _fullname(value: object) -> str | None:
    return value if isinstance(value, str) and FULLNAME.fullmatch(value) else None


def _written(data: Mapping[str, Any]) -> datetime | None:
    value = data.get("created_utc")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return datetime.fromtimestamp(value, UTC) if 0 < value < 9_999_999_999 else None
