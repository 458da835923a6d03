"""What one asks about the daemon: status for people, health for probes."""

from __future__ import annotations

import signal
import sys
import threading
from datetime import datetime
from typing import TYPE_CHECKING

import click

from listener.cli.common import configuration, echo_json, json_option

if TYPE_CHECKING:
    from listener.config import Config
    from listener.store import Store

AGAIN = 2  # seconds between two drawings


@click.command(epilog="Example: listener status --watch")
@click.option("--watch", is_flag=True, help=f"Draw it anew every {AGAIN} seconds, until Ctrl-C.")
@json_option
@click.pass_context
def status(ctx: click.Context, watch: bool, as_json: bool) -> None:
    """What the daemon is doing, what waits, and what it misses."""
    from rich.console import Console

    from listener import app
    from listener.cli.status import draw

    if watch and as_json:
        raise click.UsageError("--watch is for people and --json for scripts; use one of them.")
    config = configuration(ctx)
    with app.stored(config) as store:
        if as_json:
            echo_json(_status(store, app.now(), config))
            return
        stopping = threading.Event()
        if watch:
            # An exception would be lost where it is raised inside a callback, of the database or of the collector.
            signal.signal(signal.SIGINT, lambda *_: stopping.set())
        draw(Console(), store, app.now(), config)
        while watch and not stopping.wait(AGAIN):
            console = Console()  # anew: the terminal may be wider now
            with console.capture() as drawn:  # first drawn, then shown, or it would flicker
                draw(console, store, app.now(), config)
            click.clear()
            click.echo(drawn.get(), nl=False)


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
    from listener import recheck, troubles
    from listener.cli.status import all_accounts

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
                "recheck_trouble": recheck.trouble(store, source.name),
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
                "spent_month_rechecks_usd": round(account.rechecks, 4),
                "budget_day_usd": account.budget_day,
                "budget_month_usd": account.budget_month,
                "useful_mentions_month": account.useful,
                "usd_per_useful_mention": account.per_useful and round(account.per_useful, 4),
                "waits_until": account.blocked_until,
                "waits_because": account.blocked_by or None,
            }
            for account in all_accounts(store, at, config)
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
