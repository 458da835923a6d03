"""YouTube: comments under chosen videos, and under all videos of chosen channels.

An API key, and units: 10,000 a day and project, one for each request made here; they are counted, and what is spent waits
for midnight in California. YouTube's own search has a far smaller allowance and is not used. A reply is read with the
thread it stands in, so late replies are found while their thread lies within the lookback. A video whose comments are
switched off is noted and stops no other. Stored comments are looked up again by id, 50 at once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from connectors.base import (
    AccessDenied,
    Connector,
    Cursor,
    Known,
    Looked,
    Malformed,
    Mention,
    Page,
    Policy,
    RateLimited,
    Removal,
    SourceContext,
    SourceSettings,
)
from connectors.http import Client
from connectors.secret import read_secret
from connectors.text import label, matcher, mentions
from connectors.turns import Turns
from connectors.walk import Batch, Post, Reach, Timeline, walk
from connectors.youtube_answers import PACIFIC, SITE, Closed, Reader, Stale, explain, is_id, midnight, published

PAGE = 100  # the most the API gives at once
IDS = 50  # the most ids it takes at once
REPLY_PAGES = 10  # of one thread; a thread of more than 1,000 replies is read in part
KEPT = 5_000  # replies remembered, so that a thread is asked for its replies only when their number changed

_log = logging.getLogger(__name__)


class YouTubeSettings(SourceSettings):
    """Keys of a YouTube source."""

    videos: tuple[str, ...] = Field(default=(), description="ids of videos: what follows watch?v=")
    channels: tuple[str, ...] = Field(
        default=(), description="ids of channels, all of whose videos are read: UC and 22 characters"
    )
    match: Literal["terms", "all"] = Field(
        default="terms",
        description="terms: keep comments that name one; all: keep every comment, for videos about the brand",
    )
    terms: tuple[str, ...] = Field(default=(), description="words and phrases to keep; default: the brand's names")
    search_terms: bool = Field(
        default=False,
        description="let YouTube look for each term: less to read on busy channels, replies without it are missed",
    )
    key_env: str | None = Field(default=None, description="environment variable with an API key")
    key_file: str | None = Field(default=None, description="file with that key")
    daily_units: int = Field(
        default=10_000, ge=1, description="requests a day that this source may make of the key's 10,000"
    )
    history: timedelta = Field(
        default=timedelta(days=1), gt=timedelta(0), description="how far the first poll reads back"
    )
    lookback: timedelta = Field(
        default=timedelta(days=1),
        ge=timedelta(0),
        description="how late a comment may show up, or a reply be written, and still be found",
    )
    page_size: int = Field(default=PAGE, ge=1, le=PAGE, description="threads asked for at once")

    @model_validator(mode="after")
    def _places(self) -> Self:
        if not (self.videos or self.channels):
            raise ValueError("name videos or channels to read")
        for video in self.videos:
            if len(video) != 11 or not is_id(video):
                raise ValueError(f"{video!r} is no video id; it is the 11 characters behind watch?v=")
        for channel in self.channels:
            if len(channel) != 24 or not channel.startswith("UC") or not is_id(channel):
                raise ValueError(f"{channel!r} is no channel id; it begins with UC and has 24 characters")
        if not (self.key_env or self.key_file):
            raise ValueError("YouTube needs an API key; set key_env")
        if self.search_terms and self.match == "all":
            raise ValueError('search_terms finds what names a term; it cannot be with match = "all"')
        return self


class YouTube:
    """A source: a timeline per video and channel, for each term where YouTube searches."""

    def __init__(self, settings: YouTubeSettings, context: SourceContext) -> None:
        self.settings = settings
        terms = settings.terms or context.terms
        self._terms = terms if settings.search_terms else ()
        self.pattern = matcher(terms) if settings.match == "terms" else None
        self.reader = Reader(
            context.terms[0] if settings.match == "all" and context.terms else None,
            frozenset(account.casefold() for account in context.own_accounts),
        )
        self._context = context
        self._client: Client | None = None
        self._day = ""
        self._units = 0
        self._turns = Turns()
        self._replies: dict[str, tuple[int, list[Any]]] = {}  # thread -> (their number, as YouTube counts; they)
        self._noted: set[str] = set()

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        self._restore(cursor, now)
        settings = self.settings
        places = [("videoId", video) for video in settings.videos]
        places += [("allThreadsRelatedToChannelId", channel) for channel in settings.channels]
        threads = [_Threads(self, key, place, term, now) for key, place in places for term in self._terms or (None,)]
        timelines: dict[str, Timeline] = {thread.name: thread for thread in threads}
        reach = Reach(settings.history, settings.lookback, settings.page_cap)
        try:
            for page in walk(self._turns.order(timelines), cursor, now, reach):
                yield replace(page, cursor={**page.cursor, "spent": {"day": self._day, "units": self._units}})
        except Closed as first:
            self._note(threads, first)

    def recheck(self, posts: Sequence[Known], now: datetime) -> Looked:
        """Ask for stored comments by id; one that is not given back is not there any more."""
        present: list[Mention] = []
        missing: list[Known] = []
        for start in range(0, len(posts), IDS):
            some = posts[start : start + IDS]
            listed = self.ask("comments", {"part": "snippet", "id": ",".join(one.external_id for one in some)}, now)[
                "items"
            ]
            given = {label(comment.get("id")): comment for comment in listed if isinstance(comment, dict)}
            if len(given) != len(listed) or "" in given:
                raise Malformed(f"{SITE} answered with comments that cannot be read; nothing is taken for deleted")
            missing += [post for post in some if post.external_id not in given]
            for post in some:
                comment = given.get(post.external_id)
                mention = self.reader.mention(comment, "", post.thread_id or post.external_id)
                # Asked for by id, a comment does not name its video.
                present += [replace(mention, url=post.url)] if mention else []
        return Looked(tuple(present), tuple(Removal("youtube", post.external_id) for post in missing))

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def ask(self, method: str, params: Mapping[str, str | int], now: datetime) -> dict[str, Any]:
        """One request, one unit."""
        self._restore(None, now)
        if self._units >= self.settings.daily_units:
            again = midnight(now)
            raise RateLimited(
                f"{SITE}: this source has spent its {self.settings.daily_units} units of today (daily_units);"
                f" not before {again:%H:%M} UTC",
                again,
            )
        self._units += 1
        found = self._open().json(f"/youtube/v3/{method}", now, {**params, "textFormat": "plainText"})
        if not isinstance(found, dict) or not isinstance(found.get("items"), list):
            raise Malformed(f"{SITE} answered without a list of comments; its API may have changed")
        return found

    def replies(self, thread: str, total: int, now: datetime) -> list[Any]:
        """All replies of a thread that holds more than came with it; asked for again when their number changed."""
        known = self._replies.get(thread)
        if known is not None and known[0] == total:
            return known[1]
        params: dict[str, str | int] = {"part": "snippet", "parentId": thread, "maxResults": PAGE}
        read: list[Any] = []
        for _ in range(REPLY_PAGES):
            found = self.ask("comments", params, now)
            read += found["items"]
            onward = found.get("nextPageToken")
            if not (isinstance(onward, str) and onward):
                break
            params["pageToken"] = onward
        self._replies.pop(thread, None)
        self._replies[thread] = (total, read)
        while len(self._replies) > 1 and sum(len(those) for _, those in self._replies.values()) > KEPT:
            del self._replies[next(iter(self._replies))]
        return read

    def _note(self, threads: Sequence[_Threads], first: Closed) -> None:
        """Behind a round in which places were closed: another failure wins; all closed needs a person; else a line in the log."""
        for thread in threads:
            if thread.failure is not None:
                raise thread.failure
        closed = {thread.place: str(thread.closed) for thread in threads if thread.closed is not None}
        if len(closed) == len({thread.place for thread in threads}):
            raise AccessDenied(f"{first}; nothing else is configured here, so remove or change the source")
        for place in closed.keys() - self._noted:
            _log.warning("%s; the others of this source are read", closed[place])
        self._noted = set(closed)

    def _restore(self, cursor: Cursor | None, now: datetime) -> None:
        """Begin a new day's count, or go on with what an earlier process has spent of this one."""
        day = now.astimezone(PACIFIC).date().isoformat()
        if day != self._day:
            self._day, self._units = day, 0
        spent = cursor.get("spent") if cursor else None
        if isinstance(spent, dict) and spent.get("day") == day and isinstance(spent.get("units"), int):
            self._units = max(self._units, spent["units"])

    def _open(self) -> Client:
        if self._client is None:
            base = self.settings.base_url or "https://www.googleapis.com"
            headers = {"X-Goog-Api-Key": read_secret(self.settings, "key") or ""}
            self._client = Client(
                SITE,
                base,
                self._context.user_agent,
                self.settings.timeout,
                headers=headers,
                explain=explain,
                intranet=self._context.intranet,
            )
        return self._client


