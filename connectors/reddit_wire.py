"""One praw client, and the wire under it: nothing sleeps, nothing is retried, nothing outside decides where it asks.

praw is handed its own `Requestor` (its documented seam). That turns every way an answer can fail into an error of
`connectors.base` before prawcore sees it, and keeps the rate-limit headers to itself: prawcore would sleep up to a whole
window of ten minutes in our thread, here the next question raises `RateLimited` with the time the window ends. Every setting
of praw is given, so that no praw.ini of the working directory and no praw_… variable changes any. Answers are read as
plain JSON: praw's models ask again on their own when an attribute is missing.
"""

from __future__ import annotations

import configparser
import json
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import httpx
import praw
import requests
import urllib3.exceptions
from praw.exceptions import PRAWException
from prawcore import Requestor
from prawcore.exceptions import OAuthException, PrawcoreException

from connectors.addresses import Guard
from connectors.base import AccessDenied, ConnectorError, Gone, Malformed, RateLimited, Unavailable
from connectors.http import SIZE_LIMIT, Answer, failure, looks_like_html, retry_at
from connectors.text import label

SITE = "Reddit"
OAUTH_URL, REDDIT_URL = "https://oauth.reddit.com", "https://www.reddit.com"
APPROVAL = (
    "new keys need Reddit's approval before any access, and old ones are being revoked; check client_id and "
    "client_secret_env, or remove both and use the feeds (user and token_env)"
)

_TOKEN_PATH = "/api/v1/access_token"  # noqa: S105  # a path, not a token
_CHUNK = 64 * 1024
_KINDS = {"comment": "t1", "redditor": "t2", "submission": "t3", "message": "t4", "subreddit": "t5", "trophy": "t6"}


@dataclass(frozen=True, slots=True)
class Key:
    """What a client is opened with."""

    client_id: str
    client_secret: str
    user_agent: str
    timeout: float  # seconds for a whole answer
    base_url: str | None = None  # of both hosts; for tests
    refresh_token: str | None = None  # of the account that writes; without one nothing can be written


