"""GitHub: issues and pull requests, in any public repository, whose title or text names a term.

No account; a token raises 10 searches a minute to 30. The search gives at most 1,000 results a query and may stop before
it has looked everywhere, so the time line is read in slices by creation, and a slice that was not searched whole is
halved until it is. Timelines take turns, because a minute's searches may not be enough for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from connectors.base import (
    Author,
    Connector,
    ConnectorError,
    Cursor,
    Json,
    Malformed,
    Mention,
    Page,
    Policy,
    RateLimited,
    SourceContext,
    SourceSettings,
    Unavailable,
)
from connectors.http import Answer, Client, retry_at
from connectors.markdown import plain_markdown
from connectors.secret import read_secret
from connectors.slices import onward, place_of
from connectors.text import label, matcher, mentions, safe_url
from connectors.turns import Turns
from connectors.walk import Batch, Post, Reach, Timeline, walk

SITE = "GitHub"
PAGE = 100
MOST_RESULTS = 1000  # of one query, over all its pages
HALVINGS = 4  # of a slice that was not searched whole, before the poll gives up
SECONDARY_WAIT = timedelta(minutes=1)  # where a secondary limit names no time (docs: "at least one minute")

# What is searched for, as the search's qualifier. One at a time: GitHub refuses some tokens a query that may find both.
KINDS: Mapping[str, str] = {"issues": "is:issue", "pull-requests": "is:pull-request"}


class GitHubSettings(SourceSettings):
    """Keys of a GitHub source."""

    terms: tuple[str, ...] = Field(
        default=(), description="words and phrases to search for; default: the brand's names"
    )
    kinds: tuple[Literal["issues", "pull-requests"], ...] = Field(
        default=("issues", "pull-requests"), min_length=1, description="what to read: issues, pull-requests"
    )
    qualifiers: tuple[str, ...] = Field(
        default=(), description="further qualifiers of the search: -org:acme, repo:acme/app, language:python"
    )
    token_env: str | None = Field(
        default=None, description="environment variable with a token (30 searches a minute, not 10)"
    )
    token_file: str | None = Field(default=None, description="file with that token")
    skip_bots: bool = Field(default=True, description="leave out what bots write")
    history: timedelta = Field(
        default=timedelta(days=1), gt=timedelta(0), description="how far the first poll reads back"
    )
    lookback: timedelta = Field(
        default=timedelta(minutes=30),
        ge=timedelta(0),
        description="how late a post may show up in the search and still be found",
    )
    page_size: int = Field(default=PAGE, ge=1, le=PAGE, description="posts asked for at once")


class GitHub:
    """A source: one timeline per term and kind."""

    def __init__(self, settings: GitHubSettings, context: SourceContext) -> None:
        self._settings = settings
        self._terms = settings.terms or context.terms
        self._user_agent = context.user_agent
        self._intranet = context.intranet
        self._client: Client | None = None
        self._not_before: datetime | None = None
        self._turns = Turns()

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        settings = self._settings
        timelines: dict[str, Timeline] = {
            f"{kind}:{term}": _Search(self, settings, kind, term, now)
            for term in self._terms
            for kind in settings.kinds
        }
        reach = Reach(settings.history, settings.lookback, settings.page_cap)
        yield from walk(self._turns.order(timelines), cursor, now, reach)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def search(self, query: str, page: int, now: datetime) -> dict[str, Any]:
        """One page of results, newest first."""
        if self._not_before is not None and now < self._not_before:
            raise RateLimited(
                f"{SITE} allows no more searches before {self._not_before:%H:%M:%S} UTC", self._not_before
            )
        client = self._open()
        params: dict[str, str | int] = {
            "q": query,
            "sort": "created",
            "order": "desc",
            "per_page": self._settings.page_size,
            "page": page + 1,
        }
        answer = client.get("/search/issues", now, params)
        found = client.decoded(answer)
        if not isinstance(found, dict) or not isinstance(found.get("items"), list):
            raise Malformed(f"{SITE} answered without a list of results; its API may have changed")
        # Asking on after the last allowed search is what earns a longer wait.
        spent = answer.headers.get("x-ratelimit-remaining", "").strip() == "0"
        self._not_before = retry_at(answer.headers, now) if spent else None
        return found

    def _open(self) -> Client:
        if self._client is None:
            token = read_secret(self._settings, "token")
            headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
            if token:
                headers["Authorization"] = f"Bearer {token}"
            base = self._settings.base_url or "https://api.github.com"
            self._client = Client(
                SITE,
                base,
                self._user_agent,
                self._settings.timeout,
                headers=headers,
                explain=_explain,
                intranet=self._intranet,
            )
        return self._client


@dataclass(frozen=True, slots=True)
class _Search:
    """What the search finds of one kind for one term, newest first; positions are those of `connectors.slices`."""

    source: GitHub
    settings: GitHubSettings
    kind: str
    term: str
    now: datetime

    def read(self, since: datetime, position: Json) -> Batch:
        place = place_of(position)
        start = int(since.timestamp())
        found, low = self._whole(start, place.until, place.page)
        dated = [
            (second, one, result)
            for result in found
            if isinstance(result, dict) and (second := _second(result)) is not None and (one := _id(result))
        ]
        posts = tuple(
            Post(datetime.fromtimestamp(second, UTC), self._mention(one, result, second))
            for second, one, result in dated
            if one not in place.seen
        )
        if len(found) >= self.settings.page_size and dated:
            read = [(second, one) for second, one, _ in dated]
            return Batch(posts, onward(place, read, self.settings.page_size, MOST_RESULTS))
        return Batch(posts, {"until": low - 1} if low > start else None)

    def _whole(self, low: int, high: int | None, page: int) -> tuple[list[Any], int]:
        """(results, the second down to which everything was searched): the newer half of a slice that took too long."""
        for _ in range(HALVINGS + 1):
            found = self.source.search(self._query(low, high), page, self.now)
            if found.get("incomplete_results") is not True:
                results: list[Any] = found["items"]
                return results, low
            top = int(self.now.timestamp()) if high is None else high
            if low >= top:
                break
            low = (low + top + 1) // 2
        raise Unavailable(f"{SITE} did not finish its search in time; it is asked again later")

    def _query(self, low: int, high: int | None) -> str:
        """`high` None leaves the top open: a clock behind GitHub's must not hide what is newest."""
        created = f"created:>={_stamp(low)}" if high is None else f"created:{_stamp(low)}..{_stamp(high)}"
        words = " ".join(self.term.replace('"', " ").split())
        return " ".join([f'"{words}"', "in:title,body", KINDS[self.kind], created, *self.settings.qualifiers])

    def _mention(self, one: str, result: Mapping[str, Any], second: int) -> Mention | None:
        """The mention, or None for a bot's, or where the term is not there as whole words."""
        user = result.get("user")  # null where the account was deleted
        login = label(user.get("login")) if isinstance(user, dict) else "ghost"
        is_bot = login.endswith("[bot]") or (isinstance(user, dict) and user.get("type") == "Bot")
        title, body = label(result.get("title")), result.get("body")
        body = body if isinstance(body, str) else ""
        text = plain_markdown(body) or title
        if not (login and text) or (is_bot and self.settings.skip_bots):
            return None
        if not mentions(matcher([self.term]), title, text, body[:100_000]):
            return None
        reactions = result.get("reactions")
        counts = {
            "replies": result.get("comments"),
            "likes": reactions.get("total_count") if isinstance(reactions, dict) else None,
        }
        return Mention(
            platform="github",
            external_id=one,
            text=text,
            published_at=datetime.fromtimestamp(second, UTC),
            author=Author(login, login),
            url=safe_url(result.get("html_url")),
            title=title,
            thread_id=one,
            engagement={key: count for key, count in counts.items() if isinstance(count, int)},
        )


