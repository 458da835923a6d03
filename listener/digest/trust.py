"""How far the verdicts behind a week's figures can be trusted: unclear ones, those that people looked at, silent rules."""

from __future__ import annotations

from dataclasses import replace

from listener.digest.figures import Confidence, StageFigures, Tally
from listener.digest.given import Around
from listener.digest.shares import share
from listener.digest.tally import Pile, WeekTally
from listener.digest.text import listing, number, some, visible
from listener.digest.week import Week
from listener.digest.words import share as said

_NAMED = 20  # silent rules that are named
_LATER = "The intervals cover chance, not mistakes of the classifier."
_SELECTED = "These are the posts that the configured sources and search words found, not what all customers think."


def confidence(week: Week, total: Tally, unclear: StageFigures, tally: WeekTally, around: Around) -> Confidence:
    """The figures and their sentences; no sentence where there is no verdict."""
    unknown = tally.languages.get("und", Pile(0))
    shares = (
        share(unclear.tally.mentions, total.mentions),
        share(unknown.posts, total.mentions),
        share(total.unknown_buyers, total.authors),
    )
    looked: dict[str, bool] = {}
    for one in around.looked or ():
        if week.since <= one.at < week.until:
            looked[one.mention] = looked.get(one.mention, True) and one.kept
    kept = sum(looked.values())
    agreement = share(kept, len(looked)) if kept else None
    silent = sorted(set(around.rules) - tally.rules)
    known = len(set(around.rules))
    figures = Confidence(
        *shares,
        sentences=(),
        agreement=agreement,
        corrected=len(looked) - kept,
        rules=known,
        rules_matched=known - len(silent),
        silent_rules=tuple(visible(rule, 80) for rule in silent[:_NAMED]),
    )
    return replace(figures, sentences=_sentences(figures))


def _sentences(figures: Confidence) -> tuple[str, ...]:
    if not figures.unclear.of:
        return ()
    return (
        f"Stage unclear: {said(figures.unclear)} posts.",
        f"Language unknown: {said(figures.unknown_language)} posts.",
        f"Did not say whether they bought: {said(figures.without_buyer_status)} people.",
        f"{_LATER} {_looked_at(figures)}",
        *([_rules(figures)] if figures.rules else []),
        _SELECTED,
    )


def _looked_at(figures: Confidence) -> str:
    if figures.agreement is not None:
        return f"People looked at verdicts and left {said(figures.agreement)} as they were."
    if figures.corrected:
        return (
            f"People corrected {some(figures.corrected, 'verdict')}; whoever corrects looks where something is wrong, so this is "
            "no rate, and nobody audited a sample."
        )
    return "Nobody has audited this week's verdicts yet."


def _rules(figures: Confidence) -> str:
    silent = figures.rules - figures.rules_matched
    few = f" ({listing(list(figures.silent_rules))})" if 0 < silent <= 3 else ""
    return f"{number(silent)} of {some(figures.rules, 'rule')} matched nothing{few}."
