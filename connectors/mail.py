"""One e-mail as plain values: sender, subject, text, links. Whatever the bytes are, reading them raises nothing.

Mail from outside is hostile: parts nested a thousand deep, boundaries by the thousand, charsets that do not exist or that
take a minute to decode, megabytes attached. What cannot be read is left out; a mail always has at least its subject.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parseaddr, parsedate_to_datetime
from html import unescape
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from connectors.feeds import canonical, unwrapped
from connectors.text import clean, label, plain, safe_url

PARTS = 50  # of one mail that are looked at; honest ones have a handful
HEADER_LIMIT = 2_000  # characters
HTML_LIMIT = 400_000  # characters that are searched for links
BLOCKS = 100  # of one digest

# Nested parts each need one of these, and parts side by side a line that begins with "--": counting them bounds what the
# parser has to do. Its time grows with bytes times depth, and its depth with the interpreter's recursion limit.
_NESTING = re.compile(rb"boundary[*\d]*\s*=|content-type:\s*message/", re.IGNORECASE)
_DASHES = 2_000
# These decode in quadratic time, or are no character sets.
_NO_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})
_ALERT_LINK = re.compile(
    r'<a\s[^<>]{0,1000}?href="(https://www\.google\.[a-z.]{2,12}/url\?[^"<>]{1,2000})"[^<>]{0,1000}>', re.IGNORECASE
)
_LINK = re.compile(r"""https?://[^\s"'<>()\\]{1,2000}""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mail:
    """What a mail says. Texts are clean and cut."""

    id: str  # its Message-ID without brackets, or a hash of what it says
    address: str  # of the sender, in lower case; anybody can write any there
    name: str
    subject: str
    text: str
    html: str  # as it came, decoded
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Block:
    """One link of a digest with what stands under it."""

    url: str
    title: str
    text: str


def read_mail(raw: bytes) -> Mail:
    """The mail in these bytes, which may be cut off anywhere. Raises nothing."""
    try:
        message: Message[Any, Any] = (
            message_from_bytes(raw)
            if len(_NESTING.findall(raw)) <= PARTS and raw.count(b"\n--") <= _DASHES
            else BytesHeaderParser().parsebytes(raw)
        )
    except Exception:  # noqa: BLE001  # email's parser raises whatever it meets; a hostile mail must not stop the others
        message = Message()
    written, html = _texts(message)
    subject = label(_words(_header(message, "Subject")))
    name, address = _sender(message)
    text = clean(written) or plain(html) or subject or "(a mail without text)"
    return Mail(_id(message, address, subject, text), address, name, subject, text, html, _sent(message))


def blocks(html: str) -> Iterator[Block]:
    """The links of a Google Alerts digest, each with its title and the words up to the next one.

    The same article is linked by its headline and its picture: the one with words is taken.
    """
    html = html[:HTML_LIMIT]
    links = list(_ALERT_LINK.finditer(html))[: 2 * BLOCKS]
    found: dict[str, Block] = {}
    for link, following in pairwise([*links, None]):
        assert link is not None
        url = safe_url(unwrapped(unescape(link[1])))
        # Behind each entry stand links of Google's own: share, flag as irrelevant.
        between = html[link.end() : following.start() if following else len(html)].split("google.com/alerts/")[0]
        headline, _, rest = between.partition("</a>")
        one = Block(url, label(plain(headline)), plain(rest.rpartition("<")[0]))
        key = canonical(url)
        if key and (one.title or one.text) and not (key in found and found[key].title):
            found[key] = one
    return iter(list(found.values())[:BLOCKS])


def link_to(mail: Mail, host: str) -> str:
    """The first link of a mail that leads to a host or one below it; empty where none does."""
    for found in _LINK.finditer(mail.html[:HTML_LIMIT] or mail.text):
        url = safe_url(unescape(found[0]).rstrip(".,;:!?"))
        name = (urlsplit(url).hostname or "") if url else ""
        if name == host or name.endswith(f".{host}"):
            return url
    return ""


def _texts(message: Message[Any, Any]) -> tuple[str, str]:
    """The first plain and the first HTML part that are not attached."""
    found: dict[str, str] = {}
    waiting, looked = [message], 0
    while waiting and looked < PARTS:
        part = waiting.pop(0)
        looked += 1
        inner = part.get_payload()
        if isinstance(inner, list):
            waiting[:0] = [one for one in inner if isinstance(one, Message)][:PARTS]
            continue
        with suppress(Exception):  # as above: the headers of a part can make any of these calls raise
            for name in ("Content-Type", "Content-Disposition"):
                if len(str(part.get(name, ""))) > HEADER_LIMIT:  # parameters are read in quadratic time
                    del part[name]
            kind = part.get_content_type()
            is_attached = part.get_content_disposition() == "attachment" or part.get_filename()
            if kind in ("text/plain", "text/html") and kind not in found and not is_attached:
                found[kind] = _decoded(part)
    return found.get("text/plain", ""), found.get("text/html", "")


def _decoded(part: Message[Any, Any]) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        name = codecs.lookup(str(part.get_content_charset() or "utf-8")).name
        if name not in _NO_CHARSETS:
            return content.decode(name, "strict" if name == "utf-8" else "replace")
    except (LookupError, ValueError):
        pass
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _header(message: Message[Any, Any], name: str) -> str:
    try:
        return str(message.get(name) or "")[:HEADER_LIMIT]
    except Exception:  # noqa: BLE001  # as above
        return ""


def _words(header: str) -> str:
    """An encoded header as text."""
    try:
        parts = [
            part.decode(charset if charset and charset.casefold() not in _NO_CHARSETS else "utf-8", "replace")
            if isinstance(part, bytes)
            else part
            for part, charset in decode_header(header)
        ]
    except Exception:  # noqa: BLE001  # as above
        return header
    return "".join(parts)


def _sender(message: Message[Any, Any]) -> tuple[str, str]:
    try:
        name, address = parseaddr(_header(message, "From"))
    except Exception:  # noqa: BLE001  # as above
        return "", ""
    return label(_words(name)), label(address).casefold()


def _sent(message: Message[Any, Any]) -> datetime | None:
    try:
        found = parsedate_to_datetime(_header(message, "Date"))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except Exception:  # noqa: BLE001  # as above
        return None


def _id(message: Message[Any, Any], address: str, subject: str, text: str) -> str:
    said = label(_header(message, "Message-ID"), HEADER_LIMIT).strip("<> ")
    if said and len(said) <= 250:
        return said
    content = "\n".join((said or _header(message, "Date"), address, subject, text))
    return "h" + hashlib.blake2b(content.encode(errors="replace"), digest_size=12).hexdigest()
