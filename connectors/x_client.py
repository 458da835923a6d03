"""Ask X through tweepy, with the failures of both mapped to the errors of `connectors.base`.

tweepy 4.17 knows no time-out, one fixed host, and only the old names of fields, and with `wait_on_rate_limit` it asks in
a tight circle where a 429 names no time. So its session is ours: it has a deadline for the whole answer and a size limit,
goes to `base_url`, and raises for every answer that is no success before tweepy sees it; tweepy builds and signs the
requests. Its log is capped at INFO: at DEBUG it prints the token.
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import requests
import tweepy
import urllib3

from connectors.base import AccessDenied, ConnectorError, Malformed, OutOfBudget, Refused, Unavailable
from connectors.http import SIZE_LIMIT, Answer, failure, looks_like_html
from connectors.x_posts import POST_FIELDS, USER_FIELDS

SITE = "X"
BASE_URL = "https://api.x.com"
TWEEPY_HOST = "https://api.twitter.com"  # fixed in tweepy.Client.request

_LOUD = ("tweepy", "oauthlib", "requests_oauthlib")  # print credentials or signatures at DEBUG

# tweepy sends the old names; where X takes only the new ones, they are renamed on the way.
_RENAMED = {
    "edit_history_tweet_ids": "edit_history_post_ids",
    "note_tweet": "note_post",
    "referenced_tweets": "referenced_posts",
}


@dataclass(frozen=True, slots=True)
class Keys:
    """Credentials. `user` holds the four keys of OAuth 1.0a: consumer key and secret, access token and secret."""

    bearer: str | None
    user: tuple[str, str, str, str] | None = None


class Failed(Exception):
    """An answer that is no success, on its way through tweepy."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class NotPublished(Refused):
    """X does not take a post. `is_repeated`: because the account has written the same before."""

    def __init__(self, message: str, *, is_repeated: bool = False) -> None:
        super().__init__(message)
        self.is_repeated = is_repeated