class Connection:
    """Asks Reddit's API with an approved key. Not thread-safe. The first question fetches a token."""

    def __init__(self, key: Key, guard: Guard, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._key = key
        self._guard = guard
        self._wire = _Wire(key.timeout, monotonic)
        self._client: praw.Reddit | None = None
        self._is_proved = False  # this client's token was accepted once

    def get(self, path: str, params: Mapping[str, str | int], now: datetime) -> Any:
        """The JSON at this path. Raises `ConnectorError` only."""
        return self._anew("GET", path, {"params": dict(params)}, now)

    def post(self, path: str, data: Mapping[str, str], now: datetime) -> Any:
        """Change something; the JSON that tells of it. Raises `ConnectorError` only."""
        return self._anew("POST", path, {"data": dict(data)}, now)

    def _anew(self, method: str, path: str, sent: Mapping[str, Any], now: datetime) -> Any:
        """Ask, and where the token is refused (then nothing has happened) once more with a new one."""
        self._wire.now = now
        try:
            return self._ask(method, path, sent)
        except _TokenRefused:
            # Tokens may end before their time; only one that was fetched just now says that the key is refused.
            was_proved, self._client, self._is_proved = self._is_proved, None, False
            if not was_proved:
                raise
        return self._ask(method, path, sent)

    def close(self) -> None:
        self._wire.session.close()

    def _judge(self) -> None:
        """A key is not sent into the own network for a slip in base_url; redirects are not followed."""
        base = urlsplit(self._key.base_url or OAUTH_URL)
        if self._key.base_url and base.hostname:
            try:
                self._guard.addresses(base.hostname, base.port or 443)
            except OSError:
                raise Unavailable(f"{SITE} cannot be reached: base_url names no host that can be resolved") from None

    def _ask(self, method: str, path: str, sent: Mapping[str, Any]) -> Any:
        if self._client is None:
            self._judge()
            self._client = _client(self._key, self._wire)
        try:
            found = self._client.request(method=method, path=path, **sent)
        except ConnectorError:
            raise
        except OAuthException as error:
            raise AccessDenied(f"{SITE} refuses the key ({label(error.error, 60)}): {APPROVAL}") from None
        except (PrawcoreException, PRAWException, KeyError, TypeError, ValueError, AttributeError) as error:
            raise Malformed(f"{SITE} answered with something that praw cannot read ({type(error).__name__})") from None
        self._is_proved = True
        return found


class _TokenRefused(AccessDenied):
    """A token, not necessarily the key, is refused."""


class _Wire:
    """Sends one request and reads its whole answer, or says why there is none."""

    def __init__(self, timeout: float, monotonic: Callable[[], float]) -> None:
        self.session = requests.Session()
        self.session.auth = _as_it_is  # else requests puts what ~/.netrc says of the host in place of the token
        self.now: datetime | None = None  # of the poll
        self._timeout = timeout
        self._monotonic = monotonic
        self._wait_until: datetime | None = None  # the window's end, once nothing of it is left

    def ask(self, method: str, url: str, **arguments: Any) -> requests.Response:
        now, path = self.now, urlsplit(url).path
        assert now is not None
        if self._wait_until is not None and now < self._wait_until and path != _TOKEN_PATH:
            when = f"{self._wait_until:%H:%M:%S} UTC"
            raise RateLimited(f"{SITE}'s limit of requests is used up until {when}", self._wait_until)
        answer = self._answer(method, url, arguments)
        if path != _TOKEN_PATH:
            self._note(answer.headers, now)
        if not 200 <= answer.status < 300:
            raise _refusal(answer, path, now)
        if looks_like_html(answer):
            raise Unavailable(f"{SITE} answered with a web page instead of JSON; it is asked again later")
        try:
            is_object = isinstance(json.loads(answer.content), dict)
        except (ValueError, RecursionError):
            is_object = False
        if not is_object:
            raise Malformed(f"{SITE} answered with JSON that cannot be read")
        return _response(answer, url)

    def _answer(self, method: str, url: str, arguments: Mapping[str, Any]) -> Answer:
        started = self._monotonic()
        try:
            with self.session.request(
                method, url, stream=True, allow_redirects=False, timeout=self._timeout, **arguments
            ) as response:
                return Answer(response.status_code, httpx.Headers(response.headers), self._read(response, started))
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            raise Unavailable(f"{SITE} did not answer within {self._timeout:g} s; it is asked again later") from None
        except (requests.exceptions.ContentDecodingError, urllib3.exceptions.DecodeError):
            raise Malformed(f"{SITE} sent a body that cannot be decompressed") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(f"{SITE} cannot be reached ({type(error).__name__}); it is asked again later") from None

    def _read(self, response: requests.Response, started: float) -> bytes:
        """The body. By what has arrived, not by full blocks: a body that drips would keep one block waiting for ever."""
        parts: list[bytes] = []
        size = 0
        while part := response.raw.read1(_CHUNK, decode_content=True):
            size += len(part)
            if size > SIZE_LIMIT:
                raise Unavailable(f"{SITE} sent more than {SIZE_LIMIT // 1024} kB in one answer; it was cut off")
            if self._monotonic() - started > self._timeout:
                raise Unavailable(f"{SITE} did not finish its answer within {self._timeout:g} s")
            parts.append(part)
        return b"".join(parts)

    def _note(self, headers: httpx.Headers, now: datetime) -> None:
        try:
            is_used_up = float(headers.get("x-ratelimit-remaining", "")) < 1
        except ValueError:
            is_used_up = False
        self._wait_until = retry_at(headers, now) if is_used_up else None


class _Requestor(Requestor):
    """What praw sends through."""

    def __init__(self, *, wire: _Wire, **arguments: Any) -> None:
        super().__init__(session=wire.session, **arguments)
        self._wire = wire

    def request(self, *args: Any, timeout: float | None = None, **kwargs: Any) -> requests.Response:
        kwargs.pop("allow_redirects", None)  # never followed; the time-out is the source's
        # The request for a token asks to close the connection, which might meet the next question on its way out.
        headers = {name: value for name, value in kwargs.pop("headers", {}).items() if name != "Connection"}
        return self._wire.ask(*args, headers=headers, **kwargs)


def _client(key: Key, wire: _Wire) -> praw.Reddit:
    base = key.base_url.rstrip("/") if key.base_url else None
    settings: dict[str, Any] = {f"{name}_kind": kind for name, kind in _KINDS.items()}
    try:
        return praw.Reddit(
            "DEFAULT",
            requestor_class=_Requestor,
            requestor_kwargs={"wire": wire},
            client_id=key.client_id,
            client_secret=key.client_secret,
            user_agent=key.user_agent,
            oauth_url=base or OAUTH_URL,
            reddit_url=base or REDDIT_URL,
            short_url="https://redd.it",
            timeout=math.ceil(key.timeout),
            ratelimit_seconds=0,
            window_size=600,
            check_for_updates=False,
            check_for_async=False,
            username=None,
            password=None,
            refresh_token=key.refresh_token,
            redirect_uri=None,
            **settings,
        )
    except (configparser.Error, UnicodeDecodeError):
        raise AccessDenied(
            "praw cannot read a praw.ini of the working directory or of ~/.config; remove it, listener needs none"
        ) from None


def _refusal(answer: Answer, path: str, now: datetime) -> ConnectorError:
    """The error that an answer without success stands for."""
    status, is_page = answer.status, looks_like_html(answer)
    if path == _TOKEN_PATH and status in (400, 401, 403):
        return AccessDenied(f"{SITE} refuses the key ({status}): {APPROVAL}")
    if status == 401:
        return _TokenRefused(f"{SITE} refuses the key (401): {APPROVAL}")
    place = re.match(r"/(r/[^/]+)/", path)
    name, why = place[1] if place else "this question", _reason(answer.content)
    if status == 403 and why in ("private", "quarantined", "gold_only", "gated"):
        return AccessDenied(f"{SITE} does not show {name} ({why}); remove it from subreddits")
    if status == 403:
        return AccessDenied(f"{SITE} refuses {name} (403): {APPROVAL}")
    if place and (300 <= status < 400 or (status == 404 and not is_page)):
        about = "it is banned" if why == "banned" else "there is none of that name"
        return Gone(f"{SITE} has no {name} ({status}): {about}; change subreddits")
    return failure(SITE, status, answer.headers, now)


def _reason(content: bytes) -> str:
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    return label(told.get("reason"), 40) if isinstance(told, dict) else ""


def _response(answer: Answer, url: str) -> requests.Response:
    """The answer in the form that prawcore reads, without the headers on which it would sleep."""
    response = requests.Response()
    response.status_code = answer.status
    response.url = url
    response.encoding = "utf-8"
    response.raw = BytesIO(answer.content)
    return response


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
