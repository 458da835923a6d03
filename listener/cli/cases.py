"""Cases at the command line: everything that Slack's buttons do, and what is easier typed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from listener.cli.common import THROUGH, ago, configuration, echo_json, json_option, whoami, write
from listener.cli.refusals import refusal_said, state_of

if TYPE_CHECKING:
    from listener.cases.deeds import Wish
    from listener.config import Config
    from listener.model import Case, CaseView
    from listener.working import Desk

PAGE = 50  # cases listed at once
STAGES = (
    "awareness", "consideration", "selection", "purchase", "use", "satisfaction", "loyalty", "advocacy", "unclear",
)  # fmt: skip
LEVELS = ("low", "normal", "high", "critical")


@click.group()
def cases() -> None:
    """Work cases: who has which, what is due, and every deed of Slack's buttons."""


@cases.command("list", epilog="Example: listener cases list --mine")
@click.option("--mine", is_flag=True, help="Only those I have.")
@click.option("--due", "due", is_flag=True, help="Only those whose first reply is due or overdue within an hour.")
@click.option(
    "--all", "every", is_flag=True, help="Closed ones of the last week as well, and those of posts that were read back."
)
@click.option("--page", type=click.IntRange(1), default=1, help="Which fifty of them; with --json all are given.")
@json_option
@click.pass_context
def list_cases(ctx: click.Context, mine: bool, due: bool, every: bool, page: int, as_json: bool) -> None:
    """Open cases, the most urgent first."""
    from listener import app
    from listener.cases.plan import CLOSED_STATES
    from listener.model import CaseState

    with app.stored(configuration(ctx)) as store:
        at = app.now()
        found = store.cases_in(
            *(state for state in CaseState if every or state not in CLOSED_STATES),
            owner=whoami() if mine else None,
            due_by=at + timedelta(hours=1) if due else None,
            closed_since=at - timedelta(days=7),
            most=None if as_json else PAGE + 1,
            skip=0 if as_json else PAGE * (page - 1),
            counted_only=every,
        )
        if as_json:
            echo_json([_as_json(case) for case in found])
            return
        _print_cases(found[:PAGE], at)
        if len(found) > PAGE:
            click.echo(f"More are on the next page: --page {page + 1}")


@cases.command(epilog="Example: listener cases show c-7F3K")
@click.argument("case")
@json_option
@click.pass_context
def show(ctx: click.Context, case: str, as_json: bool) -> None:
    """One case: its posts and all that happened to it."""
    from listener import app
    from listener.cases.plan import read_case_ref

    with app.stored(configuration(ctx)) as store:
        view = store.case(read_case_ref(case) or case)
        if view is None:
            raise click.ClickException(f"there is no case {case!r}; `listener cases list` shows those that are open.")
        history = store.case_history(view.case.id)
        if as_json:
            echo_json(
                {
                    **_as_json(view.case),
                    "posts": [
                        {"ref": told.ref, "at": told.mention.published_at, "text": told.mention.text, "url": told.mention.url}
                        for told in view.mentions
                    ],
                    "history": [
                        {"at": one.at, "what": one.what, "who": one.who, "through": one.through, "detail": one.detail}
                        for one in history
                    ],
                }
            )  # fmt: skip
            return
        _print_case(view, app.now())
        for event in history:
            more = ", ".join(
                f"{name} {value}" for name, value in event.detail.items() if name not in ("from", "to", "clock")
            )
            who = event.who or "listener"
            click.echo(
                f"  {event.at:%d %b %H:%M}  {event.what} by {who} ({event.through}){': ' + more if more else ''}"
            )


def _deed(name: str, deed: str, summary: str, reason: bool = False) -> None:
    """Add the command of a deed that takes nothing but the case, and perhaps a reason."""

    def command(ctx: click.Context, case: str, reason: str = "") -> None:
        from listener.cases.deeds import Deed, Wish

        _do(ctx, case, Wish(Deed(deed), whoami(), THROUGH, reason=reason))

    command.__doc__ = summary
    made: Any = click.pass_context(command)
    if reason:
        made = click.option("--reason", default="", help="Why; it is kept in the case's history.")(made)
    made = click.argument("case")(made)
    cases.command(name, help=summary, epilog=f"Example: listener cases {name} c-7F3K")(made)


_deed("claim", "claim", "Take a case. Who comes second is told who has it.")
_deed("release", "release", "Give a case back.")
_deed("wait", "wait", "It is the customer's turn; their next post brings the case back.")
_deed("resolve", "resolve", "Close a case.", reason=True)
_deed("reopen", "reopen", "Open a closed case again.")
_deed(
    "irrelevant", "irrelevant", "This is not about us: it leaves digest and lists, and is kept as a label.", reason=True
)


