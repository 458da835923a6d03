"""A Lemmy instance: v3 with pages by number, or v4 with cursors; vanished posts shift the pages of those below."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from tests.fakes.http import Asked, FakeServer, Reply


class FakeLemmy(FakeServer):
    def __init__(self, version: int = 3, together: str = "search") -> None:
        super().__init__()
        self.version = version
        self.together = together  # what v4 calls its list
        self.rows: dict[int, dict[str, Any]] = {}
        self.purged: set[str] = set()  # cursors that are not taken any more
        self.replies: list[Reply] = []
        self._next_id = 100

    def publish(
        self,
        body: str = "My **Acme** is fine",
        at: datetime | None = None,
        *,
        kind: str = "post",
        path: str = "0.1",
        creator: dict[str, Any] | None = None,
        home: str = "https://far.example",
        **fields: Any,
    ) -> str:
        """Returns the ap_id."""
        at = at or datetime.now(UTC)
        with self.lock:
            self._next_id += 1
            ap_id = f"{home}/{kind}/{self._next_id}"
            when = at.isoformat().replace("+00:00", "Z")
            said: dict[str, Any] = {"id": self._next_id, "ap_id": ap_id, "deleted": False, "removed": False}
            said |= {"name": "Kettles", "body": body} if kind == "post" else {"content": body, "path": path}
            person = {"name": "alice", "display_name": "Alice A.", "bot_account": False}
            counts = {"score": 4, "comments": 2, "child_count": 1}
            if self.version == 3:
                said |= {"published": when}
                row = {"counts": counts, "creator": {"actor_id": "https://far.example/u/alice"} | person}
            else:
                said |= {"published_at": when} | counts
                row = {"type_": kind, "creator": {"ap_id": "https://far.example/u/alice"} | person}
            row["creator"] |= creator or {}
            row[kind] = said | fields
            if kind == "comment":
                row["post"] = {"ap_id": "https://far.example/post/1", "name": "Acme?"}
            self.rows[self._next_id] = row | {"_at": at, "_kind": kind}
            return ap_id

    def delete(self, ap_id: str) -> None:
        """Gone from the search, as a purge does it."""
        with self.lock:
            del self.rows[int(ap_id.rpartition("/")[2])]

    def edit(self, ap_id: str, body: str) -> None:
        with self.lock:
            row = self.rows[int(ap_id.rpartition("/")[2])]
            row[row["_kind"]]["body" if row["_kind"] == "post" else "content"] = body

    def answer(self, asked: Asked) -> Reply:
        with self.lock:
            path = re.fullmatch(r"/api/v(\d)/(site|search|post|comment)", asked.path)
            if path is None or int(path[1]) != self.version:
                return Reply(404)
            if path[2] in ("post", "comment"):
                return self._single(path[2], int(asked.first("id")))
            if path[2] == "site":
                return Reply.json({"site_view": {}, "version": "1.0.0" if self.version == 4 else "0.19.9"})
            if self.replies:
                return self.replies.pop(0)
            kind = asked.first("type_").lower().removesuffix("s")
            words = asked.first("q").casefold()
            found = [row for row in self.rows.values() if row["_kind"] == kind and words in _words(row[kind])]
            found.sort(key=lambda row: (row["_at"], row[kind]["id"]), reverse=True)
            size = int(asked.first("limit", "10"))
            return self._by_page(asked, found, kind, size) if self.version == 3 else self._by_cursor(asked, found, size)

    def _single(self, kind: str, one: int) -> Reply:
        row = self.rows.get(one)
        if row is None or row["_kind"] != kind:
            if self.version == 3:
                return Reply.json({"error": f"couldnt_find_{kind}"}, 400)
            return Reply.json({"error": "not_found"}, 404)
        return Reply.json({f"{kind}_view": _shown(row)})

    def _by_page(self, asked: Asked, found: list[dict[str, Any]], kind: str, size: int) -> Reply:
        if asked.first("sort") != "New" or size > 50:
            return Reply.json({"error": "couldnt_get_posts"}, 400)
        page = int(asked.first("page", "1"))
        shown = [_shown(row) for row in found[(page - 1) * size : page * size]]
        return Reply.json({"type_": asked.first("type_"), "posts": [], "comments": []} | {f"{kind}s": shown})

    def _by_cursor(self, asked: Asked, found: list[dict[str, Any]], size: int) -> Reply:
        cursor = asked.first("page_cursor")
        if cursor:
            if cursor in self.purged:
                return Reply.json({"error": "not_found"}, 404)
            at, _, one = cursor.partition("|")
            found = [row for row in found if _key(row) < (at, int(one))]
        shown = found[:size]
        body: dict[str, Any] = {self.together: [_shown(row) for row in shown]}
        if len(found) > size:
            at, number = _key(shown[-1])
            body["next_page"] = f"{at}|{number}"
        return Reply.json(body)


def _key(row: dict[str, Any]) -> tuple[str, int]:
    return f"{row['_at'].timestamp():020.6f}", row[row["_kind"]]["id"]


def _words(said: dict[str, Any]) -> str:
    return " ".join(str(said.get(key) or "") for key in ("name", "body", "content", "url")).casefold()


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in row.items() if not key.startswith("_")}
