"""Mentions one at a time or by the file: import, classify, explain."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from listener.cli.common import configuration, configuration_if_any, echo_json, json_option

if TYPE_CHECKING:
    from connectors.base import Mention
    from listener.triage.verdict import Triage

PAGE = 500  # posts of an import that are stored in one transaction
SHOWN_PROBLEMS = 10


@click.command("import", epilog="Example: listener import posts.jsonl")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--alerts", is_flag=True, help="Alert on posts young enough; without it an import only counts.")
@click.option("--source", "source_name", help="Name to file the posts under. Without it import:FILENAME.")
@click.option("--map", "pairs", multiple=True, metavar="FIELD=COLUMN", help="Which column holds a field, e.g. --map text=body.")
@click.pass_context
def import_file(ctx: click.Context, file: Path, alerts: bool, source_name: str | None, pairs: tuple[str, ...]) -> None:
    """Read posts from a JSON Lines or CSV file. Importing a file twice changes nothing."""
    from connectors.base import Mention
    from connectors.replay import read_file
    from listener import app
    from listener.cases.settle import Settler
    from listener.importing import import_posts

    if not file.is_file():
        raise click.ClickException(f"{file}: there is no such file. Name a JSON Lines (.jsonl) or CSV (.csv) file.")
    mapping = _mapping(pairs)
    config = configuration(ctx)
    name = source_name or f"import:{file.name}"
    problems: list[str] = []

    def posts() -> Iterator[Mention]:
        for found in read_file(file, mapping):
            if isinstance(found, Mention):
                yield found
            else:
                problems.append(f"{file}:{found.line}: {found.reason}")

    with app.stored(config) as store, _bar(file) as advance:
        done = import_posts(
            posts(),
            source=name,
            store=store,
            judge=app.triage_for(config).judge,
            settle=Settler(name, app.telling_rules(config, alerts)),
            owner=app.owner(),
            clock=app.now,
            page_size=PAGE,
            progress=advance,
        )
    for problem in problems[:SHOWN_PROBLEMS]:
        click.echo(problem, err=True)
    if len(problems) > SHOWN_PROBLEMS:
        click.echo(f"… and {len(problems) - SHOWN_PROBLEMS} more lines that could not be read.", err=True)
    click.echo(f"{done.read} posts read, {done.new} new, {done.read - done.new} known before, {len(problems)} lines not readable.")
    if problems:
        sys.exit(1)


@click.command(epilog='Example: listener classify "Paid three weeks ago, nothing arrived"')
@click.argument("text", required=False)
@click.option("--input", "source", type=click.Path(path_type=Path, allow_dash=True), help="JSON Lines: id, text, and what is known.")
@click.option("--output", "target", type=click.Path(path_type=Path, allow_dash=True), help="Where the verdicts go; else the screen.")
@click.option("--lang", help="Language of TEXT, if known.")
@json_option
@click.pass_context
def classify(
    ctx: click.Context, text: str | None, source: Path | None, target: Path | None, lang: str | None, as_json: bool
) -> None:
    """Judge one text, or every line of a JSON Lines file."""
    from listener import triaging
    from listener.cli import verdicts

    if (text is None) == (source is None):
        raise click.UsageError('give either one TEXT in quotes or --input FILE, such as: listener classify "Never again"')
    judge = triaging.for_classify(configuration_if_any(ctx))
    if text is not None:
        verdict = judge(triaging.post({"id": "text", "text": text, "lang": lang}))
        if as_json:
            echo_json(verdicts.as_json("text", verdict))
        else:
            click.echo("\n".join(verdicts.explanation(verdict)))
        return
    assert source is not None
    bad = 0
    with _opened(source, "r") as reading, _opened(target or Path("-"), "w") as writing:
        size = source.stat().st_size if str(source) != "-" else 0
        with _byte_bar(size, "classifying", quiet=target is None) as advance:
            for number, line in enumerate(reading, start=1):
                advance(len(line.encode("utf-8", "surrogatepass")))
                if not line.strip():
                    continue
                try:
                    mention = triaging.post(_record(line))
                except ValueError as error:
                    bad += 1
                    click.echo(f"{source}:{number}: {error}", err=True)
                    continue
                writing.write(json.dumps(verdicts.as_json(mention.external_id, judge(mention)), ensure_ascii=False) + "\n")
    if bad:
        click.echo(f"{bad} lines could not be read; all others were judged.", err=True)
        sys.exit(1)
