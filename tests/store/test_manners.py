"""Quiet hours and storms, decided by the claim: what is held, what folds, and that every count adds up."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from connectors.base import Author, Removal
from listener.cases.clock import ServiceHours
from listener.cases.deeds import Decision, Deed, Wish
from listener.cases.manners import EDITS_APART, Manners
from listener.cases.plan import CaseNotification, Revised
from listener.model import (
    Case,
    CaseState,
    Delivery,
    NewNotification,
    NotificationKind,
    NotificationState,
    Receipt,
    Triaged,
)
from listener.store import Store
from listener.store.tables import notifications
from rules.vocabulary import Urgency
from tests.fakes.story import NOON, page, post, settle_to, triaged
from tests.store.test_outbox import put

TTL = timedelta(minutes=2)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
HOURS = ServiceHours(ZoneInfo("UTC"))
QUIET = Manners(quiet=True, singles_per_hour=20)
OPEN, UPDATE, THREAD = NotificationKind.CASE_OPEN, NotificationKind.CASE_UPDATE, NotificationKind.CASE_THREAD
SUMMARY, EDIT = NotificationKind.SUMMARY, NotificationKind.SUMMARY_UPDATE


def since(opened: datetime, singles: int | None = None) -> Manners:
    return Manners(opened_at=opened, singles_per_hour=singles)


def storm(singles: int) -> Manners:
    return Manners(singles_per_hour=singles)


def send_all(store: Store, now: datetime, manners: Manners) -> list[Delivery]:
    """Deliver all that may be delivered now."""
    sent = []
    while (one := store.claim("console", "s1", now, TTL, manners)) is not None:
        assert store.mark_sent(one.id, "s1", Receipt({"ts": str(one.id)}), now)
        sent.append(one)
    return sent


def kinds(sent: list[Delivery]) -> list[NotificationKind]:
    return [one.kind for one in sent]


def rows(store: Store, kind: NotificationKind = OPEN) -> list[sa.Row[tuple[object, ...]]]:
    with store.engine.connect() as connection:
        return list(
            connection.execute(
                sa.select(notifications).where(notifications.c.kind == kind.value).order_by(notifications.c.id)
            )
        )


def critical(number: int) -> Triaged:
    return triaged(post(number), urgency=Urgency.CRITICAL)


def test_while_it_is_quiet_only_critical_is_given_and_what_follows_it(store: Store) -> None:
    put(store, triaged(post(1)), critical(2), triaged(post(3), urgency=Urgency.HIGH))
    assert [one.urgency for one in send_all(store, NOON, QUIET)] == [Urgency.CRITICAL]
    put(store, triaged(post(4, author=post(2).author)), triaged(post(5, author=post(1).author)), now=NOON + SECOND)
    sent = send_all(store, NOON + SECOND, QUIET)
    assert kinds(sent) == [THREAD, UPDATE]
    assert {one.case.case.urgency for one in sent if one.case} == {Urgency.CRITICAL}
    assert store.outbox(NOON).counts["console"][NotificationState.PENDING] == 4


def test_at_opening_what_was_held_is_one_summary_and_every_row_says_so(store: Store) -> None:
    put(store, *(triaged(post(number)) for number in range(3)), triaged(post(9), urgency=Urgency.HIGH))
    assert send_all(store, NOON + HOUR, QUIET) == []
    morning = NOON + 2 * HOUR
    put(store, triaged(post(20)), now=morning)
    sent = send_all(store, morning, since(morning))
    assert Counter(kinds(sent)) == {SUMMARY: 1, OPEN: 1}
    (summary,) = (one for one in sent if one.kind is SUMMARY)
    assert summary.summary is not None
    assert (summary.key, summary.urgency) == (f"opening:console:{morning.isoformat()}", Urgency.HIGH)
    assert (summary.summary.why, summary.summary.total) == ("opening", 4)
    assert summary.summary.levels == {Urgency.HIGH: 1, Urgency.NORMAL: 3}
    assert [view.case.urgency for view in summary.summary.cases] == [Urgency.HIGH] + 3 * [Urgency.NORMAL]
    assert summary.payload == {}
    folded = [row for row in rows(store) if row.state == "folded"]
    assert {row.summary_id for row in folded} == {summary.id}
    assert {row.error for row in folded} == {f"held-quiet-hours: told in {summary.key}"}
    assert len(folded) == 4


def test_one_held_alone_is_sent_as_it_is(store: Store) -> None:
    put(store, triaged(post(1)))
    assert send_all(store, NOON, QUIET) == []
    assert kinds(send_all(store, NOON + HOUR, since(NOON + HOUR))) == [OPEN]


def test_a_case_of_a_summary_is_told_singly_when_something_new_happens_and_its_old_entries_fold(store: Store) -> None:
    put(store, triaged(post(1)), triaged(post(2)))
    put(store, triaged(post(3, author=post(1).author)), now=NOON + SECOND)
    morning = NOON + HOUR
    (summary,) = send_all(store, morning, since(morning))
    assert summary.summary is not None
    assert max(len(view.mentions) for view in summary.summary.cases) == 2
    assert store.outbox(morning).counts["console"] == {NotificationState.SENT: 1, NotificationState.FOLDED: 4}
    again = triaged(post(4, author=post(1).author))
    store.register_sources({"forum": "replay"}, NOON)
    lease = store.lease("forum", "poller", morning, TTL, force=True)
    assert lease is not None
    found: list[tuple[str, ...]] = []

    def see(new, open_cases, next_case_id, now):  # type: ignore[no-untyped-def]
        found.extend(known.receivers for known in open_cases.cases)
        return settle_to("console")(new, open_cases, next_case_id, now)

    store.record_page(lease, page([again]), [again], see, morning)
    assert set(found) == {()}  # nobody is told of any of them, its like included


def test_what_may_stand_in_the_channel_already_never_folds(store: Store) -> None:
    put(store, *(triaged(post(number)) for number in range(4)))
    claimed = store.claim("console", "killed", NOON, TTL, Manners())
    assert claimed is not None
    sent = send_all(store, NOON + TTL, since(NOON + TTL))
    assert Counter((one.kind, one.doubtful) for one in sent) == {(OPEN, True): 1, (SUMMARY, False): 1}


def test_three_hundred_posts_in_ten_minutes_are_twenty_messages_the_critical_ones_and_one_summary(
    store: Store,
) -> None:
    sent: list[Delivery] = []
    for minute in range(10):
        at = NOON + minute * MINUTE
        posts = [
            critical(number) if number % 60 == 7 else triaged(post(number))
            for number in range(30 * minute, 30 * minute + 30)
        ]
        put(store, *posts, now=at)
        for half in (0, 30):
            sent += send_all(store, at + half * SECOND, storm(20))
    singles = [one for one in sent if one.kind is OPEN]
    assert Counter(one.urgency for one in singles) == {Urgency.NORMAL: 20, Urgency.CRITICAL: 5}
    assert kinds(sent).count(SUMMARY) == 1
    (summary,) = (one for one in sent if one.kind is SUMMARY)
    edits = [row for row in rows(store, EDIT) if row.state == "sent"]
    assert 9 <= len(edits) <= 20
    assert all(later.sent_at - first.sent_at >= EDITS_APART for first, later in pairwise(edits))
    last = [one for one in sent if one.kind is EDIT][-1]
    assert last.parent is not None
    assert last.summary is not None
    assert (last.summary.why, last.summary.total, len(last.summary.cases)) == ("storm", 275, 15)
    counts = Counter(row.state for row in rows(store))
    assert counts == {"sent": 25, "folded": 275}
    assert {(row.summary_id, row.error) for row in rows(store) if row.state == "folded"} == {
        (summary.id, f"folded-storm: told in {summary.key}")
    }


def test_a_night_of_three_hundred_posts_is_one_message_in_the_morning(store: Store) -> None:
    for batch in range(3):
        put(store, *(triaged(post(100 * batch + number)) for number in range(100)), now=NOON + batch * MINUTE)
        assert send_all(store, NOON + batch * MINUTE, QUIET) == []
    morning = NOON + HOUR
    (summary,) = send_all(store, morning, since(morning, 20))
    assert summary.summary is not None
    assert summary.summary.total == 300
    assert Counter(row.state for row in rows(store)) == {"folded": 300}


def test_a_storm_goes_on_in_its_summary_over_the_hour_and_a_later_one_has_its_own(store: Store) -> None:
    start = NOON.replace(minute=50)
    put(store, *(triaged(post(number)) for number in range(3)), now=start)
    assert kinds(send_all(store, start, storm(1))) == [OPEN, SUMMARY]
    put(store, triaged(post(10)), now=start + 20 * MINUTE)
    assert kinds(send_all(store, start + 20 * MINUTE, storm(1))) == [EDIT]
    put(store, *(triaged(post(20 + number)) for number in range(2)), now=start + 61 * MINUTE)
    assert kinds(send_all(store, start + 61 * MINUTE, storm(1))) == [OPEN, SUMMARY]
    assert len({row.key for row in rows(store, SUMMARY)}) == 2


def test_a_summary_that_waits_for_its_retry_takes_in_more_and_needs_no_edit(store: Store) -> None:
    put(store, *(triaged(post(number)) for number in range(2)))
    first = store.claim("console", "s1", NOON, TTL, storm(1))
    assert first is not None
    assert store.mark_sent(first.id, "s1", Receipt({}), NOON)
    summary = store.claim("console", "s1", NOON, TTL, storm(1))
    assert summary is not None
    assert store.mark_retry(summary.id, "s1", "429", NOON + MINUTE, NOON, doubtful=False)
    put(store, triaged(post(9), urgency=Urgency.HIGH), now=NOON + SECOND)
    assert send_all(store, NOON + SECOND, storm(1)) == []
    (sent,) = send_all(store, NOON + MINUTE, storm(1))
    assert sent.summary is not None
    assert (sent.summary.total, sent.urgency) == (2, Urgency.HIGH)
    assert rows(store, EDIT) == []


def test_an_edit_waits_until_its_summary_is_posted(store: Store) -> None:
    put(store, *(triaged(post(number)) for number in range(2)))
    summary = store.claim("console", "s2", NOON, 9 * MINUTE, storm(0))
    assert summary is not None
    assert summary.kind is SUMMARY
    put(store, triaged(post(8)), now=NOON + SECOND)
    at = NOON + 2 * MINUTE
    assert send_all(store, NOON + SECOND, storm(0)) == []
    assert send_all(store, at, storm(0)) == []
    assert store.mark_sent(summary.id, "s2", Receipt({"ts": "9"}), at)
    (edit,) = send_all(store, at + EDITS_APART, storm(0))
    assert (edit.kind, edit.parent) == (EDIT, Receipt({"ts": "9"}))


def test_what_a_refused_summary_told_is_told_singly(store: Store) -> None:
    put(store, *(triaged(post(number)) for number in range(3)))
    morning = NOON + HOUR
    summary = store.claim("console", "s1", morning, TTL, since(morning, 20))
    assert summary is not None
    assert summary.kind is SUMMARY
    assert store.mark_dead(summary.id, "s1", "invalid_blocks", morning)
    assert kinds(send_all(store, morning, since(morning, 20))) == 3 * [OPEN]


def test_a_removed_post_is_taken_out_of_the_summary_even_by_night(store: Store) -> None:
    put(store, *(triaged(post(number)) for number in range(3)))
    send_all(store, NOON + HOUR, since(NOON + HOUR))
    lease = store.lease("forum", "poller", NOON + HOUR, TTL, force=True)
    assert lease is not None
    gone = store.forget("forum", "author1", "ann", NOON + 10 * HOUR)
    assert gone == 1
    (edit,) = send_all(store, NOON + 10 * HOUR, QUIET)
    assert (edit.kind, dict(edit.payload)) == (EDIT, {"removed": True})
    assert edit.summary is not None
    assert edit.summary.total == 3
    texts = [told.mention.text for view in edit.summary.cases for told in view.mentions]
    assert sorted(texts) == ["", "My order 0 never arrived.", "My order 2 never arrived."]


def test_a_removal_by_night_does_not_wait_behind_an_entry_that_does(store: Store) -> None:
    put(store, triaged(post(1)), triaged(post(2)))
    send_all(store, NOON, Manners())
    put(store, triaged(post(3, author=post(1).author)), now=NOON + MINUTE)
    assert send_all(store, NOON + MINUTE, QUIET) == []
    store.record_look_up(
        ["forum"], [], [], [Removal("forum", "p1")], settle_to("console"),
        lambda before, found, case, silences, now: Revised(found.verdict), NOON + 2 * MINUTE,
    )  # fmt: skip
    (edit,) = send_all(store, NOON + 2 * MINUTE, QUIET)
    assert edit.kind is UPDATE
    assert edit.case is not None
    assert edit.case.mentions[0].removed_at is not None
    assert kinds(send_all(store, NOON + HOUR, since(NOON + HOUR))) == [THREAD]


def test_senders_at_once_send_no_more_than_the_limit(store: Store) -> None:
    put(store, *(triaged(post(number)) for number in range(60)))

    def work(owner: str) -> list[NotificationKind]:
        done = []
        for _ in range(30):
            if (one := store.claim("console", owner, NOON, TTL, storm(10))) is not None:
                assert store.mark_sent(one.id, owner, Receipt({}), NOON)
                done.append(one.kind)
        return done

    with ThreadPoolExecutor(6) as pool:
        sent = [kind for done in pool.map(work, "abcdef") for kind in done]
    assert Counter(sent)[OPEN] == 10
    assert Counter(row.state for row in rows(store)) == {"sent": 10, "folded": 50}


@pytest.mark.parametrize("quiet", [True, False])
def test_without_manners_nothing_is_held_or_folded(store: Store, quiet: bool) -> None:
    put(store, *(triaged(post(number, author=Author(f"a{number}"))) for number in range(40)))
    assert kinds(send_all(store, NOON + quiet * HOUR, Manners())) == 40 * [OPEN]


def test_what_a_refused_edit_would_have_shown_is_told_singly_and_nothing_else(store: Store) -> None:
    put(store, *(triaged(post(number)) for number in range(3)))
    assert kinds(send_all(store, NOON, storm(1))) == [OPEN, SUMMARY]
    put(store, *(triaged(post(10 + number)) for number in range(2)), now=NOON + MINUTE)
    edit = store.claim("console", "s1", NOON + MINUTE, TTL, storm(1))
    assert edit is not None
    assert edit.kind is EDIT
    assert store.mark_dead(edit.id, "s1", "message_not_found", NOON + MINUTE)
    put(store, triaged(post(20)), now=NOON + 2 * MINUTE)
    told = send_all(store, NOON + 2 * MINUTE, storm(1))
    assert kinds(told) == 3 * [OPEN]
    assert sorted(one.case.mentions[0].mention.external_id for one in told if one.case) == ["p10", "p11", "p20"]


def test_an_edited_post_is_shown_anew_in_its_summary(store: Store) -> None:
    put(store, *(triaged(post(number)) for number in range(2)))
    send_all(store, NOON + HOUR, since(NOON + HOUR))
    found = triaged(post(1, text="My order arrived broken."))
    store.record_look_up(
        ["forum"], ["p1"], [found], [], settle_to("console"),
        lambda before, found, case, silences, now: Revised(found.verdict), NOON + 2 * HOUR,
    )  # fmt: skip
    (edit,) = send_all(store, NOON + 2 * HOUR, Manners())
    assert edit.summary is not None
    assert "My order arrived broken." in [view.mentions[0].mention.text for view in edit.summary.cases]


def test_a_summary_shows_what_became_of_its_cases_in_edits_that_coalesce(store: Store) -> None:
    put(store, *(triaged(post(number)) for number in range(3)))
    send_all(store, NOON, storm(0))
    cases = store.cases_in(CaseState.NEW)
    for number, case in enumerate(cases):
        at = NOON + HOUR + number * SECOND
        done = store.transition(case.ref, Wish(Deed.CLAIM, "ann", "cli"), HOURS, lambda *_: (), at)
        assert isinstance(done, Decision)
    (edit,) = send_all(store, NOON + HOUR + MINUTE, storm(0))
    assert edit.kind is EDIT
    assert edit.summary is not None
    assert {(view.case.state, view.case.owner) for view in edit.summary.cases} == {(CaseState.CLAIMED, "ann")}
    assert rows(store, NotificationKind.CASE_NOTE) == []
    store.transition(cases[0].ref, Wish(Deed.RESOLVE, "ann", "cli"), HOURS, lambda *_: (), NOON + HOUR + MINUTE)
    assert send_all(store, NOON + HOUR + MINUTE, storm(0)) == []  # the last edit is a moment ago
    (later,) = send_all(store, NOON + HOUR + MINUTE + EDITS_APART, storm(0))
    assert later.summary is not None
    assert later.summary.cases[-1].case.state is CaseState.RESOLVED


def test_a_reminder_of_a_case_in_a_summary_hangs_below_it_once_it_is_posted(store: Store) -> None:
    put(store, *(triaged(post(number), urgency=Urgency.HIGH) for number in range(2)))
    case, _ = store.cases_in(CaseState.NEW)
    summary = store.claim("console", "s1", NOON, TTL, storm(0))
    assert summary is not None
    told = store.told_of([case])
    assert set(told[case.id]) == {"console"}
    remind(store, case)
    assert store.claim("console", "s2", NOON, TTL, storm(0)) is None  # what it hangs below is on its way
    assert store.mark_sent(summary.id, "s1", Receipt({"ts": "9"}), NOON)
    (said,) = send_all(store, NOON + MINUTE, storm(0))
    assert (said.kind, said.parent, said.in_summary) == (NotificationKind.REMINDER, Receipt({"ts": "9"}), True)


def test_a_reminder_goes_below_the_message_of_its_own_that_a_case_of_a_summary_got_since(store: Store) -> None:
    put(store, *(triaged(post(number), urgency=Urgency.HIGH) for number in range(2)))
    send_all(store, NOON, storm(0))
    case, _ = store.cases_in(CaseState.NEW)
    again = NewNotification(f"case:{case.ref}:open:rev2:console", OPEN, "console", Urgency.HIGH, NOON, "route:all")
    assert store.enqueue_for_case([CaseNotification(again, case.id)], NOON + MINUTE) == 1
    (opening,) = send_all(store, NOON + HOUR, Manners())
    remind(store, case)
    (said,) = (one for one in send_all(store, NOON + HOUR, Manners()) if one.kind is NotificationKind.REMINDER)
    assert (said.parent, said.in_summary) == (Receipt({"ts": str(opening.id)}), False)


def test_a_reminder_of_a_summary_that_was_refused_waits_for_the_message_of_its_case(store: Store) -> None:
    put(store, *(triaged(post(number), urgency=Urgency.HIGH) for number in range(2)))
    case, _ = store.cases_in(CaseState.NEW)
    summary = store.claim("console", "s1", NOON, TTL, storm(0))
    assert summary is not None
    remind(store, case)
    assert store.mark_dead(summary.id, "s1", "invalid_blocks", NOON)
    sent = send_all(store, NOON + MINUTE, Manners())
    assert kinds(sent) == [OPEN, OPEN, NotificationKind.REMINDER]
    assert not sent[-1].in_summary


def remind(store: Store, case: Case) -> None:
    due = case.due_at.isoformat() if case.due_at else None
    said = {"deed": "overdue", "until": due}
    new = NewNotification(
        f"remind:{case.ref}", NotificationKind.REMINDER, "console", Urgency.NORMAL, NOON, "late", said
    )
    assert store.enqueue_for_case([CaseNotification(new, case.id)], NOON) == 1
