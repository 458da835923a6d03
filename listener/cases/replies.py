"""A public reply on its way: what was approved, how it stands, and what follows from a try that failed.

Pure. A reply is `wanted`, then `sending`, then published, refused (nothing was published, for certain) or unknown (nobody can
tell, a person has to look). A try whose answer was lost is looked for at the platform before the next one. After
`GIVE_UP` nothing is sent any more: an answer that turns up an hour later surprises everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from connectors.base import Approved, BudgetReached, ConnectorError, Parked, RateLimited, Refused, Voice

GIVE_UP = timedelta(minutes=15)  # after a person said "publish"
FIRST_PAUSE = timedelta(seconds=20)  # platforms take a moment to show what they have stored
LONGEST_PAUSE = timedelta(minutes=3)


class ReplyState(StrEnum):
    WANTED = "wanted"
    SENDING = "sending"
    PUBLISHED = "published"
    REFUSED = "refused"  # nothing was published
    UNKNOWN = "unknown"  # it may stand there


UNFINISHED = (ReplyState.WANTED, ReplyState.SENDING)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which source answers a post, and as whom."""

    source: str
    voice: Voice


@dataclass(frozen=True, slots=True)
class NewReply:
    """What a person approved."""

    key: str  # one approval is one reply, however often it arrives
    case: str  # reference
    mention_id: int
    source: str  # that publishes
    account: str
    text: str
    who: str
    through: str
    revision: int | None = None  # of the case, as they saw it


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as it is stored."""

    id: int
    key: str
    case: str
    mention_id: int
    source: str
    account: str
    text: str
    who: str
    through: str
    wanted_at: datetime
    state: ReplyState
    attempts: int
    doubtful: bool
    external_id: str
    url: str
    error: str

    @property
    def approved(self) -> Approved:
        return Approved(self.text, self.key, self.wanted_at)

    @property
    def too_late(self) -> datetime:
        """From when on it is not published any more."""
        return self.wanted_at + GIVE_UP


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a reply."""

    state: ReplyState
    why: str = ""
    external_id: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Again:
    """Try again."""

    due_at: datetime
    why: str
    doubtful: bool


LATE = Ended(
    ReplyState.REFUSED,
    f"it could not be published within {GIVE_UP // timedelta(minutes=1)} minutes and is given up; nothing was published",
)
WITHOUT_WORDS = Ended(ReplyState.REFUSED, "its post was removed meanwhile; nothing was published")


def after_publishing(reply: Reply, error: ConnectorError, now: datetime) -> Ended | Again:
    """A try to publish failed."""
    if isinstance(error, Parked | Refused | BudgetReached):
        return Ended(ReplyState.REFUSED, str(error))
    return _again(reply, error, now)


def after_looking(reply: Reply, error: ConnectorError, now: datetime) -> Ended | Again:
    """It could not be found out whether it stands there."""
    if isinstance(error, Parked) or now >= reply.too_late:
        return Ended(ReplyState.UNKNOWN, str(error))
    return _again(reply, error, now)


def after_fault(reply: Reply, where: str) -> Ended:
    """This program broke in the middle of it."""
    return Ended(ReplyState.UNKNOWN, f"fault of listener, please report: {where}")


def _again(reply: Reply, error: ConnectorError, now: datetime) -> Again:
    doublings: int = min(max(reply.attempts - 1, 0), 6)
    due = now + min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)
    if isinstance(error, RateLimited) and error.retry_at is not None:
        due = max(due, error.retry_at)
    # The last try is only a look; it must not wait for a limit that ends tomorrow.
    return Again(max(now + FIRST_PAUSE, min(due, reply.too_late)), str(error), doubtful=True)
