"""Spikes and the entries below them against golden files: `REGOLD=1 pytest tests/slack/test_spikes.py`; read the diff."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from listener.model import CaseState, Delivery, NotificationKind, Receipt, Spike, SpikeState, SpikeView
from listener.receivers.console import ConsoleReceiver
from listener.receivers.webhook import document
from listener.slack import limits
from listener.slack.blocks import Message
from listener.slack.client import SlackReceiver
from listener.slack.entries import message_for
from rules.vocabulary import Urgency
from tests.fakes.slack import FakeSlack
from tests.fakes.told import NOW, complaint, delivery, look, told
from tests.slack.test_blocks import HOSTILE

GOLDEN = Path(__file__).parent / "golden" / "spikes"
OPEN, SPIKE, EDIT = NotificationKind.CASE_OPEN, NotificationKind.SPIKE, NotificationKind.SPIKE_UPDATE

FIGURES = {
    "window": 3,
    "most": 10,
    "spread": 1.4,
    "plain": False,
    "chance": 3e-6,
    "shape": "many",
    "share": 0.12,
    "sentiments": {"negative": 12, "neutral": 2},
    "languages": {"fr": 9, "it": 4, "en": 1},
    "stages": {"purchase": 13},
    "touchpoints": {"checkout": 14, "app": 3},
    "words": [["card declined", 9], ["3-d secure", 5]],
    "sources": 4,
    "silent": [],
}


def spike(**changes: object) -> SpikeView:
    """Cards are refused."""
    plain = Spike(
        id=1,
        ref="s-1",
        kind="complaint:checkout",
        state=SpikeState.OPEN,
        urgency=Urgency.HIGH,
        begun_at=NOW - timedelta(hours=2, minutes=40),
        opened_at=NOW - timedelta(minutes=20),
        last_at=NOW,
        ended_at=None,
        authors=14,
        posts=17,
        expected=2.1,
        revision=1,
        told_at=NOW,
        figures=FIGURES,
    )
    examples = (
        told("Carte refusée 3 fois alors qu'elle marche partout ailleurs", url="https://mastodon.example/1"),
        told("Pagamento rifiutato ma addebitato!!", platform="bluesky", url="https://bsky.example/2"),
        told("Checkout is broken on the app again", platform="reddit", url="https://reddit.example/3"),
    )
    return SpikeView(replace(plain, **changes), examples, 11)  # type: ignore[arg-type]


def told_of(
    found: SpikeView, language: str = "en", *, interactive: bool = False, budget: int = limits.BLOCKS_BUDGET
) -> Message:
    said = delivery(SPIKE, case=None, spike=found)
    return message_for(said, look(language, interactive=interactive), NOW, budget=budget)


def hostile() -> SpikeView:
    bad = {
        **FIGURES,
        "words": [["<!channel> *x*", 3]],
        "silent": ["<@U1>"],
        "touchpoints": {"<!here>": 3},
        "languages": {"<@U2>": 1},
    }
    found = spike(kind="complaint:<!channel>", figures=bad, owner="<!everyone>")
    return replace(found, examples=(told(HOSTILE, url="javascript:alert(1)", platform="<!channel>"),))


def entry(**changes: object) -> Delivery:
    parent = Receipt({"channel": "C0CARE", "ts": "1.1", "key": "spike:s-1:care"})
    kind = changes.pop("kind", OPEN)
    assert isinstance(kind, NotificationKind)
    return delivery(kind, **{"folded_in": "s-1", "parent": parent, **changes})


def messages() -> dict[str, Message]:
    claimed = replace(
        complaint(), case=replace(complaint().case, state=CaseState.CLAIMED, owner="U0ANA1234", revision=2)
    )
    plain = {**FIGURES, "plain": True, "most": 7, "words": [], "silent": ["reddit"], "shape": "thread", "share": 0.8}
    over = {"state": SpikeState.ENDED, "ended_at": NOW, "owner": "U0ANA1234", "revision": 5, "authors": 40, "posts": 52}
    return {
        "open_en": told_of(spike()),
        "open_fr_with_buttons": told_of(spike(), "fr", interactive=True),
        "over": told_of(spike(**over)),
        "expected_fr": told_of(spike(state=SpikeState.EXPECTED, ended_at=NOW), "fr"),
        "plain_rule": told_of(spike(kind="praise", urgency=Urgency.NORMAL, figures=plain, expected=0.2)),
        "hostile": told_of(hostile(), interactive=True),
        "entry": message_for(entry(), look(interactive=True), NOW),
        "entry_claimed_fr": message_for(entry(kind=NotificationKind.CASE_UPDATE, case=claimed), look("fr"), NOW),
    }


@pytest.mark.parametrize("name", sorted(messages()))
def test_a_message_is_what_its_golden_file_says(name: str) -> None:
    said = messages()[name]
    shown = {"text": said.text, "blocks": list(said.blocks), "metadata": dict(said.metadata)}
    path = GOLDEN / f"{name}.json"
    if os.environ.get("REGOLD"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(shown, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert shown == json.loads(path.read_text(encoding="utf-8"))
    assert limits.problems(shown) == []
    assert limits.size(said.blocks) <= limits.BLOCKS_BUDGET
    assert len(said.text) < limits.TEXT_WANTED


def test_every_golden_file_belongs_to_a_message() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(messages())


def test_the_first_line_says_what_how_many_and_how_many_are_usual() -> None:
    head = told_of(spike()).blocks[0]["text"]["text"]
    assert head == "🟠 High spike: checkout complaints, 14 authors in 3 h (about 2 expected)"
    assert "fewer than 1 expected" in told_of(spike(expected=0.4)).text


def test_buttons_need_a_hearer_and_an_open_spike() -> None:
    assert told_of(spike()).blocks[-1]["type"] == "context"
    acts = told_of(spike(), interactive=True).blocks[-1]["elements"]
    assert [one["action_id"] for one in acts] == ["spike_claim", "spike_more"]
    assert acts[0]["value"] == "s-1:1"
    assert [one["value"] for one in acts[1]["options"]] == ["end:s-1:1", "expected:s-1:1", "false:s-1:1"]
    over = told_of(spike(state=SpikeState.ENDED, ended_at=NOW), interactive=True)
    assert over.blocks[-1]["type"] == "context"


def test_words_from_outside_stand_in_no_mrkdwn() -> None:
    for name in ("hostile", "entry"):
        for block in messages()[name].blocks:
            for one in [*block.get("fields", ()), *block.get("elements", ())]:
                if one.get("type") == "mrkdwn":
                    assert one["verbatim"] is True
                    assert not any(sign in one["text"] for sign in ("<!channel", "<!here", "<@U2", "<!everyone"))


@pytest.mark.parametrize("budget", [4_500, 2_500])
def test_a_smaller_budget_loses_examples_first(budget: int) -> None:
    long = replace(
        spike(), examples=tuple(told("Ça ne marche pas 😡 " * 90, url=f"https://m.example/{n}") for n in range(3))
    )
    said = told_of(long, budget=budget)
    assert limits.size(said.blocks) <= budget
    assert said.blocks[1]["type"] == "section"


def test_the_console_shows_it_and_indents_what_is_in_its_thread() -> None:
    out = StringIO()
    receiver = ConsoleReceiver(Console(file=out, width=100), look(), clock=lambda: NOW)
    receiver.send(delivery(SPIKE, case=None, spike=spike()))
    receiver.send(entry())
    shown = out.getvalue()
    assert "14 authors in 3 h" in shown
    assert "Carte refusée" in shown
    assert "\n    ▌" in shown


def test_a_webhook_hears_figures_and_where_a_case_is_told() -> None:
    said = document(delivery(SPIKE, case=None, spike=spike()))["spike"]
    assert (said["ref"], said["authors"], said["expected_authors"], said["cases_told_in_it"]) == ("s-1", 14, 2.1, 11)
    assert said["examples"][0]["url"] == "https://mastodon.example/1"
    assert document(entry())["spike"] == {"ref": "s-1"}
    assert "spike" not in document(delivery(OPEN))


def test_in_slack_cases_of_a_spike_and_all_that_follows_them_stand_in_its_thread() -> None:
    with FakeSlack(token="xoxb-test") as slack:
        receiver = SlackReceiver("xoxb-test", "C0CARE", look(), base_url=slack.base_url, timeout=5.0)
        message = receiver.send(delivery(SPIKE, case=None, spike=spike(), key="spike:s-1:care"))
        opening = receiver.send(entry(parent=message))
        assert opening.data["thread"] == message.data["ts"]
        assert receiver.find(entry(parent=message)) == opening
        folded = {"folded_in": "s-1", "parent": opening}
        receiver.send(delivery(NotificationKind.CASE_UPDATE, key="u", **folded))
        receiver.send(delivery(NotificationKind.CASE_NOTE, key="n", payload={"deed": "claim", "who": "ann"}, **folded))
        receiver.send(delivery(EDIT, case=None, spike=spike(revision=2), key="e", parent=message))
        stand = slack.messages("C0CARE")
        assert [one.get("thread_ts") for one in stand] == [None, message.data["ts"], message.data["ts"]]
        assert stand[0]["blocks"][0]["block_id"] == "s-1:2:head"
        assert receiver.find(entry(parent=message, key="other")) is None
        slack.close_edit_window("C0CARE")
        receiver.send(delivery(EDIT, case=None, spike=spike(revision=3), key="e3", parent=message))
        assert slack.messages("C0CARE")[-1]["thread_ts"] == message.data["ts"]
        gone = {"payload": {"removed": True}, "case": None, "spike": spike(revision=4), "key": "e4", "parent": message}
        receiver.send(delivery(EDIT, **gone))
        assert message.data["ts"] not in [one["ts"] for one in slack.messages("C0CARE")]
