"""A mail server on loopback: as much of RFC 3501 as reading a folder needs, and the ways in which such servers fail.

    with FakeImap().start() as mail:
        uid = mail.deliver(b"From: …", at)
        mail.fail_next("503")
        … mail.port …

Commands: CAPABILITY, LOGIN, AUTHENTICATE PLAIN, SELECT, EXAMINE, UID SEARCH (UID n:* and SINCE), UID FETCH, UID STORE, LOGOUT.
"""

from __future__ import annotations

import base64
import itertools
import re
import socket
import ssl
import struct
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

USER, PASSWORD = "alerts@acme.example", "a password of the tests"
PATIENCE = 5.0  # seconds a "time-out" hangs and a "slow" answer drips, unless the server stops before
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# Where each fault strikes, and what is said. None: see `_strike`.
FAULTS: dict[str, tuple[str, bytes | None]] = {
    "401": ("LOGIN", b"NO [AUTHENTICATIONFAILED] Invalid credentials"),
    "403": ("SELECT", b"NO [NOPERM] not yours"),
    "429": ("SEARCH", b"BAD User is throttled. Suggested Backoff Time: 30000 milliseconds"),
    "429-bare": ("LOGIN", b"NO [LIMIT] Too many simultaneous connections"),
    "500": ("FETCH", b"NO [SERVERBUG] Internal error"),
    "503": ("greeting", b"* BYE [UNAVAILABLE] come back later\r\n"),
    "html": ("greeting", b"HTTP/1.1 400 Bad Request\r\n\r\n<html><body>no</body></html>\r\n"),
    "bye": ("FETCH", None),
    "no-folder": ("SELECT", b"NO Mailbox doesn't exist"),
    "bad": ("SEARCH", b"BAD Error in IMAP command"),
    "time-out": ("SEARCH", None),
    "reset": ("FETCH", None),
    "slow": ("SEARCH", None),
    "malformed": ("SEARCH", None),
    "huge": ("FETCH", None),
    "endless": ("FETCH", None),
}


@dataclass
class Stored:
    """One mail in the folder."""

    uid: int
    at: datetime
    raw: bytes
    flags: set[str] = field(default_factory=set)


class FakeImap:
    """One account with one folder. Thread-safe; `asked` lists every command, without what follows LOGIN."""

    def __init__(self, folder: str = "INBOX", context: ssl.SSLContext | None = None) -> None:
        self.lock = threading.RLock()
        self.asked: list[str] = []
        self.mails: list[Stored] = []
        self.folder = folder
        self.uidvalidity = 1
        self.read_only = False
        self.password = PASSWORD
        self.body_form = "literal"  # or "quoted", as short bodies may come
        self._context = context
        self._uids = itertools.count(1)
        self._faults: deque[str] = deque()
        self._stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._listening: socket.socket | None = None

    def deliver(self, raw: bytes, at: datetime) -> int:
        with self.lock:
            uid = next(self._uids)
            self.mails.append(Stored(uid, at, raw))
            return uid

    def expunge(self, uid: int) -> None:
        with self.lock:
            self.mails = [one for one in self.mails if one.uid != uid]

    def renumber(self) -> None:
        """What a server does that lost its numbers: every mail gets another UID, in the order of arrival."""
        with self.lock:
            self.uidvalidity += 1
            self._uids = itertools.count(1)
            for one in self.mails:
                one.uid = next(self._uids)

    def start(self) -> Self:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        if self._listening is not None:
            with suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
        with self.lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        assert self._listening is not None, "start() first"
        return int(self._listening.getsockname()[1])

    def fail_next(self, kind: str, times: int = 1) -> None:
        assert kind in FAULTS, f"{kind!r} is not one of {sorted(FAULTS)}"
        with self.lock:
            self._faults.extend([kind] * times)

    def mend(self) -> None:
        with self.lock:
            self._faults.clear()

    def fault_at(self, where: str) -> str | None:
        with self.lock:
            if self._faults and FAULTS[self._faults[0]][0] == where:
                return self._faults.popleft()
            return None

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self.lock:
            self._connections.add(connection)
        try:
            connection.settimeout(30)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as lines:
                _Session(self, connection).run(lines)
        except OSError:
            return
        finally:
            with self.lock:
                self._connections.discard(connection)


