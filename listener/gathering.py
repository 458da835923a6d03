"""Everything that a digest counts, read from the store.

The week itself is read in one streaming pass, the weeks before are counted in SQL, and of their words as many are read as
of the week's. What is read grows with the week and its eight neighbours, not with what is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from listener.cases.clock import PRAISE, ServiceHours, after, target_of
from listener.digest.given import Around, CaseTimes, Decided, DigestSettings, Looked, OnShelf, Spoken, StageWeek
from listener.digest.week import Week
from listener.model import Counted
from listener.readback import as_collected, read_back
from listener.store import AUDIT, Label, Store, is_part
from rules.load import uncollected

if TYPE_CHECKING:
    from listener.digest.figures import Digest

_EARLIER_CASES = timedelta(days=14)  # before the week: a case opened then may have been due in it
_MICRO = 1_000_000  # the ledger counts in millionths of a USD
_RECENT = timedelta(days=7)  # after a week's end its digest still says what the accounts have left


def _no_rules() -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, slots=True)
class Known:
    """What the configuration knows and the store does not."""

    hours: ServiceHours | None = None  # None: reply times are not measured
    rules: Callable[[], Collection[str]] = _no_rules  # ids of the rules that leave their name in a verdict
    budgets: Mapping[str, float | None] = field(default_factory=dict)  # account -> USD a month
    receivers: Sequence[str] = ()  # of the digest


NOTHING = Known()


def build(store: Store, week: Week, settings: DigestSettings, as_of: datetime, known: Known = NOTHING) -> Digest:
    """Count `week` as it stands at `as_of` (aware)."""
    with uncollected():  # what a digest remembers of a week is none of it garbage before the end
        return _build(store, week, settings, as_of, known)


def _build(store: Store, week: Week, settings: DigestSettings, as_of: datetime, known: Known) -> Digest:
    # Counting is imported once a week: all of it is 3 MB that an idle daemon does without.
    from listener.digest import phrases
    from listener.digest.count import count

    starts = {week.previous(n).since: week.previous(n).first for n in range(1, settings.earlier_weeks + 1)}
    earlier = [
        StageWeek(
            week_start=starts[row.week_start],
            stage=row.stage,
            sentiment_label=row.sentiment_label,
            subject=row.subject,
            relevant=row.relevant,
            mentions=row.mentions,
            authors=row.authors,
            promotional=row.promotional,
        )
        for row in store.weekly(min(starts), week.since, sorted(starts))
    ]
    one_in = phrases.one_in(store.number_of(week.since, week.until))
    around = Around(
        cases=_cases(store, week, known.hours) if known.hours is not None else None,
        spoken=_spoken(store, week, settings.earlier_weeks, phrases.bound(one_in)),
        one_in=one_in,
        looked=_looked([one for one in store.labels(week.since) if one.at < week.until]),
        rules=known.rules(),
        decided=[Decided(one.number, one.week, one.text, one.who, one.at, one.done_at) for one in store.decisions()],
        spikes=store.spikes(min(starts)),
        shelf=[OnShelf(one.at, one.mention, one.to.value) for one in store.shelf_steps(week.until)],
        unreviewed=_unreviewed(store, week.previous(), known.receivers) if week.whole else "",
        budgets=_budgets(store, known.budgets, as_of) if as_of < week.until + _RECENT else (),
    )
    mentions = _under_their_source(store.counted(week.since, week.until))
    return count(week, mentions, earlier, as_collected(store.sources()), settings=settings, as_of=as_of, around=around)


def _unreviewed(store: Store, week: Week, receivers: Sequence[str]) -> str:
    """The name of a week whose digest got out and was marked as reviewed by nobody; else nothing."""
    sent = store.digest_sent([digest_key(week, receiver) for receiver in receivers])
    return week.name if sent and store.digest_review(week.name) is None else ""


def digest_key(week: Week, receiver: str) -> str:
    """Of a digest in the outbox: it is put there once."""
    return f"digest:{week.name}:{receiver}"


def _looked(labels: Sequence[Label]) -> list[Looked]:
    """Verdicts that people looked at, and whether they let them stand. Where a sample was audited, only that: who corrects looks
    where something is wrong."""
    wrong = {(one.mention, one.at) for one in labels if one.field != AUDIT}
    audits = [one for one in labels if one.field == AUDIT]
    if audits:
        return [Looked(one.at, one.mention, (one.mention, one.at) not in wrong, sampled=True) for one in audits]
    return [Looked(one.at, one.mention, False) for one in labels]


def _under_their_source(posts: Iterator[Counted]) -> Iterator[Counted]:
    """What a backfill brought is its source's."""
    sources: dict[str, str] = {}
    for post in posts:
        source = sources.get(post.source)
        if source is None:
            found = read_back(post.source)
            source = sources[post.source] = post.source if found is None else found[0]
        yield post if source == post.source else replace(post, source=source)


def _spoken(store: Store, week: Week, weeks: int, below: str | None) -> Iterator[Spoken]:
    for distance in range(weeks, 0, -1):
        then = week.previous(distance)
        for author, lang, text in store.words(then.since, then.until, below):
            yield Spoken(distance, author, lang, text)


def _cases(store: Store, week: Week, hours: ServiceHours) -> list[CaseTimes]:
    within = cache(hours.within)  # the same few targets, thousands of times
    return [
        CaseTimes(
            ref=one.ref,
            urgency=one.urgency,
            state=one.state,
            first_at=one.first_at,
            due_at=after(one.first_at, within(target), target, hours),
            replied_at=one.replied_at,
        )
        for one in store.answered(week.since - _EARLIER_CASES, week.until)
        for target in [target_of(one.urgency, praise=one.target == PRAISE)]
    ]


def _budgets(
    store: Store, budgets: Mapping[str, float | None], as_of: datetime
) -> list[tuple[str, float, float | None]]:
    first = as_of.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    names = {*budgets, *(line.account for line in store.ledger(first) if not is_part(line.account))}
    return [(name, store.spent(name, as_of).month / _MICRO, budgets.get(name)) for name in sorted(names)]
