"""A daemon's store in every state that somebody who watches wants to know of, without a daemon."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from connectors.base import Author, Gap
from listener.config import Config, parse_config
from listener.model import Receipt
from listener.store import Budget, Store
from rules.vocabulary import Urgency
from tests.fakes.catalogue import CATALOGUE
from tests.fakes.story import NOON, page, post, settle_to, triaged

CONFIG = """
[brand]
name = "Acme"
[[source]]
name = "forum"
connector = "hackernews"
[[source]]
name = "quiet"
connector = "hackernews"
[[source]]
name = "parked"
connector = "hackernews"
[[account]]
name = "paid"
budget_month = 10.0
[[receiver]]
name = "care"
type = "console"
[[receiver]]
name = "night"
type = "console"
quiet_hours = "monday-sunday 00:00-07:00, 22:00-24:00"
[[route]]
name = "all"
to = ["care", "night"]
[digest]
enabled = false
"""
TTL = timedelta(minutes=5)
HANDLE, WORDS = "the-handle-of-a-person", "words that somebody wrote"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return parse_config(CONFIG, tmp_path / "listener.toml", CATALOGUE)


def beat(store: Store) -> None:
    store.set_meta("heartbeat", {"at": NOON.isoformat(), "owner": "m:1:a"})


@pytest.fixture
def lived_in(store: Store) -> Store:
    """At NOON: seven posts by five authors, one told; a parked source, a gap, spending, a stopped receiver."""
    beat(store)
    store.register_sources(dict.fromkeys(("forum", "quiet", "parked"), "hackernews"), NOON)
    store.register_sources({"file:posts.jsonl": "import"}, NOON)
    lease = store.lease("forum", "w1", NOON, TTL)
    assert lease is not None
    posts = [
        triaged(
            post(
                number,
                published_at=NOON - timedelta(seconds=100 * number + 20),
                author=Author(f"a{number % 5}", HANDLE),
                text=WORDS,
            ),
            urgency=Urgency(number % 4),
        )
        for number in range(7)
    ]
    gaps = [
        Gap(NOON - timedelta(hours=5), NOON - timedelta(hours=4), "page-cap", False),
        Gap(NOON - timedelta(days=5), NOON - timedelta(days=4), "retention", True),
    ]
    store.record_page(lease, page(posts, gaps=gaps), posts, settle_to("care"), NOON)
    store.finish(lease, NOON, NOON + TTL, pace=timedelta(seconds=90))
    lease = store.lease("parked", "w1", NOON, TTL)
    assert lease is not None
    store.finish(lease, NOON, NOON + TTL, parked=f"the token of {HANDLE} was refused")
    delivery = store.claim("care", "s1", NOON + timedelta(seconds=45), TTL)
    assert delivery is not None
    assert store.mark_sent(delivery.id, "s1", Receipt({}), NOON + timedelta(seconds=45))
    store.stop_receiver("care", f"{WORDS} was archived", NOON)
    store.set_aside("paid", "read", 100, 2_500_000, Budget(month=10_000_000), NOON)
    store.set_aside("paid", "read", 100, 1_000_000, Budget(month=10_000_000), NOON - timedelta(days=3))
    store.set_aside("paid (looking up again)", "read", 1, 7, Budget(), NOON)
    return store
