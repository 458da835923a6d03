"""Text from outside: whatever it holds, it is stored, and read back as text."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base import Author, Page
from listener.model import Line
from listener.store import Store
from listener.store.columns import clean
from listener.store.mapping import choose_refs, possible_refs
from tests.fakes.story import NOON, post, settle_to, triaged

TTL = timedelta(minutes=5)
ANY = st.text(st.characters(exclude_categories=()), max_size=20)  # lone surrogates and NUL as well


@given(ANY)
def test_cleaning_gives_encodable_text_and_twice_changes_nothing(text: str) -> None:
    """What both databases take."""
    once = clean(text)
    assert "\x00" not in once
    assert once.encode().decode() == once
    assert clean(once) is once


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\x00b", "ab"),
        ("x\ud83d y", "x\ufffd y"),
        ("\ud83d\ude00", "😀"),
        ("\x00\udc00", "\ufffd"),
        ("Überfällig", "Überfällig"),
    ],
)
def test_what_becomes_of_odd_characters(text: str, cleaned: str) -> None:
    """NUL goes, halves of a pair are joined, a lone half is marked."""
    assert clean(text) == cleaned


def test_hostile_characters_in_every_field_do_not_stop_a_page(store: Store) -> None:
    """NULs and lone surrogates in text, names, ids, engagement, verdict lines and the cursor."""
    bad = "a\x00b\ud83d"
    mention = post(
        1,
        external_id=bad,
        text=bad,
        title=bad,
        url=f"https://forum.example/{bad}",
        author=Author(bad, bad, bad),
        lang=bad,
        thread_id=bad,
        parent_id=bad,
        brand=bad,
        engagement={bad: 1},
    )
    one = triaged(mention, lines=(Line(1, bad, bad, bad),), touchpoints={bad: None}, near=bad, exit_to=bad)
    again = triaged(post(2, external_id=bad.replace("\x00", "")))  # the same id, once cleaned
    store.register_sources({"forum": "replay"}, NOON)
    lease = store.lease("forum", "w1", NOON, TTL)
    assert lease is not None
    page = Page((mention, again.mention), {bad: bad})
    assert store.record_page(lease, page, [one, again], settle_to("console"), NOON).new == 1
    assert store.record_page(lease, page, [one, again], settle_to("console"), NOON).new == 0
    delivery = store.claim("console", "s1", NOON, TTL)
    assert delivery is not None
    assert delivery.case is not None
    (told,) = delivery.case.mentions
    good = "ab\ufffd"
    assert (told.mention.text, told.mention.author, told.mention.engagement) == (
        good,
        Author(good, good, good),
        {good: 1},
    )
    assert told.verdict.lines == (Line(1, good, good, good),)
    assert told.verdict.touchpoints == {good: None}
    assert store.mark_retry(delivery.id, "s1", bad, NOON, NOON)
    store.set_meta(bad, [bad])
    assert store.get_meta(bad) == [good]
    assert store.told(bad) is None
    assert store.case(bad) is None


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=ANY, name=ANY, title=ANY)
def test_a_mention_comes_back_as_it_was_but_for_unstorable_characters(
    store: Store, text: str, name: str, title: str
) -> None:
    """Any text at all."""
    store.register_sources({"forum": "replay"}, NOON)
    lease = store.lease("forum", "w1", NOON, TTL, force=True)
    assert lease is not None
    one = triaged(post(store.totals().mentions, text=text, title=title, author=Author("a", name=name)))
    assert store.record_page(lease, Page((one.mention,), {}), [one], settle_to(), NOON).new == 1
    store.finish(lease, NOON, NOON)
    *_, last = store.counted(NOON, NOON + timedelta(days=9))
    told = store.told(last.ref)
    assert told is not None
    assert (told.mention.text, told.mention.title, told.mention.author.name) == (clean(text), clean(title), clean(name))


def test_references_grow_only_where_they_would_collide() -> None:
    """Two mentions whose digests begin alike are told apart by a longer reference."""
    one, other, third = ("aaaa", "aaaabbbb"), ("aaaa", "aaaacccc"), ("dddd", "ddddeeee")
    assert choose_refs([one, other, third], ()) == ["aaaa", "aaaacccc", "dddd"]
    assert choose_refs([one, third], {"aaaa", "dddd"}) == ["aaaabbbb", "ddddeeee"]


def test_a_reference_depends_on_the_mention_alone() -> None:
    """The same wherever it is imported."""
    refs = possible_refs("forum", "p1")
    assert [len(ref) for ref in refs] == [8, 12, 16, 32]
    assert refs[-1].startswith(refs[0])
    assert refs == possible_refs("forum", "p1") != possible_refs("forum", "p2")
