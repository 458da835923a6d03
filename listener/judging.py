"""Triage as configured: rule packs, brand, languages. Apart from `app`, so that judging a text loads no store and no Slack."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.base import Mention
from listener.config import Config
from listener.config.schema import FIVE_LANGUAGES
from listener.model import Verdict
from listener.plugins import rulepacks
from listener.triage.brand import BrandFacts
from listener.triage.verdict import Triage, build_triage

if TYPE_CHECKING:
    from rules.query import Query

SHELVES = 8  # languages whose rules are loaded at their first post; more are rare


def brand_facts(config: Config) -> BrandFacts:
    """The brand as triage knows it."""
    brand = config.brand
    return BrandFacts(
        name=brand.name,
        names=brand.names,
        products=brand.products,
        rivals={rival.name: rival.names for rival in brand.rivals},
        own_accounts=frozenset(config.own_accounts),
        exclude=brand.exclude,
        context=brand.context,
        query=_query(brand.query) if brand.query else None,
    )


def _query(text: str) -> Query:
    from rules.query import parse

    return parse(text)


def pack_places(config: Config | None) -> list[Path | Traversable]:
    """Folders and files of the packs in use: the installed ones, then the user's own."""
    builtin = rulepacks().values() if config is None or config.rules.builtin else ()
    return [*builtin, *(config.rules.packs if config is not None else ())]


def triage_for(config: Config | None, more: Sequence[Path] = ()) -> Triage:
    """Triage as configured, with `more` packs; without a configuration, for posts that name their brand themselves."""
    return build_triage(
        [*pack_places(config), *more],
        brand_facts(config) if config is not None else None,
        languages=config.brand.languages if config is not None else FIVE_LANGUAGES,
        touchpoints=tuple(config.journey.touchpoints) if config is not None else (),
        disabled=config.rules.disable if config is not None else (),
    )


def settled(judge: Callable[[Mention], Verdict]) -> Callable[[Mention], Verdict]:
    """The same judge; once the rules of a language are loaded they are taken out of garbage collection.

    A full collection walks through all rules and stops every thread for about 100 ms; a long post sets one off. Rules stay
    as long as the process, so there is nothing to collect.
    """
    loaded: set[str] = set()

    def judged(mention: Mention) -> Verdict:
        verdict = judge(mention)
        if verdict.lang not in loaded and len(loaded) < SHELVES:
            loaded.add(verdict.lang)
            gc.collect()
            gc.freeze()
        return verdict

    return judged


def judge_for_classify(config: Config | None) -> Callable[[Mention], Verdict]:
    """A judge for posts that a person hands over. Without a configuration each is about the brand that it names, if it does."""
    triage = triage_for(config)
    if config is not None:
        return settled(triage.judge)

    @lru_cache(maxsize=256)
    def for_brand(name: str) -> Triage:
        return triage.for_brand(BrandFacts(name))

    return settled(lambda mention: (for_brand(mention.brand) if mention.brand else triage).judge(mention))


class LoadingJudge:
    """Triage that is loaded in the background, so that a daemon's first poll is on its way meanwhile.

    Calling it waits for the rules. Broken rules raise their error at every call, and from `ready`.
    """

    def __init__(self, config: Config) -> None:
        self._loader = ThreadPoolExecutor(1, "rules")
        self._judge = self._loader.submit(lambda: settled(triage_for(config).judge))
        self._loader.shutdown(wait=False)

    def __call__(self, mention: Mention) -> Verdict:
        return self._judge.result()(mention)

    def ready(self) -> None:
        """Wait until the rules are loaded. Raises `rules.errors.RulesError`."""
        self._judge.result()
