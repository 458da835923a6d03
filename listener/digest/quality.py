"""What a digest says of itself and of us: where the posts went, what was collected, how far to trust it, how we answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from listener.digest.parts import Share

WeekState = Literal["full", "partial", "empty", "broken"]
SourceStatus = Literal["complete", "quiet", "partial", "started", "broken", "read back"]


@dataclass(frozen=True, slots=True)
class Accounting:
    """Where every stored post of the week went: the five kinds add up to `stored`."""

    stored: int
    counted: int  # relevant, about the brand, not promotional: what all other figures are made of
    promotional: int  # for us or for a rival
    rivals: int  # promotion left out, as it is of ours
    own: int
    not_relevant: int


@dataclass(frozen=True, slots=True)
class ResponseLevel:
    """Cases of one urgency whose answer was due in the week."""

    urgency: str
    due: int
    in_time: int
    late: int
    unanswered: int


@dataclass(frozen=True, slots=True)
class ShelfFigures:
    """Praise that the team would like to show."""

    found: int  # put on the shelf in the week
    granted: int  # allowed in the week by their authors
    waiting: int  # asked for, and not answered when the week ended


@dataclass(frozen=True, slots=True)
class Response:
    """What became of the week's cases, and how we answered those whose first reply was due in it.

    Times are hours from publication to the first public reply. Whoever was not answered by the end of the week counts as a miss
    and as an endless wait: a median over the answered alone would flatter.
    """

    cases: int
    unclaimed: int
    open: int
    resolved: int
    measured: bool
    note: str
    in_time: Share | None = None  # None: no answer was due, or replies are not measured
    late: int = 0
    unanswered: int = 0
    median_hours: float | None = None  # None: not reached (half or more unanswered), or fewer than six cases
    p90_hours: float | None = None  # None: not reached, or fewer than 29 cases
    thanked: Share | None = None  # cases of praise that were answered
    levels: tuple[ResponseLevel, ...] = ()
    sentences: tuple[str, ...] = ()
    shelf: ShelfFigures | None = None  # None: nothing was ever put on it


@dataclass(frozen=True, slots=True)
class GapFigures:
    since: datetime
    until: datetime
    hours: float  # within the week
    reason: str
    lost: bool


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """One source's week: hours collected of the week's, and what is missing."""

    name: str
    connector: str
    status: SourceStatus
    hours: float | None  # None: posts were read back or came from a file, nobody knows how complete they are
    of_hours: float
    mentions: int  # stored posts of the week, whatever they are about
    gaps: tuple[GapFigures, ...]
    note: str
    delay_minutes: float | None = None  # median from publication to being seen, of posts seen as they came
    delay_p90_minutes: float | None = None  # None under 29 posts
    failures: int = 0  # polls in a row that failed, when it was counted


@dataclass(frozen=True, slots=True)
class Coverage:
    state: WeekState
    sources: tuple[SourceFigures, ...]
    sentences: tuple[str, ...]
    details: tuple[str, ...] = ()  # how late posts are seen, what the accounts spent
    budgets: tuple[Budgeted, ...] = ()


@dataclass(frozen=True, slots=True)
class Budgeted:
    """An account that costs money, with what it spent this month."""

    account: str
    spent_usd: float
    of_usd: float | None  # None: no limit


@dataclass(frozen=True, slots=True)
class Confidence:
    """How far the verdicts behind the figures can be trusted."""

    unclear: Share  # posts whose stage stayed unclear
    unknown_language: Share  # posts whose language could not be told
    without_buyer_status: Share  # people who did not say whether they bought
    sentences: tuple[str, ...]
    agreement: Share | None = None  # verdicts that people looked at and left as they were; None: no audit
    corrected: int = 0  # verdicts that people changed; of the sample, where one was audited
    rules: int = 0  # rules that could have left their name in a verdict; 0: not known
    rules_matched: int = 0
    silent_rules: tuple[str, ...] = ()  # the first of those that matched nothing
