"""A Discourse forum: the listing of newest posts by id, fixed pages, waits in headers or in the body."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from tests.fakes.http import Asked, FakeServer, Reply


class FakeDiscourse(FakeServer):
    def __init__(self, page: int = 50, *, old: bool = False) -> None:
        super().__init__()
        self.page = page
        self.old = old  # as older versions did: what is found among so many ids, the one of `before` included
        self.posts: dict[int, dict[str, Any]] = {}
        self.replies: list[Reply] = []  # given in place of the next listings
        self.private: set[int] = set()  # posts and topics that were moved to a place for members
        self._next_id = 500

    def publish(
        self,
        cooked: str = "<p>My Acme is <em>fine</em></p>",
        at: datetime | None = None,
        *,
        number: int = 2,
        title: str = "Kettles",
        **fields: Any,
    ) -> int:
        """Returns the post's id."""
        at = at or datetime.now(UTC)
        with self.lock:
            self._next_id += 1
            self.posts[self._next_id] = {
                "id": self._next_id,
                "name": "Alice A.",
                "username": "alice",
                "user_id": 7,
                "created_at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "cooked": cooked,
                "raw": cooked,
                "post_number": number,
                "post_type": 1,
                "reply_count": 1,
                "topic_id": 31,
                "topic_slug": "kettles",
                "topic_title": title,
                "actions_summary": [{"id": 2, "count": 5}],
                "hidden": False,
                "user_deleted": False,
            } | fields
            return self._next_id

    def skip_ids(self, number: int) -> None:
        """As posts of private places do."""
        with self.lock:
            self._next_id += number

    def delete(self, one: int) -> None:
        with self.lock:
            del self.posts[one]

    def edit(self, one: int, cooked: str) -> None:
        with self.lock:
            self.posts[one]["cooked"] = cooked

    def answer(self, asked: Asked) -> Reply:
        if single := re.fullmatch(r"/(posts|t)/(\d+)\.json", asked.path):
            return self._single(single[1], int(single[2]))
        if asked.path != "/posts.json":
            return Reply.json({"errors": ["not found"], "error_type": "not_found"}, 404)
        with self.lock:
            if self.replies:
                return self.replies.pop(0)
            before = int(asked.first("before") or self._next_id + (not self.old))
            if self.old:
                ids = [one for one in self.posts if before - self.page < one <= before]
            else:
                ids = [one for one in self.posts if one < before]
            shown = [self.posts[one] for one in sorted(ids, reverse=True)[: self.page]]
            return Reply.json({"latest_posts": shown})

    def _single(self, what: str, one: int) -> Reply:
        """A post alone does not know its topic's title; a topic shows its first twenty."""
        with self.lock:
            if one in self.private:
                return Reply.json({"errors": ["no"], "error_type": "invalid_access"}, 403)
            posts = [post for post in self.posts.values() if post["id" if what == "posts" else "topic_id"] == one]
            if not posts:
                return Reply.json({"errors": ["not found"], "error_type": "not_found"}, 404)
            shown = [{key: part for key, part in post.items() if key != "topic_title"} for post in posts]
            if what == "posts":
                return Reply.json(shown[0])
            return Reply.json({"id": one, "title": posts[0]["topic_title"], "post_stream": {"posts": shown[:20]}})
