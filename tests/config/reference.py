"""Writes `docs/configuration.md` from the schema: `python -m tests.config.reference` in the repository's root.

A test compares the page with what this gives, so that it cannot say anything else than the program does.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from datetime import time, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import AfterValidator, BaseModel, BeforeValidator
from pydantic_core import PydanticUndefined

from connectors.base import Connector
from listener.cases.clock import ALWAYS
from listener.config import values
from listener.config.phrases import keys_of
from listener.config.schema import LISTS, RECEIVERS, TABLES
from listener.config.values import say_duration

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"

WORDS = {
    values.parse_duration: "duration",
    values.parse_target: "target",
    values.parse_hours: "opening hours",
    values.parse_time: "time of day",
    values.parse_date: "date",
    values.parse_zone: "time zone",
    values.parse_language: "language",
    values.parse_account: "account",
    values.parse_web_address: "web address",
    values.parse_intranet: "host or network",
    values.parse_slack_people: "Slack id",
    values.parse_name: "name",
    values.plain_text: "text",
    values.saved_text: "text",
}

HEAD = """# Configuration

<!-- Written by `python -m tests.config.reference` from the program itself; a test compares the two. -->

One TOML file. `listener --config FILE` names it; otherwise it is `listener.toml` in the current folder, or
`listener/listener.toml` in your config folder (`$XDG_CONFIG_HOME`, else `~/.config`). `listener init` writes one to
begin with, [`config.example.toml`](../config.example.toml) is the same file, `listener doctor` checks it.

Every mistake in it is told at once, with the line, what is allowed, and what was probably meant. Relative paths are
taken from the folder of the file.

**Secrets never stand in the file.** A key that ends in `_env` names an environment variable, one that ends in `_file`
names a file. They are read when they are needed, so the file loads on a machine that does not have them.

| notation | written as |
|---|---|
| duration | `"30s"`, `"5m"`, `"1h30m"`, `"6h"`, `"2d"`, `"1w"` |
| target | `"30m"`, `"4h"`, `"1d"`, where `1d` is one service day: as long as the longest day of `service_hours` |
| opening hours | `"monday-friday 09:00-18:00, saturday 10:00-14:00"` or `{ monday = "09:00-12:00, 13:00-18:00" }` |
| time of day, date | `"09:00"`, `2026-12-25` |
| time zone | a name such as `"Europe/Paris"` or `"UTC"` |
| language | two letters: `"en"`, `"fr"`; `"und"` for posts whose language is unclear |
| account | `"platform:handle"`, such as `"x:acme"` |
| variable | the name of an environment variable, in capitals, never its value |
| host or network | `"forum.corp.example"`, `"*.corp.example"` for all hosts of a domain, `"10.20.0.7"`, `"10.20.0.0/16"` |
| name | letters, digits, `-` and `_`; yours to choose |
"""


def render(connectors: Mapping[str, Connector]) -> str:
    """The page."""
    parts = [HEAD]
    for name in ("brand", "targets", "source"):
        model = TABLES.get(name) or LISTS[name]
        parts.append(_section(f"[{name}]" if name in TABLES else f"[[{name}]]", model))
    for name, connector in connectors.items():
        own = _rows(connector.settings, without=keys_of(LISTS["source"]))
        parts.append(
            f'### connector = "{name}"\n\n{_sentence(connector.summary)} Needs: {connector.credentials}. Polled every '
            f"{say_duration(connector.every)} unless the source says otherwise.\n\n{own}"
        )
    parts.append(_section("[[account]]", LISTS["account"]))
    parts += [_section(f'[[receiver]] with type = "{kind}"', model) for kind, model in RECEIVERS.items()]
    parts += [_section(f"[[{name}]]", LISTS[name]) for name in ("route", "saved_reply")]
    for name in ("digest", "spikes", "retention", "journey", "rules", "slack", "listener"):
        parts.append(_section(f"[{name}]", TABLES[name]))
        if name == "journey":
            touchpoint = typing.get_args(typing.get_type_hints(TABLES[name])["touchpoints"])[1]
            parts.append(_section("[journey.touchpoints.NAME]", touchpoint))
    return "\n".join(parts)


def _section(title: str, model: type[BaseModel]) -> str:
    return f"## `{title}`\n\n{(model.__doc__ or '').strip()}\n\n{_rows(model)}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _rows(model: type[BaseModel], without: tuple[str, ...] = ()) -> str:
    hints = typing.get_type_hints(model, include_extras=True)
    rows = ["| key | value | default | |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        if name in without:
            continue
        row = (
            f"`{field.alias or name}`",
            "variable" if name.endswith("_env") else _kind(hints[name]),
            _default(field.default),
            field.description or "",
        )
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    return "\n".join(rows) + "\n"


def _default(value: object) -> str:
    if value is PydanticUndefined:
        return "**needed**"
    if value is None or value == ALWAYS or value in ((), frozenset(), {}):
        return ""
    if isinstance(value, timedelta):
        return f'`"{say_duration(value)}"`'
    if isinstance(value, time):
        return f'`"{value:%H:%M}"`'
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple | frozenset):
        return "`[" + ", ".join(f'"{each}"' for each in value) + "]`"
    return f"`{value}`" if isinstance(value, int | float) else f'`"{value}"`'


def _kind(hint: Any) -> str:
    """The type in words."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        for extra in arguments[1:]:
            if isinstance(extra, BeforeValidator | AfterValidator) and extra.func in WORDS:
                return WORDS[extra.func]
        return _kind(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_kind(each) for each in arguments if each is not type(None)))
    if origin in (tuple, frozenset, list):
        return f"list: {_kind(arguments[0])}"
    if origin is typing.Literal:
        return ", ".join(f"`{each}`" for each in arguments)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return "table"
    if isinstance(hint, type):
        if issubclass(hint, Enum):
            return ", ".join(f"`{each.value}`" for each in hint)
        if issubclass(hint, BaseModel):
            return "table"
        return {
            bool: "true or false",
            int: "whole number",
            float: "number",
            str: "text",
            Path: "path",
            timedelta: "duration",
        }.get(hint, hint.__name__)
    return "any"


def main() -> None:
    from listener.plugins import connectors

    PAGE.write_text(render({name: installed.load() for name, installed in connectors().items()}), encoding="utf-8")


if __name__ == "__main__":
    main()
