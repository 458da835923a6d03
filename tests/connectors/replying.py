"""What every connector must hold that answers in public; subclass `ReplyContract` in a test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, cast
from zoneinfo import ZoneInfo

import pytest

from connectors.base import (
    AccessDenied,
    Approved,
    BudgetReached,
    CannotReply,
    ConnectorError,
    Mention,
    Parked,
    Posted,
    RateLimited,
    Refused,
    Voice,
)
from connectors.leaks import Ears
from listener.cases.clock import ServiceHours
from listener.cases.plan import case_ref
from listener.cases.replies import NewReply, Reply, ReplyState
from listener.cases.settle import Settler
from listener.cases.telling import Rules
from listener.importing import import_posts
from listener.model import CaseState
from listener.replying import Replier, publish
from listener.store import Store
from tests.fakes.story import verdict
from tests.fakes.writes import LOST

WORDS = "Sorry about that – we have sent a new one. Details: https://acme.example/returns?a=1&b=2"
ALWAYS = ServiceHours(ZoneInfo("UTC"))
CERTAIN = (Parked, Refused, BudgetReached)  # nothing was published


class ReplyContract:
    """The fake must know `write_faults` (`tests.fakes.writes`)."""

    secrets: ClassVar[tuple[str, ...]] = ()

    def fake(self) -> Any:
        raise NotImplementedError

    def open(self, fake: Any, **changed: Any) -> Any:
        """A source that may answer; `changed` are settings."""
        raise NotImplementedError

    def closed(self, fake: Any) -> Any:
        """A source as it is by default."""
        raise NotImplementedError

    def post(self, fake: Any, text: str = "My Acme kettle broke") -> Mention:
        """A customer's post that may be answered."""
        raise NotImplementedError

    def published(self, fake: Any) -> list[str]:
        """The texts that stand there as answers of the account."""
        raise NotImplementedError

    @pytest.fixture
    def platform(self) -> Iterator[Any]:
        with self.fake() as fake:
            yield fake

    @pytest.fixture
    def source(self, platform: Any) -> Iterator[Any]:
        source = self.open(platform)
        yield source
        source.close()

    def test_nothing_is_published_unless_the_settings_say_so(self, platform: Any) -> None:
        source = self.closed(platform)
        post = self.post(platform)
        said = source.voice()
        assert isinstance(said, CannotReply)
        assert said.reason == "off"
        assert "replies = true" in said.why
        assert source.may_reply(post) == said
        with pytest.raises(AccessDenied, match="replies"):
            source.reply(post, approved(), now())
        assert self.published(platform) == []
        source.close()

    def test_a_reply_stands_below_its_post_to_the_letter_and_is_found_again(self, platform: Any, source: Any) -> None:
        post, one = self.post(platform), approved()
        voice = source.may_reply(post)
        assert isinstance(voice, Voice)
        assert voice.measure(WORDS) <= voice.longest
        assert source.find_reply(post, one, now()) is None
        posted = source.reply(post, one, now())
        assert posted.external_id
        assert posted.url.startswith("http")
        assert self.published(platform) == [WORDS]
        assert source.find_reply(post, one, now()) == posted

    @pytest.mark.parametrize("fault", LOST)
    def test_an_answer_that_was_lost_is_looked_for_and_never_published_twice(self, platform: Any, fault: str) -> None:
        source = self.open(platform, timeout=0.5)
        post, one = self.post(platform), approved()
        platform.write_faults.append(fault)
        with pytest.raises(ConnectorError) as told:
            source.reply(post, one, now())
        assert not isinstance(told.value, CERTAIN), "nobody can know that nothing was published"
        source.close()
        source = self.open(platform)  # another process, as after a kill
        found = source.find_reply(post, one, now())
        assert (found is not None) == fault.startswith("stored-")
        posted = found or source.reply(post, one, now())
        assert self.published(platform) == [WORDS]
        assert source.find_reply(post, one, now()) == posted
        source.close()

    def test_a_process_that_is_killed_before_it_notes_what_it_published_is_followed_by_one_that_finds_it(
        self, platform: Any, tmp_path: Path
    ) -> None:
        post, at = self.post(platform), datetime.now(UTC)
        with Store.open(f"sqlite:///{tmp_path / 'listener.db'}") as store:
            store.migrate()
            ref = a_case(store, post, at)
            view = store.case(ref)
            assert view is not None
            new = NewReply("key-1", ref, view.mentions[0].id, "here", "acmecare", WORDS, "ana", "cli", 1)
            assert isinstance(store.want_reply(new, at), Reply)
            first = self.open(platform)
            with pytest.raises(Killed):
                publish({"here": Replier(post.platform, DiesBehind(first))}, store, ALWAYS, "one:1:a", lambda: at)
            first.close()
            assert self.published(platform) == [WORDS]
            store.end_leases("one:1:a", at)
            later, second = at + timedelta(minutes=1), self.open(platform)
            (done,) = publish({"here": Replier(post.platform, second)}, store, ALWAYS, "one:2:b", lambda: later)
            second.close()
            assert (done.state, done.attempts) == (ReplyState.PUBLISHED, 2)
            assert done.url.startswith("http")
            after = store.case(ref)
            assert after is not None
            assert after.case.state is CaseState.REPLIED
        assert self.published(platform) == [WORDS]

    def test_who_is_told_to_wait_has_published_nothing(self, platform: Any, source: Any) -> None:
        platform.write_faults.append("429")
        with pytest.raises(RateLimited):
            source.reply(self.post(platform), approved(), now())
        assert self.published(platform) == []

    def test_a_refusal_is_certain_and_says_what_to_do_without_a_secret(self, platform: Any, source: Any) -> None:
        platform.write_faults.append("refused")
        with Ears() as ears:
            with pytest.raises(CERTAIN) as told:
                source.reply(self.post(platform), approved(), now())
            ears.hear("error", told.value)
            source.reply(self.post(platform, "The lid came off, too"), approved("key-2"), now())
        assert self.published(platform) == [WORDS]
        assert len(str(told.value)) > 30
        assert ears.leaks(list(self.secrets)) == []

    def test_the_same_words_below_another_post_are_another_reply(self, platform: Any, source: Any) -> None:
        one, other = self.post(platform), self.post(platform, "The lid of my Acme came off, too")
        source.reply(one, approved("key-1"), now())
        assert source.find_reply(other, approved("key-2"), now()) is None
        source.reply(other, approved("key-2"), now())
        assert self.published(platform) == [WORDS, WORDS]

    def test_a_credential_of_another_account_publishes_nothing(self, platform: Any) -> None:
        source = self.open(platform, reply_as=self.somebody_else)
        with pytest.raises(AccessDenied, match="reply_as"):
            source.reply(self.post(platform), approved(), now())
        assert self.published(platform) == []
        source.close()

    somebody_else = "somebody"


