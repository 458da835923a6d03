"""Spikes at the command line: what rises, why, and what a person has to say about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from listener.cli.common import ago, configuration, echo_json, json_option, whoami

if TYPE_CHECKING:
    from listener.model import Spike
    from listener.store import Store


_BECAUSE = 120  # characters of a reason
_LONGEST = timedelta(days=14)  # of an expected event: half of what a baseline is made of


@click.group(epilog="Example: listener spikes show s-12")
def spikes() -> None:
    """Spikes: many authors with the same at once, and what you know about it."""


@spikes.command("list", epilog="Example: listener spikes list --days 90")
@click.option("--days", type=click.IntRange(1, 3650), default=30, show_default=True, help="How far back.")
@json_option
@click.pass_context
def list_spikes(ctx: click.Context, days: int, as_json: bool) -> None:
    """Open spikes first, then those that are over."""
    from listener import app

    with app.stored(configuration(ctx)) as store:
        at = app.now()
        found = store.spikes(at - timedelta(days=days))
        found.sort(key=lambda one: (one.ended_at is not None, -one.id))
        if as_json:
            echo_json([_as_json(one, store) for one in found])
            return
        if not found:
            click.echo(f"No spikes in the last {days} days.")
        if young := _young(store, at):
            click.echo(f"Judged by a plain rule until known for 14 days: {', '.join(young)}.")
        for one in found:
            why = _because(one)
            until = (
                "" if one.ended_at is None else f", {'ends' if one.ended_at > at else 'ended'} {ago(one.ended_at, at)}"
            )
            click.echo(
                f"{one.ref:6} {one.state.value:9} {one.kind:28} {one.authors} authors, {one.expected:.1f} expected, "
                f"{'began' if one.begun_at <= at else 'begins'} {ago(one.begun_at, at)}{until}{', ' + one.owner if one.owner else ''}{why}"
            )


@spikes.command(epilog="Example: listener spikes show s-12")
@click.argument("spike")
@json_option
@click.pass_context
def show(ctx: click.Context, spike: str, as_json: bool) -> None:
    """What was counted, what is usual, and how likely that is by chance."""
    from listener import app

    with app.stored(configuration(ctx)) as store:
        found = _found(store, spike)
        if as_json:
            echo_json(_as_json(found, store))
            return
        figures = found.figures
        click.echo(f"{found.ref}  {found.state.value}  {found.kind}  {found.urgency.word}{_because(found)}")
        click.echo(f"  began {found.begun_at:%d %b %H:%M}, newest post {found.last_at:%d %b %H:%M} UTC")
        click.echo(f"  {found.authors} authors, {found.posts} posts; {found.expected:.2f} authors expected")
        if figures.get("plain"):
            click.echo("  found by the plain rule: its sources are younger than 14 days")
        elif (chance := figures.get("chance")) is not None:
            click.echo(
                f"  when found: chance {chance:.1e} in a window of {figures.get('window')} h, of which 99.9 % have at most "
                f"{figures.get('most')} authors; spread {figures.get('spread')}"
            )
        if words := figures.get("words"):
            click.echo("  new words: " + ", ".join(f"{word} ({authors} authors)" for word, authors in words))
        click.echo(f"  {store.folded(found.ref)} cases are told in its thread: listener cases list")
        for told in store.told_many(list(figures.get("examples", ()))):
            click.echo(f"  {told.mention.platform} {told.ref}: {' '.join(told.mention.text.split())[:100]}")


@spikes.command(epilog="Example: listener spikes end s-12")
@click.argument("spike")
@click.option("--false-alarm", is_flag=True, help="It was nothing: its hours count as usual ones.")
@click.pass_context
def end(ctx: click.Context, spike: str, false_alarm: bool) -> None:
    """Tell single alerts again. It was real, so it is left out of what is usual; of its kind nothing is told for 3 hours.

    An expected event is over before its time so, or is called off where it has not begun.
    """
    from listener import app, spiking

    with app.stored(configuration(ctx)) as store:
        found, at = _found(store, spike), app.now()
        if found.state.value == "expected" and found.ended_at is not None and found.ended_at > at:
            _keep(store, spiking.called_off(found, at), at)
            click.echo(
                f"{found.ref} is {'over' if found.begun_at < at else 'called off'}; its kind makes spikes again."
            )
            return
        _open(found)
        decide = spiking.false_alarm if false_alarm else spiking.end
        _keep(store, decide(found, whoami(), at), at)
    click.echo(f"{found.ref} is {'a false alarm' if false_alarm else 'over'}; single alerts are told again.")


@spikes.command(epilog='Example: listener spikes expected all --in 3d --for 24h --because "Black Friday"')
@click.argument("what")
@click.option("--for", "span", default="24h", show_default=True, help="How long it will last, as 6h or 2d.")
@click.option("--in", "after", default=None, help="When it begins, from now, as 30m or 3d; now if nothing is said.")
@click.option("--because", default="", help="What it is, as the digest and `spikes list` will name it.")
@click.pass_context
def expected(ctx: click.Context, what: str, span: str, after: str | None, because: str) -> None:
    """A campaign, an announced outage: WHAT is an open spike, or a kind (all, complaint, praise, complaint:delivery, …).

    Until it is over its kind makes no spike, single alerts are told, and nothing of it counts as usual.
    """
    from listener import app, spiking
    from listener.config.values import parse_duration
    from rules.vocabulary import TOUCHPOINTS

    config, at = configuration(ctx), app.now()
    try:
        lasts, begins = parse_duration(span), parse_duration(after) if after is not None else timedelta(0)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if lasts > _LONGEST:
        raise click.UsageError(
            f"--for {span} is longer than {_LONGEST.days} days; what lasts longer is what is usual, or a silence: `listener silence add`"
        )
    who, because = whoami(), because.strip()
    if len(because) > _BECAUSE:
        raise click.UsageError(f"--because has {len(because)} characters; {_BECAUSE} are the most")
    with app.stored(config) as store:
        if what.lower().startswith("s-"):
            if after is not None:
                raise click.UsageError("an open spike has begun; --in is for kinds")
            found = _open(_found(store, what))
            _keep(store, spiking.expected(found, who, at + lasts, at, because), at)
            click.echo(f"{found.ref} is expected until {at + lasts:%d %b %H:%M} UTC; single alerts are told again.")
            return
        mood, colon, touchpoint = what.partition(":")
        known = {*TOUCHPOINTS, *config.journey.touchpoints}
        if mood not in ("all", "complaint", "praise") or (colon and (mood == "all" or touchpoint not in known)):
            raise click.UsageError(
                f"{what!r} is neither a spike (s-12) nor a kind; kinds are all, complaint, praise, and complaint or praise "
                f"with a touchpoint, such as complaint:{sorted(known)[0]}"
            )
        kept = store.begin_spike(spiking.announced(what, who, at + begins, at + begins + lasts, at, because), (), at)
        if kept is None:
            raise click.ClickException(f"a spike of {what} is open; `listener spikes list` names it, say that one.")
        click.echo(f"{kept.ref}: more {what} is expected until {at + begins + lasts:%d %b %H:%M} UTC.")


def _young(store: Store, at: datetime) -> list[str]:
    """Sources that no baseline is known of yet, with how many days they have listened."""
    from listener.cases.baseline import is_settled
    from listener.spiking import listeners

    return [
        f"{one.name} ({(at - one.first_success_at).days} days)"
        for one in listeners(store)
        if one.first_success_at is not None and not is_settled(one, at)
    ]


def _found(store: Store, ref: str) -> Spike:
    found = store.spike(ref)
    if found is None:
        raise click.ClickException(f"there is no spike {ref!r}; `listener spikes list` shows those there are.")
    return found


def _because(spike: Spike) -> str:
    from listener.slack.outside import one_line

    because = one_line(str(spike.figures.get("because") or ""), _BECAUSE)
    return f": {because}" if because else ""


def _open(spike: Spike) -> Spike:
    if spike.ended_at is not None:
        raise click.ClickException(f"{spike.ref} is {spike.state.value} already.")
    return spike


def _keep(store: Store, spike: Spike, at: datetime) -> None:
    if not store.change_spike(spike, "deed", at):
        raise click.ClickException(f"{spike.ref} changed at this moment; try again.")


def _as_json(spike: Spike, store: Store) -> dict[str, object]:
    return {
        "ref": spike.ref,
        "kind": spike.kind,
        "state": spike.state.value,
        "urgency": spike.urgency.word,
        "begun_at": spike.begun_at,
        "last_at": spike.last_at,
        "ended_at": spike.ended_at,
        "authors": spike.authors,
        "posts": spike.posts,
        "expected": round(spike.expected, 3),
        "owner": spike.owner,
        "cases_told_in_it": store.folded(spike.ref),
        "figures": {name: value for name, value in spike.figures.items() if name != "examples"},
    }
