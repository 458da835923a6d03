"""The keys of a Reddit source, and what Reddit allows that they are checked against."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Self

from pydantic import Field, field_validator, model_validator

from connectors.base import ReplySettings
from connectors.text import safe_url

PAGE = 100  # the most that a listing gives at once
LOOK_UP = 100  # fullnames in one question
SCOPES = "identity, read, history and submit"  # that a public reply needs
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
