"""The ledger: what each account spent, by UTC day and thing. Money is counted in millionths of a USD.

It is set aside before the request that may cost it and given back where less was billed, so a process killed in
between has counted too much, never too little.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.store.errors import BudgetExceeded
from listener.store.tables import accounts, spend
from listener.store.upsert import insert
from listener.store.values import Budget, LedgerLine, Spent

RECHECKS = "looking up again"  # what a part of a budget is for


def part_name(account: str, purpose: str) -> str:
    """What a part of an account's budget is called in the ledger; its money counts under the account as well."""
    return f"{account} ({purpose})"


def is_part(account: str) -> bool:
    """Whether this name in the ledger is no account, but a part of one."""
    return account.endswith(part_name("", RECHECKS))


def set_aside(
    connection: Connection, account: str, what: str, units: int, micro_usd: int, budget: Budget, now: datetime
) -> Spent:
    """Count it, unless that would be more than the budget allows. Returns what is spent with it. Raises BudgetExceeded."""
    lock = insert(connection, accounts)  # two at once look one after the other, whatever they spend on
    connection.execute(
        lock.on_conflict_do_update(index_elements=["name"], set_={"name": accounts.c.name}), {"name": account}
    )
    _add(connection, account, what, units, micro_usd, now)
    total = spent(connection, account, now)
    for span, limit, sum_ in (("day", budget.day, total.day), ("month", budget.month, total.month)):
        if limit is not None and sum_ > limit:
            raise BudgetExceeded(span, limit, sum_ - micro_usd)
    return total


def give_back(connection: Connection, account: str, what: str, units: int, micro_usd: int, now: datetime) -> None:
    """Take off what was not billed."""
    _add(connection, account, what, -units, -micro_usd, now)


def spent(connection: Connection, account: str, now: datetime) -> Spent:
    """The sums of the day and the month."""
    day = _day(now)
    rows = connection.execute(
        sa.select(spend.c.day, sa.func.sum(spend.c.micro_usd).label("sum"))
        .where(spend.c.account == account, spend.c.day >= day[:7], spend.c.day < day[:7] + "-99")
        .group_by(spend.c.day)
    ).all()
    return Spent(sum(int(row.sum) for row in rows if row.day == day), sum(int(row.sum) for row in rows))


def lines(connection: Connection, since: datetime) -> tuple[LedgerLine, ...]:
    """All lines since a day, oldest first."""
    rows = connection.execute(
        sa.select(spend).where(spend.c.day >= _day(since)).order_by(spend.c.day, spend.c.account, spend.c.what)
    )
    return tuple(LedgerLine(row.account, row.day, row.what, row.units, row.micro_usd) for row in rows)


def _add(connection: Connection, account: str, what: str, units: int, micro_usd: int, now: datetime) -> None:
    statement = insert(connection, spend)
    new = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["account", "day", "what"],
            set_={"units": spend.c.units + new.units, "micro_usd": spend.c.micro_usd + new.micro_usd},
        ),
        {"account": account, "day": _day(now), "what": what, "units": units, "micro_usd": micro_usd},
    )


def _day(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%d")
