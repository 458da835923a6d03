"""One data structure, five forms: HTML, Slack, Markdown, CSV and JSON say the same numbers, and what went wrong in words."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.base import Gap
from listener.digest import form, html, markdown, matrix, slack, table
from listener.digest.count import count
from listener.digest.figures import Digest
from listener.digest.given import Around, Decided
from listener.digest.labels import load
from listener.digest.quality import ShelfFigures
from listener.model import SpikeState
from rules.vocabulary import Stage
from tests.digest.test_digest_forms import from_markdown, from_page, from_slack
from tests.fakes.digest_around import full_week, spike
from tests.fakes.digest_week import SETTINGS, WEEK, earlier, post, posts, source, sources

FORMS: Mapping[str, Callable[[Digest], str]] = {
    "html": html.render,
    "md": markdown.render,
    "csv": table.render,
    "json": form.as_json,
    "slack": lambda digest: json.dumps(slack.render(digest).blocks, ensure_ascii=False),
}


def lines(digest: Digest, measure: str) -> list[dict[str, str]]:
    return [line for line in csv.DictReader(io.StringIO(table.render(digest))) if line["measure"] == measure]


def from_csv(digest: Digest) -> list[list[str]]:
    """The matrix without its last two columns, as it can be had from the CSV."""
    rows = []
    for measure, keys in (("stage", [stage.key for stage in (*digest.stages, digest.unclear)]), ("total", [""])):
        for key in keys:
            found = {line["sentiment"]: line for line in lines(digest, measure) if line["stage"] == key}
            whole = found[""]
            moods = [found[mood]["authors"] for mood in ("negative", "neutral", "positive")]
            name = whole["name"] or "All"
            rows.append([name, whole["authors"], whole["mentions"], *moods, whole["buyers"], whole["non_buyers"]])
    return [[row[0], *(f"{int(cell):,}" for cell in row[1:])] for row in rows]


def from_json(digest: Digest) -> list[list[str]]:
    data = json.loads(form.as_json(digest))
    rows = []
    for stage in (*data["stages"], data["unclear"], {"label": "All", "tally": data["total"]}):
        names = (
            "authors", "mentions", "negative_authors", "neutral_authors", "positive_authors", "buyers", "non_buyers",
        )  # fmt: skip
        rows.append([stage["label"], *(f"{stage['tally'][name]:,}" for name in names)])
    return rows


@pytest.mark.parametrize("amount", [0, 1, 5, 50, 2_000])
def test_all_forms_say_the_same_numbers(amount: int) -> None:
    digest = count(WEEK, posts(amount), earlier(amount / 200), sources(), settings=SETTINGS)
    expected = [list(row) for row in matrix.rows(digest, load())]
    assert from_json(digest) == from_csv(digest) == [row[:8] for row in expected]
    assert from_markdown(digest) == expected
    if amount:
        assert from_page(digest) == expected
        header, *told = from_slack(digest)
        columns = [matrix.HEADER.index(name) for name in header]
        assert told == [[row[column] for column in columns] for row in expected]


@pytest.mark.parametrize("kind", FORMS)
def test_counting_again_gives_the_same_bytes(kind: str) -> None:
    made = [count(WEEK, posts(200), earlier(), sources(), settings=SETTINGS) for _ in range(2)]
    assert FORMS[kind](made[0]) == FORMS[kind](made[1])
    later = count(WEEK, posts(200), earlier(), sources(), settings=SETTINGS, as_of=WEEK.until + timedelta(days=99))
    assert FORMS[kind](later) == FORMS[kind](made[0])


@pytest.mark.parametrize("kind", FORMS)
def test_a_source_that_was_silent_for_nine_hours_is_named_in_every_form(kind: str) -> None:
    since = WEEK.since + timedelta(days=1, hours=2)
    hole = Gap(since, since + timedelta(hours=9), "expired-window", lost=True)
    silent = [source("mastodon-main"), source("rss-main", gaps=(hole,))]
    shown = FORMS[kind](count(WEEK, posts(60), earlier(0.3), silent, settings=SETTINGS)).replace("\\", "")
    assert "rss-main" in shown
    assert ("159.0" if kind in ("csv", "json") else "159 h") in shown
    if kind == "slack":
        assert "rss-main 9 h missing" in shown
    elif kind != "csv":
        assert "Tue 02:00 to Tue 11:00 lost (no longer shown by the platform)" in shown


@pytest.mark.parametrize("kind", FORMS)
def test_a_week_without_a_mention_says_so_in_every_form(kind: str) -> None:
    digest = count(WEEK, (), earlier(), [source("mastodon-main")], settings=SETTINGS)
    shown = FORMS[kind](digest).replace("\\", "")
    assert "Nobody was found writing about Northwind this week." in shown
    assert "No post about the brand was found although the sources answered." in shown


@pytest.mark.parametrize("kind", FORMS)
def test_a_week_whose_pipeline_broke_says_so_in_every_form(kind: str) -> None:
    broken = source("mastodon-main", last_success_at=WEEK.since - timedelta(days=2), failures=90, error="HTTP 500")
    shown = FORMS[kind](count(WEEK, (), earlier(), [broken], settings=SETTINGS)).replace("\\", "")
    assert "We do not know what people said about Northwind this week: nothing was collected." in shown
    assert "nobody listened" in shown
    assert "Nobody was found writing" not in shown


@pytest.mark.parametrize("kind", FORMS)
def test_spikes_and_announced_events_are_told_in_every_form(kind: str) -> None:
    shown = FORMS[kind](full_week(200)).replace("\\", "")
    for words in (
        "Complaints about checkout: 14 people, usually 2.1, Tue 14:00 to Tue 17:30 (3.5 h). It is over; somebody took it on, so it was real.",
        "Posts of all kinds: Fri 08:00 to Sat 08:00 (24 h), Black Friday",
        "Praise: 14 people, usually 2.1, since Sun 20:00. It goes on.",
    ):
        assert words in shown
    for ref in ("s-2", "s-3", "s-4"):
        assert ref in shown


def test_a_week_without_spikes_and_events_has_no_such_section() -> None:
    digest = count(WEEK, posts(50), earlier(), sources(), settings=SETTINGS)
    for kind, render in FORMS.items():
        if kind != "json":
            assert "announced" not in render(digest).lower()
    data = form.as_data(digest)
    assert data.pop("loud") == []
    assert form.from_data(data) == digest  # as releases before wrote it


@pytest.mark.parametrize("kind", ["all", "complaint:checkout", "praise"])
def test_what_was_announced_stands_beside_a_rise_of_complaints(kind: str) -> None:
    event = spike(1, kind, timedelta(days=1), timedelta(days=1), state=SpikeState.EXPECTED, figures={"because": "Sale"})
    mentions = [post(n, sentiment_label="negative", stage=Stage.PURCHASE) for n in range(90)]
    before = [replace(row, authors=1, mentions=1) for row in earlier()]
    digest = count(WEEK, mentions, before, sources(), settings=SETTINGS, around=Around(spikes=[event]))
    (rise,) = (action.text for action in digest.actions if action.kind == "rise")
    assert ("It may come of what was announced: “Sale”." in rise) == (kind != "praise")


def test_of_many_events_five_are_named_and_the_others_counted() -> None:
    events = [
        spike(n, "complaint:app", timedelta(hours=6 * n - 7 * 24), timedelta(hours=1), state=SpikeState.EXPECTED)
        for n in range(1, 41)
    ]
    digest = count(WEEK, posts(90), earlier(), sources(), settings=SETTINGS, around=Around(spikes=events))
    now, before = digest.notes[-2:]
    assert [one.ref for one in digest.loud] == [f"s-{n}" for n in range(28, 41)]
    assert now.startswith("Announced for this week: s-28 (complaints about app, Mon 00:00 to Mon 01:00), s-29 (")
    assert " and 8 more. A rise" in now
    assert "s-23 (" in before
    assert before.endswith(" and 22 more.")
    message = slack.render(digest)
    assert slack.size(message.blocks) <= slack.BUDGET
    assert re.search(r'"(8|10|12|13) more"', json.dumps(message.blocks))


@pytest.mark.parametrize("kind", FORMS)
def test_the_shelf_and_an_unread_digest_are_told_in_every_form(kind: str) -> None:
    digest = full_week(200)
    assert digest.response.shelf == ShelfFigures(found=1, granted=1, waiting=1)
    whole = json.dumps(
        slack.render(digest, 40_000).blocks, ensure_ascii=False
    )  # replies are among the first to be left out
    shown = whole if kind == "slack" else FORMS[kind](digest).replace("\\", "")
    if kind == "csv":
        assert [(line["name"], line["value"]) for line in lines(digest, "shelf")] == [
            ("found", "1"),
            ("granted", "1"),
            ("waiting", "1"),
        ]
        return
    assert "Praise to show: 1 new on the shelf, 1 allowed by their authors, 1 waiting for an answer." in shown
    assert "The digest of 2026-W46 was sent, and nobody has marked it as reviewed yet" in shown


@pytest.mark.parametrize("kind", FORMS)
def test_an_announced_event_of_a_week_that_is_compared_is_said_first(kind: str) -> None:
    digest = full_week(200)
    now, before = digest.notes[-2:]
    assert now.startswith("Announced for this week: “Black Friday")
    assert now.endswith("(Fri 08:00 to Sat 08:00). A rise while it lasted is no news.")
    assert before == (
        "The earlier weeks hold an announced event, so they are no ordinary measure: "
        "“Summer sale” (Wed 4 Nov 00:00 to Thu 5 Nov 00:00)."
    )
    if kind != "csv":  # tidy data has lines for figures, and `loud` for the week's own
        assert before in FORMS[kind](digest).replace("\\", "")


def test_a_week_is_not_told_of_what_lies_outside_of_it_and_what_is_compared_with_it() -> None:
    mentions = posts(50)
    touching = [
        spike(
            1, "all", -timedelta(hours=24), timedelta(hours=24), state=SpikeState.EXPECTED
        ),  # ends as the week begins
        spike(2, "all", timedelta(days=7), timedelta(hours=1)),  # begins as it ends
        spike(3, "all", -timedelta(weeks=9), timedelta(days=1), state=SpikeState.EXPECTED),
        spike(4, "praise", -timedelta(hours=2), timedelta(hours=3)),
        spike(5, "all", timedelta(hours=9), timedelta(0), state=SpikeState.EXPECTED),  # called off
    ]
    around = Around(spikes=touching)
    digest = count(WEEK, mentions, earlier(1), sources(), settings=SETTINGS, around=around)
    assert [one.ref for one in digest.loud] == ["s-4"]
    (note,) = (note for note in digest.notes if "s-1" in note)
    assert note.endswith("they are no ordinary measure: s-1 (posts of all kinds, Sun 15 Nov 00:00 to Mon 00:00).")
    assert not any(other in " ".join(digest.notes) for other in ("s-2", "s-3", "s-4", "s-5"))
    new = [source("mastodon-main", first_success_at=WEEK.since)]
    alone = count(WEEK, posts(50), (), new, settings=SETTINGS, around=around)
    assert "s-1" not in " ".join(alone.notes)


def test_in_csv_no_post_becomes_a_formula() -> None:
    mentions = [
        post(n, touchpoints={"=cmd|'/c calc'!A1": -0.6}, lang="@x", source="+1", sentiment_label="negative") for n in range(2)
    ]  # fmt: skip
    text = table.render(count(WEEK, mentions, settings=SETTINGS))
    cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t"))]
    assert "'=cmd|'/c calc'!A1" in cells


def test_the_csv_is_tidy_and_its_cells_add_up() -> None:
    digest = count(WEEK, posts(300), earlier(), sources(), settings=SETTINGS)
    rows = list(csv.reader(io.StringIO(table.render(digest))))
    assert {len(row) for row in rows} == {len(table.COLUMNS)}
    assert {row[0] for row in rows[1:]} == {"2026-W47"}
    whole = [line for line in lines(digest, "cell") if not line["touchpoint"]]
    assert sum(int(line["mentions"]) for line in whole) == digest.accounting.counted


def test_decisions_are_carried_over_until_they_are_done() -> None:
    def decided(number: int, week: str, **changes: object) -> Decided:
        return Decided(number, week, f"Decision number {number}", "ana", WEEK.since, **changes)  # type: ignore[arg-type]

    kept = [
        decided(1, "2026-W45"),
        decided(2, "2026-W45", done_at=WEEK.since - timedelta(days=1)),
        decided(3, "2026-W46", done_at=WEEK.since + timedelta(days=1)),
        decided(4, "2026-W47"),
        decided(5, "2026-W48"),
        decided(6, "2026-W44", done_at=WEEK.until + timedelta(days=1)),
    ]
    digest = count(WEEK, posts(20), settings=SETTINGS, around=Around(decided=kept))
    assert [(one.number, one.weeks_open, one.done_at is None) for one in digest.decisions] == [
        (1, 2, True), (3, 1, False), (4, 0, True), (6, 3, True),
    ]  # fmt: skip
    for kind in ("md", "csv", "json", "slack"):
        assert "Decision number 1" in FORMS[kind](digest)
    assert "1\\. Decision number 1 \\(ana, 2026\\-W45\\)\\: open for 2 weeks" in markdown.render(digest)
    assert "3\\. Decision number 3 \\(ana, 2026\\-W46\\)\\: done this week" in markdown.render(digest)
