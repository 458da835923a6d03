"""Near copies: which stored texts a page is compared with, and which were found to be copies.

Comparing takes milliseconds a post, so it is done before the page's transaction, with texts that are kept in memory: those of
the last seven days that stand in a case. Inside the transaction a handful of candidates is read as it stands now, and
whatever other processes stored meanwhile. What was removed, here or by another process, leaves the memory with the next page.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from listener.cases.copies import COPY_WITHIN, Copied, Earlier, Recent, Wording, normal, wording
from listener.model import Outcome, Triaged
from listener.store.engine import reading
from listener.store.mapping import TOLD_FROM, identity
from listener.store.reading import REMOVED_COUNTER
from listener.store.tables import copies, counters, mentions, verdicts

MOST_TEXTS = 50_000  # kept in memory; beyond that the oldest are not compared any more (METHODS §7)
_MOST_MEANWHILE = 500  # posts stored by others between the comparison and the transaction
_CHUNK = 500

_TEXTS = sa.select(
    *(mentions.c[name] for name in ("id", "case_id", "published_at", "title", "text")),
    verdicts.c.lang,
    verdicts.c.sentiment_label,
).select_from(TOLD_FROM)
# A copy that was folded leads nowhere: the one it was folded for does.
_STANDS = (
    mentions.c.case_id.is_not(None),
    mentions.c.removed_at.is_(None),
    mentions.c.outcome != Outcome.FOLDED_DUPLICATE.value,
    verdicts.c.relevant,
)


@dataclass(frozen=True, slots=True)
class Alike:
    """What the posts of a page may be copies of, as it was found before the transaction."""

    ids: frozenset[int] = frozenset()
    known_to: int | None = None  # the last mention that was compared; None: nothing was


NOTHING_ALIKE: Final = Alike()


@dataclass(slots=True)
class RecentTexts:
    """The texts of the last days in memory, kept up to date from the database. Safe to share between threads."""

    _recent: Recent = field(default_factory=Recent)
    _ages: deque[tuple[int, datetime]] = field(default_factory=deque)  # in the order of ids
    _last: int | None = None
    _removals: int | None = None
    _lock: Lock = field(default_factory=Lock)

    def alike(self, engine: Engine, triaged: Sequence[Triaged], now: datetime) -> Alike:
        """Ids of what new posts of a page may be copies of."""
        young = [one for one in triaged if one.verdict.relevant and now - one.mention.published_at <= COPY_WITHIN]
        if not young:
            return NOTHING_ALIKE
        with self._lock:
            with reading(engine) as connection:
                new = _unknown(connection, young)
                if not new:
                    return NOTHING_ALIKE
                self._refresh(connection, now)
            found = {id_ for one in new for id_ in self._recent.near(wording(one))}
            return Alike(frozenset(found), self._last)

    def _refresh(self, connection: Connection, now: datetime) -> None:
        removals: int | None = connection.execute(
            sa.select(counters.c.value).where(counters.c.name == REMOVED_COUNTER)
        ).scalar_one_or_none()
        # Asked for first: ids are given out under a lock, so all posts up to this one can be seen by what follows.
        last: int = connection.execute(sa.select(sa.func.coalesce(sa.func.max(mentions.c.id), 0))).scalar_one()
        young = mentions.c.published_at >= now - COPY_WITHIN
        if self._last is None:
            newest = _TEXTS.where(*_STANDS, young).order_by(mentions.c.published_at.desc()).limit(MOST_TEXTS)
            self._take(sorted(connection.execute(newest), key=lambda row: row.id))
        elif last > self._last:
            self._take(connection.execute(_TEXTS.where(*_STANDS, mentions.c.id > self._last).order_by(mentions.c.id)))
        if removals != self._removals:
            gone = connection.execute(sa.select(mentions.c.id).where(young, mentions.c.removed_at.is_not(None)))
            self._recent.drop(gone.scalars())
        while self._ages and (len(self._ages) > MOST_TEXTS or self._ages[0][1] < now - COPY_WITHIN):
            self._recent.drop([self._ages.popleft()[0]])
        self._last, self._removals = last, removals

    def _take(self, rows: Iterable[Any]) -> None:
        for row in rows:
            self._recent.add(row.id, _wording(row))
            self._ages.append((row.id, row.published_at))


def earlier(connection: Connection, alike: Alike, new: Collection[int]) -> tuple[Earlier, ...]:
    """The posts that new ones may be copies of, as they stand now, the oldest first; call with the counter locked."""
    if alike.known_to is None:
        return ()
    ids = sorted(alike.ids)
    found = {
        row.id: row
        for start in range(0, len(ids), _CHUNK)
        for row in connection.execute(_TEXTS.where(*_STANDS, mentions.c.id.in_(ids[start : start + _CHUNK])))
    }
    meanwhile = _TEXTS.where(*_STANDS, mentions.c.id > alike.known_to).order_by(mentions.c.id).limit(_MOST_MEANWHILE)
    found |= {row.id: row for row in connection.execute(meanwhile)}
    return tuple(
        Earlier(id_, row.case_id, row.published_at, _wording(row))
        for id_, row in sorted(found.items())
        if id_ not in new
    )


def keep(connection: Connection, found: Sequence[Copied], now: datetime) -> None:
    """Store what was found to be a copy of what."""
    if found:
        connection.execute(
            copies.insert(),
            [
                {
                    "mention_id": one.mention_id,
                    "first_id": one.first_id,
                    "likeness": one.likeness,
                    "folded": one.folded,
                    "at": now,
                }
                for one in found
            ],
        )


@dataclass(frozen=True, slots=True)
class Folded:
    """A post that is told in the thread of another case."""

    mention_id: int
    first_case: int


def folded(connection: Connection, case_id: int) -> tuple[Folded, ...]:
    """The posts of a case that were folded as near copies."""
    mine, first = mentions.alias(), mentions.alias()
    rows = connection.execute(
        sa.select(copies.c.mention_id, first.c.case_id)
        .select_from(copies.join(mine, mine.c.id == copies.c.mention_id).join(first, first.c.id == copies.c.first_id))
        .where(mine.c.case_id == case_id, copies.c.folded)
        .order_by(copies.c.mention_id)
    )
    return tuple(Folded(row.mention_id, row.case_id) for row in rows)


def unfold(connection: Connection, ids: Sequence[int], who: str, outcome: Outcome, now: datetime) -> None:
    """Note that these are told by themselves from now on, and what became of them. `who` empty: the daemon."""
    connection.execute(mentions.update().where(mentions.c.id.in_(ids)).values(outcome=outcome.value))
    connection.execute(
        copies.update().where(copies.c.mention_id.in_(ids)).values(folded=False, unfolded_at=now, unfolded_by=who)
    )


def _unknown(connection: Connection, triaged: Sequence[Triaged]) -> list[Triaged]:
    """Those that are not stored yet, as far as can be seen without a lock."""
    by_identity = {identity(one.mention): one for one in triaged}
    known: set[tuple[str, str]] = set()
    for platform in sorted({platform for platform, _ in by_identity}):
        ids = sorted(external_id for of, external_id in by_identity if of == platform)
        for start in range(0, len(ids), _CHUNK):
            rows = connection.execute(
                sa.select(mentions.c.external_id).where(
                    mentions.c.platform == platform, mentions.c.external_id.in_(ids[start : start + _CHUNK])
                )
            )
            known.update((platform, external_id) for external_id in rows.scalars())
    return [one for key, one in by_identity.items() if key not in known]


def _wording(row: Any) -> Wording:
    return Wording(normal(f"{row.title} {row.text}"), row.lang, row.sentiment_label)
