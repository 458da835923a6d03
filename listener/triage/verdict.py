"""One mention in, one verdict out, with every line that led to it.

`Triage.judge` is pure: the same mention gives the same verdict, on any thread, without clock, store or network. It asks in this
order: is it about us, in which language, in what mood, which rules match, what does the author want, where do they
stand, how soon must we react. Rules are the evidence; mood and weak signals only grade what rules leave open.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from connectors.base import TEXT_LIMIT, Mention
from listener.model import Line, Sentiment, Verdict
from listener.triage import aspects, stages, urgency
from listener.triage.brand import BrandFacts
from listener.triage.intents import Intents, weigh_intents
from listener.triage.language import Identifier
from listener.triage.relevance import Relation, Relevance
from listener.triage.sentiment import Scorer, build_scorer
from listener.triage.signals import Counts, Signals, build_signals
from rules.engine import Engine
from rules.facts import Evidence, Facts, Hit
from rules.load import load_packs
from rules.vocabulary import Intent
from rules.words import Words, prepare

NEGATIVE_BELOW, POSITIVE_FROM = -0.2, 0.25  # of sentiment, fitted on labelled posts of five languages
_GRIEVANCE = 0.9  # from this complaint score on, a post blames the brand, whatever words it uses

_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_CUE = 0.5  # weight of a cue's own mood beside that of the words
_GRAVE = 20  # points of "blocked" from which on nothing works or the money is gone
_LEAVES = 20  # points of leaving beside a complaint: together they make high
_THINKS_OF_LEAVING = 7  # METHODS §8.1: points of "may have to leave"
_OPENING = 4  # words of a post in which sarcastic praise stands


class Triage:
    """Judges mentions for one brand, or, with `brand` None, for whichever brand each of them is about."""

    def __init__(
        self, engine: Engine, scorer: Scorer, identifier: Identifier, signals: Signals, brand: BrandFacts | None = None
    ) -> None:
        self._engine = engine
        self._scorer = scorer
        self._identifier = identifier
        self._signals = signals
        self._relevance = Relevance(brand)
        self.ruleset = engine.ruleset.digest
        self.rule_count = len(engine.ruleset.rules)

    def judge(self, mention: Mention) -> Verdict:
        """The verdict on one mention."""
        text = clean(mention.text)
        title = clean(mention.title) if mention.title else ""
        words = prepare(text)
        relation = self._relevance.relate(mention, words, prepare(title) if title else None)
        lang = self._identifier.identify(words, mention.lang)
        reading = self._scorer.read(words, lang)
        mood = None if reading is None else reading.score
        hits = self._engine.evaluate(_facts(mention, text, title, lang, relation, mood), words)
        counts = self._signals.count(words, lang)
        together = _with_cues(mood, hits, mention.rating)
        asking = "asking" in counts and self._signals.begins_asking(words, lang)
        linked = "http" in text or "www." in text
        intents = weigh_intents(words, counts, hits, together, linked, mention.rating, asking)
        buyer = aspects.buyer_status(hits)
        standing = stages.resolve(mention, hits, intents.found, counts, buyer, relation.addressed)
        lines = self._lines(mention, relation, hits, counts, intents, reading.words if reading else ())
        sure = standing.confidence
        sentiment = _towards_brand(together, intents)
        if (
            mood is not None
            and aspects.sarcastic(words, counts)
            and (opener := self._signals.opener(words, lang, _OPENING))
        ):
            sentiment = min(sentiment if sentiment is not None else 0.0, -0.4)
            sure = min(sure, aspects.SARCASM_CERTAINTY)
            intents = replace(
                intents,
                found=intents.found - {Intent.PRAISE} | {Intent.COMPLAINT},
                complaint=max(intents.complaint, 0.6),
            )
            lines = (*lines, Line(0, "sarcasm?", f"“{opener}” before a failure: please check"))
        promotional = any(hit.evidence.promotional for hit in hits)
        ignored = next((hit for hit in hits if hit.evidence.ignore), None)
        relevant = relation.relevant and ignored is None
        limited = promotional or not relevant or relation.subject != "brand"
        if limited:
            why = ignored.words if ignored is not None else "promotion" if promotional else relation.why
            lines = (*lines, Line(0, urgency.LIMIT, f"low: {why}", ignored.rule if ignored is not None else ""))
        floor = max((hit.evidence.floor for hit in hits if hit.evidence.floor is not None), default=None)
        weighed = urgency.weigh(lines, floor, limited)
        return Verdict(
            relevant=relevant,
            subject=relation.subject if relevant or relation.subject == "own" else "none",
            lang=lang,
            stage=standing.stage,
            stage_confidence=sure,
            secondary_stage=standing.second,
            urgency=weighed.urgency,
            points=weighed.points,
            intents=intents.found,
            touchpoints=aspects.touchpoints(hits, words, sentiment, lambda number: self._mood(words, number, lang)),
            complaint_score=round(intents.complaint, 4),
            sentiment=None if sentiment is None else round(sentiment, 3),
            sentiment_label=label(sentiment),
            emotions=aspects.emotions(hits),
            buyer_status=buyer,
            lines=lines,
            ruleset=self.ruleset,
            promotional=promotional,
            exit_to=aspects.exit_to(hits),
            near=weighed.near,
            floor=floor,
        )

    def _mood(self, words: Words, number: int, lang: str) -> float | None:
        reading = self._scorer.read_sentence(words, number, lang)
        return None if reading is None else reading.score

    def _lines(
        self,
        mention: Mention,
        relation: Relation,
        hits: Sequence[Hit],
        counts: Counts,
        intents: Intents,
        moved: tuple[str, ...],
    ) -> tuple[Line, ...]:
        """All that speaks, points first."""
        scored: list[Line] = []
        said: list[Line] = [Line(0, "about", relation.why)]
        factors: dict[str, Line] = {}
        for hit in hits:
            evidence = hit.evidence
            quoted = f"“{hit.words}”" if hit.words else hit.about
            if evidence.floor is not None:
                said.append(Line(0, urgency.OVERRIDE, f"at least {evidence.floor.word}: {quoted}", hit.rule))
            if evidence.factor and evidence.points:
                name = evidence.factor.replace("_", " ")
                line = Line(_own_points(hit, intents), name, quoted, hit.rule)
                if name not in factors or factors[name].points < line.points:
                    factors[name] = line
            elif evidence.stage is not None:
                said.append(Line(0, str(evidence.stage), quoted, hit.rule))
            elif evidence.delight:
                said.append(Line(0, "delight", quoted, hit.rule))
            elif evidence.intents:
                said.append(Line(0, str(evidence.intents[0]), quoted, hit.rule))
        scored += factors.values()
        scored += _weak_points(counts, intents, relation, factors)
        if (reach := urgency.reach_line(mention.author.followers)) is not None:
            scored.append(reach)
        said += _minimums(intents, relation)
        if moved:
            said.append(Line(0, "mood", ", ".join(moved)))
        return tuple(sorted(scored, key=lambda line: -line.points)) + tuple(said)


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


def _towards_brand(mood: float | None, intents: Intents) -> float | None:
    """The author's mood towards the brand: who complains is not content, who praises is, whatever words they choose."""
    if mood is None:
        return None
    if intents.complaint >= _GRIEVANCE:
        mood -= 0.5 * (intents.complaint - _GRIEVANCE + 0.2)
    elif Intent.PRAISE in intents.found:
        mood = max(mood, POSITIVE_FROM)
    return max(-1.0, min(1.0, mood))


