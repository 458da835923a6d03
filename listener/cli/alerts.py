"""How much noise a configuration makes, and which way a mention goes: alerts preview, routes test."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

import click

from listener.cli.common import Since, configuration, echo_json, json_option

if TYPE_CHECKING:
    from connectors.base import Mention
    from listener.cases.preview import Heard, Preview
    from listener.cases.routing import Route
    from listener.config import Config
    from listener.model import Verdict


@click.group()
def alerts() -> None:
    """How much your team would be told."""


@alerts.command(epilog="Example: listener alerts preview --since 14d")
@click.option("--since", type=Since(), default="14d", show_default=True, help="How far back: 12h, 7d, 4w, or a day.")
@json_option
@click.pass_context
def preview(ctx: click.Context, since: datetime, as_json: bool) -> None:
    """Replay stored mentions through routes, silences, quiet hours and storm control as configured now. Changes nothing.

    Each post counts as seen when it was published, and nobody works a case meanwhile.
    """
    from listener import app
    from listener.cases.preview import Wants
    from listener.cases.preview import preview as replayed

    config = configuration(ctx)
    wants = {one.name: Wants(config.quiet(one), one.singles_per_hour) for one in config.receivers}
    now = app.now()
    with app.stored(config) as store:
        silences = store.silences(since)
        found = replayed(store.stored(since, now), app.telling_rules(config), silences, wants)
    # Of a database that is younger than the span only its own days count.
    days = max(1.0, min(now - since, now - (found.first or now)) / timedelta(days=1))
    if as_json:
        echo_json(_as_json(found, days))
    else:
        _print(found, days, config)


def _as_json(found: Preview, days: float) -> dict[str, object]:
    return {
        "days": round(days, 2),
        "outcomes": {outcome.value: number for outcome, number in found.outcomes.items()},
        "receivers": {
            name: {
                "messages": len(one.messages), "messages_a_day": round(len(one.messages) / days, 2), "cases": one.cases,
                "singles": one.singles, "critical": one.critical, "summaries": one.summaries, "entries": one.entries,
                "folded_at_opening": one.folded_at_opening, "folded_in_storms": one.folded_in_storms,
                "busiest_hour": one.busiest(), "noisiest_rule": one.noisiest(),
            }
            for name, one in found.heard.items()
        },
    }  # fmt: skip


def _print(found: Preview, days: float, config: Config) -> None:
    from zoneinfo import ZoneInfo

    from rich.console import Console
    from rich.table import Table

    zone = ZoneInfo(config.brand.timezone)
    total = sum(found.outcomes.values())
    if not total:
        click.echo("Nothing is stored of that time. `listener backfill` reads older posts.")
        return
    click.echo(f"{total} mentions in {days:.0f} days, routed as the configuration says now:")
    for name, heard in found.heard.items():
        click.echo(f"  {_sentence(name, heard, days, zone)}")
    table = Table(
        "receiver", "messages", "singly", "critical", "summaries", "folded by night", "folded in storms", "thread entries",
        box=None, header_style="dim", pad_edge=False,
    )  # fmt: skip
    for name, one in found.heard.items():
        numbers = (
            len(one.messages), one.singles, one.critical, one.summaries, one.folded_at_opening, one.folded_in_storms, one.entries,
        )  # fmt: skip
        table.add_row(name, *map(str, numbers))
    Console().print(table)
    ordered = sorted(found.outcomes.items(), key=lambda one: -one[1])
    told = ", ".join(f"{number} {outcome.value}" for outcome, number in ordered)
    click.echo(f"What became of the mentions: {told}.")


def _sentence(name: str, heard: Heard, days: float, zone: tzinfo) -> str:
    """`about 2.6 a day to care, 3 % critical; busiest hour Mon 16 Nov 14:00 with 7; noisiest rule en.x (31 %)`"""
    if not heard.cases:
        return f"nothing to {name}"
    said = (
        f"about {len(heard.messages) / days:.1f} a day to {name}, {100 * heard.critical / heard.cases:.0f} % critical"
    )
    if (busiest := heard.busiest()) is not None:
        said += f"; busiest hour {busiest[0].astimezone(zone):%a %d %b %H:%M} with {busiest[1]}"
    if (noisiest := heard.noisiest()) is not None:
        said += f"; noisiest rule {noisiest[0]} ({100 * noisiest[1] / heard.cases:.0f} %)"
    return said


@click.group()
def routes() -> None:
    """Which way mentions go."""


@routes.command(epilog="Example: listener routes test 'my order never arrived' --source reddit")
@click.argument("text", required=False)
@click.option("--mention", "ref", help="A stored mention instead of a text: its reference, the start is enough.")
@click.option("--source", help="The source that would have found the text.")
@click.option("--platform", help="The platform it would be on.")
@json_option
@click.pass_context
def test(
    ctx: click.Context, text: str | None, ref: str | None, source: str | None, platform: str | None, as_json: bool
) -> None:
    """Show which route takes a mention, and why the others do not."""
    from listener import app
    from listener.cases.silences import silencing

    if (text is None) == (ref is None):
        raise click.UsageError(
            "give either a TEXT in quotes or --mention REF, such as: listener routes test --mention 4f2c"
        )
    config, at = configuration(ctx), app.now()
    if source is not None and source not in (known := [one.name for one in config.sources]):
        raise click.UsageError(f"there is no source {source!r}. Sources: {', '.join(known) or 'none'}.")
    with app.stored(config) as store:
        if ref is not None:
            told = store.told(ref)
            if told is None:
                raise click.ClickException(
                    f"no mention begins with {ref!r}. `listener cases show CASE` lists a case's posts."
                )
            mention, verdict, source = told.mention, told.verdict, told.source
        else:
            mention, verdict = _judged(config, text or "", platform or "text", at)
            source = source or ""
        silence = silencing(store.silences(at), mention, verdict, source, verdict.urgency, at)
    lines = _asked(config, mention, verdict, source)
    if as_json:
        said = [{"route": route.name, "takes": takes, "why": why, "to": list(route.to)} for route, takes, why in lines]
        echo_json({"relevant": verdict.relevant, "subject": verdict.subject, "urgency": verdict.urgency.word,
                   "routes": said, "silence": silence and silence.id})  # fmt: skip
        return
    kinds = ", ".join(sorted(verdict.intents)) or "no intent"
    about = ", ".join(sorted(verdict.touchpoints)) or "no touchpoint"
    click.echo(
        f"{verdict.urgency.word} · {kinds} · {about} · stage {verdict.stage.value} · {verdict.sentiment_label} · {verdict.lang}"
    )
    if not verdict.relevant or verdict.subject != "brand":
        click.echo(f"No route is asked: this is not about the brand ({verdict.subject}).")
        return
    for route, takes, why in lines:
        click.echo(f"  {'✓' if takes else '✗'} {route.name} → {', '.join(route.to)}: {why}")
    if not any(takes for _, takes, _ in lines):
        click.echo("No route takes it: it is counted, and nobody is told.")
    if silence is not None:
        click.echo(f"Nobody is told for now: silence {silence.id} by {silence.who} ({silence.comment}).")


def _asked(config: Config, mention: Mention, verdict: Verdict, source: str) -> list[tuple[Route, bool, str]]:
    """Every route in order, whether it takes the mention, and why or why not."""
    from listener.cases.routing import misfits

    found: list[tuple[Route, bool, str]] = []
    decided = ""
    for route in config.routes:
        why = [str(one) for one in misfits(route, mention, verdict, source)]
        if verdict.urgency < route.urgency_at_least:
            why.insert(0, f"it is {verdict.urgency.word}, below {route.urgency_at_least.word}")
        if decided:
            found.append((route, False, f"not asked, {decided} takes it"))
        elif why:
            found.append((route, False, "; ".join(why)))
        else:
            found.append((route, True, "takes it, and later routes are asked too" if route.goes_on else "takes it"))
            decided = "" if route.goes_on else route.name
    return found


def _judged(config: Config, text: str, platform: str, at: datetime) -> tuple[Mention, Verdict]:
    from connectors.base import Author, Mention
    from listener.judging import judge_for_classify

    mention = Mention(platform, "text", text, at, Author("text", "text"))
    return mention, judge_for_classify(config)(mention)
