"""What a silence keeps quiet, what it never does, and who hears that it ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Author
from listener.cases.plan import NewMention, OpenCase, OpenCases, Settled
from listener.cases.settle import Settler
from listener.cases.silences import (
    Fits,
    Silence,
    does_fit,
    ended_line,
    fits_values,
    lately_ended,
    new_silence,
    read_fits,
    silencing,
)
from listener.cases.telling import Rules
from listener.model import Case, NotificationKind, Outcome, Triaged
from rules.vocabulary import Intent, Stage, Urgency
from tests.cases.conftest import NOON, make_triaged
from tests.cases.test_settle import EVERYTHING, open_case, stored

HOUR = timedelta(hours=1)
DELIVERY = Fits(touchpoints=frozenset({"delivery"}))


def silence(fits: Fits = DELIVERY, **changes: object) -> Silence:
    return replace(Silence(7, "ann", "launch noise", fits, NOON - HOUR, NOON + HOUR), **changes)  # type: ignore[arg-type]


def settle(
    *posts: Triaged, silences: tuple[Silence, ...], known: tuple[OpenCase, ...] = (), rules: Rules = EVERYTHING
) -> Settled:
    new = [NewMention(number, f"ref{number}", one) for number, one in enumerate(posts, start=1)]
    ids = count(100)
    return Settler("forum", rules)(new, OpenCases(known, silences), lambda: next(ids), NOON)


def test_what_fits_is_judged_gets_its_case_and_is_told_to_nobody() -> None:
    settled = settle(make_triaged("1"), make_triaged("2", author="bob", touchpoints={}), silences=(silence(),))
    assert settled.outcomes == {1: Outcome.SILENCED, 2: Outcome.ALERTED}
    assert len(settled.drafts) == 2
    assert [one.mention_id for one in settled.notifications] == [2]
    assert settled.silences.kept == {7: 1}
    (line,) = (line for line in settled.verdicts[1].lines if line.label == "silenced")
    assert (line.rule, line.evidence) == ("", "silence 7 by ann: launch noise")
    assert ("silenced", "ann", {"mention": "ref1", "silence": 7}) in [
        (event.what, event.who, event.detail) for event in settled.events
    ]


def test_critical_is_never_silenced_nor_a_post_of_a_case_that_is() -> None:
    assert settle(make_triaged(urgency=Urgency.CRITICAL), silences=(silence(),)).outcomes == {1: Outcome.ALERTED}
    grave: Case = open_case(urgency=Urgency.CRITICAL)
    settled = settle(make_triaged(urgency=Urgency.LOW), silences=(silence(),), known=(stored(grave, "care"),))
    assert settled.outcomes == {1: Outcome.JOINED_CASE}


def test_the_message_of_a_case_told_before_shows_the_post_without_a_sound() -> None:
    settled = settle(make_triaged(), silences=(silence(),), known=(stored(open_case(), "care"),))
    (edit,) = settled.notifications
    assert (edit.notification.kind, edit.notification.reason) == (NotificationKind.CASE_UPDATE, "silenced")


def test_once_a_silence_is_over_the_next_post_of_its_case_is_told() -> None:
    known = (stored(open_case()),)
    settled = settle(make_triaged(), silences=(silence(ends_at=NOON),), known=known)
    assert [one.notification.kind for one in settled.notifications] == [NotificationKind.CASE_OPEN]


def test_the_first_alert_after_its_end_says_that_there_was_one_and_no_other_does() -> None:
    over = silence(ends_at=NOON - 2 * HOUR, begins_at=NOON - 9 * HOUR)
    settled = settle(make_triaged("1"), make_triaged("2", author="bob"), silences=(over,))
    noted = [
        id_ for id_, verdict in settled.verdicts.items() if any(one.label == "silence ended" for one in verdict.lines)
    ]
    assert noted == [1]
    assert settled.silences.noted == {7}
    line = ended_line(over, NOON)
    assert (line.label, line.evidence) == ("silence ended", "ann, 2 h")
    assert not settle(make_triaged(), silences=(replace(over, noted_at=NOON),)).verdicts
    late = replace(over, ends_at=NOON - 25 * HOUR, begins_at=NOON - 30 * HOUR)
    assert lately_ended((late,), make_triaged().mention, make_triaged().verdict, "forum", Urgency.HIGH, NOON) is None


def test_an_alert_that_goes_nowhere_does_not_use_the_note_up() -> None:
    over = silence(ends_at=NOON - HOUR, begins_at=NOON - 9 * HOUR)
    settled = settle(make_triaged(), silences=(over,), rules=replace(EVERYTHING, routes=()))
    assert settled.silences.noted == frozenset()


def test_an_edit_for_the_worse_is_not_told_anew_while_silenced() -> None:
    from listener.model import Told

    before = make_triaged(urgency=Urgency.LOW)
    worse = make_triaged(urgency=Urgency.HIGH)
    told = Told(1, "ref1", before.mention, before.verdict, "forum", NOON, Outcome.NO_ROUTE)
    case = stored(open_case(urgency=Urgency.LOW))
    settler = Settler("forum", EVERYTHING)
    assert settler.revise(told, worse, case, (silence(),), NOON).notifications == ()
    assert len(settler.revise(told, worse, case, (), NOON).notifications) == 1


@pytest.mark.parametrize(
    ("fits", "does"),
    [
        (Fits(author="mastodon:ada"), True),
        (Fits(author="mastodon:bob"), False),
        (Fits(author="reddit:ada"), False),
        (Fits(words=("never arrived",)), True),
        (Fits(words=("NEVER Arrived", "other")), True),
        (Fits(words=("arrive",)), False),
        (Fits(words=("title words",)), True),
        (Fits(stages=frozenset({Stage.USE})), False),
        (Fits(sources=frozenset({"forum"}), intents=frozenset({Intent.COMPLAINT})), True),
        (Fits(sources=frozenset({"forum"}), words=("order",), author="mastodon:bob"), False),
    ],
)
def test_every_condition_must_hold_and_of_its_values_one(fits: Fits, does: bool) -> None:
    post = make_triaged()
    mention = replace(post.mention, title="Title words", author=Author("77", "@Ada"))
    assert does_fit(fits, mention, post.verdict, "forum") is does


def test_before_its_begin_it_keeps_nothing_quiet() -> None:
    post = make_triaged()
    later = silence(begins_at=NOON + timedelta(seconds=1))
    assert silencing((later,), post.mention, post.verdict, "forum", Urgency.HIGH, NOON) is None


@pytest.mark.parametrize(
    ("comment", "fits", "length", "said"),
    [
        (" ", DELIVERY, HOUR, "needs a comment"),
        ("x" * 501, DELIVERY, HOUR, "too long"),
        ("noise", Fits(), HOUR, "everything"),
        ("noise", DELIVERY, timedelta(0), "ends after it begins"),
        ("noise", DELIVERY, timedelta(days=30, seconds=1), "at most 30 days"),
    ],
)
def test_what_is_no_silence_is_refused_with_what_is_allowed(
    comment: str, fits: Fits, length: timedelta, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        new_silence("ann", comment, fits, NOON + length, NOON)
    assert new_silence("ann", " launch\nnoise ", DELIVERY, NOON + HOUR, NOON).comment == "launch noise"


@given(
    st.builds(
        Fits,
        stages=st.frozensets(st.sampled_from(Stage)),
        intents=st.frozensets(st.sampled_from(Intent)),
        touchpoints=st.frozensets(st.sampled_from(("app", "delivery"))),
        author=st.sampled_from(("", "x:bob")),
        words=st.lists(st.text(min_size=1, max_size=9), max_size=3).map(tuple),
    )
)
def test_conditions_read_back_are_the_same(fits: Fits) -> None:
    assert read_fits(fits_values(fits)) == fits
    assert bool(str(fits)) is (fits != Fits())
