"""Reddit: the contract for both ways in, and the traps of its listings, its limits and its client library."""

from __future__ import annotations

import gzip
import json
import logging
import subprocess
import sys
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.base import (
    AccessDenied,
    Gone,
    Known,
    Malformed,
    Mention,
    Page,
    RateLimited,
    Rechecking,
    Removal,
    Source,
    SourceContext,
    Unavailable,
)
from connectors.contract import START, ConnectorContract, Stored
from connectors.reddit import connector
from connectors.reddit_posts import fate, is_gone
from connectors.reddit_settings import RedditSettings
from tests.fakes.http import Asked, FakeServer, Reply
from tests.fakes.reddit import CLIENT_ID, FEED_TOKEN, SECRET, USER, FakeReddit

CONTEXT = SourceContext("reddit", ("Acme",), "listener-tests/1.0", intranet=("127.0.0.0/8",))
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "key").write_text(SECRET + "\n")
    (folder / "feed").write_text(FEED_TOKEN + "\n")
    return folder


def with_key(folder: Path, fake: FakeServer, **settings: Any) -> Source:
    key = {"client_id": CLIENT_ID, "client_secret_file": str(folder / "key")}
    chosen = {"base_url": fake.url, "subreddits": ("kettles",), **key, **settings}
    return connector.open(RedditSettings(**chosen), CONTEXT)


def with_feed(folder: Path, fake: FakeServer, **settings: Any) -> Source:
    token = {"user": USER, "token_file": str(folder / "feed")}
    chosen = {"base_url": fake.url, "subreddits": ("kettles",), **token, **settings}
    return connector.open(RedditSettings(**chosen), CONTEXT)


WAYS = pytest.mark.parametrize("way", [with_key, with_feed], ids=["key", "feed"])


def read(source: Source, stored: Stored | None = None, now: datetime = START) -> Stored:
    with closing(source):
        stored = stored or Stored()
        stored.poll(source, now)
        return stored


class TestWithAKey(ConnectorContract):
    way = staticmethod(with_key)
    secrets: ClassVar[Path]

    @pytest.fixture(autouse=True)
    def _where_secrets_are(self, secrets: Path) -> None:
        type(self).secrets = secrets

    def fake(self) -> FakeReddit:
        return FakeReddit().start()

    def open(self, fake: FakeReddit) -> Source:
        return self.way(self.secrets, fake, page_size=4, page_cap=3, timeout=self.timeout)

    def open_with_secrets(self, fake: FakeReddit, folder: Path) -> Source:
        (folder / "client_secret").write_text(SECRET)
        return with_key(folder, fake, client_secret_file=str(folder / "client_secret"), timeout=self.timeout)

    def publish(self, fake: FakeReddit, at: datetime) -> str:
        return fake.comment(at=at) if len(fake.things) % 3 == 2 else fake.post(at=at)

    def publish_text(self, fake: FakeReddit, at: datetime, text: str) -> str:
        return fake.comment(text, at)

    def delete(self, fake: FakeReddit, external_id: str) -> None:
        fake.delete(external_id)

    def edit(self, fake: FakeReddit, external_id: str) -> None:
        fake.edit(external_id, "Acme, edited")


class TestWithAFeed(TestWithAKey):
    way = staticmethod(with_feed)

    def open_with_secrets(self, fake: FakeReddit, folder: Path) -> Source:
        (folder / "token").write_text(FEED_TOKEN)
        return with_feed(folder, fake, token_file=str(folder / "token"), timeout=self.timeout)

    def publish_text(self, fake: FakeReddit, at: datetime, text: str) -> str:
        # A feed cannot carry control characters: XML forbids them.
        return fake.post("".join(one for one in text if (one >= " " and one < "\ud800") or one > "\udfff"), at)


# Listings


@WAYS
def test_an_anchor_that_left_the_listing_is_not_its_end(way: Any, secrets: Path) -> None:
    settings = {"page_size": 4, "page_cap": 1, "lookback": timedelta(0)}
    with FakeReddit().start() as fake, closing(way(secrets, fake, **settings)) as source:
        ids = [fake.post(at=START - n * MINUTE) for n in range(40)]
        stored = Stored()
        stored.poll(source, START)
        assert set(stored.mentions) == set(ids[:4])
        for one in ids[2:4]:
            fake.vanish(one)  # the two posts that the next page would lie behind
        for n in range(1, 80):
            stored.poll(source, START + n * timedelta(seconds=1))
        assert set(stored.mentions) == set(ids)
        assert not [gap for gap in stored.gaps if not gap.lost]


