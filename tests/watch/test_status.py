"""`listener status` as it looks: 80 and 120 columns, no colours, everything that can be wrong at once."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from connectors.base import Gap
from listener.cases.plan import CaseNotification
from listener.cli.status import GAPS_SHOWN, draw
from listener.config import Config, parse_config
from listener.model import NewNotification, NotificationKind
from listener.store import Budget, Store
from rules.vocabulary import Urgency
from tests.fakes.catalogue import CATALOGUE
from tests.fakes.commands import Terminal
from tests.fakes.story import NOON, page, post, settle_to, triaged
from tests.watch.conftest import CONFIG, TTL


def drawn(store: Store, config: Config, width: int) -> list[str]:
    console = Console(width=width, no_color=True, file=io.StringIO(), force_terminal=False)
    draw(console, store, NOON, config)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.fixture
def troubled(lived_in: Store) -> Store:
    """On top of `lived_in`: gaps without end, a failing source, a blocked account near its budget, old names."""
    lease = lived_in.lease("quiet", "w1", NOON, TTL)
    assert lease is not None
    days = [NOON - timedelta(days=number) for number in range(2, 10)]
    gaps = [Gap(day, day + timedelta(hours=1), "expired-window", True) for day in days]
    lived_in.record_page(lease, page([], gaps=gaps), [], settle_to("care"), NOON)
    lived_in.finish(lease, NOON, NOON + TTL, error="forum.example answered 503; it is asked again later, " * 8)
    lived_in.set_aside("paid", "read", 100, 6_000_000, Budget(month=10_000_000), NOON)
    lived_in.block_account("paid", NOON + timedelta(hours=2), "X asks to wait (429), not before 14:00:00 UTC")
    lived_in.register_sources({"an-old-source-with-quite-a-long-name": "mastodon"}, NOON)
    lived_in.stop_receiver("an-old-receiver", "gone", NOON)
    notice = NewNotification("n", NotificationKind.NOTICE, "care", Urgency.HIGH, NOON - timedelta(hours=3), "t")
    lived_in.enqueue_for_case([CaseNotification(notice, None)], NOON)
    return lived_in


@pytest.mark.parametrize("width", [80, 120])
def test_all_that_is_wrong_fits_the_terminal(troubled: Store, config: Config, width: int) -> None:
    lines = drawn(troubled, config, width)
    assert max(map(len, lines)) <= width
    said = "\n".join(lines)
    flat = " ".join(said.split())
    assert lines[0] == "● running  ·  3 troubles"
    assert lines[1] == "7 mentions  ·  5 open cases: 5 new"
    for sentence in (
        "! source parked is parked: the token of the-handle-of-a-person was refused",
        "! receiver care is stopped: words that somebody wrote was archived",
        "! the oldest message to care has been waiting for 180 minutes",
        "· quiet failed 1 time: forum.example answered 503",
        "· gap in forum: 16 Nov 07:00 – 08:00 UTC, page-cap, still to be read",
        f"· {10 - GAPS_SHOWN} more gaps: `listener gaps` lists all",
        "· paid: X asks to wait (429), not before 14:00:00 UTC",
    ):
        assert sentence in flat
    (row,) = [line for line in lines if line.startswith("paid  ")]
    assert row.split("  ")[0] == "paid"
    assert "9.50 of 10.00" in row
    assert "waits, asks in 2 h" in row
    (row,) = [line for line in lines if line.startswith("forum ")]
    assert row.rstrip().endswith("ok")
    assert "90 s" in row or "2 min" in row
    (row,) = [line for line in lines if line.startswith("parked ")]
    assert row.rstrip().endswith("parked")
    (row,) = [line for line in lines if line.startswith("an-old-receiver")]
    assert row.rstrip().endswith("not in the configuration")


def test_budgets_near_their_end_are_said(lived_in: Store, config: Config) -> None:
    lived_in.set_aside("paid", "read", 100, 6_000_000, Budget(month=10_000_000), NOON)
    (row,) = [line for line in drawn(lived_in, config, 80) if line.startswith("paid  ")]
    assert "95% of its budget used" in row


def test_a_first_look_is_short(store: Store, tmp_path: Path) -> None:
    """Nothing has happened yet."""
    config = parse_config(CONFIG, tmp_path / "listener.toml", CATALOGUE)
    lines = drawn(store, config, 80)
    assert lines[0] == "○ not running  ·  1 trouble"
    assert len(lines) < 15


def test_many_imported_files_are_one_row(lived_in: Store, config: Config) -> None:
    lived_in.register_sources({f"file:{number}": "import" for number in range(30)}, NOON)
    assert len([line for line in drawn(lived_in, config, 80) if "import" in line]) == 1


def test_posts_with_markup_in_errors_are_printed_as_they_are(lived_in: Store, config: Config) -> None:
    """Names of markup, tabs and escapes in what a platform said draw nothing."""
    lease = lived_in.lease("quiet", "w1", NOON, TTL)
    assert lease is not None
    lived_in.finish(lease, NOON, NOON + TTL, error="[bold red]x[/] \x1b[2J [link=https://evil.example]y[/link]")
    said = "\n".join(drawn(lived_in, config, 120))
    assert "[bold red]x[/]" in said
    assert "\x1b" not in said


def test_watching_draws_until_it_is_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "listener.toml"
    path.write_text(CONFIG)
    command = [sys.executable, "-m", "listener", "--config", str(path), "status", "--watch"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "80"}
    ) as process:
        assert process.stdout is not None
        seen = 0
        for line in process.stdout:
            seen += "not running" in line
            if seen == 2:
                break
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_watching_and_json_do_not_go_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = Terminal(capsys)("status", "--watch", "--json")
    assert said.code == 2
    assert "use one of them" in said.err


def test_a_daily_life_is_drawn(lived_in: Store, config: Config) -> None:
    """More posts, all told."""
    lease = lived_in.lease("quiet", "w1", NOON, TTL)
    assert lease is not None
    posts = [triaged(post(number)) for number in range(100, 130)]
    lived_in.record_page(lease, page(posts), posts, settle_to("care"), NOON)
    lived_in.finish(lease, NOON, NOON + TTL)
    assert drawn(lived_in, config, 80)[1] == "37 mentions  ·  35 open cases: 35 new"
