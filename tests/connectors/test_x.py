"""X: the contract, and what its listings do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.base import (
    Parked,
    Source,
    SourceContext,
)
from connectors.contract import START, ConnectorContract, Stored
from connectors.x import X, connector
from connectors.x_settings import XSettings
from tests.fakes.ledger import Ledger
from tests.fakes.x import OWNER, TOKEN, FakeX
from tests.fakes.x_sources import Opener, queries_of, read

CONTEXT = SourceContext("x", ("Acme",), "listener-tests")


class TestContract(ConnectorContract):
    most_new = 34  # pages of X hold ten at least

    @pytest.fixture(autouse=True)
    def _token(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        type(self).token = tmp_path_factory.mktemp("x") / "token"
        type(self).token.write_text(TOKEN)

    token: Path

    def fake(self) -> FakeX:
        return FakeX().start()

    def open(self, fake: FakeX) -> Source:
        settings = XSettings(
            base_url=fake.url, token_file=str(self.token), page_size=10, page_cap=3, timeout=self.timeout
        )
        return connector.open(settings, CONTEXT)

    def open_with_secrets(self, fake: FakeX, folder: Path) -> Source:
        for name, text in {
            "token": TOKEN,
            "consumer_key": "consumer-key-of-the-tests",
            "consumer_secret": "s3cret+consumer=of/the-tests",
            "access_token": f"{OWNER}-s3cret-access-token",
            "access_token_secret": "s3cret+access=of/the-tests",
        }.items():
            (folder / name).write_text(text)
        keys = {f"{path.name}_file": str(path) for path in folder.iterdir()}
        context = replace(CONTEXT, own_accounts=("x:AcmeCare",))
        return connector.open(XSettings(base_url=fake.url, timeout=self.timeout, **keys), context)

    def publish(self, fake: FakeX, at: datetime) -> str:
        return fake.publish(at=at)

    def publish_text(self, fake: FakeX, at: datetime, text: str) -> str:
        return fake.publish(text, at)

    def delete(self, fake: FakeX, external_id: str) -> None:
        fake.delete(external_id)

    def edit(self, fake: FakeX, external_id: str) -> None:
        fake.edit(external_id, "Acme, edited")


@pytest.fixture
def site() -> Iterator[FakeX]:
    with FakeX(START).start() as fake:
        yield fake


@pytest.fixture
def open_x(tmp_path: Path, site: FakeX) -> Iterator[Opener]:
    opener = Opener(site, tmp_path)
    yield opener
    opener.close()


# Listings


def test_a_long_post_is_read_whole(site: FakeX, open_x: Opener) -> None:
    text = "Acme " + "and more " * 100
    one = site.publish(text, START)
    assert read(open_x()).mentions[one].text == text.strip()


def test_a_mention_is_whole(site: FakeX, open_x: Opener) -> None:
    root = site.publish("@acmecare hello", START - timedelta(minutes=5), author="acmecare")
    one = site.publish("Acme &amp; co &lt;3", START, author="bob", reply_to=root, lang="fr")
    found = read(open_x(own=("x:AcmeCare",))).mentions[one]
    assert found.text == "Acme & co <3"
    assert found.url == f"https://x.com/bob/status/{one}"
    assert (found.author.handle, found.author.name, found.author.followers) == ("bob", "Bob", 12)
    assert (found.kind, found.parent_id, found.thread_id, found.lang) == ("comment", root, root, "fr")
    assert found.engagement == {"likes": 3, "replies": 1, "reposts": 2}
    assert found.published_at == START


@pytest.mark.parametrize(
    ("text", "own", "told"),
    [
        ("Acme @AcmeCare help", ("x:acmecare",), True),
        ("Acme help", ("x:acmecare",), False),
        ("Acme help", (), None),
        ("Acme @acmecare", ("mastodon:acmecare@a.example",), None),
    ],
)
def test_whether_a_post_speaks_to_the_brand(
    site: FakeX, open_x: Opener, text: str, own: tuple[str, ...], told: bool | None
) -> None:
    one = site.publish(text, START)
    assert read(open_x(own=own)).mentions[one].in_reply_to_brand is told


def test_own_posts_and_retweets_are_left_out(site: FakeX, open_x: Opener) -> None:
    site.publish("Acme news", START, author="acmecare")
    site.publish("Acme", START, referenced_tweets=[{"type": "retweeted", "id": "1"}])
    one = site.publish("Acme", START, referenced_tweets=[{"type": "quoted", "id": "1"}])
    assert list(read(open_x(own=("x:acmecare",))).mentions) == [one]


def test_languages_narrow_the_search(site: FakeX, open_x: Opener) -> None:
    site.publish(at=START, lang="ja")
    one = site.publish(at=START, lang="fr")
    assert list(read(open_x(languages=("en", "fr"))).mentions) == [one]


def test_an_author_who_is_withheld_is_known_by_number(site: FakeX, open_x: Opener) -> None:
    site.hidden.add(site.account("alice"))
    one = site.publish(at=START)
    found = read(open_x()).mentions[one]
    assert found.author.id == site.account("alice")
    assert found.url == f"https://x.com/i/status/{one}"


@pytest.mark.parametrize("names", ["tweet", "post"])
def test_both_spellings_of_the_fields_are_understood(site: FakeX, open_x: Opener, names: str) -> None:
    site.names = names
    root = site.publish(at=START - timedelta(minutes=1))
    long = site.publish("Acme " + "and more " * 100, START, reply_to=root)
    edited = site.publish(at=START - timedelta(minutes=2))
    site.edit(edited, "Acme, edited")
    source = open_x()
    stored = read(source)
    assert set(stored.mentions) == {root, long, edited}
    assert len(stored.mentions[long].text) > 280
    assert stored.mentions[long].parent_id == root
    assert stored.mentions[long].engagement["reposts"] == 2
    assert stored.mentions[edited].text == "Acme, edited"
    read(source, stored, START + timedelta(minutes=5))
    assert len(site.asked) == (2 if names == "tweet" else 3)  # the spelling is learnt once
    assert source.forecast(START).posts > 0


def test_pages_without_posts_are_passed_over(site: FakeX, open_x: Opener) -> None:
    one = site.publish(at=START)
    site.empty_pages = 3
    assert list(read(open_x()).mentions) == [one]


def test_many_terms_are_several_queries_with_a_timeline_each(site: FakeX, open_x: Opener) -> None:
    terms = tuple(f"Acme product number {n}" for n in range(30))
    ids = {site.publish(f"my {term} broke", START - timedelta(minutes=5)) for term in terms}
    stored = read(open_x(terms=terms))
    assert set(stored.mentions) == ids
    assert len({asked["query"] for asked in queries_of(site)}) == 2
    assert stored.cursor is not None
    assert len(stored.cursor["timelines"]) == 2


def test_a_term_that_fits_in_no_query_is_said_when_the_settings_are_read(open_x: Opener) -> None:
    with pytest.raises(ValidationError, match="shorten the term"):
        open_x(terms=("x" * 600,))


def test_a_brand_name_that_fits_in_no_query_parks_the_source(site: FakeX, open_x: Opener) -> None:
    context = SourceContext("x", ("x" * 600,), "t")
    source = X(XSettings(base_url=site.url, token_file=open_x.keys["token_file"]), context)
    with pytest.raises(Parked, match="shorten the term"):
        read(source)


# Progress


def test_the_id_of_the_newest_post_leads_on_and_nothing_new_is_free(site: FakeX, open_x: Opener) -> None:
    site.publish(at=START - timedelta(minutes=10))
    source, stored = open_x(), Stored()
    read(source, stored)
    spent = site.spent
    for n in range(1, 10):
        site.clock = START + n * timedelta(minutes=5)
        read(source, stored, site.clock)
    assert site.spent == spent
    assert all("since_id" in asked and "start_time" not in asked for asked in queries_of(site)[1:])


def test_an_outage_of_more_than_seven_days_starts_by_time_and_says_what_is_lost(site: FakeX, open_x: Opener) -> None:
    site.publish(at=START)
    source, stored = open_x(), Stored()
    read(source, stored)
    site.clock = later = START + timedelta(days=9)
    site.publish(at=START + timedelta(days=1))
    one = site.publish(at=later - timedelta(days=6))
    read(source, stored, later)
    asked = queries_of(site)[-1]
    assert "start_time" in asked
    assert "since_id" not in asked
    assert [(gap.reason, gap.lost) for gap in stored.gaps] == [("expired-window", True)]
    assert one in stored.mentions


def test_a_history_beyond_the_window_is_what_x_has(site: FakeX, open_x: Opener) -> None:
    one = site.publish(at=START - timedelta(days=6, hours=23))
    assert list(read(open_x(history=timedelta(days=30))).mentions) == [one]


def test_a_post_that_the_search_knows_late_is_found(site: FakeX, open_x: Opener) -> None:
    source, stored = open_x(), Stored()
    late = site.publish(at=START - timedelta(seconds=30), lag=timedelta(seconds=80))
    first = site.publish(at=START - timedelta(seconds=10))
    read(source, stored)
    assert list(stored.mentions) == [first]
    site.clock = START + timedelta(minutes=5)
    read(source, stored, site.clock)
    assert late in stored.mentions


def test_a_search_that_holds_the_newest_back_loses_nothing(site: FakeX, open_x: Opener) -> None:
    site.withholds = True
    source, stored = open_x(), Stored()
    ids = set()
    for n in range(30):
        site.clock = START + timedelta(minutes=n)
        ids.add(site.publish(at=site.clock - timedelta(seconds=5)))
        read(source, stored, site.clock)
    site.clock += timedelta(minutes=5)
    read(source, stored, site.clock)
    assert set(stored.mentions) == ids


def test_a_burst_over_the_cap_is_a_gap_that_closes(site: FakeX, open_x: Opener) -> None:
    source, stored = open_x(page_cap=2), Stored()
    read(source, stored)
    ids = {site.publish(at=START + timedelta(milliseconds=n)) for n in range(400)}
    site.clock = START + timedelta(minutes=5)
    read(source, stored, site.clock)
    assert [gap.reason for gap in stored.gaps] == ["page-cap"]
    for n in range(2, 8):
        site.clock = START + n * timedelta(minutes=5)
        read(source, stored, site.clock)
    assert set(stored.mentions) == ids
    assert stored.gaps == ()
    assert site.reads == 400


def test_an_edit_changes_the_mention_it_is_of(site: FakeX, open_x: Opener) -> None:
    source, stored = open_x(), Stored()
    one = site.publish(at=START)
    read(source, stored)
    site.edit(one, "Acme, all is well", START + timedelta(minutes=1))
    site.clock = START + timedelta(minutes=5)
    pages = list(source.poll(stored.cursor, site.clock))
    (edited,) = [mention for page in pages for mention in page.edited]
    assert (edited.external_id, edited.text, edited.published_at) == (one, "Acme, all is well", START)


def test_an_edit_before_the_first_poll_is_a_mention_under_its_first_id(site: FakeX, open_x: Opener) -> None:
    one = site.publish(at=START - timedelta(minutes=1))
    site.edit(site.edit(one, "Acme, edited"), "Acme, edited again")
    stored = read(open_x())
    assert stored.mentions[one].text == "Acme, edited again"


# The own account's mentions


def test_own_mentions_are_read_where_they_are_cheap_and_found_once(site: FakeX, open_x: Opener) -> None:
    plain = site.publish("Acme is fine", START)
    to_us = [site.publish("@acmecare my Acme broke", START) for _ in range(30)]
    purse = Ledger()
    stored = read(open_x(user=True, mentions=True, purse=purse, count_authors=False))
    assert set(stored.mentions) == {plain, *to_us}
    assert set(stored.times_seen.values()) == {1}
    assert stored.mentions[to_us[0]].in_reply_to_brand is True
    assert purse.units == {"user read": 1, "owned post read": 30, "post read": 1}
    (search,) = [asked["query"] for asked in queries_of(site) if "query" in asked]
    assert search == "Acme -is:retweet -from:acmecare -@acmecare"


def test_the_own_handle_is_asked_for_once(site: FakeX, open_x: Opener) -> None:
    stored = read(open_x(user=True, mentions=True))
    read(open_x(user=True, mentions=True), stored)
    assert [asked.path for asked in site.asked].count(f"/2/users/{OWNER}") == 1


def test_another_accounts_mentions_cost_what_a_search_does(site: FakeX, open_x: Opener) -> None:
    other = site.account("acmefrance")
    one = site.publish("@acmefrance bonjour", START)
    purse = Ledger()
    stored = read(open_x(account_id=other, purse=purse))
    assert list(stored.mentions) == [one]
    assert purse.units["post read"] == 1
    assert purse.units["owned post read"] == 0


def test_a_post_that_both_listings_give_is_one_mention(site: FakeX, open_x: Opener) -> None:
    one = site.publish("@acmecare Acme", START, note_tweet={"text": "Acme"})  # the fake's search misses the handle
    stored = read(open_x(user=True, mentions=True))
    assert stored.times_seen.get(one) == 1
