"""A public reply in Slack: who may, two windows, what is published, and what everybody is told."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import CannotReply, Refused, Voice
from listener.model import CaseState
from listener.replying import Replier, publish
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_socket import FakeSocket
from tests.fakes.workplace import CHANNEL, Workplace, until
from tests.test_replying import Platform

GOLDEN = Path(__file__).parent / "golden" / "replies"
ANA, BEN, CLEO = "U0ANA1234", "U0BEN1234", "U0CLEO123"
TEXT = "Sorry! <b>We</b> have *sent* a new one @ana :tada:\n\nhttps://acme.example/?a=1&b=2"
MORE = '[slack]\nmay_reply = ["U0ANA1234", "S0CARE123"]\n'


class Place:
    """A team whose forum can be answered."""

    def __init__(self, work: Workplace, slack: FakeSlack, socket: FakeSocket) -> None:
        self.work, self.slack, self.socket = work, slack, socket
        self.platform = Platform()
        repliers = {"forum": Replier("forum", self.platform)}
        work.look = replace(work.look, replies=frozenset({"forum"}))
        work.desk = replace(work.desk, repliers=repliers)
        work.outlet = replace(work.outlet, receiver=with_look(work))

    def windows(self) -> list[dict[str, Any]]:
        return self.slack.views

    def press(self, user: str = ANA) -> dict[str, Any]:
        """The button; the window that it opened."""
        before = len(self.windows())
        self.socket.click(user, "case_answer")
        until(lambda: len(self.windows()) > before, self.socket)
        return self.windows()[-1]

    def write(self, text: str, user: str = ANA, window: dict[str, Any] | None = None) -> dict[str, Any]:
        """What Slack is answered when the first window is sent off."""
        answer = self.socket.acked(self.socket.submit(user, {"text": {"value": text}}, window))
        assert answer is not None
        return answer

    def confirm(self, preview: dict[str, Any], user: str = ANA) -> dict[str, Any]:
        answer = self.socket.acked(self.socket.submit(user, {}, preview))
        assert answer is not None
        return answer

    def said(self, user: str = ANA) -> list[str]:
        return [one["text"] for one in self.slack.whispers if one["user"] == user]

    def publish(self) -> None:
        """As the daemon's job does it."""
        work = self.work
        publish(work.desk.repliers, work.store, work.rules.hours, "test:1:c", work.clock)
        work.deliver()


def with_look(work: Workplace) -> Any:
    from listener.slack.client import SlackReceiver

    base = work.slack.base_url
    return SlackReceiver("xoxb-test", CHANNEL, work.look, base_url=base, timeout=2.0, clock=work.clock)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with FakeSlack() as slack, FakeSocket(slack) as socket, Workplace(tmp_path, slack, more=MORE) as work:
        slack.groups["S0CARE123"] = [BEN]
        there = Place(work, slack, socket)
        with work.heard(socket):
            work.customer_posts("My order never arrived. I paid three weeks ago.")
            work.deliver()
            yield there


