"""Posts that others send us: a small signed webhook for all that has no public search (Instagram, TikTok, LinkedIn, …).

The server starts with the first poll and stops with `close`. What it takes goes to a spool on disk before it is answered,
and each poll reads the spool on from where the cursor stands; a kill at any point loses nothing that was answered.
Posts are deleted from the spool once two later pages were stored, or stored for a week. Where another process has the
spool already (`doctor --live` beside the daemon), a poll reads and leaves serving to that one.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self
from urllib.parse import quote
from zoneinfo import ZoneInfo

import structlog
from pydantic import Field, ValidationError, field_validator, model_validator

from connectors.base import (
    AccessDenied,
    Connector,
    ConnectorError,
    Cursor,
    Mention,
    Page,
    Parked,
    Policy,
    Removal,
    SourceContext,
    SourceSettings,
)
from connectors.files import check_mapping
from connectors.inbound_desk import Bearer, Counted, Pace, PostDesk, Signed, as_json, removal_as_json
from connectors.inbound_server import Server
from connectors.row import FIELDS, Defaults
from connectors.secret import read_secret
from connectors.spool import Kept, Spool

log = structlog.get_logger()

KEPT = timedelta(days=7)  # how long a post that was stored may stay in the spool when no later page comes
PAGES_KEPT = 2


class InboundSettings(SourceSettings):
    """Keys of an inbound source."""

    host: str = Field(default="127.0.0.1", min_length=1, description="address to listen on; loopback unless changed")
    port: int = Field(default=8790, ge=1, le=65535, description="port to listen on; each source its own")
    spool: Path = Field(default=Path("spool"), description="folder for posts that were taken and are not yet stored")
    secret_env: str | None = Field(default=None, description="environment variable with the key that senders sign with")
    secret_file: str | None = Field(default=None, description="file with that key, instead of secret_env")
    token_env: str | None = Field(
        default=None, description="environment variable with a bearer token, for senders that cannot sign"
    )
    token_file: str | None = Field(default=None, description="file with that token, instead of token_env")
    mapping: dict[str, str] = Field(
        default={}, description=f"our field = the sender's; dots reach inside; fields: {', '.join(FIELDS)}"
    )
    timezone: str | None = Field(default=None, description="IANA name; reads times that name no zone")
    platform: str = Field(
        default="inbound", min_length=1, max_length=40, description="platform of posts that name none"
    )
    brand: str | None = Field(default=None, description="brand of posts that name none")
    timeout: float = Field(default=10.0, gt=0, le=300, description="seconds that a whole request may take")
    connections: int = Field(default=16, ge=1, le=256, description="requests at the same time; others wait")
    per_second: int = Field(default=20, ge=1, le=10_000, description="requests a second; beyond it 429")
    per_minute: int = Field(default=600, ge=1, le=100_000, description="requests a minute; beyond it 429")
    page_size: int = Field(default=100, ge=1, le=1000, description="posts stored at once")

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

    @model_validator(mode="after")
    def _one_proof(self) -> Self:
        if sum(one is not None for one in (self.secret_env, self.secret_file, self.token_env, self.token_file)) != 1:
            raise ValueError(
                "senders must prove themselves; write one of secret_env, secret_file (they sign) or token_env,"
                " token_file (they cannot)"
            )
        return self


class Inbound:
    """A source: a server, and the spool that it fills."""

    def __init__(
        self,
        settings: InboundSettings,
        context: SourceContext,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._name = context.name
        self._clock = clock
        self._zone = ZoneInfo(settings.timezone) if settings.timezone else None
        self._counted = Counted()
        self._spool: Spool | None = None
        self._server: Server | None = None

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        if self._spool is None:
            # A file for each source, so that several may share the folder.
            folder = self._settings.spool.expanduser()
            self._spool = Spool(folder / f"{quote(self._name, safe=' ')}.sqlite", wait=self._settings.timeout)
        fault: ConnectorError | None = None
        try:
            self._serve(self._spool)
        except ConnectorError as error:
            fault = error  # what was taken before is stored all the same
        yield from self._pages(self._spool, cursor, now)
        if counts := self._counted.taken():
            log.info("inbound", source=self._name, **counts)
        if fault is not None:
            raise fault

    def close(self) -> None:
        """See `Source`. What is being answered is finished first."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def _pages(self, spool: Spool, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        # The last numbers of the newest pages, oldest first. Numbers of another spool mean nothing in this one.
        ends: list[int] = list(cursor["ends"]) if cursor and cursor["spool"] == spool.identity else []
        if ends and spool.own():
            spool.prune(ends[0] if len(ends) > PAGES_KEPT else 0, stored=ends[-1], before=now - KEPT)
        after, until = ends[-1] if ends else 0, spool.last()
        while rows := spool.read(after, until, self._settings.page_size):
            after = rows[-1].number
            ends = [*ends[-PAGES_KEPT:], after]
            yield self._page(rows, {"spool": spool.identity, "ends": ends})

    def _page(self, rows: Sequence[Kept], cursor: Cursor) -> Page:
        mentions: list[Mention] = []
        edited: list[Mention] = []
        removed: list[Removal] = []
        for row in rows:
            try:
                if row.kind == "removal":
                    removed.append(removal_as_json.validate_json(row.post))
                    continue
                found = as_json.validate_json(row.post)
            except ValidationError:
                log.error("spooled_post_not_readable", source=self._name)  # written by another version of listener
                continue
            mentions.append(found)  # a changed one as well: the database may be younger than the spool
            edited += [found] if row.kind == "changed" else []
        return Page(tuple(mentions), cursor, scanned=len(rows), edited=tuple(edited), removed=tuple(removed))

    def _serve(self, spool: Spool) -> None:
        if self._server is not None and self._server.is_alive:
            return
        settings = self._settings
        secret, token = read_secret(settings, "secret"), read_secret(settings, "token")
        if not spool.own():
            return
        gate = Signed(secret) if secret else Bearer(token or "")
        if not (secret or token):
            raise AccessDenied("senders cannot prove themselves; set secret_env or token_env")
        desk = PostDesk(
            gate,
            Pace(settings.per_second, settings.per_minute),
            spool,
            settings.mapping,
            lambda now: Defaults(now, self._zone, settings.platform.casefold(), settings.brand),
            self._clock,
            self._counted,
        )
        try:
            self._server = Server(
                settings.host, settings.port, desk, connections=settings.connections, seconds=settings.timeout
            )
        except OSError as error:
            raise Parked(_why_not(settings, error)) from None
        except UnicodeError:
            raise Parked(f"{settings.host!r} is no address; check `host`") from None
        log.info("inbound_listens", source=self._name, host=settings.host, port=settings.port)


def _why_not(settings: InboundSettings, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {settings.port} of {settings.host} is in use, by another source or another program; give each"
            " source a `port` of its own, then resume this one"
        )
    if error.errno == errno.EACCES:
        return f"port {settings.port} may not be listened on; choose one from 1024 up, behind a proxy"
    return f"{settings.host} port {settings.port} cannot be listened on ({error.strerror}); check `host`"


connector = Connector(
    name="inbound",
    summary="posts that other programs send: a signed webhook",
    settings=InboundSettings,
    open=Inbound,
    every=timedelta(seconds=15),
    credentials="a key or token of your own making, shared with the senders",
    policy=Policy(note="what is sent may be under the terms of the platform that it comes from"),
    handed=True,
)
