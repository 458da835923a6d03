"""The first ten minutes: demo, init, doctor."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import click

from listener.cli.common import configuration, echo_json, json_option

MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}


@click.command(epilog="Example: listener demo --folder /tmp/look")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo-output"),
    show_default=True,
    help="Where the database and the digest are put; made anew.",
)
@click.option("--all", "everything", is_flag=True, help="Print every alert instead of the first few.")
def demo(folder: Path, everything: bool) -> None:
    """No account, no network: six invented weeks through the real pipeline; alerts as in Slack, then the digest."""
    from listener.cli.show import show

    show(folder, everything=everything)


@click.command(epilog='Example: listener init --brand "Acme" --timezone Europe/Paris --languages en,fr')
@click.option("--brand", prompt="Which brand do you listen for?", help="The brand's name as people write it.")
@click.option("--timezone", prompt="In which time zone does your team sit?", default="UTC", show_default=True)
@click.option("--languages", default="en,fr,it,es,de", show_default=True, help="Languages of your customers, by comma.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.pass_context
def init(ctx: click.Context, brand: str, timezone: str, languages: str, force: bool) -> None:
    """Write a commented configuration that runs as it is."""
    from listener.config import parse_config
    from listener.config.starter import starter_config
    from listener.plugins import connectors

    target: Path = ctx.find_root().obj or Path("listener.toml")
    if target.exists() and not force:
        raise click.ClickException(f"{target} exists. Name another with --config, or replace it with --force.")
    text = starter_config(brand, timezone, tuple(part.strip() for part in languages.split(",") if part.strip()))
    parse_config(text, target, connectors())  # refuses a time zone or language that does not exist, before writing
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(
            f"{target} cannot be written: {error.strerror}. Name another place with --config."
        ) from None
    named = "" if target == Path("listener.toml") else f" --config {target}"
    click.echo(
        f"Wrote {target}. It reads Hacker News and prints alerts here; sources and Slack are in the file, commented."
    )
    click.echo(
        f"Next: listener{named} doctor, then listener{named} query preview {shlex.quote(brand)} shows what it would find."
    )


@click.command(epilog="Example: listener doctor --live")
@click.option(
    "--live", is_flag=True, help="Also ask the sources and Slack whether the credentials work; nothing is posted."
)
@json_option
@click.pass_context
def doctor(ctx: click.Context, live: bool, as_json: bool) -> None:
    """Check configuration, rules, routes, database, credentials and clock; exit 0 if all is well, else 1."""
    from listener import app
    from listener import doctor as examination

    config = configuration(ctx)
    found = []
    about = ""
    for one in examination.examine(config, os.environ, app.now(), app.live_checks(config) if live else ()):
        found.append(one)
        if as_json:
            continue
        if one.about != about:
            about = one.about
            click.secho(about, bold=True)
        mark, colour = MARKS[one.level]
        click.echo(f"  {click.style(mark, fg=colour)} {one.what}")
        if one.remedy:
            click.echo(f"      → {one.remedy}")
    if as_json:
        echo_json([{"level": one.level, "about": one.about, "what": one.what, "remedy": one.remedy} for one in found])
    sys.exit(examination.exit_code(found))
