"""Connections and transactions: SQLite and PostgreSQL behind the same two context managers.

`reading` and `writing` each open one transaction. On SQLite a writing one starts with BEGIN IMMEDIATE: a
transaction that reads first and writes later cannot wait for a lock, whatever busy_timeout says. On PostgreSQL
both run at READ COMMITTED. Database errors that an operator can do something about come out as `StoreError`.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import ArgumentError, OperationalError, ProgrammingError

from listener.store.errors import SchemaMismatch, Unavailable, WrongUrl

BUSY_SECONDS = 10
CONNECT_SECONDS = 10
_ALLOWED = "Allowed are sqlite:///listener.db (a file) and postgresql://user@host/database."
_WRITES = "listener_writes"


def connect(url: str, *, foreign_keys: bool = True, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """An engine for `url`. Opens no connection. Migrations that rebuild a table need `foreign_keys` off."""
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, foreign_keys=foreign_keys, busy_seconds=busy_seconds)
    try:
        return sa.create_engine(
            parsed,
            pool_size=10,
            max_overflow=20,
            hide_parameters=True,  # errors are printed, and parameters are posts
            pool_pre_ping=True,  # a server that was restarted costs a reconnect, not a failed poll
            connect_args={"connect_timeout": CONNECT_SECONDS},
        )
    except ModuleNotFoundError as error:
        raise WrongUrl(
            "PostgreSQL needs the extra `postgres`, which is not installed. Install listener[postgres] and start again."
        ) from error


def is_sqlite(engine: Engine) -> bool:
    """Whether this is a SQLite file."""
    return engine.dialect.name == "sqlite"


def place(engine: Engine) -> str:
    """The database as an operator knows it, without a password."""
    return str(engine.url.database) if is_sqlite(engine) else engine.url.render_as_string(hide_password=True)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that only reads."""
    with _told_plainly(engine), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes: all of it, or on any exception nothing."""
    with _told_plainly(engine), engine.connect() as connection:
        connection.execution_options(**{_WRITES: True})
        with connection.begin():
            yield connection


def overwrite_deleted(connection: Connection) -> None:
    """From now on SQLite writes zeros over what this connection deletes; PostgreSQL's VACUUM reclaims it by itself."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")


def empty_log(engine: Engine) -> None:
    """Move SQLite's write-ahead log into the file and cut it to nothing, as far as readers allow: it holds old pages."""
    if not is_sqlite(engine):
        return
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        (usual,) = cursor.execute("PRAGMA busy_timeout").fetchone()
        # Writers wait while it waits for readers: it must give up well before they do.
        cursor.execute("PRAGMA busy_timeout=1000")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        cursor.execute(f"PRAGMA busy_timeout={usual}")
        cursor.close()
    finally:
        raw.close()


def _parse(url: str) -> URL:
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError) as error:
        # The text itself may hold a password and is not repeated.
        raise WrongUrl(f"the database URL cannot be read. {_ALLOWED}") from error
    if parsed.drivername == "postgres":
        parsed = parsed.set(drivername="postgresql")
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise WrongUrl(f'"{parsed.drivername}" is not a database listener can use. {_ALLOWED}')
    if not parsed.database or parsed.database == ":memory:":
        raise WrongUrl(f"a SQLite database needs a file: every thread has its own connection. {_ALLOWED}")
    folder = Path(parsed.database).expanduser().parent
    if not folder.is_dir():
        raise WrongUrl(f"the folder {folder} of the database does not exist. Create it, or change the database URL.")
    return parsed.set(database=str(Path(parsed.database).expanduser()))


def _sqlite(url: URL, *, foreign_keys: bool, busy_seconds: float) -> Engine:
    engine = sa.create_engine(url, connect_args={"timeout": busy_seconds}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _pool_entry: Any) -> None:
        # The driver must not begin transactions by itself: it would begin deferred ones, and only before writes.
        connection.isolation_level = None
        cursor = connection.cursor()
        # WAL is a property of the file. The switch needs it alone and does not wait for that; where it is refused,
        # another connection is switching at this moment, or whoever holds the file will be met, and named, in BEGIN.
        with contextlib.suppress(sqlite3.OperationalError):
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def _told_plainly(engine: Engine) -> Iterator[None]:
    try:
        yield
    except (OperationalError, ProgrammingError) as error:
        reason = (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0]
        if "no such table" in reason or "no such column" in reason or _sqlstate(error) in ("42P01", "42703"):
            raise SchemaMismatch(
                f"the tables of {place(engine)} are missing or do not fit this release ({reason}). "
                "Run `listener db migrate`."
            ) from error
        if isinstance(error, ProgrammingError):
            raise
        if "locked" in reason:
            raise Unavailable(
                f"{place(engine)} is locked by another process and stayed so while we waited. "
                "Is a backup or another tool holding it?"
            ) from error
        remedy = (
            "Check that the file and its folder can be written and that the disk has room."
            if is_sqlite(engine)
            else "Check that the server runs, and host, port, user and database in the URL."
        )
        raise Unavailable(f"{place(engine)} cannot be used: {reason}. {remedy}") from error
    except sa.exc.DatabaseError as error:
        if is_sqlite(engine) and "not a database" in str(error.orig):
            raise WrongUrl(f"{place(engine)} is a file, but not a SQLite database. Choose another path.") from error
        raise


def _sqlstate(error: sa.exc.DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)
