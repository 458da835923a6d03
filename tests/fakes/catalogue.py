"""Installed connectors as the configuration's loader sees them, without the connectors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import Field

from connectors.base import Connector, Source, SourceContext, SourceSettings


def _open(settings: Any, context: SourceContext) -> Source:
    raise NotImplementedError("a configuration opens nothing")


class KeyedSettings(SourceSettings):
    """A connector with keys of its own, one of them a secret and one a path."""

    token_env: str | None = None
    token_file: str | None = None
    tags: tuple[str, ...] = ()
    history: timedelta = Field(default=timedelta(days=1), gt=timedelta(0))


@dataclass(frozen=True, slots=True)
class FakeInstalled:
    """An installed connector of this name."""

    name: str
    settings: type[SourceSettings] = SourceSettings
    broken: str = ""

    def load(self) -> Connector:
        if self.broken:
            raise ImportError(self.broken)
        return Connector(self.name, f"a fake {self.name}", self.settings, _open, every=timedelta(minutes=7))


class Imported(dict[str, FakeInstalled]):
    """Notes which connectors were asked for."""

    def __init__(self, *fakes: FakeInstalled) -> None:
        super().__init__({fake.name: fake for fake in fakes})
        self.asked: list[str] = []

    def __getitem__(self, name: str) -> FakeInstalled:
        self.asked.append(name)
        return super().__getitem__(name)


CATALOGUE = {
    fake.name: fake
    for fake in (
        FakeInstalled("hackernews"),
        FakeInstalled("mastodon", KeyedSettings),
        FakeInstalled("replay"),
        FakeInstalled("rss"),
    )
}
