"""One mention in, one verdict out, with every line that led to it.

`Triage.judge` is pure: the same mention gives the same verdict, on any thread, without clock, store or network. It asks in this
order: is it about us, in which language, in what mood, which rules match, what does the author want, where do they
stand, how soon must we react. Rules are the evidence; mood and weak signals only grade what rules leave open.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, make_dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

from connectors.base import TEXT_LIMIT, Mention
from listener.model import Line, Sentiment, Verdict
from listener.triage import aspects, reasons, stages, urgency
from listener.triage.brand import BrandFacts
from listener.triage.intents import BUYING, COMPLAINT, LEAVING, PRAISE, QUESTION, Intents, weigh_intents
from listener.triage.language import Identifier
from listener.triage.mixed import other_languages
from listener.triage.relevance import Relation, Relevance
from listener.triage.sentiment import Scorer, build_scorer
from listener.triage.signals import Signals, build_signals
from rules.engine import Engine
from rules.facts import BUYER, EMOTIONS, INTENTS, LIMITS, MOOD, TOUCHPOINTS, Facts, Hit
from rules.load import load_packs, uncollected
from rules.vocabulary import BuyerStatus
from rules.words import Words, prepare

# Of sentiment, fitted on labelled posts of five languages.
NEGATIVE_BELOW: Final = -0.2
POSITIVE_FROM: Final = 0.25
_TOO_MUCH_FOR_AN_ADVERT: Final = 0.75  # complaint score of a post that speaks to us: "sell my points" is no advert then
_GRIEVANCE: Final = 0.7  # from this complaint score on, a post blames the brand, whatever words it uses
_POLITE: Final = 0.2  # the most that greetings and thanks around a question say

_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_UNKNOWN: Final = BuyerStatus.UNKNOWN
_CUE: Final = 0.5  # weight of a cue's own mood beside that of the words
_OPENING: Final = 4  # words of a post in which sarcastic praise stands


# A verdict that is not frozen yet: a frozen dataclass sets each of its fields through `object.__setattr__`, which takes three
# times as long. Both have the same slots, so that one may become the other.
_Draft: Any = make_dataclass("_Draft", [(each.name, each.type) for each in fields(Verdict)], slots=True)


class Triage:
    """Judges mentions for one brand, or, with `brand` None, for whichever brand each of them is about."""

    def __init__(
        self,
        engine: Engine,
        scorer: Scorer,
        identifier: Identifier,
        signals: Signals,
        brand: BrandFacts | None = None,
        languages: Sequence[str] = (),
    ) -> None:
        self._engine = engine
        self._scorer = scorer
        self._identifier = identifier
        self._signals = signals
        self._relevance = Relevance(brand)
        self._languages = tuple(languages)
        self._quotes = reasons.Quotes(languages)
        self.ruleset = engine.ruleset.digest
        self.rule_count = len(engine.ruleset.rules)

    def for_brand(self, brand: BrandFacts) -> Triage:
        """The same rules for another brand; what is large is shared."""
        rivals = [alias for name, more in brand.rivals.items() for alias in (name, *more)]
        engine = self._engine.for_names(brand.all_names, brand.products, rivals)
        return Triage(engine, self._scorer, self._identifier, self._signals, brand, self._languages)

    def judge(self, mention: Mention) -> Verdict:
        """The verdict on one mention."""
        text = clean(mention.text)
        title = clean(mention.title) if mention.title else ""
        words = prepare(text)
        relation = self._relevance.relate(mention, words, prepare(title) if title else None)
        lang = self._identifier.identify(words, mention.lang)
        reading = self._scorer.read(words, lang)
        mood = None if reading is None else reading.score
        facts = _facts(mention, text, title, lang, relation, mood)
        hits = self._engine.evaluate(facts, words)
        counts = self._signals.count(words, lang)
        for other in other_languages(words, lang, self._languages):
            hits = _together(hits, self._engine.evaluate(facts._replace(lang=other), words))
            more = self._signals.count(words, other)
            counts = {group: max(counts.get(group, 0), more.get(group, 0)) for group in counts.keys() | more.keys()}
        said = 0  # what the hits speak of, together
        for hit in hits:
            said |= hit.evidence.speaks_of
        together = _with_cues(mood, hits, mention.rating) if said & MOOD or mention.rating is not None else mood
        asking = "asking" in counts and self._signals.begins_asking(words, lang)
        linked = "http" in text or "www." in text
        intents = weigh_intents(words, counts, hits, together, linked, mention.rating, asking)
        buyer = aspects.buyer_status(hits) if said & BUYER else _UNKNOWN
        standing = stages.resolve(
            mention, hits, intents.found, counts, buyer, relation.addressed, len(words.folded) if reading else 0
        )
        lines = reasons.explain(
            relation, hits, counts, intents, mention.author.followers, reading.words if reading else (),
            lambda group: self._quotes.of(words, lang, group),
        )  # fmt: skip
        sure = standing.confidence
        sentiment = _towards_brand(together, intents, hits)
        if (
            mood is not None
            and aspects.sarcastic(words, counts)
            and (opener := self._signals.opener(words, lang, _OPENING))
        ):
            sentiment = min(sentiment if sentiment is not None else 0.0, -0.4)
            sure = min(sure, aspects.SARCASM_CERTAINTY)
            intents = intents._replace(
                found=intents.found - {PRAISE} | {COMPLAINT},
                complaint=max(intents.complaint, 0.6),
            )
            lines = (*lines, Line(0, "sarcasm?", f"“{opener}” before a failure: please check"))
        grieves = relation.addressed and intents.complaint >= _TOO_MUCH_FOR_AN_ADVERT
        promotional, ignored, floor = False, None, None
        for hit in hits if said & LIMITS else ():
            evidence = hit.evidence
            if evidence.promotional:
                promotional = not grieves
            if evidence.ignore and ignored is None:
                ignored = hit
            if evidence.floor is not None and (floor is None or evidence.floor > floor):
                floor = evidence.floor
        relevant = relation.relevant and ignored is None
        limited = promotional or not relevant or relation.subject != "brand"
        if limited:
            why = ignored.words if ignored is not None else "promotion" if promotional else relation.why
            lines = (*lines, reasons.line(0, urgency.LIMIT, f"low: {why}", ignored.rule if ignored is not None else ""))
        weighed = urgency.weigh(lines, floor, limited)
        touchpoints: Mapping[str, float | None] = {}
        if said & TOUCHPOINTS:
            complains = COMPLAINT in intents.found
            touchpoints = aspects.touchpoints(
                hits, words, sentiment, complains, lambda number: self._mood(words, number, lang)
            )
        draft = _Draft(
            relevant=relevant,
            subject=relation.subject if relevant or relation.subject == "own" else "none",
            lang=lang,
            stage=standing.stage,
            stage_confidence=sure,
            secondary_stage=standing.second,
            urgency=weighed.urgency,
            points=weighed.points,
            intents=intents.found,
            touchpoints=touchpoints,
            complaint_score=round(intents.complaint, 4),
            sentiment=None if sentiment is None else round(sentiment, 3),
            sentiment_label=label(sentiment),
            emotions=aspects.emotions(hits) if said & EMOTIONS else (),
            buyer_status=buyer,
            lines=lines,
            ruleset=self.ruleset,
            promotional=promotional,
            exit_to=aspects.exit_to(hits) if said & INTENTS else None,
            near=weighed.near,
            floor=floor,
        )
        draft.__class__ = Verdict
        return cast("Verdict", draft)

    def _mood(self, words: Words, number: int, lang: str) -> float | None:
        reading = self._scorer.read_sentence(words, number, lang)
        return None if reading is None else reading.score


def clean(text: str) -> str:
    """At most TEXT_LIMIT characters, without what databases and models choke on: NULs, control characters, lone surrogates."""
    text = text[:TEXT_LIMIT]
    return text if text.isprintable() else _UNSAFE.sub(" ", text)


def label(sentiment: float | None) -> Sentiment:
    """The word for a sentiment; unknown reads as neutral, and the number says that it is unknown."""
    if sentiment is None or NEGATIVE_BELOW <= sentiment < POSITIVE_FROM:
        return "neutral"
    return "negative" if sentiment < 0 else "positive"


def _facts(mention: Mention, text: str, title: str, lang: str, relation: Relation, mood: float | None) -> Facts:
    return Facts(
        text=text,
        lang=lang,
        title=title,
        platform=mention.platform,
        kind=mention.kind,
        in_reply_to_brand=mention.in_reply_to_brand is True,
        addressed_to_brand=relation.addressed,
        followers=mention.author.followers,
        rating=mention.rating,
        sentiment=mood,
    )


def _together(hits: Sequence[Hit], more: Sequence[Hit]) -> tuple[Hit, ...]:
    """Hits of two languages, a rule of all languages once."""
    known = {hit.rule for hit in hits}
    return (*hits, *(hit for hit in more if hit.rule not in known))


def _with_cues(mood: float | None, hits: Sequence[Hit], rating: float | None) -> float | None:
    """What the words say together with what cues and stars carry."""
    weight = cues = 0.0
    for hit in hits:
        if (own := hit.evidence.sentiment) is not None:
            weight += _CUE * hit.weight
            cues += _CUE * hit.weight * own
    if rating is not None:
        weight += 2.0
        cues += rating - 3
    if not weight:
        return mood
    return cues / weight if mood is None else (mood + cues) / (1 + weight)


def _towards_brand(mood: float | None, intents: Intents, hits: Sequence[Hit]) -> float | None:
    """The author's mood towards the brand: who complains is not content, who praises or wants to buy is not angry, whatever the words."""
    if mood is None:
        return None
    complains = COMPLAINT in intents.found
    if intents.complaint >= _GRIEVANCE:
        mood -= 0.5 * (intents.complaint - _GRIEVANCE + 0.2)
    elif PRAISE in intents.found:
        mood = max(mood, POSITIVE_FROM)
    if BUYING in intents.found and not complains:
        mood = max(mood, 0.0)
    elif mood <= 0.5 and QUESTION in intents.found and PRAISE not in intents.found:
        mood = min(mood, _POLITE)  # greetings and thanks around a question are manners
    if complains and (LEAVING in intents.found or any(map(_taken_back, hits))):
        mood = min(mood, NEGATIVE_BELOW - 0.05)
    return max(-1.0, min(1.0, mood))


