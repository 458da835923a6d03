"""A Stack Exchange site: excerpts by creation, posts by id, quota and back-off in the body, errors with error_id."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from tests.fakes.http import Asked, FakeServer, Reply

PAGES_WITHOUT_ACCOUNT = 25


class FakeStackExchange(FakeServer):
    def __init__(self) -> None:
        super().__init__()
        self.posts: dict[int, dict[str, Any]] = {}
        self.deleted: set[int] = set()
        self.quota = 10_000
        self.backoff: dict[str, int] = {}  # method -> seconds told with its next answer
        self.fails: list[tuple[int, str, str]] = []  # (error_id, error_name, error_message) of the next answers
        self._next_id = 79_000_000

    def publish(
        self,
        body: str = "<p>My Acme is <em>fine</em></p>",
        at: datetime | None = None,
        *,
        title: str = "What about Acme?",
        answers: str | None = None,
        owner: dict[str, Any] | None = None,
    ) -> str:
        """A question, or an answer to the one named. Returns the external id."""
        at = at or datetime.now(UTC)
        with self.lock:
            self._next_id += 1
            self.posts[self._next_id] = {
                "post_id": self._next_id,
                "post_type": "answer" if answers else "question",
                "question_id": int(answers.split(":")[1]) if answers else self._next_id,
                "title": title,
                "body": body,
                "creation_date": int(at.timestamp()),
                "score": 3,
                "link": f"https://stackoverflow.com/{'a' if answers else 'q'}/{self._next_id}",
                "owner": owner or {"user_id": 12, "user_type": "registered", "display_name": "J&#246;rg"},
            }
            return f"stackoverflow:{self._next_id}"

    def delete(self, external_id: str) -> None:
        """Gone by id at once; the search may show it for a while."""
        with self.lock:
            self.deleted.add(int(external_id.split(":")[1]))

    def edit(self, external_id: str, body: str) -> None:
        with self.lock:
            self.posts[int(external_id.split(":")[1])]["body"] = body

    def answer(self, asked: Asked) -> Reply:
        with self.lock:
            if self.fails:
                number, name, message = self.fails.pop(0)
                return Reply.json({"error_id": number, "error_name": name, "error_message": message}, 400)
            if self.quota < 1:
                return _error(502, "throttle_violation", "too many requests from this IP")
            self.quota -= 1
            if asked.path == "/2.3/search/excerpts":
                return self._excerpts(asked)
            if whole := re.fullmatch(r"/2\.3/(questions|answers)/([\d;]+)", asked.path):
                return self._whole(whole[1], [int(one) for one in whole[2].split(";")])
            ids = re.fullmatch(r"/2\.3/posts/([\d;]+)", asked.path)
            if ids is None:
                return _error(404, "no_method", "this method cannot be called")
            keys = ("post_id", "post_type", "owner", "score", "link", "body", "creation_date")
            wanted = [int(one) for one in ids[1].split(";") if int(one) not in self.deleted]
            found = [{key: self.posts[one][key] for key in keys} for one in wanted if one in self.posts]
            return self._wrap("posts", found, False)

    def _whole(self, method: str, ids: list[int]) -> Reply:
        """Questions or answers; a question's body comes with its title, an answer's with that of its question."""
        if len(ids) > 100:
            return _error(400, "bad_parameter", "ids")
        kind = method.removesuffix("s")
        found = []
        for one in ids:
            post = self.posts.get(one)
            if post is None or one in self.deleted or post["post_type"] != kind:
                continue
            keys = ("question_id", "owner", "score", "link", "title", "body", "creation_date")
            found.append({key: post[key] for key in keys} | {"answer_id": one} | {"answer_count": 1})
            if kind == "question":
                del found[-1]["answer_id"]
        return self._wrap(method, found, False)

    def _excerpts(self, asked: Asked) -> Reply:
        page, size = int(asked.first("page", "1")), int(asked.first("pagesize", "30"))
        if page > PAGES_WITHOUT_ACCOUNT:
            return _error(403, "access_denied", "page above 25 requires access token or app key")
        low, high = int(asked.first("fromdate", "0")), int(asked.first("todate") or 2**40)
        words = asked.first("q").strip('"').casefold()
        hits = [post for post in self.posts.values() if low <= post["creation_date"] <= high and _near(words, post)]
        hits.sort(key=lambda post: (post["creation_date"], post["post_id"]), reverse=True)
        shown = [_excerpt(post) for post in hits[(page - 1) * size : page * size]]
        return self._wrap("search", shown, page * size < len(hits))

    def _wrap(self, method: str, items: list[dict[str, Any]], has_more: bool) -> Reply:
        body = {"items": items, "has_more": has_more, "quota_max": 10_000, "quota_remaining": self.quota}
        if seconds := self.backoff.pop(method, 0):
            body["backoff"] = seconds
        return Reply.json(body)


def _near(words: str, post: dict[str, Any]) -> bool:
    """The search stems words, so it finds more than was asked for."""
    return words[:3] in f"{post['title']} {post['body']}".casefold()


def _excerpt(post: dict[str, Any]) -> dict[str, Any]:
    kind = post["post_type"]
    shared = {key: post[key] for key in ("question_id", "creation_date", "score", "title")}
    own = {"answer_id": post["post_id"]} if kind == "answer" else {"answer_count": 1}
    return (
        shared
        | own
        | {"item_type": kind, "tags": ["kettle"], "excerpt": post["body"][:100], "body": post["body"][:300]}
    )


def _error(number: int, name: str, message: str) -> Reply:
    return Reply.json({"error_id": number, "error_name": name, "error_message": message}, 400)
