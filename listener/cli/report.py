"""The weekly digest: preview, save, send."""

from __future__ import annotations

from pathlib import Path

import click

from listener.cli.common import configuration

FORMATS = ("console", "html", "markdown", "json", "slack")


@click.command(epilog="Example: listener digest --week 2026-W47 --format html --output digest.html")
@click.option("--week", help="ISO week, such as 2026-W47. Without it the running week.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="console", show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write instead of the screen.")
@click.option("--send", is_flag=True, help="Put it into the outbox of the digest's receivers; each week goes out once.")
@click.pass_context
def digest(ctx: click.Context, week: str | None, form: str, output: Path | None, send: bool) -> None:
    """The week's journey: stages, sentiment, pain points, delights, coverage."""
    from listener import app, report
    from listener.digest.week import Week

    config = configuration(ctx)
    reporting = app.reporting(config)
    with app.stored(config) as store:
        at = app.now()
        zone = config.brand.timezone
        wanted = Week.parse(week, zone) if week else Week.containing(at, zone)
        if send:
            if not reporting.to:
                raise click.ClickException(
                    'nobody receives the digest. Name receivers in [digest], such as to = ["care"].'
                )
            count = report.send(store, reporting, wanted, reporting.to, at)
            click.echo(
                f"{wanted.name} goes to {', '.join(reporting.to)} with the next delivery (`listener run` or `once`)."
                if count
                else f"{wanted.name} was sent before; each week goes out once."
            )
            return
        made = report.build(store, wanted, reporting.settings, at)
    if form == "console":
        from rich.console import Console

        from listener.digest import console as on_console

        if output:
            with output.open("w", encoding="utf-8") as file:
                Console(file=file, width=100).print(on_console.render(made))
        else:
            Console().print(on_console.render(made))
    else:
        text = report.RENDERERS[form](made)
        if output:
            output.write_text(text, encoding="utf-8")
        else:
            click.echo(text)
    if output:
        click.echo(f"{wanted.name} written to {output}", err=True)
