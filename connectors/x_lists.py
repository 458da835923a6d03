"""The listings of X that a source reads, and the desk through which it asks and pays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.base import AccessDenied, Cursor, Malformed, SourceContext
from connectors.secret import read_secret
from connectors.text import label
from connectors.x_client import SITE, Client, Keys
from connectors.x_posts import PLATFORM, Found, Own, is_id, posts_of, time_of, users_of
from connectors.x_query import Query, is_handle
from connectors.x_settings import LEAST, USER_KEYS, XSettings
from connectors.x_spend import OWNED_POST, POST, USER, Price, Till
from connectors.x_walk import Batch

# Of the search. It refuses a since_id or start_time beyond seven days; two minutes keep clear of a clock that is behind.
WINDOW = timedelta(days=7) - timedelta(minutes=2)
LEAST_MENTIONS = 5
MOST_MENTIONS = 800  # that a mentions timeline gives (docs: posts/timelines/introduction)
FIRST = 25  # posts asked for at the top: what is set aside for them is not there for the account's other sources
EMPTY_PAGES = 20  # in a row, with more behind them, before the poll gives up; they are free

Question = Callable[[int, str | None], Mapping[str, Any]]  # (how many posts, page token) -> the answer


@dataclass(frozen=True, slots=True)
class Account:
    """The own account whose mentions are read."""

    id: str
    handle: str  # in lower case
    is_owner: bool  # asked with its own keys, so at the price of owned reads


@dataclass(frozen=True, slots=True)
class Listing:
    """What kind of listing is asked."""

    price: Price  # of a post
    least: int  # posts that X lets us ask for
    to_us: bool = False  # whether every post mentions the brand's account


class Desk:
    """Where one source asks X, and pays. Opens its client, and reads secrets, when first asked."""

    def __init__(self, settings: XSettings, context: SourceContext) -> None:
        self.settings = settings
        self.till = Till(context.purse)
        handles = (name.partition(":") for name in context.own_accounts)
        self.own_handles = frozenset(
            handle.lstrip("@").casefold() for platform, _, handle in handles if platform.casefold() == PLATFORM
        )
        self._user_agent = context.user_agent
        self._client: Client | None = None
        self._as_user: str | None = None  # id of the user whose keys there are
        self._account: Account | None = None

    @property
    def client(self) -> Client:
        if self._client is None:
            user = [secret for key in USER_KEYS if (secret := read_secret(self.settings, key)) is not None]
            keys = Keys(read_secret(self.settings, "token"), (user[0], user[1], user[2], user[3]) if user else None)
            if keys.user is not None:
                self._as_user = keys.user[2].partition("-")[0]  # an access token begins with the number of its account
            self._client = Client(keys, self.settings.base_url, self._user_agent, self.settings.timeout)
        return self._client

    def close(self) -> None:
        """Release sockets. Idempotent."""
        if self._client is not None:
            self._client.close()

    def account(self, cursor: Cursor | None, now: datetime) -> Account | None:
        """The account whose mentions are read. Its handle is asked for once, a user read, and then kept in the cursor."""
        if not self.settings.mentions and self.settings.account_id is None:
            return None
        client = self.client
        wanted = self.settings.account_id or self._as_user or ""
        if not is_id(wanted):
            raise AccessDenied(
                "access_token does not begin with the number of its account; copy it anew from X's developer console"
            )
        if self._account is None:
            kept = (cursor or {}).get("account")
            known = isinstance(kept, dict) and kept.get("id") == wanted
            handle = kept["handle"] if known and kept is not None else self._handle(client, wanted, now)
            self._account = Account(wanted, handle, wanted == self._as_user)
        return self._account

    def batch(self, listing: Listing, until: int | None, own: Own, now: datetime, question: Question) -> Batch:
        """One page of a listing, as large as settings and purse allow; small at the top (`until` None).

        X filters after counting, so a page may be empty with more behind it; those are passed over.
        """
        price = listing.price
        most = {price: 1, USER: 1} if self.settings.count_authors else {price: 1}
        wanted = min(self.settings.page_size, FIRST) if until is None else self.settings.page_size
        token: str | None = None
        for _ in range(EMPTY_PAGES):
            size = self.till.affordable(most, wanted, listing.least, now)
            with self.till.paying(dict.fromkeys(most, size), now) as bill:
                answer = question(size, token)
                posts = posts_of(answer, own, to_us=listing.to_us)
                bill.add(price, [str(post.id) for post in posts])
                bill.add(USER, users_of(answer))
            meta = answer.get("meta")
            token = label(meta.get("next_token"), 2000) if isinstance(meta, dict) else ""
            if posts or not token:
                return Batch(posts, bool(token))
        raise Malformed(
            f"{SITE} sent {EMPTY_PAGES} pages without a post, and more behind them; it is asked again later"
        )

    def posts(self, ids: list[str], now: datetime) -> tuple[tuple[Found, ...], Mapping[str, Any]]:
        """(the posts of these ids that are there, the whole answer)."""
        with self.till.paying({POST: len(ids)}, now) as bill:
            answer = self.client.posts(ids, now)
            found = posts_of(answer, Own(self.own_handles))
            bill.add(POST, [str(post.id) for post in found])
        return found, answer

    def _handle(self, client: Client, account: str, now: datetime) -> str:
        with self.till.paying({USER: 1}, now) as bill:
            answer = client.user(account, now, as_user=account == self._as_user)
            bill.add(USER, [account])
        data = answer.get("data")
        handle = label(data.get("username")) if isinstance(data, dict) else ""
        if not is_handle(handle):
            raise AccessDenied(f"{SITE} knows no account {account}; check account_id")
        return handle.casefold()


@dataclass(frozen=True, slots=True)
class Search:
    """What the recent search finds for one query."""

    desk: Desk
    query: Query
    own: Own
    now: datetime

    @property
    def window(self) -> timedelta | None:
        return WINDOW

    @property
    def most(self) -> int | None:
        return None

    def read(self, since: int, until: int | None) -> Batch:
        start = self.now - WINDOW
        # X refuses since_id together with start_time.
        where: dict[str, Any] = {"start_time": start} if time_of(since) <= start else {"since_id": since}

        def question(size: int, token: str | None) -> Mapping[str, Any]:
            return self.desk.client.search(
                self.query.text, self.now, **where, until_id=until, next_token=token, max_results=size
            )

        return self.desk.batch(Listing(POST, LEAST), until, self.own, self.now, question)


@dataclass(frozen=True, slots=True)
class Mentions:
    """The mentions timeline of the own account."""

    desk: Desk
    account: Account
    own: Own
    now: datetime

    @property
    def window(self) -> timedelta | None:
        return None

    @property
    def most(self) -> int | None:
        return MOST_MENTIONS

    def read(self, since: int, until: int | None) -> Batch:
        where = {"since_id": since, "until_id": until}

        def question(size: int, token: str | None) -> Mapping[str, Any]:
            return self.desk.client.mentions(
                self.account.id,
                self.now,
                as_user=self.account.is_owner,
                pagination_token=token,
                max_results=size,
                **where,
            )

        listing = Listing(OWNED_POST if self.account.is_owner else POST, LEAST_MENTIONS, to_us=True)
        return self.desk.batch(listing, until, self.own, self.now, question)
