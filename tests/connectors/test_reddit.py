"""Reddit: the contract for both ways in, and the traps of its listings, its limits and its client library."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import (
    AccessDenied,
    Gone,
    Known,
    Malformed,
    Mention,
    Page,
    RateLimited,
    Rechecking,
    Removal,
    Source,
    SourceContext,
    Unavailable,
)
from connectors.contract import START, ConnectorContract, Stored
from connectors.reddit import RedditSettings, connector
from connectors.reddit_posts import fate, is_gone
from tests.fakes.http import Asked, FakeServer, Reply
from tests.fakes.reddit import CLIENT_ID, FEED_TOKEN, SECRET, USER, FakeReddit

CONTEXT = SourceContext("reddit", ("Acme",), "listener-tests/1.0", intranet=("127.0.0.0/8",))
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "key").write_text(SECRET + "\n")
    (folder / "feed").write_text(FEED_TOKEN + "\n")
    return folder


def with_key(folder: Path, fake: FakeServer, **settings: Any) -> Source:
    key = {"client_id": CLIENT_ID, "client_secret_file": str(folder / "key")}
    chosen = {"base_url": fake.url, "subreddits": ("kettles",), **key, **settings}
    return connector.open(RedditSettings(**chosen), CONTEXT)


def with_feed(folder: Path, fake: FakeServer, **settings: Any) -> Source:
    token = {"user": USER, "token_file": str(folder / "feed")}
    chosen = {"base_url": fake.url, "subreddits": ("kettles",), **token, **settings}
    return connector.open(RedditSettings(**chosen), CONTEXT)


WAYS = pytest.mark.parametrize("way", [with_key, with_feed], ids=["key", "feed"])


def read(source: Source, stored: Stored | None = None, now: datetime = START) -> Stored:
    with closing(source):
        stored = stored or Stored()
        stored.poll(source, now)
        return stored


class TestWithAKey(ConnectorContract):
    way = staticmethod(with_key)

    @pytest.fixture(autouse=True)
    def _secrets(self, secrets: Path) -> None:
        type(self).secrets = secrets

    def fake(self) -> FakeReddit:
        return FakeReddit().start()

    def open(self, fake: FakeReddit) -> Source:
        return self.way(self.secrets, fake, page_size=4, page_cap=3, timeout=self.timeout)

    def publish(self, fake: FakeReddit, at: datetime) -> str:
        return fake.comment(at=at) if len(fake.things) % 3 == 2 else fake.post(at=at)

    def publish_text(self, fake: FakeReddit, at: datetime, text: str) -> str:
        return fake.comment(text, at)

    def delete(self, fake: FakeReddit, external_id: str) -> None:
        fake.delete(external_id)

    def edit(self, fake: FakeReddit, external_id: str) -> None:
        fake.edit(external_id, "Acme, edited")


class TestWithAFeed(TestWithAKey):
    way = staticmethod(with_feed)

    def publish_text(self, fake: FakeReddit, at: datetime, text: str) -> str:
        # A feed cannot carry control characters: XML forbids them.
        return fake.post("".join(one for one in text if (one >= " " and one < "\ud800") or one > "\udfff"), at)
