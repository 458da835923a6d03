"""X: the contract, what its listings do, and what they cost."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from connectors.base import Source, SourceContext
from connectors.contract import ConnectorContract
from connectors.x import connector
from connectors.x_settings import XSettings
from tests.fakes.x import TOKEN, FakeX

CONTEXT = SourceContext("x", ("Acme",), "listener-tests")


class TestContract(ConnectorContract):
    most_new = 34  # pages of X hold ten at least

    @pytest.fixture(autouse=True)
    def _token(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        type(self).token = tmp_path_factory.mktemp("x") / "token"
        type(self).token.write_text(TOKEN)

    token: Path

    def fake(self) -> FakeX:
        return FakeX().start()

    def open(self, fake: FakeX) -> Source:
        settings = XSettings(
            base_url=fake.url, token_file=str(self.token), page_size=10, page_cap=3, timeout=self.timeout
        )
        return connector.open(settings, CONTEXT)

    def publish(self, fake: FakeX, at: datetime) -> str:
        return fake.publish(at=at)

    def publish_text(self, fake: FakeX, at: datetime, text: str) -> str:
        return fake.publish(text, at)

    def delete(self, fake: FakeX, external_id: str) -> None:
        fake.delete(external_id)

    def edit(self, fake: FakeX, external_id: str) -> None:
        fake.edit(external_id, "Acme, edited")
