"""The forms of a digest: golden files, equal numbers, and hostile words shown as words.

`LISTENER_GOLDEN=write pytest tests/digest` writes the golden files anew; look at the difference before committing it.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from listener.digest import console, form, html, markdown, markup, matrix, slack
from listener.digest.count import count
from listener.digest.figures import Digest, DigestSettings
from listener.digest.given import Around
from listener.digest.labels import load
from listener.digest.text import safe_url, visible
from listener.digest.typeset import fit, width, wrap
from rules.vocabulary import Stage
from tests.fakes.digest_around import hostile_spikes
from tests.fakes.digest_week import HOSTILE, SETTINGS, WEEK, earlier, post, posts, source, sources

GOLDEN = Path(__file__).parent / "golden"


def printed(digest: Digest) -> str:
    out = io.StringIO()
    Console(file=out, width=150, color_system=None, legacy_windows=False).print(console.render(digest))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def message(digest: Digest) -> str:
    made = slack.render(digest)
    return json.dumps({"text": made.text, "blocks": list(made.blocks)}, ensure_ascii=False, indent=1) + "\n"


FORMS: dict[str, Callable[[Digest], str]] = {
    "html": html.render,
    "md": markdown.render,
    "slack.json": message,
    "txt": printed,
    "json": form.as_json,
}

WEEKS: dict[str, Callable[[], Digest]] = {
    "busy": lambda: count(WEEK, posts(200), earlier(), sources(), settings=SETTINGS),
    "few": lambda: count(WEEK, posts(5), earlier(0.05), [source("mastodon-main")], settings=SETTINGS),
    "empty": lambda: count(WEEK, (), earlier(), [source("mastodon-main")], settings=SETTINGS),
    "broken": lambda: count(WEEK, (), earlier(), sources()[3:], settings=SETTINGS),
}


@pytest.mark.parametrize("name", WEEKS)
@pytest.mark.parametrize("kind", FORMS)
def test_a_digest_is_rendered_as_it_was(name: str, kind: str) -> None:
    text = FORMS[kind](WEEKS[name]())
    path = GOLDEN / f"{name}.{kind}"
    if os.environ.get("LISTENER_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", FORMS)
def test_an_old_week_read_back_from_json_gives_the_same_bytes(kind: str) -> None:
    digest = WEEKS["busy"]()
    again = form.read_json(form.as_json(digest))
    assert again == digest
    assert FORMS[kind](again) == FORMS[kind](digest)


def test_another_schema_version_is_refused() -> None:
    data = form.as_data(WEEKS["few"]())
    with pytest.raises(form.FormError, match="schema_version: this program reads 1, the digest has 99"):
        form.from_data({**data, "schema_version": 99})
    with pytest.raises(form.FormError, match="not a digest"):
        form.from_data({"schema_version": 1, "week": 3})
    with pytest.raises(form.FormError, match="not JSON"):
        form.read_json("{")


class Cells(HTMLParser):
    """The rows of the page's stage table."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.inside = self.in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.inside = dict(attrs).get("class") == "matrix"
        if self.inside and tag == "tr":
            self.rows.append([])
        if self.inside and tag in ("th", "td"):
            self.rows[-1].append("")
            self.in_cell = True
        if tag == "span" and self.in_cell:
            self.in_cell = False  # the bar, and below the change of all voices that of the unhappy alone

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td"):
            self.in_cell = False

    def handle_data(self, data: str) -> None:
        if self.inside and self.in_cell:
            self.rows[-1][-1] += data


def from_page(digest: Digest) -> list[list[str]]:
    cells = Cells()
    cells.feed(html.render(digest))
    return [row[:3] + row[4:] for row in cells.rows[1:]]  # the fourth column is the bar


def from_markdown(digest: Digest) -> list[list[str]]:
    lines = [line for line in markdown.render(digest).split("## Pain")[0].splitlines() if line.startswith("| ")]
    return [[cell.strip().replace("\\", "") for cell in line.strip("|").split("|")] for line in lines[2:]]


