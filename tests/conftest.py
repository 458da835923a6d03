"""Databases for tests: a real SQLite file and a real PostgreSQL; what asks for `store` runs on both."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.matrix import Matrix
from listener.plugins import connectors
from listener.store import Store
from tests import postgres
from tests.folders import in_memory

OFF_THE_NETWORK = ("inbound", "replay")  # these ask nobody, so much of what fails at a platform cannot happen to them


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stress-full", action="store_true", help="kills, bursts and faults in full (`make stress`)")


def pytest_configure(config: pytest.Config) -> None:
    if (folder := in_memory()) is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))
    Matrix.join(config, Path(__file__).parent / "connectors", connectors(), OFF_THE_NETWORK)


@pytest.fixture(scope="session")
def postgres_databases() -> Iterator[postgres.Databases]:
    """One server for the session (for each worker where tests run in parallel); skips where there is none."""
    with contextlib.ExitStack() as stack:
        try:
            databases = stack.enter_context(postgres.server())
        except postgres.NoPostgres as reason:
            pytest.skip(str(reason))
        yield databases


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables, on each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'listener.db'}"
        return
    databases: postgres.Databases = request.getfixturevalue("postgres_databases")
    url = databases.empty()
    yield url
    databases.drop(url)


@pytest.fixture(scope="session")
def migrated_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with our tables, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "listener.db"
    with Store.open(f"sqlite:///{path}") as store:
        store.migrate()
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with our tables and nothing in them, on each kind."""
    if request.param == "sqlite":
        migrated: Path = request.getfixturevalue("migrated_sqlite_file")
        path = tmp_path / "listener.db"
        path.write_bytes(migrated.read_bytes())
        yield f"sqlite:///{path}"
        return
    databases: postgres.Databases = request.getfixturevalue("postgres_databases")
    url = databases.migrated()
    yield url
    databases.drop(url)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store with its tables, on each kind of database."""
    with Store.open(database_url) as opened:
        yield opened
