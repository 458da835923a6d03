"""`listener run` as a process of its own, watched by everybody at once: Prometheus, a probe, a dead man's switch, systemd."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from listener.watch import systemd
from tests.fakes.hackernews import FakeHackerNews
from tests.fakes.http import Asked, FakeServer, Reply
from tests.fakes.slack import FakeSlack
from tests.stress.test_kills import configuration
from tests.test_daemon import wait_for

PATH = "/ping/7d2a-a-secret"


class FakeSwitch(FakeServer):
    """healthchecks.io as far as we use it."""

    def answer(self, asked: Asked) -> Reply:
        return Reply(200, b"OK")


def watched(folder: Path, site: FakeHackerNews, slack: FakeSlack, more: str) -> Path:
    path = configuration(folder, f"sqlite:///{folder / 'listener.db'}", site.url, slack.base_url)
    path.write_text(path.read_text().replace("[listener]\n", f"[listener]\n{more}"))
    return path


@contextmanager
def running(config: Path, **environ: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "listener", "--config", str(config), "run"],
        env={**os.environ, "SLACK_BOT_TOKEN": "xoxb-test", **environ},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def end(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in log
    return log


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def status(address: str) -> int:
    try:
        return httpx.get(address, timeout=5, trust_env=False).status_code
    except httpx.TransportError:
        return 0


@contextmanager
def fake_systemd(folder: Path) -> Iterator[list[bytes]]:
    """All that it is told, in order; it reads at once, as the real one does."""
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hears:
        hears.bind(str(folder / "notify"))

        def read() -> None:
            while heard[-1:] != [b"STOPPING=1"]:
                heard.append(hears.recv(100))

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        yield heard
        thread.join(5)


def test_everybody_who_watches_is_answered(tmp_path: Path) -> None:
    port = free_port()
    keys = f'metrics_port = {port}\nping_url_env = "PING_URL"\nping_every = "10s"\n'
    with FakeHackerNews().start() as site, FakeSlack() as slack, FakeSwitch().start() as switch:
        site.publish("Acme: my order never arrived.", author="ada-the-author")
        config = watched(tmp_path, site, slack, keys)
        with fake_systemd(tmp_path) as heard:
            environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "60000000"}
            with running(config, PING_URL=switch.url + PATH, **environ) as daemon:
                wait_for(lambda: heard[:2] == [b"READY=1", b"WATCHDOG=1"])
                base = f"http://127.0.0.1:{port}"
                wait_for(lambda: status(f"{base}/healthz") == 200)
                wait_for(lambda: status(f"{base}/readyz") == 200)
                wait_for(
                    lambda: (
                        'listener_notifications_sent_total{receiver="care"} 1.0' in httpx.get(f"{base}/metrics").text
                    )
                )
                said = httpx.get(f"{base}/metrics").text
                assert 'listener_mentions_total{source="hn"} 1.0' in said
                assert 'listener_seen_to_sent_seconds_count{source="hn"} 1.0' in said
                assert "ada-the-author" not in said
                wait_for(lambda: len(switch.asked) == 1, 30)
                log = end(daemon)
        assert set(heard[1:-1]) == {b"WATCHDOG=1"}
        assert heard[-1] == b"STOPPING=1"
    assert switch.asked[0].path == PATH
    assert "secret" not in log
    assert status(f"{base}/healthz") == 0


def test_a_port_that_is_taken_is_said_and_all_else_goes_on(tmp_path: Path) -> None:
    with (
        FakeHackerNews().start() as site,
        FakeSlack() as slack,
        socket.create_server(("127.0.0.1", 0)) as taken,
    ):
        site.publish("Acme: my order never arrived.", author="ada")
        port = taken.getsockname()[1]
        config = watched(tmp_path, site, slack, f"metrics_port = {port}\n")
        with running(config) as daemon:
            wait_for(lambda: len(slack.posts_by_key()) == 1)
            log = end(daemon)
    (line,) = [line for line in log.splitlines() if "metrics_off" in line]
    line = re.sub(r"\x1b\[[0-9;]*m", "", line)
    assert f"port={port}" in line
    assert "Address already in use" in line
    assert "change metrics_port" in line


def test_an_address_that_is_missing_is_said_and_all_else_goes_on(tmp_path: Path) -> None:
    with FakeHackerNews().start() as site, FakeSlack() as slack:
        site.publish("Acme: my order never arrived.", author="ada")
        config = watched(tmp_path, site, slack, 'ping_url_env = "PING_URL"\n')
        with running(config) as daemon:
            wait_for(lambda: len(slack.posts_by_key()) == 1)
            log = end(daemon)
    assert "ping_off" in log
    assert "PING_URL" in log


@pytest.mark.parametrize("address", ["", "relative", "/no/such/socket", "/" + "x" * 200, "@no-such-name", "/nul\0l"])
def test_systemd_that_is_not_there_harms_nothing(address: str) -> None:
    systemd.notify("READY=1", {"NOTIFY_SOCKET": address})
    systemd.notify("READY=1", {})


def test_an_abstract_socket_is_heard() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hears:
        hears.bind("\0listener-test-" + str(os.getpid()))
        hears.settimeout(5)
        systemd.notify("READY=1", {"NOTIFY_SOCKET": "@listener-test-" + str(os.getpid())})
        assert hears.recv(100) == b"READY=1"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"WATCHDOG_USEC": "60000000"}, True),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "42"}, True),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "43"}, False),
        ({"WATCHDOG_USEC": "soon"}, False),
        ({"WATCHDOG_USEC": "0"}, False),
    ],
)
def test_only_the_process_that_is_meant_is_watched(environ: Mapping[str, str], expected: bool) -> None:
    assert systemd.is_watched(environ, pid=42) is expected
