"""The tables, as SQLModel classes. They are rows, not domain objects: they validate nothing and never leave the store.

Statements are written with SQLAlchemy Core on the `Table` objects at the end, the same for SQLite and PostgreSQL.
Enums are kept as the words of the vocabulary, urgency as its number (so that it sorts), times as aware UTC.
A change here needs a migration in `migrations/versions`; a test compares the two.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from listener.store.columns import JsonValue, PlainText

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# The words stand in the statement itself: with bound values SQLite would not see that the partial index applies.
WAITING = "state IN ('pending', 'sending')"
TRIED = f"{WAITING} AND attempts > 0"
UNPUBLISHED = "state IN ('wanted', 'sending')"


class Row(SQLModel, registry=registry(metadata=sa.MetaData(naming_convention=_NAMES))):
    """Base with a metadata of its own, so that another library's SQLModel tables never mix with ours."""


class SourceRow(Row, table=True):
    """One configured source: where it stands, who polls it, how it fares."""

    __tablename__ = "source"

    name: str = Field(primary_key=True, sa_type=PlainText)
    connector: str = Field(sa_type=PlainText)
    cursor: dict[str, Any] | None = Field(default=None, sa_type=JsonValue)
    next_poll_at: datetime | None = None
    lease_owner: str | None = Field(default=None, sa_type=PlainText)
    lease_until: datetime | None = None
    fence: int = 0
    failures: int = 0
    first_success_at: datetime | None = None
    last_success_at: datetime | None = None
    error: str | None = Field(default=None, sa_type=PlainText)
    parked: str | None = Field(default=None, sa_type=PlainText)
    mentions: int = 0
    account: str | None = Field(default=None, sa_type=PlainText)  # None: it shares its limits with nobody
    pace: float | None = None  # seconds between the last two polls, as mentions came; None: not polled yet


class AccountRow(Row, table=True):
    """A credential, or a host that counts by address: what its platform last said to all its sources."""

    __tablename__ = "account"

    name: str = Field(primary_key=True, sa_type=PlainText)
    blocked_until: datetime | None = None
    blocked_by: str | None = Field(default=None, sa_type=PlainText)  # the sentence the platform said


class SpendRow(Row, table=True):
    """What an account spent on one thing on one UTC day, money set aside and not yet billed included."""

    __tablename__ = "spend"

    account: str = Field(primary_key=True, sa_type=PlainText)
    day: str = Field(primary_key=True, sa_type=PlainText)  # 2026-11-22
    what: str = Field(primary_key=True, sa_type=PlainText)
    units: int = Field(default=0, sa_type=sa.BigInteger)
    micro_usd: int = Field(default=0, sa_type=sa.BigInteger)  # whole, so that sums stay exact


class AuditRow(Row, table=True):
    """What a person did that cannot be seen from the data any more."""

    __tablename__ = "audit"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    who: str = Field(sa_type=PlainText)
    what: str = Field(sa_type=PlainText)
    detail: dict[str, Any] = Field(sa_type=JsonValue)


class GapRow(Row, table=True):
    """A stretch of a source's time line that was not read, kept after it was closed."""

    __tablename__ = "gap"
    __table_args__ = (sa.UniqueConstraint("source", "since", "until", "reason"),)

    id: int | None = Field(default=None, primary_key=True)
    source: str = Field(sa_type=PlainText, foreign_key="source.name")
    since: datetime
    until: datetime
    reason: str = Field(sa_type=PlainText)
    lost: bool = False
    opened_at: datetime
    closed_at: datetime | None = None


class CounterRow(Row, table=True):
    """The last case id given out (its row lock makes grouping mentions into cases one writer's work at a time), …"""

    __tablename__ = "counter"

    name: str = Field(primary_key=True, sa_type=PlainText)
    value: int = 0


class TotalRow(Row, table=True):
    """A number that only grows, counted as things happen: nobody who watches needs to read through history for it."""

    __tablename__ = "total"

    what: str = Field(primary_key=True, sa_type=PlainText)  # listener.store.totals names them
    of: str = Field(primary_key=True, sa_type=PlainText)
    part: str = Field(primary_key=True, sa_type=PlainText)
    value: int = Field(default=0, sa_type=sa.BigInteger)


class CaseRow(Row, table=True):
    """One customer's story. "case" alone is a word of SQL."""

    __tablename__ = "case_"
    __table_args__ = (
        sa.Index(None, "author_key", "state", "state_since"),
        sa.Index(None, "thread_key", "state", "state_since"),
        sa.Index(None, "state", "urgency", "due_at"),
    )

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    ref: str = Field(sa_type=PlainText, unique=True)
    platform: str = Field(sa_type=PlainText)
    author_key: str = Field(sa_type=PlainText)
    thread_key: str | None = Field(default=None, sa_type=PlainText)
    state: str = Field(sa_type=PlainText)
    state_since: datetime
    urgency: int
    opened_at: datetime
    last_mention_at: datetime
    mention_count: int
    revision: int
    owner: str | None = Field(default=None, sa_type=PlainText)
    touchpoints: list[str] = Field(sa_type=JsonValue)
    due_at: datetime | None = None
    snooze: dict[str, Any] | None = Field(default=None, sa_type=JsonValue)


