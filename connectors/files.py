"""Read posts from a file, JSON Lines or CSV, as a stream: for `listener import` and for the `replay` source.

A line that cannot be a mention becomes a `Problem` with its number and reason and never stops the rest. The fields are those
of `FIELDS`, under our names or common others; `mapping` names the file's columns where they differ. A missing id becomes
a stable hash of the line's content, so that reading a file twice changes nothing. Where a file has no times, its own date
of change stands in.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal
from zoneinfo import ZoneInfo

from connectors.base import Mention
from connectors.lines import LINE_LIMIT, Lines, Problem
from connectors.row import FIELDS, BadRow, Defaults, at, columns_for, mention

LOOKED_AT = 1_000  # JSON lines that are looked at for columns which a mapping names
SHOWN = 30  # columns that an error lists

TAIL = 4096  # bytes before an offset that tell whether the file was changed
RESTED = timedelta(minutes=10)  # without a change, a file that is being written is taken to be whole

Format = Literal["auto", "jsonl", "csv"]


@dataclass(frozen=True, slots=True)
class Read:
    """What one line gave, and where the next begins."""

    found: Mention | Problem
    offset: int  # bytes
    line: int  # lines read so far


def read_file(
    path: Path | str,
    mapping: Mapping[str, str] | None = None,
    *,
    format: Format = "auto",  # noqa: A002  # the word of the configuration and the command line
    timezone: str | None = None,
    platform: str = "import",
    brand: str | None = None,
) -> Iterator[Mention | Problem]:
    """Every line of the file as a mention or a problem, in order.

    `mapping` goes from our field to the file's column: {"text": "Review body"}. `timezone` (IANA) reads times that name
    none; without it they are problems. Raises OSError where the file cannot be opened, and ValueError where the whole file
    cannot be used: an unknown field or column in `mapping`, no text column, UTF-16.
    """
    rows = Rows(Path(path), mapping or {}, format, ZoneInfo(timezone) if timezone else None, platform, brand)
    rows.check_columns()
    return (read.found for read in rows.read(0, 0, now=None))


class Rows:
    """One file and how to read it."""

    def __init__(
        self,
        path: Path,
        mapping: Mapping[str, str],
        form: Format,
        zone: tzinfo | None,
        platform: str,
        brand: str | None,
    ) -> None:
        check_mapping(mapping)
        self.path = path
        self._mapping = mapping
        self._found: tuple[str, ...] | None = None  # what `_columns` were made for
        self._columns: Mapping[str, str] = {}
        self._format = form
        self._zone = zone
        self._platform = platform
        self._brand = brand

    def size(self) -> int:
        return self.path.stat().st_size

    def identity(self) -> str:
        """What tells this file from another under the same name, and stays when lines are added: its first line."""
        with self.path.open("rb") as file:
            return hashlib.blake2b(file.readline(4096), digest_size=8).hexdigest()

    def read_before(self, offset: int) -> str:
        """What tells whether the file is still the same before an offset: the end of what stands there."""
        with self.path.open("rb") as file:
            file.seek(max(0, offset - TAIL))
            return hashlib.blake2b(file.read(min(offset, TAIL)), digest_size=8).hexdigest()

    def check_columns(self) -> None:
        """Raises `BadRow` where the file has no column for the text, or none of a name that the mapping holds."""
        with self.path.open("rb") as file:
            start = _start(file)
            if start and self._is_csv(start):
                self._header(file, Lines(file, 0, 0))
                return
            file.seek(0)
            lines, found, unknown = Lines(file, 0, 0), dict[str, None](), set(self._mapping.values())
            for _, row in islice(self._jsonl(lines, growing=False), LOOKED_AT):
                if not unknown:
                    return
                if not isinstance(row, Problem):
                    found.update(dict.fromkeys(row))
                    unknown -= {column for column in unknown if column in row or at(row, column) is not None}
        if found and unknown:
            raise self._unknown(unknown, tuple(found), "lines")

    def read(self, offset: int, line: int, *, now: datetime | None) -> Iterator[Read]:
        """What every line gives. Where `now` is given the file may still grow: half a line or row at its end waits.

        Half a CSV row cannot be told from a last row without line end, so it waits until the file has rested.
        """
        with self.path.open("rb") as file:
            start = _start(file)
            if not start:
                return
            changed = datetime.fromtimestamp(self.path.stat().st_mtime, UTC)
            defaults = Defaults(changed, self._zone, self._platform, self._brand)
            file.seek(offset)
            lines = Lines(file, offset, line)
            resting = now is None or now - changed >= RESTED
            rows = self._csv(file, lines, not resting) if self._is_csv(start) else self._jsonl(lines, now is not None)
            for number, row in rows:
                try:
                    found: Mention | Problem = (
                        row if isinstance(row, Problem) else mention(row, self._columns_of(tuple(row)), defaults)
                    )
                except BadRow as error:
                    found = Problem(number, str(error))
                yield Read(found, lines.offset, lines.number)

    def _columns_of(self, found: tuple[str, ...]) -> Mapping[str, str]:
        """Which column holds which field; the lines of a file mostly have the same ones."""
        if found != self._found:
            self._found, self._columns = found, columns_for(found, self._mapping)
        return self._columns

    def _unknown(self, unknown: Iterable[str], found: Sequence[str], where: str) -> BadRow:
        wanted = ", ".join(f"{name}={column}" for name, column in self._mapping.items() if column in set(unknown))
        there = ", ".join(repr(column) for column in found[:SHOWN]) + (" …" if len(found) > SHOWN else "")
        return BadRow(f"no such column in the {where}: {wanted} (found: {there})", "map to one of these")

    def _is_csv(self, start: bytes) -> bool:
        if self._format != "auto":
            return self._format == "csv"
        if self.path.suffix.lower() in (".csv", ".tsv"):
            return True
        if self.path.suffix.lower() in (".jsonl", ".ndjson", ".json"):
            return False
        return not start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")

    def _jsonl(self, lines: Lines, growing: bool) -> Iterator[tuple[int, Mapping[str, Any] | Problem]]:
        while (text := lines.next()) is not None:
            if isinstance(text, Problem):
                yield text.line, text
            elif text.strip():
                try:
                    row = json.loads(text)
                except (ValueError, RecursionError):
                    row = None
                if isinstance(row, dict):
                    yield lines.number, row
                elif growing and not text.endswith("\n"):
                    return
                else:
                    yield (
                        lines.number,
                        Problem(lines.number, 'not a JSON object; expected {"text": "…", …} on one line'),
                    )

    def _csv(self, file: BinaryIO, lines: Lines, growing: bool) -> Iterator[tuple[int, Mapping[str, Any] | Problem]]:
        header, delimiter = self._header(file, lines)
        while True:
            lines.begin_row()
            try:
                csv.field_size_limit(
                    LINE_LIMIT
                )  # the module's own limit is 131,072 characters, shorter than some posts
                fields = next(csv.reader(lines, delimiter=delimiter), None)
            except csv.Error:
                if growing and lines.ends_inside:
                    return
                # Most often a quote that is never closed: give up this line only, and read on behind it.
                yield lines.row_number, Problem(lines.row_number, "not a CSV row; is a quote left open?")
                lines.rewind(file)
                continue
            if fields is None or (growing and not lines.whole):
                return
            if not any(fields):
                continue
            if len(fields) > len(header):
                reason = f"{len(fields)} fields where the header has {len(header)}; is a text with commas not quoted?"
                yield lines.row_number, Problem(lines.row_number, reason)
            else:
                yield lines.row_number, dict(zip(header, fields, strict=False))

    def _header(self, file: BinaryIO, lines: Lines) -> tuple[list[str], str]:
        """Column names and delimiter, from the first line wherever reading goes on."""
        offset, number = lines.offset, lines.number
        file.seek(0)
        first = file.readline(LINE_LIMIT)
        text = first.decode("utf-8-sig", errors="replace")
        delimiter = max(",;\t|", key=text.count)
        try:
            header = [name.strip() for name in next(csv.reader([text], delimiter=delimiter), [])]
        except csv.Error:
            raise BadRow("the first line holds no column names; is this a CSV file?") from None
        if unknown := set(self._mapping.values()) - set(header):
            raise self._unknown(unknown, header, "first line")
        columns = columns_for(header, self._mapping)
        if columns["text"] not in header:
            there = ", ".join(header[:SHOWN]) or "none"
            raise BadRow(f"no column 'text' in the first line (found: {there})", "set mapping.text")
        if offset == 0:
            lines.offset, lines.number = len(first), 1
        else:
            lines.offset, lines.number = offset, number
        file.seek(lines.offset)
        return header, delimiter


def _start(file: BinaryIO) -> bytes:
    start = file.read(4096)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadRow("the file is UTF-16; save it as UTF-8 and read it again")
    return start


def check_mapping(mapping: Mapping[str, str]) -> None:
    for name in mapping:
        if name not in FIELDS:
            raise ValueError(f"mapping has no field {name!r}; fields: {', '.join(FIELDS)}")
