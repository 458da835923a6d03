"""The purse of one account: what its sources may spend, kept in the store's ledger so that restarts change nothing.

Days and months are those of UTC, as platforms bill. At 80 % of a budget the operator is told once, at its end once more;
then the account's sources wait for the next day or month by themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from connectors.base import BudgetReached
from listener.model import NewNotification, NotificationKind
from listener.store import RECHECKS, Budget, BudgetExceeded, Store, StoreError, is_part, part_name
from rules.vocabulary import Urgency

log = structlog.get_logger()

WARN_AT = 0.8  # of a budget
MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class AccountPurse:
    """A `connectors.base.Purse` over the ledger."""

    account: str
    budget: Budget
    store: Store
    tell: str | None = None  # the receiver that hears of a budget

    def set_aside(self, what: str, units: int, price: float, now: datetime) -> None:
        """See `Purse`. A ledger that cannot be written lets nothing be spent: it raises `StoreError`."""
        try:
            spent = self.store.set_aside(self.account, what, units, _micro(units, price), self.budget, now)
        except BudgetExceeded as full:
            begins = next_day(now) if full.span == "day" else next_month(now)
            self._say(full.span, "reached", full.spent, full.limit, now, begins)
            raise BudgetReached(
                f"the budget of account {self.account} for this {full.span} is reached ({full.limit / MICRO:.2f} USD,"
                f" spent {full.spent / MICRO:.2f}); it reads on {begins:%d %b %H:%M} UTC, or raise the budget",
                begins,
            ) from None
        for span, limit, sum_ in (("day", self.budget.day, spent.day), ("month", self.budget.month, spent.month)):
            if limit and sum_ >= WARN_AT * limit:
                self._say(span, "near", sum_, limit, now, next_day(now) if span == "day" else next_month(now))

    def billed(self, what: str, set_aside: int, units: int, price: float, now: datetime) -> None:
        """See `Purse`."""
        if units != set_aside:
            left = set_aside - units
            self.store.give_back(self.account, what, left, _micro(set_aside, price) - _micro(units, price), now)

    def left(self, now: datetime) -> float | None:
        """See `Purse`."""
        spent = self.store.spent(self.account, now)
        limits = ((self.budget.day, spent.day), (self.budget.month, spent.month))
        open_ = [limit - sum_ for limit, sum_ in limits if limit is not None]
        return max(0, min(open_)) / MICRO if open_ else None

    def _say(self, span: str, how: str, spent: int, limit: int, now: datetime, next_at: datetime) -> None:
        period = f"{now.astimezone(UTC):%Y-%m-%d}" if span == "day" else f"{now.astimezone(UTC):%Y-%m}"
        share = f"{spent / MICRO:.2f} of {limit / MICRO:.2f} USD"
        text = (
            f"Account {self.account} has spent {share} of this {span}'s budget."
            if how == "near"
            else f"Account {self.account} has reached this {span}'s budget ({share}): its sources wait until"
            f" {next_at:%d %b %H:%M} UTC."
        )
        if self.tell is None:
            return
        notice = NewNotification(
            key=f"notice:budget:{self.account}:{how}:{period}:{self.tell}",  # each is told once
            kind=NotificationKind.NOTICE,
            receiver=self.tell,
            urgency=Urgency.NORMAL if how == "near" else Urgency.HIGH,
            due_at=now,
            reason=f"budget-{how}",
            payload={"text": text, "next": "Raise it under [[account]], or narrow the sources' terms."},
        )
        try:
            self.store.enqueue([notice], now)
        except StoreError as fault:
            log.error("not_told", account=self.account, fault=type(fault).__name__)


@dataclass(frozen=True, slots=True)
class SharedPurse:
    """A part of an account's purse: what it spends counts there, too, and is no more than its own part."""

    part: AccountPurse
    whole: AccountPurse

    def set_aside(self, what: str, units: int, price: float, now: datetime) -> None:
        """See `Purse`."""
        self.part.set_aside(what, units, price, now)
        try:
            self.whole.set_aside(what, units, price, now)
        except BudgetReached:
            self.part.billed(what, units, 0, price, now)
            raise

    def billed(self, what: str, set_aside: int, units: int, price: float, now: datetime) -> None:
        """See `Purse`."""
        self.part.billed(what, set_aside, units, price, now)
        self.whole.billed(what, set_aside, units, price, now)

    def left(self, now: datetime) -> float | None:
        """See `Purse`."""
        lefts = [left for left in (self.part.left(now), self.whole.left(now)) if left is not None]
        return min(lefts, default=None)


def part_of(whole: AccountPurse, name: str, share: float) -> SharedPurse:
    """A purse for one purpose, of which the operator hears nothing: its end harms nobody else."""
    limits = [None if limit is None else round(limit * share) for limit in (whole.budget.day, whole.budget.month)]
    return SharedPurse(AccountPurse(part_name(whole.account, name), Budget(*limits), whole.store), whole)


@dataclass(frozen=True, slots=True)
class Account:
    """One account as `status` shows it. Money in USD, of this UTC day and month."""

    name: str
    day: float
    month: float
    budget_day: float | None
    budget_month: float | None
    useful: int  # relevant mentions that its sources brought this month
    blocked_until: datetime | None
    blocked_by: str
    rechecks: float = 0.0  # of `month`: for looking posts up again

    @property
    def per_useful(self) -> float | None:
        """What a relevant mention cost this month; None where nothing was spent or none came."""
        return self.month / self.useful if self.useful and self.month else None


def accounts(
    store: Store,
    budgets: Mapping[str, tuple[float | None, float | None]],
    sources_of: Mapping[str, Sequence[str]],
    now: datetime,
) -> list[Account]:
    """The accounts that have a budget (`budgets`: USD a day and a month), spent something this month, or must wait."""
    blocked = store.blocked_accounts(now)
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    names = {*budgets, *blocked, *(line.account for line in store.ledger(first) if not is_part(line.account))}
    useful = store.useful(first) if names else {}
    found = []
    for name in sorted(names):
        spent = store.spent(name, now)
        day, month = budgets.get(name, (None, None))
        until, why = blocked.get(name, (None, ""))
        brought = sum(useful.get(source, 0) for source in sources_of.get(name, ()))
        again = store.spent(part_name(name, RECHECKS), now).month / MICRO
        found.append(Account(name, spent.day / MICRO, spent.month / MICRO, day, month, brought, until, why, again))
    return found


def lift(store: Store, budgets: Mapping[str, tuple[float | None, float | None]], now: datetime) -> None:
    """End the wait of accounts whose budget was reached and has room again, because a person raised it."""
    blocked = store.blocked_accounts(now)
    for name, limits in budgets.items():
        _, why = blocked.get(name, (None, ""))
        left = AccountPurse(name, budget(*limits), store).left(now)
        if why.startswith(f"{BudgetReached.__name__}:") and (left is None or left > 0):
            store.unblock_account(name, now)


def budget(day_usd: float | None, month_usd: float | None) -> Budget:
    """From USD as a person writes them."""
    return Budget(
        None if day_usd is None else round(day_usd * MICRO), None if month_usd is None else round(month_usd * MICRO)
    )


def next_day(now: datetime) -> datetime:
    """The next midnight in UTC."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def next_month(now: datetime) -> datetime:
    """The first midnight of the next month in UTC."""
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def _micro(units: int, price: float) -> int:
    return math.ceil(units * price * MICRO - 1e-6)