class LabelRow(Row, table=True):
    """A person's correction of one mention's verdict, kept for learning and for the weekly audit."""

    __tablename__ = "label"
    __table_args__ = (sa.Index(None, "at"),)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    who: str = Field(sa_type=PlainText)
    mention_id: int = Field(foreign_key="mention.id", index=True)
    field: str = Field(sa_type=PlainText)  # stage, urgency, sentiment, touchpoints, relevant
    was: Any = Field(default=None, nullable=True, sa_type=JsonValue)
    now: Any = Field(default=None, nullable=True, sa_type=JsonValue)
    reason: str = Field(default="", sa_type=PlainText)
    ruleset: str = Field(default="", sa_type=PlainText)  # that had judged


class SilenceRow(Row, table=True):
    """A time-boxed mute: mentions that fit are counted and told to nobody."""

    __tablename__ = "silence"
    __table_args__ = (sa.Index(None, "ends_at"),)

    id: int | None = Field(default=None, primary_key=True)
    who: str = Field(sa_type=PlainText)
    comment: str = Field(sa_type=PlainText)
    fits: dict[str, Any] = Field(sa_type=JsonValue)  # conditions of a route
    begins_at: datetime
    ends_at: datetime
    ended_by: str | None = Field(default=None, sa_type=PlainText)  # who ended it before its time
    mentions: int = 0  # that it kept quiet
    noted_at: datetime | None = None  # when the first alert after its end said that there had been one


class SpikeRow(Row, table=True):
    """More authors of one kind of post than are usual."""

    __tablename__ = "spike"
    __table_args__ = (sa.Index(None, "ended_at"),)

    id: int | None = Field(default=None, primary_key=True)
    ref: str = Field(sa_type=PlainText, unique=True)
    kind: str = Field(sa_type=PlainText)
    state: str = Field(sa_type=PlainText)
    urgency: int
    begun_at: datetime
    opened_at: datetime
    last_at: datetime
    ended_at: datetime | None = None  # of an expected one: until when
    authors: int
    posts: int
    expected: float
    revision: int
    told_at: datetime
    owner: str | None = Field(default=None, sa_type=PlainText)
    figures: dict[str, Any] = Field(sa_type=JsonValue)


class HourlyRow(Row, table=True):
    """Distinct authors of one kind and source in each hour of one UTC day. Kind and source empty: the day was counted."""

    __tablename__ = "hourly"

    kind: str = Field(primary_key=True, sa_type=PlainText)
    day: str = Field(primary_key=True, sa_type=PlainText)  # 2026-11-22
    source: str = Field(primary_key=True, sa_type=PlainText)
    counts: list[int] = Field(sa_type=JsonValue)


class CaseEventRow(Row, table=True):
    """One line of a case's history."""

    __tablename__ = "case_event"

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case_.id", index=True)
    at: datetime
    what: str = Field(sa_type=PlainText)
    who: str = Field(sa_type=PlainText)
    through: str = Field(sa_type=PlainText)
    detail: dict[str, Any] = Field(sa_type=JsonValue)


