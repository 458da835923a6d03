"""Keys of an X source, and what must hold between them."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from pydantic import Field, field_validator, model_validator

from connectors.base import ReplySettings
from connectors.x_posts import is_id
from connectors.x_query import TermTooLong, queries

PAGE = 100  # posts; the most X gives at once
LEAST = 10  # the least it lets a search ask for
USER_KEYS = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
REPLY_KEYS = ("reply_consumer_key", "reply_consumer_secret", "reply_access_token", "reply_access_token_secret")


class XSettings(ReplySettings):
    """Keys of an X source."""

    terms: tuple[str, ...] = Field(
        default=(), description="words and phrases to search for; default: the brand's names"
    )
    languages: tuple[str, ...] = Field(
        default=(), description="read posts that X finds to be in these languages only, as en, fr; default: all"
    )
    mentions: bool = Field(
        default=False, description="read the mentions timeline of the own account, for a fifth of the price"
    )
    account_id: str | None = Field(
        default=None, description="number of that account; default: the account of access_token; implies mentions"
    )
    token_env: str | None = Field(default=None, description="environment variable with the app's bearer token")
    token_file: str | None = Field(default=None, description="file with that token")
    consumer_key_env: str | None = Field(default=None, description="environment variable with the app's consumer key")
    consumer_key_file: str | None = Field(default=None, description="file with that key")
    consumer_secret_env: str | None = Field(default=None, description="environment variable with its secret")
    consumer_secret_file: str | None = Field(default=None, description="file with that secret")
    access_token_env: str | None = Field(
        default=None, description="environment variable with the access token of the app's owner"
    )
    access_token_file: str | None = Field(default=None, description="file with that access token")
    access_token_secret_env: str | None = Field(default=None, description="environment variable with its secret")
    access_token_secret_file: str | None = Field(default=None, description="file with that secret")
    reply_consumer_key_env: str | None = Field(
        default=None, description="environment variable with the consumer key of an app that may read and write"
    )
    reply_consumer_key_file: str | None = Field(default=None, description="file with that key")
    reply_consumer_secret_env: str | None = Field(default=None, description="environment variable with its secret")
    reply_consumer_secret_file: str | None = Field(default=None, description="file with that secret")
    reply_access_token_env: str | None = Field(
        default=None, description="environment variable with an access token of reply_as for that app"
    )
    reply_access_token_file: str | None = Field(default=None, description="file with that access token")
    reply_access_token_secret_env: str | None = Field(default=None, description="environment variable with its secret")
    reply_access_token_secret_file: str | None = Field(default=None, description="file with that secret")
    count_authors: bool = Field(
        default=True, description="count every author as a user read of $0.010; whether X bills them is not documented"
    )
    history: timedelta = Field(
        default=timedelta(days=1), gt=timedelta(0), description="how far the first poll reads back; X gives seven days"
    )
    lookback: timedelta = Field(
        default=timedelta(minutes=2),
        ge=timedelta(0),
        le=timedelta(hours=1),
        description="how late a post may show up in the search and still be found; it is read twice",
    )
    page_size: int = Field(default=PAGE, ge=LEAST, le=PAGE, description="posts asked for at once")

    @field_validator("account_id")
    @classmethod
    def _number(cls, value: str | None) -> str | None:
        if value is not None and not is_id(value):
            raise ValueError(
                f'{value!r} is no account id; it is the number of the account, such as "2244994945", not its handle'
            )
        return value

    @field_validator("languages")
    @classmethod
    def _codes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for code in value:
            if not (2 <= len(code) <= 5 and code.replace("-", "").isascii() and code.replace("-", "").isalpha()):
                raise ValueError(f'{code!r} is no language code of X; write "en", "fr", "zh-CN"')
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        set_keys = [key for key in USER_KEYS if self._is_set(key)]
        if set_keys and len(set_keys) < len(USER_KEYS):
            missing = ", ".join(f"{key}_env" for key in USER_KEYS if key not in set_keys)
            raise ValueError(f"a user's access takes four keys; {missing} missing (or the same with _file)")
        if self.replies and (missing := ", ".join(f"{key}_env" for key in REPLY_KEYS if not self._is_set(key))):
            raise ValueError(f"replies = true needs the four keys of an app that may write; {missing} missing")
        if self.mentions and not set_keys and self.account_id is None:
            raise ValueError(
                "mentions needs to know whose: set consumer_key_env, consumer_secret_env, access_token_env and"
                " access_token_secret_env of the app's owner, or account_id to read them at the full price"
            )
        if not self._is_set("token"):
            raise ValueError("X needs a bearer token; put it into an environment variable and name that as token_env")
        try:
            queries(self.terms, languages=self.languages)
        except TermTooLong as error:
            raise ValueError(str(error)) from None
        return self

    def _is_set(self, name: str) -> bool:
        return bool(getattr(self, f"{name}_env") or getattr(self, f"{name}_file"))