class _Session:
    def __init__(self, fake: FakeImap, connection: socket.socket) -> None:
        self._fake = fake
        self._connection = connection

    def run(self, lines: object) -> None:
        if kind := self._fake.fault_at("greeting"):
            said = FAULTS[kind][1]
            assert said is not None
            self._connection.sendall(said)
            return
        self._say(b"* OK ready")
        while line := lines.readline():  # type: ignore[attr-defined]
            tag, _, rest = line.decode("latin-1").strip().partition(" ")
            words = rest.split(" ")
            command = words[1].upper() if words[0].upper() == "UID" else words[0].upper()
            with self._fake.lock:
                self._fake.asked.append(command if command == "LOGIN" else rest)
            where = "SELECT" if command == "EXAMINE" else command
            if kind := self._fake.fault_at(where):
                if not self._strike(kind, tag):
                    return
                continue
            if command == "AUTHENTICATE":
                self._connection.sendall(b"+ \r\n")
                rest = base64.b64decode(lines.readline()).decode()  # type: ignore[attr-defined]
            known = command.isalpha() and getattr(self, f"_{command.casefold()}", None)
            self._say(f"{tag} {known(rest) if known else 'BAD unknown'}".encode())
            if command == "LOGOUT":
                return

    def _strike(self, kind: str, tag: str) -> bool:
        """Fail. Whether the connection goes on."""
        said = FAULTS[kind][1]
        if said is not None:
            self._say(tag.encode() + b" " + said)
            return True
        if kind == "malformed":
            self._say(b"\x00\x01 nothing that IMAP knows")
        elif kind == "huge":
            self._say(b"* 1 FETCH (UID 1 BODY[]<0> {4294967296}")
            self._fake._stopping.wait(PATIENCE)
        elif kind == "endless":
            ends = time.monotonic() + PATIENCE
            while time.monotonic() < ends:
                self._connection.sendall(b"* 1 FETCH (FLAGS (\\Recent))\r\n" * 10_000)
        elif kind == "bye":
            self._say(b"* BYE shutting down")
        elif kind == "reset":
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif kind == "time-out":
            self._fake._stopping.wait(PATIENCE)
        else:
            ends = time.monotonic() + PATIENCE
            self._connection.sendall(b"* SEARCH")
            while time.monotonic() < ends and not self._fake._stopping.wait(0.02):
                self._connection.sendall(b" 1")
        return False

    def _say(self, line: bytes) -> None:
        self._connection.sendall(line + b"\r\n")

    def _capability(self, _: str) -> str:
        self._say(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN")
        return "OK done"

    def _login(self, rest: str) -> str:
        return self._sign_in(rest == f'LOGIN {USER} "{self._fake.password}"')

    def _authenticate(self, rest: str) -> str:
        return self._sign_in(rest == f"\0{USER}\0{self._fake.password}")

    def _sign_in(self, is_right: bool) -> str:
        return "OK welcome" if is_right else "NO [AUTHENTICATIONFAILED] no"

    def _select(self, rest: str) -> str:
        if rest.partition(" ")[2] != f'"{self._fake.folder}"':
            return "NO Mailbox doesn't exist"
        with self._fake.lock:
            self._say(f"* {len(self._fake.mails)} EXISTS".encode())
            self._say(f"* OK [UIDVALIDITY {self._fake.uidvalidity}] UIDs valid".encode())
        may_write = rest.startswith("SELECT") and not self._fake.read_only
        return f"OK [{'READ-WRITE' if may_write else 'READ-ONLY'}] done"

    _examine = _select

    def _search(self, rest: str) -> str:
        found = re.fullmatch(r"UID SEARCH UID (\d+):\* SINCE (\d\d)-(\w{3})-(\d{4})", rest)
        assert found is not None, rest
        first = int(found[1])
        since = datetime(int(found[4]), MONTHS.index(found[3]) + 1, int(found[2]), tzinfo=UTC)
        with self._fake.lock:
            newest = max((one.uid for one in self._fake.mails), default=0)
            # "n:*" holds the newest mail even where n lies beyond it.
            uids = [one.uid for one in self._fake.mails if one.at >= since and one.uid >= min(first, newest)]
        self._say(b"* SEARCH" + "".join(f" {uid}" for uid in uids).encode())
        return "OK done"

    def _fetch(self, rest: str) -> str:
        found = re.fullmatch(r"UID FETCH ([\d,]+) \(UID INTERNALDATE BODY\.PEEK\[\]<0\.(\d+)>\)", rest)
        assert found is not None, rest
        wanted = set(map(int, found[1].split(",")))
        with self._fake.lock:
            mails = [(number, one) for number, one in enumerate(self._fake.mails, 1) if one.uid in wanted]
            changed = self._fake.mails[:1]
        for number, one in reversed(mails):  # in no particular order
            body = one.raw[: int(found[2])]
            at = f"{one.at.day:2}-{MONTHS[one.at.month - 1]}-{one.at:%Y %H:%M:%S} +0000"
            head = f'* {number} FETCH (UID {one.uid} INTERNALDATE "{at}" BODY[]<0> '.encode()
            if self._fake.body_form == "quoted" and not re.search(rb'[\r\n"\\]', body):
                self._connection.sendall(head + b'"' + body + b'")\r\n')
            elif number % 2:
                self._connection.sendall(head + b"{%d}\r\n" % len(body) + body + b" FLAGS ())\r\n")
            else:  # attributes may stand behind the body as well
                behind = f' INTERNALDATE "{at}" UID {one.uid})\r\n'.encode()
                self._connection.sendall(f"* {number} FETCH (BODY[]<0> {{{len(body)}}}\r\n".encode() + body + behind)
            if changed:
                self._say(rb"* 1 FETCH (FLAGS (\Answered))")  # another program marks a mail meanwhile
        return "OK done"

    def _store(self, rest: str) -> str:
        found = re.fullmatch(r"UID STORE ([\d,]+) \+FLAGS\.SILENT \(\\Seen\)", rest)
        assert found is not None, rest
        with self._fake.lock:
            for one in self._fake.mails:
                if str(one.uid) in found[1].split(","):
                    one.flags.add("\\Seen")
        return "OK done"

    def _logout(self, _: str) -> str:
        self._say(b"* BYE bye")
        return "OK done"
