"""How a preview of a query is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from listener.model import Triaged
    from listener.previewing import Sampled
    from rules.query import Query

SHOWN = 10  # posts of the sample
_WIDTH = 100  # characters of a post


def print_preview(
    samples: Sequence[Sampled],
    left_out: Mapping[str, str],
    asked: Query,
    since: datetime,
    now: datetime,
    pages: int | None,
) -> None:
    """Tables and sentences. `pages`: how many of each source were read at most; None: what was stored was read."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table("source", "read", "match", "a day", "back to", box=None, header_style="dim", pad_edge=False)
    for one in samples:
        back = f"{one.since:%d %b %H:%M}" if one.since > since else f"{since:%d %b}"
        reached = Text(back, "yellow" if one.since > since else "")
        table.add_row(one.source, str(one.read), str(len(one.found)), _rate(one.a_day(now)), reached)
    if samples:
        console.print(table)
    for one in samples:
        if one.error is not None:
            console.print(Text(f"{one.source}: {one.error}", "red"), soft_wrap=True)
    if pages is not None and any(one.since > since and one.error is None for one in samples):
        click.echo(f"Where the day is later than asked for, {pages} pages reach back no further.")
    for name, why in left_out.items():
        click.echo(f"{name} {why}.")
    found = [match for one in samples for match in one.found]
    if not found:
        click.echo("Nothing matches. Try the name alone, or look further back with --since.")
        return
    _say_what(found, sum(one.a_day(now) for one in samples))
    _show(found)
    _propose(found, asked)


def _rate(a_day: float) -> str:
    return f"{a_day:.1f}" if a_day < 10 else f"{a_day:.0f}"


def _say_what(found: Sequence[Triaged], a_day: float) -> None:
    """`81 match, about 11.6 a day: 73 about the brand, 8 not. Of the 73: 20 complaint, 9 praise …`"""
    about = [one for one in found if one.verdict.relevant]
    intents = Counter(intent.value for one in about for intent in one.verdict.intents)
    levels = Counter(one.verdict.urgency.word for one in about)
    click.echo()
    click.echo(
        f"{len(found)} match, about {_rate(a_day)} a day: {len(about)} about the brand, {len(found) - len(about)} not."
    )
    if about:
        wants = ", ".join(f"{number} {intent}" for intent, number in intents.most_common()) or "none asks or complains"
        urgent = ", ".join(f"{levels[word]} {word}" for word in ("critical", "high", "normal", "low") if levels[word])
        click.echo(f"What they want: {wants}. How soon: {urgent}.")


def _show(found: Sequence[Triaged]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    newest = sorted(found, key=lambda one: one.mention.published_at, reverse=True)
    every = max(1, len(newest) // SHOWN)
    table = Table("", "stage", "a sample", box=None, header_style="dim", pad_edge=False)
    for one in newest[::every][:SHOWN]:
        verdict = one.verdict
        level = verdict.urgency.word if verdict.relevant else "not us"
        table.add_row(level, verdict.stage.value, Text(_short(one.mention.text or one.mention.title)))
    click.echo()
    Console().print(table)


def _propose(found: Sequence[Triaged], asked: Query) -> None:
    from listener.previewing import exclusions

    proposed = exclusions(found, asked)
    if proposed:
        words = " ".join(f"-{one.word}" for one in proposed)
        posts = sum(one.posts for one in proposed[:1])
        click.echo()
        click.echo(
            f"Worth excluding: {words} (the first stands in {posts} posts, none of which asks, praises or complains)."
        )


def _short(text: str) -> str:
    plain = "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))
    return plain[:_WIDTH] + ("…" if len(plain) > _WIDTH else "")
