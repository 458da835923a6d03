"""Mastodon: the contract, and what instances do."""

from __future__ import annotations

import itertools
import socket
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import AccessDenied, Source, SourceContext
from connectors.contract import START, ConnectorContract, Stored
from connectors.mastodon import MastodonSettings, by_age, connector
from tests.fakes.known import gone, look_up
from tests.fakes.mastodon import TOKEN, FakeMastodon

CONTEXT = SourceContext("masto", ("Acme",), "listener-tests", intranet=("127.0.0.0/8",))


def open_source(fake: FakeMastodon, **settings: Any) -> Source:
    return connector.open(MastodonSettings(base_url=fake.url, **settings), CONTEXT)


def read(fake: FakeMastodon, **settings: Any) -> Stored:
    with closing(open_source(fake, **settings)) as source:
        stored = Stored()
        stored.poll(source, START)
        return stored


class TestContract(ConnectorContract):
    def fake(self) -> FakeMastodon:
        return FakeMastodon().start()

    def open(self, fake: FakeMastodon) -> Source:
        return open_source(fake, page_size=4, page_cap=3, timeout=self.timeout)

    def open_with_secrets(self, fake: FakeMastodon, folder: Path) -> Source:
        (folder / "token").write_text(TOKEN)
        return open_source(fake, token_file=str(folder / "token"), timeout=self.timeout)

    def publish(self, fake: FakeMastodon, at: Any) -> str:
        return fake.publish(at=at)

    def publish_text(self, fake: FakeMastodon, at: Any, text: str) -> str:
        return fake.publish(text, at)

    def delete(self, fake: FakeMastodon, external_id: str) -> None:
        fake.delete(external_id)

    def edit(self, fake: FakeMastodon, external_id: str) -> None:
        fake.edit(external_id, "<p>edited #acme</p>")


@pytest.fixture
def token(tmp_path: Any) -> str:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    return str(file)


@pytest.mark.parametrize(("access", "word"), [("authenticated", "token_env"), ("disabled", "another instance")])
def test_a_closed_timeline_is_told_and_not_taken_for_silence(access: str, word: str) -> None:
    with FakeMastodon(access).start() as fake:
        fake.publish(at=START)
        with pytest.raises(AccessDenied, match=word):
            read(fake)


def test_a_token_opens_what_is_for_users_and_adds_the_search(token: str) -> None:
    with FakeMastodon("authenticated").start() as fake:
        tagged = fake.publish(at=START)
        said = fake.publish("<p>My Acme broke</p>", START, tags=())
        fake.publish("<p>macme</p>", START, tags=())
        assert set(read(fake, token_file=token).mentions) == {tagged, said}


def test_an_older_instance_that_does_not_say_is_read() -> None:
    with FakeMastodon(None).start() as fake:
        uri = fake.publish(at=START)
        assert list(read(fake).mentions) == [uri]


def test_a_token_that_is_not_set_parks_the_source_with_its_name() -> None:
    with FakeMastodon().start() as fake, pytest.raises(AccessDenied, match="LISTENER_TEST_NO_SUCH_TOKEN"):
        read(fake, token_env="LISTENER_TEST_NO_SUCH_TOKEN")


def test_a_mention_knows_its_author_its_language_and_what_became_of_it() -> None:
    with FakeMastodon().start() as fake:
        uri = fake.publish("<p>Bonjour<br>le monde</p><p>#acme</p>", START, acct="bob@other.example", language="fr")
        found = read(fake).mentions[uri]
    assert found.text == "Bonjour\nle monde\n\n#acme"
    assert (found.author.id, found.author.followers, found.lang) == ("bob@other.example", 12, "fr")
    assert found.engagement == {"likes": 2, "reposts": 1, "replies": 0}


def test_a_content_warning_is_part_of_the_text() -> None:
    with FakeMastodon().start() as fake:
        uri = fake.publish("<p>#acme</p>", START, spoiler_text="kettles")
        assert read(fake).mentions[uri].text == "kettles\n\n#acme"


def test_boosts_private_posts_and_people_who_opted_out_are_left_out() -> None:
    with FakeMastodon().start() as fake:
        fake.publish(at=START, reblog={"id": "1"})
        fake.publish(at=START, visibility="private")
        fake.publish(at=START, account={"acct": "x", "noindex": True})
        robot = fake.publish(at=START, account={"acct": "x", "bot": True})
        assert list(read(fake).mentions) == [robot]
        assert list(read(fake, skip_bots=True).mentions) == []


def test_ids_of_different_length_are_compared_as_numbers() -> None:
    ids = ["9", "10", "99", "100", "01H8"]
    assert min(ids[:4], key=by_age) == "9"
    assert all(by_age(one) < by_age(two) for one, two in itertools.pairwise(ids[:4]))


