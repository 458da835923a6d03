"""Mentions one at a time or by the file: classify, explain."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from listener.cli.common import configuration, configuration_if_any, echo_json, json_option

if TYPE_CHECKING:
    from connectors.base import Mention
    from listener.model import Verdict


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
        counting("classifying", quiet=target is None) as show,
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
    from listener import app, troubles
    from listener.cli import verdicts

    config, at = configuration(ctx), app.now()
    with app.stored(config) as store:
        told = store.told(ref)
        view = store.case(ref) if told is None else None
        if told is None and view is not None:
            told = max(view.mentions, key=lambda one: (one.verdict.urgency, one.verdict.points))
        if told is None:
            raise click.ClickException(
                f"no mention or case begins with {ref!r}. `listener status` shows what is stored."
            )
        rows = store.notifications_of(told.id)
    held = troubles.quiet(config, at)
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
        if row.state.value == "pending" and row.receiver in held and row.urgency.word != "critical":
            until = held[row.receiver]
            why += (
                f": held, quiet hours until {until:%Y-%m-%d %H:%M} UTC" if until else ": held, quiet hours without end"
            )
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
def counting(doing: str, quiet: bool = False) -> Iterator[Callable[[int], None]]:
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
