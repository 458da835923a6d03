"""Is a post about us."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.base import Author, Mention
from listener.triage.brand import BrandFacts
from listener.triage.relevance import Relation, Relevance
from rules.words import prepare

BRAND = BrandFacts(
    name="Northwind", names=("NWD", "@northwind_help"), products=("Breeze",), rivals={"Polarex": ("PLX",)},
    own_accounts=frozenset({"x:Northwind_Help"}), exclude=("northwind traders",),
)  # fmt: skip


def mention(
    text: str, *, handle: str = "someone", brand: str | None = None, title: str = "", reply: bool | None = None
) -> Mention:
    return Mention(
        "x",
        "1",
        text,
        datetime(2026, 1, 1, tzinfo=UTC),
        Author("7", handle),
        title=title,
        brand=brand,
        in_reply_to_brand=reply,
    )


def relate(post: Mention, brand: BrandFacts | None = BRAND) -> Relation:
    return Relevance(brand).relate(post, prepare(post.text), prepare(post.title) if post.title else None)


@pytest.mark.parametrize(
    "text",
    ["love NORTHWIND", "my nwd bill", "@northwind_help hi", "#Northwind again", "the Breeze broke", "Northwind's app"],
)
def test_a_name_alias_product_handle_or_tag_makes_it_ours(text: str) -> None:
    assert relate(mention(text)).subject == "brand"


@pytest.mark.parametrize("text", ["northwinds are cold", "a breezey day", "nothing here"])
def test_parts_of_words_are_no_names(text: str) -> None:
    relation = relate(mention(text))
    assert (relation.subject, relation.relevant) == ("none", False)


def test_a_rival_alone_is_about_the_rival() -> None:
    assert relate(mention("PLX raised prices")).subject == "rival:Polarex"
    assert relate(mention("raised prices", brand="Polarex")).subject == "rival:Polarex"


def test_the_brand_wins_over_a_rival_named_beside_it() -> None:
    assert relate(mention("Northwind or Polarex?")).subject == "brand"


def test_what_the_source_says_counts() -> None:
    assert relate(mention("great service", brand="northwind")).subject == "brand"
    assert relate(mention("where is it?", reply=True)).addressed


def test_the_title_counts() -> None:
    assert relate(mention("anyone else?", title="Northwind is down")).subject == "brand"


def test_own_accounts_are_never_relevant() -> None:
    relation = relate(mention("Northwind is sorry", handle="northwind_HELP"))
    assert (relation.subject, relation.relevant) == ("own", False)


def test_an_exclusion_is_another_meaning() -> None:
    assert not relate(mention("the Northwind Traders sample database")).relevant


def test_a_common_word_needs_its_context() -> None:
    gap = BrandFacts(name="Gap", context=("jeans", "store"), names=("@gap",))
    assert not relate(mention("mind the gap"), gap).relevant
    assert relate(mention("the Gap store on Main Street"), gap).relevant
    assert relate(mention("@gap where is my order"), gap).relevant


def test_without_a_brand_every_post_counts() -> None:
    assert relate(mention("anything"), None).relevant
    assert relate(mention("@whoever hi"), None).addressed
    assert not relate(mention("hi @whoever"), None).addressed


def test_a_rivals_own_post_is_about_the_rival() -> None:
    assert (
        relate(mention("Polarex gives Northwind customers 20 euro to switch", handle="plx")).subject == "rival:Polarex"
    )


def test_a_name_glued_to_signs_is_found_one_inside_a_link_is_not() -> None:
    assert relate(mention('=HYPERLINK("https://evil.example","Northwind");')).subject == "brand"
    assert relate(mention("see https://blog.example/northwind/news")).subject == "none"


def test_a_query_says_what_counts_instead_of_the_names() -> None:
    from rules.query import parse

    brand = BrandFacts("Gap", query=parse('exact:"Gap" (jeans OR store) -job'))
    relevance = Relevance(brand)
    for text, wanted in (
        ("Gap jeans fell apart", True),
        ("mind the gap in the store", False),
        ("Gap store job, apply now", False),
        ("Gap again", False),
    ):
        post = mention(text)
        assert relevance.relate(post, prepare(post.text), None).relevant is wanted, text
