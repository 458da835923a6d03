"""How a receiver wants to be told: not by night, and not one by one in a storm.

Quiet hours hold delivery, never evaluation; at opening what was held becomes one summary. Of an hour so many messages
open a case singly, further ones fold into one rolling summary. Critical is never held, counted or folded.
Pure: `manners` says what holds at one moment, the outbox decides by it in the transaction of a claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from listener.cases.clock import ServiceHours, is_open

SUMMARY_CASES = 15  # that a summary shows; of the others it says how many they are
EDITS_APART = timedelta(seconds=30)  # least time between two edits of a summary
STORM_HOUR = timedelta(hours=1)
_A_WEEK = timedelta(days=8)  # quiet hours repeat every week: within it lies an end, if there is one at all


@dataclass(frozen=True, slots=True)
class Manners:
    """What holds for one receiver now. As built without arguments: nothing is held, and nothing folds."""

    quiet: bool = False
    opened_at: datetime | None = None  # when the last quiet hours ended; None while they last, or where there are none
    singles_per_hour: int | None = None  # None: as many as there are


NO_MANNERS = Manners()


def manners(quiet: ServiceHours | None, singles_per_hour: int | None, now: datetime) -> Manners:
    """The manners at `now` of a receiver with these quiet hours (None: it has none)."""
    if quiet is None:
        return Manners(singles_per_hour=singles_per_hour)
    if is_open(quiet, now):
        return Manners(quiet=True, singles_per_hour=singles_per_hour)
    ends = None
    for since, until in quiet.openings(now - _A_WEEK):
        if since > now:
            break
        ends = until
    return Manners(opened_at=ends, singles_per_hour=singles_per_hour)


def quiet_until(quiet: ServiceHours, now: datetime) -> datetime | None:
    """When the quiet hours that hold now end; None where they do not hold, or never end. Stretches that meet are one."""
    ends = None
    for since, until in quiet.openings(now):
        if since > (ends or now):
            break
        ends = until
        if ends - now > _A_WEEK:
            return None
    return ends