@WAYS
def test_a_stretch_whose_anchors_all_vanished_is_read_again_from_the_top(way: Any, secrets: Path) -> None:
    settings = {"page_size": 4, "page_cap": 1, "lookback": timedelta(0)}
    with FakeReddit().start() as fake, closing(way(secrets, fake, **settings)) as source:
        ids = [fake.post(at=START - n * MINUTE) for n in range(20)]
        stored = Stored()
        stored.poll(source, START)
        for one in ids[:4]:
            fake.vanish(one)
        for n in range(1, 80):
            stored.poll(source, START + n * timedelta(seconds=1))
            assert not [gap for gap in stored.gaps if gap.lost]
        assert set(stored.mentions) == set(ids)
        assert stored.gaps == ()


@hypothesis.settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_whatever_vanishes_meanwhile_the_rest_is_read(secrets: Path, data: st.DataObject) -> None:
    settings = {"page_size": 4, "page_cap": 2, "lookback": timedelta(0), "comments": False}
    with FakeReddit().start() as fake:
        stored, now = Stored(), START
        for _ in range(data.draw(st.integers(1, 4), label="rounds")):
            now += MINUTE
            for n in range(data.draw(st.integers(0, 14), label="new posts")):
                fake.post(at=now - timedelta(seconds=n))
            stop = data.draw(st.none() | st.integers(0, 3), label="stop after page")
            with closing(with_key(secrets, fake, **settings)) as source:
                for number, page in enumerate(source.poll(stored.cursor, now)):
                    if number == stop:
                        break
                    stored.page(page)
            for one in list(fake.things):
                if data.draw(st.integers(0, 2), label="vanishes") == 0:
                    fake.vanish(one)
        with closing(with_key(secrets, fake, **settings)) as source:
            for n in range(40):
                stored.poll(source, now + n * timedelta(seconds=1))
                assert not [gap for gap in stored.gaps if gap.lost]
        assert set(fake.things) <= set(stored.mentions)
        assert set(stored.times_seen.values()) <= {1}


def test_a_platform_whose_pages_lead_nowhere_ends_in_a_lost_gap_and_not_in_a_circle(secrets: Path) -> None:
    class Lost(FakeReddit):
        """Says that more follows, and gives nothing behind any post."""

        def _page(self, asked: Asked) -> Any:
            shown, onward = super()._page(asked)
            return ([], None) if asked.first("after") else (shown, onward)

    with Lost().start() as fake, closing(with_key(secrets, fake, page_size=4, page_cap=2)) as source:
        for n in range(20):
            fake.post(at=START - n * MINUTE)
        stored = Stored()
        lost = []
        for n in range(12):
            stored.poll(source, START + n * timedelta(seconds=1))
            lost += [gap for gap in stored.gaps if gap.lost]
        assert {gap.reason for gap in lost} == {"rolled-over"}
        assert not [gap for gap in stored.gaps if not gap.lost]
        asked = len(fake.asked)
        stored.poll(source, START + MINUTE)
        assert len(fake.asked) - asked <= 8
        assert stored.gaps == ()


@WAYS
def test_old_posts_shown_as_new_are_not_taken_and_do_not_end_the_reading(way: Any, secrets: Path) -> None:
    with FakeReddit().start() as fake, closing(way(secrets, fake, page_size=4, page_cap=5)) as source:
        old = [fake.post(at=START - timedelta(days=4, minutes=n)) for n in range(4)]
        stored = Stored()
        stored.poll(source, START)
        assert not stored.mentions
        new = {fake.post(at=START + n * MINUTE) for n in range(1, 9)}
        # At the top, in the middle and at the end of the first page, so that its last post is one of days ago.
        for one, place in zip(old[:3], (0, 2, 3), strict=True):
            fake.replay(one, place)
        stored.poll(source, START + 10 * MINUTE)
        assert set(stored.mentions) == new


def test_a_stale_listing_hides_posts_for_a_while_and_loses_none(secrets: Path) -> None:
    with FakeReddit().start() as fake, closing(with_key(secrets, fake, page_size=4)) as source:
        first = fake.post(at=START)
        stored = Stored()
        stored.poll(source, START)
        fake.cached = True
        hidden = [fake.post(at=START + n * MINUTE) for n in range(1, 10)]
        stored.poll(source, START + 10 * MINUTE)
        stored.poll(source, START + 11 * MINUTE)
        assert set(stored.mentions) == {first}
        fake.cached = False
        late = fake.post(at=START + 12 * MINUTE)
        for n in range(12, 20):
            stored.poll(source, START + n * MINUTE)
        assert set(stored.mentions) == {first, late, *hidden}
        assert stored.gaps == ()


