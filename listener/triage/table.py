"""Words, stems and phrases with a meaning each, compiled so that a text costs one dictionary look-up a word.

Entries are written with whitespace between them, "_" between the words of a phrase and "*" for any ending. Look-ups
forgive letters drawn out for emphasis ("sooo") and `ae` for `ä`; case, accents and apostrophes are folded as
`rules.words` folds them. What a word means is remembered, so a text's cost does not grow with the number of entries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import compress, repeat
from typing import Any, Generic, TypeVar

from rules.words import fold, prepare

M = TypeVar("M")

_DRAWN_OUT = re.compile(r"(.)\1{2,}")
_MEMORY = 50_000  # words remembered before the memory starts anew: bounded whatever posts say


_Phrase = tuple[tuple[str, ...], bool, M]  # words behind the first, whether the last may go on, meaning


class _Memory(dict[str, M | None]):
    """Word -> what it means alone, found on first sight and remembered."""

    def __init__(self, find: Callable[[str], M | None]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, word: str) -> M | None:
        meaning = self._find(word)
        if len(self) >= _MEMORY:
            self.clear()
        self[word] = meaning
        return meaning


_Nexts = dict[str, tuple[_Phrase[M], ...]]  # second word -> phrases that go on with it, longest first
_NOTHING: dict[str, Any] = {}


class Table(Generic[M]):
    """Compiled entries. Sharing one between threads is fine: a lost race repeats a look-up."""

    def __init__(self, entries: Iterable[tuple[str, M]]) -> None:
        """`entries`: written form and meaning; later ones win."""
        exact: dict[str, M] = {}
        stems: dict[str, M] = {}
        phrases: dict[str, dict[tuple[tuple[str, ...], bool], M]] = {}
        for written, meaning in entries:
            if written.isalpha():  # nearly all are
                exact[fold(written)] = meaning
                continue
            open_end = written.endswith("*") and len(written) > 1
            parts = tuple(prepare((written[:-1] if open_end else written).replace("_", " ")).folded)
            if len(parts) > 1:
                phrases.setdefault(parts[0], {})[parts, open_end] = meaning
            elif parts:
                (stems if open_end else exact)[parts[0]] = meaning
        self._exact, self._stems = exact, stems
        self._lengths = range(max(map(len, stems), default=0), min(map(len, stems), default=1) - 1, -1)
        self._alone: _Memory[M] = _Memory(self._find)
        self._nexts: dict[str, _Nexts[M]] = {}  # by the first word
        # Of two words of which the second may go on: there is no second word to look up, so all that begin so are tried.
        self._open: dict[str, tuple[_Phrase[M], ...]] = {}
        for first, known in phrases.items():
            longest = sorted(known.items(), key=lambda pair: -len(pair[0][0]))
            each = tuple([(parts[1:], open_end, meaning) for (parts, open_end), meaning in longest])
            if any(open_end and len(rest) == 1 for rest, open_end, _ in each):
                self._open[first] = each
            nexts = self._nexts[first] = {}
            for phrase in each:
                nexts[phrase[0][0]] = (*nexts.get(phrase[0][0], ()), phrase)

    def marks(self, tokens: list[str]) -> list[tuple[int, int, M]]:
        """Where something with a meaning stands: first token, token after, meaning. Phrases win over words, no overlap."""
        # What each token means alone, and the phrases that it begins and the next token goes on with: for most tokens neither,
        # which is why only those that mean something take a line of Python.
        alone = list(map(self._alone.__getitem__, tokens))
        begun = list(map(dict.get, map(self._nexts.get, tokens, repeat(_NOTHING)), [*tokens[1:], ""]))
        if self._open and not self._open.keys().isdisjoint(tokens):
            begun = [self._open.get(token, phrases) for token, phrases in zip(tokens, begun, strict=True)]
        if not any(begun):
            return [(at, at + 1, meaning) for at, meaning in compress(enumerate(alone), alone) if meaning is not None]
        marks: list[tuple[int, int, M]] = []
        after = 0
        for at, (meaning, phrases) in enumerate(zip(alone, begun, strict=True)):
            if (meaning is None and phrases is None) or at < after:
                continue
            if phrases is not None and (mark := _longest(tokens, at, phrases)) is not None:
                marks.append(mark)
                after = mark[1]
            elif meaning is not None:
                marks.append((at, at + 1, meaning))
        return marks

    def first(self, tokens: list[str]) -> M | None:
        """What the text begins with means."""
        if not tokens:
            return None
        phrases = self._open.get(tokens[0]) or self._nexts.get(tokens[0], _NOTHING).get(
            tokens[1] if len(tokens) > 1 else ""
        )
        mark = _longest(tokens, 0, phrases) if phrases else None
        return self._alone[tokens[0]] if mark is None else mark[2]

    def _find(self, word: str) -> M | None:
        alone = self._resolve(word)
        if alone is None and len(word) > 3:
            for other in (_DRAWN_OUT.sub(r"\1\1", word), _DRAWN_OUT.sub(r"\1", word), _umlauts(word)):
                if other != word and (alone := self._resolve(other)) is not None:
                    break
        return alone

    def _resolve(self, word: str) -> M | None:
        if (meaning := self._exact.get(word)) is not None:
            return meaning
        stems = self._stems
        for length in self._lengths:
            if length <= len(word) and (meaning := stems.get(word[:length])) is not None:
                return meaning
        return None


def _longest(tokens: list[str], at: int, phrases: tuple[_Phrase[M], ...]) -> tuple[int, int, M] | None:
    """The longest of the phrases that stands there."""
    begin = at + 1
    for rest, open_end, meaning in phrases:
        stop = begin + len(rest)
        if stop <= len(tokens) and (
            tuple(tokens[begin:stop]) == rest
            or (open_end and tokens[stop - 1].startswith(rest[-1]) and tuple(tokens[begin : stop - 1]) == rest[:-1])
        ):
            return at, stop, meaning
    return None


def _umlauts(word: str) -> str:
    return word.replace("ae", "a").replace("oe", "o").replace("ue", "u")


def written(groups: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """`{"3": "good best"}` -> ("good", "3"), ("best", "3")."""
    for group, words in groups.items():
        for word in words.split():
            yield word, group
