"""When the clock was set back: what was to happen at a time of the old clock happens at that of the new one.

Without it a source polled a minute ago would wait for hours, and so would what a dead process had claimed. Nothing happens
twice: what was done is done, and a lease only ends when it would have. Each function runs inside a transaction of its caller.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.store.tables import WAITING, accounts, notifications, receivers, sources
from listener.store.vitals import heartbeat


def latest_sign(connection: Connection) -> datetime | None:
    """The latest time at which this database knows that something happened."""
    read = connection.execute(sa.select(sa.func.max(sources.c.last_success_at))).scalar_one()
    return max((at for at in (heartbeat(connection), read) if at is not None), default=None)


def turn_back(connection: Connection, by: timedelta, now: datetime) -> None:
    """Bring every time ahead of `now` (polls, leases, waits, retries) nearer by `by`, the present at most."""
    waiting = sa.text(WAITING)
    for column, which in (
        (sources.c.next_poll_at, sa.true()),
        (sources.c.lease_until, sa.true()),
        (accounts.c.blocked_until, sa.true()),
        (receivers.c.next_at, sa.true()),
        (notifications.c.due_at, waiting),
        (notifications.c.lease_until, waiting),
    ):
        (key,) = column.table.primary_key.columns
        ahead = connection.execute(sa.select(key, column).where(column > now, which)).all()
        if ahead:
            connection.execute(
                column.table.update().where(key == sa.bindparam("which")).values({column: sa.bindparam("nearer")}),
                [{"which": name, "nearer": max(now, at - by)} for name, at in ahead],
            )
    # Else the next start would take it for a sign that the clock was set back once more.
    connection.execute(sources.update().where(sources.c.last_success_at > now).values(last_success_at=now))
