"""Where a stretch of time lies among the numbers that were given meanwhile, so that PostgreSQL reads only there.

Mentions and cases are numbered as they come, which is nearly the order in which they were published. PostgreSQL cannot know that:
it looks up each row of a week by itself, or reads through all there is. With the lowest and the highest number it reads one run
of rows. Posts that were read back later make the run longer, never wrong. SQLite looks rows up as fast as it reads them, and
is told nothing: conditions that say nothing new could lead it to another index.

Each function runs inside a transaction of its caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.store.tables import mentions


@dataclass(frozen=True, slots=True)
class Run:
    """The lowest and the highest number. None: there is no such row, and no number lies between."""

    low: int | None
    high: int | None
    told: bool = True

    def holds(self, number: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """That a number lies in the run, where the database is to be told."""
        return number.between(self.low, self.high) if self.told else sa.true()


def mentions_run(connection: Connection, since: datetime, until: datetime) -> Run:
    """Of the mentions published in [since, until)."""
    return _run(connection, since, until, mentions.c.id)


def cases_run(connection: Connection, since: datetime, until: datetime) -> Run:
    """Of their cases."""
    return _run(connection, since, until, mentions.c.case_id)


def _run(connection: Connection, since: datetime, until: datetime, number: sa.Column[Any]) -> Run:
    if connection.dialect.name == "sqlite":
        return Run(None, None, told=False)
    each = number + 0  # not the bare column: for its minimum PostgreSQL would walk through all that is older
    low, high = connection.execute(
        sa.select(sa.func.min(each), sa.func.max(each)).where(
            mentions.c.published_at >= since, mentions.c.published_at < until
        )
    ).one()
    return Run(low, high)
