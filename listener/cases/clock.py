"""The reply clock: when a first answer is due, counted in the team's service hours.

The customer's clock starts when the post was published, or at the next opening. What counts around the clock, as critical
does by default, never waits for an opening. Pure: time zone, hours, holidays and targets come in; results are aware UTC.
Daylight-saving changes are the time zone's business: hours are local wall time, and the time between two instants is
real time. What a case's history says of its clock: `listener.cases.turns`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rules.vocabulary import Urgency

ALWAYS = {day: ((time(0), time.max),) for day in range(7)}
PRAISE = "praise"  # the name of its target; the others are called as the levels

_HORIZON_DAYS = 400  # a calendar that opens less than once a year has no due time worth printing
_MONDAY = date(2026, 1, 5)  # any week does to measure a day's opening hours


@dataclass(frozen=True, slots=True)
class Target:
    """How long an answer may take: some time, and service days, each as long as the longest day the team works."""

    time: timedelta = timedelta(0)
    days: int = 0

    def __str__(self) -> str:
        minutes = self.time // timedelta(minutes=1)
        parts = (
            f"{count}{unit}" for unit, count in (("d", self.days), ("h", minutes // 60), ("m", minutes % 60)) if count
        )
        return "".join(parts) or "0m"


def _first_replies() -> Mapping[str, Target]:
    return {
        Urgency.CRITICAL.word: Target(timedelta(hours=1)),
        Urgency.HIGH.word: Target(timedelta(hours=1)),
        Urgency.NORMAL.word: Target(timedelta(hours=4)),
        Urgency.LOW.word: Target(days=1),
        PRAISE: Target(days=1),
    }


@dataclass(frozen=True, slots=True)
class Targets:
    """How soon the team wants to answer, and what follows where nobody does. `[targets]` of the configuration."""

    first_reply: Mapping[str, Target] = field(default_factory=_first_replies)
    around_the_clock: frozenset[str] = frozenset({Urgency.CRITICAL.word})
    claim: timedelta = timedelta(minutes=15)  # a critical case that nobody has claimed is called again each time
    escalate: timedelta = timedelta(minutes=45)  # then somebody else is told of it
    remind: timedelta = timedelta(minutes=15)  # before a first reply from high on is due


@dataclass(frozen=True, slots=True)
class ServiceHours:
    """When the team works, and how soon it answers: weekday (Monday is 0) to opening spans in local time, less the holidays."""

    zone: ZoneInfo
    spans: Mapping[int, tuple[tuple[time, time], ...]] = field(default_factory=lambda: ALWAYS)
    holidays: frozenset[date] = frozenset()
    targets: Targets = field(default_factory=Targets)

    @property
    def day(self) -> timedelta:
        """One service day: what the team is open on its longest weekday, 24 hours around the clock."""
        lengths = (sum((_length(one) for one in spans), timedelta(0)) for spans in self.spans.values())
        return max(lengths, default=timedelta(0))

    def within(self, target: str) -> timedelta:
        """How much time an answer has, in hours of service or around the clock."""
        wanted = self.targets.first_reply[target]
        day = timedelta(days=1) if target in self.targets.around_the_clock else self.day
        return wanted.time + wanted.days * day

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


def target_of(urgency: Urgency, *, praise: bool = False) -> str:
    """Which target counts: praise alone has its own, unless it is high or above."""
    return PRAISE if praise and urgency < Urgency.HIGH else urgency.word


def due_at(published: datetime, target: Urgency | str, hours: ServiceHours) -> datetime | None:
    """When the first reply to a post published at `published` is due (aware UTC); None where the calendar never opens."""
    name = target.word if isinstance(target, Urgency) else target
    return after(published, hours.within(name), name, hours)


def after(start: datetime, left: timedelta, target: str, hours: ServiceHours) -> datetime | None:
    """When `left` has been counted from `start` on, as `target` counts it."""
    start = start.astimezone(UTC)
    if target in hours.targets.around_the_clock:
        return start + left
    for since, until in hours.openings(start):
        if until - since >= left:
            return since + left
        left -= until - since
    return None


def counted(start: datetime, end: datetime, target: str, hours: ServiceHours) -> timedelta:
    """How much of [start, end) counts for `target`."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if target in hours.targets.around_the_clock:
        return max(end - start, timedelta(0))
    total = timedelta(0)
    for since, until in hours.openings(start):
        if since >= end:
            break
        total += min(until, end) - since
    return total


def _length(span: tuple[time, time]) -> timedelta:
    opens, closes = (datetime.combine(_MONDAY, one) for one in span)
    return (datetime.combine(_MONDAY + timedelta(days=1), time(0)) if span[1] == time.max else closes) - opens
