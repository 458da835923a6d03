"""Which receivers hear of a mention, and through which route.

Routes are read in order; the first that matches decides, unless it says `continue`. A receiver is named once.
Pure, total (every mention has an answer, maybe an empty one) and stable (the same mention, the same answer).
Why a route, or a silence, does not want a mention is an answer as well (`misfits`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from connectors.base import Mention
from listener.model import Verdict
from rules.vocabulary import Intent, Stage, Urgency


class Conditions(Protocol):
    """What a route or a silence asks of a mention. An empty set means: any."""

    @property
    def stages(self) -> frozenset[Stage]: ...
    @property
    def intents(self) -> frozenset[Intent]: ...
    @property
    def touchpoints(self) -> frozenset[str]: ...
    @property
    def sources(self) -> frozenset[str]: ...
    @property
    def platforms(self) -> frozenset[str]: ...
    @property
    def languages(self) -> frozenset[str]: ...
    @property
    def sentiments(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Misfit:
    """A condition that does not hold."""

    condition: str  # "stages", "touchpoints", …
    has: tuple[str, ...]  # what the mention is
    wanted: tuple[str, ...]

    def __str__(self) -> str:
        """In words: "its stage is use, not purchase"."""
        name = {"stages": "stage", "sources": "source", "platforms": "platform", "languages": "language"}
        has = ", ".join(self.has) or "none"
        single = name.get(self.condition, "sentiment" if self.condition == "sentiments" else "")
        said = f"its {single} is {has}" if single else f"its {self.condition} are {has}"
        return f"{said}, not {' or '.join(self.wanted)}"


@dataclass(frozen=True, slots=True)
class Route:
    """One way to a receiver. An empty set of a condition means: any."""

    name: str
    to: tuple[str, ...]
    urgency_at_least: Urgency = Urgency.LOW
    stages: frozenset[Stage] = frozenset()
    intents: frozenset[Intent] = frozenset()
    touchpoints: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    platforms: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    sentiments: frozenset[str] = frozenset()
    goes_on: bool = False  # `continue = true`: later routes are asked as well


@dataclass(frozen=True, slots=True)
class Destination:
    """A receiver and the route that named it."""

    receiver: str
    route: str


def misfits(conditions: Conditions, mention: Mention, verdict: Verdict, source: str) -> Iterator[Misfit]:
    """The conditions that do not hold for a mention, in the order of a route's keys; nothing where all hold."""
    asked: tuple[tuple[str, Collection[str], Collection[str]], ...] = (
        ("stages", conditions.stages, (verdict.stage,)),
        ("intents", conditions.intents, verdict.intents),
        ("touchpoints", conditions.touchpoints, verdict.touchpoints),
        ("sources", conditions.sources, (source,)),
        ("platforms", conditions.platforms, (mention.platform,)),
        ("languages", conditions.languages, (verdict.lang,)),
        ("sentiments", conditions.sentiments, (verdict.sentiment_label,)),
    )
    for name, wanted, has in asked:
        if wanted and not any(one in wanted for one in has):
            yield Misfit(name, tuple(sorted(map(str, has))), tuple(sorted(map(str, wanted))))


def matches(route: Route, mention: Mention, verdict: Verdict, source: str, urgency: Urgency) -> bool:
    """Whether `route` wants this mention. `urgency` is the case's, which may be above the mention's own."""
    return urgency >= route.urgency_at_least and next(misfits(route, mention, verdict, source), None) is None


def destinations(
    routes: Sequence[Route], mention: Mention, verdict: Verdict, source: str, urgency: Urgency
) -> tuple[Destination, ...]:
    """Where this mention goes, in the order of the routes; empty where no route wants it."""
    found: dict[str, Destination] = {}
    for route in routes:
        if not matches(route, mention, verdict, source, urgency):
            continue
        for receiver in route.to:
            found.setdefault(receiver, Destination(receiver, route.name))
        if not route.goes_on:
            break
    return tuple(found.values())
