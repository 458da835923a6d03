"""The lines of a verdict: every fact that moved it, points first, in words that a community manager can argue with.

Rules quote what fired. Where no rule scored a factor, intents and weak signals do, and quote their words as well. LABELLING's
meanings are minimums: a complaint, a question to us or a clear wish to buy deserves an answer today.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from importlib import resources
from typing import Final

from listener.model import Line
from listener.triage import urgency
from listener.triage.intents import BUYING, COMPLAINT, LEAVING, QUESTION, Intents
from listener.triage.relevance import Relation
from listener.triage.signals import Counts
from listener.triage.stages import SELECTION
from listener.triage.table import Table, written
from rules.facts import Hit
from rules.words import Words

_GRAVE: Final = 20  # points of "blocked" from which on nothing works or the money is gone
_LEAVES: Final = 20  # points of leaving beside a complaint: together they make high
_THINKS_OF_LEAVING: Final = 7  # METHODS §8.1: points of "may have to leave"
_COMPLAINT_POINTS: Final = urgency.CAPS["complaint"]
_MOST_WORDS: Final = 3  # quoted for one line
line: Final = lru_cache(2048)(Line)  # most lines are said again and again, and making one costs four times as much
_QUOTED = ("severe", "now", "leave", "persist", "harsh")  # groups of signals that give points

Quote = Callable[[str], str]  # group of signals -> its words in the post, in quotes


class Quotes:
    """The words behind weak signals. `Signals` only counts them, because most posts are never asked which words they were."""

    def __init__(self, languages: Sequence[str]) -> None:
        text = resources.files(__package__).joinpath("data").joinpath("signals.toml").read_text(encoding="utf-8")
        data = tomllib.loads(text)
        self._tables = {
            lang: {group: Table((word, group) for word, _ in written({group: data[lang][group]})) for group in _QUOTED}
            for lang in languages
            if lang in data
        }

    def of(self, words: Words, lang: str, group: str) -> str:
        """The words of a group as the author wrote them: `“still”, “for weeks”`; "" where there are none."""
        tables = self._tables.get(lang)
        if tables is None:
            return ""
        marks = tables[group].marks(words.folded)
        said = dict.fromkeys(words.slice(at, stop) for at, stop, _ in marks)
        return ", ".join(f"“{each}”" for each in list(said)[:_MOST_WORDS])


def explain(
    relation: Relation,
    hits: Sequence[Hit],
    counts: Counts,
    intents: Intents,
    followers: int | None,
    moved: tuple[str, ...],
    quote: Quote,
) -> tuple[Line, ...]:
    """All that speaks, points first. `moved`: the words that carried the mood."""
    said: list[Line] = [line(0, "about", relation.why)]
    factors: dict[str, Line] = {}
    for hit in hits:
        evidence = hit.evidence
        label = evidence.label
        if evidence.floor is None and not label:
            continue
        quoted = f"“{hit.words}”" if hit.words else hit.about
        if evidence.floor is not None:
            said.append(line(0, urgency.OVERRIDE, f"at least {evidence.floor.word}: {quoted}", hit.rule))
        if evidence.points:
            if hit.rival and label == "leaving":
                quoted = f"for a named rival: {quoted}"
            scored_line = line(_own_points(hit, intents), label, quoted, hit.rule)
            if not scored_line.points:
                said.append(scored_line)
            elif label not in factors or factors[label].points < scored_line.points:
                factors[label] = scored_line
        elif label:
            said.append(line(0, label, quoted, hit.rule))
    scored = [*factors.values(), *_weak_points(counts, intents, relation, factors, quote)]
    if followers and followers > urgency.ORDINARY and (reach := urgency.reach_line(followers)) is not None:
        scored.append(reach)
    if (why := _minimum(intents, relation, hits)) is not None:
        said.append(line(0, urgency.MINIMUM, why))
    if moved:
        said.append(line(0, "mood", f"“{'”, “'.join(moved)}”"))
    if len(scored) > 1:
        scored.sort(key=_little)
    return (*scored, *said)


def _little(line: Line) -> int:
    return -line.points


def _own_points(hit: Hit, intents: Intents) -> int:
    """A rule's points, seen beside the complaint that is counted already.

    A lesser hindrance counts half, and so does one that is only asked about. Who leaves in a complaint leaves because of a problem,
    which LABELLING calls high; who only thinks of it does not yet. A chance to sell is no reason to hurry to a complaint.
    """
    points = hit.evidence.points
    if COMPLAINT not in intents.found:
        return points
    if hit.evidence.factor == "leaving":
        return max(points, _LEAVES) if points > _THINKS_OF_LEAVING else points
    if hit.evidence.factor == "opportunity":
        return 0
    if hit.evidence.factor == "blocked" and (points < _GRAVE or hit.in_question):
        return points // 2
    return points


def _weak_points(
    counts: Counts, intents: Intents, relation: Relation, factors: Collection[str], quote: Quote
) -> list[Line]:
    """Points for what no rule has scored, from intents and weak signals; a rule's own factor outweighs them."""
    lines: list[Line] = []
    if COMPLAINT in intents.found:
        lines.append(line(_COMPLAINT_POINTS, "complaint", f"{100 * intents.complaint:.0f} % sure"))
        lines += _grave(counts, factors, quote)
    if LEAVING in intents.found and "leaving" not in factors:
        lines.append(line(_LEAVES, "leaving", quote("leave") or "says so"))
    wants = QUESTION in intents.found or bool(counts.get("request"))
    if (relation.addressed or wants) and "asks us" not in factors:
        said = "speaks to us" if relation.addressed else ""
        said += (" and " if said else "") + "wants an answer" if wants else ""
        lines.append(line((3 if relation.addressed else 0) + (4 if wants else 0), "asks us", said))
    buying = BUYING in intents.found and COMPLAINT not in intents.found
    if buying and "opportunity" not in factors:
        lines.append(line(12, "opportunity", "wants to buy"))
    return lines


