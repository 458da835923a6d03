"""What sources missed and may not keep: gaps, backfill, forget."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

import click

from listener.cli.common import Since, ago, configuration, echo_json, json_option, whoami

if TYPE_CHECKING:
    from connectors.base import Forecast, Forecasting
    from listener.backfill import Backfilled
    from listener.config import Config
    from listener.config.whole import SourceConfig
    from listener.store import GapLine, Store

CLOSED_SHOWN = timedelta(days=7)
REASONS = {
    "page-cap": "more posts than one poll reads",
    "expired-window": "the platform gives nothing that old any more",
    "rolled-over": "the feed showed newer posts only",
    "outage": "no poll went well",
}
ROUNDS = 50  # polls of one source in one --fill


@click.command(epilog="Example: listener gaps --fill")
@click.argument("source", required=False)
@click.option("--fill", is_flag=True, help="Read the open ones now, instead of a few pages with every poll.")
@json_option
@click.pass_context
def gaps(ctx: click.Context, source: str | None, fill: bool, as_json: bool) -> None:
    """What was not read: open gaps, lost ones with the reason, and those closed within a week."""
    from listener import app

    config = configuration(ctx)
    if source is not None:
        _one(config, source)
    filled = True
    with app.stored(config) as store:
        if fill:
            app.end_leases_of_the_dead(store, app.now())
            filled = _fill(config, store, source)
        at = app.now()
        found = [line for line in store.gaps(at - CLOSED_SHOWN) if source in (None, line.source)]
        if as_json:
            echo_json([_as_json(line) for line in found])
        else:
            _print_gaps(found, at)
    if not filled:
        sys.exit(1)


@click.command(epilog="Example: listener backfill mastodon --since 14d")
@click.argument("names", nargs=-1, metavar="[SOURCE]...")
@click.option("--since", required=True, type=Since(), help="How far back: 14d, 4w, or a day such as 2026-10-01.")
@click.option(
    "--alerts/--no-alerts", default=False, help="Alert on posts young enough; without it a backfill only counts."
)
@click.pass_context
def backfill(ctx: click.Context, names: tuple[str, ...], since: datetime, alerts: bool) -> None:
    """Read older posts of some sources, or of all. Stop it at any time: the same command goes on where it was."""
    from listener import app

    config = configuration(ctx)
    chosen = [_one(config, name) for name in names] or [one for one in config.sources if one.enabled]
    at = app.now()
    # Whole days: the same command an hour later goes on with the same backfill.
    start = since.replace(hour=0, minute=0, second=0, microsecond=0)
    failed = False
    with app.stored(config) as store:
        app.end_leases_of_the_dead(store, at)
        for source in chosen:
            failed = not _backfill_one(config, store, source, start, at, alerts) or failed
    if failed:
        sys.exit(1)


@click.command(epilog="Example: listener forget --author mastodon:@ann@example.social")
@click.option("--author", required=True, metavar="PLATFORM:NAME", help="The author's handle or id, with its platform.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def forget(ctx: click.Context, author: str, yes: bool) -> None:
    """Remove what an author wrote, and who they are, from the database and from Slack. Counts stay; it is noted in the audit trail.

    There is no way back but a backup, and backups are yours to clean. Posts written later are collected again.
    """
    from listener import app

    platform, colon, name = author.partition(":")
    if not colon or not platform or not name:
        raise click.UsageError("--author takes PLATFORM:NAME, such as x:somebody or mastodon:@ann@example.social")
    with app.stored(configuration(ctx)) as store:
        number = store.written_by(platform, name)
        if not number:
            raise click.ClickException(f"nothing that is stored was written by {name} on {platform}.")
        posts = f"{number} post" if number == 1 else f"{number} posts"
        if not yes:
            click.confirm(f"Remove the words and the author of {posts} by {name} on {platform}?", abort=True)
        done = store.forget(platform, name, whoami(), app.now())
        store.purge_outbox(app.now())
        store.forget_log()
    click.echo(
        f"{done} {'post has' if done == 1 else 'posts have'} lost words and author. Slack messages that quote them are edited by `run`."
    )


@click.command(epilog="Example: listener forecast x")
@click.argument("names", nargs=-1, metavar="[SOURCE]...")
@json_option
@click.pass_context
def forecast(ctx: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """What sources that cost money would bring and cost in a month, before `run` reads anything. Asking costs a little, too.

    Change the terms in the configuration and ask again. Exits with 1 where a budget would not last the month.
    """
    from connectors.base import ConnectorError
    from listener import app

    config = configuration(ctx)
    chosen = [_one(config, name) for name in names] or [source for source in config.sources if source.costs]
    if not chosen:
        raise click.ClickException("no source costs money: nothing is billed.")
    told: list[dict[str, object]] = []
    failed = False
    with app.stored(config) as store:
        for source in chosen:
            opened = app.open_source(config, source, store)
            try:
                if not hasattr(opened, "forecast"):
                    click.echo(f"{source.name}: {source.connector} has no forecast; it bills nothing.", err=True)
                    continue
                found = cast("Forecasting", opened).forecast(app.now())
            except ConnectorError as error:
                click.echo(f"{source.name}: {error}", err=True)
                failed = True
                continue
            finally:
                opened.close()
            budget = next((one.budget_month for one in config.accounts if one.name == source.account), None)
            failed = failed or (budget is not None and found.usd > budget)
            told.append(
                {
                    "source": source.name, "posts_month": round(found.posts), "usd_month": round(found.usd, 2),
                    "budget_month_usd": budget, "asking_cost_usd": round(found.asked_usd, 4),
                    "queries": [
                        {"query": one.query, "posts_month": round(one.posts), "usd_month": round(one.usd, 2)}
                        for one in found.queries
                    ],
                }
            )  # fmt: skip
            if not as_json:
                _say_forecast(source.name, found, budget)
    if as_json:
        echo_json(told)
    if failed:
        sys.exit(1)


def _say_forecast(name: str, found: Forecast, budget: float | None) -> None:
    of = f" of a budget of {budget:.2f}" if budget is not None else ""
    click.echo(
        f"{name}: about {found.posts:,.0f} posts and {found.usd:.2f} USD a month{of}. Asking cost {found.asked_usd:.3f}."
    )
    for one in sorted(found.queries, key=lambda one: -one.usd):
        click.echo(f"  {one.usd:8.2f} USD  {one.posts:8,.0f} posts  {one.query}")
    if budget is not None and found.usd > budget:
        day = 30 * budget / found.usd
        click.echo(f"  The budget would last about {day:.0f} days of a month: narrow the terms, or raise it.")


def _one(config: Config, name: str) -> SourceConfig:
    for source in config.sources:
        if source.name == name:
            return source
    known = ", ".join(source.name for source in config.sources) or "none"
    raise click.UsageError(f"there is no source {name!r}. Sources: {known}.")


def _fill(config: Config, store: Store, only: str | None) -> bool:
    """Whether all went well."""
    from listener import app
    from listener.ingest import poll
    from listener.judging import settled, triage_for

    app.register(config, store)
    judge = settled(triage_for(config).judge)
    rules = app.telling_rules(config)
    failed = False
    for source in config.sources:
        open_now = {line.gap for line in store.gaps(app.now()) if line.source == source.name and not line.gap.lost}
        if not source.enabled or not open_now or only not in (None, source.name):
            continue
        opened = app.open_source(config, source, store)
        try:
            feed = app.feed(config, source, opened, opened, rules)
            for _ in range(ROUNDS):
                done = poll(feed, judge, store, app.owner(), app.now, force=True)
                if done is None:
                    click.echo(f"{source.name}: {_why_not(store, source.name, app.now())}", err=True)
                    failed = True
                    break
                click.echo(f"{source.name}: {done.pages} pages read, {done.new} new posts.", err=True)
                if done.error is not None:
                    click.echo(f"{source.name}: {done.error}", err=True)
                    failed = True
                    break
                (state,) = [one for one in store.sources() if one.name == source.name]
                if all(gap.lost for gap in state.gaps):
                    break
        finally:
            opened.close()
    return not failed


def _why_not(store: Store, name: str, at: datetime) -> str:
    free_at = store.account_waits(name, at)
    if free_at is None:
        return "is being polled by the daemon, which fills its gaps by itself."
    if any(until == free_at for until, _ in store.blocked_accounts(at).values()):
        return f"its account must wait until {free_at:%d %b %H:%M} UTC; run this again then, or leave it to the daemon."
    return (
        "the daemon is asking for another source of its account; run this again in a minute, or leave it to the daemon."
    )


def _as_json(line: GapLine) -> dict[str, object]:
    return {
        "source": line.source,
        "since": line.gap.since,
        "until": line.gap.until,
        "reason": line.gap.reason,
        "lost": line.gap.lost,
        "opened_at": line.opened_at,
        "closed_at": line.closed_at,
    }


def _print_gaps(found: list[GapLine], at: datetime) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not found:
        click.echo("Nothing was missed: no gap is open, none was lost, none was closed this week.")
        return
    table = Table("source", "from (UTC)", "to", "why", "state", box=None, header_style="dim", pad_edge=False)
    for line in found:
        gap = line.gap
        if gap.lost:
            state = Text("lost", "red")
        elif line.closed_at is None:
            state = Text("open", "yellow")
        else:
            state = Text(f"read {ago(line.closed_at, at)}", "green")
        table.add_row(
            line.source,
            f"{gap.since:%d %b %H:%M}",
            f"{gap.until:%d %b %H:%M}",
            REASONS.get(gap.reason, gap.reason),
            state,
        )
    Console().print(table)


def _backfill_one(
    config: Config, store: Store, source: SourceConfig, since: datetime, at: datetime, alerts: bool
) -> bool:
    """Whether it came to its end."""
    from listener import app
    from listener.backfill import NoHistory, backfill, with_history
    from listener.cases.settle import Settler
    from listener.ingest import Feed
    from listener.judging import settled, triage_for
    from listener.readback import row_name

    try:
        settings = with_history(source.settings, at - since)
    except NoHistory:
        click.echo(f"{source.name}: {source.connector} shows what is there now; it has nothing older to give.")
        return True
    name = row_name(source.name, since)
    accounts = {name: source.account} if source.account is not None else {}
    store.register_sources({name: source.connector}, at, accounts)
    opened = app.open_source(config, source, store, settings)
    settler = Settler(name, app.telling_rules(config, alerts))
    feed = Feed(name, opened, source.every, settler, revise=settler.revise)
    try:
        with _progress(source.name, since, at) as advance:
            done = backfill(feed, settled(triage_for(config).judge), store, app.owner(), app.now, advance)
    finally:
        opened.close()
    reached = f"oldest post of {done.oldest:%Y-%m-%d %H:%M} UTC" if done.oldest else "nothing older came"
    posts = "1 post" if done.read == 1 else f"{done.read} posts"
    click.echo(f"{source.name}: {posts} read, {done.new} new, {reached}.")
    if done.error is not None:
        wait = (
            f" Run the same command again after {done.wait_until:%d %b %H:%M} UTC to go on." if done.wait_until else ""
        )
        click.echo(f"{source.name}: stopped: {done.error}.{wait}", err=True)
    return done.done


class _progress:  # noqa: N801  # a context manager read like a function
    """A bar over the days between now and the day asked for, on a terminal; nothing elsewhere."""

    def __init__(self, name: str, since: datetime, at: datetime) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._since, self._at = since, at
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"), TimeElapsedColumn(),
            console=Console(stderr=True), disable=not sys.stderr.isatty(),
        )  # fmt: skip
        self._task = self._bar.add_task(name, total=(at - since).total_seconds(), said="")

    def __enter__(self) -> _progress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, so_far: Backfilled) -> None:
        reached = so_far.oldest or self._at
        span = (self._at - max(reached, self._since)).total_seconds()
        self._bar.update(self._task, completed=span, said=f"{so_far.new} new, back to {reached:%Y-%m-%d}")
