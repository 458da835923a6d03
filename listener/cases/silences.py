"""Silences: for a while nobody is told of mentions that fit. They are stored, judged and get their case all the same.

A silence has an author, a comment and an end, at most 30 days ahead. Critical is never silenced. The first alert within
a day after its end that it would have kept quiet says so, so that nobody wonders where the noise came from.
Pure: the silences come in with the open cases of a page (`plan.OpenCases`), read in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from connectors.base import Mention
from listener.cases.routing import misfits
from listener.model import Line, Verdict
from rules.reading import NameTable
from rules.vocabulary import Intent, Stage, Urgency
from rules.words import prepare

LONGEST = timedelta(days=30)
REMEMBERED = timedelta(days=1)  # after its end
COMMENT = 500  # characters
SILENCED, ENDED = "silenced", "silence ended"  # labels of a verdict's lines


@dataclass(frozen=True, slots=True)
class Fits:
    """Which mentions: the conditions of a route, an author, and words. Each that is said must hold; of its values one."""

    stages: frozenset[Stage] = frozenset()
    intents: frozenset[Intent] = frozenset()
    touchpoints: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    platforms: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    sentiments: frozenset[str] = frozenset()
    author: str = ""  # "platform:handle", lower case
    words: tuple[str, ...] = ()  # whole words and phrases, like `exclude` of the brand

    def __str__(self) -> str:
        """The conditions in words: "touchpoints app, support; author x:bob"."""
        said = [
            f"{one.name} {value if isinstance(value, str) else ', '.join(sorted(map(str, value)))}"
            for one in fields(self)
            if (value := getattr(self, one.name))
        ]
        return "; ".join(said)


@dataclass(frozen=True, slots=True)
class NewSilence:
    """A silence that somebody wants."""

    who: str  # a name, or a Slack user id
    comment: str
    fits: Fits
    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence as it is stored."""

    id: int
    who: str
    comment: str
    fits: Fits
    begins_at: datetime
    ends_at: datetime
    ended_by: str | None = None  # who ended it before its time
    mentions: int = 0  # that it kept quiet
    noted_at: datetime | None = None  # when the first alert after its end said that there had been one

    def is_in_force(self, now: datetime) -> bool:
        """Whether it keeps quiet what fits."""
        return self.begins_at <= now < self.ends_at


@dataclass(frozen=True, slots=True)
class SilenceKept:
    """What silences did on one page."""

    kept: Mapping[int, int] = field(default_factory=dict)  # silence id -> mentions that it kept quiet
    noted: frozenset[int] = frozenset()  # silences whose end was said


def new_silence(
    who: str, comment: str, fits: Fits, ends_at: datetime, now: datetime, begins_at: datetime | None = None
) -> NewSilence:
    """A silence that may be stored. Raises ValueError with a sentence that says what is allowed."""
    begins = begins_at or now
    comment = " ".join(comment.split())
    if not comment:
        raise ValueError("a silence needs a comment: why, so that others know")
    if len(comment) > COMMENT:
        raise ValueError(f"this comment is too long; use at most {COMMENT} characters")
    if not str(fits):
        raise ValueError("a silence of everything is none; say a touchpoint, a source, an author or some words")
    if ends_at <= max(begins, now):
        raise ValueError("a silence ends after it begins, and not in the past")
    if ends_at - now > LONGEST:
        raise ValueError(f"a silence lasts at most {LONGEST.days} days; what is never to be told belongs into a route")
    return NewSilence(who, comment, fits, begins, ends_at)


def does_fit(fits: Fits, mention: Mention, verdict: Verdict, source: str) -> bool:
    """Whether a mention is one of those."""
    return (
        next(misfits(fits, mention, verdict, source), None) is None
        and (not fits.author or fits.author in _authors(mention))
        and (not fits.words or _says(fits.words, mention))
    )


def silencing(
    silences: Sequence[Silence], mention: Mention, verdict: Verdict, source: str, urgency: Urgency, now: datetime
) -> Silence | None:
    """The silence that keeps a mention quiet now; None where none does. `urgency` is the case's."""
    if urgency is Urgency.CRITICAL:
        return None
    return next(
        (one for one in silences if one.is_in_force(now) and does_fit(one.fits, mention, verdict, source)), None
    )


def lately_ended(
    silences: Sequence[Silence],
    mention: Mention,
    verdict: Verdict,
    source: str,
    urgency: Urgency,
    now: datetime,
    noted: Collection[int] = (),
) -> Silence | None:
    """The last silence that ended within a day, would have kept this mention quiet, and whose end nobody was told of."""
    if urgency is Urgency.CRITICAL:
        return None
    ended = [
        one
        for one in silences
        if one.begins_at < one.ends_at <= now < one.ends_at + REMEMBERED
        and one.noted_at is None
        and one.id not in noted
        and does_fit(one.fits, mention, verdict, source)
    ]
    return max(ended, key=lambda one: one.ends_at, default=None)


def silenced_line(silence: Silence) -> Line:
    """Why nobody was told, as a line of the verdict."""
    return Line(0, SILENCED, f"silence {silence.id} by {silence.who}: {silence.comment}")


def ended_line(silence: Silence, now: datetime) -> Line:
    """That there was a silence until lately, as a line of the verdict: who, and how long ago it ended."""
    minutes = int((now - silence.ends_at).total_seconds() // 60)
    ago = f"{minutes} min" if minutes < 90 else f"{round(minutes / 60)} h"
    return Line(0, ENDED, f"{silence.who}, {ago}")


def fits_values(fits: Fits) -> dict[str, Any]:
    """As JSON, with what is said."""
    values = {one.name: getattr(fits, one.name) for one in fields(fits)}
    return {
        name: value
        if isinstance(value, str)
        else sorted(map(str, value))
        if isinstance(value, frozenset)
        else list(value)
        for name, value in values.items()
        if value
    }


def read_fits(values: Mapping[str, Any]) -> Fits:
    """Back from JSON. Raises ValueError where a word is none of the vocabulary's."""
    named = {
        name: frozenset(values.get(name, ()))
        for name in ("touchpoints", "sources", "platforms", "languages", "sentiments")
    }
    return Fits(
        stages=frozenset(Stage(word) for word in values.get("stages", ())),
        intents=frozenset(Intent(word) for word in values.get("intents", ())),
        author=values.get("author", ""),
        words=tuple(values.get("words", ())),
        **named,
    )


def _authors(mention: Mention) -> tuple[str, str]:
    handle = mention.author.handle.removeprefix("@")
    return f"{mention.platform}:{handle}".lower(), f"{mention.platform}:{mention.author.id}".lower()


def _says(words: tuple[str, ...], mention: Mention) -> bool:
    table = NameTable.of(words)
    return any(table.find(prepare(text)).named for text in (mention.text, mention.title) if text)
