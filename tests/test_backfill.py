"""Older posts on request, and what was missed: backfill, gaps, forget, as commands and below them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Author, Gap, Mention, Page, Source, SourceContext
from connectors.hackernews import HackerNewsSettings, connector
from connectors.rss import RssSettings
from listener.app import now as real_now
from listener.app import owner
from listener.backfill import Backfilled, NoHistory, backfill, with_history
from listener.cases.clock import ServiceHours
from listener.cases.deeds import Deed, Wish
from listener.cases.routing import Route
from listener.cases.settle import Settler
from listener.cases.telling import Rules
from listener.ingest import Feed, poll
from listener.model import CaseState, Outcome, SourceState, Triaged
from listener.readback import as_collected, is_backfill_of, row_name
from listener.store import Store
from rules.vocabulary import Urgency
from tests.fakes.commands import Terminal
from tests.fakes.hackernews import FakeHackerNews
from tests.fakes.story import verdict

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SINCE = datetime(2026, 11, 12, tzinfo=UTC)
DAY = timedelta(days=1)
QUIET = Rules((Route("all", ("care",)),), ServiceHours(ZoneInfo("UTC")), alerts=False)


OPENED: list[Source] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Sources are closed at the end of each test."""
    yield
    while OPENED:
        OPENED.pop().close()


def feed(site: FakeHackerNews, store: Store, name: str = "hn", **settings: object) -> Feed:
    given = HackerNewsSettings.model_validate({"base_url": site.url, "timeout": 5, "page_size": 10, **settings})
    if name != "hn":
        given = with_history(given, NOW - SINCE).model_copy(update={"page_cap": 3})  # type: ignore[assignment]
    context = SourceContext(name, ("Acme",), "listener/test", intranet=("127.0.0.0/8",))
    store.register_sources({name: "hackernews"}, NOW)
    OPENED.append(connector.open(given, context))
    return Feed(name, OPENED[-1], timedelta(minutes=5), Settler(name, QUIET))


def publish(site: FakeHackerNews, count: int) -> None:
    for number in range(count):
        site.publish(f"Acme order {number}", NOW - number * (10 * DAY / count), author=f"a{number}")


def fill(one: Feed, store: Store, **more: object) -> Backfilled:
    return backfill(one, lambda _: verdict(), store, "worker", lambda: NOW, **more)  # type: ignore[arg-type]


def test_a_backfill_reads_to_the_day_asked_for_and_alerts_nobody(store: Store) -> None:
    with FakeHackerNews().start() as site:
        publish(site, 200)
        poll(feed(site, store), lambda _: verdict(), store, "worker", lambda: NOW)  # a day of history, the newest 20
        known = store.totals().mentions
        said: list[Backfilled] = []
        done = fill(feed(site, store, row_name("hn", SINCE)), store, progress=said.append)
        assert done.done
        assert store.totals().mentions == 200
        assert done.new == 200 - known
        assert done.oldest is not None
        assert done.oldest < SINCE + DAY
        assert [one.new for one in said] == sorted(one.new for one in said)
        assert set(store.totals().outcomes) == {Outcome.ALERTS_OFF}
        assert store.claim("care", "sender", NOW, DAY) is None


def test_a_backfill_that_was_stopped_goes_on_where_it_was(store: Store) -> None:
    with FakeHackerNews().start() as site:
        publish(site, 120)
        name = row_name("hn", SINCE)

        class Stopped(Exception):
            pass

        def stop(so_far: Backfilled) -> None:
            if so_far.pages == 4:
                raise Stopped

        with pytest.raises(Stopped):
            fill(feed(site, store, name), store, progress=stop)
        had = store.totals().mentions
        assert 0 < had < 120
        store.end_leases("worker", NOW)
        done = fill(feed(site, store, name), store)
        assert done.done
        assert store.totals().mentions == 120
        assert done.read < 120 + 40  # a lookback again, not everything


