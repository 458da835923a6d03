"""Stack Exchange: questions and answers of one site (Stack Overflow, Super User, …) that name a term.

No account; a free key raises the 300 requests a day and address to 10,000. The search gives excerpts without authors, so
what it finds is fetched whole by id, once; a post that is gone by then is left out. The platform's own words on waiting
are obeyed: `backoff` seconds of a method before that method is asked again, an empty quota until the next UTC day.
Stored posts are looked up again by id, a hundred at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

from pydantic import Field

from connectors.base import (
    AccessDenied,
    Author,
    Connector,
    ConnectorError,
    Cursor,
    Json,
    Known,
    Looked,
    Malformed,
    Mention,
    Page,
    Policy,
    RateLimited,
    Removal,
    SourceContext,
    SourceSettings,
    Unavailable,
)
from connectors.http import Answer, Client
from connectors.secret import read_secret
from connectors.slices import onward, place_of
from connectors.text import label, matcher, mentions, plain, safe_url
from connectors.turns import Turns
from connectors.walk import Batch, Post, Reach, Timeline, walk

SITE = "Stack Exchange"
PAGE = 100  # the most the API gives at once, and the most ids it takes
PAGES = 25  # of one query, without an account
RESERVE = 2  # requests that one read may take; with fewer left a page could not be read whole
KEPT = 1_000  # posts remembered, so that the lookback does not fetch them again
_SEARCH, _POSTS = "/2.3/search/excerpts", "/2.3/posts"
_QUESTIONS, _ANSWERS = "/2.3/questions", "/2.3/answers"


class StackExchangeSettings(SourceSettings):
    """Keys of a Stack Exchange source."""

    site: str = Field(
        default="stackoverflow",
        pattern=r"^[a-z0-9.-]+$",
        description="the site as its API names it: stackoverflow, superuser, serverfault, diy, cooking, …",
    )
    terms: tuple[str, ...] = Field(
        default=(), description="words and phrases to search for; default: the brand's names"
    )
    key_env: str | None = Field(
        default=None, description="environment variable with a free API key (10,000 requests a day, not 300)"
    )
    key_file: str | None = Field(default=None, description="file with that key")
    history: timedelta = Field(
        default=timedelta(days=1), gt=timedelta(0), description="how far the first poll reads back"
    )
    lookback: timedelta = Field(
        default=timedelta(hours=1),
        ge=timedelta(0),
        description="how late a post may show up in the search and still be found",
    )
    page_size: int = Field(default=PAGE, ge=1, le=PAGE, description="posts asked for at once")


class StackExchange:
    """A source: one timeline per term."""

    def __init__(self, settings: StackExchangeSettings, context: SourceContext) -> None:
        self._settings = settings
        self._client = Client(
            SITE,
            settings.base_url or "https://api.stackexchange.com",
            context.user_agent,
            settings.timeout,
            explain=_explain,
            intranet=context.intranet,
        )
        self._terms = settings.terms or context.terms
        self._not_before: dict[str, datetime] = {}  # by method, as `backoff` says
        self._quota: int | None = None
        self._quota_until: datetime | None = None
        self._turns = Turns()
        self._kept: dict[str, Mapping[str, Any]] = {}

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        settings = self._settings
        timelines: dict[str, Timeline] = {f"term:{term}": _Term(self, term, now) for term in self._terms}
        reach = Reach(settings.history, settings.lookback, settings.page_cap)
        yield from walk(self._turns.order(timelines), cursor, now, reach)

    def recheck(self, posts: Sequence[Known], now: datetime) -> Looked:
        """Ask for questions and for answers by their ids; what is not given back is gone."""
        site = self._settings.site
        ours = {one: post for post in posts if (one := post.external_id.removeprefix(f"{site}:")).isdecimal()}
        present: list[Mention] = []
        missing: list[Known] = []
        for method, is_answer in ((_QUESTIONS, False), (_ANSWERS, True)):
            ids = [one for one, post in ours.items() if (post.kind == "comment") is is_answer]
            for start in range(0, len(ids), PAGE):
                some = ids[start : start + PAGE]
                self._wait((method,), now)
                params: dict[str, str | int] = {"filter": "withbody", "pagesize": PAGE}
                key = "answer_id" if is_answer else "question_id"
                listed = self._ask(method, f"{method}/{';'.join(some)}", params, now)["items"]
                given = {label(post.get(key)): post for post in listed if isinstance(post, dict)}
                if len(given) != len(listed) or "" in given:
                    raise Malformed(f"{SITE} answered with posts that cannot be read; nothing is taken for deleted")
                missing += [ours[one] for one in some if one not in given]
                for one in given.keys() & set(some):
                    mention = _mention(site, one, given[one], given[one], is_answer, ours[one].published_at)
                    present += [mention] if mention else []
        return Looked(tuple(present), tuple(Removal("stackexchange", post.external_id) for post in missing))

    def close(self) -> None:
        self._client.close()

    def search(self, term: str, low: int, high: int | None, page: int, now: datetime) -> tuple[list[Any], bool]:
        """(excerpts, newest first; whether more follow)."""
        # Both methods must be free: a page whose posts cannot be fetched would be asked for twice.
        self._wait((_SEARCH, _POSTS), now)
        params: dict[str, str | int] = {
            "q": f'"{_quotable(term)}"',
            "sort": "creation",
            "order": "desc",
            "fromdate": low,
            "page": page + 1,
            "pagesize": self._settings.page_size,
        }
        if high is not None:
            params["todate"] = high
        found = self._ask(_SEARCH, _SEARCH, params, now)
        return found["items"], found.get("has_more") is True

    def posts(self, ids: list[str], now: datetime) -> Mapping[str, Mapping[str, Any]]:
        """The posts with these ids that still exist, whole."""
        wanted = [one for one in ids if one not in self._kept]
        if wanted:
            params: dict[str, str | int] = {"filter": "withbody", "pagesize": PAGE}
            for post in self._ask(_POSTS, f"{_POSTS}/{';'.join(wanted)}", params, now)["items"]:
                if isinstance(post, dict) and (one := label(post.get("post_id"))):
                    self._kept[one] = post
        found = {one: self._kept[one] for one in ids if one in self._kept}
        for one in [*self._kept][:-KEPT]:
            del self._kept[one]
        return found

    def _wait(self, methods: tuple[str, ...], now: datetime) -> None:
        again = max((self._not_before.get(method, now) for method in methods), default=now)
        if again > now:
            raise RateLimited(f"{SITE} asks to wait until {again:%H:%M:%S} UTC before the same question", again)
        if self._quota_until is not None and self._quota_until <= now:
            self._quota = self._quota_until = None
        if self._quota is not None and self._quota < RESERVE:
            raise RateLimited(
                f"{SITE} has no requests left for today; they come back at midnight UTC. A free key (key_env) gives more",
                self._quota_until,
            )

    def _ask(self, method: str, path: str, params: dict[str, str | int], now: datetime) -> dict[str, Any]:
        params["site"] = self._settings.site
        if key := read_secret(self._settings, "key"):
            params["key"] = key
        found = self._client.json(path, now, params)
        if not isinstance(found, dict) or not isinstance(found.get("items"), list):
            raise Malformed(f"{SITE} answered without a list of posts; its API may have changed")
        backoff, quota = found.get("backoff"), found.get("quota_remaining")
        if isinstance(backoff, int) and backoff > 0:
            self._not_before[method] = now + timedelta(seconds=min(backoff, 86_400))
        if isinstance(quota, int):
            self._quota, self._quota_until = quota, _tomorrow(now)
        return found


class _Term:
    """What the search finds for one term, newest first; positions are those of `connectors.slices`."""

    def __init__(self, source: StackExchange, term: str, now: datetime) -> None:
        self._source = source
        self._term = term
        self._now = now
        self._site = source._settings.site
        self._size = source._settings.page_size

    def read(self, since: datetime, position: Json) -> Batch:
        place = place_of(position)
        hits, more = self._source.search(self._term, int(since.timestamp()), place.until, place.page, self._now)
        dated = [
            (second, one, hit)
            for hit in hits
            if isinstance(hit, dict) and (second := _second(hit)) is not None and (one := _id(hit))
        ]
        fresh = [(second, one, hit) for second, one, hit in dated if one not in place.seen]
        whole = self._source.posts([one for _, one, _ in fresh], self._now)
        posts = tuple(
            Post(datetime.fromtimestamp(second, UTC), self._mention(one, hit, whole.get(one), second))
            for second, one, hit in fresh
        )
        read = [(second, one) for second, one, _ in dated]
        return Batch(posts, onward(place, read, self._size, self._size * PAGES) if more else None)

    def _mention(self, one: str, hit: Mapping[str, Any], post: Mapping[str, Any] | None, second: int) -> Mention | None:
        """The mention, or None where the post is gone or does not hold the term as whole words."""
        if post is None:
            return None
        is_answer = hit.get("item_type") == "answer"
        found = _mention(self._site, one, hit, post, is_answer, datetime.fromtimestamp(second, UTC))
        tags = hit.get("tags")
        words = " ".join(label(tag) for tag in tags) if isinstance(tags, list) and not is_answer else ""
        if found is None or not mentions(matcher([self._term]), found.text, found.title, words):
            return None
        return found


def _mention(
    site: str, one: str, asked: Mapping[str, Any], post: Mapping[str, Any], is_answer: bool, at: datetime
) -> Mention | None:
    """The post, whatever it says. `asked` knows its question and title, `post` the rest; they may be the same."""
    body, owner = post.get("body"), post.get("owner")
    if not isinstance(body, str) or not isinstance(owner, dict):
        return None
    title = "" if is_answer else unescape(label(asked.get("title")))  # an answer's title is its question's
    text = plain(body) or title
    name = unescape(label(owner.get("display_name")))
    author = label(owner.get("user_id")) or name  # whoever deleted the account has a name only
    if not (text and author):
        return None
    question = label(asked.get("question_id"))
    counts = {"score": post.get("score"), "replies": None if is_answer else asked.get("answer_count")}
    return Mention(
        platform="stackexchange",
        external_id=f"{site}:{one}",
        text=text,
        published_at=at,
        author=Author(f"{site}:{author}", name=name),
        url=safe_url(post.get("link")),
        title=title,
        kind="comment" if is_answer else "post",
        parent_id=f"{site}:{question}" if is_answer and question else None,
        thread_id=f"{site}:{question}" if question else None,
        engagement={key: count for key, count in counts.items() if isinstance(count, int)},
    )


def _explain(answer: Answer, now: datetime) -> ConnectorError | None:
    """Errors have a body with error_id and error_name; the status is 400 for most (api.stackexchange.com/docs/error-handling)."""
    try:
        told = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None
    number = told.get("error_id") if isinstance(told, dict) else None
    if not isinstance(number, int):
        return None
    name, words = label(told.get("error_name")), label(told.get("error_message")).casefold()
    if number == 502:  # throttle_violation: "too many requests from this IP, more requests available in N seconds"
        seconds = next((int(word) for word in words.split() if word.isdigit() and len(word) < 7), 0)
        again = now + timedelta(seconds=min(seconds, 86_400)) if seconds else _tomorrow(now)
        return RateLimited(f"{SITE} asks to wait ({name}), not before {again:%H:%M:%S} UTC", again)
    if number in (401, 402, 403, 405, 406):
        return AccessDenied(f"{SITE} refuses access ({name}); check the key, or leave it out")
    if number in (500, 503):
        return Unavailable(f"{SITE} has a failure of its own ({name}); it is asked again later")
    return None


def _id(hit: Mapping[str, Any]) -> str:
    return label(hit.get("answer_id") if hit.get("item_type") == "answer" else hit.get("question_id"))


def _second(hit: Mapping[str, Any]) -> int | None:
    second = hit.get("creation_date")
    return second if isinstance(second, int) and 0 < second < 10_000_000_000 else None


def _tomorrow(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def _quotable(term: str) -> str:
    """Quotes would end the phrase; the matching here is strict anyway."""
    return " ".join(term.replace('"', " ").split())


connector = Connector(
    name="stackexchange",
    summary="Stack Exchange questions and answers, one site a source",
    settings=StackExchangeSettings,
    open=StackExchange,
    every=timedelta(minutes=15),
    credentials="none; a free key for more than 300 requests a day",
    policy=Policy(
        recheck=timedelta(days=1),
        note="CC BY-SA: name the author and link the post; an id that is not given back is gone",
    ),
    recheck_batch=PAGE,
)