def _explain(answer: Answer, now: datetime) -> ConnectorError | None:
    """A limit may come as 403: with Retry-After, with no requests left, or in words (docs: rate limits for the REST API)."""
    if answer.status not in (403, 429):
        return None
    limited = "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining", "").strip() == "0"
    secondary = b"secondary rate limit" in answer.content[:10_000]
    if not (limited or secondary):
        return None
    again = (retry_at(answer.headers, now) if limited else None) or now + SECONDARY_WAIT
    return RateLimited(f"{SITE} asks to wait ({answer.status}), not before {again:%H:%M:%S} UTC", again)


def _id(result: Mapping[str, Any]) -> str:
    """The node id is unique over issues, pull requests and discussions, and survives a repository's renaming."""
    return label(result.get("node_id")) or label(result.get("id"))


def _second(result: Mapping[str, Any]) -> int | None:
    try:
        at = datetime.fromisoformat(str(result.get("created_at")))
        return int(at.timestamp() if at.tzinfo else at.replace(tzinfo=UTC).timestamp())
    except (ValueError, OverflowError):
        return None


def _stamp(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


connector = Connector(
    name="github",
    summary="GitHub issues and pull requests",
    settings=GitHubSettings,
    open=GitHub,
    every=timedelta(minutes=10),
    credentials="none; a token for 30 searches a minute in place of 10",
    policy=Policy(recheck=timedelta(days=1), note="public repositories only, unless the token may read others"),
)
