"""Retention in the store: words and people go, counts stay, nothing comes back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connectors.base import Author
from listener.digest.count import count
from listener.digest.figures import Digest, DigestSettings, StageWeek
from listener.digest.week import Week
from listener.gathering import build
from listener.model import Line, NewNotification, NotificationKind, NotificationState, Receipt, Triaged
from listener.report import RENDERERS, Reporting, send
from listener.slack.entries import message_for
from listener.store import Store
from listener.store.tables import METADATA
from tests.fakes.story import NOON, page, post, settle_to, triaged
from tests.fakes.told import look

TTL = timedelta(minutes=5)
DAY = timedelta(days=1)
WEEK = Week.containing(NOON, "UTC")
LATER = NOON + 40 * DAY
SETTINGS = DigestSettings(brand="Acme")
SECRET = "zanzibar"  # a word that stands nowhere but in posts


def record(store: Store, *posts: Triaged, now: datetime = NOON, source: str = "forum") -> int:
    """Store these posts as one page, told to the console; how many were new."""
    store.register_sources({source: "replay"}, now)
    lease = store.lease(source, "w1", now, TTL, force=True)
    assert lease is not None
    done = store.record_page(lease, page(posts), posts, settle_to("console"), now)
    store.finish(lease, now, now)
    return done.new


def purge(store: Store, *sources: str, before: datetime = LATER, now: datetime = LATER, limit: int = 500) -> int:
    """All that is due, as `listener.retention` does it."""
    cutoffs = dict.fromkeys(sources or ("forum",), before)
    total, after = 0, None
    while True:
        chunk = store.purge(cutoffs, now, limit, after)
        total, after = total + chunk.count, chunk.onward
        if after is None:
            store.purge_outbox(now)
            return total


def telling(number: int, **changes: Any) -> Triaged:
    """A post whose every field that may hold words or people holds the secret word."""
    mention = post(
        number,
        external_id=f"https://forum.example/@{SECRET}/posts/{number}",
        text=f"{SECRET}: my order {number} never arrived, {SECRET}.",
        title=f"{SECRET} again",
        url=f"https://forum.example/{SECRET}/{number}",
        author=Author(f"{SECRET}-{number % 3}", SECRET, f"Mr {SECRET}", 10),
        thread_id=f"{SECRET}-thread",
        parent_id=f"{SECRET}-parent",
        **changes,
    )
    lines = (Line(20, "blocked", f"“{SECRET}”", "en.purchase.undelivered"),)
    return triaged(mention, lines=lines, near=f"would be normal without “{SECRET}”")


def everything(store: Store) -> str:
    """All that the tables hold, as one text."""
    with store.engine.connect() as connection:
        return "\n".join(
            json.dumps([str(value) if not isinstance(value, dict | list) else value for value in row], default=str)
            for table in METADATA.tables.values()
            for row in connection.execute(sa.select(table))
        )


def digest_of(store: Store) -> Digest:
    earlier = [
        StageWeek(WEEK.first, row.stage, row.sentiment_label, row.subject, row.relevant, row.mentions, row.authors)
        for row in store.weekly(WEEK.since, WEEK.until, [WEEK.since])
    ]
    return count(WEEK, store.counted(WEEK.since, WEEK.until), earlier, store.sources(), settings=SETTINGS, as_of=LATER)


def numbers(value: Any) -> Any:
    """A digest without its examples: what is left must not change."""
    if isinstance(value, dict):
        return {name: numbers(inner) for name, inner in value.items() if name not in ("examples", "quote", "top_posts")}
    return [numbers(one) for one in value] if isinstance(value, list) else value


@pytest.fixture
def stored(store: Store) -> Store:
    """Seven posts of three people, a week's digest, and everything sent."""
    record(store, *[telling(number) for number in range(7)])
    return store


def reporting(folder: Path) -> Reporting:
    return Reporting(SETTINGS, "UTC", 0, NOON.time(), ("boss",), folder)


def test_no_purged_word_is_left_anywhere_in_the_database(stored: Store, tmp_path: Path) -> None:
    send(stored, reporting(tmp_path), WEEK, ["boss"], WEEK.until)
    delivery = stored.claim("boss", "s", WEEK.until, TTL)
    assert delivery is not None
    assert stored.mark_sent(delivery.id, "s", Receipt({"ts": "1"}), WEEK.until)
    assert SECRET in everything(stored)
    assert purge(stored) == 7
    assert SECRET not in everything(stored)


