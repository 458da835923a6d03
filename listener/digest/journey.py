"""The projection of the eight base stages onto the stages that are shown: renamed, or merged by equal labels."""

from __future__ import annotations

from dataclasses import dataclass

from listener.digest.figures import DigestSettings
from listener.digest.labels import Labels
from listener.digest.text import visible
from rules.vocabulary import Stage


@dataclass(frozen=True, slots=True)
class ShownStage:
    """One column of the map. `key` is its earliest base stage."""

    key: str
    label: str
    base: tuple[Stage, ...]


def shown_stages(settings: DigestSettings, book: Labels) -> tuple[ShownStage, ...]:
    """The shown stages in the order of the journey, `unclear` last and never merged with another."""
    merged: dict[str, list[Stage]] = {}
    for stage in Stage:
        if stage is not Stage.UNCLEAR:
            merged.setdefault(_label(stage, settings, book), []).append(stage)
    journey = [ShownStage(base[0].value, label, tuple(base)) for label, base in merged.items()]
    return (*journey, ShownStage(Stage.UNCLEAR.value, _label(Stage.UNCLEAR, settings, book), (Stage.UNCLEAR,)))


def _label(stage: Stage, settings: DigestSettings, book: Labels) -> str:
    return visible(settings.stage_labels.get(stage, ""), 40) or book.stage(stage.value)
