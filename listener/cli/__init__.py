"""The command `listener`: one verb each, imported only when it is called.

Exit codes: 0 done, 1 a problem found and told, 2 wrong usage. A user's mistake is answered with a sentence; only
a fault of the program itself shows a traceback, and only with LISTENER_DEBUG set.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click

SECTIONS: Mapping[str, Mapping[str, tuple[str, str]]] = {  # as --help shows them: verb -> where it is, what it does
    "Begin": {
        "demo": ("listener.cli.start:demo", "six invented weeks; no account, no network"),
        "init": ("listener.cli.start:init", "write a commented configuration that runs as it is"),
        "doctor": ("listener.cli.start:doctor", "check the configuration and all it names"),
        "slack": ("listener.cli.slack:slack", "the Slack app's manifest, and a test of its buttons"),
        "drill": ("listener.cli.drills:drill", "invented customers, to see that alerts arrive"),
        "connectors": ("listener.cli.connectors:connectors", "list the installed ones, begin one of your own"),
    },
    "Run": {
        "run": ("listener.cli.daemon:run", "poll, alert and report as a service"),
        "once": ("listener.cli.daemon:once", "one round, for cron"),
        "status": ("listener.cli.state:status", "what it does, what waits, what it misses"),
        "health": ("listener.cli.state:health", "exit code 0 or 1, for probes"),
        "resume": ("listener.cli.daemon:resume", "try again what needed a person"),
    },
    "Work": {
        "cases": ("listener.cli.cases:cases", "claim, answer, snooze, correct, resolve"),
        "spikes": ("listener.cli.spikes:spikes", "many people with the same at once"),
        "silence": ("listener.cli.silences:silence", "tell nobody of mentions of a kind for a while"),
        "explain": ("listener.cli.mentions:explain", "why a mention was judged so, and what became of it"),
        "praise": ("listener.cli.praise:praise", "what may be shown, who allowed it, who comes back"),
        "digest": ("listener.cli.report:digest", "the week's journey, as page, text or data"),
    },
    "Sources": {
        "gaps": ("listener.cli.sources:gaps", "what was not read, and why"),
        "backfill": ("listener.cli.sources:backfill", "read further back"),
        "forecast": ("listener.cli.sources:forecast", "what reading would cost"),
        "import": ("listener.cli.importing:import_file", "read posts from a file"),
        "forget": ("listener.cli.sources:forget", "remove what an author wrote"),
    },
    "Teach": {
        "classify": ("listener.cli.mentions:classify", "judge a text or a file"),
        "rules": ("listener.cli.rules:rules", "test, check, list and suggest rules"),
        "audit": ("listener.cli.audits:audit", "look at twenty verdicts a week: are they right?"),
        "labels": ("listener.cli.cases:labels", "what people corrected"),
        "query": ("listener.cli.trials:query", "what a query would find"),
        "replay": ("listener.cli.trials:replay", "what other rules would have changed"),
        "alerts": ("listener.cli.alerts:alerts", "how much your team would be told"),
        "routes": ("listener.cli.alerts:routes", "which way a mention goes"),
    },
    "Look after": {
        "db": ("listener.cli.database:db", "migrate, back up, purge"),
    },
}
VERBS: Mapping[str, str] = {verb: place for verbs in SECTIONS.values() for verb, (place, _) in verbs.items()}


class Verbs(click.Group):
    """Finds a verb by name and imports its module then, so that `classify` never loads what only `run` needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """By what one wants to do, without importing any of them."""
        for title, verbs in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(verb, does) for verb, (_, does) in verbs.items()], col_max=12)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = VERBS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path),
    help="Configuration file. Without it ./listener.toml, then the user's config folder.",
)
@click.version_option(package_name="listener")
@click.pass_context
def cli(ctx: click.Context, config: Path | None) -> None:
    """Hear what people say of your brand: triaged with evidence, told in Slack within minutes, drawn as a journey each week.

    Start with `listener demo` (no account, no network), then `listener init`.
    """
    ctx.obj = config


def main(arguments: list[str] | None = None) -> None:
    """Entry point. Never shows a traceback for a mistake that a user can mend."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Unicode shows "?" and not an error
    try:
        cli.main(arguments, prog_name="listener", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except BrokenPipeError:  # `listener … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:  # the last border before the user
        if os.environ.get("LISTENER_DEBUG"):
            raise
        _tell(error)
        sys.exit(1)


def _tell(error: BaseException) -> None:
    known: tuple[Any, ...] = _known_errors()
    if isinstance(error, known):
        click.echo(f"Error: {error}", err=True)
        return
    click.echo(
        f"Error: something went wrong inside listener ({type(error).__name__}). Nothing that was stored is lost.\n"
        "Set LISTENER_DEBUG=1 and run the same command again to see where, and report it.",
        err=True,
    )


def _known_errors() -> tuple[type[BaseException], ...]:
    """The errors whose message is meant for the user; looked up only among what is loaded already."""
    places = {
        "listener.config": ("ConfigError", "SecretMissing"),
        "listener.plugins": ("PluginError",),
        "listener.store": ("StoreError",),
        "listener.digest.week": ("WeekError",),
        "listener.digest.raster": ("NoPicture",),
        "rules.errors": ("RulesProblem",),
        "listener.importing": ("ImportRefused",),
        "listener.app": ("AppError",),
    }
    found: list[type[BaseException]] = []
    for module, names in places.items():
        loaded = sys.modules.get(module)
        found.extend(getattr(loaded, name) for name in names if loaded is not None and hasattr(loaded, name))
    return tuple(found)
