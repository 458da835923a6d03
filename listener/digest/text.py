"""Words from outside, made fit to print: `visible` for posts, `safe_url` for links.

Cleaning removes what cannot be seen but acts (control characters, direction overrides, lone surrogates). It does
not make text safe for a format; each renderer still escapes for its own.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, urlsplit, urlunsplit

_DIRECTION = frozenset("\u200e\u200f\u061c" + "".join(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))))
_SPACE = re.compile(r"\s+")
_URL_UNSAFE = re.compile(r"[\s<>\"'`\\|^{}\x00-\x1f\x7f]")
_URL_LIMIT = 500
_URL_KEPT = "/%:=&?~#+!$,;'@()*[]-._"
_TO_WHOM = re.compile(r"^(?:@[\w.-]{1,64}[\s:,]+)+(?=\S)")
_ADDRESS = re.compile(r"\bhttps?://\S+|\bwww\.\S+", re.IGNORECASE)
_MARKS_LIMIT = 3  # combining marks kept on one character; more of them paint over the lines around


def visible(text: str, limit: int = 280) -> str:
    """`text` on one line, at most `limit` characters (an ellipsis included), without characters that only act."""
    kept: list[str] = []
    marks = 0
    # Far more than can be shown need not be read.
    for character in text[: limit * 8 + 64]:
        category = unicodedata.category(character)
        if category == "Mn":
            marks += 1
            if marks > _MARKS_LIMIT:
                continue
        else:
            marks = 0
        if category == "Cs":
            kept.append("\ufffd")
        elif character in _DIRECTION or category in ("Co", "Cn"):
            continue
        elif category == "Cc":
            kept.append(" ")
        else:
            kept.append(character)
    line = _SPACE.sub(" ", "".join(kept)).strip()
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def opening(text: str) -> str:
    """A post's words for a map that has little room: from the first that is not a handle, and without addresses of the web.

    A post that is nothing else keeps what it has.
    """
    words = " ".join(_ADDRESS.sub(" ", _TO_WHOM.sub("", text)).split())
    return words or text


def safe_url(url: str) -> str:
    """`url` in ASCII if it is a plain http(s) address that no format can be broken with, else the empty string.

    A user name in it is refused: "https://our-bank.example@evil.example" misleads whoever reads it.
    """
    if len(url) > _URL_LIMIT or _URL_UNSAFE.search(url) or not url.isprintable():
        return ""
    try:
        parts = urlsplit(url)
        host = parts.netloc if url.isascii() else parts.netloc.encode("idna").decode("ascii")
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host or "@" in host:
        return ""
    rest = (quote(part, _URL_KEPT) for part in (parts.path, parts.query, parts.fragment))
    return url if url.isascii() else urlunsplit((parts.scheme, host, *rest))


def name(text: str) -> str:
    """A word list's entry as people read it: `product_quality` → `product quality`."""
    return visible(text.replace("_", " "), 60)


def signed(share: float) -> str:
    """−1…1 as −100…+100 with a real minus sign."""
    value = round(share * 100)
    return f"+{value}" if value > 0 else f"−{-value}" if value < 0 else "0"
