"""SIGKILL at random points of poll, store, send and mark: no mention lost, no alert lost, none told twice.

The real daemon (its connector, slack-sdk and a real database) runs in child processes against fake servers in this
one. Each round publishes a few complaints, lets the daemon work for a moment and kills it. At the end one daemon is left
alone until everything is done, and everything is counted.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from listener.model import NotificationState
from listener.store import Store
from tests.fakes import slack as fake_slack
from tests.fakes.hackernews import FakeHackerNews
from tests.fakes.slack import FakeSlack, Fault

ROOT = Path(__file__).parents[2]
PACK = """
[pack]
name = "stress"
lang = "*"
about = "One rule, so that a hundred starts are quick."

[[rule]]
id = "stress.purchase.undelivered"
about = "Nothing has arrived."
any = ["never arrived"]
stage = "purchase"
intents = ["complaint"]
urgency = { factor = "blocked", points = 20 }
matches = ["It never arrived"]
ignores = ["It arrived"]
"""


class Nursery:
    """Talks to `tests.stress.nursery`, which forks daemons."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.stress.nursery"],
            cwd=ROOT,
            env={**os.environ, "SLACK_BOT_TOKEN": "xoxb-test"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _ask(self, command: dict[str, object]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def start(self) -> int:
        return self._ask({"start": str(self._config)})

    def end(self, pid: int, how: signal.Signals) -> int:
        """Kill, wait for the end, and say the status that the system reports."""
        os.kill(pid, how)
        return self._ask({"reap": pid})

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


@contextmanager
def nursery(config: Path) -> Iterator[Nursery]:
    opened = Nursery(config)
    try:
        yield opened
    finally:
        opened.close()


def configuration(folder: Path, database: str, hackernews: str, slack: str) -> Path:
    (folder / "pack.toml").write_text(PACK)
    path = folder / "listener.toml"
    path.write_text(f"""
[listener]
database = "{database}"
intranet = ["127.0.0.0/8"]
[brand]
name = "Acme"
languages = ["en"]
[[source]]
name = "hn"
connector = "hackernews"
base_url = "{hackernews}"
timeout = 2.0
page_size = 5
[[receiver]]
name = "care"
type = "slack"
channel = "C0CARE"
singles_per_hour = 1000
token_env = "SLACK_BOT_TOKEN"
base_url = "{slack}"
timeout = 2.0
[[route]]
name = "all"
to = ["care"]
[rules]
builtin = false
packs = ["pack.toml"]
[digest]
enabled = false
""")
    return path


def late(chance: random.Random) -> Fault:
    """Slack takes the message at once and answers a little later, so that kills fall between sending and marking."""
    return fake_slack.slow(chance.uniform(0.0, 0.1))


def faulty(chance: random.Random) -> Fault | None:
    """Every fifth call to Slack goes wrong, in every way that leaves the sender in doubt or makes it wait."""
    if chance.random() > 0.2:
        return late(chance)
    return chance.choice(
        [fake_slack.DROP_AFTER, fake_slack.DROP_BEFORE, fake_slack.HTML_502, fake_slack.rate_limited("1")]
    )


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("faults", [False, True], ids=["quiet", "with-429s-and-dropped-connections"])
def test_kills_lose_nothing_and_tell_nothing_twice(database_url: str, tmp_path: Path, full: bool, faults: bool) -> None:
    rounds = 110 if full else 12
    chance = random.Random(20261122)
    published: list[str] = []
    with FakeHackerNews().start() as hackernews, FakeSlack() as slack:
        config = configuration(tmp_path, database_url, hackernews.url, slack.base_url)
        with nursery(config) as daemons:
            for number in range(rounds):
                for _ in range(chance.randint(1, 4)):
                    author = f"author{len(published)}"
                    published.append(hackernews.publish(f"Acme: order {len(published)} never arrived.", author=author))
                slack.chance = (lambda _: faulty(chance)) if faults else (lambda _: late(chance))
                if faults:
                    if number % 6 == 0:
                        hackernews.fail_next(chance.choice(["reset", "503", "malformed", "html"]))
                    if number % 30 == 0:
                        hackernews.fail_next("429", retry_after=1)
                pid = daemons.start()
                time.sleep(chance.uniform(0.02, 1.0))
                assert daemons.end(pid, signal.SIGKILL) == signal.SIGKILL
            under_fire = len(slack.posts_by_key())
            slack.chance = lambda _: None
            last = daemons.start()
            _wait_until_done(database_url, len(published))
            assert daemons.end(last, signal.SIGTERM) == 0
        keys = slack.posts_by_key()
        looked_up = slack.counted("conversations.history")
    with Store.open(database_url) as store:
        stored = store.totals().mentions
        gaps = [gap for source in store.sources() for gap in source.gaps]
    opened = [key for key in keys if ":open:" in key]
    twice = [key for key, messages in keys.items() if len(messages) != 1]
    print(
        f"\n{rounds} kills: {len(published)} published, {stored} stored, {len(opened)} alerted,"
        f" {len(twice)} told twice, {under_fire} of them while kills fell, {looked_up} look-ups in the history"
    )
    assert stored == len(published)
    assert len(opened) == len(published)
    assert not twice
    assert not gaps
    if full:  # or the kills proved nothing
        assert under_fire > len(published) / 4
        assert looked_up


def _wait_until_done(database_url: str, mentions: int, patience: float = 90) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with Store.open(database_url) as store:
            stored = store.totals().mentions  # first: a page stored after the look at the outbox would go unseen
            counts = store.outbox(_now()).counts.get("care", {})
            waiting = counts.get(NotificationState.PENDING, 0) + counts.get(NotificationState.SENDING, 0)
            if stored == mentions and not waiting:
                return
        time.sleep(0.2)
    with Store.open(database_url) as store:
        state = "\n".join(map(str, (store.totals(), *store.sources(), store.outbox(_now()), store.receivers())))
    raise AssertionError(f"not done after {patience:.0f} s, {mentions} published:\n{state}")


def _now() -> datetime:
    return datetime.now(UTC)
