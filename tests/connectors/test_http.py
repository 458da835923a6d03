"""The client: every way a platform fails is named, nothing is too long, nothing leaks."""

from __future__ import annotations

import gzip
import logging
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import (
    AccessDenied,
    ConnectorError,
    Gone,
    Malformed,
    OutOfBudget,
    RateLimited,
    Unavailable,
)
from connectors.contract import HANGING
from connectors.http import LONGEST_WAIT, Client, failure, retry_at
from tests.fakes.http import Asked, FakeServer, Reply

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
LOOPBACK = ("127.0.0.0/8",)


class Fake(FakeServer):
    reply = Reply.json({"ok": True})

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/circle":
            return Reply(302, b"", {"Location": "/circle"})
        if asked.path == "/moved":
            return Reply(301, b"", {"Location": "/here"})
        if asked.path == "/away":
            return Reply(302, b"", {"Location": "file:///etc/passwd"})
        return self.reply


def client(fake: FakeServer, *, timeout: float = 30, size_limit: int = 100_000) -> Client:
    return Client("The site", fake.url, "listener-tests/1", timeout, size_limit=size_limit, intranet=LOOPBACK)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("401", AccessDenied),
        ("402", OutOfBudget),
        ("403", AccessDenied),
        ("404", Malformed),
        ("410", Gone),
        ("429", RateLimited),
        ("500", Unavailable),
        ("503", Unavailable),
        ("html", Unavailable),
        ("malformed", Malformed),
        ("reset", Unavailable),
        ("slow", Unavailable),
        ("time-out", Unavailable),
    ],
)
def test_each_failure_is_its_own_error_and_the_next_question_is_answered(
    kind: str, error: type[ConnectorError]
) -> None:
    timeout = 0.5 if kind in HANGING else 30
    with Fake().start() as fake, closing(client(fake, timeout=timeout)) as one:
        fake.fail_next(kind)
        with pytest.raises(error) as caught:
            one.json("/feed?token=s3cret", NOW)
        assert "s3cret" not in str(caught.value)
        assert str(caught.value).startswith("The site ")
        assert one.json("/feed", NOW) == {"ok": True}


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_not_there_is_found_as_nothing_unless_a_web_page_says_so(status: int) -> None:
    with Fake().start() as fake, closing(client(fake)) as one:
        assert one.find("/", NOW) == {"ok": True}
        fake.reply = Reply.json({"error": "not found"}, status)
        assert one.find("/", NOW) is None
        fake.reply = Reply(status, b"<html>gone</html>", {"Content-Type": "text/html"})
        with pytest.raises(ConnectorError):
            one.find("/", NOW)


def test_a_long_question_is_posted() -> None:
    with Fake().start() as fake, closing(client(fake)) as one:
        assert one.decoded(one.post("/graphql", NOW, {"query": "{a}"})) == {"ok": True}
        assert (fake.asked[0].method, fake.asked[0].body) == ("POST", b'{"query":"{a}"}')
        fake.fail_next("429")
        with pytest.raises(RateLimited):
            one.post("/graphql", NOW, {})


def test_an_unreachable_site_is_unavailable() -> None:
    with Fake().start() as fake:
        one = client(fake)
    with closing(one), pytest.raises(Unavailable, match="cannot be reached"):
        one.json("/", NOW)


@pytest.mark.parametrize("body", [b"x" * 200_000, gzip.compress(b"x" * 50_000_000)], ids=["long", "packed"])
def test_an_answer_over_the_limit_is_cut_off(body: bytes) -> None:
    with Fake().start() as fake, closing(client(fake)) as one:
        packed = {"Content-Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}
        fake.reply = Reply(200, body, packed)
        with pytest.raises(Unavailable, match="more than 97 kB"):
            one.get("/", NOW)


@pytest.mark.parametrize("body", [b"[" * 90_000, b'{"a": ', b"\xff\xfe\x00", b"", b"1" * 5_000])
def test_json_that_cannot_be_read_is_malformed(body: bytes) -> None:
    with Fake().start() as fake, closing(client(fake)) as one:
        fake.reply = Reply(200, body, {"Content-Type": "application/json"})
        with pytest.raises(Malformed):
            one.json("/", NOW)


def test_redirects_are_followed_a_few_times_and_only_over_http() -> None:
    with Fake().start() as fake, closing(client(fake)) as one:
        assert one.json("/moved", NOW) == {"ok": True}
        with pytest.raises(Unavailable, match="redirects"):
            one.get("/circle", NOW)
        with pytest.raises(Unavailable):
            one.get("/away", NOW)


def test_the_user_agent_is_ours_and_no_address_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Fake().start() as fake, closing(client(fake)) as one:
        one.get("/feed?token=s3cret", NOW)
        assert fake.asked[0].headers["user-agent"] == "listener-tests/1"
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "30"}, timedelta(seconds=30)),
        ({"retry-after": "0"}, timedelta(seconds=1)),
        ({"retry-after": format_datetime(NOW + timedelta(minutes=5), usegmt=True)}, timedelta(minutes=5)),
        ({"retry-after": "99999999"}, LONGEST_WAIT),
        ({"x-ratelimit-reset": "2026-11-02T09:04:00.000000Z"}, timedelta(minutes=4)),
        ({"x-rate-limit-reset": str(int(NOW.timestamp()) + 90)}, timedelta(seconds=90)),
        ({"x-ratelimit-reset": "411.5"}, timedelta(seconds=411.5)),
        ({"retry-after": "soon", "x-ratelimit-reset": "60"}, timedelta(seconds=60)),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_the_wait_is_read_in_every_form_platforms_use(headers: dict[str, str], wait: timedelta | None) -> None:
    assert retry_at(headers, NOW) == (None if wait is None else NOW + wait)


def test_a_503_that_says_when_to_come_back_is_a_wait() -> None:
    assert isinstance(failure("The site", 503, {"retry-after": "5"}, NOW), RateLimited)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"[0-9:TZ .+-]{1,30}"))
def test_no_header_makes_the_wait_crash_or_leave_its_bounds(value: str) -> None:
    asked = retry_at({"retry-after": value}, NOW)
    assert asked is None or NOW < asked <= NOW + LONGEST_WAIT
