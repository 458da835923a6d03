"""Packs from TOML files: `load_packs` returns a `Ruleset` or raises `RulesError` with every problem of every file.

A problem names file and line, what is wrong, what is allowed, and what was probably meant. Lines are looked up only when
there is something to tell, because the TOML reader of the standard library keeps none.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar, cast

from rules.errors import Problem, RulesError, did_you_mean, one_of
from rules.facts import Evidence, Facts
from rules.languages import LANGUAGES
from rules.phrases import Phrase, PhraseError, parse
from rules.ruleset import Example, Rule, Ruleset, Scope, When
from rules.vocabulary import TOUCHPOINTS, BuyerStatus, Emotion, Intent, Stage, Urgency

FACTORS = ("blocked", "time_pressure", "leaving", "repeated", "asks_us", "opportunity", "harsh_tone")
EXIT_REASONS = (
    "price", "availability", "trust", "effort", "delivery", "support", "quality", "values", "privacy", "competitor",
)  # fmt: skip
RULE_KEYS = (
    "id", "about", "any", "with", "with_scope", "unless", "unless_scope", "when", "negatable", "stage", "weight",
    "touchpoints", "intents", "emotions", "buyer", "sentiment", "urgency", "promotional", "ignore", "exit_reason",
    "delight", "playbook", "owner", "matches", "ignores",
)  # fmt: skip
MOST_POINTS = 40
_W = TypeVar("_W", bound=StrEnum)
_ID = re.compile(r"[a-z0-9*_-]+(\.[a-z0-9_-]+)+\Z")
_NAME = re.compile(r"[a-z0-9_-]+\Z")
_LANG = re.compile(r"[a-z]{2,3}\Z")
_FACTS = tuple(f.name for f in fields(Facts) if f.name != "text")
_WHEN: Mapping[str, type] = {
    "in_reply_to_brand": bool,
    "addressed_to_brand": bool,
    "names_rival": bool,
    "names_brand": bool,
    "in_question": bool,
    "followers_at_least": int,
    "rating_at_most": float,
    "rating_at_least": float,
    "sentiment_below": float,
    "sentiment_above": float,
    "platform_is": tuple,
    "kind_is": tuple,
}


def load_packs(sources: Sequence[Path | Traversable], touchpoints: Collection[str] = ()) -> Ruleset:
    """Read packs; a folder stands for the .toml files in it. `touchpoints`: names beside the shipped ones.

    Raises RulesError with all problems.
    """
    problems: list[Problem] = []
    rules: list[Rule] = []
    languages: dict[str, None] = {}
    digest = hashlib.sha256()
    known = frozenset((*TOUCHPOINTS, *touchpoints))
    for source in _files(sources, problems):
        name = source.name if not isinstance(source, Path) else str(source)
        try:
            raw = source.read_bytes()
            text = raw.decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(Problem(name, 1, f"the file cannot be read: {error}", "A pack is a TOML file in UTF-8."))
            continue
        digest.update(source.name.encode() + b"\0" + raw + b"\0")
        reader = _PackReader(name, text, known, problems)
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


class _PackReader:
    """Reads one file, adding to `problems` what is wrong with it."""

    def __init__(self, file: str, text: str, touchpoints: frozenset[str], problems: list[Problem]) -> None:
        self._file = file
        self._text = text
        self._touchpoints = touchpoints
        self._problems = problems
        self._phrases: dict[str, Phrase] = {}  # the same words often stand in several rules
        self._at: int | None = None  # number of the rule being read
        self.lang = "*"

    def rules(self) -> list[Rule]:
        try:
            data = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"at line (\d+)", str(error))
            at = int(line.group(1)) if line else self._text.count("\n") + 1
            self._problems.append(
                Problem(
                    self._file,
                    at,
                    f"not TOML: {error}",
                    "Look for a missing quote, bracket or comma on or before this line.",
                )
            )
            return []
        except RecursionError:
            self._problems.append(
                Problem(self._file, 1, "brackets are nested too deeply", "A pack is flat; see docs/rules.md.")
            )
            return []
        self._unknown(data, ("pack", "groups", "rule"), "table")
        self._pack = self._header(data.get("pack"))
        self._groups = self._read_groups(data.get("groups", {}))
        tables = data.get("rule", [])
        if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
            self._tell("rule", "'rule' is not a list of tables", "Begin each rule with a line [[rule]].")
            return []
        if not tables:
            self._tell("", "the pack holds no rule", "Begin each rule with a line [[rule]].")
        read: list[Rule] = []
        headers = [n for n, line in enumerate(self._text.splitlines(), 1) if line.lstrip().startswith("[[rule]]")]
        for number, table in enumerate(tables):
            self._at = headers[number] if number < len(headers) else 1
            before = len(self._problems)
            rule = self._rule(table, self._at)
            if len(self._problems) == before:
                read.append(rule)
        return read

    # — where a problem is —

    def _tell(self, near: str, what: str, remedy: str) -> None:
        """Add a problem at the first line at or below the current rule (or the file's begin) that holds `near`."""
        lines = self._text.splitlines()
        start = (self._at or 1) - 1
        stop = next((n for n in range(start + 1, len(lines)) if lines[n].lstrip().startswith("[[rule]]")), len(lines))
        if self._at is None:
            stop = len(lines)
        key = re.compile(rf"\s*[\"']?{re.escape(near)}[\"']?\s*=") if near else None
        line = start + 1
        for n in range(start, stop):
            if key is not None and (
                key.match(lines[n]) or (len(near) > 1 and near in lines[n] and not near.isidentifier())
            ):
                line = n + 1
                break
        else:
            line = next((n + 1 for n in range(start, stop) if near and near in lines[n]), start + 1)
        self._problems.append(Problem(self._file, max(1, line), what, remedy))

    def _unknown(self, table: Mapping[str, Any], allowed: Sequence[str], noun: str) -> None:
        for key in table:
            if key not in allowed:
                self._tell(key, f"unknown {noun} {key!r}", did_you_mean(key, allowed))

    # — pack and groups —

    def _header(self, pack: Any) -> str:
        if not isinstance(pack, dict):
            self._tell(
                "", "the table [pack] is missing", 'Begin the file with [pack], name = "…", lang = "…", about = "…".'
            )
            return ""
        self._unknown(pack, ("name", "lang", "about"), "key in [pack]")
        name = self._string(pack, "name", needed=True)
        if name and not _NAME.match(name):
            self._tell("name", f"name {name!r} is not possible", "Use small letters, digits, '-' and '_'.")
        self.lang = self._string(pack, "lang", needed=True) or "*"
        if self.lang != "*" and not _LANG.match(self.lang):
            self._tell("lang", f"lang {self.lang!r} is no language", did_you_mean(self.lang, ("*", *LANGUAGES)))
        self._string(pack, "about", needed=True)
        return name

    def _read_groups(self, groups: Any) -> Mapping[str, Sequence[str]]:
        if not isinstance(groups, dict):
            self._tell(
                "groups", "'groups' is not a table", 'Write [groups], then one line each: parcel = ["colis", "paquet"].'
            )
            return {}
        read: dict[str, Sequence[str]] = {}
        for name in groups:
            words = self._strings(groups, name)
            if not words:
                self._tell(name, f"group {name!r} is empty", 'Give it words: ["colis", "paquet"].')
            else:
                read[name] = words
        for name in read:
            self._phrase(f"<{name}>", read, near=name)
        return read

    # — one rule —

    def _rule(self, table: Mapping[str, Any], line: int) -> Rule:
        self._unknown(table, RULE_KEYS, "key")
        name = self._string(table, "id", needed=True)
        if name and not (_ID.match(name) and name.startswith(f"{self._pack}.")):
            self._tell(
                "id", f"id {name!r} is not possible", f"Write {self._pack}.<stage or theme>.<name>, in small letters."
            )
        about = self._string(table, "about", needed=True)
        when = self._when(table)
        any_ = self._phrase_list(table, "any")
        if "any" not in table and when is None:
            self._tell(
                "", f"rule {name!r} has neither 'any' nor 'when'", 'Add any = ["…"]: phrases of which one must match.'
            )
        also = self._phrase_list(table, "with")
        unless = self._phrase_list(table, "unless")
        if (also or unless) and not any_:
            self._tell("with" if also else "unless", "'with' and 'unless' need 'any'", 'Add any = ["…"].')
        told = len(self._problems)
        evidence = self._evidence(table)
        if evidence == Evidence(weight=evidence.weight) and told == len(self._problems):
            self._tell(
                "", f"rule {name!r} says nothing when it matches", "Add a stage, touchpoints, intents, urgency, …"
            )
        return Rule(
            id=name,
            about=about,
            lang=self.lang,
            file=self._file,
            line=line,
            any=any_,
            also=also,
            unless=unless,
            also_scope=cast("Scope", self._choice(table, "with_scope", ("sentence", "text")) or "sentence"),
            unless_scope=cast("Scope", self._choice(table, "unless_scope", ("sentence", "text")) or "sentence"),
            when=when,
            negatable=self._flag(table, "negatable", True),
            evidence=evidence,
            matches=self._examples(table, "matches", "that the rule must match"),
            ignores=self._examples(table, "ignores", "that the rule must not match"),
        )

    def _phrase(self, text: str, groups: Mapping[str, Sequence[str]], near: str = "") -> Phrase | None:
        phrase = self._phrases.get(text)
        if phrase is None:
            try:
                phrase = parse(text, self.lang, groups)
            except PhraseError as error:
                self._tell(near or text, error.what, error.remedy)
                return None
            self._phrases[text] = phrase
        return phrase

    def _phrase_list(self, table: Mapping[str, Any], key: str) -> tuple[Phrase, ...]:
        if key not in table:
            return ()
        texts = self._strings(table, key)
        if not texts and isinstance(table[key], list):
            self._tell(key, f"{key!r} is empty", f'Write {key} = ["a phrase", "another"], or leave it out.')
        return tuple(phrase for text in texts if (phrase := self._phrase(text, self._groups)) is not None)

    def _when(self, table: Mapping[str, Any]) -> When | None:
        if "when" not in table:
            return None
        asked = table["when"]
        if not isinstance(asked, dict) or not asked:
            self._tell(
                "when", "'when' is not a table of conditions", "Write when = { rating_at_most = 2 }. " + one_of(_WHEN)
            )
            return None
        good: dict[str, Any] = {}
        for key, value in asked.items():
            kind = _WHEN.get(key)
            if kind is None:
                self._tell("when", f"unknown condition {key!r}", did_you_mean(key, _WHEN))
            elif kind is tuple:
                good[key] = tuple(self._strings(asked, key))
            elif kind is bool and not isinstance(value, bool):
                self._tell("when", f"{key} is {value!r}", "Allowed: true, false.")
            elif kind is not bool and (
                isinstance(value, bool) or not isinstance(value, int if kind is int else int | float)
            ):
                self._tell("when", f"{key} is {value!r}", "Give a number, without quotes.")
            else:
                good[key] = value
        return When(**good)

    def _evidence(self, table: Mapping[str, Any]) -> Evidence:
        stage = self._choice(table, "stage", tuple(each.value for each in Stage if each is not Stage.UNCLEAR))
        factor, points, floor = self._urgency(table)
        touchpoints = tuple(self._strings(table, "touchpoints"))
        for each in touchpoints:
            if each not in self._touchpoints:
                self._tell("touchpoints", f"unknown touchpoint {each!r}", did_you_mean(each, sorted(self._touchpoints)))
        buyer = self._choice(table, "buyer", tuple(each.value for each in BuyerStatus))
        sentiment = self._number(table, "sentiment", -1.0, 1.0, None)
        weight = self._number(table, "weight", 0.5, 3.0, 1.0)
        if "weight" in table and not stage:
            self._tell(
                "weight", "'weight' stands without 'stage'", "It weighs the stage; add stage, or leave weight out."
            )
        return Evidence(
            stage=Stage(stage) if stage else None,
            weight=1.0 if weight is None else weight,
            touchpoints=touchpoints,
            intents=self._words(table, "intents", Intent),
            emotions=self._words(table, "emotions", Emotion),
            buyer=BuyerStatus(buyer) if buyer else None,
            sentiment=sentiment,
            factor=factor,
            points=points,
            floor=floor,
            promotional=self._flag(table, "promotional", False),
            ignore=self._flag(table, "ignore", False),
            exit_reason=self._choice(table, "exit_reason", EXIT_REASONS),
            delight=self._flag(table, "delight", False),
            playbook=self._string(table, "playbook"),
            owner=self._string(table, "owner"),
        )

    def _urgency(self, table: Mapping[str, Any]) -> tuple[str, int, Urgency | None]:
        remedy = 'Write { factor = "blocked", points = 20 } or { floor = "critical" }.'
        if "urgency" not in table:
            return "", 0, None
        urgency = table["urgency"]
        if not isinstance(urgency, dict) or not urgency:
            self._tell("urgency", "'urgency' is not a table", remedy)
            return "", 0, None
        for key in urgency:
            if key not in ("factor", "points", "floor"):
                self._tell(
                    "urgency", f"unknown key {key!r} in 'urgency'", did_you_mean(key, ("factor", "points", "floor"))
                )
        floor = self._choice(urgency, "floor", tuple(level.word for level in Urgency), near="urgency")
        factor = self._choice(urgency, "factor", FACTORS, near="urgency")
        points = urgency.get("points", 0)
        if isinstance(points, bool) or not isinstance(points, int) or not 0 <= points <= MOST_POINTS:
            self._tell("urgency", f"points is {points!r}", f"Allowed: whole numbers from 0 to {MOST_POINTS}.")
            points = 0
        if bool(factor) != bool(points):
            self._tell("urgency", "'factor' and 'points' belong together", remedy)
        return factor, points, Urgency.of(floor) if floor else None

    def _examples(self, table: Mapping[str, Any], key: str, meaning: str) -> tuple[Example, ...]:
        given = table.get(key)
        if not isinstance(given, list) or not given:
            self._tell(
                key if key in table else "", f"{key!r} is missing", f'Add {key} = ["…"]: at least one post {meaning}.'
            )
            return ()
        found: list[Example] = []
        for each in given:
            if isinstance(each, str) and each.strip():
                found.append(Example(each))
            elif isinstance(each, dict) and isinstance(each.get("text"), str):
                facts = {name: value for name, value in each.items() if name != "text"}
                for name in facts:
                    if name not in _FACTS:
                        self._tell(key, f"unknown fact {name!r} in {key!r}", did_you_mean(name, _FACTS))
                found.append(Example(each["text"], facts))
            else:
                self._tell(
                    key, f"{each!r} is no test", 'Write "a post", or { text = "a post", in_reply_to_brand = true }.'
                )
        return tuple(found)

    # — plain values —

    def _string(self, table: Mapping[str, Any], key: str, needed: bool = False) -> str:
        value = table.get(key, "")
        if not isinstance(value, str):
            self._tell(key, f"{key} is {value!r}", f'Write {key} = "…", in quotes.')
            return ""
        if needed and not value.strip():
            self._tell(key if key in table else "", f"{key!r} is missing", f'Add {key} = "…".')
        return value

    def _strings(self, table: Mapping[str, Any], key: str) -> list[str]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self._tell(key, f"{key!r} is not a list of strings", f'Write {key} = ["…", "…"].')
            return []
        return value

    def _choice(self, table: Mapping[str, Any], key: str, allowed: Sequence[str], near: str = "") -> str:
        value = table.get(key, "")
        if value == "" and key in table and not near:
            return ""
        if value != "" and value not in allowed:
            self._tell(near or key, f"{key} is {value!r}", did_you_mean(str(value), allowed))
            return ""
        return str(value)

    def _words(self, table: Mapping[str, Any], key: str, words: type[_W]) -> tuple[_W, ...]:
        given = self._strings(table, key)
        allowed = [each.value for each in words]
        for each in given:
            if each not in allowed:
                self._tell(key, f"{each!r} in {key!r} is unknown", did_you_mean(each, allowed))
        return tuple(words(each) for each in given if each in allowed)

    def _flag(self, table: Mapping[str, Any], key: str, default: bool) -> bool:
        value = table.get(key, default)
        if not isinstance(value, bool):
            self._tell(key, f"{key} is {value!r}", "Allowed: true, false.")
            return default
        return value

    def _number(
        self, table: Mapping[str, Any], key: str, low: float, high: float, default: float | None
    ) -> float | None:
        value = table.get(key, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self._tell(key, f"{key} is {value!r}", f"Allowed: a number from {low:g} to {high:g}.")
            return default
        return float(value)
