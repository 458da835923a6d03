"""Accounts: sources that share one take turns, wait together and spend one budget; the pace follows the mentions."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import BudgetReached, ConnectorError, Cursor, Mention, Page, RateLimited
from listener.ingest import Feed, next_pace, poll
from listener.spending import AccountPurse, accounts, budget, lift, next_month, part_of
from listener.store import RECHECKS, Store
from tests.fakes.story import post, settle_to, verdict

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TTL = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
FIVE = timedelta(minutes=5)


@dataclass
class Scripted:
    """A source that yields these pages, then fails or ends."""

    mentions: tuple[Mention, ...] = ()
    error: ConnectorError | None = None

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        yield Page(self.mentions, {})
        if self.error is not None:
            raise self.error

    def close(self) -> None: ...


def feed(name: str, source: Scripted, **more: object) -> Feed:
    return replace(Feed(name, source, FIVE, settle_to()), **more)  # type: ignore[arg-type]


def turn(one: Feed, store: Store, at: datetime) -> object:
    return poll(one, lambda _: verdict(), store, "worker", lambda: at)


@pytest.fixture
def shared(store: Store) -> Store:
    """Three sources, two of one account."""
    store.register_sources({"a": "x", "b": "x", "c": "rss"}, NOW, {"a": "x-main", "b": "x-main"})
    return store


def test_sources_of_one_account_take_turns(shared: Store) -> None:
    assert shared.lease("a", "one", NOW, TTL) is not None
    assert shared.due_sources(NOW) == ("c",)
    assert shared.lease("b", "two", NOW, TTL) is None
    assert shared.lease("c", "two", NOW, TTL) is not None
    assert shared.lease("b", "two", NOW + TTL, TTL) is not None  # whoever had "a" is gone


def test_of_many_workers_at_once_one_gets_the_account(shared: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda n: shared.lease("ab"[n % 2], f"w{n}", NOW, TTL), range(16)))
    assert sum(lease is not None for lease in got) == 1


def test_a_limit_that_one_source_met_holds_for_its_account(shared: Store) -> None:
    limited = Scripted(error=RateLimited("X asks to wait (429)", NOW + 15 * MINUTE))
    turn(feed("a", limited), shared, NOW)
    assert turn(feed("b", Scripted()), shared, NOW + MINUTE) is None
    assert turn(feed("c", Scripted()), shared, NOW + MINUTE) is not None
    assert shared.blocked_accounts(NOW)["x-main"][0] == NOW + 15 * MINUTE
    assert turn(feed("b", Scripted()), shared, NOW + 16 * MINUTE) is not None


def test_a_shorter_wait_does_not_end_a_longer_one(shared: Store) -> None:
    shared.block_account("x-main", NOW + 15 * MINUTE, "long")
    shared.block_account("x-main", NOW + MINUTE, "short")
    assert shared.blocked_accounts(NOW) == {"x-main": (NOW + 15 * MINUTE, "long")}


def test_nobody_asks_while_an_account_must_wait_or_is_asked_not_even_by_force(shared: Store) -> None:
    lease = shared.lease("a", "one", NOW, TTL)
    assert lease is not None
    assert shared.lease("b", "two", NOW, TTL, force=True) is None
    assert shared.account_waits("b", NOW) == NOW + TTL
    shared.finish(lease, NOW, NOW)
    assert shared.account_waits("b", NOW) is None
    shared.block_account("x-main", NOW + 2 * TTL, "429")
    assert shared.lease("b", "two", NOW + TTL, TTL, force=True) is None
    assert shared.account_waits("b", NOW + TTL) == NOW + 2 * TTL
    assert shared.account_waits("c", NOW) is None


def test_a_platform_that_asks_to_wait_for_a_moment_for_ever_is_not_asked_every_second(store: Store) -> None:
    store.register_sources({"a": "x"}, NOW)
    turn(feed("a", Scripted(error=RateLimited("X asks to wait (429)", NOW + timedelta(seconds=1)))), store, NOW)
    assert store.sources()[0].next_poll_at == NOW + MINUTE


# The pace


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(30, 3600), st.integers(10, 3600))
def test_the_pace_stays_within_its_limits(found: list[int], every: int, least: int) -> None:
    base, low = timedelta(seconds=every), timedelta(seconds=least)
    pace = base
    for new in found:
        pace = next_pace(pace, new, base, low)
        assert min(low, base) <= pace <= 2 * base
        if new:
            assert pace <= base


def test_mentions_hurry_a_source_and_quiet_slows_it_down() -> None:
    pace = FIVE
    for _ in range(3):
        pace = next_pace(pace, 1, FIVE, MINUTE)
    assert pace == MINUTE
    for _ in range(20):
        pace = next_pace(pace, 0, FIVE, MINUTE)
    assert pace == 2 * FIVE
    assert next_pace(pace, 1, FIVE, None) == next_pace(pace, 0, FIVE, None) == FIVE


def test_a_source_is_polled_as_fast_as_mentions_come(store: Store) -> None:
    store.register_sources({"a": "x"}, NOW)
    turn(feed("a", Scripted((post(1),)), least=MINUTE), store, NOW)
    (state,) = store.sources()
    assert state.next_poll_at == NOW + FIVE / 2
    turn(feed("a", Scripted((post(1),)), least=MINUTE), store, NOW + FIVE)
    assert store.sources()[0].pace == FIVE / 2 * 1.25


# Money


def purse(store: Store, day: float | None = None, month: float | None = None) -> AccountPurse:
    return AccountPurse("x-main", budget(day, month), store, "care")


def test_money_is_counted_before_it_is_spent_and_given_back_where_less_was_billed(store: Store) -> None:
    x = purse(store, month=1)
    x.set_aside("post read", 100, 0.005, NOW)
    assert x.left(NOW) == pytest.approx(0.5)
    x.billed("post read", 100, 7, 0.005, NOW)
    assert x.left(NOW) == pytest.approx(1 - 0.035)
    (line,) = store.ledger(NOW)
    assert (line.account, line.day, line.what, line.units, line.micro_usd) == (
        "x-main", "2026-11-22", "post read", 7, 35_000,
    )  # fmt: skip


def test_a_budget_is_never_exceeded_and_says_when_it_reads_on(store: Store) -> None:
    x = purse(store, day=0.5, month=1)
    x.set_aside("post read", 100, 0.005, NOW)
    with pytest.raises(BudgetReached, match=r"this day is reached \(0.50 USD, spent 0.50\)") as caught:
        x.set_aside("post read", 1, 0.005, NOW)
    assert caught.value.retry_at == datetime(2026, 11, 23, tzinfo=UTC)
    tomorrow = NOW + timedelta(days=1)
    x.set_aside("post read", 100, 0.005, tomorrow)
    with pytest.raises(BudgetReached, match="this month") as caught:
        x.set_aside("user read", 1, 0.01, NOW + timedelta(days=2))
    assert caught.value.retry_at == datetime(2026, 12, 1, tzinfo=UTC) == next_month(NOW)
    assert store.spent("x-main", tomorrow).month == 1_000_000
    x.set_aside("post read", 1, 0.005, datetime(2026, 12, 1, tzinfo=UTC))


def test_two_sources_at_once_cannot_overspend(store: Store) -> None:
    x = purse(store, month=1)

    def spend(number: int) -> bool:
        try:
            x.set_aside(f"thing {number % 3}", 10, 0.01, NOW)
        except BudgetReached:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(spend, range(40))) == 10
    assert store.spent("x-main", NOW).month == 1_000_000


def test_the_operator_hears_of_a_budget_once_near_its_end_and_once_at_it(store: Store) -> None:
    x = purse(store, month=1)
    for _ in range(10):
        x.set_aside("post read", 20, 0.005, NOW)
    for _ in range(3):
        with pytest.raises(BudgetReached):
            x.set_aside("post read", 20, 0.005, NOW)
    told = []
    while (delivery := store.claim("care", "sender", NOW, TTL)) is not None:
        told.append(delivery.payload["text"])
    assert [text.partition("(")[0] for text in sorted(told)] == [
        "Account x-main has reached this month's budget ",
        "Account x-main has spent 0.80 of 1.00 USD of this month's budget.",
    ]


def test_a_source_that_spent_its_budget_waits_for_the_next_one_and_is_not_parked(store: Store) -> None:
    store.register_sources({"a": "x", "b": "x"}, NOW, {"a": "x-main", "b": "x-main"})
    begins = datetime(2026, 11, 23, tzinfo=UTC)
    turn(feed("a", Scripted(error=BudgetReached("the budget is reached", begins))), store, NOW)
    state = store.sources()[0]
    assert (state.parked, state.next_poll_at) == (None, begins)
    assert turn(feed("b", Scripted()), store, NOW + MINUTE) is None


def test_a_budget_that_was_raised_ends_the_wait_at_the_next_start(store: Store) -> None:
    store.register_sources({"a": "x", "b": "x"}, NOW, {"a": "x-main", "b": "x-main"})
    purse(store, month=1).set_aside("post read", 200, 0.005, NOW)
    begins = datetime(2026, 12, 1, tzinfo=UTC)
    turn(feed("a", Scripted(error=BudgetReached("the budget is reached", begins))), store, NOW)
    lift(store, {"x-main": (None, 1.0)}, NOW + MINUTE)
    assert store.due_sources(NOW + MINUTE) == ()
    lift(store, {"x-main": (None, 2.0)}, NOW + MINUTE)
    assert set(store.due_sources(NOW + MINUTE)) == {"a", "b"}
    store.block_account("x-main", begins, "RateLimited: X asks to wait")  # a platform's word is not ours to lift
    lift(store, {"x-main": (None, None)}, NOW + MINUTE)
    assert store.due_sources(NOW + MINUTE) == ()


def test_a_budget_that_was_lowered_below_what_is_spent_lets_nothing_be_spent(store: Store) -> None:
    purse(store, month=1).set_aside("post read", 100, 0.005, NOW)
    lower = purse(store, month=0.2)
    assert lower.left(NOW) == 0
    with pytest.raises(BudgetReached, match=r"\(0.20 USD, spent 0.50\)"):
        lower.set_aside("post read", 1, 0.005, NOW)
    assert store.spent("x-main", NOW).month == 500_000


def test_looking_up_again_has_a_part_of_the_budget_and_never_more(store: Store) -> None:
    whole = purse(store, month=1)
    part = part_of(whole, RECHECKS, 0.25)
    part.set_aside("post read", 50, 0.005, NOW)
    with pytest.raises(BudgetReached):
        part.set_aside("post read", 1, 0.005, NOW)
    assert (part.left(NOW), whole.left(NOW)) == (0.0, 0.75)
    part.billed("post read", 50, 30, 0.005, NOW)
    assert part.left(NOW) == pytest.approx(0.1)
    whole.set_aside("post read", 165, 0.005, NOW)
    with pytest.raises(BudgetReached):
        part.set_aside("post read", 10, 0.005, NOW)
    assert part.left(NOW) == pytest.approx(0.025)  # what could not be spent was given back to the part
    assert store.spent("x-main", NOW).month == 975_000


def test_status_knows_what_a_useful_mention_cost(store: Store) -> None:
    store.register_sources({"a": "x"}, NOW, {"a": "x-main"})
    purse(store).set_aside("post read", 100, 0.005, NOW)
    turn(feed("a", Scripted((post(1), post(2)))), store, NOW)
    (account,) = accounts(store, {"x-main": (None, 50.0)}, {"x-main": ["a"]}, NOW)
    assert (account.month, account.budget_month, account.useful, account.per_useful) == (0.5, 50.0, 2, 0.25)
    assert accounts(store, {}, {}, datetime(2026, 12, 2, tzinfo=UTC)) == []
