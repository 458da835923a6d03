"""Every minute: wake what slept long enough, and remind of what nobody has or nobody answered.

Nothing is remembered but the outbox itself: each reminder has a key of its own there, so it is said once, whenever this
runs and however often.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from listener.cases.clock import ServiceHours
from listener.cases.deeds import Deed, Wish, read_snooze
from listener.cases.plan import CaseNotification
from listener.cases.reminders import TOO_LATE, Reminder, reminders, said_since
from listener.model import Case, NewNotification, NotificationKind
from listener.store import Store
from listener.working import Desk
from rules.vocabulary import Urgency

log = structlog.get_logger()

EVERY = 60.0  # seconds
_CLOCK = "clock"  # meta key: the hours and targets that all due times were counted with
_CALLED = "called:"  # meta key: when a receiver's group was last called


@dataclass(frozen=True, slots=True)
class Calls:
    """Whom a receiver calls for a critical case, and who is told next."""

    groups: Mapping[str, str] = field(default_factory=dict)  # receiver -> Slack user group
    elsewhere: Mapping[str, str] = field(default_factory=dict)  # receiver -> the receiver that comes next


def mind(desk: Desk, calls: Calls, now: datetime, stopping: Callable[[], bool] = lambda: False) -> int:
    """One round. Returns how many cases woke or were reminded of."""
    done = 0
    sleepers = desk.store.sleeping(now)
    others = desk.store.authors_since([one for one in sleepers if read_snooze(one[0].snooze).authors is not None])
    for case, _ in sleepers:
        if stopping():
            return done
        if _is_over(case, others.get(case.id, 0), now):
            desk.do(case.ref, Wish(Deed.WAKE, "", "daemon", revision=case.revision), now)
            done += 1
    hours = desk.rules.hours
    unclaimed_since = now - TOO_LATE - hours.targets.escalate
    open_now = desk.store.unanswered(said_since(now, hours), now + hours.targets.remind, unclaimed_since)
    earned = [(case, list(reminders(case, since, now, hours))) for case, since in open_now]
    earned = [(case, wanted) for case, wanted in earned if wanted]
    if not earned:
        return done
    told = desk.store.told_of([case for case, _ in earned])
    known = desk.store.reminded([case for case, _ in earned])
    for case, wanted in earned:
        if stopping():
            break
        done += _remind(desk, calls, case, wanted, told.get(case.id, {}), known, now)
    return done


def keep_time(store: Store, hours: ServiceHours) -> None:
    """At the start: count anew when answers are due, if hours, days off or targets are others than they were."""
    spans = sorted((day, [(f"{opens}", f"{closes}") for opens, closes in spans]) for day, spans in hours.spans.items())
    targets = hours.targets
    replies = sorted(
        (name, f"{target}", name in targets.around_the_clock) for name, target in targets.first_reply.items()
    )
    said = repr((hours.zone.key, spans, sorted(map(str, hours.holidays)), replies))
    digest = hashlib.sha256(said.encode()).hexdigest()
    if store.get_meta(_CLOCK) == digest:
        return
    log.info("clocks_reset", cases=store.reset_clocks(hours))
    store.set_meta(_CLOCK, digest)


def _is_over(case: Case, others: int, now: datetime) -> bool:
    snooze = read_snooze(case.snooze)
    if snooze.until is not None and snooze.until <= now:
        return True
    return snooze.authors is not None and others >= snooze.authors


def _remind(
    desk: Desk,
    calls: Calls,
    case: Case,
    wanted: Sequence[Reminder],
    told: Mapping[str, datetime],
    known: Collection[str],
    now: datetime,
) -> int:
    said, store, apart = 0, desk.store, desk.rules.hours.targets.claim
    for one in wanted:
        for receiver, since in told.items():
            if one.at < since:
                continue  # whoever is told later need not hear what others were told
            if one.elsewhere:
                said += _tell_elsewhere(store, calls, case, receiver, told, now)
                continue
            key = f"case:{case.ref}:remind:{one.name}:{receiver}"
            if key in known:
                continue
            group = calls.groups.get(receiver) if one.calls else None
            if group is not None and not _may_call(store, receiver, apart, now):
                group = None
            payload: dict[str, str | None] = {"deed": one.step, "urgency": case.urgency.word, "group": group}
            if case.due_at is not None:
                payload["until"] = case.due_at.isoformat()
            urgency = Urgency.CRITICAL if one.calls else Urgency.NORMAL
            notification = NewNotification(
                key, NotificationKind.REMINDER, receiver, urgency, now, f"reminder:{one.step}", payload
            )
            said += store.enqueue_for_case([CaseNotification(notification, case.id)], now)
            if group is not None:
                store.set_meta(_CALLED + receiver, now.isoformat())
    if said:
        log.info("reminded", case=case.ref, of=said)
    return said


def _tell_elsewhere(store: Store, calls: Calls, case: Case, receiver: str, told: Collection[str], now: datetime) -> int:
    other = calls.elsewhere.get(receiver)
    if other is None or other in told:
        return 0
    opening = NewNotification(
        f"case:{case.ref}:escalated:rev{case.revision}:{other}",
        NotificationKind.CASE_OPEN,
        other,
        case.urgency,
        now,
        f"unclaimed-in:{receiver}",
    )
    return store.enqueue_for_case([CaseNotification(opening, case.id)], now)


def _may_call(store: Store, receiver: str, apart: timedelta, now: datetime) -> bool:
    last = store.get_meta(_CALLED + receiver)
    return not isinstance(last, str) or now - datetime.fromisoformat(last) >= apart
