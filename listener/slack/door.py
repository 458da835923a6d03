"""Clicks over HTTP, for those who can give Slack an address: a small door on loopback behind their own web server.

Slack signs what it sends (docs.slack.dev/authentication/verifying-requests-from-slack); bolt checks signature and age, and
nothing is worked without. The door speaks plain HTTP to this machine only: TLS belongs to the web server before it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import structlog
from slack_bolt import App
from slack_bolt.request import BoltRequest

from listener.faults import place

log = structlog.get_logger()

PATH = "/slack/events"
LARGEST = 1024 * 1024  # bytes of a body
PATIENCE = 10.0  # seconds until a caller that sends nothing is dropped


class WebDoor:
    """Answers Slack's calls at http://127.0.0.1:`port`/slack/events. Raises OSError where the port is taken."""

    def __init__(self, app: App, port: int, host: str = "127.0.0.1") -> None:
        self._server = _Server((host, port), _Call)
        self._server.app = app
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="slack-door", daemon=True)

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


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    app: App

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away is no news."""


class _Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE
    server: _Server

    def do_POST(self) -> None:
        self.close_connection = True
        split = urlsplit(self.path)
        length = self.headers.get("Content-Length") or ""
        if split.path != PATH:
            self._say(404, "")
        elif not (length.isascii() and length.isdigit()) or int(length) > LARGEST:
            self._say(413, "")
        else:
            body = self.rfile.read(int(length)).decode("utf-8", "replace")
            headers: dict[str, str | Sequence[str]] = dict(self.headers.items())
            try:
                answer = self.server.app.dispatch(BoltRequest(body=body, query=split.query, headers=headers))
            except Exception as error:  # noqa: BLE001  # a stranger's body must not print a traceback
                log.error("slack_door_failed", fault=place(error))
                self._say(500, "")
                return
            kind = str((answer.headers.get("content-type") or ["text/plain"])[0])
            self._say(answer.status, answer.body or "", kind)

    def _say(self, status: int, body: str, kind: str = "text/plain") -> None:
        raw = body.encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: object) -> None:
        """Slack's calls are not logged: their paths and bodies are none of the log's business."""
