"""What a person does to a case, decided: who may have it, what state it takes, when its clock runs, what is told.

Pure: a case as it stands and a `Wish` come in, a `Decision` or a `Refusal` comes out. Whatever is repeated does no harm:
a deed that is done already is refused with the word `done`, one on an old revision with `stale`, so a click that is
delivered twice changes nothing. States: new → claimed → replied → waiting → resolved; snoozed and not relevant
beside them (PRODUCT §4). The store keeps what is decided in one transaction with what it makes known (`Store.transition`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from listener.cases.clock import ServiceHours, due_at
from listener.cases.plan import CLOSED_STATES, CaseEvent
from listener.cases.turns import Turn, turned
from listener.model import Case, CaseState
from rules.vocabulary import Urgency


class Deed(StrEnum):
    """What can be done. The words are those of the command line, of Slack's buttons and of a case's history."""

    CLAIM = "claim"
    RELEASE = "release"
    REPLIED = "replied"
    WAIT = "wait"
    SNOOZE = "snooze"
    WAKE = "wake"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    IRRELEVANT = "irrelevant"
    ESCALATE = "escalate"
    CORRECT = "correct"


@dataclass(frozen=True, slots=True)
class Snooze:
    """Until when a case sleeps: whichever is said; without any, until somebody wakes it."""

    until: datetime | None = None
    next_post: bool = False  # until its author posts again
    authors: int | None = None  # until so many more authors say the same


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants. `revision` is the one they saw; None where they saw none (the command line)."""

    deed: Deed
    who: str  # a Slack user id, or a name; empty: the daemon
    through: str  # "slack", "cli", "daemon"
    revision: int | None = None
    reason: str = ""
    snooze: Snooze = field(default_factory=Snooze)
    urgency: Urgency | None = None  # of CORRECT and ESCALATE
    changes: Mapping[str, Any] = field(default_factory=dict)  # of CORRECT: field of the verdict -> new value


