"""Answering on Bluesky: a record in the repository of an account, written with an app password of its own.

The record's key is made of the approval (a TID: atproto.com/specs/tid), and `putRecord` writes it: the same reply sent twice
is the same record, and what an earlier try has written is read by its key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import (
    AccessDenied,
    Approved,
    CannotReply,
    ConnectorError,
    Malformed,
    Mention,
    Posted,
    Refused,
    ReplySettings,
    Voice,
)
from connectors.bluesky_posts import COLLECTION, Place
from connectors.bluesky_search import SITE, Session, explain
from connectors.http import Answer, Client
from connectors.lengths import LINKS, on_bluesky
from connectors.secret import read_secret

LONGEST = 300  # graphemes

_TID = "234567abcdefghijklmnopqrstuvwxyz"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRAILING = ".,;:!?)]}»”'\""  # of a sentence, not of the link at its end


class _NoRecord(Refused):
    """There is no record under this key."""


class BlueskyReplies:
    """The half of a Bluesky source that writes. `connect` makes a client of the account's server that sends these headers."""

    def __init__(self, settings: ReplySettings, connect: Callable[[Mapping[str, str]], Client]) -> None:
        self._settings = settings
        self._connect = connect
        self._session: Session | None = None

    def voice(self) -> Voice | CannotReply:
        settings = self._settings
        if not settings.replies or settings.reply_as is None:
            return CannotReply("off", "set replies = true, reply_as and reply_password_env (an app password)")
        return Voice(settings.reply_as, LONGEST, on_bluesky)

    def may_reply(self, post: Mention) -> Voice | CannotReply:
        voice = self.voice()
        if isinstance(voice, Voice) and Place.at(post.external_id) is None:
            return CannotReply("place", "its address is not known well enough to answer it from here; answer there")
        return voice

    def reply(self, post: Mention, approved: Approved, now: datetime) -> Posted:
        session = self._log_in()
        record: dict[str, Any] = {
            "$type": COLLECTION,
            "text": approved.text,
            "createdAt": _stamp(approved.at),
            "reply": _reference(session, post, now),
        }
        if facets := links(approved.text):
            record["facets"] = facets
        place = self._place(session, approved, now)
        body = {"repo": place.did, "collection": COLLECTION, "rkey": place.key, "record": record}
        told = session.tell("com.atproto.repo.putRecord", body, now)
        if told.get("uri") != place.uri:
            raise Malformed(f"{SITE} took the reply without saying where it stands")
        return self._posted(place)

    def find_reply(self, post: Mention, approved: Approved, now: datetime) -> Posted | None:
        session = self._log_in()
        place = self._place(session, approved, now)
        asked = [("repo", place.did), ("collection", COLLECTION), ("rkey", place.key)]
        try:
            session.ask("com.atproto.repo.getRecord", asked, now)
        except _NoRecord:
            return None
        return self._posted(place)

    def close(self) -> None:
        """Release sockets. Idempotent."""
        if self._session is not None:
            self._session.close()

    def _log_in(self) -> Session:
        if self._session is None:
            password = read_secret(self._settings, "reply_password")
            if not (self._settings.replies and self._settings.reply_as and password):
                raise AccessDenied("replies are off for this source; nothing is published without replies = true")
            self._session = Session(self._connect, self._settings.reply_as, password)
        return self._session

    def _place(self, session: Session, approved: Approved, now: datetime) -> Place:
        place = Place.of(session.did(now), key_of(approved))
        if place is None:
            raise Malformed(f"{SITE} logged in without saying whose account this is")
        return place

    def _posted(self, place: Place) -> Posted:
        return Posted(place.uri, place.url(self._settings.reply_as or ""))


def key_of(approved: Approved) -> str:
    """A TID of the moment of the approval; its lowest bits tell two approvals of one microsecond apart."""
    micros = (approved.at - _EPOCH) // timedelta(microseconds=1)
    number = micros << 10 | int.from_bytes(hashlib.sha256(approved.key.encode()).digest()[:2], "big") % 1024
    letters = ""
    for _ in range(13):
        number, last = divmod(number, 32)
        letters = _TID[last] + letters
    return letters


def links(text: str) -> list[dict[str, Any]]:
    """Links as facets, without which they are plain words (app.bsky.richtext.facet; places count in bytes)."""
    found = []
    for match in LINKS.finditer(text):
        address = match[0].rstrip(_TRAILING)
        start = len(text[: match.start()].encode())
        found.append(
            {
                "index": {"byteStart": start, "byteEnd": start + len(address.encode())},
                "features": [{"$type": "app.bsky.richtext.facet#link", "uri": address}],
            }
        )
    return found


def explain_writing(answer: Answer, now: datetime) -> ConnectorError | None:
    """What the account's server says with a refusal."""
    name = _name(answer)
    if name == "RecordNotFound":
        return _NoRecord("there is no such record")
    if name in ("AuthenticationRequired", "AuthFactorTokenRequired"):
        return AccessDenied(f"{SITE} refuses reply_as or reply_password; check both, or make a new app password")
    if name in ("AccountTakedown", "AccountDeactivated", "AccountSuspended"):
        return AccessDenied(f"{SITE} does not let this account write; log in there and see why")
    if (told := explain(answer, now)) is not None:
        return told
    if answer.status in (400, 403):
        return Refused(f"{SITE} refuses this reply ({answer.status}); nothing was published. Answer there")
    return None


def _reference(session: Session, post: Mention, now: datetime) -> dict[str, Any]:
    """Post and thread as a reply names them. Raises `Refused` where the post cannot be answered."""
    views = session.ask("app.bsky.feed.getPosts", [("uris", post.external_id)], now).get("posts")
    view = next((one for one in views if isinstance(one, dict)), None) if isinstance(views, list) else None
    if view is None:
        raise Refused("the account cannot see this post: it was deleted, or its author blocks the account")
    viewer, record = view.get("viewer"), view.get("record")
    if isinstance(viewer, dict) and viewer.get("replyDisabled"):
        raise Refused("its author lets only some people answer, and this account is not among them")
    parent = {"uri": post.external_id, "cid": view.get("cid")}
    above = record.get("reply") if isinstance(record, dict) else None
    root = above.get("root") if isinstance(above, dict) else None
    return {"root": root if isinstance(root, dict) and "cid" in root else parent, "parent": parent}


def _name(answer: Answer) -> str:
    try:
        told = json.loads(answer.content)
    except (ValueError, RecursionError):
        return ""
    return str(told.get("error")) if isinstance(told, dict) else ""


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
