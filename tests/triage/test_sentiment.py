"""The mood of posts in five languages."""

from __future__ import annotations

import time

import pytest
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from listener.triage.sentiment import Lexicons, build_scorer
from rules.words import prepare


def mood(scorer: Lexicons, text: str, lang: str) -> float:
    reading = scorer.read(prepare(text), lang)
    assert reading is not None
    return reading.score


GOOD = {
    "en": ["The new app is brilliant, well done", "so happy with the service, thank you", "that was not bad at all"],
    "fr": [
        "Livraison rapide et produit impeccable, merci",
        "je suis ravie de mon achat",
        "franchement pas mal du tout",
    ],
    "it": ["Servizio eccellente e consegna velocissima, grazie", "sono contenta dell'acquisto", "niente male davvero"],
    "es": [
        "Servicio excelente y envío rapidísimo, gracias",
        "estoy muy contenta con la compra",
        "no está mal para nada",
    ],
    "de": ["Toller Service und schnelle Lieferung, danke", "bin sehr zufrieden mit dem Kauf", "gar nicht schlecht"],
}
BAD = {
    "en": ["Worst customer service, I am furious", "not happy with this at all", "the box was broken and nobody cares"],
    "fr": [
        "Service client lamentable, je suis furieux",
        "je ne suis pas content du tout",
        "arrivé cassé, quelle honte",
    ],
    "it": ["Assistenza pessima, sono furiosa", "non sono per niente contento", "arrivato rotto, una vergogna"],
    "es": ["Atención al cliente pésima, estoy furiosa", "no estoy nada contento", "llegó roto, qué vergüenza"],
    "de": ["Kundenservice unterirdisch, bin stinksauer", "das gefällt mir nicht", "kaputt angekommen, eine Frechheit"],
}


@pytest.mark.parametrize(("lang", "text"), [(lang, text) for lang, texts in GOOD.items() for text in texts])
def test_praise_is_positive(scorer: Lexicons, lang: str, text: str) -> None:
    assert mood(scorer, text, lang) > 0


@pytest.mark.parametrize(("lang", "text"), [(lang, text) for lang, texts in BAD.items() for text in texts])
def test_blame_is_negative(scorer: Lexicons, lang: str, text: str) -> None:
    assert mood(scorer, text, lang) < 0


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "Thanks for the quick reply but the refund is still missing and I am annoyed"),
        ("fr", "Merci pour la réponse rapide mais le service est nul et je suis déçue"),
        ("it", "Grazie per la risposta ma il servizio è pessimo e sono delusa"),
        ("es", "Gracias por la respuesta pero el servicio es pésimo y estoy decepcionada"),
        ("de", "Danke für die Antwort aber der Service ist miserabel und ich bin enttäuscht"),
    ],
)
def test_the_clause_after_but_wins(scorer: Lexicons, lang: str, text: str) -> None:
    assert mood(scorer, text, lang) < 0


def test_the_worst_sentence_matters() -> None:
    scorer = build_scorer(("en",))
    both = mood(scorer, "Lovely packaging. The cream is awful and disgusting.", "en")
    assert both < mood(scorer, "Lovely packaging.", "en") / 2


def test_words_that_mislead_in_care_posts_say_nothing(scorer: Lexicons) -> None:
    assert mood(scorer, "please help, customer support", "en") == 0.0
    stock = SentimentIntensityAnalyzer().polarity_scores("please help, customer support")["compound"]
    assert stock > 0.5, "the trap this guards against"


def test_the_brands_own_name_says_nothing(scorer: Lexicons) -> None:
    assert mood(scorer, "Super Best and Lovely", "en") == 0.0
    assert mood(scorer, "Super Best und Lovely", "de") == 0.0


def test_a_language_without_means_is_unknown_not_neutral(scorer: Lexicons) -> None:
    assert scorer.read(prepare("очень плохо"), "ru") is None


def test_emoji_are_read_where_words_cannot_be(scorer: Lexicons) -> None:
    assert mood(scorer, "очень 😡", "ru") < 0


@pytest.mark.parametrize("lang", ["en", "fr", "it", "es", "de"])
def test_emoji_and_emoticons_speak_in_every_language(scorer: Lexicons, lang: str) -> None:
    assert mood(scorer, "Acme 😍", lang) > 0
    assert mood(scorer, "Acme 😡", lang) < 0
    assert mood(scorer, "Acme :)", lang) > 0
    assert mood(scorer, "Acme :-(", lang) < 0


@pytest.mark.parametrize(
    ("lang", "plain", "drawn"),
    [("en", "so good", "so goooood"), ("fr", "trop nul", "trop nuuuul"), ("de", "schön", "schoen")],
)
def test_spelling_is_forgiven(scorer: Lexicons, lang: str, plain: str, drawn: str) -> None:
    assert mood(scorer, plain, lang) == pytest.approx(mood(scorer, drawn, lang))


def test_a_word_that_only_looks_alike_without_its_accents_says_nothing(scorer: Lexicons) -> None:
    assert mood(scorer, "Das ist schon wieder so", "de") == 0
    assert mood(scorer, "Das ist SCHÖN", "de") > 0
    assert mood(scorer, "Das ist schoen", "de") > 0
    assert mood(scorer, "Si vede dalla finestra", "it") == 0


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("es", "El seguro del coche y el claro del bosque"),
        ("es", "Esta tarde vamos"),
        ("it", "Aiuto, come si salva il documento"),
        ("it", "Vorrei sapere quando pensate di risolvere"),
        ("de", "Kann mir jemand helfen"),
    ],
)
def test_requests_and_words_with_two_meanings_say_nothing(scorer: Lexicons, lang: str, text: str) -> None:
    assert mood(scorer, text, lang) == 0


def test_german_for_getting_is_no_war(scorer: Lexicons) -> None:
    assert mood(scorer, "Wo krieg ich die Karten", "de") == 0
    assert mood(scorer, "Da ist Krieg gegen alle", "de") < 0


def test_the_words_that_carried_the_mood_are_named(scorer: Lexicons) -> None:
    reading = scorer.read(prepare("Terrible service and a good price"), "en")
    assert reading is not None
    assert reading.words[0] == "terrible"


@pytest.mark.parametrize(
    "text",
    [
        "I love this",
        "I hate this",
        "this is not good",
        "absolutely horrible food",
        "what a wonderful day",
        "I am very sad",
        "a great and happy film",
        "ugly and stupid",
    ],
)
def test_english_agrees_with_vader_where_vader_is_right(scorer: Lexicons, text: str) -> None:
    """Guards against a release of vaderSentiment that names or scales its lists otherwise."""
    stock = SentimentIntensityAnalyzer().polarity_scores(text)["compound"]
    assert mood(scorer, text, "en") * stock > 0


@pytest.mark.parametrize("unit", ["😀", "good but ", "not ", "never bad ", ":( ", "a"])
def test_time_is_linear_in_the_text(scorer: Lexicons, unit: str) -> None:
    text = (unit * 10_000)[:10_000]
    began = time.perf_counter()
    scorer.read(prepare(text), "en")
    assert time.perf_counter() - began < 0.5


def test_the_score_stays_between_minus_one_and_one(scorer: Lexicons) -> None:
    assert -1 <= mood(scorer, "worst ever " * 500, "en") < -0.9
    assert 0.9 < mood(scorer, "best ever " * 500, "en") <= 1
