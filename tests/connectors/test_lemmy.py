"""Lemmy: the contract with both versions of its API, and what tells them apart."""

from __future__ import annotations

import json
import random
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import Malformed, RateLimited, Refused, Source, SourceContext
from connectors.contract import START, ConnectorContract, Stored
from connectors.lemmy import LemmySettings, connector
from tests.fakes.crowd import unread
from tests.fakes.http import Reply
from tests.fakes.known import gone, look_up
from tests.fakes.lemmy import FakeLemmy

CONTEXT = SourceContext("lemmy", ("Acme",), "listener-tests", intranet=("127.0.0.0/8",))


def open_source(fake: FakeLemmy, **settings: Any) -> Source:
    return connector.open(LemmySettings(base_url=fake.url, **settings), CONTEXT)


def read(fake: FakeLemmy, **settings: Any) -> Stored:
    with closing(open_source(fake, **settings)) as source:
        stored = Stored()
        stored.poll(source, START)
        return stored


class TestContractOfVersion3(ConnectorContract):
    version = 3

    def fake(self) -> FakeLemmy:
        return FakeLemmy(self.version).start()

    def open(self, fake: FakeLemmy) -> Source:
        return open_source(fake, page_size=4, page_cap=3, timeout=self.timeout)

    def publish(self, fake: FakeLemmy, at: Any) -> str:
        return fake.publish(at=at, kind="comment" if len(fake.rows) % 3 == 0 else "post")

    def publish_text(self, fake: FakeLemmy, at: Any, text: str) -> str:
        return fake.publish(text, at)

    def delete(self, fake: FakeLemmy, external_id: str) -> None:
        fake.delete(external_id)

    def edit(self, fake: FakeLemmy, external_id: str) -> None:
        fake.edit(external_id, "Acme, edited")


class TestContractOfVersion4(TestContractOfVersion3):
    version = 4


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("seed", range(3))
def test_seconds_with_more_posts_than_a_page_are_read_whole(seed: int, version: int) -> None:
    with FakeLemmy(version).start() as fake, closing(open_source(fake, page_size=5)) as source:
        assert unread(source, lambda at: fake.publish(at=at.replace(microsecond=0)), seed) == set()


