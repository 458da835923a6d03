"""What rules found beside stage and intents: touchpoints with their own mood, emotions, buyer status, exits, sarcasm.

All of it is shown only where a cue was found; nothing is inferred from who the author is. A touchpoint's mood is that of the
cue where the cue carries one, else that of its sentence, so "fine product, rude courier" is not one number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from listener.triage.intents import LEAVING
from listener.triage.signals import Counts
from rules.facts import Hit
from rules.vocabulary import BuyerStatus, Emotion
from rules.words import Words

MOST_EMOTIONS = 2
_BLAMED = -0.4  # mood of a touchpoint that a post complains of without a word of mood for it
_SHORT_POST = 40  # words; longer posts tell a story, in which praise may be meant
SARCASM_CERTAINTY = 0.6  # the most that a verdict with the pattern is sure of
_STATUS_ORDER = (BuyerStatus.EX_CUSTOMER, BuyerStatus.BUYER, BuyerStatus.NON_BUYER)


def touchpoints(
    hits: Sequence[Hit], words: Words, mood: float | None, complains: bool, read: Callable[[int], float | None]
) -> Mapping[str, float | None]:
    """Touchpoint -> mood −1…1, or None where unknown. `read` gives the mood of a sentence by its number.

    Where praise in the sentence is for another touchpoint, and the post complains, what is left is what it complains of.
    """
    moods: dict[str, list[float]] = {}
    sentences: dict[int, float | None] = {}
    several = len(words.sentences) > 1
    praising = (
        [hit for hit in hits if (hit.evidence.sentiment or 0) > 0 and hit.evidence.touchpoints] if complains else ()
    )
    for hit in hits:
        for name in hit.evidence.touchpoints:
            own = hit.evidence.sentiment
            if own is None and praising and _praises_another(name, hit, praising):
                own = _BLAMED
            elif own is None and several and 0 <= hit.sentence < len(words.sentences):
                if hit.sentence not in sentences:
                    sentences[hit.sentence] = read(hit.sentence)
                own = sentences[hit.sentence]
            elif own is None:
                own = mood
            moods.setdefault(name, []).extend(() if own is None else (own,))
    return {name: round(sum(each) / len(each), 2) if each else None for name, each in moods.items()}


def _praises_another(name: str, hit: Hit, praising: Sequence[Hit]) -> bool:
    return any(other.sentence == hit.sentence and name not in other.evidence.touchpoints for other in praising)


def emotions(hits: Sequence[Hit]) -> tuple[Emotion, ...]:
    """At most two, the best attested first."""
    seen: dict[Emotion, float] = {}
    for hit in hits:
        for emotion in hit.evidence.emotions:
            seen[emotion] = seen.get(emotion, 0.0) + hit.weight
    if len(seen) <= 1:
        return tuple(seen)
    return tuple(sorted(seen, key=lambda emotion: -seen[emotion])[:MOST_EMOTIONS])


def buyer_status(hits: Sequence[Hit]) -> BuyerStatus:
    """What the author says of themselves; the latest of buyer and ex-customer where both are said."""
    said = {hit.evidence.buyer for hit in hits}
    return next((status for status in _STATUS_ORDER if status in said), BuyerStatus.UNKNOWN)


def exit_to(hits: Sequence[Hit]) -> str | None:
    """The rival that a leaving cue names."""
    for hit in hits:
        if hit.rival and LEAVING in hit.evidence.intents:
            return hit.rival
    return None


def sarcastic(words: Words, counts: Counts) -> bool:
    """Whether a post that opens with praise would be sarcasm: "Great, another three hours on hold. Love it."

    A pattern, not understanding: a failure, and a repetition or negation or second failure, in a short post where nothing was solved.
    """
    get = counts.get
    if (not get("problem") and not get("persist")) or "solved" in counts or len(words.folded) > _SHORT_POST:
        return False
    failures = get("problem", 0) + get("waiting", 0) + get("severe", 0)
    return failures >= 2 or (failures == 1 and ("more" in counts or "negation" in counts))
