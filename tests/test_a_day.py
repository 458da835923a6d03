"""Twenty-four hours of twelve sources on a virtual clock: errors, two outages, a quota window; nothing lost, nothing twice.

Real connectors ask their fake platforms through real HTTP clients; leases, accounts, gaps and pages go through a real
store. Only time is made up.
"""

from __future__ import annotations

import importlib
import random
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from connectors.base import Passing, Source
from connectors.contract import HANGING, START, ConnectorContract
from listener.cases.clock import ServiceHours
from listener.cases.routing import Route
from listener.cases.settle import Settler
from listener.cases.telling import Rules
from listener.ingest import Feed, poll
from listener.store import Store
from listener.store.tables import mentions
from tests.fakes.reddit import SECRET as REDDIT_SECRET
from tests.fakes.story import verdict
from tests.fakes.x import TOKEN as X_TOKEN

RULES = Rules((Route("all", ("care",)),), ServiceHours(ZoneInfo("UTC")))
MINUTE = timedelta(minutes=1)
EVERY, LEAST = 5 * MINUTE, 2 * MINUTE
POSTS_AN_HOUR = 3.0
BURST = 30  # posts within a minute, once for each source that is no feed of the newest few
ERRORS = 0.01  # of polls meet a fault
OUTAGES = ((4 * 60, 6 * 60, range(4)), (13 * 60, 16 * 60, range(4, 9)))  # minutes from, to, which sources
QUOTA = (20 * 60, 45, (0, 1))  # minute, length in minutes, the two sources that share an account

# Twelve platforms; where a contract test takes its secret from a fixture, `_site` makes one.
CONTRACTS = (
    "hackernews.TestContract",
    "reddit.TestWithAKey",
    "mastodon.TestContract",
    "stackexchange.TestContract",
    "discourse.TestContract",
    "github.TestContract",
    "lemmy.TestContractOfVersion3",
    "rss.TestRssContract",
    "x.TestContract",
    "bluesky_search.TestContract",
    "youtube.TestContract",
    "appstore.TestContract",
)


@dataclass
class Site:
    """One source, its platform, and what was published there."""

    name: str
    contract: ConnectorContract
    fake: object
    source: Source
    published: list[str] = field(default_factory=list)
    asked_while_barred: int = 0


@pytest.mark.timeout(600)  # three thousand polls over HTTP
def test_a_day_loses_nothing(store: Store, tmp_path: Path) -> None:
    chance = random.Random(20261122)
    with ExitStack() as stack:
        sites = [_site(stack, number, place, tmp_path / "token") for number, place in enumerate(CONTRACTS)]
        shared = {sites[number].name: "shared" for number in QUOTA[2]}
        store.register_sources({site.name: site.name.partition("-")[0] for site in sites}, START, shared)
        feeds = {
            site.name: Feed(site.name, site.source, EVERY, Settler(site.name, RULES), least=LEAST) for site in sites
        }
        met: Counter[str] = Counter()
        for minute in range(24 * 60):
            now = START + minute * MINUTE
            _happen(sites, minute, now, chance)
            for name in store.due_sources(now):
                site = next(site for site in sites if site.name == name)
                if chance.random() < ERRORS:
                    site.fake.fail_next(chance.choice(_passing(site.contract)))  # type: ignore[attr-defined]
                polled = poll(feeds[name], lambda _: verdict(), store, "worker", lambda now=now: now)  # type: ignore[misc]
                if polled is not None:
                    assert not polled.parked, polled
                    met["failed" if polled.error else "went well"] += 1
                    site.asked_while_barred += bool(polled.error) and _barred(sites, site, minute)
        for later in range(1, 120):  # a quiet end: what was published last is found, what is open is read
            now = START + timedelta(days=1) + later * MINUTE
            for name in store.due_sources(now):
                poll(feeds[name], lambda _: verdict(), store, "worker", lambda now=now: now)  # type: ignore[misc]

        with store.engine.connect() as connection:
            rows = connection.execute(sa.select(mentions.c.source, mentions.c.external_id)).all()
        errors = {state.name: state.error for state in store.sources() if state.error}
        assert errors == {}
        for site in sites:
            stored = [row.external_id for row in rows if row.source == site.name]
            assert sorted(stored) == sorted(set(site.published)), site.name
            assert site.asked_while_barred <= 1, site.name  # the poll that was told to wait
        gaps = store.gaps(START)
        assert all(line.closed_at is not None for line in gaps), gaps
        reasons = Counter(line.gap.reason for line in gaps)
        assert reasons["outage"] >= sum(len(which) for *_, which in OUTAGES)
        print(
            f"\n{len(rows)} mentions of {len(sites)} sources, {met['went well']} polls went well, {met['failed']} failed;"
            f" gaps, all closed: {dict(reasons)}"
        )


def _site(stack: ExitStack, number: int, place: str, token: Path) -> Site:
    module, _, cls = place.partition(".")
    contract: ConnectorContract = getattr(importlib.import_module(f"tests.connectors.test_{module}"), cls)()
    if module == "x":
        token.write_text(X_TOKEN)
        type(contract).token = token  # type: ignore[attr-defined]
    if module == "reddit":
        (token.parent / "key").write_text(REDDIT_SECRET)
        type(contract).secrets = token.parent  # type: ignore[attr-defined]
    fake = stack.enter_context(contract.fake())
    source = contract.open(fake)
    stack.callback(source.close)
    return Site(f"{module}-{number}", contract, fake, source)


def _happen(sites: list[Site], minute: int, now: datetime, chance: random.Random) -> None:
    """People post, platforms break and are mended."""
    for site in sites:
        number = sites.index(site)
        roomy = site.contract.most_new >= 12 and "rss" not in site.name
        count = int(chance.random() < POSTS_AN_HOUR / 60 / (1 if roomy else 3))
        if roomy and minute == 8 * 60 + 13 * number:
            count = BURST
        site.published += [site.contract.publish(site.fake, now) for _ in range(count)]
        for begins, ends, which in OUTAGES:
            if number in which and minute == begins:
                site.fake.fail_next("503", times=10_000)  # type: ignore[attr-defined]
            if number in which and minute == ends:
                site.fake.mend()  # type: ignore[attr-defined]
    if minute == QUOTA[0]:
        sites[QUOTA[2][0]].fake.fail_next("429", retry_after=QUOTA[1] * 60)  # type: ignore[attr-defined]


def _barred(sites: list[Site], site: Site, minute: int) -> bool:
    begins, length, which = QUOTA
    return sites.index(site) in which and begins <= minute < begins + length


def _passing(contract: ConnectorContract) -> list[str]:
    return [name for name, error in contract.faults.items() if issubclass(error, Passing) and name not in HANGING]
