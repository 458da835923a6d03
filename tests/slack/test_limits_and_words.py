"""The validator finds what Slack would refuse; every language file says the same things."""

from __future__ import annotations

import string
from typing import Any

import pytest

from listener.plugins import connectors
from listener.slack import limits
from listener.slack.limits import problems
from listener.slack.look import PLATFORMS, languages, load_words
from rules.vocabulary import TOUCHPOINTS, Emotion, Intent, Stage, Urgency
from tests.fakes.told import NOW, look


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def with_block(**block: Any) -> dict[str, Any]:
    return {"text": "x", "blocks": [block]}


def button(**kwargs: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": "a", "text": plain("ok")} | kwargs


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({"text": ""}, "is empty"),
        ({"text": "x" * 40_001}, "40001 characters"),
        ({"text": "\ud800"}, "surrogate"),
        ({"text": "x", "blocks": [{"type": "divider"}] * 51}, "51, allowed 50"),
        ({"text": "x", "blocks": [{"type": "divider", "block_id": "a"}] * 2}, "stands twice"),
        (with_block(type="divider", block_id="x" * 256), "allowed 255"),
        (with_block(type="surprise"), "unknown type"),
        (with_block(type="header", text=plain("x" * 151)), "allowed 150"),
        (with_block(type="header", text={"type": "mrkdwn", "text": "x"}), "plain_text"),
        (with_block(type="section"), "neither text nor fields"),
        (with_block(type="section", text=plain("")), "is empty"),
        (with_block(type="section", text=plain("x" * 3001)), "allowed 3000"),
        (with_block(type="section", fields=[plain("x")] * 11), "allowed 10"),
        (with_block(type="section", fields=[plain("x" * 2001)]), "allowed 2000"),
        (with_block(type="context", elements=[plain("x")] * 11), "allowed 1 to 10"),
        (with_block(type="actions", elements=[]), "allowed 1 to 25"),
        (with_block(type="actions", elements=[button(), button()]), "action_id stands twice"),
        (with_block(type="actions", elements=[button(text=plain("x" * 76))]), "allowed 75"),
        (with_block(type="actions", elements=[button(value="x" * 2001)]), "allowed 2000"),
        (with_block(type="actions", elements=[button(url="x" * 3001)]), "allowed 3000"),
        (with_block(type="actions", elements=[button(accessibility_label="x" * 76)]), "allowed 75"),
        (
            with_block(
                type="actions", elements=[{"type": "overflow", "options": [{"text": plain("x"), "value": "y"}] * 6}]
            ),
            "allowed 1 to 5",
        ),
        (
            with_block(
                type="actions", elements=[{"type": "overflow", "options": [{"text": plain("x"), "value": "y" * 151}]}]
            ),
            "allowed 150",
        ),
        (with_block(type="rich_text", elements=[]), "no elements"),
        (
            with_block(
                type="rich_text", elements=[{"type": "rich_text_quote", "elements": [{"type": "text", "text": ""}]}]
            ),
            "empty text",
        ),
        (with_block(type="table", rows=[[plain("x")]] * 101), "allowed 1 to 100"),
        (with_block(type="section", text=plain("x" * 2900), fields=[plain("y" * 1900)] * 7), "refused near 13200"),
    ],
)
def test_the_validator_says_what_slack_would_refuse(payload: dict[str, Any], says: str) -> None:
    assert any(says in problem for problem in problems(payload)), problems(payload)


def test_a_sound_message_has_no_problems() -> None:
    assert problems(with_block(type="actions", elements=[button(url="https://a.example", value="v")])) == []


def test_size_counts_bytes_and_survives_lone_surrogates() -> None:
    assert limits.size([{"a": "é"}]) == len('[{"a":"é"}]'.encode())
    assert limits.size([{"a": "\ud800"}]) > 0


def test_every_language_has_the_same_words_and_the_same_blanks_to_fill() -> None:
    assert set(languages()) >= {"en", "fr"}
    english = load_words("en").tables
    for language in languages():
        tables = load_words(language).tables
        assert {name: set(table) for name, table in tables.items()} == {name: set(one) for name, one in english.items()}
        for table, entries in tables.items():
            for key, said in entries.items():
                assert said, (language, table, key)
                assert blanks(said) == blanks(english[table][key]), (language, table, key)
                assert not set("<>&*_`~") & set(said), (language, table, key)


def blanks(said: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(said) if name}


def test_every_word_of_the_vocabulary_has_its_word() -> None:
    words = load_words("en")
    closed = {
        "stage": [stage.value for stage in Stage],
        "emotion": [emotion.value for emotion in Emotion],
        "urgency": [level.word for level in Urgency],
        "kind": [intent.value for intent in Intent],
        "touchpoint": list(TOUCHPOINTS),
    }
    for table, keys in closed.items():
        assert [key for key in keys if not words.has(table, key)] == []


def test_a_language_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(ValueError, match="there are: en, fr"):
        load_words("xx")


def test_a_touchpoint_of_ones_own_is_shown_as_it_is_spelt() -> None:
    assert load_words("fr").word("touchpoint", "gift_cards") == "gift cards"


def test_numbers_and_dates_follow_the_language() -> None:
    english, french = look(), look("fr")
    assert [english.count(n) for n in (950, 1000, 12_400, 1_200_000)] == ["950", "1k", "12.4k", "1.2M"]
    assert french.count(12_400) == "12,4 k"
    assert (english.decimal(-0.7, 1), french.decimal(-0.7, 1)) == ("-0.7", "-0,7")
    assert english.moment(NOW) == "22 Nov 13:27"
    assert french.moment(NOW) == "22 nov. à 13:27"
    assert english.moment(NOW, beside=NOW) == "13:27"


def test_every_platform_that_an_installed_connector_may_speak_of_has_a_name_of_its_own() -> None:
    unnamed = set(connectors()) - {"inbound", "mailbox", "replay"}  # these pass on what a person configured
    assert unnamed - PLATFORMS.keys() == set()
