"""What several verbs share: finding the configuration, logging, tables and JSON for scripts."""

from __future__ import annotations

import getpass
import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from listener.config import Config

THROUGH = "cli"  # where deeds come from, in the history of a case
FILE = "import"  # connector of the sources that are files which a person handed over (listener.importing)

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # before the platforms

json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")


class Since(click.ParamType[datetime]):
    """How far back: a stretch of time ("12h", "7d", "4w") or a day ("2026-10-01", which begins in UTC), as an aware datetime."""

    name = "how far back"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Refuses what lies ahead, and what was before the platforms."""
        from listener import app
        from listener.config.values import parse_duration

        if isinstance(value, datetime):
            return value
        now = app.now()
        try:
            since = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            try:
                since = now - parse_duration(value)
            except ValueError as error:
                self.fail(f"{error}; or a day, such as 2026-10-01", param, ctx)
        if since >= now:
            self.fail(f"{value} lies ahead; name a day in the past", param, ctx)
        if since < _EARLIEST:
            self.fail(f"{value} is before the platforms; name a day from {_EARLIEST.date()} on", param, ctx)
        return since


def configuration(ctx: click.Context) -> Config:
    """The configuration that `--config` names or that is found. Raises `ConfigError`."""
    from listener.config import find_config, load_config
    from listener.plugins import connectors

    log_to_stderr("warning", "console")
    return load_config(find_config(ctx.find_root().obj), connectors())


def configuration_if_any(ctx: click.Context) -> Config | None:
    """Like `configuration`, but None where none is named and none is found: for verbs that can do without."""
    from listener.config import ConfigError, find_config

    if ctx.find_root().obj is None:
        try:
            find_config(None)
        except ConfigError:
            return None
    return configuration(ctx)


def log_to_stderr(level: str, form: str) -> None:
    """Set structlog up: one event name and key=value a line; the client libraries are kept from logging credentials."""
    import structlog

    # tweepy logs the bearer token at DEBUG, and httpx whole URLs at INFO (PLATFORMS §1.2).
    for noisy in ("tweepy", "httpx", "httpcore", "slack_sdk", "prawcore", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # It warns of each tick that finds the one before still at work, which is meant to be so, and prints the whole
    # traceback of a job that fails, whose message may quote a post; `job_failed` says what and where.
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL + 1)
    render: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(),
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # the stream of the moment, which tests replace
        cache_logger_on_first_use=False,  # `run` sets its own level after the configuration is read
    )


def whoami() -> str:
    """Who types: the login name, or in a container that has none the number of the user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"user {os.getuid()}"


def write(target: Path, text: str) -> None:
    """Write a file that the user named, or say why it cannot be."""
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{target} cannot be written: {error.strerror}. Name another file.") from None


def echo_json(value: object) -> None:
    """Print one JSON document; datetimes as ISO 8601."""
    click.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset | tuple):
        return sorted(value) if isinstance(value, set | frozenset) else list(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def ago(moment: datetime | None, now: datetime) -> str:
    """How long ago (or ahead) a moment is, in words: "3 min ago", "in 2 h", "never"."""
    if moment is None:
        return "never"
    said = length(abs(now - moment))
    return f"{said} ago" if now >= moment else f"in {said}"


def length(of: timedelta) -> str:
    """A stretch of time in one number: "40 s", "3 min", "2 h", "5 days"."""
    seconds = of.total_seconds()
    for limit, unit, by in ((90, "s", 1), (5400, "min", 60), (172800, "h", 3600)):
        if seconds < limit:
            return f"{seconds / by:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"
