"""Socket Mode, kept alive: connect in the background, watch, replace.

Slack's own client speaks the protocol; when a line must be replaced is decided here, because the client counts a dead
line as connected (python-slack-sdk#1110, #1940) and reads nothing for up to 3 s while it replaces one itself, as long as a
click may wait. A line that is silent or closed is thrown away; when Slack asks for another (several times a day), the
old one is read until the new one stands. Nothing here raises into the daemon. What is known is noted for `status` and
`health`: since when the line stands, how many lines Slack counts, when it last brought something.
"""

from __future__ import annotations

import logging
import select
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from slack_bolt import App
from slack_bolt.adapter.socket_mode.internals import run_bolt_app, send_response
from slack_sdk import WebClient
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from listener.faults import place
from listener.model import PassingFailure, ReceiverError, ReceiverStopped
from listener.slack.failures import translated

log = structlog.get_logger()

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds between two attempts to connect
STOPPED_PAUSE = 300.0  # after an answer that only a person can change: a wrong token, Socket Mode switched off
SILENT = 4  # ping intervals without an answer
NOTE_EVERY = 20.0  # seconds
CLOSING = 5.0  # seconds; the client's own close takes up to 3


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for what, in seconds."""

    ping: float = 10.0
    look: float = 0.5  # between two looks at the line
    first: float = FIRST_PAUSE
    longest: float = LONGEST_PAUSE


def new_address(client: WebClient, app_token: str) -> str:
    """Where a line of the app may be opened now. Raises `ReceiverError`, with what to do about a wrong app token."""
    with translated("apps.connections.open", "Socket Mode"):
        return str(client.apps_connections_open(app_token=app_token)["url"])


class SocketLine:
    """One app's line. `note` keeps a JSON object; it may be slow and may fail."""

    def __init__(
        self,
        app: App,
        app_token: str,
        client: WebClient,
        *,
        note: Callable[[Mapping[str, Any]], None],
        clock: Callable[[], datetime],
        instances: int = 1,
        patience: Patience = Patience(),
    ) -> None:
        self._app, self._token, self._client = app, app_token, client
        self._note_down, self._clock, self._instances, self._patience = note, clock, instances, patience
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slack-socket", daemon=True)
        self._known: dict[str, Any] = {"state": "connecting", "since": clock().isoformat()}
        self._noted_at = float("-inf")
        self._lock = threading.Lock()
        self._lines = 0  # opened since the start

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._thread.start()

    def stop(self, seconds: float = CLOSING + 1) -> None:
        """Close the line; waits at most `seconds`."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(seconds)
        self._now_is("stopped")

    def _run(self) -> None:
        failures = 0
        line: _Line | None = None
        while not self._stopping.is_set():
            try:
                fresh = self._connect()
            except Exception as error:  # noqa: BLE001  # whatever happens to the line, alerts go on and it is tried again
                failures += 1
                pause = self._pause(error, failures)
                cause = str(error) if isinstance(error, ReceiverError) else place(error)
                log.warning("slack_line_failed", cause=cause, pause=pause)
                self._now_is("away", cause)
                self._stopping.wait(pause)
                continue
            failures = 0
            if line is not None:
                _close(line)
            line = fresh
            self._now_is("connected")
            why = self._watch(line)
            if why in ("closed", "silent"):
                log.warning("slack_line_lost", cause=why)
                self._now_is("away", why)
                _close(line)
                line = None
        if line is not None:
            _close(line).join(CLOSING)

    def _pause(self, error: Exception, failures: int) -> float:
        if isinstance(error, ReceiverStopped):
            return STOPPED_PAUSE
        if isinstance(error, PassingFailure) and error.retry_after is not None:
            return error.retry_after
        doublings: int = min(failures - 1, 10)
        return min(self._patience.first * (1 << doublings), self._patience.longest)

    def _connect(self) -> _Line:
        # Asked here and not by the client, which would sleep out a rate limit where nobody can stop it.
        address = new_address(self._client, self._token)
        line = _Line(self._token, self._client, self._patience.ping)
        try:
            line.message_listeners.append(self._heard)
            line.socket_mode_request_listeners.append(self._work)
            line.wss_uri = address
            line.connect()
            if not line.is_connected():
                raise PassingFailure("Slack (Socket Mode): the line could not be opened")
        except BaseException:
            _close(line)
            raise
        self._lines += 1
        return line

    def _work(self, line: Any, request: SocketModeRequest) -> None:
        started = time.time()
        send_response(line, request, run_bolt_app(self._app, request), started)

    def _watch(self, line: _Line) -> str:
        """Until the line must be replaced; why."""
        since, answered = time.monotonic(), None
        while not self._stopping.wait(self._patience.look):
            session = line.current_session
            if session is None or not session.is_active() or _hung_up(session.sock):
                return "closed"
            if line.replace_me.is_set():
                return "replaced"
            if session.last_ping_pong_time != answered:
                since, answered = time.monotonic(), session.last_ping_pong_time
            if time.monotonic() - since > SILENT * self._patience.ping:
                return "silent"
            if time.monotonic() - self._noted_at > NOTE_EVERY:
                self._write()
        return "stopping"

    def _heard(self, _client: Any, message: Mapping[str, Any], _raw: str | None = None) -> None:
        if message.get("type") == "hello":
            lines = message.get("num_connections")
            self._known["connections"] = lines
            # A line of ours that was just replaced may be counted for a while.
            usual = self._instances + (1 if self._lines > 1 else 0)
            if isinstance(lines, int) and lines > usual:
                log.warning("slack_lines_too_many", connections=lines, instances=self._instances)
            else:
                log.info("slack_line_open", connections=lines)
            self._write()
        elif message.get("envelope_id"):
            self._known["last_envelope"] = self._clock().isoformat()
            if time.monotonic() - self._noted_at > 1.0:
                self._write()

    def _now_is(self, state: str, why: str = "") -> None:
        if self._known.get("state") != state:
            self._known["since"] = self._clock().isoformat()
        self._known |= {"state": state, "why": why}
        self._write()

    def _write(self) -> None:
        with self._lock:
            self._noted_at = time.monotonic()
            try:
                self._note_down({**self._known, "at": self._clock().isoformat(), "instances": self._instances})
            except Exception as error:  # noqa: BLE001  # the line goes on while the database does not
                log.warning("slack_line_not_noted", fault=place(error))


class _Line(SocketModeClient):
    """Slack's client, which says that it must be replaced instead of doing it."""

    def __init__(self, token: str, client: WebClient, ping: float) -> None:
        self.replace_me = threading.Event()
        super().__init__(
            token,
            logger=logging.Logger("listener.slack.socket", level=logging.CRITICAL + 1),  # it would log what was typed
            web_client=client,
            auto_reconnect_enabled=False,
            ping_interval=ping,
            concurrency=4,
            proxy=client.proxy,
        )

    def connect_to_new_endpoint(self, force: bool = False) -> None:
        """Called when Slack sends `disconnect`."""
        self.replace_me.set()


def _hung_up(sock: Any) -> bool:
    """Whether the other side has ended a connection; the client would read its end in a circle until pings run out."""
    try:
        asked = select.poll()
        asked.register(sock, select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0))
        return bool(asked.poll(0))
    except (OSError, ValueError, TypeError, AttributeError):
        return False  # closed by the client a moment ago, or a system without poll; pings will tell


def _close(line: _Line) -> threading.Thread:
    """Close in a thread of its own, which is returned: the client waits up to 3 s, and for threads without a limit."""
    closing = threading.Thread(target=_closed, args=(line,), name="slack-socket-close", daemon=True)
    closing.start()
    return closing


def _closed(line: _Line) -> None:
    try:
        line.close()
    except Exception as error:  # noqa: BLE001  # it is thrown away; a socket that is gone already is no news
        log.info("slack_line_close_failed", fault=place(error))
