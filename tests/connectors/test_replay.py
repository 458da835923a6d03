"""Files: the contract, and what people's exports look like."""

from __future__ import annotations

import csv
import itertools
import json
import tracemalloc
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.base import ConnectorError, Mention, Source, SourceContext, Unavailable
from connectors.contract import ConnectorContract, Stored
from connectors.files import RESTED, read_file
from connectors.lines import Problem
from connectors.replay import ReplaySettings, connector

CONTEXT = SourceContext("file", (), "listener-tests")
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class GrowingFile:
    """A JSON Lines file that somebody appends to; its one fault is to be away."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory()
        self.path = Path(self._folder.name) / "posts.jsonl"
        self.path.touch()
        self._ids = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def publish(self, text: str, at: datetime) -> str:
        one = str(next(self._ids))
        self.mend()
        with self.path.open("a") as file:
            file.write(json.dumps({"id": one, "text": text, "author": "alice", "published_at": at.isoformat()}) + "\n")
        return one

    def change(self, one: str, text: str | None) -> None:
        """Write the file anew without this post, or with another text in it."""
        rows = [json.loads(line) for line in self.path.read_text().splitlines()]
        changed = [row if row["id"] != one else {**row, "text": text} for row in rows]
        kept = [row for row in changed if row["text"] is not None]
        self.path.write_text("".join(json.dumps(row) + "\n" for row in kept))

    def fail_next(self, kind: str, times: int = 1) -> None:
        self.path.rename(self.path.with_suffix(".away"))

    def mend(self) -> None:
        if not self.path.exists():
            self.path.with_suffix(".away").rename(self.path)


class TestContract(ConnectorContract):
    faults: ClassVar[dict[str, type[ConnectorError]]] = {"away": Unavailable}
    cannot: ClassVar[dict[str, str]] = {
        **dict.fromkeys(
            ("429", "429 bare", "5xx", "HTML page", "time-out", "reset"), "a file is read, nobody is asked"
        ),
        "malformed": "a line that cannot be read is counted and skipped, it never stops the rest",
    }

    def fake(self) -> GrowingFile:
        return GrowingFile()

    def open(self, fake: GrowingFile) -> Source:
        return _MendingSource(fake)

    def publish(self, fake: GrowingFile, at: Any) -> str:
        return fake.publish("Acme is fine", at)

    def publish_text(self, fake: GrowingFile, at: Any, text: str) -> str:
        return fake.publish(text, at)

    def delete(self, fake: GrowingFile, external_id: str) -> None:
        fake.change(external_id, None)

    def edit(self, fake: GrowingFile, external_id: str) -> None:
        fake.change(external_id, "Acme, edited at length")


class _MendingSource:
    """The file comes back after it was missed once, as a platform's fault passes."""

    def __init__(self, fake: GrowingFile) -> None:
        self._fake = fake
        self._source: Source = connector.open(ReplaySettings(path=fake.path), CONTEXT)

    def poll(self, cursor: Any, now: datetime) -> Any:
        try:
            yield from self._source.poll(cursor, now)
        finally:
            self._fake.mend()

    def close(self) -> None:
        self._source.close()


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    return path


def good(found: list[Mention | Problem]) -> list[Mention]:
    return [one for one in found if isinstance(one, Mention)]


def bad(found: list[Mention | Problem]) -> list[Problem]:
    return [one for one in found if isinstance(one, Problem)]


def test_every_field_is_read(tmp_path: Path) -> None:
    row = {
        "id": "1", "text": "Broken", "lang": "en", "platform": "X", "brand": "Acme", "author": "@bob", "author_name": "Bob",
        "followers": "1200", "published_at": "2026-11-01T10:00:00+01:00", "url": "https://x.example/1", "title": "T",
        "rating": "1", "parent": "9", "thread": 8, "in_reply_to_brand": "yes", "likes": 3, "kind": "review",
    }  # fmt: skip
    [found] = good(list(read_file(write(tmp_path / "a.jsonl", json.dumps(row)))))
    assert found.published_at == datetime(2026, 11, 1, 9, tzinfo=UTC)
    assert (found.platform, found.external_id, found.brand, found.lang) == ("x", "1", "Acme", "en")
    assert (found.author.id, found.author.name, found.author.followers) == ("bob", "Bob", 1200)
    assert (found.parent_id, found.thread_id, found.rating, found.kind) == ("9", "8", 1.0, "review")
    assert found.in_reply_to_brand is True
    assert found.engagement == {"likes": 3}


