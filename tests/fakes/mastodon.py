"""A Mastodon instance: hashtag timelines, search with a token, ids as text that grow longer, pages of 40 at most."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html import escape
from typing import Any

from tests.fakes.http import Asked, FakeServer, Reply
from tests.fakes.writes import Writes

TOKEN = "token-of-the-tests"
WRITE_TOKEN, ACCOUNT = "token-that-may-write", "acmecare"


class FakeMastodon(Writes, FakeServer):
    def __init__(self, access: str | None = "public") -> None:
        super().__init__()
        self.access = access  # of the hashtag timelines; None: an older instance that does not say
        self.statuses: dict[str, dict[str, Any]] = {}  # by id
        self.together = True  # whether statuses can be asked for by several ids (since 4.3)
        self.closed = False  # whether single statuses are for its own users
        self._next_id = 90
        self._by_key: dict[str, str] = {}  # Idempotency-Key -> id

    @property
    def replies(self) -> list[dict[str, Any]]:
        """What the account has published."""
        with self.lock:
            return [one for one in self.statuses.values() if one["account"]["acct"] == ACCOUNT]

    def publish(
        self,
        text: str = "<p>Fine kettle <a href='#'>#<span>acme</span></a></p>",
        at: datetime | None = None,
        *,
        acct: str = "alice",
        home: str = "https://social.example",
        tags: tuple[str, ...] = ("acme",),
        **fields: Any,
    ) -> str:
        """Returns the post's uri."""
        at = at or datetime.now(UTC)
        with self.lock:
            self._next_id += 1
            # Like the real ones: by the time of writing, so that a post that federates late sorts where it belongs.
            one = str((int(at.timestamp()) - 1_793_600_000) * 1000 + self._next_id)
            uri = f"{home}/users/{acct}/statuses/{one if home == self.address else self._next_id}"
            self.statuses[one] = {
                "id": one,
                "uri": uri,
                "url": uri.replace("users/", "@"),
                "created_at": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                "content": text,
                "spoiler_text": "",
                "visibility": "public",
                "language": "en",
                "in_reply_to_id": None,
                "reblog": None,
                "replies_count": 0,
                "reblogs_count": 1,
                "favourites_count": 2,
                "tags": [{"name": tag} for tag in tags],
                "account": {"id": "7", "acct": acct, "display_name": acct.title(), "bot": False, "followers_count": 12},
            } | fields
            return uri

    @property
    def address(self) -> str:
        """Where it is, if it runs."""
        return self.url if self._server is not None else ""

    def delete(self, uri: str) -> None:
        with self.lock:
            self.statuses = {one: status for one, status in self.statuses.items() if status["uri"] != uri}

    def edit(self, uri: str, text: str) -> None:
        with self.lock:
            for status in self.statuses.values():
                if status["uri"] == uri:
                    status |= {"content": text, "edited_at": status["created_at"]}

    def answer(self, asked: Asked) -> Reply:
        may = asked.headers.get("authorization") == f"Bearer {TOKEN}"
        if asked.headers.get("authorization") == f"Bearer {WRITE_TOKEN}":
            return self._as_the_account(asked)
        if asked.path == "/api/v2/instance":
            return Reply.json(self._instance())
        if asked.path.startswith("/api/v1/statuses"):
            return self._statuses(asked)
        if asked.path == "/api/v2/search":
            words = asked.first("q").strip('"').casefold()
            found = self._page(asked, lambda status: words in _words(status)) if may else []
            return Reply.json({"accounts": [], "statuses": found, "hashtags": []})
        tag = re.fullmatch(r"/api/v1/timelines/tag/(\w+)", asked.path)
        if tag is None:
            return Reply.json({"error": "Record not found"}, 404)
        if self.access == "disabled" or (self.access == "authenticated" and not may):
            return Reply.json([])
        return Reply.json(self._page(asked, lambda status: any(one["name"] == tag[1] for one in status["tags"])))

    def _as_the_account(self, asked: Asked) -> Reply:
        if asked.path == "/api/v1/accounts/verify_credentials":
            return Reply.json({"id": "7", "acct": ACCOUNT, "username": ACCOUNT})
        if asked.path == "/api/v2/search":
            assert asked.first("resolve") == "true"
            with self.lock:
                return Reply.json({"statuses": [s for s in self.statuses.values() if s["uri"] == asked.first("q")]})
        if asked.path == "/api/v1/accounts/7/statuses":
            with self.lock:
                own = sorted(self.replies, key=lambda status: int(status["id"]), reverse=True)
                return Reply.json(own[: int(asked.first("limit"))])
        if asked.path == "/api/v1/statuses" and asked.method == "POST":
            return self.write(lambda: self._post(asked))
        return Reply.json({"error": "Record not found"}, 404)

    def _post(self, asked: Asked) -> Reply:
        told, key = json.loads(asked.body), asked.headers["idempotency-key"]
        with self.lock:
            if told["in_reply_to_id"] not in self.statuses:
                return Reply.json({"error": "Record not found"}, 404)
            if key not in self._by_key:
                # As an instance shows it: links shortened, handles without their server.
                shown = re.sub(
                    r"@(\w+)@[\w.]+", r'<a href="#">@<span>\1</span></a>', escape(told["status"], quote=False)
                )
                uri = self.publish(
                    f"<p>{shown}</p>", acct=ACCOUNT, home=self.address, in_reply_to_id=told["in_reply_to_id"], tags=()
                )
                self._by_key[key] = next(one for one, status in self.statuses.items() if status["uri"] == uri)
            return Reply.json(self.statuses[self._by_key[key]])

    def _statuses(self, asked: Asked) -> Reply:
        one = asked.path.removeprefix("/api/v1/statuses").removeprefix("/")
        with self.lock:
            if self.closed:
                return Reply.json({"error": "This method requires an authenticated user"}, 401)
            if one:
                status = self.statuses.get(one)
                return Reply.json(status) if status else Reply.json({"error": "Record not found"}, 404)
            if not self.together:
                return Reply.json({"error": "Validation failed"}, 422)
            return Reply.json([self.statuses[one] for one in asked.query.get("id[]", []) if one in self.statuses])

    def _page(self, asked: Asked, wanted: Any) -> list[dict[str, Any]]:
        limit = min(int(asked.first("limit", "20")), 40)
        below = int(asked.first("max_id") or 2**63)
        with self.lock:
            found = [dict(status) for status in self.statuses.values() if int(status["id"]) < below and wanted(status)]
        return sorted(found, key=lambda status: int(status["id"]), reverse=True)[:limit]

    def _instance(self) -> dict[str, Any]:
        configuration: dict[str, Any] = {"urls": {}}
        if self.access is not None:
            feed = {"local": self.access, "remote": self.access}
            configuration["timelines_access"] = {"live_feeds": feed, "hashtag_feeds": feed, "trending_link_feeds": feed}
        return {"domain": "social.example", "version": "4.5.0", "configuration": configuration}


def _words(status: dict[str, Any]) -> str:
    return re.sub(r"<[^>]*>", "", status["content"]).casefold()
