"""Mentions one at a time or by the file: import, classify, explain."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from zoneinfo import ZoneInfo

import click

from listener.cli.common import configuration, configuration_if_any, echo_json, json_option

if TYPE_CHECKING:
    from connectors.base import Mention
    from listener.model import Verdict

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
    with app.stored(config) as store, _counting(f"importing {file.name}") as advance:
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


@click.command(epilog='Example: listener classify "Paid three weeks ago, nothing arrived"')
@click.argument("text", required=False)
@click.option(
    "--input",
    "source",
    type=click.Path(path_type=Path, allow_dash=True),
    help="JSON Lines: id, text, and what is known.",
)
@click.option(
    "--output",
    "target",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Where the verdicts go; else the screen.",
)
@click.option("--lang", help="Language of TEXT, if known.")
@json_option
@click.pass_context
def classify(
    ctx: click.Context, text: str | None, source: Path | None, target: Path | None, lang: str | None, as_json: bool
) -> None:
    """Judge one text, or every line of a JSON Lines file."""
    from listener.cli import verdicts
    from listener.judging import judge_for_classify

    if (text is None) == (source is None):
        raise click.UsageError(
            'give either one TEXT in quotes or --input FILE, such as: listener classify "Never again"'
        )
    judge = judge_for_classify(configuration_if_any(ctx))
    if text is not None:
        verdict = judge(_post({"id": "text", "text": text, "lang": lang}))
        if as_json:
            echo_json(verdicts.as_json("text", verdict))
        else:
            click.echo("\n".join(verdicts.explanation(verdict)))
        return
    assert source is not None
    try:
        bad = _classify_file(source, target, judge)
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}. Check the path and its rights.") from None
    if bad:
        click.echo(f"{bad} lines could not be read; all others were judged.", err=True)
        sys.exit(1)


def _classify_file(source: Path, target: Path | None, judge: Callable[[Mention], Verdict]) -> int:
    from listener.cli import verdicts

    bad = 0
    with (
        _text(source, "r") as reading,
        _text(target or Path("-"), "w") as writing,
        _counting("classifying", quiet=target is None) as show,
    ):
        for number, line in enumerate(reading, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise ValueError('this is no JSON object; write {"id": "1", "text": "…"}')
                mention = _post(record)
            except (ValueError, RecursionError) as error:
                bad += 1
                click.echo(f"{source}:{number}: {error}", err=True)
                continue
            writing.write(json.dumps(verdicts.as_json(mention.external_id, judge(mention)), ensure_ascii=True) + "\n")
            show(number)
    return bad


def _post(record: Mapping[str, Any]) -> Mention:
    """A record as a mention; without a time it was published now. Raises ValueError with what is wrong."""
    from connectors.row import FIELDS, Defaults, mention

    return mention(record, {field: field for field in FIELDS}, Defaults(datetime.now(UTC), None, "text", None))


@click.command(epilog="Example: listener explain 4f2c")
@click.argument("ref")
@json_option
@click.pass_context
def explain(ctx: click.Context, ref: str, as_json: bool) -> None:
    """Why a mention was judged so, which case it joined, and what was told to whom. REF as in Slack, its start is enough."""
    from listener import app
    from listener.cli import verdicts

    with app.stored(configuration(ctx)) as store:
        told = store.told(ref)
        view = store.case(ref) if told is None else None
        if told is None and view is not None:
            told = max(view.mentions, key=lambda one: (one.verdict.urgency, one.verdict.points))
        if told is None:
            raise click.ClickException(
                f"no mention or case begins with {ref!r}. `listener status` shows what is stored."
            )
        rows = store.notifications_of(told.id)
    if as_json:
        echo_json(
            {
                "ref": told.ref,
                "source": told.source,
                "outcome": told.outcome.value,
                "published_at": told.mention.published_at,
                "seen_at": told.seen_at,
                "url": told.mention.url,
                "text_removed_at": told.removed_at,
                "verdict": verdicts.as_json(told.ref, told.verdict),
                "notifications": [
                    {"receiver": row.receiver, "kind": row.kind.value, "state": row.state.value, "reason": row.reason,
                     "attempts": row.attempts, "sent_at": row.sent_at, "error": row.error}
                    for row in rows
                ],
            }
        )  # fmt: skip
        return
    click.echo(f"{told.ref} · {told.mention.platform} · published {told.mention.published_at:%Y-%m-%d %H:%M} UTC, "
               f"seen {told.seen_at:%H:%M} · through {told.source}")  # fmt: skip
    if told.removed_at is not None:
        click.echo(f"text removed on {told.removed_at:%Y-%m-%d} (retention)")
    click.echo("\n".join(verdicts.explanation(told.verdict)))
    click.echo(f"ruleset {told.verdict.ruleset} · outcome {told.outcome.value}")
    for row in rows:
        when = f" at {row.sent_at:%Y-%m-%d %H:%M} UTC" if row.sent_at else ""
        why = f": {row.error}" if row.error else ""
        click.echo(f"  {row.kind.value} to {row.receiver} ({row.reason}): {row.state.value}{when}{why}")


@contextmanager
def _text(path: Path, mode: str) -> Iterator[TextIO]:
    """A file, or the standard stream for "-". Bytes that are no UTF-8 are replaced: one bad post must not end a run."""
    if str(path) == "-":
        stream: Any = sys.stdin if mode == "r" else sys.stdout
        stream.reconfigure(encoding="utf-8", errors="replace")
        yield stream
        return
    opened: Any = path.open(mode, encoding="utf-8", errors="replace")
    with opened:
        yield opened


@contextmanager
def _counting(doing: str, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """A running count on the terminal, if there is one and the output does not go there."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}: {task.completed} posts"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(doing, total=None)

        def show(done: int) -> None:
            progress.update(task, completed=done)

        yield show
