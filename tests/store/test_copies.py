"""Near copies, stored: one alert, an entry for the others, nothing that is said to nobody, and a way back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from connectors.base import Author, Mention, Page
from listener.cases.clock import ServiceHours
from listener.cases.deeds import Deed, Wish
from listener.cases.routing import Route
from listener.cases.settle import Settler
from listener.cases.telling import Rules
from listener.model import Case, CaseState, NotificationKind, Outcome, Triaged
from listener.store import Store, pages
from listener.store.copies import RecentTexts
from listener.store.engine import writing
from listener.store.tables import copies
from listener.store.values import NotificationRow
from listener.working import Desk, NoSuchCase
from rules.vocabulary import Urgency
from tests.fakes.story import verdict

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE, DAY, TTL = timedelta(minutes=1), timedelta(days=1), timedelta(minutes=5)
RULES = Rules(
    (Route("chiefs", ("chiefs",), urgency_at_least=Urgency.HIGH, goes_on=True), Route("all", ("care",))),
    ServiceHours(ZoneInfo("UTC")),
)
TEXT = "Acme deletes all photos of free accounts next week, tell your friends"
OPEN, NOTE, ENTRY = NotificationKind.CASE_OPEN, NotificationKind.CASE_NOTE, NotificationKind.CASE_THREAD


@pytest.fixture
def desk(store: Store) -> Desk:
    store.register_sources({"forum": "forum", "mirror": "forum"}, NOW)
    return Desk(store, RULES)


def said(
    name: str, author: str, text: str = TEXT, at: datetime = NOW, platform: str = "forum", **judged: object
) -> Triaged:
    return Triaged(Mention(platform, name, text, at, Author(author, author)), verdict(**judged))


def publish(store: Store, *posts: Triaged, at: datetime = NOW, source: str = "forum", rules: Rules = RULES) -> None:
    lease = store.lease(source, f"poller-{source}", at, TTL, force=True)
    assert lease is not None
    page = Page(tuple(one.mention for one in posts), {})
    store.record_page(lease, page, posts, Settler(source, rules), at)
    store.finish(lease, at, at)


def case_of(store: Store, author: str, platform: str = "forum") -> Case:
    (found,) = {
        one.case_ref
        for one in store.counted(NOW - 30 * DAY, NOW + 30 * DAY)
        if one.author_key == f"{platform}:{author}" and one.case_ref
    }
    view = store.case(found)
    assert view is not None
    return view.case


def outcome(store: Store, name: str) -> Outcome:
    every = [store.told(one.ref) for one in store.counted(NOW - 30 * DAY, NOW + 30 * DAY)]
    (found,) = [one.outcome for one in every if one is not None and one.mention.external_id == name]
    return found


def told(store: Store, case: Case) -> list[tuple[NotificationKind, str]]:
    return sorted((one.kind, one.receiver) for one in notifications(store, case))


def notifications(store: Store, case: Case) -> tuple[NotificationRow, ...]:
    view = store.case(case.ref)
    assert view is not None
    return store.notifications_of(view.mentions[0].id)


def test_the_same_text_by_another_author_is_an_entry_and_no_second_alert(desk: Desk) -> None:
    store = desk.store
    publish(store, said("1", "ann"))
    publish(store, said("2", "bob", f"{TEXT}!! #acme"), said("3", "cleo"))
    first, second = case_of(store, "ann"), case_of(store, "bob")
    assert first.id != second.id  # two customers, two stories
    assert told(store, first) == [(NOTE, "care"), (OPEN, "care")]
    assert told(store, second) == told(store, case_of(store, "cleo")) == []
    assert (outcome(store, "1"), outcome(store, "2")) == (Outcome.ALERTED, Outcome.FOLDED_DUPLICATE)
    (note,) = [one for one in notifications(store, first) if one.kind is NOTE]
    assert note.reason == "folded-duplicate"
    folded = store.case(second.ref)
    assert folded is not None
    assert f"like {first.ref}" in folded.mentions[0].verdict.lines[-1].evidence
    assert [event.what for event in store.case_history(second.id)] == ["opened", "folded-duplicate"]
    assert [event.what for event in store.case_history(first.id)] == ["opened", "copied", "copied"]
    assert store.totals().outcomes == {Outcome.ALERTED: 1, Outcome.FOLDED_DUPLICATE: 2}


def test_copies_on_one_page_are_one_alert_and_one_entry(desk: Desk) -> None:
    publish(
        desk.store,
        *(said(str(number), f"a{number}", at=NOW + number * MINUTE) for number in range(5)),
        at=NOW + 9 * MINUTE,
    )
    assert told(desk.store, case_of(desk.store, "a0")) == [(NOTE, "care"), (OPEN, "care")]
    assert desk.store.totals().outcomes == {Outcome.ALERTED: 1, Outcome.FOLDED_DUPLICATE: 4}
    assert len(desk.store.cases_in(CaseState.NEW)) == 5


def test_one_text_on_two_platforms_is_one_alert_and_never_one_person(desk: Desk) -> None:
    publish(desk.store, said("1", "ann"))
    publish(desk.store, said("2", "ann", platform="mastodon"), source="mirror")
    assert outcome(desk.store, "2") is Outcome.FOLDED_DUPLICATE
    assert case_of(desk.store, "ann").id != case_of(desk.store, "ann", "mastodon").id


def test_what_is_critical_is_always_told_singly(desk: Desk) -> None:
    publish(desk.store, said("1", "ann"))
    publish(desk.store, said("2", "bob", urgency=Urgency.CRITICAL))
    bob = case_of(desk.store, "bob")
    assert told(desk.store, bob) == [(OPEN, "care"), (OPEN, "chiefs")]
    view = desk.store.case(bob.ref)
    assert view is not None
    assert view.mentions[0].verdict.lines[-1].label == "near copy"


def test_who_was_not_told_of_the_first_is_told_of_the_copy(desk: Desk) -> None:
    publish(desk.store, said("1", "ann"))
    publish(desk.store, said("2", "bob", urgency=Urgency.HIGH))
    assert told(desk.store, case_of(desk.store, "bob")) == [(OPEN, "chiefs")]
    assert told(desk.store, case_of(desk.store, "ann")) == [(NOTE, "care"), (OPEN, "care")]
    assert outcome(desk.store, "2") is Outcome.ALERTED


@pytest.mark.parametrize("deed", [Deed.RESOLVE, Deed.IRRELEVANT])
def test_a_closed_case_hides_nobody(desk: Desk, deed: Deed) -> None:
    """Neither does one that nobody was told of; the copy is the first one for those that follow."""
    publish(desk.store, said("1", "ann"))
    desk.do(case_of(desk.store, "ann").ref, Wish(deed, "zoe", "cli"), NOW)
    publish(desk.store, said("2", "bob"))
    assert told(desk.store, case_of(desk.store, "bob")) == [(OPEN, "care")]
    publish(desk.store, said("3", "cleo"))
    assert told(desk.store, case_of(desk.store, "cleo")) == []
    assert (NOTE, "care") in told(desk.store, case_of(desk.store, "bob"))


def test_what_was_told_to_nobody_hides_nobody(desk: Desk) -> None:
    publish(desk.store, said("1", "ann"), rules=replace(RULES, alerts=False))
    publish(desk.store, said("2", "bob"))
    assert told(desk.store, case_of(desk.store, "bob")) == [(OPEN, "care")]


def test_after_seven_days_the_text_is_news_again(desk: Desk) -> None:
    publish(desk.store, said("1", "ann"))
    later = NOW + 7 * DAY + MINUTE
    publish(desk.store, said("2", "bob", at=later), at=later)
    assert outcome(desk.store, "2") is Outcome.ALERTED


def test_a_removed_text_has_no_copies(desk: Desk) -> None:
    """Its words leave the memory as well, whoever removed it."""
    store, texts, copy = desk.store, RecentTexts(), [said("3", "cleo")]
    publish(store, said("1", "ann"))
    assert len(texts.alike(store.engine, copy, NOW).ids) == 1
    with Store.open(store.engine.url.render_as_string(hide_password=False)) as elsewhere:
        assert elsewhere.forget("forum", "ann", "cli", NOW) == 1
    assert not texts.alike(store.engine, copy, NOW).ids
    publish(store, *copy)
    assert outcome(store, "3") is Outcome.ALERTED


def test_a_folded_author_who_goes_on_is_told_of(desk: Desk) -> None:
    publish(desk.store, said("1", "ann"))
    publish(desk.store, said("2", "bob"))
    publish(
        desk.store,
        said("3", "bob", "and nobody at Acme answers my mail about the album", at=NOW + MINUTE),
        at=NOW + MINUTE,
    )
    assert told(desk.store, case_of(desk.store, "bob")) == [(OPEN, "care")]
    assert outcome(desk.store, "3") is Outcome.JOINED_CASE


def test_a_fold_can_be_taken_back(desk: Desk) -> None:
    publish(desk.store, said("1", "ann"))
    publish(desk.store, said("2", "bob"))
    bob = case_of(desk.store, "bob")
    done = desk.unfold(bob.ref, "zoe", "cli", NOW + MINUTE)
    assert done.revision == bob.revision + 1
    assert told(desk.store, bob) == [(OPEN, "care")]
    assert told(desk.store, case_of(desk.store, "ann")) == [(NOTE, "care"), (NOTE, "care"), (OPEN, "care")]
    assert outcome(desk.store, "2") is Outcome.ALERTED
    with desk.store.engine.connect() as connection:
        (row,) = connection.execute(sa.select(copies))
    assert (row.folded, row.unfolded_by, row.likeness) == (False, "zoe", 1.0)
    with pytest.raises(NoSuchCase, match="no case that was folded"):
        desk.unfold(bob.ref, "zoe", "cli", NOW + MINUTE)


def test_copies_that_two_sources_store_at_once_are_told_once(desk: Desk) -> None:
    def poll(number: int) -> None:
        publish(desk.store, said(str(number), f"a{number}"), source=("forum", "mirror")[number])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(poll, range(2)))
    assert desk.store.totals().outcomes == {Outcome.ALERTED: 1, Outcome.FOLDED_DUPLICATE: 1}


def test_a_copy_stored_between_the_comparison_and_the_transaction_is_seen(desk: Desk) -> None:
    """Whoever comes second finds what another process stored meanwhile."""
    store, late = desk.store, [said("2", "bob")]
    publish(store, said("0", "zed", "something else altogether was said about Acme here"))
    lease = store.lease("mirror", "slow", NOW, TTL)
    assert lease is not None
    alike = RecentTexts().alike(store.engine, late, NOW)
    assert not alike.ids
    publish(store, said("1", "ann"))
    with writing(store.engine) as connection:
        pages.record(connection, lease, Page((late[0].mention,), {}), late, Settler("mirror", RULES), NOW, alike)
    assert outcome(store, "2") is Outcome.FOLDED_DUPLICATE