class MentionRow(Row, table=True):
    """One public post, unique by platform and external id whatever source found it."""

    __tablename__ = "mention"
    __table_args__ = (
        sa.UniqueConstraint("platform", "external_id"),
        sa.Index(None, "published_at", "id"),
        sa.Index(None, "case_id", "published_at"),
        sa.Index(None, "outcome"),
        sa.Index(None, "author_key", "published_at"),
        sa.Index(None, "source", "checked_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    ref: str = Field(sa_type=PlainText, unique=True)
    platform: str = Field(sa_type=PlainText)
    external_id: str = Field(sa_type=PlainText)
    source: str = Field(sa_type=PlainText, foreign_key="source.name")
    url: str = Field(sa_type=PlainText)
    title: str = Field(sa_type=PlainText)
    text: str = Field(sa_type=PlainText)
    kind: str = Field(sa_type=PlainText)
    lang: str | None = Field(default=None, sa_type=PlainText)
    author_id: str = Field(sa_type=PlainText)
    author_handle: str = Field(sa_type=PlainText)
    author_name: str = Field(sa_type=PlainText)
    author_followers: int | None = Field(default=None, sa_type=sa.BigInteger)
    author_key: str = Field(sa_type=PlainText)
    thread_key: str = Field(sa_type=PlainText)
    thread_id: str | None = Field(default=None, sa_type=PlainText)
    parent_id: str | None = Field(default=None, sa_type=PlainText)
    in_reply_to_brand: bool | None = None
    rating: float | None = None
    engagement: dict[str, int] = Field(sa_type=JsonValue)
    brand: str | None = Field(default=None, sa_type=PlainText)
    published_at: datetime
    seen_at: datetime
    case_id: int | None = Field(default=None, foreign_key="case_.id")
    outcome: str | None = Field(default=None, sa_type=PlainText)
    removed_at: datetime | None = None
    removed_why: str | None = Field(default=None, sa_type=PlainText)  # "retention", "upstream", "forgotten"
    checked_at: datetime | None = None  # last seen upstream; None in rows of an older release
    edited_at: datetime | None = None


class VerdictRow(Row, table=True):
    """What triage concluded about one mention; one column for each thing that digests count by."""

    __tablename__ = "verdict"

    mention_id: int = Field(primary_key=True, foreign_key="mention.id", sa_column_kwargs={"autoincrement": False})
    relevant: bool
    subject: str = Field(sa_type=PlainText)
    lang: str = Field(sa_type=PlainText)
    stage: str = Field(sa_type=PlainText)
    stage_confidence: float
    secondary_stage: str | None = Field(default=None, sa_type=PlainText)
    urgency: int
    points: int
    intents: list[str] = Field(sa_type=JsonValue)
    touchpoints: dict[str, float | None] = Field(sa_type=JsonValue)
    complaint_score: float
    sentiment: float | None = None
    sentiment_label: str = Field(sa_type=PlainText)
    emotions: list[str] = Field(sa_type=JsonValue)
    buyer_status: str = Field(sa_type=PlainText)
    lines: list[Any] = Field(sa_type=JsonValue)
    ruleset: str = Field(sa_type=PlainText)
    promotional: bool
    exit_to: str | None = Field(default=None, sa_type=PlainText)
    near: str = Field(sa_type=PlainText)
    floor: int | None = None
    judged_at: datetime


class ReplyRow(Row, table=True):
    """One public reply, from the person's word to what became of it; never deleted, its text goes with its post's."""

    __tablename__ = "reply"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(sa_type=PlainText, unique=True)
    case_id: int = Field(foreign_key="case_.id", index=True)
    mention_id: int = Field(foreign_key="mention.id", index=True)
    source: str = Field(sa_type=PlainText)  # that publishes; it need not be the one that found the post
    account: str = Field(sa_type=PlainText)
    text: str = Field(sa_type=PlainText)
    who: str = Field(sa_type=PlainText)
    through: str = Field(sa_type=PlainText)
    wanted_at: datetime
    state: str = Field(sa_type=PlainText)
    due_at: datetime
    attempts: int = 0
    doubtful: bool = False  # an earlier attempt may have got through
    lease_owner: str | None = Field(default=None, sa_type=PlainText)
    lease_until: datetime | None = None
    ended_at: datetime | None = None
    external_id: str | None = Field(default=None, sa_type=PlainText)
    url: str | None = Field(default=None, sa_type=PlainText)
    error: str | None = Field(default=None, sa_type=PlainText)


class CopyRow(Row, table=True):
    """That one post is a near copy of another author's. No words are kept here: they go with the posts."""

    __tablename__ = "copy"

    mention_id: int = Field(primary_key=True, foreign_key="mention.id", sa_column_kwargs={"autoincrement": False})
    first_id: int = Field(foreign_key="mention.id", index=True)
    likeness: float  # 0.7…1
    folded: bool  # told in the thread of the first one's case
    at: datetime
    unfolded_at: datetime | None = None
    unfolded_by: str | None = Field(default=None, sa_type=PlainText)


class PraiseRow(Row, table=True):
    """A post on the shelf, and whether its author allowed that it is shown (`cases.shelf`). None of its words."""

    __tablename__ = "praise"
    __table_args__ = (sa.Index(None, "state", "since"),)

    mention_id: int = Field(primary_key=True, foreign_key="mention.id", sa_column_kwargs={"autoincrement": False})
    state: str = Field(sa_type=PlainText)
    since: datetime
    who: str = Field(sa_type=PlainText)
    found_at: datetime
    found_by: str = Field(sa_type=PlainText)
    why: str = Field(sa_type=PlainText)
    asked_at: datetime | None = None
    asked_by: str | None = Field(default=None, sa_type=PlainText)
    asked_words: str | None = Field(default=None, sa_type=PlainText)
    asked_link: str | None = Field(default=None, sa_type=PlainText)
    granted_at: datetime | None = None
    granted_by: str | None = Field(default=None, sa_type=PlainText)
    evidence: str | None = Field(default=None, sa_type=PlainText)
    scope: str | None = Field(default=None, sa_type=PlainText)
    until: datetime | None = None


class NotificationTable(Row, table=True):
    """The outbox: one thing to tell one receiver, from the decision to the receipt."""

    __tablename__ = "notification"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(sa_type=PlainText, unique=True)
    kind: str = Field(sa_type=PlainText)
    receiver: str = Field(sa_type=PlainText)
    case_id: int | None = Field(default=None, foreign_key="case_.id")
    mention_id: int | None = Field(default=None, foreign_key="mention.id", index=True)
    # The summary that tells it, or that it edits. No foreign key: SQLite adds one only by copying the table, and forgets
    # on the way that an index runs downwards.
    summary_id: int | None = None
    urgency: int
    reason: str = Field(sa_type=PlainText)
    payload: dict[str, Any] = Field(sa_type=JsonValue)
    state: str = Field(sa_type=PlainText)
    due_at: datetime
    created_at: datetime
    attempts: int = 0
    lease_owner: str | None = Field(default=None, sa_type=PlainText)
    lease_until: datetime | None = None
    doubtful: bool = False  # an earlier attempt may have got through
    rendered_revision: int | None = None  # the case's when last claimed: what the message shows once it is sent
    sent_at: datetime | None = None
    ended_at: datetime | None = None  # dead or folded
    receipt: dict[str, Any] | None = Field(default=None, sa_type=JsonValue)
    error: str | None = Field(default=None, sa_type=PlainText)


class ReceiverRow(Row, table=True):
    """Whether and when a receiver may be sent to; no row: at once."""

    __tablename__ = "receiver_state"

    receiver: str = Field(primary_key=True, sa_type=PlainText)
    next_at: datetime | None = None
    stopped: str | None = Field(default=None, sa_type=PlainText)
    stopped_at: datetime | None = None


class MetaRow(Row, table=True):
    """Single values: the daemon's heartbeat, when it started, …"""

    __tablename__ = "meta"

    key: str = Field(primary_key=True, sa_type=PlainText)
    value: Any = Field(default=None, nullable=True, sa_type=JsonValue)


METADATA: sa.MetaData = Row.metadata
_TABLES = METADATA.tables

sources = _TABLES["source"]
accounts = _TABLES["account"]
spend = _TABLES["spend"]
audit = _TABLES["audit"]
gaps = _TABLES["gap"]
counters = _TABLES["counter"]
totals = _TABLES["total"]
cases = _TABLES["case_"]
case_events = _TABLES["case_event"]
labels = _TABLES["label"]
silences = _TABLES["silence"]
spikes = _TABLES["spike"]
hourly = _TABLES["hourly"]
mentions = _TABLES["mention"]
verdicts = _TABLES["verdict"]
replies = _TABLES["reply"]
copies = _TABLES["copy"]
praise = _TABLES["praise"]
notifications = _TABLES["notification"]
receivers = _TABLES["receiver_state"]
meta = _TABLES["meta"]

# A new case without a clock is one of posts that were read back or imported: counted, and for others to answer.
ASKS = sa.or_(cases.c.state != "new", cases.c.due_at.is_not(None))

# What `claim` reads: the waiting rows of one receiver, in the order in which they are sent.
sa.Index(
    "ix_notification_waiting",
    notifications.c.receiver,
    notifications.c.urgency.desc(),
    notifications.c.due_at,
    notifications.c.id,
    sqlite_where=sa.text(WAITING),
    postgresql_where=sa.text(WAITING),
)
# How long those wait that were tried in vain, each of which was due anew since.
sa.Index(
    "ix_notification_tried",
    notifications.c.receiver,
    notifications.c.urgency,
    notifications.c.created_at,
    sqlite_where=sa.text(TRIED),
    postgresql_where=sa.text(TRIED),
)
# With the state, or SQLite would rather take the index below and read all that a receiver was ever sent.
sa.Index(None, notifications.c.case_id, notifications.c.receiver, notifications.c.state, notifications.c.id)
sa.Index(None, notifications.c.receiver, notifications.c.state)
sa.Index(None, notifications.c.state, notifications.c.ended_at)
sa.Index(None, notifications.c.receiver, notifications.c.sent_at)  # what a receiver was sent within the last hour
sa.Index(
    None,
    notifications.c.summary_id,
    sqlite_where=notifications.c.summary_id.is_not(None),
    postgresql_where=notifications.c.summary_id.is_not(None),
)
sa.Index("ix_reply_waiting", replies.c.due_at, sqlite_where=sa.text(UNPUBLISHED), postgresql_where=sa.text(UNPUBLISHED))
