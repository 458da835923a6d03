"""What is wrong with a configuration: said in one sentence, with the place, what is allowed and what to do.

A `Report` collects every problem before anything is raised, so that a user repairs the file once, not ten times.
A value that stands where a secret may stand is never repeated.

    ConfigError   the file cannot be used; holds every Problem
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Path = tuple[str | int, ...]  # ("route", 1, "to", 0); list positions from 0 inside, from 1 in what users read

_SECRET_WORDS = ("token", "password", "secret", "api_key", "apikey", "passphrase", "credentials", "private_key")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to repair. `line` is None where the file as a whole is meant."""

    what: str
    remedy: str = ""  # what is allowed, what to do next
    place: str = ""  # "route[2].to[1]", positions counted from 1
    line: int | None = None
    file: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line is not None else self.file
        sentence = f"{self.what}; {self.remedy}" if self.remedy else self.what
        return ": ".join(part for part in (where, self.place, sentence) if part)


class ConfigError(Exception):
    """The configuration cannot be used. `problems` are in the order of the file."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return str(self.problems[0])
        return "\n".join([f"The configuration has {len(self.problems)} problems:", *(f"  {p}" for p in self.problems)])


@dataclass(slots=True)
class Report:
    """Collects problems and warnings while a file is read; knows the line of each key."""

    file: str
    lines: Mapping[Path, int] = field(default_factory=dict)
    _problems: dict[tuple[Path, str], Problem] = field(default_factory=dict)
    _warnings: dict[tuple[Path, str], Problem] = field(default_factory=dict)
    _closed: set[Path] = field(default_factory=set)

    def problem(self, path: Path, what: str, remedy: str = "") -> None:
        """Add a problem at `path`, unless one was said that explains all others there."""
        if path not in self._closed:
            self._problems.setdefault((path, what), self._located(path, what, remedy))

    def final(self, path: Path, what: str, remedy: str = "") -> None:
        """Add a problem beside which no other at `path` is worth reading."""
        self.problem(path, what, remedy)
        self._closed.add(path)

    def warning(self, path: Path, what: str, remedy: str = "") -> None:
        self._warnings.setdefault((path, what), self._located(path, what, remedy))

    def _located(self, path: Path, what: str, remedy: str) -> Problem:
        return Problem(what, remedy, dotted(path), self._line(path), self.file)

    def _line(self, path: Path) -> int | None:
        """The line of `path`, or of the closest table that should hold it."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return None

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(sorted(self._problems.values(), key=lambda problem: problem.line or 0))

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(sorted(self._warnings.values(), key=lambda problem: problem.line or 0))


def dotted(path: Path) -> str:
    """`("route", 1, "to", 0)` as users read it: `route[2].to[1]`."""
    said = ""
    for part in path:
        if isinstance(part, int):
            said += f"[{part + 1}]"
        else:
            plain = part if part.replace("_", "").replace("-", "").isalnum() else quoted(part)
            said += f".{plain}" if said else plain
    return said


def quoted(value: object) -> str:
    """A user's value inside a message: in quotes if it is text, cut to 60 characters, nothing unprintable."""
    if isinstance(value, bool):
        return "true" if value else "false"
    said = value if isinstance(value, str) else str(value)[:200]
    said = "".join(c if c.isprintable() else "·" for c in said[:200])
    said = said if len(said) <= 60 else said[:59] + "…"
    return f'"{said}"' if isinstance(value, str) else said


def listed(words: Iterable[str], most: int = 12) -> str:
    """`a, b, c`, or the first of many and how many more."""
    known = list(words)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """`did you mean "care"?` where one of `known` is close to `word`, else nothing."""
    if not isinstance(word, str) or len(word) > 100:
        return ""
    folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.strip().casefold(), folded, n=1, cutoff=0.6)
    return f'did you mean "{folded[close[0]]}"?' if close else ""


def looks_secret(key: str) -> bool:
    """Whether a key of this name would hold a secret itself, instead of saying where one is kept."""
    folded = key.casefold().replace("-", "_")
    if folded.endswith(("_env", "_file")):
        return False
    return any(folded == word or folded.endswith("_" + word) for word in _SECRET_WORDS)
