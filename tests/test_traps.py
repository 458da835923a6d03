"""Traps that cost others their data (docs of each platform): the daemon stays healthy, and `status` says it in a plain line.

Each goes through the real client library to a fake platform, through the daemon's own poll into a real database.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connectors.contract import START
from listener import app
from listener.config import load_config
from listener.ingest import poll
from listener.plugins import connectors
from listener.store import Store
from tests.fakes.appstore import APP, FakeAppStore
from tests.fakes.bluesky import FakeJetstream
from tests.fakes.commands import Terminal
from tests.fakes.hackernews import FakeHackerNews
from tests.fakes.mastodon import FakeMastodon
from tests.fakes.reddit import CLIENT_ID, SECRET, FakeReddit
from tests.fakes.story import verdict
from tests.fakes.x import TOKEN, FakeX

MINUTE = timedelta(minutes=1)
CONFIG = """
[brand]
name = "Acme"
[listener]
intranet = ["127.0.0.0/8"]
[[account]]
name = "paid"
budget_month = 10
[[source]]
name = "trap"
{source}
[[source]]
name = "neighbour"
connector = "hackernews"
base_url = "{neighbour}"
[[receiver]]
name = "console"
type = "console"
[[route]]
name = "all"
to = ["console"]
[digest]
enabled = false
"""


@dataclass
class Daemon:
    """The trap's source and a neighbour, polled as the daemon polls them, on a virtual clock."""

    store: Store
    feeds: dict[str, object]
    now: datetime = START
    polled: dict[str, object] = field(default_factory=dict)

    def turn(self, after: timedelta = timedelta(0)) -> None:
        """Poll what is due, `after` later."""
        self.now += after
        for name in self.store.due_sources(self.now):
            self.polled[name] = poll(self.feeds[name], lambda _: verdict(), self.store, "w", lambda: self.now)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x-token").write_text(TOKEN)
    (tmp_path / "reddit-secret").write_text(SECRET)
    return tmp_path


@pytest.fixture
def start(folder: Path) -> object:
    """`start(source lines) -> Daemon`."""
    with ExitStack() as stack:
        neighbour = stack.enter_context(FakeHackerNews().start())
        neighbour.publish("Acme is fine", START - MINUTE)

        def begin(source: str) -> Daemon:
            path = folder / "listener.toml"
            path.write_text(CONFIG.format(source=source, neighbour=neighbour.url))
            config = load_config(path, connectors())
            store = stack.enter_context(app.stored(config))
            app.register(config, store)
            feeds = {}
            for one in config.sources:
                opened = app.open_source(config, one, store)
                stack.callback(opened.close)
                feeds[one.name] = app.feed(config, one, opened, opened, app.telling_rules(config))
            return Daemon(store, feeds)  # type: ignore[arg-type]

        yield begin


@pytest.fixture
def status(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """What `listener status` prints, in one line; the neighbour is well in all of them."""
    monkeypatch.setenv("COLUMNS", "400")

    def said() -> str:
        shown = Terminal(capsys)("status")
        assert shown.code == 0, shown.err
        assert "Traceback" not in shown.out + shown.err
        (neighbour,) = [line for line in shown.out.splitlines() if line.startswith("neighbour")]
        assert neighbour.rstrip().endswith("ok")
        return shown.out

    return said


def line(shown: str) -> str:
    """What is said of the trap: its sentences, then its row."""
    (row,) = [one for one in shown.splitlines() if one.startswith("trap")]
    return " ".join([*(one for one in shown.splitlines() if "trap" in one and one != row), row])


X = 'connector = "x"\nbase_url = "{}"\ntoken_file = "x-token"\naccount = "paid"'


def test_x_says_wait_and_not_for_how_long(start: Callable[[str], Daemon], status: Callable[[], str]) -> None:
    with FakeX().start() as fake:
        one = fake.publish("Acme never came", START - MINUTE)
        daemon = start(X.format(fake.url))
        fake.fail_next("429-bare")
        daemon.turn()
        assert len(fake.asked) == 1  # no hot loop
        assert "X asks to wait (429), it did not say for how long" in line(status())
        daemon.turn(timedelta(minutes=11))
        assert line(status()).rstrip().endswith("ok")
        assert one in {told.external_id for told in _stored(daemon)}


def test_x_hangs(start: Callable[[str], Daemon], status: Callable[[], str]) -> None:
    with FakeX().start() as fake:
        fake.publish("Acme never came", START - MINUTE)
        daemon = start(X.format(fake.url) + "\ntimeout = 0.5")
        fake.fail_next("time-out")
        daemon.turn()
        assert "did not answer within 0.5 s; it is asked again later" in line(status())
        daemon.turn(timedelta(minutes=11))
        assert line(status()).rstrip().endswith("ok")


def test_reddit_has_no_requests_left(start: Callable[[str], Daemon], status: Callable[[], str]) -> None:
    with FakeReddit().start() as fake:
        fake.post(at=START - MINUTE)
        fake.comment(at=START - MINUTE)
        fake.remaining, fake.reset = 1, 540
        daemon = start(
            f'connector = "reddit"\nbase_url = "{fake.url}"\nclient_id = "{CLIENT_ID}"\n'
            'client_secret_file = "reddit-secret"\nsubreddits = ["kettles"]'
        )
        daemon.turn()
        assert "Reddit's limit of requests is used up until 09:09:00 UTC" in line(status())
        asked = len(fake.asked)
        daemon.turn(timedelta(minutes=5))
        assert len(fake.asked) == asked
        fake.remaining = 100
        daemon.turn(timedelta(minutes=5))
        assert line(status()).rstrip().endswith("ok")


def test_the_stream_of_bluesky_does_not_reach_back_far_enough(
    start: Callable[[str], Daemon], status: Callable[[], str]
) -> None:
    with FakeJetstream().start() as fake:
        fake.publish(at=START - MINUTE)
        daemon = start(f'connector = "bluesky"\nhosts = ["{fake.url}"]\nresolve_handles = false\nidle = 0.01')
        daemon.turn()
        later = START + timedelta(hours=60)
        fake.keeps_from = later - timedelta(hours=36)
        fake.publish(at=later - timedelta(hours=35))
        daemon.turn(timedelta(hours=60))
        assert line(status()).rstrip().endswith("ok")
        assert "gap in trap: 02 Nov 08:59" in status()
        assert "expired-window, lost" in status()


def test_an_instance_of_mastodon_closed_its_timelines(
    start: Callable[[str], Daemon], status: Callable[[], str]
) -> None:
    with FakeMastodon("disabled").start() as fake:
        daemon = start(f'connector = "mastodon"\nbase_url = "{fake.url}"')
        daemon.turn()
        assert "parked: " in line(status())
        assert "another instance" in line(status())
        assert "listener resume trap" in line(status())


def test_the_app_store_shows_an_empty_feed(start: Callable[[str], Daemon], status: Callable[[], str]) -> None:
    with FakeAppStore().start() as fake:
        for number in range(12):
            fake.publish(at=START - number * MINUTE)
        daemon = start(f'connector = "appstore"\nbase_url = "{fake.url}"\napp = "{APP}"')
        daemon.turn()
        fake.empty = {0, 1}
        daemon.turn(timedelta(hours=1))
        assert "empty-feed, still to be read" in status()
        assert len(_stored(daemon)) == 12
        fake.empty = set()
        daemon.turn(timedelta(hours=1))
        assert "gap in trap" not in status()


def _stored(daemon: Daemon) -> list[object]:
    return [
        told.mention
        for told in daemon.store.stored(START - timedelta(days=3), START + timedelta(days=9))
        if told.source == "trap"
    ]
