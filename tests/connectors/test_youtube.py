"""YouTube: the contract, and what its comments do that other posts do not."""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import AccessDenied, RateLimited, Source, SourceContext, Unavailable
from connectors.contract import START, ConnectorContract, Stored
from connectors.youtube import YouTube, YouTubeSettings, connector
from tests.fakes.crowd import unread
from tests.fakes.http import Reply
from tests.fakes.known import gone, look_up
from tests.fakes.youtube import CHANNEL, KEY, KEY_FILE, VIDEO, FakeYouTube, refusal

CONTEXT = SourceContext("tube", ("Acme",), "listener-tests", intranet=("127.0.0.0/8",))
OTHER = "dQ_kettle-2"
MIDNIGHT = datetime(2026, 11, 3, 8, 0, tzinfo=UTC)  # in California, behind START


def open_source(fake: FakeYouTube, context: SourceContext = CONTEXT, **settings: Any) -> YouTube:
    if "channels" not in settings:
        settings.setdefault("videos", (VIDEO,))
    settings.setdefault("key_file", str(KEY_FILE))
    source = connector.open(YouTubeSettings(base_url=fake.url, **settings), context)
    assert isinstance(source, YouTube)
    return source


def read(fake: FakeYouTube, **settings: Any) -> Stored:
    with closing(open_source(fake, **settings)) as source:
        stored = Stored()
        stored.poll(source, START)
        return stored


class TestContract(ConnectorContract):
    def fake(self) -> FakeYouTube:
        return FakeYouTube().start()

    def open(self, fake: FakeYouTube) -> Source:
        return open_source(fake, page_size=4, page_cap=3, timeout=self.timeout)

    def open_with_secrets(self, fake: FakeYouTube, folder: Path) -> Source:
        (folder / "key").write_text(KEY)
        return open_source(fake, key_file=str(folder / "key"), timeout=self.timeout)

    def publish(self, fake: FakeYouTube, at: Any) -> str:
        return fake.publish(at=at)

    def publish_text(self, fake: FakeYouTube, at: Any, text: str) -> str:
        return fake.publish(text, at)

    def delete(self, fake: FakeYouTube, external_id: str) -> None:
        fake.delete(external_id)

    def edit(self, fake: FakeYouTube, external_id: str) -> None:
        fake.edit(external_id, "Acme, edited")


class TestContractOfReplies(TestContract):
    """Every other post is a reply to the thread before it: more of them than come with a thread."""

    def publish(self, fake: FakeYouTube, at: Any) -> str:
        if fake.threads and len(fake.threads) * 8 > sum(map(len, fake.replies.values())):
            return fake.reply(fake.threads[0]["id"], at=at)
        return fake.publish(at=at)


@pytest.mark.parametrize("seed", range(3))
def test_seconds_with_more_posts_than_a_page_are_read_whole(seed: int) -> None:
    with FakeYouTube().start() as fake, closing(open_source(fake, page_size=5)) as source:
        assert unread(source, lambda at: fake.publish(at=at), seed) == set()


def test_only_comments_that_name_a_term_count_unless_all_do() -> None:
    with FakeYouTube().start() as fake:
        named = fake.publish("My ACME’s lid broke", START)
        silent = fake.publish("the lid broke after a week", START)
        assert set(read(fake).mentions) == {named}
        found = read(fake, match="all").mentions
        assert set(found) == {named, silent}
        assert {one.brand for one in found.values()} == {"Acme"}


def test_a_comment_is_whole_and_links_to_its_place() -> None:
    with FakeYouTube().start() as fake:
        one = fake.publish("Acme\nis fine", START)
        answer = fake.reply(one, "Acme? No.", START + timedelta(minutes=1), authorDisplayName="Bob B.")
        found = read(fake).mentions
    assert found[one].url == f"https://www.youtube.com/watch?v={VIDEO}&lc={one}"
    assert (found[one].text, found[one].kind, found[one].thread_id) == ("Acme\nis fine", "comment", one)
    assert found[one].engagement == {"likes": 2, "replies": 1}
    assert (found[one].author.id, found[one].author.handle) == ("UC" + "a" * 22, "alice")
    assert (found[answer].parent_id, found[answer].thread_id) == (one, one)
    assert (found[answer].author.handle, found[answer].author.name) == ("", "Bob B.")


