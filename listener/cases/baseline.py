"""What is usual: how many authors an hour a kind of post has, from its own past, and how odd a number above that is.

The expected number of a stretch is the rate of the last 28 days, times a profile of the hours of the day (smoothed over three
hours, drawn towards flat by 20 authors), times one of the weekdays once eight weeks are known, times the share of the
sources that collected. How much windows of that length differed from it so far is measured, too; the tail is that of a
negative binomial with this spread and the uncertainty of the rate (METHODS §6.1). Pure; no scipy, for the daemon's memory.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import accumulate

from connectors.base import Gap
from listener.model import SourceState

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAYS = 28  # behind the rate and the profile of hours
WEEKDAY_DAYS = 56  # without so many days there is no profile of weekdays
LEARNING = timedelta(days=14)  # of a source that is younger nothing is known yet
WINDOWS = (1, 3, 24)  # hours
_FLAT = 20.0  # authors' worth of a flat profile
_LIMIT = 1e-12  # terms of a sum that are smaller than this share of it are left out

Tally = Mapping[str, Mapping[date, Sequence[int]]]  # source -> UTC day -> distinct authors of each of its 24 hours


def tail(seen: int, mean: float, variance: float) -> float:
    """The chance of `seen` or more where so many are expected: negative binomial, Poisson where the variance is the mean."""
    if seen <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    upwards = seen > mean
    at = seen if upwards else seen - 1
    poisson = variance <= mean * (1 + 1e-6)
    size = math.inf if poisson else mean * mean / (variance - mean)
    hit = 0.0 if poisson else 1 - mean / variance
    if poisson:
        log = at * math.log(mean) - mean - math.lgamma(at + 1)
    else:
        log = math.lgamma(at + size) - math.lgamma(size) - math.lgamma(at + 1)
        log += size * math.log(mean / variance) + at * math.log(hit)
    term = total = math.exp(log)
    while term > total * _LIMIT and (upwards or at > 0):
        if upwards:
            term *= mean / (at + 1) if poisson else (at + size) / (at + 1) * hit
            at += 1
        else:
            term *= at / mean if poisson else at / ((at - 1 + size) * hit)
            at -= 1
        total += term
    return min(1.0, total) if upwards else max(0.0, 1 - total)


@dataclass(frozen=True, slots=True)
class Spread:
    """How much windows of one length differed from what was expected: variance over mean, and the excess over its square."""

    ratio: float = 1.0
    excess: float = 0.0


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is usual of one kind of post, over all sources that are known long enough."""

    zone: tzinfo
    rate: float  # authors in an average hour in which every source collects
    authors: float  # counted behind the rate
    by_hour: tuple[float, ...]  # 24, local time; 1 on average
    by_weekday: tuple[float, ...]  # 7, Monday first
    spread: Mapping[int, Spread]  # window in hours -> …
    weights: Mapping[str, float]  # source -> its share of the rate

    def expected(self, since: datetime, until: datetime, share: float = 1.0) -> float:
        """How many authors are usual in a stretch of which `share` was collected."""
        total, at = 0.0, since
        while at < until:
            following = min(at.replace(minute=0, second=0, microsecond=0) + HOUR, until)
            total += self._usual(at) * ((following - at) / HOUR)
            at = following
        return total * share

    def variance(self, expected: float, hours: float) -> float:
        """Of a window of about that length: as it was measured, and for not knowing the rate exactly."""
        spread = self.spread[min(self.spread, key=lambda one: abs(one - hours))]
        measured = max(expected * spread.ratio, expected + expected * expected * spread.excess)
        return measured + expected * expected * spread.ratio / max(self.authors, 1.0)

    def chance(self, seen: int, expected: float, hours: float) -> float:
        """How likely so many or more are in a usual window."""
        return tail(seen, expected, self.variance(expected, hours))

    def most(self, expected: float, hours: float, share: float = 0.999) -> int:
        """The number that this share of such windows does not pass."""
        number = 0
        while self.chance(number + 1, expected, hours) > 1 - share:
            number += 1
        return number

    def _usual(self, moment: datetime) -> float:
        local = moment.astimezone(self.zone)
        return self.rate * self.by_hour[local.hour] * self.by_weekday[local.weekday()]


def collected(source: SourceState, since: datetime, until: datetime) -> float:
    """Which share of a stretch a source listened to: 0 to 1."""
    if source.first_success_at is None or until <= since:
        return 0.0
    begin, end = max(since, source.first_success_at), min(until, silent_since(source) or until)
    heard = max(timedelta(0), end - begin)
    for gap in _apart(source.gaps):
        heard -= max(timedelta(0), min(gap[1], end) - max(gap[0], begin))
    return max(0.0, heard / (until - since))


def silent_since(source: SourceState) -> datetime | None:
    """Since when a source that should answer does not; None where it does."""
    return source.last_success_at if source.failures or source.parked else None


def is_settled(source: SourceState, now: datetime) -> bool:
    """Whether a source is known long enough for statistics."""
    return source.first_success_at is not None and now - source.first_success_at >= LEARNING


