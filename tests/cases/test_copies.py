"""Near copies: what counts as one text, in five languages, and what never does."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.cases.copies import LEAST_SHARED, Recent, Wording, likeness, normal
from listener.model import Sentiment

PAIRS = tomllib.loads((Path(__file__).parent / "near_copies.toml").read_text())
MOODS: dict[str, Sentiment] = {"negative": "negative", "positive": "positive"}
TEXTS = st.text(alphabet="abc dé#@:/.!RT\n7ß", max_size=60) | st.text(max_size=60)


def pairs(kind: str) -> Iterator[tuple[str, Wording, Wording]]:
    for lang, given_ in PAIRS.items():
        for number, (one, other) in enumerate(given_[kind]):
            moods = given_.get("mood", {}).get(str(number), "negative negative") if kind == "lookalikes" else ""
            first, second = (MOODS[word] for word in moods.split()) if moods else ("negative", "negative")
            yield f"{lang}-{number}", Wording(normal(one), lang, first), Wording(normal(other), lang, second)


COPIES, LOOKALIKES = list(pairs("copies")), list(pairs("lookalikes"))


def test_the_pairs_are_many_and_in_five_languages() -> None:
    assert len(COPIES) >= 20
    assert len(LOOKALIKES) >= 20
    assert set(PAIRS) == {"en", "fr", "it", "es", "de"}


@pytest.mark.parametrize(("one", "other"), [pytest.param(*pair, id=name) for name, *pair in COPIES])
def test_a_text_told_on_is_found(one: Wording, other: Wording) -> None:
    alike = likeness(one, other)
    assert alike is not None
    assert alike >= LEAST_SHARED
    assert likeness(other, one) == alike


@pytest.mark.parametrize(("one", "other"), [pytest.param(*pair, id=name) for name, *pair in LOOKALIKES])
def test_a_look_alike_is_another_story(one: Wording, other: Wording) -> None:
    assert likeness(one, other) is None
    assert likeness(other, one) is None


def test_what_is_near_is_found_among_the_others() -> None:
    recent = Recent()
    for number, (_, one, _) in enumerate(COPIES):
        recent.add(number, one)
    for number, (_, _, other) in enumerate(COPIES):
        assert number in recent.near(other)
    recent.drop(range(len(COPIES)))
    assert len(recent) == 0
    assert not any(recent.near(other) for _, _, other in COPIES)


@given(TEXTS)
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    assert normal(normal(text)) == normal(text)


@given(TEXTS, TEXTS)
def test_likeness_has_no_direction_and_every_text_is_like_itself(one: str, other: str) -> None:
    mine, theirs = (Wording(normal(text), "en", "neutral") for text in (one, other))
    assert likeness(mine, theirs) == likeness(theirs, mine)
    assert likeness(mine, mine) == (1.0 if mine.words else None)


def test_few_words_are_a_copy_only_where_they_are_the_same() -> None:
    one, other = (Wording(normal(text), "en", "neutral") for text in ("Acme is so slow", "Acme is sooo slow"))
    assert likeness(one, other) is None
    assert likeness(one, Wording(normal("ACME is so slow!!"), "en", "neutral")) == 1.0


def test_the_same_words_in_opposed_moods_are_two_opinions() -> None:
    text = normal("what a service from Acme today")
    assert likeness(Wording(text, "en", "positive"), Wording(text, "en", "negative")) is None
    assert likeness(Wording(text, "en", "neutral"), Wording(text, "en", "negative")) == 1.0
