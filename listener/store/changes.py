"""What happens to posts after they were stored: their platform has them edited or removed, or their author is forgotten.

An edited post gets its new words and a new verdict, and its case shows both. Of a removed one the words and the author
go (`purging`), and every Slack message that quotes it is edited through the outbox: the case's own message because
its case has a new revision, entries in the thread one by one, summaries that list the case. What waits in the outbox
and would quote it folds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connectors.base import Known, Mention, Removal
from listener.cases.plan import (
    CaseEvent,
    CaseNotification,
    NewMention,
    Revise,
    Settle,
)
from listener.cases.turns import Turn, turned
from listener.model import (
    CaseState,
    NewNotification,
    NotificationKind,
    NotificationState,
    Outcome,
    Triaged,
)
from listener.store import copies, purging, silences, spikes, summaries
from listener.store.deeds import corrected
from listener.store.mapping import TOLD, TOLD_FROM, case_of, event_values, identity, told_of, verdict_values
from listener.store.pages import (
    add_notifications,
    change_case,
    lock_counter,
    open_case,
    settle_new,
    told_receivers,
)
from listener.store.shelf import kept
from listener.store.tables import case_events, cases, mentions, notifications, verdicts
from listener.store.values import Changed
from rules.vocabulary import Urgency

GONE = "its post was removed before this could be told"

_CLOSED = (CaseState.RESOLVED.value, CaseState.NOT_RELEVANT.value)
_NO_CASE = frozenset({Outcome.NOT_RELEVANT, Outcome.ABOUT_RIVAL, Outcome.OWN_ACCOUNT})
_CHUNK = 500
_LET_GO = 5_000  # posts at once: the first look-up after a year without any must not hold the database for minutes


def due(
    connection: Connection, sources: Sequence[str], before: datetime, oldest: datetime, limit: int
) -> Sequence[Known]:
    """Posts of these sources not seen upstream since `before`, published since `oldest` or on show; the longest unseen first.

    Older ones are let go: nobody asks for them again, and with no `checked_at` they leave the index that is read here.
    """
    theirs = (mentions.c.source.in_(sorted(sources)), mentions.c.checked_at <= before)
    # What may be shown is asked for as long as it may: its author may delete it on any day.
    shown = kept(before)
    too_old = sa.select(mentions.c.id).where(*theirs, mentions.c.published_at < oldest, ~shown).limit(_LET_GO)
    connection.execute(mentions.update().where(mentions.c.id.in_(too_old.scalar_subquery())).values(checked_at=None))
    rows = connection.execute(
        sa.select(mentions)
        .where(
            *theirs,
            sa.or_(mentions.c.published_at >= oldest, shown),
            mentions.c.removed_at.is_(None),
        )
        .order_by(mentions.c.checked_at, mentions.c.id)
        .limit(limit)
    )
    return [
        Known(
            row.external_id, row.url, row.kind, row.author_id, row.parent_id, row.thread_id, row.published_at
        )
        for row in rows
    ]  # fmt: skip


def checked(connection: Connection, sources: Sequence[str], external_ids: Iterable[str], now: datetime) -> None:
    """Note that these posts were asked for."""
    connection.execute(
        mentions.update()
        .where(mentions.c.source.in_(sorted(sources)), mentions.c.external_id.in_(list(external_ids)))
        .values(checked_at=now)
    )


def apply(
    connection: Connection,
    edited: Sequence[Triaged],
    removed: Sequence[Removal],
    settle: Settle,
    revise: Revise,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> Changed:
    """Store what changed upstream; what is not stored is left alone. Call with all new mentions stored already."""
    if not edited and not removed:
        return Changed()
    lock_counter(connection)
    changed = _edit(connection, edited, settle, revise, now)
    gone = _removed_ids(connection, removed)
    return Changed(changed, remove(connection, gone, "upstream", now, random_bytes))


def of_author(connection: Connection, platform: str, name: str) -> Sequence[int]:
    """Ids of all posts that still carry this author: by their id, or by their handle in any case."""
    handle = name.removeprefix("@").casefold()
    theirs = (mentions.c.platform == platform, mentions.c.removed_at.is_(None))
    if handle.isascii():
        same = sa.func.lower(mentions.c.author_handle) == handle
    else:  # SQLite's lower() knows ASCII only
        known = connection.execute(sa.select(mentions.c.author_handle).where(*theirs).distinct()).scalars()
        same = mentions.c.author_handle.in_([one for one in known if one.casefold() == handle])
    rows = connection.execute(sa.select(mentions.c.id).where(*theirs, sa.or_(mentions.c.author_id == name, same)))
    return list(rows.scalars())


def remove(
    connection: Connection, ids: Sequence[int], why: str, now: datetime, random_bytes: Callable[[int], bytes]
) -> int:
    """Take words and author out of these mentions, everywhere. Returns how many still had them."""
    lock_counter(connection)
    done = 0
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        rows = connection.execute(
            sa.select(mentions.c.id, mentions.c.ref, mentions.c.case_id).where(
                mentions.c.id.in_(chunk), mentions.c.removed_at.is_(None)
            )
        ).all()
        done += purging.purge(connection, [row.id for row in rows], now, random_bytes, why)
        _redact(connection, {row.id: row.ref for row in rows}, now)
        spikes.show_again(connection, [row.id for row in rows], now)
        for case_id in sorted({row.case_id for row in rows if row.case_id is not None}):
            refs = [row.ref for row in rows if row.case_id == case_id]
            _show_removal(connection, case_id, refs, why, now)
    return done


def _edit(connection: Connection, edited: Sequence[Triaged], settle: Settle, revise: Revise, now: datetime) -> int:
    again: list[NewMention] = []
    done = 0
    for found in edited:
        platform, external_id = identity(found.mention)
        row = (
            connection.execute(
                sa.select(*TOLD)
                .select_from(TOLD_FROM)
                .where(
                    mentions.c.platform == platform,
                    mentions.c.external_id == external_id,
                    mentions.c.removed_at.is_(None),
                )
            )
            .mappings()
            .one_or_none()
        )
        if row is None:
            continue
        before = told_of(row)
        values = {"engagement": dict(found.mention.engagement), "checked_at": now}
        if _words(found.mention) == _words(before.mention):
            connection.execute(mentions.update().where(mentions.c.id == before.id).values(**values))
            continue
        done += 1
        connection.execute(
            mentions.update()
            .where(mentions.c.id == before.id)
            .values(
                **values,
                text=found.mention.text,
                title=found.mention.title,
                lang=found.mention.lang,
                rating=found.mention.rating,
                edited_at=now,
            )
        )
        # It was about nobody, and is about us now. With a case it was a person who said so: that holds.
        if before.outcome in _NO_CASE and row["case_id"] is None and found.verdict.relevant:
            connection.execute(verdicts.delete().where(verdicts.c.mention_id == before.id))
            again.append(NewMention(before.id, before.ref, found))
            continue
        case = None if row["case_id"] is None else open_case(connection, row["case_id"])
        found = replace(found, verdict=corrected(connection, before.id, found.verdict))  # the same post
        revised = revise(before, found, case, silences.for_settling(connection, now), now)
        connection.execute(
            verdicts.update()
            .where(verdicts.c.mention_id == before.id)
            .values(**verdict_values(before.id, revised.verdict, now))
        )
        if revised.change is not None:
            change_case(connection, revised.change, now)
        if revised.events:
            connection.execute(case_events.insert(), [event_values(event) for event in revised.events])
        add_notifications(connection, revised.notifications, now)
        tells = any(one.notification.kind is NotificationKind.CASE_OPEN for one in revised.notifications)
        if before.outcome is Outcome.FOLDED_DUPLICATE and tells:
            copies.unfold(connection, [before.id], "", Outcome.ALERTED, now)
        if case is not None:
            summaries.show_again(connection, case.case.id, "post-edited", now)
    if again:
        settle_new(connection, again, settle, now)
    return done


def _words(mention: Mention) -> tuple[str, str, float | None]:
    """What a post says: an app's reviewers change their stars and leave their words."""
    return mention.text, mention.title, mention.rating


