"""Delivery through the real Slack client against a fake Slack: once, in order, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from listener.cases.clock import ServiceHours
from listener.deliver import LEASE, Outlet, Sent, backoff, deliver
from listener.model import NotificationState
from listener.slack.client import SlackReceiver
from listener.store import Store
from rules.vocabulary import Urgency
from tests.fakes.slack import DROP_AFTER, DROP_BEFORE, HTML_500, FakeSlack, rate_limited
from tests.fakes.story import NOON, page, post, settle_to, triaged
from tests.fakes.told import look

OWNER = "sender"
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as fake:
        yield fake


@pytest.fixture
def outlet(slack: FakeSlack) -> Outlet:
    receiver = SlackReceiver("xoxb-test", "C0CARE", look(), base_url=slack.base_url, timeout=2, clock=lambda: NOON)
    return Outlet("care", receiver, tell_instead="console")


def put(store: Store, *numbers: int, urgency: Urgency = Urgency.HIGH) -> None:
    posts = [triaged(post(number), urgency=urgency) for number in numbers]
    store.register_sources({"forum": "replay"}, NOON)
    lease = store.lease("forum", "poller", NOON, LEASE, force=True)
    assert lease is not None
    store.record_page(lease, page(posts), posts, settle_to("care"), NOON)
    store.finish(lease, NOON, NOON)


def turn(outlet: Outlet, store: Store, at: datetime = NOON) -> list[Sent]:
    return deliver(outlet, store, OWNER, lambda: at)


def posted_once(slack: FakeSlack, count: int) -> bool:
    return [len(messages) for messages in slack.posts_by_key().values()] == [1] * count


def test_what_waits_is_sent_once_and_marked(store: Store, slack: FakeSlack, outlet: Outlet) -> None:
    put(store, 1, 2)
    assert turn(outlet, store) == [Sent.SENT, Sent.SENT]
    assert turn(outlet, store) == []
    assert posted_once(slack, 2)


def test_an_answer_that_was_lost_is_looked_up_and_not_sent_again(
    store: Store, slack: FakeSlack, outlet: Outlet
) -> None:
    put(store, 1)
    slack.fail("chat.postMessage", DROP_AFTER)
    assert turn(outlet, store) == [Sent.RETRY]
    assert turn(outlet, store, LATER) == [Sent.FOUND]
    assert posted_once(slack, 1)


def test_a_message_that_never_arrived_is_sent_after_the_look_up(store: Store, slack: FakeSlack, outlet: Outlet) -> None:
    put(store, 1)
    slack.fail("chat.postMessage", DROP_BEFORE)
    assert turn(outlet, store) == [Sent.RETRY]
    assert turn(outlet, store, LATER) == [Sent.SENT]
    assert posted_once(slack, 1)


def test_a_sender_that_died_is_taken_over_with_a_look_up(store: Store, slack: FakeSlack, outlet: Outlet) -> None:
    put(store, 1)
    claimed = store.claim("care", "dead", NOON, LEASE)
    assert claimed is not None
    outlet.receiver.send(claimed)  # and then it is killed before it can mark
    assert turn(outlet, store) == []
    assert turn(outlet, store, NOON + LEASE) == [Sent.FOUND]
    assert posted_once(slack, 1)


def test_leases_of_an_owner_known_dead_end_at_once(store: Store, slack: FakeSlack, outlet: Outlet) -> None:
    put(store, 1)
    assert store.claim("care", "dead", NOON, LEASE) is not None
    assert store.lease_owners() == {"dead"}
    store.end_leases("dead", NOON)
    assert turn(outlet, store) == [Sent.SENT]
    assert posted_once(slack, 1)


def test_slack_that_asks_to_wait_is_left_alone_and_then_the_most_urgent_goes_first(
    store: Store, slack: FakeSlack, outlet: Outlet
) -> None:
    put(store, 1, 2)
    slack.fail("chat.postMessage", rate_limited("30"))
    assert turn(outlet, store) == [Sent.RETRY]
    calls = slack.counted("chat.postMessage")
    assert turn(outlet, store, NOON + timedelta(seconds=29)) == []
    assert slack.counted("chat.postMessage") == calls
    put(store, 3, urgency=Urgency.CRITICAL)
    assert turn(outlet, store, NOON + timedelta(seconds=30)) == [Sent.SENT] * 3
    assert "p3" in str(store.case(_first_case(slack)))
    # A 429 says that nothing was posted, so nothing was doubtful and no history was read.
    assert slack.counted("conversations.history") == 0


def _first_case(slack: FakeSlack) -> str:
    return str(slack.messages("C0CARE")[0]["metadata"]["event_payload"]["case"])


def test_a_revoked_token_stops_the_receiver_keeps_what_waits_and_tells_somebody_else(
    store: Store, slack: FakeSlack, outlet: Outlet
) -> None:
    put(store, 1, 2)
    slack.revoke()
    assert turn(outlet, store) == [Sent.STOPPED]
    assert turn(outlet, store, LATER) == []
    assert store.receivers()["care"].stopped
    assert store.outbox(LATER).counts["care"][NotificationState.PENDING] == 2
    notice = store.claim("console", OWNER, LATER, LEASE)
    assert notice is not None
    assert "care is stopped" in notice.payload["text"]
    store.resume_receiver("care", LATER)
    assert store.claim("care", OWNER, LATER, LEASE) is not None


def test_an_error_page_is_tried_again_later_and_later(store: Store, slack: FakeSlack, outlet: Outlet) -> None:
    put(store, 1)
    slack.fail("chat.postMessage", HTML_500, HTML_500)
    assert turn(outlet, store) == [Sent.RETRY]
    assert turn(outlet, store, NOON + backoff(1) / 2) == []
    assert turn(outlet, store, NOON + backoff(1)) == [Sent.RETRY]
    assert turn(outlet, store, NOON + backoff(1) + backoff(2)) == [Sent.SENT]
    assert posted_once(slack, 1)


def test_a_pace_leaves_time_between_two_messages(store: Store, slack: FakeSlack, outlet: Outlet) -> None:
    put(store, 1, 2)
    paced = Outlet("care", outlet.receiver, pace=timedelta(seconds=1))
    assert turn(paced, store) == [Sent.SENT]
    assert turn(paced, store, NOON + timedelta(milliseconds=900)) == []
    assert turn(paced, store, NOON + timedelta(seconds=1)) == [Sent.SENT]


def test_a_stop_ends_after_the_message_in_hand(store: Store, slack: FakeSlack, outlet: Outlet) -> None:
    put(store, 1, 2, 3)
    answers = iter([False, True])
    assert deliver(outlet, store, OWNER, lambda: NOON, lambda: next(answers)) == [Sent.SENT]
    assert posted_once(slack, 1)


def test_by_night_only_critical_is_posted_and_in_the_morning_one_summary(
    store: Store, slack: FakeSlack, outlet: Outlet
) -> None:
    nights = ServiceHours(ZoneInfo("UTC"), {day: ((time(0), time(7)), (time(22), time.max)) for day in range(7)})
    polite = replace(outlet, quiet=nights, singles_per_hour=20)
    night = NOON.replace(hour=23)
    put(store, *range(12))
    put(store, 50, urgency=Urgency.CRITICAL)
    assert turn(polite, store, night) == [Sent.SENT]
    morning = NOON.replace(hour=7) + timedelta(days=1)
    slack.fail("chat.postMessage", DROP_AFTER)
    assert turn(polite, store, morning) == [Sent.RETRY]
    assert turn(polite, store, morning + timedelta(minutes=1)) == [Sent.FOUND]
    assert posted_once(slack, 2)
    summary = slack.messages("C0CARE")[-1]
    assert summary["blocks"][0]["text"]["text"] == "🟠 12 cases came in during quiet hours"


def test_a_storm_is_one_message_that_is_edited(store: Store, slack: FakeSlack, outlet: Outlet) -> None:
    polite = replace(outlet, singles_per_hour=2)
    for minute in range(3):
        put(store, *range(10 * minute, 10 * minute + 10))
        turn(polite, store, NOON + timedelta(minutes=minute))
    assert posted_once(slack, 3)
    assert slack.messages("C0CARE")[-1]["blocks"][0]["text"]["text"] == "🟠 28 more cases came in during this storm"
    assert slack.counted("chat.update") == 2
