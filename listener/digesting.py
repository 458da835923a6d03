"""What the configuration says about the digest: its words, its hypotheses, which sources are equal for all rivals."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from listener.config import Config
from listener.config.schema import Believed as BelievedKeys
from listener.digest.given import Believed, DigestSettings
from listener.gathering import Known
from listener.judging import pack_places
from listener.model import Counted
from rules.names import speaking
from rules.terms import QueryFacts

if TYPE_CHECKING:
    from rules.query import Query


def settings(config: Config) -> DigestSettings:
    """The digest's settings as configured."""
    touchpoints = config.journey.touchpoints
    return DigestSettings(
        brand=config.brand.name,
        language=config.listener.interface_language,
        stage_labels=config.journey.stages,
        owners={name: one.owner for name, one in touchpoints.items() if one.owner},
        rivals=tuple(rival.name for rival in config.brand.rivals),
        equal_sources=equal_sources(config),
        own_words=own_words(config),
        hypotheses=tuple(_believed(one) for one in config.digest.hypotheses),
    )


def known(config: Config) -> Known:
    """What else of the configuration the digest counts with."""
    return Known(
        hours=config.hours,
        rules=partial(speaking_rules, config),
        receivers=config.digest.to,
        budgets={account.name: account.budget_month for account in config.accounts},
    )


def equal_sources(config: Config) -> frozenset[str]:
    """Sources that search for the brand and for every rival by name: only there is a share of voice fair."""
    spellings = [config.brand.all_names, *((rival.name, *rival.names) for rival in config.brand.rivals)]
    brands = [{name.casefold() for name in names} for names in spellings]
    return frozenset(
        source.name
        for source in config.sources
        if config.brand.rivals and all({term.casefold() for term in source.terms} & names for names in brands)
    )


def own_words(config: Config) -> tuple[str, ...]:
    """Names and search words, ours and those of rivals: they are in most posts and never an emerging phrase."""
    brand = config.brand
    rivals = [name for rival in brand.rivals for name in (rival.name, *rival.names)]
    return (brand.name, *brand.names, *rivals, *(term for source in config.sources for term in source.terms))


def speaking_rules(config: Config) -> frozenset[str]:
    """Ids of the rules in use that leave their name in a verdict when they match; others leave no trace to count."""
    off = frozenset(config.rules.disable)
    languages = {*config.brand.languages, "*"}
    return frozenset(name.id for name in speaking(pack_places(config)) if name.id not in off and name.lang in languages)


def _believed(keys: BelievedKeys) -> Believed:
    from rules.query import parse

    return Believed(keys.says, keys.query, partial(_speaks_of, parse(keys.query)), keys.expects)


def _speaks_of(query: Query, post: Counted) -> bool:
    return query.matches(QueryFacts(text=post.text, url=post.url, lang=post.lang))
