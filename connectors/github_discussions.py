"""Discussions of GitHub that name a term, by its GraphQL search, which is there for tokens only.

That search promises no order, so nothing rests on one: a slice of the time line is read whole, page by page, before it
counts, and a slice that holds too much is halved first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.base import Json, Malformed, Mention
from connectors.github_graphql import LIMIT, POST, GraphQL, as_result
from connectors.github_posts import SITE, id_of, mention_of, names, second_of, stamp
from connectors.slices import place_of
from connectors.walk import Batch, Post

PAGES = 3  # of one slice; with more it is halved, down to a single second
MOST = 1000  # results of one query, over all its pages

_QUERY = (
    "query($q: String!, $first: Int!, $after: String) {"
    " search(query: $q, type: DISCUSSION, first: $first, after: $after) {"
    f" discussionCount pageInfo {{ hasNextPage endCursor }} nodes {{ ... on Discussion {{ {POST} upvoteCount }} }} }}"
    f" {LIMIT} }}"
)


class Discussions:
    """What the search finds for one term. A position is {"until": the second from which it goes on downwards}."""

    def __init__(
        self, ask: GraphQL, term: str, qualifiers: Sequence[str], size: int, now: datetime, *, skip_bots: bool
    ) -> None:
        self._ask = ask
        self._term = term
        self._qualifiers = qualifiers
        self._size = size
        self._now = now
        self._skip_bots = skip_bots

    def read(self, since: datetime, position: Json) -> Batch:
        start = int(since.timestamp())
        nodes, low = self._slice(start, place_of(position).until)
        dated: dict[str, tuple[int, Mapping[str, Any]]] = {}
        for node in nodes:
            result = as_result(node) if isinstance(node, dict) else {}
            if (one := id_of(result)) and (second := second_of(result)) is not None:
                dated[one] = (second, result)
        newest_first = sorted(dated.items(), key=lambda found: found[1][0], reverse=True)
        posts = tuple(
            Post(datetime.fromtimestamp(second, UTC), self._mention(one, result, second))
            for one, (second, result) in newest_first
        )
        return Batch(posts, {"until": low - 1} if low > start else None)

    def _slice(self, low: int, high: int | None) -> tuple[list[Any], int]:
        """(all discussions of a slice, the second down to which it reaches)."""
        found = self._page(low, high, None)
        top = int(self._now.timestamp()) if high is None else high
        while _count(found) > PAGES * self._size and low < top:
            low = (low + top + 1) // 2
            found = self._page(low, high, None)
        if high is None and _onward(found):
            # What arrives while the pages are read must not move them; it is found by the next poll.
            high = max(low, top)
            found = self._page(low, high, None)
        nodes = [*found["nodes"]]
        while (onward := _onward(found)) and len(nodes) < MOST:
            found = self._page(low, high, onward)
            nodes += found["nodes"]
        return nodes, low

    def _page(self, low: int, high: int | None, after: str | None) -> Mapping[str, Any]:
        created = f"created:>={stamp(low)}" if high is None else f"created:{stamp(low)}..{stamp(high)}"
        words = " ".join(self._term.replace('"', " ").split())
        query = " ".join([f'"{words}"', "in:title,body", created, *self._qualifiers])
        told = self._ask.ask(_QUERY, {"q": query, "first": self._size, "after": after}, self._now)
        found = told.data.get("search")
        if not isinstance(found, dict) or not isinstance(found.get("nodes"), list):
            raise Malformed(f"{SITE} answered without a list of discussions; its API may have changed")
        return found

    def _mention(self, one: str, result: Mapping[str, Any], second: int) -> Mention | None:
        found = mention_of(one, result, datetime.fromtimestamp(second, UTC), skip_bots=self._skip_bots)
        return found if found and names(self._term, found, result) else None


def _count(found: Mapping[str, Any]) -> int:
    count = found.get("discussionCount")
    return count if isinstance(count, int) else len(found["nodes"])


def _onward(found: Mapping[str, Any]) -> str:
    """Where the next page begins; empty where there is none."""
    page = found.get("pageInfo")
    if not isinstance(page, dict) or page.get("hasNextPage") is not True:
        return ""
    cursor = page.get("endCursor")
    return cursor if isinstance(cursor, str) else ""
