"""What a community manager reads: whose words, which facts, what would have changed the level; and posts in two languages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.base import Author, Mention
from listener.model import Line, Verdict
from listener.triage.brand import BrandFacts
from listener.triage.mixed import other_languages
from listener.triage.urgency import weigh
from listener.triage.verdict import build_triage
from rules.vocabulary import Urgency
from rules.words import prepare

LANGUAGES = ("en", "fr", "it", "es", "de")
TRIAGE = build_triage([], BrandFacts("Acme", ("@acme",)), LANGUAGES)


def judge(text: str) -> Verdict:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return TRIAGE.judge(Mention("x", "1", text, at, Author("ana"), lang="en"))


def evidence(verdict: Verdict, label: str) -> str:
    return next(line.evidence for line in verdict.lines if line.label == label)


def test_points_of_weak_signals_quote_the_words_behind_them() -> None:
    verdict = judge("@acme my parcel is lost, nobody answers, this is a disgrace, please fix it today")
    assert evidence(verdict, "harsh tone") == "“disgrace”"
    assert evidence(verdict, "time pressure") == "“today”"
    assert evidence(verdict, "asks us") == "speaks to us and wants an answer"
    assert evidence(verdict, "complaint").endswith("% sure")


def test_a_word_that_stands_twice_is_quoted_once() -> None:
    assert evidence(judge("@acme what a disgrace, it is broken, disgrace, broken"), "harsh tone") == "“disgrace”"


def test_where_no_factor_decides_alone_the_heaviest_are_named_together() -> None:
    lines = tuple(Line(points, name) for name, points in (("complaint", 35), ("blocked", 25), ("leaving", 25)))
    assert weigh(lines, None, limited=False).near == "would be normal without: complaint (50)"
    more = (*lines, Line(15, "repeated"), Line(15, "time pressure"))
    assert weigh(more, None, limited=False).near == "would be normal without: complaint, leaving and blocked (30)"


def test_an_override_is_named_with_the_points_that_would_hold_the_level() -> None:
    lines = (Line(35, "complaint"), Line(25, "blocked"))
    assert weigh(lines, Urgency.HIGH, limited=False).near == "would be normal without: override and blocked (35)"
    assert weigh(lines, Urgency.CRITICAL, limited=False).near == "would be high without: override (60)"


@pytest.mark.parametrize(
    ("text", "lang", "others"),
    [
        ("Love it. Ma il mio secondo pacco non è ancora arrivato, sono tre settimane", "en", ("it",)),
        ("Sorry for my english! Ich warte immer noch auf mein Paket, seit drei Wochen nichts", "en", ("de",)),
        ("The parcel never came and nobody answers", "en", ()),
        ("La Casa de Papel is what they watch", "en", ()),
        ("", "und", ()),
    ],
)
def test_a_second_language_must_clearly_stand_in_the_text(text: str, lang: str, others: tuple[str, ...]) -> None:
    assert other_languages(prepare(text), lang, LANGUAGES) == others


def test_only_configured_languages_are_tried() -> None:
    text = "Love it. Ma il mio secondo pacco non è ancora arrivato, sono tre settimane"
    assert other_languages(prepare(text), "en", ("en", "fr")) == ()
