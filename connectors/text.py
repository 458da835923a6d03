"""What posts are made of, made safe: HTML to plain text, clean text, safe links, whole-word matching.

Text from outside is hostile. Whatever leaves this module is valid Unicode in NFC without control characters, at most
TEXT_LIMIT characters long, and was made in time linear in the input.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from html import unescape
from urllib.parse import urlsplit

from connectors.base import TEXT_LIMIT

HTML_LIMIT = 100_000  # characters of HTML that are read; markup is at most ten times the text that is kept
TAG_LIMIT = 2_000  # characters of one tag with its attributes
LABEL_LIMIT = 300  # characters of a name, an id, a title
URL_LIMIT = 2_000

# Control characters and lone surrogates cannot be stored or sent; tab and newline are layout.
_BAD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_LINE_ENDS = re.compile("\r\n?|\u2028|\x85")
_PARAGRAPH_ENDS = re.compile("\u2029")
_SPACES_AT_LINE_END = re.compile(r"[ \t\u00a0]+(?=\n)")
_BLANK_LINES = re.compile(r"\n{3,}")
_WHITE = re.compile(r"\s+")
_TAG = re.compile(r"""<(?P<end>/?)(?:(?P<name>[A-Za-z][A-Za-z0-9]*+)|!|\?)(?:[^<>"']|"[^"]*+"|'[^']*+')*+>""")
_TAG_LIKE = re.compile(r"</?[A-Za-z]|<[!?]")
_ALT = re.compile(r"""\salt=(["'])([^"']{1,200})\1""", re.IGNORECASE)
_LONG_REFERENCE = re.compile(r"&#\d{8,};?")
_HTML_SPACES = re.compile(r"[ \t\n\r\f]+")
_BREAKS = frozenset({"li", "tr", "dt", "dd", "div", "section", "article", "header", "footer"})
_PARAGRAPHS = frozenset(
    {"p", "ul", "ol", "table", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "figure"}
)
_HIDDEN = frozenset({"script", "style", "template", "title"})


def clean(text: str, limit: int = TEXT_LIMIT) -> str:
    """NFC without control characters and lone surrogates, trimmed, cut at `limit`. Idempotent."""
    text = text[: 4 * limit]  # normalising may shorten; it never needs more than this to fill the limit
    text = _PARAGRAPH_ENDS.sub("\n\n", _LINE_ENDS.sub("\n", text))
    # What is removed may have kept a letter and its accent apart, and so may the cut: normalise after both.
    text = unicodedata.normalize("NFC", _BAD.sub("", text)).strip()[:limit]
    return unicodedata.normalize("NFC", text).strip()


def label(text: object, limit: int = LABEL_LIMIT) -> str:
    """A name, an id or a title: one clean line. Numbers become text; anything else is empty."""
    if isinstance(text, bool) or not isinstance(text, str | int):
        return ""
    return clean(_WHITE.sub(" ", clean(str(text), 4 * limit)), limit)


def plain(html: str, limit: int = TEXT_LIMIT) -> str:
    """The visible text of an HTML fragment: paragraphs and breaks become newlines, links keep their words."""
    reader = _Reader()
    reader.feed(html[:HTML_LIMIT])
    text = clean("".join(reader.parts), 2 * limit)
    text = _BLANK_LINES.sub("\n\n", _SPACES_AT_LINE_END.sub("", text))
    return clean(text, limit)


def safe_url(url: object) -> str:
    """The address where it is http or https with a host and no white space or control character; else empty."""
    if not isinstance(url, str):
        return ""
    url = url.strip()
    if not url or len(url) > URL_LIMIT or _BAD.search(url) or _WHITE.search(url) or "\\" in url:
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        has_credentials = "@" in parts.netloc
    except ValueError:
        return ""
    return url if parts.scheme.lower() in ("http", "https") and host and not has_credentials else ""


def fold(text: str) -> str:
    """What two spellings of a word have in common: case, compatibility forms, kinds of space and apostrophe."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return _WHITE.sub(" ", text).strip()


def matcher(terms: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern for `mentions`: any of the terms as whole words. None without terms."""
    folded = sorted({fold(term) for term in terms if fold(term)}, key=len, reverse=True)
    if not folded:
        return None
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, folded))})(?!\w)")


def mentions(pattern: re.Pattern[str] | None, *texts: str) -> bool:
    """Whether one of the texts holds a term. Without terms, everything does."""
    return pattern is None or any(pattern.search(fold(text)) for text in texts if text)


def unescaped(text: str) -> str:
    """The words of a post of X, which escapes three characters as for HTML, also in what people export from it."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


class _Reader:
    """Collects visible text in one pass.

    Not html.parser: its time grows with the square of the input on unclosed tags (100 kB of "<a " took 75 s).
    """

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._preformatted = 0
        self._newlines = 2  # how many stand at the end of what was collected; a text begins without

    def feed(self, markup: str) -> None:
        at = 0
        while (start := markup.find("<", at)) >= 0:
            self._text(markup[at:start])
            at = self._tag(markup, start)
        self._text(markup[at:])

    def _tag(self, markup: str, start: int) -> int:
        """Read what begins with "<"; returns where to go on."""
        if markup.startswith("<!--", start):
            return _behind(markup.find("-->", start), 3, len(markup))
        tag = _TAG.match(markup, start, start + TAG_LIMIT)
        if tag is None:
            if not _TAG_LIKE.match(markup, start):
                self._text("<")
                return start + 1
            # Longer than any honest tag, or never closed, which hides the rest as it does in a browser.
            return _behind(markup.find(">", start), 1, len(markup))
        name = (tag["name"] or "").lower()
        if name in _HIDDEN and not tag["end"]:
            closing = re.compile(f"</{name}", re.IGNORECASE).search(markup, tag.end())
            return closing.start() if closing else len(markup)
        if name == "img" and (words := _ALT.search(tag[0])):
            self._text(words[2])  # custom emoji and pictures speak through their alternative text
        self._break(name)
        if name == "pre":
            self._preformatted = max(0, self._preformatted + (-1 if tag["end"] else 1))
        return tag.end()

    def _text(self, text: str) -> None:
        if not self._preformatted:
            text = _HTML_SPACES.sub(" ", text)
            if self._newlines:
                text = text.lstrip(" ")
        if text:
            # html.unescape() refuses numbers of thousands of digits with an exception.
            self.parts.append(unescape(_LONG_REFERENCE.sub("\ufffd", text)))
            self._newlines = 0

    def _break(self, name: str) -> None:
        """Paragraphs and lists stand apart; other blocks begin a line; every <br> counts."""
        wanted = 2 if name in _PARAGRAPHS else self._newlines + 1 if name == "br" else 1 if name in _BREAKS else 0
        if wanted > self._newlines:
            self.parts.append("\n" * (wanted - self._newlines))
            self._newlines = wanted


def _behind(found: int, length: int, end: int) -> int:
    return end if found < 0 else found + length
