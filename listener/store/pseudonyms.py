"""What stands in for people and posts once they were removed: the same person keeps the same name, and nobody reads it.

A key of an author or a thread becomes a hash with a random key that is made once and kept in `meta`, so that people
can still be counted and a later post still finds its case. The id of a removed post becomes a plain hash: a
platform's ids may spell the author's name or the title, yet an overlapping poll must know the post again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.store.tables import meta
from listener.store.upsert import insert

KEY = "retention.key"  # meta key; not a secret from whoever holds the database, who holds it too
_BYTES = 32


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Names for the keys of `listener.cases.plan`."""

    secret: bytes

    def of(self, key: str) -> str:
        """The name that stands for "<platform>:<id>"; the platform stays readable."""
        hidden = blake2b(key.encode(), digest_size=16, key=self.secret).hexdigest()
        return f"{key.partition(':')[0]}:~{hidden}"


def removed_id(platform: str, external_id: str) -> str:
    """What a removed post is remembered by. Without the secret: each page asks, and must know even if that was lost."""
    return "~" + blake2b(f"{platform}\n{external_id}".encode(), digest_size=16).hexdigest()


def pseudonyms(connection: Connection) -> Pseudonyms | None:
    """The names in use; None where nothing was ever removed."""
    kept = connection.execute(sa.select(meta.c.value).where(meta.c.key == KEY)).scalar_one_or_none()
    return Pseudonyms(bytes.fromhex(kept)) if isinstance(kept, str) else None


def make_pseudonyms(connection: Connection, random_bytes: Callable[[int], bytes]) -> Pseudonyms:
    """The names in use, from now on if there were none."""
    connection.execute(
        # Never over one that is there: every person removed so far would be counted as somebody else.
        insert(connection, meta).on_conflict_do_nothing(index_elements=["key"]),
        {"key": KEY, "value": random_bytes(_BYTES).hex()},
    )
    made = pseudonyms(connection)
    assert made is not None
    return made
