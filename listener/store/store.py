"""The daemon's memory. One public method is one transaction; no method waits for a socket other than the database's.

Killed at any point, what a method was doing has happened wholly or not at all. Times are aware and come in as
arguments. Safe to share between threads: every call takes its own connection. An `owner` names one worker that
does one thing at a time (one thread of one process), because leases and claims are told apart by it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from connectors.base import Known, Page, Removal
from listener.cases.clock import ServiceHours
from listener.cases.deeds import Decision, Refusal, Wish
from listener.cases.manners import NO_MANNERS, Manners
from listener.cases.plan import CaseEvent, CaseNotification, Recorded, Revise, Settle
from listener.cases.replies import Ended, NewReply, Reply
from listener.cases.shelf import Loyal, Move, No, PraiseState, ShelfStep, Shelved, Standing
from listener.cases.silences import NewSilence, Silence
from listener.cases.spikes import Heard
from listener.model import (
    Case,
    CaseState,
    CaseView,
    Counted,
    Delivery,
    NewNotification,
    Receipt,
    SourceState,
    Spike,
    Told,
    Triaged,
)
from listener.store import (
    attention,
    changes,
    clock,
    clocks,
    copies,
    deeds,
    heard,
    ledger,
    merging,
    outbox,
    pages,
    purging,
    reading,
    replies,
    schema,
    shelf,
    silences,
    sources,
    spikes,
    summaries,
    vitals,
    weeks,
)
from listener.store.engine import connect, empty_log, overwrite_deleted, place
from listener.store.engine import reading as in_reading
from listener.store.engine import writing as in_writing
from listener.store.tables import audit, meta
from listener.store.upsert import insert
from listener.store.values import (
    AuditLine,
    Budget,
    Changed,
    GapLine,
    Label,
    Lease,
    LedgerLine,
    NotificationRow,
    OutboxState,
    Purged,
    ReceiverState,
    SchemaState,
    Spent,
    Totals,
    WeekCount,
)

_COUNTED_PAGE = 1000  # mentions read in one transaction while a digest is counted


class Store:
    """Mentions, cases, sources and the outbox on SQLite or PostgreSQL."""

    def __init__(self, url: str, engine: Engine) -> None:
        self._url = url
        self.engine = engine  # for measurements and tests; whoever writes past the methods breaks their promises
        self._texts = copies.RecentTexts()

    @classmethod
    def open(cls, url: str) -> Store:
        """Connect to "sqlite:///path" or "postgresql://…". Makes no tables. Raises WrongUrl, Unavailable."""
        engine = connect(url)
        try:
            with in_reading(engine) as connection:
                connection.execute(sa.select(1))
        except BaseException:
            engine.dispose()
            raise
        return cls(url, engine)

    def close(self) -> None:
        """Close all connections. Idempotent."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def kind(self) -> str:
        """Which database this is: "sqlite" or "postgresql"."""
        return self.engine.dialect.name

    def place(self) -> str:
        """The database as an operator knows it: a file's path, or a URL without its password."""
        return place(self.engine)

    # Schema

    def schema(self) -> SchemaState:
        """Which tables there are and which are needed."""
        return schema.state(self.engine)

    def require_current_schema(self) -> None:
        """Raise SchemaMismatch, with what to do, unless the tables are the ones this program needs."""
        schema.require_current(self.engine)

    def migrate(self) -> SchemaState:
        """Bring the tables up to date, all or nothing; returns the state before. Makes no backup."""
        return schema.migrate(self._url)

    def backup(self, target: Path) -> None:
        """Copy a SQLite database while it is in use. Raises NotSupported on PostgreSQL, naming pg_dump."""
        schema.backup(self.engine, target)

    # Sources

    def register_sources(
        self, connectors: Mapping[str, str], now: datetime, account_of: Mapping[str, str] | None = None
    ) -> Mapping[str, str]:
        """Make the sources (name -> connector) known. Keeps cursors and parks, unless a source's connector changed.

        `account_of`: the account whose limits a source shares with others. Returns the sources that start anew because
        their connector changed, each with the one it had.
        """
        with in_writing(self.engine) as connection:
            return sources.register(connection, connectors, now, account_of or {})

    def poll_no_later(self, every: Mapping[str, timedelta]) -> None:
        """Make these sources due one interval after their last success, where they would wait longer without a failure."""
        with in_writing(self.engine) as connection:
            sources.bring_forward(connection, every)

    def due_sources(self, now: datetime, owner: str | None = None) -> tuple[str, ...]:
        """Sources that may be polled now: due, not parked, leased by nobody else than `owner`. The longest overdue first."""
        with in_reading(self.engine) as connection:
            return sources.due(connection, now, owner)

    def lease(self, source: str, owner: str, now: datetime, ttl: timedelta, force: bool = False) -> Lease | None:
        """Take the right to poll a source. `force`: even if it is parked or not due.

        Never if another owner has it, another source of its account is polled, or its account must wait (`account_waits`).
        """
        with in_writing(self.engine) as connection:
            return sources.lease(connection, source, owner, now, ttl, force=force)

    def record_page(
        self,
        lease: Lease,
        page: Page,
        triaged: Sequence[Triaged],
        settle: Settle,
        now: datetime,
        edited: Sequence[Triaged] = (),
        revise: Revise | None = None,
    ) -> Recorded:
        """Store a page, what follows from its mentions, edits and removals, and its cursor.

        `edited` are the page's edited posts, judged; they need `revise`. Raises LeaseLost; then nothing is stored.
        """
        alike = self._texts.alike(self.engine, triaged, now)
        with in_writing(self.engine) as connection:
            if page.removed:
                overwrite_deleted(connection)
            recorded, touched = pages.record(connection, lease, page, triaged, settle, now, alike)
            for case_id in touched:
                summaries.show_again(connection, case_id, "case", now)
            if revise is not None:
                changed = changes.apply(connection, edited, page.removed, settle, revise, now, secrets.token_bytes)
                recorded = replace(recorded, edited=changed.edited, removed=changed.removed)
            pages.advance(connection, lease, page, recorded.new, now)
        return recorded

    def finish(
        self,
        lease: Lease,
        now: datetime,
        next_poll_at: datetime,
        *,
        error: str | None = None,
        parked: str | None = None,
        pace: timedelta | None = None,
    ) -> None:
        """End a poll: well (neither `error` nor `parked`), with a passing error, or parked. Raises LeaseLost."""
        with in_writing(self.engine) as connection:
            sources.finish(connection, lease, now, next_poll_at, error, parked, pace)

    def gaps(self, since: datetime) -> tuple[GapLine, ...]:
        """What sources missed: gaps that are open or lost, and those closed since; oldest first."""
        with in_reading(self.engine) as connection:
            return sources.gap_lines(connection, since)

    def block_account(self, account: str, until: datetime, why: str) -> None:
        """No source of this account is polled before `until`."""
        with in_writing(self.engine) as connection:
            sources.block(connection, account, until, why)

    def account_waits(self, source: str, now: datetime) -> datetime | None:
        """Until when a source cannot be leased because of its account: told to wait, or another is polled. None: it can."""
        with in_reading(self.engine) as connection:
            return sources.account_waits(connection, source, now)

    def unblock_account(self, account: str, now: datetime) -> None:
        """The sources of this account need not wait any longer."""
        with in_writing(self.engine) as connection:
            sources.unblock(connection, account, now)

    def hold_source(self, source: str, until: datetime, why: str) -> None:
        """This source, which shares its limits with no other, is not asked before `until`."""
        with in_writing(self.engine) as connection:
            sources.hold(connection, source, until, why)

    def blocked_accounts(self, now: datetime) -> Mapping[str, tuple[datetime, str]]:
        """The accounts that must wait: until when, and why."""
        with in_reading(self.engine) as connection:
            return sources.blocked(connection, now)

    # Money

    def set_aside(self, account: str, what: str, units: int, micro_usd: int, budget: Budget, now: datetime) -> Spent:
        """Count money that is about to be spent. Raises BudgetExceeded, and counts nothing, where it would be too much."""
        with in_writing(self.engine) as connection:
            return ledger.set_aside(connection, account, what, units, micro_usd, budget, now)

    def give_back(self, account: str, what: str, units: int, micro_usd: int, now: datetime) -> None:
        """Of what was set aside at `now` this was not billed."""
        with in_writing(self.engine) as connection:
            ledger.give_back(connection, account, what, units, micro_usd, now)

    def spent(self, account: str, now: datetime) -> Spent:
        """What an account spent on the UTC day and in the month of `now`."""
        with in_reading(self.engine) as connection:
            return ledger.spent(connection, account, now)

    def ledger(self, since: datetime) -> tuple[LedgerLine, ...]:
        """What was spent since the UTC day of `since`: a line for each account, day and thing."""
        with in_reading(self.engine) as connection:
            return ledger.lines(connection, since)

    # Changes upstream

    def to_check(self, of: Sequence[str], before: datetime, oldest: datetime, limit: int) -> Sequence[Known]:
        """Posts of the sources `of`, published since `oldest`, that were not seen upstream since `before`.

        The longest unseen first. What is older is not asked for again, ever.
        """
        with in_writing(self.engine) as connection:
            return changes.due(connection, of, before, oldest, limit)

    def record_look_up(
        self,
        of: Sequence[str],
        asked: Sequence[str],
        found: Sequence[Triaged],
        removed: Sequence[Removal],
        settle: Settle,
        revise: Revise,
        now: datetime,
    ) -> Changed:
        """Store what asking for the posts `asked` (external ids) of the sources `of` brought."""
        with in_writing(self.engine) as connection:
            if removed:
                overwrite_deleted(connection)
            changes.checked(connection, of, asked, now)
            return changes.apply(connection, found, removed, settle, revise, now, secrets.token_bytes)

    def forget(self, platform: str, author: str, who: str, now: datetime) -> int:
        """Take words and author out of all posts of an author (id or handle), and note that it was done. Returns how many."""
        with in_writing(self.engine) as connection:
            overwrite_deleted(connection)
            ids = changes.of_author(connection, platform, author)
            done = changes.remove(connection, ids, "forgotten", now, secrets.token_bytes)
            name = author.lower().removeprefix("@")
            silences.forget(connection, [f"{platform}:{name}", f"{platform}:{author.lower()}"], now)
            detail = {"platform": platform, "mentions": done}  # the name itself is what must not be kept
            connection.execute(audit.insert(), {"at": now, "who": who, "what": "forget-author", "detail": detail})
            return done

    def written_by(self, platform: str, author: str) -> int:
        """How many posts `forget` would change."""
        with in_reading(self.engine) as connection:
            return len(changes.of_author(connection, platform, author))

    def audit_trail(self, limit: int = 100) -> tuple[AuditLine, ...]:
        """What people did that cannot be seen from the data any more, newest first."""
        with in_reading(self.engine) as connection:
            return reading.audit_trail(connection, limit)

    def unpark(self, source: str, now: datetime) -> None:
        """Let a parked source be polled again."""
        with in_writing(self.engine) as connection:
            sources.unpark(connection, source, now)

    def lease_owners(self) -> frozenset[str]:
        """Everybody who holds a source or a notification."""
        with in_reading(self.engine) as connection:
            return sources.lease_owners(connection) | outbox.lease_owners(connection) | replies.lease_owners(connection)

    def end_leases(self, owner: str, now: datetime) -> None:
        """Let others go on at once where `owner`, known to be dead, stopped. What it was sending becomes doubtful."""
        with in_writing(self.engine) as connection:
            sources.end_leases(connection, owner, now)
            outbox.end_leases(connection, owner, now)
            replies.end_leases(connection, owner, now)

    # Clock

    def latest_sign(self) -> datetime | None:
        """The latest time at which something is known to have happened; ahead of the clock, if that was set back since."""
        with in_reading(self.engine) as connection:
            return clock.latest_sign(connection)

    def turn_back(self, by: timedelta, now: datetime) -> None:
        """The clock was set back `by`: what was to happen at a time of the old clock happens at that of the new one."""
        with in_writing(self.engine) as connection:
            clock.turn_back(connection, by, now)

    # Outbox

    def claim(
        self, receiver: str, owner: str, now: datetime, ttl: timedelta, manners: Manners = NO_MANNERS
    ) -> Delivery | None:
        """The most urgent due notification of a receiver, with all it must say, as long as the claim lasts ours.

        `manners` hold what must not be sent now, and fold into a summary what is too much at once.
        """
        with in_writing(self.engine) as connection:
            return outbox.claim(connection, receiver, owner, now, ttl, manners)

    def mark_sent(
        self, delivery_id: int, owner: str, receipt: Receipt, now: datetime, next_at: datetime | None = None
    ) -> bool:
        """It was sent; `next_at`: nothing more to this receiver before. False: another sender has claimed it since."""
        with in_writing(self.engine) as connection:
            return outbox.mark_sent(connection, delivery_id, owner, receipt, now, next_at)

    def mark_retry(
        self,
        delivery_id: int,
        owner: str,
        error: str,
        due_at: datetime,
        now: datetime,  # every change says when
        hold_receiver_until: datetime | None = None,
        *,
        doubtful: bool = True,
    ) -> bool:
        """Try again from `due_at` on; `doubtful`: it may have got through. False: another sender claimed it since."""
        with in_writing(self.engine) as connection:
            return outbox.mark_retry(
                connection, delivery_id, owner, error, due_at, hold_receiver_until, doubtful=doubtful
            )

    def mark_dead(self, delivery_id: int, owner: str, error: str, now: datetime) -> bool:
        """It will never be accepted. False: another sender has claimed it since."""
        with in_writing(self.engine) as connection:
            return outbox.mark_dead(connection, delivery_id, owner, error, now)

    def stop_receiver(self, receiver: str, why: str, now: datetime) -> None:
        """Send nothing to this receiver until a person acts."""
        with in_writing(self.engine) as connection:
            outbox.stop_receiver(connection, receiver, why, now)

    def resume_receiver(self, receiver: str, now: datetime) -> None:  # every change says when
        """A person acted: send again."""
        with in_writing(self.engine) as connection:
            outbox.stop_receiver(connection, receiver, None, None)

    def receivers(self) -> Mapping[str, ReceiverState]:
        """The receivers that were ever held or stopped."""
        with in_reading(self.engine) as connection:
            return outbox.receiver_states(connection)

    def enqueue(self, notifications: Sequence[NewNotification], now: datetime) -> int:
        """Put digests and notices in the outbox, each key once for ever. Returns how many were new."""
        # In one order everywhere, so that two writers of the same keys never wait for each other.
        planned = [CaseNotification(one, None) for one in sorted(notifications, key=lambda one: one.key)]
        with in_writing(self.engine) as connection:
            return pages.add_notifications(connection, planned, now)

    # Deeds

    def transition(
        self, ref: str, wish: Wish, hours: ServiceHours, wanted: deeds.Wanted, now: datetime
    ) -> Decision | Refusal | None:
        """Do to a case what somebody wants, with all that it makes known. None: there is no such case."""
        with in_writing(self.engine) as connection:
            return deeds.transition(connection, ref, wish, hours, wanted, now)

    def reset_clocks(self, hours: ServiceHours) -> int:
        """Count anew when the answers to open cases are due; returns how many are due at another time now."""
        with in_writing(self.engine) as connection:
            return clocks.reset(connection, hours)

    def merge_cases(
        self, ref: str, into: str, wanted: deeds.Wanted, wish: Wish, now: datetime
    ) -> Case | Refusal | None:
        """Give all posts of one case to another and close it, unless one is not relevant. None: one does not exist."""
        with in_writing(self.engine) as connection:
            return merging.merge(connection, ref, into, wanted, wish, now)

    def split_case(
        self, mention_ref: str, hours: ServiceHours, wanted: deeds.Wanted, wish: Wish, now: datetime
    ) -> Case | None:
        """Take one post out of its case into one of its own. None: no such post, or its case has no other."""
        with in_writing(self.engine) as connection:
            return merging.split(connection, mention_ref, hours, wanted, wish, now)

    def unfold_case(self, ref: str, wanted: deeds.Wanted, wish: Wish, now: datetime) -> Case | Refusal | None:
        """Tell a case by itself that was folded as a near copy. None: no such case, or it was not folded."""
        with in_writing(self.engine) as connection:
            return merging.unfold(connection, ref, wanted, wish, now)

    def cases_in(
        self,
        *states: CaseState,
        owner: str | None = None,
        due_by: datetime | None = None,
        closed_since: datetime | None = None,
        most: int | None = None,
        skip: int = 0,
        counted_only: bool = False,
    ) -> Sequence[Case]:
        """Cases in these states, the most urgent and longest due first; `most` of them behind the first `skip`.

        `closed_since`: of closed ones only those with a post since. What is None does not matter. `counted_only`: also new
        cases without a clock, those of posts that were read back or imported.
        """
        with in_reading(self.engine) as connection:
            return attention.waiting(connection, states, owner, due_by, closed_since, most, skip, counted_only)

    def sleeping(self, now: datetime) -> Sequence[tuple[Case, datetime]]:
        """Snoozed cases that may have slept long enough, each with the time since which it sleeps."""
        with in_reading(self.engine) as connection:
            return attention.to_wake(connection, now)

    def unanswered(
        self, due_since: datetime, due_before: datetime, unclaimed_since: datetime
    ) -> Sequence[tuple[Case, datetime]]:
        """New and claimed cases above low, each with the time since which it is in its state.

        Those whose first reply is due in [due_since, due_before], and critical ones that are new since `unclaimed_since`.
        """
        with in_reading(self.engine) as connection:
            return attention.unanswered(connection, due_since, due_before, unclaimed_since)

    def told_of(self, of: Sequence[Case]) -> Mapping[int, Mapping[str, datetime]]:
        """For each case (by its id) the receivers that were told of it, or are about to be, and since when."""
        with in_reading(self.engine) as connection:
            return attention.told_since(connection, [case.id for case in of])

    def reminded(self, of: Sequence[Case]) -> frozenset[str]:
        """The keys of all reminders that these cases had."""
        with in_reading(self.engine) as connection:
            return attention.reminded(connection, [case.id for case in of])

    def enqueue_for_case(self, planned: Sequence[CaseNotification], now: datetime) -> int:
        """Put notifications about a case in the outbox, each key once for ever. Returns how many were new."""
        with in_writing(self.engine) as connection:
            return pages.add_notifications(connection, planned, now)

    def authors_since(self, sleepers: Sequence[tuple[Case, datetime]]) -> Mapping[int, int]:
        """For each case (by its id) how many other authors have a case of their own since then, with a touchpoint of it."""
        with in_reading(self.engine) as connection:
            return attention.authors_since(connection, sleepers)

    def audit(self, ref: str, week: str, changes: Mapping[str, Any], who: str, now: datetime) -> tuple[str, ...] | None:
        """Keep what a person says of a drawn verdict; the fields they put right. None: the post is gone."""
        with in_writing(self.engine) as connection:
            return deeds.audit(connection, ref, week, changes, who, now)

    def audited(self, week: str) -> frozenset[str]:
        """References of the posts that this week's audit has looked at."""
        with in_reading(self.engine) as connection:
            return deeds.audited(connection, week)

    def labels(self, since: datetime) -> tuple[Label, ...]:
        """What people corrected since, oldest first."""
        with in_reading(self.engine) as connection:
            return deeds.labels_since(connection, since)

    # Public replies

    def want_reply(self, new: NewReply, now: datetime) -> Reply | Refusal | None:
        """Keep a reply that a person approved, to be published. The same approval again is the same reply. None: no such case."""
        with in_writing(self.engine) as connection:
            return replies.want(connection, new, now)

    def claim_reply(
        self, owner: str, now: datetime, ttl: timedelta, of: Sequence[str], only: int | None = None
    ) -> tuple[Reply, Told] | None:
        """The next reply (or `only` this one) that one of the sources `of` is to publish, with the post it answers."""
        with in_writing(self.engine) as connection:
            return replies.claim(connection, owner, now, ttl, of, only)

    def retry_reply(self, reply_id: int, owner: str, due_at: datetime, why: str, *, doubtful: bool) -> bool:
        """Try again from `due_at` on. False: another sender has claimed it since."""
        with in_writing(self.engine) as connection:
            return replies.again(connection, reply_id, owner, due_at, why, doubtful=doubtful)

    def finish_reply(self, reply_id: int, owner: str, ended: Ended, hours: ServiceHours, now: datetime) -> bool:
        """Keep what became of it: the case, its message, the audit. False: another sender has claimed it since."""
        with in_writing(self.engine) as connection:
            return replies.finish(connection, reply_id, owner, ended, hours, now)

    def reply(self, reply_id: int) -> Reply:
        """One reply as it stands."""
        with in_reading(self.engine) as connection:
            return replies.read(connection, reply_id)

    def replies_to(self, case_ref: str) -> tuple[Reply, ...]:
        """All replies to a case, oldest first."""
        with in_reading(self.engine) as connection:
            return replies.of_case(connection, case_ref)

    # Silences

    def add_silence(self, new: NewSilence) -> Silence:
        """From its begin on, pages that are stored tell nobody of what fits."""
        with in_writing(self.engine) as connection:
            return silences.add(connection, new)

    def end_silence(self, silence_id: int, who: str, now: datetime) -> Silence | None:
        """End a silence before its time. None: there is none, or it is over."""
        with in_writing(self.engine) as connection:
            return silences.end(connection, silence_id, who, now)

    def silences(self, ended_after: datetime) -> tuple[Silence, ...]:
        """Silences that end, or ended, after this time, oldest first."""
        with in_reading(self.engine) as connection:
            return silences.since(connection, ended_after)

    # Spikes

    def heard(self, since: datetime, until: datetime, of: Collection[str]) -> list[Heard]:
        """Posts about the brand published in (since, until] that the sources `of` found, oldest first."""
        with in_reading(self.engine) as connection:
            return heard.heard(connection, since, until, of)

    def heard_words(self, kind: str, since: datetime, before: datetime, limit: int = 500) -> list[tuple[str, str]]:
        """Author and words of the newest posts of a kind published in [since, before), of at most `limit` that are read."""
        with in_reading(self.engine) as connection:
            return heard.texts(connection, kind, before, since, limit)

    def told_many(self, ids: Sequence[int]) -> list[Told]:
        """These mentions, less those whose words are gone."""
        with in_reading(self.engine) as connection:
            return heard.told_many(connection, ids)

    def days_counted(self) -> frozenset[date]:
        """The UTC days whose hours were counted."""
        with in_reading(self.engine) as connection:
            return heard.days_counted(connection)

    def count_day(self, day: date, of: Collection[str], oldest: date) -> None:
        """Count the hours of a UTC day, for the first time or anew; days before `oldest` are forgotten."""
        begin = datetime.combine(day, time(0), UTC)
        with in_reading(self.engine) as connection:
            posts = heard.heard(connection, begin - timedelta(microseconds=1), begin + timedelta(days=1), of)
        posts = [post for post in posts if post.at.astimezone(UTC).date() == day]
        with in_writing(self.engine) as connection:
            heard.keep_day(connection, day, posts, oldest)

    def hours(self, kinds: Collection[str], since: date) -> Mapping[str, Mapping[str, Mapping[date, Sequence[int]]]]:
        """Kind -> source -> UTC day -> distinct authors of each of its hours."""
        with in_reading(self.engine) as connection:
            return heard.tally(connection, kinds, since)

    def kinds_counted(self) -> int:
        """How many kinds of posts there were in the hours that were counted."""
        with in_reading(self.engine) as connection:
            return heard.kinds_counted(connection)

    def spikes(self, since: datetime) -> list[Spike]:
        """Open spikes and those that ended since, oldest first."""
        with in_reading(self.engine) as connection:
            return spikes.since(connection, since)

    def spike(self, ref: str) -> Spike | None:
        """The spike people call so ("s-12")."""
        with in_reading(self.engine) as connection:
            return spikes.by_ref(connection, ref.strip().lower())

    def folded(self, ref: str) -> int:
        """How many cases are told in the thread of a spike."""
        with in_reading(self.engine) as connection:
            return spikes.folded(connection, ref)

    def begin_spike(self, spike: Spike, receivers: Sequence[tuple[str, str]], now: datetime) -> Spike | None:
        """Keep a new spike and tell it to (receiver, route); its id and ref are given here. None: one of its kind is open."""
        with in_writing(self.engine) as connection:
            return spikes.begin(connection, spike, receivers, now)

    def change_spike(self, spike: Spike, reason: str, now: datetime) -> bool:
        """Keep a spike, one revision on, and edit its messages. False: somebody else changed it meanwhile."""
        with in_writing(self.engine) as connection:
            return spikes.change(connection, spike, reason, now)

    # Retention

    def purge(
        self,
        before: Mapping[str, datetime],
        now: datetime,
        limit: int = 500,
        after: tuple[datetime, int] | None = None,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> Purged:
        """Take words and people out of at most `limit` mentions published before their source's time in `before`.

        Counts, verdicts and dates stay, the same person counts as one, and a poll that finds the post again brings
        nothing back. Call again with the `onward` returned until it is None, then `purge_outbox`.
        """
        with in_reading(self.engine) as connection:  # apart, so that writers wait for the change alone
            ids, onward = purging.due(connection, before, now, after, limit)
        if not ids:
            return Purged(0, onward)
        with in_writing(self.engine) as connection:
            overwrite_deleted(connection)
            return Purged(purging.purge(connection, ids, now, random_bytes, "retention"), onward)

    def purge_outbox(self, now: datetime) -> int:
        """Take the words out of digests that may quote what was purged; returns how many. One not sent yet dies."""
        with in_writing(self.engine) as connection:
            overwrite_deleted(connection)
            return purging.purge_outbox(connection, now)

    def forget_log(self) -> None:
        """On SQLite, cut the write-ahead log, in which what was purged may still stand."""
        empty_log(self.engine)

    def purgeable(self, before: Mapping[str, datetime], now: datetime) -> Mapping[str, int]:
        """How many mentions of each source `purge` would change."""
        with in_reading(self.engine) as connection:
            return purging.count_due(connection, before, now)

    # Praise

    def shelf_step(self, ref: str, move: Move, now: datetime) -> Shelved | No | None:
        """Do it to the praise in a mention or a case, or say why not. None: there is neither. Raises AmbiguousRef."""
        with in_writing(self.engine) as connection:
            return shelf.step(connection, ref, move, now)

    def praise_of(self, ref: str) -> Told | None:
        """The post that `shelf_step` would speak of. Raises AmbiguousRef."""
        with in_reading(self.engine) as connection:
            return shelf.meant(connection, ref)[0]

    def shelf(self, *states: PraiseState) -> tuple[Shelved, ...]:
        """What stands in these states, or all; the longest unchanged first."""
        with in_reading(self.engine) as connection:
            return shelf.entries(connection, states or tuple(PraiseState))

    def shelf_standing(self) -> Standing:
        """How many entries stand where, and which waits longest for an answer."""
        with in_reading(self.engine) as connection:
            return shelf.standing(connection)

    def shelf_steps(self, before: datetime) -> tuple[ShelfStep, ...]:
        """What was done on the shelf before a moment, in its order; posts whose words were gone by then are left out."""
        with in_reading(self.engine) as connection:
            return shelf.steps(connection, before)

    def loyal(self, since: datetime, least: int = 2) -> tuple[Loyal, ...]:
        """Who praised us at least so often since."""
        with in_reading(self.engine) as connection:
            return shelf.loyal(connection, since, least)

    # Reading

    def sources(self) -> tuple[SourceState, ...]:
        """All sources ever registered, with their open and lost gaps."""
        with in_reading(self.engine) as connection:
            return sources.states(connection)

    def outbox(self, now: datetime) -> OutboxState:
        """What waits, what went out, what died."""
        with in_reading(self.engine) as connection:
            return reading.outbox(connection, now)

    def told(self, ref_prefix: str) -> Told | None:
        """The mention whose reference begins so. Raises AmbiguousRef where several do."""
        with in_reading(self.engine) as connection:
            return reading.told(connection, ref_prefix)

    def notifications_of(self, mention_id: int) -> tuple[NotificationRow, ...]:
        """What was or will be told because of a mention or its case."""
        with in_reading(self.engine) as connection:
            return reading.notifications_of(connection, mention_id)

    def case(self, ref: str) -> CaseView | None:
        """The case people call so ("c-7F3K", "7f3k")."""
        with in_reading(self.engine) as connection:
            return reading.case(connection, ref)

    def case_history(self, case_id: int) -> tuple[CaseEvent, ...]:
        """What happened to a case, oldest first."""
        with in_reading(self.engine) as connection:
            return reading.case_history(connection, case_id)

    def counted(self, since: datetime, until: datetime) -> Iterator[Counted]:
        """Mentions published in [since, until), oldest first.

        Streamed by the page, each page in a transaction of its own: a reader that is slow or stops holds nothing.
        """
        after: tuple[datetime, int] | None = None
        while True:
            with in_reading(self.engine) as connection:
                found, after = reading.counted_after(connection, since, until, after, _COUNTED_PAGE)
            yield from found
            if after is None:
                return

    def stored(self, since: datetime, until: datetime) -> Iterator[Told]:
        """Mentions published in [since, until) with their verdicts, oldest first, streamed like `counted`.

        Those without words any more (`purge`) are left out: there is nothing in them to judge again.
        """
        after: tuple[datetime, int] | None = None
        while True:
            with in_reading(self.engine) as connection:
                found, after = reading.told_after(connection, since, until, after, _COUNTED_PAGE)
            yield from found
            if after is None:
                return

    def weekly(self, since: datetime, until: datetime, week_starts: Sequence[datetime]) -> list[WeekCount]:
        """Mentions and distinct authors by week, subject, relevance, stage and sentiment, within [since, until)."""
        with in_reading(self.engine) as connection:
            return reading.weekly(connection, since, until, week_starts)

    # What only the digest asks

    def number_of(self, since: datetime, until: datetime) -> int:
        """How many mentions were published in [since, until)."""
        with in_reading(self.engine) as connection:
            return weeks.number_of(connection, since, until)

    def words(self, since: datetime, until: datetime, below: str | None) -> Sequence[tuple[str, str, str]]:
        """Author, language and text of counted posts published in [since, until); `below`: a sample, by reference."""
        with in_reading(self.engine) as connection:
            return weeks.words(connection, since, until, below)

    def answered(self, since: datetime, until: datetime) -> tuple[weeks.Answered, ...]:
        """Cases of the posts published in [since, until), with their first post's time and their first answer's."""
        with in_reading(self.engine) as connection:
            return weeks.answered(connection, since, until)

    def decisions(self) -> tuple[weeks.DecisionLine, ...]:
        """What the team decided, the oldest first."""
        with in_reading(self.engine) as connection:
            return weeks.decisions(connection)

    def decide(self, week: str, text: str, who: str, now: datetime) -> int:
        """Keep a decision of that week; its number."""
        with in_writing(self.engine) as connection:
            return weeks.decide(connection, week, text, who, now)

    def review_digest(self, week: str, who: str, now: datetime) -> tuple[str, datetime]:
        """Somebody has read the digest of a week; who was the first, and when."""
        with in_writing(self.engine) as connection:
            return weeks.review(connection, week, who, now)

    def digest_review(self, week: str) -> tuple[str, datetime] | None:
        """Who reviewed the digest of a week, and when; None: nobody did."""
        with in_reading(self.engine) as connection:
            return weeks.reviewed(connection, week)

    def digest_sent(self, keys: Sequence[str]) -> bool:
        """Whether one of these digests got out."""
        with in_reading(self.engine) as connection:
            return weeks.was_sent(connection, keys)

    def mark_done(self, number: int, now: datetime) -> bool:
        """A decision was carried out. False: there is no open one of that number."""
        with in_writing(self.engine) as connection:
            return weeks.mark_done(connection, number, now)

    def sent_digest(self, keys: Sequence[str]) -> Mapping[str, Any] | None:
        """The first digest that was put in the outbox under one of `keys`, as JSON values; None where there is none."""
        with in_reading(self.engine) as connection:
            return weeks.sent_digest(connection, keys)

    def totals(self) -> Totals:
        """How much is stored."""
        with in_reading(self.engine) as connection:
            return reading.totals(connection)

    def vitals(self, receivers: Sequence[str], notes: str, now: datetime) -> vitals.Vitals:
        """How the daemon fares, cheaply however much is stored; `notes`: how the keys of the meta values wanted begin."""
        with in_reading(self.engine) as connection:
            return vitals.read(connection, receivers, notes, now)

    def useful(self, since: datetime) -> Mapping[str, int]:
        """For each source how many relevant mentions it brought since."""
        with in_reading(self.engine) as connection:
            return reading.useful(connection, since)

    def get_meta(self, key: str) -> Any:
        """The JSON value kept under `key`, None where there is none."""
        with in_reading(self.engine) as connection:
            return connection.execute(sa.select(meta.c.value).where(meta.c.key == key)).scalar_one_or_none()

    def set_meta(self, key: str, value: Any) -> None:
        """Keep a JSON value under `key`."""
        with in_writing(self.engine) as connection:
            connection.execute(
                insert(connection, meta).on_conflict_do_update(index_elements=["key"], set_={"value": value}),
                {"key": key, "value": value},
            )
