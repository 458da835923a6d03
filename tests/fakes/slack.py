"""A Slack on loopback: the Web API methods that the Slack receiver uses, behind the real client library.

Speaks JSON and form bodies, keeps messages with metadata and threads, pages its history, refuses what Slack
refuses by the same names, and fails on demand: see `Fault`. One process may run it while others talk to it; the
address is `base_url`. Thread-safe.

    with FakeSlack() as slack:
        slack.fail("chat.postMessage", DROP_AFTER)           # the next call only
        slack.chance = lambda method: DROP_AFTER if random.random() < 0.1 else None
        SlackReceiver("xoxb-test", "C0CARE", look, clock, base_url=slack.base_url)
        slack.messages("C0CARE"); slack.posts_by_key()
"""

from __future__ import annotations

import copy
import json
import socket
import struct
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes import block_kit


@dataclass(frozen=True)
class Fault:
    """How one call fails. `accept` says whether the call still takes effect."""

    status: int = 200
    error: str = ""  # Slack's word, in a JSON body
    retry_after: str = ""  # as the header is sent, so it may be nonsense
    html: str = ""  # a body that is not JSON
    drop: bool = False  # the connection is reset instead of an answer
    wait: float = 0.0  # seconds before the answer
    accept: bool = False
    body: str = ""  # sent as it is, as JSON


def rate_limited(seconds: str = "1") -> Fault:
    """429 with this Retry-After header."""
    return Fault(status=429, error="ratelimited", retry_after=seconds)


def refused(error: str) -> Fault:
    """ok: false with this error."""
    return Fault(error=error)


def slow(seconds: float) -> Fault:
    """The call takes effect at once, its answer comes late."""
    return Fault(wait=seconds, accept=True)


HTML_500 = Fault(status=500, html="<html><body>Something went wrong</body></html>")
HTML_502 = Fault(status=502, html="<html><body>Bad gateway</body></html>")
HTML_200 = Fault(status=200, html="<html><body>Captive portal</body></html>", accept=False)
DROP_BEFORE = Fault(drop=True)
DROP_AFTER = Fault(drop=True, accept=True)
ERROR_AFTER = Fault(status=503, html="<html>gone away</html>", accept=True)


