"""Bluesky: every new post of the network as it is written, without an account; or the search, with an app password.

Without `identifier` the public stream is read (`bluesky_stream`): whole within seconds, deletions included, 36 hours back at most.
With it, the search of the account's server is asked (`bluesky_search`): any time back, with likes and replies, as complete as the
platform's index. Stored posts are looked up again either way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from connectors.addresses import Guard
from connectors.base import (
    Approved,
    CannotReply,
    Connector,
    Cursor,
    Known,
    Looked,
    Mention,
    Page,
    Policy,
    Posted,
    Removal,
    ReplySettings,
    SourceContext,
    Voice,
)
from connectors.bluesky_posts import PLATFORM, Terms
from connectors.bluesky_reply import BlueskyReplies, explain_writing
from connectors.bluesky_search import LOOKED_UP, SEARCHED, SITE, Asks, Names, Public, Search, Session, explain, look_up
from connectors.bluesky_socket import Stream, connect
from connectors.bluesky_stream import Jetstream, Limits, site_of
from connectors.http import Client, Explain
from connectors.secret import read_secret
from connectors.text import safe_url
from connectors.walk import Reach, Timeline, walk

HOSTS = (
    "jetstream1.us-east.bsky.network",
    "jetstream2.us-east.bsky.network",
    "jetstream1.us-west.bsky.network",
    "jetstream2.us-west.bsky.network",
)


class BlueskySettings(ReplySettings):
    """Keys of a Bluesky source."""

    terms: tuple[str, ...] = Field(default=(), description="words and phrases to look for; default: the brand's names")
    hosts: tuple[str, ...] = Field(
        default=HOSTS,
        min_length=1,
        description="instances of the stream (Jetstream); one that fails is followed by the next",
    )
    appview: str = Field(
        default="https://public.api.bsky.app", description="where posts are looked up again, and whose handle a DID is"
    )
    resolve_handles: bool = Field(
        default=True, description="ask for authors' handles and names; the stream has only their DIDs"
    )
    identifier: str | None = Field(
        default=None, description="handle of an account: read the search instead of the stream; base_url is its server"
    )
    password_env: str | None = Field(
        default=None, description="environment variable with an app password of that account"
    )
    password_file: str | None = Field(default=None, description="file with that app password")
    reply_password_env: str | None = Field(
        default=None, description="environment variable with an app password of reply_as; base_url is its server"
    )
    reply_password_file: str | None = Field(default=None, description="file with that app password")
    history: timedelta = Field(
        default=timedelta(hours=1),
        gt=timedelta(0),
        description="how far the first poll reads back; the stream: 36 hours",
    )
    lookback: timedelta | None = Field(
        default=None,
        gt=timedelta(0),
        description="overlap with the last poll; default: 10 seconds, the search 10 minutes",
    )
    page_size: int = Field(default=SEARCHED, ge=1, le=SEARCHED, description="mentions in one page at most")
    page_frames: int = Field(
        default=20_000, ge=1, le=1_000_000, description="messages of the stream in one page at most"
    )
    seconds: float = Field(default=60, gt=0, le=600, description="how long one poll reads the stream at most")
    idle: float = Field(
        default=5,
        gt=0,
        le=60,
        description="seconds of silence after which the stream is asked whether it is still there",
    )

    @field_validator("hosts")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            parts = urlsplit(_address(host))
            if parts.scheme not in ("ws", "wss") or not parts.hostname or parts.path not in ("", "/") or parts.query:
                raise ValueError(f"{site_of(host)!r} is no host of a stream; write a name such as {HOSTS[0]!r}")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        has_password = self.password_env is not None or self.password_file is not None
        if (self.identifier is not None) != has_password:
            raise ValueError("the search needs both identifier and password_env (an app password); the stream neither")
        if self.replies and not (self.reply_password_env or self.reply_password_file):
            raise ValueError("replies = true needs reply_password_env, an app password of that account")
        for name in ("base_url", "appview"):
            address = getattr(self, name)
            if address is not None and not safe_url(address):
                raise ValueError(f'{name} must be an address such as "https://bsky.social"')
        return self


class Bluesky:
    """A source, in one of its two ways."""

    def __init__(
        self,
        settings: BlueskySettings,
        context: SourceContext,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._context = context
        self._monotonic = monotonic
        self._words = settings.terms or context.terms
        self._own = tuple(one.partition(":")[2] for one in context.own_accounts if one.startswith(f"{PLATFORM}:"))
        self._appview = self._client(settings.appview, {})
        self._public = Public(self._appview)
        self._names = Names(self._public)
        self._session: Session | None = None
        self._replies = BlueskyReplies(settings, lambda headers: self._client(self._server, headers, explain_writing))
        self._stream = Jetstream(
            settings.hosts,
            Limits(
                settings.history,
                settings.lookback or timedelta(seconds=10),
                settings.page_cap,
                settings.page_size,
                settings.page_frames,
                settings.seconds,
            ),
            self._connect,
            self._sign,
            monotonic,
        )

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        if not self._words:
            return  # without a term every post of the network would be one
        if self._settings.identifier is None:
            yield from self._stream.poll(_of_way(cursor, "at"), now, self._terms(self._words, now))
            return
        settings, session = self._settings, self._log_in(self._settings.identifier)
        lists: dict[str, Timeline] = {
            f"term:{term}": Search(session, term, self._terms([term], now), settings.page_size, now)
            for term in self._words
        }
        reach = Reach(settings.history, settings.lookback or timedelta(minutes=10), settings.page_cap)
        yield from walk(lists, _of_way(cursor, "timelines"), now, reach)

    def recheck(self, posts: Sequence[Known], now: datetime) -> Looked:
        """As `Rechecking.recheck`. What an account cannot see counts as gone only if the public cannot see it either."""
        uris = [post.external_id for post in posts]
        found: dict[str, Mention | None] = {}
        terms = self._terms(self._words, now)
        asked: list[Asks] = [self._public]
        if self._settings.identifier is not None:
            # Posts of those who block the account are missing from what it sees.
            asked.insert(0, self._log_in(self._settings.identifier))
        for api in asked:
            missing = [uri for uri in uris if uri not in found]
            for start in range(0, len(missing), LOOKED_UP):
                found |= look_up(api, missing[start : start + LOOKED_UP], terms, now)
        return Looked(
            present=tuple(mention for mention in found.values() if mention is not None),
            removed=tuple(Removal(PLATFORM, uri) for uri in uris if uri not in found),
        )

    def voice(self) -> Voice | CannotReply:
        """As the account that the settings name."""
        return self._replies.voice()

    def may_reply(self, post: Mention) -> Voice | CannotReply:
        """Whom its author lets answer is known when it is tried."""
        return self._replies.may_reply(post)

    def reply(self, post: Mention, approved: Approved, now: datetime) -> Posted:
        """Publish it as a record of the account."""
        return self._replies.reply(post, approved, now)

    def find_reply(self, post: Mention, approved: Approved, now: datetime) -> Posted | None:
        """Read the record that an earlier try has written."""
        return self._replies.find_reply(post, approved, now)

    def close(self) -> None:
        self._replies.close()
        self._appview.close()
        if self._session is not None:
            self._session.close()

    @property
    def unreadable(self) -> int:
        """Messages of the stream that were passed over because they could not be read."""
        return self._stream.unreadable

    def _terms(self, words: Sequence[str], now: datetime) -> Terms:
        return Terms.of(words, self._names.own(self._own, now))

    def _log_in(self, identifier: str) -> Session:
        if self._session is None:
            password = read_secret(self._settings, "password") or ""
            self._session = Session(lambda headers: self._client(self._server, headers), identifier, password)
        return self._session

    @property
    def _server(self) -> str:
        return self._settings.base_url or "https://bsky.social"

    def _client(self, base: str, headers: Mapping[str, str], told: Explain = explain) -> Client:
        context = self._context
        return Client(
            SITE,
            base,
            context.user_agent,
            self._settings.timeout,
            headers=headers,
            explain=told,
            intranet=context.intranet,
        )

    def _connect(self, host: str, path: str, now: datetime) -> Stream:
        settings, guard = self._settings, Guard(self._context.intranet)
        url = _address(host).rstrip("/") + path
        agent = self._context.user_agent
        return connect(site_of(host), url, agent, settings.timeout, settings.idle, now, guard, self._monotonic)

    def _sign(self, mentions: Sequence[Mention], now: datetime) -> tuple[Mention, ...]:
        return self._names.sign(mentions, now) if self._settings.resolve_handles else tuple(mentions)


def _address(host: str) -> str:
    """A host as it stands in the settings, as the address of a WebSocket."""
    scheme, apart, name = host.partition("://")
    return f"{ {'http': 'ws', 'https': 'wss'}.get(scheme, scheme) }://{name}" if apart else f"wss://{host}"


def _of_way(cursor: Cursor | None, key: str) -> Cursor | None:
    """The cursor, unless the other way wrote it: then this way begins with its own history."""
    return cursor if cursor is not None and key in cursor else None


connector = Connector(
    name="bluesky",
    summary="Bluesky: all new posts as they are written, or the search with an app password",
    settings=BlueskySettings,
    open=Bluesky,
    every=timedelta(minutes=1),
    least=timedelta(seconds=20),
    credentials="none for the stream; handle and app password for the search",
    policy=Policy(
        recheck=timedelta(days=1), note="deletions are on the stream; a post that getPosts does not show is gone"
    ),
    recheck_batch=LOOKED_UP,
    replies=True,
)