class Why(StrEnum):
    """Why a wish is refused; each has a sentence in every language of the interface."""

    DONE = "done"  # it is so already
    TAKEN = "taken"  # somebody else has it
    STALE = "stale"  # the message showed an older revision
    CLOSED = "closed"
    OPEN = "open"  # only a closed case can be reopened
    TOP = "top"  # nothing is above critical
    GONE = "gone"  # all its posts were removed
    BUSY = "busy"  # a public reply to it is on its way


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing was changed."""

    why: Why
    case: Case


@dataclass(frozen=True, slots=True)
class Decision:
    """The case as it shall stand (its revision one higher), and what its history says."""

    case: Case
    event: CaseEvent


def decide(case: Case, wish: Wish, now: datetime, hours: ServiceHours) -> Decision | Refusal:
    """What follows from a wish."""
    refused = _refused(case, wish)
    if refused is not None:
        return Refusal(refused, case)
    changed = _changed(case, wish, now, hours)
    detail: dict[str, Any] = {"from": case.state.value, "to": changed.state.value}
    if changed.urgency is not case.urgency:
        detail |= {"urgency_from": case.urgency.word, "urgency": changed.urgency.word}
    if wish.reason:
        detail["reason"] = wish.reason
    if wish.deed is Deed.SNOOZE:
        detail |= snooze_values(wish.snooze)
    if wish.changes:
        detail["changes"] = dict(wish.changes)
    detail |= _turn(case, changed, wish, now)
    event = CaseEvent(case.id, now, wish.deed.value, wish.who, wish.through, detail)
    return Decision(replace(changed, revision=case.revision + 1), event)


def merged(source: Case, target: Case) -> tuple[Case, Case]:
    """`target` with all posts of `source`, and `source` without any. An answer that one of them waits for is still due."""
    awake = (CaseState.NEW, CaseState.CLAIMED)
    owner = target.owner or source.owner
    comes_back = source.state in awake and target.state not in awake
    waiting = [case.due_at for case in (source, target) if case.state in (*awake, CaseState.SNOOZED) and case.due_at]
    grown = replace(
        target,
        state=(CaseState.CLAIMED if owner else CaseState.NEW) if target.state in awake or comes_back else target.state,
        owner=owner,
        snooze=None if comes_back else target.snooze,
        urgency=max(target.urgency, source.urgency),
        due_at=min(waiting, default=None),
        last_mention_at=max(target.last_mention_at, source.last_mention_at),
        mention_count=target.mention_count + source.mention_count,
        touchpoints=target.touchpoints | source.touchpoints,
        revision=target.revision + 1,
    )
    emptied = replace(
        source, state=CaseState.RESOLVED, mention_count=0, due_at=None, snooze=None, revision=source.revision + 1
    )
    return grown, emptied


def snooze_values(snooze: Snooze) -> dict[str, Any]:
    """As JSON, with what is said."""
    values: dict[str, Any] = {}
    if snooze.until is not None:
        values["until"] = snooze.until.astimezone(UTC).isoformat()  # sorts by time
    if snooze.next_post:
        values["next_post"] = True
    if snooze.authors is not None:
        values["authors"] = snooze.authors
    return values


def read_snooze(values: Mapping[str, Any] | None) -> Snooze:
    """Back from JSON."""
    values = values or {}
    until = values.get("until")
    return Snooze(
        datetime.fromisoformat(until) if isinstance(until, str) else None,
        values.get("next_post") is True,
        values.get("authors"),
    )


def _refused(case: Case, wish: Wish) -> Why | None:
    state, deed = case.state, wish.deed
    closed = state in CLOSED_STATES
    if _is_done(case, wish):
        return Why.DONE
    if deed is Deed.CLAIM and state is not CaseState.NEW and case.owner not in (None, wish.who) and not closed:
        return Why.TAKEN  # said before the revision is: whoever lost a race wants to know to whom
    if wish.revision is not None and wish.revision != case.revision:
        return Why.STALE
    if deed is Deed.REOPEN:
        return None if closed else Why.OPEN
    if closed and deed is not Deed.CORRECT:
        return Why.CLOSED
    if deed is Deed.ESCALATE and case.urgency is Urgency.CRITICAL:
        return Why.TOP
    if deed is Deed.WAKE and state is not CaseState.SNOOZED:
        return Why.DONE
    return None


def _is_done(case: Case, wish: Wish) -> bool:
    state = case.state
    match wish.deed:
        case Deed.CLAIM:
            return state is CaseState.CLAIMED and case.owner == wish.who
        case Deed.RELEASE:
            return case.owner is None
        case Deed.REPLIED:
            return state is CaseState.REPLIED
        case Deed.WAIT:
            return state is CaseState.WAITING
        case Deed.RESOLVE:
            return state is CaseState.RESOLVED
        case Deed.IRRELEVANT:
            return state is CaseState.NOT_RELEVANT
        case _:
            return False


def _changed(case: Case, wish: Wish, now: datetime, hours: ServiceHours) -> Case:
    held = CaseState.CLAIMED if case.owner else CaseState.NEW
    match wish.deed:
        case Deed.CLAIM:
            return replace(case, state=CaseState.CLAIMED, owner=wish.who, snooze=None)
        case Deed.RELEASE:
            state = CaseState.NEW if case.state is CaseState.CLAIMED else case.state
            return replace(case, state=state, owner=None)
        case Deed.REPLIED:
            return replace(
                case, state=CaseState.REPLIED, owner=case.owner or wish.who or None, due_at=None, snooze=None
            )
        case Deed.WAIT:
            return replace(
                case, state=CaseState.WAITING, owner=case.owner or wish.who or None, due_at=None, snooze=None
            )
        case Deed.SNOOZE:
            return replace(case, state=CaseState.SNOOZED, snooze=snooze_values(wish.snooze))
        case Deed.WAKE:
            return replace(case, state=held, snooze=None)
        case Deed.RESOLVE:
            return replace(
                case, state=CaseState.RESOLVED, owner=case.owner or wish.who or None, due_at=None, snooze=None
            )
        case Deed.REOPEN:
            return replace(case, state=held, due_at=due_at(now, case.urgency, hours))
        case Deed.IRRELEVANT:
            return replace(case, state=CaseState.NOT_RELEVANT, due_at=None, snooze=None)
        case Deed.ESCALATE:
            level = wish.urgency or Urgency(min(case.urgency + 1, Urgency.CRITICAL))
            return _at_level(case, level, now, hours)
        case Deed.CORRECT:
            return case if wish.urgency is None else _at_level(case, wish.urgency, now, hours)


def _at_level(case: Case, level: Urgency, now: datetime, hours: ServiceHours) -> Case:
    """A person may lower a level, too. Where an answer is still due, it is due as the new level asks, from now.

    Raising never gives more time than there was: the customer has waited since they wrote.
    """
    due = case.due_at
    if due is not None and level is not case.urgency:
        due = due_at(now, level, hours)
        due = sooner(due, case.due_at) if level > case.urgency else due
    return replace(case, urgency=level, due_at=due)


def sooner(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier of two times an answer is due; None: not due at all."""
    return min((due for due in (one, other) if due is not None), default=None)


def _turn(case: Case, changed: Case, wish: Wish, now: datetime) -> Mapping[str, Any]:
    """What the deed does to the reply clock, for the case's history."""
    match wish.deed:
        case Deed.REPLIED | Deed.RESOLVE | Deed.IRRELEVANT:
            return turned(Turn.STOP, now)
        case Deed.WAIT if case.due_at is not None:
            return turned(Turn.PAUSE, now)
        case Deed.REOPEN:
            return turned(Turn.START, now, changed.urgency.word)
        case Deed.ESCALATE | Deed.CORRECT if case.due_at is not None and changed.urgency is not case.urgency:
            return turned(Turn.HURRY if changed.urgency > case.urgency else Turn.START, now, changed.urgency.word)
        case _:
            return {}
