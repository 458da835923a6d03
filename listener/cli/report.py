"""The weekly digest: preview, save, send, and what the team decided on it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from listener.cli.common import configuration, whoami

if TYPE_CHECKING:
    from datetime import datetime

    from listener.digest.figures import Digest
    from listener.digest.week import Week

FORMATS = ("console", "html", "md", "csv", "json", "svg", "png", "slack")
THEMES = ("auto", "light", "dark")
_FIRST_DAY = timedelta(days=1)
_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.group(
    invoke_without_command=True, epilog="Example: listener digest --week 2026-W47 --format html --output digest.html"
)
@click.option("--week", help="ISO week, such as 2026-W47. Without it the running one, on its first day the last.")
@click.option("--since", type=_DAY, help="First day of another stretch, such as 2026-11-02; needs --until.")
@click.option("--until", type=_DAY, help="Its last day, included.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="console", show_default=True)
@click.option("--theme", type=click.Choice(THEMES), default="auto", show_default=True, help="Of html, svg and png.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write instead of the screen.")
@click.option("--send", is_flag=True, help="Put it into the outbox of the digest's receivers; each week goes out once.")
@click.option("--recount", is_flag=True, help="Count a week again that was sent, instead of showing it as it was sent.")
@click.pass_context
def digest(
    ctx: click.Context,
    week: str | None,
    since: datetime | None,
    until: datetime | None,
    form: str,
    theme: str,
    output: Path | None,
    send: bool,
    recount: bool,
) -> None:
    """The week's journey: stages, sentiment, pain points, delights, coverage."""
    if ctx.invoked_subcommand is not None:
        return
    from listener import app, report

    config = configuration(ctx)
    reporting = app.reporting(config)
    with app.stored(config) as store:
        at = app.now()
        wanted = chosen_week(week, since, until, config.brand.timezone, at)
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
        made = None if recount else report.kept(store, wanted, reporting)
        made = made or report.build(store, wanted, reporting, at)
    _show(made, form, output, theme)
    if output:
        click.echo(f"{wanted.name} written to {output}", err=True)


@digest.command(epilog='Example: listener digest decide "Call the carrier about Lyon" --week 2026-W47')
@click.argument("text")
@click.option("--week", help="ISO week that it is about. Without it the running one, on its first day the last.")
@click.option("--who", help="Who decided. Without it the name you are logged in with.")
@click.pass_context
def decide(ctx: click.Context, text: str, week: str | None, who: str | None) -> None:
    """Keep a decision: every digest shows it until it is done."""
    from listener import app

    config = configuration(ctx)
    if not text.strip():
        raise click.UsageError('a decision needs words, such as "Call the carrier about Lyon".')
    with app.stored(config) as store:
        at = app.now()
        wanted = chosen_week(week, None, None, config.brand.timezone, at)
        number = store.decide(wanted.name, text.strip()[:280], who or whoami(), at)
    click.echo(f"Decision {number}, {wanted.name}. When it is carried out: listener digest done {number}")


@digest.command(epilog="Example: listener digest reviewed 2026-W47")
@click.argument("week", required=False)
@click.pass_context
def reviewed(ctx: click.Context, week: str | None) -> None:
    """Note that you have read a week's digest, as its button in Slack does. Without WEEK the one that was made last."""
    from listener import app
    from listener.report import MADE

    config = configuration(ctx)
    with app.stored(config) as store:
        at = app.now()
        try:
            wanted = chosen_week(week, None, None, config.brand.timezone, at).name
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        if week is None and isinstance(made := store.get_meta(MADE), str):
            wanted = made
        who, when = store.review_digest(wanted, whoami(), at)
    click.echo(f"The digest of {wanted} was reviewed by {who}, {when:%d %b %H:%M} UTC.")


@digest.command(epilog="Example: listener digest done 3")
@click.argument("number", type=click.IntRange(min=1))
@click.pass_context
def done(ctx: click.Context, number: int) -> None:
    """Mark a decision as carried out; the digest of this week shows it a last time."""
    from listener import app

    config = configuration(ctx)
    with app.stored(config) as store:
        marked = store.mark_done(number, app.now())
        still = [str(one.number) for one in store.decisions() if one.done_at is None]
    if not marked:
        open_ones = f"Open are {', '.join(still)}." if still else "None is open."
        raise click.ClickException(f"there is no open decision {number}. {open_ones}")
    click.echo(f"Decision {number} is done.")


def chosen_week(week: str | None, since: datetime | None, until: datetime | None, zone: str, at: datetime) -> Week:
    """The week, or stretch of days, that a person means. Raises click.UsageError."""
    from listener.digest.week import Week

    if (since is None) != (until is None):
        raise click.UsageError("--since and --until go together, such as --since 2026-11-02 --until 2026-11-19.")
    if since is not None and until is not None:
        if week is not None:
            raise click.UsageError("say either --week or --since and --until.")
        return Week.between(_day(since), _day(until), zone)
    if week:
        return Week.parse(week, zone)
    running = Week.containing(at, zone)
    return running if at - running.since >= _FIRST_DAY else running.previous()  # hardly anything is known of it yet


def _day(moment: datetime) -> date:
    return moment.date()


def _show(made: Digest, form: str, output: Path | None, theme: str) -> None:
    if form == "console":
        from rich.console import Console

        from listener.digest import console as on_console

        if output:
            with output.open("w", encoding="utf-8") as file:
                Console(file=file, width=100).print(on_console.render(made))
        else:
            Console().print(on_console.render(made))
        return
    from listener import report

    if form == "png":
        _picture(made, output, theme)
        return
    shown = report.RENDERERS[form](made, theme)
    if output:
        output.write_text(shown, encoding="utf-8")
    else:
        click.echo(shown, nl=not shown.endswith("\n"))


def _picture(made: Digest, output: Path | None, theme: str) -> None:
    from listener.digest.raster import NoPicture
    from listener.report import png

    if output is None:
        raise click.UsageError("png is a picture: say where it goes with --output digest.png.")
    try:
        output.write_bytes(png(made, "dark" if theme == "dark" else "light"))
    except NoPicture as error:
        raise click.ClickException(str(error)) from None
