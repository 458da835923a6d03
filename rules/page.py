"""A TOML file as people see it: values with their checks, and the line where each problem is.

Lines are looked up only when there is something to tell, because the TOML reader of the standard library keeps none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from rules.errors import Problem, did_you_mean

_W = TypeVar("_W", bound=StrEnum)


class Page:
    """One file. Readers give back what can be used, and add what is wrong to `problems`."""

    def __init__(self, file: str, text: str, problems: list[Problem]) -> None:
        self.file = file
        self.text = text
        self.problems = problems
        self.at: int | None = None  # line of the table that is being read; None at the file's head

    def tell(self, near: str, what: str, remedy: str) -> None:
        """Add a problem at the first line at or below the current rule (or the file's begin) that holds `near`."""
        lines = self.text.splitlines()
        start = (self.at or 1) - 1
        stop = next((n for n in range(start + 1, len(lines)) if lines[n].lstrip().startswith("[[rule]]")), len(lines))
        if self.at is None:
            stop = len(lines)
        key = re.compile(rf"\s*[\"']?{re.escape(near)}[\"']?\s*=") if near else None
        line = start + 1
        for n in range(start, stop):
            if key is not None and (
                key.match(lines[n]) or (len(near) > 1 and near in lines[n] and not near.isidentifier())
            ):
                line = n + 1
                break
        else:
            line = next((n + 1 for n in range(start, stop) if near and near in lines[n]), start + 1)
        self.problems.append(Problem(self.file, max(1, line), what, remedy))

    def unknown(self, table: Mapping[str, Any], allowed: Sequence[str], noun: str) -> None:
        for key in table:
            if key not in allowed:
                self.tell(key, f"unknown {noun} {key!r}", did_you_mean(key, allowed))

    def string(self, table: Mapping[str, Any], key: str, needed: bool = False) -> str:
        value = table.get(key, "")
        if not isinstance(value, str):
            self.tell(key, f"{key} is {value!r}", f'Write {key} = "…", in quotes.')
            return ""
        if needed and not value.strip():
            self.tell(key if key in table else "", f"{key!r} is missing", f'Add {key} = "…".')
        return value

    def strings(self, table: Mapping[str, Any], key: str) -> list[str]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self.tell(key, f"{key!r} is not a list of strings", f'Write {key} = ["…", "…"].')
            return []
        return value

    def choice(self, table: Mapping[str, Any], key: str, allowed: Sequence[str], near: str = "") -> str:
        value = table.get(key, "")
        if value == "" and key in table and not near:
            return ""
        if value != "" and value not in allowed:
            self.tell(near or key, f"{key} is {value!r}", did_you_mean(str(value), allowed))
            return ""
        return str(value)

    def words(self, table: Mapping[str, Any], key: str, words: type[_W]) -> tuple[_W, ...]:
        given = self.strings(table, key)
        if not given:
            return ()
        allowed = [each.value for each in words]
        for each in given:
            if each not in allowed:
                self.tell(key, f"{each!r} in {key!r} is unknown", did_you_mean(each, allowed))
        return tuple(words(each) for each in given if each in allowed)

    def flag(self, table: Mapping[str, Any], key: str, default: bool) -> bool:
        value = table.get(key, default)
        if not isinstance(value, bool):
            self.tell(key, f"{key} is {value!r}", "Allowed: true, false.")
            return default
        return value

    def number(
        self, table: Mapping[str, Any], key: str, low: float, high: float, default: float | None
    ) -> float | None:
        value = table.get(key, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.tell(key, f"{key} is {value!r}", f"Allowed: a number from {low:g} to {high:g}.")
            return default
        return float(value)
