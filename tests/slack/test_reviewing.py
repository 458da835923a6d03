"""The weekly digest's button: who read it first is kept, and the message says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from listener.model import NewNotification, NotificationKind
from listener.slack.look import Look, load_words
from listener.slack.reviewing import offered, week_of
from rules.vocabulary import Urgency
from tests.fakes.commands import Terminal
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_socket import FakeSocket
from tests.fakes.workplace import Workplace, until

ANA, BEN, WEEK = "U0ANA1234", "U0BEN1234", "2026-W47"
SAID = {
    "text": "12 people wrote about Acme.",
    "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "12 people wrote about Acme."}}],
    "week": WEEK,
}


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as fake:
        yield fake


@pytest.fixture
def socket(slack: FakeSlack) -> Iterator[FakeSocket]:
    with FakeSocket(slack) as fake:
        yield fake


def placed(folder: Path, slack: FakeSlack, more: str = "") -> Workplace:
    """Where a digest was just posted."""
    work = Workplace(folder, slack, more=more)
    key = f"digest:{WEEK}:care"
    work.store.enqueue(
        [NewNotification(key, NotificationKind.DIGEST, "care", Urgency.LOW, work.at, "digest", SAID)], work.at
    )
    work.deliver()
    return work


def shown(work: Workplace) -> str:
    return json.dumps(work.message()["blocks"])


def test_who_reviews_first_is_kept_and_stands_in_the_message(
    tmp_path: Path, slack: FakeSlack, socket: FakeSocket
) -> None:
    with placed(tmp_path, slack) as work, work.heard(socket):
        before = dict(work.message())
        assert "Mark reviewed" in shown(work)
        socket.click(ANA, "digest_reviewed")
        until(lambda: f"<@{ANA}>" in shown(work), socket)
        assert "Mark reviewed" not in shown(work)
        assert "12 people wrote about Acme." in shown(work)
        socket.click(BEN, "digest_reviewed", message=before)  # an old window still shows the button
        until(lambda: sum(method == "chat.update" for method, _ in slack.calls) == 2, socket)
        assert f"<@{ANA}>" in shown(work)
        assert f"<@{BEN}>" not in shown(work)
        assert work.store.review_digest(WEEK, "carl", work.at)[0] == ANA


def test_who_may_not_work_cases_reviews_nothing(tmp_path: Path, slack: FakeSlack, socket: FakeSocket) -> None:
    with placed(tmp_path, slack, more=f'[slack]\nmay_work = ["{ANA}"]') as work, work.heard(socket):
        socket.click(BEN, "digest_reviewed")
        socket.click(ANA, "digest_reviewed")
        until(lambda: f"<@{ANA}>" in shown(work), socket)
        assert work.store.review_digest(WEEK, "carl", work.at)[0] == ANA


def test_only_a_week_is_offered_or_taken_and_only_where_clicks_are_heard() -> None:
    look = Look(load_words("fr"), interactive=True)
    (block,) = offered(WEEK, look)
    assert block["elements"][0]["text"]["text"] == "Marquer comme lu"
    assert offered("", look) == offered("<!here>", look) == offered(WEEK, Look(load_words("en"))) == []
    assert week_of("2026-W47<!here>") is None


def test_the_command_line_does_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "listener.toml").write_text(
        '[brand]\nname = "Acme"\n[[receiver]]\nname = "console"\ntype = "console"\n'
        '[[route]]\nname = "all"\nto = ["console"]\n[digest]\nto = ["console"]\n'
    )
    terminal = Terminal(capsys)
    first = terminal("digest", "reviewed", WEEK)
    assert (first.code, f"The digest of {WEEK} was reviewed by" in first.out) == (0, True)
    assert terminal("digest", "reviewed", WEEK).out == first.out
    assert terminal("digest", "reviewed", "2026-W99").code == 2
