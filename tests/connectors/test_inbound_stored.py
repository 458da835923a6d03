"""Inbound posts through the daemon's own poll into its store: stored once, edited, removed."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from listener.cases.clock import ServiceHours
from listener.cases.routing import Route
from listener.cases.settle import Settler
from listener.cases.telling import Rules
from listener.ingest import Feed, Polled, poll
from listener.store import Store
from tests.fakes.inbound import FakeSender
from tests.fakes.story import verdict

NOW = datetime.now(UTC)  # posts without a time carry the server's
RULES = Rules((Route("all", ("care",)),), ServiceHours(ZoneInfo("UTC")))


def test_posts_edits_and_removals_reach_the_store(store: Store) -> None:
    settler = Settler("hooks", RULES)
    store.register_sources({"hooks": "inbound"}, NOW)
    with FakeSender() as sender, closing(sender.open(page_size=2)) as source:
        feed = Feed("hooks", source, timedelta(seconds=15), settler, tell="care", revise=settler.revise)

        def turn() -> Polled:
            done = poll(feed, lambda _: verdict(), store, "poller", lambda: NOW, force=True)
            assert done is not None
            assert done.error is None
            return done

        turn()
        sender.post([{"id": str(number), "text": "Acme never answers", "author": f"a{number}"} for number in range(5)])
        assert turn().new == 5
        assert turn().new == 0
        sender.post([{"id": "1", "text": "Acme never answers", "author": "a1"}])
        sender.post([{"id": "2", "text": "Acme did answer in the end", "author": "a2"}, {"id": "3", "removed": True}])
        done = turn()
        assert (done.new, done.edited, done.removed) == (0, 1, 1)
        assert store.totals().mentions == 5
