"""The reply clock: when a first answer is due, counted in the team's service hours.

The customer's clock starts when the post was published, or at the next opening. Critical never waits for opening.
Pure: time zone, hours and holidays come in; results are aware UTC. Daylight-saving changes are the time zone's
business: hours are local wall time, and the time between two instants is real time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rules.vocabulary import Urgency

ALWAYS = {day: ((time(0), time.max),) for day in range(7)}

FIRST_REPLY: Mapping[Urgency, timedelta] = {
    Urgency.CRITICAL: timedelta(minutes=60),
    Urgency.HIGH: timedelta(minutes=60),
    Urgency.NORMAL: timedelta(hours=4),
    Urgency.LOW: timedelta(hours=8),  # one service day
}

_HORIZON_DAYS = 400  # a calendar that opens less than once a year has no due time worth printing


@dataclass(frozen=True, slots=True)
class ServiceHours:
    """When the team works: weekday (Monday is 0) to opening spans in local time, less the holidays."""

    zone: ZoneInfo
    spans: Mapping[int, tuple[tuple[time, time], ...]] = field(default_factory=lambda: ALWAYS)
    holidays: frozenset[date] = frozenset()

    def openings(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Opening spans as aware UTC (from, until), from `start` on, the running one cut at `start`."""
        first = start.astimezone(self.zone).date()
        for offset in range(_HORIZON_DAYS):
            day = first + timedelta(days=offset)
            if day in self.holidays:
                continue
            for opens, closes in self.spans.get(day.weekday(), ()):
                since = datetime.combine(day, opens, self.zone).astimezone(UTC)
                # A span that ends at the day's last instant runs to midnight, so that no microsecond is lost.
                until_local = (
                    datetime.combine(day + timedelta(days=1), time(0), self.zone)
                    if closes == time.max
                    else datetime.combine(day, closes, self.zone)
                )
                until = until_local.astimezone(UTC)
                if until > start:
                    yield max(since, start), until


def is_open(hours: ServiceHours, at: datetime) -> bool:
    """Whether the team is at work at `at`."""
    return next((since <= at for since, _ in hours.openings(at)), False)


def due_at(published: datetime, urgency: Urgency, hours: ServiceHours) -> datetime | None:
    """When the first reply to a post published at `published` is due (aware UTC).

    None where the calendar never opens. Critical runs around the clock.
    """
    left = FIRST_REPLY[urgency]
    published = published.astimezone(UTC)
    if urgency is Urgency.CRITICAL:
        return published + left
    for since, until in hours.openings(published):
        if until - since >= left:
            return since + left
        left -= until - since
    return None