def _taken_back(hit: Hit) -> bool:
    """Thanks or praise before a "but": the clause behind it is what the author came to say."""
    return hit.weight < 1 and PRAISE in hit.evidence.intents


def build_triage(
    packs: Sequence[Any],
    brand: BrandFacts | None,
    languages: Sequence[str],
    disabled: Collection[str] = (),
    touchpoints: Collection[str] = (),
) -> Triage:
    """Triage from rule packs (files or folders) for a brand. Raises `rules.errors.RulesError` with all problems of the packs."""
    with uncollected():
        sources: list[Path | Any] = list(packs)
        ruleset = load_packs(sources, touchpoints)
        if disabled:
            off = frozenset(disabled)
            ruleset = replace(ruleset, rules=tuple(rule for rule in ruleset.rules if rule.id not in off))
        names = brand.all_names if brand is not None else ()
        products = brand.products if brand is not None else ()
        rivals = (
            tuple(alias for name, more in brand.rivals.items() for alias in (name, *more)) if brand is not None else ()
        )
        engine = Engine(ruleset, brand_names=names, products=products, rivals=rivals, languages=languages)
        scorer = build_scorer(languages, neutral=(*names, *products, *rivals))
        triage = Triage(engine, scorer, Identifier(languages), build_signals(languages), brand, languages)
        gc.freeze()  # rules stay as long as the process: no collection needs to walk through them
    return triage
