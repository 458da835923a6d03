"""The composition root: the only place that builds real things from a configuration.

Everything is opened late and closed in one place. A command builds only what it uses: `classify` needs triage and
no store, `status` a store and no connector.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

import structlog

from connectors.base import (
    ConnectorError,
    NoBudget,
    Parked,
    Purse,
    Rechecking,
    Replying,
    ReplySettings,
    Source,
    SourceContext,
    SourceSettings,
)
from listener import __version__, digesting, doctor, interactive, retention, spending, troubles
from listener.cases.settle import Settler
from listener.cases.spikes import BUDGETS
from listener.cases.telling import Rules
from listener.config import Config, SecretMissing
from listener.config.schema import ConsoleReceiver, SlackReceiver, WebhookReceiver
from listener.config.values import WEEKDAYS
from listener.config.whole import SourceConfig
from listener.deliver import Outlet
from listener.ingest import Feed, Recheck
from listener.judging import LoadingJudge
from listener.minding import Calls, mind
from listener.model import NewNotification, NotificationKind, PassingFailure, Receiver, ReceiverError
from listener.plugins import connectors
from listener.recheck import BUDGET_SHARE
from listener.replying import Replier, Repliers, publish
from listener.report import Reporting, put_due_digest
from listener.schedule import Work, heed_the_clock
from listener.slack.look import Look, load_words
from listener.spiking import SpikeSettings, SpikeWatch
from listener.store import RECHECKS, Store
from listener.working import Desk
from rules.vocabulary import Urgency

if TYPE_CHECKING:
    from listener.watch.ping import Ping

log = structlog.get_logger()

FOLLOWED = timedelta(days=30)  # how long posts are looked up again whose words are kept for good
_SIGNING_SECRET = re.compile(r"[0-9a-z]{32}")
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


def telling_rules(config: Config, alerts: bool = True) -> Rules:
    """What the configuration says about whom to tell."""
    return Rules(config.routes, config.hours, config.listener.alert_max_age, alerts)


def open_sources(config: Config, store: Store | None = None, *, for_recheck: bool = False) -> Mapping[str, Source]:
    """Every enabled source, opened; no network yet. What they spend is counted in `store`, where one is given."""
    return {
        source.name: open_source(config, source, store, for_recheck=for_recheck)
        for source in config.sources
        if source.enabled
    }


def open_repliers(config: Config, store: Store | None = None) -> Repliers:
    """The sources that could answer in public, whether or not their settings allow it; no network yet. To be closed."""
    able = [one for one in config.sources if one.enabled and isinstance(one.settings, ReplySettings)]
    return {
        one.name: Replier(one.connector, cast("Replying", open_source(config, one, store)))
        for one in able
        if connectors()[one.connector].load().replies
    }


@contextmanager
def repliers(config: Config, store: Store | None = None) -> Iterator[Repliers]:
    """`open_repliers`, closed at the end."""
    opened = open_repliers(config, store)
    try:
        yield opened
    finally:
        close_repliers(opened)


def close_repliers(opened: Repliers) -> None:
    """Release their sockets."""
    for one in opened.values():
        cast("Source", one.source).close()


def speaking(config: Config) -> frozenset[str]:
    """The connectors with a source that answers in public."""
    settings = ((one, one.settings) for one in config.sources if one.enabled)
    return frozenset(one.connector for one, said in settings if isinstance(said, ReplySettings) and said.replies)


def open_source(
    config: Config,
    source: SourceConfig,
    store: Store | None = None,
    settings: SourceSettings | None = None,
    *,
    for_recheck: bool = False,
) -> Source:
    """One source, opened, with its settings or with others."""
    return (
        connectors()[source.connector]
        .load()
        .open(
            settings or source.settings,
            SourceContext(
                name=source.name,
                terms=source.terms,
                user_agent=f"listener/{__version__} (social listening for {config.brand.name})",
                languages=config.brand.languages,
                purse=NoBudget() if store is None else purse(config, source, store, for_recheck=for_recheck),
                own_accounts=config.own_accounts,
                intranet=config.listener.intranet,
            ),
        )
    )


def purse(config: Config, source: SourceConfig, store: Store, *, for_recheck: bool = False) -> Purse:
    """What the sources of this one's account may spend, of which looking up again has a part."""
    account = next((one for one in config.accounts if one.name == source.account), None)
    if account is None:
        return NoBudget()
    limits = spending.budget(account.budget_day, account.budget_month)
    whole = spending.AccountPurse(account.name, limits, store, _first_receiver(config))
    return spending.part_of(whole, RECHECKS, BUDGET_SHARE) if for_recheck else whole


