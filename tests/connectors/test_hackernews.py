"""Hacker News: the contract, and what its search API does that others do not."""

from __future__ import annotations

import json
import random
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.base import RateLimited, Source, SourceContext
from connectors.contract import START, ConnectorContract, Stored
from connectors.hackernews import HackerNewsSettings, connector
from tests.fakes.hackernews import FakeHackerNews
from tests.fakes.known import gone, look_up

CONTEXT = SourceContext("hn", ("Acme",), "listener-tests", intranet=("127.0.0.0/8",))


def open_source(fake: FakeHackerNews, **settings: Any) -> Source:
    return connector.open(HackerNewsSettings(base_url=fake.url, item_url=fake.url, **settings), CONTEXT)


class TestContract(ConnectorContract):
    def fake(self) -> FakeHackerNews:
        return FakeHackerNews().start()

    def open(self, fake: FakeHackerNews) -> Source:
        return open_source(fake, page_size=4, page_cap=3, timeout=self.timeout)

    def publish(self, fake: FakeHackerNews, at: Any) -> str:
        return fake.publish("Acme is <i>fine</i>", at)

    def publish_text(self, fake: FakeHackerNews, at: Any, text: str) -> str:
        return fake.publish(text, at)

    def delete(self, fake: FakeHackerNews, external_id: str) -> None:
        fake.delete(external_id)

    def edit(self, fake: FakeHackerNews, external_id: str) -> None:
        fake.edit(external_id, "Acme, edited")


def read(fake: FakeHackerNews, **settings: Any) -> Stored:
    with closing(open_source(fake, **settings)) as source:
        stored = Stored()
        stored.poll(source, START)
        return stored


def test_typing_errors_that_the_search_tolerates_are_no_mentions() -> None:
    with FakeHackerNews().start() as fake:
        wanted = fake.publish("My ACME’s lid broke", START)
        fake.publish("acmes and acne and macme", START)
        assert list(read(fake).mentions) == [wanted]


def test_stories_match_in_title_and_link_and_links_speak_through_their_title() -> None:
    with FakeHackerNews().start() as fake:
        titled = fake.publish("", START, title="Acme raises prices", url="https://news.example/1")
        linked = fake.publish("", START, title="A new kettle", url="https://acme.example/kettle")
        asked = fake.publish("I ordered twice.<p>Never again.", START, title="Ask HN: is Acme down?")
        found = read(fake).mentions
        assert set(found) == {titled, linked, asked}
        assert found[titled].text == found[titled].title == "Acme raises prices"
        assert found[asked].text == "I ordered twice.\n\nNever again."
        assert found[asked].url == f"https://news.ycombinator.com/item?id={asked}"


def test_a_comment_knows_its_thread() -> None:
    with FakeHackerNews().start() as fake:
        story = fake.publish("", START, title="Acme raises prices")
        comment = fake.publish("Acme is still fine", START, parent=story)
        found = read(fake).mentions[comment]
        assert (found.kind, found.thread_id, found.parent_id, found.title) == ("comment", story, story, "")


@pytest.mark.parametrize("number", [5, 40])
def test_more_posts_in_one_second_than_a_page_holds_are_all_read(number: int) -> None:
    with FakeHackerNews().start() as fake:
        ids = {fake.publish("Acme", START - timedelta(minutes=1)) for _ in range(number)}
        assert set(read(fake, page_size=4, page_cap=50).mentions) == ids


def test_every_term_is_searched_as_a_phrase() -> None:
    with FakeHackerNews().start() as fake:
        fake.publish("the blue kettle of Acme", START)
        assert len(read(fake, terms=("Acme", 'blue "kettle"')).mentions) == 1
        assert {one.first("query") for one in fake.asked} == {'"Acme"', '"blue kettle"'}


def test_700_new_posts_behind_five_pages_are_all_stored_within_the_next_rounds() -> None:
    with FakeHackerNews().start() as fake, closing(open_source(fake)) as source:
        stored = Stored()
        stored.poll(source, START)
        for n in range(700):
            fake.publish(f"Acme {n}", START + timedelta(seconds=n // 10))
        assert (
            400 < stored.poll(source, START + timedelta(minutes=2)) <= 500
        )  # each page repeats the second it begins in
        assert [gap.reason for gap in stored.gaps] == ["page-cap"]
        stored.poll(source, START + timedelta(minutes=3))
        assert len(stored.mentions) == 700
        assert stored.gaps == ()


@pytest.mark.parametrize("seed", range(6))
def test_seconds_with_more_posts_than_a_page_are_read_whole(seed: int) -> None:
    """Small pages, many posts a second, polls that stop half-way: nothing is skipped, in the walk and in the lookback."""
    chance = random.Random(seed)
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    with FakeHackerNews().start() as site, closing(open_source(site, page_size=5)) as source:
        published: list[str] = []
        stored: set[str] = set()
        cursor: Any = None
        for number in range(140):
            if number < 100:
                published += [site.publish("Acme", now, author="a") for _ in range(chance.randint(1, 4))]
            now += timedelta(milliseconds=chance.randint(20, 300))
            stop = chance.choice([0, 1, 2, 9, 9]) if number < 100 else 9
            for read, page in enumerate(source.poll(cursor, now)):
                if read >= stop:
                    break
                cursor = json.loads(json.dumps(page.cursor))
                stored |= {mention.external_id for mention in page.mentions}
        assert set(published) - stored == set()


def test_stored_posts_are_looked_up_and_what_is_deleted_or_killed_is_gone() -> None:
    with FakeHackerNews().start() as fake, closing(open_source(fake)) as source:
        kept = fake.publish("Acme is fine", START)
        story = fake.publish("", START, title="Acme raises prices", url="https://news.example/1")
        asked = fake.publish("Is it <i>you</i>?", START, title="Ask HN: Acme?")
        edited, deleted, killed = (fake.publish("Acme", START) for _ in range(3))
        stored = Stored()
        stored.poll(source, START)
        fake.edit(edited, "Acme, edited")
        fake.delete(deleted)
        fake.killed.add(killed)
        looked = look_up(source, stored.mentions.values(), START)
    assert gone(looked) == {deleted, killed}
    present = {one.external_id: one for one in looked.present}
    assert present.pop(edited).text == "Acme, edited"
    assert present == {one: stored.mentions[one] for one in (kept, story, asked)}


def test_a_post_that_hacker_news_does_not_know_is_left_alone() -> None:
    with FakeHackerNews().start() as fake, closing(open_source(fake)) as source:
        fake.publish("Acme", START)
        stored = Stored()
        stored.poll(source, START)
        fake.posts.clear()
        looked = look_up(source, stored.mentions.values(), START)
    assert (looked.present, looked.removed) == ((), ())


def test_a_wait_in_the_middle_of_a_look_up_is_told() -> None:
    with FakeHackerNews().start() as fake, closing(open_source(fake)) as source:
        for _ in range(3):
            fake.publish("Acme", START)
        stored = Stored()
        stored.poll(source, START)
        fake.limit = 1
        with pytest.raises(RateLimited):
            look_up(source, stored.mentions.values(), START)
