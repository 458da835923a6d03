"""The other half of a Slack on loopback: Socket Mode, and people who click, type and enter things.

    with FakeSlack() as slack, FakeSocket(slack) as socket:
        ...                                  # a SocketModeHandler connects to slack.base_url
        socket.wait_for_line()
        envelope = socket.click("U0ANA1234", "case_claim")
        assert socket.acked(envelope) is not None

Speaks RFC 6455 as far as Socket Mode needs it: text, ping, pong, close. An envelope that is not acknowledged in
`redeliver_after` seconds is delivered again, twice at most. Faults: `lose_ack`, `mute`, `cut`, `refresh`, `counted`.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.fakes.slack import FakeSlack

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
TEAM = {"id": "T0", "domain": "testers"}


class _Line:
    """One client's connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.mute = False  # neither answers pings nor delivers, and stays open: a ghost behind a NAT
        self.open = True
        self._lock = threading.Lock()

    def send(self, opcode: int, data: bytes) -> None:
        size = len(data)
        head = bytes([0x80 | opcode])
        head += bytes([size]) if size < 126 else b"\x7e" + struct.pack("!H", size)
        if size >= 65536:
            head = bytes([0x80 | opcode, 127]) + struct.pack("!Q", size)
        with self._lock, contextlib.suppress(OSError):
            self.sock.sendall(head + data)

    def receive(self) -> tuple[int, bytes] | None:
        head = self._exactly(2)
        if head is None:
            return None
        size = head[1] & 0x7F
        if size >= 126:
            more = self._exactly(2 if size == 126 else 8)
            if more is None:
                return None
            size = int.from_bytes(more, "big")
        mask = self._exactly(4) if head[1] & 0x80 else b"\0\0\0\0"
        data = self._exactly(size)
        if mask is None or data is None:
            return None
        return head[0] & 0x0F, bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))

    def close(self) -> None:
        self.open = False
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def _exactly(self, count: int) -> bytes | None:
        data = b""
        while len(data) < count:
            try:
                part = self.sock.recv(count - len(data))
            except OSError:
                return None
            if not part:
                return None
            data += part
        return data


