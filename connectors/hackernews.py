"""Hacker News: stories and comments that name a term, through the public search API of hn.algolia.com.

No account. The API gives at most 1,000 hits a query and tolerates typing errors, so the time line is read in slices by
`created_at_i` and every hit is matched again here, as whole words in text, title or link. Stored posts are looked up
again at Hacker News itself, which says what was deleted or killed; its answer to an id that it does not know tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import Field

from connectors.base import (
    Author,
    Connector,
    Cursor,
    Json,
    Kind,
    Known,
    Looked,
    Malformed,
    Mention,
    Page,
    Policy,
    SourceContext,
    SourceSettings,
)
from connectors.http import Client
from connectors.lookup import GONE, Found, one_by_one
from connectors.text import label, matcher, mentions, plain, safe_url
from connectors.walk import Batch, Post, Reach, walk

SITE = "Hacker News"
PLATFORM = "hackernews"
LOOK_UPS = 20  # posts looked up at once, one request each
MOST_HITS = 1000  # of one query, over all its pages
_REMOVED = frozenset({"", "[deleted]", "[dead]", "[flagged]"})


class HackerNewsSettings(SourceSettings):
    """Keys of a Hacker News source."""

    terms: tuple[str, ...] = Field(
        default=(), description="words and phrases to search for; default: the brand's names"
    )
    history: timedelta = Field(
        default=timedelta(days=1), gt=timedelta(0), description="how far the first poll reads back"
    )
    lookback: timedelta = Field(
        default=timedelta(minutes=15),
        ge=timedelta(0),
        description="how late a post may show up in the search and still be found",
    )
    page_size: int = Field(default=100, ge=1, le=MOST_HITS, description="posts asked for at once")
    item_url: str | None = Field(default=None, description="where stored posts are looked up again; for tests")


class HackerNews:
    """A source: one timeline per term."""

    def __init__(self, settings: HackerNewsSettings, context: SourceContext) -> None:
        self._client = Client(
            SITE,
            settings.base_url or "https://hn.algolia.com",
            context.user_agent,
            settings.timeout,
            intranet=context.intranet,
        )
        self._items = Client(
            SITE,
            settings.item_url or "https://hacker-news.firebaseio.com",
            context.user_agent,
            settings.timeout,
            intranet=context.intranet,
        )
        self._terms = settings.terms or context.terms
        self._size = settings.page_size
        self._reach = Reach(settings.history, settings.lookback, settings.page_cap)

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        timelines = {f"term:{term}": _Term(self._client, term, self._size, now) for term in self._terms}
        yield from walk(timelines, cursor, now, self._reach)

    def recheck(self, posts: Sequence[Known], now: datetime) -> Looked:
        """Ask for each post by its id."""
        return one_by_one(PLATFORM, posts, lambda post: self._look(post, now))

    def close(self) -> None:
        self._client.close()
        self._items.close()

    def _look(self, post: Known, now: datetime) -> Found:
        if not post.external_id.isdecimal():
            return None
        said = self._items.json(f"/v0/item/{post.external_id}.json", now)
        if not isinstance(said, dict) or str(said.get("id")) != post.external_id:
            return None
        if said.get("deleted") is True or said.get("dead") is True:
            return GONE
        hit = {
            "objectID": post.external_id,
            "author": said.get("by"),
            "points": said.get("score"),
            "num_comments": said.get("descendants"),
            "parent_id": said.get("parent"),
            "story_id": post.thread_id,
            "title": said.get("title"),
            "url": said.get("url"),
            "comment_text" if said.get("type") == "comment" else "story_text": said.get("text"),
        }
        return _read(hit, post.published_at)


@dataclass(frozen=True, slots=True)
class _Term:
    """What the search finds for one term, newest first.

    A position is {"until": second, "seen": ids of that second}, so that reading on repeats nothing; where a whole page is
    of one second, "page" counts on within it.
    """

    client: Client
    term: str
    size: int
    now: datetime

    def read(self, since: datetime, position: Json) -> Batch:
        place = position if isinstance(position, dict) else {}
        until, number, seen = place.get("until"), int(str(place.get("page", 0))), place.get("seen")
        bounds = [f"created_at_i>={int(since.timestamp())}"]
        if until is not None:
            bounds.append(f"created_at_i<={until}")
        found = self.client.json(
            "/api/v1/search_by_date",
            self.now,
            {
                "query": f'"{_quotable(self.term)}"',
                "tags": "(story,comment)",
                "numericFilters": ",".join(bounds),
                "hitsPerPage": self.size,
                "page": number,
            },
        )
        hits = found.get("hits") if isinstance(found, dict) else None
        if not isinstance(hits, list):
            raise Malformed(f"{SITE} answered without a list of hits; its API may have changed")
        known = {label(one) for one in seen} if isinstance(seen, list) else set()
        dated = [(second, hit) for hit in hits if isinstance(hit, dict) and (second := _second(hit)) is not None]
        posts = tuple(
            Post(datetime.fromtimestamp(second, UTC), _mention(hit, second, self.term))
            for second, hit in dated
            if label(hit.get("objectID")) not in known
        )
        if len(hits) < self.size or not dated:
            return Batch(posts, None)
        newest, oldest = dated[0][0], dated[-1][0]
        # Pages are counted among the posts up to `until`, so a count means nothing once an older second is reached.
        if newest > oldest or (isinstance(until, int) and until > oldest):
            read: list[Json] = [label(hit.get("objectID")) for second, hit in dated if second == oldest]
            return Batch(posts, {"until": oldest, "seen": read})
        if (number + 1) * self.size < MOST_HITS:
            return Batch(posts, {"until": oldest, "page": number + 1, "seen": [*sorted(known)]})
        return Batch(posts, {"until": oldest - 1})  # the API gives no more than this of one second


def _mention(hit: Mapping[str, Any], second: int, term: str) -> Mention | None:
    """The mention, or None where the hit is deleted or matched only by the search's tolerance."""
    found = _read(hit, datetime.fromtimestamp(second, UTC))
    link = safe_url(hit.get("url"))
    return found if found and mentions(matcher([term]), found.text, found.title, link) else None


