"""Keep alerts of a kind quiet for a while: silence add, list, end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from listener.cli.common import configuration, echo_json, json_option, whoami

if TYPE_CHECKING:
    from listener.cases.silences import Silence


@click.group()
def silence() -> None:
    """Tell nobody of mentions of a kind for a while. They are stored and judged, and critical ones are told all the same."""


@silence.command(epilog="Example: listener silence add --for 2h --comment 'app is down, we know' --touchpoint app")
@click.option("--for", "span", required=True, help="How long, as 30m, 2h or 3d; at most 30 days.")
@click.option("--comment", required=True, help="Why: others read it, and it stands in `explain`.")
@click.option("--begin", type=click.DateTime(["%Y-%m-%dT%H:%M"]), help="When it begins (UTC), if not now.")
@click.option("--stage", multiple=True, help="Stage of the journey. Conditions may be given several times; one of each must hold.")  # fmt: skip
@click.option("--intent", multiple=True, help="complaint, question, praise, …")
@click.option("--touchpoint", multiple=True, help="delivery, app, … or your own.")
@click.option("--source", multiple=True, help="A source, by name.")
@click.option("--platform", multiple=True, help="A platform, as posts carry it.")
@click.option("--language", multiple=True, help="Two letters: en, fr.")
@click.option("--sentiment", multiple=True, help="negative, neutral or positive.")
@click.option("--author", multiple=True, metavar="PLATFORM:HANDLE", help="Who wrote it.")
@click.option("--words", multiple=True, help="Whole words or a phrase that the post holds.")
@json_option
@click.pass_context
def add(
    ctx: click.Context, /, span: str, comment: str, begin: datetime | None, as_json: bool, **conditions: tuple[str, ...]
) -> None:
    """Keep mentions of a kind quiet. At least one condition is needed."""
    from listener import app, silencing
    from listener.config.values import parse_duration

    config = configuration(ctx)
    try:
        length: timedelta = parse_duration(span)
    except ValueError as error:
        raise click.UsageError(f"--for: {error}") from None
    wanted = {name: values for name, values in conditions.items() if values}
    begins = None if begin is None else begin.replace(tzinfo=UTC)
    with app.stored(config) as store:
        at = app.now()
        try:
            done = silencing.add(store, config, whoami(), comment, wanted, length, at, begins)
        except silencing.WrongSilence as error:
            raise click.UsageError(f"{error}.") from None
    if as_json:
        echo_json(_as_json(done, at))
    else:
        click.echo(silencing.say(done, at))


@silence.command("list", epilog="Example: listener silence list")
@json_option
@click.pass_context
def list_silences(ctx: click.Context, as_json: bool) -> None:
    """Silences in force, planned, or ended within a day."""
    from listener import app, silencing

    with app.stored(configuration(ctx)) as store:
        at = app.now()
        found = silencing.standing(store, at, with_ended=True)
    if as_json:
        echo_json([_as_json(one, at) for one in found])
        return
    for one in found:
        click.echo(silencing.say(one, at))
    if not found:
        click.echo("No silence is in force or planned, and none ended within a day.")


@silence.command(epilog="Example: listener silence end 7")
@click.argument("number", type=int)
@click.pass_context
def end(ctx: click.Context, number: int) -> None:
    """End a silence before its time. NUMBER as `silence list` shows it."""
    from listener import app, silencing

    with app.stored(configuration(ctx)) as store:
        at = app.now()
        try:
            done = silencing.end(store, number, whoami(), at)
        except silencing.WrongSilence as error:
            raise click.ClickException(f"{error}.") from None
        click.echo(silencing.say(done, at))


def _as_json(one: Silence, at: datetime) -> dict[str, object]:
    from listener.cases.silences import fits_values

    return {
        "id": one.id,
        "who": one.who,
        "comment": one.comment,
        "fits": fits_values(one.fits),
        "begins_at": one.begins_at,
        "ends_at": one.ends_at,
        "ended_by": one.ended_by,
        "in_force": one.is_in_force(at),
        "mentions": one.mentions,
    }
