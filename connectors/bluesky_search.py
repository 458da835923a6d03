"""The API of Bluesky: a session with an app password, the search, the look-up of posts, and whose handle a DID is.

The search wants an account; it is asked through the account's own server (PDS). Posts and profiles are public at the AppView.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

from connectors.base import AccessDenied, Author, ConnectorError, Json, Malformed, Mention
from connectors.bluesky_posts import Place, Terms, author_of, mention_of_view, moment, signed
from connectors.http import Answer, Client
from connectors.walk import Batch, Post

SITE = "Bluesky"
SEARCHED = 100  # the most the search gives at once
LOOKED_UP = 25  # the most posts, and the most profiles, that are taken at once
KEPT = 10_000  # authors remembered
PAUSE = timedelta(minutes=5)  # before handles are asked for again where that failed

_TICK = timedelta(milliseconds=1)  # as fine as the search tells time
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Expired(Malformed):
    """The token of a session is over: normal, and mended by another."""


class Asks(Protocol):
    """Whoever answers questions of the API."""

    def ask(self, method: str, params: Sequence[tuple[str, str]], now: datetime) -> dict[str, Any]:
        """The answer to a query method, such as app.bsky.feed.getPosts. Raises `ConnectorError`."""
        ...


class Public:
    """The AppView, asked without an account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def ask(self, method: str, params: Sequence[tuple[str, str]], now: datetime) -> dict[str, Any]:
        return _object(self._client.json(f"/xrpc/{method}?{urlencode(params)}", now))


