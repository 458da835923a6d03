"""Near copies: when two posts say the same thing in the same words.

Whoever copies a text changes its ends, its hashtags, its spelling; whoever has a story of their own changes the words
that matter. So equal words are a copy, and so are texts of five words or more that are spelled alike (METHODS §7) unless
one of the words that differ says something else: a number, a negation, an opposite, another thing in the same
place; or unless their moods are opposed. In doubt two posts are two: a copy told twice costs a glance, a
customer taken for a copy may wait. `Recent` finds what is worth a comparison among thousands of texts.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from listener.cases.opposites import NEGATIONS, NUMBERS, OPPOSING, OPPOSITES, SMALL
from listener.model import Line, Sentiment, Triaged

COPY_WITHIN: Final = timedelta(days=7)
LEAST_WORDS: Final = 5  # fewer say the same by chance
LEAST_RATIO: Final = 85.0  # quick to find; what decides is the next one
LEAST_SHARED: Final = 0.70  # of all three-letter runs of both
FOLDED, LIKE = "folded-duplicate", "near copy"  # labels of a verdict's lines

_HEAD = 1000  # characters that are compared quickly
_CANDIDATES = 8  # of one post
_SHARED = 3  # words, the rarest of those that a copy must share
_SAME_WORD = 70.0  # spelled so much alike, two words are one with a slip
_LINKS = re.compile(r"(?:https?://|www\.)\S+")
_HANDLES = re.compile(r"@[\w.-]+(?:@[\w.-]+)?")
_REPOST = re.compile(r"\s*rt\s+@[\w.-]+:?")
_MARKS = re.compile(r"[^\w\s]|_")


@dataclass(frozen=True, slots=True)
class Wording:
    """What a post says, ready to be compared."""

    words: str  # normal form, parted by single spaces
    lang: str
    mood: Sentiment

    @property
    def squeezed(self) -> str:
        """Without spaces: "#neveragain" is "never again"."""
        return self.words.replace(" ", "")

    @property
    def is_long(self) -> bool:
        """Whether it has so many words that no two people choose them by chance."""
        return self.words.count(" ") >= LEAST_WORDS - 1


@dataclass(frozen=True, slots=True)
class Earlier:
    """A post that stands in a case, with which new ones are compared."""

    mention_id: int
    case_id: int
    published_at: datetime
    wording: Wording


@dataclass(frozen=True, slots=True)
class Copied:
    """That one post is a near copy of another, and whether its alert was folded for it."""

    mention_id: int
    first_id: int
    likeness: float  # 0…1; 1: the same words
    folded: bool


def wording(found: Triaged) -> Wording:
    """How a post is compared: title and text, in normal form."""
    mention, verdict = found.mention, found.verdict
    return Wording(normal(f"{mention.title} {mention.text}"), verdict.lang, verdict.sentiment_label)


def normal(text: str) -> str:
    """NFKC, case-folded, without links, handles, punctuation, hash signs, emoji and the mark of a repost. Idempotent."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    text = _LINKS.sub(" ", _REPOST.sub(" ", text, count=1) if _REPOST.match(text) else text)
    return " ".join(_MARKS.sub(" ", _HANDLES.sub(" ", text)).split())


def likeness(one: Wording, other: Wording) -> float | None:
    """How alike two posts are, 0.70 to 1; None where they are not copies of each other. Symmetric."""
    if {one.mood, other.mood} == {"negative", "positive"} or not one.words or not other.words:
        return None
    if one.words == other.words or one.squeezed == other.squeezed:
        return 1.0
    if one.lang != other.lang or not (one.is_long and other.is_long):
        return None
    if _ratio(one.words[:_HEAD], other.words[:_HEAD]) < LEAST_RATIO:
        return None
    mine, theirs = _runs(one.words), _runs(other.words)
    shared = len(mine & theirs) / len(mine | theirs)
    return None if shared < LEAST_SHARED or say_otherwise(one.words, other.words) else shared


