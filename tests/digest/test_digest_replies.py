"""How we answered: unanswered are misses, medians may not be reached, each case counts in the week its answer was due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from listener.digest.count import count
from listener.digest.figures import Response
from listener.digest.given import Around, CaseTimes
from listener.model import CaseState
from rules.vocabulary import Intent, Urgency
from tests.fakes.digest_week import SETTINGS, WEEK, post, source

MONDAY = WEEK.since + timedelta(hours=9)
HOUR = timedelta(hours=1)


def case(number: int, after: float | None, **changes: object) -> CaseTimes:
    """A case of Monday at nine, answered so many hours later, due after four."""
    values: dict[str, object] = {
        "ref": f"c-{number:04X}", "urgency": Urgency.NORMAL, "state": CaseState.CLAIMED, "first_at": MONDAY,
        "due_at": MONDAY + 4 * HOUR, "replied_at": None if after is None else MONDAY + after * HOUR,
    }  # fmt: skip
    return CaseTimes(**{**values, **changes})  # type: ignore[arg-type]


def answered(cases: Sequence[CaseTimes] | None, as_of: datetime | None = None) -> Response:
    mentions = [post(1, case_ref="c-0001", case_state=CaseState.NEW)]
    around = Around(cases=cases)
    return count(WEEK, mentions, sources=[source("m")], settings=SETTINGS, around=around, as_of=as_of).response


def test_the_unanswered_are_misses() -> None:
    figures = answered([case(1, 1), case(2, 3.9), case(3, 4.1), case(4, None), *(case(n, 2) for n in range(5, 11))])
    assert figures.in_time is not None
    assert (figures.in_time.count, figures.in_time.of, figures.in_time.percent) == (8, 10, 80)
    assert (figures.late, figures.unanswered) == (1, 1)
    assert figures.sentences[0] == (
        "Answered within the target: 8 of 10 (80 %, 49–94 %) cases; 1 late, 1 not answered and counted as misses."
    )
    assert figures.median_hours == 2
    assert [(level.urgency, level.due, level.in_time, level.late, level.unanswered) for level in figures.levels] == [
        ("critical", 0, 0, 0, 0), ("high", 0, 0, 0, 0), ("normal", 10, 8, 1, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("waits", "median"),
    [
        ([1, 2, 3, 4, 5, 6], 3),
        ([1, 2, 3, None, None, None], 3),
        ([1, 2, None, None, None, None], None),
        ([1] * 5, None),
    ],
)
def test_a_median_counts_the_unanswered_as_endless(waits: list[float | None], median: float | None) -> None:
    assert answered([case(n, after) for n, after in enumerate(waits, 1)]).median_hours == median


def test_a_median_that_is_not_reached_is_said_to_be_so() -> None:
    said = " ".join(answered([case(n, None) for n in range(1, 9)]).sentences)
    assert "First reply, median over all: not reached: half or more were not answered." in said


@pytest.mark.parametrize(("cases", "p90"), [(28, None), (29, 1.0)])
def test_no_p90_is_given_under_29_cases(cases: int, p90: float | None) -> None:
    assert answered([case(n, 1) for n in range(1, cases + 1)]).p90_hours == p90


def test_a_case_counts_in_the_week_its_answer_was_due_in() -> None:
    sunday = WEEK.until - HOUR
    over = case(1, None, first_at=sunday, due_at=sunday + 4 * HOUR)
    early = case(2, None, first_at=WEEK.since - HOUR, due_at=WEEK.since + HOUR, replied_at=WEEK.since)
    figures = answered([over, early])
    assert figures.in_time is not None
    assert (figures.in_time.count, figures.in_time.of) == (1, 1)


def test_a_reply_after_the_week_changes_it_no_more() -> None:
    late = case(1, None, replied_at=WEEK.until + HOUR)
    assert answered([late]) == answered([case(1, None)])
    assert answered([late], as_of=WEEK.until + timedelta(days=9)) == answered([late], as_of=WEEK.until)


def test_while_the_week_runs_only_what_was_due_already_counts() -> None:
    assert answered([case(1, None)], as_of=MONDAY + 3 * HOUR).in_time is None
    running = answered([case(1, None)], as_of=MONDAY + 5 * HOUR)
    assert running.unanswered == 1


def test_praise_and_what_was_not_for_us_have_no_deadline() -> None:
    figures = answered([case(1, None, urgency=Urgency.LOW), case(2, None, state=CaseState.NOT_RELEVANT)])
    assert figures.in_time is None
    assert figures.sentences[0] == "No first reply was due in this week."


def test_thanks_are_replies_to_cases_of_praise() -> None:
    praise = frozenset({Intent.PRAISE})
    mentions = [
        *(post(n, case_ref=f"c-{n:04X}", case_state=CaseState.NEW, intents=praise) for n in range(1, 13)),
        post(20, case_ref="c-0014", case_state=CaseState.NEW, intents=praise | {Intent.COMPLAINT}),
    ]
    cases = [case(n, 1 if n <= 3 else None, urgency=Urgency.LOW) for n in range(1, 21)]
    figures = count(WEEK, mentions, settings=SETTINGS, around=Around(cases=cases)).response
    assert figures.thanked is not None
    assert (figures.thanked.count, figures.thanked.of) == (3, 12)
    assert figures.sentences[-1] == "Thanked: 3 of 12 (25 %, 9–53 %) who praised us."


def test_without_reply_times_it_is_said_that_they_are_not_known() -> None:
    figures = answered(None)
    assert (figures.measured, figures.note) == (False, "Reply times are not known.")
