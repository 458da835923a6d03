"""Which receivers hear of a mention, and through which route.

Routes are read in order; the first that matches decides, unless it says `continue`. A receiver is named once.
Pure, total (every mention has an answer, maybe an empty one) and stable (the same mention, the same answer).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.base import Mention
from listener.model import Verdict
from rules.vocabulary import Intent, Stage, Urgency


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


def _allows(wanted: frozenset[str] | frozenset[Stage], has: str) -> bool:
    return not wanted or has in wanted


def matches(route: Route, mention: Mention, verdict: Verdict, source: str, urgency: Urgency) -> bool:
    """Whether `route` wants this mention. `urgency` is the case's, which may be above the mention's own."""
    return (
        urgency >= route.urgency_at_least
        and _allows(route.stages, verdict.stage)
        and _allows(route.sources, source)
        and _allows(route.platforms, mention.platform)
        and _allows(route.languages, verdict.lang)
        and _allows(route.sentiments, verdict.sentiment_label)
        and (not route.intents or bool(route.intents & verdict.intents))
        and (not route.touchpoints or bool(route.touchpoints & verdict.touchpoints.keys()))
    )


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
