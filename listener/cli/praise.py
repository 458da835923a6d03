"""Praise worth showing: the shelf, who allowed what, and who comes back to praise."""

from __future__ import annotations

import csv
import io
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from listener.cli.common import THROUGH, ago, configuration, echo_json, json_option, whoami, write

if TYPE_CHECKING:
    from listener.cases.shelf import Move, No, Shelved

STATES = ("found", "asked", "granted", "refused", "withdrawn")
FORMATS = ("md", "csv", "json")


@click.group(epilog="Example: listener praise list --state asked")
def praise() -> None:
    """Keep praise you would like to show, with its author's permission; see who comes back to praise."""


@praise.command("list", epilog="Example: listener praise list --state asked")
@click.option("--state", type=click.Choice(STATES), help="Only those that stand there.")
@json_option
@click.pass_context
def list_praise(ctx: click.Context, state: str | None, as_json: bool) -> None:
    """What is on the shelf, the longest unchanged first."""
    from listener import app
    from listener.cases.shelf import PraiseState

    with app.stored(configuration(ctx)) as store:
        at, found = app.now(), store.shelf(*([PraiseState(state)] if state else []))
    if as_json:
        echo_json([_as_json(one) for one in found])
        return
    for one in found:
        click.echo(_line(one, at))
    if not found:
        click.echo("Nothing is there. Put praise on the shelf with `listener praise shelve REF`.")


@praise.command(epilog="Example: listener praise shelve 4f2c91aa --why 'says it better than we do'")
@click.argument("ref")
@click.option("--why", default="", help="Why it is worth showing.")
@click.pass_context
def shelve(ctx: click.Context, ref: str, why: str) -> None:
    """Put a post on the shelf. REF is a mention's or a case's reference. Nobody is asked by that."""
    from listener.cases.shelf import Move, Step

    _do(ctx, ref, Move(Step.SHELVE, whoami(), THROUGH, why=why))


@praise.command(epilog="Example: listener praise ask 4f2c91aa --link https://forum.example/t/12")
@click.argument("ref")
@click.option("--suggest", is_flag=True, help="Only print a question to copy, in the language of the post.")
@click.option("--where", default="", help="Of the suggestion: the use it names, in the language of the post.")
@click.option("--words", default="", help="How you asked; the suggestion unless you say.")
@click.option("--link", default="", help="Where you asked.")
@click.pass_context
def ask(ctx: click.Context, ref: str, suggest: bool, where: str, words: str, link: str) -> None:
    """Note that the author was asked. `listener` asks nobody itself."""
    from listener import app
    from listener.cases.asking import question
    from listener.cases.shelf import Move, Step

    config = configuration(ctx)
    with app.stored(config) as store:
        told = store.praise_of(ref)
    if told is None:
        raise _unknown(ref)
    said = question(told.verdict.lang, config.brand.name, where)
    if suggest:
        click.echo(said)
    else:
        _do(ctx, ref, Move(Step.ASK, whoami(), THROUGH, words=words or said, link=link))


@praise.command(
    epilog="Example: listener praise grant 4f2c91aa --evidence https://forum.example/t/12#3 --scope website"
)
@click.argument("ref")
@click.option("--evidence", required=True, help="A link to the yes, or a note that says where it is.")
@click.option("--scope", default="", help="What was allowed, such as: website with name.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day on which it holds (UTC).")
@click.pass_context
def grant(ctx: click.Context, ref: str, evidence: str, scope: str, until: datetime | None) -> None:
    """Note that the author allowed it. From then on its words outlive retention, until permission ends."""
    from listener.cases.shelf import Move, Step

    ends = None if until is None else until.replace(tzinfo=UTC) + timedelta(days=1)
    _do(ctx, ref, Move(Step.GRANT, whoami(), THROUGH, evidence=evidence, scope=scope, until=ends))