def say_otherwise(one: str, other: str) -> bool:
    """Whether the words that two texts in normal form do not share keep them apart. Symmetric."""
    counts, others = Counter(one.split()), Counter(other.split())
    left, right = list((counts - others).elements()), list((others - counts).elements())
    if any(word in NEGATIONS or word in NUMBERS or _has_digit(word) for word in (*left, *right)):
        return True
    if any(_are_opposed(mine, theirs) for mine in left for theirs in right):
        return True
    return all(_new_words(side, beside) for side, beside in ((left, right), (right, left)))


def folded_line(alike: float, ref: str) -> Line:
    """Why nobody was told singly, as a line of the verdict."""
    return Line(0, FOLDED, f"{alike:.2f} like {ref}")


def like_line(alike: float, ref: str) -> Line:
    """That another author posted nearly the same and this was told all the same, as a line of the verdict."""
    return Line(0, LIKE, f"{alike:.2f} like {ref}")


class Recent:
    """Texts by id, and which of them may be copies of another: a superset of those that `likeness` finds."""

    def __init__(self) -> None:
        self._wordings: dict[int, Wording] = {}
        self._holding: dict[tuple[str, str], set[int]] = {}  # by language and word, of texts long enough to be alike
        self._equal: dict[str, dict[int, None]] = {}  # by squeezed words

    def __len__(self) -> int:
        return len(self._wordings)

    def add(self, id_: int, words: Wording) -> None:
        """Keep a text; one without words is none."""
        if not words.words:
            return
        self.drop([id_])
        self._wordings[id_] = words
        self._equal.setdefault(words.squeezed, {})[id_] = None
        if words.is_long:
            for word in set(words.words.split()):
                self._holding.setdefault((words.lang, word), set()).add(id_)

    def drop(self, ids: Iterable[int]) -> None:
        """Forget texts."""
        for id_ in ids:
            if (words := self._wordings.pop(id_, None)) is not None:
                same = self._equal[words.squeezed]
                del same[id_]
                if not same:
                    del self._equal[words.squeezed]
                for key in {(words.lang, word) for word in words.words.split()} if words.is_long else ():
                    holding = self._holding[key]
                    holding.discard(id_)
                    if not holding:
                        del self._holding[key]

    def near(self, words: Wording) -> list[int]:
        """Ids of a few texts that may be the same, the oldest first; the equal ones first of all."""
        equal = sorted(self._equal.get(words.squeezed, ()))[:_CANDIDATES]
        choices = {id_: self._wordings[id_].words[:_HEAD] for id_ in self._sharing(words)} if words.is_long else {}
        if not choices:
            return equal
        from rapidfuzz import fuzz, process

        alike = process.extract(
            words.words[:_HEAD], choices, scorer=fuzz.ratio, score_cutoff=LEAST_RATIO, limit=_CANDIDATES
        )
        return list(dict.fromkeys([*equal, *sorted(id_ for _, _, id_ in alike)]))

    def _sharing(self, words: Wording) -> list[int]:
        """Texts that share half of its words, as a copy does; of so many words it is enough to look up the rare ones."""
        holding = sorted((self._holding.get((words.lang, word), ()) for word in set(words.words.split())), key=len)
        others = len(holding) // 2  # that a copy may do without
        looked_up = holding[: others + _SHARED]
        shared = Counter(chain.from_iterable(looked_up))
        return [id_ for id_, times in shared.items() if times >= len(looked_up) - others]


def _ratio(one: str, other: str) -> float:
    """How alike two spellings are, 0 to 100."""
    from rapidfuzz import fuzz  # 3 MB, until two posts speak of the same

    return fuzz.ratio(one, other)


def _runs(words: str) -> set[str]:
    return {words[start : start + 3] for start in range(max(1, len(words) - 2))}


def _has_digit(word: str) -> bool:
    return any(letter.isdigit() for letter in word)


def _are_opposed(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return frozenset((one, other)) in OPPOSITES or (
        len(short) >= 4 and any(long == prefix + short for prefix in OPPOSING)
    )


def _new_words(side: Iterable[str], beside: Iterable[str]) -> list[str]:
    """Words of one text that carry meaning and are no other spelling of a word of the other."""
    return [
        word
        for word in side
        if len(word) >= 3 and word not in SMALL and not any(_is_slip(word, other) for other in beside)
    ]


def _is_slip(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return (len(short) >= 3 and long.startswith(short)) or _ratio(one, other) >= _SAME_WORD
