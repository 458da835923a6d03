"""One case from the customer's post to its end, as two colleagues live it, on each database and over a bad line.

Real slack-sdk and slack-bolt, a Slack on loopback over HTTP and WebSocket. After each step the case's message and its thread are
a golden file: `REGOLD=1 pytest tests/slack/test_story.py` writes them anew; read the diff.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from listener.model import CaseState
from tests.fakes.slack import DROP_AFTER, FakeSlack, Fault
from tests.fakes.slack_socket import FakeSocket
from tests.fakes.workplace import NOON, Workplace, until

GOLDEN = Path(__file__).parent / "golden" / "clicks"
ANA, BEN = "U0ANA1234", "U0BEN1234"
STEPS = (
    "1_alert", "2_claimed", "3_replied", "4_waiting", "5_answered", "6_resolved", "7_reopened", "8_resolved_again",
)  # fmt: skip


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as fake:
        yield fake


@pytest.fixture
def socket(slack: FakeSlack) -> Iterator[FakeSocket]:
    with FakeSocket(slack) as fake:
        yield fake


@pytest.fixture
def work(tmp_path: Path, slack: FakeSlack, socket: FakeSocket, database_url: str) -> Iterator[Workplace]:
    with Workplace(tmp_path, slack, database=database_url) as place, place.heard(socket):
        yield place


def lossy(slack: FakeSlack, socket: FakeSocket) -> list[str]:
    """Every second acknowledgement and every second answer of Slack's gets lost; what was asked for is done.

    Returns the methods whose answers were lost, as they are.
    """
    turns, lost = itertools.count(), list[str]()

    def chance(method: str) -> Fault | None:
        if method == "apps.connections.open" or not next(turns) % 2:
            return None
        lost.append(method)
        return DROP_AFTER

    slack.chance = chance
    socket.lose_ack = lambda number: number % 2 == 1
    return lost


@pytest.mark.parametrize("losses", [False, True], ids=["calm", "every-second-answer-lost"])
def test_a_case_is_worked_from_its_alert_to_its_end(
    work: Workplace, slack: FakeSlack, socket: FakeSocket, losses: bool
) -> None:
    lost = lossy(slack, socket) if losses else []
    seen_of: dict[str, str] = {}

    def whispers(user: str) -> list[str]:
        return [one["text"] for one in slack.whispers if one["user"] == user]

    def is_now(state: CaseState) -> None:
        until(lambda: work.case().case.state is state, socket)
        work.deliver()

    def shows(step: str) -> None:
        """The message and its thread are the golden file's, whoever of the two was first."""
        shown = json.loads(json.dumps(work.shown()).replace(seen_of.get("winner", "?"), "U0FIRST00"))
        path = GOLDEN / f"{step}.json"
        if os.environ.get("REGOLD"):
            path.write_text(json.dumps(shown, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        assert shown == json.loads(path.read_text(encoding="utf-8")), step

    # A customer posts, and the channel is alerted.
    work.customer_posts("My order never arrived. I paid three weeks ago.")
    work.deliver()
    work.at = NOON  # set back, here and below: what was lost has taken its time
    shows("1_alert")

    # Two press Claim at once: one has it, the other is told so, and nobody else is told anything.
    alert = work.message()
    clicks = [socket.click(user, "case_claim", message=alert) for user in (ANA, BEN)]
    assert [socket.acked(click) for click in clicks] == [{}, {}]
    is_now(CaseState.CLAIMED)
    winner = seen_of["winner"] = work.case().case.owner or ""
    (loser,) = {ANA, BEN} - {winner}
    until(lambda: len(whispers(loser)) == 1, socket)
    assert whispers(loser) == [f"{work.case().case.ref} is with <@{winner}> already."]
    assert whispers(winner) == []
    shows("2_claimed")

    # Whoever has it replies, and waits for the customer.
    work.at = NOON + timedelta(hours=1)
    socket.click(winner, "case_replied")
    is_now(CaseState.REPLIED)
    shows("3_replied")
    socket.click(winner, "case_wait")
    is_now(CaseState.WAITING)
    shows("4_waiting")

    # The customer answers: the case is theirs again. It is resolved.
    work.at = NOON + timedelta(hours=3)
    work.customer_posts("Here is the order number: 4711.")
    is_now(CaseState.CLAIMED)
    shows("5_answered")
    socket.click(winner, "case_resolve")
    is_now(CaseState.RESOLVED)
    shows("6_resolved")

    # The customer comes back: the same case is open again, in its thread. It is resolved for good.
    work.at = NOON + timedelta(days=1)
    work.customer_posts("It still has not arrived!")
    is_now(CaseState.CLAIMED)
    assert "It still has not arrived!" in work.thread()[-1]
    shows("7_reopened")
    socket.click(winner, "case_resolve")
    is_now(CaseState.RESOLVED)
    shows("8_resolved_again")

    # Nothing was posted twice, and nothing was done twice.
    assert {key: len(posts) for key, posts in slack.posts_by_key().items() if len(posts) != 1} == {}
    assert len(whispers(loser)) == 1
    deeds = [event.what for event in work.store.case_history(work.case().case.id)]
    assert deeds == ["opened", "claim", "replied", "wait", "answered", "resolve", "reopened", "resolve"]
    if losses:
        assert {"chat.postMessage", "chat.update"} <= set(lost)
        assert len(socket.delivered) > len(set(socket.delivered))


def test_every_golden_file_belongs_to_a_step() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.json")) == sorted(STEPS)
