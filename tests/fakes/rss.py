"""A feed: shows its newest N entries as RSS or Atom, knows ETag, hides its address from nobody."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Any

from tests.fakes.http import Asked, FakeServer, Reply


class FakeFeed(FakeServer):
    """Any path answers with the same feed."""

    def __init__(self, window: int = 20, *, atom: bool = False) -> None:
        super().__init__()
        self.window = window
        self.atom = atom
        self.entries: list[dict[str, Any]] = []  # oldest first
        self._next_id = 0

    def publish(
        self,
        text: str = "<p>The Acme kettle is fine.</p>",
        at: datetime | None = None,
        *,
        title: str = "About Acme",
        guid: str | None = None,
        link: str | None = None,
        dated: bool = True,
        author: str = "Alice",
        source: str = "",
    ) -> str:
        """Returns the guid."""
        with self.lock:
            self._next_id += 1
            one = f"https://blog.example/?p={self._next_id}" if guid is None else guid
            self.entries.append(
                {
                    "guid": one,
                    "link": link or f"https://blog.example/{self._next_id}",
                    "title": title,
                    "text": text,
                    "at": (at or datetime.now(UTC)) if dated else None,
                    "author": author,
                    "source": source,
                }
            )
            return one

    def delete(self, guid: str) -> None:
        with self.lock:
            self.entries = [entry for entry in self.entries if entry["guid"] != guid]

    def edit(self, guid: str, text: str) -> None:
        with self.lock:
            for entry in self.entries:
                if entry["guid"] == guid:
                    entry["text"] = text

    def answer(self, asked: Asked) -> Reply:
        with self.lock:
            shown = self.entries[::-1][: self.window]
            body = (_atom(shown) if self.atom else _rss(shown)).encode("utf-8", errors="xmlcharrefreplace")
        tag = f'"{hashlib.blake2b(body, digest_size=6).hexdigest()}"'
        if asked.headers.get("if-none-match") == tag:
            return Reply(304, b"", {"ETag": tag})
        kind = "application/atom+xml" if self.atom else "application/rss+xml"
        return Reply(200, body, {"Content-Type": f"{kind}; charset=utf-8", "ETag": tag})


def _rss(entries: list[dict[str, Any]]) -> str:
    parts = []
    for entry in entries:
        date = f"<pubDate>{format_datetime(entry['at'])}</pubDate>" if entry["at"] else ""
        source = f'<source url="https://paper.example">{escape(entry["source"])}</source>' if entry["source"] else ""
        guid = f'<guid isPermaLink="false">{escape(entry["guid"])}</guid>' if entry["guid"] else ""
        parts.append(
            f"<item>{guid}<link>{escape(entry['link'])}</link><title>{escape(entry['title'])}</title>{date}{source}"
            f"<author>{escape(entry['author'])}</author><description>{escape(entry['text'])}</description></item>"
        )
    head = "<title>A blog</title><link>https://blog.example</link><description>Blog</description>"
    return f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>{head}{"".join(parts)}</channel></rss>'


def _atom(entries: list[dict[str, Any]]) -> str:
    parts = [
        f"<entry><id>{escape(entry['guid'])}</id><title>{escape(entry['title'])}</title>"
        f'<link href="{escape(entry["link"])}"/><author><name>{escape(entry["author"])}</name></author>'
        f"<published>{entry['at'].isoformat() if entry['at'] else ''}</published>"
        f'<content type="html">{escape(entry["text"])}</content></entry>'
        for entry in entries
    ]
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><title>A blog</title>'
        f"<id>https://blog.example</id>{''.join(parts)}</feed>"
    )
