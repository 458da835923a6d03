"""What a query would bring, before it is used: asked of the platforms, or of what is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.base import Author, Mention
from listener.judging import triage_for
from listener.model import Triaged, Verdict
from listener.previewing import exclusions, is_noise
from rules.query import parse
from tests.fakes.commands import Terminal
from tests.fakes.hackernews import FakeHackerNews

CONFIG = """
[brand]
name = "Acme"
[listener]
intranet = ["127.0.0.1"]
[[source]]
name = "hackernews"
connector = "hackernews"
base_url = "{url}"
[[source]]
name = "reviews"
connector = "replay"
path = "reviews.csv"
[[source]]
name = "x"
connector = "x"
token_env = "X_TOKEN"
account = "x"
[[account]]
name = "x"
budget_month = 20
[[receiver]]
name = "console"
type = "console"
[[route]]
name = "all"
to = ["console"]
[digest]
to = ["console"]
"""
DAY = timedelta(days=1)


@pytest.fixture
def hackernews() -> Iterator[FakeHackerNews]:
    with FakeHackerNews().start() as server:
        now = datetime.now(UTC)
        server.publish("My Acme order never arrived, and support does not answer", now - 1 * DAY, author="ada")
        server.publish("I love my Acme, best purchase of the year", now - 2 * DAY, author="bob")
        for number in range(4):
            at = now - timedelta(hours=5 + number)
            server.publish("Acme is hiring: backend engineer, remote, apply", at, author=f"jobs{number}")
        server.publish("Acme was fine back then", now - 20 * DAY, author="cleo")
        yield server


@pytest.fixture
def config(tmp_path: Path, hackernews: FakeHackerNews, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "listener.toml"
    path.write_text(CONFIG.format(url=hackernews.url))
    return path


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys)


def test_the_platforms_are_asked_and_nothing_is_stored(config: Path, terminal: Terminal) -> None:
    said = terminal("query", "preview", "acme", "--since", "7d")
    assert said.code == 0, said.err
    assert "6 match, about 0.9 a day: 2 about the brand, 4 not." in said.out
    assert "1 complaint" in said.out
    assert "My Acme order never arrived" in said.out
    assert "fine back then" not in said.out
    assert json.loads(terminal("status", "--json").out)["mentions"] == 0


def test_the_words_of_the_query_are_searched_not_the_brands(
    config: Path, terminal: Terminal, hackernews: FakeHackerNews
) -> None:
    hackernews.publish("Polarex never sent my parcel", datetime.now(UTC) - DAY)
    (found, *_) = json.loads(terminal("query", "preview", "polarex AND never", "--since", "7d", "--json").out)
    assert (found["source"], found["found"], found["error"]) == ("hackernews", 1, None)


def test_what_costs_money_is_asked_only_by_name_and_what_is_brought_not_at_all(
    config: Path, terminal: Terminal
) -> None:
    said = terminal("query", "preview", "acme")
    assert "x bills what is read; --source x asks it" in said.out
    assert "reviews is brought its posts; there is nothing to search." in said.out


def test_words_that_leave_out_noise_alone_are_proposed(config: Path, terminal: Terminal) -> None:
    said = terminal("query", "preview", "acme")
    (proposed,) = [line for line in said.out.splitlines() if line.startswith("Worth excluding")]
    assert "stands in 4 posts" in proposed
    assert not {"-acme", "-order", "-love"} & set(proposed.split())


def test_a_platform_that_does_not_answer_is_named_and_the_command_fails(
    config: Path, terminal: Terminal, hackernews: FakeHackerNews
) -> None:
    config.write_text(CONFIG.format(url="http://127.0.0.1:1"))
    said = terminal("query", "preview", "acme")
    assert said.code == 1
    assert "hackernews: Hacker News cannot be reached" in said.out
    assert "Traceback" not in said.err


def test_more_than_ten_pages_say_how_far_back_they_reach(
    config: Path, terminal: Terminal, hackernews: FakeHackerNews
) -> None:
    now = datetime.now(UTC)
    for number in range(120):
        hackernews.publish(f"Acme again, {number}", now - number * timedelta(hours=1))
    config.write_text(
        CONFIG.format(url=hackernews.url).replace('connector = "hackernews"', 'connector = "hackernews"\npage_size = 5')
    )
    said = terminal("query", "preview", "acme", "--since", "7d")
    assert "10 pages reach back no further" in said.out
    (found, *_) = json.loads(terminal("query", "preview", "acme", "--since", "7d", "--json").out)
    assert found["found"] <= 50
    assert 20 < found["a_day"] < 40  # one an hour, and the four of today


def test_what_is_stored_can_be_asked_instead(config: Path, terminal: Terminal) -> None:
    file = config.parent / "posts.jsonl"
    posts = [
        {"id": str(number), "platform": "x", "author": "ada", "published_at": "2026-11-16T09:00:00Z", "text": text}
        for number, text in enumerate(("Acme never sent it", "Acme : colis jamais reçu", "Acme is lovely"))
    ]
    file.write_text("".join(json.dumps(post) + "\n" for post in posts))
    assert terminal("import", str(file)).code == 0
    said = terminal("query", "preview", "acme AND (never OR jamais)", "--since", "520w", "--stored")
    assert said.code == 0, said.err
    assert "2 match" in said.out
    assert terminal("query", "preview", "acme", "--stored", "--source", "hackernews").code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("acme AND (never",), 1, "^"),
        (("acme", "--since", "soon"), 2, "is not a duration"),
        (("acme", "--since", "2999-01-01"), 2, "lies ahead"),
        (("acme", "--source", "myspace"), 2, "there is no source 'myspace'. Sources: hackernews, reviews, x."),
    ],
)
def test_a_slip_is_said_with_what_is_allowed(
    config: Path, terminal: Terminal, arguments: tuple[str, ...], code: int, words: str
) -> None:
    said = terminal("query", "preview", *arguments)
    assert (said.code, words in said.err) == (code, True), said.err


def test_an_exclusion_never_drops_a_post_that_wants_something() -> None:
    judge = triage_for(None).judge
    posts = [
        *(f"acme hiring now, apply {number}" for number in range(3)),
        "acme: is your hiring page broken? I want my money back",
    ]
    found = [_triaged(text, judge(_mention(text, number)), number) for number, text in enumerate(posts)]
    kept = [one for one in found if not is_noise(one.verdict)]
    for word in exclusions(found, parse("acme")):
        assert not any(word.word in one.mention.text.casefold() for one in kept)


def _mention(text: str, number: int) -> Mention:
    return Mention("hackernews", str(number), text, datetime(2026, 11, 20, tzinfo=UTC), Author("a"))


def _triaged(text: str, verdict: Verdict, number: int) -> Triaged:
    return Triaged(_mention(text, number), verdict)
