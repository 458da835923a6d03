"""Fair turns between the timelines of a source whose platform stops it half-way through a round.

Where a limit lets only some of a source's timelines be read in one poll, always beginning with the same would leave the
last ones unread for ever. `Turns` puts the one that has waited longest first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from connectors.base import Json
from connectors.walk import Batch, Timeline


class Turns:
    """Remembers who was read when; lives as long as its source."""

    def __init__(self) -> None:
        self._reads = 0
        self._last: dict[str, int] = {}

    def order(self, timelines: Mapping[str, Timeline]) -> dict[str, Timeline]:
        """The same timelines, the longest unread first; they note their reads here."""
        names = sorted(timelines, key=lambda name: self._last.get(name, 0))
        return {name: _Noted(self, name, timelines[name]) for name in names}

    def note(self, name: str) -> None:
        self._reads += 1
        self._last[name] = self._reads


@dataclass(frozen=True, slots=True)
class _Noted:
    turns: Turns
    name: str
    timeline: Timeline

    def read(self, since: datetime, position: Json) -> Batch:
        batch = self.timeline.read(since, position)
        self.turns.note(self.name)
        return batch
