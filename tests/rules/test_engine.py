"""The engine on small packs written for the purpose."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.engine import Engine
from rules.facts import Facts, Hit
from rules.load import load_packs

HEAD = '[pack]\nname = "{lang}"\nlang = "{lang}"\nabout = "A pack for this test"\n'


def engine_of(tmp_path: Path, *phrases: str, lang: str = "fr", more: str = "", head: str = "") -> Engine:
    """An engine with one rule that holds these phrases."""
    quoted = ", ".join(f"'''{phrase}'''" for phrase in phrases)
    text = HEAD.format(lang=lang) + head + f'[[rule]]\nid = "{lang}.use.one"\nabout = "One."\nany = [{quoted}]\n'
    text += f'stage = "use"\n{more}\nmatches = ["x"]\nignores = ["y"]\n'
    pack = tmp_path / f"{lang}.toml"
    pack.write_text(text, encoding="utf-8")
    return Engine(load_packs([pack]), ["Acme", "Äther"], ["Acme One"], ["Polarex", "Blue Sky"])


def hits(engine: Engine, text: str, lang: str = "fr", **facts: object) -> tuple[Hit, ...]:
    return engine.evaluate(Facts(text, lang, **facts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("phrase", "text", "words"),
    [
        ("jamais (livré(e)(s)|reçu(e)(s))", "Payée il y a 3 semaines, JAMAIS livrée !", "JAMAIS livrée"),
        ("où est ma commande", "Ou est ma commande", "Ou est ma commande"),
        ("l'appli plant*", "L’appli plantait hier", "L’appli plantait"),
        ("d'appli* géniales", "plein d'applications géniales", "d'applications géniales"),
        ("toujours pas … <parcel>", "toujours pas reçu mon colis", "toujours pas reçu mon colis"),
        ("je passe chez {rival}", "Je passe chez Blue Sky demain", "Je passe chez Blue Sky"),
        ("je passe chez {rival}", "je passe chez @BlueSkySupport", "je passe chez @BlueSkySupport"),
        ("{n} semaines", "trois semaines", "trois semaines"),
        ("{n} min", "30min au téléphone", "30min"),
        ("client depuis {year}", "client depuis 2019", "client depuis 2019"),
        ("boycott {brand}", "#BoycottAcme", "BoycottAcme"),
        ("[ma] carte {brand}", "carte Äther", "carte Äther"),
        ("^avis", "@acme avis ?", "avis"),
        ("en panne$", "c'est en panne. Encore", "en panne"),
        ("😡", "encore 😡😡", "😡"),
        ("=recommandé chez {brand}", "j'ai Recommandé chez acme", "Recommandé chez acme"),
        ("{brand} ou {rival} ?", "Acme ou Polarex ?", "Acme ou Polarex"),
    ],
)
def test_a_phrase_matches_what_people_write(tmp_path: Path, phrase: str, text: str, words: str) -> None:
    engine = engine_of(tmp_path, phrase, head='[groups]\nparcel = ["colis", "paquet"]\n')
    for lang in ("fr", "fr-CA", "und"):
        found = hits(engine, text, lang)
        assert [hit.words for hit in found] == [words]
        assert text[found[0].start : found[0].end] == words


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("où est ma commande", "où est. ma commande"),
        ("toujours … colis", "toujours. Pas reçu mon colis"),
        ("toujours …2 colis", "toujours pas encore reçu mon colis"),
        ("=recommandé", "je recommande"),
        ("^avis", "mon avis"),
        ("en panne$", "en panne depuis hier"),
        ("en panne ?", "en panne !"),
        ("je passe chez {rival}", "je passe chez Acme"),
        ("boycott", "https://example.org/boycott"),
        ("acme", "@acme bonjour"),
        ("recommande {brand}", "je ne recommande pas Acme"),
        ("adore", "j'adore pas"),
        ("arrivé", "pas vraiment arrivé"),
    ],
)
def test_a_phrase_leaves_other_texts_alone(tmp_path: Path, phrase: str, text: str) -> None:
    assert hits(engine_of(tmp_path, phrase), text) == ()


def test_other_languages_rules_do_not_fire(tmp_path: Path) -> None:
    engine = engine_of(tmp_path, "colis")
    assert hits(engine, "colis", "en") == ()
    assert hits(engine, "colis", "und") != ()


def test_the_brand_need_not_be_named_in_a_reply_to_it(tmp_path: Path) -> None:
    engine = engine_of(tmp_path, "acheté chez {brand}")
    assert not hits(engine, "acheté chez vous")
    assert hits(engine, "acheté chez vous", in_reply_to_brand=True)
    assert hits(engine, "acheté chez vous", addressed_to_brand=True)


def test_common_words_alone_do_not_do_without_the_brand(tmp_path: Path) -> None:
    assert not hits(engine_of(tmp_path, "c'est qui {brand} ?"), "c'est qui ?", in_reply_to_brand=True)


def test_words_behind_mais_weigh_more_than_words_before(tmp_path: Path) -> None:
    engine = engine_of(tmp_path, "colis", "remboursement")
    assert hits(engine, "colis reçu mais pas de souci")[0].weight == 0.5
    found = hits(engine, "colis reçu mais où est le remboursement ?")[0]
    assert (found.words, found.weight, found.in_question) == ("remboursement", 1.5, True)


def test_a_negation_in_another_clause_cancels_nothing(tmp_path: Path) -> None:
    assert hits(engine_of(tmp_path, "adore"), "non, j'adore")


def test_a_rule_may_switch_negation_off(tmp_path: Path) -> None:
    assert hits(engine_of(tmp_path, "adore", more="negatable = false"), "je n'adore pas")


def test_with_and_unless_look_at_the_sentence_or_the_text(tmp_path: Path) -> None:
    engine = engine_of(tmp_path, "colis", more='with = ["retard"]\nunless = ["merci"]\nunless_scope = "text"')
    assert hits(engine, "colis en retard")
    assert not hits(engine, "colis. En retard")
    assert not hits(engine, "colis en retard. Merci")
    engine = engine_of(tmp_path, "colis", more='with = ["retard"]\nwith_scope = "text"\nunless = ["merci"]')
    assert hits(engine, "Merci pour tout. Mon colis ! En retard")


def test_conditions_on_facts_hold_or_the_rule_is_silent(tmp_path: Path) -> None:
    engine = engine_of(
        tmp_path, "colis", more="when = { followers_at_least = 10, rating_at_most = 2, in_question = true }"
    )
    assert hits(engine, "colis ?", followers=10, rating=2.0)
    assert not hits(engine, "colis", followers=10, rating=2.0)
    assert not hits(engine, "colis ?", followers=9, rating=2.0)
    assert not hits(engine, "colis ?", followers=10)


def test_a_rule_without_phrases_fires_on_its_conditions(tmp_path: Path) -> None:
    pack = tmp_path / "all.toml"
    pack.write_text(
        '[pack]\nname = "all"\nlang = "*"\nabout = "x"\n[[rule]]\nid = "all.satisfaction.stars"\nabout = "Few stars."\n'
        'when = { rating_at_most = 2 }\nintents = ["complaint"]\nmatches = ["x"]\nignores = ["x"]\n'
    )
    engine = Engine(load_packs([pack]))
    assert hits(engine, "", rating=1.0)[0].rule == "all.satisfaction.stars"
    assert not hits(engine, "", rating=3.0)


def test_a_hit_in_the_title_has_no_place_in_the_text(tmp_path: Path) -> None:
    found = hits(engine_of(tmp_path, "colis"), "rien", title="Mon colis")
    assert [(hit.words, hit.start, hit.end, hit.sentence) for hit in found] == [("colis", -1, -1, -1)]


def test_a_rival_is_reported_as_configured(tmp_path: Path) -> None:
    assert hits(engine_of(tmp_path, "passe chez {rival}"), "passe chez BLUE SKY")[0].rival == "Blue Sky"


def test_the_words_of_a_text_may_be_handed_in(tmp_path: Path) -> None:
    from rules.words import prepare

    engine = engine_of(tmp_path, "colis")
    facts = Facts("mon colis", "fr")
    assert engine.evaluate(facts, prepare(facts.text)) == engine.evaluate(facts)
