"""GitHub: issues and pull requests, in any public repository, whose title or text names a term; with a token discussions too.

No account; a token raises 10 searches a minute to 30. The search gives at most 1,000 results a query and may stop before
it has looked everywhere, so the time line is read in slices by creation, and a slice that was not searched whole is
halved until it is. Timelines take turns, because a minute's searches may not be enough for all of them. Stored posts are
looked up again: with a token many at once, without one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from connectors.base import (
    Connector,
    Cursor,
    Json,
    Known,
    Looked,
    Malformed,
    Mention,
    Page,
    Policy,
    RateLimited,
    SourceContext,
    SourceSettings,
    Unavailable,
)
from connectors.github_discussions import Discussions
from connectors.github_graphql import GraphQL
from connectors.github_lookup import BATCH, look_up_apart, look_up_together
from connectors.github_posts import SITE, explain, id_of, mention_of, names, second_of, stamp
from connectors.http import Client, retry_at
from connectors.secret import read_secret
from connectors.slices import onward, place_of
from connectors.turns import Turns
from connectors.walk import Batch, Post, Reach, Timeline, walk

PAGE = 100
MOST_RESULTS = 1000  # of one query, over all its pages
HALVINGS = 4  # of a slice that was not searched whole, before the poll gives up

# What is searched for, as the search's qualifier. One at a time: GitHub refuses some tokens a query that may find both.
KINDS: Mapping[str, str] = {"issues": "is:issue", "pull-requests": "is:pull-request"}


class GitHubSettings(SourceSettings):
    """Keys of a GitHub source."""

    terms: tuple[str, ...] = Field(
        default=(), description="words and phrases to search for; default: the brand's names"
    )
    kinds: tuple[Literal["issues", "pull-requests"], ...] = Field(
        default=("issues", "pull-requests"), description="what to read: issues, pull-requests"
    )
    discussions: bool = Field(default=False, description="read discussions as well; needs a token")
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

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.discussions and not (self.token_env or self.token_file):
            raise ValueError("GitHub shows discussions to tokens only; set token_env")
        if not (self.kinds or self.discussions):
            raise ValueError("nothing to read: name kinds, or set discussions = true")
        return self


class GitHub:
    """A source: one timeline per term and kind."""

    def __init__(self, settings: GitHubSettings, context: SourceContext) -> None:
        self._settings = settings
        self._terms = settings.terms or context.terms
        self._user_agent = context.user_agent
        self._intranet = context.intranet
        self._client: Client | None = None
        self._graphql: GraphQL | None = None  # with a token
        self._not_before: datetime | None = None
        self._turns = Turns()

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        settings = self._settings
        timelines: dict[str, Timeline] = {
            f"{kind}:{term}": _Search(self, settings, kind, term, now)
            for term in self._terms
            for kind in settings.kinds
        }
        if settings.discussions:
            timelines |= {f"discussions:{term}": self._discussions(term, now) for term in self._terms}
        reach = Reach(settings.history, settings.lookback, settings.page_cap)
        yield from walk(self._turns.order(timelines), cursor, now, reach)

    def recheck(self, posts: Sequence[Known], now: datetime) -> Looked:
        """Ask for all at once with a token, for each without."""
        client = self._open()
        return look_up_together(posts, self._graphql, now) if self._graphql else look_up_apart(posts, client, now)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _discussions(self, term: str, now: datetime) -> Discussions:
        settings = self._settings
        self._open()
        assert self._graphql is not None  # the settings ask for a token
        return Discussions(
            self._graphql, term, settings.qualifiers, settings.page_size, now, skip_bots=settings.skip_bots
        )

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
                explain=explain,
                intranet=self._intranet,
            )
            self._graphql = GraphQL(self._client, base) if token else None
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
            if isinstance(result, dict) and (second := second_of(result)) is not None and (one := id_of(result))
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
        created = f"created:>={stamp(low)}" if high is None else f"created:{stamp(low)}..{stamp(high)}"
        words = " ".join(self.term.replace('"', " ").split())
        return " ".join([f'"{words}"', "in:title,body", KINDS[self.kind], created, *self.settings.qualifiers])

    def _mention(self, one: str, result: Mapping[str, Any], second: int) -> Mention | None:
        """The mention, or None for a bot's, or where the term is not there as whole words."""
        found = mention_of(one, result, datetime.fromtimestamp(second, UTC), skip_bots=self.settings.skip_bots)
        return found if found and names(self.term, found, result) else None


connector = Connector(
    name="github",
    summary="GitHub issues and pull requests; discussions with a token",
    settings=GitHubSettings,
    open=GitHub,
    every=timedelta(minutes=10),
    credentials="none; a token for discussions, and 30 searches a minute in place of 10",
    policy=Policy(recheck=timedelta(days=1), note="public repositories only, unless the token may read others"),
    recheck_batch=BATCH,
)
