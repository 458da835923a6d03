"""A pack as it stands after loading: rules with their phrases read, conditions named, tests beside them. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rules.facts import Evidence, Facts
from rules.phrases import Phrase

Scope = Literal["sentence", "text"]


@dataclass(frozen=True, slots=True)
class When:
    """Conditions on facts beside the words. None: not asked for. All that are asked for must hold."""

    in_reply_to_brand: bool | None = None  # the post answers one of the brand's own posts
    addressed_to_brand: bool | None = None  # it begins with, or speaks to, one of the brand's handles
    names_rival: bool | None = None  # a configured rival stands somewhere in the text
    names_brand: bool | None = None  # the brand or a product of it does
    in_question: bool | None = None  # the words stand in a sentence that ends with "?"
    followers_at_least: int | None = None  # unknown is not enough
    rating_at_most: float | None = None  # no rating: does not hold
    rating_at_least: float | None = None
    sentiment_below: float | None = None  # no sentiment: does not hold
    sentiment_above: float | None = None
    platform_is: tuple[str, ...] | None = None
    kind_is: tuple[str, ...] | None = None

    def holds(self, facts: Facts) -> bool:
        """Whether the conditions on the post itself hold; those on its words are the engine's."""
        return (
            (self.in_reply_to_brand is None or facts.in_reply_to_brand == self.in_reply_to_brand)
            and (self.addressed_to_brand is None or facts.addressed_to_brand == self.addressed_to_brand)
            and (self.followers_at_least is None or (facts.followers or 0) >= self.followers_at_least)
            and (self.rating_at_most is None or (facts.rating is not None and facts.rating <= self.rating_at_most))
            and (self.rating_at_least is None or (facts.rating is not None and facts.rating >= self.rating_at_least))
            and (
                self.sentiment_below is None or (facts.sentiment is not None and facts.sentiment < self.sentiment_below)
            )
            and (
                self.sentiment_above is None or (facts.sentiment is not None and facts.sentiment > self.sentiment_above)
            )
            and (self.platform_is is None or facts.platform in self.platform_is)
            and (self.kind_is is None or facts.kind in self.kind_is)
        )


@dataclass(frozen=True, slots=True)
class Example:
    """A test inside a pack: a text, and facts where it needs others than the rule's conditions give."""

    text: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a pack."""

    id: str
    about: str
    lang: str  # "*": every language
    file: str
    line: int  # of its [[rule]]
    any: tuple[Phrase, ...]  # empty: the conditions alone decide
    also: tuple[Phrase, ...]  # `with` in the file: one of these must match too
    unless: tuple[Phrase, ...]
    also_scope: Scope
    unless_scope: Scope
    when: When | None
    negatable: bool
    evidence: Evidence
    matches: tuple[Example, ...]
    ignores: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Ruleset:
    """All rules of some packs, in file order, and a digest that changes when any of their bytes does."""

    rules: tuple[Rule, ...]
    digest: str
    languages: tuple[str, ...]  # of its packs, without "*"
