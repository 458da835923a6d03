"""Near copies: what counts as one text, in five languages, and what never does."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.cases.copies import LEAST_SHARED, Recent, Wording, likeness, normal, wording
from listener.cases.plan import NewMention, OpenCases
from listener.cases.settle import Settler
from listener.model import Outcome, Sentiment
from tests.cases.conftest import NOON, make_triaged
from tests.cases.test_settle import EVERYTHING

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


TOLD_ON = (
    "Acme deletes all photos of free accounts next week tell your friends",
    "Acme deletes all photos of free accounts next week tell your friends now",
    "Acme deletes all photos of free accounts next week tell all your friends please",
    "Acme deletes all videos of free accounts next week tell your friends",
    "Acme closes the shop in our street and nobody was asked",
)


@given(st.lists(st.integers(0, len(TOLD_ON) - 1), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_in_whatever_order_texts_come_each_is_told_once_and_copies_are_of_what_was_told(
    texts: list[int], chance: random.Random
) -> None:
    """Which of several near texts is the first is a matter of order, and so may be their number; equal ones are told once."""
    posts = [make_triaged(str(n), author=f"a{n}", text=TOLD_ON[text]) for n, text in enumerate(texts)]
    told_by_order = []
    for _ in range(2):
        chance.shuffle(posts)
        ids = count(1)
        new = [NewMention(id_, f"r{id_}", post) for id_, post in enumerate(posts, 1)]
        settled = Settler("forum", EVERYTHING)(new, OpenCases(), lambda ids=ids: next(ids), NOON)  # type: ignore[misc]
        told = {id_ for id_, outcome in settled.outcomes.items() if outcome is Outcome.ALERTED}
        assert {one.mention_id for one in settled.copies if one.folded} == settled.outcomes.keys() - told
        assert all(one.first_id in told and one.likeness >= LEAST_SHARED for one in settled.copies)
        words = [wording(one.triaged).words for one in new if one.id in told]
        assert len(set(words)) == len(words)  # no text is told twice
        assert len(settled.drafts) == len(posts)  # and everybody has a case
        told_by_order.append(len(told))
    assert max(told_by_order) <= len(set(texts))
    assert min(told_by_order) >= len({0 if text < 3 else text for text in texts})
