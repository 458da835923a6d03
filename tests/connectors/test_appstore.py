"""The App Store: the contract, and what its feed does that others do not."""

from __future__ import annotations

import random
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.appstore import AppStoreSettings, connector
from connectors.base import Gap, Malformed, Source, SourceContext
from connectors.contract import START, ConnectorContract, Stored
from tests.fakes.appstore import APP, FakeAppStore
from tests.fakes.crowd import unread
from tests.fakes.http import Asked, FakeServer, Reply

CONTEXT = SourceContext("reviews", ("Acme", "Acme Home"), "listener-tests", intranet=("127.0.0.0/8",))


def open_source(fake: FakeServer, **settings: Any) -> Source:
    return connector.open(AppStoreSettings(base_url=fake.url, app=APP, **settings), CONTEXT)


def read(fake: FakeServer, **settings: Any) -> Stored:
    with closing(open_source(fake, **settings)) as source:
        stored = Stored()
        stored.poll(source, START)
        return stored


class TestContract(ConnectorContract):
    with_app = False

    def fake(self) -> FakeAppStore:
        fake = FakeAppStore(9)
        fake.with_app = self.with_app
        return fake.start()

    def open(self, fake: FakeAppStore) -> Source:
        return open_source(fake, page_cap=3, timeout=self.timeout)

    def publish(self, fake: FakeAppStore, at: Any) -> str:
        return fake.publish(at=at)

    def publish_text(self, fake: FakeAppStore, at: Any, text: str) -> str:
        return fake.publish(text, at)

    def delete(self, fake: FakeAppStore, external_id: str) -> None:
        fake.delete(external_id)

    def edit(self, fake: FakeAppStore, external_id: str) -> None:
        fake.edit(external_id, "Edited")


class TestContractWithTheAppInFront(TestContract):
    with_app = True


@pytest.mark.parametrize("seed", range(3))
def test_seconds_with_more_reviews_than_a_page_are_read_whole(seed: int) -> None:
    with FakeAppStore(40).start() as fake, closing(open_source(fake)) as source:
        assert unread(source, lambda at: fake.publish(at=at.replace(microsecond=0)), seed) == set()