def from_slack(digest: Digest) -> list[list[str]]:
    table = next(block for block in slack.render(digest).blocks if block["type"] == "table")
    return [[cell["text"] for cell in row] for row in table["rows"]]


@pytest.mark.parametrize("amount", [5, 50, 200, 2000])
def test_the_numbers_are_equal_in_all_forms(amount: int) -> None:
    digest = count(WEEK, posts(amount), earlier(amount / 200), sources(), settings=SETTINGS)
    expected = [list(row) for row in matrix.rows(digest, load())]
    assert from_page(digest) == expected
    assert from_markdown(digest) == expected
    header, *told = from_slack(digest)
    columns = [matrix.HEADER.index(name) for name in header]
    assert told == [[row[column] for column in columns] for row in expected]
    lines = printed(digest).splitlines()
    for row in expected:
        line = next(line for line in lines if line.strip("│ ").startswith(row[0] + " "))
        assert re.sub(r"\s+", " ", line.strip("│ ")) == re.sub(r"\s+", " ", " ".join(cell for cell in row))
    stages = form.as_data(digest)["stages"]
    assert [f"{entry['tally']['authors']:,}" for entry in stages] == [row[1] for row in expected[: len(stages)]]


def elements(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from elements(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from elements(part)


def hostile_week() -> Digest:
    bad = DigestSettings(
        brand=HOSTILE, owners={"app": HOSTILE}, touchpoint_labels={"app": HOSTILE}, stage_labels={Stage.USE: HOSTILE}
    )
    mentions = [
        post(
            n, text=HOSTILE, sentiment_label="negative", touchpoints={"app": None, HOSTILE: -0.5}, platform=HOSTILE,
            author_key=f"{HOSTILE}:{n}", lang=HOSTILE, source=HOSTILE, exit_to=HOSTILE, engagement={"likes": n},
            url='javascript:alert(1)//https://x.example/"><b>' if n % 2 else f"https://x.example/{n}",
        )
        for n in range(12)
    ]  # fmt: skip
    broken = source(HOSTILE, failures=3, error=HOSTILE, last_success_at=WEEK.since)
    everything = [*mentions, post(99, subject=f"rival:{HOSTILE}")]
    return count(WEEK, everything, earlier(), [broken], settings=bad, around=Around(spikes=hostile_spikes(HOSTILE)))


def test_in_slack_words_from_outside_stand_only_where_no_markup_is_read() -> None:
    made = slack.render(hostile_week())
    for element in elements(list(made.blocks)):
        assert element.get("type") not in ("mrkdwn", "user", "usergroup", "channel", "broadcast", "date", "emoji")
        if element.get("type") == "link":
            assert element["url"].startswith("https://x.example/")
    assert "<" not in made.text
    assert ">" not in made.text
    assert slack.size(made.blocks) <= slack.BUDGET


class Tags(HTMLParser):
    """Everything of a page that could act."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name in ("href", "src", "action", "data", "xlink:href", "srcset", "poster"):
                self.links.append(value or "")


@pytest.mark.parametrize("make", [hostile_week, WEEKS["busy"]])
def test_the_page_loads_nothing_and_runs_nothing(make: Callable[[], Digest]) -> None:
    page = html.render(make())
    tags = Tags()
    tags.feed(page)
    assert not tags.tags & {"script", "iframe", "object", "embed", "img", "form", "base", "b", "video", "audio"}
    assert not [name for name in tags.attributes if name.startswith("on")]
    assert all(link == "data:," or link.startswith(("#stage-", "#journey", "https://")) for link in tags.links)
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert "\u202e" not in page
    page.encode("utf-8")


def test_in_markdown_a_post_is_only_text() -> None:
    shown = markup.escape("# [a](http://x) | <b> `c` *d* @e ![f](g) ~~h~~ 1. i\\")
    assert shown == (
        "\\# \\[a\\]\\(http\\:\\/\\/x\\) \\| &lt;b&gt; \\`c\\` \\*d\\* \\@e \\!\\[f\\]\\(g\\) \\~\\~h\\~\\~ 1\\. i\\\\"
    )
    for line in markdown.render(hostile_week()).splitlines():
        assert "<script" not in line
        assert not re.search(r"(?<!\\)\]\((?!<https://x\.example/\d+>\))", line)


def test_a_terminal_is_sent_no_control_characters() -> None:
    digest = count(WEEK, [post(1, text="\x1b[2J\x07[red]boo[/red]", touchpoints={"app": -0.5})], settings=SETTINGS)
    shown = printed(digest)
    assert "[red]boo[/red]" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown


@pytest.mark.parametrize("text", ["🙂" * 280, "م" * 280, "\u0301" * 500, "x" * 10_000, "漢字" * 140])
def test_a_slack_message_of_the_worst_week_stays_within_its_budget(text: str) -> None:
    mentions = [
        post(
            n, text=f"{text[:200]}{n}", stage=list(Stage)[n % 9], sentiment_label="negative" if n % 2 else "positive",
            touchpoints={f"{text[:50]}{n % 7}": None}, exit_to=f"{text[:60]}{n % 5}", engagement={"likes": n},
            url=f"https://x.example/{'a' * 400}{n}",
        )
        for n in range(90)
    ]  # fmt: skip
    names = [source(f"{text[:50]}{n}", failures=9, error=text, last_success_at=WEEK.since) for n in range(12)]
    digest = count(WEEK, mentions, earlier(), names, settings=DigestSettings(brand=text))
    made = slack.render(digest)
    assert slack.size(made.blocks) <= slack.BUDGET
    assert len(made.blocks) <= 50
    assert len(made.text) <= 500


@pytest.mark.parametrize(
    "labels",
    [{}, dict.fromkeys(list(Stage)[:8], "All of it"), dict.fromkeys(Stage, "Donaudampfschifffahrtsgesellschaft")],
)
@pytest.mark.parametrize("amount", [1, 60])
def test_any_projection_can_be_drawn(labels: dict[Stage, str], amount: int) -> None:
    digest = count(WEEK, posts(amount), (), sources(), settings=DigestSettings(brand="Northwind", stage_labels=labels))
    assert html.render(digest).count('<title id="map-') == 2


@given(st.text(max_size=400), st.integers(2, 100))
@settings(max_examples=100)
def test_visible_text_is_short_one_line_and_stable(text: str, limit: int) -> None:
    shown = visible(text, limit)
    assert len(shown) <= limit
    assert shown == visible(shown, limit)
    assert shown == " ".join(shown.split())
    shown.encode("utf-8")


@given(st.text(max_size=200), st.integers(30, 300), st.integers(1, 5))
@settings(max_examples=100)
def test_wrapped_lines_stay_within_their_room(text: str, room: int, lines: int) -> None:
    found = wrap(visible(text), room, 12, lines)
    assert len(found) <= lines
    assert all(width(line, 12) <= room for line in found)
    assert width(fit(visible(text), room, 12), 12) <= room


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "http://",
        "https://a b",
        "https://a/<b>",
        'https://a/"',
        "data:text/html,x",
        "//a/b",
        "https://a/\u202e",
        "https://[",
        "",
        "https://a/" + "x" * 600,
        "https://bank.example@evil.example/",
        "https://a..é/",
    ],
)
def test_only_plain_web_addresses_become_links(url: str) -> None:
    assert safe_url(url) == ""
    assert safe_url("https://social.example/@a/1?x=1&y=2#z") == "https://social.example/@a/1?x=1&y=2#z"
    assert safe_url("https://bücher.example:8080/ä?b=ö") == "https://xn--bcher-kva.example:8080/%C3%A4?b=%C3%B6"
