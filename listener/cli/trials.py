"""Try a change before it goes live: a query on what the platforms have, rules on what is stored."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from listener.cli.common import Since, configuration, echo_json, json_option
from listener.plugins import connectors

if TYPE_CHECKING:
    from rich.status import Status

    from listener.config import Config
    from listener.model import Verdict
    from listener.previewing import Sampled
    from rules.query import Query

since_option = click.option(
    "--since", type=Since(), default="7d", show_default=True, help="How far back: 12h, 7d, 4w, or a day."
)


@click.group()
def query() -> None:
    """Write and try queries."""


@query.command(epilog="Example: listener query preview 'acme AND (delay* OR refund) -job' --since 7d")
@click.argument("text")
@since_option
@click.option(
    "--source", "names", multiple=True, help="Ask these sources only; one that bills what is read is asked only so."
)
@click.option("--stored", "in_store", is_flag=True, help="Look among the stored mentions instead; nothing is asked.")
@json_option
@click.pass_context
def preview(
    ctx: click.Context, text: str, since: datetime, names: tuple[str, ...], in_store: bool, as_json: bool
) -> None:
    """What a query finds: posts a day of each source, what they want, a sample, words worth excluding.

    The sources are asked now, for ten pages each; nothing is stored and nobody is told.
    """
    from listener import app
    from listener.cli.previews import print_preview
    from listener.previewing import PAGES
    from rules.query import parse

    if in_store and names:
        raise click.UsageError("--stored looks at what all sources have brought; leave out --source.")
    asked = parse(text)
    config = configuration(ctx)
    now = app.now()
    samples, left_out = _among_stored(config, asked, since, now) if in_store else _asked(config, asked, since, names)
    if as_json:
        echo_json(
            [
                {
                    "source": one.source, "since": one.since, "read": one.read, "found": len(one.found),
                    "a_day": round(one.a_day(now), 2), "error": one.error,
                    "not_relevant": sum(not found.verdict.relevant for found in one.found),
                }
                for one in samples
            ]
        )  # fmt: skip
    else:
        print_preview(samples, left_out, asked, since, now, pages=None if in_store else PAGES)
    if samples and all(one.error for one in samples):
        sys.exit(1)


def _asked(config: Config, asked: Query, since: datetime, names: Sequence[str]) -> tuple[list[Sampled], dict[str, str]]:
    """What each source gives, and why others were not asked."""
    from rich.console import Console

    from listener import app
    from listener.judging import triage_for
    from listener.previewing import asking, sample, sought

    known = {source.name: source for source in config.sources}
    if unknown := [name for name in names if name not in known]:
        raise click.UsageError(f"there is no source {unknown[0]!r}. Sources: {', '.join(known) or 'none'}.")
    judge = triage_for(asking(config, asked.text)).judge
    samples: list[Sampled] = []
    left_out: dict[str, str] = {}
    with Console(stderr=True).status("") as showing, app.stored(config) as store:
        for source in known.values():
            if names and source.name not in names:
                continue
            if not source.enabled and not names:
                continue
            if connectors()[source.connector].load().handed:
                left_out[source.name] = "is brought its posts; there is nothing to search"
                continue
            if source.costs and not names:
                left_out[source.name] = (
                    f"bills what is read; --source {source.name} asks it, listener forecast tells the cost"
                )
                continue
            showing.update(f"asking {source.name}")
            opened = app.open_source(config, sought(source, asked, app.now() - since), store)
            try:
                samples.append(
                    sample(source.name, opened, judge, asked, since, app.now, partial(_say, showing, source.name))
                )
            finally:
                opened.close()
    return samples, left_out


def _say(showing: Status, name: str, read: int) -> None:
    showing.update(f"asking {name}: {read} posts read")


def _among_stored(config: Config, asked: Query, since: datetime, now: datetime) -> tuple[list[Sampled], dict[str, str]]:
    from listener import app
    from listener.model import Triaged
    from listener.previewing import Sampled
    from listener.triage.relevance import query_facts

    read: Counter[str] = Counter()
    found: dict[str, list[Triaged]] = {}
    with app.stored(config) as store:
        for told in store.stored(since, now):
            read[told.source] += 1
            if asked.matches(query_facts(told.mention)):
                found.setdefault(told.source, []).append(Triaged(told.mention, told.verdict))
    return [Sampled(name, since, number, tuple(found.get(name, ())[::-1])) for name, number in read.most_common()], {}


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
def replay(ctx: click.Context, folder: Path, since: datetime, diff: bool, as_json: bool) -> None:
    """Judge stored mentions again with other rules: which verdicts would change, which alerts would come or go. Changes nothing."""
    from listener import app
    from listener.cases.routing import destinations
    from listener.judging import triage_for

    config = configuration(ctx)
    judge = triage_for(config, more=(folder,)).judge
    changes: list[dict[str, object]] = []
    read = come = gone = 0
    with app.stored(config) as store:
        for told in store.stored(since, app.now()):
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
