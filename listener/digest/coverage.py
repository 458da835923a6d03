"""How much of a week was really collected, source by source, and what that does to comparisons.

An hour counts as collected when it lies between a source's first success and its last one (or now, while it
answers) and in no gap that is still open or lost. Posts older than a source's first success were read back or came
from a file: nobody knows how complete they are, so their hours are unknown, not zero, and are said to be so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import ceil
from statistics import median

from listener.digest.figures import (
    Budgeted,
    Coverage,
    DigestSettings,
    GapFigures,
    SourceFigures,
    SourceStatus,
    StageWeek,
    WeekState,
)
from listener.digest.labels import Labels
from listener.digest.parts import P90_FROM
from listener.digest.tally import Seen
from listener.digest.text import visible
from listener.digest.week import Week
from listener.model import SourceState

_NEARLY = 0.99  # of the hours: shorter losses are listed as gaps but do not make a week partial
_PARTIAL = 0.9  # a fall is not called clear below this share of the usual exposure (METHODS §9.2)


def coverage(
    week: Week,
    sources: Sequence[SourceState],
    seen: Mapping[str, Seen],
    stored: int,
    counted: int,
    as_of: datetime | None,
    budgets: Sequence[tuple[str, float, float | None]] = (),
    *,
    book: Labels,
) -> Coverage:
    """The week's coverage. `seen`: the stored posts of the week by source name; `budgets`: account, spent, of how many."""
    end = min(week.until, as_of) if as_of is not None else week.until
    figures = [_source(week, end, source, seen.get(source.name, Seen()), book) for source in sources]
    known = {source.name for source in sources}
    figures += [
        SourceFigures(
            visible(name, 60), "", "read back", None, _span(week.since, end), posts.posts, (), book.say("from_file")
        )
        for name, posts in sorted(seen.items())
        if name not in known
    ]
    state: WeekState
    if not stored and not any(figure.hours for figure in figures):
        state = "broken"
    elif not counted:
        state = "empty"
    elif any(figure.status in ("broken", "partial", "started") for figure in figures):
        state = "partial"
    else:
        state = "full"
    spent = tuple(
        Budgeted(visible(account, 60), round(usd, 2), None if of is None else round(of, 2))
        for account, usd, of in budgets
    )
    return Coverage(
        state,
        tuple(figures),
        tuple(_sentences(figures, state, book)),
        (*_late(figures, book), *_paid(spent, book)),
        spent,
    )


def collected(week: Week, source: SourceState, end: datetime) -> float | None:
    """Hours of `week` before `end` that `source` collected; None where all of it lies before its first success."""
    if source.first_success_at is None:
        return 0.0
    if source.first_success_at >= end:
        return None
    since, until = max(week.since, source.first_success_at), _until(source, end)
    missing = _merged((max(gap.since, since), min(gap.until, until)) for gap in source.gaps)
    return max(0.0, _span(since, until) - sum(_span(*stretch) for stretch in missing))


def exposure(week: Week, sources: Sequence[SourceState], as_of: datetime | None) -> float:
    """Source-hours behind this week's counts; hours nobody knows are taken as complete."""
    end = min(week.until, as_of) if as_of is not None else week.until
    full = _span(week.since, end)
    if not sources:
        return full
    total = 0.0
    for source in sources:
        first = source.first_success_at
        got = collected(week, source, end)
        # In its first week a source also reads back: its posts stand for more hours than it was awake.
        total += full if got is None or (first is not None and first > week.since) else got
    return total


def earlier_exposure(
    week: Week, earlier: Sequence[StageWeek], sources: Sequence[SourceState], settings: DigestSettings
) -> dict[Week, float]:
    """The earlier weeks that this one may be compared with, and the source-hours behind each.

    Left out: weeks in which a source had its first success (they hold posts read back over an unknown stretch), and,
    of the weeks before any source began, the oldest that holds posts, since it may have been read only in part.
    """
    firsts = [source.first_success_at for source in sources if source.first_success_at is not None]
    with_posts = {row.week_start for row in earlier}
    found: dict[Week, float] = {}
    read_back: list[Week] = []
    for distance in range(1, settings.earlier_weeks + 1):
        then = week.previous(distance)
        if any(first in then for first in firsts):
            continue
        if any(first < then.since for first in firsts):
            got = sum(collected(then, source, then.until) or 0.0 for source in sources)
            if got > 0:
                found[then] = got
        elif then.first in with_posts:
            read_back.append(then)
    if read_back:
        oldest = min(with_posts)
        found |= {then: then.hours * max(1, len(sources)) for then in read_back if then.first != oldest}
    return found


def thin(now: float, before: Mapping[Week, float]) -> bool:
    """Whether this week's exposure dropped by more than a tenth, so that no fall may be called clear."""
    return bool(before) and now < _PARTIAL * sum(before.values()) / len(before)


