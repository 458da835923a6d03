"""One row of a file, or one post that was sent to us, as a `Mention`: the fields, their names elsewhere, their kinds.

A column is found by our name for it, whatever its case, or by one of the names that exports commonly use (`ALIASES`); a
mapping decides where that is not enough. "review.body" in a mapping reads the field `body` of the object `review`.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any, cast, get_args

from connectors.base import Author, Kind, Mention
from connectors.text import clean, label, safe_url, unescaped

COUNTS = ("likes", "replies", "reposts", "score")
FIELDS = (
    "id",
    "text",
    "title",
    "lang",
    "platform",
    "brand",
    "author",
    "author_name",
    "followers",
    "published_at",
    "url",
    "kind",
    "rating",
    "parent",
    "thread",
    "in_reply_to_brand",
    *COUNTS,
)

# Names that exports and webhooks use, best first. None may mean two things: "name" could be a person's or a product's.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": ("external_id", "post_id", "review_id", "comment_id"),
    "text": ("body", "content", "message", "review", "review_text", "review_body", "comment"),
    "title": ("headline", "subject", "review_title"),
    "lang": ("language",),
    "author": ("user", "username", "author_handle", "handle", "reviewer"),
    "author_name": ("display_name",),
    "followers": ("followers_count", "follower_count"),
    "published_at": ("created_at", "posted_at", "published", "created", "timestamp", "date", "time"),
    "url": ("link", "permalink"),
    "rating": ("stars", "star_rating"),
    "parent": ("parent_id", "in_reply_to"),
    "thread": ("thread_id", "conversation_id"),
    "likes": ("like_count",),
    "replies": ("reply_count",),
    "reposts": ("repost_count", "shares"),
}

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM = 100_000_000_000  # a larger number of "seconds" would lie beyond the year 5138
_YES = frozenset({"1", "true", "yes", "y"})
_NO = frozenset({"0", "false", "no", "n"})
_ESCAPING = frozenset({"x", "twitter"})  # platforms that hand out "&amp;"
_LANG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")


class BadRow(ValueError):  # a row, not a fault of the program
    """This row is no mention: `what` is wrong in `column` (empty: the whole), and what would be `allowed`."""

    def __init__(self, what: str, allowed: str = "", column: str = "") -> None:
        super().__init__(f"{what}; {allowed}" if allowed else what)
        self.what, self.allowed, self.column = what, allowed, column


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where a row is silent."""

    published_at: datetime  # aware; for rows without any time
    zone: tzinfo | None  # for times that name none; None: they are refused
    platform: str
    brand: str | None


def columns_for(found: Iterable[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """For each of FIELDS the column that holds it, of those `found`: as mapped, by its own name, or by an alias."""
    plain = {_plain(column): column for column in reversed(list(found))}
    columns: dict[str, str] = {}
    for name in FIELDS:
        names = (name, *(_plain(alias) for alias in ALIASES.get(name, ())))
        columns[name] = mapping.get(name) or next((plain[one] for one in names if one in plain), name)
    return columns


def at(row: Mapping[str, Any], column: str) -> Any:
    """What stands in a column; with dots in its name, what lies that deep in objects. None where nothing does."""
    if column in row or "." not in column:
        return row.get(column)
    found: Any = row
    for part in column.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def mention(row: Mapping[str, Any], columns: Mapping[str, str], defaults: Defaults) -> Mention:
    """The row as a mention. `columns` says for each of FIELDS which column holds it. Raises `BadRow`."""

    def value(name: str) -> Any:
        return at(row, columns[name])

    text = value("text")
    if not isinstance(text, str) or not clean(text):
        raise BadRow(f"no text in {columns['text']!r}", column=columns["text"])
    platform = label(value("platform"), 40).casefold() or defaults.platform
    if platform in _ESCAPING:
        text = unescaped(text)
    author = _author(value("author"), label(value("author_name")), _count(value("followers")))
    kind = label(value("kind"))
    return Mention(
        platform=platform,
        external_id=label(value("id")) or _hash(row),
        text=clean(text),
        published_at=_time(value("published_at"), columns["published_at"], defaults),
        author=author,
        url=safe_url(value("url")),
        title=label(value("title")),
        kind=cast("Kind", kind) if kind in get_args(Kind) else "post",
        lang=_lang(value("lang")),
        parent_id=label(value("parent")) or None,
        thread_id=label(value("thread")) or None,
        in_reply_to_brand=_flag(value("in_reply_to_brand")),
        rating=_rating(value("rating")),
        engagement={name: count for name in COUNTS if (count := _count(value(name))) is not None},
        brand=label(value("brand")) or defaults.brand,
    )


def _plain(column: str) -> str:
    """A column's name without what spellings of it differ in."""
    return re.sub(r"[\s_-]+", "_", str(column).strip().casefold())


def _author(author: Any, name: str, followers: int | None) -> Author:
    """A plain name, or an object with id, handle, name and followers. No id where nobody is named: two such posts are not one author's."""
    if isinstance(author, Mapping):
        handle = label(author.get("handle")).removeprefix("@")
        one = label(author.get("id")) or handle or label(author.get("name"))
        count = _count(author.get("followers"))
        return Author(one, handle, label(author.get("name")) or name, followers if count is None else count)
    handle = label(author).removeprefix("@")
    return Author(handle or name, handle, name, followers)


def _time(value: Any, column: str, defaults: Defaults) -> datetime:
    if value is None or value == "":
        return defaults.published_at
    moment = _parse_time(value)
    if moment is None:
        raise BadRow(
            f"{column!r} holds no time that can be read",
            "write 2026-11-22T09:30:00+01:00 or seconds since 1970",
            column,
        )
    if moment.tzinfo is None:
        if defaults.zone is None:
            what = f"the time in {column!r} names no time zone"
            raise BadRow(what, "write one behind it, or set `timezone`", column)
        moment = moment.replace(tzinfo=defaults.zone)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise BadRow(f"the time in {column!r} is out of range", column=column) from None
    if moment < _EARLIEST:
        raise BadRow(f"the time in {column!r} lies before 1990", column=column)
    return moment


def _parse_time(value: Any) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    try:
        if re.fullmatch(r"\d{9,14}(\.\d+)?", text):
            seconds = float(text)
            return datetime.fromtimestamp(seconds / 1000 if seconds >= _MILLISECONDS_FROM else seconds, UTC)
        # "2015-02-16 23:36:05 -0800" and "… UTC" are common in exports; ISO 8601 wants the zone without a space.
        return datetime.fromisoformat(
            re.sub(r"\s+(?:UTC|GMT|Z)$", "+00:00", re.sub(r"\s+(?=[+-]\d\d:?\d\d$)", "", text))
        )
    except (ValueError, OverflowError, OSError):
        pass
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _count(value: Any) -> int | None:
    number = _number(value)
    return None if number is None or not 0 <= number < 2**53 else int(number)


def _rating(value: Any) -> float | None:
    number = _number(value)
    return None if number is None or not 1 <= number <= 5 else number


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _flag(value: Any) -> bool | None:
    text = str(value).strip().casefold()
    return True if text in _YES else False if text in _NO else None


def _lang(value: Any) -> str | None:
    text = label(value, 20)
    return text.replace("_", "-") if _LANG.fullmatch(text) and text.casefold() != "und" else None


def _hash(row: Mapping[str, Any]) -> str:
    """The same line gives the same id, wherever it stands and however often it is read."""
    content = json.dumps(row, sort_keys=True, default=str)
    return "h" + hashlib.blake2b(content.encode(errors="replace"), digest_size=10).hexdigest()
