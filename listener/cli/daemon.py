"""The daemon itself: run, once, resume."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

import click

from listener.cli.common import configuration, log_to_stderr

if TYPE_CHECKING:
    from types import FrameType


@click.command(epilog="Example: listener --config /etc/listener.toml run")
@click.pass_context
def run(ctx: click.Context) -> None:
    """Run as a service: poll, alert, report, until SIGTERM or Ctrl-C.

    A signal lets the page and the message in hand finish; a second one stops at once, and nothing is lost either way.
    """
    import structlog

    from listener import app, minding, report, schedule
    from listener.plugins import check_distribution
    from listener.watch import systemd

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
    with app.daemon(config) as daemon, app.watched(daemon), app.clicks_heard(daemon):
        store = daemon.store
        if store.get_meta(report.STARTED) is None:
            store.set_meta(report.STARTED, app.now().isoformat())
        minding.keep_time(store, config.hours)
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
            systemd.notify("READY=1")
            while not stopping.wait(1.0):
                schedule.mind_the_clock(scheduler, app.now())
                daemon.work.pulse.loop_turned()
                if systemd.is_watched() and daemon.work.pulse.why_dead() is None:
                    systemd.notify("WATCHDOG=1")
            systemd.notify("STOPPING=1")
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
    from listener import app, minding, report, schedule

    config = configuration(ctx)
    log_to_stderr(
        "warning" if config.listener.log_level == "info" else config.listener.log_level, config.listener.log_format
    )
    with app.daemon(config) as daemon:
        daemon.judge.ready()
        if daemon.store.get_meta(report.STARTED) is None:
            daemon.store.set_meta(report.STARTED, app.now().isoformat())
        minding.keep_time(daemon.store, config.hours)
        schedule.once(daemon.work, lambda doing: click.echo(doing, err=True))
        failed = [source for source in daemon.store.sources() if source.name in daemon.sources and source.error]
    for source in failed:
        click.echo(f"{source.name}: {source.error}", err=True)
    if failed:
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
