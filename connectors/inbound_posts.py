"""The body of a request as mentions: JSON (one object or a list of them) or a form, with the fields of an import.

`"removed": true` beside an `id` says that the post is gone. All or nothing: where one post of a list is bad, `BadPosts` tells everything that is wrong with any of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from connectors.base import Mention, Removal
from connectors.row import BadRow, Defaults, at, columns_for, mention
from connectors.text import label

MOST_POSTS = 1_000  # in one request
MOST_FIELDS = 200  # of a form

JSON_TYPES = ("application/json", "text/json")
FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong: where ("[2].published_at", "body"), what, and what would be allowed."""

    where: str
    what: str
    allowed: str = ""


class BadPosts(Exception):
    """Nothing of this body is taken."""

    def __init__(self, *flaws: Flaw, status: int = 400) -> None:
        super().__init__(flaws[0].what)
        self.flaws = flaws
        self.status = status


def read_posts(
    body: bytes, content_type: str, mapping: Mapping[str, str], defaults: Defaults
) -> list[Mention | Removal]:
    """The posts of a body. `defaults.published_at` is when it arrived. Raises `BadPosts`."""
    rows, is_list = _rows(body, content_type)
    found: list[Mention | Removal] = []
    flaws: list[Flaw] = []
    names: tuple[str, ...] | None = None
    columns: Mapping[str, str] = {}
    for number, row in enumerate(rows):
        place = f"[{number}]" if is_list else ""
        try:
            if not isinstance(row, dict):
                raise BadRow(f"this is {_kind(row)}", 'write an object: {"text": "…", …}')
            if names != tuple(row):  # the posts of a list mostly have the same fields
                names, columns = tuple(row), columns_for(row, mapping)
            found.append(_removal(row, columns, defaults) or _mention(row, columns, defaults))
        except BadRow as error:
            where = f"{place}.{error.column}".strip(".") if error.column else place or "body"
            flaws.append(Flaw(where, error.what, error.allowed or "a text of one character or more"))
    if flaws:
        raise BadPosts(*flaws)
    return found


def _removal(row: Mapping[str, Any], columns: Mapping[str, str], defaults: Defaults) -> Removal | None:
    if str(row.get("removed", "")).casefold() not in ("true", "1", "yes"):
        return None
    one = label(at(row, columns["id"]))
    if not one:
        raise BadRow("a removal must name its post", "the id under which the post was sent", columns["id"])
    return Removal(label(at(row, columns["platform"]), 40).casefold() or defaults.platform, one)


def _mention(row: Mapping[str, Any], columns: Mapping[str, str], defaults: Defaults) -> Mention:
    found = mention(row, columns, defaults)
    if label(at(row, columns["id"])):
        return found
    # Sent again by a sender who knows no ids it must be the same post; when it arrived says nothing about that.
    is_dated = at(row, columns["published_at"]) not in (None, "")
    time = found.published_at.isoformat() if is_dated else ""
    content = json.dumps([found.platform, found.author.id, found.author.name, time, found.text])
    return replace(found, external_id="h" + hashlib.blake2b(content.encode(), digest_size=10).hexdigest())


def _rows(body: bytes, content_type: str) -> tuple[list[Any], bool]:
    """What should be posts, and whether they came as a list."""
    kind = content_type.partition(";")[0].strip().casefold()
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadPosts(Flaw("body", "this is not UTF-8", "UTF-8")) from None
    if kind == FORM_TYPE:
        return [_form(text)], False
    if kind and kind not in JSON_TYPES and not kind.endswith("+json"):
        allowed = f"application/json or {FORM_TYPE}"
        raise BadPosts(Flaw("Content-Type", f"{label(kind, 100)!r} is not read", allowed), status=415)
    try:
        found = json.loads(text)
    except RecursionError:
        raise BadPosts(Flaw("body", "this is nested too deeply", "an object or a list of objects")) from None
    except ValueError as error:
        place = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise BadPosts(Flaw("body", f"this is not JSON{place}", '{"text": "…", …} or a list of such')) from None
    if not isinstance(found, list):
        return [found], False
    if not 1 <= len(found) <= MOST_POSTS:
        raise BadPosts(Flaw("body", f"this list has {len(found)} posts", f"1 to {MOST_POSTS} in one request"))
    return found, True


def _form(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, max_num_fields=MOST_FIELDS, errors="replace"))
    except ValueError:
        raise BadPosts(Flaw("body", "this form has too many fields", f"at most {MOST_FIELDS}")) from None


def _kind(value: object) -> str:
    names = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
