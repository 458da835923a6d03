"""Packs from TOML files: `load_packs` returns a `Ruleset` or raises `RulesError` with every problem of every file.

A problem names file and line, what is wrong, what is allowed, and what was probably meant.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources.abc import Traversable
from pathlib import Path

from rules.errors import Problem, RulesError
from rules.pack import PackReader
from rules.ruleset import Rule, Ruleset
from rules.steps import Step
from rules.vocabulary import TOUCHPOINTS


def load_packs(sources: Sequence[Path | Traversable], touchpoints: Collection[str] = ()) -> Ruleset:
    """Read packs; a folder stands for the .toml files in it. `touchpoints`: names beside the shipped ones.

    Raises RulesError with all problems.
    """
    with uncollected():
        return _load(sources, touchpoints)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without garbage collection: nothing that loading makes is garbage, and looking for some takes a fifth of its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            # All there is goes to the oldest generation, or the first object made afterwards has it looked through after all.
            gc.freeze()
            gc.unfreeze()
            gc.enable()


def _load(sources: Sequence[Path | Traversable], touchpoints: Collection[str]) -> Ruleset:
    problems: list[Problem] = []
    rules: list[Rule] = []
    languages: dict[str, None] = {}
    digest = hashlib.sha256()
    known = frozenset((*TOUCHPOINTS, *touchpoints))
    words: dict[str, dict[str, tuple[Step, ...]]] = {}  # by language: most words stand in several packs
    for source in _files(sources, problems):
        name = source.name if not isinstance(source, Path) else str(source)
        try:
            raw = source.read_bytes()
            text = raw.decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(Problem(name, 1, f"the file cannot be read: {error}", "A pack is a TOML file in UTF-8."))
            continue
        digest.update(source.name.encode() + b"\0" + raw + b"\0")
        reader = PackReader(name, text, known, problems, words)
        rules += reader.rules()
        if reader.lang != "*":
            languages[reader.lang] = None
    seen: dict[str, Rule] = {}
    for rule in rules:
        other = seen.setdefault(rule.id, rule)
        if other is not rule:
            what = f"rule id {rule.id!r} is taken by {other.file}:{other.line}"
            problems.append(Problem(rule.file, rule.line, what, "Give each rule an id of its own."))
    if problems:
        raise RulesError(problems)
    return Ruleset(tuple(rules), digest.hexdigest()[:8], tuple(languages))


def builtin_packs() -> list[Traversable]:
    """The packs that ship with the program."""
    from importlib.resources import files

    return sorted(
        (each for each in files("rules.packs").iterdir() if each.name.endswith(".toml")), key=lambda f: f.name
    )


def pack_files(sources: Sequence[Path | Traversable]) -> list[Path | Traversable]:
    """The files of these packs; what is not there holds none."""
    return _files(sources, [])


def _files(sources: Sequence[Path | Traversable], problems: list[Problem]) -> list[Path | Traversable]:
    found: list[Path | Traversable] = []
    for source in sources:
        if source.is_dir():
            inside = sorted(
                (each for each in source.iterdir() if each.name.endswith(".toml")), key=lambda each: each.name
            )
            if not inside:
                problems.append(
                    Problem(str(source), 1, "the folder holds no pack", "Put a .toml file there (docs/rules.md).")
                )
            found += inside
        elif source.is_file():
            found.append(source)
        else:
            problems.append(Problem(str(source), 1, "there is no such file", "Check the path; a pack is a .toml file."))
    return found
