"""The words of a post as emerging phrases see them: runs of words without addresses, handles and the brand's own names.

A run ends where something was taken out, so that no phrase reaches across it. Linear in the text; at most the first 2,000
characters are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
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


Tree = dict[str, "Branch"]


@dataclass(slots=True)
class Branch:
    """A word of a phrase: the phrase that ends with it, "" where none does, and the words that may follow."""

    phrase: str = ""
    onward: Tree = field(default_factory=dict)


def tree_of(names: Iterable[str]) -> Tree:
    """Phrases as a tree of words, to find all of them in one walk."""
    tree: Tree = {}
    for name in names:
        onward = tree
        for word in name.split(" "):
            branch = onward.setdefault(word, Branch())
            onward = branch.onward
        branch.phrase = name
    return tree


def said_in(runs: Iterable[Sequence[str]], tree: Tree) -> set[str]:
    """All phrases of the tree, of one to three words, that the runs hold."""
    found: set[str] = set()
    for run in runs:
        pairs: Tree | None = None  # what may follow the word before
        triples: Tree | None = None  # what may follow the two words before
        for word in run:
            first = tree.get(word)
            second = pairs.get(word) if pairs else None
            if first is not None and first.phrase:
                found.add(first.phrase)
            if second is not None and second.phrase:
                found.add(second.phrase)
            if triples and (third := triples.get(word)) is not None and third.phrase:
                found.add(third.phrase)
            pairs = first.onward if first is not None else None
            triples = second.onward if second is not None else None
    return found
