"""Taking words and people out of what is stored for long enough: the statements of `Store.purge` and its neighbours.

Of a mention stay platform, dates, counts and what triage concluded; text, title, address, author, thread and the
words quoted in the verdict go, and names that nobody can read stand in for the keys that people are counted by
(`pseudonyms`). A digest in the outbox that may quote a removed post loses its words as a whole: nobody can tell
for sure which of them came from where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.cases.plan import author_key, thread_key
from listener.model import NotificationKind, NotificationState, Told
from listener.store.mapping import TOLD, TOLD_FROM, told_of
from listener.store.pages import lock_counter
from listener.store.pseudonyms import make_pseudonyms, pseudonyms, removed_id
from listener.store.reading import REMOVED_COUNTER
from listener.store.shelf import kept, take_off
from listener.store.tables import cases, counters, labels, mentions, notifications, replies, verdicts
from listener.store.upsert import insert

UNSENT = "its words were removed before it could be sent (retention); `listener digest` counts the week again"

_PENDING, _SENDING = NotificationState.PENDING.value, NotificationState.SENDING.value


def due(
    connection: Connection,
    before: Mapping[str, datetime],
    now: datetime,
    after: tuple[datetime, int] | None,
    limit: int,
) -> tuple[Sequence[int], tuple[datetime, int] | None]:
    """At most `limit` ids of mentions behind `after` to be purged, oldest first, and where to go on (None: at the end)."""
    if not before:
        return (), None
    statement = sa.select(mentions.c.id, mentions.c.published_at).where(
        _is_due(before, now), mentions.c.published_at < max(before.values())
    )
    if after is not None:
        published_at, id_ = after
        statement = statement.where(
            mentions.c.published_at >= published_at,
            sa.or_(mentions.c.published_at > published_at, mentions.c.id > id_),
        )
    rows = connection.execute(statement.order_by(mentions.c.published_at, mentions.c.id).limit(limit)).all()
    onward = (rows[-1].published_at, rows[-1].id) if len(rows) == limit else None
    return [row.id for row in rows], onward


def count_due(connection: Connection, before: Mapping[str, datetime], now: datetime) -> dict[str, int]:
    """How many mentions of each source are to be purged; sources with none are left out."""
    if not before:
        return {}
    rows = connection.execute(
        sa.select(mentions.c.source, sa.func.count().label("number"))
        .where(_is_due(before, now), mentions.c.published_at < max(before.values()))
        .group_by(mentions.c.source)
        .order_by(mentions.c.source)
    )
    return {row.source: row.number for row in rows}


def purge(
    connection: Connection, ids: Sequence[int], now: datetime, random_bytes: Callable[[int], bytes], why: str
) -> int:
    """Take words and people out of these mentions. Returns how many had not been purged before."""
    # Pages are kept out meanwhile: one under way reads cases by the keys that change here.
    lock_counter(connection)
    rows = connection.execute(
        sa.select(*TOLD).select_from(TOLD_FROM).where(mentions.c.id.in_(ids), mentions.c.removed_at.is_(None))
    ).mappings()
    found = [told_of(row) for row in rows]
    if not found:
        return 0
    names = make_pseudonyms(connection, random_bytes)
    which: sa.BindParameter[int] = sa.bindparam("which")
    connection.execute(
        mentions.update()
        .where(mentions.c.id == which)
        .values(
            external_id=sa.bindparam("remembered"),
            thread_key=sa.bindparam("thread"),
            url="",
            title="",
            text="",
            author_id="",
            author_handle="",
            author_name="",
            author_followers=None,
            thread_id=None,
            parent_id=None,
            checked_at=None,  # nobody asks for it any more
            removed_at=now,
            removed_why=why,
        ),
        [
            {
                "which": told.id,
                "remembered": removed_id(told.mention.platform, told.mention.external_id),
                "thread": names.of(thread_key(told.mention)),
            }
            for told in found
        ],
    )
    connection.execute(
        verdicts.update().where(verdicts.c.mention_id == which).values(lines=sa.bindparam("kept"), near=""),
        [{"which": told.id, "kept": _without_words(told)} for told in found],
    )
    take_off(connection, [told.id for told in found])
    # What people wrote about it quotes it as often as not, and teaches nothing without the words.
    connection.execute(labels.update().where(labels.c.mention_id.in_([told.id for told in found])).values(reason=""))
    # So does what was answered; of a reply that is on its way nothing is left to send.
    connection.execute(replies.update().where(replies.c.mention_id.in_([told.id for told in found])).values(text=""))
    # Of an author everything gets the new name, later posts too: under two names one person would count as two.
    people = sorted({author_key(told.mention) for told in found})
    for column in (mentions.c.author_key, cases.c.author_key):
        _rename(connection, column, people, names.of)
    _rename(connection, cases.c.thread_key, sorted({thread_key(told.mention) for told in found}), names.of)
    statement = insert(connection, counters)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["name"], set_={"value": counters.c.value + statement.excluded.value}
        ),
        {"name": REMOVED_COUNTER, "value": len(found)},
    )
    return len(found)


def purge_outbox(connection: Connection, now: datetime) -> int:
    """Take the words out of digests in the outbox that may quote a mention purged since. Returns how many."""
    if pseudonyms(connection) is None:
        return 0
    waiting = connection.execute(
        sa.select(notifications.c.id, notifications.c.state, notifications.c.payload, notifications.c.created_at).where(
            notifications.c.kind == NotificationKind.DIGEST.value, notifications.c.state != _SENDING
        )
    ).all()
    done = 0
    for row in waiting:
        if "removed_at" in row.payload or not quotes_removed(connection, row.payload, row.created_at):
            continue
        kept = {name: row.payload[name] for name in ("week", "page") if name in row.payload}
        values: dict[str, Any] = {"payload": {**kept, "removed_at": now.isoformat()}}
        if row.state == _PENDING:
            values |= {"state": NotificationState.DEAD.value, "error": UNSENT, "ended_at": now}
        # Claimed since it was read: it is being sent, and its words go the next time.
        changed = connection.execute(
            notifications.update()
            .where(notifications.c.id == row.id, notifications.c.state == row.state)
            .values(**values)
        )
        done += changed.rowcount
    return done


def _is_due(before: Mapping[str, datetime], now: datetime) -> sa.ColumnElement[bool]:
    sources_of: dict[datetime, list[str]] = {}
    for source, cutoff in before.items():
        sources_of.setdefault(cutoff, []).append(source)
    return sa.and_(
        mentions.c.removed_at.is_(None),
        ~kept(now),  # its author allowed that it is shown (docs/praise.md)
        sa.or_(
            *(
                sa.and_(mentions.c.source.in_(sorted(names)), mentions.c.published_at < cutoff)
                for cutoff, names in sources_of.items()
            )
        ),
    )


def _without_words(told: Told) -> list[list[Any]]:
    # What fired is a quotation as often as not; the rule's name and its points explain what is left.
    return [[line.points, line.label, "", line.rule] for line in told.verdict.lines]


def _rename(connection: Connection, column: sa.Column[Any], keys: Iterable[str], name_of: Callable[[str], str]) -> None:
    connection.execute(
        column.table.update().where(column == sa.bindparam("known_as")).values({column: sa.bindparam("hidden_as")}),
        [{"known_as": key, "hidden_as": name_of(key)} for key in keys],
    )


def quotes_removed(connection: Connection, payload: Mapping[str, Any], made_at: datetime) -> bool:
    """Whether a digest made at `made_at` may quote a post whose words were removed since."""
    # Made after the removal, a digest had nothing to quote any more.
    removed_since = sa.select(mentions.c.id).where(mentions.c.removed_at >= made_at)
    try:
        since, until = (datetime.fromisoformat(payload["digest"]["week"][end]) for end in ("since", "until"))
    except (KeyError, TypeError, ValueError):
        removed_since = removed_since.where(mentions.c.published_at < made_at)  # it does not say which week
    else:
        removed_since = removed_since.where(mentions.c.published_at >= since, mentions.c.published_at < until)
    return connection.execute(removed_since.limit(1)).first() is not None
