"""What a week says beyond its stages: pairs of touchpoints, standing questions, rivals' share, new phrases, hypotheses.

Every list is ordered and cut when it is counted; a renderer prints it as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from listener.digest.parts import NamedCount, Post, Share
from listener.model import Sentiment


@dataclass(frozen=True, slots=True)
class Cell:
    """People and posts that agree in everything counted by: the finest table, for CSV and JSON.

    Where `touchpoint` is empty these are whole posts, and all such cells add up to the counted posts. Where it is named,
    `sentiment` is how that touchpoint was felt; a post with two touchpoints is in two of these cells.
    """

    stage: str  # key of the shown stage
    touchpoint: str
    sentiment: Sentiment
    language: str
    source: str
    buyer_status: str  # of the person, over all their posts of the week: "buyer", "non_buyer", "unknown"
    mentions: int
    authors: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Two touchpoints that the same posts speak of."""

    one: str
    other: str
    one_label: str
    other_label: str
    authors: int
    mentions: int
    unhappy_both: int  # people unhappy with both
    happy_both: int
    split: int  # people happy with one and unhappy with the other, in one post
    one_outweighs: int  # of those, people whose whole post has the mood of `one`
    other_outweighs: int
    sentence: str
    buyers: int = 0
    non_buyers: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a standing question, with the people who gave it unasked."""

    key: str  # a touchpoint, or the sort of evidence: "friend", "payment-failed", …
    label: str
    authors: int
    mentions: int
    unhappy: int  # people whose post is unhappy with it
    happy: int
    example: Post | None
    buyers: int = 0
    non_buyers: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """One of the six questions that surveys ask, answered from what people wrote."""

    key: str  # "found", "decided", "checkout", "back", "recommend", "improve"
    text: str
    authors: int  # people who said something that answers it
    answers: tuple[Answer, ...]  # the most frequent first
    sentence: str


@dataclass(frozen=True, slots=True)
class VoiceShare:
    name: str
    mentions: int
    authors: int
    share: Share  # of the people who wrote about us or a rival


@dataclass(frozen=True, slots=True)
class ShareOfVoice:
    """Who is spoken of, from the sources that look for us and for every rival alike; else `why` says why there is none."""

    shown: bool
    why: str
    sources: tuple[str, ...]
    brands: tuple[VoiceShare, ...]  # ours first


NO_SHARE = ShareOfVoice(False, "", (), ())


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that more people use than usual."""

    text: str
    lang: str
    authors: int
    usual: float  # people that the earlier weeks lead one to expect
    p: float  # corrected by Benjamini and Hochberg over the candidates of the language
    log_odds: float  # z of the log-odds ratio: what the list is ordered by
    unhappy: int
    happy: int
    stages: tuple[NamedCount, ...]
    examples: tuple[Post, ...]
    buyers: int = 0
    non_buyers: int = 0


@dataclass(frozen=True, slots=True)
class PhraseList:
    """Emerging phrases, and what they were compared with."""

    phrases: tuple[Phrase, ...]
    candidates: int  # phrases of two people or more, which were tested
    earlier_posts: int  # read of the earlier weeks
    one_in: int  # posts read for it: every one, or in large weeks one of so many, now and before alike
    sentence: str


NO_PHRASES = PhraseList((), 0, 0, 1, "")


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What the team believes, and the people who speak for and against it."""

    says: str
    query: str
    expects: str  # "unhappy" or "happy": the mood that speaks for it
    supporting: int  # people
    opposing: int
    neither: int
    sentence: str
    examples_for: tuple[Post, ...]
    examples_against: tuple[Post, ...]


@dataclass(frozen=True, slots=True)
class Loud:
    """More authors than usual within the week, or an event that was announced."""

    ref: str
    kind: str  # "complaint:checkout", "praise", "all"
    label: str
    standing: Literal["open", "over", "real", "false alarm", "expected"]
    begun_at: datetime
    ended_at: datetime | None  # None: it went on when this was counted
    authors: int  # 0 of an announced event, which nobody counted
    usual: float  # authors of the same stretch
    because: str  # what somebody said that it is
    sentence: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Something the team decided, carried from week to week until it is done."""

    number: int  # what `listener digest done` takes
    week: str  # in which it was decided
    text: str
    who: str
    at: datetime
    weeks_open: int
    done_at: datetime | None = None  # within the week that is counted
