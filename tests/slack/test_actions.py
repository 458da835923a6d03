"""Clicks from a person's finger to the database and back into the message, through slack-sdk, bolt and a WebSocket."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from listener.model import CaseState, Spike, SpikeState
from rules.vocabulary import Urgency
from tests.fakes.slack import DROP_AFTER, FakeSlack, Fault
from tests.fakes.slack_socket import FakeSocket
from tests.fakes.workplace import CHANNEL, NOON, Workplace, until

GOLDEN = Path(__file__).parent / "golden" / "clicks"
ANA, BEN, CLEO = "U0ANA1234", "U0BEN1234", "U0CLEO123"


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as fake:
        yield fake


@pytest.fixture
def socket(slack: FakeSlack) -> Iterator[FakeSocket]:
    with FakeSocket(slack) as fake:
        yield fake


@pytest.fixture
def work(tmp_path: Path, slack: FakeSlack, socket: FakeSocket) -> Iterator[Workplace]:
    with Workplace(tmp_path, slack) as place, place.heard(socket):
        place.customer_posts("My order never arrived. I paid three weeks ago.")
        place.deliver()
        yield place


def golden(name: str, shown: dict[str, Any]) -> None:
    """`REGOLD=1 pytest tests/slack/test_actions.py` writes them anew; read the diff."""
    path = GOLDEN / f"{name}.json"
    if os.environ.get("REGOLD"):
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(json.dumps(shown, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert shown == json.loads(path.read_text(encoding="utf-8"))


def is_now(work: Workplace, socket: FakeSocket, state: CaseState) -> None:
    until(lambda: work.case().case.state is state, socket)
    work.deliver()


def whispers(slack: FakeSlack, user: str) -> list[str]:
    return [one["text"] for one in slack.whispers if one["user"] == user]


def lossy(slack: FakeSlack, socket: FakeSocket) -> None:
    """Every second acknowledgement and every second answer of Slack's gets lost; what was asked for is done."""
    turns = itertools.count()

    def chance(method: str) -> Fault | None:
        return DROP_AFTER if method != "apps.connections.open" and next(turns) % 2 else None

    slack.chance = chance
    socket.lose_ack = lambda number: number % 2 == 1


@pytest.mark.parametrize("losses", [False, True], ids=["calm", "every-second-answer-lost"])
def test_a_case_is_worked_from_its_alert_to_its_end(
    work: Workplace, slack: FakeSlack, socket: FakeSocket, losses: bool
) -> None:
    golden("1_alert", work.shown())
    if losses:
        lossy(slack, socket)
    seen = work.message()
    clicks = [socket.click(user, "case_claim", message=seen) for user in (ANA, BEN)]
    assert [socket.acked(click) for click in clicks] == [{}, {}]
    is_now(work, socket, CaseState.CLAIMED)
    winner = work.case().case.owner or ""
    (loser,) = {ANA, BEN} - {winner}
    until(lambda: len(whispers(slack, loser)) == 1, socket)
    assert whispers(slack, loser) == [f"{work.case().case.ref} is with <@{winner}> already."]
    assert whispers(slack, winner) == []

    def step(name: str) -> None:
        golden(name, json.loads(json.dumps(work.shown()).replace(winner, "U0FIRST00")))

    step("2_claimed")
    work.at = NOON + timedelta(hours=1)  # set, and not moved on: what was lost has taken its time
    socket.click(winner, "case_replied")
    is_now(work, socket, CaseState.REPLIED)
    step("3_replied")
    socket.click(winner, "case_wait")
    is_now(work, socket, CaseState.WAITING)
    step("4_waiting")
    work.at = NOON + timedelta(hours=3)
    work.customer_posts("Here is the order number: 4711.")
    is_now(work, socket, CaseState.CLAIMED)
    step("5_answered")
    socket.click(winner, "case_resolve")
    is_now(work, socket, CaseState.RESOLVED)
    step("6_resolved")
    work.at = NOON + timedelta(days=1)
    work.customer_posts("It still has not arrived!")
    is_now(work, socket, CaseState.CLAIMED)
    step("7_reopened")
    socket.click(winner, "case_resolve")
    is_now(work, socket, CaseState.RESOLVED)
    step("8_resolved_again")
    assert all(len(posts) == 1 for posts in slack.posts_by_key().values())
    deeds = [event.what for event in work.store.case_history(work.case().case.id)]
    assert deeds == ["opened", "claim", "replied", "wait", "answered", "resolve", "reopened", "resolve"]
    assert len(socket.delivered) == len(set(socket.delivered)) or losses


def test_every_golden_file_belongs_to_a_step() -> None:
    assert len(list(GOLDEN.glob("*.json"))) == 8


def test_a_click_on_an_old_message_is_refused_politely(work: Workplace, slack: FakeSlack, socket: FakeSocket) -> None:
    old = work.message()
    socket.click(ANA, "case_claim")
    is_now(work, socket, CaseState.CLAIMED)
    socket.click(BEN, "case_resolve", message=old)
    until(lambda: bool(whispers(slack, BEN)), socket)
    (said,) = whispers(slack, BEN)
    assert said.startswith(f"{work.case().case.ref} has changed since you saw it. Now: Claimed by <@{ANA}>.")
    assert work.case().case.state is CaseState.CLAIMED


