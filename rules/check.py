"""What keeps packs honest: the tests inside them, and lint.

`run_tests` evaluates every rule's `matches` and `ignores`; `check` (lint) finds rules that are dead, shadowed, overlapping
or slow, and, given posts, rules that none of them fires. Neither raises; both return what they found, in file order.
Examples speak of the brand "Acme", its product "Acme One" and the rival "Polarex".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rules.engine import Engine
from rules.facts import Facts
from rules.index import SIGNS, asked, place
from rules.languages import COMMON
from rules.ruleset import Example, Rule, Ruleset

BRAND, PRODUCT, RIVAL = "Acme", "Acme One", "Polarex"
TOO_OFTEN = 0.6  # times a post that a phrase is tried, as the index guesses, before lint speaks
Kind = Literal["dead", "shadowed", "overlap", "slow", "silent"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A test inside a pack that does not hold."""

    rule: str
    file: str
    line: int
    text: str
    expected: Literal["match", "no match"]
    words: str = ""  # that fired although they should not

    def __str__(self) -> str:
        if self.expected == "match":
            return f"{self.file}:{self.line}: {self.rule} does not match {self.text!r}. Widen 'any', or move the text to 'ignores'."
        return (
            f"{self.file}:{self.line}: {self.rule} matches {self.text!r} on {self.words!r}. "
            "Narrow 'any', add 'unless', or move the text to 'matches'."
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """What lint has to say about a rule."""

    kind: Kind
    rule: str
    file: str
    line: int
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.kind}: {self.what}. {self.remedy}"


def example_engine(ruleset: Ruleset) -> Engine:
    """The engine that examples inside packs are evaluated with."""
    return Engine(ruleset, brand_names=(BRAND,), products=(PRODUCT,), rivals=(RIVAL,))


def facts_of(rule: Rule, example: Example, wanted: bool = True) -> Facts:
    """The facts an example stands for: its text, the facts it states itself, else such that the rule's conditions hold.

    A rule without phrases is ignored for its conditions alone, so its `ignores` get facts that do not meet them.
    """
    given: dict[str, Any] = {"lang": rule.lang if rule.lang != "*" else "und"}
    when = rule.when
    if when is not None and (wanted or rule.any):
        sentiment = None
        if when.sentiment_below is not None or when.sentiment_above is not None:
            low = -1.0 if when.sentiment_above is None else when.sentiment_above
            high = 1.0 if when.sentiment_below is None else when.sentiment_below
            sentiment = (low + high) / 2
        given |= {
            "in_reply_to_brand": bool(when.in_reply_to_brand),
            "addressed_to_brand": bool(when.addressed_to_brand),
            "followers": when.followers_at_least,
            "rating": when.rating_at_most if when.rating_at_most is not None else when.rating_at_least,
            "sentiment": sentiment,
        }
        if when.platform_is:
            given["platform"] = when.platform_is[0]
        if when.kind_is:
            given["kind"] = when.kind_is[0]
    return Facts(text=example.text, **(given | dict(example.facts)))


def run_tests(ruleset: Ruleset) -> list[Failure]:
    """Every example of every rule that does not come out as its pack says."""
    engine = example_engine(ruleset)
    failures: list[Failure] = []
    for rule in ruleset.rules:
        for example, wanted in examples(rule):
            failure = run_example(engine, rule, example, wanted)
            if failure is not None:
                failures.append(failure)
    return failures


def examples(rule: Rule) -> Iterable[tuple[Example, bool]]:
    """A rule's examples, with whether it must match them."""
    yield from ((each, True) for each in rule.matches)
    yield from ((each, False) for each in rule.ignores)


def run_example(engine: Engine, rule: Rule, example: Example, wanted: bool) -> Failure | None:
    """None where the example comes out as the pack says."""
    hit = next((hit for hit in engine.evaluate(facts_of(rule, example, wanted)) if hit.rule == rule.id), None)
    if (hit is not None) == wanted:
        return None
    if wanted:
        return Failure(rule.id, rule.file, rule.line, example.text, "match")
    return Failure(rule.id, rule.file, rule.line, example.text, "no match", hit.words if hit else "")


