"""Mastodon: the contract, and what instances do."""

from __future__ import annotations

import itertools
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import AccessDenied, Source, SourceContext
from connectors.contract import START, ConnectorContract, Stored
from connectors.mastodon import MastodonSettings, by_age, connector
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
        source = connector.open(MastodonSettings(base_url=fake.url), SourceContext("m", ("Acme Home",), "t", intranet=("127.0.0.0/8",)))
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
