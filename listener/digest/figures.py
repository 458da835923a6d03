"""Everything a digest says, as one tree of frozen values: `Digest` and its parts.

Counting fills it, renderers format it and add nothing. Shares are 0…1, net sentiment −1…1, both rounded to four
places; a figure that small numbers forbid is None, so no renderer can print it by mistake. Times are aware UTC.
`SCHEMA_VERSION` grows when a field changes its meaning or goes away; new fields alone do not change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from listener.model import Sentiment
from rules.vocabulary import Stage

SCHEMA_VERSION = 1
SMALL = 10  # below this no percentage is shown and a point on the map is hollow (PRODUCT §5)

ChangeWord = Literal["clear rise", "clear fall", "not clear", "too few", "no earlier weeks"]
WeekState = Literal["full", "partial", "empty", "broken"]
SourceStatus = Literal["complete", "quiet", "partial", "started", "broken", "read back"]


@dataclass(frozen=True, slots=True)
class StageWeek:
    """What the store knows of an earlier week, one row per stage, sentiment, subject and relevance."""

    week_start: date  # the local Monday
    stage: Stage
    sentiment_label: Sentiment
    subject: str
    relevant: bool
    mentions: int
    authors: int  # distinct within the row
    promotional: bool = False  # promotional posts are counted apart and never compared


@dataclass(frozen=True, slots=True)
class DigestSettings:
    """What the configuration says about the digest."""

    brand: str
    stage_labels: Mapping[Stage, str] = field(default_factory=dict)  # base stage -> shown label; equal labels merge
    touchpoint_labels: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)  # touchpoint -> who answers for it
    earlier_weeks: int = 8
    topics: int = 5  # pain points and delights shown
    examples: int = 3  # posts shown for each
    report_url: str = ""  # where the HTML page can be opened, "" where it is only a file


@dataclass(frozen=True, slots=True)
class WeekFigures:
    name: str  # "2026-W47"
    label: str  # "16–22 November 2026"
    since: datetime
    until: datetime
    time_zone: str
    hours: float
    finished: bool  # False: the week was still running when it was counted


@dataclass(frozen=True, slots=True)
class Post:
    """One post as an example. `text` is cut and freed of invisible characters, but hostile all the same."""

    ref: str
    url: str  # http(s) or ""
    text: str
    author: str  # author key; renderers do not print it
    platform: str
    lang: str
    stage: str  # key of the shown stage
    sentiment: Sentiment
    urgency: str
    engagement: int  # likes, replies, reposts and the like, added up
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `of`, with its 95 % Wilson interval. `percent` is None under ten."""

    count: int
    of: int
    percent: int | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Change:
    """This week against earlier ones, in voices: an author counts once for each sentiment they wrote with."""

    word: ChangeWord
    now: int
    usual: float | None  # what the earlier weeks lead one to expect in the hours collected; None: no earlier weeks
    weeks: int
    p: float | None  # corrected over the stages
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """People and posts of one kind. The people of three sentiments add up to `authors`, and so do the posts."""

    mentions: int
    authors: int
    negative_mentions: int
    neutral_mentions: int
    positive_mentions: int
    negative_authors: int  # people whose negative posts outnumber their positive ones
    neutral_authors: int
    positive_authors: int
    buyers: int  # people who say that they bought, ex-customers included
    non_buyers: int
    unknown_buyers: int
    net: float | None  # (positive − negative people) / people; None without people
    net_low: float | None
    net_high: float | None
    negative: Share  # negative people


@dataclass(frozen=True, slots=True)
class Touch:
    """A touchpoint within one stage, as a chip on the map."""

    touchpoint: str
    label: str
    authors: int
    negative_authors: int
    positive_authors: int


@dataclass(frozen=True, slots=True)
class Door:
    """Where people leave, why and to whom."""

    stage: str  # key of the shown stage
    label: str
    authors: int
    mentions: int
    reasons: tuple[NamedCount, ...]  # touchpoints they were unhappy with
    rivals: tuple[NamedCount, ...]  # whom they named as the one they go to
    examples: tuple[Post, ...]


@dataclass(frozen=True, slots=True)
class NamedCount:
    name: str
    label: str
    mentions: int
    authors: int


@dataclass(frozen=True, slots=True)
class StageFigures:
    """One row of the matrix, one column of the map."""

    key: str  # the earliest base stage it holds; used as an anchor
    label: str
    base: tuple[str, ...]
    tally: Tally
    change: Change
    change_negative: Change  # of negative voices alone
    touches: tuple[Touch, ...]
    quote: Post | None


@dataclass(frozen=True, slots=True)
class Topic:
    """A pain point or a delight: a touchpoint with the people who were unhappy or happy with it."""

    touchpoint: str
    label: str
    authors: int
    mentions: int
    share: Share  # of all people of the week
    stage: str  # label of the stage where most of them stand
    owner: str
    examples: tuple[Post, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do first, as a sentence, with the post that shows it best."""

    kind: str  # "source", "urgent", "pain", "exits", "rise", "buying", "thank", "read", "wait"
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Accounting:
    """Where every stored post of the week went: the five kinds add up to `stored`."""

    stored: int
    counted: int  # relevant, about the brand, not promotional: what all other figures are made of
    promotional: int
    rivals: int
    own: int
    not_relevant: int


@dataclass(frozen=True, slots=True)
class Response:
    """What became of the week's cases. Reply times are not measured yet and are said to be so."""

    cases: int
    unclaimed: int
    open: int
    resolved: int
    measured: bool
    note: str


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


@dataclass(frozen=True, slots=True)
class Coverage:
    state: WeekState
    sources: tuple[SourceFigures, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Confidence:
    """How far the verdicts behind the figures can be trusted."""

    unclear: Share  # posts whose stage stayed unclear
    unknown_language: Share  # posts whose language could not be told
    without_buyer_status: Share  # people who did not say whether they bought
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """One week. All numbers, all sentences."""

    schema_version: int
    brand: str
    week: WeekFigures
    state: WeekState
    headline: str
    notes: tuple[str, ...]
    actions: tuple[Action, ...]
    accounting: Accounting
    accounting_sentence: str
    total: Tally
    change: Change
    stages: tuple[StageFigures, ...]  # the journey, in order, without `unclear`
    unclear: StageFigures
    pains: tuple[Topic, ...]
    delights: tuple[Topic, ...]
    exits: tuple[Door, ...]
    exit_authors: int
    rivals: tuple[NamedCount, ...]
    top_posts: tuple[Post, ...]
    urgency: tuple[NamedCount, ...]  # critical first
    emotions: tuple[NamedCount, ...]
    languages: tuple[NamedCount, ...]
    platforms: tuple[NamedCount, ...]
    response: Response
    coverage: Coverage
    confidence: Confidence
    report_url: str = ""
