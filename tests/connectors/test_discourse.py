"""Discourse: the contract, and what forums do."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import AccessDenied, Malformed, RateLimited, Source, SourceContext, Unavailable
from connectors.contract import START, ConnectorContract, Stored
from connectors.discourse import DiscourseSettings, connector, own_words
from tests.fakes.crowd import unread
from tests.fakes.discourse import FakeDiscourse
from tests.fakes.http import Reply
from tests.fakes.known import gone, look_up

CONTEXT = SourceContext("forum", ("Acme",), "listener-tests", intranet=("127.0.0.0/8",))


def open_source(fake: FakeDiscourse, **settings: Any) -> Source:
    return connector.open(DiscourseSettings(base_url=fake.url, **settings), CONTEXT)


def read(fake: FakeDiscourse, **settings: Any) -> Stored:
    with closing(open_source(fake, **settings)) as source:
        stored = Stored()
        stored.poll(source, START)
        return stored


class TestContract(ConnectorContract):
    old = False

    def fake(self) -> FakeDiscourse:
        return FakeDiscourse(4, old=self.old).start()

    def open(self, fake: FakeDiscourse) -> Source:
        return open_source(fake, page_cap=3, timeout=self.timeout)

    def publish(self, fake: FakeDiscourse, at: Any) -> str:
        return f"127.0.0.1:{fake.publish(at=at)}"

    def publish_text(self, fake: FakeDiscourse, at: Any, text: str) -> str:
        return f"127.0.0.1:{fake.publish(text, at)}"

    def delete(self, fake: FakeDiscourse, external_id: str) -> None:
        fake.delete(int(external_id.split(":")[1]))

    def edit(self, fake: FakeDiscourse, external_id: str) -> None:
        fake.edit(int(external_id.split(":")[1]), "<p>Acme, edited</p>")


@pytest.mark.parametrize("old", [False, True], ids=["new", "old"])
@pytest.mark.parametrize("seed", range(3))
def test_seconds_with_more_posts_than_a_page_are_read_whole(seed: int, old: bool) -> None:
    with FakeDiscourse(5, old=old).start() as fake, closing(open_source(fake)) as source:
        assert unread(source, lambda at: f"127.0.0.1:{fake.publish(at=at.replace(microsecond=0))}", seed) == set()


def test_posts_behind_a_stretch_of_private_ids_are_found_in_older_versions() -> None:
    with FakeDiscourse(old=True).start() as fake:
        first = fake.publish(at=START - timedelta(minutes=9))
        fake.skip_ids(120)
        last = fake.publish(at=START - timedelta(minutes=1))
        assert set(read(fake).mentions) == {f"127.0.0.1:{first}", f"127.0.0.1:{last}"}


@pytest.mark.parametrize("place", range(1, 9))
def test_a_moved_post_with_an_old_date_ends_nothing(place: int) -> None:
    with FakeDiscourse(4).start() as fake, closing(open_source(fake)) as source:
        fake.publish(at=START - timedelta(hours=2))
        stored = Stored()
        stored.poll(source, START - timedelta(hours=1))
        ids = []
        for n in range(10):
            if n == place:
                fake.publish(at=START - timedelta(days=300))
            ids.append(f"127.0.0.1:{fake.publish(at=START - timedelta(minutes=20 - n))}")
        for n in range(3):
            stored.poll(source, START + timedelta(minutes=n))
        assert set(ids) <= set(stored.mentions)


def test_a_topic_and_an_answer_are_whole_and_link_to_their_place() -> None:
    with FakeDiscourse().start() as fake:
        topic = fake.publish("<p>It leaks</p>", START, number=1, title="Acme & steam")
        answer = fake.publish(
            '<aside class="quote"><blockquote><p>no</p></blockquote></aside><p>My Acme too</p>', START
        )
        found = read(fake).mentions
        first, second = found[f"127.0.0.1:{topic}"], found[f"127.0.0.1:{answer}"]
        assert (first.title, first.kind, first.text) == ("Acme & steam", "post", "It leaks")
        assert (second.title, second.kind, second.text) == ("", "comment", "My Acme too")
        assert second.url == f"{fake.url}/t/kettles/31/2"
        assert first.thread_id == second.thread_id
        assert second.engagement == {"replies": 1, "likes": 5}
        assert (second.author.handle, second.author.name) == ("alice", "Alice A.")


def test_what_is_hidden_the_systems_own_only_quoted_or_named_by_the_topic_is_no_mention() -> None:
    with FakeDiscourse().start() as fake:
        fake.publish(at=START, hidden=True)
        fake.publish(at=START, user_deleted=True)
        fake.publish(at=START, user_id=-1, username="system")
        fake.publish('<aside class="quote">Acme</aside><p>yes</p>', START)
        fake.publish("<p>mine as well</p>", START, title="Acme leaks")
        fake.publish("<p>acmes</p>", START)
        assert read(fake).mentions == {}


@pytest.mark.parametrize(
    ("cooked", "own"),
    [
        ("a<aside>b<aside>c</aside>d</aside>e", "a\ne"),
        ("a</aside>b", "a\nb"),
        ("a<aside>b", "a"),
        ("none", "none"),
    ],
)
def test_asides_nest_and_may_be_broken(cooked: str, own: str) -> None:
    assert own_words(cooked) == own


def test_asides_are_left_out_in_linear_time() -> None:
    started = time.thread_time()
    own_words("<aside " * 100_000)
    own_words("<aside>" * 100_000)
    assert time.thread_time() - started < 1


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (Reply.json({"errors": ["slow down"], "extras": {"wait_seconds": 17}}, 429), 17),
        (Reply.json({"errors": ["slow down"], "extras": {"wait_seconds": 17}}, 429, Retry_After="12"), 12),
        (Reply(429, b"Slow down, too many requests from this IP address", {"Retry-After": "8"}), 8),
    ],
)
def test_a_wait_is_read_from_the_header_or_from_the_body(reply: Reply, seconds: int) -> None:
    with FakeDiscourse().start() as fake:
        fake.replies.append(reply)
        with pytest.raises(RateLimited) as caught:
            read(fake)
    assert caught.value.retry_at == START + timedelta(seconds=seconds)


def test_a_forum_for_members_and_a_site_that_is_no_forum_are_told() -> None:
    with FakeDiscourse().start() as fake:
        fake.replies.append(Reply.json({"errors": ["log in"], "error_type": "not_logged_in"}, 403))
        with pytest.raises(AccessDenied, match="members only"):
            read(fake)
        fake.replies.append(Reply.json({"posts": []}))
        with pytest.raises(Malformed, match="Discourse"):
            read(fake)


@pytest.mark.parametrize("settings", [{}, {"base_url": "forum.example.org"}])
def test_a_source_without_the_forums_address_is_refused(settings: Any) -> None:
    with pytest.raises(ValidationError, match="address"):
        DiscourseSettings(**settings)


def test_posts_are_looked_up_by_id_and_topics_keep_their_title() -> None:
    with FakeDiscourse().start() as fake, closing(open_source(fake)) as source:
        first = fake.publish(at=START, number=1, title="Acme & steam", topic_id=30)
        kept, edited, deleted, withdrawn, moved = (fake.publish(at=START) for _ in range(5))
        lost = fake.publish(at=START, number=1, topic_id=32)
        stored = Stored()
        stored.poll(source, START)
        fake.edit(edited, "<p>Acme, edited</p>")
        fake.delete(deleted)
        fake.delete(lost)
        fake.posts[withdrawn]["user_deleted"] = True
        fake.private = {moved}
        looked = look_up(source, stored.mentions.values(), START)
    assert gone(looked) == {f"127.0.0.1:{one}" for one in (deleted, withdrawn, lost)}
    present = {one.external_id: one for one in looked.present}
    assert present.pop(f"127.0.0.1:{edited}").text == "Acme, edited"
    assert present == {one: stored.mentions[one] for one in (f"127.0.0.1:{first}", f"127.0.0.1:{kept}")}


def test_a_post_that_begins_its_topic_no_more_keeps_what_is_known_of_it() -> None:
    with FakeDiscourse().start() as fake, closing(open_source(fake)) as source:
        one = fake.publish(at=START, number=1)
        hidden = fake.publish(at=START)
        stored = Stored()
        stored.poll(source, START)
        fake.posts[one]["topic_id"] = 77
        fake.posts[hidden]["hidden"] = True
        looked = look_up(source, stored.mentions.values(), START)
    assert (looked.present, looked.removed) == ((), ())


def test_a_forum_that_fails_removes_nothing() -> None:
    with FakeDiscourse().start() as fake, closing(open_source(fake)) as source:
        fake.publish(at=START)
        stored = Stored()
        stored.poll(source, START)
        for fault, error in (("500", Unavailable), ("429", RateLimited), ("html", Unavailable)):
            fake.fail_next(fault)
            with pytest.raises(error):
                look_up(source, stored.mentions.values(), START)
