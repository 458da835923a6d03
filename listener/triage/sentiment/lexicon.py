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
from typing import Any, NamedTuple

from listener.triage.table import Table, written
from rules.words import LONGEST, Sentence, Words, exact, fold

MOST_WORDS = 1_000  # read for sentiment; a mood does not change after them, the cost would
NEGATION_REACH = 3  # words
_EMOTICON = re.compile(
    r"[:;=][o'-]?(?:[()\[\]|\\*]|/(?!/)|[dp3scx](?![a-z0-9]))"  # not the "://" of an address, not the "=d" of a query
    r"|<3|</3|\(-?:|\):|\^[_.]?\^|>[:_.]?[<(]|\*[_-]\*|-[_.]-|\\o/"
)
_REMEMBERED = 20_000  # chunks whose emoticons are known
_NORM = 12.0  # one strong word scores about 0.65, three about 0.93
_WORST = 0.4  # share of the worst sentence in the whole
_NEGATED_PRAISE, _NEGATED_BLAME = -0.6, -0.3  # "not good" is bad, "not bad" is hardly good
_BEFORE_CONTRAST, _CONCEDED = 0.4, 0.5

VALENCE, BOOST, NEGATE, CONTRAST, CONCEDE = range(5)
Entry = tuple[int, float]


class Reading(NamedTuple):
    """What a text says: −1…1, and the words that carried it, strongest first."""

    score: float
    words: tuple[str, ...] = ()


_NOTHING = Reading(0.0)


class _Drawn(dict[str, float]):
    """What a chunk's emoticons say, worked out on first sight: a search for them in every text would cost as much as its words."""

    def __init__(self, emoticons: Mapping[str, float]) -> None:
        super().__init__()
        self._emoticons = emoticons

    def __missing__(self, chunk: str) -> float:
        drawn = sum([self._emoticons.get(sign, 0.0) for sign in _EMOTICON.findall(chunk.lower())])
        if len(chunk) <= LONGEST:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[chunk] = drawn
        return drawn


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language, ready to read."""

    table: Table[Entry]
    negate_after: frozenset[str]  # negations that follow what they negate, as in German
    accented: Mapping[str, str]  # folded -> as it must be written: "schon" (already) is not "schön" (beautiful)
    drawn: _Drawn

    def read(self, words: Words) -> Reading:
        """Score one text; its first `MOST_WORDS` words count."""
        tokens = words.folded if len(words.folded) <= MOST_WORDS else words.folded[:MOST_WORDS]
        marks = self._marks(words, tokens, 0)
        drawn = sum(map(self.drawn.__getitem__, words.mixed()))
        if drawn:
            drawn = max(-4.0, min(4.0, drawn))
        return self._weigh(tokens, words.sentences, marks, drawn) if marks or drawn else _NOTHING

    def read_sentence(self, words: Words, number: int) -> Reading:
        """Score one sentence alone, without its emoticons."""
        sentence = words.sentences[number]
        tokens = words.folded[sentence.first : min(sentence.stop, sentence.first + MOST_WORDS)]
        return self._weigh(tokens, (), self._marks(words, tokens, sentence.first), 0.0)

    def _marks(self, words: Words, tokens: list[str], first: int) -> list[tuple[int, int, Entry]]:
        """What the tokens mean, of which the first is word `first`; without words that only look alike once accents are folded."""
        marks = self.table.marks(tokens)
        if not self.accented or self.accented.keys().isdisjoint(tokens):
            return marks
        return [
            mark for mark in marks if mark[1] > mark[0] + 1 or self._as_written(words, tokens[mark[0]], first + mark[0])
        ]

    def _as_written(self, words: Words, token: str, at: int) -> bool:
        wanted = self.accented.get(token)
        return wanted is None or exact(words.slice(at, at + 1)) == wanted

    def _weigh(
        self, tokens: list[str], ends: Sequence[Sentence], marks: Sequence[tuple[int, int, Entry]], drawn: float
    ) -> Reading:
        sentences: list[float] = []
        found: list[tuple[float, int, int]] = []
        total, negated_at, boosted_at, boost, conceding = 0.0, -9, -9, 1.0, False
        sentence, end = 0, ends[0].stop if ends else len(tokens)
        for at, stop, (kind, value) in marks:
            if at >= end:
                if total:
                    sentences.append(total)
                total, negated_at, boosted_at, conceding = 0.0, -9, -9, False
                while at >= end:
                    sentence += 1
                    end = ends[sentence].stop
            if kind == VALENCE:
                if value == 0.0:
                    continue
                if at - boosted_at <= 2:
                    value *= boost
                if at - negated_at <= NEGATION_REACH or (
                    self.negate_after and not self.negate_after.isdisjoint(tokens[stop : stop + 2])
                ):
                    value *= _NEGATED_PRAISE if value > 0 else _NEGATED_BLAME
                total += value * _CONCEDED if conceding else value
                found.append((value, at, stop))
            elif kind == NEGATE:
                negated_at = at
            elif kind == BOOST:
                boosted_at, boost = at, value
            elif kind == CONTRAST:
                total, negated_at, conceding = total * _BEFORE_CONTRAST, -9, False
            else:
                conceding = True
        total += drawn
        if total:
            sentences.append(total)
        if len(found) > 1:
            found.sort(key=_weakness)
        return Reading(
            aggregate(sentences),
            tuple([tokens[at] if stop == at + 1 else " ".join(tokens[at:stop]) for _, at, stop in found[:3]]),
        )


def _weakness(found: tuple[float, int, int]) -> float:
    return -abs(found[0])


def aggregate(sentences: Iterable[float]) -> float:
    """From sentence sums to −1…1: the mean, drawn towards the worst sentence."""
    scores = [total / math.sqrt(total * total + _NORM) for total in sentences]
    if len(scores) <= 1:
        return scores[0] if scores else 0.0
    mean, worst = sum(scores) / len(scores), min(scores)
    return mean if worst >= 0 else (1 - _WORST) * mean + _WORST * worst


def compile_lexicon(
    data: Mapping[str, Any],
    emoji: Mapping[str, Any],
    base: Mapping[str, float] | None = None,
    boosts: Mapping[str, float] | None = None,
    neutral: Iterable[str] = (),
) -> Lexicon:
    """Build from a language's file. `base`: further valences, which the file overrides; `neutral`: names that say nothing."""
    grammar = data["grammar"]
    entries: list[tuple[str, Entry]] = [(word, (VALENCE, value)) for word, value in (base or {}).items()]
    entries += [(word, (BOOST, value)) for word, value in (boosts or {}).items()]
    entries += [(sign, (VALENCE, float(value))) for sign, value in written(emoji["valence"])]
    entries += [(word, (VALENCE, float(value))) for word, value in written(data["valence"])]
    entries += [(word, (BOOST, float(value))) for word, value in written(data["intensify"])]
    for name, kind in (("negate", NEGATE), ("contrast", CONTRAST), ("concede", CONCEDE)):
        entries += [(word, (kind, 0.0)) for word in grammar[name].split()]
    entries += [(name.replace(" ", "_"), (VALENCE, 0.0)) for name in neutral]
    drawn = _Drawn({sign: float(value) for sign, value in written(emoji["emoticon"])})
    accented = {fold(word): exact(word) for word in grammar.get("accented", "").split()}
    return Lexicon(Table(entries), frozenset(map(fold, grammar["negate_after"].split())), accented, drawn)


def packaged(name: str) -> Mapping[str, Any]:
    """The packaged file `data/<name>.toml`."""
    return tomllib.loads(
        resources.files(__package__).joinpath("data").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    )
