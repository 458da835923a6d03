"""Posts that came in a file: import, with columns named on the command line, or only looked at."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from listener.cli.common import configuration
from listener.cli.mentions import counting

if TYPE_CHECKING:
    from connectors.base import Mention

SHOWN_PROBLEMS = 10
SHOWN_POSTS = 3


@click.command("import", epilog="Example: listener import reviews.csv --map text=Review --map author=User --dry-run")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--alerts", is_flag=True, help="Alert on posts young enough; without it an import only counts.")
@click.option("--source", "source_name", help="Name to file the posts under. Without it import:FILENAME.")
@click.option(
    "--map",
    "pairs",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="Which column holds a field, e.g. --map text=Review --map author=user.name. Common names are found without.",
)
@click.option("--timezone", "zone", help="Reads times that name no time zone, e.g. Europe/Rome.")
@click.option("--platform", default="import", show_default=True, help="Platform of posts that name none.")
@click.option("--dry-run", is_flag=True, help="Show the first three posts as they would be read, and store nothing.")
@click.pass_context
def import_file(
    ctx: click.Context,
    file: Path,
    alerts: bool,
    source_name: str | None,
    pairs: tuple[str, ...],
    zone: str | None,
    platform: str,
    dry_run: bool,
) -> None:
    """Read posts from a JSON Lines or CSV file. Importing a file twice changes nothing."""
    from listener import app
    from listener.cases.settle import Settler
    from listener.importing import import_posts
    from listener.judging import settled, triage_for

    mapping = _mapping(pairs)
    if not file.is_file():
        raise click.ClickException(f"{file}: there is no such file. Name a JSON Lines (.jsonl) or CSV (.csv) file.")
    problems: list[str] = []
    posts = _posts_of(file, mapping, zone, platform, problems)
    if dry_run:
        first = list(islice(posts, SHOWN_POSTS))
        _show_posts(first)
        read = len(first) + sum(1 for _ in posts)
        _end_import(
            f"{read} posts would be read, {len(problems)} lines are not readable. Nothing was stored.", problems
        )
        return
    config = configuration(ctx)
    name = source_name or f"import:{file.name}"
    if name in {source.name for source in config.sources}:
        raise click.ClickException(f"{name} is a source that the daemon polls. File the posts under another --source.")
    with app.stored(config) as store, counting(f"importing {file.name}") as advance:
        done = import_posts(
            posts,
            source=name,
            store=store,
            judge=settled(triage_for(config).judge),
            settle=Settler(name, app.telling_rules(config, alerts)),
            owner=app.owner(),
            clock=app.now,
            progress=lambda so_far: advance(so_far.read),
        )
    said = f"{done.read} posts read, {done.new} new, {done.read - done.new} known before"
    _end_import(f"{said}, {len(problems)} lines not readable.", problems)


def _mapping(pairs: tuple[str, ...]) -> dict[str, str]:
    """FIELD=COLUMN as a mapping. A field that does not exist is wrong usage."""
    from connectors.files import check_mapping

    mapping = {
        field.strip(): column.strip() for field, equals, column in (pair.partition("=") for pair in pairs) if equals
    }
    if len(mapping) != len(pairs) or not all(mapping.values()):
        raise click.UsageError("--map takes FIELD=COLUMN, each field once, such as --map text=body --map author=user")
    try:
        check_mapping(mapping)
    except ValueError as error:
        raise click.UsageError(f"--map: {error}") from None
    return mapping


def _posts_of(
    file: Path, mapping: Mapping[str, str], zone: str | None, platform: str, problems: list[str]
) -> Iterator[Mention]:
    """The posts of a file; `problems` grows by a sentence for each line that is none. What a whole file lacks is told at once."""
    from connectors.base import Mention
    from connectors.files import read_file
    from connectors.text import label
    from listener.slack.outside import clean

    @contextmanager
    def told() -> Iterator[None]:
        try:
            yield
        except (ValueError, OSError) as error:  # the file as a whole: another kind, no such column, not readable
            what = error.strerror if isinstance(error, OSError) else clean(str(error))
            raise click.ClickException(f"{file}: {what}") from None

    try:
        ZoneInfo(zone or "UTC")
    except (ValueError, OSError, KeyError):
        raise click.UsageError(f'--timezone: {zone} is no time zone; use a name like "Europe/Rome"') from None
    with told():
        lines = read_file(file, mapping, timezone=zone, platform=label(platform, 40).casefold() or "import")

    def posts() -> Iterator[Mention]:
        with told():
            for found in lines:
                if isinstance(found, Mention):
                    yield found
                else:
                    problems.append(f"{file}:{found.line}: {found.reason}")

    return posts()


def _show_posts(posts: Sequence[Mention]) -> None:
    """One column a post, one row a field that any of them has."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from listener.slack.outside import one_line

    shown = [
        {
            "id": post.external_id, "platform": post.platform, "author": post.author.handle or post.author.name,
            "followers": post.author.followers, "published": f"{post.published_at:%Y-%m-%d %H:%M} UTC", "kind": post.kind,
            "title": post.title, "text": post.text, "lang": post.lang, "brand": post.brand, "rating": post.rating,
            "url": post.url, "parent": post.parent_id, "thread": post.thread_id, **post.engagement,
        }
        for post in posts
    ]  # fmt: skip
    table = Table("field", *(f"post {number}" for number in range(1, len(shown) + 1)), box=None, header_style="dim")
    for name in dict.fromkeys(name for post in shown for name in post):
        cells = [post.get(name) for post in shown]
        if any(cell not in (None, "") for cell in cells):
            table.add_row(name, *(Text(one_line("" if cell is None else str(cell), 120)) for cell in cells))
    Console().print(table)


def _end_import(said: str, problems: Sequence[str]) -> None:
    for problem in problems[:SHOWN_PROBLEMS]:
        click.echo(problem, err=True)
    if len(problems) > SHOWN_PROBLEMS:
        click.echo(f"… and {len(problems) - SHOWN_PROBLEMS} more lines that could not be read.", err=True)
    click.echo(said)
    if problems:
        sys.exit(1)
