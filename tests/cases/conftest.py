"""Posts with verdicts for the case tests: the story of `tests.fakes.story`, with what routing and grouping look at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from connectors.base import Author
from listener.model import Line, Triaged
from rules.vocabulary import Urgency
from tests.fakes.story import post, triaged

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
LINES = (Line(20, "complaint", "never arrived"), Line(25, "blocked", "never arrived", "en.purchase.undelivered"))


def make_triaged(
    external_id: str = "1",
    *,
    author: str = "ada",
    published_at: datetime = NOON,
    platform: str = "mastodon",
    thread: str | None = None,
    text: str = "",
    **judged: Any,
) -> Triaged:
    """A complaint about a delivery. `judged` are fields of its verdict."""
    mention = post(
        1,
        external_id=external_id,
        platform=platform,
        published_at=published_at,
        author=Author(author, author),
        thread_id=thread,
        text=text or f"My order {external_id} never arrived.",
    )
    high: dict[str, Any] = {"urgency": Urgency.HIGH, "points": 45, "lines": LINES, "touchpoints": {"delivery": -0.6}}
    return triaged(mention, **(high | judged))
