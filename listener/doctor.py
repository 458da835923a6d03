"""What `listener doctor` looks at: each check answers with findings, each finding with what to do.

The checks read and never change anything: no table is made, nothing is sent, no secret leaves. Whatever needs the
network (`--live`) is passed in by the caller as further checks. Store and rules are imported by the checks that need
them, so that a broken one is a finding, not the end.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, cast

from pydantic import BaseModel

from connectors.base import CannotReply, Replying, ReplySettings, SourceContext, Voice
from listener.cases.saved import filled
from listener.config import Config, SecretMissing
from listener.config.secrets import read_secret, secret_keys
from listener.plugins import PluginError, check_distribution, connectors, rulepacks
from rules.vocabulary import TOUCHPOINTS, Urgency

Level = Literal["ok", "warning", "problem"]
_REPORT = "this is a fault of listener: report it with the output of `listener --version`"
_BUILT = datetime(2026, 1, 1, tzinfo=UTC)  # no clock that is right shows less


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `about` groups the lines: config, routes, rules, database, credentials, clock."""

    level: Level
    about: str
    what: str
    remedy: str = ""  # empty where all is well


Check = Callable[[], Iterable[Finding]]


def examine(
    config: Config, environ: Mapping[str, str], now: datetime, live: Sequence[tuple[str, Check]] = ()
) -> Iterator[Finding]:
    """Every finding, check by check, as it is made. `live`: what the caller adds, by what it is about.

    A check that breaks is a problem of its own and stops no other.
    """
    checks: list[tuple[str, Check]] = [
        ("installation", check_installation),
        ("config", lambda: check_config(config)),
        ("routes", lambda: check_routes(config)),
        ("rules", lambda: check_rules(config)),
        ("database", lambda: check_database(config, environ)),
        ("credentials", lambda: check_credentials(config, environ)),
        ("folders", lambda: check_folders(config)),
        ("replies", lambda: check_replies(config)),
        ("clock", lambda: check_clock(config.path, now)),
        *live,
    ]
    for about, check in checks:
        try:
            yield from check()
        except Exception as error:  # noqa: BLE001  # a doctor that dies of what it finds helps nobody; the text may hold a secret
            yield Finding("problem", about, f"could not be checked ({type(error).__name__})", _REPORT)


def exit_code(findings: Iterable[Finding]) -> int:
    """1 where there is a problem, else 0: warnings alone do not stop a deployment."""
    return int(any(finding.level == "problem" for finding in findings))


def check_installation() -> Iterator[Finding]:
    """Nobody else has our names, and every installed connector can be imported."""
    others = check_distribution()
    for sentence in others:
        what, _, remedy = sentence.partition("; ")
        yield Finding("problem", "installation", what, remedy)
    if not others:
        yield Finding("ok", "installation", "no other package shares our names")
    usable = []
    for name, installed in connectors().items():
        try:
            installed.load()
        except PluginError as error:
            what, _, remedy = str(error).partition("; ")
            yield Finding("warning", "installation", what, remedy)
        else:
            usable.append(name)
    yield Finding("ok", "installation", f"connectors: {', '.join(usable) or 'none'}")


def check_config(config: Config) -> Iterator[Finding]:
    for warning in config.warnings:
        where = f"line {warning.line}: " if warning.line is not None else ""
        yield Finding("warning", "config", where + warning.what, warning.remedy)
    enabled = sum(source.enabled for source in config.sources)
    yield Finding(
        "ok", "config", f"{config.path} can be read: {_count(enabled, 'source')} enabled for {config.brand.name}"
    )


def check_routes(config: Config) -> Iterator[Finding]:
    """Who hears of what, and whether something critical could reach nobody."""
    for route in config.routes:
        yield Finding("ok", "routes", f"{route.name}: {route.urgency_at_least.word} and above to {', '.join(route.to)}")
    catches_all = any(
        route.urgency_at_least <= Urgency.CRITICAL
        and not (route.stages or route.intents or route.touchpoints or route.sources)
        and not (route.platforms or route.languages or route.sentiments)
        for route in config.routes
    )
    if config.routes and not catches_all:
        yield Finding(
            "warning",
            "routes",
            "a critical mention that fits no route's conditions alerts nobody",
            'end with a route that has no conditions but urgency_at_least = "critical"',
        )


def check_rules(config: Config) -> Iterator[Finding]:
    """The packs load, and the rules that are switched off exist."""
    from rules.errors import RulesError
    from rules.load import load_packs

    missing = [pack for pack in config.rules.packs if not pack.exists()]
    for pack in missing:
        yield Finding("problem", "rules", f"there is no {pack}", "correct rules.packs, or create it")
    packs = [*(rulepacks().values() if config.rules.builtin else ()), *config.rules.packs]
    try:
        rules = load_packs([p for p in packs if p not in missing], (*TOUCHPOINTS, *config.journey.touchpoints)).rules
    except RulesError as error:
        for problem in error.problems:
            yield Finding("problem", "rules", f"{problem.file}:{problem.line}: {problem.what}", problem.remedy)
        return
    known = {rule.id for rule in rules}
    for rule in config.rules.disable:
        if rule not in known:
            yield Finding("warning", "rules", f"there is no rule {rule} to disable", "`listener rules list` shows all")
    yield (
        Finding("ok", "rules", f"{_count(len(known), 'rule')} loaded")
        if known
        else Finding(
            "warning", "rules", "there is no rule, so nothing is recognised", "write builtin = true, or name packs"
        )
    )


