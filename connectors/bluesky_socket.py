"""A WebSocket that is read and never trusted: deadlines, a size limit, and a question whether the other side is still there.

websocket-client gives frames, but waits anew for every byte and believes any length. So it is handed a `Wire` in place of a socket,
which ends a handshake or a message that takes too long or grows too big. Connections go straight to a host that `connectors.addresses`
allows (no proxy), TLS trusts what the rest of the program trusts, redirects are not followed, compression is not asked for.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from websocket import (
    ABNF,
    WebSocket,
    WebSocketBadStatusException,
    WebSocketConnectionClosedException,
    WebSocketException,
    WebSocketTimeoutException,
)

from connectors.addresses import Guard
from connectors.base import AccessDenied, ConnectorError, Malformed, Refused, Unavailable
from connectors.http import Answer, failure, looks_like_html

MESSAGE_LIMIT = 4 * 1024 * 1024  # bytes; a longer message is passed over
HARD_LIMIT = 64 * 1024 * 1024  # a message is not even read to its end beyond this
HANDSHAKE_LIMIT = 64 * 1024
_CHUNK = 64 * 1024


class CursorTooOld(Refused):
    """The stream does not reach back to where it was asked to begin."""


class _TooBig(Exception):
    pass


class Wire:
    """A connected socket that reads ahead and gives up at a moment and beyond a size."""

    def __init__(self, plain: socket.socket, monotonic: Callable[[], float]) -> None:
        self._plain = plain
        self._monotonic = monotonic
        self._ahead = b""
        self._at = 0
        self._until = 0.0
        self._left = 0

    def allow(self, seconds: float, size: int) -> None:
        """What may be spent on what is read next."""
        self._until = self._monotonic() + seconds
        self._left = size

    def wait(self, seconds: float) -> bool:
        """Whether something can be read within so many seconds. Raises where the other side has gone."""
        if self._at < len(self._ahead):
            return True
        try:
            self._fill(seconds)
        except TimeoutError:
            return False
        return True

    def recv(self, size: int) -> bytes:
        if self._at >= len(self._ahead):
            self._fill(self._until - self._monotonic())
        read = self._ahead[self._at : self._at + size]
        self._at += len(read)
        self._left -= len(read)
        if self._left < 0:
            raise _TooBig
        return read

    def _fill(self, seconds: float) -> None:
        if seconds <= 0:
            raise TimeoutError
        self._plain.settimeout(seconds)
        self._ahead, self._at = self._plain.recv(_CHUNK), 0
        if not self._ahead:
            raise WebSocketConnectionClosedException("closed by the other side")

    def send(self, data: bytes) -> int:
        self._plain.settimeout(max(self._until - self._monotonic(), 0.001))
        return self._plain.send(data)

    def gettimeout(self) -> float | None:
        return self._plain.gettimeout()

    def settimeout(self, seconds: float | None) -> None:
        """Deadlines are set by `allow`."""

    def fileno(self) -> int:
        return self._plain.fileno()

    def close(self) -> None:
        self._plain.close()


class Stream:
    """Messages of one connection, as they come. `quiet` once the other side had nothing more to say and answered a ping."""

    def __init__(
        self, site: str, wire: Wire, web_socket: WebSocket, timeout: float, idle: float, monotonic: Callable[[], float]
    ) -> None:
        self._site = site
        self._wire = wire
        self._web_socket = web_socket
        self._timeout = timeout
        self._idle = idle
        self._monotonic = monotonic
        self.quiet = False

    def messages(self, ends: float) -> Iterator[bytes | None]:
        """Each text message, None for one that is none or is too long; until it is quiet or `ends` (on the monotonic clock)."""
        asked: float | None = None  # when a ping was sent that was not answered yet
        while self._monotonic() < ends:
            opcode, data = 0, b""
            with _Named(self._site, self._timeout):
                waits = self._idle if asked is None else asked + self._timeout - self._monotonic()
                if self._wire.wait(waits):
                    self._wire.allow(self._timeout, HARD_LIMIT)
                    opcode, frame = self._web_socket.recv_data_frame(control_frame=True)
                    data = frame.data
                elif asked is None:
                    asked = self._monotonic()
                    self._wire.allow(self._timeout, HARD_LIMIT)
                    self._web_socket.ping()
                    continue
                else:
                    raise Unavailable(
                        f"{self._site} holds the connection but sends nothing and answers no ping within {self._timeout:g} s"
                    )
            if opcode == ABNF.OPCODE_CLOSE:
                code = int.from_bytes(data[:2], "big")
                raise Unavailable(f"{self._site} closed the stream ({code or 'no reason'}); it is read on later")
            if opcode == ABNF.OPCODE_PONG and asked is not None:
                self.quiet = True
                return
            if opcode in (ABNF.OPCODE_TEXT, ABNF.OPCODE_BINARY):
                asked = None
                yield data if opcode == ABNF.OPCODE_TEXT and len(data) <= MESSAGE_LIMIT else None

    def close(self) -> None:
        """Say goodbye without waiting for the answer. Idempotent."""
        try:
            self._wire.allow(1.0, HANDSHAKE_LIMIT)
            if self._web_socket.connected:
                self._web_socket.send_close()
        except (OSError, WebSocketException):
            pass
        self._wire.close()


def connect(
    site: str,
    url: str,
    user_agent: str,
    timeout: float,
    idle: float,
    now: datetime,
    guard: Guard,
    monotonic: Callable[[], float] = time.monotonic,
) -> Stream:
    """Open a stream at a ws:// or wss:// address. Raises `ConnectorError`, among them `CursorTooOld`."""
    with _Named(site, timeout):
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "wss" else 80)
        plain = guard.connect(host, port, timeout)
        try:
            if parts.scheme == "wss":
                plain = httpx.create_ssl_context().wrap_socket(plain, server_hostname=host)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire = Wire(plain, monotonic)
            wire.allow(timeout, HANDSHAKE_LIMIT)
            web_socket: Any = WebSocket(enable_multithread=False, skip_utf8_validation=True)
            try:
                web_socket.connect(
                    url,
                    socket=wire,
                    header={"User-Agent": user_agent},
                    suppress_origin=True,
                    redirect_limit=0,
                    timeout=timeout,
                )
            except WebSocketBadStatusException as refused:
                raise _refusal(site, refused, now) from None
        except BaseException:
            plain.close()
            raise
    return Stream(site, wire, web_socket, timeout, idle, monotonic)


