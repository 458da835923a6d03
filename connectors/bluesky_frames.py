"""Messages of Jetstream, opened one by one, and the page that they become.

A message is one JSON object; shapes: github.com/bluesky-social/jetstream, docs/README.md §5.1.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import Cursor, Gap, Mention, Removal
from connectors.bluesky_posts import COLLECTION, PLATFORM, Place, Terms, mention_of

OTHER_HOST = timedelta(minutes=2)  # instances see a post at different moments; going on at another one goes back so far
SEEN_LIMIT = 3_000  # mentions remembered

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FINAL = frozenset({"deleted", "takendown"})  # a suspended or deactivated account may come back; the re-check sees it


@dataclass(frozen=True, slots=True)
class Frame:
    """One message, opened: `kind` is "create", "update", "delete", "account" or "" for what does not concern us."""

    at: int  # time_us
    kind: str
    did: str
    place: Place | None = None
    record: Mapping[str, Any] = field(default_factory=dict)


def open_frame(message: bytes | None) -> Frame | None:
    """None where the message cannot be read."""
    try:
        told = json.loads(message) if message is not None else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or type(at := told.get("time_us")) is not int or not 0 < at < 1 << 53:
        return None
    did, kind = told.get("did"), told.get("kind")
    if not isinstance(did, str):
        return None
    if kind == "account":
        account = told.get("account")
        if not isinstance(account, dict):
            return None
        gone = account.get("active") is False and account.get("status") in _FINAL
        return Frame(at, "account" if gone else "", did)
    commit = told.get("commit")
    if kind != "commit":
        return Frame(at, "", did)
    if not isinstance(commit, dict):
        return None
    if commit.get("collection") != COLLECTION:
        return Frame(at, "", did)
    operation, record = commit.get("operation"), commit.get("record", {})
    place = Place.of(did, commit.get("rkey"))
    if place is None or operation not in ("create", "update", "delete") or not isinstance(record, dict):
        return None
    if operation != "delete" and not record:
        return None
    return Frame(at, operation, did, place, record)


@dataclass(slots=True)
class State:
    """The cursor, opened for one poll: for each host, up to where everything was read, by that host's clock."""

    start: int  # where the first poll began
    at: dict[str, int]
    seen: dict[str, int]  # key of a mention -> its time_us
    lost: list[Gap] = field(default_factory=list)

    @classmethod
    def load(cls, cursor: Cursor | None, now: datetime, history: timedelta) -> State:
        if cursor is None:
            return cls(micros(now - history), {}, {})
        return cls(cursor["start"], dict(cursor["at"]), dict(cursor["seen"]))

    @property
    def newest(self) -> int:
        """By whichever clock."""
        return max(self.at.values(), default=self.start)

    def begin(self, host: str, lookback: timedelta) -> int:
        """Where to read on: a little before this host's own mark, or well before another host's, whichever is later."""
        if not self.at:
            return self.start - span_of(lookback)
        others = self.newest - span_of(OTHER_HOST)
        return max(self.at[host] - span_of(lookback), others) if host in self.at else others

    def due(self, host: str, lookback: timedelta) -> int:
        """By when a first message must come, since one that was read there, or elsewhere, comes again."""
        return self.at[host] + span_of(lookback) if host in self.at else self.newest + span_of(OTHER_HOST)

    def read(self, host: str, at: int) -> None:
        """A mark only rises. It is the host's own: what stands before another host's mark may still come from this one."""
        self.at[host] = max(self.at.get(host, 0), at)

    def dump(self, lookback: timedelta) -> dict[str, Any]:
        """Forgets marks that decide nothing any more, and mentions that do not come again."""
        apart = span_of(OTHER_HOST)
        self.at = {host: at for host, at in self.at.items() if at >= self.newest - apart}
        keep_from = self.newest - 2 * apart - span_of(lookback)
        kept = sorted(((at, key) for key, at in self.seen.items() if at >= keep_from), reverse=True)[:SEEN_LIMIT]
        self.seen = {key: at for at, key in kept}
        return {"start": self.start, "at": dict(self.at), "seen": dict(self.seen)}


class Draft:
    """A page in the making. What is deleted before it is stored never becomes a mention."""

    def __init__(self, state: State, terms: Terms) -> None:
        self._state = state
        self._terms = terms
        self.mentions: dict[str, Mention] = {}
        self.edited: dict[str, Mention] = {}
        self.ours: set[str] = set()  # of the edited ones, those that count as mentions
        self.removed: dict[Removal, None] = {}
        self.scanned = 0

    def take(self, frame: Frame, at: int) -> None:
        """`at` is when the frame came, by a clock that can be right."""
        if frame.kind == "account":
            for kept in (self.mentions, self.edited):
                for uri in [uri for uri, mention in kept.items() if mention.author.id == frame.did]:
                    del kept[uri]
            self.removed[Removal(PLATFORM, author_id=frame.did)] = None
        elif frame.place is not None and frame.kind == "delete":
            self._remove(frame.place.uri)
        elif frame.place is not None and (frame.kind == "update" or self._terms.wants(frame.record)):
            self._write(frame, frame.place, at)

    def _write(self, frame: Frame, place: Place, at: int) -> None:
        uri = place.uri
        mention = mention_of(place, frame.record, moment(at), self._terms)
        if mention is None:
            if frame.kind == "update":
                self._remove(uri)  # nothing is left to read of it
            return
        wanted = frame.kind == "create" or self._terms.wants(frame.record)
        if frame.kind == "update":
            self.edited[uri] = mention
        key = _key(uri)
        if not wanted:
            self.mentions.pop(uri, None)
            self.ours.discard(uri)
            return
        self.ours.add(uri)
        if uri in self.mentions or key not in self._state.seen:
            self.mentions[uri] = mention
            self._state.seen[key] = at

    def _remove(self, uri: str) -> None:
        self.mentions.pop(uri, None)
        self.edited.pop(uri, None)
        self._state.seen.pop(_key(uri), None)
        self.removed[Removal(PLATFORM, uri)] = None


def _key(uri: str) -> str:
    """A short stand-in for an address: the cursor is stored with every page."""
    return hashlib.blake2b(uri.encode(), digest_size=8).hexdigest()


def micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def moment(micros: int) -> datetime:
    return _EPOCH + micros * _MICROSECOND


def span_of(span: timedelta) -> int:
    return span // _MICROSECOND
