"""Mastodon: the hashtag timelines of one instance; with a token also its status search.

Instances decide who may read: `/api/v2/instance` is asked first, because a closed timeline may answer with an empty
list. Ids are an instance's own, so a mention is known by its `uri`. Whoever opted out of search (`noindex`) is left out.
Other servers with the same API (Pleroma, Akkoma, GoToSocial) work where they offer it. Stored posts are looked up again
where they were written: that server knows of a deletion even where the instance was never told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import quote, urlsplit

from pydantic import Field, field_validator, model_validator

from connectors.base import (
    AccessDenied,
    Approved,
    CannotReply,
    Connector,
    Cursor,
    Json,
    Known,
    Looked,
    Malformed,
    Mention,
    Page,
    Policy,
    Posted,
    ReplySettings,
    SourceContext,
    Voice,
)
from connectors.http import Client, Explain
from connectors.lookup import Homes
from connectors.mastodon_lookup import BATCH, look_up
from connectors.mastodon_posts import mention_of, time_of
from connectors.mastodon_reply import RIGHTS, MastodonReplies, explain_writing
from connectors.secret import read_secret
from connectors.text import label, matcher, mentions, safe_url
from connectors.walk import Batch, Post, Reach, Timeline, walk

PAGE = 40  # the most an instance gives at once


class MastodonSettings(ReplySettings):
    """Keys of a Mastodon source."""

    tags: tuple[str, ...] = Field(default=(), description="hashtags to read; default: the terms, written together")
    terms: tuple[str, ...] = Field(
        default=(), description="what to search for, with a token; default: the brand's names"
    )
    token_env: str | None = Field(
        default=None, description="environment variable with an access token (right read:search)"
    )
    token_file: str | None = Field(default=None, description="file with that token")
    history: timedelta = Field(
        default=timedelta(days=1), gt=timedelta(0), description="how far the first poll reads back"
    )
    lookback: timedelta = Field(
        default=timedelta(minutes=30),
        ge=timedelta(0),
        description="how late a post of another instance may arrive and be found",
    )
    page_size: int = Field(default=PAGE, ge=1, le=PAGE, description="posts asked for at once")
    reply_token_env: str | None = Field(
        default=None, description=f"environment variable with a token of reply_as (rights {RIGHTS})"
    )
    reply_token_file: str | None = Field(default=None, description="file with that token")
    skip_bots: bool = Field(default=False, description="leave out accounts that say they are automated")

    @field_validator("tags")
    @classmethod
    def _bare_tags(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        tags = tuple(tag.removeprefix("#") for tag in value)
        for tag in tags:
            if not _is_tag(tag):
                raise ValueError(f"{tag!r} is no hashtag; letters, digits and _ only, not digits alone")
        return tags

    @model_validator(mode="after")
    def _instance(self) -> Self:
        if self.base_url is not None and not safe_url(self.base_url):
            raise ValueError('base_url must be the instance\'s address, such as "https://mastodon.social"')
        if self.replies and not (self.reply_token_env or self.reply_token_file):
            raise ValueError("replies = true needs reply_token_env, a token of that account with the right to write")
        if self.replies and "@" not in (self.reply_as or ""):
            raise ValueError('reply_as must name the account with its server, such as "acme@mastodon.social"')
        return self


class Mastodon:
    """A source: a timeline per hashtag, and per term where there is a token."""

    def __init__(self, settings: MastodonSettings, context: SourceContext) -> None:
        self._settings = settings
        self._terms = settings.terms or context.terms
        tags = settings.tags or tuple(dict.fromkeys(tag for term in self._terms if _is_tag(tag := _together(term))))
        self._tags = tuple(tag.casefold() for tag in tags)
        self._base = (settings.base_url or "https://mastodon.social").rstrip("/")
        self._host = urlsplit(self._base).hostname or ""
        self._context = context
        self._client: Client | None = None
        self._has_token = False
        self._replies = MastodonReplies(settings, self._base, self._connect)

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        settings = self._settings
        client = self._open()
        check_access(client.json("/api/v2/instance", now), self._host, self._has_token)
        lists: dict[str, Timeline] = {}
        for tag in self._tags:
            lists[f"tag:{tag}"] = _Listing(
                client, f"/api/v1/timelines/tag/{quote(tag)}", {}, None, self._host, settings, now
            )
        if self._has_token:
            for term in self._terms:
                params = {"q": f'"{term}"', "type": "statuses"}
                lists[f"term:{term}"] = _Listing(client, "/api/v2/search", params, term, self._host, settings, now)
        yield from walk(lists, cursor, now, Reach(settings.history, settings.lookback, settings.page_cap))

    def recheck(self, posts: Sequence[Known], now: datetime) -> Looked:
        """Ask the servers on which the posts were written; the instance's own posts at once where it can."""
        return look_up(posts, self._open(), self._base, Homes(self._context, self._settings.timeout), now)

    def voice(self) -> Voice | CannotReply:
        """As the account that the settings name."""
        return self._replies.voice()

    def may_reply(self, post: Mention) -> Voice | CannotReply:
        """Every public post may be answered."""
        return self._replies.may_reply(post)

    def reply(self, post: Mention, approved: Approved, now: datetime) -> Posted:
        """Publish it on the account's instance."""
        return self._replies.reply(post, approved, now)

    def find_reply(self, post: Mention, approved: Approved, now: datetime) -> Posted | None:
        """Look among the account's own posts."""
        return self._replies.find_reply(post, approved, now)

    def close(self) -> None:
        self._replies.close()
        if self._client is not None:
            self._client.close()

    def _open(self) -> Client:
        if self._client is None:
            token = read_secret(self._settings, "token")
            self._has_token = token is not None
            self._client = self._connect({"Authorization": f"Bearer {token}"} if token else {}, None)
        return self._client

    def _connect(self, headers: Mapping[str, str], explain: Explain | None = explain_writing) -> Client:
        context, settings = self._context, self._settings
        return Client(
            self._host,
            self._base,
            context.user_agent,
            settings.timeout,
            headers=headers,
            explain=explain,
            intranet=context.intranet,
        )


