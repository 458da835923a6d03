"""Emerging phrases: what more people say than usual, in any language, and nothing that one person repeats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listener.digest.count import count
from listener.digest.figures import Digest
from listener.digest.given import Around, Spoken
from listener.digest.phrases import bound, one_in
from listener.digest.terms import Words, said_in, tree_of
from listener.model import Counted
from tests.fakes.digest_week import SETTINGS, WEEK, post, source

_PLAIN = [
    "order",
    "shop",
    "again",
    "today",
    "maybe",
    "people",
    "time",
    "thing",
    "little",
    "other",
    "really",
    "because",
    "never",
    "after",
    "before",
    "while",
    "since",
    "still",
]


def plain(random: Random) -> str:
    return " ".join(random.choice(_PLAIN) for _ in range(8))


def before(random: Random, lang: str = "en", people: int = 60) -> list[Spoken]:
    return [
        Spoken(week, f"mastodon:old-{number}", lang, plain(random))
        for week in range(8, 0, -1)
        for number in range(people)
    ]


def week_of(mentions: Sequence[Counted], spoken: Sequence[Spoken] | None, sample: int = 1) -> Digest:
    around = Around(spoken=spoken, one_in=sample)
    return count(WEEK, mentions, sources=[source("mastodon-main")], settings=SETTINGS, around=around)


def ordinary(random: Random, lang: str = "en", people: int = 60) -> Iterator[Counted]:
    for number in range(people):
        yield post(number, text=plain(random), lang=lang)


SAYINGS = {
    "en": "the zipper burst on day one",
    "fr": "la fermeture éclair a cassé",
    "de": "der Reißverschluß ist geplatzt",
    "it": "la cerniera si è rotta",
    "es": "la cremallera se rompió",
}


@pytest.mark.parametrize("lang", SAYINGS)
def test_what_six_people_suddenly_say_is_found_in_every_language(lang: str) -> None:
    random = Random(3)
    new = [
        post(500 + n, text=f"{plain(random)}. {SAYINGS[lang]}!", lang=lang, sentiment_label="negative")
        for n in range(6)
    ]
    digest = week_of([*ordinary(random, lang), *new], before(random, lang))
    first = digest.phrases.phrases[0]
    assert first.text in SAYINGS[lang].casefold()
    assert (first.lang, first.authors, first.usual, first.unhappy, first.happy) == (lang, 6, 0.0, 6, 0)
    assert len(digest.phrases.phrases) <= 2  # phrases of the same posts are one
    assert first.stages[0].authors == 6
    assert len(first.examples) == 2
    assert "used by clearly more people" in digest.phrases.sentence


def test_one_person_who_repeats_a_text_is_no_phrase() -> None:
    random = Random(4)
    loud = [post(500 + n, text="the zipper burst", author_key=f"mastodon:loud-{n % 2}") for n in range(30)]
    assert week_of([*ordinary(random), *loud], before(random)).phrases.phrases == ()


def test_an_ordinary_week_has_no_new_phrase() -> None:
    random = Random(5)
    digest = week_of(list(ordinary(random)), before(random))
    assert digest.phrases.phrases == ()
    assert digest.phrases.candidates > 0
    assert digest.phrases.sentence.startswith("None of ")


def test_the_order_of_reading_makes_no_difference() -> None:
    random = Random(6)
    mentions = [*ordinary(random), *(post(500 + n, text="zipper burst") for n in range(6))]
    spoken = before(random)
    expected = week_of(mentions, spoken).phrases
    random.shuffle(mentions)
    assert week_of(mentions, spoken).phrases == expected


def test_the_brand_s_own_names_are_never_a_phrase() -> None:
    random = Random(7)
    named = [post(500 + n, text="Northwind #northwind @northwind https://northwind.example/x") for n in range(9)]
    assert week_of([*ordinary(random), *named], before(random)).phrases.phrases == ()


def test_without_earlier_words_nothing_is_called_new() -> None:
    random = Random(8)
    new = [post(500 + n, text="zipper burst") for n in range(9)]
    assert week_of(new, None).phrases.sentence == ""
    assert week_of(new, []).phrases.sentence == "No earlier weeks to compare with."
    assert week_of(new, before(random, "fr")).phrases.phrases == ()  # nobody wrote in that language before


def test_of_a_large_week_the_same_part_is_read_now_and_before() -> None:
    assert [one_in(posts) for posts in (0, 2_500, 2_501, 20_000)] == [1, 1, 2, 8]
    assert bound(1) is None
    refs = [f"{number:04x}ffff" for number in range(0, 65_536, 7)]
    for sample in (2, 3, 5, 16):
        below = bound(sample)
        assert below is not None
        assert sum(ref < below for ref in refs) == pytest.approx(len(refs) / sample, rel=0.01)
    random = Random(9)
    mentions = [post(n, ref=f"{random.randrange(65_536):04x}{n:04x}", text=plain(random)) for n in range(400)]
    digest = week_of(mentions, before(random), 4)
    assert digest.phrases.one_in == 4
    assert "one in 4 posts was read" in digest.phrases.sentence


def test_words_are_split_without_addresses_handles_and_numbers_alone() -> None:
    words = Words(("Northwind", "SAVE10"))
    runs = words.runs(
        "Card refused @shop again, Northwind's ERROR 504! see www.a.example/b mail me@a.example l’appli #Zip-Gate Northwind x"
    )
    assert runs == [
        ["card", "refused"], ["again"], ["northwind's", "error", "504"], ["see"], ["mail"], ["l'appli", "zip-gate"], ["x"],
    ]  # fmt: skip
    tree = tree_of(["error", "error 504", "see error 504", "b c"])
    assert said_in([["see", "error", "504"], ["a", "b"], ["c"]], tree) == {"error", "error 504", "see error 504"}
    assert words.runs("Northwind") == []


@given(st.text(max_size=3_000))
@settings(max_examples=100)
def test_any_text_can_be_split(text: str) -> None:
    for run in Words(("Northwind",)).runs(text):
        assert run
        assert all(word and not word.startswith(("#", "@")) for word in run)
