"""Routes in order, each mention with one stable answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from listener.cases.routing import Route, destinations, misfits
from rules.vocabulary import Intent, Stage, Urgency
from tests.cases.conftest import make_triaged

CARE = Route("care", ("care",), urgency_at_least=Urgency.HIGH)
PRAISE = Route("praise", ("love",), intents=frozenset({Intent.PRAISE}))
EVERYTHING = Route("everything", ("log",), goes_on=True)


def where(routes: list[Route], **facts: object) -> list[tuple[str, str]]:
    told = make_triaged(**facts)  # type: ignore[arg-type]
    found = destinations(routes, told.mention, told.verdict, "hn", told.verdict.urgency)
    return [(place.receiver, place.route) for place in found]


def test_the_first_route_that_matches_decides() -> None:
    assert where([CARE, Route("rest", ("log",))]) == [("care", "care")]


def test_continue_asks_the_routes_after_it_too() -> None:
    assert where([EVERYTHING, CARE]) == [("log", "everything"), ("care", "care")]


def test_a_mention_that_no_route_wants_goes_nowhere() -> None:
    assert where([CARE], urgency=Urgency.LOW) == []


def test_the_level_of_the_case_counts_not_that_of_the_post() -> None:
    calm = make_triaged(urgency=Urgency.LOW)
    assert destinations([CARE], calm.mention, calm.verdict, "hn", Urgency.CRITICAL)[0].receiver == "care"


def test_each_condition_narrows_a_route() -> None:
    for narrow in (
        Route("r", ("x",), stages=frozenset({Stage.USE})),
        Route("r", ("x",), intents=frozenset({Intent.PRAISE})),
        Route("r", ("x",), touchpoints=frozenset({"app"})),
        Route("r", ("x",), sources=frozenset({"rss"})),
        Route("r", ("x",), platforms=frozenset({"reddit"})),
        Route("r", ("x",), languages=frozenset({"fr"})),
        Route("r", ("x",), sentiments=frozenset({"positive"})),
    ):
        assert where([narrow]) == []
    assert where([Route("r", ("x",), stages=frozenset({Stage.PURCHASE}), touchpoints=frozenset({"delivery"}))]) == [
        ("x", "r")
    ]


routes = st.lists(
    st.builds(
        Route,
        name=st.sampled_from("abc"),
        to=st.lists(st.sampled_from("xyz"), min_size=1, max_size=3).map(tuple),
        urgency_at_least=st.sampled_from(list(Urgency)),
        stages=st.frozensets(st.sampled_from(list(Stage)), max_size=2),
        goes_on=st.booleans(),
    ),
    max_size=6,
)


@given(routes, st.sampled_from(list(Urgency)), st.sampled_from(list(Stage)))
def test_routing_is_total_stable_and_names_a_receiver_once(found: list[Route], urgency: Urgency, stage: Stage) -> None:
    first = where(found, urgency=urgency, stage=stage)
    assert first == where(found, urgency=urgency, stage=stage)
    assert len({receiver for receiver, _ in first}) == len(first)


def test_why_a_route_does_not_want_a_mention_is_said_for_each_condition() -> None:
    told = make_triaged()
    route = Route(
        "r", ("x",), stages=frozenset({Stage.USE}), touchpoints=frozenset({"app", "store"}), sources=frozenset({"hn"})
    )
    assert [str(one) for one in misfits(route, told.mention, told.verdict, "hn")] == [
        "its stage is purchase, not use",
        "its touchpoints are delivery, not app or store",
    ]
