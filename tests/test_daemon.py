"""`listener run` as a process of its own: from a post to Slack, status meanwhile, a clean end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from listener.model import NotificationState
from listener.store import Store
from tests.fakes.commands import Terminal
from tests.fakes.hackernews import FakeHackerNews
from tests.fakes.slack import FakeSlack, slow
from tests.stress.test_kills import configuration


@contextmanager
def running(config: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "listener", "--config", str(config), "run"],
        env={**os.environ, "SLACK_BOT_TOKEN": "xoxb-test"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_for(what: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-test")
    return Terminal(capsys)


def test_a_complaint_reaches_slack_and_sigterm_ends_the_daemon_cleanly(tmp_path: Path, terminal: Terminal) -> None:
    with FakeHackerNews().start() as site, FakeSlack() as slack:
        site.publish("Acme: my order never arrived. secret-words-of-a-post", author="ada-the-author")
        config = configuration(tmp_path, f"sqlite:///{tmp_path / 'listener.db'}", site.url, slack.base_url)
        with running(config) as daemon:
            wait_for(lambda: len(slack.posts_by_key()) == 1)
            wait_for(lambda: terminal("--config", str(config), "health").code == 0)
            said = terminal("--config", str(config), "status")
            assert "● running" in said.out
            assert terminal("--config", str(config), "doctor", "--live").code == 0
            daemon.send_signal(signal.SIGTERM)
            _, log = daemon.communicate(timeout=20)
        assert daemon.returncode == 0
        assert "finishing the page and message in hand" in log
        assert log.rstrip().splitlines()[-1].split()[-1] == "stopped"
        for secret in ("secret-words", "ada-the-author", "xoxb-test"):
            assert secret not in log


def test_the_message_in_hand_is_finished_before_the_end(tmp_path: Path) -> None:
    with FakeHackerNews().start() as site, FakeSlack() as slack:
        slack.fail("chat.postMessage", slow(1.0))
        site.publish("Acme: my order never arrived.", author="ada")
        config = configuration(tmp_path, f"sqlite:///{tmp_path / 'listener.db'}", site.url, slack.base_url)
        with running(config) as daemon:
            wait_for(lambda: slack.counted("chat.postMessage") == 1)
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(20) == 0
        assert len(slack.messages("C0CARE")) == 1
        with Store.open(f"sqlite:///{tmp_path / 'listener.db'}") as store:
            assert store.outbox(datetime.now(UTC)).counts["care"] == {NotificationState.SENT: 1}
            assert store.lease_owners() == frozenset()


def test_a_stopped_receiver_shows_in_health_and_is_tried_again_after_resume(tmp_path: Path, terminal: Terminal) -> None:
    with FakeHackerNews().start() as site, FakeSlack() as slack:
        slack.archive("C0CARE")
        site.publish("Acme: my order never arrived.", author="ada")
        config = configuration(tmp_path, f"sqlite:///{tmp_path / 'listener.db'}", site.url, slack.base_url)
        with running(config) as daemon:
            wait_for(lambda: "is stopped" in terminal("--config", str(config), "health").out)
            slack._archived.clear()
            assert terminal("--config", str(config), "resume", "care").code == 0
            wait_for(lambda: len(slack.posts_by_key()) == 1)
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(20) == 0


def test_broken_rules_end_the_start_with_their_message_and_store_nothing(tmp_path: Path) -> None:
    with FakeHackerNews().start() as site, FakeSlack() as slack:
        site.publish("Acme: my order never arrived.", author="ada")
        config = configuration(tmp_path, f"sqlite:///{tmp_path / 'listener.db'}", site.url, slack.base_url)
        (tmp_path / "pack.toml").write_text('[pack]\nname = "p"\nlang = "en"\nabout = "x"\n[[rule]]\nid = "p.a.b"\n')
        with running(config) as daemon:
            _, log = daemon.communicate(timeout=30)
        assert daemon.returncode == 1
        assert "pack.toml:" in log
        assert "Traceback" not in log
        with Store.open(f"sqlite:///{tmp_path / 'listener.db'}") as store:
            assert store.totals().mentions == 0


def test_a_second_signal_ends_the_daemon_at_once_whatever_it_waits_for(tmp_path: Path) -> None:
    with FakeHackerNews().start() as site, FakeSlack() as slack:
        slack.fail("chat.postMessage", slow(10.0))
        site.publish("Acme: my order never arrived.", author="ada")
        config = configuration(tmp_path, f"sqlite:///{tmp_path / 'listener.db'}", site.url, slack.base_url)
        config.write_text(config.read_text().replace("timeout = 2.0", "timeout = 30.0"))
        with running(config) as daemon:
            wait_for(lambda: slack.counted("chat.postMessage") == 1)
            daemon.send_signal(signal.SIGTERM)
            log = daemon.stderr
            assert log is not None
            wait_for(lambda: "stopping" in log.readline())
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(5) == 1
