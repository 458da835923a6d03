"""A community manager's first ten minutes: the commands of the README in their order, each with what it says, against fakes."""

from __future__ import annotations

import re
import shlex
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.commands import Terminal
from tests.fakes.hackernews import FakeHackerNews
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_socket import FakeSocket
from tests.test_daemon import running, wait_for

README = (Path(__file__).parents[1] / "README.md").read_text()
FIRST = README[README.index("## Your first ten minutes") : README.index("## Everyday commands")]
COMMANDS = [
    line.partition("#")[0].strip()
    for block in re.findall(r"^```sh\n(.*?)^```", FIRST, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
RECEIVER = re.findall(r"^```toml\n(.*?)^```", FIRST, re.MULTILINE | re.DOTALL)[0]
ANA, CHANNEL = "U0ANA1234", "C0123456789"
POSTS = (
    ("My Acme order never arrived, I paid three weeks ago. Nobody answers, I want my money back.", "ada", 1),
    ("Acme, ma commande est arrivée cassée. Je veux être remboursé.", "bob", 2),
    ("I love my Acme, best purchase of the year", "cleo", 3),
    ("Acme is hiring a backend engineer, apply now", "jobs1", 1),
    ("Acme is hiring a designer, apply now", "jobs2", 2),
    ("Acme is hiring a data engineer, apply now", "jobs3", 4),
    ("Does Acme ship to Portugal?", "dan", 9),
)


@pytest.fixture
def site() -> Iterator[FakeHackerNews]:
    with FakeHackerNews().start() as fake:
        now = datetime.now(UTC)
        for text, author, days in POSTS:
            fake.publish(text, now - timedelta(days=days), author=author)
        yield fake


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as fake:
        yield fake


@pytest.fixture
def socket(slack: FakeSlack) -> Iterator[FakeSocket]:
    with FakeSocket(slack) as fake:
        yield fake


def test_the_readme_leads_from_nothing_to_an_alert_that_is_claimed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    site: FakeHackerNews,
    slack: FakeSlack,
    socket: FakeSocket,
) -> None:
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "listener.toml"
    terminal = Terminal(capsys)
    shown: dict[str, str] = {}
    for line in COMMANDS:
        if line.startswith("pipx"):
            continue
        if line.startswith("export"):
            name, _, value = line.removeprefix("export ").partition("=")
            monkeypatch.setenv(name, value.replace("…", "test"))
            continue
        words = shlex.split(line)[1:]
        if words == ["run"]:
            continue  # at the end, once Slack is set up
        if words == ["slack", "test"]:
            pressing = threading.Thread(target=_press, args=(socket, slack))
            pressing.start()
            said = terminal(*words)
            pressing.join()
        else:
            said = terminal(*words)
        assert said.code == 0, f"{line}: {said.err or said.out}"
        assert "Traceback" not in said.err
        shown[" ".join(words[:2])] = said.out + said.err
        if words[0] == "init":
            _on_loopback(config, site)
        if words[:2] == ["slack", "manifest"]:
            _with_slack(config, slack)

    assert "query preview Acme" in shown["init --brand"]
    assert "1 source enabled for Acme" in shown["doctor"]
    assert "6 match" in shown["query preview"]
    assert "Worth excluding: -" in shown["query preview"]
    assert "7 posts read, 7 new" in shown["backfill --since"]
    assert re.search(r"about 0\.\d a day to console", shown["alerts preview"])
    assert "From a manifest" in shown["slack manifest"]
    assert "receiver care: listener in" in shown["doctor --live"]
    assert f"Heard {ANA}: claim" in shown["slack test"]

    site.publish("Acme charged me twice and nobody answers. I want my money back!", datetime.now(UTC), author="eva")
    before = len(_heads(slack))
    with running(config) as daemon:
        wait_for(lambda: len(_heads(slack)) > before)
        socket.wait_for_line(2)
        assert "charged" in _heads(slack)[-1]["text"]
        socket.click(ANA, "case_claim", channel=CHANNEL)
        wait_for(lambda: f"<@{ANA}>" in str(_heads(slack)[-1]["blocks"]))
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0


def _press(socket: FakeSocket, slack: FakeSlack) -> None:
    wait_for(lambda: bool(_heads(slack)))
    socket.wait_for_line()
    socket.click(ANA, "case_claim", channel=CHANNEL)


def _heads(slack: FakeSlack) -> list[dict[str, Any]]:
    return [one for one in slack.messages(CHANNEL) if "thread_ts" not in one]


def _on_loopback(config: Path, site: FakeHackerNews) -> None:
    """What the tests change in the file that `init` writes: where Hacker News is, and that it may be asked."""
    text = config.read_text()
    text = text.replace('connector = "hackernews"\n', f'connector = "hackernews"\nbase_url = "{site.url}"\n', 1)
    config.write_text(re.sub(r"(?m)^#intranet = .*$", 'intranet = ["127.0.0.1"]', text))


def _with_slack(config: Path, slack: FakeSlack) -> None:
    """The README's lines, above the route that is there."""
    given = RECEIVER.replace('type = "slack"\n', f'type = "slack"\nbase_url = "{slack.base_url}"\n')
    text = config.read_text()
    at = text.index("[[route]]\n# Yours to choose. Every notification")
    config.write_text(text[:at] + given + "\n" + text[at:])
