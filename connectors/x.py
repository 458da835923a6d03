"""X: recent search for the brand's names, and the mentions timeline of an own account, within a budget.

Every post that X returns is billed, so nothing is asked twice that need not be: progress goes by id, the overlap is two
minutes, own posts are left out, and posts that mention the own account are read from its timeline, where they cost a fifth.
Every request is paid from the account's purse before it is made. An edit is a new post to X; here it is the newer version
of one mention.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from connectors.base import (
    Approved,
    CannotReply,
    Connector,
    Cursor,
    Known,
    Looked,
    Mention,
    Page,
    Parked,
    Policy,
    Posted,
    SourceContext,
    Voice,
)
from connectors.x_lists import Account, Desk, Mentions, Search
from connectors.x_look import Forecast, forecast, look_again, usage
from connectors.x_posts import Own
from connectors.x_query import Query, TermTooLong, queries
from connectors.x_reply import XReplies
from connectors.x_settings import PAGE, XSettings
from connectors.x_walk import Reach, Timeline, walk


class X:
    """A source: a timeline per query, and the own account's mentions."""

    def __init__(self, settings: XSettings, context: SourceContext) -> None:
        self._settings = settings
        self._terms = settings.terms or context.terms
        self._desk = Desk(settings, context)
        self._replies = XReplies(settings, context)

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        settings, desk = self._settings, self._desk
        account = desk.account(cursor, now)
        own = Own(desk.own_handles)
        lists: dict[str, Timeline] = {}
        about = {}
        if account is not None:
            own = Own(own.handles | {account.handle}, frozenset({account.id}))
            lists["mentions"] = Mentions(desk, account, own, now)
            about = {"account": {"id": account.id, "handle": account.handle}}
        for query in self._queries(account):
            lists[f"search:{query.name}"] = Search(desk, query, own, now)
        reach = Reach(settings.history, settings.lookback, settings.page_cap)
        for page in walk(lists, cursor, now, reach):
            yield replace(page, cursor={**page.cursor, **about})

    def recheck(self, posts: Sequence[Known], now: datetime) -> Looked:
        """See `connectors.base.Rechecking`. Costs a post read each."""
        return look_again(self._desk, posts, now)

    def forecast(self, now: datetime) -> Forecast:
        """What this source would bring and cost in a month. Costs a counts request each query; raises `ConnectorError`."""
        account = self._desk.account(None, now)
        return forecast(self._desk, self._queries(account), account, now)

    def usage(self, now: datetime, days: int = 7) -> Mapping[date, int]:
        """Posts that X itself counted on each UTC day. Free; raises `ConnectorError`."""
        return usage(self._desk, now, days)

    def voice(self) -> Voice | CannotReply:
        """As the account that the settings name."""
        return self._replies.voice()

    def may_reply(self, post: Mention) -> Voice | CannotReply:
        """X's rule: only posts that mention or quote that account."""
        return self._replies.may_reply(post)

    def reply(self, post: Mention, approved: Approved, now: datetime) -> Posted:
        """Publish it. Billed."""
        return self._replies.reply(post, approved, now)

    def find_reply(self, post: Mention, approved: Approved, now: datetime) -> Posted | None:
        """Look on the account's own timeline. Billed as owned reads."""
        return self._replies.find_reply(post, approved, now)

    def close(self) -> None:
        self._replies.close()
        self._desk.close()

    def _queries(self, account: Account | None) -> tuple[Query, ...]:
        read_elsewhere = {account.handle} if account else set[str]()
        try:
            return queries(
                self._terms, self._desk.own_handles | read_elsewhere, read_elsewhere, self._settings.languages
            )
        except TermTooLong as error:
            raise Parked(str(error)) from None


connector = Connector(
    name="x",
    summary="X posts that name the brand or mention its account, within a budget",
    settings=XSettings,
    open=X,
    every=timedelta(minutes=5),
    least=timedelta(minutes=1),
    credentials="a bearer token of a pay-per-use app; for cheap mentions also the four keys of its owner",
    policy=Policy(
        retention=timedelta(days=30),
        recheck=timedelta(days=1),
        may_export=False,
        note="each post read is billed, re-checks too; posts may not be passed on in bulk (ids may)",
    ),
    recheck_batch=PAGE,
    costs=True,
    replies=True,
)
