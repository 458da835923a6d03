"""Statements about silences. Each function runs inside a transaction of its caller."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.cases.silences import REMEMBERED, NewSilence, Silence, SilenceKept, fits_values, read_fits
from listener.store.tables import silences

_FORGOTTEN = "?"  # in place of an author; no platform has one called so


def add(connection: Connection, new: NewSilence) -> Silence:
    """Store a silence; it holds from its begin on for every page stored since."""
    values = {
        "who": new.who,
        "comment": new.comment,
        "fits": fits_values(new.fits),
        "begins_at": new.begins_at,
        "ends_at": new.ends_at,
        "mentions": 0,
    }
    return _silence_of(connection.execute(silences.insert().values(**values).returning(silences)).mappings().one())


def end(connection: Connection, id_: int, who: str, now: datetime) -> Silence | None:
    """End it before its time. None: there is none, or it is over."""
    row = (
        connection.execute(
            silences.update()
            .where(silences.c.id == id_, silences.c.ends_at > now)
            .values(ends_at=now, ended_by=who)
            .returning(silences)
        )
        .mappings()
        .one_or_none()
    )
    return None if row is None else _silence_of(row)


def since(connection: Connection, ended_after: datetime) -> tuple[Silence, ...]:
    """Silences that end, or ended, after this time, the ones that begin later included; oldest first."""
    rows = connection.execute(
        sa.select(silences).where(silences.c.ends_at > ended_after).order_by(silences.c.id)
    ).mappings()
    return tuple(_silence_of(row) for row in rows)


def for_settling(connection: Connection, now: datetime) -> tuple[Silence, ...]:
    """Silences in force at `now`, and those whose end the next alert has to say."""
    return tuple(one for one in since(connection, now - REMEMBERED) if one.begins_at <= now)


def keep(connection: Connection, done: SilenceKept, now: datetime) -> None:
    """Count what silences kept quiet, and note that their end was said."""
    for id_, count in sorted(done.kept.items()):
        connection.execute(silences.update().where(silences.c.id == id_).values(mentions=silences.c.mentions + count))
    if done.noted:
        connection.execute(silences.update().where(silences.c.id.in_(sorted(done.noted))).values(noted_at=now))


def forget(connection: Connection, names: Sequence[str], now: datetime) -> None:
    """Take an author ("platform:name") out of silences. What silenced that author alone ends."""
    for row in connection.execute(sa.select(silences)).mappings():
        if row["fits"].get("author") in names:
            fits = {**row["fits"], "author": _FORGOTTEN}
            connection.execute(
                silences.update()
                .where(silences.c.id == row["id"])
                .values(fits=fits, ends_at=sa.case((silences.c.ends_at > now, now), else_=silences.c.ends_at))
            )


def _silence_of(row: sa.RowMapping) -> Silence:
    return Silence(
        id=row["id"],
        who=row["who"],
        comment=row["comment"],
        fits=read_fits(row["fits"]),
        begins_at=row["begins_at"],
        ends_at=row["ends_at"],
        ended_by=row["ended_by"],
        mentions=row["mentions"],
        noted_at=row["noted_at"],
    )