def _own_points(hit: Hit, intents: Intents) -> int:
    """A rule's points, seen beside the complaint that is counted already.

    A lesser hindrance counts half, and so does one that is only asked about. Who leaves in a complaint leaves because of a problem,
    which LABELLING calls high; who only thinks of it does not yet.
    """
    points = hit.evidence.points
    if Intent.COMPLAINT not in intents.found:
        return points
    if hit.evidence.factor == "leaving":
        return max(points, _LEAVES) if points > _THINKS_OF_LEAVING else points
    if hit.evidence.factor == "blocked" and (points < _GRAVE or hit.in_question):
        return points // 2
    return points


def _weak_points(counts: Counts, intents: Intents, relation: Relation, factors: Collection[str]) -> list[Line]:
    """Points for what no rule has scored, from intents and weak signals; a rule's own factor outweighs them."""
    lines: list[Line] = []
    complains = Intent.COMPLAINT in intents.found
    if complains:
        lines.append(Line(urgency.CAPS["complaint"], "complaint", f"complaint {intents.complaint:.2f}"))
    severe = counts.get("severe", 0)
    if complains and severe and "blocked" not in factors:
        lines.append(Line(20 if severe >= 2 else 6, "blocked", f"{severe} words of a grave problem"))
    if complains and counts.get("now") and "time pressure" not in factors:
        lines.append(Line(8, "time pressure", "words of urgency"))
    if Intent.LEAVING in intents.found and "leaving" not in factors:
        lines.append(Line(20, "leaving", "words of leaving"))
    if complains and counts.get("persist", 0) >= 2 and "repeated" not in factors:
        lines.append(Line(6, "repeated", "“still”, “again”, long waits"))
    if complains and counts.get("harsh") and "harsh tone" not in factors:
        lines.append(Line(urgency.CAPS["harsh tone"], "harsh tone", "harsh words"))
    asking = (3 if relation.addressed else 0) + (4 if Intent.QUESTION in intents.found or counts.get("request") else 0)
    if asking and "asks us" not in factors:
        lines.append(Line(asking, "asks us", "speaks to the brand" if relation.addressed else "a question or request"))
    if Intent.BUYING in intents.found and "opportunity" not in factors:
        lines.append(Line(12, "opportunity", "wants to buy"))
    return lines