@praise.command(epilog="Example: listener praise refuse 4f2c91aa")
@click.argument("ref")
@click.pass_context
def refuse(ctx: click.Context, ref: str) -> None:
    """Note that the author said no. They are not asked again."""
    from listener.cases.shelf import Move, Step

    _do(ctx, ref, Move(Step.REFUSE, whoami(), THROUGH))


@praise.command(epilog="Example: listener praise withdraw 4f2c91aa")
@click.argument("ref")
@click.pass_context
def withdraw(ctx: click.Context, ref: str) -> None:
    """Note that the author took permission back. Take it down wherever you show it."""
    from listener.cases.shelf import Move, Step

    _do(ctx, ref, Move(Step.WITHDRAW, whoami(), THROUGH))


@praise.command(epilog="Example: listener praise export --format csv --output praise.csv")
@click.option("--format", "form", type=click.Choice(FORMATS), default="md", show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Where it goes; else the screen.")
@click.pass_context
def export(ctx: click.Context, form: str, output: Path | None) -> None:
    """What may be shown today, with who allowed it, where that is written, for what and until when. Nothing else."""
    import json

    from listener import app
    from listener.cases.shelf import PraiseState

    with app.stored(configuration(ctx)) as store:
        at = app.now()
        found = [one for one in store.shelf(PraiseState.GRANTED) if one.praise.may_be_shown(at)]
    facts = [_facts(one) for one in found]
    if form == "json":
        text = json.dumps(facts, ensure_ascii=False, indent=2) + "\n"
    else:
        text = _csv(facts) if form == "csv" else "\n".join(_markdown(one) for one in facts)
    if output is None:
        click.echo(text, nl=False)
    else:
        write(output, text)
        click.echo(f"{len(facts)} written to {output}.")


@praise.command(epilog="Example: listener praise loyal --since 90d")
@click.option("--since", default="90d", show_default=True, help="How far back, as 30d or 12w.")
@json_option
@click.pass_context
def loyal(ctx: click.Context, since: str, as_json: bool) -> None:
    """Who praised you at least twice: the people who come back. Only those whose name is still kept."""
    from listener import app
    from listener.config.values import parse_duration
    from listener.slack.outside import one_line

    try:
        length = parse_duration(since)
    except ValueError as error:
        raise click.UsageError(f"--since: {error}") from None
    with app.stored(configuration(ctx)) as store:
        at = app.now()
        found = store.loyal(at - length)
    if as_json:
        echo_json(
            [
                {"platform": one.platform, "handle": one.handle, "name": one.name, "times": one.times, "last_at": one.last_at}
                for one in found
            ]
        )  # fmt: skip
        return
    for one in found:
        click.echo(
            f"{one.times:>3} times, last {ago(one.last_at, at)}: {one_line(one.handle or one.name, 80)} on {one.platform}"
        )
    if not found:
        click.echo("Nobody praised you twice in that time.")


def _do(ctx: click.Context, ref: str, move: Move) -> None:
    from listener import app
    from listener.cases.shelf import No

    with app.stored(configuration(ctx)) as store:
        done, at = store.shelf_step(ref, move, app.now()), app.now()
    if done is None:
        raise _unknown(ref)
    if isinstance(done, No):
        click.echo(_refusal(done, ref), err=True)
        sys.exit(0 if done is No.DONE else 1)
    click.echo(_line(done, at))


def _unknown(ref: str) -> click.ClickException:
    return click.ClickException(
        f"no mention or case begins with {ref!r}. `listener cases list` shows those that are open."
    )


def _refusal(no: No, ref: str) -> str:
    return {
        "done": f"{ref} is so already.",
        "off": f"{ref} is not on the shelf; put it there first: `listener praise shelve {ref}`.",
        "said_no": f"The author of {ref} said no, and is not asked again. If they say yes: `listener praise grant {ref}`.",
        "held": f"Permission for {ref} is granted; if it ended: `listener praise withdraw {ref}`.",
        "not_granted": f"Permission for {ref} was not granted, so there is nothing to withdraw.",
        "evidence": "A yes needs evidence: a link to it, or a note that says where it is (--evidence).",
        "past": "That day is over; name a later one with --until, or leave it away.",
        "stale": f"{ref} has changed since; look at it again: `listener praise list`.",
        "gone": f"The words of {ref} were removed; there is nothing left to show.",
    }[no.value]


def _line(one: Shelved, at: datetime) -> str:
    from listener.slack.outside import one_line

    entry, mention = one.praise, one.told.mention
    case = f" · {one.case}" if one.case else ""
    ends = ""
    if entry.state.value == "granted" and entry.grant is not None:
        ends = f" for {one_line(entry.grant.scope, 80)}" if entry.grant.scope else ""
        if entry.grant.until is not None:
            ends += f", {'until' if entry.may_be_shown(at) else 'which ended'} {entry.grant.until:%Y-%m-%d %H:%M} UTC"
    words = one_line(mention.text or mention.title, 120)
    return f"{one.told.ref}{case}  {entry.state.value}{ends} ({entry.who}, {ago(entry.since, at)})  “{words}”"


def _facts(one: Shelved) -> dict[str, Any]:
    """All that somebody who shows it must know."""
    told, grant = one.told, one.praise.grant
    assert grant is not None
    edited = told.edited_at is not None and told.edited_at > grant.at
    return {
        "ref": told.ref,
        "text": told.mention.text or told.mention.title,
        "author": told.mention.author.name or told.mention.author.handle,
        "handle": told.mention.author.handle,
        "platform": told.mention.platform,
        "url": told.mention.url,
        "published_at": told.mention.published_at.isoformat(),
        "language": told.verdict.lang,
        "granted_at": grant.at.isoformat(),
        "granted_to": grant.who,
        "evidence": grant.evidence,
        "scope": grant.scope,
        "until": grant.until.isoformat() if grant.until else None,
        # The yes was to other words than these.
        "edited_since": told.edited_at.isoformat() if edited and told.edited_at else None,
    }


def _as_json(one: Shelved) -> dict[str, Any]:
    entry, asked, grant = one.praise, one.praise.asked, one.praise.grant
    return {
        "ref": one.told.ref,
        "case": one.case,
        "state": entry.state.value,
        "since": entry.since,
        "who": entry.who,
        "found_at": entry.found_at,
        "found_by": entry.found_by,
        "why": entry.why,
        "asked": asked and {"at": asked.at, "who": asked.who, "words": asked.words, "link": asked.link},
        "grant": grant
        and {
            "at": grant.at, "who": grant.who, "evidence": grant.evidence, "scope": grant.scope, "until": grant.until,
        },
        "platform": one.told.mention.platform,
        "text": one.told.mention.text,
        "url": one.told.mention.url,
    }  # fmt: skip


def _csv(facts: list[dict[str, Any]]) -> str:
    from listener.digest.table import harmless

    if not facts:
        return ""
    out = io.StringIO()
    lines = csv.DictWriter(out, list(facts[0]), lineterminator="\n")
    lines.writeheader()
    lines.writerows({name: harmless(value) for name, value in one.items()} for one in facts)
    return out.getvalue()


def _markdown(one: dict[str, Any]) -> str:
    from listener.digest.markup import escape

    quoted = "\n".join(f"> {escape(line)}" for line in str(one["text"]).splitlines())
    facts = [
        f"{escape(str(one['author']))}, {escape(one['platform'])}, {one['published_at'][:10]}",
        f"allowed {one['granted_at'][:10]}",
    ]
    facts += [escape(one["scope"])] if one["scope"] else []
    facts += [f"until {one['until'][:16]}"] if one["until"] else []
    facts += [f"evidence: {escape(one['evidence'])}", f"seen by {escape(one['granted_to'])}", one["ref"]]
    facts += [f"**edited {one['edited_since'][:10]}, after permission: ask again**"] if one["edited_since"] else []
    return f"{quoted}\n>\n> — {' · '.join(facts)}\n"
