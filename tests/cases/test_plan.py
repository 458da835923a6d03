"""Case references and the keys that join mentions."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.cases.plan import author_key, case_ref, read_case_ref, thread_key
from tests.fakes.story import post


def test_the_first_million_cases_have_four_characters_and_no_two_the_same() -> None:
    """The whole first width, and the first of the next."""
    refs = {case_ref(number) for number in range(1, 32**4 + 1)}
    assert len(refs) == 32**4
    assert all(len(ref) == 6 for ref in refs)
    assert len(case_ref(32**4 + 1)) == 7


@given(st.integers(1, 2**45), st.integers(1, 2**45))
def test_different_cases_have_different_references(one: int, other: int) -> None:
    """Also far beyond what anybody will see."""
    assert (case_ref(one) == case_ref(other)) == (one == other)
    assert re.fullmatch(r"c-[0-9A-HJKMNP-TV-Z]{4,}", case_ref(one))


def test_neighbours_do_not_look_alike() -> None:
    """A typing error should not hit the case before."""
    refs = [case_ref(number) for number in range(1, 100)]
    alike = [pair for pair in itertools.pairwise(refs) if pair[0][:-1] == pair[1][:-1]]
    assert alike == []


def test_references_never_change() -> None:
    """People have written them down."""
    assert [case_ref(number) for number in (1, 2, 1000, 32**4 + 1)] == ["c-MDFM", "c-3BX5", "c-C5XB", "c-9MDFM"]


@given(st.integers(1, 2**30))
def test_a_reference_is_read_however_it_is_typed(number: int) -> None:
    """Small letters, without the prefix, with the letters that look like digits."""
    ref = case_ref(number)
    misread = ref.removeprefix("c-").replace("0", "O").replace("1", "l")
    for typed in (ref, ref.lower(), f" {ref.upper()} ", ref.removeprefix("c-"), f"c-{misread}"):
        assert read_case_ref(typed) == ref


@pytest.mark.parametrize("typed", ["", "c-", "7F3", "c-7F3U", "hello!", "ünïc"])
def test_what_cannot_be_a_reference_is_none(typed: str) -> None:
    """U is not in the alphabet, so that no reference spells a word to be ashamed of."""
    assert read_case_ref(typed) is None


def test_a_root_post_and_its_answers_share_a_thread() -> None:
    """Whether the platform names the root or only what is answered."""
    root = post(1)
    assert (
        thread_key(root) == thread_key(post(2, thread_id="p1", parent_id="p9")) == thread_key(post(3, parent_id="p1"))
    )
    assert author_key(root) == "forum:a1"
