"""GitHub's discussions and look-ups: the contract, and what GraphQL does that other APIs do not."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import AccessDenied, ConnectorError, RateLimited, Refused, Source, SourceContext, Unavailable
from connectors.contract import START, ConnectorContract, Stored
from connectors.github import GitHubSettings, connector
from tests.fakes.crowd import unread
from tests.fakes.github import FakeGitHub, graphql_error
from tests.fakes.http import Reply
from tests.fakes.known import gone, look_up
from tests.fakes.youtube import KEY_FILE

CONTEXT = SourceContext("gh", ("Acme",), "listener-tests", intranet=("127.0.0.0/8",))
RESET = START + timedelta(hours=1)


def open_source(fake: FakeGitHub, **settings: Any) -> Source:
    settings = {"token_file": str(KEY_FILE), "kinds": (), "discussions": True} | settings
    return connector.open(GitHubSettings(base_url=fake.url, **settings), CONTEXT)


def without_token(fake: FakeGitHub) -> Source:
    return connector.open(GitHubSettings(base_url=fake.url), CONTEXT)


def read(fake: FakeGitHub, **settings: Any) -> Stored:
    with closing(open_source(fake, **settings)) as source:
        stored = Stored()
        stored.poll(source, START)
        return stored


class TestContract(ConnectorContract):
    def fake(self) -> FakeGitHub:
        return FakeGitHub().start()

    def open(self, fake: FakeGitHub) -> Source:
        return open_source(fake, page_size=4, page_cap=3, timeout=self.timeout)

    def publish(self, fake: FakeGitHub, at: Any) -> str:
        return fake.publish(at=at, kind="discussion")

    def publish_text(self, fake: FakeGitHub, at: Any, text: str) -> str:
        return fake.publish(text, at, kind="discussion")

    def delete(self, fake: FakeGitHub, external_id: str) -> None:
        fake.delete(external_id)

    def edit(self, fake: FakeGitHub, external_id: str) -> None:
        fake.edit(external_id, "Acme, edited")


@pytest.mark.parametrize("seed", range(3))
def test_seconds_with_more_discussions_than_a_page_are_read_whole(seed: int) -> None:
    with FakeGitHub().start() as fake, closing(open_source(fake, page_size=5)) as source:
        fake.left = 10**6
        assert unread(source, lambda at: fake.publish(at=at, kind="discussion"), seed) == set()


def test_hundreds_of_discussions_in_no_order_are_all_read() -> None:
    with FakeGitHub().start() as fake, closing(open_source(fake, page_size=10, page_cap=2)) as source:
        ids = {fake.publish(at=START - timedelta(minutes=2 * n), kind="discussion") for n in range(300)}
        ids |= {fake.publish(at=START - timedelta(hours=1), kind="discussion") for _ in range(90)}
        stored = Stored()
        for n in range(40):
            stored.poll(source, START + timedelta(seconds=n))
        assert set(stored.mentions) == ids
        assert stored.gaps == ()


def test_a_discussion_is_whole_and_stands_beside_issues() -> None:
    with FakeGitHub().start() as fake:
        one = fake.publish("The **Acme** client?\n\n> quoted", START, title="How to", kind="discussion")
        issue = fake.publish(at=START)
        stored = read(fake, kinds=("issues",), qualifiers=("-org:acme",), terms=('the "Acme"', "Acme"))
    found = stored.mentions[one]
    assert set(stored.mentions) == {one, issue}
    assert (found.title, found.text, found.author.handle) == ("How to", "The Acme client?", "alice")
    assert found.url == "https://github.com/maker/app/discussions/1001"
    assert found.engagement == {"replies": 2, "likes": 7}


def test_bots_near_matches_and_deleted_accounts_are_told_apart() -> None:
    with FakeGitHub().start() as fake:
        ghost = fake.publish(at=START, kind="discussion", no_user=True)
        bot = fake.publish(at=START, kind="discussion", user={"login": "renovate", "type": "Bot"})
        fake.publish("acmes", START, kind="discussion")
        found = read(fake).mentions
        assert set(found) == {ghost}
        assert found[ghost].author.id == "ghost"
        assert set(read(fake, skip_bots=False).mentions) == {ghost, bot}


def test_after_the_last_question_nothing_is_asked_until_the_body_says() -> None:
    with FakeGitHub().start() as fake, closing(open_source(fake, terms=("Acme", "Zeta"))) as source:
        fake.left = 1
        one = fake.publish(at=START, kind="discussion")
        stored = Stored()
        for _ in range(2):
            with pytest.raises(RateLimited) as caught:
                stored.poll(source, START)
            assert caught.value.retry_at == RESET
        assert len(fake.asked) == 1
        assert list(stored.mentions) == [one]
        fake.left = 99
        stored.poll(source, RESET)
        assert len(fake.asked) > 2


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (graphql_error("RATE_LIMITED", "API rate limit exceeded", X_RateLimit_Reset="90"), RateLimited, "09:01:30"),
        (graphql_error("", "You have exceeded a secondary rate limit"), RateLimited, "09:01:00"),
        (graphql_error("INSUFFICIENT_SCOPES", "Your token has not been granted the scopes"), AccessDenied, "token"),
        (graphql_error("FORBIDDEN", "Resource not accessible by personal access token"), AccessDenied, "FORBIDDEN"),
        (graphql_error("", "Something went wrong while executing your query."), Unavailable, "finish"),
        (graphql_error("undefinedField", "Field 'x' doesn't exist"), Refused, "undefinedField"),
        (Reply.json({"data": None}), ConnectorError, "without data"),
        (Reply.json({"data": {"search": None}}), ConnectorError, "without a list"),
        (Reply.json([]), ConnectorError, "without data"),
        (Reply.json({"data": None, "errors": [{"type": "NOT_FOUND", "path": ["nodes", 0]}]}), Refused, "NOT_FOUND"),
    ],
)
def test_errors_come_with_status_200_and_are_understood(reply: Reply, error: type[Exception], words: str) -> None:
    with FakeGitHub().start() as fake:
        fake.told = [reply]
        with pytest.raises(error, match=words):
            read(fake)


def test_posts_are_looked_up_together_with_a_token() -> None:
    with FakeGitHub().start() as fake, closing(open_source(fake, kinds=("issues", "pull-requests"))) as source:
        kept = fake.publish(at=START)
        discussion = fake.publish(at=START, kind="discussion")
        edited, deleted, shut = (fake.publish(at=START, kind="pull-request") for _ in range(3))
        stored = Stored()
        stored.poll(source, START)
        fake.edit(edited, "Acme, edited")
        fake.delete(deleted)
        fake.shut = {shut}
        asked = len(fake.asked)
        looked = look_up(source, stored.mentions.values(), START)
        assert len(fake.asked) == asked + 1
        assert gone(looked) == {deleted}
        present = {one.external_id: one for one in looked.present}
        assert present.pop(edited).text == "Acme, edited"
        assert present == {one: stored.mentions[one] for one in (kept, discussion)}
        fake.told = [graphql_error("RATE_LIMITED", "no")]
        with pytest.raises(RateLimited):
            look_up(source, stored.mentions.values(), START)


def test_posts_are_looked_up_one_by_one_without_a_token() -> None:
    with FakeGitHub().start() as fake, closing(without_token(fake)) as source:
        kept, edited, deleted, moved = (fake.publish(at=START) for _ in range(4))
        stored = Stored()
        stored.poll(source, START)
        fake.edit(edited, "Acme, edited")
        fake.delete(deleted)
        fake.posts[moved]["node_id"] = "I_elsewhere"
        looked = look_up(source, stored.mentions.values(), START)
        assert gone(looked) == {deleted}
        assert {one.external_id: one.text for one in looked.present} == {
            kept: "My Acme is fine",
            edited: "Acme, edited",
        }
        fake.fail_next("500")
        with pytest.raises(Unavailable):
            look_up(source, stored.mentions.values(), START)


@pytest.mark.parametrize("settings", [{"discussions": True}, {"kinds": ()}])
def test_settings_that_cannot_work_are_refused(settings: Any) -> None:
    with pytest.raises(ValidationError):
        GitHubSettings(**settings)
