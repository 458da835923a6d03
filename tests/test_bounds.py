"""One post that cannot be stored as it is must not stop its source."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Author, Page
from listener.bounds import EARLIEST, KEY_BYTES, bounded
from listener.cases.clock import ServiceHours
from listener.cases.routing import Route
from listener.cases.settle import Settler
from listener.cases.telling import Rules
from listener.ingest import Feed, poll
from listener.store import Store
from tests.fakes.story import NOON, post, verdict

RULES = Rules((Route("all", ("care",)),), ServiceHours(ZoneInfo("Pacific/Auckland"), {0: ()}))


def test_an_ordinary_post_passes_as_it_is() -> None:
    ordinary = post(1)
    assert bounded(ordinary, NOON) is ordinary


def test_dates_that_cannot_be_are_brought_within_the_calendar() -> None:
    assert bounded(post(1, published_at=datetime.max.replace(tzinfo=UTC)), NOON).published_at == NOON
    assert bounded(post(1, published_at=datetime.min.replace(tzinfo=UTC)), NOON).published_at == EARLIEST
    ahead = NOON + timedelta(days=30)
    assert bounded(post(1, published_at=ahead), NOON).published_at == ahead


def test_long_ids_stay_apart_and_the_same() -> None:
    one, other = (bounded(post(1, external_id="😀" * 5_000 + end), NOON).external_id for end in "ab")
    assert one != other
    assert len(one.encode()) <= KEY_BYTES
    assert bounded(post(1, external_id=one), NOON).external_id == one


@pytest.mark.parametrize(
    "odd",
    [
        {"published_at": datetime.max.replace(tzinfo=UTC)},
        {"published_at": datetime.min.replace(tzinfo=UTC)},
        {"author": Author("x", followers=10**30)},
        {"author": Author("".join(chr(0x4E00 + n) for n in range(9_000)))},
        {"external_id": "".join(chr(0x4E00 + n * 7 % 20_000) for n in range(9_000))},
        {"engagement": {"likes": 10**400}},
        {"text": "\ud83d\x00", "title": "\x00"},
    ],
    ids=["year-9999", "year-1", "followers", "author", "id", "likes", "text"],
)
def test_a_poll_gets_past_a_post_that_no_database_takes_as_it_is(store: Store, odd: dict[str, object]) -> None:
    class OnePage:
        def poll(self, cursor: object, now: datetime):  # type: ignore[no-untyped-def]
            yield Page((post(1), post(2, **odd)), {"at": 1})

        def close(self) -> None: ...

    store.register_sources({"forum": "replay"}, NOON)
    feed = Feed("forum", OnePage(), timedelta(minutes=5), Settler("forum", RULES))
    polled = poll(feed, lambda _: verdict(), store, "poller", lambda: NOON)
    assert polled is not None
    assert (polled.error, polled.new) == (None, 2)
