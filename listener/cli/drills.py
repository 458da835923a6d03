"""An invented storm through the real pipeline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from listener.cli.common import configuration, echo_json, json_option, log_to_stderr, whoami

if TYPE_CHECKING:
    from listener.config import Config
    from listener.drilling import Drilled
    from listener.store import Store

PATIENCE = 60.0  # seconds that a channel is given to take what it is told
NAMES = ("alert", "critical", "storm")
END = "end"


@click.command(epilog="Example: listener drill storm --to care, and when everybody has seen it: listener drill end")
@click.argument("name", type=click.Choice([*NAMES, END]))
@click.option("--to", "receiver", help="The receiver that is told, instead of those your routes name.")
@json_option
@click.pass_context
def drill(ctx: click.Context, name: str, receiver: str | None, as_json: bool) -> None:
    """Let invented customers write, to see that alerts arrive and that your team knows what to do with them.

    \b
    alert     one customer whose order never came
    critical  one customer who was hurt, and writes again
    storm     25 customers who cannot pay
    end       resolves the drills that are open

    Their messages say DRILL first, their buttons work, and no digest or figure counts them.
    """
    from listener import app

    config = configuration(ctx)
    known = [one.name for one in config.receivers]
    if receiver is not None and receiver not in known:
        raise click.UsageError(f"there is no receiver {receiver!r}. Receivers: {', '.join(known) or 'none'}.")
    with app.stored(config) as store:
        if name == END:
            ended = end(config, store)
            said = f"{len(ended)} resolved: {', '.join(ended)}." if ended else "No drill is open."
            click.echo(said) if not as_json else echo_json({"ended": ended})
            return
        done = begin(config, store, name, receiver)
        if as_json:
            echo_json({"posts": done.posts, "cases": done.cases, "told": done.told})
        elif done.told:
            posts = "1 invented post" if done.posts == 1 else f"{done.posts} invented posts"
            cases = "1 case" if len(done.cases) == 1 else f"{len(done.cases)} cases"
            click.echo(
                f"{posts}, {cases} ({', '.join(done.cases[:3])}{', …' if done.cases[3:] else ''}), told to {', '.join(done.told)}."
            )
            click.echo("When everybody has seen it: listener drill end")
        else:
            click.echo(
                "Nobody is told: no route takes it, or a silence keeps it quiet. `listener drill end` takes it away."
            )
        deliver_if_alone(config, store)


def begin(config: Config, store: Store, name: str, receiver: str | None) -> Drilled:
    """Let the posts of a drill come in. Raises a sentence where another drill comes in just now."""
    from listener import app
    from listener.drilling import drill, invented
    from listener.importing import ImportRefused
    from listener.judging import triage_for

    at = app.now()
    posts = invented(name, config.brand.name, config.brand.languages, at, f"{at:%Y%m%dT%H%M%S%f}")
    app.end_leases_of_the_dead(store, at)
    try:
        return drill(posts, store, triage_for(config).judge, app.telling_rules(config), app.owner(), app.now, receiver)
    except ImportRefused:
        raise click.ClickException("another drill is just beginning; wait a moment, then try again.") from None


def end(config: Config, store: Store) -> list[str]:
    """Resolve what is open of earlier drills, and show it."""
    from listener import app, drilling
    from listener.working import Desk

    ended = drilling.end(Desk(store, app.telling_rules(config)), whoami(), "cli", app.now())
    deliver_if_alone(config, store)
    return ended


def deliver_if_alone(config: Config, store: Store) -> None:
    """Send what waits, unless a daemon does."""
    from listener import app, troubles
    from listener.deliver import deliver

    if troubles.is_alive(troubles.vitals(store, app.now(), config)):
        return
    log_to_stderr("error", "console")
    outlets, until = app.open_outlets(config), time.monotonic() + PATIENCE
    # A channel takes a message a second: what waits for its turn is waited for, what waits for longer is `run`'s.
    while sum(len(deliver(outlet, store, app.owner(), app.now)) for outlet in outlets) and time.monotonic() < until:
        time.sleep(1.1)
