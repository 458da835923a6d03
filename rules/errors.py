"""What can be wrong with rules and queries, told so that whoever wrote them can put it right.

RulesProblem            base: everything this package raises
├── RulesError          packs that cannot be used; holds *all* problems, each with file, line and remedy
└── QueryError          a query that cannot be read; holds the position, a caret line and a hint
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a pack: where, what, and what to do."""

    file: str
    line: int  # from 1
    what: str
    remedy: str  # what is allowed, or what to write instead

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}. {self.remedy}"


class RulesProblem(Exception):  # "Error" is the name of the two that are raised
    """Base of all that this package raises on purpose."""


class RulesError(RulesProblem):
    """Packs that cannot be used. `problems` lists all that was found, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class QueryError(RulesProblem):
    """A query that cannot be read. `position` counts characters from 0."""

    def __init__(self, text: str, position: int, what: str, hint: str) -> None:
        self.text = text
        self.position = max(0, min(position, len(text)))
        self.what = what
        self.hint = hint
        super().__init__(f"{what} at character {self.position + 1}. {hint}\n{self.caret()}")

    def caret(self) -> str:
        """The query line and a line below it whose caret stands under the position."""
        start = self.text.rfind("\n", 0, self.position) + 1
        stop = self.text.find("\n", self.position)
        line = self.text[start:] if stop < 0 else self.text[start:stop]
        offset = self.position - start
        left = max(0, offset - 60)  # a long query is shown around the place, so that the caret stays on the screen
        shown = "".join(c if c.isprintable() else " " for c in line[left : left + 100])
        return f"  {shown}\n  {' ' * (offset - left)}^"


def one_of(words: Iterable[str]) -> str:
    """The allowed words as a sentence."""
    return "Allowed: " + ", ".join(words) + "."


def did_you_mean(word: str, allowed: Iterable[str]) -> str:
    """The nearest allowed word as a question, then all of them."""
    words = list(allowed)
    near = get_close_matches(word, words, n=1, cutoff=0.6)
    return (f"Did you mean {near[0]!r}? " if near else "") + one_of(words)
