"""Bluesky's search with an app password: the contract, sessions, what a post view says, and looking posts up again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import AccessDenied, Known, Malformed, RateLimited, Removal, Source, SourceContext, Unavailable
from connectors.bluesky import Bluesky, BlueskySettings
from connectors.contract import START, ConnectorContract, Stored
from tests.fakes.bluesky import ALICE, PASSWORD, FakeBluesky, FakeJetstream, stamp

CONTEXT = SourceContext("sky", ("Acme",), "listener-tests", intranet=("127.0.0.0/8",))
MINUTE = timedelta(minutes=1)
PASSWORD_FILE = str(Path(__file__).parents[1] / "fakes" / "bluesky-password-of-the-tests")


def open_search(fake: FakeBluesky, **settings: Any) -> Bluesky:
    settings = {"password_file": PASSWORD_FILE, "appview": fake.url, **settings}
    return Bluesky(BlueskySettings(base_url=fake.url, identifier="alice.example", **settings), CONTEXT)


@contextmanager
def search(**settings: Any) -> Iterator[tuple[FakeBluesky, Bluesky]]:
    with FakeBluesky().start() as fake, closing(open_search(fake, **settings)) as source:
        yield fake, source


def known(uri: str) -> Known:
    return Known(uri, "", "post", ALICE, None, None, START)


class TestContract(ConnectorContract):
    def fake(self) -> FakeBluesky:
        return FakeBluesky().start()

    def open(self, fake: FakeBluesky) -> Source:
        return open_search(fake, page_size=4, page_cap=3, timeout=self.timeout)

    def open_with_secrets(self, fake: FakeBluesky, folder: Path) -> Source:
        (folder / "password").write_text(PASSWORD)
        return open_search(fake, password_file=str(folder / "password"), timeout=self.timeout)

    def publish(self, fake: FakeBluesky, at: Any) -> str:
        return fake.publish(at=at)

    def publish_text(self, fake: FakeBluesky, at: Any, text: str) -> str:
        return fake.publish(text, at)

    def delete(self, fake: FakeBluesky, external_id: str) -> None:
        fake.delete(external_id)

    def edit(self, fake: FakeBluesky, external_id: str) -> None:
        fake.edit(external_id, "Acme, edited")


def test_the_password_of_the_tests_is_the_one_the_fake_knows() -> None:
    assert Path(PASSWORD_FILE).read_text().strip() == PASSWORD


def test_a_found_post_has_its_authors_handle_and_what_became_of_it() -> None:
    with search() as (fake, source):
        uri = fake.publish("Mein Acme", START, langs=["de"])
        nameless = fake.publish("Acme", START, did="did:plc:unknown")
        stored = Stored()
        stored.poll(source, START)
    found = stored.mentions[uri]
    assert (found.author.id, found.author.handle, found.author.name) == (ALICE, "alice.example", "Alice")
    assert found.engagement == {"likes": 3, "replies": 1, "reposts": 2}
    assert found.url == f"https://bsky.app/profile/alice.example/post/{uri.rpartition('/')[2]}"
    assert "/did:plc:unknown/" in stored.mentions[nameless].url


def test_the_stream_and_the_search_know_a_post_by_the_same_name() -> None:
    with search() as (fake, source), FakeJetstream().start() as jetstream:
        uri = fake.publish(at=START)
        did, _, key = uri.removeprefix("at://").split("/")
        jetstream.publish(at=START, did=did, key=key)
        settings = BlueskySettings(hosts=(jetstream.url,), resolve_handles=False, idle=0.01)
        with closing(Bluesky(settings, CONTEXT)) as stream:
            both = [Stored(), Stored()]
            both[0].poll(source, START)
            both[1].poll(stream, START)
    assert [[*one.mentions] for one in both] == [[uri], [uri]]


def test_a_session_that_is_over_is_exchanged_and_one_that_cannot_be_is_begun_anew() -> None:
    with search() as (fake, source):
        stored = Stored()
        stored.poll(source, START)
        fake.expire()
        first = fake.publish(at=START + MINUTE)
        stored.poll(source, START + MINUTE)
        fake.expire(whole=True)
        second = fake.publish(at=START + 2 * MINUTE)
        stored.poll(source, START + 2 * MINUTE)
        logins = [asked.path.rpartition(".")[2] for asked in fake.asked if "server" in asked.path]
    assert set(stored.mentions) == {first, second}
    assert logins == ["createSession", "refreshSession", "refreshSession", "createSession"]


def test_a_wrong_password_parks_the_source_without_saying_it(tmp_path: Path) -> None:
    file = tmp_path / "wrong"
    file.write_text("not-the-password")
    with (
        search(password_file=str(file)) as (_fake, source),
        pytest.raises(AccessDenied, match="app password") as caught,
    ):
        list(source.poll(None, START))
    assert "not-the-password" not in str(caught.value)


def test_a_password_that_is_not_set_parks_the_source_with_its_name() -> None:
    settings = {"password_file": None, "password_env": "LISTENER_TEST_NO_SUCH_PASSWORD"}
    with search(**settings) as (_fake, source), pytest.raises(AccessDenied, match="LISTENER_TEST_NO_SUCH_PASSWORD"):
        list(source.poll(None, START))


def test_a_login_limit_is_waited_for() -> None:
    with search() as (fake, source):
        fake.fail_next("429", retry_after=120)
        with pytest.raises(RateLimited) as caught:
            list(source.poll(None, START))
        assert caught.value.retry_at == START + timedelta(seconds=120)


def test_other_forms_of_a_word_that_the_search_finds_are_left_out() -> None:
    with search() as (fake, source):
        fake.publish("Macmeister and acmes", START)
        assert [page.mentions for page in source.poll(None, START)] == [()]


def test_pages_that_the_platform_thins_out_are_not_the_end() -> None:
    with search(page_size=4, page_cap=10) as (fake, source):
        uris = [fake.publish(at=START - n * timedelta(seconds=1)) for n in range(12)]
        fake.hidden = set(uris[:9])
        stored = Stored()
        stored.poll(source, START)
        assert set(stored.mentions) == set(uris[9:])


def test_many_posts_of_one_moment_are_all_read() -> None:
    with search(page_size=4, page_cap=20) as (fake, source):
        uris = {fake.publish(at=START) for _ in range(30)}
        stored = Stored()
        stored.poll(source, START)
        assert set(stored.mentions) == uris


def test_a_date_in_the_future_lifts_no_post_over_others() -> None:
    with search() as (fake, source):
        ahead = fake.publish(at=START, createdAt=stamp(START + timedelta(days=300)))
        stored = Stored()
        stored.poll(source, START)
        new = fake.publish(at=START + MINUTE)
        stored.poll(source, START + 2 * MINUTE)
    assert set(stored.mentions) == {ahead, new}
    assert stored.mentions[ahead].published_at == START


def test_a_post_without_a_date_of_its_own_has_that_of_the_index() -> None:
    with search() as (fake, source):
        uri = fake.publish(at=START, createdAt=None)
        stored = Stored()
        stored.poll(source, START)
    assert stored.mentions[uri].published_at == START


def test_posts_are_looked_up_again_without_an_account_and_what_is_absent_is_gone() -> None:
    with FakeBluesky().start() as fake:
        settings = BlueskySettings(appview=fake.url)
        with closing(Bluesky(settings, CONTEXT)) as source:
            kept, gone, changed = (fake.publish(at=START) for _ in range(3))
            fake.delete(gone)
            fake.edit(changed, "My Acme is fine now")
            looked = source.recheck([known(uri) for uri in (kept, gone, changed)], START)
    assert looked.removed == (Removal("bluesky", gone),)
    assert {one.external_id: one.text for one in looked.present} == {
        kept: "My Acme kettle broke",
        changed: "My Acme is fine now",
    }
    assert looked.present[0].engagement["likes"] == 3


def test_a_post_of_somebody_who_blocks_the_account_is_not_gone() -> None:
    with search() as (fake, source):
        blocked, gone = fake.publish(at=START), fake.publish(at=START)
        fake.hidden.add(blocked)
        fake.delete(gone)
        looked = source.recheck([known(blocked), known(gone)], START)
    assert [one.external_id for one in looked.present] == [blocked]
    assert looked.removed == (Removal("bluesky", gone),)


def test_more_posts_than_the_platform_takes_at_once_are_asked_for_in_parts() -> None:
    with FakeBluesky().start() as fake, closing(Bluesky(BlueskySettings(appview=fake.url), CONTEXT)) as source:
        uris = [fake.publish(at=START) for _ in range(60)]
        assert len(source.recheck([known(uri) for uri in uris], START).present) == 60


@pytest.mark.parametrize(("fault", "error"), [("500", Unavailable), ("malformed", Malformed), ("html", Unavailable)])
def test_a_look_up_that_fails_removes_nothing(fault: str, error: type[Exception]) -> None:
    with FakeBluesky().start() as fake, closing(Bluesky(BlueskySettings(appview=fake.url), CONTEXT)) as source:
        uri = fake.publish(at=START)
        fake.fail_next(fault)
        with pytest.raises(error):
            source.recheck([known(uri)], START)


def test_a_post_that_is_there_but_cannot_be_read_is_asked_for_again_later() -> None:
    with FakeBluesky().start() as fake, closing(Bluesky(BlueskySettings(appview=fake.url), CONTEXT)) as source:
        uri = fake.publish(at=START)
        fake.views[uri]["record"] = 7
        looked = source.recheck([known(uri)], START)
    assert (looked.present, looked.removed) == ((), ())


def test_the_other_way_begins_with_its_own_history() -> None:
    with search() as (fake, source), FakeJetstream().start() as jetstream:
        jetstream.publish(at=START)
        settings = BlueskySettings(hosts=(jetstream.url,), resolve_handles=False, idle=0.01)
        with closing(Bluesky(settings, CONTEXT)) as stream:
            stored = Stored()
            stored.poll(stream, START)
            uri = fake.publish(at=START - 30 * MINUTE)
            stored.poll(source, START)
            assert uri in stored.mentions


def test_an_answer_to_the_brand_is_still_one_when_it_is_looked_up() -> None:
    with FakeBluesky().start() as fake:
        context = SourceContext("sky", ("Acme",), "t", own_accounts=(f"bluesky:{ALICE}",), intranet=("127.0.0.0/8",))
        with closing(Bluesky(BlueskySettings(appview=fake.url), context)) as source:
            ours = {"uri": fake.publish("Hello", START), "cid": "b"}
            uri = fake.publish("Still waiting!", START, did="did:plc:bob", reply={"parent": ours, "root": ours})
            assert [one.in_reply_to_brand for one in source.recheck([known(uri)], START).present] == [True]