def test_without_the_original_text_the_shown_one_is_made_plain() -> None:
    with FakeYouTube().start() as fake:
        one = fake.publish("x", START, textOriginal=None, textDisplay="Acme &amp; me<br>too")
        assert read(fake).mentions[one].text == "Acme & me\ntoo"


def test_replies_that_do_not_come_with_their_thread_are_asked_for_once() -> None:
    with FakeYouTube().start() as fake, closing(open_source(fake)) as source:
        thread = fake.publish(at=START)
        ids = {thread} | {fake.reply(thread, at=START) for _ in range(130)}
        stored = Stored()
        for n in range(4):
            stored.poll(source, START + timedelta(minutes=n))
        assert set(stored.mentions) == ids
        assert [one.path for one in fake.asked].count("/youtube/v3/comments") == 2
        late = fake.reply(thread, at=START + timedelta(hours=2))
        stored.poll(source, START + timedelta(hours=3))
        assert late in stored.mentions


def test_replies_that_were_read_and_never_stored_are_read_again() -> None:
    with FakeYouTube().start() as fake, closing(open_source(fake)) as source:
        thread = fake.publish(at=START)
        ids = {thread} | {fake.reply(thread, at=START) for _ in range(9)}
        for _ in source.poll(None, START):
            break
        stored = Stored()
        stored.poll(source, START + timedelta(minutes=1))
        assert set(stored.mentions) == ids


def test_an_old_pinned_comment_ends_nothing() -> None:
    with FakeYouTube().start() as fake, closing(open_source(fake, page_size=4)) as source:
        fake.pinned = fake.publish(at=START - timedelta(days=300))
        stored = Stored()
        stored.poll(source, START - timedelta(hours=1))
        ids = {fake.publish(at=START - timedelta(minutes=n)) for n in range(10)}
        stored.poll(source, START)
        assert set(stored.mentions) == ids


def test_a_video_without_comments_is_noted_once_and_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    with FakeYouTube().start() as fake, closing(open_source(fake, videos=(OTHER, VIDEO))) as source:
        fake.closed[OTHER] = "commentsDisabled"
        one = fake.publish(at=START)
        stored = Stored()
        with caplog.at_level(logging.WARNING):
            for n in range(3):
                stored.poll(source, START + timedelta(minutes=n))
        assert list(stored.mentions) == [one]
        assert [told.getMessage() for told in caplog.records] == [
            f"YouTube: comments are switched off: {OTHER}; the others of this source are read"
        ]
        del fake.closed[OTHER]
        opened = fake.publish(at=START + timedelta(minutes=4), video=OTHER)
        stored.poll(source, START + timedelta(minutes=5))
        assert opened in stored.mentions


def test_where_nothing_can_be_read_a_person_must_act() -> None:
    with FakeYouTube().start() as fake:
        fake.closed = {VIDEO: "commentsDisabled", CHANNEL: "channelNotFound"}
        with pytest.raises(AccessDenied, match="remove or change"):
            read(fake, videos=(VIDEO,), channels=(CHANNEL,))


def test_a_closed_video_hides_no_failure_of_another() -> None:
    with FakeYouTube().start() as fake:
        fake.closed[OTHER] = "videoNotFound"
        fake.answers = [refusal(404, "videoNotFound", "no"), Reply.json({"items": "none"})]
        with pytest.raises(Exception, match="API may have changed"):
            read(fake, videos=(OTHER, VIDEO))


def test_units_are_counted_over_restarts_and_come_back_at_midnight_in_california() -> None:
    settings = {"page_size": 2, "page_cap": 9, "daily_units": 5}
    with FakeYouTube().start() as fake:
        ids = {fake.publish(at=START - timedelta(minutes=n)) for n in range(20)}
        stored = Stored()
        for _ in range(2):  # the second is a new process
            with (
                closing(open_source(fake, **settings)) as source,
                pytest.raises(RateLimited, match="daily_units") as told,
            ):
                stored.poll(source, START)
            assert told.value.retry_at == MIDNIGHT
            assert len(fake.asked) == 5
        with closing(open_source(fake, **settings | {"daily_units": 99})) as source:
            stored.poll(source, MIDNIGHT)
        assert set(stored.mentions) == ids
        assert stored.cursor is not None
        assert stored.cursor["spent"] == {"day": "2026-11-03", "units": len(fake.asked) - 5}


