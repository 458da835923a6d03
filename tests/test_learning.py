"""From corrections to cue phrases that a person accepts: what is suggested, with which figures, and that it becomes a working rule."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.app import now
from listener.learning import Judged, phrases, suggest
from listener.store import Label
from tests.fakes.commands import Terminal

AT = datetime(2026, 11, 22, tzinfo=UTC)


def label(ref: str, text: str, value: object = "use", field: str = "stage", lang: str = "en") -> Label:
    return Label(AT, "ann", ref, "forum", lang, text, field, "purchase", value, "", "3b1f")


def judged(ref: str, text: str, stage: str = "purchase", relevant: bool = True, lang: str = "en") -> Judged:
    return Judged(ref, lang, text, stage, relevant)


LABELS = [
    label("1", "The frother makes a rattling noise every morning"),
    label("2", "Again that rattling noise. I am tired of it"),
    label("3", "My machine: a rattling noise since Monday"),
    label("4", "It sings"),
]
STORED = [
    *(judged(one.mention, one.text) for one in LABELS),
    judged("5", "I hear a rattling noise too", "use"),
    judged("6", "The shop sells noise cancelling phones"),
    *(judged(f"m{n}", "every morning I buy coffee") for n in range(9)),
]


def test_a_phrase_that_corrections_share_is_suggested_with_what_it_would_do() -> None:
    best = suggest(LABELS, STORED)[0]
    assert (best.phrase, best.lang, best.field, best.value) == ("a rattling noise", "en", "stage", "use") or (
        best.phrase == "rattling noise"
    )
    assert best.stored == best.agree
    assert best.corrected >= 2
    assert best.would_change == 0
    said = [one.phrase for one in suggest(LABELS, STORED)]
    assert not any("morning" in phrase for phrase in said)  # stands in too many posts that mean something else


def test_phrases_of_one_correction_or_of_everybody_are_not_suggested() -> None:
    assert suggest([label("1", "it sings"), label("2", "it is what it is"), label("3", "what it is")], []) == []


def test_what_was_corrected_back_teaches_nothing() -> None:
    twice = [*LABELS[:2], *(replace(one, now="unclear") for one in LABELS[:2])]
    assert suggest(twice, STORED) == []


def test_what_is_not_about_us_is_learned_too() -> None:
    labels = [
        label(str(n), text, False, "relevant")
        for n, text in enumerate(
            ["the acme anvil in the cartoon", "that cartoon with the coyote", "acme cartoon night"]
        )
    ]
    best = suggest(labels, [judged(one.mention, one.text, relevant=False) for one in labels])[0]
    assert (best.phrase, best.field, best.value, best.corrected) == ("cartoon", "relevant", "False", 3)


@given(st.text(max_size=300))
def test_any_text_has_phrases_of_at_most_four_words(text: str) -> None:
    assert all(1 <= len(one.split(" ")) <= 4 for one in phrases(text))


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
enabled = false
"""


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    (tmp_path / "listener.toml").write_text(CONFIG)
    at = now()
    posts = [
        {"id": str(n), "platform": "forum", "author": f"a{n}", "lang": "en", "text": text,
         "published_at": (at - timedelta(hours=n + 1)).isoformat()}
        for n, text in enumerate(
            ["Acme frother with a squeaky hinge", "the squeaky hinge of my Acme", "Acme coffee is here", "Acme, lid and squeaky hinge"]
        )
    ]  # fmt: skip
    (tmp_path / "posts.jsonl").write_text("".join(json.dumps(post) + "\n" for post in posts))
    terminal = Terminal(capsys)
    assert terminal("import", "posts.jsonl").code == 0
    return terminal


def test_from_a_correction_to_a_rule_that_works(terminal: Terminal) -> None:
    cases = json.loads(terminal("cases", "list", "--all", "--json").out)
    for case in cases:
        shown = json.loads(terminal("cases", "show", case["ref"], "--json").out)
        if "squeaky" in shown["posts"][0]["text"]:
            said = terminal("cases", "correct", case["ref"], "--stage", "use", "--reason", "it is in use")
            assert said.code == 0, said.err
    assert len(terminal("labels", "export").out.splitlines()) == 2  # the third was judged so already
    listed = terminal("rules", "suggest")
    assert (
        "squeaky hinge” → use: in 2 corrected posts; stands in 3 stored ones, 3 of them mean that already" in listed.out
    ), listed.out
    assert terminal("rules", "suggest", "--accept", "1").code == 2
    kept = terminal("rules", "suggest", "--accept", "1", "--to", "rules/learned.toml")
    assert kept.code == 0, kept.err
    Path("listener.toml").write_text(CONFIG + '[rules]\npacks = ["rules"]\n')
    tested = terminal("rules", "test", "--rules", "rules")
    assert (tested.code, "0 failed" in tested.out) == (0, True), tested.out
    judged = json.loads(terminal("classify", "My Acme has a squeaky hinge", "--lang", "en", "--json").out)
    assert judged["stage"] == "use"
    assert "there is no suggestion 9" in terminal("rules", "suggest", "--accept", "9", "--to", "rules/learned.toml").err
