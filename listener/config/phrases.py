"""pydantic's errors in the words of a user who edits a TOML file."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ValidationError

from listener.config.problems import Path, Report, did_you_mean, listed, looks_secret, quoted
from listener.config.values import say_duration

_QUOTED = re.compile(r"'([^']*)'")
_EXPECTED = {
    "string_type": 'must be text in quotes: "…"',
    "bool_type": "must be true or false, without quotes",
    "bool_parsing": "must be true or false, without quotes",
    "int_type": "must be a whole number, without quotes",
    "int_parsing": "must be a whole number, without quotes",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number, without quotes",
    "float_parsing": "must be a number, without quotes",
    "finite_number": "must be a finite number",
    "tuple_type": 'must be a list: ["…"]',
    "list_type": 'must be a list: ["…"]',
    "set_type": 'must be a list: ["…"]',
    "frozen_set_type": 'must be a list: ["…"]',
    "mapping_type": "must be a table: { … }",
    "dict_type": "must be a table: { … }",
    "model_type": "must be a table: { … }",
    "path_type": 'must be a path in quotes: "…"',
    "string_too_short": "must not be empty",
    "too_short": "must not be an empty list",
}
_LISTS = frozenset({"tuple_type", "list_type", "set_type", "frozen_set_type"})
_BOUNDS = {"greater_than": "more than", "greater_than_equal": "at least", "less_than": "less than", "less_than_equal": "at most"}  # fmt: skip


def report_validation(
    report: Report, error: ValidationError, prefix: Path, model: type[BaseModel], more: tuple[str, ...] = ()
) -> None:
    """Put every error pydantic found in the table at `prefix` into `report`. `more`: keys allowed beside the model's."""
    errors = error.errors(include_url=False)
    for found in errors:
        below = len(found["loc"])
        if found["type"] == "too_short" and any(
            e["loc"][:below] == found["loc"] and len(e["loc"]) > below for e in errors
        ):
            continue  # pydantic counts only the entries that passed; those that did not are reported themselves
        path = prefix + tuple(part for part in found["loc"] if part != "[key]")
        what, remedy = _phrase(found, model, more)
        report.problem(path, what, remedy)


def _phrase(found: Any, model: type[BaseModel], more: tuple[str, ...]) -> tuple[str, str]:
    kind, context, value = found["type"], found.get("ctx", {}), found["input"]
    last = found["loc"][-1] if found["loc"] else ""
    if kind == "extra_forbidden":
        return unknown_key(str(last), keys_of(_inner(model, found["loc"][:-1])) + more)
    if kind == "missing":
        return f"{quoted(last)} is missing", _purpose(_inner(model, found["loc"][:-1]), str(last))
    if kind in ("literal_error", "enum"):
        allowed = _QUOTED.findall(str(context.get("expected", "")))
        hint = " ".join(part for part in (did_you_mean(value, allowed), f"allowed: {listed(allowed)}") if part)
        return f"{_said(value, last)} is not allowed here", hint
    if kind == "value_error":
        what, _, remedy = str(context.get("error", found["msg"])).partition("; ")
        return what, remedy
    if kind in _BOUNDS:
        bound = next((context[key] for key in ("gt", "ge", "lt", "le") if key in context), "")
        return f"{_said(value, last)} is out of range", f"use {_BOUNDS[kind]} {_bound(bound)}" if bound != "" else ""
    if kind == "string_too_long":
        return "this text is too long", f"at most {context.get('max_length')} characters"
    if kind in _LISTS and isinstance(value, str) and not looks_secret(str(last)):
        return f"{quoted(value)} is no list", f"write [{quoted(value)}]"
    if kind in _EXPECTED:
        given = "" if kind in ("string_too_short", "too_short") else f"{_said(value, last)} does not fit"
        return (given or _EXPECTED[kind]), (_EXPECTED[kind] if given else "write something")
    return f"{_said(value, last)} does not fit", str(found["msg"])


def _said(value: object, key: object) -> str:
    if isinstance(key, str) and (looks_secret(key) or key.endswith("_env")):
        return "this value"
    if isinstance(value, timedelta):
        return say_duration(value)
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    return quoted(value)


def _bound(bound: object) -> str:
    if isinstance(bound, timedelta):
        return say_duration(bound)
    return f"{bound:g}" if isinstance(bound, int | float) else str(bound)


def unknown_key(key: str, known: tuple[str, ...]) -> tuple[str, str]:
    """What to say of a key that nobody reads."""
    hint = did_you_mean(key, known)
    return f"there is no key {quoted(key)}", f"{hint + ' ' if hint else ''}keys here: {listed(known, 20)}"


def keys_of(model: type[BaseModel]) -> tuple[str, ...]:
    """The keys of a table as users write them."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _purpose(model: type[BaseModel], key: str) -> str:
    for name, field in model.model_fields.items():
        if key in (name, field.alias) and field.description:
            return f"write {key} = … ({field.description})"
    return ""


def _inner(model: type[BaseModel], path: tuple[str | int, ...]) -> type[BaseModel]:
    """The model of the table that `path` leads to inside `model`; `model` itself where that cannot be told."""
    for part in path:
        field = model.model_fields.get(part) if isinstance(part, str) else None
        inner = _model_in(field.annotation) if field is not None else None
        model = inner or model
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        if (inner := _model_in(part)) is not None:
            return inner
    return None
