"""Nights, storms, crashes and refusals in any order: every post is shown to the receiver, and no message comes twice.

The machine plays posts, two senders and the receiver, as `test_outbox_interleavings` does, with the case logic of the
daemon and with manners that change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from connectors.base import Author
from listener.cases.clock import ServiceHours
from listener.cases.manners import Manners
from listener.cases.routing import Route
from listener.cases.settle import Settler
from listener.cases.telling import Rules
from listener.model import Delivery, NotificationKind, NotificationState, Receipt
from listener.store import Store
from rules.vocabulary import Urgency
from tests.fakes.story import NOON, page, post, triaged

TTL = timedelta(minutes=2)
OWNERS = st.sampled_from(["left", "right"])
SUMMARIES = (NotificationKind.SUMMARY, NotificationKind.SUMMARY_UPDATE)
EDITS = (NotificationKind.CASE_UPDATE, NotificationKind.SUMMARY_UPDATE)
SINGLES = 2


@dataclass
class Held:
    delivery: Delivery
    until: datetime
    sent: bool = False


def manners_machine(store: Store) -> type[RuleBasedStateMachine]:
    """The machine over this store; each run has a receiver and authors of its own."""
    runs = count(1)
    store.register_sources({"forum": "replay"}, NOON)

    class Polite(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.run = next(runs)
            self.receiver = f"polite-{self.run}"
            self.settler = Settler("forum", Rules((Route("all", (self.receiver,)),), ServiceHours(ZoneInfo("UTC"))))
            self.now, self.posts, self.quiet = NOON, 0, False
            self.opened_at: datetime | None = None
            self.held: dict[str, Held] = {}
            self.seen: list[Delivery] = []  # what the receiver accepted, in order

        @property
        def manners(self) -> Manners:
            return Manners(self.quiet, None if self.quiet else self.opened_at, SINGLES)

        @rule(authors=st.sets(st.integers(1, 6), min_size=1), urgency=st.sampled_from([*Urgency, Urgency.NORMAL]))
        def posts_are_stored(self, authors: set[int], urgency: Urgency) -> None:
            found = []
            for author in sorted(authors):
                self.posts += 1
                mention = post(
                    self.posts,
                    author=Author(f"q{self.run}a{author}"),
                    external_id=f"q{self.run}p{self.posts}",
                    published_at=self.now,
                )
                found.append(triaged(mention, urgency=urgency))
            lease = store.lease("forum", "poller", self.now, TTL, force=True)
            assert lease is not None
            assert store.record_page(lease, page(found), found, self.settler, self.now).new == len(found)
            store.finish(lease, self.now, self.now)

        @rule(most=st.integers(1, 5))
        def a_sender_works_without_trouble(self, most: int) -> None:
            for _ in range(most):
                if (one := store.claim(self.receiver, "quick", self.now, TTL, self.manners)) is None:
                    break
                known = one.key in [earlier.key for earlier in self.seen]
                if one.kind in EDITS or not (one.doubtful and known):
                    self.seen.append(one)
                assert store.mark_sent(one.id, "quick", Receipt({"ts": one.key}), self.now)

        @rule()
        def the_next_message_is_refused(self) -> None:
            one = store.claim(self.receiver, "unlucky", self.now, TTL, self.manners)
            if one is None:
                return
            if one.doubtful:
                store.mark_retry(one.id, "unlucky", "503", self.now, self.now)
            else:
                assert store.mark_dead(one.id, "unlucky", "refused", self.now)

        @rule()
        def night_falls_or_ends(self) -> None:
            self.quiet = not self.quiet
            if not self.quiet:
                self.opened_at = self.now

        @rule(owner=OWNERS)
        def a_sender_claims(self, owner: str) -> None:
            self.held.pop(owner, None)  # whatever it had, it crashed
            delivery = store.claim(self.receiver, owner, self.now, TTL, self.manners)
            if delivery is None:
                return
            if self.quiet:
                assert delivery.case is not None
                assert Urgency.CRITICAL in (delivery.urgency, delivery.case.case.urgency)
            assert delivery.doubtful or delivery.key not in [one.key for one in self.seen]
            assert (delivery.summary is not None) == (delivery.kind in SUMMARIES)
            assert delivery.kind is not NotificationKind.SUMMARY_UPDATE or delivery.parent is not None
            self.held[owner] = Held(delivery, self.now + TTL)

        @precondition(lambda self: self.held)
        @rule(owner=OWNERS)
        def it_sends(self, owner: str) -> None:
            held = self.held.get(owner)
            if held is None or held.sent or held.until <= self.now:
                return
            known = held.delivery.key in [one.key for one in self.seen]
            if held.delivery.kind in EDITS or not (held.delivery.doubtful and known):
                self.seen.append(held.delivery)
            held.sent = True

        @precondition(lambda self: self.held)
        @rule(owner=OWNERS)
        def it_marks_sent(self, owner: str) -> None:
            held = self.held.get(owner)
            if held is None or not held.sent:
                return
            del self.held[owner]
            marked = store.mark_sent(held.delivery.id, owner, Receipt({"ts": held.delivery.key}), self.now)
            assert marked or held.until <= self.now

        @precondition(lambda self: self.held)
        @rule(owner=OWNERS)
        def it_retries(self, owner: str) -> None:
            held = self.held.pop(owner, None)
            if held is None:
                return
            later = self.now + timedelta(seconds=30)
            store.mark_retry(
                held.delivery.id, owner, "503", later, self.now, doubtful=held.sent or held.delivery.doubtful
            )

        @rule(seconds=st.sampled_from([1, 30, 150, 2000]))
        def time_passes(self, seconds: int) -> None:
            self.now += timedelta(seconds=seconds)

        def teardown(self) -> None:
            self._drain()
            sent = [one.key for one in self.seen if one.kind not in EDITS]
            assert len(sent) == len(set(sent))
            shown: set[int] = set()
            for one in self.seen:
                views = [*(one.summary.cases if one.summary else ()), *([one.case] if one.case else [])]
                shown |= {told.id for view in views for told in view.mentions}
            for told in store.stored(NOON, self.now + TTL):
                if not told.mention.external_id.startswith(f"q{self.run}p"):
                    continue
                rows = store.notifications_of(told.id)
                states = {row.state for row in rows}
                assert states <= {NotificationState.SENT, NotificationState.DEAD, NotificationState.FOLDED}
                for row in rows:
                    assert row.state is not NotificationState.FOLDED or row.error
                assert NotificationState.DEAD in states or told.id in shown

        def _drain(self) -> None:
            self.quiet, self.opened_at = False, self.opened_at or self.now
            for owner in list(self.held):
                if self.held[owner].sent and self.held[owner].until > self.now:
                    self.it_marks_sent(owner=owner)
            self.held.clear()
            for _ in range(200):
                self.now += timedelta(seconds=31)
                before = -1
                while before != (before := len(self.seen)):
                    self.a_sender_works_without_trouble(most=5)
                counts = store.outbox(self.now).counts.get(self.receiver, {})
                if not counts.keys() & {NotificationState.PENDING, NotificationState.SENDING}:
                    return
            raise AssertionError("something waits for ever")

    return Polite


def test_every_post_is_shown_whatever_happens(store: Store) -> None:
    examples = 30 if store.kind == "sqlite" else 12
    run_state_machine_as_test(
        manners_machine(store),
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
