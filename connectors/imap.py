"""Read one folder of a mailbox over IMAP, with every way it can fail mapped to the errors of `connectors.base`.

On imaplib, with what it lacks: a deadline for each whole answer, limits on lines, literals and answers, folder names that
are not ASCII, and errors that say what to do. Servers' own words never reach a message, only their response code (RFC 5530).
"""

from __future__ import annotations

import contextlib
import imaplib
import io
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.base import AccessDenied, ConnectorError, Gone, Malformed, RateLimited, Unavailable
from connectors.deadline import TimedReader

LINE_LIMIT = 8 * 1024 * 1024  # bytes; a search that finds a million mails is one line
OVERHEAD = 64 * 1024  # bytes of an answer beside the mails in it
LONGEST_WAIT = timedelta(days=1)

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CODE = re.compile(r"\[([A-Z][A-Z-]{2,30})\b")
_BACKOFF = re.compile(r"backoff time:? (\d{1,9}) milliseconds", re.IGNORECASE)  # Exchange Online
_SLOW_DOWN = re.compile(r"throttl|bandwidth|too many|rate limit", re.IGNORECASE)  # Gmail, Exchange: in words only
_LATER = frozenset({"UNAVAILABLE", "SERVERBUG", "INUSE", "CONTACTADMIN", "EXPUNGEISSUED"})
_UID = re.compile(rb"\bUID (\d{1,10})\b")
_RECEIVED = re.compile(rb'\bINTERNALDATE "([^"]{1,60})"')
_QUOTED_BODY = re.compile(rb'BODY\[\](?:<0>)? "((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Raw:
    """One mail as the server gave it: at most as many bytes as were asked for."""

    uid: int
    received_at: datetime | None
    content: bytes


class Mailbox:
    """One connection. `timeout` is in seconds, for each whole answer. Connects at once; raises `ConnectorError` only."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, timeout: float, now: datetime) -> None:
        self.host = host
        self._now = now
        with self._told("connecting"):
            self._client = _Client(host, port, context, timeout)

    def login(self, user: str, password: str) -> None:
        with self._told("signing in", AccessDenied):
            self._client.begin()
            if user.isascii() and password.isascii():
                self._client.login(user if re.fullmatch(r"[\w.@+-]+", user) else quoted(user), password)
            else:
                self._client.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())

    def select(self, folder: str, *, read_only: bool) -> int:
        """Open a folder. Returns its UIDVALIDITY: while that stays, a UID means the same mail."""
        with self._told(f"opening the folder {folder}", Gone):
            self._client.begin()
            answer = self._client.select(quoted(utf7(folder)), readonly=read_only)
            self._check(answer, f"opening the folder {folder}", Gone)
        _, found = self._client.response("UIDVALIDITY")
        value = found[-1] if found else None
        return int(value) if isinstance(value, bytes) and value.isdigit() else 0

    def search(self, first: int, since: date) -> list[int]:
        """UIDs from `first` on of mails that arrived at `since` or later, in order."""
        day = f"{since.day:02}-{_MONTHS[since.month - 1]}-{since.year}"
        answer = self._ask("searching", 0, "SEARCH", "UID", f"{first}:*", "SINCE", day)
        words = b" ".join(line for line in answer if isinstance(line, bytes)).split()
        if not all(word.isdigit() and len(word) <= 10 for word in words):
            raise Malformed(f"{self.host} answered a search with something else than numbers")
        # "n:*" always holds the newest mail, even where that is older than n (RFC 9051, 9: seq-range).
        return sorted({number for word in words if (number := int(word)) >= first})

    def fetch(self, uids: Sequence[int], size: int) -> list[Raw]:
        """Those of the mails that are still there, by UID, each cut at `size` bytes. Marks nothing."""
        wanted = ",".join(map(str, uids))
        parts = f"(UID INTERNALDATE BODY.PEEK[]<0.{size}>)"
        answer = self._ask("reading mails", len(uids) * (size + 1_000), "FETCH", wanted, parts)
        found = {one.uid: one for one in _mails(answer) if one.uid in set(uids)}
        return [found[uid] for uid in sorted(found)]

    def mark_seen(self, uids: Sequence[int]) -> None:
        self._ask("marking mails", 0, "STORE", ",".join(map(str, uids)), "+FLAGS.SILENT", r"(\Seen)")

    def close(self) -> None:
        """Take leave, without waiting for long. Raises nothing."""
        self._client.begin(seconds=1.0)
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            self._client.logout()
        self._client.shutdown()

    def _ask(self, doing: str, size: int, command: str, *arguments: str) -> list[Any]:
        with self._told(doing, Malformed):
            self._client.begin(size)
            answer = self._client.uid(command, *arguments)
            self._check(answer, doing, Malformed)
        return [line for line in answer[1] if line is not None]

    def _check(self, answer: tuple[str, list[Any]], doing: str, else_: type[ConnectorError]) -> None:
        status, said = answer
        if status != "OK":
            raise self._refusal(str(said[-1] if said else ""), doing, else_)

    @contextmanager
    def _told(self, doing: str, else_: type[ConnectorError] = Unavailable) -> Iterator[None]:
        """What a refusal means where its code does not say it is `else_`."""
        try:
            yield
        except TimeoutError:
            raise Unavailable(f"{self.host} took too long while {doing}; trying again later") from None
        except ssl.SSLCertVerificationError as error:
            what = f"{self.host} shows a certificate that cannot be verified ({error.verify_message})"
            raise Unavailable(f"{what}; check `host`, or set `certificates` for one of your own") from None
        except ssl.SSLError:
            raise Unavailable(f"{self.host} does not speak TLS on this port; IMAP over TLS is mostly on 993") from None
        except (socket.gaierror, UnicodeError):
            raise Unavailable(f"{self.host} is not known to the name service; check `host` and the network") from None
        except OSError as error:
            raise Unavailable(f"{self.host} broke off while {doing} ({type(error).__name__})") from None
        except imaplib.IMAP4.readonly:
            raise AccessDenied(f"{self.host} opens this folder for reading only; take `mark_seen` away") from None
        except imaplib.IMAP4.abort as error:
            said = str(error)
            if doing != "connecting" and ("unexpected response" in said or "unexpected tagged" in said):
                raise Malformed(f"{self.host} answered something that is not IMAP while {doing}") from None
            raise self._refusal(said, doing, Unavailable) from None
        except imaplib.IMAP4.error as error:
            raise self._refusal(str(error), doing, else_) from None

    def _refusal(self, said: str, doing: str, else_: type[ConnectorError]) -> ConnectorError:
        code = found[1] if (found := _CODE.search(said)) else ""
        told = f" ({code})" if code else ""
        if backoff := _BACKOFF.search(said):
            wait = min(timedelta(milliseconds=int(backoff[1])), LONGEST_WAIT)
            return RateLimited(f"{self.host} asks to wait {wait.total_seconds():.0f} seconds", self._now + wait)
        if code in ("LIMIT", "OVERQUOTA") or _SLOW_DOWN.search(said):
            return RateLimited(f"{self.host} asks for fewer requests or connections{told}; trying again later")
        if code in _LATER or else_ is Unavailable:
            return Unavailable(f"{self.host} cannot answer now{told}, while {doing}")
        if code in ("AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "NOPERM", "PRIVACYREQUIRED"):
            else_ = AccessDenied
        advice = {
            AccessDenied: "check `user`, the password (many services want an app password) and the mailbox's rights",
            Gone: "check `folder`: names are case-sensitive, and below another are written A/B or A.B",
            Malformed: "it does not know the command as it was put",
        }
        return else_(f"{self.host} refused{told} {doing}; {advice.get(else_, 'try again later')}")


class _Client(imaplib.IMAP4):
    """imaplib with a deadline for what it reads, and a limit."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, timeout: float) -> None:
        self._context = context
        self._seconds = timeout
        self._may_read = OVERHEAD
        super().__init__(host, port, timeout)

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        self.host, self.port = host, port
        plain = socket.create_connection((host, port), timeout)
        try:
            self.sock = self._context.wrap_socket(plain, server_hostname=host) if self._context else plain
        except BaseException:
            plain.close()
            raise
        self._timed = TimedReader(self.sock)
        self._reader = io.BufferedReader(self._timed)
        self.begin()

    def begin(self, size: int = 0, seconds: float | None = None) -> None:
        """A question begins, whose answer may have so many bytes beside lines."""
        self._timed.give(self._seconds if seconds is None else seconds)
        self._may_read = size + LINE_LIMIT + OVERHEAD
        with contextlib.suppress(OSError):  # closed already: the next use tells it
            self.sock.settimeout(self._seconds)

    def read(self, size: int) -> bytes:
        self._spend(size)
        return self._reader.read(size)

    def readline(self) -> bytes:
        line = self._reader.readline(min(LINE_LIMIT, self._may_read) + 1)
        self._spend(len(line))
        return line

    def _spend(self, size: int) -> None:
        self._may_read -= size
        if self._may_read < 0:
            raise self.abort("unexpected response: more than was asked for")

    def shutdown(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self._reader.close()
        self.sock.close()


def _mails(answer: Sequence[Any]) -> Iterator[Raw]:
    """imaplib gives a literal as a pair (what stood before it, the bytes), and what follows it as another line.

    Lines without a body are changes of flags, which a server may tell at any time.
    """
    before, content, behind = b"", None, b""
    for line in [*answer, (b"", b"")]:
        if isinstance(line, tuple):
            if content is not None and (mail := _mail(before + b" " + behind, content)):
                yield mail
            before, content, behind = line[0], line[1], b""
        elif isinstance(line, bytes):
            short = _QUOTED_BODY.search(line)
            if short and (mail := _mail(line[: short.start()] + line[short.end() :], _unquoted(short[1]))):
                yield mail
            else:
                behind += line


def _mail(around: bytes, content: bytes) -> Raw | None:
    uid = _UID.search(around)
    if uid is None:
        return None
    received = _RECEIVED.search(around)
    return Raw(int(uid[1]), _moment(received[1]) if received else None, content)


def _moment(said: bytes) -> datetime | None:
    """INTERNALDATE: " 2-Nov-2026 09:00:00 +0000"."""
    try:
        found = parsedate_to_datetime(said.decode("ascii", "replace").strip().replace("-", " ", 2))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _unquoted(text: bytes) -> bytes:
    return re.sub(rb"\\(.)", rb"\1", text)


def quoted(text: str) -> str:
    """A quoted string (RFC 9051, 4.3)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def utf7(name: str) -> str:
    """A folder's name as IMAP4rev1 writes it (RFC 3501, 5.1.3): "Boîte" is "Bo&AO4-te"."""
    parts = re.split(r"([^\x20-\x7e]+)", name)
    for number, part in enumerate(parts):
        if number % 2:
            code = b64encode(part.encode("utf-16-be", "replace")).decode().rstrip("=").replace("/", ",")
            parts[number] = f"&{code}-"
        else:
            parts[number] = part.replace("&", "&-")
    return "".join(parts)
