"""For whoever chooses a connector, or writes one: what is installed, and a new one to begin with."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import click

from listener.cli.common import echo_json, json_option

_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_FILES = {  # of a new distribution, and what each is made from
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    "$module.py": "module.py.txt",
    "tests/conftest.py": "conftest.py.txt",
    "tests/fake_$name.py": "fake.py.txt",
    "tests/test_$name.py": "test.py.txt",
}


@click.group()
def connectors() -> None:
    """List the installed connectors; begin a new one."""


@connectors.command("list", epilog="Example: listener connectors list")
@json_option
def list_connectors(as_json: bool) -> None:
    """What is installed: what each needs and costs, how often it asks and looks up again, how long text is kept."""
    rows = list(_rows())
    if as_json:
        echo_json(rows)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("connector", "reads", "needs", "cost", "every", "re-check", "text kept", box=None, header_style="dim")
    for row in rows:
        name = row["name"] if row["distribution"] == "listener" else f"{row['name']} ({row['distribution']})"
        if "problem" in row:
            table.add_row(name, row["problem"], style="red")
        else:
            table.add_row(
                name, *(str(row[key]) for key in ("summary", "needs", "cost", "every", "recheck", "retention"))
            )
    # A pipe has no width of its own, and a cut table helps no script.
    console = Console(highlight=False, markup=False)
    Console(highlight=False, markup=False, width=console.width if console.is_terminal else 180).print(table)


@connectors.command(epilog="Example: listener connectors new forum")
@click.argument("name")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where it is written; without it ./listener-NAME.",
)
def new(name: str, folder: Path | None) -> None:
    """Write a distribution of its own for the platform NAME: it installs, and passes its tests as it is."""
    from listener import plugins

    if not _NAME.fullmatch(name) or len(name) > 40 or keyword.iskeyword(name):
        raise click.UsageError(f"{name!r} is no name; use lower-case letters, digits and _, such as forum or my_forum")
    taken = plugins.connectors().get(name)
    if taken is not None:
        raise click.ClickException(
            f"{taken.distribution} has a connector of the name {name} already. Choose another name."
        )
    target = folder or Path(f"listener-{name.replace('_', '-')}")
    try:
        if target.exists() and any(target.iterdir()):
            raise click.ClickException(f"{target} is not empty. Name a new folder with --dir.")
        for place, text in new_files(name):
            path = target / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            click.echo(f"wrote {path}")
    except OSError as error:
        raise click.ClickException(
            f"{target} cannot be written: {error.strerror}. Name another place with --dir."
        ) from None
    click.echo(f"Next: pip install -e '{target}[test]' where listener is installed, then pytest {target}")


def new_files(name: str) -> Iterator[tuple[str, str]]:
    """Each file of a new distribution: its place and its text."""
    words = name.split("_")
    meant = {
        "name": name,
        "module": f"listener_{name}",
        "distribution": f"listener-{'-'.join(words)}",
        "title": " ".join(words).title(),
        "kind": "".join(word.capitalize() for word in words),
        "variable": name.upper(),
    }
    for place, source in _FILES.items():
        text = (files("listener.cli") / "connector_files" / source).read_text(encoding="utf-8")
        yield Template(place).substitute(meant), Template(text).substitute(meant)


def _rows() -> Iterator[dict[str, Any]]:
    from listener.config.values import say_duration
    from listener.plugins import PluginError
    from listener.plugins import connectors as installed

    for name, one in installed().items():
        row: dict[str, Any] = {"name": name, "distribution": one.distribution}
        try:
            loaded = one.load()
        except PluginError as error:
            yield row | {"problem": str(error)}
            continue
        policy = loaded.policy
        yield row | {
            "summary": loaded.summary,
            "needs": loaded.credentials,
            "cost": "bills what is read" if loaded.costs else "free",
            "every": say_duration(loaded.every),
            "recheck": say_duration(policy.recheck) if policy.recheck and loaded.recheck_batch else "cannot",
            "retention": "for good" if policy.retention is None else say_duration(policy.retention),
            "note": policy.note,
        }
