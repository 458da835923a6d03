"""The ids of rules, read without making rules of them: a tenth of the work, for who only wants to know which there are."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple

from rules.load import pack_files, uncollected


class Name(NamedTuple):
    """A rule by name."""

    id: str
    lang: str  # "*": of every language


def speaking(sources: Sequence[Path | Traversable]) -> list[Name]:
    """Rules whose name a verdict keeps when they match: those with a `label` or a floor (`rules.facts.Evidence`).

    A file that cannot be read holds none; telling its author so is the business of `load_packs`.
    """
    with uncollected():
        return [name for file in pack_files(sources) for name in _named(file)]


def _named(file: Path | Traversable) -> Iterator[Name]:
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return
    match data:
        case {"pack": {"lang": str(lang)}, "rule": [*tables]}:
            for table in tables:
                if isinstance(table, dict) and isinstance(table.get("id"), str) and _speaks(table):
                    yield Name(table["id"], lang)


def _speaks(table: Mapping[str, Any]) -> bool:
    urgency = table.get("urgency") or {}
    return bool(
        table.get("stage")
        or table.get("delight")
        or table.get("intents")
        or (isinstance(urgency, dict) and (urgency.get("floor") or (urgency.get("factor") and urgency.get("points"))))
    )