def test_a_click_that_is_delivered_twice_counts_once(work: Workplace, slack: FakeSlack, socket: FakeSocket) -> None:
    body = socket.click_body(ANA, "case_more", option="escalate")
    work.level = Urgency.NORMAL
    for envelope in ("first", "second"):
        socket.send("interactive", body, envelope)
        assert socket.acked(envelope) == {}
    until(lambda: work.case().case.revision == 2, socket)
    # A daemon that was started in between does not remember the first one; the revision does.
    socket.send("interactive", {**body, "trigger_id": slack.trigger()}, "third")
    until(lambda: len(whispers(slack, ANA)) == 1, socket)
    assert "has changed since" in whispers(slack, ANA)[0]
    assert work.case().case.urgency is Urgency.CRITICAL
    assert [one.what for one in work.store.case_history(1)] == ["opened", "escalate"]


def test_a_case_is_snoozed_through_a_window(work: Workplace, slack: FakeSlack, socket: FakeSocket) -> None:
    socket.click(ANA, "case_snooze")
    until(lambda: len(slack.views) == 1, socket)
    choices = [one["value"] for one in slack.views[0]["blocks"][0]["element"]["options"]]
    assert choices == ["1h", "4h", "opening", "next_post", "authors"]
    wrong = socket.submit(ANA, {"until": {"selected_option": {"value": "authors"}}, "authors": {"value": None}})
    answer = socket.acked(wrong)
    assert answer is not None
    assert answer["response_action"] == "errors"
    assert "whole number" in answer["errors"]["authors"]
    assert work.case().case.state is CaseState.NEW
    opened = work.at
    right = socket.submit(ANA, {"until": {"selected_option": {"value": "4h"}}, "authors": {"value": "5"}})
    assert socket.acked(right) == {}
    is_now(work, socket, CaseState.SNOOZED)
    assert work.case().case.snooze == {"until": (opened + timedelta(hours=4)).isoformat()}
    assert "snoozed this case" in work.thread()[-1]
    socket.click(ANA, "case_wake")
    is_now(work, socket, CaseState.NEW)


@pytest.mark.parametrize(
    ("chosen", "kept"),
    [
        ("opening", {"until": "2026-11-17T08:00:00+00:00"}),
        ("next_post", {"next_post": True}),
        ("authors", {"authors": 3}),
    ],
)
def test_a_case_sleeps_until_what_was_chosen(
    work: Workplace, slack: FakeSlack, socket: FakeSocket, chosen: str, kept: dict[str, Any]
) -> None:
    socket.click(ANA, "case_snooze")
    until(lambda: len(slack.views) == 1, socket)
    socket.submit(ANA, {"until": {"selected_option": {"value": chosen}}, "authors": {"value": "3"}})
    is_now(work, socket, CaseState.SNOOZED)
    assert work.case().case.snooze == kept


def test_not_relevant_asks_why_and_keeps_the_answer_as_a_label(
    work: Workplace, slack: FakeSlack, socket: FakeSocket
) -> None:
    socket.click(ANA, "case_more", option="irrelevant")
    until(lambda: len(slack.views) == 1, socket)
    said = {"why": {"selected_option": {"value": "spam"}}, "reason": {"value": "sells watches"}}
    socket.submit(ANA, said)
    is_now(work, socket, CaseState.NOT_RELEVANT)
    (label,) = work.store.labels(work.at - timedelta(days=1))
    assert (label.field, label.was, label.now, label.reason, label.who) == (
        "relevant", True, False, "spam: sells watches", ANA,
    )  # fmt: skip
    assert whispers(slack, ANA) == []
    socket.click(ANA, "case_reopen")
    is_now(work, socket, CaseState.NEW)


def test_not_relevant_says_what_an_exclusion_would_have_dropped_and_excludes_nothing(
    work: Workplace, slack: FakeSlack, socket: FakeSocket
) -> None:
    for author in ("bob", "cid"):
        work.customer_posts("Cheap watches never arrived", author=author, thread=author)
    socket.click(ANA, "case_more", option="irrelevant")
    until(lambda: len(slack.views) == 1, socket)
    said = {"why": {"selected_option": {"value": "spam"}}, "exclude": {"value": " cheap  Watches "}}
    socket.submit(ANA, said)
    until(lambda: bool(whispers(slack, ANA)), socket)
    assert whispers(slack, ANA)[0].startswith(
        "Leaving out posts with “cheap Watches” would have dropped 2 of 2 in the last 14 days, 2 of them in a case."
    )


