"""For whoever writes rules: test, lint, list."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from listener.cli.common import Since, echo_json, json_option, write

if TYPE_CHECKING:
    from listener.learning import Suggestion
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


@rules.command(epilog="Example: listener rules suggest --accept 1 --accept 3 --to rules/learned.toml")
@click.option(
    "--since",
    type=Since(),
    default="90d",
    show_default=True,
    help="Corrections and posts of this time: 7d, 12w, or a day.",
)
@click.option(
    "--accept", "accepted", multiple=True, type=int, help="Number of a suggestion to keep as a rule; several times."
)
@click.option(
    "--to", "target", type=click.Path(path_type=Path, dir_okay=False), help="Pack that accepted rules are added to."
)
@json_option
@click.pass_context
def suggest(ctx: click.Context, since: datetime, accepted: tuple[int, ...], target: Path | None, as_json: bool) -> None:
    """Cue phrases that people's corrections have in common, with what each would have done. Nothing changes unless you accept it."""
    from listener import app
    from listener.cli.common import configuration
    from listener.learning import Judged
    from listener.learning import suggest as suggestions
    from listener.store import AUDIT

    if bool(accepted) != (target is not None):
        raise click.UsageError("--accept needs --to FILE, and --to needs --accept NUMBER")
    with app.stored(configuration(ctx)) as store:
        labels = [label for label in store.labels(since) if label.field != AUDIT]
        posts = (
            Judged(told.ref, told.verdict.lang, told.mention.text, told.verdict.stage.value, told.verdict.relevant)
            for told in store.stored(since, app.now())
        )
        found = suggestions(labels, posts)
    if target is not None:
        _accept(found, accepted, target)
        return
    if as_json:
        echo_json(
            [
                {
                    "phrase": one.phrase, "lang": one.lang, "field": one.field, "value": one.value,
                    "corrected": one.corrected, "stored": one.stored, "agree": one.agree, "precision": round(one.precision, 3),
                }
                for one in found
            ]
        )  # fmt: skip
        return
    click.echo(f"{len(labels)} corrections since {since:%d %b %Y}, {len(found)} phrases worth a look.")
    for number, one in enumerate(found, 1):
        meaning = "not about us" if one.field == "relevant" else one.value
        click.echo(
            f"{number:>3}  {one.lang}  “{one.phrase}” → {meaning}: in {one.corrected} corrected posts; stands in {one.stored}"
            f" stored ones, {one.agree} of them mean that already, {one.would_change} would be judged otherwise"
        )


def _accept(found: Sequence[Suggestion], accepted: tuple[int, ...], target: Path) -> None:
    import tomllib

    from listener.learning import as_rule, pack_head

    missing = [number for number in accepted if not 1 <= number <= len(found)]
    if missing:
        raise click.UsageError(f"there is no suggestion {missing[0]}; there are {len(found)}")
    chosen = [found[number - 1] for number in accepted]
    text = target.read_text(encoding="utf-8") if target.exists() else pack_head(chosen[0].lang)
    try:
        pack = tomllib.loads(text)["pack"]
        name, lang = str(pack["name"]), str(pack["lang"])
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        raise click.ClickException(f"{target} is no pack; name a new file, or a pack of yours.") from None
    if others := sorted({one.lang for one in chosen} - {lang}):
        raise click.ClickException(
            f"{target} is a pack for {lang}; keep suggestions in {others[0]} in a file of their own."
        )
    have = text.count("[[rule]]")
    rules = [as_rule(one, name, have + place) for place, one in enumerate(chosen, 1)]
    write(target, "\n".join([text.rstrip("\n") + "\n", *rules]))
    click.echo(
        f"{len(rules)} rules added to {target}. Read them, then: listener rules test --rules {target}, and"
        f" listener replay --rules {target} --diff."
    )


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
