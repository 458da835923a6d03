"""Answering on Mastodon."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.base import Mention, Refused, SourceContext, Voice
from connectors.mastodon import MastodonSettings, connector
from connectors.mastodon_posts import mention_of
from tests.connectors.replying import ReplyContract, approved, now, without_handle
from tests.fakes.mastodon import ACCOUNT, WRITE_TOKEN, FakeMastodon

CONTEXT = SourceContext("fediverse", ("Acme",), "listener-tests", intranet=("127.0.0.1",))


class TestMastodonReplies(ReplyContract):
    secrets = (WRITE_TOKEN,)
    somebody_else = "rival@social.example"

    @pytest.fixture(autouse=True)
    def _token(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MASTODON_WRITE", WRITE_TOKEN)

    def fake(self) -> FakeMastodon:
        return FakeMastodon().start()

    def open(self, fake: FakeMastodon, **changed: Any) -> Any:
        keys = {"replies": True, "reply_as": f"{ACCOUNT}@social.example", "reply_token_env": "MASTODON_WRITE"}
        return connector.open(MastodonSettings(base_url=fake.url, **(keys | changed)), CONTEXT)

    def closed(self, fake: FakeMastodon) -> Any:
        return connector.open(MastodonSettings(base_url=fake.url), CONTEXT)

    def post(self, fake: FakeMastodon, text: str = "My Acme kettle broke") -> Mention:
        return posted_there(fake, fake.publish(f"<p>{text}</p>", datetime.now(UTC)))

    def published(self, fake: FakeMastodon) -> list[str]:
        return [html.unescape(re.sub(r"<[^>]+>", "", one["content"])) for one in fake.replies]

    def test_its_author_is_told_by_their_handle(self, platform: FakeMastodon, source: Any) -> None:
        post = self.post(platform)
        voice = source.may_reply(post)
        assert isinstance(voice, Voice)
        assert voice.opening == "@alice@127.0.0.1 "
        nobody = source.may_reply(without_handle(post))
        assert isinstance(nobody, Voice)
        assert nobody.opening == ""
        one = approved(text=voice.opening + "we are sorry.")
        found = [source.reply(post, one, now()), source.find_reply(post, one, now())]
        assert found[0] == found[1]

    def test_a_post_of_this_very_instance_is_answered_by_its_id(self, platform: FakeMastodon, source: Any) -> None:
        post = posted_there(platform, platform.publish("<p>Acme!</p>", home=platform.url))
        source.reply(post, approved(), now())
        assert [one["in_reply_to_id"] for one in platform.replies] == [post.external_id.rpartition("/")[2]]
        assert not any(asked.path == "/api/v2/search" for asked in platform.asked)

    def test_a_repeated_request_is_the_same_post(self, platform: FakeMastodon, source: Any) -> None:
        """Also where nobody looked before: the key is the same at every try."""
        post, one = self.post(platform), approved()
        assert source.reply(post, one, now()) == source.reply(post, one, now())
        assert len(platform.replies) == 1

    def test_a_post_that_is_gone_is_not_answered(self, platform: FakeMastodon, source: Any) -> None:
        post = self.post(platform)
        platform.delete(post.external_id)
        with pytest.raises(Refused, match="gone"):
            source.reply(post, approved(), now())


def posted_there(fake: FakeMastodon, uri: str) -> Mention:
    status = next(one for one in fake.statuses.values() if one["uri"] == uri)
    found = mention_of(status, "127.0.0.1")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"replies": True}, "needs reply_as"),
        ({"replies": True, "reply_as": "acme@social.example"}, "needs reply_token_env"),
        ({"replies": True, "reply_as": "acme", "reply_token_env": "T"}, "with its server"),
        ({"reply_as": "@"}, "reply_as is empty"),
    ],
)
def test_settings_that_could_not_answer_are_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        MastodonSettings(**wrong)
