"""A small door for those who watch: /metrics for Prometheus, /healthz and /readyz for probes. GET only, no secrets inside.

    /healthz   200 while this process moves; restart it where it does not
    /readyz    200 while `listener health` would find nothing; 503 with its sentences otherwise
    /metrics   the numbers of `listener.watch.metrics`, and the process's own

The database is read at most every `FRESH` seconds however many ask, and a fixed number of callers is served at a time.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from socketserver import TCPServer
from typing import Any
from urllib.parse import urlsplit

import structlog
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from listener import troubles
from listener.config import Config
from listener.faults import place
from listener.store import StoreError, Vitals
from listener.watch.metrics import families, without_database
from listener.watch.pulse import Pulse

log = structlog.get_logger()

FRESH = 5.0  # seconds that one reading of the database serves
PATIENCE = 5.0  # seconds until a caller that sends nothing is dropped
CALLERS = 8  # served at the same time; more are hung up on
_PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller is told."""

    status: int
    body: bytes
    kind: str = _PLAIN


class Watch:
    """Answers the three questions. Safe to share between threads."""

    def __init__(
        self,
        read: Callable[[datetime], Vitals],
        config: Config,
        pulse: Pulse,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`read` gives the vitals of a moment, or raises `StoreError`."""
        self._read, self._config, self._pulse = read, config, pulse
        self._clock, self._monotonic = clock, monotonic
        self._lock = threading.Lock()
        self._known: tuple[float, Vitals | None] | None = None
        self._failing = False
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Numbers(self._families))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def answer(self, path: str, accept: str = "") -> Answer:
        """The answer to a GET of `path`."""
        if path == "/healthz":
            dead = self._pulse.why_dead()
            return _said(503, dead) if dead else _said(200, "alive")
        if path == "/readyz":
            return self._ready()
        if path == "/metrics":
            return self._metrics(accept)
        return _said(404, "ask for /metrics, /healthz or /readyz")

    def _ready(self) -> Answer:
        read = self._vitals()
        if read is None:
            return _said(503, "the database does not answer")
        found = troubles.found(read, self._config)
        if dead := self._pulse.why_dead():
            found.append(dead)
        if not found:
            return _said(200, "ready")
        if not is_local(self._config.listener.metrics_host):  # strangers may read it: names stay inside
            found = [f"{len(found)} troubles; `listener health` says which"]
        return _said(503, "\n".join(found))

    def _metrics(self, accept: str) -> Answer:
        try:
            encode, kind = choose_encoder(accept)
        except Exception:  # noqa: BLE001  # a stranger's header; it is read with int() and compared
            encode, kind = choose_encoder("")
        return Answer(200, encode(self._registry), kind)

    def _families(self) -> Iterable[Metric]:
        read = self._vitals()
        return without_database() if read is None else families(read, self._config)

    def _vitals(self) -> Vitals | None:
        """The vitals, at most FRESH old; None where the database could not be asked. One asks it, others wait for that."""
        with self._lock:
            now = self._monotonic()
            if self._known is None or now - self._known[0] >= FRESH:
                self._known = (now, self._ask())
            return self._known[1]

    def _ask(self) -> Vitals | None:
        try:
            read = self._read(self._clock())
        except Exception as error:  # noqa: BLE001  # whatever it is, the probe must be answered
            if not self._failing:
                log.warning("vitals_unknown", cause=str(error) if isinstance(error, StoreError) else place(error))
            self._failing = True
            return None
        self._failing = False
        return read


class WatchDoor:
    """Answers at http://`host`:`port`/. Raises OSError where that is taken, or no address of this machine."""

    def __init__(self, watch: Watch, port: int, host: str = "127.0.0.1") -> None:
        self._server = (_Server6 if ":" in host else _Server)((host, port), _Call)
        self._server.watch = watch
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="watch-door", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens; useful after port 0."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to answer; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Answer nobody any more."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


def is_local(host: str) -> bool:
    """Whether only this machine can ask there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Numbers(Collector):
    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        return self._collect()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    watch: Watch

    def __init__(self, *args: Any) -> None:
        self._places = threading.BoundedSemaphore(CALLERS)
        super().__init__(*args)

    def server_bind(self) -> None:
        """Bind without asking the resolver for this machine's name, which may take seconds and is not used."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve it in a thread of its own, if there is a place."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be started
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Give the place back at the end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away is no news."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "listener", ""
    timeout = PATIENCE
    server: _Server

    def do_GET(self) -> None:
        self._say(with_body=True)

    def do_HEAD(self) -> None:
        self._say(with_body=False)

    def _say(self, *, with_body: bool) -> None:
        self.close_connection = True
        try:
            answer = self.server.watch.answer(urlsplit(self.path).path, self.headers.get("Accept") or "")
        except Exception as error:  # noqa: BLE001  # a probe must not print a traceback
            log.error("watch_door_failed", fault=place(error))
            answer = _said(500, "this could not be answered; the log says where")
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Connection", "close")
        self.end_headers()
        if with_body:
            self.wfile.write(answer.body)

    def log_message(self, *args: object) -> None:
        """A probe every few seconds is none of the log's business."""


def _said(status: int, words: str) -> Answer:
    return Answer(status, (words + "\n").encode())