def _source(week: Week, end: datetime, source: SourceState, seen: Seen, book: Labels) -> SourceFigures:
    of_hours, got = _span(week.since, end), collected(week, source, end)
    gaps = tuple(
        GapFigures(
            since=gap.since, until=gap.until, hours=round(inside, 2), reason=visible(gap.reason, 40), lost=gap.lost
        )
        for gap in sorted(source.gaps, key=lambda gap: (gap.since, gap.until, gap.reason))
        if (inside := _span(max(gap.since, week.since), min(gap.until, end))) > 0
    )
    status, note = _status(week, end, source, got, of_hours, seen.posts, book)
    lost = [
        book.say(
            "gap_lost" if gap.lost else "gap_open",
            since=book.moment(gap.since, week),
            until=book.moment(gap.until, week),
            reason=book.gap(gap.reason),
        )
        for gap in gaps
    ]
    shown = None if got is None else round(got, 2)
    return SourceFigures(
        visible(source.name, 60), visible(source.connector, 60), status, shown, round(of_hours, 2), seen.posts, gaps,
        book.semicolon.join(part for part in (note, *lost) if part), *_delays(source, seen), source.failures,
    )  # fmt: skip


def _status(
    week: Week, end: datetime, source: SourceState, got: float | None, of_hours: float, mentions: int, book: Labels
) -> tuple[SourceStatus, str]:
    why = visible(source.parked or source.error or "", 160)
    because = book.say("because", why=why) if why else ""
    if source.first_success_at is None:
        return "broken", book.say("never_answered", because=because)
    if got is None:
        if mentions:
            return "read back", book.say("began_read_back", since=book.moment(source.first_success_at, week))
        return "started", book.say("began_later", since=book.moment(source.first_success_at, week))
    if got <= 0:
        last = source.last_success_at
        if last is None:
            return "broken", book.say("nothing_got", because=because)
        return "broken", book.say("silent_since", since=book.moment(last, week), because=because)
    if source.first_success_at > week.since:
        return "started", book.say("began", since=book.moment(source.first_success_at, week))
    if got < of_hours * _NEARLY:
        stopped = _until(source, end) < end
        since = book.moment(_until(source, end), week)
        note = book.say("silent_since", since=since, because=because) if stopped else ""
        return "partial", note
    return ("complete", "") if mentions else ("quiet", book.say("found_nothing"))


def quiet(figures: Sequence[SourceFigures], book: Labels) -> str:
    """Which sources answered without a single post; "" where none did."""
    names = [figure.name for figure in figures if figure.status == "quiet"]
    return book.say("cover_quiet", sources=book.listing(names)) if names else ""


def _sentences(figures: Sequence[SourceFigures], state: WeekState, book: Labels) -> Iterable[str]:
    if state == "broken":
        yield book.say("cover_nothing" if figures else "cover_no_source")
    for status in ("broken", "partial", "started"):
        chosen = [_amount(figure, book) for figure in figures if figure.status == status]
        if chosen:
            yield book.say(f"cover_{status}", sources=book.listing(chosen))
    if silent := quiet(figures, book):
        yield silent
    back = [figure for figure in figures if figure.hours is None]
    if back:
        posts = sum(figure.mentions for figure in back)
        yield book.say("cover_read_back", posts, sources=book.listing([figure.name for figure in back]))
    if figures and all(figure.status in ("complete", "quiet") for figure in figures):
        yield book.say("cover_whole", len(figures))


def _amount(figure: SourceFigures, book: Labels) -> str:
    return f"{figure.name} ({heard(figure, book)})"


def heard(figure: SourceFigures, book: Labels) -> str:
    """`159 h of 168 h`."""
    if figure.hours is None:
        return book.say("hours_unknown")
    return book.say("of", count=book.hours(figure.hours), of=book.hours(figure.of_hours))


def _delays(source: SourceState, seen: Seen) -> tuple[float | None, float | None]:
    """Median and p90 of the minutes from publication to being seen, of posts published since the source first answered."""
    if source.first_success_at is None:
        return None, None
    first = source.first_success_at.timestamp()
    waits = sorted(
        max(0.0, delay / 60) for published, delay in zip(seen.published, seen.delays, strict=True) if published >= first
    )
    if not waits:
        return None, None
    p90 = round(waits[ceil(round(0.9 * len(waits), 9)) - 1], 1) if len(waits) >= P90_FROM else None
    return round(median(waits), 1), p90


def _late(figures: Sequence[SourceFigures], book: Labels) -> Iterable[str]:
    slow = max((figure for figure in figures if figure.delay_minutes is not None), key=_delay, default=None)
    if slow is not None:
        yield book.say("slowest", source=slow.name, time=book.minutes(_delay(slow)))


def _delay(figure: SourceFigures) -> float:
    return figure.delay_minutes or 0.0


def _paid(spent: Sequence[Budgeted], book: Labels) -> Iterable[str]:
    for one in spent:
        usd = book.money(one.spent_usd)
        if one.of_usd is None:
            yield book.say("spent", account=one.account, usd=usd)
        else:
            left = book.money(max(0.0, one.of_usd - one.spent_usd))
            yield book.say("spent_of", account=one.account, usd=usd, left=left, of=book.money(one.of_usd))


def _until(source: SourceState, end: datetime) -> datetime:
    # While a source answers, the minutes since its last poll are not a hole.
    failing = source.failures > 0 or source.parked is not None
    if failing and source.last_success_at is not None:
        return min(end, source.last_success_at)
    return end


def _merged(stretches: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for since, until in sorted(stretch for stretch in stretches if stretch[0] < stretch[1]):
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until))
        else:
            merged.append((since, until))
    return merged


def _span(since: datetime, until: datetime) -> float:
    return max(0.0, (until - since).total_seconds() / 3600)
