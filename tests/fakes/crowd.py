"""A crowd: more posts a second than a page holds, polls that stop half-way, posts arriving while a poll runs."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import Source


def unread(source: Source, publish: Callable[[datetime], str], seed: int, rounds: int = 60) -> set[str]:
    """What was published and never read, once the crowd is quiet, every page was stored and every gap is closed."""
    chance = random.Random(seed)
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    published: list[str] = []
    stored: set[str] = set()
    cursor: Any = None
    quiet = 0
    for number in range(rounds * 6):
        loud = number < rounds
        if loud:
            published += [publish(now) for _ in range(chance.randint(1, 5))]
        now += timedelta(milliseconds=chance.randint(20, 300))
        stop = chance.choice([0, 1, 2, 9, 9]) if loud else 99
        quiet += 1
        for read, page in enumerate(source.poll(cursor, now)):
            if read >= stop:
                break
            cursor = json.loads(json.dumps(page.cursor))
            stored |= {mention.external_id for mention in page.mentions}
            if loud or page.mentions or page.gaps:
                quiet = 0
            if loud and chance.random() < 0.3:
                published.append(publish(now))
        # A quiet poll may still be reading the lookback again, a few pages at a time.
        if not loud and quiet > 3 + len(stored) // 3:
            break
    return set(published) - stored
