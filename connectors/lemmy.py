"""Lemmy: posts and comments that name a term, through the search of one instance (API v4, or v3 before Lemmy 1.0).

No account. v4 goes on by cursor. v3 counts pages, which shift when posts arrive or vanish: a page is read together with
those above it until it reaches the last post that was read before, so nothing can slip between two pages. A mention is
known by its `ap_id`, the same on every instance. Stored posts are looked up again on the instance where they were written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from connectors.base import (
    Connector,
    Cursor,
    Json,
    Known,
    Looked,
    Malformed,
    Mention,
    Page,
    Policy,
    Refused,
    SourceContext,
    SourceSettings,
)
from connectors.http import Client
from connectors.lemmy_lookup import BATCH, look_up
from connectors.lemmy_posts import ID_LIMIT, Kind, Row, explain, mention_of, moment
from connectors.lookup import Homes
from connectors.text import label, matcher, mentions, safe_url
from connectors.turns import Turns
from connectors.walk import Batch, Post, Reach, Timeline, walk

PAGE = 50  # the most an instance gives at once
STEPS_BACK = 5  # pages looked through for the last post that was read; then the walk begins anew from the top


class LemmySettings(SourceSettings):
    """Keys of a Lemmy source."""

    terms: tuple[str, ...] = Field(
        default=(), description="words and phrases to search for; default: the brand's names"
    )
    history: timedelta = Field(
        default=timedelta(days=1), gt=timedelta(0), description="how far the first poll reads back"
    )
    lookback: timedelta = Field(
        default=timedelta(minutes=30),
        ge=timedelta(0),
        description="how late a post of another instance may arrive and be found",
    )
    page_size: int = Field(default=PAGE, ge=1, le=PAGE, description="posts asked for at once")
    skip_bots: bool = Field(default=False, description="leave out accounts that say they are automated")

    @model_validator(mode="after")
    def _instance(self) -> Self:
        if self.base_url is not None and not safe_url(self.base_url):
            raise ValueError('base_url must be the instance\'s address, such as "https://lemmy.world"')
        return self


class Lemmy:
    """A source: a timeline of posts and one of comments for each term."""

    def __init__(self, settings: LemmySettings, context: SourceContext) -> None:
        self._settings = settings
        self._terms = settings.terms or context.terms
        self._context = context
        self._base = base = (settings.base_url or "https://lemmy.world").rstrip("/")
        self.host = urlsplit(base).hostname or ""
        self._client = Client(
            self.host, base, context.user_agent, settings.timeout, explain=explain, intranet=context.intranet
        )
        self._version = 0  # of the API; 0: not asked yet
        self._turns = Turns()

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        settings = self._settings
        kinds: tuple[Kind, ...] = ("post", "comment")
        timelines: dict[str, Timeline] = {
            f"{kind}:{term}": _Search(self, settings, kind, term, now) for term in self._terms for kind in kinds
        }
        reach = Reach(settings.history, settings.lookback, settings.page_cap)
        yield from walk(self._turns.order(timelines), cursor, now, reach)

    def recheck(self, posts: Sequence[Known], now: datetime) -> Looked:
        """Ask for each post by its id, on the instance where it was written."""
        homes = Homes(self._context, self._settings.timeout, explain)
        return look_up(posts, self._client, self._base, homes, now)

    def close(self) -> None:
        self._client.close()

    def version(self, now: datetime) -> int:
        """4 where the instance has it, else 3. Asked once, and again after the instance refused a search."""
        if not self._version:
            try:
                self._client.json("/api/v4/site", now)
                self._version = 4
            except Refused:
                self._version = 3
        return self._version

    def search(self, term: str, kind: Kind, params: Mapping[str, str | int], now: datetime) -> dict[str, Any]:
        """One answer of the search, newest first."""
        asked: dict[str, str | int] = {"q": term, "limit": self._settings.page_size, **params}
        if self.version(now) == 4:
            # "search_term" is what later 1.0 versions call "q".
            asked |= {"search_term": term, "type_": f"{kind}s", "sort": "new", "listing_type": "all"}
        else:
            asked |= {"type_": f"{kind.capitalize()}s", "sort": "New", "listing_type": "All"}
        try:
            found = self._client.json(f"/api/v{self._version}/search", now, asked)
        except Refused:
            self._version = 0  # it may have been updated since it was asked
            raise
        if not isinstance(found, dict):
            raise Malformed(f"{self.host} answered without a list of posts; is it a Lemmy instance?")
        return found


@dataclass(frozen=True, slots=True)
class _Search:
    """What the search finds of one kind for one term, newest first.

    A position is {"cursor": text} with v4; with v3 {"page": number, "until": moment, "id": of the last post read}.
    """

    source: Lemmy
    settings: LemmySettings
    kind: Kind
    term: str
    now: datetime

    def read(self, since: datetime, position: Json) -> Batch:
        place = position if isinstance(position, dict) else {}
        if self.source.version(self.now) == 4:
            return self._by_cursor(place.get("cursor"))
        return self._by_page(place)

    def _by_cursor(self, cursor: Json) -> Batch:
        params: dict[str, str | int] = {"page_cursor": cursor} if isinstance(cursor, str) else {}
        try:
            found = self.source.search(self.term, self.kind, params, self.now)
        except Refused:
            if not params:
                raise
            # A cursor that is not taken any more (its post purged, the instance updated) must not stop the source for good.
            return Batch((), {"cursor": None})
        onward = found.get("next_page")
        return self._batch(self._rows(found), {"cursor": onward} if isinstance(onward, str) and onward else None)

    def _by_page(self, place: Mapping[str, Json]) -> Batch:
        number, until, last = place.get("page"), moment(place.get("until")), place.get("id")
        if not (isinstance(number, int) and number > 1 and until):
            number, until = 1, None
        rows = self._page(number)
        is_end = not rows
        first = number
        while until is not None and first > 1 and not any(row.one == last or row.at > until for row in rows):
            if number - first == STEPS_BACK:
                return Batch((), {"page": 1})
            first -= 1
            rows = self._page(first) + rows
        if is_end:
            return self._batch(rows, None)
        return self._batch(rows, {"page": number + 1, "until": rows[-1].at.isoformat(), "id": rows[-1].one})

    def _page(self, number: int) -> list[Row]:
        return self._rows(self.source.search(self.term, self.kind, {"page": number}, self.now))

    def _rows(self, found: Mapping[str, Any]) -> list[Row]:
        """Of this kind only. v3 lists posts and comments apart; v4 has had them together, as "search" and as "items"."""
        lists = [found[name] for name in (f"{self.kind}s", "search", "items") if isinstance(found.get(name), list)]
        if not lists:
            raise Malformed(f"{self.source.host} answered without a list of posts; its API may have changed")
        rows: list[Row] = []
        for view in lists[0]:
            if not isinstance(view, dict) or view.get("type_", self.kind) != self.kind:
                continue
            said = view.get(self.kind)
            if isinstance(said, dict) and (one := label(said.get("ap_id"), ID_LIMIT)):
                at = moment(said.get("published_at") or said.get("published"))
                rows += [Row(at, one, view)] if at else []
        return rows

    def _batch(self, rows: list[Row], onward: Json) -> Batch:
        return Batch(tuple(Post(row.at, self._mention(row)) for row in rows), onward)

    def _mention(self, row: Row) -> Mention | None:
        found = mention_of(self.kind, row, self.source.host, skip_bots=self.settings.skip_bots)
        link = safe_url(row.view[self.kind].get("url"))
        if found is None or not mentions(matcher([self.term]), found.text, found.title, link):
            return None
        return found


connector = Connector(
    name="lemmy",
    summary="Lemmy posts and comments, through one instance",
    settings=LemmySettings,
    open=Lemmy,
    every=timedelta(minutes=10),
    credentials="none",
    policy=Policy(
        recheck=timedelta(days=1), note="60 searches in ten minutes by default; posts say when they are deleted"
    ),
    recheck_batch=BATCH,
)
