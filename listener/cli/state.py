"""What one asks about the daemon: status for people, health for probes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from listener.cli.common import FILE, ago, configuration, echo_json, json_option

if TYPE_CHECKING:
    from rich.text import Text

    from listener.config import Config
    from listener.model import SourceState
    from listener.spending import Account
    from listener.store import Store


@click.command(epilog="Example: listener status --json")
@json_option
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """What the daemon is doing, what waits, and what it misses."""
    from listener import app

    config = configuration(ctx)
    with app.stored(config) as store:
        at = app.now()
        if as_json:
            echo_json(_status(store, at, config))
            return
        _print_status(store, at, config)


@click.command(epilog="Example (container): HEALTHCHECK CMD listener health")
@json_option
@click.pass_context
def health(ctx: click.Context, as_json: bool) -> None:
    """For probes: exit 0 while the daemon lives, reads its sources and gets its messages out; else 1 and why."""
    from listener import app, troubles

    config = configuration(ctx)
    with app.stored(config) as store:
        found = troubles.troubles(store, app.now(), config)
    if as_json:
        echo_json({"healthy": not found, "troubles": found})
    else:
        click.echo("\n".join(found) or "healthy")
    if found:
        sys.exit(1)


def _status(store: Store, at: datetime, config: Config) -> dict[str, object]:
    from listener import troubles

    read, totals, outbox = troubles.vitals(store, at, config), store.totals(), store.outbox(at)
    return {
        "at": at,
        "last_sign_of_life": read.heartbeat,
        "mentions": totals.mentions,
        "mentions_without_text": totals.removed,
        "cases_open": totals.cases_open,
        "outcomes": {outcome.value: count for outcome, count in totals.outcomes.items()},
        "sources": [
            {
                "name": source.name,
                "connector": source.connector,
                "mentions": source.mentions,
                "next_poll_at": source.next_poll_at,
                "account": source.account,
                "seconds_between_polls": source.pace.total_seconds() if source.pace else None,
                "last_success_at": source.last_success_at,
                "failures": source.failures,
                "error": source.error,
                "parked": source.parked,
                "gaps": [
                    {"since": gap.since, "until": gap.until, "reason": gap.reason, "lost": gap.lost}
                    for gap in source.gaps
                ],
            }
            for source in store.sources()
        ],
        "accounts": [
            {
                "name": account.name,
                "spent_day_usd": round(account.day, 4),
                "spent_month_usd": round(account.month, 4),
                "budget_day_usd": account.budget_day,
                "budget_month_usd": account.budget_month,
                "useful_mentions_month": account.useful,
                "usd_per_useful_mention": account.per_useful and round(account.per_useful, 4),
                "waits_until": account.blocked_until,
                "waits_because": account.blocked_by or None,
            }
            for account in _accounts(store, at, config)
        ],
        "outbox": {
            receiver: {state.value: n for state, n in counts.items()} for receiver, counts in outbox.counts.items()
        },
        "receivers": {
            name: {"stopped": state.stopped, "next_at": state.next_at} for name, state in store.receivers().items()
        },
        "quiet_until": troubles.quiet(config, at),
        "silences": [
            {
                "id": one.id,
                "who": one.who,
                "comment": one.comment,
                "begins_at": one.begins_at,
                "ends_at": one.ends_at,
                "fits": str(one.fits),
                "mentions": one.mentions,
            }
            for one in store.silences(at)
        ],
        "clicks": troubles.lines(read, config),
        "troubles": troubles.found(read, config),
    }


def _print_status(store: Store, at: datetime, config: Config) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from listener import silencing, troubles

    console, totals, outbox = Console(), store.totals(), store.outbox(at)
    configured, configured_receivers = troubles.in_use(config)
    read = troubles.vitals(store, at, config)
    alive = troubles.is_alive(read)
    console.print(
        Text.assemble(
            ("● running" if alive else "○ not running", "green" if alive else "yellow"),
            f"  ·  {totals.mentions} mentions  ·  {totals.cases_open} open cases",
        )
    )
    sources = Table(
        "source", "connector", "mentions", "last read", "next", "state", box=None, header_style="dim", pad_edge=False
    )
    for source in store.sources():
        sources.add_row(
            source.name,
            source.connector,
            str(source.mentions),
            ago(source.last_success_at, at),
            _next(source, at),
            _state(source, source.name in configured or source.connector == FILE),
        )
    console.print(sources)
    for source in store.sources():
        for gap in source.gaps:
            words = "lost" if gap.lost else "still to be read"
            console.print(
                Text(
                    f"  gap in {source.name}: {gap.since:%d %b %H:%M} – {gap.until:%d %b %H:%M} UTC, {gap.reason}, {words}",
                    "yellow",
                )
            )
    for account in _accounts(store, at, config):
        console.print(_account_line(account, at))
    receivers = Table("receiver", "sent", "waiting", "dead", "state", box=None, header_style="dim", pad_edge=False)
    states, quiet = store.receivers(), troubles.quiet(config, at)
    for name in sorted(set(outbox.counts) | set(states)):
        counts = {state.value: n for state, n in outbox.counts.get(name, {}).items()}
        stopped = states[name].stopped if name in states else None
        receivers.add_row(
            name,
            str(counts.get("sent", 0)),
            str(counts.get("pending", 0) + counts.get("sending", 0)),
            str(counts.get("dead", 0)),
            _receiver_state(stopped, name in configured_receivers, _held(name, quiet, at)),
        )
    console.print(receivers)
    for silence in store.silences(at):
        console.print(Text(f"  {silencing.say(silence, at)}", "yellow"))
    for name, line in troubles.lines(read, config).items():
        console.print(Text(f"  clicks through {name}: {_line(line, at)}", "dim"))
    for outcome, count in totals.outcomes.items():
        console.print(Text(f"  {outcome.value}: {count}", "dim"))
    if totals.removed:
        console.print(Text(f"  text removed (retention): {totals.removed}", "dim"))


def _accounts(store: Store, at: datetime, config: Config) -> list[Account]:
    from listener import spending

    sources_of: dict[str, list[str]] = {}
    for source in store.sources():
        if source.account is not None:
            sources_of.setdefault(source.account, []).append(source.name)
    budgets = {one.name: (one.budget_day, one.budget_month) for one in config.accounts}
    return spending.accounts(store, budgets, sources_of, at)


def _account_line(account: Account, at: datetime) -> Text:
    """`  account x: 0.41 of 3.00 USD today, 12.10 of 50.00 this month, 0.03 a useful mention`"""
    from rich.text import Text

    day = f"{account.day:.2f}" + (f" of {account.budget_day:.2f}" if account.budget_day else "")
    month = f"{account.month:.2f}" + (f" of {account.budget_month:.2f}" if account.budget_month else "")
    said = Text(f"  account {account.name}: ", "dim")
    if account.month or account.budget_day or account.budget_month:
        said.append(f"{day} USD today, {month} this month", "dim")
        if account.per_useful is not None:
            said.append(f", {account.per_useful:.3f} a useful mention", "dim")
    if account.blocked_until is not None:
        said.append(f"  waits, asked again {ago(account.blocked_until, at)}: {account.blocked_by}", "yellow")
    return said


def _held(receiver: str, quiet: Mapping[str, datetime | None], at: datetime) -> str:
    if receiver not in quiet:
        return ""
    until = quiet[receiver]
    return f"quiet hours, opens {ago(until, at)}" if until else "quiet hours without end"


def _receiver_state(stopped: str | None, configured: bool, quiet: str) -> Text:
    from rich.text import Text

    if not configured:
        return Text("not in the configuration", "dim")
    if not stopped and quiet:
        return Text(quiet, "dim")
    return Text(f"stopped: {stopped}", "red") if stopped else Text("ok", "green")


def _line(line: Mapping[str, Any], at: datetime) -> str:
    """What is known of the line that brings clicks from Slack."""
    since, last = (datetime.fromisoformat(line[key]) if line.get(key) else None for key in ("since", "last_envelope"))
    said = f"{line.get('state')} since {ago(since, at)}, last click {ago(last, at)}"
    if line.get("connections") is not None:
        said += f", {line['connections']} lines at Slack"
    return f"{said} ({line['why']})" if line.get("why") else said


def _next(source: SourceState, at: datetime) -> str:
    if source.next_poll_at is None or source.next_poll_at <= at:
        return "now"
    return "–" if source.connector == FILE else ago(source.next_poll_at, at)


def _state(source: SourceState, configured: bool) -> Text:
    from rich.text import Text

    if not configured:
        return Text("not in the configuration", "dim")
    if source.parked:
        return Text(f"parked: {source.parked} (mend it, then `listener resume {source.name}`)", "red")
    if source.error:
        return Text(f"failed {source.failures} times: {source.error}", "yellow")
    return Text("ok", "green")
