"""What was loud: the week's spikes and the events that were announced, and what they mean for its comparisons.

A rise in a week of one's own campaign is no news, and a week with one is no measure of what is usual: the reader is told both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Literal

from listener.digest.findings import Loud
from listener.digest.labels import Labels
from listener.digest.text import visible
from listener.digest.week import Week
from listener.model import Spike, SpikeState

_BECAUSE = 120  # characters


def figures(week: Week, kept: Sequence[Spike], touchpoint: Callable[[str], str], book: Labels) -> tuple[Loud, ...]:
    """Spikes and events of the week, the first first. `touchpoint` gives the shown name of one."""
    found = sorted((one for one in kept if _touches(one, week)), key=lambda one: (one.begun_at, one.id))
    return tuple(_loud(week, one, touchpoint, book) for one in found)


def notes(week: Week, compared: Collection[int], kept: Sequence[Spike], book: Labels) -> Iterator[str]:
    """What was announced for this week, and for those that it is compared with (`compared`: how many weeks before)."""
    events = sorted((one for one in kept if one.state is SpikeState.EXPECTED), key=lambda one: (one.begun_at, one.id))
    if now := [_named(one, week, book) for one in events if _touches(one, week)]:
        yield book.say("note_announced", len(now), events=book.listing(now))
    weeks = [week.previous(distance) for distance in compared]
    if then := [_named(one, week, book) for one in events if any(_touches(one, past) for past in weeks)]:
        yield book.say("note_announced_before", len(then), events=book.listing(then))


def _touches(spike: Spike, week: Week) -> bool:
    return spike.begun_at < week.until and (spike.ended_at is None or spike.ended_at > week.since)


def _loud(week: Week, spike: Spike, touchpoint: Callable[[str], str], book: Labels) -> Loud:
    mood, _, about = spike.kind.partition(":")
    label = book.say(f"loud_{mood}_about", touchpoint=touchpoint(about)) if about else book.say(f"loud_{mood}")
    standing = _standing(spike)
    because = visible(str(spike.figures.get("because") or ""), _BECAUSE)
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
    """`Complaints about checkout: 14 people, usually 2.1, Tue 14:10 to Tue 17:20. Somebody took it on: it was real.`"""
    end = "" if spike.ended_at is None else book.moment(spike.ended_at, week)
    begin = book.moment(spike.begun_at, week)
    when = book.say("loud_span", begin=begin, end=end) if end else book.say("loud_since", begin=begin)
    counted = ""
    if spike.authors:
        counted = book.say(
            "loud_counted", people=book.people(spike.authors), usual=book.decimal(round(spike.expected, 1))
        )
    known = book.say("loud_because", because=because) if because else ""
    said = book.say(f"loud_{standing.replace(' ', '_')}")
    return f"{label}{book.colon}{counted}{when}{known}. {said}"


def _named(spike: Spike, week: Week, book: Labels) -> str:
    """`“Black Friday” (Fri 08:00 to Sat 08:00)`."""
    because = visible(str(spike.figures.get("because") or ""), _BECAUSE)
    end = book.moment(spike.ended_at, week) if spike.ended_at is not None else "…"
    span = book.say("loud_span", begin=book.moment(spike.begun_at, week), end=end)
    return f"“{because}” ({span})" if because else f"{spike.ref} ({span})"
