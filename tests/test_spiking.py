"""Spikes from the page to the outbox: one live message, singles in its thread, nothing lost, an end, and what a person says."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from connectors.base import Author, Mention, Page, Removal
from listener import spiking
from listener.cases.clock import ServiceHours
from listener.cases.deeds import Deed, Wish
from listener.cases.manners import Manners
from listener.cases.routing import Route
from listener.cases.settle import Settler
from listener.cases.telling import Rules
from listener.model import CaseState, Delivery, NotificationKind, NotificationState, Receipt, Spike, SpikeState, Triaged
from listener.spiking import SpikeSettings, SpikeWatch
from listener.store import Store
from listener.store.tables import notifications, sources
from rules.vocabulary import Intent, Urgency
from tests.fakes.story import verdict

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)
ROUTES = (
    Route("fans", ("love",), intents=frozenset({Intent.PRAISE})),
    Route("care", ("care",), urgency_at_least=Urgency.NORMAL),
)
RULES = Rules(ROUTES, ServiceHours(UTC))  # type: ignore[arg-type]
STORM = Manners(singles_per_hour=20)
OPEN, SPIKE, EDIT = NotificationKind.CASE_OPEN, NotificationKind.SPIKE, NotificationKind.SPIKE_UPDATE


class World:
    """A store with one source that has listened for a while, the job, and receivers that take everything."""

    def __init__(self, store: Store, first: datetime = NOW - 60 * DAY) -> None:
        self.store = store
        store.register_sources({"forum": "forum", "old": "import"}, first)
        with store.engine.begin() as connection:
            connection.execute(sources.update().where(sources.c.name == "forum").values(first_success_at=first))
        self.watch = SpikeWatch(store, SpikeSettings(ROUTES))
        self.said: list[Delivery] = []
        self.number = 0

    def post(self, at: datetime, author: str | None = None, text: str = "", **more: object) -> Triaged:
        self.number += 1
        name = author or f"a{self.number}"
        words = text or f"Card declined at the checkout again {self.number}"
        mention = Mention(
            "forum", f"p{self.number}", words, at, Author(name, name), url=f"https://forum.example/p{self.number}"
        )
        more.setdefault("touchpoints", {"checkout": None})
        return Triaged(mention, verdict(**more))

    def store_page(self, posts: Sequence[Triaged], now: datetime, source: str = "forum", **rules: object) -> None:
        lease = self.store.lease(source, "poller", now, HOUR, force=True)
        assert lease is not None
        page = Page(tuple(one.mention for one in posts), {})
        settler = Settler(source, replace(RULES, **rules))  # type: ignore[arg-type]
        self.store.record_page(lease, page, posts, settler, now)
        self.store.finish(lease, now, now)

    def background(self, per_day: int, days: int = 29) -> None:
        """Complaints of the past, counted and told to nobody, as a daemon that ran so long would have them."""
        rng = random.Random(1)
        posts = [
            self.post(NOW - number * DAY + timedelta(seconds=rng.randrange(86_400) - 86_400), text=f"the checkout was slow {rng.random()}")
            for number in range(days) for _ in range(per_day)
        ]  # fmt: skip
        for start in range(0, len(posts), 500):
            self.store_page(posts[start : start + 500], NOW - HOUR, alert_max_age=timedelta(0))
        for number in range(20):
            self.watch.look(NOW - HOUR - 20 * MINUTE + number * MINUTE)

    def deliver(self, now: datetime, manners: Manners = STORM) -> list[Delivery]:
        said = []
        for receiver in ("care", "love"):
            while (one := self.store.claim(receiver, "sender", now, HOUR, manners)) is not None:
                receipt = {"channel": receiver, "ts": str(one.id)}
                if one.kind is OPEN and one.parent is not None:
                    receipt["thread"] = str(one.parent.data["ts"])
                assert self.store.mark_sent(one.id, "sender", Receipt(receipt), now)
                said.append(one)
        self.said += said
        return said

    def minute(self, now: datetime, posts: Sequence[Triaged] = ()) -> list[Delivery]:
        if posts:
            self.store_page(posts, now)
        self.watch.look(now)
        return self.deliver(now)

    def spikes(self) -> list[Spike]:
        return self.store.spikes(NOW - 60 * DAY)

    def openings(self) -> list[sa.Row[tuple[object, ...]]]:
        with self.store.engine.connect() as connection:
            return list(connection.execute(sa.select(notifications).where(notifications.c.kind == OPEN.value)))


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def burst(world: World, count: int, minutes: int, critical: int = 0, start: datetime = NOW, **more: object) -> datetime:
    """So many posts over so many minutes, a page, a look and a round of sending every minute; returns the last minute."""
    at = start
    for minute in range(minutes):
        at = start + minute * MINUTE
        size = count * (minute + 1) // minutes - count * minute // minutes
        posts = []
        for number in range(size):
            grave = critical * (minute + 1) // minutes - critical * minute // minutes > number
            level = {"urgency": Urgency.CRITICAL} if grave else {}
            posts.append(world.post(at - timedelta(seconds=number % 50), **{**more, **level}))
        world.minute(at, posts)
    return at


def test_three_hundred_complaints_in_ten_minutes_make_one_spike_and_nothing_is_lost(world: World) -> None:
    world.background(3)
    at = burst(world, 300, 10, critical=5)
    for minute in range(1, 5):
        world.minute(at + minute * MINUTE)
    messages = [one for one in world.said if one.kind is SPIKE]
    assert [one.receiver for one in messages] == ["care"]
    rows = world.openings()
    in_thread = [row for row in rows if row.summary_id is not None and row.state == NotificationState.SENT.value]
    in_summary = [row for row in rows if row.state == NotificationState.FOLDED.value]
    singles = [row for row in rows if row.summary_id is None and row.state == NotificationState.SENT.value]
    critical = [row for row in singles if row.urgency == int(Urgency.CRITICAL)]
    assert len(critical) == 5
    assert len(singles) - len(critical) <= 20
    assert len(singles) + len(in_thread) + len(in_summary) == 300 == len(rows)
    assert len(in_thread) > 200
    (spike,) = world.spikes()
    assert all(f"folded-spike:{spike.ref}" in row.reason for row in in_thread)
    assert (spike.kind, spike.state, spike.authors, spike.posts) == ("complaint:checkout", SpikeState.OPEN, 300, 300)
    assert spike.urgency is Urgency.CRITICAL
    assert world.store.folded(spike.ref) == len(in_thread)
    told = {row.case_id for row in rows}
    assert told < {case.id for case in world.store.cases_in(CaseState.NEW)}  # all are there to be worked


def test_the_live_message_is_edited_as_it_grows_at_most_every_two_minutes_and_when_it_ends(world: World) -> None:
    world.background(3)
    at = burst(world, 60, 10)
    edits = [one for one in world.said if one.kind is EDIT]
    assert 3 <= len(edits) <= 5
    assert all(one.parent is not None and one.parent.data["ts"] for one in edits)
    assert world.spikes()[0].state is SpikeState.OPEN
    for minute in range(1, 90):
        world.minute(at + minute * MINUTE)
    (spike,) = world.spikes()
    assert spike.state is SpikeState.ENDED
    assert spike.ended_at is not None
    assert HOUR - 15 * MINUTE <= spike.ended_at - at <= HOUR + 5 * MINUTE
    last = [one for one in world.said if one.kind is EDIT][-1]
    assert last.spike is not None
    assert last.spike.spike.state is SpikeState.ENDED
    assert last.spike.folded == world.store.folded(spike.ref)
    world.minute(at + 2 * HOUR, [world.post(at + 2 * HOUR)])
    assert world.said[-1].kind is OPEN
    assert world.said[-1].folded_in == ""


def test_what_happens_to_a_folded_case_is_told_in_the_spike_s_thread(world: World) -> None:
    world.background(3)
    at = burst(world, 60, 6)
    folded = [one for one in world.said if one.kind is OPEN and one.folded_in]
    one = folded[-1]
    assert one.parent is not None
    assert one.case is not None
    message = next(said for said in world.said if said.kind is SPIKE)
    assert one.parent.data["ts"] == str(message.id)
    author = one.case.mentions[0].mention.author.id
    said = world.minute(at + MINUTE, [world.post(at + MINUTE, author=author, text="Still declined")])
    follow = [each for each in said if each.case is not None and each.case.case.ref == one.case.case.ref]
    assert [each.kind for each in follow] == [NotificationKind.CASE_UPDATE, NotificationKind.CASE_THREAD]
    assert {each.folded_in for each in follow} == {world.spikes()[0].ref}
    assert {each.parent and each.parent.data["thread"] for each in follow} == {str(message.id)}


def test_a_folded_case_that_becomes_critical_gets_a_message_of_its_own(world: World) -> None:
    world.background(3)
    at = burst(world, 60, 6)
    one = next(said for said in reversed(world.said) if said.kind is OPEN and said.folded_in)
    assert one.case is not None
    wish = Wish(Deed.ESCALATE, "ann", "cli", urgency=Urgency.CRITICAL)
    world.store.transition(one.case.case.ref, wish, RULES.hours, lambda *_: (), at)
    said = world.deliver(at + MINUTE)
    assert [each.kind for each in said if not each.folded_in] == [OPEN]
    own = next(each for each in said if each.kind is OPEN)
    world.store.transition(one.case.case.ref, Wish(Deed.CLAIM, "ann", "cli"), RULES.hours, lambda *_: (), at)
    after = world.deliver(at + 2 * MINUTE)
    assert {each.parent and each.parent.data["ts"] for each in after} == {str(own.id)}
    assert {each.folded_in for each in after} == {""}


def test_praise_rises_on_the_praise_route(world: World) -> None:
    world.background(3)
    joy = {"intents": frozenset({Intent.PRAISE}), "sentiment_label": "positive", "urgency": Urgency.LOW}
    burst(world, 20, 5, **joy)
    message = next(one for one in world.said if one.kind is SPIKE)
    assert message.receiver == "love"
    assert message.spike is not None
    assert (message.spike.spike.kind, message.spike.spike.urgency) == ("praise:checkout", Urgency.NORMAL)


def test_one_voice_and_old_and_imported_posts_and_those_kept_quiet_are_no_spike(world: World) -> None:
    world.background(3)
    world.minute(NOW, [world.post(NOW - number * timedelta(seconds=9), author="one") for number in range(40)])
    world.minute(NOW + MINUTE, [world.post(NOW - 2 * DAY - number * MINUTE) for number in range(60)])
    world.store_page([world.post(NOW) for _ in range(60)], NOW + MINUTE, source="old", alerts=False)
    world.store_page([world.post(NOW) for _ in range(60)], NOW + MINUTE, alerts=False)
    world.store_page([world.post(NOW, relevant=False, subject="none") for _ in range(60)], NOW + MINUTE)
    world.minute(NOW + 2 * MINUTE)
    assert world.spikes() == []


def test_a_source_that_comes_back_after_hours_makes_no_spike(world: World) -> None:
    """Thirty an hour are usual; six hours of them are read at once."""
    world.background(480, days=20)
    back = [world.post(NOW - number * 2 * MINUTE) for number in range(180)]
    world.store_page(back, NOW)
    world.watch.look(NOW)
    assert world.spikes() == []


def test_the_first_days_are_judged_by_the_plain_rule(store: Store) -> None:
    world = World(store, first=NOW - DAY)
    world.minute(NOW, [world.post(NOW - MINUTE) for _ in range(7)])
    assert world.spikes() == []
    world.minute(NOW + MINUTE, [world.post(NOW)])
    (spike,) = world.spikes()
    assert spike.figures["plain"] is True


def test_without_a_route_a_spike_is_kept_and_told_to_nobody_and_nothing_folds(store: Store) -> None:
    world = World(store)
    world.watch = SpikeWatch(store, SpikeSettings(()))
    world.background(3)
    burst(world, 15, 5)
    assert len(world.spikes()) == 1
    assert {one.folded_in for one in world.said} == {""}
    assert sum(one.kind is OPEN for one in world.said) == 15


def test_two_daemons_open_one_spike(world: World) -> None:
    world.background(3)
    other = SpikeWatch(world.store, SpikeSettings(ROUTES))
    world.store_page([world.post(NOW) for _ in range(12)], NOW)
    world.watch.look(NOW + MINUTE)
    other.look(NOW + MINUTE)
    again = replace(world.spikes()[0], id=0, ref="")
    assert world.store.begin_spike(again, [("care", "care")], NOW + MINUTE) is None
    assert len(world.spikes()) == 1


def test_while_the_spike_s_message_is_not_posted_its_cases_wait_and_where_it_is_refused_they_are_told_singly(
    world: World,
) -> None:
    world.background(3)
    world.store_page([world.post(NOW) for _ in range(8)], NOW)
    world.watch.look(NOW + MINUTE)
    message = world.store.claim("care", "other", NOW + MINUTE, HOUR)
    assert message is not None
    assert message.kind is SPIKE
    assert world.deliver(NOW + MINUTE) == []
    assert world.store.mark_dead(message.id, "other", "refused", NOW + 2 * MINUTE)
    said = world.deliver(NOW + 3 * MINUTE)
    assert [(one.kind, one.folded_in, one.parent) for one in said] == [(OPEN, "", None)] * 8


def test_a_doubtful_entry_is_looked_up_and_repeated_in_the_same_thread(world: World) -> None:
    world.background(3)
    at = burst(world, 12, 3)
    world.store_page([world.post(at)], at)
    lost = world.store.claim("care", "dead", at + MINUTE, MINUTE)
    assert lost is not None
    assert lost.folded_in
    again = world.store.claim("care", "sender", at + 3 * MINUTE, HOUR)
    assert again is not None
    assert (again.id, again.doubtful, again.folded_in, again.parent) == (lost.id, True, lost.folded_in, lost.parent)


def test_over_night_the_spike_waits_for_opening_and_its_cases_with_it(world: World) -> None:
    world.background(3)
    night = Manners(quiet=True, singles_per_hour=20)
    world.store_page([world.post(NOW) for _ in range(12)], NOW)
    world.watch.look(NOW + MINUTE)
    assert world.deliver(NOW + MINUTE, night) == []
    for minute in range(2, 120):
        world.watch.look(NOW + minute * MINUTE)
    morning = Manners(opened_at=NOW + 10 * HOUR, singles_per_hour=20)
    said = world.deliver(NOW + 10 * HOUR + MINUTE, morning)
    said += world.deliver(NOW + 10 * HOUR + 2 * MINUTE, morning)
    assert Counter(one.kind for one in said) == {SPIKE: 1, OPEN: 12}
    assert all(one.folded_in for one in said if one.kind is OPEN)


def test_a_removed_post_leaves_the_spike_s_examples(world: World) -> None:
    world.background(3)
    at = burst(world, 12, 3)
    message = next(one for one in world.said if one.kind is SPIKE)
    assert message.spike is not None
    gone = message.spike.examples[0]
    lease = world.store.lease("forum", "poller", at, HOUR, force=True)
    assert lease is not None
    settler = Settler("forum", RULES)
    page = Page((), {}, removed=(Removal("forum", gone.mention.external_id),))
    world.store.record_page(lease, page, (), settler, at, (), settler.revise)
    said = world.deliver(at + MINUTE)
    edit = next(one for one in said if one.kind is EDIT)
    assert edit.spike is not None
    assert gone.id not in [told.id for told in edit.spike.examples]
    assert edit.payload["removed"] is True


def test_new_words_are_named(world: World) -> None:
    world.background(3)
    burst(world, 30, 5)
    words = [word for word, _ in world.spikes()[0].figures["words"]]
    assert "card declined" in words


def test_a_person_ends_a_spike_or_says_that_it_was_nothing_or_expected(world: World) -> None:
    world.background(3)
    at = burst(world, 20, 4)
    (spike,) = world.spikes()
    assert world.store.change_spike(spiking.end(spike, "ann", at), "deed", at)
    assert not world.store.change_spike(spiking.end(spike, "ann", at), "deed", at)  # it changed meanwhile
    at = burst(world, 20, 4, start=at + MINUTE)
    assert len(world.spikes()) == 1  # not told anew for three hours
    assert world.said[-1].folded_in == ""
    at = burst(world, 20, 4, start=at + 4 * HOUR)
    second = world.spikes()[-1]
    assert second.id != spike.id
    later = at + 6 * HOUR
    assert world.store.change_spike(spiking.expected(second, "ann", later, at), "deed", at)
    burst(world, 20, 4, start=at + HOUR)
    assert len(world.spikes()) == 2
    edit = next(one for one in reversed(world.said) if one.kind is EDIT)
    assert edit.spike is not None
    assert edit.spike.spike.state is SpikeState.EXPECTED


def test_an_announced_event_makes_no_spike(world: World) -> None:
    world.background(3)
    announced = spiking.announced("complaint:checkout", "ann", NOW - HOUR, NOW + 5 * HOUR, NOW)
    assert world.store.begin_spike(announced, (), NOW) is not None
    burst(world, 30, 5)
    assert [one.state for one in world.spikes()] == [SpikeState.EXPECTED]
    burst(world, 30, 5, touchpoints={"app": None}, start=NOW + 10 * MINUTE)
    assert [one.kind for one in world.spikes()] == ["complaint:checkout", "complaint:app"]


@pytest.mark.parametrize("known", ["nobody", "announced", "announced for all", "confirmed", "a false alarm"])
def test_posts_of_an_event_that_was_expected_or_real_do_not_become_what_is_usual(world: World, known: str) -> None:
    begin = NOW - 5 * DAY - 3 * HOUR
    until = begin + 6 * HOUR
    loud = [
        world.post(begin + number * MINUTE, text=f"the sale is on and the checkout is slow {number}")
        for number in range(300)
    ]
    world.store_page(loud, NOW - 2 * HOUR, alert_max_age=timedelta(0))
    if known.startswith("announced"):
        kind = "all" if known.endswith("all") else "complaint:checkout"
        event = spiking.announced(kind, "ann", begin, until, begin, "Black Friday")
    else:
        event = replace(spiking.announced("complaint:checkout", "ann", begin, until, begin), state=SpikeState.ENDED)
        if known == "a false alarm":
            event = replace(event, state=SpikeState.FALSE)
    if known != "nobody":
        assert world.store.begin_spike(event, (), begin) is not None
    world.background(3)
    burst(world, 14, 7)
    found = [one for one in world.spikes() if one.begun_at > NOW - HOUR]
    if known in ("nobody", "a false alarm"):  # the hours of the sale are as usual as any
        assert found == []
        return
    (spike,) = found
    assert spike.authors == 14
    assert spike.expected < 1
    assert {one.kind for one in world.said} >= {SPIKE, OPEN}


@pytest.mark.parametrize("kind", ["complaint:checkout", "complaint", "all", None])
def test_a_number_is_expected_as_if_the_announced_event_had_not_been(world: World, kind: str | None) -> None:
    begin = NOW - 5 * DAY - 3 * HOUR
    sale = [world.post(begin + number * 7 * MINUTE, text=f"the sale is on and slow {number}") for number in range(40)]
    world.store_page(sale, NOW - 2 * HOUR, alert_max_age=timedelta(0))
    if kind is not None:
        event = spiking.announced(kind, "ann", begin, begin + 6 * HOUR, begin, "Black Friday")
        assert world.store.begin_spike(event, (), begin) is not None
    world.background(3)
    burst(world, 60, 7)
    (spike,) = (one for one in world.spikes() if one.state is SpikeState.OPEN)
    if kind is None:
        assert 0.22 < spike.expected < 0.3
    else:
        assert 0.13 < spike.expected < 0.16  # three a day of 24 hours, and the hour that began


@pytest.mark.parametrize("said", ["nothing", "claimed", "over", "a false alarm"])
def test_a_spike_that_a_person_took_on_is_found_again_two_days_later(world: World, said: str) -> None:
    """Three hundred in an hour, and then fourteen: a rise only where the three hundred do not count as usual."""
    world.background(3)
    at = burst(world, 300, 10)
    (first,) = world.spikes()
    decided = {
        "nothing": first,
        "claimed": spiking.claimed(first, "ann", at),
        "over": spiking.end(first, "ann", at),
        "a false alarm": spiking.false_alarm(first, "ann", at),
    }[said]
    assert decided is first or world.store.change_spike(decided, "deed", at)
    for hours in range(1, 25):
        world.minute(at + hours * HOUR)
    burst(world, 14, 7, start=NOW + 2 * DAY + HOUR)
    again = [(one.kind, one.authors) for one in world.spikes() if one.ref != first.ref]
    assert again == ([("complaint:checkout", 14)] if said in ("claimed", "over") else [])


def test_an_event_that_was_called_off_hides_no_spike(world: World) -> None:
    world.background(3)
    for begins in (NOW - HOUR, NOW + HOUR):
        event = spiking.announced("all", "ann", begins, begins + 12 * HOUR, NOW - HOUR)
        kept = world.store.begin_spike(event, (), NOW - HOUR)
        assert kept is not None
        assert world.store.change_spike(spiking.called_off(kept, NOW - MINUTE), "deed", NOW - MINUTE)
    burst(world, 12, 6, start=NOW + 2 * HOUR)
    assert [one.kind for one in world.spikes() if one.state is SpikeState.OPEN] == ["complaint:checkout"]


def test_within_an_expected_event_cases_are_told_singly_and_nobody_hears_of_the_event(world: World) -> None:
    world.background(3)
    event = spiking.announced("all", "ann", NOW - HOUR, NOW + 5 * HOUR, NOW, "Black Friday")
    assert world.store.begin_spike(event, (), NOW) is not None
    burst(world, 12, 6)
    assert [one.kind for one in world.said] == 12 * [OPEN]
    assert all(one.parent is None for one in world.said)


def test_days_that_were_never_counted_are_counted_a_few_a_look(world: World) -> None:
    world.watch.look(NOW)
    first = len(world.store.days_counted())
    world.watch.look(NOW + MINUTE)
    assert (first, len(world.store.days_counted())) == (4, 8)
    for number in range(2, 20):
        world.watch.look(NOW + number * MINUTE)
    assert len(world.store.days_counted()) == 57
