"""For whoever writes rules: test, lint, list."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from listener.cli.common import echo_json, json_option

if TYPE_CHECKING:
    from rules.facts import Facts
    from rules.ruleset import Ruleset

rules_option = click.option(
    "--rules",
    "folder",
    type=click.Path(path_type=Path, exists=True),
    help="Pack or folder of packs; without it those in use.",
)


@click.group()
def rules() -> None:
    """Test, check and list the rules."""


@rules.command(epilog="Example: listener rules test --rules my-rules")
@rules_option
@click.pass_context
def test(ctx: click.Context, folder: Path | None) -> None:
    """Run the tests inside the packs; every failure with file, line and remedy."""
    from rules.check import run_tests

    ruleset = _ruleset(ctx, folder)
    failures = run_tests(ruleset)
    for failure in failures:
        click.echo(str(failure))
    examples = sum(len(rule.matches) + len(rule.ignores) for rule in ruleset.rules)
    click.echo(f"{len(ruleset.rules)} rules, {examples} examples, {len(failures)} failed.")
    sys.exit(1 if failures else 0)


@rules.command(epilog="Example: listener rules lint --posts last-month.jsonl")
@rules_option
@click.option(
    "--posts",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Posts that tell which rules never fire.",
)
@click.pass_context
def lint(ctx: click.Context, folder: Path | None, posts: Path | None) -> None:
    """Find rules that are dead, shadowed, overlapping or slow and, given posts, silent."""
    from rules.check import check

    findings = check(_ruleset(ctx, folder), _facts(posts) if posts else ())
    for finding in findings:
        click.echo(str(finding))
    kinds = Counter(finding.kind for finding in findings)
    click.echo(", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "Nothing to complain about.")
    sys.exit(1 if any(finding.kind == "dead" for finding in findings) else 0)


@rules.command("list", epilog="Example: listener rules list --stage purchase --lang fr")
@rules_option
@click.option("--stage", help="Only rules that speak for this stage.")
@click.option("--lang", help="Only rules of this language.")
@json_option
@click.pass_context
def list_rules(ctx: click.Context, folder: Path | None, stage: str | None, lang: str | None, as_json: bool) -> None:
    """Every rule with what it means."""
    found = [
        rule
        for rule in _ruleset(ctx, folder).rules
        if (stage is None or rule.evidence.stage == stage) and (lang is None or rule.lang in (lang, "*"))
    ]
    if as_json:
        echo_json(
            [
                {
                    "id": rule.id,
                    "about": rule.about,
                    "lang": rule.lang,
                    "file": rule.file,
                    "line": rule.line,
                    "stage": rule.evidence.stage,
                    "intents": list(rule.evidence.intents),
                    "touchpoints": list(rule.evidence.touchpoints),
                    "phrases": len(rule.any),
                }
                for rule in found
            ]
        )
        return
    for rule in found:
        click.echo(f"{rule.id:<44} {rule.about}")
    click.echo(f"{len(found)} rules.")


def _ruleset(ctx: click.Context, folder: Path | None) -> Ruleset:
    from listener.cli.common import configuration_if_any
    from listener.judging import pack_places
    from rules.load import load_packs
    from rules.vocabulary import TOUCHPOINTS

    config = configuration_if_any(ctx)
    own = tuple(config.journey.touchpoints) if config is not None else ()
    return load_packs([folder] if folder is not None else pack_places(config), (*TOUCHPOINTS, *own))


def _facts(posts: Path) -> list[Facts]:
    from connectors.base import Mention
    from connectors.files import read_file
    from rules.facts import Facts

    return [
        Facts(text=post.text, title=post.title, lang=post.lang or "und", platform=post.platform, rating=post.rating)
        for post in read_file(posts)
        if isinstance(post, Mention)
    ]
