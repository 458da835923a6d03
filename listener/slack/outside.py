"""Words from outside (posts, names, handles, titles, file fields) made safe to show.

`clean` keeps the words and takes away what could act on a reader's screen: control characters, lone surrogates,
bidirectional overrides, towers of combining marks. `defuse` goes further, for the one place where Slack reads
markup in a sentence that quotes outside words: the message's top-level `text`. `web_address` lets only plain
http(s) addresses through. All are pure, total, idempotent on their own output (`clean`), and linear in the text.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from urllib.parse import quote, urlsplit, urlunsplit

JOINER = "\u2060"  # WORD JOINER: no width, no line break, and no part of any Slack token

# Embeddings, overrides and isolates change the order of text that is not theirs. Plain marks (LRM, RLM, ALM) only
# order their own neighbours and belong to correct Hebrew and Arabic, so they stay.
_BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# C0 without tab and newline, DEL, C1 (which holds the 8-bit CSI of terminals), and non-characters.
_GONE = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{_BIDI}\ufdd0-\ufdef\ufffe\uffff]")
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029\x85]")
# Everything that is drawn as nothing. A name of such signs alone is no name.
_SEEN = re.compile(
    "[^\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
# Letters of scripts that run from right to left, with the mark that counts as one: Hebrew to Arabic, and their relatives.
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
LEFT_TO_RIGHT = "\u200e"  # LEFT-TO-RIGHT MARK: no width; parts what stands before it from numbers and signs behind it
_SURROGATES = re.compile("[\ud800-\udfff]")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")
_MARKS_IN_A_ROW = 4  # written languages stack fewer

# A joiner after the first sign parts every token that Slack could act on, wherever its rules for borders change:
# @here, @U123, #channel, :emoji:, http://, mailto:name, www.site.example, name@site. A time (14:20) stays.
_TOKEN_STARTS = re.compile(r"([@#](?=\w)|:(?=\S)(?!(?<=\d\d:)\d\d(?![\w:]))|(?<=\w)\.(?=\w))")
# Signs that open a style. Look-alikes cannot, at any border; they stay readable for people and screen readers.
_STYLES = str.maketrans({"*": "\u2217", "~": "\u223c", "`": "\u02cb", "|": "\u00a6"})
_LOW_LINES = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # inside a word (marie_l) Slack reads no style
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def clean(text: str) -> str:
    """`text` without anything that is not words: safe in plain_text, rich_text elements and terminals."""
    text = _LINE_ENDS.sub("\n", text)
    text = _SURROGATES.sub("\ufffd", text)
    text = _GONE.sub("", text)
    text = _BLANK_LINES.sub("\n\n", text)
    if text.isascii():
        return text
    return _without_towers(text) if _SEEN.search(text) else ""


def one_line(text: str, limit: int) -> str:
    """`text` cleaned, white space folded, cut at `limit` characters. For names, labels and excerpts.

    Hebrew and Arabic stand between two left-to-right marks, so that they do not pull our own words, figures and dates
    beside them to their other side.
    """
    line = " ".join(clean(text[: limit * 20]).split())
    if line.isascii() or limit < 3 or not _RIGHT_TO_LEFT.search(line):
        return cut(line, limit)
    return LEFT_TO_RIGHT + cut(line.strip(LEFT_TO_RIGHT), limit - 2) + LEFT_TO_RIGHT


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, with an ellipsis where something is missing, at a word's end if one is near."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    space = max(head.rfind(" "), head.rfind("\n"))
    if space > limit - 30:
        head = head[:space]
    return head.rstrip().rstrip("\u200d") + "…"  # a trailing joiner would glue the ellipsis to half an emoji


def escape(text: str) -> str:
    """Slack's three entities (docs.slack.dev, formatting text), and nothing else."""
    return text.translate(_ENTITIES)


def unescape(text: str) -> str:
    """The reverse of `escape`."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def defuse(text: str, limit: int = 300) -> str:
    """Outside words for a field that Slack parses: one line, at most `limit` characters before escaping.

    `<!channel>`, `<@U123>`, `@here`, links, emoji names and styles are still readable but none of them acts.
    """
    line = _LOW_LINES.sub("\u02cd", one_line(text, limit)).translate(_STYLES)
    return escape(_TOKEN_STARTS.sub(rf"\1{JOINER}", line))


def defuse_within(text: str, limit: int) -> str:
    """`text` defused and at most `limit` characters after that: hostile words, which grow fivefold, are cut shorter."""
    for room in (limit, limit // 2, limit // 4):
        said = defuse(text, room)
        if len(said) <= limit:
            return said
    return defuse(text, max(1, limit // 8))


def web_address(url: str, limit: int = 3000) -> str | None:
    """`url` as ASCII if it is a plain http(s) address of at most `limit` characters, else None.

    Addresses with a user name are refused: "https://our-bank.example@evil.example" misleads whoever reads it.
    """
    if not url or len(url) > limit or re.search(r"[\s<>|\"`\\^{}\x00-\x1f\x7f-\x9f\ud800-\udfff]", url):
        return None
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = f":{parts.port}" if parts.port else ""
    except (ValueError, UnicodeError):
        return None
    if parts.scheme.lower() not in {"http", "https"} or not host or "@" in parts.netloc:
        return None
    safe = "/%:=&?~#+!$,;'@()*[]-._"
    netloc = f"[{host}]{port}" if ":" in host else host + port
    address = urlunsplit(
        (parts.scheme.lower(), netloc, quote(parts.path, safe), quote(parts.query, safe), quote(parts.fragment, safe))
    )
    return address if len(address) <= limit else None


def is_loopback(url: str) -> bool:
    """Whether `url` names this machine, where no proxy may stand in between."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _without_towers(text: str) -> str:
    """Drop combining marks beyond a few in a row; they are drawn over the lines above and below."""
    kept: list[str] = []
    run = 0
    for letter in text:
        run = run + 1 if unicodedata.category(letter) in {"Mn", "Me"} else 0
        if run <= _MARKS_IN_A_ROW:
            kept.append(letter)
    return "".join(kept)
