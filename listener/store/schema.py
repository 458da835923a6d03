"""Which tables a database has, how it gets the ones it needs, and how a copy of it is made.

Alembic is imported only to migrate: a daemon that finds its tables current never loads it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from listener.store.engine import connect, is_sqlite, place, reading, writing
from listener.store.errors import NotSupported, SchemaMismatch, StoreError
from listener.store.values import SchemaState

NEEDED = "0008"  # the newest revision in migrations/versions; a test compares the two
_VERSIONS = sa.table("alembic_version", sa.column("version_num", sa.String))
# Any number that no other program on the same server takes for an advisory lock.
_MIGRATION_LOCK = 0x6C697374


def state(engine: Engine) -> SchemaState:
    """The revision the tables are at and the one needed."""
    with reading(engine) as connection:
        return state_in(connection)


def require_current(engine: Engine) -> None:
    """Raise SchemaMismatch, with the remedy, unless the tables are the ones this program needs."""
    found = state(engine)
    if found.is_current:
        return
    if found.is_empty:
        what = "holds no tables yet. Run `listener db migrate`."
    elif found.is_newer:
        what = (
            f"was changed by a newer release (tables at {found.current}, this program knows {found.needed}). "
            "Install that release again, or restore the backup made before it."
        )
    else:
        what = (
            f"has the tables of an older release ({found.current}; needed: {found.needed}). "
            "Make a backup (`listener db backup`), then run `listener db migrate`."
        )
    raise SchemaMismatch(f"{place(engine)} {what}")


def migrate(url: str) -> SchemaState:
    """Bring the tables up to date, all or nothing. Returns the state before. Makes no backup."""
    from alembic import command
    from alembic.config import Config

    engine = connect(url, foreign_keys=False)
    try:
        with writing(engine) as connection:
            if not is_sqlite(engine):  # two processes that start together: the second waits and finds nothing to do
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            before = state_in(connection)
            if before.is_newer:
                raise SchemaMismatch(
                    f"{place(engine)} was changed by a newer release (tables at {before.current}); there is no way back. "
                    "Install that release again, or restore the backup made before it."
                )
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            if is_sqlite(engine) and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                raise StoreError(
                    f"{place(engine)}: rows point to rows that do not exist, so the migration was undone. "
                    "Restore a backup, or report what `PRAGMA foreign_key_check` prints."
                )
            return before
    finally:
        engine.dispose()


def backup(engine: Engine, target: Path) -> None:
    """Copy a SQLite database to `target`, consistent while others write. `target` must not exist."""
    if not is_sqlite(engine):
        raise NotSupported(
            "PostgreSQL is backed up with its own tool: pg_dump --format=custom --file=listener.dump, with the database URL."
        )
    if target.exists():
        raise StoreError(f"{target} exists already; choose another name. A backup never overwrites.")
    part = target.with_name(target.name + ".part")
    raw = None
    try:
        raw = engine.raw_connection()
        copy = sqlite3.connect(part)
        try:
            driver = raw.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.backup(copy)
        finally:
            copy.close()
        part.replace(target)
    except (sqlite3.Error, OSError, sa.exc.OperationalError) as error:
        part.unlink(missing_ok=True)
        raise StoreError(f"the backup {target} could not be written: {error}") from error
    finally:
        if raw is not None:
            raw.close()


def state_in(connection: Connection) -> SchemaState:
    """Like `state`, inside a transaction of the caller."""
    if not sa.inspect(connection).has_table(_VERSIONS.name):
        return SchemaState(None, NEEDED)
    return SchemaState(connection.execute(sa.select(_VERSIONS.c.version_num)).scalar_one_or_none(), NEEDED)
