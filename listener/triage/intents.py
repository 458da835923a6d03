"""What the author wants: complaint (graded), question, praise, buying, leaving, suggestion.

Rules say what they found; weak signals, mood and structure grade the rest, because more than half of the complaints to
brands hold no negative word. The grade is a weighted sum through a logistic curve; the weights are few, rounded, and
fitted on half of the labelled development posts (bench/quality.py prints what they are worth on the other half).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from listener.triage.signals import Counts
from rules.facts import Hit
from rules.vocabulary import Intent, Stage
from rules.words import Words

# Looking up a member of an enum takes ten times as long as a name, and judging a post asks for forty.
COMPLAINT: Final = Intent.COMPLAINT
QUESTION: Final = Intent.QUESTION
PRAISE: Final = Intent.PRAISE
BUYING: Final = Intent.BUYING
LEAVING: Final = Intent.LEAVING
SUGGESTION: Final = Intent.SUGGESTION
_ADVOCACY: Final = Stage.ADVOCACY

COMPLAINT_FROM: Final = 0.5
PRAISE_FROM: Final = 0.5
_MOST: Final = 3  # of one group's words that count

_AGAINST: Mapping[str, float] = {
    "problem": 1.2, "severe": 1.0, "leave": 1.0, "why": 0.8, "contact": 0.7, "negation": 0.6, "waiting": 0.6, "persist": 0.5,
    "money": 0.35, "request": 0.2, "now": 0.2, "harsh": 0.2, "praise": -0.4, "promo": -0.4, "want": -0.5, "brandvoice": -0.6,
}  # fmt: skip
_COMPLAINT_BASE: Final = -2.2
_NEGATIVE: Final = 0.9
_POSITIVE: Final = -2.2
_LENGTH: Final = 0.9
_ASKED: Final = 0.4
_LINK: Final = -0.7
_FIRST_HIT: Final = 2.2
_FURTHER_HIT: Final = 0.5
_PRAISE_HIT: Final = -0.8

_FOR_IT: Mapping[str, float] = {
    "praise": 0.8, "thanks": 0.6, "solved": 0.5, "problem": -0.7, "negation": -0.5, "why": -0.6, "want": -0.5, "leave": -1.0,
    "greeting": -1.5, "promo": -0.5, "waiting": -0.4, "severe": -0.5, "request": -0.4, "contact": -0.2,
}  # fmt: skip
_PRAISE_BASE: Final = -1.5
_WEIGHTS: Final = {group: (_AGAINST.get(group, 0.0), _FOR_IT.get(group, 0.0)) for group in {*_AGAINST, *_FOR_IT}}


class Intents(NamedTuple):
    """The intents that hold, and how strongly the post complains, 0…1."""

    found: frozenset[Intent]
    complaint: float


def weigh_intents(
    words: Words,
    counts: Counts,
    hits: Sequence[Hit],
    mood: float | None,
    linked: bool,
    rating: float | None,
    begins_asking: bool = False,
) -> Intents:
    """Judge one post. `mood`: sentiment −1…1 or None; `linked`: it holds a link; `rating`: stars or
    None; `begins_asking`: a sentence begins as questions do.
    """
    ruled: dict[Intent, float] = {}
    for hit in hits:
        for intent in hit.evidence.intents:
            ruled[intent] = ruled.get(intent, 0.0) + hit.weight
        if hit.evidence.factor == "leaving":
            ruled.setdefault(LEAVING, hit.weight)
    mood = mood or 0.0
    asked = (begins_asking and not _only_praises(hits)) or asks(words, counts)
    against = for_it = 0.0
    for group, count in counts.items():
        if (weights := _WEIGHTS.get(group)) is not None:
            if count > _MOST:
                count = _MOST
            against += weights[0] * count
            for_it += weights[1] * count
    complaint = _complaint(len(words.folded), against, ruled, mood, asked, linked, rating)
    praise = _praise(for_it, ruled, mood, asked, linked, rating, complaint)
    found = {SUGGESTION, BUYING, LEAVING}.intersection(ruled) if ruled else set[Intent]()
    if complaint >= COMPLAINT_FROM:
        found.add(COMPLAINT)
    if asked or QUESTION in ruled:
        found.add(QUESTION)
    if praise >= PRAISE_FROM:
        found.add(PRAISE)
    if counts.get("leave") and complaint >= 0.6:
        found.add(LEAVING)
    if counts.get("want") and complaint < COMPLAINT_FROM and not counts.get("promo"):
        found.add(BUYING)
    return Intents(frozenset(found), complaint)


def _only_praises(hits: Sequence[Hit]) -> bool:
    """ "Why does nobody talk about how good they are" is said to readers, and wants no answer."""
    return any(hit.evidence.stage is _ADVOCACY and PRAISE in hit.evidence.intents for hit in hits)


def asks(words: Words, counts: Counts) -> bool:
    """A question that wants an answer: a question mark, unless every such sentence only exclaims."""
    if "?" not in words.text:
        return False
    asked = sum([question for _, _, question in words.sentences])
    return asked > counts.get("rhetorical", 0)


def _complaint(
    length: int,
    weighed: float,
    ruled: Mapping[Intent, float],
    mood: float,
    asked: bool,
    linked: bool,
    rating: float | None,
) -> float:
    total = weighed + _COMPLAINT_BASE + _LENGTH * min(length, 40) / 20
    strength = ruled.get(COMPLAINT, 0.0)
    total += _POSITIVE * mood * (0.5 if strength else 1.0) if mood > 0 else -_NEGATIVE * mood
    total += (_ASKED if asked else 0.0) + (_LINK if linked else 0.0)
    if strength > 0:
        total += _FIRST_HIT + _FURTHER_HIT * min(strength - 1, 3)
    elif PRAISE in ruled:
        total += _PRAISE_HIT
    if rating is not None:
        total += (3 - rating) * 0.9
    return _logistic(total)


def _praise(
    weighed: float,
    ruled: Mapping[Intent, float],
    mood: float,
    asked: bool,
    linked: bool,
    rating: float | None,
    complaint: float,
) -> float:
    strength = ruled.get(PRAISE, 0.0)
    total = weighed + _PRAISE_BASE + 2.5 * mood - (1.5 if asked else 0.0) - (0.6 if linked else 0.0)
    total -= (0.5 if strength else 2.0) * max(
        0.0, complaint - 0.3
    )  # who praises in words may complain of something else
    if strength:
        total += 2.5 * min(strength, 1.0) + 0.4 * max(0.0, min(strength - 1, 3))
    if rating is not None:
        total += (rating - 3) * 0.7
    return _logistic(total)


def _logistic(total: float) -> float:
    return 1 / (1 + math.exp(-total if -30.0 <= total <= 30.0 else -math.copysign(30.0, total)))
