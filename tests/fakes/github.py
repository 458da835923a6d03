"""GitHub: the issue search (ranges by the second, 1,000 results, limits as 403, slices it did not finish), and GraphQL."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from tests.fakes.http import Asked, FakeServer, Reply

RESULTS_PER_QUERY = 1000
RESET = "2026-11-02T10:00:00Z"  # when GraphQL's limit begins anew
TOKEN = "token-of-the-tests"


class FakeGitHub(FakeServer):
    def __init__(self) -> None:
        super().__init__()
        self.posts: dict[str, dict[str, Any]] = {}  # by node id
        self.replies: list[Reply] = []  # given in place of the next results
        self.headers: dict[str, str] = {}  # of every answer
        self.widest: int | None = None  # seconds; a wider slice is not searched whole
        self.told: list[Reply] = []  # given in place of the next answers to GraphQL
        self.left = 5000  # questions that GraphQL answers
        self.shut: set[str] = set()  # posts that the token may not see
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
            node = f"{'D' if kind == 'discussion' else 'I'}_{self._next_id}"
            place = {"pull-request": "pull", "discussion": "discussions"}.get(kind, "issues")
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
        if asked.path == "/graphql":
            return self._graphql(asked)
        if alone := re.fullmatch(r"/repos/maker/app/issues/(\d+)", asked.path):
            with self.lock:
                found = [post for post in self.posts.values() if post["number"] == int(alone[1])]
            return Reply.json(found[0]) if found else Reply.json({"message": "Not Found"}, 404)
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
                and not post["node_id"].startswith("D_")
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

    def _graphql(self, asked: Asked) -> Reply:
        """Status 200 for nearly everything; the limit and the errors stand in the body."""
        if not asked.headers.get("authorization", "").startswith("Bearer "):
            return Reply.json({"message": "This endpoint requires you to be authenticated."}, 401)
        with self.lock:
            if self.told:
                return self.told.pop(0)
            if self.left < 1:
                return graphql_error("RATE_LIMITED", "API rate limit exceeded")
            self.left -= 1
            variables = json.loads(asked.body)["variables"]
            data, errors = self._nodes(variables["ids"]) if "ids" in variables else self._discussions(variables)
        data["rateLimit"] = {"remaining": self.left, "resetAt": RESET}
        return Reply.json({"data": data} | ({"errors": errors} if errors else {}))

    def _nodes(self, ids: list[str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        nodes: list[Any] = []
        errors: list[dict[str, Any]] = []
        for number, one in enumerate(ids):
            post = self.posts.get(one)
            if post is None or one in self.shut:
                kind = "FORBIDDEN" if one in self.shut else "NOT_FOUND"
                errors.append({"type": kind, "path": ["nodes", number], "message": "Could not resolve to a node"})
            nodes.append(None if post is None or one in self.shut else _node(post))
        return {"nodes": nodes}, errors

    def _discussions(self, variables: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """In no order that could be relied on."""
        query = variables["q"]
        span = re.search(r"created:(?:>=(?P<from>\S+)|(?P<low>[^.\s]+)\.\.(?P<high>\S+))", query)
        assert span is not None
        low, high = span["from"] or span["low"], span["high"] or "9999"
        words = re.findall(r'"([^"]*)"', query)[0].casefold()
        found = [
            post
            for post in self.posts.values()
            if post["node_id"].startswith("D_")
            and low <= post["created_at"] <= high
            and words[:3] in f"{post['title']} {post['body']}".casefold()
        ]
        found = sorted(found, key=lambda post: str(post["id"])[::-1])[:RESULTS_PER_QUERY]
        start = int(variables["after"] or 0)
        end = start + variables["first"]
        page = {"hasNextPage": end < len(found), "endCursor": str(end)}
        nodes = [_node(post) for post in found[start:end]]
        return {"search": {"discussionCount": len(found), "pageInfo": page, "nodes": nodes}}, []


def graphql_error(kind: str, message: str, **headers: str) -> Reply:
    """An error as GraphQL puts it: with status 200."""
    return Reply.json({"data": None, "errors": [{"type": kind, "message": message}]}, **headers)


def _node(post: dict[str, Any]) -> dict[str, Any]:
    user = post["user"]
    node = {
        "id": post["node_id"],
        "url": post["html_url"],
        "title": post["title"],
        "body": post["body"] or "",
        "createdAt": post["created_at"],
        "author": user and {"__typename": user["type"], "login": user["login"]},
        "comments": {"totalCount": post["comments"]},
        "reactions": {"totalCount": post["reactions"]["total_count"]},
    }
    return node | ({"upvoteCount": 7} if post["node_id"].startswith("D_") else {})


def _seconds(low: str, high: str) -> float:
    return (datetime.fromisoformat(high) - datetime.fromisoformat(low)).total_seconds()
