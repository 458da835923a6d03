"""The line to Slack: opened in the background, watched, replaced, closed in time; and the door for those without one."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from listener import app as composition
from listener import troubles
from listener.model import CaseState
from listener.slack.actions import Clicks
from listener.slack.door import LARGEST, WebDoor
from listener.slack.rights import Rights
from listener.slack.socket import SocketLine
from tests.fakes.slack import HTML_502, FakeSlack, rate_limited, refused
from tests.fakes.slack_socket import FakeSocket
from tests.fakes.workplace import QUICK, Workplace, until

ANA = "U0ANA1234"


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as fake:
        yield fake


@pytest.fixture
def socket(slack: FakeSlack) -> Iterator[FakeSocket]:
    with FakeSocket(slack) as fake:
        yield fake


@pytest.fixture
def work(tmp_path: Path, slack: FakeSlack) -> Iterator[Workplace]:
    with Workplace(tmp_path, slack) as place:
        place.customer_posts("My order never arrived.")
        place.deliver()
        yield place


def line_of(work: Workplace) -> dict[str, object]:
    known = work.store.get_meta("slack.clicks:care")
    return dict(known) if isinstance(known, dict) else {}


def claims(work: Workplace, socket: FakeSocket) -> None:
    socket.click(ANA, "case_claim")
    until(lambda: work.case().case.state is CaseState.CLAIMED, socket)


def test_a_line_that_breaks_is_opened_again(work: Workplace, socket: FakeSocket) -> None:
    with work.heard(socket):
        socket.cut()
        socket.wait_for_line(2)
        claims(work, socket)


def test_a_line_that_slack_wants_replaced_is_replaced(work: Workplace, socket: FakeSocket) -> None:
    with work.heard(socket):
        socket.refresh()
        socket.wait_for_line(2)
        claims(work, socket)
        until(lambda: line_of(work)["state"] == "connected", socket)


def test_a_ghost_is_noticed_when_pings_are_not_answered(work: Workplace, socket: FakeSocket) -> None:
    with work.heard(socket):
        since = time.monotonic()
        socket.mute()
        socket.wait_for_line(2)
        assert time.monotonic() - since < 8  # four ping intervals of 0.3 s, and the three seconds of a receiving client
        claims(work, socket)


def test_more_lines_than_daemons_are_noted_and_many_are_a_trouble(work: Workplace, socket: FakeSocket) -> None:
    socket.counted = 9
    with work.heard(socket):
        until(lambda: line_of(work).get("connections") == 9, socket)
        work.store.set_meta("heartbeat", {"at": work.at.isoformat(), "owner": "x"})
        (said,) = troubles.troubles(work.store, work.at, work.config)
        assert "Slack counts 9 lines to this app" in said


def test_a_slack_that_is_away_at_the_start_is_waited_for(work: Workplace, slack: FakeSlack, socket: FakeSocket) -> None:
    slack.fail("apps.connections.open", HTML_502, rate_limited("0"), HTML_502)
    with work.heard(socket):
        assert slack.counted("apps.connections.open") == 4
        claims(work, socket)


def test_a_wrong_app_token_is_a_trouble_and_not_asked_about_again_at_once(
    work: Workplace, slack: FakeSlack, tmp_path: Path
) -> None:
    slack.fail("apps.connections.open", *[refused("invalid_auth")] * 5)
    clicks = Clicks(work.client(), work.desk, work.look, Rights())
    line = SocketLine(
        clicks.app, "xapp-wrong", work.client(), note=lambda known: work.store.set_meta("slack.clicks:care", known),
        clock=work.clock, patience=QUICK,
    )  # fmt: skip
    line.start()
    deadline = time.monotonic() + 5
    while line_of(work).get("state") != "away" and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)
    assert slack.counted("apps.connections.open") == 1
    assert "the app-level token is not valid" in str(line_of(work)["why"])
    line.stop()
    clicks.close()
    work.store.set_meta("slack.clicks:care", {"state": "away", "since": work.at.isoformat(), "why": "w"})
    work.store.set_meta("heartbeat", {"at": work.at.replace(hour=13).isoformat(), "owner": "x"})
    (said,) = troubles.troubles(work.store, work.at.replace(hour=13), work.config)
    assert said == "clicks in Slack have not been heard for 60 minutes: w"


def test_a_daemon_stops_in_time_whatever_the_line_does(work: Workplace, socket: FakeSocket) -> None:
    with work.heard(socket):
        socket.mute()
        since = time.monotonic()
    assert time.monotonic() - since < 9
    assert line_of(work)["state"] == "stopped"


def test_a_database_that_cannot_note_the_line_does_not_end_it(work: Workplace, socket: FakeSocket) -> None:
    def broken(known: object) -> None:
        raise OSError("full")

    with work.heard(socket, note=broken):
        socket.cut()
        socket.wait_for_line(2)
        claims(work, socket)


# HTTP

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


@pytest.fixture
def door(work: Workplace) -> Iterator[WebDoor]:
    clicks = Clicks(work.client(), work.desk, work.look, Rights(), signing_secret=SECRET)
    opened = WebDoor(clicks.app, 0)
    opened.start()
    yield opened
    opened.stop()
    clicks.close()


def called(door: WebDoor, body: str, at: float | None = None, secret: str = SECRET) -> httpx.Response:
    stamp = str(int(at if at is not None else time.time()))
    signature = "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature,
    }
    url = f"http://127.0.0.1:{door.port}/slack/events"
    return httpx.post(url, content=body.encode(), headers=headers, trust_env=False, timeout=5)


def test_a_signed_click_is_worked_and_others_are_not(work: Workplace, door: WebDoor, socket: FakeSocket) -> None:
    body = urlencode({"payload": json.dumps(socket.click_body(ANA, "case_claim"))})
    assert called(door, body, secret="guessed").status_code == 401
    assert called(door, body, at=time.time() - 3600).status_code == 401
    assert work.case().case.state is CaseState.NEW
    answer = called(door, body)
    assert (answer.status_code, answer.text) == (200, "")
    until(lambda: work.case().case.state is CaseState.CLAIMED, socket)


def test_the_door_proves_its_address_and_refuses_what_is_none_of_its_business(door: WebDoor) -> None:
    url = f"http://127.0.0.1:{door.port}"
    challenge = json.dumps({"type": "url_verification", "challenge": "3eZbrw"})
    assert "3eZbrw" in called(door, challenge).text
    assert httpx.post(f"{url}/other", trust_env=False).status_code == 404
    assert httpx.get(f"{url}/slack/events", trust_env=False).status_code == 501
    caller = http.client.HTTPConnection("127.0.0.1", door.port, timeout=5)
    caller.putrequest("POST", "/slack/events")
    caller.putheader("Content-Length", str(LARGEST + 1))
    caller.endheaders()
    assert caller.getresponse().status == 413
    caller.close()


def live(work: Workplace) -> list[tuple[str, str, str]]:
    check = dict(composition.live_checks(work.config))["slack"]
    return [(found.level, found.what, found.remedy) for found in check() if "clicks" in found.what]


@pytest.mark.parametrize(
    ("code", "level", "said"),
    [
        (
            "invalid_auth",
            "problem",
            "the app-level token is not valid; copy it again (Basic Information, App-Level Tokens)",
        ),
        ("not_allowed_token_type", "problem", "this is no app-level token; use the one that begins with xapp"),
        ("missing_scope", "problem", "give the app-level token the scope connections:write"),
        ("internal_error", "warning", "internal_error"),
    ],
)
def test_doctor_live_says_what_to_do_about_a_wrong_app_token(
    work: Workplace, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch, code: str, level: str, said: str
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-test")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-test")
    slack.fail("apps.connections.open", refused(code))
    ((found, what, _),) = live(work)
    assert found == level
    assert said in what
    assert "xapp-test" not in what


def test_doctor_live_says_that_a_right_app_token_is_taken(
    work: Workplace, socket: FakeSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-test")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-test")
    assert live(work) == [("ok", "receiver care: clicks are heard: Slack takes the app token", "")]


@pytest.mark.parametrize(("secret", "level"), [(SECRET, "ok"), ("xapp-1-A1-2", "problem"), (SECRET[:-1], "problem")])
def test_doctor_live_sees_that_something_else_was_set_as_signing_secret(
    work: Workplace, monkeypatch: pytest.MonkeyPatch, secret: str, level: str
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-test")
    monkeypatch.setenv("SLACK_SIGNING", secret)
    said = {"app_token_env": None, "signing_secret_env": "SLACK_SIGNING"}
    receivers = tuple(one.model_copy(update=said) for one in work.config.receivers)
    work.config = replace(work.config, receivers=receivers)
    ((found, what, _),) = live(work)
    assert found == level
    assert secret not in what
