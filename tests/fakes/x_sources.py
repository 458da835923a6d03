"""Sources of X on the fake, with all its keys, and polls at a time of the test's own."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.base import NoBudget, Purse, SourceContext
from connectors.contract import START, Stored
from connectors.x import X
from connectors.x_settings import XSettings
from tests.fakes.x import OWNER, TOKEN, FakeX


class Opener:
    """Opens sources on the fake, and polls them at its own time."""

    def __init__(self, fake: FakeX, folder: Path) -> None:
        self.fake = fake
        self.sources: list[X] = []
        self.keys: dict[str, str] = {}
        for name, text in {
            "token": TOKEN,
            "consumer_key": "key",
            "consumer_secret": "secret",
            "access_token": f"{OWNER}-token",
            "access_token_secret": "secret",
        }.items():
            (folder / name).write_text(text)
            self.keys[f"{name}_file"] = str(folder / name)

    def __call__(self, *, purse: Purse | None = None, own: tuple[str, ...] = (), user: bool = False, **keys: Any) -> X:
        secrets = self.keys if user else {"token_file": self.keys["token_file"]}
        context = SourceContext("x", ("Acme",), "listener-tests", purse=purse or NoBudget(), own_accounts=own)
        source = X(XSettings(base_url=self.fake.url, **secrets, **keys), context)
        self.sources.append(source)
        return source

    def close(self) -> None:
        for source in self.sources:
            source.close()


def read(source: X, stored: Stored | None = None, now: datetime = START) -> Stored:
    stored = stored or Stored()
    stored.poll(source, now)
    return stored


def queries_of(fake: FakeX) -> list[dict[str, str]]:
    return [{name: values[0] for name, values in asked.query.items()} for asked in fake.asked]
