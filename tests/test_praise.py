"""`listener praise` as a user calls it, from the shelf to the export."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from listener.store import Store
from tests.fakes.commands import Said, Terminal

NOW = datetime.now(UTC)
CONFIG = """
[brand]
name = "Acme"
[[receiver]]
name = "console"
type = "console"
[[route]]
name = "fans"
to = ["console"]
intents = ["praise"]
[digest]
to = ["console"]
"""
POSTS = [
    {"id": str(number), "platform": "x", "author": author, "lang": lang, "text": text,
     "published_at": (NOW - timedelta(days=10 * number)).isoformat()}
    for number, author, lang, text in (
        (1, "ada", "en", "=Acme support was lovely today, thank you! I love *Acme*"),
        (2, "ada", "en", "Acme is great, I love it. Thank you!"),
        (3, "bea", "fr", "Acme est génial, merci, j'adore !"),
    )
]  # fmt: skip


class Shelf:
    """A database with three posts of praise, and `listener` on it."""

    def __init__(self, folder: Path, terminal: Terminal) -> None:
        self.folder, self._terminal = folder, terminal
        (folder / "listener.toml").write_text(CONFIG)
        (folder / "posts.jsonl").write_text("".join(json.dumps(post) + "\n" for post in POSTS))
        assert self("import", str(folder / "posts.jsonl")).code == 0
        with Store.open(f"sqlite:///{folder / 'listener.db'}") as store:
            self.refs = [one.ref for one in reversed(list(store.counted(NOW - timedelta(days=60), NOW)))]

    def __call__(self, *arguments: str) -> Said:
        return self._terminal("--config", str(self.folder / "listener.toml"), *arguments)

    def praise(self, *arguments: str) -> str:
        said = self("praise", *arguments)
        assert said.code == 0, said.err
        return said.out


@pytest.fixture
def shelf(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shelf:
    return Shelf(tmp_path, Terminal(capsys))


def test_from_the_shelf_to_the_export(shelf: Shelf) -> None:
    ref, other, _ = shelf.refs
    assert "Nothing is there" in shelf.praise("list")
    assert f"{ref}" in shelf.praise("shelve", ref[:6], "--why", "says it all")
    shelf.praise("shelve", other)
    assert shelf.praise("export") == ""  # a place on the shelf allows nothing
    assert " asked " in shelf.praise("ask", ref, "--link", "https://x.example/q")
    granted = shelf.praise("grant", ref, "--evidence", "@ada said yes", "--scope", "website", "--until", "2099-12-31")
    assert "granted for website, until 2100-01-01 00:00 UTC" in granted
    (one,) = json.loads(shelf.praise("list", "--state", "granted", "--json"))
    assert (one["why"], one["asked"]["link"], one["grant"]["scope"]) == (
        "says it all",
        "https://x.example/q",
        "website",
    )
    assert one["asked"]["words"].startswith("Thank you for your kind words about Acme!")
    (fact,) = json.loads(shelf.praise("export", "--format", "json"))
    assert (fact["ref"], fact["evidence"], fact["edited_since"]) == (ref, "@ada said yes", None)
    (line,) = csv.DictReader(shelf.praise("export", "--format", "csv").splitlines())
    assert (line["text"][:6], line["evidence"]) == ("'=Acme", "'@ada said yes")  # no formula
    shown = shelf.praise("export")
    assert "I love \\*Acme\\*" in shown
    assert "evidence: \\@ada said yes" in shown
    assert shelf.praise("export", "--output", str(shelf.folder / "praise.md")).startswith("1 written to")
    shelf.praise("withdraw", ref)
    assert shelf.praise("export") == ""
    assert "withdrawn" in shelf.praise("list")


def test_what_cannot_be_is_said_in_a_sentence_and_what_is_done_does_no_harm(shelf: Shelf) -> None:
    ref = shelf.refs[0]
    assert (shelf("praise", "ask", ref).code, shelf("praise", "shelve", "ffff").code) == (1, 1)
    assert "put it there first" in shelf("praise", "refuse", ref).err
    shelf.praise("shelve", ref)
    again = shelf("praise", "shelve", ref)
    assert (again.code, again.err) == (0, f"{ref} is so already.\n")
    assert "needs evidence" in shelf("praise", "grant", ref, "--evidence", " ").err
    assert "is over" in shelf("praise", "grant", ref, "--evidence", "x", "--until", "2020-01-01").err
    shelf.praise("refuse", ref)
    assert "not asked again" in shelf("praise", "ask", ref).err


def test_the_question_is_in_the_language_of_the_post_and_changes_nothing(shelf: Shelf) -> None:
    said = shelf.praise("ask", shelf.refs[2], "--suggest", "--where", "dans notre catalogue")
    assert said.startswith("Merci pour vos mots")
    assert "dans notre catalogue" in said
    assert "Nothing is there" in shelf.praise("list")


def test_who_praised_twice_is_loyal(shelf: Shelf) -> None:
    (one,) = json.loads(shelf.praise("loyal", "--json"))
    assert (one["handle"], one["times"]) == ("ada", 2)
    assert "  2 times" in shelf.praise("loyal", "--since", "12w")
    assert "Nobody" in shelf.praise("loyal", "--since", "12d")
    assert shelf("praise", "loyal", "--since", "long").code == 2


def test_what_its_author_deleted_is_in_no_export(shelf: Shelf) -> None:
    ref = shelf.refs[0]
    shelf.praise("shelve", ref)
    shelf.praise("grant", ref, "--evidence", "a yes")
    assert "lovely" in shelf.praise("export")
    assert shelf("forget", "--author", "x:ada", "--yes").code == 0
    for form in ("md", "csv", "json"):
        assert shelf.praise("export", "--format", form).strip() in ("", "[]")
    assert json.loads(shelf.praise("list", "--json")) == []
    assert json.loads(shelf.praise("loyal", "--json")) == []
