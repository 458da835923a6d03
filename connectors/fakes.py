"""A platform on loopback: a small HTTP server whose next answers can be made to fail in every way that platforms do.

For the tests of a connector, ours and yours. Subclass it, implement `answer`, and keep what it serves behind `self.lock`:

    class FakeForum(FakeServer):
        def answer(self, asked: Asked) -> Reply: ...

    with FakeForum().start() as forum:
        forum.fail_next("429", times=2, retry_after=30)
        … forum.url …
"""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

FAULTS = (
    "429",
    "429-bare",
    "503",
    "500",
    "html",
    "time-out",
    "reset",
    "malformed",
    "slow",
    "401",
    "403",
    "402",
    "410",
    "404",
)
PATIENCE = 5.0  # seconds a "time-out" hangs and a "slow" body drips, unless the server stops before


@dataclass(frozen=True)
class Asked:
    """A question as it arrived."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]  # names in lower case
    body: bytes = b""

    def first(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[0]


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, data: Any, status: int = 200, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, json.dumps(data).encode(), {"Content-Type": "application/json", **named})


class FakeServer:
    """Starts on a free port of loopback; thread-safe; `asked` lists every question."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.asked: list[Asked] = []
        self._faults: deque[tuple[str, str | None]] = deque()
        self._stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def answer(self, asked: Asked) -> Reply:
        raise NotImplementedError

    def start(self) -> Self:
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Idempotent. Breaks off what still hangs."""
        self._stopping.set()
        server, self._server = self._server, None
        if server is None or self._thread is None:
            return
        server.shutdown()
        with self.lock:
            for connection in self._connections:
                _shut(connection)
        server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        assert self._server is not None, "start() first"
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fail_next(self, kind: str, times: int = 1, *, retry_after: str | int | None = None) -> None:
        """Let the next answers fail: one of FAULTS. `retry_after` is the header of "429" (default 30) and "503"."""
        assert kind in FAULTS, f"{kind!r} is not one of {FAULTS}"
        if kind == "429" and retry_after is None:
            retry_after = 30
        with self.lock:
            self._faults.extend([(kind, None if retry_after is None else str(retry_after))] * times)

    def mend(self) -> None:
        """Forget the faults that have not happened yet."""
        with self.lock:
            self._faults.clear()

    def _next_fault(self) -> tuple[str, str | None] | None:
        with self.lock:
            return self._faults.popleft() if self._faults else None


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, fake: FakeServer) -> None:
        self.fake = fake
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self.fake.lock:
            self.fake._connections.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self.fake.lock:
                self.fake._connections.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of the fake."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server names it so
        """Quiet."""

    def _serve(self) -> None:
        fake = self.server.fake
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, parts.path, parse_qs(parts.query, keep_blank_values=True), headers, body)
        with fake.lock:
            fake.asked.append(asked)
        fault = fake._next_fault()
        if fault is None:
            reply = fake.answer(asked)
        elif fault[0] == "malformed":
            whole = fake.answer(asked)
            half = whole.body[: len(whole.body) // 2]
            reply = Reply(200, half or b"{", {k: v for k, v in whole.headers.items() if k.lower() != "etag"})
        elif fault[0] == "time-out":
            fake._stopping.wait(PATIENCE)
            self.close_connection = True
            return
        elif fault[0] == "reset":
            self._reset()
            return
        elif fault[0] == "slow":
            self._drip(fake)
            return
        else:
            reply = _failure(*fault)
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # shutdown() first would end the connection politely; closing with linger 0 sends the reset.
        self.connection.close()

    def _drip(self, fake: FakeServer) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends and not fake._stopping.wait(0.02):
            self.wfile.write(b" ")


def _failure(kind: str, retry_after: str | None) -> Reply:
    if kind == "html":
        return Reply(
            200, b"<!DOCTYPE html><html><body><h1>Be right back</h1></body></html>", {"Content-Type": "text/html"}
        )
    status = int(kind.removesuffix("-bare"))
    headers = {"Content-Type": "application/json"}
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    return Reply(status, json.dumps({"error": kind}).encode(), headers)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