def test_a_platform_that_says_wait_is_waited_for_or_told(store: Store) -> None:
    with FakeHackerNews().start() as site:
        publish(site, 30)
        one = feed(site, store, row_name("hn", SINCE))
        site.fail_next("429", retry_after=60)
        slept: list[float] = []
        assert fill(one, store, sleep=slept.append).done
        assert slept == [60.0]
        site.fail_next("429", retry_after=7200)
        later = fill(replace(one), store)
        assert (later.done, later.wait_until) == (False, NOW + timedelta(hours=2))
        assert later.error is not None


def test_a_backfill_waits_for_its_account_and_says_so_where_that_is_long(store: Store) -> None:
    with FakeHackerNews().start() as site:
        publish(site, 5)
        one = feed(site, store, row_name("hn", SINCE))
        names = {one.name: "hackernews", "hn": "hackernews"}
        store.register_sources(names, NOW, dict.fromkeys(names, "shared"))
        at = [NOW]

        def pass_by(seconds: float) -> None:
            at[0] += timedelta(seconds=seconds)

        def fill_now() -> Backfilled:
            return backfill(one, lambda _: verdict(), store, "worker", lambda: at[0], sleep=pass_by)

        store.block_account("shared", NOW + DAY, "429")
        told = fill_now()
        assert (told.done, told.wait_until, told.pages) == (False, NOW + DAY, 0)
        at[0] = NOW + DAY - timedelta(minutes=1)
        assert fill_now().done
        assert at[0] == NOW + DAY
        assert store.lease("hn", "daemon", at[0], timedelta(minutes=2), force=True) is not None
        assert fill_now().done  # once the daemon's lease is over
        assert at[0] == NOW + DAY + timedelta(minutes=2)
        assert store.lease(one.name, "elsewhere", at[0], timedelta(minutes=2), force=True) is not None
        assert "another process" in (fill_now().error or "")


def test_what_a_source_cannot_give_is_said() -> None:
    with pytest.raises(NoHistory):
        with_history(RssSettings(url="https://news.example/feed"), 10 * DAY)
    assert is_backfill_of(row_name("hn", SINCE), "hn")
    assert not is_backfill_of(row_name("hn", SINCE), "h")


def test_a_time_without_reading_is_a_gap_until_the_next_good_poll(store: Store) -> None:
    with FakeHackerNews().start() as site:
        one = feed(site, store)

        def turn(after: timedelta) -> None:
            poll(one, lambda _: verdict(), store, "worker", lambda: NOW + after, force=True)

        turn(timedelta(0))
        for minutes in (10, 20, 30):
            site.fail_next("503")
            turn(timedelta(minutes=minutes))
        (line,) = store.gaps(NOW)
        assert (line.gap.since, line.gap.until, line.gap.reason) == (NOW, NOW + timedelta(minutes=30), "outage")
        assert line.closed_at is None
        assert len(store.sources()[0].gaps) == 1
        turn(timedelta(minutes=40))
        (line,) = store.gaps(NOW)
        assert line.closed_at == NOW + timedelta(minutes=40)
        assert store.sources()[0].gaps == ()
        assert store.gaps(NOW + timedelta(hours=1)) == ()


# The commands


