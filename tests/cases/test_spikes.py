"""What rises and what does not: kinds, windows, budgets, quiet sources, gaps, young sources, ends."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bench.spikes import LEARN, START, Listening, background, state
from listener.cases.baseline import DAY, HOUR, Baseline, measure
from listener.cases.newwords import new_words
from listener.cases.spikes import (
    BUDGETS,
    Heard,
    Rise,
    Stretch,
    chance_allowed,
    holds_posts_of,
    is_calm,
    kinds_of,
    level,
    rises,
    shape,
)
from listener.model import SourceState
from rules.vocabulary import Intent, Urgency

NOW = datetime(2026, 6, 15, 14, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DELIVERY = frozenset({"all", "complaint", "complaint:delivery"})
OLD = state(first=NOW - 100 * DAY)
ALLOWED = chance_allowed(1.0, 10)


def post(number: int, minutes_ago: float = 10, kinds: frozenset[str] = DELIVERY, **more: object) -> Heard:
    plain = Heard(
        number, NOW - minutes_ago * MINUTE, f"a{number}", f"t{number}", "forum", kinds, "negative", "en", "use", Urgency.NORMAL
    )  # fmt: skip
    return replace(plain, **more)  # type: ignore[arg-type]


def quiet(per_hour: int = 0) -> Baseline:
    days = [(NOW - number * DAY).date() for number in range(1, 60)]
    of: dict[str, dict[date, list[int]]] = {"forum": {day: [per_hour] * 24 for day in days}}
    found = measure(of, days, [OLD], [], NOW, UTC)
    assert found is not None
    return found


def look(
    posts: list[Heard], known: list[Stretch] | None = None, per_hour: int = 0, sources: tuple[SourceState, ...] = (OLD,), early: float = 0.0
) -> list[Rise]:  # fmt: skip
    baseline = quiet(per_hour)
    return rises(
        sorted(posts, key=lambda one: one.at), known or [], lambda _: baseline, lambda _: early, sources, ALLOWED, NOW
    )


def test_five_authors_are_the_least_however_quiet_it_was() -> None:
    assert look([post(number) for number in range(4)]) == []
    (rise,) = look([post(number) for number in range(5)])
    assert (rise.kind, rise.authors, rise.window) == ("complaint:delivery", 5, 1)
    assert look([post(number, author="one") for number in range(30)]) == []


def test_what_is_usual_of_a_busy_source_is_no_spike() -> None:
    assert look([post(number, number * 2) for number in range(90)], per_hour=30) == []
    (rise,) = look([post(number, number / 3) for number in range(150)], per_hour=30)
    assert rise.window == 1
    assert rise.expected == pytest.approx(30, rel=0.05)
    assert 40 < rise.most < 70


def test_a_post_is_explained_once_and_one_touchpoint_takes_the_spike_where_it_makes_most_of_it() -> None:
    posts = [post(number, kinds=DELIVERY | {"complaint:support"}) for number in range(12)]
    posts += [post(20 + number, kinds=frozenset({"all", "complaint", "complaint:app"})) for number in range(3)]
    assert [rise.kind for rise in look(posts)] in (["complaint:delivery"], ["complaint:support"])
    spread = [
        post(number, kinds=frozenset({"all", "complaint", f"complaint:{name}"}))
        for number, name in enumerate(["delivery", "app", "support", "returns"] * 7)
    ]
    assert [rise.kind for rise in look(spread)] == ["complaint"]


def test_two_things_at_once_are_two_spikes() -> None:
    praise = frozenset({"all", "praise", "praise:support"})
    posts = [post(number) for number in range(9)] + [post(20 + number, kinds=praise) for number in range(9)]
    assert [rise.kind for rise in look(posts)] == ["complaint:delivery", "praise:support"]


def test_what_an_open_or_ended_or_expected_stretch_explains_rises_no_more() -> None:
    posts = [post(number, 30) for number in range(40)]
    since = NOW - HOUR
    assert look(posts, [Stretch("complaint:delivery", since)]) == []
    assert look(posts, [Stretch("complaint:delivery", since, NOW - 20 * MINUTE)]) == []
    assert look(posts, [Stretch("all", since, NOW + DAY)]) == []
    assert len(look(posts, [Stretch("complaint:delivery", since, NOW - 40 * MINUTE)])) == 1
    assert len(look(posts, [Stretch("praise", since)])) == 1


def test_old_posts_are_in_no_window() -> None:
    assert look([post(number, 25 * 60) for number in range(200)]) == []


def test_posts_read_after_an_outage_stand_in_the_hours_they_were_written_in() -> None:
    """A source that was silent for six hours and then gives them all makes no spike of the last one."""
    posts = [post(number, number * 2) for number in range(180)]
    assert look(posts, per_hour=30) == []


def test_of_a_source_that_is_silent_nothing_is_expected() -> None:
    other = replace(OLD, name="other", failures=4, last_success_at=NOW - 5 * HOUR)
    days = [(NOW - number * DAY).date() for number in range(1, 60)]
    of = {"forum": {day: [1] * 24 for day in days}, "other": {day: [20] * 24 for day in days}}
    baseline = measure(of, days, [OLD, other], [], NOW, UTC)
    assert baseline is not None
    posts = [post(number) for number in range(14)]
    (rise,) = rises(posts, [], lambda _: baseline, lambda _: 0.0, [OLD, other], ALLOWED, NOW)
    assert rise.expected == pytest.approx(1, rel=0.1)
    both = [OLD, replace(other, failures=0)]
    assert rises(posts, [], lambda _: baseline, lambda _: 0.0, both, ALLOWED, NOW) == []


def test_young_sources_are_judged_by_the_plain_rule_and_by_what_came_after_their_first_read() -> None:
    young = replace(OLD, first_success_at=NOW - 2 * DAY)
    assert look([post(number) for number in range(7)], sources=(young,)) == []
    (rise,) = look([post(number) for number in range(8)], sources=(young,))
    assert rise.chance is None
    assert look([post(number) for number in range(20)], sources=(young,), early=5.0) == []
    just = replace(OLD, first_success_at=NOW - 5 * MINUTE)
    assert look([post(number, 10) for number in range(100)], sources=(just,)) == []
    assert len(look([post(number, 3) for number in range(8)], sources=(just,))) == 1
    never = replace(OLD, first_success_at=None)
    assert look([post(number) for number in range(100)], sources=(never,)) == []


def test_a_spike_ends_when_its_rate_is_back_and_nobody_who_heard_it_is_deaf() -> None:
    burst = [post(number, 100) for number in range(20)]
    base = quiet(1)
    since = NOW - 100 * MINUTE
    assert is_calm("complaint:delivery", since, 1, burst, base, [OLD], NOW)
    assert is_calm("complaint:delivery", since, 1, [*burst, post(99)], base, [OLD], NOW)
    going_on = [*burst, *(post(50 + number) for number in range(9))]
    assert not is_calm("complaint:delivery", since, 1, going_on, base, [OLD], NOW)
    assert not is_calm(
        "complaint:delivery", since, 1, burst, base, [replace(OLD, failures=1, last_success_at=NOW - HOUR)], NOW
    )
    assert not is_calm("complaint:delivery", NOW - 20 * MINUTE, 1, burst, base, [OLD], NOW)
    assert not is_calm("complaint:delivery", since, 3, going_on, None, [OLD], NOW)


def test_kinds_that_share_posts_are_known() -> None:
    related = [("all", "praise"), ("complaint", "complaint:app"), ("praise:app", "praise"), ("praise:app", "all")]
    apart = [("complaint", "praise"), ("complaint:app", "complaint:store"), ("complaint:app", "praise:app")]
    for one, other in related:
        assert holds_posts_of(one, other)
        assert holds_posts_of(other, one)
    for one, other in apart:
        assert not holds_posts_of(one, other)
        assert not holds_posts_of(other, one)


def test_kinds_follow_intent_mood_and_touchpoint() -> None:
    assert kinds_of([Intent.COMPLAINT], "negative", ["app"]) == {"all", "complaint", "complaint:app"}
    assert kinds_of([Intent.LEAVING], "neutral", []) == {"all", "complaint"}
    assert kinds_of([], "negative", ["app"]) == {"all", "complaint", "complaint:app"}
    assert kinds_of([Intent.PRAISE], "positive", ["support"]) == {"all", "praise", "praise:support"}
    assert kinds_of([Intent.PRAISE, Intent.COMPLAINT], "positive", []) == {"all", "complaint"}
    assert kinds_of([Intent.QUESTION], "neutral", ["app"]) == {"all"}


def test_many_more_negative_authors_than_expected_are_critical_and_praise_never_is() -> None:
    many = [post(number) for number in range(25)]
    assert level("complaint", many, 2.0) is Urgency.CRITICAL
    assert level("complaint", many, 10.0) is Urgency.HIGH
    assert level("complaint", [replace(one, sentiment="neutral") for one in many], 2.0) is Urgency.HIGH
    assert level("praise", many, 2.0) is Urgency.NORMAL


def test_one_post_that_travels_is_told_from_many_voices() -> None:
    assert shape([post(number) for number in range(6)]) == ("many", pytest.approx(1 / 6))
    assert shape([post(number, thread="viral") for number in range(6)]) == ("thread", 1.0)


@pytest.mark.parametrize(("a_day", "burstiness"), [(10, 0.7), (40, None), (150, 1.5)])
def test_a_background_without_bursts_stays_within_the_budget(a_day: float, burstiness: float | None) -> None:
    """120 days behind those that teach; the budget of one a month would allow four, and the law of small numbers eight."""
    days = LEARN + 120
    posts = background(random.Random(17), days, a_day, burstiness)
    listening = Listening(posts, every=20 * MINUTE)
    found = listening.run(START + LEARN * DAY, START + days * DAY)
    assert listening.looks == 120 * 72
    assert len(found) <= 4, [(one.kind, one.authors, one.expected) for one in found]


def test_a_smaller_budget_asks_for_more() -> None:
    asked = [chance_allowed(budget, 20) for budget in BUDGETS.values()]
    assert asked == sorted(asked, reverse=True)
    assert chance_allowed(1.0, 40) == pytest.approx(chance_allowed(1.0, 20) / 2)


def test_new_words_are_those_of_several_authors_that_hardly_anybody_used_before() -> None:
    before = [(f"b{number}", "the checkout is slow and my order is late") for number in range(30)]
    now = [(f"n{number}", "Card declined at the checkout, acme! https://x.example/card @helper") for number in range(9)]
    now += [("same", "unicorn unicorn")] * 5
    found = new_words(now, before, ["Acme"])
    assert found[0] == ("card declined", 9)
    assert all(word not in str(found) for word in ("checkout", "acme", "helper", "unicorn", "https"))
    assert new_words(now, before[:5], ["Acme"]) == []
