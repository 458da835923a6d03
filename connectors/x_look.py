"""What is asked of X beside its listings: whether posts are still there, what a month will bring, what X has counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from connectors.base import Author, BudgetReached, Known, Looked, Malformed, Removal
from connectors.text import label
from connectors.x_client import SITE
from connectors.x_lists import Account, Desk
from connectors.x_posts import PLATFORM, is_id
from connectors.x_query import Query, is_handle
from connectors.x_settings import PAGE
from connectors.x_spend import COUNTS, OWNED_POST, POST, USER

MONTH = timedelta(days=365.25 / 12)
WEEK = timedelta(days=7)  # what X counts

_GONE = ("resource-not-found", "not-authorized-for-resource")  # deleted; protected or suspended


@dataclass(frozen=True, slots=True)
class Expected:
    """What one query brings in a month."""

    query: str
    posts: float
    usd: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a source brings and costs in a month, a twelfth of a year, by X's count of the last seven days.

    Every author is counted anew with every post. Re-checks are not in it.
    """

    queries: tuple[Expected, ...]
    asked_usd: float  # what the counts for it cost

    @property
    def posts(self) -> float:
        return sum(query.posts for query in self.queries)

    @property
    def usd(self) -> float:
        return sum(query.usd for query in self.queries)

    def rechecks_usd(self, kept: timedelta, every: timedelta) -> float:
        """What looking stored posts up again costs in a month, once they have been kept for that long."""
        return self.posts * (kept / every) * POST.usd


def look_again(desk: Desk, posts: Sequence[Known], now: datetime) -> Looked:
    """Ask for at most 100 posts by id, as many as the purse allows; each costs a post read on every UTC day.

    Gone is what X calls not found or not to be seen, and what it passes over without a word. Raises `ConnectorError`.
    """
    known = {post.external_id: post for post in posts if is_id(post.external_id)}
    if not known:
        return Looked()
    asked = list(known)[: desk.till.affordable([POST], min(len(known), PAGE), 1, now)]
    found, answer = desk.posts(asked, now)
    reasons = _reasons(answer)
    if not found and not reasons:
        raise Malformed(f"{SITE} answered with neither posts nor reasons; nothing is taken for deleted")
    here = {str(post.id): post for post in found}
    gone = [one for one in asked if one not in here and reasons.get(one, _GONE[0]) in _GONE]
    # A post is given as it was under that id; what it was edited into has an id of its own.
    newer = {str(post.history[-1]): one for one, post in here.items() if post.history[-1] != post.id}
    if newer:
        here = {one: post for one, post in here.items() if one not in newer.values()}
        with suppress(BudgetReached):  # what cannot be paid for is asked for again later
            here |= {newer[one]: post for post in desk.posts(list(newer), now)[0] if (one := str(post.id)) in newer}
    present = (
        replace(post.mention, external_id=one, author=_author(post.mention.author, known[one]))
        for one, post in here.items()
        if post.mention is not None and one in known
    )
    return Looked(tuple(present), tuple(Removal(PLATFORM, one) for one in gone))


def forecast(desk: Desk, queries: Sequence[Query], account: Account | None, now: datetime) -> Forecast:
    """Ask X how many posts each query found in the last week: one billed request each. Raises `ConnectorError`."""
    author = USER.usd if desk.settings.count_authors else 0.0
    asked = [(query.text, POST) for query in queries]
    if account is not None:
        asked.append((f"@{account.handle} -is:retweet", OWNED_POST if account.is_owner else POST))
    expected = []
    for text, price in asked:
        with desk.till.paying({COUNTS: 1}, now) as bill:
            answer = desk.client.counts(text, now)
            bill.add(COUNTS, [f"{now.isoformat()} {text}"])  # billed by the request, so each is one of its own
        posts = _total(answer) * (MONTH / WEEK)
        expected.append(Expected(text, posts, posts * (price.usd + author)))
    return Forecast(tuple(expected), len(asked) * COUNTS.usd)


def usage(desk: Desk, now: datetime, days: int) -> Mapping[date, int]:
    """Posts that X counted for the app's project on each UTC day, to hold against the purse. Raises `ConnectorError`."""
    data = desk.client.usage(now, days).get("data")
    project = data.get("daily_project_usage") if isinstance(data, dict) else None
    listed = project.get("usage") if isinstance(project, dict) else None
    counted: dict[date, int] = {}
    for one in listed if isinstance(listed, list) else ():
        try:
            day = datetime.fromisoformat(str(one["date"])).date()
            counted[day] = counted.get(day, 0) + int(one["usage"])
        except (KeyError, TypeError, ValueError):
            raise Malformed(f"{SITE} described its usage in a way that cannot be read") from None
    return counted


def _reasons(answer: Mapping[str, Any]) -> dict[str, str]:
    """Id -> why X does not give it: the last word of the problem's type (docs: response-codes-and-errors)."""
    listed = answer.get("errors")
    return {
        label(error.get("resource_id") or error.get("value")): label(error.get("type")).rpartition("/")[2]
        for error in (listed if isinstance(listed, list) else ())
        if isinstance(error, dict)
    }


def _total(answer: Mapping[str, Any]) -> int:
    meta = answer.get("meta")
    counted = meta.get("total_tweet_count", meta.get("total_post_count")) if isinstance(meta, dict) else None
    if not isinstance(counted, int):
        raise Malformed(f"{SITE} answered without a count; its API may have changed")
    return counted


def _author(told: Author, known: Known) -> Author:
    """A look-up without users gives the author's id only; the handle stands in the post's address."""
    handle = known.url.removeprefix("https://x.com/").partition("/")[0]
    return replace(told, id=told.id or known.author_id, handle=handle if is_handle(handle) and handle != "i" else "")
