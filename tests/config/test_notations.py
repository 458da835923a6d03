"""Durations, hours, zones, languages, accounts: what people write is read, what they cannot mean is explained."""

from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.config.values import (
    LANGUAGES,
    parse_account,
    parse_duration,
    parse_hours,
    parse_intranet,
    parse_language,
    parse_web_address,
    parse_zone,
    say_duration,
)

NINE_TO_SIX = ((time(9), time(18)),)


@given(st.integers(1, 3600 * 24 * 3660))
def test_a_duration_that_is_said_is_read_as_the_same(seconds: int) -> None:
    length = timedelta(seconds=seconds)
    assert parse_duration(say_duration(length)) == length


@pytest.mark.parametrize("said", [5, "5", "m", "", "5 m", "-5m", "5m1h", "1.5h", "٣m", "99999d", None, ["5m"]])
def test_what_is_no_duration_is_refused(said: object) -> None:
    with pytest.raises(ValueError, match=r"; (write|use)"):
        parse_duration(said)


@pytest.mark.parametrize(
    ("said", "week"),
    [
        ("monday 09:00-18:00", {0: NINE_TO_SIX}),
        ("Saturday-Monday 9:00 – 18:00", {0: NINE_TO_SIX, 5: NINE_TO_SIX, 6: NINE_TO_SIX}),
        ("monday 13:00-24:00, 09:00-12:00", {0: ((time(9), time(12)), (time(13), time.max))}),
        ({"friday": "09:00-18:00", "sunday-sunday": "09:00-18:00"}, {4: NINE_TO_SIX, 6: NINE_TO_SIX}),
    ],
)
def test_opening_hours_are_read_from_a_line_or_a_table(said: object, week: object) -> None:
    assert parse_hours(said) == week


@pytest.mark.parametrize(
    ("said", "because"),
    [
        ("09:00-18:00", "no opening hours"),
        ("monday", "no opening hours"),
        ("mon 09:00-18:00", 'did you mean "monday"|is not a day'),
        ("monday 18:00-09:00", "two stretches"),
        ("monday 09:00-25:00", "not a time of day"),
        ("monday 09:00-12:00, 11:00-18:00", "overlap"),
        ({"monday": 9}, "no opening hours"),
        (["monday"], "no opening hours"),
    ],
)
def test_what_are_no_opening_hours_is_refused(said: object, because: str) -> None:
    with pytest.raises(ValueError, match=because):
        parse_hours(said)


@pytest.mark.parametrize(
    ("said", "hint"),
    [("english", '"en"'), ("en-GB", '"en"'), ("Deutsch", '"de"'), ("xx", "two-letter"), (3, "two-letter")],
)
def test_a_language_that_is_not_a_code_is_answered_with_one(said: object, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        parse_language(said)


def test_the_languages_are_the_two_letter_codes_and_unclear() -> None:
    assert {"en", "fr", "it", "es", "de", "und", "pt", "nl", "zu"} <= LANGUAGES
    assert len(LANGUAGES) == 184  # 183 codes of ISO 639-1


@pytest.mark.parametrize(
    "said", ["europe/paris", "Europe", "../../etc/passwd", "/etc/localtime", "a\0b", "", 1, "x" * 5000]
)
def test_what_is_no_time_zone_is_refused(said: object) -> None:
    with pytest.raises(ValueError, match=r"is not a time zone; (did you mean|write)"):
        parse_zone(said)


def test_an_account_is_lower_case_and_has_no_at_sign() -> None:
    assert parse_account("X:@Acme") == "x:acme"
    assert parse_account("mastodon:Acme@Example.Social") == "mastodon:acme@example.social"


@pytest.mark.parametrize("said", ["acme", "x:", ":acme", "https://x.com/acme", "x:a b", 7])
def test_what_is_no_account_is_refused(said: object) -> None:
    with pytest.raises(ValueError, match="platform:handle"):
        parse_account(said)


@pytest.mark.parametrize(
    "said", ["ftp://a", "https://", "https://a b", "https://a:port/", "http://[", "javascript:x", 1]
)
def test_what_is_no_web_address_is_refused(said: object) -> None:
    with pytest.raises(ValueError, match="is not a web address"):
        parse_web_address(said)


def test_a_web_address_with_a_password_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="keep them out of the file") as caught:
        parse_web_address("https://me:hunter2@example.org/")
    assert "hunter2" not in str(caught.value)


def test_a_host_of_the_own_network_is_lower_case_and_a_network_has_its_length() -> None:
    assert parse_intranet("Forum.Corp.Example") == "forum.corp.example"
    assert parse_intranet("*.corp.example") == "*.corp.example"
    assert parse_intranet("10.20.0.7") == "10.20.0.7/32"


@pytest.mark.parametrize("said", ["", "https://a.example/", "a.example:80", "http://me:hunter2@a.example", "*", 7])
def test_what_is_no_host_of_the_own_network_is_refused(said: object) -> None:
    with pytest.raises(ValueError, match=r"neither a host nor a network; write") as caught:
        parse_intranet(said)
    assert "hunter2" not in str(caught.value)
