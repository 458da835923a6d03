"""How long words are kept: which source's posts lose them when, and who takes them away."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.base import Connector, Policy, SourceSettings
from listener import schedule
from listener.model import SourceState
from listener.plugins import connectors
from listener.retention import CHUNK, EVERY, Done, cutoffs, is_due, kept_for, purge
from listener.schedule import Work
from listener.store import Store
from tests.fakes.commands import Terminal
from tests.fakes.story import NOON, page, post, settle_to, triaged

DAY = timedelta(days=1)
TTL = timedelta(minutes=5)


class Shipped:
    """A connector as a distribution ships it; with `policy` None it cannot be imported."""

    def __init__(self, policy: Policy | None) -> None:
        self._policy = policy

    def load(self) -> Connector:
        if self._policy is None:
            raise ImportError("broken")
        return Connector("x", "", SourceSettings, lambda *_: pytest.fail("opened"), policy=self._policy)


INSTALLED = {
    "x": Shipped(Policy(retention=7 * DAY)),
    "archive": Shipped(Policy(retention=None)),
    "broken": Shipped(None),
}


def state(name: str, connector: str) -> SourceState:
    return SourceState(name, connector, None, None, None, 0, None, None, 0, ())


@pytest.mark.parametrize(
    ("connector", "days"),
    [("x", 7), ("archive", None), ("import", None), ("not-installed", 30), ("broken", 30)],
)
def test_where_the_key_is_silent_the_connector_says_how_long(connector: str, days: int | None) -> None:
    assert kept_for(connector, None, INSTALLED) == (None if days is None else days * DAY)


@pytest.mark.parametrize("connector", ["x", "archive", "import", "not-installed", "broken"])
def test_the_key_holds_for_every_source(connector: str) -> None:
    assert kept_for(connector, 90, INSTALLED) == 90 * DAY


def test_sources_that_keep_their_words_have_no_cutoff() -> None:
    sources = [state("tweets", "x"), state("import:posts.csv", "import"), state("old", "not-installed")]
    assert cutoffs(sources, None, INSTALLED, NOON) == {"tweets": NOON - 7 * DAY, "old": NOON - 30 * DAY}
    assert cutoffs(sources, 1, INSTALLED, NOON) == dict.fromkeys(("tweets", "import:posts.csv", "old"), NOON - DAY)
    assert cutoffs([], None, INSTALLED, NOON) == {}


def test_platforms_have_a_term_and_files_of_your_own_have_none() -> None:
    lengths = {name: kept_for(name, None, connectors()) for name in connectors()}
    assert lengths.pop("replay") is None
    assert all(length is not None and length <= 30 * DAY for length in lengths.values())


def put(store: Store, number: int, published_at: datetime = NOON, source: str = "tweets") -> None:
    posts = [triaged(post(one, published_at=published_at + timedelta(seconds=one))) for one in range(number)]
    store.register_sources({source: "x"}, NOON)
    lease = store.lease(source, "w", NOON, TTL, force=True)
    assert lease is not None
    store.record_page(lease, page(posts), posts, settle_to(), NOON)
    store.finish(lease, NOON, NOON)


def test_a_purge_takes_all_that_is_due_by_the_chunk_and_remembers_when(store: Store) -> None:
    put(store, CHUNK + 3)
    assert is_due(store, NOON)
    assert purge(store, {"tweets": NOON + DAY}, NOON + 8 * DAY) == Done(CHUNK + 3, 0)
    assert store.totals().removed == CHUNK + 3
    assert not is_due(store, NOON + 8 * DAY + EVERY / 2)
    assert is_due(store, NOON + 8 * DAY + EVERY)
    assert purge(store, {"tweets": NOON + DAY}, NOON + 9 * DAY) == Done(0, 0)


def test_a_purge_that_is_stopped_ends_after_the_chunk_in_hand_and_is_due_again(store: Store) -> None:
    put(store, CHUNK + 3)
    stops = iter([False, True])
    assert purge(store, {"tweets": NOON + DAY}, NOON + 8 * DAY, lambda: next(stops)).mentions == CHUNK
    assert is_due(store, NOON + 8 * DAY)
    assert purge(store, {"tweets": NOON + DAY}, NOON + 8 * DAY).mentions == 3


def test_pages_and_purges_at_the_same_time_neither_fail_nor_lose_a_post(store: Store) -> None:
    """Each page overlaps the one before; posts are purged a moment after they were stored."""
    store.register_sources({"tweets": "x"}, NOON)
    stopping = threading.Event()

    def take_away() -> None:
        while not stopping.is_set():
            purge(store, {"tweets": NOON + DAY}, NOON + 8 * DAY)

    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(take_away)
        try:
            new = 0
            for start in range(0, 200, 10):
                posts = [triaged(post(one, author=post(one % 7).author)) for one in range(start, start + 20)]
                lease = store.lease("tweets", "w", NOON, TTL, force=True)
                assert lease is not None
                new += store.record_page(lease, page(posts), posts, settle_to("console"), NOON).new
                store.finish(lease, NOON, NOON)
        finally:
            stopping.set()
        under_way.result()
    purge(store, {"tweets": NOON + DAY}, NOON + 8 * DAY)
    assert new == store.totals().mentions == store.totals().removed == 210
    counted = list(store.counted(NOON, NOON + DAY))
    assert {one.text for one in counted} == {""}
    assert len({one.author_key for one in counted}) == 7
    assert len({one.case_ref for one in counted}) == 7


def work(store: Store, purged: list[datetime], now: datetime) -> Work:
    return Work(
        store=store,
        feeds={},
        outlets=(),
        judge=lambda _: triaged(post(0)).verdict,
        report=lambda _: None,
        purge=lambda at, stopping: (purged.append(at), purge(store, {}, at, stopping)),
        mind=lambda at, stopping: None,
        owner="me",
        clock=lambda: now,
    )


def test_once_purges_when_the_last_time_is_long_ago(store: Store) -> None:
    purged: list[datetime] = []
    for hours in (0, 1, 5, 7, 8):
        schedule.once(work(store, purged, NOON + timedelta(hours=hours)))
    assert purged == [NOON, NOON + timedelta(hours=7)]


def test_the_daemon_purges_at_its_start_and_every_six_hours(store: Store) -> None:
    purged: list[datetime] = []
    scheduler = schedule.start(work(store, purged, datetime.now(UTC)), threading.Event())
    try:
        job = scheduler.get_job("retention")
        assert job.trigger.interval == timedelta(hours=6)
        assert job.next_run_time - datetime.now(UTC) < timedelta(minutes=1)
        job.func()
    finally:
        scheduler.shutdown(wait=True)
    assert len(purged) == 1


CONFIG = """
[brand]
name = "Acme"
[[receiver]]
name = "console"
type = "console"
"""
POST = {
    "id": "1",
    "platform": "x",
    "author": "ada-the-author",
    "published_at": "2026-01-16T09:00:00Z",
    "lang": "en",
    "text": "@Acme my order never arrived. secret-words",
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "listener.toml"
    path.write_text(CONFIG)
    (tmp_path / "posts.jsonl").write_text(json.dumps({**POST, "published_at": long_ago()}) + "\n")
    return path


def long_ago() -> str:
    return (datetime.now(UTC) - 400 * DAY).isoformat()


def test_the_command_counts_first_and_then_removes(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(capsys)

    def listener(*arguments: str) -> str:
        said = terminal("--config", str(config), *arguments)
        assert said.code == 0, said.err
        return said.out

    listener("import", str(config.parent / "posts.jsonl"))
    # The user's own file is kept until the key is set.
    assert listener("db", "purge", "--dry-run") == "0 mentions would lose text and author.\n"
    config.write_text(CONFIG + "[retention]\ntext_days = 30\n")
    said = "1 mention would lose text and author.\n  import:posts.jsonl: 1\n"
    assert listener("db", "purge", "--dry-run") == said
    assert listener("db", "purge", "--dry-run") == said
    assert listener("db", "purge").startswith("1 mention lost text and author, 0 digests")
    assert listener("db", "purge").startswith("0 mentions lost text and author")
    assert "text removed (retention): 1" in listener("status")
    assert json.loads(listener("status", "--json"))["mentions_without_text"] == 1
    with Store.open(f"sqlite:///{config.parent / 'listener.db'}") as store:
        (told,) = store.counted(datetime.now(UTC) - 500 * DAY, datetime.now(UTC))
    explained = listener("explain", told.ref)
    assert f"text removed on {datetime.now(UTC):%Y-%m-%d} (retention)" in explained
    assert "secret-words" not in explained
    assert "never arrived" not in explained
    assert json.loads(listener("explain", told.ref, "--json"))["text_removed_at"]
    assert "0 new" in listener("import", str(config.parent / "posts.jsonl"))
    for file in config.parent.glob("listener.db*"):
        for word in ("secret-words", "ada-the-author"):
            assert word.encode() not in file.read_bytes()
