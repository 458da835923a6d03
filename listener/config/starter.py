"""The configuration to begin with: every key with a comment, running as it is, for one's own brand.

`config.example.toml` is the same text for an invented brand; a test compares them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files

from listener.config.schema import FIVE_LANGUAGES

EXAMPLE_BRAND = "Example Brand"
EXAMPLE_TIMEZONE = "Europe/Paris"


def starter_config(
    brand: str = EXAMPLE_BRAND, timezone: str = EXAMPLE_TIMEZONE, languages: Sequence[str] = FIVE_LANGUAGES
) -> str:
    """What `listener init` writes. The values are quoted, not judged: `parse_config` does that."""
    text = files("listener.config").joinpath("starter.toml").read_text(encoding="utf-8")
    values = {"@BRAND@": toml_text(brand), "@TIMEZONE@": toml_text(timezone)}
    values["@LANGUAGES@"] = f"[{', '.join(toml_text(language) for language in languages)}]"
    # Line by line and one value a line, so that a brand called "@TIMEZONE@" stays what it is.
    lines = text.splitlines()
    for index, line in enumerate(lines):
        key, equals, marker = line.partition(" = ")
        if marker in values:
            lines[index] = key + equals + values[marker]
    return "\n".join(lines) + "\n"


def toml_text(value: str) -> str:
    """`value` as a TOML string, whatever it holds; what cannot be written as UTF-8 becomes a question mark."""
    plain = value.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(plain, ensure_ascii=False).replace("\x7f", "\\u007f")
