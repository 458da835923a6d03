"""Writes the worked example of `docs/connectors.md`: `python -m tests.connectors.example` in the repository's root.

It is what `listener connectors new forum` writes, word for word; a test compares the two.
"""

from __future__ import annotations

from pathlib import Path

from listener.cli.connectors import new_files

PAGE = Path(__file__).parents[2] / "docs" / "connectors.md"
BEGIN, END = (
    "<!-- written by `python -m tests.connectors.example`; a test compares the two -->\n",
    "<!-- end of what is written -->\n",
)
NAME = "forum"
FOLDER = "listener-forum"
KINDS = {".py": "python", ".toml": "toml", ".md": "markdown"}


def render() -> str:
    """What stands between the two marks."""
    written = dict(new_files(NAME))
    parts = ["```console\n$ listener connectors new forum\n"]
    parts += [f"wrote {FOLDER}/{place}\n" for place in written]
    parts.append(f"{next_step()}\n```\n\n")
    for place, text in written.items():
        if not place.endswith(("README.md", "conftest.py")):
            lines = text.count("\n")
            fence = f"```{KINDS[Path(place).suffix]}\n{text}```"
            parts.append(
                f"<details><summary><code>{place}</code>, {lines} lines</summary>\n\n{fence}\n\n</details>\n\n"
            )
    return "".join(parts)


def next_step() -> str:
    """What the command says last."""
    return f"Next: pip install -e '{FOLDER}[test]' where listener is installed, then pytest {FOLDER}"


def page(text: str) -> str:
    """The page with the example as it is now."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + render() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
