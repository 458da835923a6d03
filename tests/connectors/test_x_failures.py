"""X: every way it fails, and what the operator reads."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import (
    AccessDenied,
    ConnectorError,
    Malformed,
    OutOfBudget,
    RateLimited,
    Unavailable,
)
from connectors.contract import START
from connectors.x_settings import XSettings
from tests.fakes.http import Reply
from tests.fakes.x import TOKEN, FakeX
from tests.fakes.x_sources import Opener, read


@pytest.fixture
def site() -> Iterator[FakeX]:
    with FakeX(START).start() as fake:
        yield fake


@pytest.fixture
def open_x(tmp_path: Path, site: FakeX) -> Iterator[Opener]:
    opener = Opener(site, tmp_path)
    yield opener
    opener.close()


def answers(status: int, body: bytes = b'{"title":"x"}', **headers: str) -> Reply:
    return Reply(
        status, body, {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
    )


def test_a_limit_with_its_end_is_waited_for(site: FakeX, open_x: Opener) -> None:
    until = START + timedelta(minutes=9)
    site.replies.append(answers(429, x_rate_limit_reset=str(int(until.timestamp()))))
    with pytest.raises(RateLimited) as caught:
        read(open_x())
    assert caught.value.retry_at == until


@pytest.mark.parametrize("headers", [{}, {"x_rate_limit_reset": "soon"}])
def test_a_limit_without_an_end_is_asked_once(site: FakeX, open_x: Opener, headers: dict[str, str]) -> None:
    site.replies.append(answers(429, **headers))
    with pytest.raises(RateLimited) as caught:
        read(open_x())
    assert caught.value.retry_at is None
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (answers(401), AccessDenied, "make a new one"),
        (answers(403), AccessDenied, "enrolled"),
        (answers(402), OutOfBudget, "credits"),
        (answers(429, b'{"type":"https://api.x.com/2/problems/usage-capped"}'), OutOfBudget, "cap"),
        (answers(500, b"[1]"), Unavailable, "500"),
        (answers(503, b"<html>over capacity</html>"), Unavailable, "503"),
        (answers(200, b"<html>over capacity</html>"), Unavailable, "web page"),
        (answers(200, b"{"), Malformed, "cannot be read"),
        (answers(200, b"[" * 100_000), Malformed, "cannot be read"),
        (answers(200, b"[]"), Malformed, "object"),
        (answers(200, b'{"data": {}}'), Malformed, "list"),
        (answers(200, b'{"data": [{"text": "Acme"}]}'), Malformed, "no id"),
        (answers(400, b'{"detail":"no"}'), Malformed, "settings"),
        (answers(302, Location="http://127.0.0.1:9/"), Malformed, "302"),
    ],
)
def test_a_failure_is_named(site: FakeX, open_x: Opener, reply: Reply, error: type[ConnectorError], words: str) -> None:
    site.replies.append(reply)
    with pytest.raises(error, match=words) as caught:
        read(open_x())
    assert "://" not in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_no_token_is_logged(site: FakeX, open_x: Opener, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    site.publish("@acmecare Acme", START)
    read(open_x(user=True, mentions=True))
    assert TOKEN not in caplog.text
    assert "oauth_signature" not in caplog.text


def test_an_account_that_x_does_not_know_is_said(site: FakeX, open_x: Opener) -> None:
    site.replies.append(answers(200, b'{"errors": []}'))
    with pytest.raises(AccessDenied, match="account_id"):
        read(open_x(account_id="5"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "token_env"),
        ({"token_env": "T", "consumer_key_env": "K"}, "four keys.*consumer_secret_env"),
        ({"token_env": "T", "mentions": True}, "account_id"),
        ({"token_env": "T", "account_id": "@acme"}, "number"),
        ({"token_env": "T", "languages": ["english"]}, "language code"),
        ({"token_env": "T", "page_size": 9}, "10"),
        ({"token_env": "T", "query": "acme"}, "query"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        XSettings(**settings)
