"""One row of a file as a `Mention`: the fields, their kinds, and what is said when a row cannot be one."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any, cast, get_args

from connectors.base import Author, Kind, Mention
from connectors.text import clean, label, safe_url

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

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM = 100_000_000_000  # a larger number of "seconds" would lie beyond the year 5138
_YES = frozenset({"1", "true", "yes", "y"})
_NO = frozenset({"0", "false", "no", "n"})
_LANG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")


class BadRow(ValueError):  # a row, not a fault of the program
    """This row is no mention; the message says why."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where a row is silent."""

    published_at: datetime  # aware; for rows without any time
    zone: tzinfo | None  # for times that name none; None: they are refused
    platform: str
    brand: str | None


def mention(row: Mapping[str, Any], columns: Mapping[str, str], defaults: Defaults) -> Mention:
    """The row as a mention. `columns` says for each of FIELDS which column holds it. Raises `BadRow`."""

    def value(name: str) -> Any:
        return row.get(columns[name])

    text = value("text")
    if not isinstance(text, str) or not clean(text):
        raise BadRow(f"no text in {columns['text']!r}")
    platform = label(value("platform"), 40).casefold() or defaults.platform
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
            f"{column!r} holds no time that can be read; write 2026-11-22T09:30:00+01:00 or seconds since 1970"
        )
    if moment.tzinfo is None:
        if defaults.zone is None:
            raise BadRow(f"the time in {column!r} names no time zone; write one behind it, or set `timezone`")
        moment = moment.replace(tzinfo=defaults.zone)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise BadRow(f"the time in {column!r} is out of range") from None
    if moment < _EARLIEST:
        raise BadRow(f"the time in {column!r} lies before 1990")
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
