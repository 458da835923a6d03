"""The closed word lists that rules speak and verdicts answer in (DESIGN §2, LABELLING).

Touchpoints are an open list: a configuration may add its own.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Stage(StrEnum):
    """Where on the customer journey an author stands, earliest first."""

    AWARENESS = "awareness"
    CONSIDERATION = "consideration"
    SELECTION = "selection"
    PURCHASE = "purchase"
    USE = "use"
    SATISFACTION = "satisfaction"
    LOYALTY = "loyalty"
    ADVOCACY = "advocacy"
    UNCLEAR = "unclear"


class Urgency(IntEnum):
    """How soon the team should react. Ordered: a higher level compares greater."""

    LOW = 0
    NORMAL = 1
    HIGH = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        """The level's name as users read and write it: `low`, `normal`, `high`, `critical`."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Urgency:
        """The level named `word`. Raises KeyError for any other word."""
        return cls[word.upper()]


class Intent(StrEnum):
    """What the author wants or states; several may hold."""

    COMPLAINT = "complaint"
    QUESTION = "question"
    PRAISE = "praise"
    BUYING = "buying"
    LEAVING = "leaving"
    SUGGESTION = "suggestion"


class BuyerStatus(StrEnum):
    """Whether the author says they bought; never inferred from who they are."""

    NON_BUYER = "non_buyer"
    BUYER = "buyer"
    EX_CUSTOMER = "ex_customer"
    UNKNOWN = "unknown"


class Emotion(StrEnum):
    """Shown only when a cue was found, at most two a mention."""

    JOY = "joy"
    GRATITUDE = "gratitude"
    SURPRISE = "surprise"
    TRUST = "trust"
    CURIOSITY = "curiosity"
    ANTICIPATION = "anticipation"
    CONFUSION = "confusion"
    ANXIETY = "anxiety"
    FRUSTRATION = "frustration"
    ANGER = "anger"
    DISAPPOINTMENT = "disappointment"


TOUCHPOINTS: tuple[str, ...] = (
    "advertising", "content", "website", "app", "store", "staff", "search", "pricing", "promotion",
    "availability", "checkout", "payment", "delivery", "packaging", "pickup", "product_quality", "sizing",
    "onboarding", "reliability", "instructions", "support", "returns", "refunds", "warranty", "subscription",
    "loyalty_programme", "privacy", "values", "reseller",
)  # fmt: skip
