"""The weekly digest reaches the outbox once: on its day, late where it was missed, never for a week before the first start."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from listener.cli.report import chosen_week
from listener.digest.figures import DigestSettings
from listener.digest.week import Week
from listener.gathering import Known
from listener.model import NotificationKind, Receipt, SpikeState
from listener.report import STARTED, Reporting, build, last_due_week, put_due_digest, send
from listener.spending import AccountPurse, part_of
from listener.spiking import announced, end, false_alarm
from listener.store import RECHECKS, Budget, Store
from tests.fakes.story import page, post, settle_to, triaged

ZONE = "Europe/Paris"
WEEK = Week.parse("2026-W47", ZONE)  # 16 to 22 November
MONDAY_NINE = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # nine o'clock in Paris
LEASE = timedelta(minutes=5)


@pytest.fixture
def reporting(tmp_path: Path) -> Reporting:
    return Reporting(DigestSettings(brand="Acme"), ZONE, 0, time(9), ("care", "boss"), tmp_path / "digests")


def started(store: Store, at: datetime) -> None:
    store.set_meta(STARTED, at.isoformat())


@pytest.mark.parametrize(
    ("now", "week"),
    [
        (MONDAY_NINE, "2026-W47"),
        (MONDAY_NINE - timedelta(seconds=1), "2026-W46"),
        (MONDAY_NINE + timedelta(days=6, hours=23), "2026-W47"),
    ],
)
def test_the_week_that_is_due_changes_at_the_set_hour(reporting: Reporting, now: datetime, week: str) -> None:
    assert last_due_week(now, reporting).name == week


def test_a_digest_goes_to_each_receiver_once(store: Store, reporting: Reporting) -> None:
    started(store, WEEK.since)
    assert put_due_digest(store, reporting, MONDAY_NINE) == "2026-W47"
    assert put_due_digest(store, reporting, MONDAY_NINE + timedelta(minutes=1)) is None
    for receiver in ("care", "boss"):
        delivery = store.claim(receiver, "s", MONDAY_NINE, LEASE)
        assert delivery is not None
        assert (delivery.kind, delivery.payload["week"]) == (NotificationKind.DIGEST, "2026-W47")
        assert Path(delivery.payload["page"]).read_text().startswith("<!doctype html>")
        assert store.claim(receiver, "s", MONDAY_NINE, LEASE) is None


def test_the_digest_that_goes_out_holds_the_week_s_spikes_and_what_became_of_them(
    store: Store, reporting: Reporting
) -> None:
    """Each is kept and decided as the daemon and a person do it; an event lies in the week, one five weeks before."""
    started(store, WEEK.since - timedelta(weeks=9))
    for state in ("over", "real", "false alarm", "open"):
        at = WEEK.since + timedelta(hours=30)
        new = announced(f"complaint:{'app' if state == 'over' else 'store'}", "", at, at, at)
        found = store.begin_spike(
            replace(new, state=SpikeState.OPEN, ended_at=None, owner=None, authors=9, expected=1.25, figures={}), (), at
        )
        assert found is not None
        later = at + timedelta(hours=2)
        decided = {
            "over": replace(found, state=SpikeState.ENDED, ended_at=later, revision=2),
            "real": end(found, "ann", later),
            "false alarm": false_alarm(found, "ann", later),
            "open": found,
        }[state]
        assert decided is found or store.change_spike(decided, "deed", later)
    for begin, why in ((WEEK.since + timedelta(days=4), "Black Friday"), (WEEK.since - timedelta(weeks=5), "Sale")):
        assert store.begin_spike(announced("all", "ann", begin, begin + timedelta(hours=12), begin, why), (), begin)
    assert put_due_digest(store, reporting, MONDAY_NINE) == "2026-W47"
    delivery = store.claim("care", "s", MONDAY_NINE, LEASE)
    assert delivery is not None
    page_text = Path(delivery.payload["page"]).read_text()
    for words in (
        "Tue 06:00 to Tue 08:00 (2 h)",
        "9 people, usually 1.2",
        "since Tue 06:00",
        "“Black Friday” (Fri 00:00",
    ):
        assert words in page_text
    loud = delivery.payload["digest"]["loud"]
    assert [(one["ref"], one["standing"]) for one in loud] == [
        ("s-1", "over"), ("s-2", "real"), ("s-3", "false alarm"), ("s-4", "open"), ("s-5", "expected"),
    ]  # fmt: skip
    assert loud[-1]["because"] == "Black Friday"
    assert "Black Friday" in str(delivery.payload["blocks"])


def test_a_missed_digest_is_made_at_the_next_start_and_the_next_one_on_its_day(
    store: Store, reporting: Reporting
) -> None:
    started(store, WEEK.since)
    thursday = MONDAY_NINE + timedelta(days=3)
    assert put_due_digest(store, reporting, thursday) == "2026-W47"
    assert put_due_digest(store, reporting, MONDAY_NINE + timedelta(days=7)) == "2026-W48"


def test_a_digest_says_that_the_one_before_got_out_and_was_read_by_nobody(store: Store, reporting: Reporting) -> None:
    started(store, WEEK.since)
    known = replace(reporting, known=Known(receivers=reporting.to))
    following, monday = WEEK.previous(-1), MONDAY_NINE + timedelta(days=7)
    said = (
        "The digest of 2026-W47 was sent, and nobody has marked it as reviewed yet "
        "(its button, or: listener digest reviewed 2026-W47)."
    )
    assert put_due_digest(store, known, MONDAY_NINE) == "2026-W47"
    assert said not in build(store, following, known, monday).notes  # it waits in the outbox
    delivery = store.claim("boss", "s", MONDAY_NINE, LEASE)
    assert delivery is not None
    assert store.mark_sent(delivery.id, "s", Receipt({}), MONDAY_NINE)
    assert said in build(store, following, known, monday).notes
    days = Week.between(date(2026, 11, 23), date(2026, 11, 25), ZONE)
    assert said not in build(store, days, known, monday).notes  # another stretch has no digest before it
    store.review_digest("2026-W47", "ann", monday)
    assert said not in build(store, following, known, monday).notes


def test_a_week_that_ended_before_the_first_start_has_no_digest(store: Store, reporting: Reporting) -> None:
    started(store, WEEK.until)
    assert put_due_digest(store, reporting, MONDAY_NINE) is None


def test_dying_after_the_outbox_and_before_the_note_sends_nothing_twice(store: Store, reporting: Reporting) -> None:
    assert send(store, reporting, WEEK, reporting.to, MONDAY_NINE) == 2
    assert send(store, reporting, WEEK, reporting.to, MONDAY_NINE) == 0


def test_an_empty_week_and_a_broken_one_say_so(store: Store, reporting: Reporting) -> None:
    assert build(store, WEEK, reporting, MONDAY_NINE).state == "broken"
    store.register_sources({"hn": "hackernews"}, WEEK.since)
    for at in (WEEK.since - timedelta(days=1), WEEK.until):
        lease = store.lease("hn", "p", at, LEASE, force=True)
        assert lease is not None
        store.finish(lease, at, at)
    assert build(store, WEEK, reporting, MONDAY_NINE).state == "empty"


def test_what_looking_up_again_cost_counts_with_its_account_and_is_no_account_of_its_own(
    store: Store, reporting: Reporting
) -> None:
    purse = AccountPurse("x-main", Budget(), store)
    purse.set_aside("post read", 100, 0.005, MONDAY_NINE)
    part_of(purse, RECHECKS, 0.25).set_aside("post read", 40, 0.005, MONDAY_NINE)
    budgets = build(store, WEEK, reporting, MONDAY_NINE).coverage.budgets
    assert [(one.account, one.spent_usd) for one in budgets] == [("x-main", 0.7)]


def test_the_digest_counts_what_the_store_holds_and_compares_with_the_weeks_before(
    store: Store, reporting: Reporting
) -> None:
    posts = [triaged(post(number)) for number in range(1, 6)]
    before = [triaged(post(10 + n, published_at=WEEK.previous(2).since + timedelta(hours=n))) for n in range(3)]
    store.register_sources({"hn": "hackernews"}, WEEK.since)
    lease = store.lease("hn", "p", WEEK.previous(3).since, LEASE, force=True)
    assert lease is not None
    store.record_page(lease, page([*posts, *before]), [*posts, *before], settle_to("care"), WEEK.since)
    store.finish(lease, WEEK.previous(3).since, WEEK.until)
    digest = build(store, WEEK, reporting, MONDAY_NINE)
    assert (digest.accounting.stored, digest.total.mentions, digest.total.authors) == (5, 5, 5)
    purchase = next(stage for stage in digest.stages if stage.key == "purchase")
    assert purchase.tally.mentions == 5
    assert purchase.change.weeks > 0


def test_a_digest_whose_page_cannot_be_written_goes_out_all_the_same(store: Store, reporting: Reporting) -> None:
    started(store, WEEK.since)
    reporting.folder.write_text("a file where the folder should be")
    assert put_due_digest(store, reporting, MONDAY_NINE) == "2026-W47"
    delivery = store.claim("care", "s", MONDAY_NINE, LEASE)
    assert delivery is not None
    assert "page" not in delivery.payload


@pytest.mark.parametrize(
    ("at", "week"),
    [
        ("2026-11-23T08:00", "2026-W47"),  # Monday morning: of the new week hardly anything is known
        ("2026-11-24T00:00", "2026-W48"),
        ("2026-11-29T23:59", "2026-W48"),
    ],
)
def test_without_a_week_a_digest_is_of_the_running_one_and_on_its_first_day_of_the_last(at: str, week: str) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Europe/Paris"))
    assert chosen_week(None, None, None, "Europe/Paris", moment).name == week
    assert chosen_week("2026-W40", None, None, "Europe/Paris", moment).name == "2026-W40"
