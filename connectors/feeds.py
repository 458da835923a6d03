"""Which feeds stand in for a search: the presets of the rss connector, and what is known of feed addresses."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

from connectors.base import Kind

_TRACKING = re.compile(r"utm_\w+|fbclid|gclid|mc_[ce]id|ref_src", re.IGNORECASE)

# (argument, terms, language, country) -> address
Address = Callable[[str, Sequence[str], str, str], str]


@dataclass(frozen=True, slots=True)
class Preset:
    """One kind of feed."""

    platform: str
    address: Address
    argument: str = ""  # what the user gives; "url": the whole address
    pattern: str = ""  # what the argument must look like
    example: str = ""
    is_search: bool = False  # the feed is already what a search found: every entry counts
    own_ids: bool = False  # its ids are those of the platform's API, so that a later connector finds the same ones
    by_headline: bool = False
    kind: Kind = "article"

    def check(self, argument: str | None) -> None:
        """Raises ValueError where the argument is missing, not wanted, or of another shape."""
        if self.argument in ("", "url"):
            if argument is not None:
                raise ValueError("this preset takes no argument; remove it")
        elif argument is None or not re.fullmatch(self.pattern, argument):
            raise ValueError(f"this preset needs argument = {self.argument}, for example {self.example!r}")


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


def _google_news(_argument: str, terms: Sequence[str], language: str, country: str) -> str:
    words = " OR ".join(f'"{term}"' for term in terms)
    query = quote_plus(f"{words} when:1d")
    return f"https://news.google.com/rss/search?q={query}&hl={language}&gl={country}&ceid={country}:{language}"


def _as_given(argument: str, _terms: Sequence[str], _language: str, _country: str) -> str:
    return argument


def _template(template: str) -> Address:
    return lambda argument, _terms, _language, _country: template.format(quote(argument, safe="/+"))


PRESETS = {
    "google_news": Preset("google_news", _google_news, is_search=True, by_headline=True),
    "google_alerts": Preset("google_alerts", _as_given, argument="url", is_search=True),
    "youtube_channel": Preset(
        "youtube",
        _template("https://www.youtube.com/feeds/videos.xml?channel_id={}"),
        argument="the channel's id",
        pattern=r"UC[\w-]{22}",
        example="UCxxxxxxxxxxxxxxxxxxxxxx",
        own_ids=True,
        kind="post",
    ),
    "lobsters": Preset(
        "lobsters",
        _template("https://lobste.rs/t/{}.rss"),
        argument="a tag",
        pattern=r"[a-z0-9+_-]{1,40}",
        example="web",
        kind="post",
    ),
    "github_releases": Preset(
        "github",
        _template("https://github.com/{}/releases.atom"),
        argument="owner/name",
        pattern=r"[\w.-]{1,100}/[\w.-]{1,100}",
        example="acme/kettle",
    ),
    "stackoverflow_tag": Preset(
        "stackoverflow",
        _template("https://stackoverflow.com/feeds/tag?tagnames={}&sort=newest"),
        argument="a tag",
        pattern=r"[a-z0-9.#+-]{1,35}",
        example="acme-sdk",
        kind="post",
    ),
    "subreddit": Preset(
        "reddit",
        _template("https://www.reddit.com/r/{}/new/.rss"),
        argument="a subreddit, or several joined by +",
        pattern=r"\w{2,21}(\+\w{2,21}){0,30}",
        example="kettles",
        own_ids=True,
        kind="post",
    ),
}
