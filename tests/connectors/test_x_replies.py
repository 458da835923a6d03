"""Answering on X."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.base import BudgetReached, CannotReply, Mention, Refused, SourceContext, Unavailable, Voice
from connectors.x import connector
from connectors.x_posts import Own, posts_of
from connectors.x_settings import REPLY_KEYS, XSettings
from tests.connectors.replying import ReplyContract, approved, now
from tests.fakes.ledger import Ledger
from tests.fakes.x import OWNER, TOKEN, FakeX


class TestXReplies(ReplyContract):
    secrets = (f"{OWNER}-writes", "s3cret-of-the-app", "s3cret-of-the-token")
    somebody_else = "rival"

    @pytest.fixture(autouse=True)
    def _keys(self, tmp_path: Path) -> None:
        values = ("key", "s3cret-of-the-app", f"{OWNER}-writes", "s3cret-of-the-token")
        self.keys: dict[str, Any] = {}
        for name, text in (("token", TOKEN), *zip(REPLY_KEYS, values, strict=True)):
            (tmp_path / name).write_text(text)
            self.keys[f"{name}_file"] = str(tmp_path / name)
        self.purse = Ledger()

    def fake(self) -> FakeX:
        return FakeX(datetime.now(UTC)).start()

    def open(self, fake: FakeX, **changed: Any) -> Any:
        keys = {**self.keys, "replies": True, "reply_as": "acmecare", "base_url": fake.url, **changed}
        own = ("x:acmecare",)
        return connector.open(
            XSettings(**keys), SourceContext("x", ("Acme",), "listener-tests", purse=self.purse, own_accounts=own)
        )

    def closed(self, fake: FakeX) -> Any:
        settings = XSettings(base_url=fake.url, token_file=self.keys["token_file"])
        return connector.open(settings, SourceContext("x", ("Acme",), "listener-tests"))

    def post(self, fake: FakeX, text: str = "My Acme kettle broke") -> Mention:
        one = fake.publish(f"@acmecare {text}", now())
        (found,) = posts_of({"data": [fake._posts[int(one)]]}, Own(frozenset({"acmecare"})))
        assert found.mention is not None
        return found.mention

    def published(self, fake: FakeX) -> list[str]:
        return fake.written

    def test_only_posts_that_mention_the_account_are_answered(self, platform: FakeX, source: Any) -> None:
        post = self.post(platform)
        assert isinstance(source.may_reply(post), Voice)
        elsewhere = replace(post, text="@acmecares My Acme kettle broke", in_reply_to_brand=None)
        barred = source.may_reply(elsewhere)
        assert isinstance(barred, CannotReply)
        assert barred.reason == "summons"
        assert "@acmecare" in barred.why
        assert isinstance(source.may_reply(replace(elsewhere, in_reply_to_brand=True)), Voice)
        assert platform.asked == []

    def test_where_x_itself_says_no_the_sentence_says_what_to_do(self, platform: FakeX, source: Any) -> None:
        one = platform.publish("My Acme kettle broke", now())
        with pytest.raises(Refused, match="Answer it on X"):
            source.reply(replace(self.post(platform), external_id=one), approved(), now())
        assert platform.written == []

    def test_what_the_account_has_written_already_is_looked_for(self, platform: FakeX, source: Any) -> None:
        post, one = self.post(platform), approved()
        posted = source.reply(post, one, now())
        with pytest.raises(Unavailable, match="looked for"):
            source.reply(post, one, now())
        assert source.find_reply(post, one, now()) == posted
        assert len(platform.written) == 1

    def test_replies_are_paid_for_and_never_beyond_the_budget(self, platform: FakeX, source: Any) -> None:
        source.reply(self.post(platform), approved(), now())
        assert self.purse.units == {"user read": 1, "reply with a link": 1}
        source.reply(self.post(platform, "and another"), approved("key-2", "No link."), now())
        assert self.purse.units["reply"] == 1
        assert self.purse.total() == pytest.approx(platform.spent)
        platform.write_faults.append("refused")
        with pytest.raises(Refused):
            source.reply(self.post(platform, "a third"), approved("key-3"), now())
        assert self.purse.units["reply with a link"] == 1
        self.purse.day = self.purse.total()
        with pytest.raises(BudgetReached):
            source.reply(self.post(platform, "a fourth"), approved("key-4"), now())
        assert len(platform.written) == 2


def test_settings_without_all_four_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="reply_access_token_secret_env missing"):
        XSettings(
            token_env="T", replies=True, reply_as="acme", reply_consumer_key_env="K",
            reply_consumer_secret_env="S", reply_access_token_env="A",
        )  # fmt: skip
