"""What a backfill reads is kept as a source of its own (`backfill:<name>:<day>`), and counts as its source's.

Its own row keeps a cursor of its own; a digest shows one source, which has collected from the backfill's day on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from listener.model import DRILL, SourceState

PREFIX = "backfill:"


def row_name(source: str, since: datetime) -> str:
    """The name under which a backfill is kept: the same again for the same source and day, so that it is resumed."""
    return f"{PREFIX}{source}:{since:%Y-%m-%d}"


def is_backfill_of(name: str, source: str) -> bool:
    """Whether the source `name` holds older posts of `source`."""
    return name.startswith(f"{PREFIX}{source}:")


def read_back(name: str) -> tuple[str, datetime] | None:
    """The source whose older posts the source `name` holds, and the day they begin; None where it holds no such."""
    if not name.startswith(PREFIX):
        return None
    source, _, day = name.removeprefix(PREFIX).rpartition(":")
    return source, datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)


def as_collected(sources: Sequence[SourceState]) -> tuple[SourceState, ...]:
    """The sources with what was read back counted as collected, each under its own name; drills are none.

    A backfill that came to its end read what its platform had: from its day on its source has collected, but for its gaps.
    """
    known = {one.name: one for one in sources if one.name != DRILL and read_back(one.name) is None}
    for one in sources:
        found = read_back(one.name)
        if found is None or one.first_success_at is None or one.failures or one.gaps:
            continue
        name, day = found
        own = known.get(name, replace(one, name=name, mentions=0))
        first = min(day, own.first_success_at) if own.first_success_at is not None else day
        last = max(one.last_success_at or day, own.last_success_at or day)
        known[name] = replace(own, first_success_at=first, last_success_at=last, mentions=own.mentions + one.mentions)
    return tuple(known.values())
