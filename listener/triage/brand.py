"""Who the brand is, for triage: its names, products, rivals and own accounts, as the configuration gives them.

A value without behaviour beyond normalising case. `Triage` without a `BrandFacts` judges posts that are about their brand by
where they come from (a file, a labelled set): every one is relevant, and one that starts with a handle is addressed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules.query import Query


@dataclass(frozen=True, slots=True)
class BrandFacts:
    """What the configuration says about the brand. Names match as whole words, without regard to case or accents."""

    name: str
    names: tuple[str, ...] = ()  # further names, handles and spellings
    products: tuple[str, ...] = ()
    rivals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name -> further names
    own_accounts: frozenset[str] = frozenset()  # "platform:handle"
    exclude: tuple[str, ...] = ()  # a post with one of these is about something else
    context: tuple[str, ...] = ()  # for a brand that is a common word: one of these must stand beside it

    query: Query | None = None  # what counts as a mention; None: any name or product

    @property
    def all_names(self) -> tuple[str, ...]:
        """The brand's name and further names, each once."""
        return tuple(dict.fromkeys((self.name, *self.names)))
