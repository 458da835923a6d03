"""This week against the weeks before it, stage by stage, said in words.

Counted are voices: an author counts once for each base stage and sentiment they wrote with, because that is what is
kept of earlier weeks; both sides are counted alike. The exact test corrects for the hours collected, Holm for
looking at several stages at once; where earlier weeks varied clearly more than independent voices would, the counts are
divided by that dispersion first. A fall is not called clear in a week that collected a tenth less than usual.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date

from listener.digest.figures import SMALL, Change, ChangeWord, StageWeek
from listener.digest.journey import ShownStage
from listener.digest.said import SIGNS
from listener.digest.stats import dispersion, holm, rate_change
from listener.digest.week import Week
from rules.vocabulary import Stage

LEVEL = 0.05
_NEGATIVE = (SIGNS["negative"],)
_ALL = tuple(SIGNS.values())

Voices = Mapping[tuple[Stage, int], AbstractSet[str]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The change of the whole week, and by key of the shown stage: of all voices, of negative ones."""

    total: Change
    all: Mapping[str, Change]
    negative: Mapping[str, Change]


def compare(
    stages: Sequence[ShownStage],
    voices: Voices,
    earlier: Sequence[StageWeek],
    before: Mapping[Week, float],
    now: float,
    thin: bool,
) -> Comparison:
    """Compare the week's `voices` with `earlier` rows of the weeks in `before` (week -> source-hours collected)."""
    starts = {week.first for week in before}
    rows = [
        row
        for row in earlier
        if row.week_start in starts and row.subject == "brand" and row.relevant and not row.promotional
    ]
    hours, weeks = sum(before.values()), len(before)
    apart = _dispersion(rows, before)

    def figures(base: Sequence[Stage], signs: Sequence[int]) -> tuple[int, int]:
        this = sum(len(voices.get((stage, sign), ())) for stage in base for sign in signs)
        then = sum(row.authors for row in rows if row.stage in base and SIGNS[row.sentiment_label] in signs)
        return this, then

    def family(signs: Sequence[int]) -> dict[str, Change]:
        counts = [figures(stage.base, signs) for stage in stages]
        chances = holm([_chance(this, then, now, hours, apart) for this, then in counts])
        return {
            stage.key: _change(this, then, now, hours, weeks, chance, thin)
            for stage, (this, then), chance in zip(stages, counts, chances, strict=True)
        }

    this, then = figures(tuple(Stage), _ALL)
    total = _change(this, then, now, hours, weeks, _chance(this, then, now, hours, apart), thin)
    return Comparison(total, family(_ALL), family(_NEGATIVE))


def _dispersion(rows: Sequence[StageWeek], before: Mapping[Week, float]) -> float:
    """How bursty the earlier weeks were, over all stages together."""
    spans = [(week.first, hours) for week, hours in before.items() if hours > 0]
    counts: dict[Stage, Counter[date]] = {}
    for row in rows:
        counts.setdefault(row.stage, Counter())[row.week_start] += row.authors
    return dispersion(
        [[counts[stage][first] for first, _ in spans] for stage in Stage if stage in counts],
        [hours for _, hours in spans],
    )


def _chance(this: int, then: int, now: float, hours: float, apart: float) -> float:
    # Where one post sets off others, so many voices are worth fewer independent ones.
    return rate_change(round(this / apart), round(then / apart), now, hours)


def _change(this: int, then: int, now: float, hours: float, weeks: int, chance: float, thin: bool) -> Change:
    if hours <= 0 or now <= 0:
        return Change("no earlier weeks", this, None, 0, None)
    usual = then * now / hours
    word: ChangeWord = "not clear"
    note = ""
    if max(this, usual) < SMALL:
        word = "too few"
    elif chance < LEVEL:
        word = "clear rise" if this > usual else "clear fall"
    if word == "clear fall" and thin:
        word, note = "not clear", "fewer hours were collected than usual"
    return Change(word, this, round(usual, 1), weeks, round(chance, 4), note)
