"""Read further back than the first poll did: the same connector, opened with a longer history, as a source of its own.

The source `backfill:<name>:<date>` keeps a cursor of its own, so a backfill that was stopped goes on where it was,
and the daemon may poll the source itself meanwhile. Posts known already change nothing. Unless asked for, nobody
is alerted. How far back each platform really gives anything is told as the oldest post that came.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connectors.base import Cursor, Mention, Page, Source, SourceSettings
from listener.ingest import Feed, poll
from listener.model import Verdict
from listener.store import Store

PAGE_CAP = 20  # pages between two looks at what is left
LONGEST_WAIT = timedelta(minutes=15)  # that a platform asks for and a person sits through
LOOK_AGAIN = 5.0  # seconds, whether the account is free: the daemon's polls are short
MOST_ROUNDS = 10_000


class NoHistory(Exception):
    """This source reads what its platform shows now; there is nothing further back to ask for."""


@dataclass(frozen=True, slots=True)
class Backfilled:
    """How far a backfill has come."""

    source: str
    pages: int = 0
    read: int = 0
    new: int = 0
    oldest: datetime | None = None  # the oldest post that came
    done: bool = False
    error: str | None = None
    wait_until: datetime | None = None  # the platform asks to wait longer than a person sits through


def with_history(settings: SourceSettings, history: timedelta) -> SourceSettings:
    """The settings that make a first poll read that far back. Raises NoHistory."""
    if "history" not in type(settings).model_fields:
        raise NoHistory
    return settings.model_copy(update={"history": history, "page_cap": max(settings.page_cap, PAGE_CAP)})


def backfill(
    feed: Feed,
    judge: Callable[[Mention], Verdict],
    store: Store,
    owner: str,
    clock: Callable[[], datetime],
    progress: Callable[[Backfilled], None] = lambda _: None,
    sleep: Callable[[float], object] = time.sleep,
) -> Backfilled:
    """Poll `feed`, which is registered under `readback.row_name`, until no stretch is left unread. Raises nothing of the source's."""
    noting = _Noting(feed.source)
    feed = replace(feed, source=noting)
    done = Backfilled(feed.name)
    for _ in range(MOST_ROUNDS):
        before = done
        polled = poll(
            feed,
            judge,
            store,
            owner,
            clock,
            force=True,
            progress=lambda so_far, before=before: progress(  # type: ignore[misc]
                replace(
                    before,
                    pages=before.pages + so_far.pages,
                    read=before.read + so_far.scanned,
                    new=before.new + so_far.new,
                    oldest=noting.oldest,
                )
            ),
        )
        if polled is None:
            free_at = store.account_waits(feed.name, clock())
            if free_at is None:
                return replace(done, error="another process is filling this source; wait for it")
            if free_at - clock() > LONGEST_WAIT:
                return replace(done, error="its account must wait", wait_until=free_at)
            sleep(min((free_at - clock()).total_seconds(), LOOK_AGAIN))
            continue
        done = replace(
            done,
            pages=done.pages + polled.pages,
            read=done.read + polled.scanned,
            new=done.new + polled.new,
            oldest=noting.oldest,
        )
        progress(done)
        (state,) = [one for one in store.sources() if one.name == feed.name]
        if polled.error is not None:
            until = state.next_poll_at or clock()
            if polled.parked or until - clock() > LONGEST_WAIT or state.failures > 5:
                return replace(done, error=polled.error, wait_until=None if polled.parked else until)
            sleep(max(0.0, (until - clock()).total_seconds()))
        elif not any(not gap.lost for gap in state.gaps):
            return replace(done, done=True)
    return replace(done, error="it does not come to an end; run it again to go on")


class _Noting:
    """A source that notes how old the oldest post was that it gave."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.oldest: datetime | None = None

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        for page in self._source.poll(cursor, now):
            for mention in page.mentions:
                if self.oldest is None or mention.published_at < self.oldest:
                    self.oldest = mention.published_at
            yield page

    def close(self) -> None:
        self._source.close()