class Session:
    """An account, logged in at its own server. Logs in at the first question, and again when the session is over.

    `connect` makes a client of that server that sends these headers with every question.
    """

    def __init__(self, connect: Callable[[Mapping[str, str]], Client], identifier: str, password: str) -> None:
        self._connect = connect
        self._identifier = identifier
        self._password = password
        self._client: Client | None = None  # with the access token
        self._refresh = ""
        self._did = ""

    def ask(self, method: str, params: Sequence[tuple[str, str]], now: datetime) -> dict[str, Any]:
        path = f"/xrpc/{method}?{urlencode(params)}"
        client = self._client or self._log_in(now)
        try:
            return _object(client.json(path, now))
        except _Expired:
            return _object(self._renew(now).json(path, now))

    def tell(self, method: str, body: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """The answer to a procedure, which changes something. Raises `ConnectorError`."""
        path = f"/xrpc/{method}"
        client = self._client or self._log_in(now)
        try:
            return _object(client.decoded(client.post(path, now, body)))
        except _Expired:
            client = self._renew(now)
            return _object(client.decoded(client.post(path, now, body)))

    def did(self, now: datetime) -> str:
        """Whose session this is."""
        if not self._did:
            self._log_in(now)
        return self._did

    def close(self) -> None:
        """Release sockets; the next question logs in anew. Idempotent."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _log_in(self, now: datetime) -> Client:
        told = {"identifier": self._identifier, "password": self._password}
        return self._begin("createSession", {}, told, now)

    def _renew(self, now: datetime) -> Client:
        """Logging in is limited to a few hundred times a day, so an expired token is exchanged while that is possible."""
        self.close()
        try:
            return self._begin("refreshSession", _bearer(self._refresh), None, now)
        except (_Expired, AccessDenied):
            return self._log_in(now)

    def _begin(self, method: str, headers: Mapping[str, str], body: Any, now: datetime) -> Client:
        asking = self._connect(headers)
        try:
            told = _object(asking.decoded(asking.post(f"/xrpc/com.atproto.server.{method}", now, body)))
        finally:
            asking.close()
        access, refresh = told.get("accessJwt"), told.get("refreshJwt")
        if not (isinstance(access, str) and access and isinstance(refresh, str)):
            raise Malformed(f"{SITE} logged in without giving a token; check base_url")
        self._refresh = refresh
        self._did = str(told.get("did") or "")
        self._client = self._connect(_bearer(access))
        return self._client


@dataclass(frozen=True, slots=True)
class Search:
    """One term's posts, newest first. Pages are cut by time, since a numbered page moves when posts are deleted.

    A position is {"until": milliseconds, inclusive}, with the platform's own "cursor" only within one millisecond.
    """

    api: Asks
    term: str
    terms: Terms  # that term alone
    size: int
    now: datetime

    def read(self, since: datetime, position: Json) -> Batch:
        place = position if isinstance(position, dict) else {}
        until, cursor = place.get("until"), place.get("cursor")
        quoted = self.term.replace('"', " ").replace("\\", " ").strip()
        params = [("q", f'"{quoted}"'), ("sort", "latest"), ("limit", str(self.size)), ("since", _stamp(since))]
        if isinstance(until, int):
            params.append(("until", _stamp(_time(until + 1))))  # the platform's is exclusive
        if isinstance(cursor, str):
            params.append(("cursor", cursor))
        answer = self.api.ask("app.bsky.feed.searchPosts", params, self.now)
        views, onward = answer.get("posts"), answer.get("cursor")
        if not isinstance(views, list):
            raise Malformed(f"{SITE} answered the search without a list of posts; its API may have changed")
        read = [(view, at) for view in views if isinstance(view, dict) and (at := _sorted_at(view)) is not None]
        posts: list[Post] = []
        # One post out of order must not look like the end of what is new.
        newest_below = datetime.min.replace(tzinfo=UTC)
        for view, at in reversed(read):
            newest_below = max(newest_below, at)
            posts.append(Post(newest_below, self._mention(view)))
        return Batch(tuple(reversed(posts)), _onward(until, onward, [_millis(post.at) for post in posts]))

    def _mention(self, view: Mapping[str, Any]) -> Mention | None:
        record = view.get("record")
        if not isinstance(record, dict) or not self.terms.wants(record):  # the search also finds other forms of a word
            return None
        return mention_of_view(view, self.terms)


class Names:
    """Whose handle a DID is. Asked in one go for a page, and remembered; a failure costs the handle, never the post."""

    def __init__(self, api: Asks) -> None:
        self._api = api
        self._known: dict[str, Author] = {}
        self._nobody: set[str] = set()  # handles that stand for no account
        self._not_before: datetime | None = None

    def sign(self, mentions: Sequence[Mention], now: datetime) -> tuple[Mention, ...]:
        """The mentions with their authors' handles and names, as far as they can be had."""
        unknown = [*dict.fromkeys(one.author.id for one in mentions if one.author.id not in self._known)]
        if self._not_before is None or now >= self._not_before:
            self._not_before = None
            try:
                for start in range(0, len(unknown), LOOKED_UP):
                    self._ask(unknown[start : start + LOOKED_UP], now)
            except ConnectorError:
                self._not_before = now + PAUSE
        found = []
        for one in mentions:
            place = Place.at(one.external_id)
            found.append(signed(one, self._known.get(one.author.id), place) if place else one)
        return tuple(found)

    def own(self, accounts: Sequence[str], now: datetime) -> frozenset[str]:
        """DIDs of accounts that are given as DIDs or handles; a handle that cannot be asked for is left out for now."""
        handles = {one.casefold() for one in accounts if not one.startswith("did:")}
        known = {author.handle.casefold(): did for did, author in self._known.items()} if handles else {}
        unknown = sorted(handles - known.keys() - self._nobody)
        if unknown and (self._not_before is None or now >= self._not_before):
            try:
                self._ask(unknown[:LOOKED_UP], now)
            except ConnectorError:
                self._not_before = now + PAUSE
            else:
                known = {author.handle.casefold(): did for did, author in self._known.items()}
                self._nobody |= set(unknown) - known.keys()
        dids = {one for one in accounts if one.startswith("did:")}
        return frozenset(dids | {known[handle] for handle in handles if handle in known})

    def _ask(self, dids: Sequence[str], now: datetime) -> None:
        profiles = self._api.ask("app.bsky.actor.getProfiles", [("actors", did) for did in dids], now).get("profiles")
        for profile in profiles if isinstance(profiles, list) else []:
            if (author := author_of(profile)) is not None:
                self._known[author.id] = author
        for did in [*self._known][:-KEPT]:
            del self._known[did]


def look_up(api: Asks, uris: Sequence[str], terms: Terms, now: datetime) -> dict[str, Mention | None]:
    """Which of these posts can be seen, by address, as they read now; None for one that is there but cannot be read."""
    views = api.ask("app.bsky.feed.getPosts", [("uris", uri) for uri in uris], now).get("posts")
    if not isinstance(views, list):
        raise Malformed(f"{SITE} answered without a list of posts; its API may have changed")
    return {
        str(view.get("uri")): mention_of_view(view, terms)
        for view in views
        if isinstance(view, dict) and view.get("uri") in uris
    }


def explain(answer: Answer, now: datetime) -> ConnectorError | None:
    """What the API says in its own words with an answer that is no success (an XRPC error: `error` and `message`)."""
    try:
        told = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None
    name = told.get("error") if isinstance(told, dict) else None
    if name in ("ExpiredToken", "InvalidToken") and answer.status in (400, 401):
        return _Expired(f"the session with {SITE} is over and could not be renewed; it is tried again later")
    if name == "AuthFactorTokenRequired":
        return AccessDenied(f"{SITE} wants a second factor with this password; use an app password")
    if name == "AuthenticationRequired":
        return AccessDenied(f"{SITE} refuses identifier or app password; check both, or make a new app password")
    return None


def _onward(until: object, cursor: object, times: Sequence[int]) -> Json:
    """Where older posts follow. Pages may be short or empty: the platform leaves posts out after counting them."""
    if not isinstance(cursor, str):
        return None
    oldest = min(times, default=None)
    if oldest is not None and (not isinstance(until, int) or oldest < until):
        return {"until": oldest}
    return {"until": until, "cursor": cursor} if isinstance(until, int) else {"cursor": cursor}


def _sorted_at(view: Mapping[str, Any]) -> datetime | None:
    """The platform's `sortAt`: what the author claims, but never after the post was seen."""
    indexed, record = moment(view.get("indexedAt")), view.get("record")
    claimed = moment(record.get("createdAt")) if isinstance(record, dict) else None
    if indexed is None or claimed is None:
        return indexed or claimed
    return min(indexed, claimed)


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise Malformed(f"{SITE} answered with something else than an object; its API may have changed")
    return answer


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _millis(at: datetime) -> int:
    return (at - _EPOCH) // _TICK


def _time(millis: int) -> datetime:
    return _EPOCH + millis * _TICK


def _stamp(at: datetime) -> str:
    """As the lexicon's datetime, rounded down to milliseconds."""
    return _time(_millis(at)).strftime("%Y-%m-%dT%H:%M:%S.") + f"{_millis(at) % 1000:03d}Z"
