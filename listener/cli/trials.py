"""Try a change on what is stored before it goes live: query preview, replay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from listener.cli.common import configuration, echo_json, json_option

if TYPE_CHECKING:
    from listener.model import Told, Verdict
    from listener.store import Store

SHOWN = 10
since_option = click.option("--since", default="7d", show_default=True, help="How far back: 12h, 7d, 4w.")


@click.group()
def query() -> None:
    """Write and try queries."""


@query.command(epilog="Example: listener query preview 'acme AND (delay* OR refund) -job' --since 30d")
@click.argument("text")
@since_option
@json_option
@click.pass_context
def preview(ctx: click.Context, text: str, since: str, as_json: bool) -> None:
    """What a query would have found among the stored mentions: volume per source, a sample, exclusions worth a thought."""
    from listener import app
    from rules.query import QueryFacts, parse

    asked = parse(text)
    config = configuration(ctx)
    found: list[Told] = []
    read = 0
    with app.stored(config) as store:
        for told in _recent(store, since):
            read += 1
            mention = told.mention
            facts = QueryFacts(mention.text, mention.title, mention.author.handle, mention.url, told.verdict.lang)
            if asked.matches(facts):
                found.append(told)
    volume = Counter(told.source for told in found)
    noise = [told for told in found if not told.verdict.relevant]
    if as_json:
        echo_json({"read": read, "found": len(found), "not_relevant": len(noise), "sources": dict(volume)})
        return
    click.echo(
        f"{len(found)} of {read} stored mentions of the last {since} match; {len(noise)} of them were judged not relevant."
    )
    for source, count in volume.most_common():
        click.echo(f"  {source}: {count}")
    for told in found[:: max(1, len(found) // SHOWN)][:SHOWN]:
        click.echo(f"  {told.ref}  {_short(told)}")
    words = _exclusions(noise, [told for told in found if told.verdict.relevant])
    if words:
        click.echo(
            "Words that stand only in the ones that are not relevant: " + ", ".join(f"-{word}" for word in words)
        )


@click.command(epilog="Example: listener replay --since 30d --rules my-rules --diff")
@click.option(
    "--rules",
    "folder",
    type=click.Path(path_type=Path, exists=True),
    required=True,
    help="The packs to try, beside the shipped ones.",
)
@since_option
@click.option("--diff", is_flag=True, help="List every verdict that changes.")
@json_option
@click.pass_context
def replay(ctx: click.Context, folder: Path, since: str, diff: bool, as_json: bool) -> None:
    """Judge stored mentions again with other rules: which verdicts would change, which alerts would come or go. Changes nothing."""
    from listener import app
    from listener.cases.routing import destinations
    from listener.judging import triage_for

    config = configuration(ctx)
    judge = triage_for(config, more=(folder,)).judge
    changes: list[dict[str, object]] = []
    read = come = gone = 0
    with app.stored(config) as store:
        for told in _recent(store, since):
            read += 1
            verdict = judge(told.mention)
            before = destinations(config.routes, told.mention, told.verdict, told.source, told.verdict.urgency)
            after = destinations(config.routes, told.mention, verdict, told.source, verdict.urgency)
            if told.verdict.subject != "brand" or not told.verdict.relevant:
                before = ()
            if verdict.subject != "brand" or not verdict.relevant:
                after = ()
            come += bool(after) and not before
            gone += bool(before) and not after
            if difference := _difference(told.verdict, verdict):
                changes.append({"ref": told.ref, "changes": difference, "alert": _alert(bool(before), bool(after))})
    if as_json:
        echo_json(
            {
                "read": read,
                "changed": len(changes),
                "alerts_come": come,
                "alerts_go": gone,
                "changes": changes if diff else [],
            }
        )
        return
    for change in changes if diff else []:
        click.echo(f"{change['ref']}  {change['changes']}{change['alert']}")
    click.echo(
        f"{read} mentions judged again: {len(changes)} verdicts change, {come} alerts would come, {gone} would go."
    )


def _recent(store: Store, since: str) -> Iterator[Told]:
    from listener import app
    from listener.config.values import parse_duration

    try:
        length = parse_duration(since)
    except ValueError as error:
        raise click.UsageError(f"--since: {error}") from None
    now: datetime = app.now()
    return store.stored(now - length, now)


def _difference(before: Verdict, after: Verdict) -> str:
    parts = [
        (name, str(old), str(new))
        for name, old, new in (
            ("stage", before.stage, after.stage),
            ("urgency", before.urgency.word, after.urgency.word),
            ("intents", " ".join(sorted(before.intents)), " ".join(sorted(after.intents))),
            ("sentiment", before.sentiment_label, after.sentiment_label),
            ("relevant", before.relevant, after.relevant),
        )
        if old != new
    ]
    return "; ".join(f"{name} {old or '–'} → {new or '–'}" for name, old, new in parts)


def _alert(before: bool, after: bool) -> str:
    return "" if before == after else "; would alert" if after else "; would not alert any more"


def _short(told: Told) -> str:
    text = " ".join(told.mention.text.split())
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain[:90] + ("…" if len(plain) > 90 else "")


def _exclusions(noise: list[Told], wanted: list[Told]) -> list[str]:
    """Words of at least three irrelevant posts and of no relevant one."""
    from rules.words import prepare

    kept = {word for told in wanted for word in prepare(told.mention.text).folded}
    counts = Counter(
        word for told in noise for word in set(prepare(told.mention.text).folded) if len(word) > 3 and word.isalpha()
    )
    return [word for word, count in islice(((w, n) for w, n in counts.most_common() if w not in kept and n >= 3), 5)]
