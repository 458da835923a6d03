"""The author's mood, −1…1, for the languages that have means; None for others, which is not the same as neutral.

One protocol, `Scorer`; one implementation, `Lexicons`. English takes VADER's word list and intensifiers, corrected for
care posts; VADER's own loop is not used, because it is quadratic in the text, scores whole posts instead of
clauses, and costs three times as much. French, Italian, Spanish and German have lists written for this project.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from listener.triage.sentiment.lexicon import Lexicon, Reading, compile_lexicon, packaged
from rules.words import Words

LANGUAGES = ("en", "fr", "it", "es", "de")

_NO_WORDS = {
    "valence": {},
    "intensify": {},
    "grammar": {"negate": "", "negate_after": "", "contrast": "", "concede": ""},
}

__all__ = ["LANGUAGES", "Lexicons", "Reading", "Scorer", "build_scorer"]


class Scorer(Protocol):
    """Something that reads the mood of a text."""

    def read(self, words: Words, lang: str) -> Reading | None:
        """The mood of a text, or None where there is no means for `lang`."""
        ...

    def read_sentence(self, words: Words, number: int, lang: str) -> Reading | None:
        """The mood of one of its sentences."""
        ...


class Lexicons:
    """Word lists, one a language. Never changes; threads may share it."""

    def __init__(self, lexicons: Mapping[str, Lexicon], signs: Lexicon) -> None:
        """`signs`: emoji and emoticons alone, for all other languages."""
        self._lexicons = dict(lexicons)
        self._signs = signs

    def read(self, words: Words, lang: str) -> Reading | None:
        """See `Scorer`."""
        lexicon = self._lexicons.get(lang)
        if lexicon is not None:
            return lexicon.read(words)
        drawn = self._signs.read(words)  # emoji speak in every language; without one the mood is unknown
        return drawn if drawn.score else None

    def read_sentence(self, words: Words, number: int, lang: str) -> Reading | None:
        """See `Scorer`."""
        lexicon = self._lexicons.get(lang)
        return None if lexicon is None else lexicon.read_sentence(words, number)


def build_scorer(languages: Iterable[str] = LANGUAGES, neutral: Iterable[str] = ()) -> Lexicons:
    """Read the packaged lists of `languages`; those without a list are left out. `neutral`: the brand's own names."""
    names = tuple(neutral)
    emoji = packaged("emoji")
    lexicons: dict[str, Lexicon] = {}
    for lang in languages:
        if lang == "en":
            base, boosts = _vader()
            lexicons[lang] = compile_lexicon(packaged(lang), emoji, base, boosts, names)
        elif lang in LANGUAGES:
            lexicons[lang] = compile_lexicon(packaged(lang), emoji, neutral=names)
    return Lexicons(lexicons, compile_lexicon(_NO_WORDS, emoji))


def _vader() -> tuple[dict[str, float], dict[str, float]]:
    """VADER's valences and intensifiers, single words only."""
    from vaderSentiment.vaderSentiment import BOOSTER_DICT, SentimentIntensityAnalyzer

    lexicon: dict[str, float] = SentimentIntensityAnalyzer().lexicon
    base = {word: value for word, value in lexicon.items() if word.replace("'", "").replace("-", "").isalpha()}
    boosts = {word: 1.3 if step > 0 else 0.6 for word, step in BOOSTER_DICT.items() if " " not in word}
    return base, boosts
