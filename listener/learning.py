"""The first step of learning: phrases that corrected posts have in common, with what each would have done to what is stored.

Nothing is changed here. A suggestion is a phrase, what people said posts with it mean, and figures: in how many of
the corrected posts it stands, in how many stored posts, and how many of those were judged the same way already. A
person accepts it, and it becomes a rule in a pack of theirs, with examples, like any other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from listener.store import Label
from rules.languages import COMMON
from rules.words import prepare

LONGEST = 4  # words of a phrase
LEAST = 2  # corrected posts that must hold it
PRECISION = 0.6  # of the stored posts that hold it, so many must mean the same, by their verdict or a correction
MOST = 20
_FIELDS = ("stage", "relevant")

Meaning = tuple[str, str]  # field and value, as text: ("stage", "use"), ("relevant", "False")


@dataclass(frozen=True, slots=True)
class Judged:
    """A stored post as far as a suggestion asks: its words and what it was taken for."""

    ref: str
    lang: str
    text: str
    stage: str
    relevant: bool


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A cue phrase, what it would mean, and what it is worth."""

    phrase: str
    lang: str
    field: str  # "stage" or "relevant"
    value: str  # a stage, or "False"
    corrected: int  # corrected posts of this meaning that hold it
    stored: int  # stored posts that hold it
    agree: int  # of those, posts that mean the same already, by their verdict or a correction

    @property
    def precision(self) -> float:
        """Share of the stored posts that hold it and mean the same."""
        return self.agree / self.stored if self.stored else 0.0

    @property
    def would_change(self) -> int:
        """Stored posts whose verdict a rule with this phrase would speak against."""
        return self.stored - self.agree


def suggest(labels: Sequence[Label], stored: Iterable[Judged], most: int = MOST) -> list[Suggestion]:
    """The phrases worth a look, the most telling first. Reads `stored` once."""
    meant = _last_word(labels)
    held: dict[tuple[str, str], dict[Meaning, set[str]]] = defaultdict(lambda: defaultdict(set))
    for label in labels:
        if label.field in _FIELDS:
            meaning = (label.field, str(meant[label.mention, label.field]))
            for phrase in set(phrases(label.text)):
                held[label.lang, phrase][meaning].add(label.mention)
    wanted = {
        (lang, phrase): {meaning: refs for meaning, refs in by.items() if len(refs) >= LEAST and _teaches(meaning)}
        for (lang, phrase), by in held.items()
    }
    wanted = {key: by for key, by in wanted.items() if by}
    seen: Counter[tuple[str, str]] = Counter()
    agree: Counter[tuple[str, str, Meaning]] = Counter()
    for post in stored:
        for phrase in set(phrases(post.text)):
            by = wanted.get((post.lang, phrase))
            if by is None:
                continue
            seen[post.lang, phrase] += 1
            for meaning in by:
                said = meant.get((post.ref, meaning[0]), post.stage if meaning[0] == "stage" else post.relevant)
                agree[post.lang, phrase, meaning] += str(said) == meaning[1]
    found = [
        Suggestion(phrase, lang, *meaning, len(refs), seen[lang, phrase], agree[lang, phrase, meaning])
        for (lang, phrase), by in wanted.items()
        for meaning, refs in by.items()
    ]
    good = sorted((one for one in found if one.precision >= PRECISION), key=_worth, reverse=True)
    return list(_without_parts(good))[:most]


def phrases(text: str) -> Iterator[str]:
    """The runs of up to LONGEST words within a sentence that hold at least one word which is not everybody's."""
    words = prepare(text)
    for sentence in words.sentences:
        for first in range(sentence.first, sentence.stop):
            for stop in range(first + 1, min(first + LONGEST, sentence.stop) + 1):
                run = words.folded[first:stop]
                if run[0] in COMMON and stop == first + 1:
                    continue
                if any(word not in COMMON and word.isalpha() and len(word) > 2 for word in run):
                    yield " ".join(run)


def pack_head(lang: str) -> str:
    """The beginning of a pack for accepted suggestions of a language."""
    return (
        f'[pack]\nname = "learned-{lang}"\nlang = "{lang}"\nabout = "Cue phrases that were learned from corrections"\n'
    )


def as_rule(one: Suggestion, pack: str, number: int) -> str:
    """The suggestion as a rule of a pack, with examples that are nobody's post."""
    irrelevant = one.field == "relevant"
    about = "is not about us" if irrelevant else f"speaks for {one.value}"
    name = "irrelevant" if irrelevant else one.value
    meaning = "ignore = true" if irrelevant else f'stage = "{one.value}"\nweight = 1.0'
    return (
        f'[[rule]]\nid = "{pack}.{name}.{number}"\n'
        f'about = "Learned from {one.corrected} corrections: this {about}."\n'
        f'any = ["{one.phrase}"]\n{meaning}\nmatches = ["… {one.phrase} …"]\nignores = ["…"]\n'
    )


def _last_word(labels: Sequence[Label]) -> Mapping[tuple[str, str], object]:
    """What people last said of each post; labels come oldest first."""
    return {(label.mention, label.field): label.now for label in labels}


def _teaches(meaning: Meaning) -> bool:
    return meaning != ("relevant", "True") and meaning != ("stage", "unclear")


def _worth(one: Suggestion) -> tuple[float, int, int]:
    return (one.corrected * one.precision, len(one.phrase.split()), len(one.phrase))


def _without_parts(found: Sequence[Suggestion]) -> Iterator[Suggestion]:
    """Of phrases that hold each other and stand in the same posts, the one that says most."""
    kept: list[Suggestion] = []
    for one in found:
        padded = f" {one.phrase} "
        if not any(
            (other.lang, other.field, other.value) == (one.lang, one.field, one.value)
            and (padded in f" {other.phrase} " or f" {other.phrase} " in padded)
            and other.corrected >= one.corrected
            for other in kept
        ):
            kept.append(one)
            yield one
