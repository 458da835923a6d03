"""Bluesky on loopback: a Jetstream instance that speaks WebSocket, and an account's server that is the AppView as well.

The stream sends what it has from the cursor on, ordered by `time_us`, then what comes; a ping is answered behind all that was
published before it. Nothing of the protocol is borrowed: frames are put together and taken apart here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from tests.fakes.http import Asked, FakeServer, Reply, _Handler
from tests.fakes.writes import Writes

COLLECTION = "app.bsky.feed.post"
PASSWORD = "app-password-of-the-tests"
ACCOUNT, WRITE_PASSWORD = "acme.example", "app-password-that-may-write"
ACME = "did:plc:acme0000000000000000000"
ALICE = "did:plc:alice000000000000000000"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TID = "234567abcdefghijklmnopqrstuvwxyz"


def micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def tid(at: datetime, clock: int) -> str:
    """A record key as servers make it."""
    number, letters = micros(at) << 10 | clock % 1024, ""
    for _ in range(13):
        letters = _TID[number % 32] + letters
        number //= 32
    return letters


def frame(opcode: int, data: bytes, fin: bool = True) -> bytes:
    """A frame as servers send it: unmasked."""
    head = bytes([opcode | (0x80 if fin else 0)])
    if len(data) < 126:
        return head + bytes([len(data)]) + data
    if len(data) < 1 << 16:
        return head + bytes([126]) + len(data).to_bytes(2, "big") + data
    return head + bytes([127]) + len(data).to_bytes(8, "big") + data


@dataclass(frozen=True)
class Upgrade(Reply):
    """The connection is handed over once the WebSocket handshake is done."""

    serve: Callable[[socket.socket], None] = lambda connection: None


class _Upgrading(_Handler):
    def _send(self, reply: Reply) -> None:
        if not isinstance(reply, Upgrade):
            super()._send(reply)
            return
        self.close_connection = True
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.wfile.flush()
        reply.serve(self.connection)


class FakeJetstream(FakeServer):
    """`misbehave` and `after` say what a connection does once it has sent so many messages."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[tuple[int, bytes]] = []  # (time_us, a whole frame)
        self.keeps_from: datetime | None = None  # what is older is gone
        self.refuses_old = False  # like newer instances: 400 instead of beginning later
        self.misbehave = ""  # "hang", "reset", "drip", "endless", "close", "rsv"
        self.after = 0
        self.connected = 0
        self._garbled = 0
        self._count = 0

    def start(self) -> Self:
        super().start()
        assert self._server is not None
        self._server.RequestHandlerClass = _Upgrading
        return self

    def publish(
        self,
        text: str = "My Acme kettle broke",
        at: datetime | None = None,
        *,
        did: str = ALICE,
        operation: str = "create",
        key: str = "",
        record: dict[str, Any] | None = None,
        **fields: Any,
    ) -> str:
        """Returns the post's address. `record` replaces it whole; `fields` are put into it."""
        at = at or datetime.now(UTC)
        with self.lock:
            self._count += 1
            key = key or tid(at, self._count)
            if record is None:
                record = {"$type": COLLECTION, "text": text, "langs": ["en"], "createdAt": stamp(at), **fields}
            commit = {"rev": tid(at, 1), "operation": operation, "collection": COLLECTION, "rkey": key, "cid": "bafy"}
            self.tell({"kind": "commit", "commit": {**commit, "record": record}}, at, did)
            return f"at://{did}/{COLLECTION}/{key}"

    def edit(self, uri: str, text: str, at: datetime | None = None) -> None:
        did, _, key = uri.removeprefix("at://").split("/")
        at = at or self.newest
        self.publish(text, at, did=did, operation="update", key=key)

    def delete(self, uri: str, at: datetime | None = None) -> None:
        did, _, key = uri.removeprefix("at://").split("/")
        commit = {"rev": "3l", "operation": "delete", "collection": COLLECTION, "rkey": key}
        self.tell({"kind": "commit", "commit": commit}, at or self.newest, did)

    def account(self, did: str, status: str | None, at: datetime | None = None) -> None:
        """`status` None: active again."""
        account = {"active": status is None, "did": did, "seq": 1, "time": stamp(at or self.newest)}
        self.tell({"kind": "account", "account": {**account, **({"status": status} if status else {})}}, at, did)

    def tell(self, told: dict[str, Any], at: datetime | None = None, did: str = ALICE) -> None:
        time_us = micros(at or self.newest)
        whole = json.dumps({"did": did, "time_us": time_us, **told}).encode()
        self.send(frame(TEXT, whole), at)

    def send(self, data: bytes, at: datetime | None = None) -> None:
        """Any bytes, where messages of `at` stand."""
        with self.lock:
            self.messages.append((micros(at or self.newest), data))

    @property
    def newest(self) -> datetime:
        with self.lock:
            return _EPOCH + timedelta(microseconds=max((at for at, _ in self.messages), default=0))

    def _next_fault(self) -> tuple[str, str | None] | None:
        fault = super()._next_fault()
        if fault is None or fault[0] != "malformed":
            return fault
        with self.lock:
            self._garbled += 1
        return None

    def answer(self, asked: Asked) -> Reply:
        if asked.path != "/subscribe" or "upgrade" not in asked.headers:
            return Reply.json({"error": "NotFound", "message": "no such method"}, 404)
        cursor = int(asked.first("cursor", "0"))
        floor = micros(self.keeps_from) if self.keeps_from else 0
        if self.refuses_old and cursor < floor:
            return Reply.json({"error": "CursorTooOld", "message": f"cursor {cursor} below lookback floor 7"}, 400)
        with self.lock:
            garbled, self._garbled = self._garbled > 0, max(0, self._garbled - 1)
            self.connected += 1
        return Upgrade(serve=lambda connection: self._stream(connection, max(cursor, floor), garbled))

    def _stream(self, connection: socket.socket, begin: int, garbled: bool) -> None:
        with self.lock:
            known = len(self.messages)
            waiting = sorted((one for one in self.messages if one[0] >= begin), key=lambda one: one[0])
        sent = 0
        while not self._stopping.is_set():
            for _, data in waiting:
                if self.misbehave and sent >= self.after:
                    break
                sent += 1
                connection.sendall(frame(TEXT, data[2 : len(data) // 2]) if garbled else data)
            if self.misbehave and sent >= self.after:
                self._misbehave(connection)
                return
            # What was published before a ping came is sent before its pong.
            if select.select([connection], [], [], 0.005)[0]:
                opcode, data = _client_frame(connection)
                if opcode not in (PING, PONG):
                    return
            else:
                opcode, data = 0, b""
            with self.lock:
                waiting, known = self.messages[known:], len(self.messages)
            if opcode == PING:
                for _, new in waiting:
                    connection.sendall(new)
                waiting = []
                connection.sendall(frame(PONG, data))

    def _misbehave(self, connection: socket.socket) -> None:
        if self.misbehave == "hang":
            self._stopping.wait(5)
        elif self.misbehave == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            connection.close()
        elif self.misbehave == "drip":
            connection.sendall(frame(TEXT, b"x" * 5000)[:4])
            ends = time.monotonic() + 5
            while time.monotonic() < ends and not self._stopping.wait(0.02):
                connection.sendall(b"x")
        elif self.misbehave == "endless":
            connection.sendall(b"\x81\x7f" + (1 << 40).to_bytes(8, "big"))
            while not self._stopping.is_set():
                connection.sendall(b"x" * 65536)
        elif self.misbehave == "pings":
            while not self._stopping.wait(0.01):
                connection.sendall(frame(PING, b"still here"))
        elif self.misbehave == "close":
            connection.sendall(frame(CLOSE, (1008).to_bytes(2, "big") + b"ConsumerTooSlow"))
        else:
            connection.sendall(b"\xc1\x02hi")  # a reserved bit: compression nobody asked for


class FakeBluesky(Writes, FakeServer):
    """An account's server: sessions, search, posts, profiles. The last two are public."""

    def __init__(self) -> None:
        super().__init__()
        self.views: dict[str, dict[str, Any]] = {}  # by address
        self.handles: dict[str, str] = {ALICE: "alice.example", ACME: ACCOUNT}
        self.hidden: set[str] = set()  # posts of those who block the account
        self.sessions = 0
        self._access = self._refresh = ""
        self._did = ALICE  # who is logged in
        self._count = 0

    @property
    def replies(self) -> list[dict[str, Any]]:
        """Records that the account has written."""
        with self.lock:
            return [view["record"] for view in self.views.values() if view["author"]["did"] == ACME]

    def publish(
        self, text: str = "My Acme kettle broke", at: datetime | None = None, *, did: str = ALICE, **fields: Any
    ) -> str:
        """Returns the post's address. `fields` are put into the record."""
        at = at or datetime.now(UTC)
        with self.lock:
            self._count += 1
            uri = f"at://{did}/{COLLECTION}/{tid(at, self._count)}"
            handle = self.handles.get(did, "handle.invalid")
            self.views[uri] = {
                "uri": uri,
                "cid": "bafy",
                "author": {"did": did, "handle": handle, "displayName": handle.partition(".")[0].title()},
                "record": {"$type": COLLECTION, "text": text, "langs": ["en"], "createdAt": stamp(at), **fields},
                "replyCount": 1,
                "repostCount": 2,
                "likeCount": 3,
                "quoteCount": 0,
                "indexedAt": stamp(at),
                "labels": [],
            }
            return uri

    def delete(self, uri: str) -> None:
        with self.lock:
            del self.views[uri]

    def edit(self, uri: str, text: str) -> None:
        with self.lock:
            self.views[uri]["record"]["text"] = text

    def expire(self, *, whole: bool = False) -> None:
        """The access token is over; `whole`: the refresh token as well."""
        with self.lock:
            self._access = ""
            if whole:
                self._refresh = ""

    def answer(self, asked: Asked) -> Reply:
        method, told = asked.path.removeprefix("/xrpc/"), asked.headers.get("authorization", "")
        if method == "com.atproto.repo.putRecord" and told == f"Bearer {self._access}":
            return self.write(lambda: self._put(json.loads(asked.body)))
        with self.lock:
            if method == "com.atproto.server.createSession":
                body = json.loads(asked.body)
                if body == {"identifier": ACCOUNT, "password": WRITE_PASSWORD}:
                    self._did = ACME
                elif body == {"identifier": "alice.example", "password": PASSWORD}:
                    self._did = ALICE
                else:
                    return _error(401, "AuthenticationRequired", "Invalid identifier or password")
                return self._session()
            if method == "com.atproto.server.refreshSession":
                if not self._refresh or told != f"Bearer {self._refresh}":
                    return _error(400, "ExpiredToken", "Token has been revoked")
                return self._session()
            if told and told != f"Bearer {self._access}":
                return _error(400, "ExpiredToken", "Token has expired")
            if method == "com.atproto.repo.getRecord" and told:
                uri = f"at://{asked.first('repo')}/{asked.first('collection')}/{asked.first('rkey')}"
                if uri not in self.views:
                    return _error(400, "RecordNotFound", "Could not locate record")
                return Reply.json({"uri": uri, "cid": "bafy", "value": self.views[uri]["record"]})
            if method == "app.bsky.actor.getProfiles":
                dids = {handle: did for did, handle in self.handles.items()}
                known = [did for one in asked.query["actors"] if (did := dids.get(one, one)) in self.handles]
                return Reply.json({"profiles": [self._profile(did) for did in known]})
            if method == "app.bsky.feed.getPosts":
                uris = asked.query["uris"]
                if len(uris) > 25:
                    return _error(400, "InvalidRequest", "uris must not have more than 25 elements")
                return Reply.json({"posts": [self.views[uri] for uri in uris if uri in self._seen_by(told)]})
            if method == "app.bsky.feed.searchPosts":
                return self._search(asked, told) if told else Reply(403, b"Request forbidden by administrative rules.")
        return _error(501, "MethodNotImplemented", method)

    def _put(self, told: dict[str, Any]) -> Reply:
        with self.lock:
            if told["repo"] != self._did or len(told["rkey"]) != 13 or not set(told["rkey"]) <= set(_TID):
                return _error(400, "InvalidRequest", "Invalid rkey")
            assert told["record"]["reply"]["parent"]["uri"] in self.views
            uri = f"at://{told['repo']}/{told['collection']}/{told['rkey']}"
            author = {"did": told["repo"], "handle": self.handles[told["repo"]], "displayName": "Acme"}
            stamped = {"indexedAt": told["record"]["createdAt"], "labels": []}
            self.views[uri] = {"uri": uri, "cid": "bafy", "author": author, "record": told["record"], **stamped}
            return Reply.json({"uri": uri, "cid": "bafy"})

    def _session(self) -> Reply:
        self.sessions += 1
        self._access, self._refresh = f"access-{self.sessions}", f"refresh-{self.sessions}"
        return Reply.json(
            {
                "did": self._did,
                "handle": self.handles[self._did],
                "accessJwt": self._access,
                "refreshJwt": self._refresh,
            }
        )

    def _profile(self, did: str) -> dict[str, Any]:
        return {"did": did, "handle": self.handles[did], "displayName": "Alice", "followersCount": 12}

    def _seen_by(self, told: str) -> dict[str, dict[str, Any]]:
        return {uri: view for uri, view in self.views.items() if not (told and uri in self.hidden)}

    def _search(self, asked: Asked, told: str) -> Reply:
        words = asked.first("q").strip('"').casefold()
        since, until = asked.first("since"), asked.first("until", "9999")
        start, limit = int(asked.first("cursor", "0")), int(asked.first("limit", "25"))
        found = [
            (_sort_at(view), uri)
            for uri, view in self.views.items()
            if words in view["record"]["text"].casefold() and since <= _sort_at(view) < until
        ]
        found.sort(reverse=True)
        page = [self.views[uri] for _, uri in found[start : start + limit] if uri in self._seen_by(told)]
        answer: dict[str, Any] = {"posts": page, "hitsTotal": len(found)}
        if start + limit < len(found):
            answer["cursor"] = str(start + limit)
        return Reply.json(answer)


def _sort_at(view: dict[str, Any]) -> str:
    return min(str(view["record"]["createdAt"]), str(view["indexedAt"]))


def _error(status: int, name: str, message: str) -> Reply:
    return Reply.json({"error": name, "message": message}, status)


def _client_frame(connection: socket.socket) -> tuple[int, bytes]:
    """(opcode, data) of one short masked frame; CLOSE where the client has gone."""
    head = _exactly(connection, 2)
    if head is None:
        return CLOSE, b""
    mask = _exactly(connection, 4) or b""
    data = _exactly(connection, head[1] & 0x7F) or b""
    return head[0] & 0x0F, bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        try:
            part = connection.recv(size - len(data))
        except OSError:
            return None
        if not part:
            return None
        data += part
    return data