class _Named:
    """Gives what goes wrong inside it the names of `connectors.base`."""

    def __init__(self, site: str, timeout: float) -> None:
        self._site = site
        self._timeout = timeout

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ConnectorError):
            return
        if isinstance(error, TimeoutError | WebSocketTimeoutException):
            raise Unavailable(
                f"{self._site} did not finish what it began within {self._timeout:g} s; it is read on later"
            ) from None
        if isinstance(error, _TooBig):
            raise Unavailable(f"{self._site} sends a message without end; it was cut off") from None
        if isinstance(error, OSError | WebSocketConnectionClosedException):
            raise Unavailable(
                f"{self._site} cannot be reached, or broke off ({type(error).__name__}); it is asked again later"
            ) from None
        if isinstance(error, WebSocketException | UnicodeError | ValueError):
            raise Malformed(
                f"{self._site} does not speak WebSocket as it should ({type(error).__name__}); check hosts"
            ) from None


def _refusal(site: str, refused: WebSocketBadStatusException, now: datetime) -> ConnectorError:
    """What it means that the connection did not become a WebSocket."""
    status, body = refused.status_code, refused.resp_body or b""
    headers = refused.resp_headers or {}
    if status == 400 and _error_name(body) == "CursorTooOld":
        return CursorTooOld(f"{site} does not reach back to where this source stopped reading")
    if status // 100 == 2:
        if looks_like_html(Answer(status, httpx.Headers(headers), body)):
            return Unavailable(f"{site} answered with a web page instead of a stream; it is asked again later")
        return Malformed(f"{site} answered {status} without becoming a stream; check hosts")
    if status in (401, 403):
        return AccessDenied(f"{site} answered {status} and does not let this machine read; name other hosts")
    return failure(site, status, headers, now)


def _error_name(body: bytes) -> str:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return str(told.get("error")) if isinstance(told, dict) else ""