@pytest.mark.parametrize(
    ("reply", "error", "until"),
    [
        (refusal(403, "quotaExceeded", "no"), RateLimited, MIDNIGHT),
        (refusal(403, "rateLimitExceeded", "no"), RateLimited, START + timedelta(minutes=1)),
        (refusal(400, "processingFailure", "no"), Unavailable, None),
        (refusal(400, "badRequest", "API_KEY_INVALID"), AccessDenied, None),
        (refusal(403, "accessNotConfigured", "no"), AccessDenied, None),
        (Reply(403, b"[1]", {}), AccessDenied, None),
    ],
)
def test_reasons_in_the_body_are_understood(reply: Reply, error: type[Exception], until: datetime | None) -> None:
    with FakeYouTube().start() as fake:
        fake.answers = [reply]
        with pytest.raises(error) as caught:
            read(fake)
        assert getattr(caught.value, "retry_at", None) == until


def test_a_page_token_that_is_not_taken_any_more_begins_anew_and_loses_nothing() -> None:
    with FakeYouTube().start() as fake, closing(open_source(fake, page_size=4, page_cap=2)) as source:
        ids = {fake.publish(at=START - timedelta(minutes=n)) for n in range(30)}
        stored = Stored()
        stored.poll(source, START)
        assert stored.gaps
        fake.stale = True
        stored.poll(source, START + timedelta(minutes=1))
        fake.stale = False
        for n in range(2, 20):
            stored.poll(source, START + timedelta(minutes=n))
        assert set(stored.mentions) == ids
        assert stored.gaps == ()


def test_a_search_is_made_for_each_term_and_the_key_goes_in_a_header() -> None:
    with FakeYouTube().start() as fake:
        one, two = fake.publish("Acme", START), fake.publish("Zeta", START)
        fake.publish("neither", START)
        assert set(read(fake, channels=(CHANNEL,), search_terms=True, terms=("Acme", "Zeta")).mentions) == {one, two}
        assert {asked.first("searchTerms") for asked in fake.asked} == {"Acme", "Zeta"}
        assert {asked.headers["x-goog-api-key"] for asked in fake.asked} == {KEY}


def test_comments_under_our_own_videos_answer_the_brand() -> None:
    ours = replace(CONTEXT, own_accounts=(f"youtube:{CHANNEL}",))
    with FakeYouTube().start() as fake, closing(open_source(fake, ours, match="all")) as source:
        one = fake.publish("nice", START)
        answer = fake.reply(one, "no", START)
        stored = Stored()
        stored.poll(source, START)
        assert stored.mentions[one].in_reply_to_brand is True
        assert stored.mentions[answer].in_reply_to_brand is None


def test_stored_comments_are_looked_up_fifty_at_once() -> None:
    with FakeYouTube().start() as fake, closing(open_source(fake)) as source:
        threads = [fake.publish(at=START) for _ in range(60)]
        answer = fake.reply(threads[0], at=START)
        stored = Stored()
        stored.poll(source, START)
        fake.delete(threads[7])
        fake.edit(answer, "Acme, edited")
        asked = len(fake.asked)
        looked = look_up(source, stored.mentions.values(), START)
        assert len(fake.asked) == asked + 2
        assert gone(looked) == {threads[7]}
        present = {one.external_id: one for one in looked.present}
        assert present.keys() == stored.mentions.keys() - {threads[7]}
        assert present[answer].text == "Acme, edited"
        before = stored.mentions[answer]
        assert (present[answer].url, present[answer].thread_id) == (before.url, before.thread_id)


def test_a_look_up_that_fails_removes_nothing() -> None:
    with FakeYouTube().start() as fake, closing(open_source(fake)) as source:
        one = fake.publish(at=START)
        stored = Stored()
        stored.poll(source, START)
        for fault in ("500", "html", "malformed"):
            fake.fail_next(fault)
            with pytest.raises(Exception, match="YouTube"):
                look_up(source, [stored.mentions[one]], START)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"videos": ("short",)},
        {"channels": ("UCshort",)},
        {"videos": (VIDEO,), "key_file": None},
        {"videos": (VIDEO,), "match": "all", "search_terms": True},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: Any) -> None:
    with pytest.raises(ValidationError):
        YouTubeSettings(**{"key_file": "k", **settings})