@cases.command(epilog="Example: listener cases reply c-7F3K --text 'A new one is on its way.'")
@click.argument("case")
@click.option(
    "--text", help="Publish this as a public reply, once you have seen it and said yes; - reads standard input."
)
@click.option(
    "--saved", metavar="NAME", help="Likewise with a saved reply of the configuration; --edit changes it first."
)
@click.option("--edit", is_flag=True, help="The same, written in your editor.")
@click.option("--yes", is_flag=True, help="Publish without asking, for scripts.")
@click.pass_context
def reply(ctx: click.Context, case: str, text: str | None, saved: str | None, edit: bool, yes: bool) -> None:
    """Answer in public, or note that the customer was answered elsewhere: either way the clock stops."""
    from listener.cases.deeds import Deed, Wish

    if text is not None and edit:
        raise click.UsageError("say the reply with --text, or write it with --edit")
    if saved is not None and text is not None:
        raise click.UsageError("say the reply with --text, or begin with --saved")
    if saved is not None and yes:
        raise click.UsageError("a saved reply is read by a person before it goes out; leave --yes away")
    if text is None and saved is None and not edit:
        if yes:
            raise click.UsageError("--yes publishes what --text says; say --text")
        _do(ctx, case, Wish(Deed.REPLIED, whoami(), THROUGH))
        return
    from listener.cli.replying import reply_in_public

    reply_in_public(configuration(ctx), case, text, yes, saved, edit)


@cases.command(epilog="Example: listener cases snooze c-7F3K --for 2h")
@click.argument("case")
@click.option("--for", "span", help="How long, as 30m, 2h or 1d.")
@click.option("--until-opening", is_flag=True, help="Until the team opens again.")
@click.option("--until-post", is_flag=True, help="Until its author posts again.")
@click.option("--until-authors", type=click.IntRange(1, 1000), help="Until so many more people say the same.")
@click.pass_context
def snooze(
    ctx: click.Context, case: str, span: str | None, until_opening: bool, until_post: bool, until_authors: int | None
) -> None:
    """Let a case sleep."""
    from listener import app
    from listener.cases.deeds import Deed, Snooze, Wish
    from listener.config.values import parse_duration

    config, at = configuration(ctx), app.now()
    if sum((span is not None, until_opening, until_post, until_authors is not None)) != 1:
        raise click.UsageError("say one of --for 2h, --until-opening, --until-post, --until-authors 5")
    until = None
    if span is not None:
        try:
            until = at + parse_duration(span)
        except ValueError as error:
            raise click.UsageError(f"--for: {error}") from None
    if until_opening:
        until = next((since for since, _ in config.hours.openings(at) if since > at), None)
        if until is None:
            raise click.ClickException("the team is always open, or never; name a time with --for.")
    _do(ctx, case, Wish(Deed.SNOOZE, whoami(), THROUGH, snooze=Snooze(until, until_post, until_authors)))


@cases.command(epilog="Example: listener cases escalate c-7F3K --reason 'press is asking'")
@click.argument("case")
@click.option("--reason", default="", help="Why; it is kept in the case's history.")
@click.pass_context
def escalate(ctx: click.Context, case: str, reason: str) -> None:
    """One level up: its clock is set anew, and who hears of that level is told."""
    from listener.cases.deeds import Deed, Wish

    _do(ctx, case, Wish(Deed.ESCALATE, whoami(), THROUGH, reason=reason))


@cases.command(epilog="Example: listener cases correct c-7F3K --stage purchase --urgency high")
@click.argument("case")
@click.option("--stage", type=click.Choice(STAGES))
@click.option("--urgency", type=click.Choice(LEVELS))
@click.option("--sentiment", type=click.Choice(("negative", "neutral", "positive")))
@click.option("--touchpoint", "touchpoints", multiple=True, help="All that hold; give it several times.")
@click.option("--reason", default="", help="Why; it is kept with the label.")
@click.pass_context
def correct(
    ctx: click.Context,
    case: str,
    stage: str | None,
    urgency: str | None,
    sentiment: str | None,
    touchpoints: tuple[str, ...],
    reason: str,
) -> None:
    """Put the verdict on its leading post right. It counts at once, is kept as a label, and changes no rule by itself."""
    from listener.cases.deeds import Deed, Wish
    from rules.vocabulary import TOUCHPOINTS, Urgency

    config = configuration(ctx)
    known = {*TOUCHPOINTS, *config.journey.touchpoints}
    if unknown := sorted(set(touchpoints) - known):
        raise click.UsageError(f"there is no touchpoint {unknown[0]!r}; known are {', '.join(sorted(known))}")
    changes: dict[str, Any] = {}
    if stage is not None:
        changes["stage"] = stage
    if sentiment is not None:
        changes["sentiment"] = sentiment
    if touchpoints:
        changes["touchpoints"] = sorted(set(touchpoints))
    if not changes and urgency is None:
        raise click.UsageError("say what is right: --stage, --urgency, --sentiment or --touchpoint")
    level = None if urgency is None else Urgency.of(urgency)
    _do(ctx, case, Wish(Deed.CORRECT, whoami(), THROUGH, reason=reason, urgency=level, changes=changes))


@cases.command(epilog="Example: listener cases merge c-91QA c-7F3K")
@click.argument("case")
@click.argument("into")
@click.pass_context
def merge(ctx: click.Context, case: str, into: str) -> None:
    """Give all posts of CASE to INTO, and close CASE."""
    from listener import app

    with _desk(ctx) as (desk, _):
        done = desk.merge(case, into, whoami(), THROUGH, app.now())
    click.echo(f"{done.ref} now holds {done.mention_count} posts.")


