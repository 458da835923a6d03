"""Ask a platform over HTTP, with every way it can fail mapped to the errors of `connectors.base`.

One `Client` per source: an honest User-Agent, a deadline for the whole answer, a size limit that holds while the
body streams in, few redirects, no retries (the daemon moves the next poll instead). Hosts that are not public are not
asked, nor is a credential taken along to another host (`connectors.addresses`). A platform that says wait is
believed: Retry-After (seconds or date) or x-ratelimit-reset becomes `RateLimited.retry_at`, within a day.
Messages name the site and the status, never an address with its query: feed addresses may hold tokens.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from connectors.addresses import Guard, NotPublic
from connectors.base import (
    AccessDenied,
    ConnectorError,
    Gone,
    Malformed,
    OutOfBudget,
    RateLimited,
    Refused,
    Unavailable,
)
from connectors.transport import JudgedTransport

SIZE_LIMIT = 10 * 1024 * 1024  # bytes of one answer, after decompression
REDIRECTS = 5
LONGEST_WAIT = timedelta(days=1)  # a platform that asks for more is asked again after this
SHORTEST_WAIT = timedelta(seconds=1)

_JSON = {"Accept": "application/json"}
_HTML = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body)", re.IGNORECASE)
_EPOCH_FROM = (
    1_000_000_000  # a smaller x-ratelimit-reset counts seconds from now (Reddit), a larger is a date (X, GitHub)
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read whole."""

    status: int
    headers: httpx.Headers
    content: bytes


# What a platform says in its own way with an answer that is no success; None: the status says it all.
Explain = Callable[[Answer, datetime], ConnectorError | None]


