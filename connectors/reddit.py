"""Reddit: posts that name a term, found by its search, and comments of chosen subreddits, matched here.

Two ways in, one source: an approved key (`client_id`), through praw; or a user's personal feed token (`user`). Both give the
same ids and positions, so that one may follow the other. There is no search for comments; those of all of Reddit come
faster than they can be read, so that comments need `subreddits`. The traps of Reddit's listings are `reddit_listing`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, Self

from pydantic import Field, field_validator, model_validator

from connectors.base import (
    Approved,
    CannotReply,
    Connector,
    Cursor,
    Gap,
    Known,
    Looked,
    Mention,
    Page,
    Policy,
    Posted,
    ReplySettings,
    SourceContext,
    Voice,
)
from connectors.reddit_api import LOOK_UP, PAGE, Api
from connectors.reddit_feed import Feeds
from connectors.reddit_listing import Listed, Listing
from connectors.reddit_reply import SCOPES, RedditReplies
from connectors.text import matcher, safe_url
from connectors.turns import Turns
from connectors.walk import Reach, Timeline, ground, walk

SUBREDDITS = 50  # they are asked for together, in one address

_NAME = re.compile(r"\w{2,21}", re.ASCII)


class RedditSettings(ReplySettings):
    """Keys of a Reddit source."""

    subreddits: tuple[str, ...] = Field(
        default=(), max_length=SUBREDDITS, description="subreddits to read; default: all of Reddit, posts only"
    )
    comments: bool = Field(default=True, description="read the comments of these subreddits too")
    terms: tuple[str, ...] = Field(default=(), description="words and phrases; default: the brand's names")
    client_id: str | None = Field(default=None, description="id of the key that Reddit approved")
    client_secret_env: str | None = Field(default=None, description="environment variable with the key's secret")
    client_secret_file: str | None = Field(default=None, description="file with the key's secret")
    user: str | None = Field(default=None, description="without a key: Reddit user whom the feed token belongs to")
    token_env: str | None = Field(default=None, description="environment variable with that user's feed token")
    token_file: str | None = Field(default=None, description="file with that user's feed token")
    reply_token_env: str | None = Field(
        default=None,
        description=f"environment variable with a refresh token of reply_as for that key (scopes {SCOPES})",
    )
    reply_token_file: str | None = Field(default=None, description="file with that refresh token")
    history: timedelta = Field(
        default=timedelta(days=1), gt=timedelta(0), description="how far the first poll reads back"
    )
    lookback: timedelta = Field(
        default=timedelta(minutes=30), ge=timedelta(0), description="how late Reddit may list a post"
    )
    page_size: int = Field(default=PAGE, ge=1, le=PAGE, description="posts asked for at once")

    @field_validator("subreddits")
    @classmethod
    def _bare_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        names = [name.removeprefix("/").removeprefix("r/") for name in value]
        for name in names:
            if not _NAME.fullmatch(name):
                raise ValueError(f'{name!r} is no subreddit; write its name, such as "kettles"')
            if name.casefold() in ("all", "popular"):
                raise ValueError(f"r/{name} is no subreddit of its own; leave subreddits out to search all of Reddit")
        return tuple(sorted({name.casefold() for name in names}))

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.base_url is not None and not safe_url(self.base_url):
            raise ValueError("base_url must be an http:// or https:// address")
        has_secret, has_token = self.client_secret_env or self.client_secret_file, self.token_env or self.token_file
        if bool(self.client_id) != bool(has_secret):
            raise ValueError("a key is both client_id and client_secret_env")
        if bool(self.user) != bool(has_token):
            raise ValueError("feeds need both user and token_env")
        if self.replies and not (self.client_id and (self.reply_token_env or self.reply_token_file)):
            raise ValueError("replies = true needs client_id and reply_token_env, a refresh token of that account")
        if not self.client_id and not self.user:
            raise ValueError(
                "set client_id and client_secret_env (a key that Reddit approved), or user and token_env (your feed token)"
            )
        return self

    @property
    def within(self) -> str:
        """The subreddits as Reddit's addresses join them; empty for all of Reddit."""
        return "+".join(self.subreddits)


class Reader(Protocol):
    """One way in."""

    def search(self, term: str, after: str | None, now: datetime) -> Listed: ...

    def comments(self, after: str | None, now: datetime) -> Listed: ...

    def recheck(self, posts: Sequence[Known], now: datetime) -> Looked: ...

    def close(self) -> None: ...


class Reddit:
    """A source: a timeline of posts for each term, and one of the subreddits' comments."""

    def __init__(self, settings: RedditSettings, context: SourceContext) -> None:
        self._settings = settings
        self._terms = settings.terms or context.terms
        make: type[Api] | type[Feeds] = Api if settings.client_id else Feeds
        self._reader: Reader = make(settings, context)
        self._turns = Turns()
        self._replies = RedditReplies(settings, context)

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        settings, reader = self._settings, self._reader
        lost: list[Gap] = []
        timelines: dict[str, Timeline] = {}
        for term in self._terms:
            fetch = partial(_search, reader, term, now)
            name = f"posts:{settings.within}:{term}"
            timelines[name] = Listing(fetch, matcher([term]), ground(cursor, name), lost)
        if settings.comments and settings.within:
            fetch = partial(_comments, reader, now)
            name = f"comments:{settings.within}"
            timelines[name] = Listing(fetch, matcher(self._terms), ground(cursor, name), lost)
        reach = Reach(settings.history, settings.lookback, settings.page_cap)
        for page in walk(self._turns.order(timelines), cursor, now, reach):
            gaps = sorted({*page.gaps, *lost}, key=lambda gap: (gap.since, gap.until))
            yield replace(page, gaps=tuple(gaps))

    def recheck(self, posts: Sequence[Known], now: datetime) -> Looked:
        """See `connectors.base.Rechecking`. Through the feeds nothing can be looked up."""
        return self._reader.recheck(posts, now)

    def voice(self) -> Voice | CannotReply:
        """As the account that the settings name."""
        return self._replies.voice()

    def may_reply(self, post: Mention) -> Voice | CannotReply:
        """Locked and archived threads are known when it is tried."""
        return self._replies.may_reply(post)

    def reply(self, post: Mention, approved: Approved, now: datetime) -> Posted:
        """Publish it as a comment."""
        return self._replies.reply(post, approved, now)

    def find_reply(self, post: Mention, approved: Approved, now: datetime) -> Posted | None:
        """Look among the account's own comments."""
        return self._replies.find_reply(post, approved, now)

    def close(self) -> None:
        self._replies.close()
        self._reader.close()


def _search(reader: Reader, term: str, now: datetime, after: str | None) -> Listed:
    return reader.search(term, after, now)


def _comments(reader: Reader, now: datetime, after: str | None) -> Listed:
    return reader.comments(after, now)


connector = Connector(
    name="reddit",
    summary="Reddit posts, and the comments of chosen subreddits",
    settings=RedditSettings,
    open=Reddit,
    every=timedelta(minutes=5),
    least=timedelta(minutes=1),
    credentials="a key that Reddit approved, or a user's personal feed token",
    policy=Policy(
        retention=timedelta(days=30),
        recheck=timedelta(hours=48),
        may_export=False,
        note="deleted posts and accounts must be deleted here; without a key (feeds) they are not seen",
    ),
    recheck_batch=LOOK_UP,
    replies=True,
)