def _removed_ids(connection: Connection, removed: Sequence[Removal]) -> Sequence[int]:
    wanted: dict[str, tuple[set[str], set[str]]] = {}
    for one in removed:
        posts, authors = wanted.setdefault(one.platform, (set(), set()))
        if one.external_id:
            posts.add(one.external_id)
        elif one.author_id:
            authors.add(one.author_id)
    found: set[int] = set()
    for platform, sets in wanted.items():
        for column, values in zip((mentions.c.external_id, mentions.c.author_id), sets, strict=True):
            for start in range(0, len(values), _CHUNK):
                some = sorted(values)[start : start + _CHUNK]
                found.update(
                    connection.execute(
                        sa.select(mentions.c.id).where(
                            mentions.c.platform == platform, column.in_(some), mentions.c.removed_at.is_(None)
                        )
                    ).scalars()
                )
    return sorted(found)


def _redact(connection: Connection, refs: Mapping[int, str], now: datetime) -> None:
    """Entries about these mentions: what waits folds, what was posted is edited."""
    entry = (
        notifications.c.kind == NotificationKind.CASE_THREAD.value,
        notifications.c.mention_id.in_(list(refs)),
    )
    connection.execute(
        notifications.update()
        .where(*entry, notifications.c.state == NotificationState.PENDING.value)
        .values(state=NotificationState.FOLDED.value, error=GONE, ended_at=now)
    )
    posted = connection.execute(
        sa.select(notifications.c.mention_id, notifications.c.case_id, notifications.c.receiver).where(
            *entry,
            # One that is being sent now is edited once it is: nothing of one case and receiver overtakes.
            notifications.c.state.in_((NotificationState.SENT.value, NotificationState.SENDING.value)),
        )
    ).all()
    add_notifications(
        connection,
        [
            CaseNotification(
                NewNotification(
                    key=f"redact:{refs[row.mention_id]}:{row.receiver}",
                    kind=NotificationKind.ENTRY_UPDATE,
                    receiver=row.receiver,
                    urgency=Urgency.NORMAL,
                    due_at=now,
                    reason=summaries.REMOVED,
                ),
                row.case_id,
                row.mention_id,
            )
            for row in posted
        ],
        now,
    )