def golden(name: str, shown: Any) -> None:
    """`REGOLD=1 pytest tests/slack/test_replies.py` writes them anew; read the diff."""
    path = GOLDEN / f"{name}.json"
    if os.environ.get("REGOLD"):
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(json.dumps(shown, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert shown == json.loads(path.read_text(encoding="utf-8"))


def bare(window: dict[str, Any]) -> dict[str, Any]:
    """Without what differs from run to run."""
    return {name: value for name, value in copy.deepcopy(window).items() if name not in ("id", "private_metadata")}


def test_what_was_shown_is_published_to_the_letter_and_the_thread_says_where(place: Place) -> None:
    golden("0_button", [one for one in place.work.message()["blocks"] if one["type"] == "actions"])
    window = place.press()
    golden("1_write", bare(window))
    pushed = place.write(TEXT)
    assert pushed["response_action"] == "push"
    preview = pushed["view"]
    golden("2_preview", bare(preview))
    shown = preview["blocks"][0]["elements"][1]["elements"][0]["text"]
    assert shown == TEXT
    assert place.platform.stands == []
    assert place.confirm(preview) == {"response_action": "clear"}
    until(lambda: bool(place.said()), place.socket)
    assert "on its way" in place.said()[-1]
    assert place.platform.stands == [], "the daemon publishes, not the click"
    place.publish()
    assert place.platform.stands == [("p1", shown)]
    case = place.work.case().case
    assert (case.state, case.due_at, case.owner) == (CaseState.REPLIED, None, ANA)
    golden("3_published", place.work.shown())
    note = [one for one in place.slack.messages(CHANNEL) if "thread_ts" in one][-1]
    golden("4_note", note["blocks"])


def test_what_cleaning_leaves_at_an_end_does_not_keep_it_from_being_published(place: Place) -> None:
    place.press()
    preview = place.write("\u202e Sorry! \u2066\r\n")["view"]
    place.confirm(preview)
    until(lambda: bool(place.said()), place.socket)
    place.publish()
    assert place.platform.stands == [("p1", "Sorry!")]


def test_pressing_publish_twice_publishes_once(place: Place) -> None:
    place.press()
    preview = place.write(TEXT)["view"]
    for _ in range(3):
        place.confirm(preview)
    until(lambda: len(place.said()) == 3, place.socket)
    place.publish()
    place.confirm(preview)
    until(lambda: len(place.said()) == 4, place.socket)
    place.publish()
    assert len(place.platform.stands) == 1


def test_of_two_people_the_second_is_told_and_nothing_is_published_for_them(place: Place) -> None:
    windows = [place.press(ANA), place.press(BEN)]
    previews = [
        place.write(f"from {user}", user, window)["view"] for user, window in zip((ANA, BEN), windows, strict=True)
    ]
    place.confirm(previews[0], ANA)
    until(lambda: bool(place.said(ANA)), place.socket)
    place.confirm(previews[1], BEN)
    until(lambda: bool(place.said(BEN)), place.socket)
    assert "on its way already" in place.said(BEN)[-1]
    place.publish()
    place.confirm(previews[1], BEN)
    until(lambda: len(place.said(BEN)) == 2, place.socket)
    assert "has changed" in place.said(BEN)[-1]
    place.publish()
    assert [text for _, text in place.platform.stands] == [f"from {ANA}"]


def test_who_is_not_on_the_list_gets_the_reason_and_the_way_to_the_post(place: Place) -> None:
    window = place.press(CLEO)
    assert "submit" not in window
    assert "not on the list" in window["blocks"][0]["text"]["text"]
    (link,) = [one for block in window["blocks"] if block["type"] == "actions" for one in block["elements"]]
    assert link["url"] == "https://forum.example/t/t1/1"
    place.press(BEN)  # in the group


def test_the_list_is_asked_again_when_a_reply_is_to_be_published(place: Place) -> None:
    place.press()
    preview = place.write(TEXT)["view"]
    place.confirm(preview, CLEO)
    until(lambda: bool(place.said()), place.socket)  # where the first click was
    assert "not on the list" in place.said()[-1]
    place.publish()
    assert place.platform.stands == []


@pytest.mark.parametrize("reason", ["summons", "something-of-a-plugin"])
def test_a_post_that_may_not_be_answered_here_opens_with_the_reason(place: Place, reason: str) -> None:
    place.platform.rule = CannotReply(reason, "the plugin's own sentence")
    window = place.press()
    assert "submit" not in window
    said = window["blocks"][0]["text"]["text"]
    assert ("mention or quote" in said) if reason == "summons" else said == "the plugin's own sentence"


def test_too_long_and_empty_are_said_in_the_window(place: Place) -> None:
    place.press()
    assert place.write("  \n ")["errors"] == {"text": "Write something first."}
    assert place.write("x" * 101)["errors"] == {"text": "Too long: forum counts 101, 100 is the most."}
    assert place.write("x" * 100)["response_action"] == "push"


def test_what_no_window_can_carry_is_said_to_be_too_long_for_one(place: Place) -> None:
    place.platform.longest = 10_000
    place.press()
    answer = place.write("\n".join(['"'] * 1000))
    assert "Too long for a window" in answer["errors"]["text"]


def test_a_case_that_changed_under_the_window_is_not_answered(place: Place) -> None:
    place.press()
    preview = place.write(TEXT)["view"]
    place.work.at += timedelta(minutes=3)
    place.work.customer_posts("Found it, never mind!")
    place.confirm(preview)
    until(lambda: bool(place.said()), place.socket)
    assert "has changed" in place.said()[-1]
    place.publish()
    assert place.platform.stands == []


def test_a_refusal_of_the_platform_is_told_to_the_person_in_the_thread(place: Place) -> None:
    place.platform.faults.append(Refused("its thread is locked; <!channel> nobody can answer"))
    place.press()
    place.confirm(place.write(TEXT)["view"])
    until(lambda: bool(place.said()), place.socket)
    place.publish()
    note = place.work.thread()[-1]
    assert f"<@{ANA}>" in note
    assert "not published" in note
    assert "its thread is locked" in note
    assert "<!channel>" not in note
    assert place.work.case().case.state is CaseState.NEW


def test_the_opening_that_a_platform_wants_stands_in_the_field(place: Place) -> None:
    place.platform.rule = Voice("acmecare", 100, len, "@ada@social.example ")
    window = place.press()
    (field,) = [block["element"] for block in window["blocks"] if block["type"] == "input"]
    assert field["initial_value"] == "@ada@social.example "


def test_without_a_list_nobody_answers_and_the_button_is_the_link_it_was(tmp_path: Path) -> None:
    with FakeSlack() as slack, FakeSocket(slack) as socket, Workplace(tmp_path, slack) as work:
        assert work.look.replies == frozenset()
        place = Place(work, slack, socket)
        with work.heard(socket):
            work.customer_posts("My order never arrived.")
            work.deliver()
            window = place.press()  # of a message that was posted while there was a list
            assert "not on the list" in window["blocks"][0]["text"]["text"]
    assert place.platform.stands == []


def test_a_post_below_a_case_is_answered_itself(place: Place) -> None:
    place.work.at += timedelta(minutes=30)
    place.work.customer_posts("Still nothing. Hello?")
    place.work.deliver()
    entry = [one for one in place.slack.messages(CHANNEL) if "thread_ts" in one][-1]
    before = len(place.windows())
    place.socket.click(ANA, "case_answer", message=entry)
    until(lambda: len(place.windows()) > before, place.socket)
    place.confirm(place.write("Here we are.")["view"])
    until(lambda: bool(place.said()), place.socket)
    place.publish()
    assert place.platform.stands == [("p2", "Here we are.")]


SAVED = """
[[saved_reply]]
name = "french"
text = "Bonjour {author}"
language = "fr"
[[saved_reply]]
name = "late"
text = "Sorry {author}! {brand} looks into it."
touchpoints = ["delivery"]
"""


def test_a_saved_reply_fills_the_field_and_what_a_person_made_of_it_is_published(tmp_path: Path) -> None:
    with FakeSlack() as slack, FakeSocket(slack) as socket, Workplace(tmp_path, slack, more=MORE + SAVED) as work:
        there = Place(work, slack, socket)
        with work.heard(socket):
            work.customer_posts("My order never arrived. The delivery is three weeks late.")
            work.deliver()
            (menu,) = [block for block in there.press()["blocks"] if block.get("block_id") == "saved"]
            assert [one["value"] for one in menu["elements"][0]["options"]] == ["late", "french"]
            for turn, name, begins in ((1, "french", "Bonjour"), (2, "late", "Sorry")):
                socket.choose(ANA, "reply_saved", name)
                until(lambda turn=turn: slack.renewals == turn, socket)
                (field,) = [block for block in there.windows()[-1]["blocks"] if block["type"] == "input"]
                assert field["block_id"] == f"text_{turn}", "Slack would keep what was typed into the same block"
                assert field["element"]["initial_value"].startswith(begins)
            assert "looks into it." in field["element"]["initial_value"]
            assert there.platform.stands == [], "choosing publishes nothing"
            empty = socket.acked(socket.submit(ANA, {"text_2": {"value": " "}}))
            assert empty is not None
            assert empty["errors"] == {"text_2": "Write something first."}
            pushed = socket.acked(socket.submit(ANA, {"text_2": {"value": "Sorry! We look into it."}}))
            assert pushed is not None
            there.confirm(pushed["view"])
            until(lambda: bool(there.said()), socket)
            there.publish()
            assert there.platform.stands == [("p1", "Sorry! We look into it.")]


def test_without_saved_replies_the_window_has_no_menu(place: Place) -> None:
    assert all(block.get("block_id") != "saved" for block in place.press()["blocks"])
