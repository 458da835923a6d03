"""X: what is asked is paid, never more than the budget, and forecast before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base import BudgetReached, Known, Malformed, OutOfBudget, RateLimited, Removal
from connectors.contract import START, Stored
from connectors.x import connector
from connectors.x_spend import POST, USER, Till
from tests.fakes.http import Reply
from tests.fakes.ledger import Ledger
from tests.fakes.x import OWNER, FakeX
from tests.fakes.x_sources import Opener, queries_of, read


@pytest.fixture
def site() -> Iterator[FakeX]:
    with FakeX(START).start() as fake:
        yield fake


@pytest.fixture
def open_x(tmp_path: Path, site: FakeX) -> Iterator[Opener]:
    opener = Opener(site, tmp_path)
    yield opener
    opener.close()


def known(one: str, at: datetime = START) -> Known:
    return Known(one, f"https://x.com/alice/status/{one}", "post", "1001", None, None, at)


def test_what_came_is_billed_as_x_bills_it(site: FakeX, open_x: Opener) -> None:
    for n in range(60):
        site.publish(at=START - timedelta(minutes=n), author=f"author{n % 7}")
    purse = Ledger()
    read(open_x(purse=purse))
    assert purse.units == {"post read": 60, "user read": 7}
    assert purse.total() == pytest.approx(site.spent)


def test_what_is_read_twice_is_paid_once_a_day(site: FakeX, open_x: Opener) -> None:
    purse, stored = Ledger(), Stored()
    source = open_x(purse=purse)
    for n in range(30):
        site.clock = now = START.replace(hour=23, minute=30) + timedelta(minutes=n)
        site.publish(at=now - timedelta(seconds=30))
        read(source, stored, now)
    assert len(stored.mentions) == 30
    assert purse.units["post read"] == 30
    site.clock = now = START.replace(hour=0, minute=0) + timedelta(days=1)
    read(source, stored, now)
    assert purse.units["post read"] == 32  # the lookback, on a new day
    assert purse.total() == pytest.approx(site.spent)


def test_authors_are_not_counted_where_they_are_not_billed(site: FakeX, open_x: Opener) -> None:
    site.publish(at=START)
    purse = Ledger()
    read(open_x(purse=purse, count_authors=False))
    assert purse.units == {"post read": 1}


def test_the_first_page_is_small_and_the_next_are_whole(site: FakeX, open_x: Opener) -> None:
    for n in range(200):
        site.publish(at=START - timedelta(minutes=n))
    read(open_x())
    assert [asked["max_results"] for asked in queries_of(site)] == ["25", "100", "100"]


def test_a_failed_request_is_free(site: FakeX, open_x: Opener) -> None:
    purse = Ledger()
    source = open_x(purse=purse)
    for reply in (Reply(429), Reply(200, b"{")):
        site.replies.append(reply)
        with pytest.raises((RateLimited, Malformed)):
            read(source)
    assert purse.total() == 0


def test_a_small_rest_buys_a_small_page_and_then_nothing(site: FakeX, open_x: Opener) -> None:
    for n in range(100):
        site.publish(at=START - timedelta(minutes=n), author=f"author{n}")
    purse, stored = Ledger(day=0.40), Stored()
    with pytest.raises(BudgetReached) as caught:
        read(open_x(purse=purse), stored)
    assert [asked["max_results"] for asked in queries_of(site)] == ["25"]  # 0.025 is left, ten posts would be 0.15
    assert caught.value.retry_at is not None
    site.clock = tomorrow = START + timedelta(days=1)
    with pytest.raises(BudgetReached):
        read(open_x(purse=purse), stored, tomorrow)
    assert all(usd <= 0.40 + 1e-9 for day, usd in purse.spent.items() if len(day) == 10)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_budget_is_exceeded_and_all_is_read_in_the_end(tmp_path: Path, data: st.DataObject) -> None:
    with FakeX(START).start() as site:
        opener = Opener(site, tmp_path)
        purse = Ledger(day=data.draw(st.sampled_from([0.2, 0.5, 1.5])), month=20.0)
        stored, ids = Stored(), set()
        for day in range(3):
            for _ in range(data.draw(st.integers(0, 25))):
                at = START + timedelta(days=day, seconds=-data.draw(st.integers(0, 9)))
                ids.add(site.publish(at=at, author=f"author{data.draw(st.integers(0, 9))}"))
            site.clock = now = START + timedelta(days=day, minutes=5)
            with suppress(BudgetReached):
                read(opener(purse=purse), stored, now)
        for day in range(3, 7):
            site.clock = now = START + timedelta(days=day)
            with suppress(BudgetReached):
                read(opener(purse=purse), stored, now)
        opener.close()
        assert all(usd <= (purse.day or 0) + 1e-9 for day, usd in purse.spent.items() if len(day) == 10)
        assert purse.total() == pytest.approx(site.spent)
        if purse.day == 1.5:
            assert set(stored.mentions) == ids


def test_credits_that_are_used_up_park_the_source(site: FakeX, open_x: Opener) -> None:
    site.credits = 0.0
    with pytest.raises(OutOfBudget, match="credits"):
        read(open_x())


def test_a_till_sets_aside_before_and_settles_behind() -> None:
    purse = Ledger(day=1.0)
    with Till(purse).paying({POST: 10, USER: 10}, START) as bill:
        assert purse.left(START) == pytest.approx(0.85)
        bill.add(POST, ["1", "1", "2"])
    assert purse.left(START) == pytest.approx(0.99)


def test_a_till_that_cannot_set_all_aside_keeps_nothing() -> None:
    purse = Ledger(day=0.06)
    with pytest.raises(BudgetReached), Till(purse).paying({POST: 10, USER: 10}, START):
        raise AssertionError("nothing may be asked")
    assert purse.left(START) == pytest.approx(0.06)


# Look-ups


def test_posts_that_are_gone_protected_or_not_named_are_removed(site: FakeX, open_x: Opener) -> None:
    here, gone, hidden = (site.publish(at=START, author=name) for name in ("alice", "bob", "carol"))
    site.delete(gone)
    site.protect("carol")
    purse = Ledger()
    looked = open_x(purse=purse).recheck([known(here), known(gone), known(hidden), known("not-an-id")], START)
    assert set(looked.removed) == {Removal("x", gone), Removal("x", hidden)}
    (mention,) = looked.present
    assert (mention.external_id, mention.author.handle) == (here, "alice")
    assert purse.units == {"post read": 1}


def test_an_edited_post_reads_as_it_does_now(site: FakeX, open_x: Opener) -> None:
    one, other = site.publish(at=START), site.publish(at=START)
    site.edit(one, "All is well")
    (mention,) = [
        found for found in open_x().recheck([known(one), known(other)], START).present if found.external_id == one
    ]
    assert mention.text == "All is well"


def test_a_reason_that_is_no_removal_removes_nothing(site: FakeX, open_x: Opener) -> None:
    site.replies.append(
        Reply.json({"errors": [{"resource_id": "5", "type": "https://api.x.com/2/problems/internal-error"}]})
    )
    looked = open_x().recheck([known("5")], START)
    assert looked.present == looked.removed == ()


@pytest.mark.parametrize("body", [{}, {"data": []}, {"errors": []}])
def test_an_empty_answer_removes_nothing(site: FakeX, open_x: Opener, body: dict[str, object]) -> None:
    site.replies.append(Reply.json(body))
    with pytest.raises(Malformed, match="nothing is taken for deleted"):
        open_x().recheck([known("5")], START)


def test_a_hundred_posts_are_one_request_and_no_more_than_can_be_paid(site: FakeX, open_x: Opener) -> None:
    posts = [known(site.publish(at=START)) for _ in range(100)]
    assert len(open_x().recheck(posts, START).present) == connector.recheck_batch == 100
    assert len(site.asked) == 1
    purse = Ledger(day=0.20)
    looked = open_x(purse=purse).recheck(posts, START)
    assert len(looked.present) == 40
    assert looked.removed == ()
    with pytest.raises(BudgetReached):
        open_x(purse=purse).recheck(posts, START)


# Forecast and usage


def test_a_month_is_forecast_from_the_last_week(site: FakeX, open_x: Opener) -> None:
    for n in range(70):
        site.publish(at=START - timedelta(hours=n))
        site.publish("@acmecare", at=START - timedelta(hours=n))
    site.publish(at=START - timedelta(days=8))
    purse = Ledger()
    told = open_x(user=True, mentions=True, purse=purse).forecast(START)
    month = 365.25 / 12 / 7
    assert [query.posts for query in told.queries] == pytest.approx([70 * month, 70 * month])
    assert [query.usd for query in told.queries] == pytest.approx([70 * month * 0.015, 70 * month * 0.011])
    assert told.asked_usd == pytest.approx(0.01)
    # Each post is looked up on 30 days, at the price of a search.
    assert told.rechecks_usd(timedelta(days=30), timedelta(days=1)) == pytest.approx(140 * month * 30 * 0.005)
    assert purse.units == {"user read": 1, "counts request": 2}
    assert OWNER in site.asked[0].path


def test_a_count_that_cannot_be_read_is_said(site: FakeX, open_x: Opener) -> None:
    site.replies.append(Reply.json({"meta": {}}))
    with pytest.raises(Malformed, match="count"):
        open_x().forecast(START)


def test_what_x_counted_can_be_held_against_the_purse(site: FakeX, open_x: Opener) -> None:
    for _ in range(3):
        site.publish(at=START)
    source = open_x()
    read(source)
    assert source.usage(START) == {date(2026, 11, 2): 3}


def test_the_connector_says_that_it_costs() -> None:
    assert connector.costs
    assert not connector.policy.may_export
