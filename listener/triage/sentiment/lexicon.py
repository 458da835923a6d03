"""One language's sentiment words, compiled from its file, and the one pass over a text's words that scores it.

A file groups words, stems and phrases by valence (−3…3) and names the language's intensifiers, negations and
contrast words. What stands before "but" counts less, a sentence is scored for itself, and the whole leans towards
the worst sentence, because one grievance is what is answered. Time is linear in the text.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from listener.triage.table import Table, fold, written

CAP = 4_000  # characters read for sentiment; a mood does not change after them, the cost would
NEGATION_REACH = 3  # words
_PATTERN = (
    r"https?:\S*|www\.\S+|@\w+"  # addresses and handles say nothing
    r"|[^\W\d_]+{joined}"
    r"|10/10|\d+"
    r"|!+|\.+|\?+|…|\n+"
    r"|[:;=]['o-]?[()\[\]dp3sc|/\\*x]|<3|</3|\(-?:|\):|\^[_.]?\^|>[:_.]?[<(]|\*[_-]\*|-[_.]-|\\o/"
    r"|[\u2600-\u27bf\u2b50\u231b\u23f3\U0001f300-\U0001faff]"
)
_WHOLE = re.compile(_PATTERN.replace("{joined}", r"(?:['-][^\W\d_]+)*"))  # don't, hassle-free
_ELIDED = re.compile(_PATTERN.replace("{joined}", r"(?:-[^\W\d_]+)*"))  # j'aime: two words
_NORM = 12.0  # one strong word scores about 0.65, three about 0.93
_WORST = 0.4  # share of the worst sentence in the whole
_NEGATED_PRAISE, _NEGATED_BLAME = -0.6, -0.3  # "not good" is bad, "not bad" is hardly good
_BEFORE_CONTRAST, _CONCEDED = 0.4, 0.5

VALENCE, BOOST, NEGATE, CONTRAST, CONCEDE, STOP = range(6)
Entry = tuple[int, float]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says: −1…1, and the words that carried it, strongest first."""

    score: float
    words: tuple[str, ...] = ()


_NOTHING = Reading(0.0)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language, ready to read."""

    table: Table[Entry]
    pieces: re.Pattern[str]
    negate_after: frozenset[str]  # negations that follow what they negate, as in German

    def read(self, text: str) -> Reading:
        """Score one text; its first `CAP` characters count."""
        tokens = self.pieces.findall(fold(text[:CAP]))
        marks = self.table.marks(tokens)
        return self._weigh(tokens, marks) if marks else _NOTHING

    def _weigh(self, tokens: list[str], marks: Sequence[tuple[int, int, Entry]]) -> Reading:
        sentences: list[float] = []
        found: list[tuple[float, int, int]] = []
        total, negated_at, boosted_at, boost, conceding = 0.0, -9, -9, 1.0, False
        for at, stop, (kind, value) in marks:
            if kind == VALENCE:
                if value == 0.0:
                    continue
                if at - boosted_at <= 2:
                    value *= boost
                if at - negated_at <= NEGATION_REACH or not self.negate_after.isdisjoint(tokens[stop : stop + 2]):
                    value *= _NEGATED_PRAISE if value > 0 else _NEGATED_BLAME
                total += value * _CONCEDED if conceding else value
                found.append((value, at, stop))
            elif kind == NEGATE:
                negated_at = at
            elif kind == BOOST:
                boosted_at, boost = at, value
            elif kind == CONTRAST:
                total, negated_at, conceding = total * _BEFORE_CONTRAST, -9, False
            elif kind == CONCEDE:
                conceding = True
            else:
                if total:
                    sentences.append(total * value)
                total, negated_at, boosted_at, conceding = 0.0, -9, -9, False
        if total:
            sentences.append(total)
        found.sort(key=lambda each: -abs(each[0]))
        return Reading(aggregate(sentences), tuple(" ".join(tokens[at:stop]) for _, at, stop in found[:3]))


def aggregate(sentences: Iterable[float]) -> float:
    """From sentence sums to −1…1: the mean, drawn towards the worst sentence."""
    scores = [total / math.sqrt(total * total + _NORM) for total in sentences]
    if not scores:
        return 0.0
    mean, worst = sum(scores) / len(scores), min(scores)
    return mean if worst >= 0 or len(scores) == 1 else (1 - _WORST) * mean + _WORST * worst


def compile_lexicon(
    data: Mapping[str, Any],
    emoji: Mapping[str, Any],
    base: Mapping[str, float] | None = None,
    boosts: Mapping[str, float] | None = None,
    neutral: Iterable[str] = (),
) -> Lexicon:
    """Build from a language's file. `base`: further valences, which the file overrides; `neutral`: names that say nothing."""
    grammar = data["grammar"]
    elided = bool(grammar["split_apostrophe"])
    entries: list[tuple[str, Entry]] = [(marks, (STOP, 1.0)) for marks in (".", "..", "...", "…", "?", "??", "???", "\n", "\n\n", "\n\n\n")]
    entries += [("!", (STOP, 1.1)), ("!!", (STOP, 1.2)), ("!!!", (STOP, 1.3))]
    entries += [(word, (VALENCE, value)) for word, value in (base or {}).items()]
    entries += [(word, (BOOST, value)) for word, value in (boosts or {}).items()]
    for group in ("valence", "emoticon"):
        entries += [(sign, (VALENCE, float(value))) for sign, value in written(emoji[group])]
    entries += [(word, (VALENCE, float(value))) for word, value in written(data["valence"])]
    entries += [(word, (BOOST, float(value))) for word, value in written(data["intensify"])]
    for name, kind in (("negate", NEGATE), ("contrast", CONTRAST), ("concede", CONCEDE)):
        entries += [(word, (kind, 0.0)) for word in grammar[name].split()]
    entries += [(name.replace(" ", "_"), (VALENCE, 0.0)) for name in neutral]

    def split(entry: str) -> list[str]:
        if entry[0].isalpha():
            folded = fold(entry).replace("_", " ")
            return (folded.replace("'", " ") if elided else folded).split()
        return [entry.replace(" ", "") or entry]

    return Lexicon(Table(entries, split), _ELIDED if elided else _WHOLE, frozenset(fold(grammar["negate_after"]).split()))


def packaged(name: str) -> Mapping[str, Any]:
    """The packaged file `data/<name>.toml`."""
    return tomllib.loads(resources.files(__package__).joinpath("data").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
