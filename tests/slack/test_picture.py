"""The digest in Slack: a native chart where it is taken, the map in its thread, and neither where they are not to be had."""

from __future__ import annotations

from dataclasses import replace

import pytest

from listener.digest import chart, form, raster, slack
from listener.digest.figures import Digest
from listener.model import Delivery, NotificationKind
from listener.slack.client import SlackReceiver
from tests.fakes.digest_around import FULL, full_week
from tests.fakes.slack import DROP_BEFORE, HTML_500, FakeSlack, Fault, rate_limited, refused, slow
from tests.fakes.told import NOW, delivery, look

drawn = pytest.mark.skipif(not raster.available(), reason="the extra `png` is not installed")


def sent(digest: Digest, key: str = "digest:2026-W47:boss") -> Delivery:
    message = chart.message(digest)
    said = {
        "week": digest.week.name,
        "text": message.text,
        "blocks": list(message.blocks),
        "digest": form.as_data(digest),
    }
    return delivery(NotificationKind.DIGEST, key=key, payload=said)


def receiver(fake: FakeSlack) -> SlackReceiver:
    return SlackReceiver("xoxb-test", "C0CARE", look(), base_url=fake.base_url, timeout=5, clock=lambda: NOW)


def types(fake: FakeSlack) -> list[str]:
    (message,) = fake.messages("C0CARE")
    return [block["type"] for block in message["blocks"]]


@drawn
def test_the_map_is_shared_in_the_thread_of_the_digest_in_three_calls() -> None:
    with FakeSlack() as fake:
        receipt = receiver(fake).send(sent(full_week(60)))
        (file,) = fake.files.values()
        calls = [name for name, _ in fake.calls]
    assert calls == ["chat.postMessage", "files.getUploadURLExternal", "upload", "files.completeUploadExternal"]
    assert file["content"].startswith(b"\x89PNG")
    assert (file["channel"], file["thread_ts"]) == ("C0CARE", receipt.data["ts"])
    assert file["filename"] == "journey-2026-W47.png"
    assert "Northwind" in file["title"]


def test_a_workspace_that_takes_charts_gets_one() -> None:
    with FakeSlack() as fake:
        receiver(fake).send(sent(full_week(200)))
        assert "data_visualization" in types(fake)


def test_one_that_refuses_charts_gets_all_the_rest_and_once() -> None:
    digest = full_week(200)
    with FakeSlack() as fake:
        fake.takes_charts = False
        receiver(fake).send(sent(digest))
        whole = [block["type"] for block in chart.message(digest).blocks]
        assert types(fake) == [kind for kind in whole if kind != "data_visualization"]


@drawn
@pytest.mark.parametrize(
    ("method", "fault"),
    [
        ("files.getUploadURLExternal", refused("missing_scope")),
        ("files.getUploadURLExternal", rate_limited("30")),
        ("files.getUploadURLExternal", DROP_BEFORE),
        ("files.getUploadURLExternal", HTML_500),
        ("upload", Fault(status=500)),
        ("files.completeUploadExternal", refused("not_in_channel")),
        ("files.completeUploadExternal", slow(6)),
    ],
)
def test_whatever_becomes_of_the_picture_the_message_stands_and_nothing_is_sent_twice(
    method: str, fault: Fault
) -> None:
    with FakeSlack() as fake:
        fake.fail(method, fault)
        receipt = receiver(fake).send(sent(full_week(20)))
        assert receipt.data["ts"] == fake.messages("C0CARE")[0]["ts"]
        assert fake.counted("chat.postMessage") == 1
        assert fake.counted(method) == 1


def test_a_week_without_a_post_has_no_picture() -> None:
    with FakeSlack() as fake:
        receiver(fake).send(sent(full_week(0)))
        assert fake.files == {}
        assert not set(types(fake)) & {"data_visualization"}


def test_the_chart_and_the_rest_share_the_budget() -> None:
    for amount in (20, 200, 2_000):
        assert slack.size(chart.message(full_week(amount)).blocks) <= slack.BUDGET


def test_a_curve_of_fewer_than_two_figures_is_none_and_labels_stay_within_slacks_limits() -> None:
    assert chart.curve(full_week(5)) is None
    drawn_chart = chart.curve(full_week(300, replace(FULL, language="fr")))
    assert drawn_chart is not None
    (series,) = drawn_chart["chart"]["series"]
    assert len(series["data"]) <= 12
    assert all(len(point["label"]) <= 20 and -100 <= point["value"] <= 100 for point in series["data"])
    assert len({point["label"] for point in series["data"]}) == len(series["data"])