def test_no_purged_word_is_left_in_the_bytes_of_a_sqlite_file(tmp_path: Path, migrated_sqlite_file: Path) -> None:
    """Neither in free pages nor in the write-ahead log; a long text lies on pages of its own."""
    file = tmp_path / "listener.db"
    file.write_bytes(migrated_sqlite_file.read_bytes())
    with Store.open(f"sqlite:///{file}") as store:
        record(store, *[telling(number, brand=None) for number in range(7)], triaged(post(8, text=SECRET * 1000)))
        assert purge(store) == 8
        store.forget_log()
        for path in tmp_path.glob("listener.db*"):
            assert SECRET.encode() not in path.read_bytes(), path.name


def test_a_purge_followed_by_an_overlapping_poll_brings_nothing_back(stored: Store) -> None:
    assert purge(stored) == 7
    assert record(stored, *[telling(number) for number in range(7)], now=LATER) == 0
    assert record(stored, telling(3), now=LATER, source="other") == 0
    assert SECRET not in everything(stored)
    assert stored.totals().mentions == 7
    assert record(stored, telling(8), now=LATER) == 1


def test_what_digests_count_by_stays(stored: Store) -> None:
    before = list(stored.counted(WEEK.since, WEEK.until))
    purge(stored)
    after = list(stored.counted(WEEK.since, WEEK.until))
    gone = {"text", "url", "author_key"}
    for old, new in zip(before, after, strict=True):
        for name in set(old.__slots__) - gone:
            assert getattr(old, name) == getattr(new, name), name
        assert (new.text, new.url) == ("", "")
        assert new.author_key != old.author_key
        assert new.author_key.startswith("forum:")


def test_distinct_authors_count_the_same_before_and_after(stored: Store) -> None:
    def people() -> list[int]:
        return [row.authors for row in stored.weekly(WEEK.since, WEEK.until, [WEEK.since])]

    assert people() == [3]
    # In the middle of the week the same people stand on both sides of the cutoff.
    assert purge(stored, before=NOON + timedelta(minutes=4)) == 4
    assert people() == [3]
    assert len({one.author_key for one in stored.counted(WEEK.since, WEEK.until)}) == 3
    assert purge(stored) == 3
    assert people() == [3]
    assert len({one.author_key for one in stored.counted(WEEK.since, WEEK.until)}) == 3


def test_the_digest_of_the_week_has_the_same_numbers_before_and_after_and_quotes_nothing(
    stored: Store, tmp_path: Path
) -> None:
    record(stored, triaged(post(20), sentiment_label="positive", sentiment=0.8, touchpoints={"support": 0.8}))
    before = build(stored, WEEK, SETTINGS, LATER)
    assert any(post.text for stage in before.stages for post in [stage.quote] if post)
    purge(stored)
    after = build(stored, WEEK, SETTINGS, LATER)
    old, new = (json.loads(RENDERERS["json"](digest)) for digest in (before, after))
    for digest in (old, new):
        for action in digest["actions"]:
            action.pop("url", None)
            action.pop("link", None)
    assert numbers(new) == numbers(old)
    for name, render in RENDERERS.items():
        assert SECRET in render(before), name
        assert SECRET not in render(after), name
        assert "My order 20" not in render(after), name


def test_a_digest_in_the_outbox_loses_its_words_with_the_posts_it_quotes(stored: Store, tmp_path: Path) -> None:
    send(stored, reporting(tmp_path), WEEK, ["boss"], WEEK.until)
    other = WEEK.previous()
    send(stored, reporting(tmp_path), other, ["boss"], WEEK.until)
    purge(stored, before=WEEK.since, now=LATER)
    assert stored.outbox(LATER).counts["boss"] == {NotificationState.PENDING: 2}
    purge(stored)
    # The week before quoted nothing that was removed. The other was not sent yet and has nothing left to say.
    assert stored.outbox(LATER).counts["boss"] == {NotificationState.PENDING: 1, NotificationState.DEAD: 1}
    (dead,) = stored.outbox(LATER).dead
    assert dead.key == "digest:2026-W47:boss"
    assert "retention" in (dead.error or "")
    assert stored.purge_outbox(LATER) == 0


def test_a_digest_made_after_the_purge_is_left_alone(stored: Store, tmp_path: Path) -> None:
    purge(stored)
    send(stored, reporting(tmp_path), WEEK, ["boss"], LATER + DAY)
    assert stored.purge_outbox(LATER + 2 * DAY) == 0
    delivery = stored.claim("boss", "s", LATER + 2 * DAY, TTL)
    assert delivery is not None
    assert delivery.payload["blocks"]


def test_a_digest_that_is_being_sent_keeps_its_words_until_it_is_not(stored: Store, tmp_path: Path) -> None:
    send(stored, reporting(tmp_path), WEEK, ["boss"], WEEK.until)
    delivery = stored.claim("boss", "s", WEEK.until, TTL)
    assert delivery is not None
    purge(stored)
    assert stored.mark_sent(delivery.id, "s", Receipt({}), LATER)
    assert stored.purge_outbox(LATER) == 1
    assert SECRET not in everything(stored)


