"""The words of a post as emerging phrases see them: runs of words without addresses, handles and the brand's own names.

A run ends where something was taken out, so that no phrase reaches across it. Linear in the text; at most the first 2,000
characters are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from unicodedata import normalize

_READ = 2_000
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|[\w.+-]{0,64}@[\w.-]+")
_MARK = re.compile(r"[^\w\s'#-]|_|\n")  # every character that no word is made of; a hash sign only parts words


class Words:
    """Splits texts into runs of words. `own`: names and search words of the brand and its rivals."""

    def __init__(self, own: Iterable[str] = ()) -> None:
        self._own = frozenset(word for name in own for run in _runs(name) for word in run)

    def runs(self, text: str) -> list[list[str]]:
        """`text` as runs of folded words; "Card refused @shop, again" gives [card, refused], [again]."""
        runs = _runs(text)
        if any(not self._own.isdisjoint(run) for run in runs):
            runs = [part for run in runs for part in _parted(run, self._own)]
        return runs


def _runs(text: str) -> list[list[str]]:
    text = text[:_READ]
    text = text.lower() if text.isascii() else normalize("NFKC", text).casefold().replace("’", "'")
    if "@" in text or "://" in text or "www." in text:
        text = _ADDRESS.sub("\n", text)
    text = _MARK.sub("\n", text)
    if "#" in text:
        text = text.replace("#", " ")
    runs = [part.split() for part in text.split("\n")]
    if "'" in text or "-" in text:
        runs = [[bare for word in run if (bare := word.strip("'-"))] for run in runs]
    return [run for run in runs if run]


def _parted(run: list[str], own: frozenset[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for word in run:
        if word not in own:
            part.append(word)
        elif part:
            yield part
            part = []
    if part:
        yield part
