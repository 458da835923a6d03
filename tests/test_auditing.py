"""The weekly audit: what is drawn, what a person says of it, and what the digest makes of that."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.digest.audit import SAMPLE, SET_ASIDE, sample
from listener.digest.week import Week
from rules.vocabulary import Urgency
from tests.fakes.commands import Terminal
from tests.fakes.digest_week import post

CONFIG = """
[brand]
name = "Acme"
[[receiver]]
name = "console"
type = "console"
[[route]]
name = "all"
to = ["console"]
[digest]
to = ["console"]
"""
LAST = Week.containing(datetime.now(UTC) - timedelta(days=7))


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: Terminal) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "listener.toml"
    path.write_text(CONFIG)
    at = LAST.since + timedelta(hours=10)
    posts = [
        {"id": str(number), "platform": "x", "author": f"a{number}", "published_at": (at + timedelta(hours=number)).isoformat(), "text": text}
        for number, text in enumerate(
            ("Acme never sent my order, I want my money back", "I love my Acme", "Acme is hiring", "Does Acme ship to Rome?")
        )
    ]  # fmt: skip
    file = tmp_path / "posts.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in posts))
    assert terminal("import", str(file)).code == 0
    return path


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=300))
def test_half_of_the_sample_is_what_nobody_was_told_of(kinds: list[tuple[bool, bool]]) -> None:
    posts = [
        replace(
            post(number),
            ref=f"{number:08x}",
            urgency=Urgency.HIGH if told else Urgency.LOW,
            promotional=promo and not told,
        )
        for number, (told, promo) in enumerate(kinds)
    ]
    drawn = sample(posts, "2026-W47")
    assert drawn == sample(reversed(posts), "2026-W47")
    assert len(drawn) == len({one.ref for one in drawn}) == min(SAMPLE, len(posts))
    aside = [one for one in drawn if one.urgency is Urgency.LOW]
    wanted = sum(not told for told, _ in kinds)
    assert len(aside) >= min(wanted, SET_ASIDE)


def test_another_week_draws_others_and_nothing_of_our_own() -> None:
    posts = [replace(post(number), ref=f"{number:08x}") for number in range(200)]
    assert {one.ref for one in sample(posts, "2026-W47")} != {one.ref for one in sample(posts, "2026-W46")}
    assert sample([replace(one, subject="own") for one in posts], "2026-W47") == []
    assert sample([replace(one, text="") for one in posts], "2026-W47") == []


def test_a_person_confirms_puts_right_and_stops_and_goes_on_later(
    config: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("\ns\nadvocacy\n\nq\n"))
    said = terminal("audit")
    assert said.code == 0, said.err
    assert "4 of 4 verdicts" in said.out
    assert "1 of 2 stood. 2 are left" in said.out
    monkeypatch.setattr("sys.stdin", StringIO("n\n\n-\n"))
    again = terminal("audit")
    assert "2 of 4 verdicts" in again.out
    assert "0 of 1 stood. 1 is left" in again.out
    labels = [json.loads(line) for line in terminal("labels", "export").out.splitlines()]
    assert sorted(one["field"] for one in labels) == ["audit", "audit", "audit", "relevant", "stage"]
    told = json.loads(terminal("digest", "--week", f"{datetime.now(UTC):%G-W%V}", "--format", "json").out)
    assert (told["confidence"]["agreement"]["count"], told["confidence"]["agreement"]["of"]) == (1, 3)


def test_answers_can_come_from_a_file_and_count_in_the_digest(config: Path, terminal: Terminal) -> None:
    drawn = json.loads(terminal("audit", "--json").out)
    assert len(drawn) == 4
    assert not any(one["done"] for one in drawn)
    wrong = next(one for one in drawn if "love" in one["text"])
    answers = config.parent / "answers.jsonl"
    lines = [{"ref": one["ref"]} for one in drawn if one is not wrong] + [{"ref": wrong["ref"], "sentiment": "neutral"}]
    answers.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert "3 of 4 stood." in terminal("audit", "--answers", str(answers)).out
    assert all(one["done"] for one in json.loads(terminal("audit", "--json").out))
    assert "All 4" in terminal("audit").out
    week = Week.containing(datetime.now(UTC)).name
    terminal("import", str(config.parent / "posts.jsonl"))
    explained = terminal("explain", wrong["ref"]).out
    assert "sentiment: positive → neutral" in explained
    assert terminal("digest", "--week", week).code == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "answers.jsonl:1: this is not a line of JSON"),
        ("[]", "answers.jsonl:1: write"),
        ('{"ref": "ffffffff"}', "is not in the sample of"),
        ('{"ref": "REF", "stage": "maybe"}', "stage is one of awareness"),
        ('{"ref": "REF", "mood": "sad"}', "cannot be put right"),
        ('{"ref": "REF", "touchpoints": ["moon"]}', "touchpoints is a list of"),
    ],
)
def test_a_wrong_answer_is_said_with_its_line(config: Path, terminal: Terminal, line: str, words: str) -> None:
    ref = json.loads(terminal("audit", "--json").out)[0]["ref"]
    answers = config.parent / "answers.jsonl"
    answers.write_text(line.replace("REF", ref))
    said = terminal("audit", "--answers", str(answers))
    assert (said.code, words in said.err) == (1, True), said.err


def test_a_week_that_does_not_exist_is_wrong_usage(config: Path, terminal: Terminal) -> None:
    assert terminal("audit", "--week", "2026-W77").code == 2
    assert "Nothing is stored" in terminal("audit", "--week", "2020-W01").out
