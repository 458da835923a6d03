"""`Config`: a configuration that was read, checked and made ready for use. Values only; it opens nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import BaseModel, SecretStr

from connectors.base import ReplySettings, SourceSettings
from listener.cases.clock import ServiceHours
from listener.cases.routing import Route
from listener.config.problems import Problem
from listener.config.schema import (
    AccountKeys,
    Brand,
    Digest,
    Journey,
    ListenerSection,
    Receiver,
    Retention,
    Rules,
    SavedReplyKeys,
    SlackRights,
    Spikes,
    TargetKeys,
)
from listener.config.secrets import read_secret


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One `[[source]]`, with its defaults filled in and its connector's keys validated."""

    name: str
    connector: str
    every: timedelta
    enabled: bool
    terms: tuple[str, ...]
    settings: SourceSettings
    account: str | None = None  # whose limits it shares; None: with nobody
    costs: bool = False  # its platform bills what is read
    least: timedelta | None = None  # the shortest interval while mentions come; None: always `every`


@dataclass(frozen=True, slots=True)
class Config:
    """All that the file says. Relative paths were taken from the folder that holds it."""

    path: Path
    listener: ListenerSection
    brand: Brand
    sources: tuple[SourceConfig, ...]
    receivers: tuple[Receiver, ...]
    routes: tuple[Route, ...]
    digest: Digest
    retention: Retention
    journey: Journey
    rules: Rules
    slack: SlackRights = field(default_factory=SlackRights)
    spikes: Spikes = field(default_factory=Spikes)
    targets: TargetKeys = field(default_factory=TargetKeys)
    accounts: tuple[AccountKeys, ...] = ()
    saved_replies: tuple[SavedReplyKeys, ...] = ()
    warnings: tuple[Problem, ...] = ()  # can be run with, but is hardly meant so

    @property
    def own_accounts(self) -> tuple[str, ...]:
        """ "platform:handle" of the brand's accounts, those that sources answer as among them: what they write is no mention."""
        speakers = (
            f"{source.connector}:{source.settings.reply_as}"
            for source in self.sources
            if isinstance(source.settings, ReplySettings) and source.settings.replies
        )
        return tuple(dict.fromkeys((*self.brand.own_accounts, *speakers)))

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def hours(self) -> ServiceHours:
        """When the team works, and how soon it answers."""
        zone, holidays = ZoneInfo(self.brand.timezone), frozenset(self.brand.holidays)
        return ServiceHours(zone, self.brand.service_hours, holidays, self.targets.targets)

    def quiet(self, receiver: Receiver) -> ServiceHours | None:
        """When this receiver is sent what is critical, and nothing else; None: never."""
        if receiver.quiet_hours is None:
            return None
        return ServiceHours(ZoneInfo(self.brand.timezone), receiver.quiet_hours)

    def receiver(self, name: str) -> Receiver:
        """The receiver of that name. Raises KeyError."""
        return {receiver.name: receiver for receiver in self.receivers}[name]

    def secret(self, table: BaseModel, key: str, environ: Mapping[str, str] = os.environ) -> SecretStr | None:
        """`config.secret(slack_receiver, "token")`: see `read_secret`. Raises `SecretMissing`."""
        return read_secret(table, key, environ)

    def database_url(self, environ: Mapping[str, str] = os.environ) -> SecretStr:
        """The database's URL, an SQLite file made absolute. Raises `SecretMissing`."""
        given = self.listener.database or read_secret(self.listener, "database", environ)
        url = given.get_secret_value() if isinstance(given, SecretStr) else given or "sqlite:///listener.db"
        scheme, slashes, file = url.partition(":///")
        if scheme.startswith("sqlite") and slashes and file and not file.startswith(":"):
            return SecretStr(f"{scheme}:///{self.folder / Path(file).expanduser()}")
        return SecretStr(url)
