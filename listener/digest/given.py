"""What counting is given besides the posts: earlier weeks, settings, reply times, labels, decisions, words of the past."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from listener.model import CaseState, Counted, Sentiment, Spike
from rules.vocabulary import Stage, Urgency


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
class Believed:
    """A hypothesis of the configuration."""

    says: str
    query: str  # as it was written
    matches: Callable[[Counted], bool]  # whether a post speaks of it
    expects: Literal["unhappy", "happy"] = "unhappy"


@dataclass(frozen=True, slots=True)
class DigestSettings:
    """What the configuration says about the digest."""

    brand: str
    language: str = "en"  # of all words and sentences
    stage_labels: Mapping[Stage, str] = field(default_factory=dict)  # base stage -> shown label; equal labels merge
    touchpoint_labels: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)  # touchpoint -> who answers for it
    earlier_weeks: int = 8
    topics: int = 5  # pain points and delights shown
    examples: int = 3  # posts shown for each
    report_url: str = ""  # where the HTML page can be opened, "" where it is only a file
    rivals: tuple[str, ...] = ()
    equal_sources: frozenset[str] = frozenset()  # sources that look for the brand and for every rival alike
    own_words: tuple[str, ...] = ()  # names, products and search words: never an emerging phrase
    hypotheses: tuple[Believed, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseTimes:
    """One case as far as answering it goes."""

    ref: str
    urgency: Urgency
    state: CaseState
    first_at: datetime  # when its first post was published
    due_at: datetime | None  # when its first reply was due; None: the calendar never opens
    replied_at: datetime | None  # first public reply, seen or marked


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as it is kept."""

    number: int
    week: str
    text: str
    who: str
    at: datetime
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OnShelf:
    """That a piece of praise came to a state on the testimonial shelf."""

    at: datetime
    mention: str  # reference
    to: str  # "found", "asked", "granted", "refused", "withdrawn"


@dataclass(frozen=True, slots=True)
class Looked:
    """One field of a verdict that a person looked at."""

    at: datetime
    mention: str  # reference
    kept: bool  # True: they left it as it was
    sampled: bool = False  # drawn for an audit, not looked for where something was wrong


@dataclass(frozen=True, slots=True)
class Spoken:
    """A post of an earlier week as far as its words go."""

    week: int  # which earlier week: 1 is the one before
    author_key: str
    lang: str
    text: str


@dataclass(frozen=True, slots=True)
class Around:
    """Everything else that is known when a week is counted; nothing of it is needed."""

    cases: Sequence[CaseTimes] | None = None  # None: reply times are not known
    spoken: Iterable[Spoken] | None = None  # None: phrases are not compared
    one_in: int = 1  # `spoken` holds one in so many posts (`phrases.chosen`)
    looked: Sequence[Looked] | None = None
    rules: Collection[str] = ()  # ids of the rules that leave their name in verdicts
    decided: Sequence[Decided] = ()
    shelf: Sequence[OnShelf] = ()  # in its order
    unreviewed: str = ""  # the week before, where its digest got out and nobody marked it as reviewed
    spikes: Sequence[Spike] = ()  # of the week and of those before it
    budgets: Sequence[tuple[str, float, float | None]] = ()  # account, USD spent this month, of how many
