"""`listener cases reply --text`: what would be published, as whom and where, and then, with a yes, publishing it."""

from __future__ import annotations

import secrets
import sys
import time
from typing import TYPE_CHECKING

import click

from listener.cli.common import THROUGH, whoami
from listener.cli.refusals import refusal_said

if TYPE_CHECKING:
    from listener.cases.replies import Chosen, Reply
    from listener.config import Config
    from listener.model import CaseView, Told
    from listener.replying import Repliers
    from listener.store import Store

PATIENCE = 60.0  # seconds that another process may take to publish it
PAUSE = 0.5


def reply_in_public(
    config: Config, typed: str, text: str | None, yes: bool, saved: str | None = None, edit: bool = False
) -> None:
    """Show it, ask, publish. `text` None: written in the editor; "-": read from standard input; `saved`: a saved
    reply is what is shown, or with `edit` what the editor opens with. Raises ClickException."""
    from connectors.base import CannotReply
    from listener import app
    from listener.cases.plan import read_case_ref
    from listener.replying import as_published, choose

    with app.stored(config) as store, app.repliers(config, store) as repliers:
        view = store.case(read_case_ref(typed) or typed)
        if view is None:
            raise click.ClickException(f"there is no case {typed!r}; `listener cases list` shows those that are open.")
        told = next((one for one in reversed(view.mentions) if one.removed_at is None), None)
        if told is None:
            raise click.ClickException(f"all posts of {view.case.ref} were removed; there is nothing to answer.")
        chosen = choose(repliers, told)
        if isinstance(chosen, CannotReply):
            raise click.ClickException(f"{told.mention.platform}: {chosen.why}.\n{told.mention.url}")
        if saved is None:
            written = _written(text, chosen.voice.opening)
        else:
            begun = _begun(config, saved, told, chosen.voice.opening)
            written = (click.edit(begun) or "") if edit else begun
        words = as_published(written)
        if not words:
            raise click.ClickException("there is no text; nothing was published.")
        _show(chosen, told, words)
        if not yes and not _agreed():
            click.echo("Nothing was published.")
            return
        _publish(config, store, repliers, view, told, chosen, words)


def _written(text: str | None, opening: str) -> str:
    if text is None:
        return click.edit(opening) or ""
    return sys.stdin.read() if text == "-" else text


def _begun(config: Config, name: str, told: Told, opening: str) -> str:
    from listener.replying import begun

    known = {one.name: one.saved for one in config.saved_replies}
    if name not in known:
        there = f"there are {', '.join(known)}" if known else "the configuration has none; write [[saved_reply]]"
        raise click.ClickException(f"there is no saved reply {name!r}; {there}.")
    return begun(known[name], told, config.brand.name, opening)


def _show(chosen: Chosen, told: Told, words: str) -> None:
    """Exactly the words, indented; and how long they are as the platform counts. Raises ClickException where too long."""
    voice, platform = chosen.voice, told.mention.platform
    count = voice.measure(words)
    if count > voice.longest:
        raise click.ClickException(f"too long: {platform} counts {count}, {voice.longest} is the most. Shorten it.")
    click.echo(f"{platform}, as {voice.account}, to {told.mention.url or told.ref}:\n")
    click.echo("\n".join(f"  {line}" for line in words.splitlines()))
    missing = voice.opening.strip()
    if missing and missing not in words:
        click.echo(f"\nWithout {missing} in it, its author is not told.")
    click.echo(f"\n{count} of {voice.longest}.", nl=False)


def _agreed() -> bool:
    try:
        return click.confirm(" Publish this in public?", default=False)
    except click.Abort:  # nobody is there to answer
        click.echo()
        return False


def _publish(
    config: Config, store: Store, repliers: Repliers, view: CaseView, told: Told, chosen: Chosen, words: str
) -> None:
    from listener import app
    from listener.cases.deeds import Refusal
    from listener.cases.replies import NewReply, ReplyState

    new = NewReply(
        key=secrets.token_hex(12),
        case=view.case.ref,
        mention_id=told.id,
        source=chosen.source,
        account=chosen.voice.account,
        text=words,
        who=whoami(),
        through=THROUGH,
        revision=view.case.revision,
    )
    wanted = store.want_reply(new, app.now())
    if wanted is None or isinstance(wanted, Refusal):
        raise click.ClickException(refusal_said(wanted) if wanted else f"there is no case {view.case.ref} any more.")
    click.echo(" Publishing …")
    stands = _ended(config, store, repliers, wanted)
    if stands.state is ReplyState.PUBLISHED:
        click.echo(f"{stands.case}: published: {stands.url}")
        return
    said = {
        ReplyState.REFUSED: f"not published: {stands.error}.",
        ReplyState.UNKNOWN: f"nobody can tell whether it was published: {stands.error}. Look yourself: {told.mention.url}",
    }.get(stands.state, f"not published yet: {stands.error or 'it is being tried'}. `listener run` goes on with it.")
    raise click.ClickException(f"{stands.case}: {said}")


def _ended(config: Config, store: Store, repliers: Repliers, wanted: Reply) -> Reply:
    """How it stands after some time; a daemon beside us may publish it as well as we do."""
    from listener import app
    from listener.cases.replies import UNFINISHED
    from listener.replying import publish

    hours, owner = app.telling_rules(config).hours, app.owner()
    until = time.monotonic() + PATIENCE
    while True:
        publish(repliers, store, hours, owner, app.now, only=wanted.id)
        stands = store.reply(wanted.id)
        if stands.state not in UNFINISHED or time.monotonic() > until:
            return stands
        time.sleep(PAUSE)
