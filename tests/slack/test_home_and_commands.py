"""The home page, `/mentions`, "Add to mentions", and who may do what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from listener.model import CaseState
from listener.slack import limits
from listener.slack.command import help_text, parse
from listener.slack.home import home, line
from listener.slack.rights import REMEMBERED, Groups, Right, Rights
from listener.slack.shared import mention_of
from listener.slack.wire import web_client
from tests.fakes.slack import DROP_BEFORE, FakeSlack
from tests.fakes.slack_socket import FakeSocket
from tests.fakes.told import NOW, complaint, look
from tests.fakes.workplace import Workplace, until

ANA, BEN = "U0ANA1234", "U0BEN1234"


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
        place.customer_posts("My order never arrived.")
        place.deliver()
        yield place


def said(slack: FakeSlack, socket: FakeSocket, number: int = 1) -> dict[str, Any]:
    until(lambda: len(slack.whispers) >= number, socket)
    return slack.whispers[number - 1]


def page(slack: FakeSlack, user: str) -> str:
    return json.dumps(slack.homes[user]["blocks"], ensure_ascii=False)


# Home


def test_the_home_page_shows_my_cases_and_lets_them_be_worked(
    work: Workplace, slack: FakeSlack, socket: FakeSocket
) -> None:
    ref = work.case().case.ref
    work.at += timedelta(minutes=20)
    socket.open_home(ANA)
    until(lambda: ANA in slack.homes, socket)
    assert page(slack, ANA).count(ref) == 1 + 5  # due within the hour, with five deeds in its menu
    assert "no daemon runs on this database" in page(slack, ANA)
    assert "No digest was made yet." in page(slack, ANA)
    socket.click(ANA, "case_more", option="claim", home=True)
    until(lambda: f"{ref}: Claimed by" in page(slack, ANA), socket)
    work.deliver()
    assert work.thread() == [f"<@{ANA}> claimed this case."]
    assert slack.whispers == []
    socket.click(ANA, "case_more", option="wait", home=True)
    until(lambda: "Waiting for the customer by" in page(slack, ANA), socket)
    socket.click(ANA, "case_more", option="explain", home=True)
    until(lambda: len(slack.views) == 1, socket)
    assert "blocked never arrived" in json.dumps(slack.views[0]["blocks"])
    work.store.set_meta("digest.made", "2026-W46")
    socket.click(ANA, "home_refresh", home=True)
    until(lambda: "Last digest: 2026-W46" in page(slack, ANA), socket)
    socket.click(ANA, "digest_reviewed", home=True)
    until(lambda: f"Reviewed by <@{ANA}>" in page(slack, ANA), socket)
    assert "Noted: you reviewed the digest of 2026-W46." in page(slack, ANA)
    assert "Mark reviewed" not in page(slack, ANA)
    socket.open_home(BEN)
    until(lambda: BEN in slack.homes and f"Reviewed by <@{ANA}>" in page(slack, BEN), socket)


def test_an_old_home_page_is_refused_and_drawn_anew(work: Workplace, slack: FakeSlack, socket: FakeSocket) -> None:
    work.at += timedelta(minutes=20)
    socket.open_home(ANA)
    until(lambda: ANA in slack.homes, socket)
    socket.click(BEN, "case_claim")
    until(lambda: work.case().case.owner == BEN, socket)
    socket.click(ANA, "case_more", option="claim", home=True)
    until(lambda: f"is with <@{BEN}> already" in page(slack, ANA), socket)


def test_the_longest_home_page_keeps_to_slacks_limits() -> None:
    case = complaint().case
    cases = [
        case.__class__(**{**{f: getattr(case, f) for f in case.__slots__}, "id": number, "owner": ANA})
        for number in range(1, 60)
    ]
    view = home(cases, ANA, look("fr"), NOW, troubles=["x" * 400] * 20, notice="done")
    assert len(view["blocks"]) <= 100
    assert limits.problems({"text": "x", "blocks": view["blocks"][:5]}) == []
    assert "et 44 de plus" in json.dumps(view, ensure_ascii=False)


def test_a_line_defuses_what_is_not_ours() -> None:
    case = complaint().case
    hostile = case.__class__(
        **{**{f: getattr(case, f) for f in case.__slots__}, "touchpoints": frozenset({"<!channel> *x*"})}
    )
    text = line(hostile, look(), NOW)["text"]["text"]
    assert "<!channel>" not in text
    assert "*x*" not in text


# /mentions


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("due", ("due", "")),
        (" Mine ", ("mine", "")),
        ("find  never  arrived", ("find", "never  arrived")),
        ("find", ("help", "")),
        ("explain c-7F3K", ("explain", "c-7F3K")),
        ("dance", ("help", "")),
        ("", ("help", "")),
    ],
)
def test_what_is_typed_is_read(typed: str, read: tuple[str, str]) -> None:
    assert parse(typed) == read


def test_help_names_every_verb_and_offers_nothing_that_does_not_exist() -> None:
    shown = help_text(look())
    assert [entry.split()[1].rstrip(":") for entry in shown.splitlines()] == [
        "due", "mine", "find", "explain", "silence", "health", "help",
    ]  # fmt: skip


def test_commands_are_answered_to_the_one_who_typed(work: Workplace, slack: FakeSlack, socket: FakeSocket) -> None:
    ref = work.case().case.ref
    mention = work.case().mentions[0].ref
    before = len(slack.messages("C0ELSE"))
    texts = [
        "mine",
        "find NEVER arrived",
        "find zebra",
        f"explain {ref}",
        f"explain {mention}",
        "explain c-0000",
        "health",
    ]
    for number, text in enumerate(texts, 1):
        envelope = socket.command(ANA, text)
        assert socket.acked(envelope) == {}
        said(slack, socket, number)
    shown = [json.dumps(one, ensure_ascii=False) for one in slack.whispers]
    assert all(one["user"] == ANA and one["response_type"] == "ephemeral" for one in slack.whispers)
    assert "None." in shown[0]
    assert "My order never arrived." in shown[1]
    assert "Nothing was found" in shown[2]
    assert "blocked never arrived" in shown[3]
    assert "blocked never arrived" in shown[4]
    assert "There is no case c-0000" in shown[5]
    assert "no daemon runs" in shown[6]
    assert len(slack.messages("C0ELSE")) == before


def test_a_list_can_be_worked_from(work: Workplace, slack: FakeSlack, socket: FakeSocket) -> None:
    work.at += timedelta(minutes=20)
    socket.command(ANA, "due")
    listed = {**said(slack, socket), "ts": "1.0"}
    body = socket.click_body(ANA, "case_more", option="resolve", message=listed)
    body["container"]["is_ephemeral"] = True
    socket.send("interactive", body)
    assert said(slack, socket, 2)["text"] == f"{work.case().case.ref}: Resolved by <@{ANA}>"


def test_silences_are_added_listed_and_ended(work: Workplace, slack: FakeSlack, socket: FakeSocket) -> None:
    texts = [
        "silence",
        "silence 2h touchpoint:delivery <!channel> strike",
        "silence",
        "silence end 1",
        "silence 2h why",
        "silence end 9",
    ]
    for number, text in enumerate(texts, 1):
        socket.command(ANA, text)
        said(slack, socket, number)
    shown = [one["blocks"][0] for one in slack.whispers]
    words = [one["text"]["text"] if "text" in one else one["elements"][0]["text"] for one in shown]
    assert words[0] == "None."
    assert words[1].startswith("silence 1 by U0ANA1234, until 16 Nov 14:0")
    assert shown[1]["text"]["type"] == "plain_text"
    assert words[2] == words[1]
    assert "ended" in words[3]
    assert "a silence of everything is none" in words[4]
    assert "there is no silence 9" in words[5]


# Add to mentions


def test_a_shared_post_becomes_a_case_once(work: Workplace, slack: FakeSlack, socket: FakeSocket) -> None:
    message = {
        "ts": f"{work.at.timestamp():.6f}",
        "text": "look at this <https://blog.example/p?a=1&amp;b=2|a blog> &amp; answer, <@U0BEN1234>",
    }
    socket.shortcut(ANA, message)
    assert said(slack, socket)["text"].startswith("Added: case c-")
    work.deliver()
    assert len([one for one in slack.messages("C0CARE") if "thread_ts" not in one]) == 2
    socket.shortcut(BEN, message)
    assert said(slack, socket, 2)["text"] == "This post is known already."
    socket.shortcut(BEN, {"ts": "x", "text": ""})
    assert said(slack, socket, 3)["text"] == "This message holds neither words nor a link."
    old = {"ts": f"{(work.at - timedelta(days=3)).timestamp():.6f}", "text": "from last week"}
    socket.shortcut(BEN, old)
    assert said(slack, socket, 4)["text"].startswith("Added and counted (")


def test_the_mention_holds_the_link_and_the_words_and_no_colleague() -> None:
    found = mention_of(
        {"ts": "1795357200.5", "text": "<https://a.example/x|here> and &lt;there&gt; <!channel>", "user": "U1"},
        "C1",
        "https://t.slack.example/archives/C1/p1",
    )
    assert found is not None
    assert (found.url, found.external_id, found.text) == (
        "https://a.example/x",
        "https://a.example/x",
        "here and <there>",
    )
    assert found.author.id == found.author.handle == ""
    plain = mention_of({"ts": "1795357200.5", "text": "only words"}, "C1", "https://t.slack.example/archives/C1/p1")
    assert plain is not None
    assert (plain.url, plain.external_id) == ("https://t.slack.example/archives/C1/p1", "slack:C1:1795357200.5")


# Rights

LISTS = """
[slack]
may_work = ["S0CARE123", "U0BOSS123"]
may_resolve = ["U0BOSS123"]
"""


@pytest.fixture
def strict(tmp_path: Path, slack: FakeSlack, socket: FakeSocket) -> Iterator[Workplace]:
    slack.groups["S0CARE123"] = [ANA]
    with Workplace(tmp_path, slack, more=LISTS) as place, place.heard(socket):
        place.customer_posts("My order never arrived.")
        place.deliver()
        yield place


def test_who_is_not_on_the_list_is_told_so(
    strict: Workplace, slack: FakeSlack, socket: FakeSocket, capsys: pytest.CaptureFixture[str]
) -> None:
    socket.click(BEN, "case_claim")
    assert "not on the list of people" in said(slack, socket)["text"]
    socket.click(ANA, "case_claim")
    until(lambda: strict.case().case.owner == ANA, socket)
    strict.deliver()
    socket.click(ANA, "case_resolve")
    assert "not on the list of people" in said(slack, socket, 2)["text"]
    socket.click("U0BOSS123", "case_resolve")
    until(lambda: strict.case().case.state is CaseState.RESOLVED, socket)
    socket.command(BEN, "mine")
    assert "not on the list of people" in said(slack, socket, 3)["text"]
    socket.command(BEN, "explain " + strict.case().case.ref)
    assert "not on the list of people" in said(slack, socket, 4)["text"]
    socket.open_home(BEN)
    until(lambda: BEN in slack.homes, socket)
    assert strict.case().case.ref not in page(slack, BEN)
    socket.shortcut(BEN, {"ts": "1795357200.5", "text": "hello"})
    assert "not on the list of people" in said(slack, socket, 5)["text"]
    assert slack.counted("usergroups.users.list") == 1


def test_a_window_is_not_opened_for_who_may_not_and_not_obeyed_either(
    strict: Workplace, slack: FakeSlack, socket: FakeSocket
) -> None:
    socket.click(ANA, "case_more", option="irrelevant")
    assert "not on the list" in said(slack, socket)["text"]
    assert slack.views == []
    socket.click("U0BOSS123", "case_more", option="irrelevant")
    until(lambda: len(slack.views) == 1, socket)
    socket.submit(ANA, {"why": {"selected_option": {"value": "spam"}}, "reason": {"value": None}})
    assert "not on the list" in said(slack, socket, 2)["text"]
    assert strict.case().case.state is CaseState.NEW


def test_members_of_a_group_are_remembered_and_used_on_while_slack_is_away(slack: FakeSlack) -> None:
    at = [0.0]
    slack.groups["S0CARE123"] = [ANA]
    groups = Groups(web_client("xoxb-test", slack.base_url, 2.0), lambda: at[0])
    rights = Rights(["S0CARE123"], members=groups.members)
    assert rights.may(ANA, Right.WORK)
    assert not rights.may(BEN, Right.RESOLVE)  # an empty list says what may_work says
    assert slack.counted("usergroups.users.list") == 1
    at[0] = REMEMBERED + 1
    slack.fail("usergroups.users.list", DROP_BEFORE, DROP_BEFORE)
    assert rights.may(ANA, Right.WORK)
    assert not Rights(["S0GONE123"], members=groups.members).may(ANA, Right.WORK)
    assert Rights().may(BEN, Right.CORRECT)
