"""The shelf from the click to the database and back into the message, and who may use it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Mention
from listener.model import Verdict
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_socket import FakeSocket
from tests.fakes.told import praise
from tests.fakes.workplace import Workplace, until

ANA, BEN = "U0ANA1234", "U0BEN1234"


class Fans(Workplace):
    """A place where everybody praises."""

    def judge(self, mention: Mention) -> Verdict:
        return praise().mentions[0].verdict


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
    with Fans(tmp_path, slack) as place, place.heard(socket):
        place.customer_posts("I love Acme, their support was lovely. Thank you so much!")
        place.deliver()
        yield place


def choose(work: Workplace, socket: FakeSocket, step: str, user: str = ANA) -> None:
    socket.click(user, "case_more", option=step)


def becomes(work: Workplace, socket: FakeSocket, state: str) -> None:
    until(lambda: work.case().shelf == state, socket)
    work.deliver()


def offered(work: Workplace) -> list[str]:
    """The menu of the case's message as it stands in the channel."""
    menu = next(one for one in work.message()["blocks"][-1]["elements"] if one["type"] == "overflow")
    return [option["value"].partition(":")[0] for option in menu["options"]]


def window(slack: FakeSlack, socket: FakeSocket, number: int) -> dict[str, Any]:
    until(lambda: len(slack.views) == number, socket)
    return slack.views[-1]


def test_praise_goes_from_the_alert_to_the_shelf_and_its_menu_follows(
    work: Workplace, slack: FakeSlack, socket: FakeSocket
) -> None:
    assert offered(work) == ["shelve", "explain"]
    choose(work, socket, "shelve")
    becomes(work, socket, "found")
    assert offered(work) == ["ask", "grant", "refuse", "explain"]
    choose(work, socket, "ask")
    asking = window(slack, socket, 1)
    assert "Dürfen wir diesen Beitrag" in asking["blocks"][0]["element"]["initial_value"]
    socket.submit(ANA, {"words": {"value": "May we?"}, "link": {"value": None}})
    becomes(work, socket, "asked")
    choose(work, socket, "grant")
    window(slack, socket, 2)
    socket.submit(
        BEN,
        {"evidence": {"value": "a yes"}, "scope": {"value": "website"}, "until": {"selected_date": "2099-12-31"}},
    )
    becomes(work, socket, "granted")
    (entry,) = work.store.shelf()
    assert entry.praise.asked is not None
    assert entry.praise.grant is not None
    assert (entry.praise.asked.words, entry.praise.asked.who) == ("May we?", ANA)
    assert (entry.praise.grant.evidence, entry.praise.grant.who) == ("a yes", BEN)
    assert entry.praise.grant.until == datetime(2100, 1, 1, tzinfo=UTC)
    assert offered(work) == ["withdraw", "explain"]
    choose(work, socket, "withdraw")
    becomes(work, socket, "withdrawn")
    assert work.thread() == []  # a shelf is no news in a thread


def test_who_may_not_correct_may_not_use_the_shelf(tmp_path: Path, slack: FakeSlack, socket: FakeSocket) -> None:
    more = f'[slack]\nmay_correct = ["{ANA}"]\n'
    with Fans(tmp_path, slack, more=more) as work, work.heard(socket):
        work.customer_posts("I love Acme, their support was lovely. Thank you so much!")
        work.deliver()
        choose(work, socket, "shelve", BEN)
        until(lambda: len(slack.whispers) == 1, socket)
        assert "not on the list" in slack.whispers[0]["text"]
        assert work.store.shelf() == ()


def test_an_old_click_is_refused_and_a_yes_without_evidence_or_for_a_past_day_stays_in_its_window(
    work: Workplace, slack: FakeSlack, socket: FakeSocket
) -> None:
    old = work.message()
    choose(work, socket, "shelve")
    becomes(work, socket, "found")
    until(lambda: len(slack.whispers) == 1, socket)
    socket.click(BEN, "case_more", option="shelve", message=old)
    until(lambda: len(slack.whispers) == 2, socket)
    assert "has changed since" in slack.whispers[1]["text"]
    choose(work, socket, "grant")
    window(slack, socket, 1)
    shown = socket.acked(socket.submit(ANA, {"evidence": {"value": "  "}, "until": {"selected_date": "2020-01-01"}}))
    assert shown is not None
    assert shown["response_action"] == "errors"
    assert "needs evidence" in shown["errors"]["evidence"]
    assert "is over" in shown["errors"]["until"]
    assert work.case().shelf == "found"
    socket.submit(ANA, {"evidence": {"value": "a yes"}, "until": {"selected_date": None}})  # in the same window
    becomes(work, socket, "granted")
    assert not any("needs evidence" in said["text"] for said in slack.whispers)


def test_the_home_page_counts_the_shelf_and_names_what_waits_longest(
    work: Workplace, slack: FakeSlack, socket: FakeSocket
) -> None:
    choose(work, socket, "shelve")
    becomes(work, socket, "found")
    choose(work, socket, "ask")
    window(slack, socket, 1)
    socket.submit(ANA, {"words": {"value": "May we?"}})
    becomes(work, socket, "asked")
    socket.open_home(ANA)
    until(lambda: ANA in slack.homes, socket)
    page = json.dumps(slack.homes[ANA]["blocks"], ensure_ascii=False)
    assert "1 asked" in page
    assert f"Waiting longest for an answer: {work.case().case.ref}" in page
