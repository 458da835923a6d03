"""The composition root: the only place that builds real things from a configuration.

Everything is opened late and closed in one place. A command builds only what it uses: `classify` needs triage and
no store, `status` a store and no connector.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors.base import ConnectorError, Parked, Source, SourceContext
from listener import __version__, doctor, retention
from listener.cases import settle
from listener.config import Config
from listener.config.schema import ConsoleReceiver, SlackReceiver, WebhookReceiver
from listener.config.values import WEEKDAYS
from listener.deliver import Outlet
from listener.digest.figures import DigestSettings
from listener.ingest import Feed
from listener.judging import LoadingJudge
from listener.model import Receiver, ReceiverError
from listener.plugins import connectors
from listener.report import Reporting, put_due_digest
from listener.schedule import Work
from listener.slack.look import Look, load_words
from listener.store import Store

SLACK_PACE = timedelta(seconds=1)  # one message a second and channel (PLATFORMS §3.3)


class AppError(Exception):
    """Something that the user must mend before this can run; the message says what and how."""


def now() -> datetime:
    """The time of day, aware UTC. Everything below is given it as an argument."""
    return datetime.now(UTC)


def owner() -> str:
    """A name for this process that no other has: leases carry it."""
    return f"{_machine()}:{os.getpid()}:{secrets.token_hex(3)}"


def _machine() -> str:
    """This machine, or this container on it: where a process number means something."""
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()}/{''.join(filter(str.isdigit, space))}"


def end_leases_of_the_dead(store: Store, at: datetime) -> None:
    """Go on at once where a process of this machine was killed, instead of waiting for its leases to run out.

    Processes of other machines are left alone: nobody can tell from here whether they live.
    """
    for name in store.lease_owners():
        machine, pid, _ = name.rsplit(":", 2) if name.count(":") >= 2 else ("", "", "")
        if machine == _machine() and pid.isdecimal() and not _lives(int(pid)):
            store.end_leases(name, at)


def _lives(pid: int) -> bool:
    if pid == os.getpid():
        return False  # an earlier process had our number: this one has taken no lease yet
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def open_store(config: Config) -> Store:
    """The configured database, its tables current. Raises `StoreError`, `SecretMissing` or `AppError` with the remedy."""
    store = Store.open(config.database_url().get_secret_value())
    try:
        schema = store.schema()
        if schema.is_empty:
            store.migrate()
        elif schema.is_newer:
            raise AppError("the database was written by a newer listener. Install that version or restore a backup.")
        elif not schema.is_current:
            raise AppError(
                f"the database is at revision {schema.current}, this listener needs {schema.needed}."
                " Back it up and run `listener db migrate`."
            )
    except BaseException:
        store.close()
        raise
    return store


@contextmanager
def stored(config: Config) -> Iterator[Store]:
    """`open_store`, closed at the end."""
    store = open_store(config)
    try:
        yield store
    finally:
        store.close()


def telling_rules(config: Config, alerts: bool = True) -> settle.Rules:
    """What the configuration says about whom to tell."""
    return settle.Rules(config.routes, config.brand.hours, config.listener.alert_max_age, alerts)


def open_sources(config: Config) -> Mapping[str, Source]:
    """Every enabled source, opened; no network yet."""
    installed = connectors()
    return {
        source.name: installed[source.connector]
        .load()
        .open(
            source.settings,
            SourceContext(
                name=source.name,
                terms=source.terms,
                user_agent=f"listener/{__version__} (social listening for {config.brand.name})",
                languages=config.brand.languages,
            ),
        )
        for source in config.sources
        if source.enabled
    }


def open_outlets(config: Config, only: Sequence[str] | None = None) -> tuple[Outlet, ...]:
    """Every receiver. Trouble with one is told to the first other one that needs no credential, else to any other."""
    built = [receiver for receiver in config.receivers if only is None or receiver.name in only]
    fallbacks = sorted(built, key=lambda receiver: not isinstance(receiver, ConsoleReceiver))
    return tuple(
        Outlet(
            name=receiver.name,
            receiver=_open_receiver(config, receiver),
            pace=SLACK_PACE if isinstance(receiver, SlackReceiver) else timedelta(0),
            tell_instead=next((other.name for other in fallbacks if other.name != receiver.name), None),
        )
        for receiver in built
    )


def look(config: Config) -> Look:
    """How messages look: language, time zone, stage names. No buttons: nothing hears clicks."""
    return Look(
        load_words(config.listener.interface_language),
        ZoneInfo(config.brand.timezone),
        stages={stage.value: label for stage, label in config.journey.stages.items()},
    )


def _open_receiver(config: Config, receiver: ConsoleReceiver | SlackReceiver | WebhookReceiver) -> Receiver:
    if isinstance(receiver, SlackReceiver):
        from listener.slack.client import SlackReceiver as Slack

        token = config.secret(receiver, "token")
        assert token is not None  # the configuration demands token_env or token_file
        return Slack(
            token.get_secret_value(),
            receiver.channel,
            look(config),
            base_url=receiver.base_url,
            timeout=receiver.timeout,
            clock=now,
        )
    if isinstance(receiver, WebhookReceiver):
        from listener.receivers.webhook import WebhookReceiver as Webhook

        address = config.secret(receiver, "url")
        key = config.secret(receiver, "secret")
        return Webhook(
            address.get_secret_value() if address else receiver.url or "",
            secret=key.get_secret_value() if key else None,
            timeout=receiver.timeout,
        )
    from rich.console import Console

    from listener.receivers.console import ConsoleReceiver as OnConsole

    return OnConsole(Console(), look(config), clock=now)


def live_checks(config: Config) -> Sequence[tuple[str, doctor.Check]]:
    """What `doctor --live` asks over the network: one page of every source, and who we are at Slack. Posts nothing."""

    def sources() -> Iterator[doctor.Finding]:
        for name, source in open_sources(config).items():
            try:
                page = next(iter(source.poll(None, now())), None)
                read = page.scanned if page is not None else 0
                yield doctor.Finding("ok", "live", f"source {name}: answers, {read} posts on its first page")
            except Parked as error:
                yield doctor.Finding("problem", "live", f"source {name}: {error}", "mend it before `listener run`")
            except ConnectorError as error:
                yield doctor.Finding("warning", "live", f"source {name}: {error}", "try again later; `run` will")
            finally:
                source.close()

    def slack() -> Iterator[doctor.Finding]:
        for receiver in config.receivers:
            if isinstance(receiver, SlackReceiver):
                from listener.slack.client import SlackReceiver as Slack

                built = _open_receiver(config, receiver)
                assert isinstance(built, Slack)
                try:
                    yield doctor.Finding("ok", "live", f"receiver {receiver.name}: {built.check()}")
                except ReceiverError as error:
                    yield doctor.Finding(
                        "problem", "live", f"receiver {receiver.name}: {error}", "mend it, then run this again"
                    )

    return (("sources", sources), ("slack", slack))


def reporting(config: Config) -> Reporting:
    """The digest as configured."""
    return Reporting(
        settings=DigestSettings(
            brand=config.brand.name,
            stage_labels=config.journey.stages,
            owners={name: one.owner for name, one in config.journey.touchpoints.items() if one.owner},
        ),
        zone=config.brand.timezone,
        weekday=WEEKDAYS.index(config.digest.day),
        at=config.digest.time,
        to=config.digest.to,
        folder=config.digest.folder,
        enabled=config.digest.enabled,
    )


def cutoffs(config: Config, store: Store, at: datetime) -> Mapping[str, datetime]:
    """For each source ever known the time before which its posts lose words and author."""
    return retention.cutoffs(store.sources(), config.retention.text_days, connectors(), at)


def purge(config: Config, store: Store, at: datetime, stopping: Callable[[], bool] = lambda: False) -> retention.Done:
    """Take away words and people that were kept long enough, as configured."""
    return retention.purge(store, cutoffs(config, store, at), at, stopping)


@dataclass(frozen=True, slots=True)
class Daemon:
    """All that `run` and `once` work with, and what must be closed afterwards."""

    config: Config
    store: Store
    sources: Mapping[str, Source]
    work: Work
    judge: LoadingJudge


@contextmanager
def daemon(config: Config) -> Iterator[Daemon]:
    """Everything that the configuration asks for, built and closed again."""
    judge = LoadingJudge(config)
    with stored(config) as store:
        sources = open_sources(config)
        try:
            end_leases_of_the_dead(store, now())
            store.register_sources({source.name: source.connector for source in config.sources}, now())
            rules, report = telling_rules(config), reporting(config)
            every = {source.name: source.every for source in config.sources}
            first = config.receivers[0].name if config.receivers else None
            work = Work(
                store=store,
                feeds={
                    name: Feed(name, source, every[name], settle.Settler(name, rules), tell=first)
                    for name, source in sources.items()
                },
                outlets=open_outlets(config),
                judge=judge,
                report=lambda at: put_due_digest(store, report, at),
                purge=lambda at, stopping: purge(config, store, at, stopping),
                owner=owner(),
                clock=now,
                workers=config.listener.workers,
            )
            yield Daemon(config, store, sources, work, judge)
        finally:
            for source in sources.values():
                source.close()
