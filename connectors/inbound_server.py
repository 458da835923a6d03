"""A small HTTP server for posts that others send: bounded in connections, threads, bytes and seconds.

It knows nothing of mentions: a `Desk` says what is answered. One request a connection, each with a deadline for the whole
of it, so that a slow client holds a place for `seconds` and no longer; who comes when all places are taken waits in the
line of the operating system. Built on http.server, which reads requests and limits their headers.
"""

from __future__ import annotations

import contextlib
import io
import json
import socket
import socketserver
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

import structlog

from connectors.deadline import TimedReader
from connectors.inbound_posts import Flaw

log = structlog.get_logger()

BODY_LIMIT = 1024 * 1024  # bytes
LINGER = 1.0  # seconds in which a client that was refused may still send, so that it hears why
LINGER_LIMIT = 4 * BODY_LIMIT
POLL = 0.05  # seconds between two looks at whether to stop


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered, as JSON."""

    status: int
    content: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def refusing(cls, status: int, *flaws: Flaw, **headers: str) -> Reply:
        told = [{"where": flaw.where, "what": flaw.what, "allowed": flaw.allowed} for flaw in flaws]
        return cls(status, {"problems": told}, {name.replace("_", "-"): value for name, value in headers.items()})


class Desk(Protocol):
    """What answers. Both may be called from several threads at a time."""

    def refuse(self, headers: Mapping[str, str]) -> Reply | None:
        """Why a body is not even read, from headers alone (names in lower case)."""
        ...

    def take(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """What a body is answered."""
        ...


class Server:
    """Listens from the start until `close`. Raises OSError where it cannot."""

    def __init__(self, host: str, port: int, desk: Desk, *, connections: int, seconds: float) -> None:
        self._server = _Listening(host, port, desk, connections, seconds)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": POLL}, name="inbound", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        """Take no more, let what is being answered finish. Idempotent."""
        self._server.stop()
        self._thread.join()


class _Listening(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True  # a restart need not wait for the connections of the last run
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, host: str, port: int, desk: Desk, connections: int, seconds: float) -> None:
        self.desk = desk
        self.seconds = seconds
        self._connections = connections
        self._places = threading.BoundedSemaphore(connections)
        self._stopping = threading.Event()
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        self.address_family = family
        super().__init__(address[:2], _Request)  # type: ignore[arg-type]  # AF_INET6 takes (host, port) as well

    def stop(self) -> None:
        if self._stopping.is_set():
            return
        self._stopping.set()
        self.shutdown()
        self.server_close()
        ends = time.monotonic() + self.seconds + LINGER
        for _ in range(self._connections):
            if not self._places.acquire(timeout=max(0.0, ends - time.monotonic())):
                return  # it will find the spool closed, and answer that

    def get_request(self) -> tuple[Any, Any]:
        try:
            return super().get_request()
        except OSError:
            time.sleep(POLL)  # no file descriptor is left: without a pause this would be asked again at once
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        while not self._places.acquire(timeout=POLL):
            if self._stopping.is_set():
                self.shutdown_request(request)
                return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be started
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours; `Desk` answers for its own."""


class _Request(BaseHTTPRequestHandler):
    disable_nagle_algorithm = True  # head and body of an answer are two writes; the second need not wait for an echo
    protocol_version = "HTTP/1.1"  # and with it "Expect: 100-continue"
    server: _Listening
    rfile: Any
    is_unheard = False  # an answer was given before the body was read

    def setup(self) -> None:
        super().setup()
        reader = TimedReader(self.connection)
        reader.give(self.server.seconds)
        self.rfile = io.BufferedReader(reader)

    def finish(self) -> None:
        """A client that still sends would lose the answer to a reset, so hear it out for a moment."""
        super().finish()
        if not self.is_unheard:
            return
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            reader, heard = TimedReader(self.connection), 0
            reader.give(LINGER)
            buffer = bytearray(65_536)
            while heard < LINGER_LIMIT and (count := reader.readinto(buffer)):
                heard += count

    def version_string(self) -> str:
        return "listener"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server names it so
        """The desk counts; nobody's address is kept."""

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = self._length()
        if isinstance(length, Reply):
            self._refuse(length)
        elif (refusal := self.server.desk.refuse(headers)) is not None:
            self._refuse(refusal)
        else:
            self._take(headers, length)

    def _take(self, headers: Mapping[str, str], length: int) -> None:
        try:
            body = self.rfile.read(length)
        except TimeoutError:
            allowed = f"the whole request within {self.server.seconds:g} seconds"
            self._refuse(Reply.refusing(408, Flaw("body", "the request came too slowly", allowed)))
            return
        if len(body) < length:
            self.close_connection = True  # cut off on its way: there is nobody to answer
            return
        try:
            reply = self.server.desk.take(headers, body)
        except Exception as error:  # noqa: BLE001  # a sender must hear that its posts were not taken, whatever went wrong
            log.error("inbound_fault", fault=type(error).__name__)
            reply = Reply.refusing(500, Flaw("request", "a fault of listener, please report", "send it again later"))
        self._answer(reply)

    def handle_expect_100(self) -> bool:
        """Who asks before it sends hears of a wrong length at once, instead of being told to go on."""
        length = self._length()
        if isinstance(length, Reply):
            self._refuse(length)
            return False
        return super().handle_expect_100()

    def _length(self) -> int | Reply:
        lengths = self.headers.get_all("Content-Length") or []
        if "Transfer-Encoding" in self.headers or not lengths:
            return Reply.refusing(411, Flaw("Content-Length", "this is missing", "the number of bytes of the body"))
        if len(lengths) > 1 or not (lengths[0].isascii() and lengths[0].isdigit()):
            return Reply.refusing(400, Flaw("Content-Length", "this is no number", "the number of bytes of the body"))
        if len(lengths[0]) > 12 or int(lengths[0]) > BODY_LIMIT:
            return Reply.refusing(413, Flaw("body", "this is too large", f"at most {BODY_LIMIT} bytes; send several"))
        if "Content-Encoding" in self.headers:
            return Reply.refusing(415, Flaw("Content-Encoding", "this is not read", "a body as it is, not compressed"))
        return int(lengths[0])

    def _other(self) -> None:
        self._refuse(Reply.refusing(405, Flaw("method", f"{self.command} does nothing here", "POST"), Allow="POST"))

    do_GET = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _other  # noqa: N815  # likewise

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server itself refuses (a request line that is none, headers too long) is told in our form."""
        if not hasattr(self, "request_version") or self.request_version == "HTTP/0.9":
            self.request_version = "HTTP/1.1"
        self._refuse(Reply.refusing(code, Flaw("request", "this is not HTTP that can be read", "a POST over HTTP/1.1")))

    def _refuse(self, reply: Reply) -> None:
        self.is_unheard = True
        self._answer(reply)

    def _answer(self, reply: Reply) -> None:
        self.close_connection = True
        body = json.dumps(reply.content).encode()
        self.connection.settimeout(self.server.seconds)
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if getattr(self, "command", "") != "HEAD":
            self.wfile.write(body)
