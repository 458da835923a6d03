"""YouTube's comment threads: newest first but for a pinned one, five replies with a thread, units, reasons in the body."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.fakes.http import Asked, FakeServer, Reply

KEY_FILE = Path(__file__).with_name("key-of-the-tests")
KEY = KEY_FILE.read_text().strip()
VIDEO = "dQ_kettle-1"
CHANNEL = "UC" + "k" * 22
INCLUDED = 5  # replies that come with their thread


class FakeYouTube(FakeServer):
    def __init__(self) -> None:
        super().__init__()
        self.threads: list[dict[str, Any]] = []
        self.replies: dict[str, list[dict[str, Any]]] = {}  # by thread, oldest first
        self.closed: dict[str, str] = {}  # video or channel -> reason
        self.units = 10_000
        self.pinned = ""
        self.stale = False  # page tokens are not taken any more
        self.answers: list[Reply] = []  # given in place of the next
        self._next_id = 0

    def publish(
        self, text: str = "My Acme is fine", at: datetime | None = None, *, video: str = VIDEO, **said: Any
    ) -> str:
        """A new thread; returns the comment's id."""
        with self.lock:
            one = self._new("Ugz")
            self.threads.append(self._comment(one, text, at, video=video, **said))
            self.replies[one] = []
            return one

    def reply(self, thread: str, text: str = "My Acme too", at: datetime | None = None, **said: Any) -> str:
        """Answers a thread; returns the reply's id."""
        with self.lock:
            one = f"{thread}.{self._new('9')}"
            self.replies[thread].append(self._comment(one, text, at, parentId=thread, **said))
            return one

    def delete(self, one: str) -> None:
        with self.lock:
            self.threads = [comment for comment in self.threads if comment["id"] != one]
            for thread, those in self.replies.items():
                self.replies[thread] = [comment for comment in those if comment["id"] != one]

    def edit(self, one: str, text: str) -> None:
        with self.lock:
            for comment in self._all():
                if comment["id"] == one:
                    comment["snippet"] |= {"textOriginal": text, "textDisplay": text}

    def answer(self, asked: Asked) -> Reply:
        with self.lock:
            if self.answers:
                return self.answers.pop(0)
            if asked.headers.get("x-goog-api-key") != KEY or asked.first("key"):
                return refusal(400, "badRequest", "API key not valid. API_KEY_INVALID")
            if self.units < 1:
                return refusal(403, "quotaExceeded", "You have exceeded your quota.")
            self.units -= 1
            if asked.path == "/youtube/v3/commentThreads":
                return self._threads(asked)
            if asked.path == "/youtube/v3/comments":
                return self._comments(asked)
            return refusal(404, "notFound", "Not found")

    def _threads(self, asked: Asked) -> Reply:
        place = asked.first("videoId") or asked.first("allThreadsRelatedToChannelId")
        if reason := self.closed.get(place):
            return refusal(404 if reason.endswith("NotFound") else 403, reason, "no")
        words = asked.first("searchTerms").casefold()
        found = [
            comment
            for comment in self.threads
            if place in (comment["_video"], CHANNEL) and words in str(comment["snippet"]["textOriginal"]).casefold()
        ]
        found.sort(key=lambda comment: (comment["snippet"]["publishedAt"], comment["_number"]), reverse=True)
        token = asked.first("pageToken")
        if token:
            if self.stale:
                return refusal(400, "invalidPageToken", "The request specifies an invalid page token.")
            at, number = token.rsplit("|", 1)
            found = [one for one in found if (one["snippet"]["publishedAt"], one["_number"]) < (at, int(number))]
        shown = found[: int(asked.first("maxResults", "20"))]
        body: dict[str, Any] = {"kind": "youtube#commentThreadListResponse"}
        if len(found) > len(shown):
            body["nextPageToken"] = f"{shown[-1]['snippet']['publishedAt']}|{shown[-1]['_number']}"
        if self.pinned and not token:
            shown.sort(key=lambda comment: comment["id"] != self.pinned)
        return Reply.json(body | {"items": [self._as_thread(comment) for comment in shown]})

    def _as_thread(self, comment: dict[str, Any]) -> dict[str, Any]:
        replies = self.replies[comment["id"]]
        thread: dict[str, Any] = {
            "kind": "youtube#commentThread",
            "id": comment["id"],
            "snippet": {
                "channelId": CHANNEL,
                "videoId": comment["_video"],
                "topLevelComment": _shown(comment),
                "canReply": True,
                "totalReplyCount": len(replies),
                "isPublic": True,
            },
        }
        if replies:
            thread["replies"] = {"comments": [_shown(one) for one in replies[-INCLUDED:]]}
        return thread

    def _comments(self, asked: Asked) -> Reply:
        if ids := asked.first("id"):
            wanted = ids.split(",")
            if len(wanted) > 50:
                return refusal(400, "invalidFilters", "too many ids")
            found = [one for one in self._all() if one["id"] in wanted]
            return Reply.json({"items": [_shown(one, without=("videoId",)) for one in found]})
        replies = self.replies.get(asked.first("parentId"), [])
        start, size = int(asked.first("pageToken") or 0), int(asked.first("maxResults", "20"))
        body: dict[str, Any] = {"items": [_shown(one, without=("videoId",)) for one in replies[start : start + size]]}
        if start + size < len(replies):
            body["nextPageToken"] = str(start + size)
        return Reply.json(body)

    def _all(self) -> list[dict[str, Any]]:
        return [*self.threads, *(one for those in self.replies.values() for one in those)]

    def _new(self, prefix: str) -> str:
        self._next_id += 1
        return f"{prefix}{self._next_id:06}"

    def _comment(self, one: str, text: str, at: datetime | None, *, video: str = VIDEO, **said: Any) -> dict[str, Any]:
        stamp = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "kind": "youtube#comment",
            "id": one,
            "_video": video,
            "_number": self._next_id,
            "snippet": {
                "channelId": CHANNEL,
                "videoId": video,
                "textDisplay": text,
                "textOriginal": text,
                "authorDisplayName": "@alice",
                "authorChannelId": {"value": "UC" + "a" * 22},
                "likeCount": 2,
                "publishedAt": stamp,
                "updatedAt": stamp,
            }
            | said,
        }


def refusal(status: int, reason: str, message: str) -> Reply:
    """An error as Google's APIs put it."""
    errors = [{"message": message, "domain": "youtube.commentThread", "reason": reason}]
    return Reply.json({"error": {"code": status, "message": message, "errors": errors}}, status)


def _shown(comment: dict[str, Any], without: tuple[str, ...] = ()) -> dict[str, Any]:
    shown = {key: part for key, part in comment.items() if not key.startswith("_")}
    return shown | {"snippet": {key: part for key, part in comment["snippet"].items() if key not in without}}