def _grave(counts: Counts, factors: Collection[str], quote: Quote) -> list[Line]:
    """What makes a complaint press, by its words alone."""
    severe = counts.get("severe", 0)
    lines: list[Line] = []
    if severe and "blocked" not in factors:
        lines.append(line(20 if severe >= 2 else 6, "blocked", quote("severe")))
    if "now" in counts and "time pressure" not in factors:
        lines.append(line(8, "time pressure", quote("now")))
    if counts.get("persist", 0) >= 2 and "repeated" not in factors:
        lines.append(line(6, "repeated", quote("persist")))
    if "harsh" in counts and "harsh tone" not in factors:
        lines.append(line(urgency.CAPS["harsh tone"], "harsh tone", quote("harsh")))
    return lines


def _minimum(intents: Intents, relation: Relation, hits: Sequence[Hit]) -> str | None:
    """LABELLING: a complaint, a question about the brand or a clear wish to buy deserves an answer today."""
    if COMPLAINT in intents.found:
        return "normal: a complaint"
    if LEAVING in intents.found:
        return "normal: leaving"
    if QUESTION in intents.found and (relation.addressed or _about_us(hits)):
        return "normal: a question to us" if relation.addressed else "normal: a question about us"
    if _choosing(hits) or (BUYING in intents.found and (relation.addressed or QUESTION in intents.found)):
        return "normal: wants to buy"
    return None


def _about_us(hits: Sequence[Hit]) -> bool:
    return any(
        QUESTION in hit.evidence.intents or hit.evidence.factor == "opportunity" or hit.evidence.stage is not None
        for hit in hits
    )


def _choosing(hits: Sequence[Hit]) -> bool:
    return any(hit.evidence.factor == "opportunity" and hit.evidence.stage is SELECTION for hit in hits)