class Killed(BaseException):
    """Nothing behind it runs, as in a process that was killed."""


@dataclass
class DiesBehind:
    """A source whose process dies as soon as the platform has answered."""

    source: Any

    def voice(self) -> Voice | CannotReply:
        return cast("Voice | CannotReply", self.source.voice())

    def may_reply(self, post: Mention) -> Voice | CannotReply:
        return cast("Voice | CannotReply", self.source.may_reply(post))

    def reply(self, post: Mention, approved: Approved, now: datetime) -> Posted:
        self.source.reply(post, approved, now)
        raise Killed

    def find_reply(self, post: Mention, approved: Approved, now: datetime) -> Posted | None:
        return cast("Posted | None", self.source.find_reply(post, approved, now))


def a_case(store: Store, post: Mention, at: datetime) -> str:
    """The post, stored as a poll would do it; the reference of its case."""
    settler = Settler("here", Rules((), ALWAYS))
    import_posts(
        [post], source="here", store=store, judge=lambda _: verdict(), settle=settler, owner="t:1:a", clock=lambda: at
    )
    return case_ref(1)


def approved(key: str = "key-1", text: str = WORDS) -> Approved:
    return Approved(text, key, now())


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def without_handle(mention: Mention) -> Mention:
    return replace(mention, author=replace(mention.author, handle=""))