def check_database(config: Config, environ: Mapping[str, str]) -> Iterator[Finding]:
    """It answers and its tables are the ones this program needs."""
    from listener.store import Store, StoreError

    try:
        url = config.database_url(environ).get_secret_value()
    except SecretMissing as error:
        yield _missing("database", "database", error)
        return
    file = Path(url.partition(":///")[2]) if url.startswith("sqlite") else None
    if file is not None and not file.exists():  # opening it would make it
        if os.access(file.parent, os.W_OK):
            yield Finding("ok", "database", f"{file} does not exist yet and will be made at the first start")
        else:
            yield Finding("problem", "database", f"{file} cannot be made", "create its folder, with the right to write")
        return
    try:
        with Store.open(url) as store:
            store.require_current_schema()
    except StoreError as error:
        what, _, remedy = str(error).partition(". ")
        yield Finding("problem", "database", what, remedy)
        return
    yield Finding("ok", "database", "answers, and its tables are current")


def check_credentials(config: Config, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Every secret that the file refers to can be read, and no stranger can read its file."""
    tables: list[tuple[str, BaseModel]] = [
        *((f"source {source.name}", source.settings) for source in config.sources if source.enabled),
        *((f"receiver {receiver.name}", receiver) for receiver in config.receivers),
        ("listener", config.listener),
    ]
    found = False
    for owner, table in tables:
        for key in secret_keys(table):
            if table is config.listener and key == "database":
                continue  # said by the check of the database
            found = True
            try:
                read_secret(table, key, environ)
            except SecretMissing as error:
                yield _missing("credentials", owner, error)
                continue
            yield Finding("ok", "credentials", f"{owner}: {key} is there")
            file = getattr(table, f"{key}_file", None)
            if file is not None and os.name == "posix" and Path(file).stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                yield Finding("warning", "credentials", f"{owner}: others may read {file}", f"chmod 600 {file}")
    if not found:
        yield Finding("ok", "credentials", "none is needed")


def check_folders(config: Config) -> Iterator[Finding]:
    """The digest's pages can be kept."""
    folder = config.digest.folder
    nearest = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        yield Finding("problem", "folders", f"digests cannot be kept in {folder}", "change digest.folder or its rights")
    else:
        yield Finding("ok", "folders", f"digests are kept in {folder}")


def check_replies(config: Config) -> Iterator[Finding]:
    """Which sources answer in public, as whom, and why others do not."""
    speaks = False
    for source in config.sources:
        if not source.enabled:
            continue
        connector = connectors()[source.connector].load()
        if not (connector.replies and isinstance(source.settings, ReplySettings)):
            yield Finding("ok", "replies", f"{source.name}: posts of {source.connector} cannot be answered from here")
            continue
        opened = connector.open(source.settings, SourceContext(source.name, source.terms, "listener"))
        voice = cast("Replying", opened).voice()
        opened.close()
        if isinstance(voice, CannotReply):
            yield Finding("ok", "replies", f"{source.name}: off; to answer in public, {voice.why}")
        else:
            speaks = True
            yield Finding(
                "ok", "replies", f"{source.name}: answers in public as {voice.account}, where a person says so"
            )
            yield from _too_long(config, source.name, connector.name, voice)
    if speaks and not config.slack.may_reply and any(one.type == "slack" for one in config.receivers):
        yield Finding(
            "warning",
            "replies",
            "nobody may answer in public from Slack",
            "name people or user groups in [slack] may_reply; the command line can do it already",
        )


def _too_long(config: Config, source: str, platform: str, voice: Voice) -> Iterator[Finding]:
    """Saved replies that its platform would not take as they are."""
    for one in config.saved_replies:
        length = voice.measure(filled(one.text, author="", brand=config.brand.name))
        if length > voice.longest:
            yield Finding(
                "warning",
                "replies",
                f'saved reply "{one.name}" is too long for {source}: {platform} counts {length}, {voice.longest} is the most',
                "shorten its text, or whoever uses it there must",
            )


def check_clock(file: Path, now: datetime) -> Iterator[Finding]:
    """A clock far in the past finds every post too new, one in the future every post too old to alert."""
    try:
        changed = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except OSError:
        changed = _BUILT
    if now < _BUILT or now < changed - timedelta(minutes=5):
        yield Finding(
            "problem", "clock", f"the clock says {now:%Y-%m-%d %H:%M} UTC, which is too early", "set it, or start NTP"
        )
    else:
        yield Finding("ok", "clock", f"{now:%Y-%m-%d %H:%M} UTC")


def _missing(about: str, owner: str, error: SecretMissing) -> Finding:
    what, _, remedy = str(error).partition("; ")
    return Finding("problem", about, f"{owner}: {what}", remedy)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
