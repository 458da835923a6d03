"""Silences from what is typed to what is not told: the command line, and the database beneath it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Author, Mention, Page
from listener import silencing
from listener.cases.clock import ServiceHours
from listener.cases.routing import Route
from listener.cases.settle import Settler
from listener.cases.silences import Fits, new_silence
from listener.cases.telling import Rules
from listener.config import parse_config
from listener.model import NotificationKind, Outcome, Triaged
from listener.store import Store
from rules.vocabulary import Stage
from tests.fakes.commands import Terminal
from tests.fakes.story import verdict

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR, MINUTE, TTL = timedelta(hours=1), timedelta(minutes=1), timedelta(minutes=5)
RULES = Rules((Route("all", ("care",)),), ServiceHours(ZoneInfo("UTC")))
CONFIG = """
[brand]
name = "Acme"
[[source]]
name = "hn"
connector = "hackernews"
[[receiver]]
name = "console"
type = "console"
[[route]]
name = "all"
to = ["console"]
[digest]
to = ["console"]
"""


def publish(store: Store, name: str, at: datetime, author: str = "zoe") -> Outcome:
    """Store a post about a delivery; what became of it."""
    store.register_sources({"forum": "forum"}, NOW)
    lease = store.lease("forum", "poller", at, TTL, force=True)
    assert lease is not None
    post = Mention("forum", name, f"post {name}", at, Author(author, author))
    done = store.record_page(lease, Page((post,), {}), [Triaged(post, verdict())], Settler("forum", RULES), at)
    (outcome,) = done.outcomes
    return outcome


def test_a_silence_holds_for_the_very_next_page_and_counts_what_it_kept_quiet(store: Store) -> None:
    new = new_silence("ann", "launch noise", Fits(touchpoints=frozenset({"delivery"})), NOW + HOUR, NOW)
    stored = store.add_silence(new)
    assert (stored.fits, stored.ends_at, stored.mentions) == (new.fits, NOW + HOUR, 0)
    assert publish(store, "1", NOW) is Outcome.SILENCED
    assert publish(store, "2", NOW + MINUTE, "bob") is Outcome.SILENCED
    assert store.claim("care", "s", NOW + MINUTE, TTL) is None
    assert [one.mentions for one in store.silences(NOW)] == [2]
    assert store.totals().outcomes == {Outcome.SILENCED: 2}
    assert store.totals().cases_open == 2


def test_ended_early_it_is_said_in_the_first_alert_and_in_no_other(store: Store) -> None:
    stored = store.add_silence(
        new_silence("ann", "noise", Fits(touchpoints=frozenset({"delivery"})), NOW + 9 * HOUR, NOW)
    )
    assert publish(store, "1", NOW) is Outcome.SILENCED
    ended = store.end_silence(stored.id, "bob", NOW + HOUR)
    assert ended is not None
    assert (ended.ends_at, ended.ended_by) == (NOW + HOUR, "bob")
    assert store.end_silence(stored.id, "bob", NOW + HOUR) is None
    assert publish(store, "2", NOW + 3 * HOUR) is Outcome.JOINED_CASE
    assert publish(store, "3", NOW + 3 * HOUR, "yan") is Outcome.ALERTED
    first = store.claim("care", "s", NOW + 3 * HOUR, TTL)
    second = store.claim("care", "s2", NOW + 3 * HOUR, TTL)
    assert first is not None
    assert second is not None
    assert first.case is not None
    assert second.case is not None
    assert first.kind is second.kind is NotificationKind.CASE_OPEN
    said = [
        [line.evidence for told in one.case.mentions for line in told.verdict.lines if line.label == "silence ended"]
        for one in (first, second)
        if one.case
    ]
    assert said == [["ann, 2 h"], []]


def test_a_forgotten_author_is_in_no_silence(store: Store) -> None:
    store.add_silence(new_silence("ann", "noise", Fits(author="forum:zoe"), NOW + HOUR, NOW))
    assert publish(store, "1", NOW) is Outcome.SILENCED
    store.forget("forum", "zoe", "ann", NOW + MINUTE)
    (left,) = store.silences(NOW)
    assert left.fits.author == "?"
    assert not left.is_in_force(NOW + MINUTE)


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "listener.toml"
    path.write_text(CONFIG)
    return path


def test_at_the_command_line_silences_are_added_listed_shown_and_ended(config: Path, terminal: Terminal) -> None:
    added = terminal(
        "silence", "add", "--for", "2h", "--comment", "we know", "--touchpoint", "app", "--author", "x:@Bob"
    )
    assert added.code == 0
    assert "touchpoints app; author x:bob (we know), 0 posts kept quiet" in added.out
    (listed,) = json.loads(terminal("silence", "list", "--json").out)
    assert (listed["id"], listed["in_force"]) == (1, True)
    assert listed["fits"] == {"touchpoints": ["app"], "author": "x:bob"}
    assert "silence 1 by" in terminal("status").out
    assert [one["id"] for one in json.loads(terminal("status", "--json").out)["silences"]] == [1]
    assert "ended" in terminal("silence", "end", "1").out
    again = terminal("silence", "end", "1")
    assert again.code == 1
    assert "in force or planned: none" in again.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--for", "2h", "--comment", "x"), "a silence of everything is none"),
        (("--for", "40d", "--comment", "x", "--touchpoint", "app"), "at most 30 days"),
        (("--for", "soon", "--comment", "x", "--touchpoint", "app"), "is not a duration"),
        (("--for", "2h", "--comment", " ", "--touchpoint", "app"), "needs a comment"),
        (("--for", "2h", "--comment", "x", "--touchpoint", "ap"), 'did you mean "app"?'),
        (("--for", "2h", "--comment", "x", "--source", "x"), "known are"),
        (("--for", "2h", "--comment", "x", "--author", "bob"), "platform:handle"),
        (("--for", "2h", "--comment", "x", "--author", "x:a", "--author", "x:b"), "has one author"),
        (("--for", "2h", "--comment", "x", "--language", "english"), 'did you mean "en"?'),
    ],
)
def test_what_is_no_silence_is_answered_with_what_is_allowed(
    config: Path, terminal: Terminal, arguments: tuple[str, ...], said: str
) -> None:
    answer = terminal("silence", "add", *arguments)
    assert answer.code == 2
    assert said in answer.err


def test_what_is_typed_in_slack_is_read(config: Path) -> None:
    length, conditions, comment = silencing.typed('2h touchpoint:app words:"launch party" stage:use noise: we know')
    assert (length, comment) == (2 * HOUR, "noise: we know")
    read = silencing.read_conditions(conditions, parse_config(CONFIG, config, _connectors()))
    assert read == Fits(stages=frozenset({Stage.USE}), touchpoints=frozenset({"app"}), words=("launch party",))
    with pytest.raises(silencing.WrongSilence, match="how long comes first"):
        silencing.typed("touchpoint:app")
    with pytest.raises(silencing.WrongSilence, match="is no condition"):
        silencing.read_conditions({"color": ["red"]}, parse_config(CONFIG, config, _connectors()))


def _connectors():  # type: ignore[no-untyped-def]
    from listener.plugins import connectors

    return connectors()


def test_by_night_status_and_explain_say_what_is_held_and_health_does_not_complain(
    config: Path, terminal: Terminal
) -> None:
    quiet = CONFIG.replace('type = "console"\n', 'type = "console"\nquiet_hours = "monday-sunday 00:00-24:00"\n')
    config.write_text(quiet)
    assert terminal("db", "migrate").code == 0
    at = datetime.now(UTC) - 2 * HOUR
    with Store.open(f"sqlite:///{config.parent / 'listener.db'}") as store:
        store.register_sources({"forum": "forum"}, at)
        lease = store.lease("forum", "poller", at, TTL)
        assert lease is not None
        post = Mention("forum", "1", "My order never arrived", at, Author("zoe"))
        settler = Settler("forum", Rules((Route("all", ("console",)),), RULES.hours))
        store.record_page(lease, Page((post,), {}), [Triaged(post, verdict())], settler, at)
        ref = next(iter(store.counted(at, at + HOUR))).ref
    assert "quiet hours" in terminal("status").out
    assert "pending: held, quiet hours without end" in terminal("explain", ref).out
    assert "oldest message" not in terminal("health").out
    config.write_text(CONFIG)
    assert "the oldest message to console has been waiting for 120 minutes" in terminal("health").out