def test_a_correction_changes_the_case_and_keeps_only_what_was_changed(
    work: Workplace, slack: FakeSlack, socket: FakeSocket
) -> None:
    socket.click(ANA, "case_more", option="edit")
    until(lambda: len(slack.views) == 1, socket)
    shown = {block["block_id"]: block["element"] for block in slack.views[0]["blocks"]}
    assert shown["stage"]["initial_option"]["value"] == "purchase"
    assert [one["value"] for one in shown["touchpoints"]["initial_options"]] == ["delivery", "support"]
    entered = {
        "stage": {"selected_option": {"value": "use"}},
        "urgency": {"selected_option": {"value": "normal"}},
        "sentiment": {"selected_option": {"value": "negative"}},
        "touchpoints": {"selected_options": [{"value": "delivery"}, {"value": "support"}]},
        "reason": {"value": None},
    }
    socket.submit(ANA, entered)
    until(lambda: work.case().case.revision == 2, socket)
    work.deliver()
    assert work.case().case.urgency is Urgency.NORMAL
    assert {label.field: label.now for label in work.store.labels(work.at - timedelta(days=1))} == {
        "stage": "use",
        "urgency": "normal",
    }
    assert work.message()["blocks"][0]["text"]["text"] == "🔵 Normal complaint: delivery, support (use stage)"


def test_a_window_that_was_open_while_the_case_changed_is_refused(
    work: Workplace, slack: FakeSlack, socket: FakeSocket
) -> None:
    socket.click(ANA, "case_snooze")
    until(lambda: len(slack.views) == 1, socket)
    socket.click(BEN, "case_claim")
    is_now(work, socket, CaseState.CLAIMED)
    socket.submit(ANA, {"until": {"selected_option": {"value": "1h"}}, "authors": {"value": "5"}})
    until(lambda: bool(whispers(slack, ANA)), socket)
    assert "has changed since" in whispers(slack, ANA)[0]
    assert work.case().case.state is CaseState.CLAIMED


def test_a_window_that_comes_too_late_says_so(work: Workplace, slack: FakeSlack, socket: FakeSocket) -> None:
    slack.trigger_lasts = -1.0
    socket.click(ANA, "case_snooze")
    until(lambda: bool(whispers(slack, ANA)), socket)
    assert whispers(slack, ANA) == ["Slack waited too long for the window. Please click again."]


def test_the_link_button_and_foreign_buttons_are_acknowledged_and_do_nothing(
    work: Workplace, slack: FakeSlack, socket: FakeSocket
) -> None:
    body = socket.click_body(ANA, "case_reply")
    foreign = {**body, "trigger_id": "x", "actions": [{"type": "button", "action_id": "digest_open", "block_id": "b"}]}
    broken = {**body, "trigger_id": "y", "actions": [{**body["actions"][0], "action_id": "case_claim", "value": "?"}]}
    for number, sent in enumerate((body, foreign, broken)):
        socket.send("interactive", sent, f"e{number}")
        assert socket.acked(f"e{number}") == {}
    until(lambda: bool(whispers(slack, ANA)), socket)
    assert whispers(slack, ANA) == [
        "This did not work, and nothing was changed. Please try again; if it fails again, tell whoever runs listener."
    ]
    assert work.case().case.revision == 1


def test_a_spike_is_claimed_and_decided(work: Workplace, slack: FakeSlack, socket: FakeSocket) -> None:
    spike = Spike(
        0, "", "complaint:checkout", SpikeState.OPEN, Urgency.HIGH, work.at, work.at, work.at, None, 14, 17, 2.1, 1, work.at
    )  # fmt: skip
    assert work.store.begin_spike(spike, [("care", "all")], work.at) is not None
    work.deliver()
    for user in (ANA, BEN):
        socket.click(user, "spike_claim", message=slack.messages(CHANNEL)[-1])
        until(lambda: work.store.spike("s-1").owner == ANA, socket)  # type: ignore[union-attr]
    until(lambda: bool(whispers(slack, BEN)), socket)
    assert whispers(slack, BEN) == [f"s-1 is with <@{ANA}> already."]
    socket.click(BEN, "spike_more", option="false")
    until(lambda: len(whispers(slack, BEN)) == 2, socket)
    assert "s-1 has changed since" in whispers(slack, BEN)[1]
    work.deliver()
    socket.click(BEN, "spike_more", option="expected")
    until(lambda: work.store.spike("s-1").state is SpikeState.EXPECTED, socket)  # type: ignore[union-attr]


def test_explain_shows_the_reasons_to_one_person(work: Workplace, slack: FakeSlack, socket: FakeSocket) -> None:
    before = len(slack.messages(CHANNEL))
    socket.click(ANA, "case_more", option="explain")
    until(lambda: bool(slack.whispers), socket)
    assert "blocked never arrived" in json.dumps(slack.whispers[0]["blocks"])
    assert len(slack.messages(CHANNEL)) == before


def test_acknowledgements_do_not_wait_for_a_slow_slack(work: Workplace, slack: FakeSlack, socket: FakeSocket) -> None:
    slack.chance = lambda method: Fault(wait=1.5, accept=True)
    envelopes = [socket.click(f"U0PERSON{number}", "case_snooze") for number in range(20)]
    for envelope in envelopes:
        assert socket.acked(envelope, 2.9) == {}  # eight at a time would take 4.5 s