def test_the_limit_differs_with_each_question_so_that_no_cached_answer_is_met(secrets: Path) -> None:
    with FakeReddit().start() as fake, closing(with_key(secrets, fake)) as source:
        fake.cached = True
        stored = Stored()
        ids = set()
        for n in range(10):
            ids.add(fake.post(at=START + n * MINUTE))
            stored.poll(source, START + n * MINUTE)
        assert set(stored.mentions) == ids


def test_a_post_that_is_indexed_late_is_found_within_the_lookback(secrets: Path) -> None:
    with FakeReddit().start() as fake, closing(with_key(secrets, fake)) as source:
        stored = Stored()
        fake.comment(at=START + 20 * MINUTE)
        stored.poll(source, START + 20 * MINUTE)
        late = fake.comment(at=START + 5 * MINUTE)
        for n in range(21, 24):
            stored.poll(source, START + n * MINUTE)
        assert late in stored.mentions


@WAYS
def test_the_end_of_a_listing_before_known_ground_is_a_lost_gap(way: Any, secrets: Path) -> None:
    with FakeReddit().start() as fake, closing(way(secrets, fake, page_cap=20, lookback=timedelta(0))) as source:
        fake.comment(at=START)
        stored = Stored()
        stored.poll(source, START)
        for n in range(1_200):
            fake.comment(at=START + timedelta(seconds=10 * (n + 1)))
        now = START + timedelta(hours=4)
        seen: list[Page] = []
        for page in source.poll(stored.cursor, now):
            stored.page(page)
            seen.append(page)
        assert len(stored.mentions) == 1 + 1_000
        [gap] = stored.gaps
        assert (gap.reason, gap.lost) == ("rolled-over", True)
        assert (gap.since, gap.until) == (START, START + timedelta(seconds=10 * 201))
        stored.poll(source, now + MINUTE)
        assert stored.gaps == ()  # it was told; nothing is open


def test_a_lookback_longer_than_a_listing_lost_nothing_that_was_read(secrets: Path) -> None:
    with FakeReddit().start() as fake, closing(with_key(secrets, fake, page_cap=20)) as source:
        fake.listing_end = 300
        stored = Stored()
        stored.poll(source, START)
        for n in range(1, 8):
            for second in range(100):  # 700 within the lookback of half an hour, of which 300 are shown
                fake.comment(at=START + n * MINUTE + timedelta(seconds=second / 2))
            stored.poll(source, START + (n + 1) * MINUTE)
            assert stored.gaps == ()
        assert len(stored.mentions) == 700


def test_a_listing_that_is_merely_short_lost_nothing(secrets: Path) -> None:
    with FakeReddit().start() as fake, closing(with_key(secrets, fake, page_size=4, page_cap=50)) as source:
        for n in range(30):
            fake.post(at=START - n * MINUTE)
        stored = Stored()
        stored.poll(source, START)
        assert (len(stored.mentions), stored.gaps) == (30, ())


