"""A purse with a budget of the day and of the month, kept in memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.base import BudgetReached


@dataclass
class Ledger:
    """What `connectors.base.Purse` promises. Sums are USD; days and months are those of UTC."""

    day: float | None = None
    month: float | None = None
    spent: Counter[str] = field(default_factory=Counter)  # "2026-11-02" and "2026-11" -> USD
    units: Counter[str] = field(default_factory=Counter)  # what -> how many were billed
    most_aside: float = 0.0  # the most that one request set aside

    def set_aside(self, what: str, units: int, price: float, now: datetime) -> None:
        if self._open(now) is not None and units * price > self._open(now) + 1e-9:
            raise BudgetReached("the budget of the tests is reached", _midnight(now))
        self.most_aside = max(self.most_aside, units * price)
        self._book(what, units, price, now)

    def billed(self, what: str, set_aside: int, units: int, price: float, now: datetime) -> None:
        self._book(what, units - set_aside, price, now)

    def left(self, now: datetime) -> float | None:
        left = self._open(now)
        return None if left is None else max(0.0, left)

    def total(self) -> float:
        return sum(usd for name, usd in self.spent.items() if len(name) == len("2026-11"))

    def _book(self, what: str, units: int, price: float, now: datetime) -> None:
        self.units[what] += units
        self.spent[f"{now:%Y-%m-%d}"] += units * price
        self.spent[f"{now:%Y-%m}"] += units * price

    def _open(self, now: datetime) -> float | None:
        limits = ((self.day, f"{now:%Y-%m-%d}"), (self.month, f"{now:%Y-%m}"))
        left = [limit - self.spent[name] for limit, name in limits if limit is not None]
        return min(left) if left else None


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
