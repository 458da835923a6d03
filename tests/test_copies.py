"""One text told on by many, from the poll to the channel: one alert, one entry, and numbers that add up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from listener.model import NotificationState, Outcome
from listener.store import Store
from listener.working import Desk
from tests.fakes.commands import Terminal
from tests.fakes.slack import FakeSlack
from tests.test_upstream import NOW, RULES, Forum, Team

TEXT = "Acme deletes all photos of free accounts next week, tell your friends"
CONFIG = """
[brand]
name = "Acme"
[listener]
database = "{database}"
[[receiver]]
name = "care"
type = "console"
[[route]]
name = "all"
to = ["care"]
[digest]
to = ["care"]
"""
OTHERS = ("ben", "cleo", "dan")


@pytest.fixture
def team(store: Store) -> Iterator[Team]:
    with FakeSlack() as slack:
        yield Team(store, slack, Forum())


def threads(team: Team) -> tuple[list[str], list[str]]:
    """The texts of messages in the channel, and of entries below them."""
    said = team.slack.messages("C0CARE")
    return (
        [one["text"] for one in said if "thread_ts" not in one],
        [one["text"] for one in said if "thread_ts" in one],
    )


def told_on(team: Team) -> None:
    team.forum.publish("1", TEXT, "ann")
    team.turn()
    for number, author in enumerate(OTHERS, 2):
        team.forum.publish(str(number), f"{TEXT} {'!' * number} @acme https://x.example/{number}", author, team.at)
    team.turn()


def test_a_text_that_many_post_is_one_alert_with_one_entry(team: Team) -> None:
    told_on(team)
    alerts, entries = threads(team)
    assert len(alerts) == 1
    (entry,) = entries
    assert entry.startswith("3 more authors posted the same text: c-")
    totals = team.store.totals()
    assert totals.outcomes == {Outcome.ALERTED: 1, Outcome.FOLDED_DUPLICATE: 3}
    assert totals.mentions == sum(totals.outcomes.values())
    refs = {one.case_ref for one in team.store.counted(NOW - timedelta(days=1), NOW + timedelta(days=1))}
    assert len(refs) == 4  # each customer has a case
    assert sum(ref in entry for ref in refs if ref) == 3
    log = [
        one
        for ref in refs
        if ref and (view := team.store.case(ref))
        for one in team.store.notifications_of(view.mentions[0].id)
    ]
    assert [(one.kind.value, one.reason, one.state) for one in log] == [
        ("case-open", "route:all", NotificationState.SENT),
        ("case-note", "folded-duplicate", NotificationState.SENT),
    ]


def test_a_copy_that_is_unfolded_gets_its_own_message(team: Team) -> None:
    told_on(team)
    view = team.store.told(
        next(one.ref for one in team.store.counted(NOW, NOW + timedelta(days=1)) if one.author_key == "forum:cleo")
    )
    assert view is not None
    ref = next(one.case_ref for one in team.store.counted(NOW, NOW + timedelta(days=1)) if one.ref == view.ref)
    assert ref is not None
    Desk(team.store, RULES).unfold(ref, "zoe", "cli", team.at)
    team.turn()
    alerts, entries = threads(team)
    assert len(alerts) == 2
    assert entries[-1].endswith(f"had {ref} told by itself: it is more than a copy.")
    assert "cleo" in alerts[-1].lower()


def test_the_command_line_takes_a_fold_back_once_and_names_the_case(
    team: Team, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told_on(team)
    ref = next(
        one.case_ref for one in team.store.counted(NOW, NOW + timedelta(days=1)) if one.author_key == "forum:cleo"
    )
    assert ref is not None
    address = team.store.engine.url.render_as_string(hide_password=False)
    config = tmp_path / "listener.toml"
    config.write_text(CONFIG.format(database=address), encoding="utf-8")
    terminal = Terminal(capsys)
    said = terminal("--config", str(config), "cases", "unfold", ref)
    assert (said.code, said.out) == (0, f"{ref} is told by itself now.\n"), said.err
    again = terminal("--config", str(config), "cases", "unfold", ref)
    assert again.code == 1
    assert "no case that was folded" in again.err
    view = team.store.case(ref)
    assert view is not None
    log = [one.kind.value for one in team.store.notifications_of(view.mentions[0].id)]
    assert log.count("case-open") == 1  # told by itself, and once


def test_a_copy_that_its_author_edits_is_a_story_of_its_own(team: Team) -> None:
    told_on(team)
    post = team.forum.publish("3", "My own album of twenty years is gone and Acme does not answer", "cleo", NOW)
    team.forum.edited = [post]
    team.turn()
    assert len(threads(team)[0]) == 2
    assert team.store.totals().outcomes == {Outcome.ALERTED: 2, Outcome.FOLDED_DUPLICATE: 2}


def test_what_is_critical_is_an_alert_though_its_words_are_known(team: Team) -> None:
    team.forum.publish("1", f"{TEXT} poison", "ann")
    team.forum.publish("2", f"{TEXT} poison", "ben")
    team.turn()
    assert len(threads(team)[0]) == 2
