"""Answering on Bluesky."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.base import Mention, Refused, SourceContext
from connectors.bluesky import BlueskySettings, connector
from connectors.bluesky_posts import Terms, mention_of_view
from connectors.bluesky_reply import key_of, links
from tests.connectors.replying import ReplyContract, approved, now
from tests.fakes.bluesky import ACCOUNT, ACME, WRITE_PASSWORD, FakeBluesky

CONTEXT = SourceContext("bluesky", ("Acme",), "listener-tests", intranet=("127.0.0.1",))


class TestBlueskyReplies(ReplyContract):
    secrets = (WRITE_PASSWORD, "access-1")
    somebody_else = "rival.example"

    @pytest.fixture(autouse=True)
    def _password(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BLUESKY_WRITE", WRITE_PASSWORD)

    def fake(self) -> FakeBluesky:
        return FakeBluesky().start()

    def open(self, fake: FakeBluesky, **changed: Any) -> Any:
        keys = {"replies": True, "reply_as": ACCOUNT, "reply_password_env": "BLUESKY_WRITE"}
        return connector.open(BlueskySettings(base_url=fake.url, appview=fake.url, **(keys | changed)), CONTEXT)

    def closed(self, fake: FakeBluesky) -> Any:
        return connector.open(BlueskySettings(base_url=fake.url, appview=fake.url), CONTEXT)

    def post(self, fake: FakeBluesky, text: str = "My Acme kettle broke") -> Mention:
        found = mention_of_view(fake.views[fake.publish(text, datetime.now(UTC))], Terms.of(["Acme"]))
        assert found is not None
        return found

    def published(self, fake: FakeBluesky) -> list[str]:
        return [record["text"] for record in fake.replies]

    def test_a_reply_within_a_thread_names_its_root(self, platform: FakeBluesky, source: Any) -> None:
        root = {"uri": f"at://{ACME}/app.bsky.feed.post/3k2a", "cid": "bafyroot"}
        uri = platform.publish("Acme again", reply={"root": root, "parent": root})
        found = mention_of_view(platform.views[uri], Terms.of(["Acme"]))
        assert found is not None
        source.reply(found, approved(), now())
        (record,) = platform.replies
        assert record["reply"] == {"root": root, "parent": {"uri": uri, "cid": "bafy"}}

    def test_sent_twice_it_is_the_same_record(self, platform: FakeBluesky, source: Any) -> None:
        post, one = self.post(platform), approved()
        assert source.reply(post, one, now()) == source.reply(post, one, now() + timedelta(minutes=3))
        assert len(platform.replies) == 1

    def test_a_session_that_is_over_is_renewed(self, platform: FakeBluesky, source: Any) -> None:
        post = self.post(platform)
        assert source.find_reply(post, approved(), now()) is None
        platform.expire()
        source.reply(post, approved(), now())
        assert len(platform.replies) == 1

    def test_who_may_not_answer_there_is_told_so(self, platform: FakeBluesky, source: Any) -> None:
        post = self.post(platform)
        platform.views[post.external_id]["viewer"] = {"replyDisabled": True}
        with pytest.raises(Refused, match="only some people"):
            source.reply(post, approved(), now())
        platform.delete(post.external_id)
        with pytest.raises(Refused, match="deleted"):
            source.reply(post, approved(), now())
        assert platform.replies == []


def test_links_are_marked_by_their_bytes() -> None:
    (facet,) = links("Désolé – see https://acme.example/é?a=1.")
    text = "Désolé – see https://acme.example/é?a=1.".encode()
    assert text[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode() == "https://acme.example/é?a=1"


def test_keys_of_two_approvals_differ_and_sort_by_their_time() -> None:
    one, later = approved("a"), approved("a")
    later = type(later)(later.text, later.key, one.at + timedelta(microseconds=1))
    assert key_of(one) < key_of(later)
    assert len({key_of(approved(f"key-{number}")) for number in range(5)}) == 5
