"""Text from outside: whatever comes in, what goes out is plain, valid, short, and quickly made."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import TEXT_LIMIT
from connectors.text import clean, label, matcher, mentions, plain, safe_url

any_text = st.text(st.characters() | st.characters(categories=["Cs", "Cc", "Mn"]), max_size=200)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("One<br>Two<br/>Three", "One\nTwo\nThree"),
        ("One<br><br>Two", "One\n\nTwo"),
        ("One\n  line<p>Two", "One line\n\nTwo"),
        ("a &lt;b&gt; &amp; c&#39;s &nbsp; d", "a <b> & c's \u00a0 d"),
        ('<a href="https://x.example/very-long">x.example</a> says', "x.example says"),
        ("<ul><li>one</li><li>two</li></ul>after", "one\ntwo\n\nafter"),
        ("<pre><code>if x:\n    y</code></pre>", "if x:\n    y"),
        ("hello<script>alert(1)</script><style>p{}</style> there", "hello there"),
        ('nice <img alt=":smile:" src="x">', "nice :smile:"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<p>", ""),
        ("<<<>>>", "<<<>>>"),
        ("a<!-- no -->b", "ab"),
        ('a<b title="1 > 0">c</b>', "ac"),
        ("I <3 it", "I <3 it"),
    ],
)
def test_html_becomes_what_a_reader_sees(html: str, text: str) -> None:
    assert plain(html) == text


@settings(max_examples=100, deadline=None)
@given(any_text)
def test_clean_text_is_valid_normal_and_stays_so(text: str) -> None:
    done = clean(text)
    done.encode()
    assert unicodedata.is_normalized("NFC", done)
    assert clean(done) == done
    assert not any(unicodedata.category(one) == "Cc" and one not in "\n\t" for one in done)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(["<", ">", "</", "<p>", "<br", "&", "&#x", ";", "<!--", "<![", '"', "=", "x", "\x00", "\ud800"])
    )
)
def test_no_markup_makes_the_reader_crash(parts: list[str]) -> None:
    plain("".join(parts)).encode()


@pytest.mark.parametrize(
    "piece",
    [
        "<div>",
        "<",
        "<!",
        "<!--",
        "<a ",
        "</",
        "&",
        "&#",
        "<![CDATA[",
        "<?",
        '<a b="',
        "<p>",
        "😀",
        "\n",
        " ",
        "e\u0301",
        "\x00",
    ],
)
def test_hostile_text_takes_no_longer_than_its_length_deserves(piece: str) -> None:
    hostile = piece * (1_000_000 // len(piece))
    began = time.perf_counter()
    assert len(plain(hostile)) <= TEXT_LIMIT
    assert len(clean(hostile)) <= TEXT_LIMIT
    assert time.perf_counter() - began < 1.5


def test_text_is_cut_at_the_limit() -> None:
    assert len(clean("é" * 50_000)) == TEXT_LIMIT


@pytest.mark.parametrize(
    "url", ["https://x.example/a?b=c#d", "http://127.0.0.1:8/", "HTTPS://X.example", " https://x.example "]
)
def test_addresses_of_the_web_pass(url: str) -> None:
    assert safe_url(url) == url.strip()


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "//x.example",
        "https://",
        "https://a@b.example",
        "https://x\n.example",
        "https://[::1",
        "data:text/html,x",
        "https://x.example/" + "a" * 3000,
        "https:\\\\x.example",
        "",
        None,
        7,
    ],
)
def test_anything_else_is_no_address(url: object) -> None:
    assert safe_url(url) == ""


@pytest.mark.parametrize(
    ("term", "text", "found"),
    [
        ("Acme", "my ACME's lid", True),
        ("Acme", "acmes", False),
        ("Acme", "macme", False),
        ("Acme", "https://acme.example/x", True),
        ("blue kettle", "the Blue\n kettle", True),
        ("C++", "c++ is fine", True),
        ("@acme", "hi @Acme!", True),
        ("L’Oréal", "l'oréal", True),
        ("Straße", "STRASSE 5", True),
    ],
)
def test_terms_match_as_whole_words(term: str, text: str, found: bool) -> None:
    assert mentions(matcher([term]), text) is found


def test_labels_are_one_clean_line() -> None:
    assert label(" a\n\x00b ") == "a b"
    assert label(42) == "42"
    assert [label(one) for one in (None, True, [], 1.5)] == [""] * 4
