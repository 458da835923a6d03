"""Store posts that came in a file: the same path as a poll, in pages, counted and triaged like any other.

An import is a source of its own, so coverage and `status` name it. Posts known already, from whatever source, change
nothing. Unless asked for, an import alerts nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from connectors.base import Mention, Page
from listener.cases.plan import Settle
from listener.ingest import LEASE, judged
from listener.model import Verdict
from listener.store import Store

CONNECTOR = "import"
NEVER = timedelta(days=36500)


class ImportRefused(Exception):  # named for what happened, like the errors of the other packages
    """The import cannot run now; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did so far."""

    read: int = 0
    new: int = 0


def import_posts(
    posts: Iterable[Mention],
    *,
    source: str,
    store: Store,
    judge: Callable[[Mention], Verdict],
    settle: Settle,
    owner: str,
    clock: Callable[[], datetime],
    page_size: int = 500,
    progress: Callable[[Imported], None] = lambda _: None,
) -> Imported:
    """Store `posts` under the source `source`. Raises `ImportRefused` while another process imports to it, or polls it."""
    if any(known.name == source and known.connector != CONNECTOR for known in store.sources()):
        # To register it anew would throw its cursor away.
        raise ImportRefused(f"{source!r} is a source that is polled; name yours with --source.")
    store.register_sources({source: CONNECTOR}, clock())
    lease = store.lease(source, owner, clock(), LEASE, force=True)
    if lease is None:
        raise ImportRefused(f"another process is importing as {source!r}; wait for it, or name yours with --source.")
    done = Imported()
    error: str | None = "interrupted"
    try:
        for page in _pages(posts, page_size):
            triaged = judged(judge, page, clock())
            cursor = {"read": done.read + len(page)}
            recorded = store.record_page(lease, Page(tuple(page), cursor), triaged, settle, clock())
            done = Imported(done.read + len(page), done.new + recorded.new)
            progress(done)
        error = None
    finally:
        # Never due: nothing polls a file that a person handed over.
        store.finish(lease, clock(), clock() + NEVER, error=error)
    return done


def _pages(posts: Iterable[Mention], size: int) -> Iterator[list[Mention]]:
    iterator = iter(posts)
    while page := list(islice(iterator, size)):
        yield page
