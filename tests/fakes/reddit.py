"""Reddit: the token endpoint, searches, comments, look-ups and feeds, with what makes its listings hard to read.

Listings are newest first, hold 1,000 posts at most, go on behind a fullname (`after`) and give an empty page where that post
has left them. `replay` shows an old post among new ones; `cached` freezes the answers to an address; `remaining` counts down
the limit in the headers; `missing`, `private` and `banned` are subreddits that cannot be read.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlencode

from tests.fakes.http import Asked, FakeServer, Reply
from tests.fakes.writes import Writes

CLIENT_ID, SECRET = "client-of-the-tests", "s3cret-of-the-key"
USER, FEED_TOKEN = "reader", "s3cret-of-the-feed"
ACCOUNT, REFRESH_TOKEN = "acmecare", "s3cret-of-the-account"

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass
class Thing:
    fullname: str
    at: datetime
    subreddit: str
    author: str | None
    title: str  # empty: a comment
    text: str
    link: str = ""
    parent: str = ""
    gone: bool = False  # out of the listings; a look-up still shows what is left of it
    more: dict[str, Any] = field(default_factory=dict)


class FakeReddit(Writes, FakeServer):
    def __init__(self, *, pages_feeds: bool = True) -> None:
        super().__init__()
        self.things: dict[str, Thing] = {}
        self.listing_end = 1000
        self.replayed: dict[str, int] = {}  # fullname -> place in the listing at which it is shown (again)
        self.cached = False  # answers to an address that was asked before do not change any more
        self.remaining: int | None = None  # requests left in the window; None: no headers
        self.reset = 300  # seconds until the window ends
        self.key_is_known = True
        self.missing: set[str] = set()
        self.private: set[str] = set()
        self.banned: set[str] = set()
        self.pages_feeds = pages_feeds  # whether feeds go on behind `after`
        self.tokens_given = 0
        self.comment_error = ""  # the code with which a comment is refused
        self._tokens: set[str] = set()
        self._may_write: set[str] = set()  # those of them that are the account's
        self._refusals = 0
        self._cache: dict[str, Reply] = {}
        self._next_id = 1_000_000

    # What happens there

    def post(
        self,
        text: str = "The Acme kettle is fine.",
        at: datetime | None = None,
        *,
        title: str = "About Acme",
        author: str | None = "alice",
        subreddit: str = "kettles",
        link: str = "",
        **more: Any,
    ) -> str:
        """Returns the fullname."""
        return self._publish("t3", at, subreddit, author, title, text, link, "", more)

    def comment(
        self,
        text: str = "My Acme broke.",
        at: datetime | None = None,
        *,
        author: str | None = "bob",
        subreddit: str = "kettles",
        parent: str = "t3_zz",
        **more: Any,
    ) -> str:
        return self._publish("t1", at, subreddit, author, "", text, "", parent, more)

    def delete(self, fullname: str) -> None:
        """By its author: the text and the name go, and the post leaves the listings."""
        with self.lock:
            thing = self.things[fullname]
            thing.text, thing.author, thing.gone = "[deleted]", None, True

    def remove(self, fullname: str) -> None:
        """By a moderator."""
        with self.lock:
            thing = self.things[fullname]
            thing.text, thing.gone = "[removed]", True
            thing.more["removed_by_category"] = "moderator"

    def delete_account(self, name: str) -> None:
        """Its posts stay, without a name."""
        with self.lock:
            for thing in self.things.values():
                thing.author = None if thing.author == name else thing.author

    def vanish(self, fullname: str) -> None:
        """Without a trace."""
        with self.lock:
            del self.things[fullname]

    def edit(self, fullname: str, text: str) -> None:
        with self.lock:
            thing = self.things[fullname]
            thing.text = text
            thing.more["edited"] = thing.at.timestamp() + 60

    def replay(self, fullname: str, place: int = 0) -> None:
        with self.lock:
            self.replayed[fullname] = place

    def revoke_tokens(self) -> None:
        """Tokens that were given end before their time; the key stays good."""
        with self.lock:
            self._tokens.clear()

    def fail_next(self, kind: str, times: int = 1, *, retry_after: str | int | None = None) -> None:
        """A key that is refused with 401 is refused for its token first, and for a new token then."""
        if kind != "401":
            super().fail_next(kind, times, retry_after=retry_after)
            return
        with self.lock:
            self._refusals += times

    def mend(self) -> None:
        super().mend()
        with self.lock:
            self._refusals = 0

    # What it answers

    @property
    def written(self) -> list[str]:
        """The account's comments."""
        with self.lock:
            return [thing.text for thing in self.things.values() if thing.author == ACCOUNT]

    def _comment(self, told: dict[str, list[str]]) -> Reply:
        with self.lock:
            parent = self.things.get(told["thing_id"][0])
            code = self.comment_error or ("" if parent else "DELETED_LINK")
            if code or parent is None:
                return Reply.json({"json": {"errors": [[code, "that does not work", "parent"]]}})
            name = self.comment(told["text"][0], author=ACCOUNT, subreddit=parent.subreddit, parent=parent.fullname)
            return Reply.json({"json": {"errors": [], "data": {"things": [_json(self.things[name])]}}})

    def answer(self, asked: Asked) -> Reply:
        if asked.method == "POST" and asked.path == "/api/comment/":
            if asked.headers.get("authorization", "").removeprefix("bearer ") not in self._may_write & self._tokens:
                return Reply.json({"message": "Unauthorized", "error": 401}, 401)
            return self.write(lambda: self._comment(parse_qs(asked.body.decode())))
        with self.lock:
            address = f"{asked.path}?{urlencode(sorted(asked.query.items()), doseq=True)}"
            if self.cached and address in self._cache:
                return self._cache[address]
            reply = self._answer(asked)
            if reply.status == 200 and asked.method == "GET":
                self._cache[address] = reply
            return reply

    def _answer(self, asked: Asked) -> Reply:
        if asked.path == "/api/v1/access_token":
            return self._token(asked)
        if asked.path.endswith(".rss"):
            return self._feed(asked)
        if self._refusals or asked.headers.get("authorization", "").removeprefix("bearer ") not in self._tokens:
            return Reply.json({"message": "Unauthorized", "error": 401}, 401)
        reply = self._api(asked)
        if self.remaining is None:
            return reply
        if self.remaining <= 0:
            return Reply(429, b"", {"x-ratelimit-reset": str(self.reset)})
        self.remaining -= 1
        used = {"x-ratelimit-used": str(100 - self.remaining), "x-ratelimit-remaining": f"{self.remaining}.0"}
        return Reply(reply.status, reply.body, {**reply.headers, **used, "x-ratelimit-reset": str(self.reset)})

    def _token(self, asked: Asked) -> Reply:
        wanted = "Basic " + base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
        if self._refusals or not self.key_is_known or asked.headers.get("authorization") != wanted:
            self._refusals = max(0, self._refusals - 1)
            return Reply.json({"message": "Unauthorized", "error": 401}, 401)
        told = parse_qs(asked.body.decode())
        if told.get("grant_type") not in (["client_credentials"], ["refresh_token"]):
            return Reply.json({"error": "unsupported_grant_type"})
        if told.get("refresh_token", [REFRESH_TOKEN]) != [REFRESH_TOKEN]:
            return Reply.json({"message": "Bad Request", "error": 400}, 400)
        self.tokens_given += 1
        token = f"token-{self.tokens_given}"
        if "refresh_token" in told:
            self._may_write.add(token)
        self._tokens.add(token)
        return Reply.json({"access_token": token, "token_type": "bearer", "expires_in": 86_400, "scope": "*"})

    def _api(self, asked: Asked) -> Reply:
        if asked.path == "/api/v1/me":
            return Reply.json({"name": ACCOUNT, "id": "acme1"})
        if asked.path == f"/user/{ACCOUNT}/comments/":
            own = [thing for thing in self.things.values() if thing.author == ACCOUNT]
            own.sort(key=lambda thing: thing.at, reverse=True)
            return Reply.json(_listing([_json(thing) for thing in own[: int(asked.first("limit"))]], None))
        if asked.path == "/api/info/":
            names = asked.first("id").split(",")
            assert len(names) <= 100
            found = [self.things[name] for name in names if name in self.things]
            return Reply.json(_listing([_json(thing) for thing in found], None))
        refused = self._refused(asked)
        if refused is not None:
            return refused
        shown, onward = self._page(asked)
        return Reply.json(_listing([_json(thing) for thing in shown], onward))

    def _feed(self, asked: Asked) -> Reply:
        if self._refusals:
            self._refusals -= 1
            return Reply(401)
        if (asked.first("feed"), asked.first("user")) != (FEED_TOKEN, USER):
            return Reply(403)
        if asked.path == "/subreddits/search.rss":
            return _atom(["<entry><id>t5_2qh1i</id><title>Kettles</title></entry>"])
        refused = self._refused(asked)
        if refused is not None:
            return refused
        if not self.pages_feeds:
            asked = Asked("GET", asked.path, {**asked.query, "after": [""]}, asked.headers)
        return _atom([_entry(thing) for thing in self._page(asked)[0]])

    def _refused(self, asked: Asked) -> Reply | None:
        parts = asked.path.split("/")
        names = set(parts[2].split("+")) if parts[1] == "r" else set()
        if names and names <= self.missing:
            ending = ".rss" if asked.path.endswith(".rss") else ""
            query = urlencode({"q": parts[2]} | {name: asked.first(name) for name in ("feed", "user") if ending})
            return Reply(302, b"", {"Location": f"/subreddits/search{ending}?{query}"})
        if names & self.private:
            return Reply.json({"reason": "private", "message": "Forbidden", "error": 403}, 403)
        if names & self.banned:
            return Reply.json({"reason": "banned", "message": "Not Found", "error": 404}, 404)
        return None

    def _page(self, asked: Asked) -> tuple[list[Thing], str | None]:
        parts = asked.path.strip("/").split("/")
        names = set(parts[1].split("+")) if parts[0] == "r" else None
        kind = "t1" if "comments" in parts else "t3"
        words = asked.first("q").strip('"').casefold()
        found = [
            thing
            for thing in self.things.values()
            if thing.fullname.startswith(kind)
            and not thing.gone
            and (names is None or thing.subreddit in names)
            and words in f"{thing.title} {thing.text} {thing.link}".casefold()
        ]
        found.sort(key=lambda thing: (thing.at, thing.fullname), reverse=True)
        for fullname, place in self.replayed.items():
            if (thing := self.things[fullname]) in found:
                found.remove(thing)
                found.insert(place, thing)
        found = found[: self.listing_end]
        limit, after = min(int(asked.first("limit", "25")), 100), asked.first("after")
        if after:
            at = [thing.fullname for thing in found]
            found = found[at.index(after) + 1 :] if after in at else []
        shown = found[:limit]
        return shown, shown[-1].fullname if len(found) > limit else None

    def _publish(
        self,
        kind: str,
        at: datetime | None,
        subreddit: str,
        author: str | None,
        title: str,
        text: str,
        link: str,
        parent: str,
        more: dict[str, Any],
    ) -> str:
        with self.lock:
            self._next_id += 1
            fullname = f"{kind}_{_base36(self._next_id)}"
            at = at or datetime.now(UTC)
            self.things[fullname] = Thing(fullname, at, subreddit, author, title, text, link, parent, False, dict(more))
            return fullname


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, last = divmod(number, 36)
        digits = _DIGITS[last] + digits
    return digits


