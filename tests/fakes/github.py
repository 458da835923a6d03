"""GitHub's issue search: created ranges by the second, 1,000 results a query, limits as 403, slices it did not finish."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from tests.fakes.http import Asked, FakeServer, Reply

RESULTS_PER_QUERY = 1000
TOKEN = "token-of-the-tests"


class FakeGitHub(FakeServer):
    def __init__(self) -> None:
        super().__init__()
        self.posts: dict[str, dict[str, Any]] = {}  # by node id
        self.replies: list[Reply] = []  # given in place of the next results
        self.headers: dict[str, str] = {}  # of every answer
        self.widest: int | None = None  # seconds; a wider slice is not searched whole
        self._next_id = 1000

    def publish(
        self,
        body: str | None = "My **Acme** is fine",
        at: datetime | None = None,
        *,
        title: str = "A question",
        kind: str = "issue",
        user: dict[str, Any] | None = None,
        no_user: bool = False,
    ) -> str:
        """Returns the node id."""
        at = at or datetime.now(UTC)
        with self.lock:
            self._next_id += 1
            node = f"I_{self._next_id}"
            place = "pull" if kind == "pull-request" else "issues"
            self.posts[node] = {
                "id": self._next_id,
                "node_id": node,
                "number": self._next_id,
                "html_url": f"https://github.com/maker/app/{place}/{self._next_id}",
                "title": title,
                "body": body,
                "state": "open",
                "user": None if no_user else user or {"login": "alice", "id": 5, "type": "User"},
                "created_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "comments": 2,
                "reactions": {"total_count": 4, "+1": 4},
            } | ({"pull_request": {"url": "…"}} if kind == "pull-request" else {})
            return node

    def delete(self, node: str) -> None:
        with self.lock:
            del self.posts[node]

    def edit(self, node: str, body: str) -> None:
        with self.lock:
            self.posts[node]["body"] = body

    def answer(self, asked: Asked) -> Reply:
        if asked.path != "/search/issues" or asked.headers.get("accept") != "application/vnd.github+json":
            return Reply.json({"message": "Not Found"}, 404)
        query = asked.first("q")
        is_pull = "is:pull-request" in query
        if is_pull == ("is:issue" in query) or len(query) > 300:
            return Reply.json({"message": "Query must include 'is:issue' or 'is:pull-request'"}, 422)
        size, page = int(asked.first("per_page", "30")), int(asked.first("page", "1"))
        if page * size > RESULTS_PER_QUERY + size - 1:
            return Reply.json({"message": "Only the first 1000 search results are available"}, 422)
        span = re.search(r"created:(?:>=(?P<from>\S+)|(?P<low>[^.\s]+)\.\.(?P<high>\S+))", query)
        assert span is not None
        low, high = span["from"] or span["low"], span["high"] or "9999"
        words = re.findall(r'"([^"]*)"', query)[0].casefold()
        with self.lock:
            if self.replies:
                return self.replies.pop(0)
            found = [
                post
                for post in self.posts.values()
                if low <= post["created_at"] <= high
                and ("pull_request" in post) == is_pull
                and words[:3] in f"{post['title']} {post['body']}".casefold()
            ]
        found.sort(key=lambda post: (post["created_at"], post["id"]), reverse=True)
        newest = max((post["created_at"] for post in self.posts.values()), default=low)
        unfinished = self.widest is not None and _seconds(low, min(high, newest)) > self.widest
        if unfinished:
            found = found[1::2]
        found = found[:RESULTS_PER_QUERY]
        shown = found[(page - 1) * size : page * size]
        body = {"total_count": len(found), "incomplete_results": unfinished, "items": shown}
        reply = Reply.json(body)
        return Reply(reply.status, reply.body, {**reply.headers, **self.headers})


def _seconds(low: str, high: str) -> float:
    return (datetime.fromisoformat(high) - datetime.fromisoformat(low)).total_seconds()
