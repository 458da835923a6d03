"""Words: how a text comes apart, and that any text does, in linear time."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.words import fold, humps, prepare

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=120)
WILD = st.text(alphabet="aé'’@#.,!? \n😡\u200d\ufe0f\u0301İßŒ1,_-/:\ud800\x00", max_size=60)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("L’appli n'AI pas", ["l", "appli", "n", "ai", "pas"]),
        ("don't I'm you've can't", ["dont", "im", "youve", "cant"]),
        ("it's Acme's we'll", ["its", "acme", "s", "we", "ll"]),
        ("aujourd'hui dell'app", ["aujourd", "hui", "dell", "app"]),
        ("Straße cœur ÉTÉ Ångström", ["strasse", "coeur", "ete", "angstrom"]),
        ("e\u0301te\u0301", ["ete"]),
        ("#BoycottAcme #iOS17 #été", ["boycott", "acme", "i", "os", "17", "ete"]),
        ("@acme hi @ann@example.social", ["hi"]),
        ("see https://acme.example/a?b=c now", ["see", "now"]),
        ("t.co/abc www.x.y acme.com", ["acme", "com"]),
        ("30min 1,000 € 50% 3rd", ["30", "min", "1,000", "€", "50", "%", "3", "rd"]),
        ("👍🏽❤️🤷‍♀️", ["👍", "❤", "🤷"]),
        ("check-in e-mail a_b", ["check", "in", "e", "mail", "a", "b"]),
        ("", []),
        ("@acme https://x.y/z ?!", []),
    ],
)
def test_a_text_comes_apart_into_folded_words(text: str, words: list[str]) -> None:
    assert prepare(text).folded == words


def test_words_know_their_sentence_their_clause_and_whether_it_asks() -> None:
    words = prepare("@acme Hi, all good. Dr. Who came? Really?!\nNo end")
    assert [(s.first, s.stop, s.question) for s in words.sentences] == [
        (0, 3, False),
        (3, 6, True),
        (6, 7, True),
        (7, 9, False),
    ]
    assert [words.sentence_of(at) for at in range(len(words))] == [0, 0, 0, 1, 1, 1, 2, 3, 3]
    assert not words.same_clause(0, 1)
    assert words.same_clause(1, 2)
    assert not words.same_clause(2, 3)


def test_handles_stand_before_the_word_that_follows_them() -> None:
    words = prepare("hi @Acme_One thanks @b")
    assert [(handle.at, handle.name) for handle in words.handles] == [(1, "Acme_One"), (2, "b")]
    assert [words.text[slice(*words.handle_span(handle))] for handle in words.handles] == ["@Acme_One", "@b"]


def test_capitals_in_a_row_stay_together() -> None:
    for tag in ("AcmeHTTPHelp24", "ÄcmeHTTPHelp24"):
        assert [tag[a:b][1:] for a, b in humps(tag)] == ["cme", "TTP", "elp", "4"]


@given(st.text(alphabet="aBcD1_2", max_size=20))
def test_humps_are_the_same_with_and_without_accents(tag: str) -> None:
    assert humps(tag) == [span for span in humps(tag + "_é") if span[1] <= len(tag)]


@given(ANYTHING | WILD)
@example("İ'İ")
@example("ﷺ")
@settings(max_examples=100)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(ANYTHING | WILD)
@example("\ud800")
@example("\x1c\x85\u2028a")
@settings(max_examples=100)
def test_any_text_comes_apart_and_every_word_is_found_in_its_place(text: str) -> None:
    words = prepare(text)
    assert len(words.written(len(words))) == len(words)
    last = 0
    for at in range(len(words)):
        start, end = words.span(at)
        assert words.slice(at, at + 1) == text[start:end]
        assert last <= start < end <= len(text)
        last = end
    assert [word for s in words.sentences for word in words.folded[s.first : s.stop]] == words.folded
    assert all(0 <= handle.at <= len(words) for handle in words.handles)


@given(ANYTHING | WILD)
@settings(max_examples=60)
def test_folded_words_come_apart_no_further(text: str) -> None:
    for word in prepare(text).folded:
        assert not word.isalnum() or fold(word) == word


@pytest.mark.parametrize(
    "unit", ["a", "a'", "a.", "😡", "😡\u200d", "@a", "#aB", "a\u0301", "?", ".'", "1,", "- ", "a.a/", "é"]
)
def test_splitting_stays_linear(unit: str) -> None:
    def seconds(length: int) -> float:
        text = (unit * length)[:length]
        best = 9.0
        for _ in range(3):
            begin = time.thread_time()
            words = prepare(text)
            if len(words):
                words.span(len(words) - 1)
            best = min(best, time.thread_time() - begin)
        return best

    assert seconds(40_000) < 30 * seconds(4_000) + 0.01
