"""Reddit's API as a reader: searches, comments, and the look-up of what is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectors.addresses import Guard
from connectors.base import AccessDenied, Known, Looked, Malformed, Mention, Removal, SourceContext
from connectors.reddit_listing import Listed
from connectors.reddit_posts import FULLNAME, PLATFORM, fate, present, row, thing
from connectors.reddit_settings import LOOK_UP, PAGE, RedditSettings
from connectors.secret import read_secret

if TYPE_CHECKING:
    from connectors.reddit_wire import Connection

# Reddit caches listings by their address and may serve an old one (praw#1050), so that the limit changes with each question.
_LIMITS = 30


class Api:
    """Asks with an approved key."""

    def __init__(self, settings: RedditSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context
        self._connection: Connection | None = None
        self._asked = 0

    def search(self, term: str, after: str | None, now: datetime) -> Listed:
        within = self._settings.within
        path = f"/r/{within}/search/" if within else "/search/"
        return self._listing(path, search_params(self._settings, term), after, now)

    def comments(self, after: str | None, now: datetime) -> Listed:
        return self._listing(f"/r/{self._settings.within}/comments/", {}, after, now)

    def recheck(self, posts: Sequence[Known], now: datetime) -> Looked:
        """What of these is still there. What Reddit says nothing of is in neither list: its answer may be incomplete."""
        known = {post.external_id: post for post in posts if FULLNAME.fullmatch(post.external_id)}
        names = list(known)
        there: list[Mention] = []
        removed: list[Removal] = []
        for at in range(0, len(names), LOOK_UP):
            found = self._open().get("/api/info/", {"id": ",".join(names[at : at + LOOK_UP])}, now)
            for data in filter(None, map(thing, children(found))):
                fullname = str(data["name"])
                if fullname not in known:
                    continue
                what = fate(data)
                if what != "there":
                    removed.append(Removal(PLATFORM, external_id=fullname))
                elif (one := present(data)) is not None:
                    there.append(one)
                if what == "account-gone" and (author := known[fullname].author_id):
                    removed.append(Removal(PLATFORM, author_id=author))
        return Looked(tuple(there), tuple(dict.fromkeys(removed)))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _listing(self, path: str, params: Mapping[str, str | int], after: str | None, now: datetime) -> Listed:
        limit = self._settings.page_size
        if limit == PAGE:
            limit -= self._asked % _LIMITS
        self._asked += 1
        asked = {**params, "limit": limit}
        if after is not None:
            asked["after"] = after
        found = self._open().get(path, asked, now)
        shown = children(found)
        rows = tuple(one for child in shown if (one := row(child)) is not None)
        if shown and not rows:
            raise Malformed(
                "Reddit answered with a list in which nothing is a post or comment; its API may have changed"
            )
        onward = found["data"].get("after")
        return Listed(rows, onward if isinstance(onward, str) and FULLNAME.fullmatch(onward) else None)

    def _open(self) -> Connection:
        if self._connection is None:
            # praw takes 125 ms and 25 MB that a daemon without this rung need not spend.
            from connectors.reddit_wire import Connection, Key

            settings = self._settings
            secret = read_secret(settings, "client_secret")
            if not (settings.client_id and secret):
                raise AccessDenied("a key of Reddit's API is both client_id and client_secret_env; set both")
            context = self._context
            self._connection = Connection(
                Key(settings.client_id, secret, context.user_agent, settings.timeout, settings.base_url),
                Guard(context.intranet),
            )
        return self._connection


def search_params(settings: RedditSettings, term: str) -> dict[str, str | int]:
    """How a term is searched for, in the API and in the feeds alike."""
    words = term.replace('"', " ").strip()
    params: dict[str, str | int] = {"q": f'"{words}"', "sort": "new", "t": "all", "include_over_18": "on"}
    return {**params, "restrict_sr": "on"} if settings.within else params


def children(found: Any) -> list[Any]:
    """The posts and comments of a listing. Raises `Malformed` where there is no listing."""
    data = found.get("data") if isinstance(found, dict) else None
    shown = data.get("children") if isinstance(data, dict) else None
    if not isinstance(shown, list):
        raise Malformed("Reddit answered without a list of posts; its API may have changed")
    return shown