def test_a_name_of_several_words_is_read_as_one_hashtag() -> None:
    with FakeMastodon().start() as fake:
        uri = fake.publish(at=START, tags=("acmehome",))
        source = connector.open(
            MastodonSettings(base_url=fake.url), SourceContext("m", ("Acme Home",), "t", intranet=("127.0.0.0/8",))
        )
        with closing(source):
            assert [one.external_id for page in source.poll(None, START) for one in page.mentions] == [uri]


def test_a_burst_over_the_cap_is_a_gap_that_closes() -> None:
    with FakeMastodon().start() as fake, closing(open_source(fake, page_cap=2)) as source:
        stored = Stored()
        stored.poll(source, START)
        ids = {fake.publish(at=START + timedelta(seconds=n // 3)) for n in range(200)}
        stored.poll(source, START + timedelta(minutes=2))
        assert [gap.reason for gap in stored.gaps] == ["page-cap"]
        for n in range(3, 9):
            stored.poll(source, START + timedelta(minutes=n))
        assert set(stored.mentions) == ids
        assert stored.gaps == ()


@pytest.mark.parametrize(
    "settings", [{"tags": ["a b"]}, {"tags": ["123"]}, {"base_url": "mastodon.social"}, {"tag": ["x"]}]
)
def test_settings_that_cannot_work_are_refused(settings: Any) -> None:
    with pytest.raises(ValidationError):
        MastodonSettings(**settings)


@pytest.mark.parametrize("together", [True, False])
def test_posts_of_the_instance_are_looked_up_at_once_and_what_is_missing_again(together: bool) -> None:
    with FakeMastodon().start() as fake, closing(open_source(fake)) as source:
        kept, edited, deleted = (fake.publish(at=START, home=fake.url) for _ in range(3))
        stored = Stored()
        stored.poll(source, START)
        fake.together = together
        fake.edit(edited, "<p>edited #acme</p>")
        fake.delete(deleted)
        asked = len(fake.asked)
        looked = look_up(source, stored.mentions.values(), START)
        assert len(fake.asked) == asked + (2 if together else 4)
    assert gone(looked) == {deleted}
    present = {one.external_id: one for one in looked.present}
    assert present.pop(edited).text == "edited #acme"
    assert present == {kept: stored.mentions[kept]}


def test_posts_of_other_servers_are_looked_up_where_they_were_written_without_the_token(token: str) -> None:
    with FakeMastodon().start() as here, FakeMastodon().start() as there:
        ids = [there.publish(at=START, home=there.url) for _ in range(3)]
        here.statuses = {one: dict(status) for one, status in there.statuses.items()}
        for status in here.statuses.values():
            status["account"] = {**status["account"], "acct": "alice@127.0.0.1"}
        with closing(open_source(here, token_file=token)) as source:
            stored = Stored()
            stored.poll(source, START)
            there.delete(ids[0])
            there.edit(ids[1], "<p>edited #acme</p>")
            looked = look_up(source, stored.mentions.values(), START)
            assert gone(looked) == {ids[0]}
            assert [(one.external_id, one.text) for one in looked.present] == [(ids[1], "edited #acme")]
            assert looked.present[0].author == stored.mentions[ids[1]].author
            assert {one.headers.get("authorization") for one in there.asked} == {None}


def test_a_server_that_tells_nothing_is_asked_once_and_removes_nothing() -> None:
    with FakeMastodon().start() as here, FakeMastodon().start() as there:
        for _ in range(3):
            there.publish(at=START, home=there.url)
        here.publish(at=START, home="https://pleroma.example/objects")
        here.statuses |= there.statuses
        there.statuses, there.closed = {}, True
        with closing(open_source(here)) as source:
            stored = Stored()
            stored.poll(source, START)
            looked = look_up(source, stored.mentions.values(), START)
        assert (looked.present, looked.removed) == ((), ())
        assert len(there.asked) == 1


def test_a_server_that_is_not_public_is_not_asked() -> None:
    with socket.create_server(("127.1.0.1", 0)) as inside, FakeMastodon().start() as here:
        inside.setblocking(False)
        uri = here.publish(at=START, home=f"http://127.1.0.1:{inside.getsockname()[1]}")
        context = SourceContext("masto", ("Acme",), "listener-tests", intranet=("127.0.0.1/32",))
        with closing(connector.open(MastodonSettings(base_url=here.url), context)) as source:
            stored = Stored()
            stored.poll(source, START)
            assert set(stored.mentions) == {uri}
            assert gone(look_up(source, stored.mentions.values(), START)) == set()
        with pytest.raises(BlockingIOError):  # nobody knocked
            inside.accept()
