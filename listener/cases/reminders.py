"""When a case calls for attention by itself: nobody has it, or its first reply is due or overdue.

Pure: which reminders a case has earned by now, each with a name that makes it unique, so the same is never said twice.
A critical case calls the group at once and again each `claim` (15 minutes) while nobody claims it, and goes to the next
receiver after `escalate` (45); both are the team's (`[targets]`). A snoozed, answered or closed case is quiet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from listener.cases.clock import ServiceHours, Targets, is_open
from listener.model import Case, CaseState
from rules.vocabulary import Urgency

TOO_LATE = timedelta(days=1)  # what became due while nothing ran for so long is seen in lists, not said any more
_ROUND = timedelta(minutes=1)  # between two looks
_LONGEST_HOLIDAY = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Reminder:
    """One line for a case's thread."""

    step: str  # "unclaimed", "due-soon", "overdue": the deed whose words are said
    name: str  # unique for the case and this turn of it
    at: datetime
    calls: bool = False  # the group of the channel
    elsewhere: bool = False  # the receiver that comes next is told of the case


def reminders(case: Case, since: datetime, now: datetime, hours: ServiceHours) -> Iterator[Reminder]:
    """What has become due by `now`, oldest first. `since`: when the case took the state it is in."""
    oldest = now - TOO_LATE
    earned = [one for one in _planned(case, since, hours.targets) if one.at <= now]
    if any(one.at <= oldest for one in earned):
        oldest = said_since(now, hours)
    earned = [one for one in earned if one.at > oldest]
    # Outside service hours only what is critical is worth a sound; the rest is said at the next opening.
    if case.urgency is Urgency.CRITICAL or is_open(hours, now):
        yield from sorted(earned, key=lambda one: one.at)


def said_since(now: datetime, hours: ServiceHours) -> datetime:
    """What became due before is not said any more: a day ago, or, just after an opening, the minute before the last closing."""
    at_work = list(_until_now(hours, now))[-2:]
    if len(at_work) < 2 or now - at_work[1][0] >= TOO_LATE:
        return now - TOO_LATE
    return min(now - TOO_LATE, at_work[0][1] - _ROUND)


def outdated(case: Case, said: Mapping[str, Any]) -> bool:
    """Whether what a reminder (its `said`) says of a case is not true any more."""
    if said.get("deed") == "unclaimed":
        return case.state is not CaseState.NEW
    due = None if case.due_at is None else case.due_at.isoformat()
    return case.state not in (CaseState.NEW, CaseState.CLAIMED) or said.get("until") != due


def _until_now(hours: ServiceHours, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The spans of work of the last weeks, up to the one that goes on now."""
    for since, until in hours.openings(now - _LONGEST_HOLIDAY):
        if since > now:
            return
        yield since, until


def _planned(case: Case, since: datetime, targets: Targets) -> Iterator[Reminder]:
    if case.state is CaseState.NEW and case.urgency is Urgency.CRITICAL:
        turn = f"{since:%Y%m%dT%H%M%S}"
        for number in range(-(-targets.escalate // targets.claim)):  # those before it goes elsewhere
            yield Reminder("unclaimed", f"unclaimed{number}:{turn}", since + number * targets.claim, calls=True)
        yield Reminder("unclaimed", f"elsewhere:{turn}", since + targets.escalate, elsewhere=True)
    if case.state in (CaseState.NEW, CaseState.CLAIMED) and case.due_at is not None:
        due = f"{case.due_at:%Y%m%dT%H%M%S}"
        if case.urgency >= Urgency.HIGH:
            yield Reminder("due-soon", f"soon:{due}", case.due_at - targets.remind)
        if case.urgency >= Urgency.NORMAL:
            yield Reminder("overdue", f"overdue:{due}", case.due_at, calls=case.urgency is Urgency.CRITICAL)
