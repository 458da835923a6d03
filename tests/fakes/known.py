"""What the daemon tells a source of a post that it stored, and the answer to it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import cast

from connectors.base import Known, Looked, Mention, Rechecking, Source


def known(mention: Mention) -> Known:
    """What is told of it."""
    return Known(
        external_id=mention.external_id,
        url=mention.url,
        kind=mention.kind,
        author_id=mention.author.id,
        parent_id=mention.parent_id,
        thread_id=mention.thread_id,
        published_at=mention.published_at,
    )


def look_up(source: Source, mentions: Iterable[Mention], now: datetime) -> Looked:
    """Let a source look these up again."""
    return cast("Rechecking", source).recheck([known(mention) for mention in mentions], now)


def gone(looked: Looked) -> set[str]:
    """The ids of what is gone."""
    return {removal.external_id for removal in looked.removed}
