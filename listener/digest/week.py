"""ISO weeks in the configured time zone: which instants belong to 2026-W47, and what to call it.

Any other stretch of whole days is a `Week` of so many days; the ones before it are as long. A week runs from Monday 00:00 local time to the next Monday 00:00, so it has 167 or 169 hours when the clocks
change. `since` and `until` are aware UTC, half open. Raises `WeekError` for anything that is not a week.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LONGEST = 366  # days
_SHAPE = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)


class WeekError(ValueError):
    """Not a week: the message says what was given and what is allowed."""


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """One ISO week, or another stretch of whole days. `first` is the local date it begins on."""

    first: date
    time_zone: str = "UTC"
    days: int = 7

    @classmethod
    def parse(cls, text: str, time_zone: str = "UTC") -> Week:
        """The week written as `2026-W47`. Raises `WeekError`."""
        found = _SHAPE.fullmatch(text.strip())
        if found is None:
            raise WeekError(f"{text!r} is not a week: write the ISO year and week number, e.g. 2026-W47")
        year, number = int(found[1]), int(found[2])
        try:
            return cls(date.fromisocalendar(year, number, 1), time_zone)
        except ValueError:
            raise WeekError(
                f"{text!r} is not a week: ISO year {year:04d} has weeks 01 to {_last_week(year):02d}"
            ) from None

    @classmethod
    def between(cls, since: date, until: date, time_zone: str = "UTC") -> Week:
        """The days from `since` to `until`, both included. Raises `WeekError`."""
        days = (until - since).days + 1
        if not 1 <= days <= LONGEST:
            raise WeekError(
                f"{since} to {until} is {days} days: a digest covers 1 to {LONGEST} days, the first one first"
            )
        return cls(since, time_zone, days)

    @classmethod
    def containing(cls, moment: datetime, time_zone: str = "UTC") -> Week:
        """The week that an aware `moment` falls into, as seen in `time_zone`. Raises `WeekError` for a naive time."""
        if moment.tzinfo is None:
            raise WeekError(f"{moment.isoformat()} has no time zone: give an aware datetime, e.g. in UTC")
        local = moment.astimezone(ZoneInfo(time_zone)).date()
        return cls(local - timedelta(days=local.weekday()), time_zone)

    @property
    def whole(self) -> bool:
        """Whether it is an ISO week."""
        return self.days == 7 and self.first.weekday() == 0

    @property
    def name(self) -> str:
        """`2026-W47`; of another stretch its days, `2026-11-02--2026-11-19`."""
        if not self.whole:
            return f"{self.first}--{self._last}"
        year, number, _ = self.first.isocalendar()
        return f"{year:04d}-W{number:02d}"

    @property
    def since(self) -> datetime:
        """The first instant of the week, UTC."""
        return _local_midnight(self.first, self.time_zone)

    @property
    def until(self) -> datetime:
        """The first instant after the week, UTC."""
        return _local_midnight(self.first + timedelta(days=self.days), self.time_zone)

    @property
    def hours(self) -> float:
        """168, or 167 or 169 when the clocks change."""
        return (self.until - self.since).total_seconds() / 3600

    def previous(self, weeks: int = 1) -> Week:
        """The week, or stretch of as many days, `weeks` before this one; negative numbers look ahead."""
        return Week(self.first - timedelta(days=self.days * weeks), self.time_zone, self.days)

    @property
    def _last(self) -> date:
        return self.first + timedelta(days=self.days - 1)

    def __contains__(self, moment: datetime) -> bool:
        return self.since <= moment < self.until


def _local_midnight(day: date, time_zone: str) -> datetime:
    # Where the clocks change at midnight the local time may not exist; PEP 495 then gives the instant of the change.
    return datetime.combine(day, time(), ZoneInfo(time_zone)).astimezone(UTC)


def _last_week(year: int) -> int:
    # 28 December always lies in the last ISO week of its year.
    return date(year, 12, 28).isocalendar().week if year > 0 else 52
