"""The lines of a file from any offset on, counted in bytes, so that reading can go on where it stopped.

Lines and rows are bounded: a file without line ends, or with a quote that is never closed, becomes a `Problem` and not a
memory full of it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import BinaryIO

LINE_LIMIT = 8 * 1024 * 1024  # bytes of one post; a longer line is a problem, not a memory
ROW_LINES = 2_000  # lines of one CSV row; an unbalanced quote would swallow the rest of the file


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that could not be read as a mention."""

    line: int  # 1 is the file's first
    reason: str


class Lines:
    """The lines of a file from an offset on, counted in bytes; an iterator that csv.reader draws from."""

    def __init__(self, file: BinaryIO, offset: int, number: int) -> None:
        self._file = file
        self.offset = offset
        self.number = number
        self.row_number = number + 1
        self.ends_inside = False  # the last row that was asked for goes on where the file ends
        self.whole = True  # the last line had its end
        self._row_offset = offset
        self._row_lines = 0

    def next(self) -> str | Problem | None:
        """The next line; a problem where it is too long; None at the end."""
        raw = self._file.readline(LINE_LIMIT)
        if not raw:
            return None
        too_long = len(raw) == LINE_LIMIT and not raw.endswith(b"\n")
        self.offset += len(raw)
        while too_long and (more := self._file.readline(LINE_LIMIT)):
            self.offset += len(more)
            if more.endswith(b"\n"):
                break
        self.number += 1
        self.whole = raw.endswith(b"\n") or too_long
        if too_long:
            return Problem(self.number, f"longer than {LINE_LIMIT // 1024 // 1024} MB")
        return raw.decode("utf-8-sig" if self.offset == len(raw) else "utf-8", errors="replace")

    def begin_row(self) -> None:
        self.row_number, self._row_offset, self._row_lines = self.number + 1, self.offset, 0

    def rewind(self, file: BinaryIO) -> None:
        """Back to the line behind the one where the row began."""
        file.seek(self._row_offset)
        self.offset, self.number = self._row_offset, self.row_number - 1
        self.next()

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        self._row_lines += 1
        if self._row_lines > ROW_LINES or self.offset - self._row_offset > LINE_LIMIT:
            raise csv.Error("row too long")
        text = self.next()
        if text is None:
            self.ends_inside = self._row_lines > 1
            if self.ends_inside:
                raise csv.Error("the file ends inside a row")
            raise StopIteration
        if isinstance(text, Problem):
            raise csv.Error(text.reason)
        return text
