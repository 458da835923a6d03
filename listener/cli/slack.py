"""Slack at the command line: the app's manifest, and a test of its buttons."""

from __future__ import annotations

import json
import secrets
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from listener.cli.common import ago, configuration, configuration_if_any, log_to_stderr

if TYPE_CHECKING:
    from listener.config import Config
    from listener.interactive import SlackApp
    from listener.store import Store

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


@slack.command(epilog="Example: listener slack test care")
@click.argument("receiver", required=False)
@click.option("--wait", default=PATIENCE, show_default=True, help="Seconds to wait for the click.")
@click.pass_context
def test(ctx: click.Context, receiver: str | None, wait: float) -> None:
    """Post a message with a button and wait until somebody presses it."""
    from listener import app

    config = configuration(ctx)
    log_to_stderr("error", "console")  # what goes wrong is told below, in a sentence
    found = _app(config, receiver)
    with app.stored(config) as store, ExitStack() as closing:
        _hear(config, found, store, closing)
        heard, seconds = _posted_and_pressed(config, found, store, wait)
    if not heard:
        raise click.ClickException(
            "nobody pressed the button, or the click did not arrive. Check that the app has interactivity on (`listener slack"
            " manifest` prints what it needs), and that no other program uses its app token."
        )
    click.echo(f"Heard {heard} after {seconds:.1f} s. The buttons work.")


def _app(config: Config, name: str | None) -> SlackApp:
    """The app to test. A configuration without buttons is answered with what to write."""
    from listener import interactive
    from listener.config.schema import SlackReceiver

    receivers = [one for one in config.receivers if isinstance(one, SlackReceiver) and name in (None, one.name)]
    if not receivers:
        raise click.ClickException("there is no such Slack receiver in the configuration.")
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


def _posted_and_pressed(config: Config, found: SlackApp, store: Store, wait: float) -> tuple[str, float]:
    """Post, wait, say in the message what came of it. Who pressed ("" for nobody) and after how long."""
    from listener import app
    from listener.model import ReceiverError
    from listener.slack.actions import TEST
    from listener.slack.blocks import button, plain
    from listener.slack.failures import translated
    from listener.slack.wire import web_client

    word, nonce = app.look(config).words.word, secrets.token_hex(8)
    client = web_client(found.token, found.receiver.base_url, found.receiver.timeout)
    head = {"type": "header", "text": plain(word("test", "title"), 150)}
    said = {"type": "section", "text": plain(word("test", "text"))}
    press = {"type": "actions", "elements": [button("slack_test", word("test", "press"), nonce)]}
    try:
        with translated("chat.postMessage", found.receiver.channel):
            posted = client.chat_postMessage(
                channel=found.receiver.channel, text=word("test", "text"), blocks=[head, said, press]
            )
    except ReceiverError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Posted in {found.receiver.channel}. Press the button there; waiting up to {wait:.0f} s.", err=True)
    since, who = time.monotonic(), ""
    while not who and time.monotonic() - since < wait:
        time.sleep(0.1)
        pressed = store.get_meta(TEST)
        if isinstance(pressed, dict) and pressed.get("nonce") == nonce:
            who = str(pressed.get("user") or "?")
    seconds = time.monotonic() - since
    text = word("test", "heard").format(who=f"<@{who}>", seconds=f"{seconds:.1f}") if who else word("test", "missed")
    try:
        with translated("chat.update", found.receiver.channel):
            client.chat_update(
                channel=str(posted["channel"]),
                ts=str(posted["ts"]),
                text=text,
                blocks=[head, {"type": "section", "text": {"type": "mrkdwn", "text": text}}],
            )
    except ReceiverError as error:
        click.echo(f"The message could not be edited: {error}", err=True)
    return who, seconds
