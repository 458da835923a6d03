"""Read posts from a file: JSON Lines or CSV, as a source (`replay`) and for `listener import`.

A file is what every site without a public search can still give. It is read as a stream, line by line; a line that cannot
be a mention becomes a `Problem` with its number and reason and never stops the rest. The fields are those of `FIELDS`;
`mapping` names the file's columns where they differ. A missing id becomes a stable hash of the line's content, so that
reading a file twice changes nothing. Where a file has no times, its own date of change stands in.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, BinaryIO, Literal
from zoneinfo import ZoneInfo

import structlog
from pydantic import Field, field_validator

from connectors.base import (
    Connector,
    Cursor,
    Gone,
    Malformed,
    Mention,
    Page,
    Policy,
    SourceContext,
    SourceSettings,
    Unavailable,
)
from connectors.lines import LINE_LIMIT, Lines, Problem
from connectors.row import FIELDS, BadRow, Defaults, mention

__all__ = ["Problem", "Replay", "ReplaySettings", "connector", "read_file"]

log = structlog.get_logger()

PAGE = 200
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
    none; without it they are problems. While reading it raises OSError where the file cannot be opened, and ValueError where
    the whole file cannot be used: an unknown field in `mapping`, no text column, UTF-16.
    """
    rows = _Rows(Path(path), mapping or {}, format, ZoneInfo(timezone) if timezone else None, platform, brand)
    return (read.found for read in rows.read(0, 0, growing=False))


class ReplaySettings(SourceSettings):
    """Keys of a replay source."""

    path: Path = Field(description="the file; lines added later are read by the next poll")
    format: Format = Field(default="auto", description='"jsonl", "csv", or "auto": by its name and first line')
    mapping: dict[str, str] = Field(
        default={}, description=f"our field = the file's column; fields: {', '.join(FIELDS)}"
    )
    timezone: str | None = Field(default=None, description="IANA name; reads times that name no zone")
    platform: str = Field(default="import", min_length=1, max_length=40, description="platform of posts that name none")
    brand: str | None = Field(default=None, description="brand of posts that name none")

    @field_validator("mapping")
    @classmethod
    def _known_fields(cls, value: dict[str, str]) -> dict[str, str]:
        _check_mapping(value)
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (ValueError, OSError, KeyError):
                raise ValueError(f'{value!r} is no time zone; use a name like "Europe/Rome"') from None
        return value


class Replay:
    """A source: reads on where the cursor says, from the start where the file is another."""

    def __init__(self, settings: ReplaySettings, context: SourceContext) -> None:
        zone = ZoneInfo(settings.timezone) if settings.timezone else None
        self._name = context.name
        self._rows = _Rows(
            settings.path.expanduser(), settings.mapping, settings.format, zone, settings.platform, settings.brand
        )

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        try:
            identity = self._rows.identity()
            offset, line = 0, 0
            # A file that became shorter or begins otherwise is another one, even under the same name.
            if cursor and cursor["file"] == identity and cursor["offset"] <= self._rows.size():
                offset, line = cursor["offset"], cursor["line"]
            yield from self._pages(identity, offset, line)
        except FileNotFoundError:
            raise Unavailable(f"{self._rows.path.name} does not exist; put it there or change `path`") from None
        except PermissionError:
            raise Gone(f"{self._rows.path.name} may not be read; give the daemon's user the right to") from None
        except OSError as error:
            raise Unavailable(f"{self._rows.path.name} cannot be read ({type(error).__name__})") from None
        except BadRow as error:
            raise Malformed(f"{self._rows.path.name}: {error}") from None

    def close(self) -> None:
        """Nothing stays open between polls."""

    def _pages(self, identity: str, offset: int, line: int) -> Iterator[Page]:
        mentions: list[Mention] = []
        scanned = problems = first = 0
        for read in self._rows.read(offset, line, growing=True):
            scanned += 1
            offset, line = read.offset, read.line
            if isinstance(read.found, Problem):
                problems += 1
                first = first or read.found.line
            else:
                mentions.append(read.found)
            if scanned == PAGE:
                yield Page(tuple(mentions), {"file": identity, "offset": offset, "line": line}, scanned=scanned)
                mentions, scanned = [], 0
        if scanned:
            yield Page(tuple(mentions), {"file": identity, "offset": offset, "line": line}, scanned=scanned)
        if problems:
            log.warning("lines_skipped", source=self._name, lines=problems, first=first)


class _Rows:
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
        _check_mapping(mapping)
        self.path = path
        self._columns = {name: mapping.get(name, name) for name in FIELDS}
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

    def read(self, offset: int, line: int, *, growing: bool) -> Iterator[Read]:
        """What every line gives. A growing file may end in half a line, which waits for the next time."""
        with self.path.open("rb") as file:
            start = file.read(4096)
            if not start:
                return
            if start.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise BadRow("the file is UTF-16; save it as UTF-8 and read it again")
            changed = datetime.fromtimestamp(self.path.stat().st_mtime, UTC)
            defaults = Defaults(changed, self._zone, self._platform, self._brand)
            is_csv = self._format == "csv" or (self._format == "auto" and self._looks_like_csv(start))
            file.seek(offset)
            lines = Lines(file, offset, line)
            rows = self._csv(file, lines) if is_csv else self._jsonl(lines, growing)
            for number, row in rows:
                try:
                    found: Mention | Problem = (
                        row if isinstance(row, Problem) else mention(row, self._columns, defaults)
                    )
                except BadRow as error:
                    found = Problem(number, str(error))
                yield Read(found, lines.offset, lines.number)

    def _looks_like_csv(self, start: bytes) -> bool:
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

    def _csv(self, file: BinaryIO, lines: Lines) -> Iterator[tuple[int, Mapping[str, Any] | Problem]]:
        header, delimiter = self._header(file, lines)
        while True:
            lines.begin_row()
            try:
                csv.field_size_limit(
                    LINE_LIMIT
                )  # the module's own limit is 131,072 characters, shorter than some posts
                fields = next(csv.reader(lines, delimiter=delimiter), None)
            except csv.Error:
                # Most often a quote that is never closed: give up this line only, and read on behind it.
                yield lines.row_number, Problem(lines.row_number, "not a CSV row; is a quote left open?")
                lines.rewind(file)
                continue
            if fields is None:
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
        header = [name.strip() for name in next(csv.reader([text], delimiter=delimiter), [])]
        if self._columns["text"] not in header:
            columns = ", ".join(header[:20]) or "none"
            raise BadRow(f"no column {self._columns['text']!r} in the first line (found: {columns}); set mapping.text")
        if offset == 0:
            lines.offset, lines.number = len(first), 1
        else:
            lines.offset, lines.number = offset, number
        file.seek(lines.offset)
        return header, delimiter


def _check_mapping(mapping: Mapping[str, str]) -> None:
    for name in mapping:
        if name not in FIELDS:
            raise ValueError(f"mapping has no field {name!r}; fields: {', '.join(FIELDS)}")


connector = Connector(
    name="replay",
    summary="posts from a file (JSON Lines or CSV)",
    settings=ReplaySettings,
    open=Replay,
    every=timedelta(minutes=1),
    credentials="none",
    policy=Policy(note="your file, your terms"),
)