def test_bad_lines_are_told_with_number_and_reason_and_the_rest_is_read(tmp_path: Path) -> None:
    lines = ['{"text": "one"}', "not json", "[1]", '{"id": 4}', "", '{"text": "six", "published_at": "yesterday"}']
    lines += ['{"text": "seven", "published_at": "2026-11-01 10:00"}', "[" * 100_000, '{"text": "nine"}']
    found = list(read_file(write(tmp_path / "a.jsonl", "\n".join(lines))))
    assert [one.text for one in good(found)] == ["one", "nine"]
    assert [one.line for one in bad(found)] == [2, 3, 4, 6, 7, 8]
    assert all(len(one.reason) > 10 for one in bad(found))


def test_a_csv_with_only_id_and_text_is_dated_by_its_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'id,text\n1,"He said ""no"", twice\nand left"\n2,Fine\n')
    found = good(list(read_file(path)))
    assert [one.text for one in found] == ['He said "no", twice\nand left', "Fine"]
    assert {one.published_at for one in found} == {datetime.fromtimestamp(path.stat().st_mtime, UTC)}
    assert {one.platform for one in found} == {"import"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_are_mapped_and_delimiters_found(tmp_path: Path, delimiter: str) -> None:
    text = delimiter.join(["Review", "Stars", "When"]) + "\r\n" + delimiter.join(["Pessimo", "2", "2026-11-01 10:00"])
    mapping = {"text": "Review", "rating": "Stars", "published_at": "When"}
    [found] = good(list(read_file(write(tmp_path / "a.csv", "\ufeff" + text), mapping, timezone="Europe/Rome")))
    assert (found.text, found.rating, found.published_at.hour) == ("Pessimo", 2.0, 9)


def test_a_quote_that_is_never_closed_costs_its_line_only(tmp_path: Path) -> None:
    rows = ["id,text", "1,one", '2,"open', *[f"{n},line {n}" for n in range(3, 5000)]]
    found = list(read_file(write(tmp_path / "a.csv", "\n".join(rows))))
    assert [one.line for one in bad(found)] == [3]
    assert len(good(found)) == 4998


def test_a_quote_left_open_near_the_end_costs_its_line_only(tmp_path: Path) -> None:
    found = list(read_file(write(tmp_path / "a.csv", 'id,text\n1,"open\n2,two\n3,three')))
    assert [one.line for one in bad(found)] == [2]
    assert [one.text for one in good(found)] == ["two", "three"]


def test_a_row_with_too_many_fields_is_a_problem(tmp_path: Path) -> None:
    found = list(read_file(write(tmp_path / "a.csv", "id,text\n1,no, really\n2,yes\n")))
    assert [one.line for one in bad(found)] == [2]
    assert [one.text for one in good(found)] == ["yes"]


def test_a_missing_id_is_the_same_hash_every_time(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"text": "one"}\n{"text": "two"}\n')
    first = [one.external_id for one in good(list(read_file(path)))]
    assert first == [one.external_id for one in good(list(read_file(path)))]
    assert len(set(first)) == 2


def test_a_file_without_a_text_column_says_which_columns_it_has(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"found: id, wording.*mapping\.text"):
        list(read_file(write(tmp_path / "a.csv", "id,wording\n1,x\n")))


def test_common_names_of_columns_are_understood_whatever_their_case(tmp_path: Path) -> None:
    text = (
        "Review ID,User,Review Body,Stars,Created-At,Link\n7,ada,Pessimo,2,2026-11-01T10:00:00Z,https://a.example/7\n"
    )
    [found] = good(list(read_file(write(tmp_path / "a.csv", text))))
    assert (found.external_id, found.author.id, found.text, found.rating) == ("7", "ada", "Pessimo", 2.0)
    assert (found.published_at.day, found.url) == (1, "https://a.example/7")


def test_our_own_name_of_a_column_wins_over_others_and_a_mapping_over_both(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", json.dumps({"text": "ours", "body": "theirs", "wording": "mapped"}))
    assert good(list(read_file(path)))[0].text == "ours"
    assert good(list(read_file(path, {"text": "wording"})))[0].text == "mapped"


def test_what_lies_inside_objects_is_reached_by_dots(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", json.dumps({"review": {"body": "Pessimo", "by": {"nick": "ada"}}, "a.b": "t"}))
    [found] = good(list(read_file(path, {"text": "review.body", "author": "review.by.nick", "title": "a.b"})))
    assert (found.text, found.author.id, found.title) == ("Pessimo", "ada", "t")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_mapping_to_a_column_that_is_not_there_names_it_and_those_that_are(tmp_path: Path, name: str) -> None:
    text = "id,wording\n1,x\n" if name == "a.csv" else '{"id": 1, "wording": "x"}\n'
    with pytest.raises(ValueError, match=r"text=Wording.*found: 'id', 'wording'"):
        read_file(write(tmp_path / name, text), {"text": "Wording", "id": "id"})


def test_an_unknown_field_in_the_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no field 'txt'"):
        read_file(tmp_path / "a.csv", {"txt": "x"})
    with pytest.raises(ValidationError):
        ReplaySettings(path=tmp_path, mapping={"txt": "x"})


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2015-02-16 23:36:05 -0800", datetime(2015, 2, 17, 7, 36, 5, tzinfo=UTC)),
        ("2015-02-16T23:36:05Z", datetime(2015, 2, 16, 23, 36, 5, tzinfo=UTC)),
        ("2015-02-16 23:36:05 UTC", datetime(2015, 2, 16, 23, 36, 5, tzinfo=UTC)),
        ("Mon, 16 Feb 2015 23:36:05 +0100", datetime(2015, 2, 16, 22, 36, 5, tzinfo=UTC)),
        (1424129765, datetime(2015, 2, 16, 23, 36, 5, tzinfo=UTC)),
        ("1424129765000", datetime(2015, 2, 16, 23, 36, 5, tzinfo=UTC)),
    ],
)
def test_times_of_many_exports_are_read(tmp_path: Path, when: Any, expected: datetime) -> None:
    path = write(tmp_path / "a.jsonl", json.dumps({"text": "x", "published_at": when}))
    assert good(list(read_file(path)))[0].published_at == expected


def test_a_csv_source_goes_on_behind_a_quoted_line_break(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows([str(n), f"line {n}\nwith a break"] for n in range(450))
    with closing(connector.open(ReplaySettings(path=path), CONTEXT)) as source:
        stored = Stored()
        stored.page(next(iter(source.poll(None, NOW))))
        assert len(stored.mentions) == 200
        stored.poll(source, NOW)
        assert set(stored.times_seen.values()) == {1}
        assert len(stored.mentions) == 450


def test_another_file_under_the_same_name_is_read_from_its_start(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"id": "1", "text": "one"}\n')
    with closing(connector.open(ReplaySettings(path=path), CONTEXT)) as source:
        stored = Stored()
        stored.poll(source, NOW)
        write(path, '{"id": "2", "text": "two"}\n')
        assert stored.poll(source, NOW) == 1


def test_half_a_line_waits_until_it_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"id": "1", "text": "one"}\n{"id": "2", "te')
    with closing(connector.open(ReplaySettings(path=path), CONTEXT)) as source:
        stored = Stored()
        stored.poll(source, NOW)
        with path.open("a") as file:
            file.write('xt": "two"}\n')
        stored.poll(source, NOW)
        assert set(stored.mentions) == {"1", "2"}


@pytest.mark.parametrize(("half", "rest"), [("2,tw", "o\n"), ('2,"tw\n', 'o"\n')], ids=["line", "quoted"])
def test_half_a_csv_row_waits_until_it_is_whole(tmp_path: Path, half: str, rest: str) -> None:
    path = write(tmp_path / "a.csv", "id,text\n1,one\n" + half)
    with closing(connector.open(ReplaySettings(path=path), CONTEXT)) as source:
        stored = Stored()
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        stored.poll(source, written)
        assert set(stored.mentions) == {"1"}
        with path.open("a") as file:
            file.write(rest)
        stored.poll(source, written)
        assert {key: one.text.replace("\n", "") for key, one in stored.mentions.items()} == {"1": "one", "2": "two"}


def test_a_last_csv_row_without_line_end_is_read_once_the_file_has_rested(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,text\n1,one\n2,two")
    with closing(connector.open(ReplaySettings(path=path), CONTEXT)) as source:
        stored = Stored()
        stored.poll(source, datetime.fromtimestamp(path.stat().st_mtime, UTC) + RESTED)
        assert set(stored.mentions) == {"1", "2"}


def test_a_large_file_is_not_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("w") as file:
        for n in range(30_000):
            file.write(json.dumps({"id": str(n), "text": "x" * 1000}) + "\n")
    tracemalloc.start()
    count = sum(1 for _ in read_file(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 30_000
    assert peak < 3_000_000


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=300), suffix=st.sampled_from([".csv", ".jsonl", ".txt"]))
def test_no_file_makes_the_reader_crash(tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str) -> None:
    path = tmp_path_factory.mktemp("any") / f"a{suffix}"
    path.write_bytes(b"id,text\n" + content if suffix == ".csv" else content)
    with suppress(ValueError):
        list(read_file(path))


def test_a_line_added_behind_one_that_was_deleted_is_not_skipped() -> None:
    """The file is as long as before, or longer, and its first line is the same: only the bytes before the cursor tell."""
    fake = GrowingFile()
    with fake, closing(connector.open(ReplaySettings(path=fake.path), CONTEXT)) as source:
        first, second, third = (fake.publish(f"Acme {n}", NOW) for n in range(3))
        stored = Stored()
        stored.poll(source, NOW)
        fake.change(second, None)
        longer = fake.publish("Acme, and much more than the line that was deleted had to say", NOW)
        stored.poll(source, NOW)
        assert set(stored.mentions) == {first, second, third, longer}
