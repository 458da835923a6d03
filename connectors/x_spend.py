"""What X bills, told to the purse before and after each request.

X charges each resource returned, once a UTC day; empty and failed answers are free (docs: getting-started/pricing, of
2026-08-22). Before a request the most it can return is set aside; behind it, what came and was not paid for that day.
A process that is killed in between has counted too much, never too little. Whether authors that come with posts are
billed is not documented; they are counted, unless the settings say otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime

from connectors.base import Purse


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit of something costs, in USD."""

    what: str
    usd: float


POST = Price("post read", 0.005)
OWNED_POST = Price("owned post read", 0.001)  # a user's own timelines, asked with the keys of the app's owner
USER = Price("user read", 0.010)
COUNTS = Price("counts request", 0.005)


@dataclass(slots=True)
class Bill:
    """What one answer brought."""

    came: dict[Price, list[str]] = field(default_factory=dict)

    def add(self, price: Price, ids: Iterable[str]) -> None:
        """These were returned. What costs by the request has ids of its own making."""
        self.came.setdefault(price, []).extend(ids)


class Till:
    """Pays for one source out of its account's purse."""

    def __init__(self, purse: Purse) -> None:
        self._purse = purse
        self._day = date.min
        self._paid: set[tuple[str, str]] = set()  # (what, id) of that UTC day

    def affordable(self, prices: Iterable[Price], most: int, least: int, now: datetime) -> int:
        """How many to ask for where each costs all of `prices`: `most`, or what the purse allows, and `least` at least."""
        left = self._purse.left(now)
        if left is None:
            return most
        each = sum(price.usd for price in prices)
        return max(least, min(most, int(left / each + 1e-9)))

    @contextmanager
    def paying(self, most: Mapping[Price, int], now: datetime) -> Iterator[Bill]:
        """Set the `most` that a request may cost aside, and settle when it is over. Raises `BudgetReached`."""
        bill = Bill()
        aside: dict[Price, int] = {}
        try:
            for price, units in most.items():
                self._purse.set_aside(price.what, units, price.usd, now)
                aside[price] = units
            yield bill
        finally:
            # A failed answer is free. One that was lost on its way may have been billed; it is read and counted again.
            for price, units in aside.items():
                self._purse.billed(price.what, units, self._owed(price, bill, now), price.usd, now)

    def _owed(self, price: Price, bill: Bill, now: datetime) -> int:
        if now.date() != self._day:
            self._day = now.date()
            self._paid.clear()
        new = {(price.what, one) for one in bill.came.get(price, ())} - self._paid
        self._paid |= new
        return len(new)
