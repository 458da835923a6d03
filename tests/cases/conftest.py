"""Synthetic mentions and verdicts for the case tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from connectors.base import Author, Mention
from listener.model import Line, Triaged, Verdict
from rules.vocabulary import BuyerStatus, Intent, Stage, Urgency

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


def make_triaged(
    external_id: str = "1",
    *,
    author: str = "ada",
    text: str = "My parcel never came.",
    published_at: datetime = NOON,
    platform: str = "mastodon",
    thread: str | None = None,
    urgency: Urgency = Urgency.HIGH,
    stage: Stage = Stage.PURCHASE,
    intents: frozenset[Intent] = frozenset({Intent.COMPLAINT}),
    touchpoints: dict[str, float | None] | None = None,
    relevant: bool = True,
    subject: str = "brand",
    lang: str = "en",
) -> Triaged:
    mention = Mention(
        platform=platform,
        external_id=external_id,
        text=text,
        published_at=published_at,
        author=Author(id=author, handle=author),
        thread_id=thread,
    )
    verdict = Verdict(
        relevant=relevant,
        subject=subject,
        lang=lang,
        stage=stage,
        stage_confidence=0.8,
        secondary_stage=None,
        urgency=urgency,
        points=45,
        intents=intents,
        touchpoints={"delivery": -0.6} if touchpoints is None else touchpoints,
        complaint_score=0.9,
        sentiment=-0.6,
        sentiment_label="negative",
        emotions=(),
        buyer_status=BuyerStatus.BUYER,
        lines=(
            Line(20, "complaint", "never came", "en.complaint"),
            Line(25, "blocked", "parcel", "en.purchase.undelivered"),
        ),
        ruleset="test",
    )
    return Triaged(mention, verdict)


@pytest.fixture
def triaged() -> Callable[..., Triaged]:
    return make_triaged
