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

VERBS: Mapping[str, str] = {  # in the order of --help
    "demo": "listener.cli.start:demo",
    "init": "listener.cli.start:init",
    "doctor": "listener.cli.start:doctor",
    "run": "listener.cli.daemon:run",
    "once": "listener.cli.daemon:once",
    "status": "listener.cli.state:status",
    "health": "listener.cli.state:health",
    "resume": "listener.cli.daemon:resume",
    "cases": "listener.cli.cases:cases",
    "spikes": "listener.cli.spikes:spikes",
    "labels": "listener.cli.cases:labels",
    "silence": "listener.cli.silences:silence",
    "alerts": "listener.cli.alerts:alerts",
    "routes": "listener.cli.alerts:routes",
    "gaps": "listener.cli.sources:gaps",
    "backfill": "listener.cli.sources:backfill",
    "forecast": "listener.cli.sources:forecast",
    "forget": "listener.cli.sources:forget",
    "import": "listener.cli.importing:import_file",
    "classify": "listener.cli.mentions:classify",
    "explain": "listener.cli.mentions:explain",
    "digest": "listener.cli.report:digest",
    "connectors": "listener.cli.connectors:connectors",
    "rules": "listener.cli.rules:rules",
    "slack": "listener.cli.slack:slack",
    "query": "listener.cli.trials:query",
    "replay": "listener.cli.trials:replay",
    "db": "listener.cli.database:db",
}


class Verbs(click.Group):
    """Finds a verb by name and imports its module then, so that `classify` never loads what only `run` needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

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
        "rules.errors": ("RulesProblem",),
        "listener.importing": ("ImportRefused",),
        "listener.app": ("AppError",),
    }
    found: list[type[BaseException]] = []
    for module, names in places.items():
        loaded = sys.modules.get(module)
        found.extend(getattr(loaded, name) for name in names if loaded is not None and hasattr(loaded, name))
    return tuple(found)