class FakeSocket:
    """See the module's docstring."""

    def __init__(self, slack: FakeSlack, *, redeliver_after: float = 0.4) -> None:
        self.slack = slack
        self.redeliver_after = redeliver_after
        self.lines: list[_Line] = []
        self.opened = 0  # lines ever opened
        self.counted: int | None = None  # what hello says of the number of lines, if not the truth
        self.lose_ack: Callable[[int], bool] = lambda number: False  # of the nth acknowledgement, from 1
        self.delivered: list[str] = []  # envelope ids, repeats too
        self._acks: dict[str, dict[str, Any]] = {}
        self._numbers, self._ack_numbers = itertools.count(1), itertools.count(1)
        self._stopping = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> FakeSocket:
        self.slack.socket_url = lambda: f"ws://127.0.0.1:{self._server.getsockname()[1]}/link?ticket=t"
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for line in self.lines:
            line.close()
        self._thread.join(5)

    # What tests arrange

    def mute(self) -> None:
        """The lines that are open become ghosts."""
        for line in self.lines:
            line.mute = True

    def cut(self) -> None:
        """The lines that are open break."""
        for line in self._live():
            line.close()

    def refresh(self) -> None:
        """Slack asks for a new line before it ends this one, as it does several times a day."""
        for line in self._live():
            line.send(TEXT, json.dumps({"type": "disconnect", "reason": "refresh_requested"}).encode())

    def wait_for_line(self, number: int = 1, seconds: float = 10.0) -> None:
        """Until that many lines were opened."""
        self._wait(lambda: self.opened >= number and any(not one.mute for one in self._live()), seconds)

    # What people do

    def click(self, user: str, action_id: str, **kwargs: Any) -> str:
        """Press a button, or choose `option` (the beginning of its value) from a menu; of the newest message that has it.

        `message`: of this one, as it was shown. Returns the envelope's id.
        """
        return self.send("interactive", self.click_body(user, action_id, **kwargs))

    def click_body(
        self,
        user: str,
        action_id: str,
        *,
        channel: str = "C0CARE",
        option: str = "",
        message: dict[str, Any] | None = None,
        home: bool = False,
    ) -> dict[str, Any]:
        shown = self.slack.homes[user] if home else message or self._with_action(channel, action_id, option)
        action = next(one for one in _actions(shown) if _is(one, action_id, option))
        done = {"type": action["type"], "action_id": action_id, "block_id": "b", "action_ts": str(time.time())}
        if action["type"] == "overflow":
            done["selected_option"] = next(one for one in action["options"] if one["value"].startswith(option))
        else:
            done["value"] = action.get("value", "")
        body = {"type": "block_actions", **self._who(user), "trigger_id": self.slack.trigger(), "actions": [done]}
        if home:
            return {**body, "container": {"type": "view", "view_id": "V0"}, "view": shown}
        return {
            **body,
            "container": {
                "type": "message",
                "message_ts": shown["ts"],
                "channel_id": channel,
                "is_ephemeral": False,
            },
            "channel": {"id": channel, "name": "care"},
            "message": shown,
            "response_url": self.slack.response_url(user),
        }

    def choose(self, user: str, action_id: str, option: str) -> str:
        """Choose from a menu of the newest window."""
        view = self.slack.views[-1]
        menu = next(one for one in _actions(view) if _is(one, action_id, option))
        chosen = next(one for one in menu["options"] if one["value"] == option)
        done = {"type": menu["type"], "action_id": action_id, "block_id": "b", "selected_option": chosen}
        body = {"type": "block_actions", **self._who(user), "trigger_id": self.slack.trigger(), "actions": [done]}
        shown = {**view, "hash": f"h{self.slack.renewals}"}
        return self.send("interactive", {**body, "container": {"type": "view", "view_id": view["id"]}, "view": shown})

    def submit(self, user: str, values: dict[str, dict[str, Any]], view: dict[str, Any] | None = None) -> str:
        """Send the newest window off with these fields (block id -> what its field holds)."""
        shown = view or self.slack.views[-1]
        filled = {**shown, "state": {"values": {block: {"field": held} for block, held in values.items()}}, "hash": "1"}
        body = {"type": "view_submission", **self._who(user), "trigger_id": self.slack.trigger(), "view": filled}
        return self.send("interactive", {**body, "response_urls": []})

    def command(self, user: str, text: str, channel: str = "C0ELSE") -> str:
        """Type `/mentions …`."""
        body = {
            "command": "/mentions",
            "text": text,
            "user_id": user,
            "user_name": "someone",
            "team_id": "T0",
            "channel_id": channel,
            "channel_name": "else",
            "api_app_id": "A0",
            "trigger_id": self.slack.trigger(),
            "response_url": self.slack.response_url(user),
        }
        return self.send("slash_commands", body)

    def shortcut(self, user: str, message: dict[str, Any], channel: str = "C0ELSE") -> str:
        """Choose "Add to mentions" of a message."""
        body = {
            "type": "message_action",
            "callback_id": "mention_add",
            **self._who(user),
            "trigger_id": self.slack.trigger(),
            "message_ts": message.get("ts", ""),
            "channel": {"id": channel, "name": "else"},
            "message": message,
            "response_url": self.slack.response_url(user),
        }
        return self.send("interactive", body)

    def open_home(self, user: str) -> str:
        """Look at the app's home page."""
        event = {"type": "app_home_opened", "user": user, "channel": "D0", "tab": "home"}
        body = {
            "type": "event_callback",
            "event_id": f"Ev{next(self._numbers)}",
            "team_id": "T0",
            "api_app_id": "A0",
            "event": event,
        }
        return self.send("events_api", body)

    def send(self, kind: str, body: dict[str, Any], envelope: str = "") -> str:
        """Deliver an envelope, again if it is not acknowledged. Returns its id."""
        envelope = envelope or f"e-{next(self._numbers)}"
        threading.Thread(target=self._deliver, args=(kind, body, envelope), daemon=True).start()
        return envelope

    def acked(self, envelope: str, seconds: float = 10.0) -> dict[str, Any] | None:
        """The acknowledgement's payload ({} for a bare one); None where none came in time."""
        with contextlib.suppress(AssertionError):
            self._wait(lambda: envelope in self._acks, seconds)
        return self._acks.get(envelope)

    def _deliver(self, kind: str, body: dict[str, Any], envelope: str) -> None:
        text = json.dumps(
            {"type": kind, "envelope_id": envelope, "payload": body, "accepts_response_payload": True}
        ).encode()
        for _ in range(3):
            live = self._live()
            if live and not live[-1].mute:
                self.delivered.append(envelope)
                live[-1].send(TEXT, text)
            if self._stopping.wait(self.redeliver_after) or envelope in self._acks:
                return

    def _with_action(self, channel: str, action_id: str, option: str) -> dict[str, Any]:
        for message in reversed(self.slack.messages(channel)):
            if any(_is(one, action_id, option) for one in _actions(message)):
                return message
        raise AssertionError(f"no message in {channel} has {action_id} {option}")

    def _who(self, user: str) -> dict[str, Any]:
        return {
            "user": {"id": user, "username": "someone", "team_id": "T0"},
            "team": TEAM,
            "api_app_id": "A0",
            "token": "t",
        }

    # The server

    def _live(self) -> list[_Line]:
        return [one for one in self.lines if one.open]

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        asked = b""
        with contextlib.suppress(OSError):
            while b"\r\n\r\n" not in asked and (part := sock.recv(4096)):
                asked += part
        key = next(
            (
                one.split(b":", 1)[1].strip()
                for one in asked.split(b"\r\n")
                if one.lower().startswith(b"sec-websocket-key:")
            ),
            None,
        )
        if key is None:
            sock.close()
            return
        accept = base64.b64encode(hashlib.sha1(key + _GUID.encode()).digest()).decode()
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        sock.sendall("\r\n".join([*lines, f"Sec-WebSocket-Accept: {accept}", "", ""]).encode())
        line = _Line(sock)
        self.lines.append(line)
        count = self.counted if self.counted is not None else len(self._live())
        line.send(TEXT, json.dumps({"type": "hello", "num_connections": count}).encode())
        self.opened += 1
        while (frame := line.receive()) is not None:
            if not line.mute:
                self._heard(line, *frame)
            if frame[0] == CLOSE:
                break
        line.close()

    def _heard(self, line: _Line, opcode: int, data: bytes) -> None:
        if opcode == PING:
            line.send(PONG, data)
        elif opcode == TEXT:
            said = json.loads(data)
            if not self.lose_ack(next(self._ack_numbers)):
                self._acks[str(said["envelope_id"])] = said.get("payload") or {}

    def _wait(self, what: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.01)


def _actions(shown: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for block in shown.get("blocks", ()):
        if block["type"] == "actions":
            found += block["elements"]
        elif "accessory" in block:
            found.append(block["accessory"])
    return found


def _is(action: dict[str, Any], action_id: str, option: str) -> bool:
    return action.get("action_id") == action_id and (
        not option or any(one["value"].startswith(option) for one in action.get("options", ()))
    )
