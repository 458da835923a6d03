"""One pack file: from TOML tables to rules, adding every problem it finds to a list."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, cast

from rules.errors import Problem, did_you_mean, one_of
from rules.facts import Evidence, Facts
from rules.languages import LANGUAGES
from rules.page import Page
from rules.phrases import Known, Phrase, PhraseError, parse
from rules.ruleset import Example, Rule, Scope, When
from rules.steps import Step
from rules.vocabulary import BuyerStatus, Emotion, Intent, Stage, Urgency

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
_ID = re.compile(r"[a-z0-9*_-]+(\.[a-z0-9_-]+)+\Z")
_NAME = re.compile(r"[a-z0-9_-]+\Z")
_LANG = re.compile(r"[a-z]{2,3}\Z")
_STAGES = tuple(each.value for each in Stage if each is not Stage.UNCLEAR)
_BUYERS = tuple(each.value for each in BuyerStatus)
_LEVELS = tuple(level.word for level in Urgency)
_FACTS = tuple(name for name in Facts._fields if name != "text")
CONDITIONS: Mapping[str, type] = {
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


class PackReader:
    """Reads one file, adding to `problems` what is wrong with it."""

    def __init__(
        self,
        file: str,
        text: str,
        touchpoints: frozenset[str],
        problems: list[Problem],
        words: dict[str, dict[str, tuple[Step, ...]]] | None = None,
    ) -> None:
        """`words`: by language, what packs that were read before made of their words; added to."""
        self._page = Page(file, text, problems)
        self._touchpoints = touchpoints
        self._phrases: dict[str, Phrase] = {}  # the same words often stand in several rules
        self._words = {} if words is None else words
        self._known = Known({}, {})
        self.lang = "*"

    def rules(self) -> list[Rule]:
        try:
            data = tomllib.loads(self._page.text)
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"at line (\d+)", str(error))
            at = int(line.group(1)) if line else self._page.text.count("\n") + 1
            self._page.problems.append(
                Problem(
                    self._page.file,
                    at,
                    f"not TOML: {error}",
                    "Look for a missing quote, bracket or comma on or before this line.",
                )
            )
            return []
        except RecursionError:
            self._page.problems.append(
                Problem(self._page.file, 1, "brackets are nested too deeply", "A pack is flat; see docs/rules.md.")
            )
            return []
        self._page.unknown(data, ("pack", "groups", "rule"), "table")
        self._pack = self._header(data.get("pack"))
        self._known = Known(self._words.setdefault(self.lang, {}), {})
        self._groups = self._read_groups(data.get("groups", {}))
        tables = data.get("rule", [])
        if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
            self._page.tell("rule", "'rule' is not a list of tables", "Begin each rule with a line [[rule]].")
            return []
        if not tables:
            self._page.tell("", "the pack holds no rule", "Begin each rule with a line [[rule]].")
        read: list[Rule] = []
        headers = [n for n, line in enumerate(self._page.text.splitlines(), 1) if line.lstrip().startswith("[[rule]]")]
        for number, table in enumerate(tables):
            self._page.at = headers[number] if number < len(headers) else 1
            before = len(self._page.problems)
            rule = self._rule(table, self._page.at)
            if len(self._page.problems) == before:
                read.append(rule)
        return read

    # — pack and groups —

    def _header(self, pack: Any) -> str:
        if not isinstance(pack, dict):
            self._page.tell(
                "", "the table [pack] is missing", 'Begin the file with [pack], name = "…", lang = "…", about = "…".'
            )
            return ""
        self._page.unknown(pack, ("name", "lang", "about"), "key in [pack]")
        name = self._page.string(pack, "name", needed=True)
        if name and not _NAME.match(name):
            self._page.tell("name", f"name {name!r} is not possible", "Use small letters, digits, '-' and '_'.")
        self.lang = self._page.string(pack, "lang", needed=True) or "*"
        if self.lang != "*" and not _LANG.match(self.lang):
            self._page.tell("lang", f"lang {self.lang!r} is no language", did_you_mean(self.lang, ("*", *LANGUAGES)))
        self._page.string(pack, "about", needed=True)
        return name

    def _read_groups(self, groups: Any) -> Mapping[str, Sequence[str]]:
        if not isinstance(groups, dict):
            self._page.tell(
                "groups", "'groups' is not a table", 'Write [groups], then one line each: parcel = ["colis", "paquet"].'
            )
            return {}
        read: dict[str, Sequence[str]] = {}
        for name in groups:
            words = self._page.strings(groups, name)
            if not words:
                self._page.tell(name, f"group {name!r} is empty", 'Give it words: ["colis", "paquet"].')
            else:
                read[name] = words
        for name in read:
            self._phrase(f"<{name}>", read, near=name)
        return read

    # — one rule —

    def _rule(self, table: Mapping[str, Any], line: int) -> Rule:
        self._page.unknown(table, RULE_KEYS, "key")
        name = self._page.string(table, "id", needed=True)
        if name and not (_ID.match(name) and name.startswith(f"{self._pack}.")):
            self._page.tell(
                "id", f"id {name!r} is not possible", f"Write {self._pack}.<stage or theme>.<name>, in small letters."
            )
        about = self._page.string(table, "about", needed=True)
        when = self._when(table)
        any_ = self._phrase_list(table, "any")
        if "any" not in table and when is None:
            self._page.tell(
                "", f"rule {name!r} has neither 'any' nor 'when'", 'Add any = ["…"]: phrases of which one must match.'
            )
        also = self._phrase_list(table, "with")
        unless = self._phrase_list(table, "unless")
        if (also or unless) and not any_:
            self._page.tell("with" if also else "unless", "'with' and 'unless' need 'any'", 'Add any = ["…"].')
        told = len(self._page.problems)
        evidence = self._evidence(table)
        if not evidence.speaks_of and evidence == Evidence(weight=evidence.weight) and told == len(self._page.problems):
            self._page.tell(
                "", f"rule {name!r} says nothing when it matches", "Add a stage, touchpoints, intents, urgency, …"
            )
        return Rule(
            id=name,
            about=about,
            lang=self.lang,
            file=self._page.file,
            line=line,
            any=any_,
            also=also,
            unless=unless,
            also_scope=cast("Scope", self._page.choice(table, "with_scope", ("sentence", "text")) or "sentence"),
            unless_scope=cast("Scope", self._page.choice(table, "unless_scope", ("sentence", "text")) or "sentence"),
            when=when,
            negatable=self._page.flag(table, "negatable", True),
            evidence=evidence,
            matches=self._examples(table, "matches", "that the rule must match"),
            ignores=self._examples(table, "ignores", "that the rule must not match"),
        )

    def _phrase(self, text: str, groups: Mapping[str, Sequence[str]], near: str = "") -> Phrase | None:
        phrase = self._phrases.get(text)
        if phrase is None:
            try:
                phrase = parse(text, self.lang, groups, self._known)
            except PhraseError as error:
                self._page.tell(near or text, error.what, error.remedy)
                return None
            self._phrases[text] = phrase
        return phrase

    def _phrase_list(self, table: Mapping[str, Any], key: str) -> tuple[Phrase, ...]:
        if key not in table:
            return ()
        texts = self._page.strings(table, key)
        if not texts and isinstance(table[key], list):
            self._page.tell(key, f"{key!r} is empty", f'Write {key} = ["a phrase", "another"], or leave it out.')
        return tuple(phrase for text in texts if (phrase := self._phrase(text, self._groups)) is not None)

    def _when(self, table: Mapping[str, Any]) -> When | None:
        if "when" not in table:
            return None
        asked = table["when"]
        if not isinstance(asked, dict) or not asked:
            self._page.tell(
                "when",
                "'when' is not a table of conditions",
                "Write when = { rating_at_most = 2 }. " + one_of(CONDITIONS),
            )
            return None
        good: dict[str, Any] = {}
        for key, value in asked.items():
            kind = CONDITIONS.get(key)
            if kind is None:
                self._page.tell("when", f"unknown condition {key!r}", did_you_mean(key, CONDITIONS))
            elif kind is tuple:
                good[key] = tuple(self._page.strings(asked, key))
            elif kind is bool and not isinstance(value, bool):
                self._page.tell("when", f"{key} is {value!r}", "Allowed: true, false.")
            elif kind is not bool and (
                isinstance(value, bool) or not isinstance(value, int if kind is int else int | float)
            ):
                self._page.tell("when", f"{key} is {value!r}", "Give a number, without quotes.")
            else:
                good[key] = value
        return When(**good)

    def _evidence(self, table: Mapping[str, Any]) -> Evidence:
        stage = self._page.choice(table, "stage", _STAGES)
        factor, points, floor = self._urgency(table)
        touchpoints = tuple(self._page.strings(table, "touchpoints"))
        for each in touchpoints:
            if each not in self._touchpoints:
                self._page.tell(
                    "touchpoints", f"unknown touchpoint {each!r}", did_you_mean(each, sorted(self._touchpoints))
                )
        buyer = self._page.choice(table, "buyer", _BUYERS)
        sentiment = self._page.number(table, "sentiment", -1.0, 1.0, None)
        weight = self._page.number(table, "weight", 0.5, 3.0, 1.0)
        if "weight" in table and not stage:
            self._page.tell(
                "weight", "'weight' stands without 'stage'", "It weighs the stage; add stage, or leave weight out."
            )
        return Evidence(
            stage=Stage(stage) if stage else None,
            weight=1.0 if weight is None else weight,
            touchpoints=touchpoints,
            intents=self._page.words(table, "intents", Intent),
            emotions=self._page.words(table, "emotions", Emotion),
            buyer=BuyerStatus(buyer) if buyer else None,
            sentiment=sentiment,
            factor=factor,
            points=points,
            floor=floor,
            promotional=self._page.flag(table, "promotional", False),
            ignore=self._page.flag(table, "ignore", False),
            exit_reason=self._page.choice(table, "exit_reason", EXIT_REASONS),
            delight=self._page.flag(table, "delight", False),
            playbook=self._page.string(table, "playbook"),
            owner=self._page.string(table, "owner"),
        )

    def _urgency(self, table: Mapping[str, Any]) -> tuple[str, int, Urgency | None]:
        remedy = 'Write { factor = "blocked", points = 20 } or { floor = "critical" }.'
        if "urgency" not in table:
            return "", 0, None
        urgency = table["urgency"]
        if not isinstance(urgency, dict) or not urgency:
            self._page.tell("urgency", "'urgency' is not a table", remedy)
            return "", 0, None
        for key in urgency:
            if key not in ("factor", "points", "floor"):
                self._page.tell(
                    "urgency", f"unknown key {key!r} in 'urgency'", did_you_mean(key, ("factor", "points", "floor"))
                )
        floor = self._page.choice(urgency, "floor", _LEVELS, near="urgency")
        factor = self._page.choice(urgency, "factor", FACTORS, near="urgency")
        points = urgency.get("points", 0)
        if isinstance(points, bool) or not isinstance(points, int) or not 0 <= points <= MOST_POINTS:
            self._page.tell("urgency", f"points is {points!r}", f"Allowed: whole numbers from 0 to {MOST_POINTS}.")
            points = 0
        if bool(factor) != bool(points):
            self._page.tell("urgency", "'factor' and 'points' belong together", remedy)
        return factor, points, Urgency.of(floor) if floor else None

    def _examples(self, table: Mapping[str, Any], key: str, meaning: str) -> tuple[Example, ...]:
        given = table.get(key)
        if not isinstance(given, list) or not given:
            self._page.tell(
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
                        self._page.tell(key, f"unknown fact {name!r} in {key!r}", did_you_mean(name, _FACTS))
                found.append(Example(each["text"], facts))
            else:
                self._page.tell(
                    key, f"{each!r} is no test", 'Write "a post", or { text = "a post", in_reply_to_brand = true }.'
                )
        return tuple(found)
