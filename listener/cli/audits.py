"""The weekly audit: a person looks at twenty verdicts that chance drew."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from listener.cli.common import configuration, echo_json, json_option, whoami

if TYPE_CHECKING:
    from rich.console import Console

    from listener.config import Config
    from listener.digest.week import Week
    from listener.model import Counted
    from listener.store import Store

HOW = "Enter: right · s stage · u urgency · m mood · t touchpoints · n not about us · - skip · q stop"
MOODS = ("negative", "neutral", "positive")


@click.command(epilog="Example: listener audit --week 2026-W46")
@click.option("--week", help="ISO week, as 2026-W46; the last one that is over if nothing is said.")
@click.option(
    "--answers",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help='JSON Lines instead of questions: {"ref": "4f2c91aa"} is right, {"ref": "…", "stage": "use"} puts right.',
)
@json_option
@click.pass_context
def audit(ctx: click.Context, week: str | None, answers: Path | None, as_json: bool) -> None:
    """Twenty verdicts of a week, half of them of posts that nobody was told of: are they right?

    What you put right counts in the digest and is kept as a label; the digest shows how many stood. Stop whenever you like: the same
    command goes on where you were. --json prints the sample and asks nothing.
    """
    from listener import app
    from listener.digest.audit import sample
    from listener.digest.labels import load
    from listener.digest.week import Week

    config = configuration(ctx)
    try:
        chosen = (
            Week.parse(week, config.brand.timezone)
            if week
            else Week.containing(app.now(), config.brand.timezone).previous()
        )
    except ValueError as error:
        raise click.UsageError(f"--week: {error}") from None
    with app.stored(config) as store:
        drawn = sample(store.counted(chosen.since, chosen.until), chosen.name)
        done = store.audited(chosen.name)
        left = [post for post in drawn if post.ref not in done]
        if as_json:
            echo_json([_as_json(post, done=post.ref in done) for post in drawn])
        elif answers is not None:
            _answered(config, store, chosen, {post.ref for post in drawn}, answers)
        elif not drawn:
            click.echo(f"Nothing is stored of {load().period(chosen)}.")
        elif not left:
            click.echo(
                f"All {len(drawn)} of {load().period(chosen)} have been looked at. The digest shows how many stood."
            )
        else:
            _asked(config, store, chosen, left, len(drawn))


def _as_json(post: Counted, *, done: bool) -> dict[str, Any]:
    return {
        "ref": post.ref, "platform": post.platform, "lang": post.lang, "text": post.text, "url": post.url, **_said(post),
        "done": done,
    }  # fmt: skip


def _said(post: Counted) -> dict[str, Any]:
    return {
        "stage": post.stage.value, "urgency": post.urgency.word, "sentiment": post.sentiment_label,
        "touchpoints": sorted(post.touchpoints), "relevant": post.relevant,
    }  # fmt: skip


def _asked(config: Config, store: Store, week: Week, left: Sequence[Counted], of: int) -> None:
    from rich.console import Console

    from listener.digest.labels import load

    console = Console(highlight=False)
    console.print(f"{len(left)} of {of} verdicts of {load().period(week)} to look at.", style="bold")
    console.print(HOW, style="dim")
    stood = looked = 0
    for number, post in enumerate(left, of - len(left) + 1):
        _show(console, post, number, of)
        changes = _changes(config)
        if changes is None:
            break
        if changes == {"skip": True}:
            continue
        looked += 1
        stood += _keep(store, week, post.ref, changes) == ()
    rest = len(left) - looked
    goes_on = f" {rest} {'is' if rest == 1 else 'are'} left: the same command goes on." if rest else ""
    click.echo(f"{stood} of {looked} stood.{goes_on}")


def _show(console: Console, post: Counted, number: int, of: int) -> None:
    from rich.text import Text

    said = _said(post)
    about = ", ".join(said["touchpoints"]) or "no touchpoint"
    words = "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in post.text[:1000])
    console.print()
    console.print(Text(f"{number}/{of}  {post.platform}, {post.lang}", "dim"))
    console.print(Text(words.strip(), "bold"), soft_wrap=False)
    verdict = f"{said['urgency']} · stage {said['stage']} · {said['sentiment']} · {about}"
    console.print(Text(verdict if post.relevant else f"not about us ({verdict})", "cyan"))


def _changes(config: Config) -> dict[str, Any] | None:
    """What a person puts right; empty: nothing; None: they stop."""
    from listener.cli.cases import LEVELS, STAGES
    from rules.vocabulary import TOUCHPOINTS

    changes: dict[str, Any] = {}
    while True:
        letter = click.prompt("right?" if not changes else "more?", default="", show_default=False, prompt_suffix=" ")
        match letter.strip().casefold():
            case "":
                return changes
            case "-":
                return {"skip": True}
            case "q":
                return None
            case "n":
                changes["relevant"] = False
            case "s":
                changes["stage"] = click.prompt("stage", type=click.Choice(STAGES))
            case "u":
                changes["urgency"] = click.prompt("urgency", type=click.Choice(LEVELS))
            case "m":
                changes["sentiment"] = click.prompt("mood", type=click.Choice(MOODS))
            case "t":
                named = click.prompt("touchpoints, by comma", default="", show_default=False)
                given = sorted({part.strip() for part in named.split(",") if part.strip()})
                if unknown := [name for name in given if name not in (*TOUCHPOINTS, *config.journey.touchpoints)]:
                    click.echo(f"There is no touchpoint {unknown[0]!r}; nothing is changed.")
                else:
                    changes["touchpoints"] = given
            case _:
                click.echo(HOW)


def _answered(config: Config, store: Store, week: Week, drawn: set[str], answers: Path) -> None:
    kept = stood = 0
    for number, line in enumerate(answers.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        ref, changes = _read(config, line, f"{answers}:{number}")
        if ref not in drawn:
            raise click.ClickException(
                f"{answers}:{number}: {ref} is not in the sample of {week.name}; --json prints it."
            )
        changed = _keep(store, week, ref, changes)
        kept += 1
        stood += changed == ()
    click.echo(f"{stood} of {kept} stood.")


def _read(config: Config, line: str, where: str) -> tuple[str, dict[str, Any]]:
    from listener.cli.cases import LEVELS, STAGES
    from rules.vocabulary import TOUCHPOINTS

    try:
        given = json.loads(line)
    except ValueError:
        raise click.ClickException(f"{where}: this is not a line of JSON.") from None
    if not isinstance(given, dict) or not isinstance(given.get("ref"), str):
        raise click.ClickException(f'{where}: write {{"ref": "4f2c91aa"}} with what is right, if something is wrong.')
    allowed: Mapping[str, Sequence[Any]] = {
        "stage": STAGES, "urgency": LEVELS, "sentiment": MOODS, "relevant": (True, False),
    }  # fmt: skip
    changes = {name: value for name, value in given.items() if name != "ref"}
    for name, value in changes.items():
        if name == "touchpoints":
            known = {*TOUCHPOINTS, *config.journey.touchpoints}
            if not isinstance(value, list) or not set(map(str, value)) <= known:
                raise click.ClickException(f"{where}: touchpoints is a list of {', '.join(sorted(known))}.")
            changes[name] = sorted(set(value))
        elif name not in allowed:
            raise click.ClickException(
                f"{where}: {name!r} cannot be put right; stage, urgency, sentiment, touchpoints and relevant can."
            )
        elif value not in allowed[name]:
            raise click.ClickException(
                f"{where}: {name} is one of {', '.join(str(one).lower() for one in allowed[name])}."
            )
    return given["ref"], changes


def _keep(store: Store, week: Week, ref: str, changes: Mapping[str, Any]) -> tuple[str, ...] | None:
    from listener import app

    done = store.audit(ref, week.name, changes, whoami(), app.now())
    if done is None:
        click.echo(f"{ref}: the post was removed meanwhile; it is left out.", err=True)
    return done