def _first_receiver(config: Config) -> str | None:
    return config.receivers[0].name if config.receivers else None


def feed(config: Config, source: SourceConfig, opened: Source, checker: Source, rules: Rules) -> Feed:
    """A source as the daemon drives it. `checker` is opened like it, because no source serves two threads."""
    connector = connectors()[source.connector].load()
    settler = Settler(source.name, rules)
    often, batch = connector.policy.recheck, connector.recheck_batch
    return Feed(
        source.name,
        opened,
        source.every,
        settler,
        revise=settler.revise,
        least=source.least,
        tell=_first_receiver(config),
        recheck=Recheck(cast("Rechecking", checker), batch, often, connector.policy.retention or FOLLOWED)
        if batch and often is not None
        else None,
    )


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
            quiet=config.quiet(receiver),
            singles_per_hour=receiver.singles_per_hour,
        )
        for receiver in built
    )


def look(config: Config) -> Look:
    """How messages look: language, time zone, stage names. No buttons, unless a Slack receiver has somebody to hear clicks."""
    return Look(
        load_words(config.listener.interface_language),
        ZoneInfo(config.brand.timezone),
        stages={stage.value: label for stage, label in config.journey.stages.items()},
        replies=speaking(config) if config.slack.may_reply else frozenset(),
    )