def _minimums(intents: Intents, relation: Relation) -> list[Line]:
    """LABELLING: a complaint, a question to the brand or a clear wish to buy deserves an answer today."""
    lines: list[Line] = []
    if Intent.COMPLAINT in intents.found:
        lines.append(Line(0, urgency.MINIMUM, "normal: a complaint"))
    elif Intent.LEAVING in intents.found:
        lines.append(Line(0, urgency.MINIMUM, "normal: leaving"))
    elif Intent.QUESTION in intents.found and relation.addressed:
        lines.append(Line(0, urgency.MINIMUM, "normal: a question to us"))
    elif Intent.BUYING in intents.found and (relation.addressed or Intent.QUESTION in intents.found):
        lines.append(Line(0, urgency.MINIMUM, "normal: wants to buy"))
    return lines


def build_triage(
    packs: Sequence[Any],
    brand: BrandFacts | None,
    languages: Sequence[str],
    disabled: Collection[str] = (),
    touchpoints: Collection[str] = (),
) -> Triage:
    """Triage from rule packs (files or folders) for a brand. Raises `rules.errors.RulesError` with all problems of the packs."""
    sources: list[Path | Any] = list(packs)
    ruleset = load_packs(sources, touchpoints)
    if disabled:
        off = frozenset(disabled)
        ruleset = replace(ruleset, rules=tuple(rule for rule in ruleset.rules if rule.id not in off))
    names = brand.all_names if brand is not None else ()
    products = brand.products if brand is not None else ()
    rivals = tuple(alias for name, more in brand.rivals.items() for alias in (name, *more)) if brand is not None else ()
    engine = Engine(ruleset, brand_names=names, products=products, rivals=rivals, languages=languages)
    scorer = build_scorer(languages, neutral=(*names, *products, *rivals))
    return Triage(engine, scorer, Identifier(languages), build_signals(languages), brand)
