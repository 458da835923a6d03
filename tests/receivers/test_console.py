"""The console shows what Slack would show, and lets nothing in a post act on the terminal."""

from __future__ import annotations

import io
import re
import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from connectors.base import Author
from listener.model import CannotLookUp, CaseState, CaseView, NotificationKind, PassingFailure, Receiver
from listener.receivers.console import ConsoleReceiver
from tests.fakes.told import NOW, complaint, delivery, look, praise, rash, story, told, view

ESCAPES_OF_RICH = re.compile(r"\x1b\[[\d;]*m|\x1b\]8;[^;\x07\x1b]*;[^\x07\x1b]*\x1b\\")


def shown(case: CaseView | None, width: int = 80, terminal: bool = False, **kwargs: object) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, color_system="truecolor" if terminal else None)
    kind = kwargs.pop("kind", NotificationKind.CASE_OPEN)
    assert isinstance(kind, NotificationKind)
    ConsoleReceiver(console, look(), clock=lambda: NOW).send(delivery(kind, case=case, **kwargs))
    return out.getvalue()


def test_it_is_a_receiver_that_counts_what_it_printed() -> None:
    receiver: Receiver = ConsoleReceiver(Console(file=io.StringIO(), width=80), look(), clock=lambda: NOW)
    assert [receiver.send(delivery()).data for _ in range(2)] == [{"console": 1}, {"console": 2}]


@pytest.mark.parametrize("width", [80, 120])
def test_a_case_shows_everything_that_slack_would(width: int) -> None:
    text = " ".join(line.strip("▌│ ") for line in shown(complaint(), width).splitlines())
    for part in (
        "High complaint: delivery, support (purchase stage), leaving for Polarex",
        "Commande payée il y a 3 semaines",
        "New, unclaimed",
        "22 Nov 14:20",
        "Marie L. (@marie_l), 12.4k",
        "Why high (63 points)",
        "fr.purchase.undelivered",
        "c-7F3K",
        "Reply on Mastodon",
        "https://mastodon.example/@marie_l/1130",
    ):
        assert part in text


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_console_and_every_line_has_the_bar(width: int) -> None:
    from rich.cells import cell_len

    for case in (complaint(), praise(), view(rash()), story(), view(told("x" * 3000)), view(told("😀" * 500))):
        lines = shown(case, width).splitlines()
        assert max(cell_len(line) for line in lines) <= width
        assert all(line.startswith("▌") for line in lines if line.strip())


def test_the_bar_has_the_colour_of_the_urgency_and_a_closed_case_is_grey() -> None:
    assert "\x1b[31m▌" in shown(view(rash()), terminal=True)
    closed = replace(complaint(), case=replace(complaint().case, state=CaseState.RESOLVED))
    assert "\x1b[90m▌" in shown(closed, terminal=True)


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize(
    "evil",
    [
        "[bold red]markup[/bold red] [link=https://evil.example]x[/link]",
        "\x1b[2J\x1b[31mred\x1b]0;title\x07\x9b31m",
        "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07",
        "\u202eoverride\u202c \u2066isolate\u2069",
        "\x00\x07\x08\r\x0b\x0c lone \ud800 surrogate",
        "😀" * 10_000,
        "\n" * 10_000,
        ":smile: <!channel> *bold*",
    ],
)
def test_nothing_in_a_post_acts_on_the_terminal(evil: str, terminal: bool) -> None:
    post = told(evil, title=evil, platform=evil, url=evil, author=Author(evil, evil, evil))
    for kind in (NotificationKind.CASE_OPEN, NotificationKind.CASE_THREAD):
        only_text(shown(view(post), terminal=terminal, kind=kind))
    only_text(shown(None, terminal=terminal, kind=NotificationKind.NOTICE, payload={"text": evil, "title": evil}))


@given(st.text(max_size=200))
@settings(max_examples=50, deadline=None)
def test_no_text_at_all_acts_on_the_terminal(text: str) -> None:
    only_text(shown(view(told(text, title=text, author=Author(text, text, text))), terminal=True))


def only_text(printed: str) -> None:
    left = ESCAPES_OF_RICH.sub("", printed)
    assert re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", left) == []
    assert "evil.example\x1b\\" not in printed
    assert len(left.splitlines()) < 200


def test_markup_in_a_post_is_shown_as_it_was_written() -> None:
    assert "[bold red]no[/bold red] :smile:" in shown(view(told("[bold red]no[/bold red] :smile:")))


def test_a_thread_entry_is_indented_below_its_case() -> None:
    assert shown(complaint(), kind=NotificationKind.CASE_THREAD).startswith("    ▌")


def test_a_repeat_is_marked_as_one() -> None:
    assert "Repeated: an earlier attempt may have got through" in shown(complaint(), width=120, doubtful=True)
    with pytest.raises(CannotLookUp):
        ConsoleReceiver(Console(file=io.StringIO()), look()).find(delivery())


def test_a_digest_shows_its_table_chart_lists_and_page() -> None:
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "Week 47"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*212* mentions, `x` &amp; <!date^1^{date}|1 Jan>"}},
        {
            "type": "data_visualization",
            "title": "Curve",
            "chart": {"series": [{"name": "now", "data": [{"label": "Use", "value": 4}]}]},
        },
        {
            "type": "table",
            "column_settings": [None, {"align": "right"}],
            "rows": [
                [{"type": "raw_text", "text": "Stage"}, {"type": "raw_text", "text": "All"}],
                [{"type": "raw_text", "text": "Use"}, {"type": "raw_text", "text": "41"}],
            ],
        },
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_list",
                    "style": "ordered",
                    "elements": [
                        {
                            "type": "rich_text_section",
                            "elements": [{"type": "link", "url": "https://a.example", "text": "one"}],
                        }
                    ],
                }
            ],
        },
        {"type": "divider"},
        {"type": "surprise"},
    ]
    printed = shown(None, kind=NotificationKind.DIGEST, payload={"text": "t", "blocks": blocks, "page": "out/w47.html"})
    for part in (
        "Week 47",
        "212 mentions, x & 1 Jan",
        "now: Use 4",
        "Stage",
        "41",
        "1. one",
        "(surprise)",
        "out/w47.html",
    ):
        assert part in printed


def test_a_closed_output_is_a_passing_failure() -> None:
    out = io.StringIO()
    receiver = ConsoleReceiver(Console(file=out, width=80), look())
    out.close()
    with pytest.raises(PassingFailure, match="output"):
        receiver.send(delivery())


def test_messages_of_several_threads_do_not_interleave() -> None:
    out = io.StringIO()
    receiver = ConsoleReceiver(Console(file=out, width=80), look(), clock=lambda: NOW)
    threads = [threading.Thread(target=receiver.send, args=(delivery(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pieces = {piece for piece in re.split(r"\n\s*\n(?=▌ 🟠)", out.getvalue().strip()) if piece}
    assert len({piece.rstrip() for piece in pieces}) == 1
