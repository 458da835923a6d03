"""The nouns of the daemon: Verdict, Case, Notification, Receipt and their parts.

Frozen values only; behaviour lives in functions elsewhere. What a platform gives (`Mention`, `Author`, `Gap`)
is defined by `connectors.base`, the closed word lists by `rules.vocabulary`; both are re-exported nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, Protocol

from connectors.base import Gap, Mention
from rules.vocabulary import BuyerStatus, Emotion, Intent, Stage, Urgency

Sentiment = Literal["negative", "neutral", "positive"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an explanation: what it adds, why, on which words, by which rule."""

    points: int  # urgency points; 0 for lines that only explain
    label: str  # "blocked", "leaving", "asks us", "override", …
    evidence: str = ""  # the words that fired, or the fact that held
    rule: str = ""  # rule id, "" where no rule is behind it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What triage concluded about one mention, with the evidence."""

    relevant: bool
    subject: str  # "brand", "rival:<name>", "own", or "none"
    lang: str  # BCP-47 primary tag; "und" where unclear
    stage: Stage
    stage_confidence: float  # 0…1
    secondary_stage: Stage | None
    urgency: Urgency
    points: int
    intents: frozenset[Intent]
    touchpoints: Mapping[str, float | None]  # touchpoint -> own sentiment −1…1, None where unknown
    complaint_score: float  # 0…1, graded
    sentiment: float | None  # −1…1; None where no means exists for the language
    sentiment_label: Sentiment
    emotions: tuple[Emotion, ...]
    buyer_status: BuyerStatus
    lines: tuple[Line, ...]
    ruleset: str  # digest of the rules that judged
    promotional: bool = False
    exit_to: str | None = None  # the rival the author leaves for
    near: str = ""  # "would be normal without: repeated (51)"
    floor: Urgency | None = None  # set by an override rule


class Outcome(StrEnum):
    """What became of a mention as far as telling anybody goes; read by `status`, `explain` and tests."""

    ALERTED = "alerted"
    JOINED_CASE = "joined-case"
    SKIPPED_OLD = "skipped-old"  # older than alert_max_age when first seen: counted, never alerted
    NO_ROUTE = "no-route"
    NOT_RELEVANT = "not-relevant"
    ABOUT_RIVAL = "about-rival"
    OWN_ACCOUNT = "own-account"
    ALERTS_OFF = "alerts-off"  # imported or backfilled with alerts off
    FOLDED_DUPLICATE = "folded-duplicate"  # a near copy of another author's post, told in the thread of that one's case
    SILENCED = "silenced"  # a silence was in force; the verdict's lines say which


@dataclass(frozen=True, slots=True)
class Triaged:
    """A mention with its verdict, before it has an id."""

    mention: Mention
    verdict: Verdict


DRILL = "drill"  # the platform of invented posts, and what their verdicts are about (`listener.drilling`)


class CaseState(StrEnum):
    NEW = "new"
    CLAIMED = "claimed"
    REPLIED = "replied"
    WAITING = "waiting"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    NOT_RELEVANT = "not-relevant"


@dataclass(frozen=True, slots=True)
class Case:
    """One customer's story. `id` is the database's; `ref` is what people read and type ("c-7F3K")."""

    id: int
    ref: str
    platform: str
    author_key: str  # "<platform>:<author id>"
    thread_key: str | None  # "<platform>:<thread id>"
    state: CaseState
    urgency: Urgency  # of the highest mention; never lowered automatically
    opened_at: datetime
    last_mention_at: datetime
    mention_count: int
    revision: int  # grows with every change a message must show
    owner: str | None = None
    touchpoints: frozenset[str] = frozenset()
    due_at: datetime | None = None  # first reply due
    snooze: Mapping[str, Any] | None = None  # until when it sleeps (`cases.deeds.Snooze`)


