"""Bluesky's stream: the contract, and what Jetstream and the people behind it do."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.base import (
    AccessDenied,
    Malformed,
    Page,
    RateLimited,
    Removal,
    Source,
    SourceContext,
    Unavailable,
)
from connectors.bluesky import Bluesky, BlueskySettings, connector
from connectors.contract import START, ConnectorContract, Stored, check_mention
from tests.fakes.bluesky import ALICE, BINARY, TEXT, FakeBluesky, FakeJetstream, frame, tid

CONTEXT = SourceContext("sky", ("Acme", "Acme Home"), "listener-tests", intranet=("127.0.0.0/8",))
MINUTE = timedelta(minutes=1)


def open_stream(*fakes: FakeJetstream, **settings: Any) -> Bluesky:
    hosts = tuple(fake.url for fake in fakes)
    settings = {"resolve_handles": False, "idle": 0.01, "timeout": 30, **settings}
    return Bluesky(BlueskySettings(hosts=hosts, **settings), CONTEXT)


@contextmanager
def jetstream(**settings: Any) -> Iterator[tuple[FakeJetstream, Bluesky]]:
    with FakeJetstream().start() as fake, closing(open_stream(fake, **settings)) as source:
        yield fake, source


def pages(source: Source, stored: Stored, now: datetime) -> list[Page]:
    found = []
    for page in source.poll(stored.cursor, now):
        stored.page(page)
        found.append(page)
    return found


class TestContract(ConnectorContract):
    """All faults but one hit the upgrade; "malformed" garbles every message of a stream."""

    def fake(self) -> FakeJetstream:
        return FakeJetstream().start()

    def open(self, fake: FakeJetstream) -> Source:
        return open_stream(fake, page_size=4, page_cap=3, timeout=self.timeout)

    def publish(self, fake: FakeJetstream, at: Any) -> str:
        return fake.publish(at=at)

    def publish_text(self, fake: FakeJetstream, at: Any, text: str) -> str:
        return fake.publish(text, at)

    def delete(self, fake: FakeJetstream, external_id: str) -> None:
        fake.delete(external_id)

    def edit(self, fake: FakeJetstream, external_id: str) -> None:
        fake.edit(external_id, "Acme, edited")


def test_a_mention_is_what_its_author_wrote_with_its_place_in_the_thread() -> None:
    with jetstream() as (fake, source):
        root = fake.publish("Which kettle?", START, did="did:plc:bob")
        parent = fake.publish("A red one", START, did="did:plc:bob")
        reply = {"root": {"uri": root, "cid": "b"}, "parent": {"uri": parent, "cid": "b"}}
        uri = fake.publish("Acme, für immer", START, langs=["de-AT", "en"], reply=reply)
        first = fake.publish("Acme first", START)
        stored = Stored()
        stored.poll(source, START)
    found = stored.mentions[uri]
    assert (found.kind, found.lang, found.parent_id, found.thread_id) == ("comment", "de-AT", parent, root)
    assert (found.author.id, found.published_at) == (ALICE, START)
    assert found.url == f"https://bsky.app/profile/{ALICE}/post/{uri.rpartition('/')[2]}"
    assert (stored.mentions[first].kind, stored.mentions[first].thread_id) == ("post", first)


@pytest.mark.parametrize(
    ("record", "text", "title"),
    [
        (
            {"facets": [{"features": [{"$type": "app.bsky.richtext.facet#tag", "tag": "AcmeHome"}]}]},
            "Look\n\n#AcmeHome",
            "",
        ),
        ({"tags": ["acme"]}, "Look\n\n#acme", ""),
        (
            {"facets": [{"features": [{"uri": "https://acme.example/kettle"}]}]},
            "Look\n\nhttps://acme.example/kettle",
            "",
        ),
        (
            {"embed": {"external": {"uri": "https://news.example/1", "title": "Acme recalls kettles"}}},
            "Look",
            "Acme recalls kettles",
        ),
        ({"embed": {"images": [{"alt": "A kettle by Acme, burnt"}]}}, "Look\n\nA kettle by Acme, burnt", ""),
        ({"embed": {"record": {}, "media": {"alt": "an Acme film"}}}, "Look\n\nan Acme film", ""),
    ],
    ids=["facet-tag", "tag", "link", "card", "picture", "film"],
)
def test_a_term_beside_the_text_counts_and_is_shown(record: dict[str, Any], text: str, title: str) -> None:
    with jetstream() as (fake, source):
        uri = fake.publish("Look", START, **record)
        fake.publish("Look", START, embed={"images": [{"alt": "macmeister"}]}, tags=["other"])
        stored = Stored()
        stored.poll(source, START)
    assert list(stored.mentions) == [uri]
    assert (stored.mentions[uri].text, stored.mentions[uri].title) == (text, title)


@pytest.mark.parametrize(
    ("claimed", "dated"),
    [
        (START - MINUTE, START - MINUTE),
        (START + timedelta(days=900), START),
        (START - timedelta(days=900), START),
        (None, START),
        ("yesterday", START),
        ("0001-01-01T00:00:00+14:00", START),
    ],
)
def test_a_lying_date_gives_way_to_the_moment_the_network_saw_the_post(claimed: Any, dated: datetime) -> None:
    with jetstream() as (fake, source):
        uri = fake.publish(at=START, createdAt=claimed.isoformat() if isinstance(claimed, datetime) else claimed)
        stored = Stored()
        stored.poll(source, START)
    assert stored.mentions[uri].published_at == dated


def test_a_post_sent_again_years_later_keeps_its_date_because_its_key_agrees() -> None:
    with jetstream() as (fake, source):
        old = START - timedelta(days=900)
        uri = fake.publish(at=START, createdAt=old.isoformat(), key=tid(old, 5))
        stored = Stored()
        stored.poll(source, START)
    assert stored.mentions[uri].published_at == old


def test_a_deleted_post_is_named_whether_it_is_on_the_same_page_or_was_stored_long_ago() -> None:
    with jetstream() as (fake, source):
        stored = Stored()
        kept = fake.publish(at=START)
        brief = fake.publish(at=START)
        fake.delete(brief, START)
        first = pages(source, stored, START)
        assert set(stored.mentions) == {kept}
        assert Removal("bluesky", brief) in first[-1].removed
        fake.delete(kept, START + MINUTE)
        second = pages(source, stored, START + 2 * MINUTE)
        assert Removal("bluesky", kept) in second[-1].removed


@pytest.mark.parametrize(("status", "is_gone"), [("deleted", True), ("takendown", True), ("suspended", False)])
def test_an_account_that_is_gone_for_good_takes_its_posts_along(status: str, is_gone: bool) -> None:
    with jetstream() as (fake, source):
        fake.publish(at=START, did="did:plc:gone")
        other = fake.publish(at=START)
        fake.account("did:plc:gone", status, START)
        stored = Stored()
        page = pages(source, stored, START)[-1]
        assert (Removal("bluesky", author_id="did:plc:gone") in page.removed) is is_gone
        assert (set(stored.mentions) == {other}) is is_gone


def test_an_account_that_returns_and_a_new_handle_change_nothing() -> None:
    with jetstream() as (fake, source):
        fake.publish(at=START)
        fake.account(ALICE, None, START)
        fake.tell({"kind": "identity", "identity": {"did": ALICE, "handle": "new.example"}}, START)
        assert [page.removed for page in source.poll(None, START)] == [()]


def test_an_edit_is_told_whether_or_not_it_names_the_term_and_is_a_mention_once_it_does() -> None:
    with jetstream() as (fake, source):
        uri = fake.publish("A kettle", START)
        other = fake.publish("Acme!", START)
        stored = Stored()
        pages(source, stored, START)
        fake.edit(uri, "An Acme kettle", START + MINUTE)
        fake.edit(other, "Never mind", START + MINUTE)
        page = pages(source, stored, START + MINUTE)[-1]
    assert {one.external_id: one.text for one in page.edited} == {uri: "An Acme kettle", other: "Never mind"}
    assert [one.external_id for one in page.mentions] == [uri]


def test_a_post_edited_to_nothing_is_gone() -> None:
    with jetstream() as (fake, source):
        uri = fake.publish(at=START)
        fake.edit(uri, "", START)
        page = pages(source, Stored(), START)[-1]
    assert (page.mentions, page.edited, page.removed) == ((), (), (Removal("bluesky", uri),))


def test_a_cursor_older_than_the_instance_keeps_is_a_lost_gap() -> None:
    with jetstream() as (fake, source):
        fake.publish(at=START)
        stored = Stored()
        pages(source, stored, START)
        later = START + timedelta(hours=60)
        fake.keeps_from = later - timedelta(hours=36)
        fake.publish(at=START + MINUTE)
        first = later - timedelta(hours=35)
        new = fake.publish(at=first)
        pages(source, stored, later)
        assert [(gap.since, gap.until, gap.reason, gap.lost) for gap in stored.gaps] == [
            (START, first, "expired-window", True)
        ]
        assert new in stored.mentions
        pages(source, stored, later + MINUTE)
        assert stored.gaps == ()


@pytest.mark.parametrize("hours", [36, 5])
def test_an_instance_that_refuses_an_old_cursor_is_read_from_where_it_can(hours: int) -> None:
    with jetstream() as (fake, source):
        fake.publish(at=START)
        stored = Stored()
        pages(source, stored, START)
        later = START + timedelta(hours=60)
        fake.keeps_from, fake.refuses_old = later - timedelta(hours=hours), True
        new = fake.publish(at=later - timedelta(hours=1))
        pages(source, stored, later)
        assert new in stored.mentions
        assert [(gap.since, gap.lost) for gap in stored.gaps] == [(START, True)]


def test_a_quiet_night_is_no_gap() -> None:
    with jetstream() as (fake, source):
        stored = Stored()
        fake.publish(at=START)
        pages(source, stored, START)
        fake.publish(at=START + timedelta(hours=9))
        pages(source, stored, START + timedelta(hours=9))
        assert stored.gaps == ()
        assert len(stored.mentions) == 2


def test_a_history_longer_than_anybody_keeps_says_what_is_missing() -> None:
    with jetstream(history=timedelta(days=7)) as (fake, source):
        fake.keeps_from = START - timedelta(hours=36)
        first = START - timedelta(hours=30)
        fake.publish(at=first)
        stored = Stored()
        pages(source, stored, START)
        assert [(gap.until, gap.lost) for gap in stored.gaps] == [(first, True)]


def test_the_time_between_two_polls_is_read_twice_and_yielded_once() -> None:
    with jetstream() as (fake, source):
        stored = Stored()
        for n in range(6):
            fake.publish(at=START + timedelta(seconds=4 * n))
            pages(source, stored, START + timedelta(seconds=4 * n))
        assert set(stored.times_seen.values()) == {1}
        cursors = [int(asked.first("cursor")) for asked in fake.asked]
        assert cursors[-1] == cursors[-2] + 4_000_000


def test_more_than_a_poll_may_read_is_a_gap_that_the_next_polls_close() -> None:
    with jetstream(page_frames=10, page_cap=2) as (fake, source):
        uris = {fake.publish(at=START + timedelta(seconds=n)) for n in range(50)}
        stored, now = Stored(), START + timedelta(minutes=2)
        pages(source, stored, now)
        assert [(gap.reason, gap.lost) for gap in stored.gaps] == [("page-cap", False)]
        for n in range(1, 8):
            pages(source, stored, now + timedelta(seconds=n))
        assert stored.gaps == ()
        assert set(stored.mentions) == uris


def test_a_poll_ends_at_the_present_while_posts_keep_coming() -> None:
    with jetstream() as (fake, source):
        fake.publish(at=START)
        for n in range(1, 30):
            fake.publish(at=START + timedelta(seconds=n))
        stored = Stored()
        read = pages(source, stored, START + timedelta(seconds=5))
        assert len(stored.mentions) == 7  # the first one behind the present ends it
        assert [page.gaps for page in read] == [()]


@pytest.mark.parametrize("fault", ["hang", "reset", "drip", "endless", "close"])
def test_a_stream_that_fails_half_way_keeps_what_was_read_and_goes_on_there(fault: str) -> None:
    # Only what ends by giving up gets a short time-out: a busy machine may need a second for anything else.
    with jetstream(timeout=1 if fault in ("hang", "drip") else 30) as (fake, source):
        uris = [fake.publish(at=START + timedelta(seconds=n)) for n in range(6)]
        fake.misbehave, fake.after = fault, 3
        stored, now = Stored(), START + MINUTE
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1"):
            stored.poll(source, now)
        assert list(stored.mentions) == uris[:3]
        fake.misbehave = ""
        with closing(open_stream(fake)) as another:
            stored.poll(another, now)
        assert list(stored.mentions) == uris
        assert set(stored.times_seen.values()) == {1}


def test_a_stream_that_only_pings_is_left_after_its_time() -> None:
    with jetstream(seconds=0.3) as (fake, source):
        fake.publish(at=START)
        fake.misbehave, fake.after = "pings", 1
        stored = Stored()
        pages(source, stored, START + MINUTE)
        assert [gap.reason for gap in stored.gaps] == ["page-cap"]


def test_compression_that_nobody_asked_for_is_named() -> None:
    with jetstream() as (fake, source):
        fake.misbehave = "rsv"
        with pytest.raises(Malformed, match="WebSocket"):
            list(source.poll(None, START))


UNREADABLE = [
    frame(TEXT, b"{"),
    frame(TEXT, b"\xff\xfe not text"),
    frame(TEXT, b"[" * 100_000),
    frame(TEXT, b'"a string"'),
    frame(BINARY, b"\x28\xb5\x2f\xfd"),
    frame(TEXT, b'{"did":"did:plc:x","time_us":"soon","kind":"commit"}'),
    frame(TEXT, b'{"did":7,"time_us":1793610000000000,"kind":"commit"}'),
    frame(TEXT, b'{"did":"did:plc:x","time_us":1793610000000000,"kind":"commit","commit":[]}'),
    frame(TEXT, b'{"did":"did:plc:x","time_us":1793610000000000,"kind":"account"}'),
    frame(TEXT, b" " * (4 * 1024 * 1024 + 1)),
]


@pytest.mark.parametrize("number", range(len(UNREADABLE)))
def test_one_message_that_cannot_be_read_is_passed_over_and_counted(number: int) -> None:
    with jetstream() as (fake, source):
        before = fake.publish(at=START)
        fake.send(UNREADABLE[number], START)
        after = fake.publish(at=START)
        stored = Stored()
        stored.poll(source, START)
        assert set(stored.mentions) == {before, after}
        assert source.unreadable == 1


@pytest.mark.parametrize("count", [3, 500])
def test_a_stream_of_which_nothing_can_be_read_is_named_and_moves_nothing(count: int) -> None:
    with jetstream() as (fake, source):
        stored = Stored()
        fake.publish(at=START)
        stored.poll(source, START)
        cursor = stored.cursor
        fake.messages.clear()
        for n in range(count):
            fake.send(UNREADABLE[n % 2], START + MINUTE)
        with pytest.raises(Malformed, match="none can be read"):
            stored.poll(source, START + MINUTE)
        assert stored.cursor == cursor


def test_a_message_dated_far_ahead_moves_no_position() -> None:
    with jetstream() as (fake, source):
        first = fake.publish(at=START)
        fake.send(_dated(fake, START + timedelta(days=400)), START)
        last = fake.publish(at=START + timedelta(seconds=1))
        stored = Stored()
        stored.poll(source, START + MINUTE)
        assert {first, last} <= set(stored.mentions)
        assert stored.cursor is not None
        assert [*stored.cursor["at"].values()] == [(START + timedelta(seconds=1)).timestamp() * 1e6]


def _dated(fake: FakeJetstream, at: datetime) -> bytes:
    fake.publish("Acme of the future", at)
    return fake.messages.pop()[1]


@pytest.mark.parametrize(
    "fields",
    [
        {"text": 7},
        {"text": None, "embed": 7},
        {"facets": {"a": 1}},
        {"facets": [7, {"features": 7}, {"features": [7, {"tag": 7, "uri": "javascript:acme"}]}]},
        {"langs": "en", "reply": 7},
        {"langs": [7], "reply": {"parent": {"uri": "https://x.example/"}, "root": 7}},
        {"embed": {"external": {"uri": 7, "title": 7}, "images": [7, {"alt": 7}], "media": 7}},
        {"createdAt": 7, "tags": [7, None, "x" * 100_000]},
        {"embed": {"images": [{"alt": "Acme " * 10_000}] * 50}},
    ],
)
def test_records_of_any_shape_do_no_harm(fields: dict[str, Any]) -> None:
    with jetstream() as (fake, source):
        uri = fake.publish(at=START, **fields)
        fake.publish(at=START, record={}, key="empty")
        other = fake.publish(at=START)
        stored = Stored()
        stored.poll(source, START)
        assert other in stored.mentions
        if isinstance(fields.get("text", ""), str):
            assert uri in stored.mentions
        for mention in stored.mentions.values():
            check_mention(mention)


def test_a_key_that_would_spoil_an_address_is_passed_over() -> None:
    with jetstream() as (fake, source):
        fake.publish(at=START, key="../../settings")
        fake.publish(at=START, did="did:plc:x/../evil")
        good = fake.publish(at=START)
        stored = Stored()
        stored.poll(source, START)
        assert list(stored.mentions) == [good]


def test_the_next_host_goes_on_where_one_fails_and_stays() -> None:
    with FakeJetstream().start() as one, FakeJetstream().start() as two, closing(open_stream(one, two)) as source:
        uris = []
        for n in range(6):
            uris.append(one.publish(at=START + timedelta(seconds=n), key=f"k{n}"))
            two.publish(at=START + timedelta(seconds=n + 1), key=f"k{n}")  # sees everything a second later
        one.misbehave, one.after = "close", 3
        stored = Stored()
        stored.poll(source, START + MINUTE)
        assert list(stored.mentions) == uris
        assert set(stored.times_seen.values()) == {1}
        stored.poll(source, START + 2 * MINUTE)
        assert (one.connected, two.connected) == (1, 2)


def test_when_all_hosts_fail_the_mildest_failure_is_told() -> None:
    with FakeJetstream().start() as one, FakeJetstream().start() as two, closing(open_stream(one, two)) as source:
        one.fail_next("403")
        two.fail_next("500")
        with pytest.raises(Unavailable):
            list(source.poll(None, START))
        one.fail_next("429", retry_after=90)
        two.fail_next("429", retry_after=60)
        with pytest.raises(RateLimited) as caught:
            list(source.poll(None, START))
        assert caught.value.retry_at == START + timedelta(seconds=60)


def test_a_host_that_asks_to_wait_is_left_alone_while_another_answers() -> None:
    with FakeJetstream().start() as one, FakeJetstream().start() as two, closing(open_stream(one, two)) as source:
        one.fail_next("429", retry_after=600)
        for n in range(3):
            list(source.poll(None, START + n * MINUTE))
        assert (len(one.asked), len(two.asked)) == (1, 3)


def test_a_host_that_is_not_public_is_not_asked() -> None:
    with FakeJetstream().start() as fake:
        settings = BlueskySettings(hosts=(fake.url,))
        with closing(connector.open(settings, SourceContext("sky", ("Acme",), "t"))) as source:
            with pytest.raises(AccessDenied, match="not public"):
                list(source.poll(None, START))
            assert fake.asked == []


def test_handles_are_asked_for_once_and_only_of_authors_of_mentions() -> None:
    with FakeBluesky().start() as appview, jetstream(resolve_handles=True, appview=appview.url) as (fake, source):
        stored = Stored()
        for n in range(3):
            uri = fake.publish(at=START + n * MINUTE)
            nameless = fake.publish(at=START + n * MINUTE, did="did:plc:unknown")
            fake.publish("nothing", at=START + n * MINUTE, did="did:plc:bob")
            stored.poll(source, START + n * MINUTE)
        asked = [one for asked in appview.asked for one in asked.query["actors"]]
        assert asked.count(ALICE) == 1
        assert "did:plc:bob" not in asked
    found = stored.mentions[uri]
    assert (found.author.handle, found.author.name, found.author.followers) == ("alice.example", "Alice", 12)
    assert found.url.startswith("https://bsky.app/profile/alice.example/post/")
    assert stored.mentions[nameless].author.handle == ""


@pytest.mark.parametrize("fault", ["500", "429", "html", "malformed", "reset"])
def test_a_handle_that_cannot_be_had_costs_no_post(fault: str) -> None:
    with FakeBluesky().start() as appview, jetstream(resolve_handles=True, appview=appview.url) as (fake, source):
        appview.fail_next(fault)
        uri = fake.publish(at=START)
        stored = Stored()
        stored.poll(source, START)
        assert stored.mentions[uri].author.id == ALICE
        again = fake.publish(at=START + timedelta(minutes=6))
        stored.poll(source, START + timedelta(minutes=6))
        assert stored.mentions[again].author.handle == "alice.example"


def test_without_a_term_nothing_is_asked() -> None:
    with FakeJetstream().start() as fake:
        source = connector.open(BlueskySettings(hosts=(fake.url,)), SourceContext("sky", (), "t"))
        assert list(source.poll(None, START)) == []
        assert fake.asked == []


@pytest.mark.parametrize(
    "settings",
    [
        {"hosts": ()},
        {"hosts": ("ftp://x.example",)},
        {"hosts": ("jetstream.example/subscribe?x=1",)},
        {"identifier": "alice.example"},
        {"password_env": "X"},
        {"base_url": "bsky.social"},
        {"host": "x"},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: Any) -> None:
    with pytest.raises(ValidationError):
        BlueskySettings(**settings)


@pytest.mark.parametrize("own", [ALICE, "alice.example", "Alice.Example"])
def test_an_answer_to_the_brand_counts_without_its_name(own: str) -> None:
    with FakeBluesky().start() as appview, FakeJetstream().start() as fake:
        settings = BlueskySettings(hosts=(fake.url,), resolve_handles=False, idle=0.01, appview=appview.url)
        accounts = (f"bluesky:{own}", "x:acme", "bluesky:nobody.example")
        context = SourceContext("sky", ("Acme",), "t", own_accounts=accounts, intranet=("127.0.0.0/8",))
        with closing(Bluesky(settings, context)) as source:
            ours = {"uri": fake.publish("Hello", START), "cid": "b"}
            theirs = {"uri": fake.publish("Hello", START, did="did:plc:bob"), "cid": "b"}
            uri = fake.publish("Still waiting!", START, did="did:plc:bob", reply={"parent": ours, "root": ours})
            fake.publish("So am I!", START, did="did:plc:bob", reply={"parent": theirs, "root": ours})
            stored = Stored()
            for n in range(3):
                stored.poll(source, START + n * MINUTE)
            assert list(stored.mentions) == [uri]
            assert stored.mentions[uri].in_reply_to_brand is True
            assert len(appview.asked) == 1


def test_a_host_that_is_cut_off_from_the_network_is_followed_by_one_that_is_not() -> None:
    with FakeJetstream().start() as one, FakeJetstream().start() as two, closing(open_stream(one, two)) as source:
        stored = Stored()
        both = next(iter({fake.publish(at=START, key="k") for fake in (one, two)}))
        stored.poll(source, START)
        new = two.publish(at=START + 8 * MINUTE)
        stored.poll(source, START + 10 * MINUTE)
        assert list(stored.mentions) == [both, new]
        assert stored.gaps == ()
        stored.poll(source, START + 11 * MINUTE)
        assert (one.connected, two.connected) == (2, 2)


@examples(max_examples=25, deadline=None)
@given(data=st.data())
def test_whatever_two_hosts_do_nothing_is_lost(data: st.DataObject) -> None:
    """Clocks that differ, streams that break after any message, a daemon that stops after any page, posts all the while."""
    apart = timedelta(seconds=data.draw(st.integers(0, 100), label="seconds the second host is behind"))
    with FakeJetstream().start() as one, FakeJetstream().start() as two:
        stored, now, published = Stored(), START, set()
        for _ in range(data.draw(st.integers(1, 4), label="rounds")):
            for n in range(data.draw(st.integers(0, 8), label="posts")):
                at, key = now - MINUTE + n * timedelta(seconds=5), tid(now, n)
                published.add(one.publish(at=at, key=key))
                two.publish(at=at + apart, key=key)
            for fake in (one, two):
                fake.misbehave = data.draw(st.sampled_from(["", "close", "reset"]), label="fault")
                fake.after = data.draw(st.integers(0, 12), label="after")
            stop = data.draw(st.none() | st.integers(0, 3), label="stop after page")
            with closing(open_stream(one, two, page_size=3)) as source:
                reading = source.poll(stored.cursor, now)
                with suppress(Unavailable):
                    for number, page in enumerate(reading):
                        if stop is not None and number >= stop:
                            break
                        stored.page(page)
                assert isinstance(reading, Generator)
                reading.close()
            now += 2 * MINUTE
        one.misbehave = two.misbehave = ""
        with closing(open_stream(one, two)) as source:
            for n in range(5):
                stored.poll(source, now + n * MINUTE)
        assert set(stored.mentions) == published
        assert all(not gap.lost for gap in stored.gaps)


def test_a_mark_of_one_host_hides_nothing_that_another_shows_by_its_own_clock() -> None:
    with FakeJetstream().start() as one, FakeJetstream().start() as two:
        uris = set()
        for n in range(8):
            at = START - MINUTE + n * timedelta(seconds=5)
            uris.add(one.publish(at=at, key=f"k{n}"))
            two.publish(at=at + timedelta(seconds=46), key=f"k{n}")
        stored = Stored()
        with closing(open_stream(two)) as source:
            pages(source, stored, START)  # half of them, up to a moment that on the other host lies behind all
        with closing(open_stream(one, page_size=3)) as source:
            stored.page(next(iter(source.poll(stored.cursor, START + 5 * MINUTE))))  # and the process stops
        with closing(open_stream(one)) as source:
            pages(source, stored, START + 6 * MINUTE)
        assert set(stored.mentions) == uris
        assert set(stored.times_seen.values()) == {1}
