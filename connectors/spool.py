"""A spool: posts that were handed over to us wait on disk until they are read into a page and stored.

One SQLite file in WAL mode with `synchronous=FULL`: `add` returns once the posts are on disk, so what was answered
outlives a kill and a loss of power. Rows are numbered without reuse; whoever reads goes on behind the last number of
its cursor, and rows are deleted only when that cursor shows them stored. The file has an identity of its own, so a
cursor made for another file (it was deleted, the machine is another) is not taken for one of this. Of posts that were
deleted digests stay for a year, to tell a post that was changed from one that is new.

One process at a time owns a spool (`own`); others may read it, and never delete.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from connectors.base import Parked, Unavailable

REMEMBERED = 365 * 86_400.0  # seconds
LIMIT = 1024**3  # bytes; a spool that nobody reads for so long refuses more, so that it does not fill the disk

_TABLES = (
    "CREATE TABLE IF NOT EXISTS spool (identity TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS posts (number INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB NOT NULL,
        digest BLOB NOT NULL, kind TEXT NOT NULL, post BLOB NOT NULL, received_at REAL NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS posts_by_name ON posts (name)",
    "CREATE TABLE IF NOT EXISTS seen (name BLOB PRIMARY KEY, digest BLOB NOT NULL, at REAL NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS signatures (signature TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID",
)


class Repeated(Exception):
    """These posts came before under the same signature, and were stored then."""


Kind = Literal["post", "changed", "removal"]


@dataclass(frozen=True, slots=True)
class Given:
    """One post, or word of its removal, to be kept."""

    name: str  # what makes it this post and no other
    content: str  # of a post sent again, what makes it the same as before
    post: bytes  # what is kept
    is_removal: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """One row of the spool. A post was "changed" when one of its name and of other content came before."""

    number: int
    kind: Kind
    post: bytes


class Spool:
    """One file. Thread-safe. Everything raises `Unavailable` where it cannot be done now, `Parked` where a person must act."""

    def __init__(self, path: Path, *, wait: float = 5.0, limit: int = LIMIT) -> None:
        """`wait` is in seconds, for another program that holds the file; `limit` in bytes."""
        self._path = path
        self._limit = limit
        self._lock = threading.Lock()
        self._owning: int | None = None  # file descriptor of the lock file
        self._connection: sqlite3.Connection | None = None
        self._file = (0, 0)
        self.identity = ""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # posts of people: for our eyes only
        except OSError as error:
            raise Parked(
                f"the spool {path.name} cannot be written in {path.parent.name} ({error.strerror}); give the daemon's"
                " user the right to, or set `spool` to another folder"
            ) from None
        with self._told():
            # Autocommit: transactions are begun by hand. One connection for all threads, one at a time.
            self._connection = sqlite3.connect(path, timeout=wait, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(self._connection)
            except BaseException:
                self.close()
                raise

    def _prepare(self, connection: sqlite3.Connection) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN IMMEDIATE")
        for table in _TABLES:
            connection.execute(table)
        row = connection.execute("SELECT identity FROM spool").fetchone()
        self.identity = row[0] if row else secrets.token_hex(8)
        if row is None:
            connection.execute("INSERT INTO spool VALUES (?)", (self.identity,))
        connection.execute("COMMIT")
        status = self._path.stat()
        self._file = (status.st_dev, status.st_ino)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the file's name is on disk as well
        finally:
            os.close(folder)

    def own(self) -> bool:
        """Whether this process may serve and delete: no other does. It keeps that until `close`."""
        if self._owning is None:
            lock = os.open(self._path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(lock)
                return False
            self._owning = lock
        return True

    def add(
        self, posts: Sequence[Given], signature: str | None, now: float, forget_before: float = 0.0
    ) -> tuple[int, int]:
        """Put posts on disk, all or none. Returns (kept, waiting already as they are). Times in unix seconds.

        A `signature` is accepted once; `Repeated` the second time. Those from before `forget_before` are forgotten.
        """
        with self._told(), self._writing() as connection:
            if signature is not None:
                connection.execute("DELETE FROM signatures WHERE at < ?", (forget_before,))
                if not connection.execute("INSERT OR IGNORE INTO signatures VALUES (?, ?)", (signature, now)).rowcount:
                    raise Repeated
            if self._size(connection) > self._limit:
                raise Unavailable(f"the spool {self._path.name} is full; does the daemon store what it holds?")
            kept = sum(_keep(connection, one, now) for one in posts)
        self._check_file()  # what went into a file that somebody took away must not be answered for
        return kept, len(posts) - kept

    def last(self) -> int:
        """The highest number that waits, 0 where none does."""
        with self._told(), self._reading() as connection:
            return int(connection.execute("SELECT coalesce(max(number), 0) FROM posts").fetchone()[0])

    def read(self, after: int, until: int, count: int) -> list[Kept]:
        """Up to `count` posts with numbers above `after`, at most `until`, in order."""
        with self._told(), self._reading() as connection:
            rows = connection.execute(
                "SELECT number, kind, post FROM posts WHERE number > ? AND number <= ? ORDER BY number LIMIT ?",
                (after, until, count),
            ).fetchall()
        return [Kept(*row) for row in rows]

    def prune(self, until: int, stored: int, before: datetime) -> None:
        """Delete up to the number `until`, and up to `stored` what came before a time."""
        with self._told():
            with self._writing() as connection:
                gone = connection.execute(
                    "DELETE FROM posts WHERE number <= ? OR (number <= ? AND received_at < ?)",
                    (until, stored, before.timestamp()),
                ).rowcount
                connection.execute("DELETE FROM seen WHERE at < ?", (before.timestamp() - REMEMBERED,))
            if gone:
                with self._reading() as connection:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # no words stay behind in the log

    def close(self) -> None:
        """Idempotent."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()
            lock, self._owning = self._owning, None
            if lock is not None:
                os.close(lock)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._connection is None:
                raise Unavailable("the spool is closed; listener is stopping")
            self._check_file()
            yield self._connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _check_file(self) -> None:
        try:
            status = self._path.stat()
        except OSError:
            status = None
        if status is None or (status.st_dev, status.st_ino) != self._file:
            raise Unavailable(f"the spool {self._path.name} was taken away; put it back, or restart to begin a new one")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            # "database is locked", "disk is full", "disk I/O error": SQLite's words hold no data.
            raise Unavailable(f"the spool {self._path.name} cannot be used now ({error})") from None
        except sqlite3.DatabaseError as error:
            raise Parked(
                f"the spool {self._path.name} is damaged ({error}); move it away and restart: a new one begins"
            ) from None

    @staticmethod
    def _size(connection: sqlite3.Connection) -> int:
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)


def _keep(connection: sqlite3.Connection, one: Given, now: float) -> bool:
    """Whether this was not there already, just so."""
    name, digest = _digest(one.name), _digest(one.content)
    last = connection.execute(
        "SELECT digest FROM posts WHERE name = ? ORDER BY number DESC LIMIT 1", (name,)
    ).fetchone()
    if last == (digest,):
        return False
    seen = connection.execute("SELECT digest FROM seen WHERE name = ?", (name,)).fetchone()
    kind: Kind = "removal" if one.is_removal else "post" if seen in (None, (digest,)) else "changed"
    connection.execute(
        "INSERT INTO posts (name, digest, kind, post, received_at) VALUES (?, ?, ?, ?, ?)",
        (name, digest, kind, one.post, now),
    )
    connection.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", (name, digest, now))
    return True


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