def test_notices_stay_as_they_are(stored: Store) -> None:
    notice = NewNotification(
        "notice:x", NotificationKind.NOTICE, "boss", post_urgency(), NOON, "parked", {"text": "a source is parked"}
    )
    stored.enqueue([notice], NOON)
    purge(stored)
    delivery = stored.claim("boss", "s", LATER, TTL)
    assert delivery is not None
    assert delivery.payload == {"text": "a source is parked"}


def post_urgency() -> Any:
    return triaged(post(0)).verdict.urgency


def test_only_sources_named_and_posts_before_their_time_are_purged(store: Store) -> None:
    record(store, *[triaged(post(number)) for number in range(4)])
    record(store, *[triaged(post(number)) for number in range(10, 14)], source="own")
    record(store, *[triaged(post(number)) for number in range(20, 24)], source="news")
    before = {"forum": NOON + timedelta(minutes=2), "news": NOON + timedelta(minutes=23)}
    assert store.purgeable(before, LATER) == {"forum": 2, "news": 3}
    assert store.purge(before, LATER).count == 5
    assert store.purgeable(before, LATER) == {}
    texts = {one.source: 0 for one in store.counted(WEEK.since, WEEK.until)}
    for one in store.counted(WEEK.since, WEEK.until):
        texts[one.source] += bool(one.text)
    assert texts == {"forum": 2, "own": 4, "news": 1}
    assert store.purge({}, LATER).count == 0
    assert store.purgeable({}, LATER) == {}


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_chunks_of_any_size_purge_each_mention_once(stored: Store, limit: int) -> None:
    assert purge(stored, limit=limit) == 7
    assert purge(stored, limit=limit) == 0
    assert stored.totals().removed == 7


def test_a_removed_mention_says_when_and_its_case_can_still_be_shown(stored: Store) -> None:
    (first, *_) = stored.counted(WEEK.since, WEEK.until)
    purge(stored)
    told = stored.told(first.ref)
    assert told is not None
    assert told.removed_at == LATER
    assert told.verdict.lines == (Line(20, "blocked", "", "en.purchase.undelivered"),)
    assert first.case_ref is not None
    view = stored.case(first.case_ref)
    assert view is not None
    assert len(view.mentions) == 3
    delivery = stored.claim("console", "s", LATER, TTL)
    while delivery is not None:  # what waited for a stopped receiver is told without words
        assert SECRET not in str(message_for(delivery, look(), LATER).blocks)
        stored.mark_sent(delivery.id, "s", Receipt({}), LATER)
        delivery = stored.claim("console", "s", LATER, TTL)


def test_a_later_post_of_the_same_author_still_finds_the_case(stored: Store) -> None:
    cases = {one.case_ref for one in stored.counted(WEEK.since, WEEK.until)}
    assert len(cases) == 3
    purge(stored)
    assert record(stored, telling(30, published_at=LATER), now=LATER) == 1
    (new,) = stored.counted(LATER, LATER + DAY)
    assert new.case_ref in cases
    assert purge(stored, before=LATER + DAY, now=LATER + DAY) == 1
    assert SECRET not in everything(stored)
    names = {one.author_key for one in stored.counted(WEEK.since, LATER + DAY)}
    assert len(names) == 3


def test_posts_without_an_author_stay_people_of_their_own(store: Store) -> None:
    record(store, *[triaged(post(number, author=Author(""))) for number in range(3)])
    purge(store)
    (row,) = store.weekly(WEEK.since, WEEK.until, [WEEK.since])
    assert row.authors == 3


def test_purged_mentions_are_not_judged_again(stored: Store) -> None:
    assert purge(stored, before=NOON + timedelta(minutes=4)) == 4
    assert len(list(stored.stored(WEEK.since, WEEK.until))) == 3


def test_the_key_is_made_once(stored: Store) -> None:
    """Another one would make the people removed before somebody else."""
    given: list[int] = []

    def random_bytes(size: int) -> bytes:
        given.append(size)
        return bytes([len(given)]) * size

    store = stored
    first = {"forum": NOON + timedelta(minutes=3)}
    assert store.purge(first, LATER, random_bytes=random_bytes).count == 3
    people: Sequence[str] = [one.author_key for one in store.counted(WEEK.since, WEEK.until)]
    assert store.purge({"forum": LATER}, LATER, random_bytes=random_bytes).count == 4
    assert [one.author_key for one in store.counted(WEEK.since, WEEK.until)] == people
