"""Two senders that crash, oversleep and retry at will: what the receiver saw at the end.

The machine plays both senders and the receiver. A sender looks a doubtful delivery up before it sends (as the
daemon does with Slack) and sends only while its claim lasts; everything else may happen in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from connectors.base import Author
from listener.model import Delivery, NotificationKind, NotificationState, Receipt
from listener.store import Store
from rules.vocabulary import Urgency
from tests.fakes.story import NOON, page, post, settle_to, triaged

TTL = timedelta(minutes=2)
OWNERS = st.sampled_from(["left", "right"])


@dataclass
class Held:
    delivery: Delivery
    until: datetime
    sent: bool = False


def outbox_machine(store: Store) -> type[RuleBasedStateMachine]:
    """The machine over this store; each run has a receiver and authors of its own."""
    runs = count(1)
    store.register_sources({"forum": "replay"}, NOON)

    class Outbox(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.run = next(runs)
            self.receiver = f"receiver-{self.run}"
            self.now = NOON
            self.posts = 0
            self.held: dict[str, Held] = {}
            self.seen: list[tuple[str, Delivery]] = []  # what the receiver accepted, in order
            self.mention_ids: list[int] = []

        @rule(author=st.integers(1, 2), urgency=st.sampled_from(Urgency))
        def a_post_is_stored(self, author: int, urgency: Urgency) -> None:
            self.posts += 1
            name = f"r{self.run}a{author}"
            mention = replace(post(self.posts, author=Author(name)), external_id=f"r{self.run}p{self.posts}")
            lease = store.lease("forum", "poller", self.now, TTL, force=True)
            assert lease is not None
            one = triaged(mention, urgency=urgency)
            assert store.record_page(lease, page([one]), [one], settle_to(self.receiver), self.now).new == 1
            store.finish(lease, self.now, self.now)

        @rule(owner=OWNERS)
        def a_sender_claims(self, owner: str) -> None:
            self.held.pop(owner, None)  # whatever it had, it crashed
            delivery = store.claim(self.receiver, owner, self.now, TTL)
            if delivery is None:
                return
            others = [held for held in self.held.values() if held.until > self.now]
            assert delivery.case is not None
            for other in others:
                assert other.delivery.case is not None
                assert other.delivery.case.case.id != delivery.case.case.id
            assert delivery.doubtful or delivery.key not in [key for key, _ in self.seen]
            assert (delivery.parent is None) == (delivery.kind is NotificationKind.CASE_OPEN)
            self.held[owner] = Held(delivery, self.now + TTL)

        @precondition(lambda self: self.held)
        @rule(owner=OWNERS)
        def it_sends(self, owner: str) -> None:
            held = self.held.get(owner)
            if held is None or held.sent or held.until <= self.now:
                return
            found = held.delivery.doubtful and held.delivery.key in [key for key, _ in self.seen]
            if not found:
                self.seen.append((held.delivery.key, held.delivery))
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
            doubtful = held.sent or held.delivery.doubtful
            marked = store.mark_retry(held.delivery.id, owner, "timeout", later, self.now, doubtful=doubtful)
            assert marked or held.until <= self.now

        @precondition(lambda self: self.held)
        @rule(owner=OWNERS)
        def it_is_refused(self, owner: str) -> None:
            held = self.held.get(owner)
            if held is None or held.sent or held.delivery.doubtful:
                return
            del self.held[owner]
            store.mark_dead(held.delivery.id, owner, "refused", self.now)

        @rule(seconds=st.sampled_from([1, 30, 150]))
        def time_passes(self, seconds: int) -> None:
            self.now += timedelta(seconds=seconds)

        def teardown(self) -> None:
            self._drain()
            keys = [key for key, _ in self.seen]
            assert len(keys) == len(set(keys))
            refs = {delivery.case.case.ref for _, delivery in self.seen if delivery.case is not None}
            for ref in refs:
                view = store.case(ref)
                assert view is not None
                mine = [delivery for _, delivery in self.seen if delivery.case and delivery.case.case.ref == ref]
                assert mine[0].kind is NotificationKind.CASE_OPEN
                shown = [
                    one.case.case.revision for one in mine if one.case and one.kind is not NotificationKind.CASE_THREAD
                ]
                rows = {row.key: row for told in view.mentions for row in store.notifications_of(told.id)}.values()
                refused = any(row.state is NotificationState.DEAD for row in rows)
                assert refused or max(shown) == view.case.revision
                for row in rows:
                    assert row.state in (NotificationState.SENT, NotificationState.DEAD, NotificationState.FOLDED)
                    assert (row.state is NotificationState.SENT) == (row.key in keys)
                    assert refused or row.kind is not NotificationKind.CASE_THREAD or row.key in keys

        def _drain(self) -> None:
            self.held.clear()
            for _ in range(200):
                self.now += TTL + timedelta(seconds=1)
                self.a_sender_claims("left")
                if "left" not in self.held:
                    return
                self.it_sends("left")
                self.it_marks_sent("left")
            raise AssertionError("the outbox does not empty")

    return Outbox


def test_whatever_two_senders_do_each_thing_is_told_once_and_in_order(store: Store) -> None:
    """No interleaving of claims, crashes, late marks and retries loses, doubles or reorders."""
    machine = outbox_machine(store)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        ),
    )