def _listing(children: list[dict[str, Any]], after: str | None) -> dict[str, Any]:
    data = {"after": after, "before": None, "dist": len(children), "modhash": "", "children": children}
    return {"kind": "Listing", "data": data}


def _json(thing: Thing) -> dict[str, Any]:
    kind, one = thing.fullname.split("_")
    data: dict[str, Any] = {
        "id": one,
        "name": thing.fullname,
        "author": thing.author or "[deleted]",
        "subreddit": thing.subreddit,
        "created_utc": float(int(thing.at.timestamp())),
        "edited": False,
        "score": 7,
        "permalink": _permalink(thing),
    }
    if thing.author is not None:
        data["author_fullname"] = "t2_" + thing.author
    if kind == "t3":
        data |= {"title": thing.title, "selftext": thing.text, "url": thing.link or "https://www.reddit.com/x"}
        data |= {"num_comments": 3, "removed_by_category": None, "is_self": not thing.link}
    else:
        data |= {"body": thing.text, "parent_id": thing.parent, "link_id": "t3_zz", "link_title": "A thread on Acme"}
    return {"kind": kind, "data": data | thing.more}


def _permalink(thing: Thing) -> str:
    kind, one = thing.fullname.split("_")
    return f"/r/{thing.subreddit}/comments/" + (f"{one}/about/" if kind == "t3" else f"zz/a_thread/{one}/")


