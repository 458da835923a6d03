"""What a team would have been told, counted: every opening once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from listener.cases.clock import ServiceHours
from listener.cases.preview import Heard, Wants, preview
from listener.cases.silences import Fits, Silence
from listener.model import Outcome, Told
from rules.vocabulary import Urgency
from tests.cases.conftest import NOON, make_triaged
from tests.cases.test_settle import EVERYTHING, HIGH_ONLY

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NIGHT = ServiceHours(ZoneInfo("UTC"), {day: ((time(0), time(7)), (time(22), time.max)) for day in range(7)})


def told(number: int, at: datetime = NOON, author: str = "", **judged: object) -> Told:
    one = make_triaged(str(number), author=author or f"a{number}", published_at=at, **judged)  # type: ignore[arg-type]
    return Told(number, f"ref{number}", one.mention, one.verdict, "forum", at, Outcome.ALERTED)


def care(*posts: Told, wants: Wants | None = None, silences: tuple[Silence, ...] = ()) -> Heard:
    return preview(posts, EVERYTHING, silences, {"care": wants or Wants()}).heard["care"]


def test_posts_of_one_author_are_one_message_and_entries_in_its_thread() -> None:
    heard = care(told(1, author="ada"), told(2, NOON + HOUR, author="ada"), told(3, NOON + HOUR))
    assert (heard.singles, heard.entries, heard.cases) == (2, 1, 2)
    assert heard.busiest() == (NOON + HOUR, 1)
    assert heard.noisiest() == ("en.purchase.undelivered", 2)


def test_a_storm_and_a_night_are_folded_as_the_daemon_would() -> None:
    night = [told(100 + number, NOON + 11 * HOUR + number * MINUTE) for number in range(5)]
    alone = told(300, NOON + 36 * HOUR)
    storm = [told(number, NOON + number * MINUTE) for number in range(30)]
    grave = [told(200, NOON + 12 * HOUR, urgency=Urgency.CRITICAL)]
    heard = care(*storm, *night, *grave, alone, wants=Wants(NIGHT, 20))
    assert heard == Heard(1, 21, 5, 10, 2, 0, heard.messages, heard.rules)
    assert heard.cases == 37
    assert heard.busiest() == (NOON, 21)


def test_what_a_silence_kept_quiet_is_told_to_nobody_and_counted() -> None:
    silence = Silence(1, "ann", "noise", Fits(touchpoints=frozenset({"delivery"})), NOON, NOON + HOUR)
    found = preview([told(1), told(2, NOON + HOUR)], EVERYTHING, (silence,), {"care": Wants()})
    assert found.outcomes == {Outcome.SILENCED: 1, Outcome.ALERTED: 1}
    assert found.heard["care"].cases == 1


def test_a_case_that_rises_is_told_to_who_did_not_know() -> None:
    posts = [told(1, author="ada", urgency=Urgency.NORMAL), told(2, NOON + HOUR, author="ada", urgency=Urgency.HIGH)]
    found = preview(posts, replace(HIGH_ONLY), (), {"care": Wants(), "other": Wants()})
    assert (found.heard["care"].cases, found.heard["other"].cases) == (1, 0)


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.sampled_from(Urgency)), max_size=40),
    st.integers(1, 5),
    st.booleans(),
)
def test_every_opening_is_counted_once(posts: list[tuple[int, Urgency]], singles: int, quiet: bool) -> None:
    mentions = [
        told(number, NOON + minutes * MINUTE, urgency=urgency)
        for number, (minutes, urgency) in enumerate(sorted(posts, key=lambda one: one[0]))
    ]
    heard = care(*mentions, wants=Wants(NIGHT if quiet else None, singles))
    assert heard.cases == len(mentions)
    assert len(heard.messages) == heard.critical + heard.singles + heard.summaries