def measure(
    tally: Tally,
    known: Collection[date],
    sources: Sequence[SourceState],
    left_out: Sequence[tuple[datetime, datetime]],
    now: datetime,
    zone: tzinfo,
) -> Baseline | None:
    """The baseline of one kind at `now`. None: no source is known long enough.

    `known`: the UTC days that were counted. `left_out`: past spikes that a person confirmed, and expected ones.
    """
    until = now.replace(minute=0, second=0, microsecond=0)
    start = (until - WEEKDAY_DAYS * DAY).replace(hour=0)
    hours = [start + number * HOUR for number in range(int((until - start) / HOUR))]
    usable = [hour.date() in known and not any(a < hour + HOUR and b > hour for a, b in left_out) for hour in hours]
    counts, heard, rates = [0.0] * len(hours), {}, {}
    for source in sources:
        if not is_settled(source, now):
            continue
        shares = _shares(source, hours, usable)
        of_source = tally.get(source.name, {})
        found = [
            of_source[hour.date()][hour.hour] if share and hour.date() in of_source else 0
            for hour, share in zip(hours, shares, strict=True)
        ]
        if (listened := sum(shares)) > 0:
            heard[source.name] = shares
            rates[source.name] = sum(found) / listened
            counts = [one + more for one, more in zip(counts, found, strict=True)]
    if not heard:
        return None
    everything = sum(rates.values())
    weights = {name: rate / everything if everything else 1 / len(rates) for name, rate in rates.items()}
    listening = [sum(weights[name] * heard[name][at] for name in heard) for at in range(len(hours))]
    return _fitted(hours, counts, listening, weights, zone)


def so_far(tally: Tally, sources: Sequence[SourceState], now: datetime) -> float:
    """Authors an hour of one kind in the sources that are too young for a baseline, since each began to listen."""
    rate = 0.0
    for source in sources:
        first = source.first_success_at
        if first is None or is_settled(source, now):
            continue
        begin = first.replace(minute=0, second=0, microsecond=0) + HOUR
        found = sum(
            count
            for day, counts in tally.get(source.name, {}).items()
            for hour, count in enumerate(counts)
            if begin <= datetime.combine(day, time(hour), UTC) < now - 3 * HOUR
        )
        rate += found / max(1.0, (now - 3 * HOUR - begin) / HOUR)
    return rate


def _fitted(
    hours: Sequence[datetime],
    counts: Sequence[float],
    listening: Sequence[float],
    weights: Mapping[str, float],
    zone: tzinfo,
) -> Baseline | None:
    late = max(0, len(hours) - DAYS * 24)
    exposure, total = sum(listening[late:]), sum(counts[late:])
    if exposure <= 0:
        return None
    whole_weeks = sum(listening) >= 0.9 * (WEEKDAY_DAYS - 1) * 24
    first = 0 if whole_weeks else late
    local = [hour.astimezone(zone) for hour in hours]
    by_hour = _profile([one.hour for one in local], counts, listening, 24, first, smooth=True)
    weekdays: tuple[float, ...] = (1.0,) * 7
    if whole_weeks:
        weekdays = _profile([one.weekday() for one in local], counts, listening, 7, 0, smooth=False)
    rate = (total + 0.5) / exposure  # never nothing: a first author is no proof of anything
    usual = [
        rate * by_hour[at.hour] * weekdays[at.weekday()] * share for at, share in zip(local, listening, strict=True)
    ]
    spread = {window: _spread(counts[late:], usual[late:], window) for window in WINDOWS}
    return Baseline(zone, rate, total, by_hour, weekdays, spread, weights)


def _profile(
    slots: Sequence[int],
    counts: Sequence[float],
    listening: Sequence[float],
    size: int,
    first: int,
    *,
    smooth: bool,
) -> tuple[float, ...]:
    seen, heard = [0.0] * size, [0.0] * size
    for slot, count, share in zip(slots[first:], counts[first:], listening[first:], strict=True):
        if share > 0:
            seen[slot] += count
            heard[slot] += share
    if smooth:
        seen, heard = (
            [sum(one[(at + by) % size] for by in (-1, 0, 1)) / 3 for at in range(size)] for one in (seen, heard)
        )
    exposure, total = sum(heard), sum(seen)
    found = [
        (seen[at] + _FLAT * heard[at] / exposure) / ((total + _FLAT) * heard[at] / exposure) if heard[at] else 1.0
        for at in range(size)
    ]
    return tuple(found)


def _spread(counts: Sequence[float], usual: Sequence[float], window: int) -> Spread:
    """Windows that overlap, one an hour. Busy ones weigh more, as it is there that too small a spread would alarm."""
    so_far, usually = [0.0, *accumulate(counts)], [0.0, *accumulate(usual)]
    squares = expected = squared = 0.0
    for at in range(window, len(so_far)):
        mean = usually[at] - usually[at - window]
        squares += (so_far[at] - so_far[at - window] - mean) ** 2
        expected += mean
        squared += mean * mean
    if expected <= 0:
        return Spread()
    return Spread(max(1.0, squares / expected), max(0.0, (squares - expected) / squared))


def _shares(source: SourceState, hours: Sequence[datetime], usable: Sequence[bool]) -> list[float]:
    """Of each hour the share that the source listened to; most hours are whole, so only the others are worked out."""
    first, silent, gaps = source.first_success_at, silent_since(source), _apart(source.gaps)
    shares = []
    for hour, counts in zip(hours, usable, strict=True):
        after = hour + HOUR
        whole = first is not None and first <= hour and (silent is None or silent >= after)
        if whole and not any(since < after and until > hour for since, until in gaps):
            shares.append(float(counts))
        else:
            shares.append(collected(source, hour, after) if counts else 0.0)
    return shares


def _apart(gaps: Sequence[Gap]) -> list[tuple[datetime, datetime]]:
    """The gaps as stretches that do not overlap."""
    apart: list[tuple[datetime, datetime]] = []
    for since, until in sorted((gap.since, gap.until) for gap in gaps):
        if apart and since <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(until, apart[-1][1]))
        else:
            apart.append((since, until))
    return apart
