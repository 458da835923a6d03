"""`listener demo`: six invented weeks through the real pipeline, on a clock of their own.

Nothing is staged: the posts are triaged by the shipped rules, stored in a real SQLite file, grouped into cases, routed through
the outbox to the console receiver, and counted by the digest. Only the clock is replayed, so that posts of last week
are fresh when they are read.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.rule import Rule
from rich.text import Text

from connectors.base import Mention, Page
from listener import app, report
from listener.cases.settle import Settler
from listener.cli.common import log_to_stderr
from listener.config import Config, parse_config
from listener.config.starter import toml_text
from listener.deliver import Outlet, deliver
from listener.demo.feed import demo_brand, demo_feed, demo_week
from listener.digest import console as on_console
from listener.digest.figures import Digest
from listener.digest.raster import NoPicture
from listener.digest.week import Week
from listener.importing import NEVER
from listener.ingest import LEASE, surely
from listener.judging import triage_for
from listener.model import CannotLookUp, Delivery, NotificationKind, Receipt, Receiver, Triaged
from listener.receivers.console import ConsoleReceiver
from rules.vocabulary import Urgency

SOURCE = "demo"
EVERY = timedelta(minutes=10)  # demo time between two polls
SHOWN = {Urgency.CRITICAL: 6, Urgency.HIGH: 3}  # alerts printed of each level, unless all are asked for


def show(
    folder: Path,
    *,
    everything: bool = False,
    shown: Mapping[Urgency, int] = SHOWN,
    console: Console | None = None,
    digest_console: Console | None = None,
) -> Path:
    """Run the demo into `folder` (made anew) and print it; returns the path of the digest page.

    `shown`: alerts printed of each level. `digest_console`: where the digest is printed, if not with the alerts.
    """
    console = console or Console()
    log_to_stderr("warning", "console")
    started = time.monotonic()
    at = app.now()
    if folder.exists():
        _clear(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = parse_config(_configuration(), folder / "listener.toml", {})
    (folder / "listener.toml").write_text(_configuration(), encoding="utf-8")
    monday = demo_week(at)
    week = Week.containing(monday, "UTC")
    posts = [mention for mention, _ in demo_feed(at)]

    console.print(Rule("listener demo"))
    console.print(
        Text(
            f"{len(posts)} invented posts about {config.brand.name}, a skin-care brand that does not exist, in five languages"
            " over six weeks.\nThey run through the real pipeline; below is what your team's channel would show.",
            style="dim",
        )
    )
    with app.stored(config) as store:
        clock = _Clock(posts[0].published_at)
        chosen = _Chosen(
            ConsoleReceiver(console, app.look(config), clock=clock), console, monday, dict(shown), everything
        )
        _replay(config, posts, chosen, clock, console)
        reporting = app.reporting(config)
        digest = report.build(store, week, reporting, week.until)
        page = report.write_page(digest, reporting.folder)
        picture = _picture(digest, page)
        told = store.totals()
    if chosen.left_out:
        console.print(
            Text(f"… and {chosen.left_out} more alerts that week (see all: listener demo --all)", style="dim")
        )
    console = digest_console or console
    console.print(Rule("Monday morning: the weekly digest"))
    console.print(on_console.render(digest))
    console.print(Rule())
    console.print(
        f"[bold]{told.mentions}[/] mentions, [bold]{told.cases_open}[/] cases, {chosen.told} alerts"
        f" in {time.monotonic() - started:.1f} s."
    )
    console.print("The digest as a page, with the journey map:")
    console.print(f"  {page.resolve()}", soft_wrap=True, style="bold", highlight=False)
    if picture is not None:
        console.print("The map as a picture, as Slack shows it:")
        console.print(f"  {picture.resolve()}", soft_wrap=True, style="bold", highlight=False)
    console.print(
        f"Look around: [bold]listener --config {folder / 'listener.toml'} status[/], then listener init for your own brand.",
        soft_wrap=True,
        highlight=False,
    )
    return page


def _picture(digest: Digest, page: Path) -> Path | None:
    """The map as PNG beside the page; None without the extra `png`."""
    picture = page.with_suffix(".png")
    try:
        picture.write_bytes(report.png(digest, theme="light"))
    except NoPicture:
        return None
    return picture


def _replay(config: Config, posts: Sequence[Mention], receiver: Receiver, clock: _Clock, console: Console) -> None:
    triage, settler, owner = triage_for(config), Settler(SOURCE, app.telling_rules(config)), app.owner()
    outlet = Outlet("team", receiver)
    first = posts[0].published_at
    with (
        app.stored(config) as store,
        Progress(
            TextColumn("[dim]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=console,
            transient=True,
            disable=console.record,
        ) as progress,
    ):
        task = progress.add_task("reading", total=len(posts))
        store.register_sources({SOURCE: "replay"}, first)
        store.set_meta(report.STARTED, first.isoformat())
        for slot, group in groupby(posts, key=lambda post: (post.published_at - first) // EVERY):
            clock.now = first + (slot + 1) * EVERY
            page = Page(tuple(group), {"slot": slot})
            triaged = [Triaged(mention, surely(triage.judge, mention)) for mention in page.mentions]
            lease = store.lease(SOURCE, owner, clock(), LEASE, force=True)
            assert lease is not None  # a database of our own
            store.record_page(lease, page, triaged, settler, clock())
            store.finish(lease, clock(), clock() + NEVER)
            deliver(outlet, store, owner, clock)
            progress.update(task, advance=len(page.mentions), description=f"{clock():%a %d %b %H:%M}")


@dataclass(slots=True)
class _Clock:
    """The demo's time: where the replay has got to."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


