"""The shelf in the store: one step one transaction, nothing left of what lost its words, a yes outlives retention."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from connectors.base import Author, Removal
from listener.cases.shelf import Move, No, PraiseState, Shelved, Step
from listener.digest.given import OnShelf
from listener.digest.labels import load
from listener.digest.quality import Response, ShelfFigures
from listener.digest.shelf import told
from listener.digest.week import Week
from listener.model import NotificationKind
from listener.slack.entries import message_for
from listener.store import Store
from listener.store.tables import METADATA, praise
from rules.vocabulary import Intent
from tests.fakes.story import NOON, page, post, settle_to, triaged
from tests.fakes.told import look

DAY, TTL = timedelta(days=1), timedelta(minutes=5)
LATER = NOON + 40 * DAY
SECRET = "zanzibar"  # a word that stands nowhere but in what is removed
NOTHING = Response(0, 0, 0, 0, measured=True, note="")
PRAISING = frozenset({Intent.PRAISE})


def move(step: Step, **more: object) -> Move:
    evidence = f"https://forum.example/{SECRET}/yes" if step is Step.GRANT else ""
    said = {"why": f"{SECRET} is lovely", "words": f"May we, {SECRET}?", "link": f"https://forum.example/{SECRET}"}
    return Move(step, "ann", "cli", evidence=evidence, **(said | more))  # type: ignore[arg-type]


def record(store: Store, *numbers: int, who: Callable[[int], str] = lambda _: SECRET, **verdict: object) -> None:
    posts = [
        triaged(
            post(number, text=f"I love Acme, says {SECRET}", author=Author(who(number), who(number), who(number))),
            **({"intents": PRAISING} | verdict),
        )
        for number in numbers
    ]
    store.register_sources({"forum": "replay"}, NOON)
    lease = store.lease("forum", "w", NOON, TTL, force=True)
    assert lease is not None
    store.record_page(lease, page(posts), posts, settle_to("console"), NOON)
    store.finish(lease, NOON, NOON)


def ref_of(store: Store) -> str:
    (one,) = store.counted(NOON, LATER)
    return one.ref


def everything(store: Store) -> str:
    with store.engine.connect() as connection:
        return "\n".join(
            json.dumps([str(value) for value in row])
            for table in METADATA.tables.values()
            for row in connection.execute(sa.select(table))
        )


@pytest.fixture
def shelved(store: Store) -> Store:
    """One post on the shelf, its author asked."""
    record(store, 1)
    ref = ref_of(store)
    assert isinstance(store.shelf_step(ref, move(Step.SHELVE), NOON), Shelved)
    assert isinstance(store.shelf_step(ref, move(Step.ASK), NOON + DAY), Shelved)
    return store


def purge(store: Store) -> int:
    return store.purge({"forum": LATER}, LATER).count


def test_an_entry_comes_back_as_it_was_stored_and_each_step_is_in_the_audit_trail(shelved: Store) -> None:
    ref = ref_of(shelved)
    until = LATER + DAY
    done = shelved.shelf_step(ref[:6], move(Step.GRANT, scope="website", until=until), NOON + 2 * DAY)
    assert isinstance(done, Shelved)
    assert shelved.shelf() == (done,)
    assert done.praise.grant is not None
    assert (done.praise.grant.until, done.praise.grant.scope) == (until, "website")
    assert shelved.shelf(PraiseState.ASKED) == ()
    trail = [(line.what, line.detail["to"]) for line in shelved.audit_trail()]
    assert trail == [("praise-grant", "granted"), ("praise-ask", "asked"), ("praise-shelve", "found")]


def test_what_is_refused_changes_nothing_and_leaves_no_line(shelved: Store) -> None:
    before = everything(shelved)
    ref = ref_of(shelved)
    assert shelved.shelf_step(ref, move(Step.SHELVE), LATER) is No.DONE
    assert shelved.shelf_step(ref, move(Step.WITHDRAW), LATER) is No.NOT_GRANTED
    assert shelved.shelf_step("ffffffff", move(Step.SHELVE), LATER) is None
    assert everything(shelved) == before


def test_a_step_through_the_case_edits_its_message_and_an_old_click_is_stale(shelved: Store) -> None:
    (entry,) = shelved.shelf()
    assert entry.case is not None
    view = shelved.case(entry.case)
    assert view is not None
    assert (view.shelf, view.case.revision) == ("asked", 3)
    assert shelved.shelf_step(entry.case, move(Step.REFUSE, revision=2), LATER) is No.STALE
    assert isinstance(shelved.shelf_step(entry.case, move(Step.REFUSE, revision=3), LATER), Shelved)
    kinds = [row.kind for row in shelved.notifications_of(entry.told.id)]
    assert kinds == [NotificationKind.CASE_OPEN, *3 * [NotificationKind.CASE_UPDATE]]
    history = [event.what for event in shelved.case_history(view.case.id)]
    assert history == ["opened", "praise-shelve", "praise-ask", "praise-refuse"]


def nothing_is_left(store: Store) -> None:
    assert store.shelf() == ()
    with store.engine.connect() as connection:
        assert connection.execute(sa.select(praise)).all() == []
    assert SECRET not in everything(store)
    while (delivery := store.claim("console", "s", LATER, TTL)) is not None:
        said = message_for(delivery, look(interactive=True), LATER)
        assert SECRET not in json.dumps([said.text, *said.blocks])
        store.mark_dead(delivery.id, "s", "seen", LATER)


@pytest.mark.parametrize("granted", [False, True])
def test_what_is_deleted_upstream_leaves_the_shelf_whatever_was_allowed(shelved: Store, granted: bool) -> None:
    if granted:
        shelved.shelf_step(ref_of(shelved), move(Step.GRANT), LATER)
    gone = [Removal("forum", "p1")]
    changed = shelved.record_look_up(
        ["forum"], ["p1"], [], gone, settle_to(), lambda *_: pytest.fail("nothing was edited"), LATER
    )
    assert changed.removed == 1
    nothing_is_left(shelved)


@pytest.mark.parametrize("granted", [False, True])
def test_an_author_who_is_forgotten_leaves_the_shelf_whatever_was_allowed(shelved: Store, granted: bool) -> None:
    if granted:
        shelved.shelf_step(ref_of(shelved), move(Step.GRANT), LATER)
    assert shelved.forget("forum", SECRET, "ann", LATER) == 1
    nothing_is_left(shelved)


def test_retention_takes_what_was_not_allowed_off_the_shelf(shelved: Store) -> None:
    ref = ref_of(shelved)
    assert purge(shelved) == 1
    nothing_is_left(shelved)
    assert shelved.shelf_step(ref, move(Step.SHELVE), LATER) is No.GONE


def test_praise_that_may_be_shown_outlives_retention_until_it_is_withdrawn(shelved: Store) -> None:
    record(shelved, 2)  # by the same author; nobody asked about this one
    (entry,) = shelved.shelf()
    shelved.shelf_step(entry.told.ref, move(Step.GRANT), LATER - DAY)
    assert shelved.purgeable({"forum": LATER}, LATER) == {"forum": 1}
    assert purge(shelved) == 1
    (kept,) = shelved.shelf(PraiseState.GRANTED)
    assert SECRET in kept.told.mention.text
    shelved.shelf_step(entry.told.ref, move(Step.WITHDRAW), LATER)
    assert purge(shelved) == 1
    nothing_is_left(shelved)


def test_what_may_be_shown_is_looked_up_however_old_it_is(shelved: Store) -> None:
    def asked_for() -> list[str]:
        return [known.external_id for known in shelved.to_check(["forum"], LATER, LATER - DAY, 10)]

    assert asked_for() == []  # and it is let go
    shelved.shelf_step(ref_of(shelved), move(Step.GRANT), LATER - DAY)
    assert asked_for() == ["p1"]


def test_permission_that_ended_keeps_nothing(shelved: Store) -> None:
    shelved.shelf_step(ref_of(shelved), move(Step.GRANT, until=LATER), NOON + 2 * DAY)
    assert shelved.purge({"forum": LATER}, LATER - DAY).count == 0
    assert purge(shelved) == 1
    nothing_is_left(shelved)


def test_how_many_stand_where_and_which_waits_longest(store: Store) -> None:
    record(store, 1, 2, 3, who=lambda number: f"a{number}")
    refs = [one.ref for one in store.counted(NOON, LATER)]
    for day, ref in enumerate(refs):
        store.shelf_step(ref, move(Step.SHELVE), NOON + day * DAY)
    assert store.shelf_standing().longest is None
    for day, ref in enumerate(reversed(refs[:2]), start=5):
        store.shelf_step(ref, move(Step.ASK), NOON + day * DAY)
    standing = store.shelf_standing()
    assert standing.counts == {PraiseState.FOUND: 1, PraiseState.ASKED: 2}
    assert standing.longest is not None
    assert standing.longest.told.ref == refs[1]


def test_people_who_come_back_to_praise_are_listed_and_others_not(store: Store) -> None:
    record(store, 1, 2, 3, who=lambda number: "twice" if number < 3 else "once")
    record(store, 4, 5, who=lambda _: "grumbler", intents=frozenset({Intent.PRAISE, Intent.COMPLAINT}))
    record(store, 6, 7, who=lambda _: "rival-fan", subject="rival:Polarex")
    record(store, 8, 9, who=lambda _: "seller", promotional=True)
    (one,) = store.loyal(NOON)
    assert (one.handle, one.platform, one.times, one.last_at) == ("twice", "forum", 2, NOON + timedelta(minutes=2))
    assert store.loyal(NOON + timedelta(minutes=2)) == ()


def on_shelf(store: Store, before: datetime) -> list[OnShelf]:
    return [OnShelf(one.at, one.mention, one.to.value) for one in store.shelf_steps(before)]


def test_the_digest_counts_the_shelf_by_what_was_done_in_the_week(store: Store) -> None:
    week = Week.containing(NOON)
    before, within, after = week.since - DAY, week.since + DAY, week.until + DAY
    record(store, *range(1, 7), who=lambda number: f"author {number}")
    refs = {one.mention.external_id: one.ref for one in store.stored(week.since, week.until)}
    first, second, third, fourth, fifth, sixth = (refs[f"p{number}"] for number in range(1, 7))
    for ref, at, *steps in (
        (first, before, Step.SHELVE, Step.ASK),  # waits since the week before
        (second, within, Step.SHELVE, Step.ASK, Step.GRANT),
        (third, within, Step.SHELVE, Step.ASK),
        (fourth, within, Step.SHELVE, Step.ASK, Step.REFUSE),
        (fifth, after, Step.SHELVE, Step.ASK),
        (sixth, within, Step.SHELVE, Step.ASK),  # its words go within the week
    ):
        for step in steps:
            assert isinstance(store.shelf_step(ref, move(step), at), Shelved)
    assert isinstance(store.shelf_step(third, move(Step.GRANT), after), Shelved)
    gone = [Removal("forum", "p6")]
    store.record_look_up(
        ["forum"], ["p6"], [], gone, settle_to(), lambda *_: pytest.fail("nothing was edited"), within + DAY
    )
    for known_until in (week.until, after + DAY):
        response = told(NOTHING, week, on_shelf(store, known_until), load())
        assert response.shelf == ShelfFigures(found=3, granted=1, waiting=2)  # the first and the third
        assert response.sentences == (
            "Praise to show: 3 new on the shelf, 1 allowed by their authors, 2 waiting for an answer.",
        )
    assert told(NOTHING, week.previous(2), on_shelf(store, week.until), load()) == NOTHING
