"""How long words and people are kept: which source's posts lose them when, and the job that takes them away.

`[retention] text_days` holds for every source. Where it is silent, each connector says what its platform's terms ask
(`Policy.retention`), and files that a person imported are theirs: they are kept until the key is set. A source
whose connector is not installed any more is treated as the contract's default has it. Counts, verdicts and dates
stay for good, so digests of old weeks keep their numbers and quote nothing (docs/operations.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from connectors.base import Connector, Policy
from listener.config.reading import Installed
from listener.importing import CONNECTOR
from listener.model import SourceState
from listener.store import Store

log = structlog.get_logger()

EVERY = timedelta(hours=6)
LAST = "retention.last"  # meta key: when a purge last came to its end
CHUNK = 500  # mentions in one transaction, which takes up to a third of a second
PAUSE = 0.15  # seconds between two; SQLite's waiting writers look every tenth of a second, and shall find their turn


@dataclass(frozen=True, slots=True)
class Done:
    """What one purge did."""

    mentions: int = 0  # that lost words and author
    digests: int = 0  # in the outbox, that lost what they quoted


def kept_for(connector: str, text_days: int | None, installed: Installed) -> timedelta | None:
    """How long words of this connector's posts are kept; None: for good."""
    if text_days is not None:
        return timedelta(days=text_days)
    if connector == CONNECTOR:
        return None
    return _policy(connector, installed).retention


def cutoffs(
    sources: Iterable[SourceState], text_days: int | None, installed: Installed, now: datetime
) -> Mapping[str, datetime]:
    """For each source the time before which its posts lose their words; sources that keep them are left out."""
    lengths = {source.name: kept_for(source.connector, text_days, installed) for source in sources}
    return {name: now - length for name, length in lengths.items() if length is not None}


def purge(
    store: Store,
    before: Mapping[str, datetime],
    now: datetime,
    stopping: Callable[[], bool] = lambda: False,
    pause: Callable[[float], object] = time.sleep,
) -> Done:
    """Take away what is due, by the chunk; once `stopping()`, the chunk in hand is the last one."""
    mentions = 0
    after: tuple[datetime, int] | None = None
    while not stopping():
        chunk = store.purge(before, now, CHUNK, after)
        mentions, after = mentions + chunk.count, chunk.onward
        if after is None:
            store.set_meta(LAST, now.isoformat())
            break
        pause(PAUSE)
    # Even where no mention was due: an earlier purge may have been killed before it came to the digests.
    digests = store.purge_outbox(now)
    if mentions or digests:
        store.forget_log()
        log.info("purged", mentions=mentions, digests=digests)
    return Done(mentions, digests)


def is_due(store: Store, now: datetime) -> bool:
    """Whether the last purge is long enough ago; for `once`, which may be called every minute."""
    last = store.get_meta(LAST)
    return not isinstance(last, str) or now - datetime.fromisoformat(last) >= EVERY


def _policy(name: str, installed: Installed) -> Policy:
    found = installed.get(name)
    if found is None:
        return Policy()
    try:
        connector: Connector = found.load()
    except ImportError:  # no configured source uses it, or the configuration would have been refused
        return Policy()
    return connector.policy
