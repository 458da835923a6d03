"""Which feeds stand in for a search (the presets of the rss connector), what is known of feed addresses, and how a feed is read."""

from __future__ import annotations

import calendar
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

from connectors.base import Kind, Malformed, Unavailable
from connectors.http import Answer, looks_like_html

_TRACKING = re.compile(r"utm_\w+|fbclid|gclid|mc_[ce]id|ref_src", re.IGNORECASE)

KEYS = ("query", "channel", "repository", "tag", "subreddit")  # what a preset may be given, one of them each

# (what it was given, terms, language, country) -> address
Address = Callable[[str, Sequence[str], str, str], str]


@dataclass(frozen=True, slots=True)
class Preset:
    """One kind of feed."""

    platform: str
    address: Address
    key: str = ""  # what the user gives: one of KEYS, or "url" for the whole address
    is_needed: bool = True
    pattern: str = ""  # what it must look like
    example: str = ""
    is_search: bool = False  # the feed is already what a search found: every entry counts
    own_ids: bool = False  # its ids are those of the platform's API, so that a later connector finds the same ones
    by_headline: bool = False
    kind: Kind = "article"
    pause: timedelta = timedelta(0)  # asked no more often than this, unless with a token of one's own

    def check(self, name: str, given: Mapping[str, str | None]) -> None:
        """Raises ValueError where its key is missing or of another shape, or a key of another preset is set."""
        for key, value in given.items():
            if value is not None and key != self.key:
                takes = f"it takes {self.key}" if self.key else "it takes none of these keys"
                raise ValueError(f"preset {name!r} takes no {key}; {takes}")
        if self.key not in KEYS:
            return
        value = given.get(self.key)
        if value is None and self.is_needed:
            raise ValueError(f"preset {name!r} needs {self.key}, for example {self.key} = {self.example!r}")
        if value is not None and not re.fullmatch(self.pattern, value):
            raise ValueError(f"{self.key} = {value!r} cannot be one; write it like {self.example!r}")


@dataclass(frozen=True, slots=True)
class Feed:
    """Where a feed is. The address may hold a token; host and fingerprint do not."""

    address: str
    host: str
    fingerprint: str

    @classmethod
    def of(cls, address: str, token: str | None, user: str | None) -> Feed:
        fingerprint = hashlib.blake2b(address.encode(), digest_size=8).hexdigest()
        host = urlsplit(address).hostname or ""
        if token:
            joint = "&" if "?" in address else "?"
            address += joint + urlencode({"feed": token, "user": user or ""})
        return cls(address, host.removeprefix("www."), fingerprint)


def canonical(link: str) -> str:
    """The address without fragment and tracking parameters."""
    try:
        parts = urlsplit(link.strip())
        query = [
            (name, value)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
            if not _TRACKING.fullmatch(name)
        ]
        return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path, urlencode(query), ""))[:500]
    except ValueError:
        return ""


def unwrapped(link: str) -> str:
    """The article behind a Google Alerts link (https://www.google.com/url?…&url=…)."""
    try:
        parts = urlsplit(link)
        if (parts.hostname or "").startswith("www.google.") and parts.path == "/url":
            query = parse_qs(parts.query)
            return (query.get("url") or query.get("q") or [link])[0]
    except ValueError:
        return ""
    return link


def entries_of(answer: Answer, site: str) -> list[Any]:
    """The entries of a feed as feedparser gives them. Raises `Malformed`, or `Unavailable` for a web page in its place."""
    import feedparser  # 50 ms and 12 MB that a daemon without feeds need not spend

    headers = {"content-type": answer.headers.get("content-type", "")}
    try:
        parsed = feedparser.parse(BytesIO(answer.content), response_headers=headers)
    except Exception:  # noqa: BLE001  # its parsers raise whatever broken input makes them raise
        raise Malformed(f"{site} sent a feed that cannot be read") from None
    if parsed.get("version"):
        if parsed.get("bozo") and not parsed.entries:
            raise Malformed(f"{site} sent a broken feed")
        if parsed.get("bozo") and _cut_off(answer.content):
            raise Malformed(f"{site} sent a feed that ends in the middle")
        return list(parsed.entries)
    if looks_like_html(answer):
        raise Unavailable(f"{site} answered with a web page instead of a feed; it is asked again later")
    raise Malformed(f"{site} answered with something that is neither RSS nor Atom; check url")


