"""Column types that accept whatever the outside world wrote.

PostgreSQL refuses NUL characters, and neither database can encode a lone surrogate. Connectors clean text already;
these types make sure of it at the border, for every bound value, so that one odd character never stops a page.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


def clean(text: str) -> str:
    """`text` without NUL, its lone surrogates replaced by U+FFFD. Idempotent; the same object where nothing is wrong."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        # By way of UTF-16, two halves that stand side by side become the character they were meant to be.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def clean_json(value: Any) -> Any:
    """`value` with every string in it cleaned; mappings become plain dicts, sequences lists."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean_json(key): clean_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(inner) for inner in value]
    return value


class PlainText(TypeDecorator[str]):
    """Text of any length."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # SQLAlchemy's hook
        """Clean on the way in."""
        return None if value is None else clean(value)


class JsonValue(TypeDecorator[Any]):
    """JSON; Python's None is SQL NULL."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # SQLAlchemy's hook
        """Clean on the way in."""
        return None if value is None else clean_json(value)