class _Chosen:
    """A receiver that prints the first few alerts of the demo's week and counts the rest."""

    def __init__(
        self, shown: ConsoleReceiver, console: Console, monday: datetime, left: dict[Urgency, int], everything: bool
    ) -> None:
        self._shown, self._console, self._monday, self._everything = shown, console, monday, everything
        self._left = left  # alerts still to be printed, by level
        self.told = 0
        self.left_out = 0

    def send(self, delivery: Delivery) -> Receipt:
        if delivery.kind is NotificationKind.CASE_OPEN:
            self.told += 1
        if self._everything or self._wanted(delivery):
            self._console.print()
            return self._shown.send(delivery)
        if delivery.kind is NotificationKind.CASE_OPEN and delivery.created_at >= self._monday:
            self.left_out += 1
        return Receipt({"console": 0})

    def find(self, delivery: Delivery) -> Receipt | None:
        raise CannotLookUp("the console keeps no history")

    def _wanted(self, delivery: Delivery) -> bool:
        if delivery.kind is not NotificationKind.CASE_OPEN or delivery.created_at < self._monday:
            return False
        self._left[delivery.urgency] = self._left.get(delivery.urgency, 0) - 1
        return self._left[delivery.urgency] >= 0


def _configuration() -> str:
    brand = demo_brand()
    own = [f"{platform}:{handle}" for platform, handles in brand.own_accounts.items() for handle in handles]
    return f"""# The configuration of `listener demo`: an invented brand, alerts on the console.

[brand]
name = {toml_text(brand.name)}
names = [{", ".join(map(toml_text, brand.names))}]
products = [{", ".join(map(toml_text, brand.products))}]
rivals = [{", ".join(map(toml_text, brand.rivals))}]
own_accounts = [{", ".join(map(toml_text, own))}]
languages = [{", ".join(map(toml_text, brand.languages))}]
timezone = "UTC"
service_hours = "monday-friday 09:00-18:00"

[[receiver]]
name = "team"
type = "console"

[[route]]
name = "complaints"
to = ["team"]
urgency_at_least = "high"

[digest]
to = ["team"]
folder = "."
"""


def _clear(folder: Path) -> None:
    """Remove an earlier demo; refuses a folder that holds anything else."""
    ours = {"listener.toml", "listener.db", "listener.db-wal", "listener.db-shm"}
    foreign = [
        found.name for found in folder.iterdir() if found.name not in ours and not found.name.startswith("digest-")
    ]
    if foreign:
        raise app.AppError(
            f"{folder} holds other files ({', '.join(sorted(foreign)[:3])}). Name another with --folder."
        )
    shutil.rmtree(folder)
