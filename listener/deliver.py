"""Send what the outbox holds for one receiver: claim, look up, send, mark.

Claim and mark are short transactions; nothing is open while a socket is. A notification whose sender died, or
whose answer was lost, is looked up at the receiver before it is sent again, so it is told once. Where the
receiver has no history to look into, the repeat is marked as one. A receiver that asks to wait is left alone
until then; one that needs a person is stopped, and the operator hears of it another way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from listener.cases.clock import ServiceHours
from listener.cases.manners import manners
from listener.faults import place
from listener.model import (
    CannotLookUp,
    Delivery,
    MessageRefused,
    NewNotification,
    NotificationKind,
    PassingFailure,
    Receipt,
    Receiver,
    ReceiverStopped,
)
from listener.store import Store
from rules.vocabulary import Urgency

log = structlog.get_logger()

LEASE = timedelta(minutes=5)  # outlives the longest network time-out of a receiver by far
FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(minutes=15)
MOST_FAULTS = 5  # attempts after which a message that this program itself cannot say is given up


class Sent(StrEnum):
    """What one turn of the loop did; read by logs and tests."""

    SENT = "sent"
    FOUND = "found"  # an earlier attempt had got through
    RETRY = "retry"
    REFUSED = "refused"
    FAULT = "fault"  # of this program; tried a few times more
    STOPPED = "stopped"
    LEASE_LOST = "lease-lost"


@dataclass(frozen=True, slots=True)
class Outlet:
    """A receiver as the daemon drives it."""

    name: str
    receiver: Receiver
    pace: timedelta = timedelta(0)  # least time between two messages; Slack: one second a channel
    tell_instead: str | None = None  # the receiver that hears of it when this one is stopped or refuses
    quiet: ServiceHours | None = None  # its quiet hours
    singles_per_hour: int | None = None  # messages that open a case; further ones become a summary. None: no limit


def backoff(attempt: int) -> timedelta:
    """How long to wait after the `attempt`-th failure (1 is the first): doubling, capped."""
    doublings: int = min(max(attempt - 1, 0), 12)
    return min(FIRST_RETRY * (1 << doublings), LONGEST_RETRY)


def deliver(
    outlet: Outlet,
    store: Store,
    owner: str,
    clock: Callable[[], datetime],
    stopping: Callable[[], bool] = lambda: False,
) -> list[Sent]:
    """Send everything that is due for `outlet` now, most urgent first. Returns what each turn did.

    Ends when nothing is claimable (all sent, or the receiver has to wait), or after the message in hand once
    `stopping()` is true. Raises nothing that a receiver raises, not even its faults.
    """
    done: list[Sent] = []
    while not stopping():
        now = clock()
        wanted = manners(outlet.quiet, outlet.singles_per_hour, now)
        delivery = store.claim(outlet.name, owner, now, LEASE, wanted)
        if delivery is None:
            break
        did = _turn(outlet, delivery, store, owner, clock)
        log.info(
            "delivered",
            outlet=outlet.name,
            notification=delivery.id,
            kind=delivery.kind,
            attempt=delivery.attempt,
            did=did,
        )
        done.append(did)
    return done


def _turn(outlet: Outlet, delivery: Delivery, store: Store, owner: str, clock: Callable[[], datetime]) -> Sent:
    try:
        found = _look_up(outlet.receiver, delivery)
        receipt = found if found is not None else outlet.receiver.send(delivery)
    except PassingFailure as failure:
        now = clock()
        asked = timedelta(seconds=failure.retry_after) if failure.retry_after is not None else None
        again = now + max(asked or timedelta(0), timedelta(0) if asked else backoff(delivery.attempt))
        kept = store.mark_retry(
            delivery.id,
            owner,
            str(failure),
            again,
            now,
            hold_receiver_until=now + asked if asked else None,
            doubtful=failure.may_have_been_sent or delivery.doubtful,
        )
        return Sent.RETRY if kept else Sent.LEASE_LOST
    except ReceiverStopped as stop:
        now = clock()
        store.mark_retry(delivery.id, owner, str(stop), now, now, doubtful=delivery.doubtful)
        store.stop_receiver(outlet.name, str(stop), now)
        _tell_instead(
            outlet, store, f"stopped:{outlet.name}:{now:%Y-%m-%dT%H:%M}", f"{outlet.name} is stopped: {stop}", now
        )
        return Sent.STOPPED
    except MessageRefused as refusal:
        now = clock()
        store.mark_dead(delivery.id, owner, str(refusal), now)
        _tell_instead(outlet, store, f"refused:{delivery.key}", f"{outlet.name} refused {delivery.key}: {refusal}", now)
        return Sent.REFUSED
    except Exception as error:  # noqa: BLE001  # one message that cannot be said must not hold up the others
        return _fault(outlet, delivery, store, owner, clock(), error)
    now = clock()
    if not store.mark_sent(delivery.id, owner, receipt, now, next_at=now + outlet.pace if outlet.pace else None):
        return Sent.LEASE_LOST
    return Sent.FOUND if found is not None else Sent.SENT


def _fault(outlet: Outlet, delivery: Delivery, store: Store, owner: str, now: datetime, error: Exception) -> Sent:
    sentence = f"fault of listener, please report: {place(error)}"
    log.error("receiver_fault", outlet=outlet.name, notification=delivery.id, fault=place(error))
    if delivery.attempt < MOST_FAULTS:
        store.mark_retry(delivery.id, owner, sentence, now + backoff(delivery.attempt), now, doubtful=True)
        return Sent.FAULT
    store.mark_dead(delivery.id, owner, sentence, now)
    _tell_instead(outlet, store, f"refused:{delivery.key}", f"{outlet.name} cannot say {delivery.key}: {sentence}", now)
    return Sent.REFUSED


def _look_up(receiver: Receiver, delivery: Delivery) -> Receipt | None:
    if not delivery.doubtful:
        return None
    try:
        return receiver.find(delivery)
    except CannotLookUp:
        return None  # at most one repeat a crash, and `send` marks it as one (docs/delivery.md)


def _tell_instead(outlet: Outlet, store: Store, key: str, sentence: str, now: datetime) -> None:
    log.error("receiver_trouble", outlet=outlet.name, sentence=sentence)
    if outlet.tell_instead is None:
        return
    notice = NewNotification(
        key=f"notice:{key}:{outlet.tell_instead}",
        kind=NotificationKind.NOTICE,
        receiver=outlet.tell_instead,
        urgency=Urgency.HIGH,
        due_at=now,
        reason="receiver-trouble",
        payload={"text": sentence},
    )
    store.enqueue([notice], now)
