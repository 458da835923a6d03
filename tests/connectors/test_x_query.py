"""What X is asked: terms in as few queries as fit, none cut."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.x_query import QUERY_LIMIT, TermTooLong, queries


def texts(*terms: str, **but: tuple[str, ...]) -> list[str]:
    return [query.text for query in queries(terms, **but)]


def test_terms_are_joined_in_one_query() -> None:
    assert texts("Acme", "Acme Home", "#acme") == ['(Acme OR "Acme Home" OR #acme) -is:retweet']
    assert texts("Acme") == ["Acme -is:retweet"]


def test_own_accounts_cheaper_posts_and_other_languages_are_left_out() -> None:
    asked = texts("Acme", own=("acme", "acmecare"), read_elsewhere=("acmecare",), languages=("en", "fr"))
    assert asked == ["Acme -is:retweet -from:acme -from:acmecare -@acmecare (lang:en OR lang:fr)"]
    assert texts("Acme", languages=("en",)) == ["Acme -is:retweet lang:en"]


@pytest.mark.parametrize(
    ("term", "asked"),
    [
        ("or", '"or"'),
        ("from:acme", '"from:acme"'),
        ("-acme", '"-acme"'),
        ('say "acme" now', '"say acme now"'),
        ("acme.com", '"acme.com"'),
        ("(acme)", '"(acme)"'),
        ("@acme", "@acme"),
        ("Crème", "Crème"),
    ],
)
def test_a_term_is_never_an_operator(term: str, asked: str) -> None:
    assert texts(term) == [f"{asked} -is:retweet"]


def test_a_handle_that_x_cannot_have_is_no_part_of_a_query() -> None:
    assert texts("Acme", own=("acme@example.social", "a b")) == ["Acme -is:retweet"]


def test_a_term_that_fits_nowhere_is_named() -> None:
    with pytest.raises(TermTooLong, match=r'"xxx.*600 characters.*512'):
        queries(["Acme", "x" * 600])


def test_what_is_left_out_does_not_change_the_name() -> None:
    assert queries(["Acme"])[0].name == queries(["Acme"], own=["acme"], languages=["en"])[0].name


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=90), max_size=60), st.integers(0, 8))
def test_every_term_is_whole_in_one_query_that_fits(terms: list[str], accounts: int) -> None:
    own = [f"account{n}" for n in range(accounts)]
    made = queries(terms, own=own)
    assert all(len(query.text) <= QUERY_LIMIT for query in made)
    suffix = "".join(f" {part}" for part in ["-is:retweet", *(f"-from:{one}" for one in own)])
    wanted = {one for term in terms for query in queries([term]) for one in [query.text.removesuffix(" -is:retweet")]}
    found: list[str] = []
    for query in made:
        body = query.text.removesuffix(suffix)
        assert body != query.text
        body = body.removeprefix("(").removesuffix(")") if " OR " in body else body
        found += re.findall(r'"[^"]*"|[^\s"]+', body)
    assert sorted(word for word in found if word != "OR") == sorted(wanted)
