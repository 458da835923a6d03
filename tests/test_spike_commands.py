"""`listener spikes`: what it shows, what a person says with it, and what is no sense."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from listener.digest.week import Week
from listener.model import Spike, SpikeState
from listener.store import Store
from rules.vocabulary import Urgency
from tests.fakes.commands import Terminal
from tests.slack.test_spikes import FIGURES
from tests.test_commands import CONFIG


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: Terminal) -> Path:
    monkeypatch.chdir(tmp_path)  # ./listener.toml is part of what is tested
    (tmp_path / "listener.toml").write_text(CONFIG)
    assert terminal("spikes", "list").out == "No spikes in the last 30 days.\n"
    return tmp_path / "listener.db"


def begin(path: Path, kind: str = "complaint:checkout") -> None:
    now = datetime.now(UTC)
    spike = Spike(
        0, "", kind, SpikeState.OPEN, Urgency.HIGH, now - timedelta(hours=2), now, now, None, 14, 17, 2.1, 1, now,
        figures=FIGURES,
    )  # fmt: skip
    with Store.open(f"sqlite:///{path}") as opened:
        assert opened.begin_spike(spike, [("console", "all")], now) is not None


def states(path: Path) -> dict[str, SpikeState]:
    with Store.open(f"sqlite:///{path}") as opened:
        return {one.ref: one.state for one in opened.spikes(datetime.now(UTC) - timedelta(days=9))}


def test_spikes_are_listed_and_shown(store: Path, terminal: Terminal) -> None:
    begin(store)
    assert "s-1    open      complaint:checkout" in terminal("spikes", "list").out
    shown = terminal("spikes", "show", "S-1").out
    assert "14 authors, 17 posts; 2.10 authors expected" in shown
    assert "card declined (9 authors)" in shown
    assert json.loads(terminal("spikes", "show", "s-1", "--json").out)["expected"] == 2.1
    assert json.loads(terminal("spikes", "list", "--json").out)[0]["kind"] == "complaint:checkout"


def test_sources_that_are_still_being_learnt_are_named(store: Path, terminal: Terminal) -> None:
    now = datetime.now(UTC)
    with Store.open(f"sqlite:///{store}") as opened:
        opened.register_sources({"forum": "forum", "never": "forum", "posts": "import"}, now)
        for name in ("forum", "posts"):
            lease = opened.lease(name, "poller", now - timedelta(days=3), timedelta(hours=1), force=True)
            assert lease is not None
            opened.finish(lease, now - timedelta(days=3), now)
    assert "Judged by a plain rule until known for 14 days: forum (3 days).\n" in terminal("spikes", "list").out


def test_a_person_ends_one_once(store: Path, terminal: Terminal) -> None:
    begin(store)
    assert terminal("spikes", "end", "s-1").out == "s-1 is over; single alerts are told again.\n"
    again = terminal("spikes", "end", "s-1")
    assert (again.code, again.err) == (1, "Error: s-1 is ended already.\n")
    begin(store)
    assert terminal("spikes", "end", "s-2", "--false-alarm").out.startswith("s-2 is a false alarm")
    begin(store)
    assert terminal("spikes", "expected", "s-3", "--for", "6h").code == 0
    assert states(store) == {"s-1": SpikeState.ENDED, "s-2": SpikeState.FALSE, "s-3": SpikeState.EXPECTED}


def test_what_is_to_come_is_announced(store: Path, terminal: Terminal) -> None:
    said = terminal("spikes", "expected", "complaint:delivery", "--in", "3d", "--for", "12h").out
    assert said.startswith("s-1: more complaint:delivery is expected until ")
    assert ", ends in " in terminal("spikes", "list").out
    begin(store)
    refused = terminal("spikes", "expected", "complaint:checkout")
    assert (refused.code, "a spike of complaint:checkout is open" in refused.err) == (1, True)


def test_what_was_announced_is_called_by_its_name(store: Path, terminal: Terminal) -> None:
    assert terminal("spikes", "expected", "all", "--in", "3d", "--because", " Black\u202e Friday\x1b[31m ").code == 0
    listed = terminal("spikes", "list").out
    assert "begins in 3 days" in listed
    assert "Black Friday" in listed
    assert "\x1b" not in listed + terminal("spikes", "show", "s-1").out
    assert "all  low: Black Friday" in terminal("spikes", "show", "s-1").out
    begin(store)
    assert terminal("spikes", "expected", "s-2", "--because", "the carrier is on strike").code == 0
    assert "the carrier is on strike" in terminal("spikes", "list").out
    assert (
        json.loads(terminal("spikes", "show", "s-2", "--json").out)["figures"]["because"] == "the carrier is on strike"
    )


def test_what_was_announced_is_in_the_digest_until_it_is_called_off(store: Path, terminal: Terminal) -> None:
    named = ("--because", "Black *Friday* <script>")
    week = ("--week", Week.containing(datetime.now(UTC) + timedelta(minutes=2)).name)
    assert terminal("spikes", "expected", "all", "--for", "1h", *named).code == 0
    shown = terminal("digest", *week, "--format", "md").out
    assert "Announced for this week" in shown
    assert shown.count("Black \\*Friday\\* &lt;script&gt;") == 2
    assert json.loads(terminal("digest", *week, "--format", "json").out)["loud"][0]["standing"] == "expected"
    assert terminal("spikes", "end", "s-1").out == "s-1 is over; its kind makes spikes again.\n"
    assert terminal("spikes", "end", "s-1").err == "Error: s-1 is expected already.\n"
    assert terminal("spikes", "expected", "praise", "--in", "1m").code == 0
    assert "s-2" in terminal("digest", *week, "--format", "json").out
    assert terminal("spikes", "end", "s-2").out == "s-2 is called off; its kind makes spikes again.\n"
    assert "s-2" not in terminal("digest", *week, "--format", "json").out


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (("end", "s-9"), "there is no spike 's-9'; `listener spikes list` shows those there are."),
        (("show", "checkout"), "there is no spike 'checkout'"),
        (("expected", "complaint:nowhere"), "neither a spike (s-12) nor a kind"),
        (("expected", "all:delivery"), "neither a spike (s-12) nor a kind"),
        (("expected", "all", "--for", "long"), "long"),
        (("expected", "s-1", "--in", "3d"), "--in is for kinds"),
        (("expected", "all", "--for", "15d"), "--for 15d is longer than 14 days; what lasts longer is what is usual"),
        (("expected", "all", "--because", "x" * 121), "--because has 121 characters; 120 are the most"),
    ],
)
def test_what_makes_no_sense_is_answered_with_a_sentence(
    store: Path, terminal: Terminal, typed: tuple[str, ...], sentence: str
) -> None:
    said = terminal("spikes", *typed)
    assert said.code in (1, 2)
    assert sentence in said.err