@dataclass(frozen=True, slots=True)
class Told:
    """A stored mention with its verdict, as a message or an explanation shows it."""

    id: int
    ref: str  # short, stable: what `explain` takes ("4f2c…")
    mention: Mention
    verdict: Verdict
    source: str
    seen_at: datetime
    outcome: Outcome
    removed_at: datetime | None = None  # since then without words and author
    removed_why: str = ""  # "retention", "upstream", "forgotten"
    edited_at: datetime | None = None  # its author changed it, as we found out then


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case with its mentions, oldest first: what a receiver needs to tell it."""

    case: Case
    mentions: tuple[Told, ...]
    shelf: str = ""  # the state of its praise on the shelf (`cases.shelf`); empty: none is there


@dataclass(frozen=True, slots=True)
class Summary:
    """Cases that one message tells of together."""

    why: Literal["opening", "storm"]  # held over quiet hours, or more than a receiver takes singly in an hour
    cases: tuple[
        CaseView, ...
    ]  # as they stand now; the most urgent, open ones first, at most so many as a message shows
    levels: Mapping[Urgency, int]  # how many of all are at each level

    @property
    def total(self) -> int:
        """How many cases it tells of."""
        return sum(self.levels.values())


class SpikeState(StrEnum):
    OPEN = "open"
    ENDED = "ended"
    EXPECTED = "expected"  # a campaign, an outage that was announced: told to nobody, left out of the baseline
    FALSE = "false"  # a false alarm: its hours are as usual as any


@dataclass(frozen=True, slots=True)
class Spike:
    """More authors of one kind of post than are usual. `ref` is what people read and type ("s-12")."""

    id: int
    ref: str
    kind: str  # "complaint:checkout", "praise", "all" (`cases.spikes`)
    state: SpikeState
    urgency: Urgency
    begun_at: datetime  # its first post
    opened_at: datetime  # when it was found
    last_at: datetime  # its newest post
    ended_at: datetime | None
    authors: int  # distinct, since it began
    posts: int
    expected: float  # authors usual in the same stretch
    revision: int  # grows with every change a message must show
    told_at: datetime  # of the last revision
    owner: str | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)  # JSON: what else its message says (`spiking`)


@dataclass(frozen=True, slots=True)
class SpikeView:
    """A spike with its examples and with how many cases one receiver finds in its thread."""

    spike: Spike
    examples: tuple[Told, ...] = ()
    folded: int = 0


class NotificationKind(StrEnum):
    CASE_OPEN = "case-open"  # one message
    CASE_UPDATE = "case-update"  # edits that message
    CASE_THREAD = "case-thread"  # an entry below it
    CASE_NOTE = "case-note"  # an entry below it: who did what
    REMINDER = "reminder"  # an entry below it: nobody has it, or its time is up
    ENTRY_UPDATE = "entry-update"  # edits that entry: its post was removed
    DIGEST = "digest"
    SUMMARY = "summary"  # many cases in one message: held over quiet hours, or too many for an hour
    SUMMARY_UPDATE = "summary-update"  # edits that message
    SPIKE = "spike"  # one message; cases of its kind are told in its thread
    SPIKE_UPDATE = "spike-update"  # edits that message
    NOTICE = "notice"  # the daemon speaks of itself: a parked source, a stopped receiver


class NotificationState(StrEnum):
    PENDING = "pending"
    SENDING = "sending"  # claimed; after its lease it is looked up before it is sent again
    SENT = "sent"
    DEAD = "dead"  # will never be sent; `error` says why
    FOLDED = "folded"  # not sent by itself: another message shows it; `error` says which, or why it is not needed


@dataclass(frozen=True, slots=True)
class NewNotification:
    """One thing to tell one receiver, as decided. `key` is unique for ever: the same thing is told once."""

    key: str  # "case:<ref>:open:<receiver>", "case:<ref>:thread:<mention ref>:<receiver>", "digest:2026-W47:<receiver>"
    kind: NotificationKind
    receiver: str
    urgency: Urgency
    due_at: datetime
    reason: str  # "route:care", "digest", …
    payload: Mapping[str, Any] = field(default_factory=dict)  # JSON; digests and notices carry what they say


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the receiver answered: for Slack the channel and ts. JSON-able."""

    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed notification with all that its receiver must say."""

    id: int
    key: str
    kind: NotificationKind
    receiver: str
    urgency: Urgency
    attempt: int  # 1 at the first try
    payload: Mapping[str, Any]
    case: CaseView | None  # as it stands now, not as it stood when the notification was decided
    mention: Told | None  # the one that a thread entry is about
    parent: Receipt | None  # the receipt of the case's open message to this receiver
    created_at: datetime
    doubtful: bool = False  # an earlier attempt may have got through: look it up before sending, mark it when sent
    summary: Summary | None = None  # of a summary and of what edits it
    spike: SpikeView | None = None  # of a spike and of what edits it
    folded_in: str = ""  # the spike in whose thread this case is told; its message is an entry there
    in_summary: bool = False  # a reminder below the summary that tells its case among others: it says which


class Receiver(Protocol):
    """A destination. One method that says it, one that asks whether it was said already."""

    def send(self, delivery: Delivery) -> Receipt:
        """Say it. Raises `ReceiverError`. A doubtful delivery that could not be looked up is marked as repeated."""
        ...

    def find(self, delivery: Delivery) -> Receipt | None:
        """The receipt, if an earlier attempt got through. Raises `CannotLookUp` where the receiver cannot tell."""
        ...


class ReceiverError(Exception):
    """Base of all a receiver may raise; the message is for the operator and holds no secret."""


class PassingFailure(ReceiverError):
    """Worth another try. `retry_after`: seconds the receiver asked to wait, None where it did not say."""

    def __init__(self, message: str, retry_after: float | None = None, may_have_been_sent: bool = True) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.may_have_been_sent = may_have_been_sent


class MessageRefused(ReceiverError):
    """This message will never be accepted; others may."""


class ReceiverStopped(ReceiverError):
    """Nothing will be accepted until a person acts (revoked token, archived channel, …)."""


class CannotLookUp(ReceiverError):
    """The receiver keeps no history that this program may read."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """One source as `status` and the digest's coverage show it."""

    name: str
    connector: str
    next_poll_at: datetime | None
    first_success_at: datetime | None
    last_success_at: datetime | None
    failures: int
    error: str | None
    parked: str | None
    mentions: int
    gaps: tuple[Gap, ...]  # open or lost
    account: str | None = None
    pace: timedelta | None = None  # between its last two polls


@dataclass(frozen=True, slots=True)
class Counted:
    """One stored mention as the digest counts it."""

    ref: str
    platform: str
    source: str
    author_key: str
    url: str
    text: str
    lang: str
    published_at: datetime
    seen_at: datetime
    relevant: bool
    subject: str
    stage: Stage
    secondary_stage: Stage | None
    sentiment: float | None
    sentiment_label: Sentiment
    urgency: Urgency
    intents: frozenset[Intent]
    touchpoints: Mapping[str, float | None]
    emotions: tuple[Emotion, ...]
    buyer_status: BuyerStatus
    promotional: bool
    exit_to: str | None
    engagement: Mapping[str, int]
    case_ref: str | None
    case_state: CaseState | None
    rules: tuple[str, ...] = ()  # that left their name in the verdict's lines


Mentions = Sequence[Mention]
