"""A PostgreSQL for tests: the server that LISTENER_TEST_POSTGRES names, or a throw-away one on this machine.

The throw-away cluster lives in a temporary folder, listens on a unix socket there and nowhere else, and writes
nothing durably. Each test gets a database of its own, copied from a template that was migrated once.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
from sqlalchemy import make_url
from sqlalchemy.engine import URL

from listener.store import Store
from tests.folders import in_memory

ENVIRONMENT = "LISTENER_TEST_POSTGRES"
_SECONDS = 60


class NoPostgres(Exception):  # named for what happened
    """No server was named and none can be started; the message says why."""


class Databases:
    """Makes fresh databases on one server, migrated or empty."""

    def __init__(self, server: URL) -> None:
        self._server = server
        self._mark = uuid.uuid4().hex[:8]  # several test sessions may share a server
        self._template: str | None = None
        self._made = 0

    def migrated(self) -> str:
        """The URL of a new database that holds our tables."""
        if self._template is None:
            url = self.empty()
            with contextlib.closing(Store.open(url)) as store:
                store.migrate()
            self._template = str(make_url(url).database)
        return self._create(f' TEMPLATE "{self._template}"')

    def empty(self) -> str:
        """The URL of a new database without tables."""
        return self._create("")

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected."""
        self._run(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def close(self) -> None:
        """Remove the template."""
        if self._template is not None:
            self._run(f'DROP DATABASE IF EXISTS "{self._template}" WITH (FORCE)')

    def _create(self, clause: str) -> str:
        self._made += 1
        name = f"listener_test_{self._mark}_{self._made}"
        self._run(f'CREATE DATABASE "{name}"{clause}')
        return self._server.set(database=name).render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        plain = self._server.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextlib.contextmanager
def server() -> Iterator[Databases]:
    """A server for the time of a test session. Raises NoPostgres."""
    named = os.environ.get(ENVIRONMENT)
    with contextlib.nullcontext(make_url(named)) if named else _throw_away() as url:
        databases = Databases(url)
        try:
            yield databases
        finally:
            databases.close()


@contextlib.contextmanager
def _throw_away() -> Iterator[URL]:
    programs = _programs()
    user = _user()
    # A short path: a unix socket's may have 107 bytes at most (unix(7)).
    folder = Path(tempfile.mkdtemp(prefix="listener-pg-", dir=in_memory() or "/tmp"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        data = folder / "data"
        _as(user, [programs / "initdb", "-D", data, "-U", "listener", "-A", "trust", "-E", "UTF8", "--no-sync"], folder)
        settings = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off -c full_page_writes=off"
        settings += " -c synchronous_commit=off -c max_connections=200 -c shared_buffers=32MB"
        start = [
            programs / "pg_ctl",
            "-D",
            data,
            "-o",
            settings,
            "-l",
            folder / "log",
            "-w",
            "-t",
            str(_SECONDS),
            "start",
        ]
        _as(user, start, folder)
        try:
            yield URL.create("postgresql+psycopg", "listener", database="postgres", query={"host": str(folder)})
        finally:
            _as(user, [programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parent.name.split(".")[0]))[
        ::-1
    ]
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise NoPostgres(f"no PostgreSQL here: neither {ENVIRONMENT} is set nor are initdb and pg_ctl installed")


def _user() -> str | None:
    """Whom to run the server as; None: as we are. PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise NoPostgres("PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody`")


def _as(user: str | None, command: list[str | Path], folder: Path) -> None:
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as output:  # not a pipe: the server would keep it open
        done = subprocess.run(
            words,
            cwd=folder,
            user=user,
            group=None if user is None else pwd.getpwnam(user).pw_gid,
            extra_groups=None if user is None else [],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS * 2,
            check=False,
        )
        output.seek(0)
        said = output.read().decode(errors="replace")
    if done.returncode:
        raise NoPostgres(f"{Path(words[0]).name} failed: {said.strip()[-500:]}")
