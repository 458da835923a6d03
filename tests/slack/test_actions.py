"""Clicks from a person's finger to the database and back into the message, through slack-sdk, bolt and a WebSocket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from listener.model import CaseState, Spike, SpikeState
from rules.vocabulary import Urgency
from tests.fakes.slack import FakeSlack, Fault
from tests.fakes.slack_socket import FakeSocket
from tests.fakes.workplace import CHANNEL, Workplace, until

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


def is_now(work: Workplace, socket: FakeSocket, state: CaseState) -> None:
    until(lambda: work.case().case.state is state, socket)
    work.deliver()


def whispers(slack: FakeSlack, user: str) -> list[str]:
    return [one["text"] for one in slack.whispers if one["user"] == user]


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
