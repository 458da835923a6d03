"""RSS and Atom: the contract within the feed's window, and what feeds do."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import AccessDenied, Malformed, Source, SourceContext, Unavailable
from connectors.contract import START, ConnectorContract, Stored
from connectors.rss import RssSettings, connector
from listener.cases.plan import author_key
from tests.fakes.http import Asked, FakeServer, Reply
from tests.fakes.rss import FakeFeed

CONTEXT = SourceContext("blog", ("Acme",), "listener-tests", intranet=("127.0.0.0/8",))


def open_source(fake: FakeServer, **settings: Any) -> Source:
    if "preset" not in settings:
        settings.setdefault("url", fake.url + "/feed.xml")
    return connector.open(RssSettings(**settings), CONTEXT)


def read(fake: FakeServer, stored: Stored | None = None, now: datetime = START, **settings: Any) -> Stored:
    with closing(open_source(fake, **settings)) as source:
        stored = stored or Stored()
        stored.poll(source, now)
        return stored


class TestRssContract(ConnectorContract):
    atom = False

    def fake(self) -> FakeFeed:
        return FakeFeed(window=120, atom=self.atom).start()

    def open(self, fake: FakeFeed) -> Source:
        return open_source(fake, timeout=self.timeout)

    def open_with_secrets(self, fake: FakeFeed, folder: Path) -> Source:
        (folder / "token").write_text("s3cret-feed+of=the/tests")
        settings = {"preset": "subreddit", "subreddit": "kettles", "user": "me", "timeout": self.timeout}
        return open_source(fake, base_url=fake.url, token_file=str(folder / "token"), **settings)

    def publish(self, fake: FakeFeed, at: Any) -> str:
        return fake.publish(at=at)

    def publish_text(self, fake: FakeFeed, at: Any, text: str) -> str:
        # A feed cannot carry control characters: XML forbids them.
        return fake.publish("".join(one for one in text if (one >= " " and one < "\ud800") or one > "\udfff"), at)

    def delete(self, fake: FakeFeed, external_id: str) -> None:
        fake.delete(external_id)

    def edit(self, fake: FakeFeed, external_id: str) -> None:
        fake.edit(external_id, "Acme, edited")


class TestAtomContract(TestRssContract):
    atom = True


def test_an_unchanged_feed_is_asked_with_its_etag_and_yields_no_page() -> None:
    with FakeFeed().start() as fake:
        fake.publish(at=START)
        stored = read(fake)
        with closing(open_source(fake)) as source:
            assert list(source.poll(stored.cursor, START)) == []
        assert fake.asked[-1].headers["if-none-match"]


def test_a_feed_that_rolled_over_is_a_lost_gap() -> None:
    with FakeFeed(window=5).start() as fake:
        for n in range(5):
            fake.publish(at=START - timedelta(hours=9 - n))
        stored = read(fake)
        assert stored.gaps == ()
        for n in range(20):
            fake.publish(at=START + timedelta(minutes=n))
        read(fake, stored, START + timedelta(hours=1))
        [gap] = stored.gaps
        assert (gap.reason, gap.lost) == ("rolled-over", True)
        assert gap.since == START - timedelta(hours=5)
        assert gap.until == START + timedelta(minutes=15)


def test_a_feed_whose_entries_only_aged_out_lost_nothing() -> None:
    with FakeFeed(window=5).start() as fake:
        old = [fake.publish(at=START) for _ in range(5)]
        stored = read(fake)
        for one in old:
            fake.delete(one)
        fake.publish(at=START + timedelta(days=2))
        read(fake, stored, START + timedelta(days=2))
        assert stored.gaps == ()
        assert len(stored.mentions) == 6


def test_another_address_under_the_same_name_starts_anew() -> None:
    with FakeFeed(window=5).start() as fake:
        for _ in range(5):
            fake.publish(at=START)
        stored = read(fake)
        stored = read(fake, stored, url=fake.url + "/other.xml")
        assert stored.gaps == ()
        assert "if-none-match" not in fake.asked[-1].headers


def test_a_long_feed_comes_in_pages_and_a_stop_between_them_loses_nothing() -> None:
    with FakeFeed(window=350).start() as fake:
        for _ in range(350):
            fake.publish(at=START)
        with closing(open_source(fake)) as source:
            stored = Stored()
            pages = iter(source.poll(None, START))
            stored.page(next(pages))
            assert len(stored.mentions) == 100
            stored.poll(source, START)
        assert len(stored.mentions) == 350
        assert set(stored.times_seen.values()) == {1}
        assert stored.gaps == ()


def test_a_missing_time_is_now_and_a_time_to_come_is_held_back_to_now() -> None:
    with FakeFeed().start() as fake:
        fake.publish(dated=False)
        fake.publish(at=START + timedelta(days=30))
        assert {one.published_at for one in read(fake).mentions.values()} == {START}


def test_headlines_of_the_same_paper_are_one_mention_whatever_their_link() -> None:
    with FakeFeed().start() as fake:
        for link, guid in [("https://news.example/a", "CBMi1"), ("https://news.example/b", "CBMi2")]:
            fake.publish("", START, title="Acme recalls kettles - The Paper", source="The Paper", link=link, guid=guid)
        fake.publish("", START, title="Acme recalls kettles - The Paper", source="Other", guid="CBMi3")
        found = read(fake, preset="google-news", base_url=fake.url).mentions.values()
        assert len(found) == 2
        assert {one.author.name for one in found} == {"Alice"}
        assert fake.asked[-1].path == "/rss/search"
        assert fake.asked[-1].first("q") == '"Acme" when:1d'


def test_entries_without_an_author_and_namesakes_of_two_feeds_are_not_one_person() -> None:
    with FakeFeed().start() as fake:
        for author in ("", "", "admin"):
            fake.publish(at=START, author=author)
        unnamed, other, admin = read(fake).mentions.values()
        assert (unnamed.author.id, other.author.id, admin.author.id) == ("", "", "127.0.0.1:admin")
        assert author_key(unnamed) != author_key(other)
        assert unnamed.author.name == "127.0.0.1"


def test_an_alert_links_to_the_article_and_its_title_is_plain() -> None:
    with FakeFeed(atom=True).start() as fake:
        link = "https://www.google.com/url?rct=j&sa=t&url=https://paper.example/acme&ct=ga"
        fake.publish("<b>Acme</b> again", START, title="<b>Acme</b> &amp; co", link=link, guid="tag:google.com,2013:1")
        [found] = read(fake, preset="google-alerts", url=fake.url).mentions.values()
        assert (found.url, found.title, found.text) == ("https://paper.example/acme", "Acme & co", "Acme again")


def test_a_subreddit_feed_carries_the_token_and_never_shows_it(tmp_path: Any) -> None:
    (tmp_path / "token").write_text("s3cret")
    with FakeFeed(atom=True).start() as fake:
        fake.publish("My Acme broke", START, title="Help", guid="t3_abc", author="/u/alice")
        fake.publish("Unrelated", START, title="Cats", guid="t3_abd")
        settings = {"preset": "subreddit", "subreddit": "kettles", "base_url": fake.url, "user": "me"}
        settings["token_file"] = str(tmp_path / "token")
        stored = read(fake, **settings)
        [found] = stored.mentions.values()
        assert (found.platform, found.external_id, found.author.id) == ("reddit", "t3_abc", "alice")
        assert fake.asked[-1].first("feed") == "s3cret"
        assert "s3cret" not in str(stored.cursor)
        fake.fail_next("403")
        with pytest.raises(AccessDenied) as caught:
            read(fake, stored, **settings)
        assert "s3cret" not in str(caught.value)


def test_guids_that_are_only_numbers_do_not_collide_between_feeds() -> None:
    with FakeFeed().start() as fake:
        fake.publish(at=START, guid="17")
        assert list(read(fake).mentions) == ["127.0.0.1:17"]


def test_without_guid_the_link_counts_without_its_tracking() -> None:
    with FakeFeed().start() as fake:
        fake.publish(at=START, guid="", link="https://Blog.example/a?utm_source=x&id=3#top")
        assert list(read(fake).mentions) == ["https://blog.example/a?id=3"]


def test_a_filter_keeps_entries_that_name_a_term() -> None:
    with FakeFeed().start() as fake:
        fake.publish("nothing here", START, title="Cats")
        wanted = fake.publish("", START, title="ACME!")
        assert list(read(fake, only_terms=True).mentions) == [wanted]


class Says(FakeServer):
    def __init__(self, body: bytes, kind: str) -> None:
        super().__init__()
        self.reply = Reply(200, body, {"Content-Type": kind})

    def answer(self, asked: Asked) -> Reply:
        return self.reply


BOMB = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "' + b"x" * 1000 + b'">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 20) for n in range(8)
) + b"]><rss version='2.0'><channel><item><title>&i;</title></item></channel></rss>"  # fmt: skip


@pytest.mark.parametrize(
    ("body", "kind", "error"),
    [
        (b"", "application/rss+xml", Malformed),
        (b"\x00\xff\xfe", "application/rss+xml", Malformed),
        (b"<html><body>hello</body></html>", "text/html", Unavailable),
        (b'{"not": "a feed"}', "application/json", Malformed),
        (b"file:///etc/passwd", "text/plain", Malformed),
    ],
)
def test_what_is_no_feed_is_told_as_such(body: bytes, kind: str, error: type[Exception]) -> None:
    with Says(body, kind).start() as fake, pytest.raises(error):
        read(fake)


def test_a_feed_of_nested_entities_neither_hangs_nor_grows() -> None:
    with Says(BOMB, "application/rss+xml").start() as fake:
        assert all(len(one.text) <= 10_000 for one in read(fake, timeout=5).mentions.values())


def test_a_feed_in_another_encoding_is_read() -> None:
    body = '<?xml version="1.0" encoding="iso-8859-1"?><rss version="2.0"><channel><item><guid>a:1</guid>'
    body += "<title>Acme a déçu</title></item></channel></rss>"
    with Says(body.encode("latin-1"), "application/rss+xml").start() as fake:
        assert [one.text for one in read(fake).mentions.values()] == ["Acme a déçu"]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"url": "file:///etc/passwd"},
        {"url": "https://a:b@blog.example/"},
        {"preset": "google-news", "url": "https://x.example"},
        {"preset": "google-alerts"},
        {"preset": "subreddit", "subreddit": "kettles", "token_env": "T"},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: Any) -> None:
    with pytest.raises(ValidationError):
        RssSettings(**settings)


def test_times_are_utc() -> None:
    with FakeFeed().start() as fake:
        fake.publish(at=START)
        assert next(iter(read(fake).mentions.values())).published_at.tzinfo == UTC


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"preset": "gogle-news"}, "did you mean 'google-news'"),
        ({"preset": "youtube-channel"}, "needs channel, for example channel = 'UC"),
        ({"preset": "youtube_channel", "channel": "@acme"}, "write it like 'UC"),
        ({"preset": "lobsters", "channel": "web"}, "takes no channel; it takes tag"),
        ({"preset": "google-alerts", "url": "https://x.example", "query": "Acme"}, "takes no query; it takes url"),
        ({"preset": "subreddit", "subreddit": "a/../b"}, "cannot be one"),
        ({"preset": "github-releases", "repository": "acme"}, "write it like 'acme/kettle'"),
        ({"url": "https://x.example", "tag": "web"}, "tag needs a preset: lobsters or stackoverflow-tag"),
    ],
)
def test_a_preset_says_what_it_needs(settings: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        RssSettings(**settings)


@pytest.mark.parametrize(
    ("settings", "path", "query"),
    [
        ({"preset": "google_news"}, "/rss/search", {"q": '"Acme" when:1d', "hl": "en", "gl": "US", "ceid": "US:en"}),
        ({"preset": "google-news", "query": "acme -casino"}, "/rss/search", {"q": "acme -casino when:1d"}),
        ({"preset": "google-news", "query": "acme when:7d"}, "/rss/search", {"q": "acme when:7d"}),
        (
            {"preset": "youtube-channel", "channel": "UC" + "x" * 22},
            "/feeds/videos.xml",
            {"channel_id": "UC" + "x" * 22},
        ),
        ({"preset": "lobsters", "tag": "web"}, "/t/web.rss", {}),
        ({"preset": "github-releases", "repository": "acme/kettle"}, "/acme/kettle/releases.atom", {}),
        ({"preset": "stackoverflow-tag", "tag": "c++"}, "/feeds/tag", {"tagnames": "c++", "sort": "newest"}),
        ({"preset": "subreddit", "subreddit": "kettles+tea"}, "/r/kettles+tea/new/.rss", {}),
    ],
)
def test_a_preset_makes_its_address(settings: Any, path: str, query: dict[str, str]) -> None:
    with FakeFeed().start() as fake:
        fake.publish(at=START)
        assert len(read(fake, base_url=fake.url, **settings).mentions) == 1
        assert fake.asked[0].path == path
        assert {key: fake.asked[0].first(key) for key in query} == query


def test_a_site_that_wants_to_be_left_alone_is_asked_no_more_often_than_that() -> None:
    with (
        FakeFeed().start() as fake,
        closing(open_source(fake, base_url=fake.url, preset="lobsters", tag="web")) as source,
    ):
        ids = {fake.publish(at=START)}
        stored = Stored()
        stored.poll(source, START)
        ids.add(fake.publish(at=START + timedelta(minutes=1)))
        for n in range(29):
            stored.poll(source, START + timedelta(minutes=n))
        assert len(fake.asked) == 1
        stored.poll(source, START + timedelta(minutes=30))
        assert set(stored.mentions) == ids
