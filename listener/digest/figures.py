"""Everything a digest says, as one tree of frozen values: `Digest` and its parts.

Counting fills it, renderers format it and add nothing. The parts live in `parts` (what everything is made of), `findings`
(what a week says beyond its stages) and `quality` (what the digest says of itself) and are all to be had from here.
`SCHEMA_VERSION` grows when a field changes its meaning or goes away; new fields alone do not change it.
"""

from __future__ import annotations

from dataclasses import dataclass

from listener.digest.findings import (
    NO_PHRASES,
    NO_SHARE,
    Answer,
    Cell,
    Decision,
    Hypothesis,
    Loud,
    Pair,
    Phrase,
    PhraseList,
    Question,
    ShareOfVoice,
    VoiceShare,
)
from listener.digest.given import DigestSettings, StageWeek
from listener.digest.parts import SMALL, Change, ChangeWord, NamedCount, Post, Share, Tally, Touch, WeekFigures
from listener.digest.quality import (
    Accounting,
    Budgeted,
    Confidence,
    Coverage,
    GapFigures,
    Response,
    ResponseLevel,
    SourceFigures,
    SourceStatus,
    WeekState,
)

__all__ = [
    "NO_PHRASES", "NO_SHARE", "SCHEMA_VERSION", "SMALL", "Accounting", "Action", "Answer", "Budgeted", "Cell", "Change", "ChangeWord", "Confidence",
    "Coverage", "Decision", "Digest", "DigestSettings", "Door", "GapFigures", "Hypothesis", "Loud", "NamedCount", "Pair", "Phrase",
    "PhraseList", "Post", "Question", "Response", "ResponseLevel", "Share", "ShareOfVoice", "SourceFigures", "SourceStatus",
    "StageFigures", "StageWeek", "Tally", "Topic", "Touch", "VoiceShare", "WeekFigures", "WeekState",
]  # fmt: skip

SCHEMA_VERSION = 1


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
    buyers: int = 0
    non_buyers: int = 0


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
    secondary_mentions: int = 0  # posts whose second stage this is; they are counted at their first
    secondary_authors: int = 0


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
    buyers: int = 0
    non_buyers: int = 0


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do first, as a sentence, with the post that shows it best."""

    kind: str  # "source", "urgent", "pain", "exits", "rise", "buying", "thank", "read", "wait"
    text: str
    url: str = ""


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
    pairs: tuple[Pair, ...] = ()
    questions: tuple[Question, ...] = ()
    share_of_voice: ShareOfVoice = NO_SHARE
    phrases: PhraseList = NO_PHRASES
    hypotheses: tuple[Hypothesis, ...] = ()
    decisions: tuple[Decision, ...] = ()
    sources: tuple[NamedCount, ...] = ()
    buyer_status: tuple[NamedCount, ...] = ()
    cells: tuple[Cell, ...] = ()
    loud: tuple[Loud, ...] = ()
    language: str = "en"  # of its words and sentences
