"""Words, stems and phrases with a meaning each, compiled so that a text costs one dictionary look-up a word.

Entries are written with whitespace between them, "_" between the words of a phrase and "*" for any ending. Look-ups
forgive letters drawn out for emphasis ("sooo") and `ae` for `ä`; case, accents and apostrophes are folded as
`rules.words` folds them. What a word means is remembered, so a text's cost does not grow with the number of entries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import compress
from typing import Generic, TypeVar

from rules.words import prepare

M = TypeVar("M")

_DRAWN_OUT = re.compile(r"(.)\1{2,}")
_MEMORY = 50_000  # words remembered before the memory starts anew: bounded whatever posts say


_Phrase = tuple[tuple[str, ...], bool, M]  # words behind the first, whether the last may go on, meaning


class _Cell(Generic[M]):
    """What one word starts: its own meaning, and the phrases that go on from it, longest first, by their second word."""

    __slots__ = ("alone", "nexts", "open", "phrases")

    def __init__(self, alone: M | None, phrases: tuple[_Phrase[M], ...]) -> None:
        self.alone = alone
        self.phrases = bool(phrases)
        # Phrases of two words of which the second may go on have no second word to look up; a cell with one asks all.
        self.open = phrases if any(open_end and len(rest) == 1 for rest, open_end, _ in phrases) else ()
        nexts: dict[str, tuple[_Phrase[M], ...]] = {}
        for phrase in () if self.open else phrases:
            nexts[phrase[0][0]] = (*nexts.get(phrase[0][0], ()), phrase)
        self.nexts = nexts


class _Cells(dict[str, _Cell[M] | None]):
    """Word -> its cell, found on first sight and remembered."""

    def __init__(self, find: Callable[[str], _Cell[M] | None]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, word: str) -> _Cell[M] | None:
        cell = self._find(word)
        if len(self) >= _MEMORY:
            self.clear()
        self[word] = cell
        return cell


class Table(Generic[M]):
    """Compiled entries. Sharing one between threads is fine: a lost race repeats a look-up."""

    def __init__(self, entries: Iterable[tuple[str, M]]) -> None:
        """`entries`: written form and meaning; later ones win."""
        exact: dict[str, M] = {}
        stems: dict[str, M] = {}
        phrases: dict[str, dict[tuple[tuple[str, ...], bool], M]] = {}
        for written, meaning in entries:
            open_end = written.endswith("*") and len(written) > 1
            parts = tuple(prepare((written[:-1] if open_end else written).replace("_", " ")).folded)
            if len(parts) > 1:
                phrases.setdefault(parts[0], {})[parts, open_end] = meaning
            elif parts:
                (stems if open_end else exact)[parts[0]] = meaning
        self._exact, self._stems = exact, stems
        self._lengths = range(max(map(len, stems), default=0), min(map(len, stems), default=1) - 1, -1)
        self._phrases = {
            first: tuple(
                (parts[1:], open_end, meaning)
                for (parts, open_end), meaning in sorted(known.items(), key=lambda pair: -len(pair[0][0]))
            )
            for first, known in phrases.items()
        }
        self._cells: _Cells[M] = _Cells(self._cell)

    def marks(self, tokens: list[str]) -> list[tuple[int, int, M]]:
        """Where something with a meaning stands: first token, token after, meaning. Phrases win over words, no overlap."""
        marks: list[tuple[int, int, M]] = []
        after = 0
        row = list(map(self._cells.__getitem__, tokens))
        for at, cell in compress(enumerate(row), row):  # only words that mean something take a line of Python
            assert cell is not None
            if at < after:
                continue
            begin = at + 1
            if cell.phrases and begin < len(tokens):
                for rest, open_end, meaning in cell.open or cell.nexts.get(tokens[begin], ()):
                    stop = begin + len(rest)
                    if stop <= len(tokens) and (
                        tuple(tokens[begin:stop]) == rest
                        or (
                            open_end
                            and tokens[stop - 1].startswith(rest[-1])
                            and tuple(tokens[begin : stop - 1]) == rest[:-1]
                        )
                    ):
                        marks.append((at, stop, meaning))
                        after = stop
                        break
                if after > at:
                    continue
            if cell.alone is not None:
                marks.append((at, begin, cell.alone))
        return marks

    def _cell(self, word: str) -> _Cell[M] | None:
        alone = self._resolve(word)
        if alone is None and len(word) > 3:
            for other in (_DRAWN_OUT.sub(r"\1\1", word), _DRAWN_OUT.sub(r"\1", word), _umlauts(word)):
                if other != word and (alone := self._resolve(other)) is not None:
                    break
        phrases = self._phrases.get(word, ())
        return None if alone is None and not phrases else _Cell(alone, phrases)

    def _resolve(self, word: str) -> M | None:
        if (meaning := self._exact.get(word)) is not None:
            return meaning
        stems = self._stems
        for length in self._lengths:
            if length <= len(word) and (meaning := stems.get(word[:length])) is not None:
                return meaning
        return None


def _umlauts(word: str) -> str:
    return word.replace("ae", "a").replace("oe", "o").replace("ue", "u")


def written(groups: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """`{"3": "good best"}` -> ("good", "3"), ("best", "3")."""
    for group, words in groups.items():
        for word in words.split():
            yield word, group