def test_a_burst_over_the_cap_is_a_gap_that_closes(secrets: Path) -> None:
    with FakeReddit().start() as fake, closing(with_key(secrets, fake, page_size=20, page_cap=2)) as source:
        stored = Stored()
        stored.poll(source, START)
        ids = {fake.comment(at=START + timedelta(seconds=n // 3)) for n in range(150)}
        stored.poll(source, START + 2 * MINUTE)
        assert [gap.reason for gap in stored.gaps] == ["page-cap"]
        for n in range(3, 12):
            stored.poll(source, START + n * MINUTE)
        assert set(stored.mentions) == ids
        assert stored.gaps == ()


def test_a_feed_that_does_not_go_on_behind_a_post_is_a_window_and_says_what_it_missed(secrets: Path) -> None:
    with (
        FakeReddit(pages_feeds=False).start() as fake,
        closing(with_feed(secrets, fake, page_size=4, comments=False)) as source,
    ):
        fake.post(at=START)
        stored = Stored()
        stored.poll(source, START)
        for n in range(1, 21):
            fake.post(at=START + n * MINUTE)
        stored.poll(source, START + 21 * MINUTE)
        assert len(stored.mentions) == 5
        assert [(gap.reason, gap.lost, gap.until) for gap in stored.gaps] == [
            ("rolled-over", True, START + 17 * MINUTE)
        ]
        for n in range(22, 26):
            stored.poll(source, START + n * MINUTE)
        assert not [gap for gap in stored.gaps if not gap.lost]


def test_a_switch_from_the_feed_to_a_key_goes_on_where_the_feed_stood(secrets: Path) -> None:
    with FakeReddit().start() as fake:
        old = {fake.post(at=START), fake.comment(at=START)}
        stored = read(with_feed(secrets, fake))
        assert set(stored.mentions) == old
        new = {fake.post(at=START + MINUTE), fake.comment(at=START + MINUTE)}
        with closing(with_key(secrets, fake)) as source:
            found = [one.external_id for page in source.poll(stored.cursor, START + MINUTE) for one in page.mentions]
        assert set(found) == new


# What is read


@WAYS
def test_both_ways_in_give_the_same_mention(way: Any, secrets: Path) -> None:
    with FakeReddit().start() as fake:
        post = fake.post("It leaks.\n\nStill.", START, title="My Acme & I", author="Al_1")
        comment = fake.comment("Acme, again", START, author="Bo-2")
        found = read(way(secrets, fake)).mentions
    one, other = found[post], found[comment]
    assert (one.platform, one.title, one.text, one.kind) == ("reddit", "My Acme & I", "It leaks.\n\nStill.", "post")
    assert (one.author.id, one.author.handle, one.thread_id, one.parent_id) == ("Al_1", "Al_1", post, None)
    assert one.url == f"https://www.reddit.com/r/kettles/comments/{post[3:]}/about/"
    assert (other.text, other.title, other.kind, other.thread_id) == ("Acme, again", "", "comment", "t3_zz")
    assert other.author.id == "Bo-2"
    if way is with_key:
        assert (one.engagement, other.engagement) == ({"score": 7, "replies": 3}, {"score": 7})
        assert other.parent_id == "t3_zz"


@WAYS
def test_search_is_inexact_and_comments_come_unasked_so_both_are_matched_here(way: Any, secrets: Path) -> None:
    with FakeReddit().start() as fake:
        fake.post("I live near Acmeville.", START, title="Holidays")
        fake.comment("A comment on something else", START)
        linked = fake.post("", START, title="Look at this", link="https://acme.example/kettle")
        headline = fake.post("", START, title="ACME recalls kettles", link="https://paper.example/1")
        found = read(way(secrets, fake)).mentions
    assert set(found) == {linked, headline}
    assert found[headline].text == "ACME recalls kettles"


@WAYS
def test_what_was_taken_away_is_not_read(way: Any, secrets: Path) -> None:
    with FakeReddit().start() as fake:
        for text in ("[deleted]", "[removed]", "[ Removed by Reddit on account of violating the content policy. ]"):
            fake.post(text, START)
        fake.post("Acme", START, author=None)
        fake.comment("Acme", START, author=None)
        kept = fake.comment("Acme wrote [removed] in its answer", START)
        assert list(read(way(secrets, fake)).mentions) == [kept]


def test_all_of_reddit_is_searched_for_posts_only(secrets: Path) -> None:
    with FakeReddit().start() as fake:
        post = fake.post(at=START, subreddit="anywhere")
        fake.comment(at=START)
        assert list(read(with_key(secrets, fake, subreddits=())).mentions) == [post]
        assert {asked.path for asked in fake.asked} == {"/api/v1/access_token", "/search/"}
        assert "restrict_sr" not in fake.asked[-1].query


def test_several_subreddits_are_asked_for_at_once_and_terms_apart(secrets: Path) -> None:
    with FakeReddit().start() as fake:
        source = with_key(secrets, fake, subreddits=("r/Tea", "kettles"), terms=("Acme", 'Acme "Home"'))
        read(source)
        asked = [(one.path, one.first("q"), one.first("restrict_sr")) for one in fake.asked[1:]]
    assert asked == [
        ("/r/kettles+tea/search/", '"Acme"', "on"),
        ("/r/kettles+tea/search/", '"Acme  Home"', "on"),
        ("/r/kettles+tea/comments/", "", ""),
    ]


# Limits and failures


def test_a_limit_that_is_used_up_is_waited_for_by_the_daemon_and_not_in_a_sleep(secrets: Path) -> None:
    with FakeReddit().start() as fake, closing(with_key(secrets, fake)) as source:
        post, comment = fake.post(at=START), fake.comment(at=START)
        fake.remaining, fake.reset = 1, 540
        stored = Stored()
        began = time.monotonic()
        with pytest.raises(RateLimited) as caught:
            stored.poll(source, START)
        assert caught.value.retry_at == START + timedelta(seconds=540)
        assert set(stored.mentions) == {post}  # the answer with which the limit ended counts
        asked = len(fake.asked)
        with pytest.raises(RateLimited):
            stored.poll(source, START + MINUTE)
        assert len(fake.asked) == asked
        fake.remaining = 100
        stored.poll(source, START + timedelta(seconds=541))
        assert set(stored.mentions) == {post, comment}
        assert time.monotonic() - began < 5


def test_a_limit_that_is_nearly_used_up_slows_nothing_down(secrets: Path) -> None:
    """prawcore alone would sleep up to ten seconds before each of these questions."""
    with FakeReddit().start() as fake, closing(with_key(secrets, fake, page_size=4, page_cap=20)) as source:
        fake.remaining, fake.reset = 30, 590
        for n in range(40):
            fake.post(at=START - n * MINUTE)
        began = time.monotonic()
        stored = Stored()
        stored.poll(source, START)
        assert len(stored.mentions) == 40
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("headers", [{"x-ratelimit-remaining": "soon"}, {"x-ratelimit-remaining": "nan"}])
def test_limits_that_cannot_be_read_stop_nothing(secrets: Path, headers: dict[str, str]) -> None:
    class Odd(FakeReddit):
        def answer(self, asked: Asked) -> Reply:
            reply = super().answer(asked)
            return Reply(reply.status, reply.body, {**reply.headers, **headers})

    with Odd().start() as fake:
        post = fake.post(at=START)
        assert list(read(with_key(secrets, fake)).mentions) == [post]


def test_a_429_that_names_no_time_says_so(secrets: Path) -> None:
    with FakeReddit().start() as fake:
        fake.fail_next("429-bare", 2)
        with pytest.raises(RateLimited) as caught:
            read(with_key(secrets, fake))
        assert caught.value.retry_at is None


def test_no_request_is_repeated_and_none_is_hidden(secrets: Path) -> None:
    with FakeReddit().start() as fake, closing(with_key(secrets, fake)) as source:
        fake.post(at=START)
        fake.comment(at=START)
        stored = Stored()
        stored.poll(source, START)
        assert [one.path for one in fake.asked] == [
            "/api/v1/access_token",
            "/r/kettles/search/",
            "/r/kettles/comments/",
        ]
        assert not any("before" in one.query for one in fake.asked)
        fake.fail_next("503")
        with pytest.raises(Unavailable):
            stored.poll(source, START + MINUTE)
        assert len(fake.asked) == 4


def test_a_token_that_ended_early_is_fetched_anew_once(secrets: Path) -> None:
    with FakeReddit().start() as fake, closing(with_key(secrets, fake)) as source:
        stored = Stored()
        stored.poll(source, START)
        fake.revoke_tokens()
        post = fake.post(at=START + MINUTE)
        stored.poll(source, START + MINUTE)
        assert post in stored.mentions
        assert fake.tokens_given == 2


def test_a_key_that_was_revoked_parks_the_source_and_says_why(secrets: Path) -> None:
    with FakeReddit().start() as fake, closing(with_key(secrets, fake)) as source:
        stored = Stored()
        stored.poll(source, START)
        fake.key_is_known = False
        fake.revoke_tokens()
        with pytest.raises(AccessDenied, match="need Reddit's approval"):
            stored.poll(source, START + MINUTE)


def test_a_token_endpoint_that_refuses_with_success_is_read_as_a_refusal(secrets: Path) -> None:
    class Odd(FakeReddit):
        def _token(self, asked: Asked) -> Reply:
            return Reply.json({"error": "invalid_grant"})

    with Odd().start() as fake, pytest.raises(AccessDenied, match="invalid_grant"):
        read(with_key(secrets, fake))


@WAYS
@pytest.mark.parametrize(
    ("what", "error", "word"), [("missing", Gone, "has no r/kettles"), ("banned", Gone, "r/kettles")]
)
def test_a_subreddit_that_is_not_there_is_named(
    way: Any, secrets: Path, what: str, error: type[Exception], word: str
) -> None:
    with FakeReddit().start() as fake:
        getattr(fake, what).add("kettles")
        with pytest.raises(error, match=word):
            read(way(secrets, fake))


@WAYS
def test_a_subreddit_that_may_not_be_read_is_named(way: Any, secrets: Path) -> None:
    with FakeReddit().start() as fake:
        fake.private.add("kettles")
        with pytest.raises(AccessDenied, match="r/kettles"):
            read(way(secrets, fake))


class Says(FakeReddit):
    """Gives tokens; answers every other question with this."""

    def __init__(self, body: Any, **headers: str) -> None:
        super().__init__()
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def _api(self, asked: Asked) -> Reply:
        return Reply(200, self.body, {"Content-Type": "application/json", **self.headers})


def test_a_body_that_drips_is_given_up_when_its_time_is_over(secrets: Path) -> None:
    with FakeReddit().start() as fake, closing(with_key(secrets, fake, timeout=0.5)) as source:
        fake.fail_next("slow")
        with pytest.raises(Unavailable, match="did not finish"):
            Stored().poll(source, START)


def test_a_compressed_answer_is_read_and_one_that_grows_without_end_is_not(secrets: Path) -> None:
    empty = b'{"data": {"children": [], "after": null}}'
    with Says(gzip.compress(empty), Content_Encoding="gzip").start() as fake:
        assert read(with_key(secrets, fake)).mentions == {}
    endless = gzip.compress(b" " * 11_000_000)
    with Says(endless, Content_Encoding="gzip").start() as fake, pytest.raises(Unavailable, match="cut off"):
        read(with_key(secrets, fake))
    with Says(b"no gzip", Content_Encoding="gzip").start() as fake, pytest.raises(Malformed, match="decompressed"):
        read(with_key(secrets, fake))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[1, 2]",
        b"[" * 50_000,
        {},
        {"data": None},
        {"data": {"children": {"a": 1}}},
        {"data": {"children": ["x", 3, None, {"kind": "t3"}]}},
        {"kind": "Listing", "data": {"children": [{"kind": "more", "data": {"id": "a"}}], "after": 7}},
        {"json": {"errors": [["RATELIMIT", "later", "x"]]}},
    ],
    ids=str,
)
def test_what_is_no_listing_is_told_as_such(secrets: Path, body: Any) -> None:
    with Says(body).start() as fake, pytest.raises(Malformed):
        read(with_key(secrets, fake))


@pytest.mark.parametrize(
    "fields",
    [
        {"created_utc": None},
        {"created_utc": "yesterday"},
        {"created_utc": 1e300},
        {"created_utc": True},
        {"name": None, "id": None},
        {"name": "t5_kettles"},
        {"selftext": None, "title": None},
        {"author": {"name": "x"}},
        {"permalink": "javascript:alert(1)", "url": 7, "score": "many", "num_comments": None, "removed_by_category": 3},
    ],
    ids=str,
)
def test_one_odd_post_among_good_ones_does_no_harm(secrets: Path, fields: dict[str, Any]) -> None:
    with FakeReddit().start() as fake:
        fake.things[fake.post("Acme", START)].more |= fields
        good = fake.post("Acme", START)
        assert good in read(with_key(secrets, fake)).mentions


# Secrets, and what may not change a setting


@WAYS
def test_no_secret_reaches_a_log_a_cursor_or_a_message(
    way: Any, secrets: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hidden = [SECRET, FEED_TOKEN, "token-1"]
    said = []
    with FakeReddit().start() as fake, closing(way(secrets, fake)) as source:
        fake.post(at=START)
        stored = Stored()
        stored.poll(source, START)
        for fault in ("500", "403", "html", "malformed", "reset", "404"):
            fake.fail_next(fault)
            with pytest.raises(Exception, match=r"\w") as caught:
                stored.poll(source, START + MINUTE)
            said.append(f"{caught.value} {caught.value!r}")
        assert fake.asked
    assert caplog.records
    text = caplog.text + str(stored.cursor) + str(stored.mentions) + "".join(said)
    assert not [one for one in hidden if one in text]


PLANTED = """
[DEFAULT]
oauth_url=http://127.0.0.1:9
reddit_url=http://127.0.0.1:9
short_url=http://127.0.0.1:9
client_id=planted
client_secret=planted
username=planted
password=planted
refresh_token=planted
user_agent=planted
check_for_updates=true
check_for_async=true
timeout=1
ratelimit_seconds=3600
window_size=1
submission_kind=t9
%(broken)s
"""

PROGRAM = """
import json, sys, warnings
from datetime import datetime
from connectors.base import SourceContext
from connectors.reddit import connector
from connectors.reddit_settings import RedditSettings
url, secret = sys.argv[1:]
settings = RedditSettings(
    base_url=url, client_id="client-of-the-tests", client_secret_file=secret, subreddits=("kettles",))
context = SourceContext("r", ("Acme",), "listener-tests/1.0", intranet=("127.0.0.0/8",))
source = connector.open(settings, context)
now = datetime.fromisoformat("2026-11-02T09:00:00+00:00")
try:
    print(json.dumps([one.external_id for page in source.poll(None, now) for one in page.mentions]))
except Exception as error:
    print(json.dumps(f"{type(error).__name__}: {error}"))
"""


def run_beside_a_planted_file(fake: FakeReddit, secret: Path, folder: Path, planted: str) -> Any:
    """The answer of a process of its own: praw reads praw.ini once a process."""
    (folder / "praw.ini").write_text(planted)
    (folder / "home").mkdir()
    (folder / "home" / "praw.ini").write_text(planted)
    (folder / "netrc").write_text("machine 127.0.0.1 login planted password planted\n")
    environment = {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "XDG_CONFIG_HOME": str(folder / "home"),
        "NETRC": str(folder / "netrc"),
        "praw_site": "planted",
        "praw_client_id": "planted",
        "praw_client_secret": "planted",
        "praw_username": "planted",
        "praw_password": "planted",
        "praw_refresh_token": "planted",
        "praw_check_for_updates": "true",
        "PRAWCORE_TIMEOUT": "0.001",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, fake.url, str(secret)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout)


def test_neither_a_planted_file_nor_the_environment_changes_a_setting(secrets: Path, tmp_path: Path) -> None:
    with FakeReddit().start() as fake:
        post = fake.post(at=START)
        found = run_beside_a_planted_file(fake, secrets / "key", tmp_path, PLANTED % {"broken": ""})
        assert found == [post]
        asked = fake.asked
    assert [one.path for one in asked] == ["/api/v1/access_token", "/r/kettles/search/", "/r/kettles/comments/"]
    assert b"client_credentials" in asked[0].body
    assert "planted" not in str([one.headers for one in asked])
    assert all(one.headers["user-agent"].startswith("listener-tests/1.0 ") for one in asked)
    assert all(one.headers["authorization"] == "bearer token-1" for one in asked[1:])


def test_a_planted_file_that_cannot_be_read_is_named(secrets: Path, tmp_path: Path) -> None:
    with FakeReddit().start() as fake:
        said = run_beside_a_planted_file(fake, secrets / "key", tmp_path, "no section\n[[\n")
    assert said.startswith("AccessDenied: ")
    assert "praw.ini" in said


def test_a_key_is_not_sent_into_the_own_network(secrets: Path) -> None:
    with FakeReddit().start() as fake:
        settings = RedditSettings(base_url=fake.url, client_id=CLIENT_ID, client_secret_file=str(secrets / "key"))
        source = connector.open(settings, SourceContext("r", ("Acme",), "tests/1.0"))
        with pytest.raises(AccessDenied, match="not public"):
            read(source)
        assert fake.asked == []


def test_a_secret_that_is_not_set_parks_the_source_with_its_name() -> None:
    settings = RedditSettings(client_id="x", client_secret_env="LISTENER_TEST_NO_SUCH_SECRET")
    with pytest.raises(AccessDenied, match="LISTENER_TEST_NO_SUCH_SECRET"):
        read(connector.open(settings, CONTEXT))


# Looking up again


def known(*found: Mention) -> list[Known]:
    return [
        Known(one.external_id, one.url, one.kind, one.author.id, one.parent_id, one.thread_id, one.published_at)
        for one in found
    ]


def recheck(source: Source, posts: list[Known]) -> Any:
    looker: Rechecking = source  # type: ignore[assignment]
    return looker.recheck(posts, START)


def test_a_look_up_tells_what_is_there_edited_and_gone(secrets: Path) -> None:
    with FakeReddit().start() as fake, closing(with_key(secrets, fake)) as source:
        kept, edited = fake.post(at=START), fake.comment(at=START)
        deleted, removed = fake.post(at=START, author="carl"), fake.comment(at=START)
        orphan = fake.comment(at=START, author="dora")
        linked = fake.post("", START, title="Acme", link="https://x.example", author="emil")
        stored = Stored()
        stored.poll(source, START)
        fake.edit(edited, "I like it now")
        fake.delete(deleted)
        fake.remove(removed)
        fake.delete_account("dora")
        fake.things[linked].author, fake.things[linked].more = None, {"removed_by_category": "deleted"}
        asked = len(fake.asked)
        looked = recheck(source, known(*stored.mentions.values()))
        assert len(fake.asked) == asked + 1
    there = {one.external_id: one.text for one in looked.present}
    assert there == {kept: "The Acme kettle is fine.", edited: "I like it now"}
    assert set(looked.removed) == {
        Removal("reddit", deleted),
        Removal("reddit", removed),
        Removal("reddit", orphan),
        Removal("reddit", author_id="dora"),
        Removal("reddit", linked),
    }


def test_a_look_up_asks_a_hundred_at_a_time_and_knows_nothing_of_what_reddit_leaves_out(secrets: Path) -> None:
    with FakeReddit().start() as fake, closing(with_key(secrets, fake, page_cap=10)) as source:
        stored = Stored()
        for n in range(120):
            fake.comment(at=START - n * MINUTE)
        stored.poll(source, START)
        posts = known(*stored.mentions.values())
        fake.vanish(posts[0].external_id)
        odd = Known("https://blog.example/1,t3_x", "", "post", "", None, None, START)
        looked = recheck(source, [odd, *posts])
        assert (len(looked.present), looked.removed) == (119, ())
        assert [one.first("id").count(",") for one in fake.asked if one.path == "/api/info/"] == [99, 19]


def test_what_a_look_up_was_not_asked_for_is_left_alone(secrets: Path) -> None:
    other = {"kind": "t1", "data": {"id": "b", "body": "x", "author": None, "created_utc": 1.7e9}}
    with Says({"data": {"children": [other]}}).start() as fake, closing(with_key(secrets, fake)) as source:
        looked = recheck(source, [Known("t1_a", "", "comment", "alice", None, None, START)])
        assert (looked.present, looked.removed) == ((), ())


def test_a_look_up_that_fails_says_how(secrets: Path) -> None:
    with FakeReddit().start() as fake, closing(with_key(secrets, fake)) as source:
        post = Known(fake.post(at=START), "", "post", "alice", None, None, START)
        for fault, error in (
            ("429", RateLimited),
            ("500", Unavailable),
            ("malformed", Malformed),
            ("403", AccessDenied),
        ):
            recheck(source, [post])
            fake.fail_next(fault)
            with pytest.raises(error):
                recheck(source, [post])


def test_through_the_feed_nothing_is_looked_up(secrets: Path) -> None:
    with FakeReddit().start() as fake, closing(with_feed(secrets, fake)) as source:
        looked = recheck(source, [Known("t3_a", "", "post", "alice", None, None, START)])
        assert (looked.present, looked.removed, fake.asked) == ((), (), [])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"name": "t1_a", "body": "x", "author": "al"}, "there"),
        ({"name": "t1_a", "body": "x", "author": None}, "account-gone"),
        ({"name": "t1_a", "body": "[deleted]", "author": "[deleted]"}, "gone"),
        ({"name": "t3_a", "selftext": "", "title": "x", "author": "[deleted]"}, "gone"),
        (
            {"name": "t3_a", "selftext": "", "title": "x", "author": "[deleted]", "removed_by_category": None},
            "account-gone",
        ),
        ({"name": "t3_a", "selftext": "x", "title": "x", "author": "al", "removed_by_category": "reddit"}, "gone"),
        ({"name": "t3_a", "selftext": "", "title": "[ Removed by Reddit ]", "author": "al"}, "gone"),
        ({"name": "t3_a", "selftext": "x", "title": "[deleted by user]", "author": None}, "gone"),
    ],
    ids=str,
)
def test_what_became_of_a_thing(data: dict[str, Any], expected: str) -> None:
    assert fate(data) == expected


def test_words_about_removal_are_not_a_removal() -> None:
    assert not is_gone("[removed] my filter and it works")
    assert not is_gone("[deleted scenes]")
    assert is_gone(" [Removed] ")


def test_its_terms_are_declared() -> None:
    policy = connector.policy
    assert (policy.retention, policy.recheck) == (timedelta(days=30), timedelta(hours=48))
    assert (policy.may_export, connector.recheck_batch) == (False, 100)


KEY = {"client_id": "x", "client_secret_env": "X"}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"client_id": "x"},
        {"client_secret_env": "X"},
        {"user": "me"},
        {"token_env": "T"},
        {**KEY, "token_env": "T"},
        {**KEY, "subreddits": ["a/../b"]},
        {**KEY, "subreddits": ["all"]},
        {**KEY, "subreddits": [f"s{n}x" for n in range(51)]},
        {**KEY, "base_url": "reddit.com"},
        {**KEY, "subreddit": ["kettles"]},
        {**KEY, "page_size": 101},
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused(settings: Any) -> None:
    with pytest.raises(ValidationError):
        RedditSettings(**settings)