@pytest.mark.parametrize("seed", range(5))
def test_reviews_that_vanish_between_two_pages_hide_no_other(seed: int) -> None:
    """With pages by number, everything below a vanished review moves up, over the edge of the page that was read."""
    chance = random.Random(seed)
    with FakeAppStore(6).start() as fake, closing(open_source(fake, page_cap=2, lookback=timedelta(0))) as source:
        alive = [fake.publish(at=START - timedelta(seconds=n // 3)) for n in range(58)]
        stored = Stored()
        for n in range(60):
            for page in source.poll(stored.cursor, START + timedelta(seconds=n)):
                stored.page(page)
                if len(alive) > 20:
                    for gone in chance.sample(alive, chance.choice([0, 1, 2, 5])):
                        fake.delete(gone)
                        alive.remove(gone)
        assert set(alive) - set(stored.mentions) == set()


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("with_app", [False, True])
def test_no_review_one_and_several_come_in_three_shapes(number: int, with_app: bool) -> None:
    with FakeAppStore().start() as fake:
        fake.with_app = with_app
        ids = {fake.publish(at=START) for _ in range(number)}
        assert set(read(fake).mentions) == ids


def test_a_review_is_whole_and_about_the_brand_though_it_does_not_name_it() -> None:
    with FakeAppStore().start() as fake:
        one = fake.publish("Nobody answers.\nTwo weeks now.", START, title="No help", rating=1)
        found = read(fake).mentions[one]
        assert (found.title, found.text) == ("No help (version 3.2.1)", "Nobody answers.\nTwo weeks now.")
        assert (found.rating, found.kind, found.brand, found.engagement) == (1.0, "review", "Acme", {"likes": 3})
        assert (found.author.id, found.author.name) == ("123456789", "kettle fan")
        assert found.url == f"https://apps.apple.com/us/app/id{APP}?see-all=reviews"
        assert read(fake, brand="Acme Home").mentions[one].brand == "Acme Home"


def test_countries_are_read_apart() -> None:
    with FakeAppStore().start() as fake:
        here, there = fake.publish(at=START), fake.publish(at=START, country="fr")
        assert set(read(fake).mentions) == {here}
        assert set(read(fake, countries=("US", "fr", "de")).mentions) == {here, there}


def test_a_feed_that_is_empty_under_one_address_is_read_under_the_other() -> None:
    with FakeAppStore().start() as fake:
        one = fake.publish(at=START)
        fake.empty = {0}
        assert set(read(fake).mentions) == {one}


def test_a_full_feed_that_is_empty_now_is_a_gap_until_it_is_full_again_and_removes_nothing() -> None:
    minute = timedelta(minutes=1)
    with FakeAppStore(5).start() as fake:
        ids = {fake.publish(at=START - timedelta(minutes=n)) for n in range(12)}
        stored = Stored()
        with closing(open_source(fake, countries=("us", "fr"))) as source:
            stored.poll(source, START)
            assert stored.gaps == ()  # nobody ever reviewed it in France
            fake.empty = {0, 1}
            stored.poll(source, START + minute)
        mark = Gap(START, START + minute, "empty-feed")
        assert stored.gaps == (mark,)
        with closing(open_source(fake, countries=("us", "fr"))) as source:
            ids.add(fake.publish(at=START + minute))
            pages = list(source.poll(stored.cursor, START + 2 * minute))
            assert [page.removed for page in pages if page.removed] == []
            stored.page(pages[-1])
            assert stored.gaps == (mark,)
            fake.empty = set()
            stored.poll(source, START + 3 * minute)
        assert set(stored.mentions) == ids
        assert stored.gaps == ()


def test_what_was_left_unread_is_still_read_after_the_feed_was_empty() -> None:
    with FakeAppStore(5).start() as fake, closing(open_source(fake, page_cap=2)) as source:
        ids = {fake.publish(at=START - timedelta(minutes=n)) for n in range(40)}
        stored = Stored()
        stored.poll(source, START)
        fake.empty = {0, 1}
        for n in range(1, 5):
            stored.poll(source, START + timedelta(minutes=n))
        fake.empty = set()
        for n in range(5, 25):
            stored.poll(source, START + timedelta(minutes=n))
        assert set(stored.mentions) == ids
        assert stored.gaps == ()


def test_a_feed_full_of_new_reviews_has_rolled_over() -> None:
    with FakeAppStore(5).start() as fake, closing(open_source(fake)) as source:
        for n in range(60):
            fake.publish(at=START - timedelta(minutes=n))
        stored = Stored()
        stored.poll(source, START)
        assert stored.gaps == ()  # the first poll may well find more than is shown
        ids = {fake.publish(at=START + timedelta(minutes=n)) for n in range(1, 61)}
        now = START + timedelta(minutes=61)
        stored.poll(source, now)
        assert [(gap.reason, gap.lost) for gap in stored.gaps] == [("rolled-over", True)]
        assert len(set(stored.mentions) & ids) == 50
        stored.poll(source, now)
        assert stored.gaps == ()


@pytest.mark.parametrize("restarted", [False, True])
def test_a_changed_review_is_told_as_edited(restarted: bool) -> None:
    with FakeAppStore().start() as fake:
        old, other = fake.publish(at=START - timedelta(days=9)), fake.publish(at=START)
        stored = Stored()
        source = open_source(fake)
        stored.poll(source, START)
        if restarted:
            source.close()
            source = open_source(fake)
        with closing(source):
            now = START + timedelta(days=3)
            fake.edit(old, "They called me back, all is well", now)
            edited = {one.external_id: one for page in source.poll(stored.cursor, now) for one in page.edited}
            assert edited[old].text == "They called me back, all is well"
            assert restarted or other not in edited
            again = [one for page in source.poll(stored.cursor, now) for one in page.edited]
            assert again == []


def test_a_change_on_a_page_that_was_never_stored_is_told_again() -> None:
    with FakeAppStore().start() as fake, closing(open_source(fake)) as source:
        one = fake.publish(at=START)
        stored = Stored()
        stored.poll(source, START)
        fake.edit(one, "Edited")
        for _ in range(2):
            page = next(source.poll(stored.cursor, START + timedelta(minutes=1)))
            assert [mention.text for mention in page.edited] == ["Edited"]


def test_without_dates_the_order_of_the_feed_counts() -> None:
    with FakeAppStore().start() as fake:
        ids = {fake.publish(at=START - timedelta(minutes=n), updated={}) for n in range(3)}
        assert set(read(fake).mentions) == ids


class Says(FakeServer):
    def __init__(self, body: Any) -> None:
        super().__init__()
        self.body = body

    def answer(self, asked: Asked) -> Reply:
        return Reply.json(self.body)


@pytest.mark.parametrize("body", [[], {}, {"feed": None}, {"feed": []}])
def test_what_is_no_feed_is_told(body: Any) -> None:
    with Says(body).start() as fake, pytest.raises(Malformed, match="without a feed"):
        read(fake)


@pytest.mark.parametrize(
    "entry",
    [None, "x", [None], [{"im:rating": {"label": "5"}}], {"im:rating": "5", "id": {"label": "1"}}],
)
def test_entries_that_are_no_reviews_are_left_out(entry: Any) -> None:
    with Says({"feed": {"entry": entry}}).start() as fake:
        assert read(fake).mentions == {}


@pytest.mark.parametrize(
    "settings", [{}, {"app": 0}, {"app": "kettle"}, {"app": APP, "countries": ()}, {"app": APP, "countries": ("usa",)}]
)
def test_settings_that_cannot_work_are_refused(settings: Any) -> None:
    with pytest.raises(ValidationError):
        AppStoreSettings(**settings)
