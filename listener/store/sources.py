"""Statements about sources: who may poll one, where it stands, how it fared, what it missed.

Each function runs inside a transaction of its caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connectors.base import Cursor, Gap
from listener.model import SourceState
from listener.store.errors import LeaseLost
from listener.store.tables import accounts, gaps, mentions, sources
from listener.store.upsert import insert
from listener.store.values import GapLine, Lease

OUTAGE = "outage"  # reason of a gap that is ours to note; all others are the connector's
_OPEN_OUTAGE = (gaps.c.reason == OUTAGE, gaps.c.closed_at.is_(None))
_sibling = sources.alias("sibling")


def register(
    connection: Connection, connectors: Mapping[str, str], now: datetime, account_of: Mapping[str, str]
) -> dict[str, str]:
    """Add the sources not known yet. One whose connector changed starts anew: no connector reads another's cursor.

    Nor does one know another's posts: those the source found before are not looked up again. Returns, for each source
    that changed, the connector it had.
    """
    if not connectors:
        return {}
    rows = [
        {"name": name, "connector": connector, "fence": 0, "failures": 0, "mentions": 0}
        for name, connector in sorted(connectors.items())
    ]
    connection.execute(insert(connection, sources).on_conflict_do_nothing(index_elements=["name"]), rows)
    known = {row.name: row.connector for row in connection.execute(sa.select(sources.c.name, sources.c.connector))}
    for name in sorted(connectors):
        connection.execute(sources.update().where(sources.c.name == name).values(account=account_of.get(name)))
    changed = {name: known[name] for name, connector in sorted(connectors.items()) if known[name] != connector}
    for name in changed:
        connection.execute(
            sources.update()
            .where(sources.c.name == name)
            .values(
                connector=connectors[name],
                cursor=None,
                next_poll_at=None,
                failures=0,
                error=None,
                parked=None,
                pace=None,
                lease_owner=None,
                lease_until=None,
                fence=sources.c.fence + 1,  # whoever polls it right now finds out
            )
        )
        _close(connection, name, now)
        connection.execute(
            mentions.update()
            .where(mentions.c.source == name, mentions.c.checked_at.is_not(None))
            .values(checked_at=None)
        )
    return changed


def bring_forward(connection: Connection, every: Mapping[str, timedelta]) -> None:
    """Whoever is polled more often from now on does not wait as long as before. Waits after a failure stay."""
    rows = connection.execute(
        sa.select(sources.c.name, sources.c.last_success_at, sources.c.next_poll_at).where(
            sources.c.name.in_(sorted(every)), sources.c.error.is_(None), sources.c.last_success_at.is_not(None)
        )
    ).all()
    for name, last, next_at in rows:
        if next_at is not None and next_at > last + every[name]:
            connection.execute(
                sources.update()
                .where(sources.c.name == name, sources.c.next_poll_at == next_at)
                .values(next_poll_at=last + every[name])
            )


def due(connection: Connection, now: datetime, owner: str | None) -> tuple[str, ...]:
    """The sources that may be polled now, by `owner` if one is named, the longest overdue first."""
    found = connection.execute(
        sa.select(sources.c.name)
        .where(_is_due(now), _is_free(now, owner), _may_ask(now))
        .order_by(sa.nulls_first(sources.c.next_poll_at), sources.c.name)
    )
    return tuple(found.scalars())


def lease(
    connection: Connection, source: str, owner: str, now: datetime, ttl: timedelta, *, force: bool
) -> Lease | None:
    """Take the right to poll, unless another owner has it or, without `force`, it is not due or parked.

    Sources of one account take turns, `force` or not: while one is polled, or their platform asked all of them to
    wait, no other is.
    An owner may take its own lease again, which voids the older one: it could not be given back, or was left behind.
    """
    _lock_account(connection, source, now)
    allowed = _may_ask(now) if force else sa.and_(_is_due(now), _may_ask(now))
    taken = connection.execute(
        sources.update()
        .where(sources.c.name == source, _is_free(now, owner), allowed)
        .values(lease_owner=owner, lease_until=now + ttl, fence=sources.c.fence + 1)
        .returning(*(sources.c[name] for name in ("fence", "cursor", "failures", "pace", "account")))
    ).one_or_none()
    if taken is None:
        return None
    return Lease(
        source,
        owner,
        taken.fence,
        taken.cursor,
        now + ttl,
        ttl,
        taken.failures,
        None if taken.pace is None else timedelta(seconds=taken.pace),
        taken.account,
    )


def _lock_account(connection: Connection, source: str, now: datetime) -> None:
    """Let two workers that want sources of one account look one after the other."""
    name = connection.execute(sa.select(sources.c.account).where(sources.c.name == source)).scalar_one_or_none()
    if name is None:
        return
    statement = insert(connection, accounts)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"name": accounts.c.name}), {"name": name}
    )


def account_waits(connection: Connection, source: str, now: datetime) -> datetime | None:
    """Until when the account of a source lets it ask nothing: told to wait, or another source is polled. None: it may ask."""
    named = connection.execute(sa.select(sources.c.account).where(sources.c.name == source)).scalar_one_or_none()
    told = sa.select(accounts.c.blocked_until).where(accounts.c.name == named, accounts.c.blocked_until > now)
    under_way = sa.select(sources.c.lease_until).where(
        sources.c.account == named, sources.c.name != source, sources.c.lease_until > now
    )
    waits = [*connection.execute(told).scalars(), *connection.execute(under_way).scalars()]
    return max(waits, default=None)


def unblock(connection: Connection, account: str, now: datetime) -> None:
    """Let the sources of an account ask again, those at once that waited for it."""
    until = connection.execute(
        sa.select(accounts.c.blocked_until).where(accounts.c.name == account)
    ).scalar_one_or_none()
    connection.execute(accounts.update().where(accounts.c.name == account).values(blocked_until=None, blocked_by=None))
    connection.execute(
        sources.update().where(sources.c.account == account, sources.c.next_poll_at == until).values(next_poll_at=now)
    )


def block(connection: Connection, account: str, until: datetime, why: str) -> None:
    """No source of this account asks before `until`. An earlier time never shortens a longer wait."""
    statement = insert(connection, accounts)
    longer = sa.or_(accounts.c.blocked_until.is_(None), accounts.c.blocked_until < statement.excluded.blocked_until)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["name"],
            set_={
                "blocked_until": sa.case((longer, statement.excluded.blocked_until), else_=accounts.c.blocked_until),
                "blocked_by": sa.case((longer, statement.excluded.blocked_by), else_=accounts.c.blocked_by),
            },
        ),
        {"name": account, "blocked_until": until, "blocked_by": why},
    )


def blocked(connection: Connection, now: datetime) -> Mapping[str, tuple[datetime, str]]:
    """The accounts that must wait: until when, and why."""
    rows = connection.execute(sa.select(accounts).where(accounts.c.blocked_until > now).order_by(accounts.c.name))
    return {row.name: (row.blocked_until, row.blocked_by or "") for row in rows}


def advance(connection: Connection, held: Lease, cursor: Cursor, new: int, now: datetime) -> None:
    """Save the cursor behind a page, count its new mentions, renew the lease. Raises LeaseLost."""
    _update_held(
        connection,
        held,
        {"cursor": dict(cursor), "mentions": sources.c.mentions + new, "lease_until": now + held.ttl},
    )


def finish(
    connection: Connection,
    held: Lease,
    now: datetime,
    next_poll_at: datetime,
    error: str | None,
    parked: str | None,
    pace: timedelta | None,
) -> None:
    """Release the lease and keep how the poll went. Raises LeaseLost."""
    changes: dict[str, object] = {"lease_owner": None, "lease_until": None, "next_poll_at": next_poll_at}
    if pace is not None:
        changes["pace"] = pace.total_seconds()
    if error is None and parked is None:
        changes |= {
            "failures": 0,
            "error": None,
            "parked": None,
            "first_success_at": sa.func.coalesce(
                sources.c.first_success_at, sa.literal(now, sources.c.first_success_at.type)
            ),
            "last_success_at": now,
        }
        _close_outage(connection, held.source, now)
    else:
        changes |= {"failures": sources.c.failures + 1, "error": error, "parked": parked}
        _note_outage(connection, held.source, now)
    _update_held(connection, held, changes)


def _note_outage(connection: Connection, source: str, now: datetime) -> None:
    """Nothing was read since the last poll that went well: one gap, which grows until the next one does."""
    since = connection.execute(
        sa.select(sources.c.last_success_at).where(sources.c.name == source)
    ).scalar_one_or_none()
    grown = connection.execute(gaps.update().where(gaps.c.source == source, *_OPEN_OUTAGE).values(until=now))
    if grown.rowcount or since is None or since >= now:
        return
    connection.execute(
        insert(connection, gaps).on_conflict_do_update(
            index_elements=["source", "since", "until", "reason"], set_={"closed_at": None}
        ),
        {"source": source, "since": since, "until": now, "reason": OUTAGE, "lost": False, "opened_at": now},
    )


def _close_outage(connection: Connection, source: str, now: datetime) -> None:
    # The connector went on from where it stood; what it could not read any more it lists as gaps of its own.
    connection.execute(gaps.update().where(gaps.c.source == source, *_OPEN_OUTAGE).values(closed_at=now))


def lease_owners(connection: Connection) -> frozenset[str]:
    """Everybody who holds a source."""
    return frozenset(
        connection.execute(sa.select(sources.c.lease_owner).where(sources.c.lease_owner.is_not(None))).scalars()
    )


def end_leases(connection: Connection, owner: str, now: datetime) -> None:
    """Make the sources of a dead owner free; its fence is void with the next lease."""
    connection.execute(sources.update().where(sources.c.lease_owner == owner).values(lease_until=now))


def hold(connection: Connection, source: str, until: datetime, why: str) -> None:
    """This source asks nothing before `until`. An earlier time never shortens a longer wait."""
    earlier = sa.or_(sources.c.next_poll_at.is_(None), sources.c.next_poll_at < until)
    connection.execute(sources.update().where(sources.c.name == source, earlier).values(next_poll_at=until, error=why))


def unpark(connection: Connection, source: str, now: datetime) -> None:
    """Let a parked source be polled again, from now on."""
    connection.execute(
        sources.update()
        .where(sources.c.name == source, sources.c.parked.is_not(None))
        .values(parked=None, error=None, failures=0, next_poll_at=now)
    )


def sync_gaps(connection: Connection, source: str, listed: Sequence[Gap], now: datetime) -> None:
    """Make the open gaps of a source those that its page lists."""
    key = (gaps.c.since, gaps.c.until, gaps.c.reason)
    stored = {
        (row.since, row.until, row.reason): row
        for row in connection.execute(
            sa.select(gaps.c.id, *key, gaps.c.lost).where(
                gaps.c.source == source, gaps.c.closed_at.is_(None), gaps.c.reason != OUTAGE
            )
        )
    }
    wanted = {(gap.since, gap.until, gap.reason): gap.lost for gap in listed}
    closed = [row.id for found, row in stored.items() if found not in wanted]
    if closed:
        connection.execute(gaps.update().where(gaps.c.id.in_(closed)).values(closed_at=now))
    changed = [
        {"source": source, "since": since, "until": until, "reason": reason, "lost": lost, "opened_at": now}
        for (since, until, reason), lost in wanted.items()
        if (since, until, reason) not in stored or stored[since, until, reason].lost != lost
    ]
    if changed:
        statement = insert(connection, gaps)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["source", "since", "until", "reason"],
                set_={"lost": statement.excluded.lost, "closed_at": None},
            ),
            changed,
        )


def gap_lines(connection: Connection, since: datetime) -> tuple[GapLine, ...]:
    """Gaps that are open, or were closed since, oldest first."""
    rows = connection.execute(
        sa.select(gaps)
        .where(sa.or_(gaps.c.closed_at.is_(None), gaps.c.closed_at >= since))
        .order_by(gaps.c.since, gaps.c.id)
    )
    return tuple(
        GapLine(row.source, Gap(row.since, row.until, row.reason, row.lost), row.opened_at, row.closed_at)
        for row in rows
    )


def states(connection: Connection) -> tuple[SourceState, ...]:
    """All sources with their open and lost gaps."""
    missed: dict[str, list[Gap]] = {}
    for row in connection.execute(
        sa.select(gaps).where(sa.or_(gaps.c.closed_at.is_(None), gaps.c.lost)).order_by(gaps.c.since, gaps.c.id)
    ):
        missed.setdefault(row.source, []).append(Gap(row.since, row.until, row.reason, row.lost))
    return tuple(
        state_of(row, tuple(missed.get(row.name, ())))
        for row in connection.execute(sa.select(sources).order_by(sources.c.name))
    )


def state_of(row: sa.Row[Any], missed: tuple[Gap, ...] = ()) -> SourceState:
    """A row as others see it."""
    return SourceState(
        name=row.name,
        connector=row.connector,
        next_poll_at=row.next_poll_at,
        first_success_at=row.first_success_at,
        last_success_at=row.last_success_at,
        failures=row.failures,
        error=row.error,
        parked=row.parked,
        mentions=row.mentions,
        gaps=missed,
        account=row.account,
        pace=None if row.pace is None else timedelta(seconds=row.pace),
    )


def _is_due(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(sources.c.parked.is_(None), sa.or_(sources.c.next_poll_at.is_(None), sources.c.next_poll_at <= now))


def _is_free(now: datetime, owner: str | None) -> sa.ColumnElement[bool]:
    ours = sa.false() if owner is None else sources.c.lease_owner == owner
    return sa.or_(sources.c.lease_owner.is_(None), sources.c.lease_until <= now, ours)


def _may_ask(now: datetime) -> sa.ColumnElement[bool]:
    """Whether the account lets this source ask: not told to wait, and none of its other sources under way."""
    waits = sa.exists().where(accounts.c.name == sources.c.account, accounts.c.blocked_until > now)
    under_way = sa.exists().where(
        _sibling.c.account == sources.c.account, _sibling.c.name != sources.c.name, _sibling.c.lease_until > now
    )
    return sa.and_(~waits, ~under_way)


def _update_held(connection: Connection, held: Lease, changes: Mapping[str, object]) -> None:
    changed = connection.execute(
        sources.update()
        .where(sources.c.name == held.source, sources.c.fence == held.fence, sources.c.lease_owner == held.owner)
        .values(**changes)
    )
    if changed.rowcount != 1:
        raise LeaseLost(
            f'source "{held.source}": the lease of {held.owner} ended and another worker has taken over. '
            "Nothing is lost; that worker goes on from the last stored page."
        )


def _close(connection: Connection, source: str, now: datetime) -> None:
    connection.execute(gaps.update().where(gaps.c.source == source, gaps.c.closed_at.is_(None)).values(closed_at=now))