def published(entry: Any) -> datetime | None:
    """When it says it was published, else updated; None where it does not say."""
    parsed = entry.get("published_parsed") or entry.get("updated_parsed")
    if parsed is None:
        return None
    try:
        moment = datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        return None
    return moment if moment.year >= 1990 else None


def _cut_off(content: bytes) -> bool:
    """Whether the closing tag is missing: entries behind the cut are not there, and the ETag would hide them for good."""
    end = content.rstrip()[-200:].lower()
    return not any(tag in end for tag in (b"</rss>", b"</feed>", b":rdf>", b"</rdf>", b"</channel>"))


def preset_name(name: str) -> str:
    """As PRESETS spells it; "google_news" and "Google-News" are google-news."""
    return name.strip().lower().replace("_", "-")


def _google_news(words: str, terms: Sequence[str], language: str, country: str) -> str:
    words = words or " OR ".join(f'"{term}"' for term in terms)
    query = quote_plus(words if "when:" in words or "after:" in words else f"{words} when:1d")
    return f"https://news.google.com/rss/search?q={query}&hl={language}&gl={country}&ceid={country}:{language}"


def _as_given(given: str, _terms: Sequence[str], _language: str, _country: str) -> str:
    return given


def _template(template: str) -> Address:
    safe = "" if "?" in template else "/+"  # behind a question mark, + is a space
    return lambda given, _terms, _language, _country: template.format(quote(given, safe=safe))


PRESETS = {
    "google-news": Preset(
        "google_news",
        _google_news,
        key="query",
        is_needed=False,
        pattern=r"[^\x00-\x1f]{1,300}",
        example='"Acme" OR "Acme Home" -casino',
        is_search=True,
        by_headline=True,
    ),
    "google-alerts": Preset("google_alerts", _as_given, key="url", is_search=True),
    "youtube-channel": Preset(
        "youtube",
        _template("https://www.youtube.com/feeds/videos.xml?channel_id={}"),
        key="channel",
        pattern=r"UC[\w-]{22}",
        example="UCxxxxxxxxxxxxxxxxxxxxxx",
        own_ids=True,
        kind="post",
    ),
    "lobsters": Preset(
        "lobsters",
        _template("https://lobste.rs/t/{}.rss"),
        key="tag",
        pattern=r"[a-z0-9+_-]{1,40}",
        example="web",
        kind="post",
        pause=timedelta(minutes=30),  # its operator asks readers by machine to keep away
    ),
    "github-releases": Preset(
        "github",
        _template("https://github.com/{}/releases.atom"),
        key="repository",
        pattern=r"[\w.-]{1,100}/[\w.-]{1,100}",
        example="acme/kettle",
    ),
    "stackoverflow-tag": Preset(
        "stackoverflow",
        _template("https://stackoverflow.com/feeds/tag?tagnames={}&sort=newest"),
        key="tag",
        pattern=r"[a-z0-9.#+-]{1,35}",
        example="acme-sdk",
        kind="post",
    ),
    "subreddit": Preset(
        "reddit",
        _template("https://www.reddit.com/r/{}/new/.rss"),
        key="subreddit",
        pattern=r"\w{2,21}(\+\w{2,21}){0,30}",
        example="kettles",
        own_ids=True,
        kind="post",
        pause=timedelta(minutes=2),  # without a token one feed a minute and address, as reported in June 2026
    ),
}
