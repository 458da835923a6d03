"""The words of a post as emerging phrases see them: runs of words without addresses, handles and the brand's own names.

A run ends where something was taken out, so that no phrase reaches across it. Linear in the text; at most the first 2,000
characters are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from sys import intern
from unicodedata import normalize

_READ = 2_000
_TOKEN = re.compile(r"(?:https?://|www\.)\S+|[\w.+-]+@[\w.-]+|@[\w.-]+|#?[^\W_]+(?:['’-][^\W_]+)*|[.!?;:,()\[\]…\n]")
_OUT = re.compile(r"https?://|www\.|[\w.+-]*@")
LONGEST = 3  # words of a phrase

Run = tuple[str, ...]


class Words:
    """Splits texts into runs of words. `own`: names and search words of the brand and its rivals."""

    def __init__(self, own: Iterable[str] = ()) -> None:
        self._own = frozenset(word for name in own for run in _runs(name, frozenset()) for word in run)

    def runs(self, text: str) -> tuple[Run, ...]:
        """`text` as runs of folded words; "Card refused @shop, again" gives (card, refused), (again)."""
        return tuple(_runs(text, self._own))


def _runs(text: str, own: frozenset[str]) -> Iterator[Run]:
    run: list[str] = []
    for token in _TOKEN.findall(normalize("NFKC", text[:_READ]).casefold()):
        word = token.lstrip("#").replace("’", "'")
        if word[:1].isalnum() and not _OUT.match(token) and word not in own:
            run.append(intern(word))
        elif run:
            yield tuple(run)
            run = []
    if run:
        yield tuple(run)


def phrases(runs: Sequence[Run]) -> set[Run]:
    """All phrases of one to three words, each once. A number alone is none."""
    found = {
        run[at : at + length] for run in runs for length in range(1, LONGEST + 1) for at in range(len(run) - length + 1)
    }
    return {phrase for phrase in found if len(phrase) > 1 or not phrase[0].isdecimal()}
