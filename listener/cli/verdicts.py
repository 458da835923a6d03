"""A verdict in words and as JSON: what `classify` and `explain` print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from listener.model import Verdict
from listener.slack.outside import clean
from listener.triage.urgency import HIGH_FROM, NORMAL_FROM


def as_json(mention_id: str, verdict: Verdict) -> Mapping[str, Any]:
    """One line of `classify --output`: the fields are those of PRODUCT §7."""
    return {
        "id": mention_id,
        "lang": verdict.lang,
        "relevant": verdict.relevant,
        "stage": verdict.stage.value,
        "stage_confidence": round(verdict.stage_confidence, 3),
        "secondary_stage": verdict.secondary_stage.value if verdict.secondary_stage else None,
        "urgency": verdict.urgency.word,
        "points": verdict.points,
        "intents": sorted(intent.value for intent in verdict.intents),
        "touchpoints": sorted(verdict.touchpoints),
        "complaint_score": round(verdict.complaint_score, 4),
        "sentiment": None if verdict.sentiment is None else round(verdict.sentiment, 4),
        "sentiment_label": verdict.sentiment_label,
        "emotions": [emotion.value for emotion in verdict.emotions],
        "buyer_status": verdict.buyer_status.value,
        "lines": explanation(verdict),
        "ruleset": verdict.ruleset,
    }


def explanation(verdict: Verdict) -> list[str]:
    """Why: one line a reason, the decision first, what would have changed it last."""
    head = f"{verdict.urgency.word} · {verdict.points} points (normal from {NORMAL_FROM}, high from {HIGH_FROM})"
    if verdict.floor is not None and verdict.floor >= verdict.urgency:
        head += f", at least {verdict.floor.word} by an override"
    said = [head]
    for line in verdict.lines:
        points = f"{line.points:+d} " if line.points else "   "
        parts = [f"{points:>4}{line.label:<18}", line.evidence, f"[{line.rule}]" if line.rule else ""]
        said.append(" ".join(part for part in parts if part).rstrip())
    stage = f"stage {verdict.stage.value} ({verdict.stage_confidence:.2f})"
    if verdict.secondary_stage:
        stage += f", also {verdict.secondary_stage.value}"
    mood = "sentiment unknown" if verdict.sentiment is None else f"{verdict.sentiment_label} {verdict.sentiment:+.1f}"
    facts = [stage, f"touchpoints {', '.join(sorted(verdict.touchpoints))}" if verdict.touchpoints else "", mood]
    if verdict.intents:
        facts.append("intents " + ", ".join(sorted(intent.value for intent in verdict.intents)))
    if verdict.exit_to:
        facts.append(f"leaves for {verdict.exit_to}")
    if not verdict.relevant:
        facts.append(f"not relevant ({verdict.subject})")
    said.append(" · ".join(fact for fact in facts if fact))
    if verdict.near:
        said.append(verdict.near)
    return [clean(line) for line in said]  # evidence is words of a post
