"""How far the verdicts behind a week's figures can be trusted: unclear ones, those that people looked at, silent rules."""

from __future__ import annotations

from dataclasses import replace

from listener.digest.figures import Confidence, StageFigures, Tally
from listener.digest.given import Around
from listener.digest.labels import Labels
from listener.digest.shares import share
from listener.digest.tally import Pile, WeekTally
from listener.digest.text import visible
from listener.digest.week import Week
from listener.digest.words import share as said

_NAMED = 20  # silent rules that are named


def confidence(
    week: Week, total: Tally, unclear: StageFigures, tally: WeekTally, around: Around, book: Labels
) -> Confidence:
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
    sampled = kept or any(one.sampled and week.since <= one.at < week.until for one in around.looked or ())
    agreement = share(kept, len(looked)) if sampled else None
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
    return replace(figures, sentences=_sentences(figures, book))


def _sentences(figures: Confidence, book: Labels) -> tuple[str, ...]:
    if not figures.unclear.of:
        return ()
    return (
        book.say("trust_unclear", share=said(figures.unclear, book)),
        book.say("trust_language", share=said(figures.unknown_language, book)),
        book.say("trust_bought", share=said(figures.without_buyer_status, book)),
        f"{book.say('trust_chance')} {_looked_at(figures, book)}",
        *([_rules(figures, book)] if figures.rules else []),
        book.say("trust_selected"),
    )


def _looked_at(figures: Confidence, book: Labels) -> str:
    if figures.agreement is not None:
        return book.say("trust_agreed", share=said(figures.agreement, book))
    return book.say("trust_corrected", figures.corrected) if figures.corrected else book.say("trust_no_audit")


def _rules(figures: Confidence, book: Labels) -> str:
    silent = figures.rules - figures.rules_matched
    few = f" ({book.listing(figures.silent_rules)})" if 0 < silent <= 3 else ""
    return book.say("trust_rules", figures.rules, silent=book.number(silent), few=few)
