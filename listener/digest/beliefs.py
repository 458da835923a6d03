"""Hypotheses: what the team believes, each with a query, and the people of the week who speak for it and against it.

A query says which posts speak of the matter; the mood says for or against: somebody who writes of it in the mood that the
hypothesis expects is evidence for it, in the opposite mood against it. A person with both counts as neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from listener.digest.findings import Hypothesis
from listener.digest.given import Believed
from listener.digest.labels import Labels
from listener.digest.said import HAPPY, UNHAPPY, Best, Said
from listener.digest.shares import share
from listener.digest.text import visible

_EXAMPLES = 2


@dataclass(slots=True)
class _Heard:
    signs: dict[str, list[int]] = field(default_factory=dict)
    best: tuple[Best, Best, Best] = field(default_factory=lambda: (Best(_EXAMPLES), Best(0), Best(_EXAMPLES)))


class Beliefs:
    """Hears every counted post."""

    def __init__(self, believed: Sequence[Believed]) -> None:
        self._believed = [(one, _Heard()) for one in believed]

    def add(self, one: Said) -> None:
        """Ask every hypothesis whether the post speaks of it."""
        for believed, heard in self._believed:
            if believed.matches(one.post):
                heard.signs.setdefault(one.author, [0, 0, 0])[one.sign] += 1
                heard.best[one.sign].offer(one.rank, one)

    def figures(self, book: Labels) -> tuple[Hypothesis, ...]:
        """In the order of the configuration."""
        return tuple(_hypothesis(believed, heard, book) for believed, heard in self._believed)


def _hypothesis(believed: Believed, heard: _Heard, book: Labels) -> Hypothesis:
    expected = UNHAPPY if believed.expects == "unhappy" else HAPPY
    opposite = HAPPY if expected == UNHAPPY else UNHAPPY
    supporting = sum(1 for signs in heard.signs.values() if signs[expected] > signs[opposite])
    opposing = sum(1 for signs in heard.signs.values() if signs[opposite] > signs[expected])
    return Hypothesis(
        says=visible(believed.says, 200),
        query=visible(believed.query, 200),
        expects=believed.expects,
        supporting=supporting,
        opposing=opposing,
        neither=len(heard.signs) - supporting - opposing,
        sentence=_sentence(supporting, opposing, len(heard.signs), book),
        examples_for=heard.best[expected].posts(),
        examples_against=heard.best[opposite].posts(),
    )


def _sentence(supporting: int, opposing: int, spoke: int, book: Labels) -> str:
    if not spoke:
        return book.say("belief_silence")
    said = book.say("belief", spoke, for_it=book.number(supporting), against=book.number(opposing))
    figures = share(supporting, supporting + opposing)
    if figures.percent is None:
        verdict = "few"
    elif figures.low > 0.5:
        verdict = "for"
    else:
        verdict = "against" if figures.high < 0.5 else "open"
    return f"{said} {book.say(f'belief_{verdict}')}"
