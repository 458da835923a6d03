"""X: recent search, an account's mentions, counts, look-ups and usage, with its limits, its prices and its spellings.

It bills like X: each resource returned, once a UTC day. `clock` is its time of day (without one there is no window and
no lag); `names` is the spelling it speaks: "tweet" as its documents, "post" as its specification since summer 2026.
"""

from __future__ import annotations

import bisect
import json
import re
from collections import Counter, deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.http import Asked, FakeServer, Reply
from tests.fakes.writes import Writes
from tests.fakes.x_search import Post, compiled, stands_alone, words_of

TOKEN = "bearer-of-the-tests"
EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657000, tzinfo=UTC)
WINDOW = timedelta(days=7)
WITHHELD = timedelta(seconds=30)  # a search ends this long before now
PRICES = {"post": 0.005, "owned": 0.001, "user": 0.010, "counts": 0.005, "reply": 0.010, "reply with a link": 0.200}
OWNER = "77"  # id of the account that owns the app
NEW_NAMES = {
    "edit_history_tweet_ids": "edit_history_post_ids",
    "note_tweet": "note_post",
    "referenced_tweets": "referenced_posts",
    "retweet_count": "repost_count",
}
PARAMETERS = frozenset(
    [
        "query",
        "max_results",
        "next_token",
        "pagination_token",
        "start_time",
        "end_time",
        "since_id",
        "until_id",
        "sort_order",
        "expansions",
        "user.fields",
        "ids",
        "granularity",
        "days",
        "id",
    ]
)


