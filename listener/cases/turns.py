"""What a case's history says of its reply clock, and when its first reply is due by that.

Each line of the history that starts, hurries, pauses or stops the clock carries a turn (`detail["clock"]`): what, when, for
which target. `replay` reads them with the hours and targets of today, so a calendar that is changed changes every
case that is still open. The row of a case holds the result, to be searched by; whoever changes the one writes the other.
Waiting for the customer pauses; their next post goes on with what was left. A snooze is the team's own affair: no turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from listener.cases.clock import ServiceHours, after, counted

CLOCK = "clock"  # key in the detail of an event


class Turn(StrEnum):
    """What happens to a clock."""

    START = "start"  # afresh, whatever ran
    HURRY = "hurry"  # another reason to answer: whichever is due sooner counts
    PAUSE = "pause"
    GO_ON = "go-on"  # with what was left; afresh where nothing was
    STOP = "stop"
    FIX = "fix"  # due at that very time, whatever hours and targets say: of cases that were put together


@dataclass(frozen=True, slots=True)
class Running:
    """How a clock stands after some turns. Where it does not run `since` is None; then `left` may still be some."""

    target: str = ""
    since: datetime | None = None
    left: timedelta | None = None
    fixed: datetime | None = None

    def due(self, hours: ServiceHours) -> datetime | None:
        """When the first reply is due; None where none is."""
        if self.fixed is not None:
            return self.fixed
        if self.since is None or self.left is None:
            return None
        return after(self.since, self.left, self.target, hours)

    @property
    def paused(self) -> bool:
        return self.since is None and self.left is not None


def turned(turn: Turn, at: datetime, target: str = "") -> Mapping[str, Any]:
    """The turn as an event's detail keeps it."""
    said = {"turn": turn.value, "at": at.astimezone(UTC).isoformat()}
    return {CLOCK: said | ({"target": target} if target else {})}


def started(detail: Mapping[str, Any]) -> tuple[str, datetime] | None:
    """The target that a line of a history starts the clock for, and from when; None where it starts none."""
    said = detail.get(CLOCK)
    if not isinstance(said, Mapping) or said.get("turn") != Turn.START.value:
        return None
    return str(said.get("target", "")), datetime.fromisoformat(said["at"])


def replay(details: Iterable[Mapping[str, Any]], hours: ServiceHours) -> Running | None:
    """How the clock of a case stands that has this history, oldest first. None: a history older than the turns are."""
    running: Running | None = None
    for detail in details:
        said = detail.get(CLOCK)
        if not isinstance(said, Mapping):
            continue
        turn = Turn(said["turn"])
        if running is None and turn is not Turn.START:
            return None
        at, target = datetime.fromisoformat(said["at"]), said.get("target", "")
        running = _after(running or Running(), turn, at, target, hours)
    return running


def _after(running: Running, turn: Turn, at: datetime, target: str, hours: ServiceHours) -> Running:
    match turn:
        case Turn.START:
            return Running(target, at, hours.within(target))
        case Turn.HURRY:
            other = Running(target, at, hours.within(target))
            due, sooner = running.due(hours), other.due(hours)
            return running if due is not None and (sooner is None or due <= sooner) else other
        case Turn.PAUSE if running.fixed is not None:
            return Running(running.target, None, counted(at, running.fixed, running.target, hours))
        case Turn.PAUSE if running.since is not None and running.left is not None:
            left = running.left - counted(running.since, at, running.target, hours)
            return replace(running, since=None, left=max(left, timedelta(0)))
        case Turn.PAUSE:
            return running
        case Turn.GO_ON if running.paused:
            return replace(running, since=at)
        case Turn.GO_ON:
            return Running(target, at, hours.within(target))
        case Turn.FIX:
            return Running(target, fixed=at)
        case Turn.STOP:
            return Running()