CONFIG = """
[brand]
name = "Acme"
[listener]
{intranet}
[[source]]
name = "hn"
connector = "hackernews"
base_url = "{url}"
page_size = 10
page_cap = 2
[[source]]
name = "blog"
connector = "rss"
url = "http://127.0.0.1:9/feed"
[[receiver]]
name = "console"
type = "console"
[[route]]
name = "all"
to = ["console"]
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHackerNews]:
    monkeypatch.chdir(tmp_path)
    with FakeHackerNews().start() as site:
        (tmp_path / "listener.toml").write_text(CONFIG.format(url=site.url, intranet='intranet = ["127.0.0.0/8"]'))
        yield site


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys)


def test_backfill_and_gaps_as_a_user_calls_them(site: FakeHackerNews, terminal: Terminal) -> None:
    at = real_now()
    for number in range(60):
        site.publish(f"Acme order {number} never came", at - number * timedelta(hours=2), author=f"a{number}")
    assert terminal("gaps").out.startswith("Nothing was missed")
    since = f"{at - timedelta(days=6):%Y-%m-%d}"
    said = terminal("backfill", "--since", since)
    assert said.code == 0, said.err
    assert "hn: " in said.out
    assert "60 new" in said.out
    assert "blog: rss shows what is there now; it has nothing older to give." in said.out
    again = terminal("backfill", "hn", "--since", since)
    assert "0 new" in again.out
    assert terminal("backfill", "nowhere", "--since", since).code == 2
    assert "lies ahead" in terminal("backfill", "--since", "2199-01-01").err


def test_a_backfill_that_was_killed_goes_on_at_once(site: FakeHackerNews, terminal: Terminal) -> None:
    at = real_now()
    site.publish("Acme order never came", at)
    since = at - timedelta(days=6)
    assert terminal("backfill", "hn", "--since", f"{since:%Y-%m-%d}").code == 0
    dead = subprocess.Popen(["true"])  # a process number that nobody has any more
    dead.wait()
    name = owner().replace(f":{os.getpid()}:", f":{dead.pid}:")
    with Store.open("sqlite:///listener.db") as store:
        assert store.lease(row_name("hn", since), name, at, timedelta(minutes=10), force=True) is not None
    again = terminal("backfill", "hn", "--since", f"{since:%Y-%m-%d}")
    assert again.code == 0, again.err


def test_what_could_not_be_filled_is_said_and_fails(site: FakeHackerNews, terminal: Terminal) -> None:
    at = real_now()
    for number in range(60):
        site.publish(f"Acme order {number} never came", at - number * timedelta(minutes=1), author=f"a{number}")
    terminal("once")
    with Store.open("sqlite:///listener.db") as store:
        assert store.lease("hn", "elsewhere", at, timedelta(minutes=10), force=True) is not None
    filled = terminal("gaps", "--fill")
    assert (filled.code, "fills its gaps by itself" in filled.err) == (1, True)


def test_gaps_are_filled_on_request(site: FakeHackerNews, terminal: Terminal) -> None:
    at = real_now()
    for number in range(60):
        site.publish(f"Acme order {number} never came", at - number * timedelta(minutes=1), author=f"a{number}")
    terminal("once")
    shown = terminal("gaps", "hn", "--json")
    assert [line["reason"] for line in json.loads(shown.out)] == ["page-cap"]
    assert "more posts than one poll reads" in " ".join(terminal("gaps").out.split())
    filled = terminal("gaps", "--fill")
    assert filled.code == 0, filled.err
    assert "open" not in filled.out
    assert "read " in filled.out


def test_an_author_is_forgotten_by_command(site: FakeHackerNews, terminal: Terminal) -> None:
    site.publish("Acme order never came", real_now(), author="zoe")
    terminal("once")
    assert terminal("forget", "--author", "zoe").code == 2
    nothing = terminal("forget", "--author", "hackernews:nobody", "--yes")
    assert (nothing.code, "nothing that is stored was written by nobody" in nothing.err) == (1, True)
    said = terminal("forget", "--author", "hackernews:zoe", "--yes")
    assert said.code == 0, said.err
    assert said.out.startswith("1 post has lost words and author.")


def test_a_day_before_the_platforms_is_refused_with_what_is_allowed(site: FakeHackerNews, terminal: Terminal) -> None:
    said = terminal("backfill", "hn", "--since", "0001-01-01")
    assert (said.code, "from 2000-01-01 on" in said.err) == (2, True)


def test_corrections_that_cannot_be_written_are_no_fault_of_listener(site: FakeHackerNews, terminal: Terminal) -> None:
    said = terminal("labels", "export", "--output", "nowhere/labels.jsonl")
    assert (said.code, "nowhere/labels.jsonl cannot be written" in said.err) == (1, True)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody without a name")
def test_who_has_no_name_in_their_container_can_work_cases() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import os; from listener.cli.common import whoami; os.setuid(54321); print(whoami())"],
        env={}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert said.stdout == "user 54321\n", said.stderr


def state(name: str, first: datetime | None, **more: object) -> SourceState:
    given = {"next_poll_at": None, "last_success_at": first, "failures": 0, "error": None, "parked": None, "gaps": ()}
    return SourceState(name=name, connector="hackernews", first_success_at=first, **(given | {"mentions": 3} | more))  # type: ignore[arg-type]


def test_what_was_read_back_counts_as_collected_by_its_source() -> None:
    hn, read = state("hn", NOW), state(row_name("hn", SINCE), NOW + timedelta(minutes=3))
    (one,) = as_collected([hn, read, state("drill", NOW)])
    assert (one.name, one.first_success_at, one.last_success_at) == ("hn", SINCE, NOW + timedelta(minutes=3))
    assert one.mentions == 6


def test_a_source_that_was_only_read_back_is_shown_by_its_name() -> None:
    (one,) = as_collected([state(row_name("a:b", SINCE), NOW)])
    assert (one.name, one.first_success_at, one.mentions) == ("a:b", SINCE, 3)


@pytest.mark.parametrize("flaw", [{"failures": 1}, {"gaps": (Gap(SINCE, NOW, "page-cap"),)}, {"first": None}])
def test_a_backfill_that_did_not_come_to_its_end_proves_nothing(flaw: dict[str, object]) -> None:
    hn = state("hn", NOW)
    assert as_collected([hn, state(row_name("hn", SINCE), **({"first": NOW} | flaw))]) == (hn,)  # type: ignore[arg-type]


@pytest.mark.parametrize("said", ["14d", "2026-10-01"])
def test_how_far_back_is_a_stretch_of_time_or_a_day(site: FakeHackerNews, terminal: Terminal, said: str) -> None:
    site.publish("Acme order", real_now() - 3 * DAY, author="ada")
    done = terminal("backfill", "hn", "--since", said, "--no-alerts")
    assert done.code == 0, done.err
    assert "1 post read, 1 new" in done.out


def test_what_is_read_back_asks_nobody_for_an_answer(site: FakeHackerNews, terminal: Terminal) -> None:
    """It was for others to answer, or answered long ago: no list fills with cases that are overdue by weeks."""
    site.publish("Acme never sent my order, I want my money back", real_now() - 3 * DAY, author="ada")
    assert terminal("backfill", "hn", "--since", "14d").code == 0
    assert json.loads(terminal("cases", "list", "--json").out) == []
    (case,) = json.loads(terminal("cases", "list", "--all", "--json").out)
    assert (case["state"], case["due_at"]) == ("new", None)
    assert "0 open cases" in terminal("status").out
    response = json.loads(
        terminal(
            "digest",
            "--since",
            f"{real_now() - 5 * DAY:%Y-%m-%d}",
            "--until",
            f"{real_now():%Y-%m-%d}",
            "--format",
            "json",
        ).out
    )["response"]
    assert response["unanswered"] == 0


def test_who_was_told_of_a_case_is_not_told_anew_by_what_is_read_back(store: Store) -> None:
    hours = ServiceHours(ZoneInfo("UTC"))
    live, quiet = (Settler("hn", Rules((Route("all", ("care",)),), hours, alerts=alerts)) for alerts in (True, False))
    asked = NOW - timedelta(hours=2)
    _record(store, live, "1", asked, Urgency.NORMAL)
    (case,) = store.cases_in(CaseState.NEW)
    store.transition(case.ref, Wish(Deed.REPLIED, "ana", "cli"), hours, lambda *_: (), NOW - timedelta(hours=1))
    _record(store, quiet, "2", asked - 5 * DAY + timedelta(days=3), Urgency.CRITICAL)
    view = store.case(case.ref)
    assert view is not None
    assert (view.case.state, view.case.urgency, view.case.mention_count) == (CaseState.REPLIED, Urgency.NORMAL, 2)


def _record(store: Store, settle: Settler, number: str, at: datetime, urgency: Urgency) -> None:
    store.register_sources({"hn": "hackernews"}, NOW)
    lease = store.lease("hn", "worker", NOW, timedelta(minutes=5), force=True)
    assert lease is not None
    mention = Mention("hackernews", number, "Acme never sent my order", at, Author("ada"), thread_id="t")
    judged = [Triaged(mention, verdict(urgency=urgency))]
    store.record_page(lease, Page((mention,), {}), judged, settle, NOW)
    store.finish(lease, NOW, NOW)