def _entry(thing: Thing) -> str:
    text = "".join(f"<p>{escape(part)}</p>" for part in thing.text.split("\n\n")) if thing.text else ""
    content = f'<!-- SC_OFF --><div class="md">{text}</div><!-- SC_ON -->' if text else ""
    link = f"https://www.reddit.com{_permalink(thing)}"
    title = thing.title or f"/u/{thing.author} on A thread on Acme"
    if thing.title:
        content += (
            f' &#32; submitted by &#32; <a href="https://www.reddit.com/user/{thing.author}"> /u/{thing.author} </a>'
            f' <br/> <span><a href="{escape(thing.link or link)}">[link]</a></span>'
            f' &#32; <span><a href="{link}">[comments]</a></span>'
        )
    author = f"<author><name>/u/{thing.author}</name></author>" if thing.author else ""
    at = thing.at.isoformat(timespec="seconds")
    return (
        f'<entry>{author}<category term="{thing.subreddit}"/><content type="html">{escape(content)}</content>'
        f'<id>{thing.fullname}</id><link href="{link}"/><updated>{at}</updated>'
        f"<published>{at}</published><title>{escape(title)}</title></entry>"
    )


def _atom(entries: list[str]) -> Reply:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom"><id>/r/kettles</id>'
        f"<title>kettles</title>{''.join(entries)}</feed>"
    )
    return Reply(
        200,
        body.encode("utf-8", errors="xmlcharrefreplace"),
        {"Content-Type": "application/atom+xml; charset=UTF-8"},
    )
