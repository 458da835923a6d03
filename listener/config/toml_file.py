"""Opening a file and reading it as TOML, with a sentence for each way in which that can fail."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from listener.config.problems import ConfigError, Problem

_LARGEST = 1024 * 1024  # bytes; more is not a configuration
_TOML_HINTS = (
    ("unclosed array", "a list ends with ]; one that was opened above does not"),
    ("inline table", "a table in braces is { key = value, key = value }"),
    ("overwrite", "this key stands twice in its table; keep one"),
    ("twice", "this table stands twice; join the two"),
    ("escape", "in double quotes a backslash must be doubled; single quotes take it as it is"),
)


def read_text(path: Path) -> str:
    """The text of the file. Raises `ConfigError`."""

    def refuse(what: str, remedy: str) -> ConfigError:
        return ConfigError((Problem(what, remedy, file=str(path)),))

    try:
        if path.is_dir():
            raise refuse("this is a folder", "name the file in it, such as listener.toml")
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise refuse("there is no such file", "`listener init` writes one") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "bad path"
        raise refuse(f"cannot be read: {reason}", "check the path and the file's permissions") from None
    if len(content) > _LARGEST:
        raise refuse("this file is larger than 1 MB", "it is hardly a configuration; check the path")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            (Problem("this is not UTF-8 text", "save the file with the encoding UTF-8", line=line, file=str(path)),)
        ) from None


def parse_document(text: str, file: str) -> dict[str, Any]:
    """The text as tables and values; `file` names it in messages. Raises `ConfigError`."""
    if not text.strip():
        raise ConfigError((Problem("this file is empty", "`listener init` writes one to begin with", file=file),))
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, _, position = str(error).partition(" (at ")
        digits = position.removeprefix("line ").partition(",")[0]
        line = int(digits) if digits.isdigit() else text.count("\n") + 1
        raise ConfigError(
            (
                Problem(
                    f"this is not TOML: {message[:1].lower()}{message[1:]}",
                    _toml_hint(text, line, message),
                    line=line,
                    file=file,
                ),
            )
        ) from None
    except (ValueError, RecursionError):  # a number of thousands of digits; brackets a thousand deep
        raise ConfigError(
            (Problem("this cannot be read as TOML", "a number or a nesting is absurdly large", file=file),)
        ) from None


def _toml_hint(text: str, line: int, message: str) -> str:
    lines = text.split("\n")
    said = lines[line - 1] if line <= len(lines) else ""
    if any(quote in said for quote in "“”„«»‘’"):
        return 'use straight quotes: "…"'
    for sign, hint in _TOML_HINTS:
        if sign in message.lower():
            return hint
    return 'text needs quotes: key = "value"; lists are ["a", "b"]; a table begins with [name]'