def check_access(instance: Any, host: str, has_token: bool) -> None:
    """Raises `AccessDenied` where the instance closes its hashtag timelines; older instances do not say and are open."""
    place: Any = instance
    if not isinstance(instance, dict):
        raise Malformed(f"{host} did not describe itself as a Mastodon instance; check base_url")
    for name in ("configuration", "timelines_access", "hashtag_feeds"):
        place = place.get(name) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        return
    access = {str(place.get("local")), str(place.get("remote"))}
    if access <= {"disabled"}:
        raise AccessDenied(f"{host} has switched its hashtag timelines off; choose another instance as base_url")
    if "public" not in access and not has_token:
        raise AccessDenied(
            f"{host} shows hashtag timelines to its own users only; set token_env, or choose another instance"
        )


@dataclass(frozen=True, slots=True)
class _Listing:
    """A hashtag timeline or a search, newest first. A position is the id that the next page lies below."""

    client: Client
    path: str
    params: Mapping[str, str]
    term: str | None  # what a search result must hold; None for hashtags, which the instance matches exactly
    host: str
    settings: MastodonSettings
    now: datetime

    def read(self, since: datetime, position: Json) -> Batch:
        params: dict[str, str | int] = {**self.params, "limit": self.settings.page_size}
        if isinstance(position, str):
            params["max_id"] = position
        answer = self.client.json(self.path, self.now, params)
        statuses = answer.get("statuses") if self.term is not None and isinstance(answer, dict) else answer
        if not isinstance(statuses, list):
            raise Malformed(f"{self.host} answered without a list of posts; its API may have changed")
        read = [(status, at) for status in statuses if isinstance(status, dict) and (at := time_of(status)) is not None]
        ids = [one for status in statuses if isinstance(status, dict) and (one := label(status.get("id")))]
        # Some servers order by arrival: a post dated long ago among new ones must not look like the end of the new ones.
        posts: list[Post] = []
        newest_below = datetime.min.replace(tzinfo=UTC)
        for status, at in reversed(read):
            newest_below = max(newest_below, at)
            posts.append(Post(newest_below, self._mention(status)))
        # A page may be shorter than asked for: instances filter after counting. Only an empty one is the end.
        return Batch(tuple(reversed(posts)), min(ids, key=by_age) if ids else None)

    def _mention(self, status: Mapping[str, Any]) -> Mention | None:
        found = mention_of(status, self.host, skip_bots=self.settings.skip_bots)
        if found is None or (self.term is not None and not mentions(matcher([self.term]), found.text)):
            return None
        return found


def by_age(one: str) -> tuple[int, str]:
    """Ids are text and grow longer with time: the shorter is the older."""
    return len(one), one


def _together(term: str) -> str:
    return "".join(part for part in term.removeprefix("#") if part.isalnum() or part == "_")


def _is_tag(text: str) -> bool:
    return bool(text) and all(part.isalnum() or part == "_" for part in text) and not text.isdigit()


connector = Connector(
    name="mastodon",
    summary="Mastodon hashtags, and full text with a token",
    settings=MastodonSettings,
    open=Mastodon,
    every=timedelta(minutes=5),
    least=timedelta(minutes=1),
    credentials="none for hashtags on open instances; an access token for text search",
    policy=Policy(recheck=timedelta(days=1), note="300 requests in five minutes; a post's 404 means deleted"),
    recheck_batch=BATCH,
    replies=True,
)