def _read(hit: Mapping[str, Any], at: datetime) -> Mention | None:
    """The post, whatever it says; None where it lost its author or its words."""
    one = label(hit.get("objectID"))
    author = label(hit.get("author"))
    is_comment = isinstance(hit.get("comment_text"), str)
    title = "" if is_comment else label(hit.get("title"))  # a comment's story title is not its author's words
    html = hit.get("comment_text") if is_comment else hit.get("story_text")
    text = plain(html) if isinstance(html, str) else ""
    if text in _REMOVED:
        text = "" if is_comment else title  # a story that is a link says what it says in its title
    if not (one and author and text):
        return None
    kind: Kind = "comment" if is_comment else "post"
    counts = {"score": hit.get("points"), "replies": hit.get("num_comments")}
    return Mention(
        platform=PLATFORM,
        external_id=one,
        text=text,
        published_at=at,
        author=Author(author, author),
        url=f"https://news.ycombinator.com/item?id={one}",
        title=title,
        kind=kind,
        parent_id=label(hit.get("parent_id")) or None,
        thread_id=label(hit.get("story_id")) or None,
        engagement={name: count for name, count in counts.items() if isinstance(count, int)},
    )


def _second(hit: Mapping[str, Any]) -> int | None:
    second = hit.get("created_at_i")
    return second if isinstance(second, int) and 0 < second < 10_000_000_000 else None


def _quotable(term: str) -> str:
    """Quotes would end the phrase; the matching here is strict anyway."""
    return " ".join(term.replace('"', " ").split())


connector = Connector(
    name="hackernews",
    summary="Hacker News stories and comments",
    settings=HackerNewsSettings,
    open=HackerNews,
    every=timedelta(minutes=5),
    least=timedelta(minutes=1),
    credentials="none",
    policy=Policy(
        recheck=timedelta(days=1),
        note="public posts; the search API is unofficial, about 10,000 requests an hour and address",
    ),
    recheck_batch=LOOK_UPS,
)
