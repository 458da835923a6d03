"""A platform that bills, as a user meets it: no start without a budget, a forecast, what was spent, and the end of the money."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from listener.app import now
from listener.store import Budget, Store
from tests.fakes.commands import Terminal
from tests.fakes.x import TOKEN, FakeX

CONFIG = """
[brand]
name = "Acme"
[listener]
intranet = ["127.0.0.0/8"]
[[source]]
name = "x"
connector = "x"
base_url = "{url}"
token_file = "token"
{account}
[[receiver]]
name = "console"
type = "console"
[[route]]
name = "all"
to = ["console"]
[digest]
enabled = false
"""
BUDGET = """account = "paid"
[[account]]
name = "paid"
budget_month = {month}
budget_day = {day}
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeX]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text(TOKEN)
    with FakeX().start() as site:
        yield site


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys)


def configure(site: FakeX, month: float = 0, day: float = 0) -> None:
    account = BUDGET.format(month=month, day=day) if month else ""
    Path("listener.toml").write_text(CONFIG.format(url=site.url, account=account))


def test_nothing_is_read_without_a_budget(site: FakeX, terminal: Terminal) -> None:
    configure(site)
    said = terminal("once")
    assert said.code == 1
    assert "x bills what is read, and nothing says how much it may cost" in said.err
    assert "[[account]]" in said.err
    assert site.asked == []


def test_a_forecast_is_made_before_anything_is_read(site: FakeX, terminal: Terminal) -> None:
    configure(site, month=1, day=1)
    at = now()
    for number in range(70):
        site.publish(f"Acme order {number} never came", at - timedelta(hours=2 * number))
    said = terminal("forecast")
    assert said.code == 1  # the budget would not last
    assert "of a budget of 1.00" in said.out
    assert "would last about" in said.out
    (asked,) = json.loads(terminal("forecast", "x", "--json").out)
    assert 250 < asked["posts_month"] < 350  # 70 in a week
    assert site.reads == 0


def test_status_shows_what_was_spent_and_the_budget_ends_reading_until_the_next_day(
    site: FakeX, terminal: Terminal
) -> None:
    configure(site, month=10, day=0.4)
    at = now()
    for number in range(80):
        site.publish(f"Acme order {number} never came", at - timedelta(minutes=number), author=f"a{number}")
    said = terminal("once")
    assert said.code == 1
    assert "the budget of account paid for this day is reached" in said.err
    assert 0 < site.spent <= 0.4
    status = terminal("status")
    (line,) = [line for line in status.out.splitlines() if line.startswith("paid ")]
    assert "of 0.40 " in line
    (account,) = json.loads(terminal("status", "--json").out)["accounts"]
    assert account["spent_day_usd"] == pytest.approx(site.spent, abs=0.02)  # never less than billed
    assert account["spent_day_usd"] >= round(site.spent, 4)
    assert account["useful_mentions_month"] > 0
    with Store.open("sqlite:///listener.db") as store:
        store.set_aside("paid (looking up again)", "post read", 1, 30_000, Budget(), now())
    said = " ".join(terminal("status").out.split())
    assert "paid: 0.03 USD of this month's were for looking posts up again" in said
    assert [one["name"] for one in json.loads(terminal("status", "--json").out)["accounts"]] == ["paid"]
    asked = len(site.asked)
    terminal("once")
    assert len(site.asked) == asked  # not asked again before the next day
