"""Migrations, and what a user is told when the database is not what it should be."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import listener.store
from listener.store import NotSupported, SchemaMismatch, Store, StoreError, Unavailable, WrongUrl
from listener.store.engine import connect, writing
from listener.store.schema import NEEDED
from listener.store.tables import METADATA
from tests import postgres
from tests.fakes.story import NOON

MIGRATIONS = Path(listener.store.__file__).parent / "migrations"


def set_revision(url: str, revision: str) -> None:
    """Pretend that the tables are at another revision."""
    engine = connect(url)
    with writing(engine) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :to"), {"to": revision})
    engine.dispose()


def test_an_empty_database_says_so_and_migrating_makes_it_current(empty_database_url: str) -> None:
    """The first start of all."""
    with Store.open(empty_database_url) as store:
        assert store.schema().is_empty
        with pytest.raises(SchemaMismatch, match=r"no tables yet.*listener db migrate"):
            store.require_current_schema()
        with pytest.raises(SchemaMismatch, match="listener db migrate"):
            store.sources()
        assert store.migrate().is_empty
        assert store.schema().is_current
        store.require_current_schema()
        assert store.sources() == ()


def test_migrating_twice_changes_nothing(store: Store) -> None:
    """Data and revision stay."""
    store.register_sources({"forum": "replay"}, NOON)
    assert store.migrate().is_current
    assert store.due_sources(NOON) == ("forum",)


def test_two_processes_that_migrate_at_once_do_not_collide(empty_database_url: str) -> None:
    """Two machines started together."""

    def migrate() -> None:
        with Store.open(empty_database_url) as store:
            store.migrate()

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(migrate) for _ in range(2)]:
            future.result()
    with Store.open(empty_database_url) as store:
        assert store.schema().is_current


def test_models_and_migrations_agree(database_url: str) -> None:
    """What `alembic check` would find: nothing."""
    engine = connect(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_partial_indexes_agree_too(database_url: str) -> None:
    """Alembic does not compare what an index leaves out."""
    engine = connect(database_url)
    (index,) = [
        one for one in sa.inspect(engine).get_indexes("notification") if one["name"] == "ix_notification_waiting"
    ]
    where = str(index["dialect_options"][f"{engine.dialect.name}_where"])
    assert "pending" in where
    assert "sending" in where
    engine.dispose()


def test_the_revision_that_the_program_needs_is_the_newest_migration() -> None:
    """Whoever adds a migration raises NEEDED; revisions are numbered, so that newer ones compare greater."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_current_head() == NEEDED
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert revisions == sorted(revisions, reverse=True)
    assert all(len(revision) == 4 and revision.isdigit() for revision in revisions)


def test_older_tables_are_refused_with_the_remedy(database_url: str) -> None:
    """Backup first, then migrate."""
    set_revision(database_url, "0000")
    with Store.open(database_url) as store, pytest.raises(SchemaMismatch, match=r"older.*db backup.*db migrate"):
        store.require_current_schema()


def test_newer_tables_are_refused_and_never_migrated(database_url: str) -> None:
    """A downgrade of the program must not touch what it does not know."""
    set_revision(database_url, "9999")
    with Store.open(database_url) as store:
        assert store.schema().is_newer
        with pytest.raises(SchemaMismatch, match="newer release"):
            store.require_current_schema()
        with pytest.raises(SchemaMismatch, match="newer release"):
            store.migrate()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "cannot be read"),
        ("listener.db", "cannot be read"),
        ("mysql://u:hunter2@h/d", '"mysql" is not a database'),
        ("postgresql+asyncpg://h/d", '"postgresql\\+asyncpg" is not a database'),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("sqlite:////no/such/folder/listener.db", "does not exist"),
        ("postgresql://u:hunter2@host:port/d", "cannot be read"),
    ],
)
def test_a_wrong_url_is_answered_with_what_is_allowed(url: str, says: str) -> None:
    """And never with the password in it."""
    with pytest.raises(WrongUrl, match=says) as told:
        Store.open(url)
    assert "hunter2" not in str(told.value)


def test_an_unreachable_server_is_named_without_its_password() -> None:
    """Port 1 of loopback answers nobody."""
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1/.*[Cc]onnection refused.*server runs") as told:
        Store.open("postgresql://listener:hunter2@127.0.0.1:1/listener")
    assert "hunter2" not in str(told.value)


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    """A configuration that points to itself."""
    path = tmp_path / "listener.toml"
    path.write_text("[brand]\n" * 200)
    with pytest.raises(WrongUrl, match="not a SQLite database"):
        Store.open(f"sqlite:///{path}")
    assert path.read_text() == "[brand]\n" * 200


def test_a_backup_holds_what_was_stored_and_overwrites_nothing(store: Store, tmp_path: Path) -> None:
    """SQLite copies itself while it is open; PostgreSQL has its own tool."""
    target = tmp_path / "backup.db"
    store.register_sources({"forum": "replay"}, NOON)
    if store.kind == "postgresql":
        with pytest.raises(NotSupported, match="pg_dump"):
            store.backup(target)
        return
    store.backup(target)
    with Store.open(f"sqlite:///{target}") as copy:
        assert copy.due_sources(NOON) == ("forum",)
    with pytest.raises(StoreError, match="exists already"):
        store.backup(target)
    with pytest.raises(StoreError, match="could not be written"):
        store.backup(tmp_path / "no" / "such" / "folder.db")


def test_a_locked_database_is_said_to_be_locked(tmp_path: Path, migrated_sqlite_file: Path) -> None:
    """Another tool that holds the file for longer than we wait."""
    path = tmp_path / "listener.db"
    path.write_bytes(migrated_sqlite_file.read_bytes())
    impatient = connect(f"sqlite:///{path}", busy_seconds=0)
    with closing(Store(f"sqlite:///{path}", impatient)) as store, Store.open(f"sqlite:///{path}") as other:
        with writing(other.engine), pytest.raises(Unavailable, match="locked by another process"):
            store.set_meta("heartbeat", 1)
        store.set_meta("heartbeat", 2)
        assert other.get_meta("heartbeat") == 2


def test_the_store_does_not_load_alembic_until_it_migrates() -> None:
    """Half the memory of a start."""
    code = "import sys, listener.store; sys.exit('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.postgres
def test_a_server_that_dropped_its_connections_is_found_again(postgres_databases: postgres.Databases) -> None:
    """A restart of PostgreSQL costs a reconnect, not a failed poll."""
    url = postgres_databases.migrated()
    with Store.open(url) as store:
        store.set_meta("heartbeat", 1)
        name = sa.make_url(url).database
        with psycopg.connect(sa.make_url(url).set(drivername="postgresql").render_as_string(False)) as admin:
            ended = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
            )
            admin.execute(ended, [name])
        assert store.get_meta("heartbeat") == 1
    postgres_databases.drop(url)
