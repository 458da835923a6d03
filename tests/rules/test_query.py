"""The query language: what it matches, what it tells whoever mistypes, and that nothing breaks or slows it."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.errors import QueryError
from rules.query import Query, QueryFacts, parse

POST = QueryFacts(
    text="The Gap in my @AcmeOne order: parcel is delayed again!! See acme[.]com or shop.example.org #BoycottAcme",
    title="Review of the L'Oréal cream",
    author="@Ann_B",
    url="https://old.reddit.com/r/acme/1",
    lang="en-GB",
)


@pytest.mark.parametrize(
    "query",
    [
        "parcel",
        "PARCEL",
        '"parcel is delayed"',
        "delay*",
        "boycott acme",
        "acmeone",
        "@AcmeOne",
        "nothing OR parcel",
        "nothing | parcel",
        "parcel -nothing NOT refund",
        "(nothing OR parcel) AND (delayed OR late)",
        "order near/2 delayed",
        "delayed near/2 (order OR nothing)",
        '"my acmeone" near/1 parcel',
        "order near/1 parcel near/1 delayed",
        "exact:Gap",
        'exact:"The Gap"',
        "acme.com",
        "acme[.]com",
        "example.org",
        "site:reddit.com",
        "site:https://old.reddit.com/r/",
        "author:ann_b",
        "author:@ANN*",
        "lang:en parcel",
        "title:review",
        'title:"l\'oreal cream"',
        "l’oréal",
        "“parcel is”",
        "and OR parcel",
    ],
)
def test_a_query_finds_the_post(query: str) -> None:
    assert parse(query).matches(POST)


@pytest.mark.parametrize(
    "query",
    [
        "parce",
        '"parcel delayed"',
        "delay",
        "parcel -delayed",
        "parcel NOT (nothing OR delayed)",
        "order near/1 delayed",
        "cream near/50 order",
        '"cream the gap"',
        "exact:gap",
        "cme.com",
        "acme.co",
        "site:acme.com",
        "author:ann",
        "lang:fr",
        "title:parcel",
        "parcel nothing",
    ],
)
def test_a_query_leaves_the_post_alone(query: str) -> None:
    assert not parse(query).matches(POST)


@pytest.mark.parametrize(
    "text", ["acme(dot)com", "acme [dot] com", "acme dot com", "hxxp://www.ACME.com/x", "mail@acme.com"]
)
def test_a_hidden_domain_is_seen_through(text: str) -> None:
    assert parse("acme.com").matches(QueryFacts(text))


def test_a_common_word_needs_its_context_and_exclusions_hold() -> None:
    query = parse("orange", requires=["mobile OR contract", "livebox"], excludes=['"orange juice"'])
    assert query.matches(QueryFacts("my Orange contract"))
    assert query.matches(QueryFacts("Orange livebox"))
    assert not query.matches(QueryFacts("an orange"))
    assert not query.matches(QueryFacts("orange juice on my mobile"))


@pytest.mark.parametrize(
    ("query", "position", "what"),
    [
        ("", 0, "empty"),
        ("   ", 0, "empty"),
        ("acme OR", 7, "ends too early"),
        ("(acme", 5, "ends too early"),
        ("acme)", 4, "closes nothing"),
        ('acme "one', 5, "not closed"),
        ("acme - one", 5, "stands alone"),
        ("OR acme", 0, "where a word is expected"),
        ("acme NOT", 5, "where a word is expected"),
        ("-acme", 0, "only excludes"),
        ("acme OR -one", 0, "only excludes"),
        ("sute:acme.com", 0, "unknown"),
        ("acme title:", 5, "nothing behind it"),
        ("acme near/99 one", 5, "not possible"),
        ("near/2 one", 0, "without a word"),
        ("acme near/2 lang:fr", 5, "both sides"),
        ("de*lay", 0, "cannot"),
        ("a*", 0, "nearly everything"),
        ('acme ""', 5, "no word"),
        ("lang:english", 0, "no language"),
        ("site:acme", 0, "no site"),
        ("(" * 60 + "acme" + ")" * 60, 40, "deeper"),
        ("acme " * 3000, 10_000, "characters"),
    ],
)
def test_a_mistake_is_told_with_its_place_a_caret_and_a_hint(query: str, position: int, what: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(query)
    error = caught.value
    assert error.position == position
    assert what in error.what
    assert error.hint
    line, caret = error.caret().splitlines()
    assert caret.strip() == "^"
    assert len(caret) <= len(line) + 1


def test_a_mistyped_field_is_recognised() -> None:
    with pytest.raises(QueryError, match="Did you mean 'site'"):
        parse("sitee:acme.com")


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ('acme OR "acme one" OR acme', ("acme", "acme one")),
        ("acme delay* -job", ("acme",)),
        ("(acme OR gap) AND (delay* OR late OR broken)", ("acme", "gap")),
        ("delay*", ("delay",)),
        ("acme near/3 refund", ("refund",)),
        ("author:ann", ()),
        ("acme OR author:ann", ()),
        ("acme author:ann", ("acme",)),
        ("acme.com", ("acme.com",)),
    ],
)
def test_terms_are_what_a_platform_can_search_for(query: str, terms: tuple[str, ...]) -> None:
    assert parse(query).terms() == terms


def test_a_query_longer_than_a_platform_allows_is_split() -> None:
    names = [f'"brand number {n}"' for n in range(40)]
    query = parse(" OR ".join(names))
    pieces = query.split(120)
    assert all(len(piece) <= 120 for piece in pieces)
    assert len(pieces) < 40
    assert sorted(" OR ".join(pieces).split(" OR ")) == sorted(names)
    with pytest.raises(QueryError, match="longer than the 10"):
        query.split(10)


def test_a_platform_may_write_its_searches_its_own_way() -> None:
    assert parse("acme OR gap").split(20, render="|".join) == ["acme|gap"]


WORDS = st.sampled_from(["acme", "gap", "late", "parcel", "one"])
QUERIES = st.recursive(
    st.one_of(
        WORDS, WORDS.map(lambda w: f'"{w} one"'), WORDS.map(lambda w: f"{w[:2]}*"), WORDS.map(lambda w: f"exact:{w}")
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: f"({two[0]} OR {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} {two[1]})"),
        st.tuples(WORDS, WORDS).map(lambda two: f"{two[0]} near/3 {two[1]}"),
        st.tuples(inner, WORDS).map(lambda two: f"({two[0]} -{two[1]})"),
    ),
    max_leaves=8,
)


@given(QUERIES, st.lists(WORDS, max_size=12).map(" ".join))
@settings(max_examples=100)
def test_every_match_holds_one_of_the_terms(text: str, post: str) -> None:
    query = parse(text)
    if query.matches(QueryFacts(post)):
        assert any(term in post for term in query.terms())


@given(st.text(max_size=60) | st.text(alphabet='acme()"-*:/| ORANDNTnear1', max_size=40))
@example('title:"(')
@example("\ud800")
@example("a near/00001 b")
@settings(max_examples=100)
def test_the_parser_raises_nothing_but_query_errors(text: str) -> None:
    query: Query | None = None
    with contextlib.suppress(QueryError):
        query = parse(text)
    if query is not None:
        query.matches(QueryFacts(text, title=text, author=text, url=text, lang=text))
        query.split(500)


@given(st.text(st.characters(exclude_categories=()), max_size=80))
@example("\ud800\udfff\x00")
@settings(max_examples=100)
def test_matching_survives_any_post(text: str) -> None:
    query = parse('acme.com OR exact:Gap OR (ab* near/3 "b c") OR title:x OR site:a.b OR author:x*')
    query.matches(QueryFacts(text, title=text, author=text, url=text))


@pytest.mark.parametrize("unit", ["acme ", "a.", "😡", "acme parcel ", "[dot]", "a", " dot ", "@a", "(((", "'a"])
def test_matching_stays_linear_on_hostile_posts(unit: str) -> None:
    query = parse('acme near/50 parcel near/50 acme OR "acme acme acme parcel x" OR acme.com OR ac*')

    def seconds(length: int) -> float:
        post = QueryFacts((unit * length)[:length])
        best = 9.0
        for _ in range(3):
            begin = time.thread_time()
            query.matches(post)
            best = min(best, time.thread_time() - begin)
        return best

    assert seconds(40_000) < 30 * seconds(4_000) + 0.01
