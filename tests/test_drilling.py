"""Drills: invented customers through the real pipeline, marked as such, and counted by nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from listener.config.schema import FIVE_LANGUAGES
from listener.drilling import NAMES, STORM, invented
from listener.judging import triage_for
from listener.store import Store
from rules.vocabulary import Intent, Urgency
from tests.fakes.commands import Terminal
from tests.fakes.slack import FakeSlack

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
CONFIG = """
[brand]
name = "Acme"
languages = ["en", "fr"]
[listener]
interface_language = "{language}"
[[receiver]]
name = "care"
type = "slack"
channel = "C0CARE"
token_env = "SLACK_BOT_TOKEN"
base_url = "{slack}"
[[receiver]]
name = "console"
type = "console"
[[route]]
name = "all"
to = ["console"]
urgency_at_least = "{level}"
[digest]
to = ["console"]
"""


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as fake:
        yield fake


@pytest.fixture
def config(tmp_path: Path, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-test")
    path = tmp_path / "listener.toml"
    path.write_text(CONFIG.format(slack=slack.base_url, language="en", level="normal"))
    return path


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys)


@pytest.mark.parametrize("lang", FIVE_LANGUAGES)
def test_in_every_language_the_invented_customers_are_as_grave_as_the_drill_says(lang: str) -> None:
    judge = triage_for(None).judge
    (alert,) = invented("alert", "Acme", [lang], AT, "a")
    assert judge(alert).urgency is Urgency.HIGH
    hurt, again = invented("critical", "Acme", [lang], AT, "b")
    assert judge(hurt).urgency is Urgency.CRITICAL
    assert hurt.author.id == again.author.id
    storm = invented("storm", "Acme", [lang], AT, "c")
    assert len({post.text for post in storm}) == len({post.author.id for post in storm}) == STORM
    complaints = [post for post in storm if Intent.COMPLAINT in judge(post).intents]
    assert len(complaints) >= 0.9 * STORM


def test_a_brand_that_writes_a_language_without_a_drill_has_english_ones() -> None:
    assert invented("alert", "Acme", ["nl"], AT, "a")[0].lang == "en"
    assert {post.lang for post in invented("storm", "Acme", ["nl", "de", "fr"], AT, "a")} == {"de", "fr"}


def test_an_alert_says_that_it_is_a_drill_before_anything_else(
    config: Path, terminal: Terminal, slack: FakeSlack
) -> None:
    said = terminal("drill", "alert", "--to", "care")
    assert said.code == 0, said.err
    assert "1 invented post, 1 case" in said.out
    (message,) = slack.messages("C0CARE")
    assert message["text"].startswith("DRILL · High complaint")
    assert "DRILL · High complaint" in message["blocks"][0]["text"]["text"]
    ended = terminal("drill", "end")
    assert "1 resolved" in ended.out
    heads = [one for one in slack.messages("C0CARE") if "thread_ts" not in one]
    assert heads[0]["text"].startswith("DRILL · Resolved")
    assert terminal("drill", "end").out.strip() == "No drill is open."


def test_a_storm_is_told_as_a_storm(config: Path, terminal: Terminal) -> None:
    said = terminal("drill", "storm")
    assert said.out.count("🔴 DRILL") + said.out.count("🟠 DRILL") + said.out.count("🔵 DRILL") == STORM
    assert "5 more cases came in during this storm" in said.out


def test_in_french_a_drill_is_an_exercise(config: Path, terminal: Terminal, slack: FakeSlack) -> None:
    config.write_text(CONFIG.format(slack=slack.base_url, language="fr", level="normal"))
    assert terminal("drill", "critical", "--to", "care").code == 0
    assert slack.messages("C0CARE")[0]["text"].startswith("EXERCICE · ")


def test_no_figure_counts_a_drill(config: Path, terminal: Terminal) -> None:
    file = config.parent / "posts.jsonl"
    post = {"id": "1", "platform": "x", "author": "ada", "published_at": "2026-11-16T09:00:00Z"}
    file.write_text(json.dumps(post | {"text": "Acme never sent my order"}) + "\n")
    assert terminal("import", str(file)).code == 0
    week = f"{datetime.now(UTC):%G-W%V}"
    before = [_figures(terminal, name) for name in ("2026-W47", week)]
    for name in NAMES:
        assert terminal("drill", name).code == 0
    assert [_figures(terminal, name) for name in ("2026-W47", week)] == before
    with Store.open(f"sqlite:///{config.parent / 'listener.db'}") as store:
        judged = [key for key in store.vitals([], "", datetime.now(UTC)).totals if key[0] == "verdict"]
    assert [key[2] for key in judged if key[2] == "critical"] == []


def _figures(terminal: Terminal, week: str) -> dict[str, object]:
    told = json.loads(terminal("digest", "--week", week, "--format", "json").out)
    for key in ("made_at", "as_of", "coverage"):
        told.pop(key, None)
    return told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("drill", "fire"), "'alert', 'critical', 'storm', 'end'"),
        (("drill", "alert", "--to", "nobody"), "there is no receiver 'nobody'. Receivers: care, console."),
    ],
)
def test_a_slip_is_said_with_what_is_allowed(
    config: Path, terminal: Terminal, arguments: tuple[str, ...], words: str
) -> None:
    said = terminal(*arguments)
    assert (said.code, words in said.err) == (2, True), said.err


def test_a_drill_that_no_route_takes_says_so(config: Path, terminal: Terminal, slack: FakeSlack) -> None:
    config.write_text(CONFIG.format(slack=slack.base_url, language="en", level="critical"))
    assert "Nobody is told: no route takes it" in terminal("drill", "alert").out