class FakeX(Writes, FakeServer):
    def __init__(self, clock: datetime | None = None, names: str = "tweet") -> None:
        super().__init__()
        self.clock = clock
        self.names = names
        self.credits: float | None = None  # USD; None: enough
        self.bills_users = True
        self.dedupes = True  # "a soft guarantee"
        self.bill: Counter[str] = Counter()  # what -> USD
        self.reads = 0  # posts billed
        self.empty_pages = 0  # that come before the next page with posts
        self.replies: deque[Reply] = deque()  # given before anything else
        self.accounts: dict[str, dict[str, Any]] = {}
        self.protected: set[str] = set()
        self.hidden: set[str] = set()  # author ids that come without their user
        self._ids: list[int] = []
        self._posts: dict[int, Post] = {}
        self._known_at: dict[int, datetime] = {}  # when the search knows of it
        self._histories: dict[int, list[int]] = {}  # newest version -> all
        self._gone: set[int] = set()
        self._paid: set[tuple[str, str, str]] = set()
        self._sequence = 0
        self.summons = True  # whether only posts that mention the account may be answered
        self._said: set[tuple[str, str]] = set()
        self._typed: list[str] = []
        self._handles: dict[str, str] = {}
        self.account("acmecare", OWNER)

    @property
    def spent(self) -> float:
        return sum(self.bill.values())

    # What happens on the site

    def account(self, handle: str, number: str = "", followers: int = 12) -> str:
        """The id of this account, which is made where there is none."""
        if handle in self._handles:
            return self._handles[handle]
        one = self._handles[handle] = number or str(1000 + len(self.accounts))
        metrics = {"followers_count": followers, "tweet_count": 5}
        self.accounts[one] = {"id": one, "username": handle, "name": handle.title(), "public_metrics": metrics}
        return one

    def publish(
        self,
        text: str = "Fine kettle by Acme",
        at: datetime | None = None,
        *,
        author: str = "alice",
        lag: timedelta = timedelta(0),
        reply_to: str | None = None,
        lang: str = "en",
        **fields: Any,
    ) -> str:
        """Returns its id. `lag`: how long the search takes to know it. Text over 280 characters becomes a note."""
        at = at or datetime.now(UTC)
        with self.lock:
            one = self._new_id(at)
            mentions = [
                {"username": handle, "id": self.account(handle.lower())}
                for handle in re.findall(r"@(\w+)", text[:5000])
            ]
            post: Post = {
                "id": str(one),
                "text": text if len(text) <= 280 else text[:279] + "…",
                "author_id": self.account(author),
                "created_at": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                "conversation_id": reply_to or str(one),
                "edit_history_tweet_ids": [str(one)],
                "lang": lang,
                "public_metrics": {"like_count": 3, "reply_count": 1, "retweet_count": 2, "quote_count": 0},
            }
            if mentions:
                post["entities"] = {"mentions": mentions}
            if len(text) > 280:
                post["note_tweet"] = {"text": text}
            if reply_to:
                post["referenced_tweets"] = [{"type": "replied_to", "id": reply_to}]
                if int(reply_to) in self._posts:
                    post["in_reply_to_user_id"] = self._posts[int(reply_to)]["author_id"]
            self._add(one, post | fields, at + lag)
            return str(one)

    def edit(self, first: str, text: str, at: datetime | None = None) -> str:
        """Returns the id of the new version; `first` is any of the older ones."""
        with self.lock:
            old = next(newest for newest, history in self._histories.items() if int(first) in history)
            history = self._histories.pop(old)
            at = at or _time(old) + timedelta(milliseconds=500)
            one = self._new_id(at)
            versions = [*history, one]
            post = self._posts[old] | {
                "id": str(one),
                "text": text,
                "created_at": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            }
            self._add(one, post, at)
            self._histories[one] = versions
            for version in versions:
                self._posts[version] = self._posts[version] | {"edit_history_tweet_ids": [str(n) for n in versions]}
            self._ids.remove(old)  # the search gives the newest version
            return str(one)

    def delete(self, one: str) -> None:
        with self.lock:
            for newest, history in self._histories.items():
                if int(one) in history:
                    self._gone.update(history)
                    if newest in self._ids:
                        self._ids.remove(newest)

    def protect(self, handle: str) -> None:
        """The account is shown to its followers only from now on."""
        self.protected.add(self.account(handle))

    def _new_id(self, at: datetime) -> int:
        self._sequence = (self._sequence + 1) % (1 << 22)
        return ((at - EPOCH) // timedelta(milliseconds=1) << 22) + self._sequence

    def _add(self, one: int, post: Post, known_at: datetime) -> None:
        self._posts[one] = post
        self._known_at[one] = known_at
        self._histories[one] = [one]
        bisect.insort(self._ids, one)

    # What it answers

    @property
    def written(self) -> list[str]:
        """What its owner's account has published here, as it was typed."""
        with self.lock:
            return list(self._typed)

    def _create(self, told: dict[str, Any]) -> Reply:
        answered = told["reply"]["in_reply_to_tweet_id"]
        with self.lock:
            above = self._posts.get(int(answered))
            if above is None or int(answered) in self._gone:
                return problem(400, "invalid-request", "You attempted to reply to a Tweet that is deleted")
            if self.summons and f"@{self.accounts[OWNER]['username']}" not in above["text"].lower():
                return problem(403, "not-authorized-for-resource", "Reply to this conversation is not allowed")
            if (told["text"], answered) in self._said:
                return problem(403, "forbidden", "You are not allowed to create a Tweet with duplicate content.")
            self._said.add((told["text"], answered))
            self._typed.append(told["text"])
            self._charge("reply with a link" if "://" in told["text"] else "reply", [str(len(self._typed))])
            shown = re.sub(r"https?://\S+", "https://t.co/aBcDeF1234", told["text"]).replace("&", "&amp;")
            author = self.accounts[above["author_id"]]["username"]
            owner = str(self.accounts[OWNER]["username"])
            one = self.publish(f"@{author} {shown}", self.clock, author=owner, reply_to=answered)
            return Reply.json({"data": {"id": one, "text": shown}}, 201)

    def _own_posts(self, asked: Asked) -> Reply:
        since = _id_at(datetime.fromisoformat(asked.first("start_time")))
        mine = [
            post for one in reversed(self._ids) if one >= since and (post := self._posts[one])["author_id"] == OWNER
        ]
        found = [self._spelt(post) for post in mine[: int(asked.first("max_results"))]]
        self._charge("owned", [post["id"] for post in found])
        return Reply.json({"data": found} if found else {"meta": {"result_count": 0}})

    def answer(self, asked: Asked) -> Reply:
        if asked.method == "POST" and asked.path == "/2/tweets":
            if f'oauth_token="{OWNER}-writes"' not in asked.headers.get("authorization", ""):
                return problem(403, "client-forbidden", "Your client app is not configured with write permissions")
            return self.write(lambda: self._create(json.loads(asked.body)))
        with self.lock:
            if self.replies:
                return self.replies.popleft()
            authorization = asked.headers.get("authorization", "")
            signed = re.search(r'oauth_token="(\d+)-', authorization)
            user = signed[1] if signed else None
            if user is None and authorization != f"Bearer {TOKEN}":
                return problem(401, "unauthorized", "Unauthorized")
            if self.credits is not None and self.spent >= self.credits:
                return problem(402, "credits-depleted", "Your enrolled account does not have any credits")
            fields = f"{self.names}.fields"
            for name in asked.query:
                if name not in PARAMETERS and name != fields:
                    return problem(400, "invalid-request", f"The query parameter [{name}] is not one of those allowed")
            if wrong := self._wrong(asked):
                return problem(400, "invalid-request", wrong)
            mentions = re.fullmatch(r"/2/users/(\d+)/mentions", asked.path)
            if asked.path == "/2/tweets/search/recent":
                return self._listing(asked, compiled(asked.first("query")), "post")
            if mentions:
                owned = user == mentions[1] == OWNER
                handle = self.accounts[mentions[1]]["username"]
                return self._listing(asked, compiled(f"@{handle}"), "owned" if owned else "post", most=800)
            if asked.path == "/2/tweets":
                return self._look_up(asked)
            if asked.path == "/2/tweets/counts/recent":
                return self._counts(asked)
            if asked.path == "/2/usage/tweets":
                day = (self.clock or datetime.now(UTC)).strftime("%Y-%m-%dT00:00:00.000Z")
                return Reply.json(
                    {"data": {"daily_project_usage": {"usage": [{"date": day, "usage": str(self.reads)}]}}}
                )
            if asked.path == f"/2/users/{OWNER}/tweets" and user == OWNER:
                return self._own_posts(asked)
            one = asked.path.removeprefix("/2/users/").replace("me", user or "me")
            if one in self.accounts:
                self._charge("user", [one])
                return Reply.json({"data": self.accounts[one]})
            return problem(404, "resource-not-found", "Not Found")

    def _wrong(self, asked: Asked) -> str:
        """Why X refuses a question, or nothing."""
        query, since = asked.first("query"), asked.first("since_id")
        if len(query) > 512:
            return "The length of the query must be less than or equal to 512"
        if query and "min_faves:" in query:
            return "Reference to invalid operator 'min_faves'"
        if query and not any(stands_alone(word) for word in words_of(query)):
            return "Rules must contain a non-negated stand-alone clause"
        if since and asked.first("start_time"):
            return "'since_id' and 'start_time' cannot both be given"
        size = asked.first("max_results")
        least = 5 if asked.path.endswith("/mentions") else 10
        if size and not least <= int(size) <= 100:
            return f"The `max_results` query parameter value [{size}] is not between {least} and 100"
        if self.clock is not None and "/search/recent" in asked.path:
            begin = self.clock - WINDOW
            for name in ("since_id", "until_id"):
                if asked.first(name) and _time(int(asked.first(name))) < begin:
                    return f"'{name}' must be a tweet id created after {begin:%Y-%m-%dT%H:%MZ}"
            if asked.first("start_time") and datetime.fromisoformat(asked.first("start_time")) < begin:
                return f"Invalid 'start_time': must be on or after {begin:%Y-%m-%dT%H:%MZ}"
        return ""

    def _listing(self, asked: Asked, wanted: Any, price: str, most: int | None = None) -> Reply:
        if self.empty_pages > 0:
            self.empty_pages -= 1
            return Reply.json({"meta": {"result_count": 0, "next_token": asked.first("next_token") or "t0"}})
        since = int(asked.first("since_id") or 0)
        if asked.first("start_time"):
            since = _id_at(datetime.fromisoformat(asked.first("start_time"))) - 1
        if self.clock is not None and price == "post" and most is None:
            since = max(since, _id_at(self.clock - WINDOW) - 1)
        until = int(asked.first("until_id") or 2**63)
        token = (asked.first("next_token") or asked.first("pagination_token")).removeprefix("t")
        until = min(until, int(token) or until) if token else until
        size = int(asked.first("max_results") or 10)
        found: list[Post] = []
        more = False
        matching = 0
        for at in range(bisect.bisect_left(self._ids, until) - 1, -1, -1):
            one = self._ids[at]
            if one <= since:
                break
            if not self._visible(one) or not wanted(self._posts[one], self.accounts):
                continue
            matching += 1
            if most is not None and matching > most:
                break
            if len(found) == size:
                more = True
                break
            found.append(self._posts[one])
        if most is not None and more:
            # The limit counts from the newest of all, not from where this page begins.
            newer = sum(
                wanted(self._posts[one], self.accounts) for one in self._ids[bisect.bisect_left(self._ids, until) :]
            )
            more = newer + len(found) < most
        return self._give(found, more, price)

    def _visible(self, one: int) -> bool:
        if self._posts[one]["author_id"] in self.protected:
            return False
        return self.clock is None or self._known_at[one] <= self.clock - (WITHHELD if self.withholds else timedelta(0))

    withholds = False  # whether the last half minute is held back, as it is by default where no id is given

    def _give(self, found: list[Post], more: bool, price: str) -> Reply:
        body: dict[str, Any] = {"meta": {"result_count": len(found)}}
        if found:
            authors = {post["author_id"]: self.accounts[post["author_id"]] for post in found}
            users = [user for one, user in authors.items() if one not in self.hidden]
            body["data"] = [self._spelt(post) for post in found]
            body["includes"] = {"users": users}
            body["meta"] |= {"newest_id": found[0]["id"], "oldest_id": found[-1]["id"]}
            self._charge(price, [post["id"] for post in found])
            self._charge("user", [user["id"] for user in users])
            if len(users) < len(authors):
                body["errors"] = [
                    {"resource_type": "user", "title": "Forbidden", "type": _type("not-authorized-for-resource")}
                ]
        if more:
            body["meta"]["next_token"] = f"t{found[-1]['id']}"
        return Reply.json(body, x_rate_limit_remaining="299")

    def _look_up(self, asked: Asked) -> Reply:
        ids = asked.first("ids").split(",")
        if not 1 <= len(ids) <= 100 or not all(one.isdigit() for one in ids):
            return problem(400, "invalid-request", "The `ids` query parameter is invalid")
        data, errors = [], []
        for one in ids:
            post = self._posts.get(int(one))
            if post is None or int(one) in self._gone:
                errors.append(
                    {"resource_id": one, "value": one, "type": _type("resource-not-found"), "title": "Not Found Error"}
                )
            elif post["author_id"] in self.protected:
                errors.append(
                    {"resource_id": one, "type": _type("not-authorized-for-resource"), "title": "Authorization Error"}
                )
            else:
                data.append(self._spelt(post))
        self._charge("post", [post["id"] for post in data])
        return Reply.json({name: what for name, what in (("data", data), ("errors", errors)) if what})

    def _counts(self, asked: Asked) -> Reply:
        wanted = compiled(asked.first("query"))
        since = _id_at(self.clock - WINDOW) if self.clock else 0
        ids = self._ids[bisect.bisect_left(self._ids, since) :]
        total = sum(self._visible(one) and wanted(self._posts[one], self.accounts) for one in ids)
        self._charge("counts", [str(len(self._paid))])
        return Reply.json({"data": [], "meta": {f"total_{self.names}_count": total}})

    def _charge(self, what: str, ids: Iterable[str]) -> None:
        if what == "user" and not self.bills_users:
            return
        day = f"{self.clock or datetime.now(UTC):%Y-%m-%d}"
        for one in ids:
            kind = "post" if what == "owned" else what
            if self.dedupes and (day, kind, one) in self._paid:
                continue
            self._paid.add((day, kind, one))
            self.bill[what] += PRICES[what]
            self.reads += kind == "post"

    def _spelt(self, post: Post) -> Post:
        if self.names == "tweet":
            return post
        new = {NEW_NAMES.get(name, name): value for name, value in post.items()}
        new["public_metrics"] = {NEW_NAMES.get(name, name): value for name, value in post["public_metrics"].items()}
        return new


def problem(status: int, kind: str, detail: str, **headers: str) -> Reply:
    """An answer of X that is no success."""
    return Reply.json({"title": kind, "detail": detail, "type": _type(kind), "status": status}, status, **headers)


def _type(kind: str) -> str:
    return f"https://api.x.com/2/problems/{kind}"


def _id_at(at: datetime) -> int:
    return (at - EPOCH) // timedelta(milliseconds=1) << 22


def _time(one: int) -> datetime:
    return EPOCH + (one >> 22) * timedelta(milliseconds=1)