def _open_receiver(config: Config, receiver: ConsoleReceiver | SlackReceiver | WebhookReceiver) -> Receiver:
    if isinstance(receiver, SlackReceiver):
        from listener.slack.client import SlackReceiver as Slack

        token = config.secret(receiver, "token")
        assert token is not None  # the configuration demands token_env or token_file
        return Slack(
            token.get_secret_value(),
            receiver.channel,
            replace(look(config), interactive=interactive.app_of(config, receiver) is not None),
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
        for app in interactive.apps(config):
            yield _clicks(app)

    return (("sources", sources), ("slack", slack))


def _clicks(app: interactive.SlackApp) -> doctor.Finding:
    """Whether clicks could be heard: Slack would open a line for the app token, or the signing secret looks like one."""
    from listener.slack.socket import new_address
    from listener.slack.wire import web_client

    receiver, about = app.receiver, f"receiver {app.receiver.name}: clicks"
    if app.app_token is None:
        if _SIGNING_SECRET.fullmatch(app.signing_secret or ""):
            said = f"{about} arrive at port {receiver.interactivity_port}; only a click proves the signing secret"
            return doctor.Finding("ok", "live", f"{said} (listener slack test)")
        remedy = "copy the signing secret again (Basic Information, App Credentials): 32 letters and digits"
        return doctor.Finding("problem", "live", f"{about}: this is no signing secret", remedy)
    try:
        new_address(web_client(app.token, receiver.base_url, receiver.timeout), app.app_token)
    except PassingFailure as error:
        return doctor.Finding("warning", "live", f"{about}: {error}", "try again later; `run` will")
    except ReceiverError as error:
        return doctor.Finding("problem", "live", f"{about}: {error}", "mend it, then run this again")
    return doctor.Finding("ok", "live", f"{about} are heard: Slack takes the app token")


def reporting(config: Config) -> Reporting:
    """The digest as configured."""
    return Reporting(
        settings=digesting.settings(config),
        zone=config.brand.timezone,
        weekday=WEEKDAYS.index(config.digest.day),
        at=config.digest.time,
        to=config.digest.to,
        folder=config.digest.folder,
        enabled=config.digest.enabled,
        known=digesting.known(config),
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
    repliers: Repliers


@contextmanager
def daemon(config: Config) -> Iterator[Daemon]:
    """Everything that the configuration asks for, built and closed again."""
    judge = LoadingJudge(config)
    with stored(config) as store:
        sources, checkers = open_sources(config, store), open_sources(config, store, for_recheck=True)
        speakers = open_repliers(config, store)
        ping = dead_mans_ping(config, store)
        try:
            end_leases_of_the_dead(store, now())
            heed_the_clock(store, store.latest_sign(), now())
            register(config, store)
            rules, report = telling_rules(config), reporting(config)
            process = owner()
            work = Work(
                store=store,
                feeds={
                    source.name: feed(config, source, sources[source.name], checkers[source.name], rules)
                    for source in config.sources
                    if source.enabled
                },
                outlets=open_outlets(config),
                judge=judge,
                report=lambda at: put_due_digest(store, report, at),
                purge=lambda at, stopping: purge(config, store, at, stopping),
                mind=lambda at, stopping: mind(Desk(store, rules), called(config), at, stopping),
                spikes=SpikeWatch(store, spike_settings(config)).look if config.spikes.enabled else None,
                replies=(lambda stopping: publish(speakers, store, rules.hours, process, now, stopping))
                if speaking(config)
                else None,
                owner=process,
                clock=now,
                workers=config.listener.workers,
                ping=ping,
            )
            yield Daemon(config, store, sources, work, judge, speakers)
        finally:
            for one in (*sources.values(), *checkers.values()):
                one.close()
            close_repliers(speakers)
            if ping is not None:
                ping.close()


def dead_mans_ping(config: Config, store: Store) -> Ping | None:
    """What tells an outside watcher that all is well; None where nobody asked for it, or its address is missing."""
    try:
        address = config.secret(config.listener, "ping_url")
    except SecretMissing as error:
        log.error("ping_off", cause=str(error))
        return None
    if address is None:
        return None
    from listener.watch.ping import Ping

    return Ping(
        address.get_secret_value(),
        config.listener.ping_every,
        lambda at: troubles.troubles(store, at, config),
        f"listener/{__version__}",
        config.listener.intranet,
    )


@contextmanager
def watched(daemon: Daemon) -> Iterator[None]:
    """Prometheus and probes are answered meanwhile, where the configuration asks for it; alerts go out without it, too."""
    config, port = daemon.config, daemon.config.listener.metrics_port
    if port is None:
        yield
        return
    from listener.watch.door import Watch, WatchDoor

    host = config.listener.metrics_host
    watch = Watch(lambda at: troubles.vitals(daemon.store, at, config), config, daemon.work.pulse, now)
    try:
        door = WatchDoor(watch, port, host)
    except OSError as error:
        remedy = "another program has it? change metrics_port or metrics_host; all else goes on"
        log.error("metrics_off", host=host, port=port, cause=error.strerror or type(error).__name__, remedy=remedy)
        yield
        return
    door.start()
    try:
        yield
    finally:
        door.stop()


def spike_settings(config: Config) -> SpikeSettings:
    """How spikes are looked for."""
    brand = config.brand
    names = (*brand.all_names, *brand.products)
    return SpikeSettings(config.routes, ZoneInfo(brand.timezone), BUDGETS[config.spikes.false_alarms], names)


def called(config: Config) -> Calls:
    """Whom receivers call for a critical case, and who is told next."""
    slack = [one for one in config.receivers if isinstance(one, SlackReceiver)]
    return Calls(
        {one.name: one.calls for one in slack if one.calls is not None},
        {one.name: one.escalate_to for one in slack if one.escalate_to is not None},
    )


@contextmanager
def clicks_heard(daemon: Daemon) -> Iterator[None]:
    """Slack's buttons work meanwhile, where the configuration asks for them."""
    config, store = daemon.config, daemon.store
    rules, owner_ = telling_rules(config), daemon.work.owner
    desk = interactive.StoreDesk(store, rules, config, daemon.judge, owner_, now, daemon.repliers)
    with interactive.heard(config, desk, look(config)):
        yield


def register(config: Config, store: Store) -> None:
    """Make the configured sources known to the store. One that names another platform now starts anew, and says so."""
    at, connector_of = now(), {source.name: source.connector for source in config.sources}
    accounts = {source.name: source.account for source in config.sources if source.account is not None}
    for name, was in store.register_sources(connector_of, at, accounts).items():
        log.warning("connector_changed", source=name, was=was, now=connector_of[name])
        if (tell := _first_receiver(config)) is not None:
            store.enqueue([_connector_changed(name, was, connector_of[name], tell, at)], at)
    store.poll_no_later({source.name: source.every for source in config.sources})
    spending.lift(store, {one.name: (one.budget_day, one.budget_month) for one in config.accounts}, at)


def _connector_changed(source: str, was: str, connector: str, tell: str, at: datetime) -> NewNotification:
    return NewNotification(
        key=f"notice:connector:{source}:{was}:{connector}:{at:%Y-%m-%dT%H:%M}:{tell}",
        kind=NotificationKind.NOTICE,
        receiver=tell,
        urgency=Urgency.NORMAL,
        due_at=at,
        reason="connector-changed",
        payload={
            "text": f"The source {source} was read with {was} and is read with {connector} from now on: it starts anew. "
            f"The posts it found with {was} stay, and are not looked up again.",
            "next": f"If that was not meant, give {source} its connector back, and the new source a name of its own.",
        },
    )
