"""Answering on Reddit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.base import CannotReply, Mention, RateLimited, Refused, SourceContext
from connectors.reddit import connector
from connectors.reddit_posts import present
from connectors.reddit_settings import RedditSettings
from tests.connectors.replying import WORDS, ReplyContract, approved, now
from tests.fakes.reddit import ACCOUNT, CLIENT_ID, REFRESH_TOKEN, SECRET, FakeReddit, _json

CONTEXT = SourceContext("reddit", ("Acme",), "listener-tests", intranet=("127.0.0.1",))
KEY = {"client_id": CLIENT_ID, "client_secret_env": "REDDIT_SECRET"}


class TestRedditReplies(ReplyContract):
    secrets = (SECRET, REFRESH_TOKEN)
    somebody_else = "rival"

    @pytest.fixture(autouse=True)
    def _secrets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REDDIT_SECRET", SECRET)
        monkeypatch.setenv("REDDIT_WRITE", REFRESH_TOKEN)

    def fake(self) -> FakeReddit:
        return FakeReddit().start()

    def open(self, fake: FakeReddit, **changed: Any) -> Any:
        keys: dict[str, Any] = {**KEY, "replies": True, "reply_as": f"u/{ACCOUNT}", "reply_token_env": "REDDIT_WRITE"}
        return connector.open(RedditSettings(base_url=fake.url, **(keys | changed)), CONTEXT)

    def closed(self, fake: FakeReddit) -> Any:
        return connector.open(RedditSettings(base_url=fake.url, **KEY), CONTEXT)

    def post(self, fake: FakeReddit, text: str = "My Acme kettle broke") -> Mention:
        return there(fake, fake.post(text, datetime.now(UTC)))

    def published(self, fake: FakeReddit) -> list[str]:
        return fake.written

    def test_a_comment_is_answered_too_and_its_address_tells_no_title(self, platform: FakeReddit, source: Any) -> None:
        post = there(platform, platform.comment("My Acme broke.", datetime.now(UTC)))
        posted = source.reply(post, approved(), now())
        assert platform.things[posted.external_id].parent == post.external_id
        assert posted.url == f"https://www.reddit.com/comments/zz/_/{posted.external_id.removeprefix('t1_')}/"

    @pytest.mark.parametrize(("flag", "says"), [("locked", "locked"), ("archived", "archived")])
    def test_a_closed_thread_is_said_to_be_closed_and_nothing_is_sent(
        self, platform: FakeReddit, source: Any, flag: str, says: str
    ) -> None:
        post = there(platform, platform.post("Acme!", datetime.now(UTC), **{flag: True}))
        with pytest.raises(Refused, match=says):
            source.reply(post, approved(), now())
        assert [asked.method for asked in platform.asked if asked.path == "/api/comment/"] == []

    @pytest.mark.parametrize(
        ("code", "error", "says"),
        [
            ("THREAD_LOCKED", Refused, "locked"),
            ("BANNED_FROM_SUBREDDIT", Refused, "moderators"),
            ("SOMETHING_NEW", Refused, "SOMETHING_NEW"),
            ("RATELIMIT", RateLimited, "wait"),
        ],
    )
    def test_a_refusal_in_reddit_s_own_words_is_understood(
        self, platform: FakeReddit, source: Any, code: str, error: type[Exception], says: str
    ) -> None:
        platform.comment_error = code
        with pytest.raises(error, match=says):
            source.reply(self.post(platform), approved(), now())
        assert platform.written == []

    def test_a_token_that_ended_early_is_renewed_and_the_reply_sent_once(
        self, platform: FakeReddit, source: Any
    ) -> None:
        post = self.post(platform)
        assert source.find_reply(post, approved(), now()) is None
        platform.revoke_tokens()
        source.reply(post, approved(), now())
        assert platform.written == [WORDS]

    def test_the_feeds_say_that_they_cannot_answer(self, platform: FakeReddit) -> None:
        source = connector.open(RedditSettings(base_url=platform.url, user="reader", token_env="FEED"), CONTEXT)
        said = source.voice()
        assert isinstance(said, CannotReply)
        assert "feeds nothing can be answered" in said.why
        with pytest.raises(ValueError, match="needs client_id"):
            RedditSettings(user="reader", token_env="FEED", replies=True, reply_as="acme", reply_token_env="T")


def there(fake: FakeReddit, fullname: str) -> Mention:
    data = _json(fake.things[fullname])["data"]
    found = present(data)
    assert found is not None
    return found
