"""`listener status` drawn: what is wrong first, then sources, money, receivers, cases.

Made for 80 columns: tables hold names, numbers and one word; sentences stand below them, as wide as the terminal, under a
hanging indent. Nothing hangs on a colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from connectors.base import Gap
from listener import recheck, silencing, spending, troubles
from listener.cli.common import FILE, ago, length
from listener.config import Config
from listener.model import NotificationState, SourceState
from listener.readback import read_back
from listener.slack.outside import one_line
from listener.spending import WARN_AT, Account
from listener.store import OutboxState, Store, Vitals

GAPS_SHOWN = 5
REASON_SHOWN = 200  # characters of what a platform said


def draw(console: Console, store: Store, at: datetime, config: Config) -> None:
    """Print the state of the daemon at `at`."""
    read, outbox, sources = troubles.vitals(store, at, config), store.outbox(at), store.sources()
    wrong = troubles.found(read, config)
    totals = store.totals()
    _head(console, read, wrong, totals.mentions, totals.cases_open)
    if wrong:
        _title(console, "troubles")
        for sentence in wrong:
            _sentence(console, "!", sentence, "red")
    if sources:
        _sources(console, read, sources, config)
        _rechecks(console, store, sources, at)
    accounts = all_accounts(store, at, config)
    if accounts:
        _accounts(console, accounts, at)
    _receivers(console, read, outbox, config)
    silences = [silencing.say(one, at) for one in store.silences(at)]
    clicks = [f"clicks through {name}: {_line(line, at)}" for name, line in troubles.lines(read, config).items()]
    if silences or clicks:
        console.print()
    for words in (*silences, *clicks):
        _sentence(console, "·", one_line(words, REASON_SHOWN), "dim")
    became = [f"{outcome.value}: {count:,}" for outcome, count in totals.outcomes.items()]
    if totals.removed:
        became.append(f"text removed (retention): {totals.removed:,}")
    if became:
        _title(console, "what became of mentions")
        console.print(Padding(Text(" · ".join(became)), (0, 0, 0, 2)))


def all_accounts(store: Store, at: datetime, config: Config) -> list[Account]:
    """The accounts that have a budget, spent something this month, or must wait."""
    sources_of: dict[str, list[str]] = {}
    for source in store.sources():
        if source.account is not None:
            sources_of.setdefault(source.account, []).append(source.name)
    budgets = {one.name: (one.budget_day, one.budget_month) for one in config.accounts}
    return spending.accounts(store, budgets, sources_of, at)


def _head(console: Console, read: Vitals, wrong: Sequence[str], mentions: int, cases: int) -> None:
    alive = troubles.is_alive(read)
    found = f"{len(wrong)} trouble{'s' if len(wrong) > 1 else ''}" if wrong else "healthy"
    console.print(
        Text.assemble(
            ("● running" if alive else "○ not running", "green" if alive else "yellow"),
            ("  ·  " + found, "red" if wrong else "green"),
        )
    )
    by_state = [
        f"{count:,} {state.value}"
        for state, numbers in groupby(read.cases.items(), key=lambda one: one[0][0])
        if (count := sum(number for _, number in numbers))
    ]
    late = sum(read.overdue.values())
    gravest = [f"{count} {level.name.lower()}" for level, count in reversed(list(read.overdue.items())) if count]
    said = f"{_some(mentions, 'mention')}  ·  {_some(cases, 'open case')}" + (
        f": {', '.join(by_state)}" if by_state else ""
    )
    console.print(Text(said))
    if late:
        console.print(Text(f"{late:,} overdue: {', '.join(gravest)}", "yellow"))


def _some(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _sources(console: Console, read: Vitals, sources: Sequence[SourceState], config: Config) -> None:
    configured, _ = troubles.in_use(config)
    console.print()
    table = _table("source", "connector", "read", "next", "every", ">mentions", "state")
    files = [source for source in sources if source.connector == FILE and source.name not in configured]
    for source in sources:
        back = read_back(source.name)
        if back is not None:
            state = Text("stopped", "yellow") if source.failures or source.gaps else Text("done", "dim")
            name = f"{back[0]}, back to {back[1]:%d %b %Y}"
            table.add_row(
                name, source.connector, ago(source.last_success_at, read.at), "–", "–", f"{source.mentions:,}", state
            )
        elif source not in files:
            table.add_row(
                source.name,
                source.connector,
                ago(source.last_success_at, read.at),
                _next(source, read.at) if source.name in configured else "–",
                "–" if source.pace is None else length(source.pace),
                f"{source.mentions:,}",
                _state(source, read, source.name in configured),
            )
    if files:
        newest = max((source.last_success_at for source in files if source.last_success_at), default=None)
        name = files[0].name if len(files) == 1 else f"{len(files)} files"
        number = f"{sum(source.mentions for source in files):,}"
        table.add_row(name, FILE, ago(newest, read.at), "–", "–", number, Text("imported", "dim"))
    console.print(table)
    for source in sources:
        # Three failures in a row are a trouble, and said above.
        if source.error and source.failures < troubles.FAILURES and source.name in configured:
            times = f"{source.failures} time{'s' if source.failures > 1 else ''}"
            _sentence(console, "·", f"{source.name} failed {times}: {one_line(source.error, REASON_SHOWN)}", "yellow")
    _gaps(console, sources)


def _rechecks(console: Console, store: Store, sources: Sequence[SourceState], at: datetime) -> None:
    for source in sources:
        if (trouble := recheck.trouble(store, source.name)) is None:
            continue
        when, why = ago(datetime.fromisoformat(trouble["at"]), at), one_line(trouble["why"], REASON_SHOWN)
        posts = f"{trouble['aside']} post{'s' if trouble['aside'] > 1 else ''}"
        words = (
            f"{posts} could not be looked up again and wait" if trouble["aside"] else "looking posts up again failed"
        )
        _sentence(console, "·", f"{source.name}: {words} ({when}): {why}", "yellow")


def _gaps(console: Console, sources: Sequence[SourceState]) -> None:
    gaps = [(source.name, gap) for source in sources for gap in source.gaps]
    gaps.sort(key=lambda one: (one[1].lost, -one[1].until.timestamp()))
    for name, gap in gaps[:GAPS_SHOWN]:
        words = "lost" if gap.lost else "still to be read"
        _sentence(console, "·", f"gap in {name}: {_stretch(gap)}, {gap.reason}, {words}", "yellow")
    if len(gaps) > GAPS_SHOWN:
        _sentence(console, "·", f"{len(gaps) - GAPS_SHOWN} more gaps: `listener gaps` lists all", "yellow")


def _accounts(console: Console, accounts: Sequence[Account], at: datetime) -> None:
    console.print()
    table = _table("account", ">USD today", ">USD this month", ">a useful one", "state")
    for account in accounts:
        table.add_row(
            account.name,
            _money(account.day, account.budget_day),
            _money(account.month, account.budget_month),
            "–" if account.per_useful is None else f"{account.per_useful:.3f}",
            _account_state(account, at),
        )
    console.print(table)
    for account in accounts:
        if account.rechecks:
            words = f"{account.name}: {account.rechecks:.2f} USD of this month's were for looking posts up again"
            _sentence(console, "·", words, "dim")
        if account.blocked_until is not None:
            _sentence(console, "·", f"{account.name}: {one_line(account.blocked_by, REASON_SHOWN)}", "yellow")


def _account_state(account: Account, at: datetime) -> Text:
    if account.blocked_until is not None:
        return Text(f"waits, asks {ago(account.blocked_until, at)}", "yellow")
    limits = ((account.day, account.budget_day), (account.month, account.budget_month))
    used = max((spent / limit for spent, limit in limits if limit), default=0.0)
    return Text(f"{used:.0%} of its budget used", "yellow") if used >= WARN_AT else Text("ok", "green")


def _receivers(console: Console, read: Vitals, outbox: OutboxState, config: Config) -> None:
    _, configured = troubles.in_use(config)
    quiet = troubles.quiet(config, read.at)
    console.print()
    table = _table("receiver", ">sent", ">waiting", ">dead", "oldest", "state")
    for name in sorted({*outbox.counts, *read.receivers, *configured}):
        counts = outbox.counts.get(name, {})
        waiting = counts.get(NotificationState.PENDING, 0) + counts.get(NotificationState.SENDING, 0)
        waited = outbox.waiting.get(name)
        state = read.receivers.get(name)
        table.add_row(
            name,
            f"{counts.get(NotificationState.SENT, 0):,}",
            f"{waiting:,}",
            f"{counts.get(NotificationState.DEAD, 0):,}",
            "–" if waited is None else length(waited),
            _receiver_state(
                state.stopped if state else None, name in configured, name in quiet, quiet.get(name), read.at
            ),
        )
    console.print(table)


def _receiver_state(stopped: str | None, configured: bool, quiet: bool, until: datetime | None, at: datetime) -> Text:
    if not configured:
        return Text("not in the configuration", "dim")
    if stopped:
        return Text("stopped", "red")
    if quiet:
        return Text(f"quiet hours, opens {ago(until, at)}" if until else "quiet hours without end", "dim")
    return Text("ok", "green")


def _next(source: SourceState, at: datetime) -> str:
    if source.parked:
        return "–"
    return "now" if source.next_poll_at is None or source.next_poll_at <= at else ago(source.next_poll_at, at)


def _state(source: SourceState, read: Vitals, configured: bool) -> Text:
    if not configured:
        return Text("not in use", "dim")
    if source.parked:
        return Text("parked", "red")
    if source.account in read.blocked:
        return Text("waits", "yellow")
    if source.error:
        return Text(f"failed {source.failures}×", "yellow")
    return Text("ok", "green")


def _line(line: Mapping[str, Any], at: datetime) -> str:
    """What is known of the line that brings clicks from Slack."""
    since, last = (datetime.fromisoformat(line[key]) if line.get(key) else None for key in ("since", "last_envelope"))
    said = f"{line.get('state')} since {ago(since, at)}, last click {ago(last, at)}"
    if line.get("connections") is not None:
        said += f", {line['connections']} lines at Slack"
    return f"{said} ({line['why']})" if line.get("why") else said


def _table(*columns: str) -> Table:
    """Columns two blanks apart; ">" before a name: numbers, to the right. Only the first gives way where it is narrow."""
    made = [
        Column(
            name.removeprefix(">"),
            justify="right" if name.startswith(">") else "left",
            no_wrap=place > 0,
            overflow="fold",
        )
        for place, name in enumerate(columns)
    ]
    return Table(*made, box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))


def _title(console: Console, words: str) -> None:
    console.print()
    console.print(Text(words, "dim"))


def _sentence(console: Console, mark: str, words: str, style: str) -> None:
    grid = Table.grid(Column(width=4), Column(overflow="fold"))
    grid.add_row(Text(f"  {mark}", style), Text(words, style))
    console.print(grid)


def _money(spent: float, limit: float | None) -> str:
    return f"{spent:.2f}" + (f" of {limit:.2f}" if limit else "")


def _stretch(gap: Gap) -> str:
    same = gap.since.date() == gap.until.date()
    return f"{gap.since:%d %b %H:%M} – {gap.until:{'%H:%M' if same else '%d %b %H:%M'}} UTC"
