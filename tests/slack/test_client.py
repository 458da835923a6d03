"""The Slack receiver against a Slack on loopback, through the real client library."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from listener.model import (
    CannotLookUp,
    CaseState,
    CaseView,
    Delivery,
    MessageRefused,
    NotificationKind,
    PassingFailure,
    Receiver,
    ReceiverError,
    ReceiverStopped,
)
from listener.slack import limits
from listener.slack.client import SlackReceiver
from listener.slack.failures import STOPPED
from tests.fakes.slack import (
    DROP_AFTER,
    DROP_BEFORE,
    ERROR_AFTER,
    HTML_200,
    HTML_500,
    HTML_502,
    FakeSlack,
    Fault,
    rate_limited,
    refused,
    slow,
)
from tests.fakes.told import NOW, complaint, delivery, look, receipt, story, summary, told, view

TOKEN = "xoxb-test"
UPDATE, THREAD = NotificationKind.CASE_UPDATE, NotificationKind.CASE_THREAD
SUMMARY_UPDATE = NotificationKind.SUMMARY_UPDATE


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack(token=TOKEN) as fake:
        yield fake


@pytest.fixture
def receiver(slack: FakeSlack) -> SlackReceiver:
    return open_receiver(slack)


def open_receiver(slack: FakeSlack, **kwargs: object) -> SlackReceiver:
    values: dict[str, object] = {"base_url": slack.base_url, "timeout": 5.0, "clock": lambda: NOW} | kwargs
    return SlackReceiver(TOKEN, "C0CARE", look(), **values)  # type: ignore[arg-type]


def resolved() -> CaseView:
    case = replace(complaint().case, state=CaseState.RESOLVED, owner="Ana", revision=2)
    return replace(complaint(), case=case)


def test_it_is_a_receiver(receiver: SlackReceiver) -> None:
    kept: Receiver = receiver
    assert kept.send(delivery()).data["channel"] == "C0CARE"


def test_an_alert_is_posted_once_with_its_key_and_without_unfurling(slack: FakeSlack, receiver: SlackReceiver) -> None:
    told_to = receiver.send(delivery())
    (message,) = slack.messages("C0CARE")
    assert told_to.data == {"channel": "C0CARE", "ts": message["ts"], "key": "case:c-7F3K:open:care"}
    assert message["metadata"]["event_type"] == "listener_case"
    assert message["metadata"]["event_payload"] == {"key": "case:c-7F3K:open:care", "case": "c-7F3K", "rev": 1}
    (_, given) = slack.calls[0]
    assert given["unfurl_links"] is False
    assert given["unfurl_media"] is False
    assert given["parse"] == "none"


def test_an_update_edits_the_message_and_leaves_its_key(slack: FakeSlack, receiver: SlackReceiver) -> None:
    opened = receiver.send(delivery())
    receiver.send(delivery(UPDATE, key="case:c-7F3K:update:2:care", case=resolved(), parent=opened))
    (message,) = slack.messages("C0CARE")
    assert message["blocks"][0]["text"]["text"].startswith("✅ Resolved")
    assert list(slack.posts_by_key()) == ["case:c-7F3K:open:care"]


def test_an_update_without_a_message_to_edit_is_posted(slack: FakeSlack, receiver: SlackReceiver) -> None:
    receiver.send(delivery(UPDATE, key="k", parent=None))
    assert list(slack.posts_by_key()) == ["k"]


def test_a_thread_entry_stands_below_its_case(slack: FakeSlack, receiver: SlackReceiver) -> None:
    opened = receiver.send(delivery())
    receiver.send(delivery(THREAD, key="case:c-7F3K:thread:4f2c:care", parent=opened))
    assert slack.messages("C0CARE")[1]["thread_ts"] == opened.data["ts"]


def test_a_thread_entry_whose_case_message_was_deleted_goes_to_the_channel(
    slack: FakeSlack, receiver: SlackReceiver
) -> None:
    receiver.send(delivery(THREAD, key="k", parent=receipt("1.000001")))
    assert "thread_ts" not in slack.messages("C0CARE")[0]


@pytest.mark.parametrize("fault", [DROP_AFTER, ERROR_AFTER], ids=["connection reset", "503"])
@pytest.mark.parametrize("kind", [NotificationKind.CASE_OPEN, THREAD, NotificationKind.NOTICE])
def test_a_message_whose_answer_was_lost_is_found_and_not_sent_again(
    slack: FakeSlack, receiver: SlackReceiver, fault: Fault, kind: NotificationKind
) -> None:
    parent = receiver.send(delivery(key="parent")) if kind is THREAD else None
    wanted = delivery(kind, key="wanted", parent=parent, payload={"text": "hello"})
    slack.fail("chat.postMessage", fault)
    with pytest.raises(PassingFailure) as failure:
        receiver.send(wanted)
    assert failure.value.may_have_been_sent
    found = receiver.find(replace(wanted, attempt=2, doubtful=True))
    assert found is not None
    assert found.data["ts"] == slack.posts_by_key()["wanted"][0]["ts"]
    assert len(slack.posts_by_key()["wanted"]) == 1


def test_a_message_that_never_arrived_is_not_found_and_its_second_sending_is_not_called_a_repeat(
    slack: FakeSlack, receiver: SlackReceiver
) -> None:
    slack.fail("chat.postMessage", DROP_BEFORE)
    with pytest.raises(PassingFailure) as failure:
        receiver.send(delivery())
    assert failure.value.may_have_been_sent  # from here it looks the same as an answer that was lost
    again = delivery(attempt=2, doubtful=True)
    assert receiver.find(again) is None
    receiver.send(again)
    assert "Repeated" not in slack.messages("C0CARE")[0]["text"]


def test_the_client_never_posts_twice_by_itself(slack: FakeSlack, receiver: SlackReceiver) -> None:
    slack.fail("chat.postMessage", DROP_AFTER)
    with pytest.raises(PassingFailure):
        receiver.send(delivery())
    assert slack.counted("chat.postMessage") == 1


def test_without_the_right_to_read_history_the_repeat_is_marked_as_one(
    slack: FakeSlack, receiver: SlackReceiver
) -> None:
    slack.can_read_history = False
    again = delivery(attempt=2, doubtful=True)
    with pytest.raises(CannotLookUp, match="channels:history"):
        receiver.find(again)
    receiver.send(again)
    (message,) = slack.messages("C0CARE")
    assert message["text"].startswith("Repeated, may have been sent before:")
    assert message["blocks"][1]["block_id"] == "c-7F3K:1:again"
    receiver.send(delivery(key="next"))
    assert not slack.messages("C0CARE")[1]["text"].startswith("Repeated")


def test_history_is_read_page_by_page(slack: FakeSlack, receiver: SlackReceiver) -> None:
    slack.page_size = 3
    receiver.send(delivery(key="wanted"))
    for number in range(10):
        receiver.send(delivery(NotificationKind.NOTICE, key=f"n{number}", payload={"text": "later"}))
    found = receiver.find(delivery(key="wanted"))
    assert found is not None
    assert slack.counted("conversations.history") == 4


def test_a_thread_is_read_page_by_page(slack: FakeSlack, receiver: SlackReceiver) -> None:
    slack.page_size = 2
    opened = receiver.send(delivery())
    for number in range(6):
        receiver.send(delivery(THREAD, key=f"entry{number}", parent=opened))
    assert receiver.find(delivery(THREAD, key="entry5", parent=opened)) is not None
    assert receiver.find(delivery(THREAD, key="entry9", parent=opened)) is None


def test_a_history_that_does_not_end_cannot_be_looked_up(slack: FakeSlack, receiver: SlackReceiver) -> None:
    slack.page_size = 1
    for number in range(27):
        receiver.send(delivery(NotificationKind.NOTICE, key=f"n{number}", payload={"text": "x"}))
    with pytest.raises(CannotLookUp):
        receiver.find(delivery(key="wanted"))


def test_an_update_needs_no_look_up(slack: FakeSlack, receiver: SlackReceiver) -> None:
    assert receiver.find(delivery(UPDATE, parent=receipt("1.0"))) is None
    assert slack.counted("conversations.history") == 0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("1.5", 1.5),
        ("soon", 60.0),
        ("-3", 0.0),
        ("nan", 60.0),
        ("inf", 60.0),
        ("99999999", 86_400.0),
        ("", None),
    ],
)
def test_the_time_that_slack_asks_to_wait_is_told(
    slack: FakeSlack, receiver: SlackReceiver, header: str, seconds: float | None
) -> None:
    slack.fail("chat.postMessage", rate_limited(header))
    with pytest.raises(PassingFailure) as failure:
        receiver.send(delivery())
    assert failure.value.retry_after == seconds
    assert not failure.value.may_have_been_sent


@pytest.mark.parametrize(
    "fault",
    [HTML_500, HTML_502, HTML_200, Fault(body="[1, 2]"), Fault(body="null"), Fault(body=" "), refused("fatal_error")],
)
def test_an_answer_that_is_none_passes_and_is_looked_up(
    slack: FakeSlack, receiver: SlackReceiver, fault: Fault
) -> None:
    slack.fail("chat.postMessage", fault)
    with pytest.raises(PassingFailure) as failure:
        receiver.send(delivery())
    assert failure.value.may_have_been_sent
    assert "html" not in str(failure.value)


def test_a_slow_answer_is_given_up_and_found_later(slack: FakeSlack) -> None:
    receiver = open_receiver(slack, timeout=1)
    slack.fail("chat.postMessage", slow(2))
    with pytest.raises(PassingFailure) as failure:
        receiver.send(delivery())
    assert failure.value.may_have_been_sent
    assert open_receiver(slack).find(delivery()) is not None


def test_a_connection_that_is_refused_has_sent_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/api/"
        with pytest.raises(PassingFailure) as failure:
            SlackReceiver(TOKEN, "C0CARE", look(), base_url=url).send(delivery())
    assert not failure.value.may_have_been_sent


@pytest.mark.parametrize("error", sorted(STOPPED))
def test_an_error_that_needs_a_person_stops_the_receiver_and_says_what_to_do(
    slack: FakeSlack, receiver: SlackReceiver, error: str
) -> None:
    slack.fail("chat.postMessage", refused(error))
    with pytest.raises(ReceiverStopped, match=error) as failure:
        receiver.send(delivery())
    assert STOPPED[error] in str(failure.value)


def test_a_revoked_token_and_an_archived_channel_stop_it(slack: FakeSlack, receiver: SlackReceiver) -> None:
    slack.archive("C0CARE")
    with pytest.raises(ReceiverStopped, match="unarchive"):
        receiver.send(delivery())
    slack.revoke()
    for call in (receiver.send, receiver.find):
        with pytest.raises(ReceiverStopped, match="token_revoked"):
            call(delivery())
    with pytest.raises(ReceiverStopped):
        receiver.check()


def test_an_error_nobody_has_heard_of_is_tried_again(slack: FakeSlack, receiver: SlackReceiver) -> None:
    slack.fail("chat.postMessage", refused("moon_phase_wrong"))
    with pytest.raises(PassingFailure, match="moon_phase_wrong") as failure:
        receiver.send(delivery())
    assert not failure.value.may_have_been_sent


@pytest.mark.parametrize("error", ["msg_blocks_too_long", "invalid_blocks"])
def test_a_message_that_is_refused_as_too_long_is_sent_shorter_and_at_last_as_its_text(
    slack: FakeSlack, receiver: SlackReceiver, error: str
) -> None:
    long = view(*(told("Ça ne marche pas 😡 " * 300, ref=f"m{n}") for n in range(3)))
    opened = None
    for refusals in range(4):
        slack.fail("chat.postMessage", *(refused(error) for _ in range(refusals)))
        opened = receiver.send(delivery(case=long, key=f"case:{refusals}"))
    assert opened is not None
    whole, half, less, bare = (one.get("blocks", []) for one in slack.messages("C0CARE"))
    sizes = [limits.size(blocks) for blocks in (whole, half, less)]
    assert [size <= most for size, most in zip(sizes, (9_000, 4_500, 2_500), strict=True)] == [True] * 3
    assert sizes == sorted(set(sizes), reverse=True)
    assert bare == []
    assert [block["type"] for block in less] == ["header", "rich_text", "section", "context", "actions"]
    assert len({one["text"] for one in slack.messages("C0CARE")}) == 1
    slack.fail("chat.update", *(refused(error) for _ in range(3)))
    receiver.send(delivery(NotificationKind.CASE_UPDATE, case=long, parent=opened, key="case:3:rev2"))
    assert slack.messages("C0CARE")[-1]["text"].startswith("High complaint")
    slack.fail("chat.postMessage", *(refused(error) for _ in range(4)))
    with pytest.raises(MessageRefused):
        receiver.send(delivery(key="not even its text"))


def test_an_edit_of_a_deleted_message_is_refused_and_not_posted_anew(slack: FakeSlack, receiver: SlackReceiver) -> None:
    opened = receiver.send(delivery())
    slack.delete("C0CARE", str(opened.data["ts"]))
    with pytest.raises(MessageRefused, match="deleted in Slack"):
        receiver.send(delivery(UPDATE, case=resolved(), parent=opened))
    assert slack.messages("C0CARE") == []


def test_a_message_that_may_not_be_edited_gets_its_new_state_as_a_thread_entry(
    slack: FakeSlack, receiver: SlackReceiver
) -> None:
    opened = receiver.send(delivery())
    slack.close_edit_window("C0CARE")
    assert receiver.send(delivery(UPDATE, key="u2", case=resolved(), parent=opened)) == opened
    assert "Resolved by Ana" in slack.messages("C0CARE")[1]["text"]
    assert slack.messages("C0CARE")[1]["thread_ts"] == opened.data["ts"]


def summarised(kind: NotificationKind, **kwargs: Any) -> Delivery:
    return delivery(kind, case=None, key=f"storm:care:2026-11-22T14:{kind}", summary=summary(resolved()), **kwargs)


def test_a_summary_is_posted_and_edited_in_place(slack: FakeSlack, receiver: SlackReceiver) -> None:
    opened = receiver.send(summarised(NotificationKind.SUMMARY))
    assert receiver.find(summarised(NotificationKind.SUMMARY)) == opened
    assert receiver.send(summarised(SUMMARY_UPDATE, parent=opened)) == opened
    assert len(slack.messages("C0CARE")) == 1


def test_a_summary_that_may_not_be_edited_is_replaced(slack: FakeSlack, receiver: SlackReceiver) -> None:
    opened = receiver.send(summarised(NotificationKind.SUMMARY))
    slack.close_edit_window("C0CARE")
    anew = receiver.send(summarised(SUMMARY_UPDATE, parent=opened, payload={"removed": True}))
    assert anew != opened
    assert [one["ts"] for one in slack.messages("C0CARE")] == [anew.data["ts"]]


def test_a_summary_that_somebody_deleted_comes_back_only_with_new_cases(
    slack: FakeSlack, receiver: SlackReceiver
) -> None:
    opened = receiver.send(summarised(NotificationKind.SUMMARY))
    slack.delete("C0CARE", str(opened.data["ts"]))
    assert receiver.send(summarised(SUMMARY_UPDATE, parent=opened, payload={"removed": True})) == opened
    assert slack.messages("C0CARE") == []
    anew = receiver.send(summarised(SUMMARY_UPDATE, parent=opened))
    assert receiver.send(summarised(SUMMARY_UPDATE, parent=opened, doubtful=True)) == anew
    assert [one["ts"] for one in slack.messages("C0CARE")] == [anew.data["ts"]]


def test_no_error_text_holds_the_token_the_address_or_a_post(slack: FakeSlack, receiver: SlackReceiver) -> None:
    faults = [
        HTML_500,
        DROP_BEFORE,
        refused("invalid_auth"),
        rate_limited("x"),
        refused("msg_too_long"),
        Fault(body="[]"),
    ]
    for fault in faults:
        slack.fail("chat.postMessage", fault)
        with pytest.raises(ReceiverError) as failure:
            receiver.send(delivery())
        said = f"{failure.value} {failure.value.__cause__} {failure.value.__suppress_context__}"
        assert not any(secret in said for secret in (TOKEN, "127.0.0.1", "Commande"))
        assert failure.value.__suppress_context__


def test_a_wrong_token_is_said_by_check(slack: FakeSlack) -> None:
    assert open_receiver(slack).check() == "listener in Testers"
    with pytest.raises(ReceiverStopped, match="invalid_auth"):
        SlackReceiver("xoxb-other", "C0CARE", look(), base_url=slack.base_url).check()


def test_a_proxy_in_the_environment_is_not_put_before_a_loopback_address(slack: FakeSlack) -> None:
    code = (
        "import sys; from listener.slack.client import SlackReceiver; from listener.slack.look import Look, load_words;"
        f"print(SlackReceiver({TOKEN!r}, 'C0', Look(load_words('en')), base_url=sys.argv[1]).check())"
    )
    nowhere = "http://127.0.0.1:9"
    env = {
        "HTTP_PROXY": nowhere,
        "http_proxy": nowhere,
        "HTTPS_PROXY": nowhere,
        "ALL_PROXY": nowhere,
        "PYTHONPATH": ":".join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-c", code, slack.base_url], env=env, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout.strip(), done.returncode) == ("listener in Testers", 0), done.stderr[-500:]


def test_many_senders_at_once_lose_and_repeat_nothing_although_answers_are_lost(slack: FakeSlack) -> None:
    lost = iter(range(10_000))
    slack.chance = lambda method: DROP_AFTER if method == "chat.postMessage" and next(lost) % 3 == 0 else None
    receiver = open_receiver(slack)

    def tell(number: int) -> None:
        one = delivery(key=f"k{number}", case=story())
        for attempt in range(1, 10):
            try:
                if (attempt > 1 and receiver.find(one)) or receiver.send(one):
                    return
            except PassingFailure:
                continue

    threads = [
        threading.Thread(target=lambda first=first: [tell(n) for n in range(first, 40, 4)]) for first in range(4)
    ]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    posts = slack.posts_by_key()
    assert {key: len(found) for key, found in posts.items()} == {f"k{number}": 1 for number in range(40)}
    assert time.monotonic() - started < 60


def test_a_delivery_without_its_case_is_a_programming_mistake(receiver: SlackReceiver) -> None:
    broken: Delivery = delivery(case=None)
    with pytest.raises(ValueError, match="without its case"):
        receiver.send(broken)
