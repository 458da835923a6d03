"""The preview of alerts and the test of routes, as a user calls them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from listener.store import Store
from tests.fakes.commands import Terminal

CONFIG = """
[brand]
name = "Acme"
[[source]]
name = "hn"
connector = "hackernews"
[[receiver]]
name = "care"
type = "console"
singles_per_hour = 2
[[receiver]]
name = "fans"
type = "console"
[[route]]
name = "critical"
to = ["care"]
urgency_at_least = "critical"
[[route]]
name = "praise"
to = ["fans"]
intents = ["praise"]
[[route]]
name = "rest"
to = ["care"]
urgency_at_least = "normal"
"""
LATE = "@Acme I paid three weeks ago and my order never arrived. Nobody answers."


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: Terminal) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "listener.toml").write_text(CONFIG)
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=2)
    posts = [(f"{LATE} {number}", start + timedelta(minutes=number)) for number in range(5)]
    posts += [("Acme support was lovely today, thank you!", start + timedelta(hours=9))]
    lines = [
        {"id": str(number), "platform": "x", "author": f"a{number}", "published_at": at.isoformat(), "lang": "en", "text": text}
        for number, (text, at) in enumerate(posts)
    ]  # fmt: skip
    file = tmp_path / "posts.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert terminal("import", str(file)).code == 0
    return tmp_path / "listener.toml"


def test_the_preview_says_in_words_and_numbers_how_much_is_told_to_whom(config: Path, terminal: Terminal) -> None:
    said = terminal("alerts", "preview", "--since", "14d")
    assert said.code == 0
    assert "6 mentions in 2 days" in said.out
    assert "a day to care, 0 % critical; busiest hour" in said.out
    assert "noisiest rule en." in said.out
    found = json.loads(terminal("alerts", "preview", "--json").out)
    care = found["receivers"]["care"]
    assert {name: care[name] for name in ("cases", "singles", "summaries", "folded_in_storms", "messages")} == {
        "cases": 5, "singles": 2, "summaries": 1, "folded_in_storms": 3, "messages": 3,
    }  # fmt: skip
    assert found["receivers"]["fans"]["cases"] == 1
    assert "Nothing is stored" in terminal("alerts", "preview", "--since", "1h").out
    assert "is not a duration" in terminal("alerts", "preview", "--since", "soon").err


def test_a_route_says_why_it_takes_a_mention_or_not(config: Path, terminal: Terminal) -> None:
    said = terminal("routes", "test", LATE)
    assert said.code == 0
    assert "✗ critical → care: it is " in said.out
    assert "✗ praise → fans: its intents are complaint" in said.out
    assert "✓ rest → care: takes it" in said.out
    praise = terminal("routes", "test", "Acme support was lovely today, thank you!").out
    assert "✗ rest → care: not asked, praise takes it" in praise
    assert "No route is asked" in terminal("routes", "test", "nothing about anybody").out


def test_a_stored_mention_is_tested_by_its_reference_and_a_silence_is_named(config: Path, terminal: Terminal) -> None:
    with Store.open(f"sqlite:///{config.parent / 'listener.db'}") as store:
        ref = next(iter(store.counted(datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC)))).ref
    assert "✓ rest" in terminal("routes", "test", "--mention", ref).out
    assert terminal("silence", "add", "--for", "1h", "--comment", "we know", "--intent", "complaint").code == 0
    assert "silence 1 by" in terminal("routes", "test", "--mention", ref).out
    assert json.loads(terminal("routes", "test", "--mention", ref, "--json").out)["silence"] == 1
    assert terminal("routes", "test", "--mention", "zzzz").code == 1
    assert terminal("routes", "test").code == 2
    assert terminal("routes", "test", "x", "--source", "nowhere").code == 2
