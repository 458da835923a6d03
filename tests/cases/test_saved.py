"""Saved replies: which are offered first, and what is filled in."""

from __future__ import annotations

import pytest

from listener.cases.saved import SavedReply, filled, in_order, wrong_braces

ANY = SavedReply("any", "Hello!")
FRENCH = SavedReply("french", "Bonjour !", "fr")
LATE = SavedReply("late", "Sorry!", "en", frozenset({"delivery"}))
APP = SavedReply("app", "Try again.", None, frozenset({"app"}))


def test_those_that_fit_come_first_and_the_ones_that_say_most_before_them() -> None:
    offered = in_order([ANY, FRENCH, APP, LATE], "en", ["delivery"])
    assert [one.name for one in offered] == ["late", "any", "french", "app"]


def test_author_and_brand_are_filled_in_once_and_never_read_again() -> None:
    said = filled("Hi {author}, {brand} here. {author}?", author="{brand}", brand="Ac{author}me")
    assert said == "Hi {brand}, Ac{author}me here. {brand}?"


def test_an_author_without_a_name_leaves_no_hole() -> None:
    assert filled("Hi {author}, sorry!", author="", brand="Acme") == "Hi, sorry!"


def test_a_name_is_one_line_of_sixty_characters_at_most() -> None:
    assert filled("{author}", author="a\n" + "b" * 100, brand="") == "a " + "b" * 58


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{author} {brand}", None),
        ("{name}", "{name}"),
        ("a } b", "}"),
        ("{author", "{"),
        ("{author.id}", "{author.id}"),
    ],
)
def test_only_two_variables_may_stand_in_braces(text: str, wrong: str | None) -> None:
    assert wrong_braces(text) == wrong
