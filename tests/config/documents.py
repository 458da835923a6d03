"""Writing any document as TOML, for tests that throw documents at the loader."""

from __future__ import annotations

import math
from datetime import date, datetime, time
from typing import Any

from listener.config.starter import toml_text


def as_toml(document: dict[str, Any]) -> str:
    """The document with every table inline: plain, and one key a line."""
    return "\n".join(f"{toml_text(key)} = {_value(value)}" for key, value in document.items())


def _value(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return toml_text(value)
        case float():
            return repr(value) if math.isfinite(value) and "." in repr(value) else "inf" if value > 0 else "nan"
        case datetime() | date() | time():
            return value.isoformat()
        case list():
            return "[" + ", ".join(map(_value, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{toml_text(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
        case _:
            return str(value)