def check(ruleset: Ruleset, posts: Iterable[Facts] = (), engine: Engine | None = None) -> list[Finding]:
    """Lint. `posts`, evaluated with `engine`, tell which rules never fire."""
    findings = [*_dead(ruleset), *_overlaps(ruleset), *_slow(ruleset)]
    counts = coverage(engine or example_engine(ruleset), posts)
    if sum(counts.values()):
        findings += (
            _finding(
                "silent",
                rule,
                "no post of the file fires it",
                "Keep it if it is rare and grave; else widen or delete it.",
            )
            for rule in ruleset.rules
            if not counts[rule.id]
        )
    place = {rule.id: n for n, rule in enumerate(ruleset.rules)}
    return sorted(findings, key=lambda finding: place[finding.rule])


def coverage(engine: Engine, posts: Iterable[Facts]) -> Counter[str]:
    """How many posts fire each rule."""
    return Counter(hit.rule for facts in posts for hit in engine.evaluate(facts))


def _finding(kind: Kind, rule: Rule, what: str, remedy: str) -> Finding:
    return Finding(kind, rule.id, rule.file, rule.line, what, remedy)


def _dead(ruleset: Ruleset) -> Iterable[Finding]:
    """Rules that match none of their own examples, and rules that never match without another of the same effect."""
    engine = example_engine(ruleset)
    by_id = {rule.id: rule for rule in ruleset.rules}
    for rule in ruleset.rules:
        fired = [{hit.rule for hit in engine.evaluate(facts_of(rule, example))} for example in rule.matches]
        if not any(rule.id in each for each in fired):
            yield _finding(
                "dead", rule, "it matches none of its own examples", "Compare 'any' with 'matches', word by word."
            )
            continue
        always = set.intersection(*fired) - {rule.id} if len(fired) > 1 else set()
        twins = [other for other in sorted(always) if by_id[other].evidence == rule.evidence]
        if twins:
            yield _finding(
                "shadowed",
                rule,
                f"wherever its examples match, {twins[0]} matches and says the same",
                "Merge the two, or give it an example of its own.",
            )


def _overlaps(ruleset: Ruleset) -> Iterable[Finding]:
    """The same phrase twice in a language; a phrase that another of the same rule makes superfluous."""
    first: dict[tuple[str, object], Rule] = {}
    for rule in ruleset.rules:
        for phrase in rule.any:
            key = (rule.lang, (phrase.steps, phrase.asks, phrase.begins, phrase.ends, rule.when))
            other = first.setdefault(key, rule)
            if other is rule:
                continue
            if other.evidence.stage != rule.evidence.stage:
                remedy = (
                    "Both fire and disagree about the stage: keep it in one, or tell them apart by 'with' or 'unless'."
                )
            else:
                remedy = "Keep it in one of them, or put both meanings into one rule."
            yield _finding("overlap", rule, f"phrase {_short(phrase.text)!r} also stands in {other.id}", remedy)
        texts = [phrase.text for phrase in rule.any]
        for text in {text for text in texts if texts.count(text) > 1}:
            yield _finding("overlap", rule, f"phrase {_short(text)!r} stands twice", "Delete one.")
        for phrase in rule.any:
            wider = next(
                (
                    other
                    for other in rule.any
                    if other is not phrase
                    and not (other.asks or other.begins or other.ends)
                    and _holds(phrase.steps, other.steps)
                    and other.holds_negation == phrase.holds_negation
                ),
                None,
            )
            if wider is not None:
                what = f"phrase {_short(phrase.text)!r} adds nothing to {_short(wider.text)!r}"
                yield _finding("overlap", rule, what, "Delete the longer one.")


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def _holds(long: Sequence[object], short: Sequence[object]) -> bool:
    """Whether the steps of `short` stand side by side in those of `long`."""
    if len(short) >= len(long):
        return False
    return any(tuple(long[n : n + len(short)]) == tuple(short) for n in range(len(long) - len(short) + 1))


def _slow(ruleset: Ruleset) -> Iterable[Finding]:
    """Phrases that nearly every text makes the engine try."""
    for rule in ruleset.rules:
        for phrase in rule.any:
            filed = place(phrase, asked(phrase))
            if filed.rate <= TOO_OFTEN:
                continue
            words = {word for kind, each, _ in filed.starts if kind not in SIGNS for word in each}
            if not words or any(kind in SIGNS for kind, _, _ in filed.starts):
                what = f"phrase {_short(phrase.text)!r} has no word of its own, only names, numbers or words that may be missing"
                yield _finding("slow", rule, what, "Add a word that must be there.")
            else:
                word = max(sorted(words), key=lambda each: each in COMMON)
                what = f"phrase {_short(phrase.text)!r} is looked up by words like {word!r}, which every text holds"
                yield _finding("slow", rule, what, "Add a rarer word, or put two of its words side by side.")