class _Threads:
    """The comment threads of one place, newest first. A position is {"token": where YouTube says that it goes on}."""

    def __init__(self, source: YouTube, key: str, place: str, term: str | None, now: datetime) -> None:
        self.name = f"{key}:{place}" + (f":{term}" if term else "")
        self.place = place
        self.closed: Closed | None = None
        self.failure: Malformed | None = None
        self._source = source
        self._params: dict[str, str | int] = {key: place, "order": "time"}
        if term:
            self._params["searchTerms"] = term
        self._now = now

    def read(self, since: datetime, position: Any) -> Batch:
        try:
            return self._read(since, position)
        except Stale:
            return Batch((), {"token": ""})  # from the top again; what was read is known by its id
        except Closed as closed:
            self.closed = Closed(f"{closed}: {self.place}")
            raise self.closed from None
        except Malformed as failure:
            self.failure = failure
            raise

    def _read(self, since: datetime, position: Any) -> Batch:
        token = position.get("token") if isinstance(position, dict) else None
        params = {**self._params, "part": "snippet,replies", "maxResults": self._source.settings.page_size}
        if token:
            params["pageToken"] = token
        found = self._source.ask("commentThreads", params, self._now)
        posts: list[Post] = []
        newest_below = datetime.min.replace(tzinfo=UTC)
        # A pinned comment stands first however old it is; it must neither look like the end of the new ones nor count.
        for thread in reversed(found["items"]):
            top = _top(thread)
            at = published(top["snippet"]) if top else None
            if top is None or at is None:
                continue
            newest_below = max(newest_below, at)
            posts += [Post(newest_below, one) for one in (self._thread(thread, top) if at >= since else [None])]
        onward = found.get("nextPageToken")
        return Batch(tuple(reversed(posts)), {"token": onward} if isinstance(onward, str) and onward else None)

    def _thread(self, thread: Mapping[str, Any], top: Mapping[str, Any]) -> list[Mention | None]:
        """The comment and its replies, None for each that names no term."""
        source, said = self._source, thread["snippet"]
        one, video = label(top.get("id")), label(said.get("videoId"))
        total, among = said.get("totalReplyCount"), thread.get("replies")
        replies = among.get("comments") if isinstance(among, dict) else None
        replies = replies if isinstance(replies, list) else []
        if one and isinstance(total, int) and total > len(replies):
            replies = source.replies(one, total, self._now)
        first = source.reader.mention(top, video, one)
        if first is not None and isinstance(total, int):
            first = replace(first, engagement={**first.engagement, "replies": total})
        found = [first, *(source.reader.mention(reply, video, one) for reply in replies)]
        return [mention if mention and mentions(source.pattern, mention.text) else None for mention in found]


def _top(thread: Any) -> dict[str, Any] | None:
    """The comment that began the thread."""
    said = thread.get("snippet") if isinstance(thread, dict) else None
    top = said.get("topLevelComment") if isinstance(said, dict) else None
    return top if isinstance(top, dict) and isinstance(top.get("snippet"), dict) else None


connector = Connector(
    name="youtube",
    summary="YouTube comments under chosen videos and channels",
    settings=YouTubeSettings,
    open=YouTube,
    every=timedelta(minutes=15),
    credentials="an API key of a Google Cloud project with the YouTube Data API v3",
    policy=Policy(
        retention=timedelta(days=30),
        recheck=timedelta(days=1),
        note="the developer policies let data be kept 30 days unless it is refreshed; keep text_days at 30 or less",
    ),
    recheck_batch=IDS,
)
