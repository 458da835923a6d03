"""The digest in French: whole sentences in every form, the same figures as in English, numbers and plurals as French has them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from io import StringIO

import pytest
from rich.console import Console

from listener.digest import console, drawing, form, html, labels, markdown, slack, table
from listener.digest.figures import Digest
from listener.digest.week import Week
from tests.fakes.digest_around import FULL, full_week
from tests.fakes.digest_week import WEEK, source

FRENCH = replace(FULL, language="fr", hypotheses=())


def on_terminal(digest: Digest) -> str:
    out = StringIO()
    Console(file=out, width=160).print(console.render(digest))
    return out.getvalue()


FORMS: Mapping[str, Callable[[Digest], str]] = {
    "html": html.render,
    "md": markdown.render,
    "svg": drawing.svg,
    "console": on_terminal,
    "slack": lambda digest: json.dumps([slack.render(digest).text, *slack.render(digest).blocks], ensure_ascii=False),
}
# Words that no French sentence has; what customers wrote and names from outside are taken out first.
ENGLISH = re.compile(
    r"\b(the|of|people|person|posts|voices?|usually|with|who|this|week|collected|stored|about|clear|they|their|was|were|nobody|earlier)\b",
    re.I,
)


def own_words(digest: Digest) -> list[str]:
    """Every sentence and label of the digest that is ours."""
    data = form.as_data(digest)
    found: list[str] = []

    def walk(value: object, key: str) -> None:
        if isinstance(value, Mapping):
            if "ref" in value and "text" in value:
                return  # a post
            for name, part in value.items():
                walk(part, name)
        elif isinstance(value, list):
            for part in value:
                walk(part, key)
        elif isinstance(value, str) and key in OURS:
            found.append(value.replace("the credential lacks the right to search", ""))  # what the platform said

    walk({name: part for name, part in data.items() if name not in ("cells", "decisions")}, "")
    return found


OURS = {"headline", "notes", "text", "sentence", "sentences", "details", "accounting_sentence", "label", "note", "why"}


@pytest.mark.parametrize("amount", [0, 1, 5, 50, 3_000])
def test_every_sentence_is_french(amount: int) -> None:
    digest = full_week(amount, FRENCH)
    said = [
        text
        for text in own_words(digest)
        if digest.phrases.phrases == () or text not in {p.text for p in digest.phrases.phrases}
    ]
    assert len(said) > 20
    assert [text for text in said if ENGLISH.search(text) and "voix" not in text] == []


@pytest.mark.parametrize("kind", FORMS)
def test_every_form_speaks_french(kind: str) -> None:
    digest = full_week(200, FRENCH)
    shown = FORMS[kind](digest).replace("\\", "").replace("&#39;", "'")
    assert digest.headline[:40].replace("\xa0", " ") in shown.replace("\xa0", " ")
    for english in (
        "Do first",
        "Pain points",
        "Purchase",
        "unhappy",
        "Data:",
        "Urgency and",
        "not clear",
        "Buyers",
        "mostly at",
    ):
        assert english not in re.sub(r"class=\"[^\"]*\"|<style>.*?</style>|block_id[^,]*", "", shown, flags=re.S), (
            english
        )


def test_the_figures_are_those_of_the_english_digest() -> None:
    def figures(digest: Digest) -> list[object]:
        found: list[object] = []

        def walk(value: object) -> None:
            if isinstance(value, Mapping):
                for name in sorted(value):
                    walk(value[name])
            elif isinstance(value, list):
                for part in value:
                    walk(part)
            elif isinstance(value, (int, float)) or value is None:
                found.append(value)

        walk(form.as_data(digest))
        return found

    assert figures(full_week(400, FRENCH)) == figures(full_week(400, replace(FRENCH, language="en")))


def test_keys_of_csv_and_json_stay_english() -> None:
    french, english = full_week(60, FRENCH), full_week(60, replace(FRENCH, language="en"))
    assert form.as_data(french).keys() == form.as_data(english).keys()
    assert [line.split(",")[1] for line in table.render(french).splitlines()][:60] == [
        line.split(",")[1] for line in table.render(english).splitlines()
    ][:60]
    assert [stage.key for stage in french.stages] == [stage.key for stage in english.stages]


def test_an_old_week_keeps_its_language_and_its_bytes() -> None:
    digest = full_week(80, FRENCH)
    again = form.read_json(form.as_json(digest))
    assert again == digest
    assert html.render(again) == html.render(digest)
    data = form.as_data(full_week(5))
    del data["language"]  # as releases before wrote it
    assert form.from_data(data).language == "en"


def test_numbers_plurals_and_dates_are_written_as_in_french() -> None:
    book = labels.load("fr")
    assert book.people(0) == "0 personne"
    assert book.people(1) == "1 personne"
    assert book.people(2) == "2 personnes"
    assert book.number(12_345) == "12\xa0345"
    assert book.decimal(9.5) == "9,5"
    assert book.minutes(90) == "1,5 h"
    assert book.minutes(3 * 1440) == "3,0 jours"
    assert book.listing(["prix", "livraison", "retours"]) == "prix, livraison et retours"
    assert book.period(WEEK) == "16–22 novembre 2026"
    assert book.period(Week(date(2026, 6, 1))) == "1er–7 juin 2026"


def test_a_silent_source_and_a_broken_week_are_told_in_french() -> None:
    broken = source("rss-main", last_success_at=WEEK.since.replace(day=10), failures=90, error="HTTP 500")
    digest = full_week(0, FRENCH, [broken])
    assert (
        digest.headline == "Nous ne savons pas ce qui s'est dit de Northwind cette semaine\xa0: rien n'a été collecté."
    )
    assert digest.actions[0].text == "Réparez rss-main\xa0: rien n'y a été collecté cette semaine."
    assert "personne n'écoutait" in markdown.render(digest)
