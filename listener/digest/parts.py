"""The values that every part of a digest is made of: posts, people, shares, changes, counts with a name.

Shares are 0…1, net sentiment −1…1, both rounded to four places; a figure that small numbers forbid is None, so no
renderer can print it by mistake. Times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from listener.model import Sentiment

SMALL = 10  # below this no percentage is shown and a point on the map is hollow (PRODUCT §5)
P90_FROM = 29  # below, the 95 % upper bound of a p90 does not exist (METHODS §9.2)

ChangeWord = Literal["clear rise", "clear fall", "not clear", "too few", "no earlier weeks"]


@dataclass(frozen=True, slots=True)
class WeekFigures:
    name: str  # "2026-W47"; any other stretch of days "2026-11-02--2026-11-19"
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
    source: str = ""
    times_usual: float | None = None  # engagement against the median of its source; None: too few posts to say


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
    buyers: int = 0
    non_buyers: int = 0


@dataclass(frozen=True, slots=True)
class NamedCount:
    name: str
    label: str
    mentions: int
    authors: int
    buyers: int = 0
    non_buyers: int = 0
