"""RSS and Atom: any feed by its address, and presets for the feeds that stand in for a search.

A feed shows its newest N entries and nothing else, so the cursor remembers what was seen. It is asked with ETag and
If-Modified-Since. When every entry is new although the feed was read before, entries may have rolled over unread: that is
a gap marked lost. The bytes are fetched by our own client, never by feedparser, which would open local files as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, field_validator, model_validator

from connectors.base import (
    Author,
    Connector,
    Cursor,
    Gap,
    Kind,
    Mention,
    Page,
    Policy,
    SourceContext,
    SourceSettings,
)
from connectors.feeds import KEYS, PRESETS, Feed, canonical, entries_of, preset_name, published, unwrapped
from connectors.http import Answer, Client
from connectors.secret import read_secret
from connectors.text import fold, label, matcher, mentions, plain, safe_url

PAGE = 100
SEEN_LIMIT = 2_000  # feeds shrink, grow and show old entries again; what they show now is always remembered
SIZE_LIMIT = 5 * 1024 * 1024


class RssSettings(SourceSettings):
    """Keys of an RSS source: `url`, or a `preset` with its key."""

    url: str | None = Field(default=None, description="address of the feed")
    preset: str | None = Field(default=None, description=f"one of: {', '.join(PRESETS)}")
    query: str | None = Field(
        default=None, description="what google-news searches for; default: the brand's names, of the last day"
    )
    channel: str | None = Field(default=None, description="id of the channel (preset youtube-channel)")
    repository: str | None = Field(default=None, description="owner/name (preset github-releases)")
    tag: str | None = Field(default=None, description="a tag (presets lobsters and stackoverflow-tag)")
    subreddit: str | None = Field(default=None, description="a subreddit, or several joined by + (preset subreddit)")
    language: str = Field(default="en", pattern=r"^[a-z]{2}$", description="language of google-news")
    country: str = Field(default="US", pattern=r"^[A-Z]{2}$", description="country of google-news")
    user: str | None = Field(default=None, description="Reddit user whom the feed token belongs to (preset subreddit)")
    token_env: str | None = Field(
        default=None, description="environment variable with the feed token (preset subreddit)"
    )
    token_file: str | None = Field(default=None, description="file with the feed token (preset subreddit)")
    platform: str | None = Field(
        default=None, max_length=40, description="platform of its mentions; default: the preset's, or rss"
    )
    only_terms: bool | None = Field(
        default=None, description="keep entries that name a term; default: only where the preset's feed is not a search"
    )
    terms: tuple[str, ...] = Field(default=(), description="words and phrases; default: the brand's names")

    @field_validator("preset")
    @classmethod
    def _known_preset(cls, value: str | None) -> str | None:
        if value is None or (name := preset_name(value)) in PRESETS:
            return value if value is None else name
        near = get_close_matches(name, PRESETS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"preset {value!r} is unknown{hint} One of: {', '.join(PRESETS)}")

    @model_validator(mode="after")
    def _one_feed(self) -> Self:
        if self.preset is None:
            for key in KEYS:
                if getattr(self, key) is not None:
                    homes = [name for name, preset in PRESETS.items() if preset.key == key]
                    raise ValueError(f"{key} needs a preset: {' or '.join(homes)}")
        wants_url = self.preset is None or PRESETS[self.preset].key == "url"
        if wants_url and not safe_url(self.url):
            raise ValueError("url must be the feed's http:// or https:// address")
        if self.preset is None:
            return self
        if not wants_url and self.url is not None:
            raise ValueError(f"preset {self.preset!r} makes the address itself; remove url or preset")
        PRESETS[self.preset].check(self.preset, {key: getattr(self, key) for key in KEYS})
        if (self.token_env or self.token_file) and not self.user:
            raise ValueError("a feed token belongs to a user; set user")
        return self


class Rss:
    """A source: one feed."""

    def __init__(self, settings: RssSettings, context: SourceContext) -> None:
        self._settings = settings
        self._preset = PRESETS[settings.preset] if settings.preset else None
        self._terms = settings.terms or context.terms
        only = settings.only_terms
        if only is None:
            only = self._preset is not None and not self._preset.is_search
        self._pattern = matcher(self._terms) if only else None
        self._platform = settings.platform or (self._preset.platform if self._preset else "rss")
        self._user_agent = context.user_agent
        self._intranet = context.intranet
        self._client: Client | None = None
        self._asked: datetime | None = None

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        if self._asked is not None and now - self._asked < self._pause():
            return
        feed = self._feed()
        client = self._open(feed)
        seen: dict[str, int] = {}
        headers = {"Accept": "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.5"}
        before: Mapping[str, Any] = {}
        # Another feed under the same name starts anew; its entries are unknown without any having been missed.
        if cursor and cursor["feed"] == feed.fingerprint:
            before = cursor
            seen = dict(cursor["seen"])
            headers |= {name: cursor[key] for name, key in _CONDITIONS.items() if cursor.get(key)}
        answer = client.get(feed.address, now, headers=headers)
        self._asked = now
        if answer.status == 304:
            return
        entries = entries_of(answer, client.site)
        yield from self._pages(entries, answer, feed, before, seen, now)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _pages(
        self,
        entries: list[Any],
        answer: Answer,
        feed: Feed,
        before: Mapping[str, Any],
        seen: dict[str, int],
        now: datetime,
    ) -> Iterator[Page]:
        """Oldest entries first; the conditions of the next question stand behind the last page only."""
        keyed = {self._id(entry, feed): entry for entry in reversed(entries)}
        keyed.pop("", None)
        new = [(key, entry) for key, entry in keyed.items() if _short(key) not in seen]
        # Entries leave a feed by age too, so it only counts as rolled over when it is as full as it ever was.
        most = max(before.get("most", 0), len(keyed))
        gaps: tuple[Gap, ...] = ()
        if before.get("seen") and new and len(new) == len(keyed) >= before.get("most", 0):
            since = datetime.fromtimestamp(before["newest"], UTC)
            until = min(_published(entry, now) for _, entry in new)
            gaps = (Gap(min(since, until), until, "rolled-over", lost=True),)
        newest = before.get("newest", 0)
        chunks = [new[at : at + PAGE] for at in range(0, len(new), PAGE)] or [[]]
        for number, chunk in enumerate(chunks, 1):
            found = []
            for key, entry in chunk:
                moment = _published(entry, now)
                newest = max(newest, int(moment.timestamp()))
                seen[_short(key)] = int(now.timestamp())
                one = self._mention(key, entry, feed, moment)
                if one is not None:
                    found.append(one)
            place: dict[str, Any] = {"feed": feed.fingerprint, "seen": dict(seen), "newest": newest, "most": most}
            if number == len(chunks):
                now_shown = {_short(key) for key in keyed}
                place["seen"] = _bounded(seen, now_shown)
                place |= {key: label(answer.headers.get(name, "")) for key, name in _VALIDATORS.items()}
            yield Page(tuple(found), place, gaps, scanned=len(chunk))

    def _mention(self, key: str, entry: Any, feed: Feed, moment: datetime) -> Mention | None:
        title = label(plain(_text(entry.get("title"))))
        body = max((plain(_text(part.get("value"))) for part in entry.get("content", [])), key=len, default="")
        text = body or plain(_text(entry.get("summary"))) or title
        link = safe_url(unwrapped(_text(entry.get("link"))))
        if not text or not mentions(self._pattern, text, title, link):
            return None
        author = label(entry.get("author")) or label(_text(entry.get("source", {}).get("title")))
        kind: Kind = self._preset.kind if self._preset else "article"
        return Mention(
            platform=self._platform,
            external_id=key,
            text=text,
            published_at=moment,
            author=self._author(author, feed),
            url=link,
            title=title,
            kind=kind,
            lang=label(entry.get("language"), 20) or None,
        )

    def _author(self, name: str, feed: Feed) -> Author:
        """Whoever is named. Two entries without a name are not one author's, nor is "Anna" of two blogs one person."""
        if self._preset is not None or not name:
            return Author(name.removeprefix("/u/"), name=name or feed.host)
        return Author(f"{feed.host}:{name}", name=name)

    def _id(self, entry: Any, feed: Feed) -> str:
        """What makes an entry the same one: guid or link; for Google News its headline and paper, as its links change."""
        title = fold(plain(_text(entry.get("title"))))
        if self._preset is not None and self._preset.by_headline and title:
            source = fold(_text(entry.get("source", {}).get("title")))
            return (
                "headline:" + hashlib.blake2b(f"{title}\n{source}".encode(errors="replace"), digest_size=12).hexdigest()
            )
        one = label(entry.get("id"), 500) or canonical(_text(entry.get("link")))
        if not one:
            content = title + _text(entry.get("summary"))
            one = "h" + hashlib.blake2b(content.encode(errors="replace"), digest_size=12).hexdigest() if content else ""
        if not one or (self._preset is not None and self._preset.own_ids):
            return one
        # A guid like "17" is unique within its feed only.
        return one if ":" in one else f"{feed.host}:{one}"

    def _pause(self) -> timedelta:
        """How long a preset's site is left alone, however often this source is polled."""
        has_token = self._settings.token_env or self._settings.token_file
        return timedelta(0) if self._preset is None or has_token else self._preset.pause

    def _feed(self) -> Feed:
        settings = self._settings
        token = read_secret(settings, "token")
        if self._preset is not None and self._preset.key != "url":
            given = getattr(settings, self._preset.key) or ""
            address = self._preset.address(given, self._terms, settings.language, settings.country)
            if settings.base_url:
                base, path = urlsplit(settings.base_url), urlsplit(address)
                address = urlunsplit((base.scheme, base.netloc, path.path, path.query, ""))
        else:
            address = settings.url or ""
        return Feed.of(address, token, settings.user)

    def _open(self, feed: Feed) -> Client:
        if self._client is None:
            timeout = self._settings.timeout
            self._client = Client(
                feed.host, feed.address, self._user_agent, timeout, size_limit=SIZE_LIMIT, intranet=self._intranet
            )
        return self._client


_CONDITIONS = {"If-None-Match": "etag", "If-Modified-Since": "modified"}
_VALIDATORS = {"etag": "ETag", "modified": "Last-Modified"}


def _published(entry: Any, now: datetime) -> datetime:
    """When it says it was published, never later than now; now where it does not say."""
    moment = published(entry)
    return now if moment is None else min(moment, now)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _short(key: str) -> str:
    return hashlib.blake2b(key.encode(errors="replace"), digest_size=8).hexdigest()


def _bounded(seen: Mapping[str, int], shown: set[str]) -> dict[str, int]:
    """What the feed shows now, and the latest of what it showed before."""
    gone = sorted((key for key in seen if key not in shown), key=lambda key: seen[key], reverse=True)
    keep = shown | set(gone[: max(0, SEEN_LIMIT - len(shown))])
    return {key: at for key, at in seen.items() if key in keep}


connector = Connector(
    name="rss",
    summary="RSS and Atom feeds: blogs, news, alerts, YouTube channels, subreddits by feed token",
    settings=RssSettings,
    open=Rss,
    every=timedelta(minutes=15),
    credentials="none; a personal feed token for the preset subreddit",
    policy=Policy(note="feeds cannot be looked up again: deletions upstream are not seen"),
)