@cases.command(epilog="Example: listener cases split 4f2c91aa")
@click.argument("mention")
@click.pass_context
def split(ctx: click.Context, mention: str) -> None:
    """Give one post a case of its own. MENTION is the reference that `cases show` prints."""
    from listener import app

    with _desk(ctx) as (desk, _):
        done = desk.split(mention, whoami(), THROUGH, app.now())
    click.echo(f"{done.ref} holds this post now.")


@cases.command(epilog="Example: listener cases unfold c-91QA")
@click.argument("case")
@click.pass_context
def unfold(ctx: click.Context, case: str) -> None:
    """Tell CASE by itself: it was folded as a near copy of another author's post, and is more than that."""
    from listener import app

    with _desk(ctx) as (desk, _):
        done = desk.unfold(case, whoami(), THROUGH, app.now())
    click.echo(f"{done.ref} is told by itself now.")


@click.group()
def labels() -> None:
    """What people corrected: kept for learning and for the weekly audit."""


@labels.command(epilog="Example: listener labels export --output labels.jsonl")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only from this day on.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Where they go; else the screen.")
@click.pass_context
def export(ctx: click.Context, since: datetime | None, output: Path | None) -> None:
    """Every correction as one JSON line: the words, what the rules said, what a person said. Removed posts are left out."""
    import json

    from listener import app

    start = since.replace(tzinfo=UTC) if since else datetime(1990, 1, 1, tzinfo=UTC)
    with app.stored(configuration(ctx)) as store:
        found = store.labels(start)
    lines = [
        json.dumps(
            {
                "at": one.at.isoformat(), "who": one.who, "mention": one.mention, "platform": one.platform, "lang": one.lang,
                "text": one.text, "field": one.field, "was": one.was, "now": one.now, "reason": one.reason, "ruleset": one.ruleset,
            },
            ensure_ascii=False,
        )
        for one in found
    ]  # fmt: skip
    text = "".join(f"{line}\n" for line in lines)
    if output is None:
        click.echo(text, nl=False)
    else:
        write(output, text)
        click.echo(f"{len(lines)} corrections written to {output}.")


@contextmanager
def _desk(ctx: click.Context) -> Iterator[tuple[Desk, Config]]:
    from listener import app
    from listener.working import Desk, NoSuchCase

    config = configuration(ctx)
    with app.stored(config) as store:
        try:
            yield Desk(store, app.telling_rules(config)), config
        except NoSuchCase as error:
            raise click.ClickException(f"{error}.") from None


def _do(ctx: click.Context, case: str, wish: Wish) -> None:
    from listener import app
    from listener.cases.deeds import Refusal

    with _desk(ctx) as (desk, _):
        done = desk.do(case, wish, app.now())
    if isinstance(done, Refusal):
        click.echo(refusal_said(done), err=True)
        sys.exit(0 if done.why.value == "done" else 1)
    click.echo(f"{done.case.ref}: {state_of(done.case)}.")


def _as_json(case: Case) -> dict[str, object]:
    return {
        "ref": case.ref,
        "state": case.state.value,
        "owner": case.owner,
        "urgency": case.urgency.word,
        "platform": case.platform,
        "mentions": case.mention_count,
        "touchpoints": sorted(case.touchpoints),
        "opened_at": case.opened_at,
        "last_mention_at": case.last_mention_at,
        "due_at": case.due_at,
        "snooze": case.snooze,
        "revision": case.revision,
    }


def _print_cases(found: Sequence[Case], at: datetime) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not found:
        click.echo("No case is open.")
        return
    colours = {"critical": "red", "high": "dark_orange", "normal": "blue", "low": "green"}
    table = Table(
        "case",
        "level",
        "state",
        "first reply",
        "posts",
        "platform",
        "about",
        box=None,
        header_style="dim",
        pad_edge=False,
    )
    for case in found:
        late = case.due_at is not None and case.due_at < at
        table.add_row(
            case.ref,
            Text(case.urgency.word, colours[case.urgency.word]),
            state_of(case),
            Text(
                ("due " if not late else "was due ") + ago(case.due_at, at) if case.due_at else "–",
                "red" if late else "",
            ),
            str(case.mention_count),
            case.platform,
            ", ".join(sorted(case.touchpoints)),
        )
    Console().print(table)


def _print_case(view: CaseView, at: datetime) -> None:
    from listener.slack.outside import one_line

    case = view.case
    due = f", first reply due {ago(case.due_at, at)}" if case.due_at else ""
    click.echo(f"{case.ref} · {case.urgency.word} · {state_of(case)}{due} · {', '.join(sorted(case.touchpoints))}")
    for told in view.mentions:
        text = one_line(told.mention.text, 300) if told.removed_at is None else "(removed)"
        click.echo(f"  {told.ref}  {told.mention.published_at:%d %b %H:%M}  “{text}” {told.mention.url}")
