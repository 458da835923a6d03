"""Stack Exchange: the contract, and how its API asks to be treated."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import AccessDenied, RateLimited, Source, SourceContext, Unavailable
from connectors.contract import START, ConnectorContract, Stored
from connectors.stackexchange import StackExchangeSettings, connector
from tests.fakes.crowd import unread
from tests.fakes.known import gone, look_up
from tests.fakes.stackexchange import FakeStackExchange

CONTEXT = SourceContext("so", ("Acme",), "listener-tests", intranet=("127.0.0.0/8",))


def open_source(fake: FakeStackExchange, **settings: Any) -> Source:
    return connector.open(StackExchangeSettings(base_url=fake.url, **settings), CONTEXT)


def read(fake: FakeStackExchange, **settings: Any) -> Stored:
    with closing(open_source(fake, **settings)) as source:
        stored = Stored()
        stored.poll(source, START)
        return stored


class TestContract(ConnectorContract):
    def fake(self) -> FakeStackExchange:
        return FakeStackExchange().start()

    def open(self, fake: FakeStackExchange) -> Source:
        return open_source(fake, page_size=4, page_cap=3, timeout=self.timeout)

    def open_with_secrets(self, fake: FakeStackExchange, folder: Path) -> Source:
        (folder / "key").write_text("s3cret-key((of=the/tests")
        return open_source(fake, key_file=str(folder / "key"), timeout=self.timeout)

    def publish(self, fake: FakeStackExchange, at: Any) -> str:
        return fake.publish(at=at)

    def publish_text(self, fake: FakeStackExchange, at: Any, text: str) -> str:
        return fake.publish(text, at)

    def delete(self, fake: FakeStackExchange, external_id: str) -> None:
        fake.delete(external_id)

    def edit(self, fake: FakeStackExchange, external_id: str) -> None:
        fake.edit(external_id, "<p>Acme, edited</p>")


@pytest.mark.parametrize("seed", range(4))
def test_seconds_with_more_posts_than_a_page_are_read_whole(seed: int) -> None:
    with FakeStackExchange().start() as fake, closing(open_source(fake, page_size=5)) as source:
        assert unread(source, lambda at: fake.publish(at=at), seed) == set()


def test_a_question_and_its_answer_are_whole_and_know_each_other() -> None:
    with FakeStackExchange().start() as fake:
        question = fake.publish("<p>It leaks.</p>", START, title="Acme &amp; steam")
        answer = fake.publish("<p>Acme replaced <b>mine</b></p>", START, answers=question)
        found = read(fake).mentions
    assert found[question].title == "Acme & steam"
    assert found[question].author.name == "Jörg"
    assert found[question].engagement == {"score": 3, "replies": 1}
    assert (found[answer].kind, found[answer].parent_id, found[answer].thread_id) == ("comment", question, question)
    assert (found[answer].text, found[answer].title) == ("Acme replaced mine", "")
    assert found[answer].url == "https://stackoverflow.com/a/" + answer.split(":")[1]


def test_an_answer_does_not_mention_what_only_its_question_names() -> None:
    with FakeStackExchange().start() as fake:
        question = fake.publish("<p>It leaks.</p>", START, title="Acme leaks")
        fake.publish("<p>Take another one, acmes are old</p>", START, answers=question)
        assert set(read(fake).mentions) == {question}


def test_a_post_that_the_search_still_shows_but_is_gone_is_left_out() -> None:
    with FakeStackExchange().start() as fake:
        fake.delete(fake.publish(at=START))
        kept = fake.publish(at=START, owner={"user_type": "does_not_exist", "display_name": "user12"})
        found = read(fake).mentions
    assert set(found) == {kept}
    assert found[kept].author.id == "stackoverflow:user12"


def test_a_backoff_is_obeyed_without_losing_the_page_it_came_with() -> None:
    with FakeStackExchange().start() as fake, closing(open_source(fake, page_size=2)) as source:
        ids = {fake.publish(at=START - timedelta(minutes=n)) for n in range(4)}
        fake.backoff["search"] = 10
        stored = Stored()
        with pytest.raises(RateLimited) as caught:
            stored.poll(source, START)
        assert caught.value.retry_at == START + timedelta(seconds=10)
        assert len(stored.mentions) == 2
        asked = len(fake.asked)
        with pytest.raises(RateLimited):
            stored.poll(source, START + timedelta(seconds=9))
        assert len(fake.asked) == asked
        stored.poll(source, START + timedelta(seconds=10))
        assert set(stored.mentions) == ids


def test_a_backoff_of_the_lookup_holds_back_the_search_before_it() -> None:
    with FakeStackExchange().start() as fake, closing(open_source(fake, page_size=2)) as source:
        ids = {fake.publish(at=START - timedelta(minutes=n)) for n in range(4)}
        fake.backoff["posts"] = 10
        stored = Stored()
        with pytest.raises(RateLimited):
            stored.poll(source, START)
        assert len(fake.asked) == 2
        stored.poll(source, START + timedelta(seconds=11))
        assert set(stored.mentions) == ids


def test_a_backoff_with_every_answer_starves_no_term() -> None:
    with FakeStackExchange().start() as fake, closing(open_source(fake, terms=("Acme", "Zeta"))) as source:
        ids = {fake.publish("<p>Acme</p>", START), fake.publish("<p>Zeta</p>", START, title="What?")}
        stored = Stored()
        for n in range(2):
            fake.backoff["search"] = 10
            with pytest.raises(RateLimited):
                stored.poll(source, START + timedelta(minutes=n))
        assert set(stored.mentions) == ids


def test_a_quota_that_is_used_up_waits_for_the_next_day() -> None:
    with FakeStackExchange().start() as fake, closing(open_source(fake)) as source:
        first = fake.publish(at=START)
        fake.quota = 2
        stored = Stored()
        stored.poll(source, START)
        assert set(stored.mentions) == {first}
        second = fake.publish(at=START + timedelta(minutes=1))
        asked = len(fake.asked)
        with pytest.raises(RateLimited, match="midnight") as caught:
            stored.poll(source, START + timedelta(hours=1))
        assert caught.value.retry_at == START.replace(hour=0) + timedelta(days=1)
        assert len(fake.asked) == asked
        fake.quota = 300
        stored.poll(source, caught.value.retry_at)
        assert set(stored.mentions) == {first, second}


def test_posts_of_the_lookback_are_not_fetched_again() -> None:
    with FakeStackExchange().start() as fake, closing(open_source(fake)) as source:
        fake.publish(at=START)
        stored = Stored()
        for n in range(5):
            stored.poll(source, START + timedelta(minutes=n))
        assert len([one for one in fake.asked if one.path.startswith("/2.3/posts")]) == 1


@pytest.mark.parametrize(
    ("told", "error", "seconds"),
    [
        ((502, "throttle_violation", "more requests available in 71 seconds"), RateLimited, 71),
        ((502, "throttle_violation", "too many requests from this IP"), RateLimited, 15 * 3600),
        ((403, "access_denied", "key is not valid"), AccessDenied, None),
        ((503, "temporarily_unavailable", "try later"), Unavailable, None),
    ],
)
def test_errors_in_the_body_are_understood(told: Any, error: Any, seconds: int | None) -> None:
    with FakeStackExchange().start() as fake:
        fake.fails.append(told)
        with pytest.raises(error, match=told[1]) as caught:
            read(fake)
    if seconds is not None:
        assert caught.value.retry_at == START + timedelta(seconds=seconds)


def test_the_key_and_the_site_go_with_every_question(tmp_path: Any) -> None:
    (tmp_path / "key").write_text("k1\n")
    with FakeStackExchange().start() as fake:
        fake.publish(at=START)
        read(fake, key_file=str(tmp_path / "key"), site="diy", terms=('blue "Acme"', "Acme"))
        assert {(one.first("key"), one.first("site")) for one in fake.asked} == {("k1", "diy")}
        assert {one.first("q") for one in fake.asked if "search" in one.path} == {'"blue Acme"', '"Acme"'}


def test_questions_and_answers_are_looked_up_a_hundred_at_once() -> None:
    with FakeStackExchange().start() as fake, closing(open_source(fake)) as source:
        question = fake.publish("<p>It leaks.</p>", START, title="Acme &amp; steam")
        answer, edited, deleted = (fake.publish("<p>Acme</p>", START, answers=question) for _ in range(3))
        closed = fake.publish(at=START)
        stored = Stored()
        stored.poll(source, START)
        fake.edit(edited, "<p>Acme, edited</p>")
        fake.delete(deleted)
        fake.delete(closed)
        asked = len(fake.asked)
        looked = look_up(source, stored.mentions.values(), START)
        assert len(fake.asked) == asked + 2
    assert gone(looked) == {deleted, closed}
    present = {one.external_id: one for one in looked.present}
    assert present.pop(edited).text == "Acme, edited"
    assert present == {one: stored.mentions[one] for one in (question, answer)}


def test_a_look_up_obeys_a_backoff_and_an_empty_quota_and_removes_nothing() -> None:
    with FakeStackExchange().start() as fake, closing(open_source(fake)) as source:
        fake.publish(at=START)
        stored = Stored()
        stored.poll(source, START)
        fake.backoff["questions"] = 10
        look_up(source, stored.mentions.values(), START)
        for n, quota in ((9, 99), (11, 0)):
            fake.quota = quota
            with pytest.raises(RateLimited):
                look_up(source, stored.mentions.values(), START + timedelta(seconds=n))


def test_posts_of_another_site_are_left_alone() -> None:
    with FakeStackExchange().start() as fake, closing(open_source(fake)) as source:
        fake.publish(at=START)
        stored = Stored()
        stored.poll(source, START)
        with closing(open_source(fake, site="diy")) as other:
            looked = look_up(other, stored.mentions.values(), START)
    assert (looked.present, looked.removed) == ((), ())