class Session(requests.Session):
    """What tweepy sends its requests through. Raises `Failed`, or `ConnectorError` where no answer came."""

    def __init__(self, base_url: str, timeout: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._base = base_url.rstrip("/")
        self._timeout = timeout
        self._monotonic = monotonic
        self._new_names = False

    def request(self, *args: Any, **options: Any) -> requests.Response:
        """See `requests.Session.request`; called with method and address in front."""
        method, url = args
        address = self._base + url.removeprefix(TWEEPY_HOST)
        params = options.pop("params", None) or {}
        try:
            return self._ask(method, address, {**options, "params": self._named(params)})
        except Failed as failed:
            if self._new_names or failed.answer.status != 400 or b"tweet.fields" not in failed.answer.content:
                raise
            self._new_names = True
        return self._ask(method, address, {**options, "params": self._named(params)})

    def _ask(self, method: str, address: str, options: Mapping[str, Any]) -> requests.Response:
        started = self._monotonic()
        try:
            response = super().request(
                method, address, **options, timeout=self._timeout, stream=True, allow_redirects=False
            )
            try:
                content = self._read(response, started)
            except BaseException:
                response.close()  # read to its end it goes back to the pool by itself
                raise
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            raise Unavailable(f"{SITE} did not answer within {self._timeout:g} s; it is asked again later") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(f"{SITE} cannot be reached ({type(error).__name__}); it is asked again later") from None
        answer = Answer(response.status_code, httpx.Headers(dict(response.headers)), content)
        if not 200 <= answer.status < 300:
            raise Failed(answer)
        if looks_like_html(answer):
            raise Unavailable(f"{SITE} answered with a web page instead of data; it is asked again later")
        response.raw = io.BytesIO(content)  # the body was read and decoded; tweepy reads it from here
        return response

    def _read(self, response: requests.Response, started: float) -> bytes:
        """The body. A time-out of requests begins anew with every byte that drips in; this one does not."""
        parts: list[bytes] = []
        size = 0
        while part := response.raw.read1(65_536, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > SIZE_LIMIT:
                raise Unavailable(f"{SITE} sent more than {SIZE_LIMIT // 1024} kB in one answer; it was cut off")
            if self._monotonic() - started > self._timeout:
                raise Unavailable(f"{SITE} did not finish its answer within {self._timeout:g} s")
        return b"".join(parts)

    def _named(self, params: Mapping[str, Any]) -> dict[str, Any]:
        named = dict(params)
        if self._new_names and "tweet.fields" in named:
            fields = str(named.pop("tweet.fields")).split(",")
            named["post.fields"] = ",".join(_RENAMED.get(field, field) for field in fields)
        return named


class Client:
    """The questions a source asks X. Every answer is a JSON object. Not thread-safe; opens sockets when first asked."""

    def __init__(self, keys: Keys, base_url: str | None, user_agent: str, timeout: float) -> None:
        for name in _LOUD:
            logger = logging.getLogger(name)
            logger.setLevel(max(logger.level, logging.INFO))
        self._tweepy = tweepy.Client(keys.bearer, *(keys.user or ()), return_type=dict, wait_on_rate_limit=False)
        self._tweepy.user_agent = user_agent
        self._tweepy.session = Session(base_url or BASE_URL, timeout)

    def search(self, query: str, now: datetime, **where: Any) -> dict[str, Any]:
        """Posts of the last seven days; `where` holds since_id, until_id, start_time, next_token, max_results."""
        return self._ask(now, self._tweepy.search_recent_tweets, query, **_WANTED, **where)

    def mentions(self, account: str, now: datetime, *, as_user: bool, **where: Any) -> dict[str, Any]:
        """Posts that mention an account; `where` holds since_id, until_id, pagination_token, max_results."""
        return self._ask(now, self._tweepy.get_users_mentions, account, user_auth=as_user, **_WANTED, **where)

    def posts(self, ids: Sequence[str], now: datetime) -> dict[str, Any]:
        """Posts by id, 100 at most, without their authors, who would cost twice as much again."""
        return self._ask(now, self._tweepy.get_tweets, list(ids), tweet_fields=list(POST_FIELDS))

    def counts(self, query: str, now: datetime) -> dict[str, Any]:
        """How many posts of the last seven days a query finds."""
        return self._ask(now, self._tweepy.get_recent_tweets_count, query, granularity="day")

    def user(self, account: str, now: datetime, *, as_user: bool) -> dict[str, Any]:
        """One account by its id."""
        return self._ask(now, self._tweepy.get_user, id=account, user_auth=as_user)

    def usage(self, now: datetime, days: int) -> dict[str, Any]:
        """Posts that X counted for this app; tweepy has no method for it."""
        return self._ask(now, lambda: self._tweepy.request("GET", "/2/usage/tweets", params={"days": days}).json())

    def me(self, now: datetime) -> dict[str, Any]:
        """The account whose keys these are."""
        return self._ask(now, self._tweepy.get_me, user_auth=True)

    def own_posts(self, account: str, since: datetime, most: int, now: datetime) -> dict[str, Any]:
        """The newest posts of the account whose keys these are."""
        where: dict[str, Any] = {"start_time": since, "max_results": most, "tweet_fields": list(POST_FIELDS)}
        return self._ask(now, self._tweepy.get_users_tweets, account, user_auth=True, **where)

    def create(self, text: str, answers: str, now: datetime) -> dict[str, Any]:
        """Publish an answer to a post. Raises `NotPublished` where X refuses it."""
        call = self._tweepy.create_tweet
        return self._ask(now, call, text=text, in_reply_to_tweet_id=answers, explain=_unpublished)

    def close(self) -> None:
        """Release sockets. Idempotent."""
        self._tweepy.session.close()

    def _ask(
        self,
        now: datetime,
        call: Callable[..., Any],
        *args: Any,
        explain: Callable[[Answer, datetime], ConnectorError] | None = None,
        **params: Any,
    ) -> dict[str, Any]:
        try:
            answer = call(*args, **params)
        except Failed as failed:
            raise (explain or explained)(failed.answer, now) from None
        except (ValueError, RecursionError):
            raise Malformed(f"{SITE} answered with JSON that cannot be read") from None
        if not isinstance(answer, dict):
            raise Malformed(f"{SITE} answered with something else than an object; its API may have changed")
        return answer


_WANTED: Mapping[str, Any] = {
    "expansions": "author_id",
    "tweet_fields": list(POST_FIELDS),
    "user_fields": list(USER_FIELDS),
}


def _unpublished(answer: Answer, now: datetime) -> ConnectorError:
    """What a post that X does not take means."""
    told = answer.content[:10_000].lower()
    if answer.status == 403 and b"duplicate content" in told:
        return NotPublished(f"{SITE} refuses it: the account has written the same already", is_repeated=True)
    if answer.status == 403 and b"/usage-capped" not in told:
        return NotPublished(
            f"{SITE} does not let this app answer here (403): it may be that the post neither mentions nor quotes the account,"
            " that its author lets only some answer, or that the keys may only read. Answer it on X"
        )
    if answer.status in (400, 404):
        return NotPublished(f"{SITE} refuses this reply ({answer.status}): the post may be gone, or the text too long")
    return explained(answer, now)


def explained(answer: Answer, now: datetime) -> ConnectorError:
    """What a failed answer means for the operator."""
    status = answer.status
    if status == 402 or (status in (403, 429) and b"/usage-capped" in answer.content[:10_000]):
        return OutOfBudget(
            f"{SITE} answered {status}: the credits or the monthly cap of this account are used up; look at the credits"
            " and the spending limit in X's developer console"
        )
    if status == 401:
        return AccessDenied(
            f"{SITE} answered 401: it does not know this token; make a new one in X's developer console, and put it where"
            " token_env or token_file points"
        )
    if status == 403:
        return AccessDenied(
            f"{SITE} answered 403: this app or account may not read that; check in X's developer console what the app is"
            " enrolled for and what its tokens may read"
        )
    return failure(SITE, status, answer.headers, now)
