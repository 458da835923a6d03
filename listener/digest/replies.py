"""How we answered: cases whose first reply was due in the week, and whether it came in time (METHODS §9).

Who was not answered when the week ended counts as a miss and as an endless wait, so a median may be "not reached". Each case
counts in one week alone, the one its answer was due in; replies after the week do not change it any more. The
states beside it are those of the moment of counting.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from math import ceil

from listener.digest.given import CaseTimes
from listener.digest.labels import Labels
from listener.digest.parts import P90_FROM, SMALL
from listener.digest.quality import Response, ResponseLevel
from listener.digest.shares import share
from listener.digest.week import Week
from listener.digest.words import share as said_share
from listener.model import CaseState
from rules.vocabulary import Urgency

MEDIAN_FROM = 6  # cases: below, a median has no interval
_CLOSED = (CaseState.RESOLVED, CaseState.NOT_RELEVANT)


def response(
    week: Week,
    states: Mapping[str, CaseState],
    praising: Collection[str],
    times: Sequence[CaseTimes] | None,
    as_of: datetime | None,
    book: Labels,
) -> Response:
    """`states`: the cases of the week's posts; `praising`: those with praise alone; `times`: None where replies are unknown."""
    asking = None if times is None else {case.ref for case in times}  # what was read back asks for no answer of ours
    standing = [state for ref, state in states.items() if asking is None or ref in asking]
    closed = sum(1 for state in standing if state in _CLOSED)
    note = "" if standing else book.say("no_case")
    if standing and times is None:
        note = book.say("not_measured")
    counts = len(standing), standing.count(CaseState.NEW), len(standing) - closed, standing.count(CaseState.RESOLVED)
    if times is None:
        return Response(*counts, measured=False, note=note)
    end = week.until if as_of is None else min(week.until, as_of)
    due = [
        case
        for case in times
        if case.urgency > Urgency.LOW
        and case.state is not CaseState.NOT_RELEVANT
        and case.due_at is not None
        and week.since <= case.due_at < end
    ]
    waits = sorted(
        (case.replied_at - case.first_at).total_seconds() / 3600
        for case in due
        if case.replied_at is not None and case.replied_at < end
    )
    in_time = sum(1 for case in due if _in_time(case))
    unanswered = len(due) - len(waits)
    praised = [case for case in times if case.ref in praising and week.since <= case.first_at < end]
    thanked = sum(1 for case in praised if case.replied_at is not None and case.replied_at < end)
    median = _quantile(waits, len(due), 0.5) if len(due) >= MEDIAN_FROM else None
    p90 = _quantile(waits, len(due), 0.9) if len(due) >= P90_FROM else None
    figures = Response(
        *counts,
        measured=True,
        note=note,
        in_time=share(in_time, len(due)) if due else None,
        late=len(waits) - in_time,
        unanswered=unanswered,
        median_hours=median,
        p90_hours=p90,
        thanked=share(thanked, len(praised)) if praised else None,
        levels=_levels(due, end),
    )
    return replace(figures, sentences=tuple(_sentences(figures, len(due), book)))


def _in_time(case: CaseTimes) -> bool:
    return case.replied_at is not None and case.due_at is not None and case.replied_at <= case.due_at


def _quantile(waits: Sequence[float], of: int, part: float) -> float | None:
    """The wait that `part` of all cases do not exceed; None where so many were never answered that it is endless."""
    place = ceil(round(part * of, 9))
    return round(waits[place - 1], 2) if place <= len(waits) else None


def _levels(due: Sequence[CaseTimes], end: datetime) -> tuple[ResponseLevel, ...]:
    levels = []
    for urgency in (Urgency.CRITICAL, Urgency.HIGH, Urgency.NORMAL):
        cases = [case for case in due if case.urgency is urgency]
        answered = sum(1 for case in cases if case.replied_at is not None and case.replied_at < end)
        in_time = sum(map(_in_time, cases))
        levels.append(ResponseLevel(urgency.word, len(cases), in_time, answered - in_time, len(cases) - answered))
    return tuple(levels)


def _sentences(figures: Response, due: int, book: Labels) -> Iterator[str]:
    if figures.in_time is None:
        yield book.say("reply_none_due")
    else:
        yield book.say(
            "reply_in_time",
            share=said_share(figures.in_time, book),
            late=book.number(figures.late),
            missed=book.number(figures.unanswered),
        )
        if due < MEDIAN_FROM:
            yield book.say("reply_no_median", due)
        elif figures.median_hours is None:
            yield book.say("reply_endless")
        else:
            yield book.say("reply_median", time=book.minutes(figures.median_hours * 60))
        if due >= P90_FROM:
            p90 = book.say("not_reached") if figures.p90_hours is None else book.minutes(figures.p90_hours * 60)
            yield book.say("reply_p90", time=p90)
    if figures.thanked is None:
        yield book.say("thanked_nobody")
    else:
        few = "_few" if figures.thanked.of < SMALL else ""
        yield book.say(f"thanked_share{few}", share=said_share(figures.thanked, book))
