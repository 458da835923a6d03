"""The daemon and what one asks about it: run, once, status, health, resume."""

from __future__ import annotations

import os
import signal
import sys
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from listener.cli.common import FILE, ago, configuration, echo_json, json_option, log_to_stderr

if TYPE_CHECKING:
    from types import FrameType

    from rich.text import Text

    from listener.model import SourceState
    from listener.store import Store

DEAD_AFTER = timedelta(seconds=90)  # without a heartbeat


@click.command(epilog="Example: listener --config /etc/listener.toml run")
@click.pass_context
def run(ctx: click.Context) -> None:
    """Run as a service: poll, alert, report, until SIGTERM or Ctrl-C.

    A signal lets the page and the message in hand finish; a second one stops at once, and nothing is lost either way.
    """
    import structlog

    from listener import app, report, schedule
    from listener.plugins import check_distribution

    if clashes := check_distribution():
        raise click.ClickException("\n".join(clashes))
    config = configuration(ctx)
    log_to_stderr(config.listener.log_level, config.listener.log_format)
    log = structlog.get_logger()
    for warning in config.warnings:
        click.echo(f"Warning: {warning}", err=True)
    stopping = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        if stopping.is_set():
            os._exit(1)  # sys.exit would wait for every thread, also for one that waits for a platform
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with app.daemon(config) as daemon:
        store = daemon.store
        if store.get_meta(report.STARTED) is None:
            store.set_meta(report.STARTED, app.now().isoformat())
        # A restart is a person's act: what was stopped or parked is tried again.
        for name, state in store.receivers().items():
            if state.stopped:
                store.resume_receiver(name, app.now())
        for source in store.sources():
            if source.parked:
                store.unpark(source.name, app.now())
        log.info(
            "started",
            sources=len(daemon.sources),
            receivers=len(daemon.work.outlets),
            database=store.kind,
            config=config.path.name,
        )
        scheduler = schedule.start(daemon.work, stopping)
        try:
            daemon.judge.ready()  # broken rules end the start with their own message
            while not stopping.wait(1.0):
                schedule.mind_the_clock(scheduler, app.now())
            log.info("stopping", note="finishing the page and message in hand")
        finally:
            stopping.set()
            scheduler.shutdown(wait=True)
        schedule.fall_silent(daemon.work)
    log.info("stopped")


@click.command(epilog="Example (cron): */5 * * * * listener --config /etc/listener.toml once")
@click.pass_context
def once(ctx: click.Context) -> None:
    """One round for cron: poll what is due, send what waits, make the digest if it is due."""
    from listener import app, report, schedule

    config = configuration(ctx)
    log_to_stderr(
        "warning" if config.listener.log_level == "info" else config.listener.log_level, config.listener.log_format
    )
    with app.daemon(config) as daemon:
        daemon.judge.ready()
        if daemon.store.get_meta(report.STARTED) is None:
            daemon.store.set_meta(report.STARTED, app.now().isoformat())
        schedule.once(daemon.work, lambda doing: click.echo(doing, err=True))
        failed = [source for source in daemon.store.sources() if source.name in daemon.sources and source.error]
    for source in failed:
        click.echo(f"{source.name}: {source.error}", err=True)
    if failed:
        sys.exit(1)


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
            echo_json(_status(store, at))
            return
        _print_status(store, at, {source.name for source in config.sources if source.enabled})


@click.command(epilog="Example (container): HEALTHCHECK CMD listener health")
@json_option
@click.pass_context
def health(ctx: click.Context, as_json: bool) -> None:
    """For probes: exit 0 while the daemon lives, reads its sources and gets its messages out; else 1 and why."""
    from listener import app

    with app.stored(configuration(ctx)) as store:
        troubles = _troubles(store, app.now())
    if as_json:
        echo_json({"healthy": not troubles, "troubles": troubles})
    else:
        click.echo("\n".join(troubles) or "healthy")
    if troubles:
        sys.exit(1)


@click.command(epilog="Example: listener resume care")
@click.argument("name")
@click.pass_context
def resume(ctx: click.Context, name: str) -> None:
    """Try a stopped receiver or a parked source again, once what stopped it is mended."""
    from listener import app

    with app.stored(configuration(ctx)) as store:
        receivers = store.receivers()
        parked = {source.name for source in store.sources() if source.parked}
        stopped = {one for one, state in receivers.items() if state.stopped}
        if name in stopped:
            store.resume_receiver(name, app.now())
        elif name in parked:
            store.unpark(name, app.now())
        else:
            waiting = ", ".join(sorted(stopped | parked)) or "nothing"
            raise click.ClickException(f"{name!r} is neither stopped nor parked. Waiting to be resumed: {waiting}.")
    click.echo(f"{name} is tried again from now on.")


def _alive(store: Store, at: datetime) -> datetime | None:
    beat = store.get_meta("heartbeat")
    return datetime.fromisoformat(beat["at"]) if isinstance(beat, dict) and isinstance(beat.get("at"), str) else None


def _troubles(store: Store, at: datetime) -> list[str]:
    found = []
    beat = _alive(store, at)
    if beat is None or at - beat > DEAD_AFTER:
        found.append(f"no daemon runs on this database (last sign of life: {ago(beat, at)})")
    for source in store.sources():
        if source.parked:
            found.append(f"source {source.name} is parked: {source.parked}")
        elif source.failures >= 3:
            found.append(f"source {source.name} failed {source.failures} times in a row: {source.error}")
    for name, state in store.receivers().items():
        if state.stopped:
            found.append(f"receiver {name} is stopped: {state.stopped}")
    waiting = store.outbox(at).oldest_due
    if waiting is not None and waiting > timedelta(minutes=15):
        found.append(f"the oldest alert has been waiting for {waiting.total_seconds() / 60:.0f} minutes")
    return found


def _status(store: Store, at: datetime) -> dict[str, object]:
    totals, outbox = store.totals(), store.outbox(at)
    return {
        "at": at,
        "last_sign_of_life": _alive(store, at),
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
        "outbox": {
            receiver: {state.value: n for state, n in counts.items()} for receiver, counts in outbox.counts.items()
        },
        "receivers": {
            name: {"stopped": state.stopped, "next_at": state.next_at} for name, state in store.receivers().items()
        },
        "troubles": _troubles(store, at),
    }


def _print_status(store: Store, at: datetime, configured: set[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console, totals, outbox = Console(), store.totals(), store.outbox(at)
    beat = _alive(store, at)
    alive = beat is not None and at - beat <= DEAD_AFTER
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
    receivers = Table("receiver", "sent", "waiting", "dead", "state", box=None, header_style="dim", pad_edge=False)
    states = store.receivers()
    for name in sorted(set(outbox.counts) | set(states)):
        counts = {state.value: n for state, n in outbox.counts.get(name, {}).items()}
        stopped = states[name].stopped if name in states else None
        receivers.add_row(
            name,
            str(counts.get("sent", 0)),
            str(counts.get("pending", 0) + counts.get("sending", 0)),
            str(counts.get("dead", 0)),
            Text(f"stopped: {stopped}", "red") if stopped else Text("ok", "green"),
        )
    console.print(receivers)
    for outcome, count in totals.outcomes.items():
        console.print(Text(f"  {outcome.value}: {count}", "dim"))
    if totals.removed:
        console.print(Text(f"  text removed (retention): {totals.removed}", "dim"))


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
