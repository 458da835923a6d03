"""From a mention to a verdict: with rules of a small pack, and with none at all."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Author, Kind, Mention
from listener.model import Verdict
from listener.triage.brand import BrandFacts
from listener.triage.verdict import Triage, build_triage, clean, label
from rules.vocabulary import BuyerStatus, Emotion, Intent, Stage, Urgency

PACK = """
[pack]
name = "test"
lang = "en"
about = "Rules for the tests of triage"

[[rule]]
id = "test.purchase.undelivered"
about = "Paid, and nothing came"
any = ["never arrived"]
stage = "purchase"
weight = 2
intents = ["complaint"]
touchpoints = ["delivery"]
buyer = "buyer"
emotions = ["anger", "frustration", "disappointment"]
urgency = { factor = "blocked", points = 25 }
matches = ["it never arrived"]
ignores = ["it arrived"]

[[rule]]
id = "test.support.rude"
about = "Rude staff"
any = ["rude courier"]
touchpoints = ["staff"]
sentiment = -0.8
matches = ["a rude courier"]
ignores = ["a courier"]

[[rule]]
id = "test.product.fine"
about = "The product is fine"
any = ["fine product"]
stage = "satisfaction"
touchpoints = ["product_quality"]
sentiment = 0.6
matches = ["a fine product"]
ignores = ["a product"]

[[rule]]
id = "test.safety.rash"
about = "Someone was hurt"
any = ["gave me a rash"]
stage = "use"
urgency = { floor = "critical" }
matches = ["the cream gave me a rash"]
ignores = ["the cream is rash"]

[[rule]]
id = "test.leaving.switch"
about = "Leaves for a rival"
any = ["switching to {rival}"]
stage = "loyalty"
weight = 2
intents = ["leaving"]
buyer = "ex_customer"
urgency = { factor = "leaving", points = 15 }
matches = ["switching to Polarex"]
ignores = ["switching on the light"]

[[rule]]
id = "test.promo.code"
about = "A referral code"
any = ["use my code"]
stage = "advocacy"
promotional = true
matches = ["use my code"]
ignores = ["my code"]

