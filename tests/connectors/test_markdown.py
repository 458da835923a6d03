"""Markdown to plain text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.markdown import plain_markdown


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("# Title\n\ntext", "Title\n\ntext"),
        ('a [link](https://x.example "t") and ![picture](p.png)', "a link and picture"),
        ("[![build](b.svg)](https://ci.example) Acme", "build Acme"),
        ("> what you said\n\nI disagree", "I disagree"),
        ("before\n```py\ncode\n```\nafter", "before\nafter"),
        ("before\n~~~~\ncode\n~~~\n~~~~\nafter", "before\nafter"),
        ("before\n```\nnever closed", "before"),
        ("**bold** `code` ~~gone~~ snake__case __strong__", "bold code gone snake__case strong"),
        ("if a <b or c < d & e <3", "if a <b or c < d & e <3"),
        ("see <https://x.example/a>", "see https://x.example/a"),
        ("<details><summary>More</summary>inside</details>", "Moreinside"),
        ("<!-- keep this -->said", "said"),
        ("> all quoted", "> all quoted"),
        ("one\r\ntwo", "one\ntwo"),
    ],
)
def test_what_the_author_says_remains(markdown: str, text: str) -> None:
    assert plain_markdown(markdown) == text


@given(st.text(alphabet="<>!-[]()`~*_#> \n&;/a\"'", max_size=80))
def test_no_text_breaks_it(text: str) -> None:
    assert len(plain_markdown(text)) <= 10_000


@pytest.mark.parametrize("piece", ["[", "![a](", "<!--", "<a ", "`", "> ", "**", "[](", "<", "~~~\n"])
def test_time_is_linear_in_the_length(piece: str) -> None:
    started = time.thread_time()
    plain_markdown(piece * (1_000_000 // len(piece)))
    assert time.thread_time() - started < 2
