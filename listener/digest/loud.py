"""What was loud: the week's spikes and the events that were announced, and what they mean for its comparisons.

A rise in a week of one's own campaign is no news, and a week with one is no measure of what is usual: the reader is told both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from listener.digest.figures import Action
from listener.digest.findings import Loud
from listener.digest.labels import Labels
from listener.digest.text import visible
from listener.digest.week import Week
from listener.model import Spike, SpikeState

_BECAUSE = 120  # characters
_NAMED = 5  # events in one sentence
_TWO_DAYS = timedelta(hours=48)  # what is as long is told in days


def figures(week: Week, kept: Sequence[Spike], touchpoint: Callable[[str], str], book: Labels) -> tuple[Loud, ...]:
    """Spikes and events of the week, the first first. `touchpoint` gives the shown name of one."""
    found = sorted((one for one in kept if _touches(one, week)), key=lambda one: (one.begun_at, one.id))
    return tuple(_loud(week, one, touchpoint, book) for one in found)


def notes(
    week: Week, compared: Collection[int], kept: Sequence[Spike], touchpoint: Callable[[str], str], book: Labels
) -> Iterator[str]:
    """What was announced for this week, and for those that it is compared with (`compared`: how many weeks before)."""

    def named(one: Spike) -> str:
        """`“Black Friday” (Fri 08:00 to Sat 08:00)`; of less than all posts also which."""
        name, about = _name(one), _label(one, touchpoint, book)
        span = book.say("loud_span", begin=book.moment(one.begun_at, week), end=_end(one, week, book))
        told = "" if one.kind == "all" and name != one.ref else f"{about[:1].lower()}{about[1:]}, "
        return f"{name} ({told}{span})"

    events = _events(kept)
    if now := [one for one in events if _touches(one, week)]:
        yield book.say("note_announced", len(now), events=_some(list(map(named, now[:_NAMED])), len(now), book))
    weeks = [week.previous(distance) for distance in compared]
    if then := [one for one in events if any(_touches(one, past) for past in weeks)]:
        newest = list(map(named, then[-_NAMED:]))
        yield book.say("note_announced_before", len(then), events=_some(newest, len(then), book))


def beside(actions: Iterable[Action], week: Week, kept: Sequence[Spike], book: Labels) -> tuple[Action, ...]:
    """The actions, where a rise of complaints is one with what was announced for this week and may be behind it."""
    names = [
        _name(one)
        for one in _events(kept)
        if _touches(one, week) and one.kind.partition(":")[0] in ("all", "complaint")
    ]
    if not names:
        return tuple(actions)
    known = book.say("do_rise_announced", events=_some(names[:_NAMED], len(names), book))
    return tuple(replace(one, text=f"{one.text} {known}") if one.kind == "rise" else one for one in actions)


def _events(kept: Sequence[Spike]) -> list[Spike]:
    return sorted((one for one in kept if one.state is SpikeState.EXPECTED), key=lambda one: (one.begun_at, one.id))


def _touches(spike: Spike, week: Week) -> bool:
    """Whether a part of it lies in the week; of an event that was called off before it began there is none."""
    if spike.ended_at is None:
        return spike.begun_at < week.until
    return max(spike.begun_at, week.since) < min(spike.ended_at, week.until)


def _some(names: Sequence[str], of: int, book: Labels) -> str:
    more = [book.say("loud_more", of - len(names))] if of > len(names) else []
    return book.listing([*names, *more])


def _loud(week: Week, spike: Spike, touchpoint: Callable[[str], str], book: Labels) -> Loud:
    label, standing, because = _label(spike, touchpoint, book), _standing(spike), _because(spike)
    return Loud(
        ref=spike.ref,
        kind=visible(spike.kind, 80),
        label=label,
        standing=standing,
        begun_at=spike.begun_at,
        ended_at=spike.ended_at,
        authors=spike.authors,
        usual=round(spike.expected, 1),
        because=because,
        sentence=_sentence(week, spike, label, standing, because, book),
    )


def _standing(spike: Spike) -> Literal["open", "over", "real", "false alarm", "expected"]:
    if spike.state is SpikeState.EXPECTED:
        return "expected"
    if spike.state is SpikeState.FALSE:
        return "false alarm"
    if spike.state is SpikeState.OPEN:
        return "open"
    return "over" if spike.owner is None else "real"


def _sentence(week: Week, spike: Spike, label: str, standing: str, because: str, book: Labels) -> str:
    """`Complaints about checkout: 14 people, usually 2.1, Tue 14:10 to Tue 17:40 (3.5 h). Somebody took it on: it was real.`"""
    begin = book.moment(spike.begun_at, week)
    when = book.say("loud_since", begin=begin)
    if spike.ended_at is not None:
        lasted = spike.ended_at - spike.begun_at
        minutes = lasted / timedelta(minutes=1)
        long = book.minutes(minutes) if minutes < 60 or lasted >= _TWO_DAYS else book.hours(minutes / 60)
        when = f"{book.say('loud_span', begin=begin, end=_end(spike, week, book))} ({long})"
    counted = ""
    if spike.authors:
        counted = book.say(
            "loud_counted", people=book.people(spike.authors), usual=book.decimal(round(spike.expected, 1))
        )
    known = book.say("loud_because", because=because) if because else ""
    said = book.say(f"loud_{standing.replace(' ', '_')}")
    return f"{label}{book.colon}{counted}{when}{known}. {said}"


def _label(spike: Spike, touchpoint: Callable[[str], str], book: Labels) -> str:
    mood, _, about = spike.kind.partition(":")
    return book.say(f"loud_{mood}_about", touchpoint=touchpoint(about)) if about else book.say(f"loud_{mood}")


def _because(spike: Spike) -> str:
    return visible(str(spike.figures.get("because") or ""), _BECAUSE)


def _name(spike: Spike) -> str:
    because = _because(spike)
    return f"“{because}”" if because else spike.ref


def _end(spike: Spike, week: Week, book: Labels) -> str:
    return book.moment(spike.ended_at, week) if spike.ended_at is not None else "…"
