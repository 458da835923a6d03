"""Weak signals: how often a post uses words of certain kinds (negation, problem, waiting, money, …).

No single one is evidence of anything; together they grade what rules have not found. The words are data, one table a language
(`data/signals.toml`); where the language is unknown all tables count, and a language without a table has no signals.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources

from listener.triage.table import Table, written
from rules.words import Words

Counts = Mapping[str, int]
_NONE: Counts = {}


class Signals:
    """The compiled tables. Never changes."""

    def __init__(self, tables: Mapping[str, Table[tuple[str, ...]]]) -> None:
        self._tables = dict(tables)

    def count(self, words: Words, lang: str) -> Counts:
        """Group -> number of its words and phrases in the text; groups that do not occur are missing."""
        table = self._tables.get(lang)
        if table is None:
            return _NONE
        counts: dict[str, int] = {}
        for _, _, groups in table.marks(words.folded):
            for group in groups:
                counts[group] = counts.get(group, 0) + 1
        return counts

    def opener(self, words: Words, lang: str, within: int) -> str:
        """The word of praise among the first `within` words, as the author wrote it, or ""."""
        table = self._tables.get(lang)
        if table is None:
            return ""
        for at, stop, groups in table.marks(words.folded[:within]):
            if "opener" in groups:
                return words.slice(at, stop)
        return ""

    def begins_asking(self, words: Words, lang: str) -> bool:
        """Whether a sentence begins as questions do ("how do I", "est-ce que"), with or without its question mark."""
        table = self._tables.get(lang)
        return table is not None and any(
            "asking" in (table.first(words.folded[first : min(first + 3, stop)]) or ())
            for first, stop, _ in words.sentences
        )


def build_signals(languages: Sequence[str]) -> Signals:
    """Read the packaged tables of `languages`."""
    data = tomllib.loads(
        resources.files(__package__).joinpath("data").joinpath("signals.toml").read_text(encoding="utf-8")
    )
    return Signals({lang: _compile(data[lang]) for lang in languages if lang in data})


def _compile(groups: Mapping[str, str]) -> Table[tuple[str, ...]]:
    kinds: dict[str, tuple[str, ...]] = {}
    for word, group in written(groups):
        known = kinds.get(word, ())
        kinds[word] = known if group in known else (*known, group)
    return Table(kinds.items())
