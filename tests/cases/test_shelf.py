"""What may follow on the shelf, and what a no forbids."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from listener.cases.asking import LANGUAGES, question
from listener.cases.shelf import STEPS, Move, No, Praise, PraiseState, Step, decide

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
FOUND = Praise(PraiseState.FOUND, NOW, "ann", NOW, "ann", "lovely")


def move(step: Step, **more: object) -> Move:
    plain = Move(step, "bob", "cli", evidence="https://forum.example/yes" if step is Step.GRANT else "")
    return replace(plain, **more)  # type: ignore[arg-type]  # the fields of a Move


def after(*steps: Step) -> Praise | No | None:
    entry: Praise | No | None = None
    for number, step in enumerate(steps):
        assert not isinstance(entry, No), steps
        entry = decide(entry, move(step), NOW + number * DAY)
    return entry


def test_an_entry_goes_from_found_to_asked_to_granted_and_remembers_who_did_what() -> None:
    asked = decide(FOUND, move(Step.ASK, words=" May we? ", link="https://forum.example/q"), NOW + DAY)
    assert isinstance(asked, Praise)
    assert asked.asked is not None
    assert (asked.state, asked.asked.words, asked.asked.who) == (PraiseState.ASKED, "May we?", "bob")
    until = NOW + 30 * DAY
    granted = decide(asked, move(Step.GRANT, scope="website with name", until=until), NOW + 2 * DAY)
    assert isinstance(granted, Praise)
    assert granted.grant is not None
    assert (granted.grant.scope, granted.grant.until) == ("website with name", until)
    assert (granted.found_by, granted.why, granted.asked) == ("ann", "lovely", asked.asked)
    assert granted.may_be_shown(until - DAY)
    assert not granted.may_be_shown(until)
    withdrawn = decide(granted, move(Step.WITHDRAW), NOW + 3 * DAY)
    assert isinstance(withdrawn, Praise)
    assert withdrawn.grant == granted.grant
    assert not withdrawn.may_be_shown(NOW + 3 * DAY)


@pytest.mark.parametrize(
    ("steps", "no"),
    [
        ((Step.ASK,), No.OFF),
        ((Step.WITHDRAW,), No.OFF),
        ((Step.SHELVE, Step.SHELVE), No.DONE),
        ((Step.SHELVE, Step.ASK, Step.ASK), No.DONE),
        ((Step.SHELVE, Step.GRANT, Step.GRANT), No.DONE),
        ((Step.SHELVE, Step.REFUSE, Step.REFUSE), No.DONE),
        ((Step.SHELVE, Step.GRANT, Step.WITHDRAW, Step.WITHDRAW), No.DONE),
        ((Step.SHELVE, Step.REFUSE, Step.SHELVE), No.DONE),
        ((Step.SHELVE, Step.REFUSE, Step.ASK), No.SAID_NO),
        ((Step.SHELVE, Step.GRANT, Step.WITHDRAW, Step.ASK), No.SAID_NO),
        ((Step.SHELVE, Step.GRANT, Step.WITHDRAW, Step.REFUSE), No.SAID_NO),
        ((Step.SHELVE, Step.GRANT, Step.ASK), No.HELD),
        ((Step.SHELVE, Step.GRANT, Step.REFUSE), No.HELD),
        ((Step.SHELVE, Step.ASK, Step.WITHDRAW), No.NOT_GRANTED),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(steps: tuple[Step, ...], no: No) -> None:
    assert after(*steps) is no


def test_a_yes_needs_evidence_and_a_time_to_come() -> None:
    assert decide(FOUND, move(Step.GRANT, evidence="  "), NOW) is No.EVIDENCE
    assert decide(FOUND, move(Step.GRANT, until=NOW), NOW) is No.PAST


def test_who_said_no_may_say_yes_and_another_scope_is_a_new_yes() -> None:
    assert isinstance(after(Step.SHELVE, Step.REFUSE, Step.GRANT), Praise)
    granted = after(Step.SHELVE, Step.GRANT)
    assert isinstance(granted, Praise)
    wider = decide(granted, move(Step.GRANT, scope="posters, too"), NOW + DAY)
    assert isinstance(wider, Praise)
    assert wider.grant is not None
    assert wider.grant.scope == "posters, too"


def test_the_menu_offers_exactly_what_is_not_refused() -> None:
    states = {None: (), PraiseState.FOUND: (Step.SHELVE,), PraiseState.ASKED: (Step.SHELVE, Step.ASK),
              PraiseState.GRANTED: (Step.SHELVE, Step.GRANT), PraiseState.REFUSED: (Step.SHELVE, Step.REFUSE),
              PraiseState.WITHDRAWN: (Step.SHELVE, Step.GRANT, Step.WITHDRAW)}  # fmt: skip
    for state, steps in states.items():
        entry = after(*steps)
        assert not isinstance(entry, No)
        assert (entry.state if entry else None) is state
        possible = tuple(step for step in Step if not isinstance(decide(entry, move(step), NOW), No))
        assert possible == STEPS[state]


def test_the_question_names_brand_use_and_that_a_no_is_fine_in_five_languages() -> None:
    assert {"en", "fr", "it", "es", "de"} == LANGUAGES
    said = {lang: question(lang, "Acme") for lang in LANGUAGES}
    assert len(set(said.values())) == 5
    assert all("Acme" in words and "{" not in words for words in said.values())
    assert "im Katalog" in question("de", "Acme", "im Katalog")
    assert question("pt", "Acme") == said["en"]