[[rule]]
id = "test.spam.jobs"
about = "A job advert"
any = ["we are hiring"]
ignore = true
matches = ["we are hiring"]
ignores = ["we are here"]
"""
BRAND = BrandFacts("Northwind", ("@northwind",), rivals={"Polarex": ()}, own_accounts=frozenset({"x:northwind"}))
LANGUAGES = ("en", "fr", "it", "es", "de")


@pytest.fixture(scope="module")
def triage(tmp_path_factory: pytest.TempPathFactory) -> Triage:
    pack = tmp_path_factory.mktemp("packs") / "test.toml"
    pack.write_text(PACK, encoding="utf-8")
    return build_triage([pack], BRAND, LANGUAGES)


@pytest.fixture(scope="module")
def bare() -> Triage:
    return build_triage([], None, LANGUAGES)


def mention(
    text: str,
    *,
    lang: str | None = None,
    handle: str = "ana",
    kind: Kind = "post",
    rating: float | None = None,
    followers: int | None = None,
) -> Mention:
    author = Author("1", handle, followers=followers)
    return Mention("x", "1", text, datetime(2026, 1, 1, tzinfo=UTC), author, lang=lang, kind=kind, rating=rating)


def rules_of(verdict: Verdict) -> set[str]:
    return {line.rule for line in verdict.lines if line.rule}


def test_a_verdict_carries_every_rule_that_spoke(triage: Triage) -> None:
    verdict = triage.judge(
        mention("@northwind paid 3 weeks ago, it never arrived. I am switching to Polarex", followers=12_400)
    )
    assert {"test.purchase.undelivered", "test.leaving.switch"} <= rules_of(verdict)
    assert verdict.stage is Stage.LOYALTY
    assert verdict.secondary_stage is Stage.PURCHASE
    assert verdict.urgency is Urgency.HIGH
    assert {Intent.COMPLAINT, Intent.LEAVING} <= verdict.intents
    assert verdict.exit_to == "Polarex"
    assert verdict.buyer_status is BuyerStatus.EX_CUSTOMER
    assert verdict.emotions == (Emotion.ANGER, Emotion.FRUSTRATION)
    assert verdict.points == sum(line.points for line in verdict.lines)
    assert [line.points for line in verdict.lines] == sorted((line.points for line in verdict.lines), reverse=True)
    assert any("never arrived" in line.evidence for line in verdict.lines)


def test_a_safety_rule_makes_critical_whatever_the_tone(triage: Triage) -> None:
    verdict = triage.judge(mention("the Northwind cream gave me a rash"))
    assert verdict.urgency is Urgency.CRITICAL
    assert verdict.floor is Urgency.CRITICAL
    assert verdict.near.endswith(f"without: override ({verdict.points})")


def test_each_touchpoint_has_its_own_mood(triage: Triage) -> None:
    verdict = triage.judge(mention("Northwind, 1 star. A fine product, but what a rude courier"))
    assert verdict.touchpoints == {"product_quality": 0.6, "staff": -0.8}


def test_promotion_is_kept_and_low(triage: Triage) -> None:
    verdict = triage.judge(mention("use my code SAVE10 at Northwind, it never arrived"))
    assert verdict.promotional
    assert verdict.relevant
    assert verdict.urgency is Urgency.LOW


def test_spam_and_own_posts_are_not_relevant(triage: Triage) -> None:
    spam = triage.judge(mention("Northwind: we are hiring"))
    assert (spam.relevant, spam.subject, spam.urgency) == (False, "none", Urgency.LOW)
    own = triage.judge(mention("Northwind is sorry that it never arrived", handle="Northwind"))
    assert (own.relevant, own.subject, own.urgency) == (False, "own", Urgency.LOW)


def test_a_post_about_a_rival_is_low(triage: Triage) -> None:
    verdict = triage.judge(mention("Polarex: my order never arrived"))
    assert (verdict.subject, verdict.relevant, verdict.urgency) == ("rival:Polarex", True, Urgency.LOW)


def test_sarcasm_is_negative_unsure_and_flagged(bare: Triage) -> None:
    verdict = bare.judge(mention("Great, another three hours on hold. Love it."))
    assert verdict.sentiment_label == "negative"
    assert verdict.stage_confidence <= 0.6
    assert any(line.label == "sarcasm?" for line in verdict.lines)
    assert Intent.PRAISE not in verdict.intents


@pytest.mark.parametrize(
    "text", ["Great service, thank you!", "Love the new app", "Great, they fixed the problem within two hours"]
)
def test_praise_is_no_sarcasm(bare: Triage, text: str) -> None:
    assert not any(line.label == "sarcasm?" for line in bare.judge(mention(text)).lines)


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "@acme still waiting for my refund after 3 weeks, nobody answers my emails"),
        ("fr", "@acme toujours pas de remboursement après 3 semaines, personne ne répond à mes mails"),
        ("it", "@acme ancora nessun rimborso dopo 3 settimane, nessuno risponde alle mie mail"),
        ("es", "@acme sigo sin el reembolso después de 3 semanas, nadie responde a mis correos"),
        ("de", "@acme immer noch keine Erstattung nach 3 Wochen, keiner antwortet auf meine Mails"),
    ],
)
def test_without_any_rule_a_plain_complaint_is_found(bare: Triage, lang: str, text: str) -> None:
    verdict = bare.judge(mention(text))
    assert verdict.lang == lang
    assert Intent.COMPLAINT in verdict.intents
    assert verdict.complaint_score > 0.6
    assert verdict.urgency >= Urgency.NORMAL
    assert verdict.sentiment_label == "negative"


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "thank you @acme, the best service I ever had, love it"),
        ("fr", "merci @acme, service excellent et rapide, je suis ravie"),
        ("it", "grazie @acme, servizio ottimo e veloce, bravissimi"),
        ("es", "gracias @acme, servicio excelente y rápido, me encanta"),
        ("de", "danke @acme, super Service und schnell, bin begeistert"),
    ],
)
def test_without_any_rule_plain_praise_is_found_and_low(bare: Triage, lang: str, text: str) -> None:
    verdict = bare.judge(mention(text))
    assert verdict.lang == lang
    assert Intent.PRAISE in verdict.intents
    assert Intent.COMPLAINT not in verdict.intents
    assert verdict.urgency is Urgency.LOW
    assert verdict.sentiment_label == "positive"


def test_a_question_to_the_brand_is_normal_a_question_to_nobody_is_not(bare: Triage) -> None:
    assert bare.judge(mention("@acme do you ship to Norway?")).urgency is Urgency.NORMAL
    assert bare.judge(mention("how was your day?")).urgency is Urgency.LOW


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "Hello, which platform does the bus leave from? Thanks"),
        ("it", "Buongiorno, da quale binario parte? Grazie"),
        ("es", "Buenas tardes, ¿de qué andén sale? Gracias"),
        ("de", "Guten Tag, von welchem Gleis fährt er? Danke"),
    ],
)
def test_manners_around_a_question_are_no_praise_of_anybody(bare: Triage, lang: str, text: str) -> None:
    assert bare.judge(mention(text, lang=lang)).sentiment_label == "neutral"


@pytest.mark.parametrize(("lang", "text"), [("en", "Good morning everyone ☀️"), ("fr", "Bonne journée à tous ☀️")])
def test_a_greeting_is_no_praise(bare: Triage, lang: str, text: str) -> None:
    assert Intent.PRAISE not in bare.judge(mention(text, lang=lang)).intents


def test_a_rating_counts(bare: Triage) -> None:
    bad, good = (
        bare.judge(mention("The blue one.", kind="review", rating=1)),
        bare.judge(mention("The blue one.", kind="review", rating=5)),
    )
    assert bad.complaint_score > good.complaint_score
    assert bad.sentiment is not None
    assert good.sentiment is not None
    assert bad.sentiment < 0 < good.sentiment
    assert bad.stage is good.stage is Stage.SATISFACTION


@pytest.mark.parametrize(
    ("lang", "text", "stage"),
    [
        ("it", "Da domenica la stampante lampeggia di viola", Stage.USE),
        ("es", "El paquete viene en dos cajas", Stage.PURCHASE),
        ("de", "Der Kellner trug eine rote Krawatte", Stage.SATISFACTION),
    ],
)
def test_where_nothing_else_is_found_what_a_post_speaks_of_says_the_stage(
    bare: Triage, lang: str, text: str, stage: Stage
) -> None:
    verdict = bare.judge(mention(text, lang=lang))
    assert verdict.stage is stage
    assert verdict.stage_confidence < 0.5


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "The blue giant signs a ten year deal with the league"),
        ("fr", "Le géant bleu signe avec la ligue pour dix ans"),
        ("it", "Il gigante blu sta con la lega verde per dieci anni"),
    ],
)
def test_who_speaks_of_others_at_length_has_met_the_brand(bare: Triage, lang: str, text: str) -> None:
    assert bare.judge(mention(text, lang=lang)).stage is Stage.AWARENESS


@pytest.mark.parametrize("text", ["The blue giant signs", "I sat beside the blue giant with my brother for a day"])
def test_a_short_post_or_one_about_its_author_stays_unclear(bare: Triage, text: str) -> None:
    assert bare.judge(mention(text, lang="en")).stage is Stage.UNCLEAR


def test_too_little_is_unclear(bare: Triage) -> None:
    verdict = bare.judge(mention("Tuesday", lang="en"))
    assert verdict.stage is Stage.UNCLEAR
    assert verdict.secondary_stage is None


def test_a_language_without_means_has_no_sentiment(bare: Triage) -> None:
    verdict = bare.judge(mention("これは素晴らしい製品です、とても気に入りました"))
    assert (verdict.lang, verdict.sentiment, verdict.sentiment_label) == ("ja", None, "neutral")


def test_the_same_mention_gives_the_same_verdict(triage: Triage) -> None:
    post = mention("@northwind it never arrived, why?")
    assert triage.judge(post) == triage.judge(post)


def test_a_disabled_rule_does_not_speak(tmp_path: Path) -> None:
    pack = tmp_path / "test.toml"
    pack.write_text(PACK, encoding="utf-8")
    quiet = build_triage([pack], BRAND, ("en",), disabled=("test.safety.rash",))
    assert quiet.judge(mention("the Northwind cream gave me a rash", lang="en")).urgency is not Urgency.CRITICAL


@pytest.mark.parametrize("unit", ["😀", "\x00", "\ud800", "a", "?", "good but ", "@x ", "never again. ", "#"])
@pytest.mark.parametrize("length", [10_000, 1_000_000])
def test_hostile_posts_take_no_more_time_than_their_length(bare: Triage, unit: str, length: int) -> None:
    """What grows with the square of a post takes seconds here; `python -m bench hostile` measures it."""
    post = mention((unit * length)[:length])
    took = []
    for _ in range(3):
        began = time.thread_time()
        bare.judge(post)
        took.append(time.thread_time() - began)
    assert min(took) < 0.5


def test_unsafe_characters_become_spaces_and_long_texts_are_cut() -> None:
    assert clean("a\x00b\ud800c\nd") == "a b c\nd"
    assert len(clean("x" * 20_000)) == 10_000


def test_unknown_sentiment_reads_as_neutral() -> None:
    assert (label(None), label(0.0), label(-0.5), label(0.5)) == ("neutral", "neutral", "negative", "positive")


@given(st.text(alphabet=st.characters(codec=None), max_size=300), st.sampled_from([None, *LANGUAGES, "ja", "x-y"]))
@settings(max_examples=100, deadline=None)
def test_any_text_has_a_verdict(text: str, lang: str | None) -> None:
    verdict = _SHARED.judge(mention(text, lang=lang))
    assert 0 <= verdict.complaint_score <= 1
    assert 0 <= verdict.stage_confidence <= 1
    assert verdict.sentiment is None or -1 <= verdict.sentiment <= 1
    assert verdict.urgency is not Urgency.CRITICAL


_SHARED = build_triage([], BRAND, LANGUAGES)
