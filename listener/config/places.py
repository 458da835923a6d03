"""Which line of a TOML file says what: `locate(text)` maps the path of every key and list entry to its line.

The standard library reads TOML but forgets the lines, and a message without a line sends people searching. This reads
only text that `tomllib` has accepted before, so it need not judge, only find. Should the two ever disagree, a message
loses its line; nothing else depends on it.
"""

from __future__ import annotations

import tomllib
from bisect import bisect_right
from contextlib import suppress

from listener.config.problems import Path

_BARE_END = frozenset(" \t.=]\r\n")
_VALUE_END = frozenset(",]}#\n")


def locate(text: str) -> dict[Path, int]:
    """Path of every table, key and list entry -> line, counted from 1. `text` is valid TOML."""
    reader = _Reader(text)
    with suppress(IndexError, ValueError, RecursionError):  # what was found until then is still right
        reader.document()
    return reader.lines


class _Reader:
    """One pass over the text, a position and what was found."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}  # length so far of every array of tables
        self._starts = [0, *(i + 1 for i, c in enumerate(text) if c == "\n")]

    def document(self) -> None:
        table: Path = ()
        while self._skip_blank():
            if self.text.startswith("[[", self.at):
                self.at += 2
                line, keys = self._line(), self._key()
                self.at += 2
                table = self._resolve(keys[:-1], line) + keys[-1:]
                self.lines.setdefault(table, line)
                count = self._counts.get(table, 0)
                self._counts[table] = count + 1
                table = (*table, count)
                self.lines[table] = line
            elif self.text[self.at] == "[":
                self.at += 1
                line, keys = self._line(), self._key()
                self.at += 1
                table = self._resolve(keys, line)
                self.lines[table] = line
            else:
                self._pair(table)

    def _resolve(self, keys: Path, line: int) -> Path:
        """Where a header leads: through an array of tables it means the latest one."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            self.lines.setdefault(path, line)
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        return path

    def _pair(self, table: Path) -> None:
        line, keys = self._line(), self._key()
        for end in range(1, len(keys)):
            self.lines.setdefault(table + keys[:end], line)
        self.lines[table + keys] = line
        self._skip_spaces()
        self.at += 1  # "="
        self._value(table + keys)

    def _key(self) -> Path:
        """A dotted key; stops at what follows it."""
        keys: list[str] = []
        while True:
            self._skip_spaces()
            start = self.at
            if self.text[start] in "\"'":
                self._string()
                keys.append(tomllib.loads("k=" + self.text[start : self.at])["k"])
            else:
                while self.text[self.at] not in _BARE_END:
                    self.at += 1
                keys.append(self.text[start : self.at])
            self._skip_spaces()
            if self.text[self.at] != ".":
                return tuple(keys)
            self.at += 1

    def _value(self, path: Path) -> None:
        self._skip_spaces()
        opening = self.text[self.at]
        if opening in "\"'":
            self._string()
        elif opening == "[":
            self.at += 1
            index = 0
            while self._skip_separators() and self.text[self.at] != "]":
                self.lines[(*path, index)] = self._line()
                self._value((*path, index))
                index += 1
            self.at += 1
        elif opening == "{":
            self.at += 1
            while self._skip_separators() and self.text[self.at] != "}":
                self._pair(path)
            self.at += 1
        else:
            while self.at < len(self.text) and self.text[self.at] not in _VALUE_END:
                self.at += 1

    def _string(self) -> None:
        """Step over a string of any of the four kinds."""
        quote = self.text[self.at]
        if self.text.startswith(quote * 3, self.at):
            self.at += 3
            while not self.text.startswith(quote * 3, self.at):
                self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
            self.at += 3
            # Up to two quotes may stand directly before the closing three.
            while self.text.startswith(quote, self.at):
                self.at += 1
            return
        self.at += 1
        while self.text[self.at] != quote:
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
        self.at += 1

    def _skip_spaces(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in " \t":
            self.at += 1

    def _skip_blank(self) -> bool:
        """Step over blanks, line ends and comments; False at the end of the text."""
        while self.at < len(self.text):
            if self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif self.text[self.at] in " \t\r\n":
                self.at += 1
            else:
                return True
        return False

    def _skip_separators(self) -> bool:
        while self._skip_blank():
            if self.text[self.at] != ",":
                return True
            self.at += 1
        return False

    def _line(self) -> int:
        return bisect_right(self._starts, self.at)
