"""Where on the journey the author stands: the latest stage that speaks for itself.

Rules give evidence with weights; structure (a star rating, an answer to the brand) and intents give a little where rules are silent.
Of the stages whose evidence is nearly the best, the latest wins (PRODUCT §2). A customer's word of leaving is loyalty.
With too little evidence the answer is `unclear`, which is an answer, never a stage that was forced.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from connectors.base import Mention
from listener.triage.intents import BUYING, COMPLAINT, LEAVING, PRAISE, QUESTION
from listener.triage.signals import Counts
from rules.facts import Hit
from rules.vocabulary import BuyerStatus, Intent, Stage

AWARENESS: Final = Stage.AWARENESS
CONSIDERATION: Final = Stage.CONSIDERATION
SELECTION: Final = Stage.SELECTION
PURCHASE: Final = Stage.PURCHASE
USE: Final = Stage.USE
SATISFACTION: Final = Stage.SATISFACTION
LOYALTY: Final = Stage.LOYALTY
ADVOCACY: Final = Stage.ADVOCACY
UNCLEAR: Final = Stage.UNCLEAR
_NON_BUYER: Final = BuyerStatus.NON_BUYER
_PLACE: Final = {stage: place for place, stage in enumerate(Stage)}  # earliest first
ENOUGH: Final = 0.45  # evidence below this is no answer
NEARLY: Final = 0.85  # of the best evidence: enough for a later stage to win
SAID_TO_END_IT: Final = 0.5  # of the best evidence: enough for leaving or a call to readers, which LABELLING puts first
TOLD: Final = 1.25  # of a rule's evidence for another stage: praise within a story does not make it a review
SECOND: Final = 0.08  # of the first's evidence, and no less than ENOUGH: enough to be named beside it
TOPIC: Final = 0.46  # what the post speaks of: just enough where nothing else was found
_TOPICS: Final = (("using", USE), ("ordering", PURCHASE), ("served", SATISFACTION))
SENTENCE: Final = 8  # words: a shorter post about nobody's own need may be anything
DOUBT: Final = 0.8  # evidence for "something else", so that one weak cue is not certain


class Standing(NamedTuple):
    """The stage, how sure (0…1), and a second one that a careful colleague could defend."""

    stage: Stage
    confidence: float
    second: Stage | None


def resolve(
    mention: Mention,
    hits: Sequence[Hit],
    intents: frozenset[Intent],
    counts: Counts,
    buyer: BuyerStatus,
    addressed: bool,
    length: int,
) -> Standing:
    """Weigh all evidence for the stage of one mention of `length` words."""
    weights: dict[Stage, float] = {}
    for hit in hits:
        evidence = hit.evidence
        stage = evidence.stage
        if stage is not None and stage is not UNCLEAR:
            weights[stage] = weights.get(stage, 0.0) + evidence.weight * hit.weight
    if LEAVING in intents and buyer is not _NON_BUYER and LOYALTY not in weights:
        weights[LOYALTY] = 0.8
    if USE in weights and PURCHASE in weights and any(map(_at_the_till, hits)):
        weights[USE] /= 2  # the aim of the action decides, not the device
    told = max([weight for stage, weight in weights.items() if stage is not SATISFACTION], default=0.0) >= TOLD
    given = _structure(mention, intents, counts, addressed, told)
    for stage, weight in given:
        weights[stage] = weights.get(stage, 0.0) + weight
    if not weights and length >= SENTENCE and not addressed and not intents and _of_others(counts):
        return Standing(AWARENESS, round(ENOUGH / (ENOUGH + DOUBT), 2), None)
    best = max(weights.values()) if weights else 0.0
    if best < ENOUGH:
        return Standing(UNCLEAR, round(1 - best, 2), None)
    if len(weights) == 1:
        return Standing(next(iter(weights)), round(best / (best + DOUBT), 2), None)
    needed: dict[Stage, float] = {}
    if LOYALTY in weights or ADVOCACY in weights:
        needed = dict.fromkeys(_decisive(hits), SAID_TO_END_IT * best)
    if PRAISE in intents and USE in weights and not counts.get("thanks"):
        needed[SATISFACTION] = max(NEARLY * best, 1.01 * weights[USE])  # to love it in use is to use it
    nearly = NEARLY * best
    first = max(
        [stage for stage, weight in weights.items() if weight >= needed.get(stage, nearly)], key=_PLACE.__getitem__
    )
    enough = max(ENOUGH, SECOND * weights[first])
    others = [
        (weight, _PLACE[stage], stage) for stage, weight in weights.items() if stage is not first and weight >= enough
    ]
    second = max(others)[2] if others else None
    return Standing(first, round(weights[first] / (sum(weights.values()) + DOUBT), 2), second)


def _decisive(hits: Sequence[Hit]) -> set[Stage]:
    """Stages of rules by which a customer leaves, or readers are called: said once, they outweigh the story told around them."""
    return {
        hit.evidence.stage
        for hit in hits
        if hit.evidence.stage is ADVOCACY or (hit.evidence.stage is LOYALTY and LEAVING in hit.evidence.intents)
    }


def _of_others(counts: Counts) -> bool:
    """Speaks neither of the author nor to somebody, and wants nothing: what LABELLING calls awareness."""
    return not counts.get("me") and not counts.get("you")


def _at_the_till(hit: Hit) -> bool:
    return hit.evidence.stage is PURCHASE and bool({"checkout", "payment"} & set(hit.evidence.touchpoints))


def _structure(
    mention: Mention, intents: frozenset[Intent], counts: Counts, addressed: bool, told: bool
) -> list[tuple[Stage, float]]:
    """What holds without any rule: weak, so that one rule outweighs it."""
    given: list[tuple[Stage, float]] = []
    if mention.rating is not None or mention.kind == "review":
        given.append((SATISFACTION, 0.9))
    if COMPLAINT in intents:
        given.append(
            (SATISFACTION, 0.5 if counts.get("contact") or counts.get("money") or counts.get("praise") else 0.4)
        )
        given.append((USE, 0.45 if counts.get("problem") and not counts.get("money") else 0.2))
        if counts.get("waiting"):
            given.append((PURCHASE, 0.45))  # "arrived", "delivered", "promised"
    elif PRAISE in intents:
        if not told:
            given.append((SATISFACTION, 0.6 if counts.get("thanks") or addressed else 0.5))
    elif BUYING in intents:
        given += [(CONSIDERATION, 0.5), (SELECTION, 0.3)]
    elif QUESTION in intents:
        given += [(USE, 0.35), (PURCHASE, 0.3)] if addressed else [(CONSIDERATION, 0.5)]
    elif counts.get("humour") or (counts.get("promo") and not counts.get("me")):
        given.append((AWARENESS, 0.9 if counts.get("humour") else 0.5))
        return given
    if COMPLAINT in intents or PRAISE in intents or (addressed and QUESTION in intents) or not intents:
        given += [(stage, TOPIC) for topic, stage in _TOPICS if counts.get(topic)]
    return given
