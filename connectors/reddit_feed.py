"""Reddit's feeds as a reader, with the personal token of reddit.com/prefs/feeds: the same posts, without a key.

Feeds say neither how a post scored nor whether one is still there. Whether they go on behind a post is not promised;
`connectors.reddit_listing` notices where they do not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import unescape
from typing import Any
from urllib.parse import urlencode

from connectors.base import (
    AccessDenied,
    Author,
    ConnectorError,
    Gone,
    Known,
    Looked,
    Malformed,
    Mention,
    SourceContext,
)
from connectors.feeds import Feed, entries_of, published
from connectors.http import Answer, Client, looks_like_html
from connectors.reddit_api import search_params
from connectors.reddit_listing import Listed
from connectors.reddit_posts import FULLNAME, PLATFORM, SITE, Row, author_of, is_gone
from connectors.reddit_settings import RedditSettings
from connectors.secret import read_secret
from connectors.text import label, plain, safe_url

LEAST = 25  # entries a full feed has; a shorter one is the last

_ACCEPT = {"Accept": "application/atom+xml, application/xml;q=0.9, */*;q=0.5"}
_FOOT = re.compile(r"\s*submitted by\s+/?u/\S+(?:\s+to\s+/?r/\S+)?\s+\[link\]\s+\[comments\]\s*$")
_LINK = re.compile(r'<a href="([^"<>\s]{1,2000})">\s*\[link\]')
_THREAD = re.compile(r"/comments/([0-9a-z]{1,13})(?:/|$)")


class Feeds:
    """Asks as the feed reader of one user."""

    def __init__(self, settings: RedditSettings, context: SourceContext) -> None:
        self._settings = settings
        base = settings.base_url or SITE
        self._base = base.rstrip("/")
        self._client = Client(
            "Reddit", base, context.user_agent, settings.timeout, explain=self._explain, intranet=context.intranet
        )

    def search(self, term: str, after: str | None, now: datetime) -> Listed:
        within = self._settings.within
        path = f"/r/{within}/search.rss" if within else "/search.rss"
        return self._listing(path, search_params(self._settings, term), after, now)

    def comments(self, after: str | None, now: datetime) -> Listed:
        return self._listing(f"/r/{self._settings.within}/comments/.rss", {}, after, now)

    def recheck(self, posts: Sequence[Known], now: datetime) -> Looked:
        """Nothing: a feed does not say what became of a post."""
        return Looked()

    def close(self) -> None:
        self._client.close()

    def _listing(self, path: str, params: Mapping[str, str | int], after: str | None, now: datetime) -> Listed:
        settings = self._settings
        token = read_secret(settings, "token")
        if not (settings.user and token):
            raise AccessDenied("Reddit's feeds need user and token_env; both are at reddit.com/prefs/feeds")
        asked = {**params, "limit": settings.page_size} | ({"after": after} if after else {})
        feed = Feed.of(f"{self._base}{path}?{urlencode(asked)}", token, settings.user)
        answer = self._client.get(feed.address, now, headers=_ACCEPT)
        shown = entries_of(answer, self._client.site)
        if shown and all(str(entry.get("id")).startswith("t5_") for entry in shown):
            # A subreddit that does not exist leads to a search for subreddits.
            raise Gone(f"Reddit has no r/{settings.within}; change subreddits")
        rows = tuple(one for entry in shown if (one := _row(entry)) is not None)
        if shown and not rows:
            raise Malformed("Reddit sent a feed in which nothing is a post or comment")
        return Listed(rows, rows[-1].fullname if len(shown) >= min(settings.page_size, LEAST) else None)

    def _explain(self, answer: Answer, now: datetime) -> ConnectorError | None:
        within = self._settings.within
        name = f"r/{within}" if within else "the search"
        if answer.status in (401, 403):
            return AccessDenied(
                f"Reddit refuses the feed of {name} ({answer.status}): check user and token_env against "
                "reddit.com/prefs/feeds, and that this user may read it"
            )
        if answer.status == 404 and within and not looks_like_html(answer):
            return Gone(f"Reddit has no {name} (404): there is none of that name, or it is banned; change subreddits")
        return None


def _row(entry: Any) -> Row | None:
    fullname, at = label(entry.get("id")), published(entry)
    if not FULLNAME.fullmatch(fullname) or at is None:
        return None
    content = max((str(part.get("value") or "") for part in entry.get("content", [])), key=len, default="")
    content = content or str(entry.get("summary") or "")
    link = _LINK.search(content)
    return Row(fullname, at, _mention(entry, fullname, at, content), safe_url(unescape(link[1])) if link else "")


def _mention(entry: Any, fullname: str, at: datetime, content: str) -> Mention | None:
    is_post = fullname.startswith("t3_")
    title = label(plain(str(entry.get("title") or ""))) if is_post else ""
    text = _FOOT.sub("", plain(content)) or title
    author, url = author_of(entry.get("author")), safe_url(entry.get("link"))
    if not (text and author) or is_gone(text) or is_gone(title):
        return None
    thread = _THREAD.search(url)
    return Mention(
        platform=PLATFORM,
        external_id=fullname,
        text=text,
        published_at=at,
        author=Author(author, author),
        url=url,
        title=title,
        kind="post" if is_post else "comment",
        thread_id=fullname if is_post else f"t3_{thread[1]}" if thread else None,
    )
