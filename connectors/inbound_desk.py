"""What a request is answered: who sent it, how often, what is in it, and on disk it goes.

`X-Listener-Signature: t=<unix seconds>,v1=<hex>` is the HMAC-SHA256 of "<t>.<body>", the form in which listener signs its
own webhooks. It is refused when `t` is more than WINDOW away, and taken once. Senders that cannot sign give a
bearer token instead. 200 is answered only for posts that are on disk.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import TypeAdapter

from connectors.base import ConnectorError, Mention, Removal
from connectors.inbound_posts import BadPosts, Flaw, read_posts
from connectors.inbound_server import Reply
from connectors.row import Defaults
from connectors.spool import Given, Repeated, Spool

SIGNATURE = "x-listener-signature"
WINDOW = timedelta(minutes=5)
SIGNATURES = 4  # in one header: a sender that changes its key may sign with both

as_json = TypeAdapter(Mention)
removal_as_json = TypeAdapter(Removal)


def _given(one: Mention | Removal) -> Given:
    name = json.dumps([one.platform, one.external_id])
    if isinstance(one, Removal):
        return Given(name, "", removal_as_json.dump_json(one), is_removal=True)
    # When a post was published is no part of it: without a time it is when it arrived, each time another.
    content = as_json.dump_json(one, exclude={"published_at"}).decode()
    return Given(name, content, as_json.dump_json(one))


class Denied(Exception):
    """Who sent this cannot be told; the flaw says why."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.what)
        self.flaw = flaw


class Gate(Protocol):
    """How senders prove themselves."""

    def before(self, headers: Mapping[str, str]) -> None:
        """What headers alone can show. Raises `Denied`."""
        ...

    def signature(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
        """What this request is known by, so that it is taken once; None where it has nothing of the kind. Raises `Denied`."""
        ...


@dataclass(frozen=True, slots=True)
class Signed:
    """Requests carry a signature made with `key`."""

    key: str

    def before(self, headers: Mapping[str, str]) -> None:
        if SIGNATURE not in headers:
            raise Denied(Flaw("X-Listener-Signature", "this header is missing", "t=<unix seconds>,v1=<hex>"))

    def signature(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
        pairs = [part.strip().partition("=") for part in headers[SIGNATURE].split(",")[: SIGNATURES + 1]]
        times = [value for name, _, value in pairs if name == "t"]
        given = [value.casefold() for name, _, value in pairs if name == "v1"]
        if len(times) != 1 or not given or not (times[0].isascii() and times[0].isdigit() and len(times[0]) <= 12):
            raise Denied(Flaw("X-Listener-Signature", "this cannot be read", "t=<unix seconds>,v1=<hex>"))
        if abs(now.timestamp() - int(times[0])) > WINDOW.total_seconds():
            allowed = f"a time within {WINDOW.total_seconds():g} seconds of ours; is your clock right?"
            raise Denied(Flaw("X-Listener-Signature", "its time is too far from now", allowed))
        right = hmac.new(self.key.encode(), times[0].encode() + b"." + body, hashlib.sha256).hexdigest()
        if not any(hmac.compare_digest(right.encode(), one.encode()) for one in given):
            allowed = 'HMAC-SHA256 of "<t>.<body>" with the key that we share'
            raise Denied(Flaw("X-Listener-Signature", "it does not belong to this body", allowed))
        return right


@dataclass(frozen=True, slots=True)
class Bearer:
    """Requests carry a token. Whoever reads one request can send others."""

    token: str

    def before(self, headers: Mapping[str, str]) -> None:
        kind, _, given = headers.get("authorization", "").partition(" ")
        is_right = hmac.compare_digest(given.strip().encode(errors="replace"), self.token.encode())
        if kind.casefold() != "bearer" or not is_right:
            raise Denied(Flaw("Authorization", "this is missing or wrong", "Bearer <the token that we share>"))

    def signature(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
        return None


class Pace:
    """At most so many requests within any second and any minute. Thread-safe."""

    def __init__(self, per_second: int, per_minute: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limits = ((1.0, per_second), (60.0, per_minute))
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._taken: deque[float] = deque(maxlen=max(per_second, per_minute))

    def wait(self) -> float | None:
        """None where one more may come, and is counted; else the seconds until then."""
        with self._lock:
            now = self._monotonic()
            waits = [
                self._taken[-limit] + span - now
                for span, limit in self._limits
                if len(self._taken) >= limit and self._taken[-limit] + span > now
            ]
            if waits:
                return max(waits)
            self._taken.append(now)
            return None


class Counted:
    """How many requests were answered how, and how many posts were stored, since they were last asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, **counts: int) -> None:
        with self._lock:
            self._counts.update(counts)

    def taken(self) -> dict[str, int]:
        with self._lock:
            counts, self._counts = self._counts, Counter()
            return {name: count for name, count in counts.items() if count}


@dataclass(frozen=True, slots=True)
class PostDesk:
    """Takes posts for one source."""

    gate: Gate
    pace: Pace
    spool: Spool
    mapping: Mapping[str, str]
    defaults: Callable[[datetime], Defaults]
    clock: Callable[[], datetime]
    counted: Counted

    def refuse(self, headers: Mapping[str, str]) -> Reply | None:
        """See `Desk`."""
        try:
            self.gate.before(headers)
        except Denied as denied:
            return self._denied(denied)
        return None

    def take(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """See `Desk`. Raises nothing."""
        now = self.clock()
        try:
            signature = self.gate.signature(headers, body, now)
            if (wait := self.pace.wait()) is not None:
                self.counted.add(slowed=1)
                allowed = "wait as Retry-After says, or send lists"
                flaw = Flaw("request", "too many requests", allowed)
                return Reply.refusing(429, flaw, Retry_After=str(math.ceil(wait)))
            found = read_posts(body, headers.get("content-type", ""), self.mapping, self.defaults(now))
            posts = [_given(one) for one in found]
            # A signature from the future is forgotten only when it is too old as well.
            new, known = self.spool.add(posts, signature, now.timestamp(), (now - 2 * WINDOW).timestamp())
        except Denied as denied:
            return self._denied(denied)
        except BadPosts as bad:
            self.counted.add(refused=1)
            return Reply.refusing(bad.status, *bad.flaws)
        except Repeated:
            self.counted.add(repeated=1)
            what = "this very request was taken before, and its posts are safe"
            return Reply.refusing(409, Flaw("X-Listener-Signature", what, "nothing to do; sign anew to send it again"))
        except ConnectorError as error:
            self.counted.add(failed=1)
            return Reply.refusing(503, Flaw("spool", str(error), "send it again later"), Retry_After="30")
        self.counted.add(requests=1, posts=new, known=known)
        return Reply(200, {"stored": new, "known": known, "ids": [one.external_id for one in found]})

    def _denied(self, denied: Denied) -> Reply:
        self.counted.add(denied=1)
        return Reply.refusing(401, denied.flaw, WWW_Authenticate="Listener-Signature, Bearer")
