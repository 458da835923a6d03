"""After whatever happened, every message shows how its case stands, and nothing was posted twice."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from listener.cases.deeds import Deed, Wish
from listener.cases.plan import case_ref
from listener.model import Case, CaseState
from listener.slack.look import load_words
from listener.store import Store
from tests.fakes.commands import Terminal
from tests.fakes.hackernews import FakeHackerNews
from tests.fakes.slack import DROP_BEFORE, FakeSlack, Fault
from tests.fakes.slack_socket import FakeSocket
from tests.fakes.workplace import Workplace, until
from tests.stress.test_kills import configuration
from tests.test_daemon import running, wait_for

ANA = "U0ANA1234"
CHANNEL = "C0CARE"


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as fake:
        yield fake


@pytest.fixture
def socket(slack: FakeSlack) -> Iterator[FakeSocket]:
    with FakeSocket(slack) as fake:
        yield fake


@pytest.fixture
def site() -> Iterator[FakeHackerNews]:
    with FakeHackerNews().start() as fake:
        yield fake


@pytest.fixture
def config(tmp_path: Path, slack: FakeSlack, site: FakeHackerNews, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-test")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-test")
    path = configuration(tmp_path, f"sqlite:///{tmp_path / 'listener.db'}", site.url, slack.base_url)
    text = path.read_text(encoding="utf-8").replace(
        'token_env = "SLACK_BOT_TOKEN"', 'token_env = "SLACK_BOT_TOKEN"\napp_token_env = "SLACK_APP_TOKEN"'
    )
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def store(config: Path, tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'listener.db'}") as opened:
        opened.migrate()
        yield opened


def message(slack: FakeSlack) -> dict[str, Any]:
    return next((one for one in slack.messages(CHANNEL) if "thread_ts" not in one), {})


def case(store: Store) -> Case | None:
    found = store.case(case_ref(1))
    return found.case if found else None


def is_shown(slack: FakeSlack, found: Case | None) -> bool:
    """Whether the message says what the database says."""
    shown = message(slack)
    if found is None or not shown:
        return False
    state = load_words("en").word("state", found.state.value)
    facts = next(block for block in shown["blocks"] if block["block_id"].endswith(":facts"))
    return (
        facts["block_id"] == f"{found.ref}:{found.revision}:facts"
        and state in facts["fields"][0]["text"]
        and (not found.owner or f"<@{found.owner}>" in facts["fields"][0]["text"])
    )


def test_a_daemon_killed_between_click_and_edit_edits_after_its_restart(
    config: Path, store: Store, slack: FakeSlack, socket: FakeSocket, site: FakeHackerNews
) -> None:
    site.publish("Acme: my order never arrived.", author="ada")
    with running(config) as daemon:
        wait_for(lambda: bool(message(slack)))
        socket.wait_for_line()
        slack.chance = lambda method: Fault(wait=20.0, drop=True) if method == "chat.update" else None
        socket.click(ANA, "case_claim")
        wait_for(lambda: slack.counted("chat.update") == 1)
        daemon.kill()
        daemon.wait()
    stands = case(store)
    assert stands is not None
    assert stands.owner == ANA
    assert not is_shown(slack, stands)
    slack.chance = lambda method: None
    with running(config) as daemon:
        wait_for(lambda: is_shown(slack, case(store)))
        wait_for(lambda: [one["text"] for one in slack.messages(CHANNEL)][1:] == [f"<@{ANA}> claimed this case."])
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
    assert all(len(posts) == 1 for posts in slack.posts_by_key().values())


def test_kills_around_clicks_leave_no_message_that_says_something_else_than_the_database(
    config: Path, store: Store, slack: FakeSlack, socket: FakeSocket, site: FakeHackerNews
) -> None:
    chance = random.Random(20261122)
    site.publish("Acme: my order never arrived.", author="ada")
    for number in range(5):
        with running(config) as daemon:
            wait_for(lambda: is_shown(slack, case(store)))
            opened = socket.opened
            wait_for(lambda: bool(socket._live()) and not socket._live()[-1].mute)
            stands = case(store)
            assert stands is not None
            closed = stands.state is CaseState.RESOLVED
            socket.click(ANA, "case_reopen" if closed else "case_resolve")
            time.sleep(chance.uniform(0.0, 0.3 if number % 2 else 1.5))
            daemon.kill()
            daemon.wait()
        wait_for(lambda: not socket._live())
        assert socket.opened >= opened
    with running(config) as daemon:
        wait_for(lambda: is_shown(slack, case(store)))
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
    assert all(len(posts) == 1 for posts in slack.posts_by_key().values())
    deeds = [event.what for event in store.case_history(1) if event.what in ("resolve", "reopen")]
    assert deeds
    assert deeds == (["resolve", "reopen"] * 3)[: len(deeds)]


def test_after_an_hour_without_slack_every_message_shows_the_true_state(
    tmp_path: Path, slack: FakeSlack, socket: FakeSocket
) -> None:
    with ExitStack() as closing:
        work = closing.enter_context(Workplace(tmp_path, slack))
        closing.enter_context(work.heard(socket))
        for author in ("ada", "bob", "cid"):
            work.customer_posts("My order never arrived.", author=author, thread=author)
        work.deliver()
        before = slack.messages(CHANNEL)
        slack.chance = lambda method: DROP_BEFORE
        socket.cut()
        refs = [case_ref(number) for number in (1, 2, 3)]
        deeds = [(Deed.CLAIM, 0), (Deed.CLAIM, 1), (Deed.REPLIED, 0), (Deed.RESOLVE, 1), (Deed.ESCALATE, 2)]
        for minute in range(60):
            if minute % 10 == 5 and deeds:
                deed, which = deeds.pop(0)
                work.desk.do(refs[which], Wish(deed, ANA, "cli"))
            if minute == 30:
                work.customer_posts("Anybody there?", author="cid", thread="cid")
            work.deliver(seconds=1)
            work.at += timedelta(minutes=1)
        assert slack.messages(CHANNEL) == before
        slack.chance = lambda method: None
        socket.wait_for_line(2)
        work.at += timedelta(minutes=15)  # the longest pause of the outbox
        work.deliver()
        heads = {one["blocks"][0]["block_id"]: one for one in slack.messages(CHANNEL) if "thread_ts" not in one}
        for ref in refs:
            view = work.store.case(ref)
            assert view is not None
            shown = heads[f"{ref}:{view.case.revision}:head"]
            assert load_words("en").word("state", view.case.state.value) in str(shown["blocks"])
        assert len(heads) == 3
        assert all(len(posts) == 1 for posts in slack.posts_by_key().values())
        socket.click(ANA, "case_reopen")
        until(lambda: work.desk.case(refs[1]).case.state is CaseState.CLAIMED, socket)  # type: ignore[union-attr]


def test_buttons_that_cannot_work_leave_alerts_alone(
    config: Path,
    slack: FakeSlack,
    site: FakeHackerNews,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("SLACK_APP_TOKEN")
    site.publish("Acme: my order never arrived.", author="ada")
    with running(config) as daemon:
        wait_for(lambda: bool(message(slack)))
        daemon.send_signal(signal.SIGTERM)
        _, log = daemon.communicate(timeout=20)
    assert daemon.returncode == 0
    assert "SLACK_APP_TOKEN (app_token_env) is not set" in log
    assert [one["action_id"] for one in message(slack)["blocks"][-1]["elements"]] == ["case_reply"]
    assert "SLACK_APP_TOKEN" in Terminal(capsys)("--config", str(config), "doctor").out


def test_the_daemon_stops_in_time_with_its_line_open(
    config: Path, slack: FakeSlack, socket: FakeSocket, site: FakeHackerNews, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(config) as daemon:
        socket.wait_for_line(seconds=20)
        terminal = Terminal(capsys)
        wait_for(lambda: "clicks through care: connected" in terminal("--config", str(config), "status").out)
        since = time.monotonic()
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
        assert time.monotonic() - since < 8


def test_the_test_command_posts_an_alert_whose_buttons_work(
    config: Path, store: Store, slack: FakeSlack, socket: FakeSocket, capsys: pytest.CaptureFixture[str]
) -> None:
    import threading

    def press() -> None:
        wait_for(lambda: bool(message(slack)))
        socket.wait_for_line()
        socket.click(ANA, "case_claim")

    pressing = threading.Thread(target=press)
    pressing.start()
    said = Terminal(capsys)("--config", str(config), "slack", "test")
    pressing.join()
    assert said.code == 0, said.err
    assert "Press Claim there" in said.err
    assert f"Heard {ANA}: claim." in said.out
    assert message(slack)["text"].startswith("DRILL · Resolved: High complaint")
    missed = Terminal(capsys)("--config", str(config), "slack", "test", "--wait", "0.3")
    assert missed.code == 1
    assert "nobody pressed a button" in missed.err
    assert not [case for case in store.cases_in(CaseState.NEW, CaseState.CLAIMED) if case.platform == "drill"]


def test_a_test_that_slack_refuses_says_so(
    config: Path, store: Store, slack: FakeSlack, socket: FakeSocket, capsys: pytest.CaptureFixture[str]
) -> None:
    slack.chance = lambda method: Fault(error="channel_not_found") if method == "chat.postMessage" else None
    said = Terminal(capsys)("--config", str(config), "slack", "test", "--wait", "5")
    assert said.code == 1
    assert "care is stopped" in said.err
    assert "Traceback" not in said.err
