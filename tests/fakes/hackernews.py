"""Hacker News as its search API answers: newest first, typo-tolerant, 1,000 hits a query, HTML text."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from tests.fakes.http import Asked, FakeServer, Reply

HITS_PER_QUERY = 1000


class FakeHackerNews(FakeServer):
    def __init__(self) -> None:
        super().__init__()
        self.posts: dict[str, dict[str, Any]] = {}
        self.limit: int | None = None  # look-ups that are answered
        self.killed: set[str] = set()  # by moderators, or by flags
        self._next_id = 42_000_000

    def publish(
        self,
        text: str = "Acme is fine",
        at: datetime | None = None,
        *,
        author: str = "alice",
        title: str | None = None,
        url: str | None = None,
        parent: str | None = None,
    ) -> str:
        """A comment; with a `title` a story. Returns its id."""
        at = at or datetime.now(UTC)
        with self.lock:
            self._next_id += 1
            one = str(self._next_id)
            kind = "comment" if title is None else "story"
            story = parent or ("41000000" if kind == "comment" else one)
            hit: dict[str, Any] = {
                "objectID": one,
                "author": author,
                "created_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "created_at_i": int(at.timestamp()),
                "story_id": int(story),
                "_tags": [kind, f"author_{author}", f"story_{story}"],
            }
            if kind == "comment":
                hit |= {"comment_text": text, "parent_id": int(story), "story_title": "A story"}
            else:
                hit |= {"title": title, "story_text": text or None, "url": url, "points": 3, "num_comments": 1}
            self.posts[one] = hit
            return one

    def delete(self, one: str) -> None:
        """Deleted posts may stay hits for a while, without their words."""
        with self.lock:
            hit = self.posts[one]
            hit.pop("comment_text", None)
            hit |= {"author": None, "story_text": None, "title": None, "story_title": None}

    def edit(self, one: str, text: str) -> None:
        with self.lock:
            self.posts[one]["comment_text"] = text

    def answer(self, asked: Asked) -> Reply:
        if item := re.fullmatch(r"/v0/item/(\d+)\.json", asked.path):
            if self.limit is not None:
                self.limit -= 1
                if self.limit < 0:
                    return Reply(429, b"{}", {"Retry-After": "30"})
            return Reply.json(self._item(item[1]))
        if asked.path != "/api/v1/search_by_date":
            return Reply.json({"message": "Not found"}, 404)
        size = min(int(asked.first("hitsPerPage", "20")), 1000)
        page = int(asked.first("page", "0"))
        low, high = 0, 2**40
        for bound in asked.first("numericFilters").split(","):
            found = re.fullmatch(r"created_at_i(>=|<=|>|<)(\d+)", bound)
            if found is None:
                return Reply.json({"message": "invalid numericFilters"}, 400)
            number = int(found[2])
            if found[1].startswith(">"):
                low = max(low, number + (found[1] == ">"))
            else:
                high = min(high, number - (found[1] == "<"))
        words = asked.first("query").strip('"').casefold()
        with self.lock:
            hits = [hit for hit in self.posts.values() if low <= hit["created_at_i"] <= high and _near(words, hit)]
        hits.sort(key=lambda hit: (hit["created_at_i"], int(hit["objectID"])), reverse=True)
        hits = hits[:HITS_PER_QUERY]
        shown = hits[page * size : (page + 1) * size]
        return Reply.json(
            {"hits": shown, "nbHits": len(hits), "page": page, "nbPages": -(-len(hits) // size), "hitsPerPage": size}
        )

    def _item(self, one: str) -> dict[str, Any] | None:
        """As Hacker News itself knows it; null for what it does not."""
        with self.lock:
            hit = self.posts.get(one)
        if hit is None:
            return None
        kind = hit["_tags"][0]
        item: dict[str, Any] = {"id": int(one), "type": kind, "time": hit["created_at_i"]}
        if hit["author"] is None:
            return item | {"deleted": True}
        item |= {"by": hit["author"], "kids": [1]}
        if kind == "comment":
            item |= {"text": hit["comment_text"], "parent": hit["parent_id"]}
        else:
            item |= {"title": hit["title"], "score": hit["points"], "descendants": hit["num_comments"]}
            item |= {key: hit[name] for key, name in (("text", "story_text"), ("url", "url")) if hit[name]}
        return item | ({"dead": True} if one in self.killed else {})


def _near(words: str, hit: dict[str, Any]) -> bool:
    """Typo tolerance: a word that begins alike is found too. Posts emptied by their author stay in the index."""
    text = " ".join(str(hit.get(key) or "") for key in ("comment_text", "story_text", "title", "url")).casefold()
    return not text.strip() or words[:3] in text