class Client:
    """Asks one site. Not thread-safe, like the source that owns it. Opens its sockets at the first question."""

    def __init__(
        self,
        site: str,
        base_url: str,
        user_agent: str,
        timeout: float,
        *,
        headers: Mapping[str, str] | None = None,
        size_limit: int = SIZE_LIMIT,
        monotonic: Callable[[], float] = time.monotonic,
        explain: Explain | None = None,
        intranet: Sequence[str] = (),
    ) -> None:
        """`headers` go to `base_url`'s host alone; `intranet` lists what may be asked although it is not public."""
        self.site = site
        self._base = base_url.rstrip("/")
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "gzip, deflate", **(headers or {})}
        self._for_the_site = tuple(headers or ())
        self._timeout = timeout
        self._limit = size_limit
        self._monotonic = monotonic
        self._explain = explain
        self._intranet = tuple(intranet)
        self._client: httpx.Client | None = None

    def get(
        self,
        path: str,
        now: datetime,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """GET `path` below the base URL (or a whole address). Raises `ConnectorError` for all but 2xx and 304."""
        return self._good(self._ask("GET", path, params, headers), now)

    def json(self, path: str, now: datetime, params: Mapping[str, str | int] | None = None) -> Any:
        """GET and decode JSON. An HTML page in its place (a proxy, a maintenance page) is `Unavailable`."""
        return self.decoded(self.get(path, now, params, _JSON))

    def find(self, path: str, now: datetime, params: Mapping[str, str | int] | None = None) -> Any:
        """Like `json`, but None where the platform says that there is no such thing (404) or not any more (410).

        A web page with that status does not count: it may be a proxy's, and a post must not be forgotten for it.
        """
        answer = self._ask("GET", path, params, _JSON)
        if answer.status in (404, 410) and not looks_like_html(answer):
            return None
        return self.decoded(self._good(answer, now))

    def post(self, path: str, now: datetime, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """POST JSON: a question too long for an address, or something to publish. Raises like `get`."""
        return self._good(self._ask("POST", path, None, {**_JSON, **(headers or {})}, body), now)

    def _ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        headers: Mapping[str, str] | None,
        body: Any = None,
    ) -> Answer:
        address = path if path.startswith(("http://", "https://")) else self._base + path
        started = self._monotonic()
        try:
            with self._open().stream(method, address, params=params or None, headers=headers, json=body) as response:
                content = self._read(response, started)
        except NotPublic as error:
            if error.host == urlsplit(address).hostname:
                raise
            raise AccessDenied(f"{self.site} redirects to another host: {error}") from None
        except httpx.TimeoutException:
            raise Unavailable(
                f"{self.site} did not answer within {self._timeout:g} s; it is asked again later"
            ) from None
        except httpx.TooManyRedirects:
            raise Unavailable(f"{self.site} redirects in a circle; check base_url or url") from None
        except httpx.DecodingError:
            raise Malformed(f"{self.site} sent a body that cannot be decompressed") from None
        except httpx.UnsupportedProtocol:
            raise Unavailable(f"{self.site} has no http:// or https:// address; check base_url or url") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(
                f"{self.site} cannot be reached ({type(error).__name__}); it is asked again later"
            ) from None
        return Answer(response.status_code, response.headers, content)

    def _good(self, answer: Answer, now: datetime) -> Answer:
        """The answer, if it is one."""
        if answer.status // 100 == 2 or answer.status == 304:
            return answer
        told = self._explain(answer, now) if self._explain is not None else None
        raise told or failure(self.site, answer.status, answer.headers, now)

    def decoded(self, answer: Answer) -> Any:
        """The JSON of an answer whose headers are wanted too."""
        if looks_like_html(answer):
            raise Unavailable(f"{self.site} answered with a web page instead of JSON; it is asked again later")
        try:
            return json.loads(answer.content)
        except (ValueError, RecursionError):
            raise Malformed(f"{self.site} answered with JSON that cannot be read") from None

    def close(self) -> None:
        """Release sockets. Idempotent."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _open(self) -> httpx.Client:
        if self._client is None:
            # httpx logs each whole address at INFO, and a feed's address may hold its reader's token.
            logging.getLogger("httpx").setLevel(logging.WARNING)
            self._client = httpx.Client(
                headers=self._headers,
                timeout=self._timeout,
                follow_redirects=True,
                max_redirects=REDIRECTS,
                transport=JudgedTransport(Guard(self._intranet)),
                event_hooks={"request": [self._keep_for_the_site]},
            )
        return self._client

    def _keep_for_the_site(self, request: httpx.Request) -> None:
        """Credentials for the site itself only, at every redirect: httpx takes all but Authorization along."""
        home = httpx.URL(self._base)
        if (request.url.scheme, request.url.host, request.url.port) != (home.scheme, home.host, home.port):
            for name in self._for_the_site:
                request.headers.pop(name, None)

    def _read(self, response: httpx.Response, started: float) -> bytes:
        """The body, unless it grows over the limit or drips: httpx's own time-out begins anew with every chunk."""
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes():
            size += len(part)
            if size > self._limit:
                raise Unavailable(f"{self.site} sent more than {self._limit // 1024} kB in one answer; it was cut off")
            if self._monotonic() - started > self._timeout:
                raise Unavailable(f"{self.site} did not finish its answer within {self._timeout:g} s")
            parts.append(part)
        return b"".join(parts)


def failure(site: str, status: int, headers: Mapping[str, str], now: datetime) -> ConnectorError:
    """The error that an HTTP status stands for."""
    again = retry_at(headers, now)
    if status == 429 or (status == 503 and again is not None):
        when = f"not before {again:%H:%M:%S} UTC" if again else "it did not say for how long"
        return RateLimited(f"{site} asks to wait ({status}), {when}", again)
    if status == 402:
        return OutOfBudget(f"{site} answered 402: the credits of this account are used up")
    if status in (401, 403):
        return AccessDenied(f"{site} answered {status}: access denied; check the credential and what it may read")
    if status == 410:
        return Gone(f"{site} answered 410: what this source asks for was removed for good; remove or change the source")
    if status >= 500:
        return Unavailable(f"{site} answered {status}; it is asked again later")
    return Refused(f"{site} answered {status} and refuses the question; check the source's settings")


def retry_at(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When the platform may be asked again, from its headers; None where they do not say. Within (1 s, 1 day) of `now`."""
    asked = _moment(headers.get("retry-after", ""), now)
    for name in ("x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset"):
        asked = asked or _moment(headers.get(name, ""), now)
    if asked is None:
        return None
    return min(max(asked, now + SHORTEST_WAIT), now + LONGEST_WAIT)


def looks_like_html(answer: Answer) -> bool:
    """Whether a web page came where data was asked for."""
    return "text/html" in answer.headers.get("content-type", "").lower() or _HTML.match(answer.content) is not None


def _moment(value: str, now: datetime) -> datetime | None:
    """A header's time: seconds from now, seconds since 1970, an HTTP date, or ISO 8601 (Mastodon)."""
    value = value.strip()
    if not value:
        return None
    if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", value):
        seconds = float(value)
        if seconds < _EPOCH_FROM:
            return now + timedelta(seconds=min(seconds, LONGEST_WAIT.total_seconds()))
        return datetime.fromtimestamp(min(seconds, 9_999_999_999), UTC)
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(value)
        except (ValueError, TypeError, OverflowError):
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
