"""The webhook against an address on loopback that keeps what it was sent."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from listener.model import (
    CannotLookUp,
    MessageRefused,
    NotificationKind,
    PassingFailure,
    Receiver,
    ReceiverError,
    ReceiverStopped,
)
from listener.receivers.webhook import SCHEMA_VERSION, WebhookReceiver, document
from tests.fakes.told import NOW, complaint, delivery, story, summary, told, view


class Address:
    """An HTTP server that answers with the statuses it was given, then 204, and keeps requests."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.wait = 0.0
        self.drop = False
        self.drips = False
        address = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                address.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                time.sleep(address.wait)
                if address.drop:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                if address.drips:
                    self.send_response(200)
                    self.end_headers()
                    with contextlib.suppress(OSError):
                        for _ in range(100):
                            self.wfile.write(b" ")
                            time.sleep(0.05)
                    return
                status, headers = address.answers.pop(0) if address.answers else (204, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *args: None  # type: ignore[method-assign]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/hook?key=password"

    def body(self) -> Any:
        return json.loads(self.got[-1][1])


@pytest.fixture
def address() -> Iterator[Address]:
    hook = Address()
    hook.thread.start()
    yield hook
    hook.server.shutdown()
    hook.thread.join()
    hook.server.server_close()


def receiver(address: Address, **kwargs: Any) -> WebhookReceiver:
    return WebhookReceiver(address.url, timeout=5.0, clock=lambda: NOW, **kwargs)


def test_a_notification_is_posted_as_one_document_with_its_key(address: Address) -> None:
    hook: Receiver = receiver(address)
    assert hook.send(delivery(case=story())).data == {"status": 204}
    headers, _ = address.got[0]
    assert headers["idempotency-key"] == "case:c-7F3K:open:care"
    assert "x-listener-signature" not in headers
    body = address.body()
    assert body["schema_version"] == SCHEMA_VERSION
    assert body["notification"]["kind"] == "case-open"
    assert body["case"]["ref"] == "c-7F3K"
    assert [one["ref"] for one in body["mentions"]] == ["m0", "m1", "m2", "m3", "m4"]
    assert body["mentions"][0]["verdict"]["urgency"] == "critical"


def test_the_shape_of_the_document_is_what_its_version_promises() -> None:
    said = document(delivery(NotificationKind.CASE_THREAD))
    assert sorted(said) == ["case", "mention", "mentions", "notification", "schema_version"]
    assert sorted(said["notification"]) == ["attempt", "created_at", "key", "kind", "repeated", "urgency"]
    assert sorted(said["case"]) == [
        "due_at", "mention_count", "opened_at", "owner", "platform", "ref", "revision", "state", "touchpoints", "urgency",
    ]  # fmt: skip
    assert sorted(said["mention"]) == [
        "author", "edited_at", "external_id", "kind", "platform", "published_at", "ref", "removed_at", "seen_at", "source", "text", "title", "url",
        "verdict",
    ]  # fmt: skip
    digest = document(
        delivery(NotificationKind.DIGEST, case=None, payload={"week": "2026-W47", "blocks": [1], "page": "/x"})
    )
    assert digest["content"] == {"week": "2026-W47"}


def test_a_summary_says_how_many_cases_there_are_and_holds_those_that_are_shown() -> None:
    said = document(delivery(NotificationKind.SUMMARY, case=None, summary=summary(complaint(), why="storm", hidden=3)))
    assert {name: said["summary"][name] for name in ("why", "total", "levels")} == {
        "why": "storm", "total": 4, "levels": {"high": 1, "normal": 3},
    }  # fmt: skip
    assert [one["case"]["ref"] for one in said["summary"]["cases"]] == ["c-7F3K"]
    assert len(said["summary"]["cases"][0]["mentions"]) == 1


def test_the_signature_proves_time_and_body(address: Address) -> None:
    receiver(address, secret="s3cret").send(delivery())
    headers, body = address.got[0]
    at, signed = (part.split("=")[1] for part in headers["x-listener-signature"].split(","))
    assert int(at) == int(NOW.timestamp())
    assert signed == hmac.new(b"s3cret", f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def test_words_from_outside_arrive_cleaned_and_addresses_checked(address: Address) -> None:
    receiver(address).send(delivery(case=view(told("\x00a\ud800 \u202eb", url="javascript:x")), key="kéy\n"))
    assert address.body()["mentions"][0]["text"] == "a\ufffd b"
    assert address.body()["mentions"][0]["url"] is None
    assert address.got[0][0]["idempotency-key"].isascii()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (500, PassingFailure), (503, PassingFailure), (429, PassingFailure), (408, PassingFailure),
        (301, ReceiverStopped), (401, ReceiverStopped), (403, ReceiverStopped), (404, ReceiverStopped),
        (410, ReceiverStopped), (400, MessageRefused), (413, MessageRefused), (422, MessageRefused),
    ],
)  # fmt: skip
def test_each_status_means_one_thing(address: Address, status: int, error: type[ReceiverError]) -> None:
    address.answers.append((status, {"Location": "https://elsewhere.example"}))
    with pytest.raises(error, match=str(status)) as failure:
        receiver(address).send(delivery())
    assert "password" not in str(failure.value)
    assert len(address.got) == 1


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("30", 30.0),
        ("Sun, 22 Nov 2026 12:28:00 GMT", 60.0),
        ("soon", None),
        ("nan", None),
        ("-5", 0.0),
        ("1e9", 86_400.0),
    ],
)
def test_retry_after_may_be_seconds_or_a_date(address: Address, said: str, seconds: float | None) -> None:
    address.answers.append((429, {"Retry-After": said}))
    with pytest.raises(PassingFailure) as failure:
        receiver(address).send(delivery())
    assert failure.value.retry_after == seconds
    assert not failure.value.may_have_been_sent


def test_a_lost_answer_may_have_been_sent_and_a_refused_connection_not(address: Address) -> None:
    address.drop = True
    with pytest.raises(PassingFailure) as failure:
        receiver(address).send(delivery())
    assert failure.value.may_have_been_sent
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(PassingFailure) as failure:
            WebhookReceiver(f"http://127.0.0.1:{taken.getsockname()[1]}/").send(delivery())
    assert not failure.value.may_have_been_sent


def test_a_slow_answer_is_given_up(address: Address) -> None:
    address.wait = 0.5
    with pytest.raises(PassingFailure) as failure:
        WebhookReceiver(address.url, timeout=0.1).send(delivery())
    assert failure.value.may_have_been_sent


def test_an_answer_that_never_ends_holds_nobody_up(address: Address) -> None:
    address.drips = True
    started = time.monotonic()
    assert receiver(address).send(delivery()).data == {"status": 200}
    assert time.monotonic() - started < 2


def test_it_cannot_be_looked_up_and_says_when_it_repeats(address: Address) -> None:
    again = delivery(attempt=2, doubtful=True, created_at=datetime(2026, 11, 22, tzinfo=UTC))
    with pytest.raises(CannotLookUp, match="Idempotency-Key"):
        receiver(address).find(again)
    receiver(address).send(again)
    assert address.body()["notification"]["repeated"] is True


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://x.example", "http://[broken"])
def test_an_address_that_is_none_is_said_without_a_traceback(url: str) -> None:
    with pytest.raises(ReceiverError):
        WebhookReceiver(url, timeout=0.5).send(delivery())