def _show_removal(connection: Connection, case_id: int, refs: Sequence[str], why: str, now: datetime) -> None:
    row = connection.execute(sa.select(cases).where(cases.c.id == case_id)).mappings().one()
    left = connection.execute(
        sa.select(mentions.c.id).where(mentions.c.case_id == case_id, mentions.c.removed_at.is_(None)).limit(1)
    ).first()
    events = [CaseEvent(case_id, now, "removed", through=why, detail={"mention": ref}) for ref in refs]
    values: dict[str, object] = {"revision": cases.c.revision + 1}
    if left is None:
        # Nobody is left to be answered: the message stays and says so, the clock stops.
        values |= {"due_at": None, "snooze": None}
        if row["state"] not in _CLOSED:
            values |= {"state": CaseState.RESOLVED.value, "state_since": now}
            detail = {"why": "all its posts are gone", **turned(Turn.STOP, now)}
            events.append(CaseEvent(case_id, now, "resolved", through=why, detail=detail))
        connection.execute(
            notifications.update()
            .where(
                notifications.c.case_id == case_id,
                notifications.c.kind == NotificationKind.CASE_OPEN.value,
                notifications.c.state == NotificationState.PENDING.value,
                # After a doubtful attempt it may stand in the channel: then it is looked up, and edited.
                ~notifications.c.doubtful,
            )
            .values(state=NotificationState.FOLDED.value, error=GONE, ended_at=now)
        )
    connection.execute(cases.update().where(cases.c.id == case_id).values(**values))
    connection.execute(case_events.insert(), [event_values(event) for event in events])
    case = case_of(connection.execute(sa.select(cases).where(cases.c.id == case_id)).mappings().one())
    add_notifications(
        connection,
        [
            CaseNotification(
                NewNotification(
                    key=f"case:{case.ref}:rev{case.revision}:{receiver}",
                    kind=NotificationKind.CASE_UPDATE,
                    receiver=receiver,
                    urgency=Urgency.NORMAL,
                    due_at=now,
                    reason=summaries.REMOVED,
                ),
                case_id,
            )
            for receiver in told_receivers(connection, [case_id]).get(case_id, ())
        ],
        now,
    )
    summaries.show_again(connection, case_id, summaries.REMOVED, now)
