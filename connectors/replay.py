"""A file as a source: JSON Lines or CSV that something else writes, read on where the last poll stopped.

A file is what every site without a public search can still give. Lines that cannot be read are counted in the log and
never stop the rest; a file that was replaced by another of the same name, or changed where it was read already, is read
from its beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
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
from connectors.files import Format, Rows, check_mapping
from connectors.lines import Problem
from connectors.row import FIELDS, BadRow

log = structlog.get_logger()

PAGE = 200


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
        check_mapping(value)
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
        self._rows = Rows(
            settings.path.expanduser(), settings.mapping, settings.format, zone, settings.platform, settings.brand
        )

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        try:
            identity = self._rows.identity()
            offset, line = 0, 0
            if cursor and cursor["file"] == identity and self._goes_on(cursor):
                offset, line = cursor["offset"], cursor["line"]
            yield from self._pages(identity, offset, line, now)
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

    def _goes_on(self, cursor: Cursor) -> bool:
        """Whether what stands before the cursor is what was read: else its offset may lie in the middle of a new line."""
        read = cursor.get("read")  # cursors of the first version have none
        if cursor["offset"] > self._rows.size():
            return False
        return read is None or read == self._rows.read_before(cursor["offset"])

    def _pages(self, identity: str, offset: int, line: int, now: datetime) -> Iterator[Page]:
        mentions: list[Mention] = []
        scanned = problems = first = 0
        for read in self._rows.read(offset, line, now=now):
            scanned += 1
            offset, line = read.offset, read.line
            if isinstance(read.found, Problem):
                problems += 1
                first = first or read.found.line
            else:
                mentions.append(read.found)
            if scanned == PAGE:
                yield Page(tuple(mentions), self._cursor(identity, offset, line), scanned=scanned)
                mentions, scanned = [], 0
        if scanned:
            yield Page(tuple(mentions), self._cursor(identity, offset, line), scanned=scanned)
        if problems:
            log.warning("lines_skipped", source=self._name, lines=problems, first=first)

    def _cursor(self, identity: str, offset: int, line: int) -> Cursor:
        return {"file": identity, "offset": offset, "line": line, "read": self._rows.read_before(offset)}


connector = Connector(
    name="replay",
    summary="posts from a file (JSON Lines or CSV)",
    settings=ReplaySettings,
    open=Replay,
    every=timedelta(minutes=1),
    credentials="none",
    policy=Policy(retention=None, note="your file, your terms"),
    handed=True,
)
