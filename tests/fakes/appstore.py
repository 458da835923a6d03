"""The App Store's review feed: ten pages by number, three shapes of `entry`, the app itself in front, empty at times."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from tests.fakes.http import Asked, FakeServer, Reply

APP = 389801252
DEPTH = 10
_PATHS = (
    re.compile(r"/(?P<cc>\w\w)/rss/customerreviews/page=(?P<page>\d+)/id=(?P<app>\d+)/sortby=mostrecent/json"),
    re.compile(r"/(?P<cc>\w\w)/rss/customerreviews/id=(?P<app>\d+)/sortBy=mostRecent/page=(?P<page>\d+)/json"),
)


class FakeAppStore(FakeServer):
    def __init__(self, page: int = 50) -> None:
        super().__init__()
        self.page = page
        self.reviews: dict[str, dict[str, Any]] = {}  # by id
        self.with_app = False  # the first entry is the app
        self.empty: set[int] = set()  # addresses (0, 1) that show nothing for now
        self._next_id = 11_000_000_000

    def publish(
        self,
        text: str = "Keeps crashing",
        at: datetime | None = None,
        *,
        title: str = "Hm",
        rating: int = 2,
        country: str = "us",
        **fields: Any,
    ) -> str:
        """Returns the review's id."""
        with self.lock:
            self._next_id += 1
            one = str(self._next_id)
            self.reviews[one] = {
                "_country": country,
                "_at": at or datetime.now(UTC),
                "author": {
                    "uri": _in("https://itunes.apple.com/us/reviews/id123456789"),
                    "name": _in("kettle fan"),
                    "label": "",
                },
                "updated": _in((at or datetime.now(UTC)).isoformat()),
                "im:rating": _in(str(rating)),
                "im:version": _in("3.2.1"),
                "id": _in(one),
                "title": _in(title),
                "content": _in(text) | {"attributes": {"type": "text"}},
                "link": {"attributes": {"rel": "related", "href": f"https://itunes.apple.com/us/review?id={APP}"}},
                "im:voteSum": _in("1"),
                "im:voteCount": _in("3"),
            } | fields
            return one

    def delete(self, one: str) -> None:
        with self.lock:
            del self.reviews[one]

    def edit(self, one: str, text: str, at: datetime | None = None) -> None:
        """An edited review is dated anew, which moves it to the top."""
        with self.lock:
            self.reviews[one]["content"] = _in(text)
            if at is not None:
                self.reviews[one] |= {"_at": at, "updated": _in(at.isoformat())}

    def answer(self, asked: Asked) -> Reply:
        for way, pattern in enumerate(_PATHS):
            if found := pattern.fullmatch(asked.path):
                return self._feed(way, found["cc"], int(found["page"]), int(found["app"]))
        return Reply.json({"errorMessage": "not found"}, 404)

    def _feed(self, way: int, country: str, page: int, app: int) -> Reply:
        if page > DEPTH:
            return Reply.json({"errorMessage": "CustomerReviews RSS page depth is limited to 10"}, 400)
        with self.lock:
            found = [one for one in self.reviews.values() if one["_country"] == country and app == APP]
        found.sort(key=lambda one: (one["_at"], one["id"]["label"]), reverse=True)
        shown = [_shown(one) for one in found[(page - 1) * self.page : page * self.page]]
        if way in self.empty:
            shown = []
        elif self.with_app and page == 1:
            shown = [
                {"im:name": _in("Kettle"), "id": _in("https://apps.apple.com/app"), "title": _in("Kettle")},
                *shown,
            ]
        feed: dict[str, Any] = {"author": {"name": _in("iTunes Store")}, "title": _in("iTunes Store: Customer Reviews")}
        if shown:
            feed["entry"] = shown[0] if len(shown) == 1 else shown
        return Reply.json({"feed": feed})


def _in(text: str) -> dict[str, Any]:
    return {"label": text}


def _shown(review: dict[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in review.items() if not key.startswith("_")}
