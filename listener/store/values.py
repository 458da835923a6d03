"""What the store hands out beside the values of `listener.model`: leases, states and counts. Frozen, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.base import Cursor, Gap
from listener.model import NotificationKind, NotificationState, Outcome, Sentiment
from rules.vocabulary import Stage, Urgency


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Which revision the tables are at, and which one this program needs."""

    current: str | None  # None: no tables yet
    needed: str

    @property
    def is_current(self) -> bool:
        """Whether this program can work with the tables as they are."""
        return self.current == self.needed

    @property
    def is_empty(self) -> bool:
        """Whether the database holds no tables of ours yet."""
        return self.current is None

    @property
    def is_newer(self) -> bool:
        """Whether a later release has changed the tables. Revisions are numbered: "0001", "0002", …"""
        return self.current is not None and self.current > self.needed


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to poll one source. `fence` grows with every lease, so a worker that overslept is found out."""

    source: str
    owner: str
    fence: int
    cursor: Cursor | None
    until: datetime
    ttl: timedelta  # every stored page renews the lease by this much
    failures: int = 0  # polls that failed in a row before this one
    pace: timedelta | None = None  # between the last two polls
    account: str | None = None


@dataclass(frozen=True, slots=True)
class GapLine:
    """A gap with its history. Open: neither closed nor lost."""

    source: str
    gap: Gap
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReceiverState:
    """Whether and when a receiver may be sent to."""

    receiver: str
    next_at: datetime | None  # not before
    stopped: str | None  # why nothing is sent until a person acts
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """One row of the outbox, as `explain` and `status` show it."""

    id: int
    key: str
    kind: NotificationKind
    receiver: str
    urgency: Urgency
    reason: str
    state: NotificationState
    due_at: datetime
    created_at: datetime
    attempts: int
    sent_at: datetime | None
    receipt: Mapping[str, Any] | None
    error: str | None  # of the last attempt; for folded and dead ones: why


@dataclass(frozen=True, slots=True)
class OutboxState:
    """What waits, what went out and what never will."""

    counts: Mapping[str, Mapping[NotificationState, int]]  # receiver -> state -> rows
    oldest_due: timedelta | None  # how long the oldest due notification has been waiting
    dead: tuple[NotificationRow, ...]  # the last five
    waiting: Mapping[str, timedelta]  # receiver -> how long its oldest due notification has been waiting


@dataclass(frozen=True, slots=True)
class WeekCount:
    """Mentions of one week that agree in subject, relevance, stage and sentiment."""

    week_start: datetime
    subject: str
    relevant: bool
    stage: Stage
    sentiment_label: Sentiment
    mentions: int
    authors: int  # distinct
    promotional: bool = False


@dataclass(frozen=True, slots=True)
class Totals:
    """How much is stored."""

    mentions: int
    cases_open: int
    outcomes: Mapping[Outcome, int]
    removed: int = 0  # mentions without words and author (retention)


@dataclass(frozen=True, slots=True)
class Budget:
    """What an account may spend, in millionths of a USD; None: no limit. Days and months are those of UTC."""

    day: int | None = None
    month: int | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What an account has spent, in millionths of a USD."""

    day: int
    month: int


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """What an account spent on one thing on one UTC day."""

    account: str
    day: str  # 2026-11-22
    what: str
    units: int
    micro_usd: int


AUDIT = "audit"  # field of the label that says: looked at for the audit of the week `was`, and right is `now`


@dataclass(frozen=True, slots=True)
class Label:
    """A person's correction, or what they said of a verdict in an audit, with the words it is about."""

    at: datetime
    who: str
    mention: str  # its reference
    platform: str
    lang: str
    text: str
    field: str  # stage, urgency, sentiment, touchpoints, relevant; audit
    was: Any
    now: Any
    reason: str
    ruleset: str  # that had judged


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One deed of a person."""

    at: datetime
    who: str
    what: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Changed:
    """What followed from changes upstream."""

    edited: int = 0  # posts that read otherwise now
    removed: int = 0  # posts that lost words and author


@dataclass(frozen=True, slots=True)
class Purged:
    """One chunk of mentions that lost words and author."""

    count: int
    onward: tuple[datetime, int] | None = None  # where the next chunk begins; None: nothing is left
