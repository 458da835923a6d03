"""Somebody who sends posts to an `inbound` source, with a plain HTTP client and a key of their own."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import socket
import sqlite3
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import httpx

from connectors.base import Source, SourceContext
from connectors.inbound import InboundSettings, connector

KEY = "a key of the tests"
CONTEXT = SourceContext("hooks", (), "listener-tests")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def signature(body: bytes, at: float | None = None, key: str = KEY) -> str:
    stamp = str(int(time.time() if at is None else at))
    return f"t={stamp},v1={hmac.new(key.encode(), stamp.encode() + b'.' + body, hashlib.sha256).hexdigest()}"


class FakeSender:
    """Its folder holds the source's spool and key.

    Where nobody listens, `publish` is answered by a daemon that runs until `end_before` or `open`.
    """

    def __init__(self) -> None:
        self._folder = TemporaryDirectory()
        self.folder = Path(self._folder.name)
        self.port = free_port()
        self._ids = itertools.count(1)
        self._posts = itertools.count()
        self._lock: sqlite3.Connection | None = None
        self._before: Source | None = None
        self._client = httpx.Client(trust_env=False)
        (self.folder / "key").write_text(KEY)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.mend()
        self.end_before()
        self._client.close()
        self._folder.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def spool(self) -> Path:
        return self.folder / "spool" / "hooks.sqlite"

    def settings(self, **more: Any) -> InboundSettings:
        keys: dict[str, Any] = {
            "port": self.port,
            "spool": self.folder / "spool",
            "secret_file": str(self.folder / "key"),
        }
        if "token_file" in more:
            del keys["secret_file"]
        return InboundSettings(**(keys | {"per_second": 10_000, "per_minute": 100_000} | more))

    def open(self, **more: Any) -> Source:
        self.end_before()
        return connector.open(self.settings(**more), CONTEXT)

    def end_before(self) -> None:
        """The daemon that answered until now stops."""
        before, self._before = self._before, None
        if before is not None:
            before.close()

    def post(
        self, body: object, headers: Mapping[str, str | bytes] | None = None, timeout: float = 20.0
    ) -> httpx.Response:
        """POST, signed unless `headers` say otherwise. Anything but bytes goes as JSON."""
        # The same words in the same second would have the same signature, which is taken once.
        content = body if isinstance(body, bytes) else json.dumps(body).encode() + b" " * (next(self._posts) % 64)
        named = {"Content-Type": "application/json", "X-Listener-Signature": signature(content), **(headers or {})}
        sent = [(name.encode(), _bytes(value)) for name, value in named.items() if value]
        return self._client.post(self.url, content=content, headers=sent, timeout=timeout)

    def publish(self, text: str, at: datetime) -> str:
        return self.send({"id": str(next(self._ids)), "text": text, "author": "alice", "published_at": at.isoformat()})

    def send(self, row: Mapping[str, object]) -> str:
        """Post it to whoever listens. Returns its id."""
        try:
            answer = self.post(row)
        except httpx.ConnectError:
            self._before = self.open()
            list(self._before.poll(None, datetime.now(UTC)))
            answer = self.post(row)
        while answer.status_code in (408, 503):  # as an honest sender does; a busy machine may need it
            time.sleep(0.05)
            answer = self.post(row)
        assert answer.status_code == 200, answer.text
        [one] = answer.json()["ids"]
        return str(one)

    def fail_next(self, kind: str, times: int = 1) -> None:
        """Another program holds the spool's lock, as somebody who looks into it by hand may."""
        self._lock = sqlite3.connect(self.spool, isolation_level=None)
        self._lock.execute("BEGIN IMMEDIATE")

    def mend(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()
