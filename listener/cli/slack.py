"""Slack at the command line: the app's manifest, and a test of its buttons."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from listener.cli.common import ago, configuration, configuration_if_any
from listener.model import NotificationState

if TYPE_CHECKING:
    from listener.cases.plan import CaseEvent
    from listener.config import Config
    from listener.interactive import SlackApp
    from listener.model import CaseView
    from listener.store import Store

NEXT = (
    "\nPaste this at api.slack.com/apps: Create New App, From a manifest. Install it to your workspace, put the bot token (xoxb-…)"
    " into the variable that token_env names, and invite the app to its channel. For the buttons: Basic Information, App-Level"
    " Tokens, one with connections:write (xapp-…), into the variable that app_token_env names. Then: listener slack test"
)
PATIENCE = 60.0  # seconds that a person is given to press the button


@click.group(epilog="Example: listener slack manifest")
def slack() -> None:
    """Set the Slack app up: its manifest, and a test of its buttons."""


@slack.command(epilog="Example: listener slack manifest > manifest.yaml")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of YAML.")
@click.option("--name", default="listener", show_default=True, help="What the app is called in Slack.")
@click.option("--url", help="Where Slack calls, if you have an address for it; without one, Socket Mode.")
@click.option("--no-buttons", is_flag=True, help="An app that only posts.")
@click.pass_context
def manifest(ctx: click.Context, as_json: bool, name: str, url: str | None, no_buttons: bool) -> None:
    """Print the app's manifest: paste it at api.slack.com/apps, "Create New App", "From a manifest"."""
    from listener.slack.door import PATH
    from listener.slack.manifest import as_yaml
    from listener.slack.manifest import manifest as made
    from listener.slack.rights import is_group

    config = configuration_if_any(ctx)
    rights = config.slack if config else None
    lists = (rights.may_work, rights.may_resolve, rights.may_correct, rights.may_silence) if rights else ()
    named = [who for one in lists for who in one]
    if url is not None and not url.startswith("https://"):
        raise click.UsageError(f"--url: Slack calls https addresses only, such as https://hooks.example.org{PATH}")
    done = made(name, interactive=not no_buttons, groups=any(map(is_group, named)), url=url)
    click.echo(json.dumps(done, ensure_ascii=False, indent=2) if as_json else as_yaml(done), nl=as_json)
    click.echo(NEXT if not no_buttons else NEXT.partition(" For the buttons")[0], err=True)


@slack.command(epilog="Example: listener slack test care")
@click.argument("receiver", required=False)
@click.option("--wait", default=PATIENCE, show_default=True, help="Seconds to wait for a click.")
@click.pass_context
def test(ctx: click.Context, receiver: str | None, wait: float) -> None:
    """Post an invented alert, wait until somebody presses one of its buttons, and close it again."""
    from listener import app
    from listener.cli import drills

    config = configuration(ctx)
    found = _app(config, receiver)
    with app.stored(config) as store, ExitStack() as closing:
        _hear(config, found, store, closing)
        began = drills.begin(config, store, "alert", found.receiver.name)
        try:
            heard = _pressed(config, found, store, began.cases[0], wait)
        finally:
            drills.end(config, store)
    if heard is None:
        raise click.ClickException(
            "nobody pressed a button, or the click did not arrive. Check that the app has interactivity on (`listener slack"
            " manifest` prints what it needs), and that no other program uses its app token."
        )
    click.echo(f"Heard {heard.who}: {heard.what}. The buttons work.")


def _app(config: Config, name: str | None) -> SlackApp:
    """The app to test. A configuration without buttons is answered with what to write."""
    from listener import interactive
    from listener.config.schema import SlackReceiver

    receivers = [one for one in config.receivers if isinstance(one, SlackReceiver) and name in (None, one.name)]
    if not receivers:
        named = "no Slack receiver" if name is None else f"no Slack receiver {name!r}"
        raise click.ClickException(
            f'{named} is in the configuration. Write a [[receiver]] with type = "slack"; the README shows one.'
        )
    for one in receivers:
        if (found := interactive.app_of(config, one)) is not None:
            return found
    raise click.ClickException(
        "no button would work: write app_token_env (or signing_secret_env) in the Slack receiver, and set that variable."
    )


def _hear(config: Config, found: SlackApp, store: Store, closing: ExitStack) -> None:
    """Hear the app's clicks here, unless a daemon does; it tells through the database, whoever hears."""
    from listener import app, interactive, troubles

    read = troubles.vitals(store, app.now(), config)
    if troubles.is_alive(read):
        last = ago(read.heartbeat, app.now())
        click.echo(f"A daemon is running (last sign of life {last}); its buttons are tested.", err=True)
        return
    judge: Any = None  # nothing is judged by a test
    desk = interactive.StoreDesk(store, app.telling_rules(config), config, judge, app.owner(), app.now)
    try:
        interactive.open_app(config, found, desk, app.look(config), closing)
    except OSError as error:
        raise click.ClickException(f"clicks cannot be heard: {error.strerror or type(error).__name__}.") from None


def _pressed(config: Config, found: SlackApp, store: Store, ref: str, wait: float) -> CaseEvent | None:
    """Send the alert; the first deed that came through Slack. Raises a sentence where Slack does not take the message."""
    from listener.cli import drills
    from listener.slack.actions import THROUGH

    drills.deliver_if_alone(config, store)
    view = store.case(ref)
    assert view is not None  # it was stored a moment ago
    since = time.monotonic()
    asked = False
    while time.monotonic() - since < wait:
        if not asked and _is_told(store, view):
            click.echo(f"Posted in {found.receiver.channel}. Press Claim there; waiting up to {wait:.0f} s.", err=True)
            asked = True
        clicks = [event for event in store.case_history(view.case.id) if event.through == THROUGH]
        if clicks:
            return clicks[0]
        state = store.receivers().get(found.receiver.name)
        if state is not None and state.stopped:
            raise click.ClickException(f"{found.receiver.name} is stopped: {state.stopped}")
        time.sleep(0.1)
    if not asked:
        raise click.ClickException("the message was not sent. `listener status` says what waits and why.")
    return None


def _is_told(store: Store, view: CaseView) -> bool:
    return any(row.state is NotificationState.SENT for row in store.notifications_of(view.mentions[0].id))
