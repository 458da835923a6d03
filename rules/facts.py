"""What a rule may look at (`Facts`) and what it says when it matches (`Hit`, `Evidence`).

Rules see facts only: no clock, no store, no network. The same facts give the same hits, in the same order. What is made for
every post is a named tuple, which takes a quarter of the time that a frozen dataclass does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from rules.vocabulary import BuyerStatus, Emotion, Intent, Stage, Urgency


class Facts(NamedTuple):
    """One post as rules see it."""

    text: str  # plain, as the author wrote it, at most 10,000 characters
    lang: str  # primary language tag; "und" where unclear
    title: str = ""
    platform: str = ""
    kind: str = "post"  # "post", "comment", "review", "article"
    in_reply_to_brand: bool = False
    addressed_to_brand: bool = False  # the post begins with, or speaks to, one of the brand's own handles
    followers: int | None = None
    rating: float | None = None  # stars, 1 to 5
    sentiment: float | None = None  # −1…1; None where no means exists for the language


# What a piece of evidence speaks of, as bits: of all that a post's hits say together, a reader asks only for what is there.
STAGE: Final = 1
TOUCHPOINTS: Final = 2
INTENTS: Final = 4
EMOTIONS: Final = 8
BUYER: Final = 16
MOOD: Final = 32
LIMITS: Final = 64


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a rule contributes when it matches. Empty fields contribute nothing."""

    stage: Stage | None = None
    weight: float = 1.0  # for the stage, 0.5 to 3
    touchpoints: tuple[str, ...] = ()
    intents: tuple[Intent, ...] = ()
    emotions: tuple[Emotion, ...] = ()
    buyer: BuyerStatus | None = None
    sentiment: float | None = None  # −1…1: the sentiment the cue itself carries
    factor: str = (
        ""  # urgency factor: "blocked", "time_pressure", "leaving", "repeated", "asks_us", "opportunity", "harsh_tone"
    )
    points: int = 0  # urgency points of that factor
    floor: Urgency | None = None  # an override: the urgency is at least this
    promotional: bool = False
    ignore: bool = False  # spam, jobs, another meaning of the brand's name: not relevant
    exit_reason: str = ""  # price, availability, trust, effort, delivery, support, quality, values, privacy, competitor
    delight: bool = False
    playbook: str = ""  # link to what to do
    owner: str = ""  # who answers for it
    speaks_of: int = field(init=False, compare=False, repr=False)  # bits: STAGE, …
    label: str = field(init=False, compare=False, repr=False)  # of its line in an explanation, "" where it gets none

    def __post_init__(self) -> None:
        speaks_of = (
            (STAGE if self.stage is not None else 0)
            | (TOUCHPOINTS if self.touchpoints else 0)
            | (INTENTS if self.intents or self.factor == "leaving" else 0)
            | (EMOTIONS if self.emotions else 0)
            | (BUYER if self.buyer is not None else 0)
            | (MOOD if self.sentiment is not None else 0)
            | (LIMITS if self.promotional or self.ignore or self.floor is not None else 0)
        )
        label = ""
        if self.factor and self.points:
            label = self.factor.replace("_", " ")
        elif self.stage is not None:
            label = self.stage.value
        elif self.delight:
            label = "delight"
        elif self.intents:
            label = self.intents[0].value
        object.__setattr__(self, "speaks_of", speaks_of)
        object.__setattr__(self, "label", label)


class Hit(NamedTuple):
    """A rule that matched, with the words that fired."""

    rule: str  # rule id, "<pack>.<stage or theme>.<name>", e.g. "fr.purchase.undelivered"
    about: str  # the rule's one-sentence meaning
    evidence: Evidence
    words: str  # as the author wrote them
    start: int  # character offsets into `Facts.text` (title hits: −1, −1)
    end: int
    sentence: int  # index of the sentence the words stand in
    weight: float = 1.0  # 1 as it stands; above 1 in the clause after "but", below 1 before it
    rival: str | None = None  # the configured rival that {rival} stood for
    in_question: bool = False  # the words stand in a sentence that ends with "?"
