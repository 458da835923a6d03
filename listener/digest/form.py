"""The digest as JSON and back: `as_json` for scripts and the archive, `read_json` to render an old week again.

Field names are those of `figures.Digest`; times are ISO 8601 in UTC. The text is sorted and ends with a newline,
so the same digest gives the same bytes. `read_json` refuses another schema version with `FormError`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from listener.digest.figures import SCHEMA_VERSION, Digest


class FormError(ValueError):
    """Not a digest of this schema version; the message says what is wrong."""


def as_data(digest: Digest) -> dict[str, Any]:
    """The digest as plain JSON values, e.g. for a notification's payload."""
    data = _plain(digest)
    assert isinstance(data, dict)
    return data


def as_json(digest: Digest) -> str:
    """The digest as JSON text."""
    return json.dumps(as_data(digest), ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False) + "\n"


def from_data(data: Mapping[str, Any]) -> Digest:
    """The digest that `as_data` wrote. Raises `FormError`."""
    version = data.get("schema_version")
    if version != SCHEMA_VERSION:
        raise FormError(f"schema_version: this program reads {SCHEMA_VERSION}, the digest has {version!r}")
    try:
        built = _build(Digest, data)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise FormError(f"not a digest of schema version {SCHEMA_VERSION}: {problem}") from problem
    assert isinstance(built, Digest)
    return built


def read_json(text: str) -> Digest:
    """The digest that `as_json` wrote. Raises `FormError`."""
    try:
        data = json.loads(text)
    except ValueError as problem:
        raise FormError(f"not JSON: {problem}") from problem
    if not isinstance(data, dict):
        raise FormError("not a digest: a JSON object is expected")
    return from_data(data)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {part.name: _plain(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value


def _build(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        chosen = [option for option in get_args(kind) if option is not type(None)]
        return None if value is None else _build(chosen[0], value)
    if origin is tuple:
        return tuple(_build(get_args(kind)[0], part) for part in value)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        parts = {part.name: _build(hints[part.name], value[part.name]) for part in fields(kind) if part.name in value}
        assert isinstance(kind, type)
        return kind(**parts)
    if kind is datetime:
        return datetime.fromisoformat(value)
    return float(value) if kind is float else value


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what `as_json` writes; published as docs/digest.schema.json."""
    kinds: dict[str, Any] = {}
    root = _schema_of(Digest, kinds)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A weekly digest of listener",
        "description": (
            "Shares are 0 to 1, net sentiment -1 to 1, times ISO 8601 in UTC; null where small numbers forbid a figure. "
            "schema_version grows when a field changes its meaning or goes away; readers must accept new fields."
        ),
        **root,
        "$defs": dict(sorted(kinds.items())),
    }


def _schema_of(kind: Any, kinds: dict[str, Any]) -> dict[str, Any]:
    origin, given = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return {"anyOf": [_schema_of(option, kinds) for option in given]}
    if origin is tuple:
        return {"type": "array", "items": _schema_of(given[0], kinds)}
    if origin is Literal:
        return {"enum": list(given)}
    if isinstance(kind, type) and is_dataclass(kind):
        if kind.__name__ not in kinds:
            kinds[kind.__name__] = {}  # first, so that a kind may hold itself
            kinds[kind.__name__] = _object(kind, kinds)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if kind is datetime:
        return {"type": "string", "format": "date-time"}
    return {"type": _TYPES[kind]}


def _object(kind: Any, kinds: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    properties = {part.name: _schema_of(hints[part.name], kinds) for part in fields(kind)}
    if kind is Digest:
        properties["schema_version"] = {"const": SCHEMA_VERSION}
    text = (kind.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    described = {} if text.startswith(f"{kind.__name__}(") else {"description": " ".join(text.split())}
    return {"type": "object", **described, "properties": properties, "required": list(properties)}


_TYPES: Mapping[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