@pytest.mark.parametrize("seed", range(6))
def test_posts_that_vanish_between_two_pages_hide_no_other(seed: int) -> None:
    """With pages by number, everything below a vanished post moves up, over the edge of the page that was read."""
    chance = random.Random(seed)
    settings = {"page_size": 4, "page_cap": 2, "lookback": timedelta(0)}
    with FakeLemmy(3).start() as fake, closing(open_source(fake, **settings)) as source:
        alive = [fake.publish(at=START - timedelta(seconds=n // 3)) for n in range(60)]
        stored: set[str] = set()
        cursor: Any = None
        for n in range(60):
            for page in source.poll(cursor, START + timedelta(seconds=n)):
                cursor = json.loads(json.dumps(page.cursor))
                stored |= {mention.external_id for mention in page.mentions}
                if len(alive) > 20:
                    for gone in chance.sample(alive, chance.choice([0, 1, 2, 5])):
                        fake.delete(gone)
                        alive.remove(gone)
        assert set(alive) - stored == set()


@pytest.mark.parametrize(("version", "together"), [(3, ""), (4, "search"), (4, "items"), (4, "posts")])
def test_a_post_is_whole_whatever_the_version(version: int, together: str) -> None:
    with FakeLemmy(version, together).start() as fake:
        one = fake.publish("> quoted\n\nMy **Acme** leaks", START)
        found = read(fake).mentions[one] if together != "posts" else _posts_only(fake)[one]
    assert (found.title, found.text, found.kind) == ("Kettles", "My Acme leaks", "post")
    assert (found.author.id, found.author.handle) == ("https://far.example/u/alice", "alice@far.example")
    assert found.author.name == "Alice A."
    assert found.engagement == {"score": 4, "replies": 2}
    assert found.url == found.thread_id == one


def _posts_only(fake: FakeLemmy) -> Any:
    """An answer without a list of comments is told, and the posts are stored all the same."""
    stored = Stored()
    with closing(open_source(fake)) as source, pytest.raises(Malformed):
        stored.poll(source, START)
    return stored.mentions


@pytest.mark.parametrize("version", [3, 4])
def test_a_comment_knows_its_thread_and_what_it_answers(version: int) -> None:
    with FakeLemmy(version).start() as fake:
        direct = fake.publish("Acme", START, kind="comment", path="0.7")
        nested = fake.publish("Acme", START, kind="comment", path="0.7.8")
        found = read(fake).mentions
    thread = "https://far.example/post/1"
    assert (found[direct].thread_id, found[direct].parent_id, found[direct].title) == (thread, thread, "")
    assert (found[nested].thread_id, found[nested].parent_id) == (thread, None)
    assert found[nested].engagement == {"score": 4, "replies": 1}


def test_what_is_deleted_removed_or_only_similar_is_left_out() -> None:
    with FakeLemmy().start() as fake:
        fake.publish(at=START, deleted=True)
        fake.publish(at=START, removed=True)
        fake.publish("acmes", START)
        linked = fake.publish("", START, url="https://acme.example/kettle")
        robot = fake.publish(at=START, creator={"bot_account": True})
        assert set(read(fake).mentions) == {linked, robot}
        assert set(read(fake, skip_bots=True).mentions) == {linked}


def test_the_version_is_asked_once_and_again_after_an_update() -> None:
    with FakeLemmy(3).start() as fake, closing(open_source(fake)) as source:
        stored = Stored()
        first = fake.publish(at=START)
        stored.poll(source, START)
        stored.poll(source, START)
        assert [one.path for one in fake.asked].count("/api/v4/site") == 1
        fake.version, fake.rows = 4, {}
        second = fake.publish(at=START + timedelta(minutes=1))
        with pytest.raises(Refused):
            stored.poll(source, START + timedelta(minutes=2))
        stored.poll(source, START + timedelta(minutes=3))
        assert set(stored.mentions) == {first, second}


def test_a_cursor_that_is_not_taken_any_more_begins_anew_and_loses_nothing() -> None:
    with FakeLemmy(4).start() as fake, closing(open_source(fake, page_size=4, page_cap=2)) as source:
        ids = {fake.publish(at=START - timedelta(minutes=n)) for n in range(30)}
        stored = Stored()
        stored.poll(source, START)
        assert stored.gaps
        fake.purged = {cursor for one in fake.asked if (cursor := one.first("page_cursor"))}
        fake.purged |= {json.dumps(stored.cursor).partition('"cursor": "')[2].partition('"')[0]}
        for n in range(40):
            stored.poll(source, START + timedelta(seconds=n))
            fake.purged = set() if n > 2 else fake.purged
        assert set(stored.mentions) == ids
        assert stored.gaps == ()


def test_a_wait_that_comes_as_400_is_a_wait() -> None:
    with FakeLemmy().start() as fake:
        fake.replies.append(Reply.json({"error": "rate_limit_error"}, 400))
        with pytest.raises(RateLimited):
            read(fake)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="address"):
        LemmySettings(base_url="lemmy.world")


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("abroad", [False, True])
def test_posts_are_looked_up_where_they_were_written(version: int, abroad: bool) -> None:
    with FakeLemmy(version).start() as home, FakeLemmy(version).start() as other:
        kept, edited, deleted, removed, purged = (home.publish(at=START, home=home.url) for _ in range(5))
        comment = home.publish(at=START, kind="comment", home=home.url, path="0.7")
        here = other if abroad else home
        other.rows = {one: dict(row) for one, row in home.rows.items()}
        with closing(open_source(here)) as source:
            stored = Stored()
            stored.poll(source, START)
            home.edit(edited, "Acme, edited")
            home.rows[int(deleted.rpartition("/")[2])]["post"]["deleted"] = True
            home.rows[int(removed.rpartition("/")[2])]["post"]["removed"] = True
            home.delete(purged)
            looked = look_up(source, stored.mentions.values(), START)
    assert gone(looked) == {deleted, removed, purged}
    present = {one.external_id: one for one in looked.present}
    assert present.pop(edited).text == "Acme, edited"
    assert present == {one: stored.mentions[one] for one in (kept, comment)}


def test_a_server_of_another_kind_tells_nothing() -> None:
    with FakeLemmy().start() as fake, FakeLemmy(9).start() as strange, closing(open_source(fake)) as source:
        for kind in ("post", "comment"):
            fake.publish(at=START, home=strange.url, kind=kind)
        fake.publish(at=START, home="https://mbin.example/m/kettles")
        stored = Stored()
        stored.poll(source, START)
        looked = look_up(source, stored.mentions.values(), START)
        assert (looked.present, looked.removed) == ((), ())
        strange.fail_next("500")
        asked = len(strange.asked)
        assert gone(look_up(source, stored.mentions.values(), START)) == set()
        assert len(strange.asked) == asked + 1


def test_the_instance_itself_failing_is_told() -> None:
    with FakeLemmy().start() as fake, closing(open_source(fake)) as source:
        fake.publish(at=START, home=fake.url)
        stored = Stored()
        stored.poll(source, START)
        fake.fail_next("429")
        with pytest.raises(RateLimited):
            look_up(source, stored.mentions.values(), START)