class FakeSlack:
    """See the module's docstring. Channels exist once they are named by id (C…); `known_channels` limits them."""

    def __init__(
        self,
        *,
        token: str = "xoxb-test",
        known_channels: frozenset[str] | None = None,
        blocks_total: int = block_kit.REFUSED_NEAR,
        page_size: int = 1000,
        port: int = 0,
    ) -> None:
        self.token = token
        self.known_channels = known_channels
        self.blocks_total = blocks_total
        self.page_size = page_size  # the most a page holds, whatever the caller asks for
        self.can_read_history = True
        self.can_write_files = True
        self.takes_charts = True
        self.files: dict[str, dict[str, Any]] = {}  # by id: filename, length, content, where it was shared
        self.app_token = "xapp-test"
        self.socket_url: Callable[[], str] | None = None  # set by tests.fakes.slack_socket
        self.trigger_lasts = 3.0  # seconds
        self.groups: dict[str, list[str]] = {}
        self.views: list[dict[str, Any]] = []  # opened, oldest first
        self.renewals = 0  # changes of open windows
        self.homes: dict[str, dict[str, Any]] = {}  # user -> the home page they see
        self.whispers: list[dict[str, Any]] = []  # what one person alone was shown
        self._triggers: dict[str, float] = {}
        self._trigger_count = 0
        self.chance: Callable[[str], Fault | None] = lambda method: None
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._lock = threading.RLock()
        self._messages: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._revoked = False
        self._archived: set[str] = set()
        self._frozen: set[str] = set()
        self._last_ts = 0
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.fake = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> FakeSlack:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def base_url(self) -> str:
        """What the receiver takes as `base_url`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/"

    # What tests arrange

    def fail(self, method: str, *faults: Fault) -> None:
        """The next calls of `method` fail like this, one fault each."""
        with self._lock:
            self._faults[method].extend(faults)

    def revoke(self) -> None:
        """The token stops working."""
        self._revoked = True

    def archive(self, channel: str) -> None:
        """`channel` takes no messages any more."""
        self._archived.add(channel)

    def close_edit_window(self, channel: str) -> None:
        """Messages in `channel` can no longer be edited."""
        self._frozen.add(channel)

    def delete(self, channel: str, ts: str) -> None:
        """Somebody deletes a message."""
        with self._lock:
            self._messages[channel] = [one for one in self._messages[channel] if one["ts"] != ts]

    # What tests read

    def messages(self, channel: str) -> list[dict[str, Any]]:
        """Everything in `channel`, threads too, in the order of posting, as it stands after edits."""
        with self._lock:
            return copy.deepcopy(self._messages[channel])

    def posts_by_key(self) -> dict[str, list[dict[str, Any]]]:
        """All messages of all channels by the notification key in their metadata: one each, if nothing came twice."""
        by_key: dict[str, list[dict[str, Any]]] = defaultdict(list)
        with self._lock:
            for channel in self._messages.values():
                for one in channel:
                    key = (one.get("metadata") or {}).get("event_payload", {}).get("key", "")
                    by_key[key].append(copy.deepcopy(one))
        return dict(by_key)

    def counted(self, method: str) -> int:
        """How often `method` was called, failed calls included."""
        with self._lock:
            return sum(1 for name, _ in self.calls if name == method)

    # What Slack does

    def answer(self, method: str, given: dict[str, Any], token: str) -> tuple[Fault | None, dict[str, Any]]:
        """The fault to act out, if any, and the JSON that the method answers."""
        with self._lock:
            self.calls.append((method, given))
            fault = self._faults[method].popleft() if self._faults[method] else self.chance(method)
            if fault is not None and not fault.accept:
                return fault, {"ok": False, "error": fault.error or "fault"}
            if self._revoked:
                return fault, {"ok": False, "error": "token_revoked"}
            if token != (self.app_token if method == "apps.connections.open" else self.token):
                return fault, {"ok": False, "error": "invalid_auth" if token else "not_authed"}
            does = _METHODS.get(method)
            if does is None:
                return fault, {"ok": False, "error": "unknown_method"}
            try:
                return fault, {"ok": True, **does(self, given)}
            except _RefusedError as refusal:
                return fault, {"ok": False, "error": str(refusal)}

    def trigger(self) -> str:
        """A new trigger id, good for one window within three seconds."""
        with self._lock:
            self._trigger_count += 1
            name = f"trigger-{self._trigger_count}"
            self._triggers[name] = time.monotonic()
            return name

    def response_url(self, user: str) -> str:
        """An address whose answers only `user` sees."""
        return self.base_url.removesuffix("api/") + f"respond/{user}"

    def respond(self, user: str, given: dict[str, Any]) -> Fault | None:
        """Somebody posts to a response_url."""
        with self._lock:
            self.calls.append(("respond", given))
            fault = self._faults["respond"].popleft() if self._faults["respond"] else self.chance("respond")
            if fault is None or fault.accept:
                self.whispers.append({"user": user, **given})
            return fault

    def _upload_url(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if not self.can_write_files:
            raise _RefusedError("missing_scope")
        name = f"F{len(self.files) + 1}"
        self.files[name] = {"filename": given["filename"], "length": int(given["length"])}
        return {"file_id": name, "upload_url": self.base_url.removesuffix("api/") + f"upload/{name}"}

    def receive(self, name: str, content: bytes) -> Fault | None:
        """Somebody posts a file to its upload_url."""
        with self._lock:
            self.calls.append(("upload", {"file": name}))
            fault = self._faults["upload"].popleft() if self._faults["upload"] else self.chance("upload")
            if fault is None or fault.accept:
                self.files[name]["content"] = content
            return fault

    def _complete_upload(self, given: Mapping[str, Any]) -> dict[str, Any]:
        asked = given["files"]
        named = json.loads(asked) if isinstance(asked, str) else asked
        for one in named:
            kept = self.files.get(one["id"])
            if kept is None or len(kept.get("content", b"")) != kept["length"]:
                raise _RefusedError("file_not_found")
            kept |= {"channel": given.get("channel_id"), "thread_ts": given.get("thread_ts"), "title": one.get("title")}
        return {"files": [{"id": one["id"], "title": one.get("title")} for one in named]}

    def _connections_open(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if self.socket_url is None:
            raise _RefusedError("not_allowed_token_type")
        return {"url": self.socket_url()}

    def _views_open(self, given: Mapping[str, Any]) -> dict[str, Any]:
        since = self._triggers.pop(str(given.get("trigger_id")), None)
        if since is None:
            raise _RefusedError("invalid_trigger_id")
        if time.monotonic() - since > self.trigger_lasts:
            raise _RefusedError("expired_trigger_id")
        view = {**_checked_view(given["view"]), "id": f"V{len(self.views) + 1}"}
        self.views.append(view)
        return {"view": view}

    def _views_update(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Slack refuses a change of a view that was changed since."""
        place = next((at for at, one in enumerate(self.views) if one["id"] == given.get("view_id")), None)
        if place is None:
            raise _RefusedError("not_found")
        if given.get("hash") != f"h{self.renewals}":
            raise _RefusedError("hash_conflict")
        self.renewals += 1
        self.views[place] = {**_checked_view(given["view"]), "id": given["view_id"]}
        return {"view": self.views[place]}

    def _views_publish(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self.homes[str(given["user_id"])] = dict(_checked_view(given["view"]))
        return {"view": given["view"]}

    def _post_ephemeral(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self._channel(given, posting=True)
        self._check(given)
        self.whispers.append(dict(given))
        return {"message_ts": "1.000001"}

    def _group(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if given.get("usergroup") not in self.groups:
            raise _RefusedError("no_such_subteam")
        return {"users": self.groups[given["usergroup"]]}

    def _permalink(self, given: Mapping[str, Any]) -> dict[str, Any]:
        channel = self._channel(given)
        ts = str(given.get("message_ts", "")).replace(".", "")
        return {"channel": channel, "permalink": f"https://testers.slack.example/archives/{channel}/p{ts}"}

    def _channel(self, given: Mapping[str, Any], posting: bool = False) -> str:
        channel = str(given.get("channel", ""))
        if not channel or (self.known_channels is not None and channel not in self.known_channels):
            raise _RefusedError("channel_not_found")
        if posting and channel in self._archived:
            raise _RefusedError("is_archived")
        return channel

    def _auth_test(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"user": "listener", "user_id": "U0BOT", "team": "Testers", "team_id": "T0", "bot_id": "B0"}

    def _check(self, given: Mapping[str, Any]) -> None:
        blocks = given.get("blocks") or []
        if not given.get("text") and not blocks:
            raise _RefusedError("no_text")
        if len(given.get("text") or "") > 40_000:
            raise _RefusedError("msg_too_long")
        if block_kit.size(blocks) > self.blocks_total:
            raise _RefusedError("msg_blocks_too_long")
        if block_kit.faults({"text": "-", "blocks": blocks}):
            raise _RefusedError("invalid_blocks")
        if not self.takes_charts and any(block.get("type") == "data_visualization" for block in blocks):
            raise _RefusedError("invalid_blocks")
        metadata = given.get("metadata")
        if metadata is not None and not {"event_type", "event_payload"} <= set(metadata):
            raise _RefusedError("invalid_metadata_format")

    def _post(self, given: Mapping[str, Any]) -> dict[str, Any]:
        channel = self._channel(given, posting=True)
        self._check(given)
        thread = given.get("thread_ts")
        if thread and not any(one["ts"] == thread for one in self._messages[channel]):
            raise _RefusedError("thread_not_found")
        self._last_ts = max(self._last_ts + 1, int(time.time() * 1_000_000))
        ts = f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"
        message = {"type": "message", "user": "U0BOT", "ts": ts, "text": given.get("text", "")}
        message |= {name: given[name] for name in ("blocks", "metadata", "thread_ts") if given.get(name)}
        self._messages[channel].append(copy.deepcopy(message))
        return {"channel": channel, "ts": ts, "message": {k: v for k, v in message.items() if k != "metadata"}}

    def _update(self, given: Mapping[str, Any]) -> dict[str, Any]:
        channel = self._channel(given, posting=True)
        self._check(given)
        found = next((one for one in self._messages[channel] if one["ts"] == given.get("ts")), None)
        if found is None:
            raise _RefusedError("message_not_found")
        if channel in self._frozen:
            raise _RefusedError("edit_window_closed")
        found.update({name: copy.deepcopy(given[name]) for name in ("text", "blocks", "metadata") if name in given})
        return {"channel": channel, "ts": found["ts"], "text": found["text"]}

    def _delete(self, given: Mapping[str, Any]) -> dict[str, Any]:
        channel = self._channel(given, posting=True)
        kept = [one for one in self._messages[channel] if one["ts"] != given.get("ts")]
        if len(kept) == len(self._messages[channel]):
            raise _RefusedError("message_not_found")
        self._messages[channel][:] = kept
        return {"channel": channel, "ts": given["ts"]}

    def _history(self, given: Mapping[str, Any]) -> dict[str, Any]:
        channel = self._channel(given)
        found = [one for one in self._messages[channel] if "thread_ts" not in one]
        return self._page(given, found[::-1])

    def _replies(self, given: Mapping[str, Any]) -> dict[str, Any]:
        channel, ts = self._channel(given), given.get("ts")
        if not any(one["ts"] == ts for one in self._messages[channel]):
            raise _RefusedError("thread_not_found")
        return self._page(given, [one for one in self._messages[channel] if ts in (one["ts"], one.get("thread_ts"))])

    def _page(self, given: Mapping[str, Any], found: list[dict[str, Any]]) -> dict[str, Any]:
        if not self.can_read_history:
            raise _RefusedError("missing_scope")
        oldest = float(given.get("oldest") or 0)
        found = [one for one in found if float(one["ts"]) > oldest]
        start = int(given.get("cursor") or 0)
        end = start + min(int(given.get("limit") or 100), self.page_size)
        shown = copy.deepcopy(found[start:end])
        if str(given.get("include_all_metadata")).lower() not in ("true", "1"):
            for one in shown:
                one.pop("metadata", None)
        more = end < len(found)
        return {"messages": shown, "has_more": more, "response_metadata": {"next_cursor": str(end) if more else ""}}


def _checked_view(view: Mapping[str, Any]) -> Mapping[str, Any]:
    """A view within the limits of docs.slack.dev/reference/views."""
    if block_kit.faults(json.loads(view) if isinstance(view, str) else view):
        raise _RefusedError("invalid_arguments")
    return view


class _RefusedError(Exception):
    """ok: false; the text is Slack's word for it."""


_METHODS: Mapping[str, Callable[[FakeSlack, Mapping[str, Any]], dict[str, Any]]] = {
    "apps.connections.open": FakeSlack._connections_open,
    "auth.test": FakeSlack._auth_test,
    "chat.getPermalink": FakeSlack._permalink,
    "chat.postEphemeral": FakeSlack._post_ephemeral,
    "chat.postMessage": FakeSlack._post,
    "chat.delete": FakeSlack._delete,
    "chat.update": FakeSlack._update,
    "conversations.history": FakeSlack._history,
    "conversations.replies": FakeSlack._replies,
    "files.completeUploadExternal": FakeSlack._complete_upload,
    "files.getUploadURLExternal": FakeSlack._upload_url,
    "usergroups.users.list": FakeSlack._group,
    "views.open": FakeSlack._views_open,
    "views.update": FakeSlack._views_update,
    "views.publish": FakeSlack._views_publish,
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    fake: FakeSlack

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed or gave up is no news to a test."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        self.close_connection = True
        split = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if split.path.startswith("/upload/"):
            missed = self.server.fake.receive(split.path.removeprefix("/upload/"), raw)
            self._say(missed.status if missed else 200, "OK", "text/plain")
            return
        token = self.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        given = _given(raw, self.headers.get("Content-Type", "")) | _form(split.query)
        if split.path.startswith("/respond/"):
            fault = self.server.fake.respond(split.path.removeprefix("/respond/"), given)
            answer: dict[str, Any] = {"ok": True}
        else:
            fault, answer = self.server.fake.answer(split.path.removeprefix("/api/"), given, token)
        if fault is None:
            self._say(200, json.dumps(answer), "application/json; charset=utf-8")
            return
        time.sleep(fault.wait)
        if fault.drop:
            # linger 0 makes the close a reset, as a dying proxy does it
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif fault.html:
            self._say(fault.status, fault.html, "text/html")
        else:
            self._say(fault.status, fault.body or json.dumps(answer), "application/json", fault.retry_after)

    def do_GET(self) -> None:
        self.do_POST()

    def _say(self, status: int, body: str, kind: str, retry_after: str = "") -> None:
        raw = body.encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("Connection", "close")
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: object) -> None:
        """Quiet."""


def _given(raw: bytes, kind: str) -> dict[str, Any]:
    text = raw.decode("utf-8", "replace")
    return json.loads(text or "{}") if "json" in kind else _form(text)


def _form(text: str) -> dict[str, Any]:
    """Form fields; those that hold JSON (blocks, metadata) are read as JSON, as Slack does."""
    form: dict[str, Any] = {name: values[-1] for name, values in parse_qs(text).items()}
    return {name: json.loads(one) if name in ("blocks", "metadata") else one for name, one in form.items()}
