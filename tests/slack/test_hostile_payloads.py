"""Whatever a post, a name or a person's words hold: no payload calls, links, breaks or exceeds anything.

Each of some 330 hostile posts goes through every message, window, page and answer there is (`tests/slack/payloads.py`), and
each of those is held against what Slack documents (`tests/fakes/block_kit.py`), not against the program's own numbers.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from urllib.parse import urlsplit

import pytest

from listener import digest, slack
from listener.slack.actions import Clicks
from listener.slack.rights import Rights
from listener.slack.socket import SocketLine
from listener.slack.wire import web_client
from rules.vocabulary import Stage
from tests.fakes import block_kit
from tests.fakes.hostile import KINDS, Hostile, one_of_each, posts
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_socket import FakeSocket
from tests.fakes.told import NOW, look
from tests.fakes.workplace import QUICK, until
from tests.slack.payloads import ANA, CASES, GROUP, REPORT, HostileDesk, Made, Payload, text_of

LOOKS = (look(interactive=True), look("fr"))
POSTS = posts()


def wrong(payload: Payload, post: Hostile) -> list[str]:
    """All that a payload must not be."""
    found = block_kit.faults(payload)
    view = "type" in payload
    if not view and block_kit.size(payload.get("blocks", ())) > block_kit.OURS:
        found.append(f"{block_kit.size(payload['blocks'])} bytes")
    if not view and len(payload["text"]) > block_kit.SENTENCE and "metadata" in payload:
        found.append(f"text: {len(payload['text'])} characters")
    parsed = [payload["text"]] if not view else []
    for text in (*parsed, *block_kit.parsed(payload.get("blocks", ()))):
        found += [f"{sign!r} acts in {text[:200]!r}" for sign in block_kit.acts(text, [ANA], [GROUP])]
    found += [f"names {who}" for who in block_kit.people(payload.get("blocks", ())) if who != ANA]
    for url in block_kit.addresses(payload):
        if url != REPORT and not (block_kit.is_web_address(url) and host(url) == host(post.url)):
            found.append(f"leads to {url[:100]!r}")
    for text in block_kit.strings(payload):
        if re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text):
            found.append(f"control characters in {text[:100]!r}")
        if "\n\n\n" in text or re.search("[\u0300-\u036f]{6}", text):
            found.append(f"breaks the layout: {text[:100]!r}")
    return found


def host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").encode("idna").decode().lower()
    except ValueError:
        return ""


def made_of(number: int, post: Hostile) -> Made:
    """In turns in English with buttons and in French without, for a team whose names of stages are such words, too."""
    chosen, stages = LOOKS[number % len(LOOKS)], {stage.value: post.text for stage in Stage}
    replies = frozenset({post.text} if number % 4 == 0 else ())
    return Made(post, replace(chosen, stages=stages, replies=replies))


def test_there_are_more_than_three_hundred_posts_of_more_than_twenty_kinds() -> None:
    assert len({post.text for post in POSTS}) >= 300
    assert len(KINDS) >= 20
    assert posts() == POSTS


@pytest.mark.parametrize("kind", sorted({post.kind for post in POSTS}))
@pytest.mark.parametrize("name", CASES)
def test_no_hostile_post_acts_links_breaks_or_exceeds_anything(name: str, kind: str) -> None:
    for number, post in enumerate(POSTS):
        if post.kind == kind:
            for payload in CASES[name](made_of(number, post)):
                assert wrong(payload, post) == [], (post, text_of(payload))


@pytest.mark.parametrize("post", one_of_each(), ids=lambda post: post.kind)
def test_no_answer_to_a_click_or_a_command_acts_links_breaks_or_exceeds_anything(post: Hostile) -> None:
    """Through bolt and slack-sdk, with all that a person can type and enter being such a post."""
    made = made_of(0, post)
    sound = (
        post.text.replace("\x00", "").encode("utf-8", "replace").decode()[:3000]
    )  # typed, it has passed through Slack
    with FakeSlack() as fake, FakeSocket(fake) as socket:
        client = web_client("xoxb-test", fake.base_url, 5.0)
        clicks = Clicks(client, HostileDesk(made), made.look, Rights())
        line = SocketLine(clicks.app, "xapp-test", client, note=lambda _: None, clock=lambda: NOW, patience=QUICK)
        line.start()
        try:
            socket.wait_for_line()
            shown = {"ts": "1.000001", **next(CASES["alerts"](made))}
            spike = {"ts": "1.000002", **next(CASES["spikes"](made))}
            sent = list(conversation(socket, shown, spike, sound))
            until(lambda: sum(method in SAID for method, _ in fake.calls) >= len(sent), socket)
        finally:
            line.stop()
            clicks.close()
        said = [given for method, given in fake.calls if method in SAID]
    assert len(said) == len(sent) == 18
    for given in said:
        view = given.get("view")
        payload = json.loads(view) if isinstance(view, str) else view or {"blocks": [], **given}
        assert wrong(payload, post) == [], text_of(payload)


SAID = ("respond", "chat.postEphemeral", "views.open", "views.publish")


def conversation(socket: FakeSocket, shown: Payload, spike: Payload, text: str) -> Iterator[str]:
    """Everything a person can do, one after the other: the envelopes' ids."""
    yield socket.click(ANA, "case_claim", message=shown)
    for option in ("edit", "irrelevant", "escalate", "explain"):
        yield socket.click(ANA, "case_more", message=shown, option=option)
    yield socket.click(ANA, "case_snooze", message=shown)
    yield socket.click(ANA, "spike_more", message=spike, option="end")
    for typed in (
        "due",
        "mine",
        f"find {text}",
        f"explain {text}",
        "explain 4f2c",
        "silence",
        f"silence {text}",
        "health",
        text,
    ):
        yield socket.command(ANA, typed)
    yield socket.open_home(ANA)
    yield socket.shortcut(ANA, {"ts": "1.000003", "text": text})


# Nothing is forgotten


def program() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function that builds what people see in Slack: by what it says it returns, or by a docstring "mrkdwn: …"."""
    modules = [*Path(slack.__path__[0]).glob("*.py"), Path(digest.__path__[0]) / "slack.py", Path(digest.__path__[0]) / "chart.py"]  # fmt: skip
    for path in sorted(modules):
        module = f"listener.{path.parent.name}.{path.stem}"
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef) or node.returns is None:
                continue
            returned, said = ast.unparse(node.returns), ast.get_docstring(node) or ""
            if re.search(r"\b(Block|Message|SlackDigest)\b", returned) or re.match(r"(help )?mrkdwn\b", said):
                yield module, node


def run_by_the_cases() -> set[CodeType]:
    """Every function that ran while all cases were made of a few posts."""
    ran: set[CodeType] = set()

    def note(frame: FrameType, what: str, _: Any) -> None:
        if what == "call":
            ran.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        for number, post in enumerate(one_of_each()[:6]):
            for case in CASES.values():
                list(case(made_of(number, post)))
    finally:
        sys.setprofile(before)
    return ran


def test_every_function_that_builds_something_for_slack_is_in_a_case() -> None:
    ran = {(code.co_filename, code.co_qualname) for code in run_by_the_cases()}
    found, forgotten = 0, []
    for module, node in program():
        found += 1
        if (inspect.getsourcefile(importlib.import_module(module)), node.name) not in ran:
            forgotten.append(f"{module}.{node.name}")
    assert forgotten == [], (
        "These build something that people see in Slack, and no hostile post goes through them. Add a case to "
        "tests/slack/payloads.py (CASES): a function that takes a Made and yields what Slack would be sent, with "
        "made.post.text wherever words come from outside."
    )
    assert found >= 60
