"""What the team decided, carried from week to week until it is done."""

from __future__ import annotations

from collections.abc import Sequence

from listener.digest.findings import Decision
from listener.digest.given import Decided
from listener.digest.text import visible
from listener.digest.week import Week


def decisions(week: Week, kept: Sequence[Decided]) -> tuple[Decision, ...]:
    """Decisions of this week and earlier ones that were open in it, the oldest first.

    What was done within the week is shown once more, as done; what was decided for a later week is not known yet.
    """
    found = []
    for one in sorted(kept, key=lambda one: one.number):
        begun = Week.parse(one.week, week.time_zone)
        if begun.since >= week.until or (one.done_at is not None and one.done_at < week.since):
            continue
        done = one.done_at if one.done_at is not None and one.done_at < week.until else None
        found.append(
            Decision(
                number=one.number,
                week=one.week,
                text=visible(one.text, 280),
                who=visible(one.who, 60),
                at=one.at,
                weeks_open=max(0, (week.first - begun.first).days // 7),
                done_at=done,
            )
        )
    return tuple(found)
