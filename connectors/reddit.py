"""Reddit: posts that name a term, found by its search, and comments of chosen subreddits, matched here.

Two ways in, one source: an approved key (`client_id`), through praw; or a user's personal feed token (`user`). Both give the
same ids and positions, so that one may follow the other. There is no search for comments; those of all of Reddit come
faster than they can be read, so that comments need `subreddits`. The traps of Reddit's listings are `reddit_listing`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from connectors.base import (
    Approved,
    CannotReply,
    Connector,
    Cursor,
    Gap,
    Known,
    Looked,
    Mention,
    Page,
    Policy,
    Posted,
    SourceContext,
    Voice,
)
from connectors.reddit_api import Api
from connectors.reddit_feed import Feeds
from connectors.reddit_listing import Listed, Listing
from connectors.reddit_reply import RedditReplies
from connectors.reddit_settings import LOOK_UP, RedditSettings
from connectors.text import matcher
from connectors.turns import Turns
from connectors.walk import Reach, Timeline, ground, walk


class Reader(Protocol):
    """One way in."""

    def search(self, term: str, after: str | None, now: datetime) -> Listed: ...

    def comments(self, after: str | None, now: datetime) -> Listed: ...

    def recheck(self, posts: Sequence[Known], now: datetime) -> Looked: ...

    def close(self) -> None: ...


class Reddit:
    """A source: a timeline of posts for each term, and one of the subreddits' comments."""

    def __init__(self, settings: RedditSettings, context: SourceContext) -> None:
        self._settings = settings
        self._terms = settings.terms or context.terms
        make: type[Api] | type[Feeds] = Api if settings.client_id else Feeds
        self._reader: Reader = make(settings, context)
        self._turns = Turns()
        self._replies = RedditReplies(settings, context)

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        settings, reader = self._settings, self._reader
        lost: list[Gap] = []
        timelines: dict[str, Timeline] = {}
        for term in self._terms:
            fetch = partial(_search, reader, term, now)
            name = f"posts:{settings.within}:{term}"
            timelines[name] = Listing(fetch, matcher([term]), ground(cursor, name), lost)
        if settings.comments and settings.within:
            fetch = partial(_comments, reader, now)
            name = f"comments:{settings.within}"
            timelines[name] = Listing(fetch, matcher(self._terms), ground(cursor, name), lost)
        reach = Reach(settings.history, settings.lookback, settings.page_cap)
        for page in walk(self._turns.order(timelines), cursor, now, reach):
            gaps = sorted({*page.gaps, *lost}, key=lambda gap: (gap.since, gap.until))
            yield replace(page, gaps=tuple(gaps))

    def recheck(self, posts: Sequence[Known], now: datetime) -> Looked:
        """See `connectors.base.Rechecking`. Through the feeds nothing can be looked up."""
        return self._reader.recheck(posts, now)

    def voice(self) -> Voice | CannotReply:
        """As the account that the settings name."""
        return self._replies.voice()

    def may_reply(self, post: Mention) -> Voice | CannotReply:
        """Locked and archived threads are known when it is tried."""
        return self._replies.may_reply(post)

    def reply(self, post: Mention, approved: Approved, now: datetime) -> Posted:
        """Publish it as a comment."""
        return self._replies.reply(post, approved, now)

    def find_reply(self, post: Mention, approved: Approved, now: datetime) -> Posted | None:
        """Look among the account's own comments."""
        return self._replies.find_reply(post, approved, now)

    def close(self) -> None:
        self._replies.close()
        self._reader.close()


def _search(reader: Reader, term: str, now: datetime, after: str | None) -> Listed:
    return reader.search(term, after, now)


def _comments(reader: Reader, now: datetime, after: str | None) -> Listed:
    return reader.comments(after, now)


connector = Connector(
    name="reddit",
    summary="Reddit posts, and the comments of chosen subreddits",
    settings=RedditSettings,
    open=Reddit,
    every=timedelta(minutes=5),
    least=timedelta(minutes=1),
    credentials="a key that Reddit approved, or a user's personal feed token",
    policy=Policy(
        retention=timedelta(days=30),
        recheck=timedelta(hours=48),
        may_export=False,
        note="deleted posts and accounts must be deleted here; without a key (feeds) they are not seen",
    ),
    recheck_batch=LOOK_UP,
    replies=True,
)
