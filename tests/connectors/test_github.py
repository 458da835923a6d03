"""GitHub: the contract, and what its search does that others do not."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import AccessDenied, RateLimited, Refused, Source, SourceContext, Unavailable
from connectors.contract import START, ConnectorContract, Stored
from connectors.github import GitHubSettings, connector
from tests.fakes.crowd import unread
from tests.fakes.github import TOKEN, FakeGitHub
from tests.fakes.http import Reply

CONTEXT = SourceContext("gh", ("Acme",), "listener-tests", intranet=("127.0.0.0/8",))


def open_source(fake: FakeGitHub, **settings: Any) -> Source:
    return connector.open(GitHubSettings(base_url=fake.url, **settings), CONTEXT)


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

    def open_with_secrets(self, fake: FakeGitHub, folder: Path) -> Source:
        (folder / "token").write_text(TOKEN)
        return open_source(fake, token_file=str(folder / "token"), timeout=self.timeout)

    def publish(self, fake: FakeGitHub, at: Any) -> str:
        return fake.publish(at=at, kind="issue" if len(fake.posts) % 2 else "pull-request")

    def publish_text(self, fake: FakeGitHub, at: Any, text: str) -> str:
        return fake.publish(text, at)

    def delete(self, fake: FakeGitHub, external_id: str) -> None:
        fake.delete(external_id)

    def edit(self, fake: FakeGitHub, external_id: str) -> None:
        fake.edit(external_id, "Acme, edited")


@pytest.mark.parametrize("seed", range(4))
def test_seconds_with_more_posts_than_a_page_are_read_whole(seed: int) -> None:
    with FakeGitHub().start() as fake, closing(open_source(fake, page_size=5)) as source:
        assert unread(source, lambda at: fake.publish(at=at), seed) == set()


def test_issues_and_pull_requests_are_asked_for_apart_and_both_are_found() -> None:
    with FakeGitHub().start() as fake:
        issue, pull = fake.publish(at=START), fake.publish(at=START, kind="pull-request")
        assert set(read(fake).mentions) == {issue, pull}
        assert set(read(fake, kinds=("pull-requests",)).mentions) == {pull}


def test_an_issue_is_whole_and_its_markdown_is_plain() -> None:
    body = "<!-- template -->\n## Bug\n\nThe **Acme** [client](https://x.example/a) fails.\n\n```\nTraceback\n```\n> quoted"
    with FakeGitHub().start() as fake:
        one = fake.publish(body, START, title="It fails")
        titled = fake.publish(None, START, title="Acme fails", no_user=True)
        found = read(fake).mentions
    assert (found[one].title, found[one].text) == ("It fails", "Bug\n\nThe Acme client fails.")
    assert found[one].url == "https://github.com/maker/app/issues/1001"
    assert found[one].engagement == {"replies": 2, "likes": 4}
    assert (found[titled].text, found[titled].author.id) == ("Acme fails", "ghost")


def test_bots_and_near_matches_are_left_out() -> None:
    with FakeGitHub().start() as fake:
        wanted = fake.publish(at=START)
        fake.publish("acmes", START)
        marked = fake.publish(at=START, user={"login": "renovate", "type": "Bot"})
        named = fake.publish(at=START, user={"login": "dependabot[bot]", "type": "User"})
        assert set(read(fake).mentions) == {wanted}
        assert set(read(fake, skip_bots=False).mentions) == {wanted, marked, named}


def test_a_slice_that_was_not_searched_whole_is_halved_until_it_is() -> None:
    with FakeGitHub().start() as fake, closing(open_source(fake, kinds=("issues",))) as source:
        ids = {fake.publish(at=START - timedelta(hours=2, minutes=10 * n)) for n in range(100)}
        fake.widest = 6 * 3600
        stored = Stored()
        for n in range(8):
            stored.poll(source, START + timedelta(minutes=n))
        assert set(stored.mentions) == ids
        assert stored.gaps == ()


def test_a_search_that_never_finishes_is_told_and_skips_nothing() -> None:
    with FakeGitHub().start() as fake, closing(open_source(fake)) as source:
        ids = {fake.publish(at=START - timedelta(minutes=n)) for n in range(3)}
        fake.widest = 0
        stored = Stored()
        with pytest.raises(Unavailable, match="in time"):
            stored.poll(source, START)
        fake.widest = None
        stored.poll(source, START + timedelta(minutes=1))
        assert set(stored.mentions) == ids


@pytest.mark.parametrize(
    ("status", "headers", "words", "seconds"),
    [
        (403, {"Retry-After": "40"}, "You have exceeded a secondary rate limit", 40),
        (403, {}, "You have exceeded a secondary rate limit. Please wait a few minutes", 60),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(START.timestamp()) + 50)}, "API rate", 50),
        (429, {"Retry-After": "20"}, "too many requests", 20),
    ],
)
def test_limits_are_understood_however_they_come(status: int, headers: Any, words: str, seconds: int) -> None:
    with FakeGitHub().start() as fake:
        fake.replies.append(Reply(status, b'{"message": "%s"}' % words.encode(), headers))
        with pytest.raises(RateLimited) as caught:
            read(fake)
    assert caught.value.retry_at == START + timedelta(seconds=seconds)


def test_a_plain_403_and_a_refused_query_are_no_limits() -> None:
    with FakeGitHub().start() as fake:
        fake.replies.append(Reply.json({"message": "Resource not accessible"}, 403, X_RateLimit_Remaining="9"))
        with pytest.raises(AccessDenied):
            read(fake)
        with pytest.raises(Refused):
            read(fake, terms=("x" * 400,))


def test_after_the_last_allowed_search_nothing_is_asked_until_the_named_time() -> None:
    """Six timelines, two searches a minute: each gets its turn."""
    terms = ("Acme", "Acme Home", "Acme Pro")
    with FakeGitHub().start() as fake, closing(open_source(fake, terms=terms)) as source:
        ids = {fake.publish("Acme", START), fake.publish("Acme Pro", START, kind="pull-request")}
        fake.headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "60"}
        stored = Stored()
        for n in range(8):
            asked = len(fake.asked)
            with pytest.raises(RateLimited):
                stored.poll(source, START + timedelta(minutes=n))
            assert len(fake.asked) == asked + 1
        assert set(stored.mentions) == ids
        with pytest.raises(RateLimited):
            stored.poll(source, START + timedelta(minutes=7, seconds=59))


def test_the_token_the_version_and_the_qualifiers_go_with_every_question(tmp_path: Any) -> None:
    (tmp_path / "token").write_text(TOKEN)
    with FakeGitHub().start() as fake:
        read(fake, token_file=str(tmp_path / "token"), qualifiers=("-org:acme",), terms=('the "Acme" app',))
    assert {one.headers["authorization"] for one in fake.asked} == {f"Bearer {TOKEN}"}
    assert {one.headers["x-github-api-version"] for one in fake.asked} == {"2022-11-28"}
    assert all(one.first("q").startswith('"the Acme app" in:title,body is:') for one in fake.asked)
    assert all(one.first("q").endswith(" -org:acme") for one in fake.asked)


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError):
        GitHubSettings(kinds=("commits",))  # type: ignore[arg-type]
