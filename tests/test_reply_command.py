"""`listener cases reply`: nothing without a yes, and then exactly what was shown; what `doctor` and `once` do about replies."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest

from listener.cases.replies import NewReply, Reply
from listener.store import Store
from tests.fakes.commands import Terminal
from tests.fakes.mastodon import ACCOUNT, WRITE_TOKEN, FakeMastodon

CONFIG = """
[listener]
intranet = ["127.0.0.1"]
[brand]
name = "Acme"
[[source]]
name = "fediverse"
connector = "mastodon"
base_url = "{url}"
tags = ["acme"]
{keys}
[[source]]
name = "news"
connector = "hackernews"
enabled = true
base_url = "{url}"
[[receiver]]
name = "console"
type = "console"
[[route]]
name = "all"
to = ["console"]
[digest]
enabled = false
"""
KEYS = f'replies = true\nreply_as = "{ACCOUNT}@social.example"\nreply_token_env = "MASTODON_WRITE"'
TEXT = "@alice@social.example Sorry!\nA new one is on its way."


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys)


@pytest.fixture
def site() -> Iterator[FakeMastodon]:
    with FakeMastodon().start() as fake:
        yield fake


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: FakeMastodon) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MASTODON_WRITE", WRITE_TOKEN)
    path = tmp_path / "listener.toml"
    path.write_text(CONFIG.format(url=site.url, keys=KEYS))
    return path


@pytest.fixture
def case(config: Path, terminal: Terminal, site: FakeMastodon) -> str:
    site.publish("<p>My Acme kettle never arrived, I want my money back</p>", datetime.now(UTC))
    terminal("once")
    (one,) = json.loads(terminal("cases", "list", "--json").out)
    return str(one["ref"])


def standing(site: FakeMastodon) -> list[str]:
    return [html.unescape(re.sub(r"<[^>]+>", "", one["content"])) for one in site.replies]


def state(terminal: Terminal, case: str) -> str:
    (one,) = [one for one in json.loads(terminal("cases", "list", "--json").out) if one["ref"] == case]
    return str(one["state"])


def test_without_a_text_it_notes_that_the_customer_was_answered(
    case: str, terminal: Terminal, site: FakeMastodon
) -> None:
    assert terminal("cases", "reply", case).code == 0
    assert state(terminal, case) == "replied"
    assert site.replies == []


def test_without_a_yes_it_shows_and_publishes_nothing(
    case: str, terminal: Terminal, site: FakeMastodon, monkeypatch: pytest.MonkeyPatch
) -> None:
    for answer in ("n\n", "", "\n"):
        monkeypatch.setattr("sys.stdin", StringIO(answer))
        said = terminal("cases", "reply", case, "--text", TEXT)
        assert said.code == 0
        assert "mastodon, as acmecare@social.example, to https://social.example/@alice/" in said.out
        assert "  @alice@social.example Sorry!\n  A new one is on its way.\n" in said.out
        assert "of 500" in said.out
        assert "Nothing was published." in said.out
    assert site.replies == []
    assert state(terminal, case) == "new"


@pytest.mark.parametrize("asked", [True, False])
def test_with_a_yes_exactly_that_is_published_and_the_clock_stops(
    case: str, terminal: Terminal, site: FakeMastodon, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("y\n" if asked else TEXT))
    said = terminal("cases", "reply", case, "--text", *([TEXT] if asked else ["-", "--yes"]))
    assert said.code == 0, said.err
    assert f"{case}: published: {site.replies[0]['url']}" in said.out
    assert standing(site) == [TEXT.replace("@alice@social.example", "@alice")]
    assert state(terminal, case) == "replied"
    shown = terminal("cases", "show", case).out
    assert "replied by" in shown
    again = terminal("cases", "reply", case, "--text", TEXT, "--yes")
    assert again.code == 0, "a person may say more"
    assert len(site.replies) == 2


def test_our_own_reply_is_no_mention_when_the_connector_sees_it(
    case: str, terminal: Terminal, site: FakeMastodon
) -> None:
    terminal("cases", "reply", case, "--text", "Acme is sorry! #acme", "--yes")
    (reply,) = site.replies
    reply["tags"] = [{"name": "acme"}]
    reply["account"] = {**reply["account"], "acct": f"{ACCOUNT}@social.example"}
    terminal("once")
    (one,) = json.loads(terminal("cases", "list", "--json").out)
    history = json.loads(terminal("cases", "show", case, "--json").out)["history"]
    assert (one["ref"], one["state"], one["mentions"]) == (case, "replied", 1)
    assert [line["what"] for line in history].count("replied") == 1


def test_what_is_refused_is_told_with_a_reason_and_exit_code_1(
    case: str, terminal: Terminal, site: FakeMastodon, config: Path
) -> None:
    long = terminal("cases", "reply", case, "--text", "x" * 501, "--yes")
    assert (long.code, "counts 501, 500 is the most" in long.err) == (1, True)
    empty = terminal("cases", "reply", case, "--text", " \n", "--yes")
    assert (empty.code, "no text" in empty.err) == (1, True)
    unknown = terminal("cases", "reply", "c-ZZZZ", "--text", "Hi", "--yes")
    assert (unknown.code, "there is no case" in unknown.err) == (1, True)
    site.write_faults.append("refused")
    refused = terminal("cases", "reply", case, "--text", "Hi", "--yes")
    assert (refused.code, "not published: the instance answered 403" in refused.err) == (1, True)
    config.write_text(CONFIG.format(url=site.url, keys=""))
    off = terminal("cases", "reply", case, "--text", "Hi", "--yes")
    assert off.code == 1
    assert "replies = true" in off.err
    assert "https://social.example/@alice/" in off.err
    assert site.replies == []
    assert terminal("cases", "reply", case, "--yes").code == 2
    assert terminal("cases", "reply", case, "--text", "Hi", "--edit").code == 2


def test_what_a_killed_daemon_left_is_published_by_the_next_round(
    case: str, terminal: Terminal, site: FakeMastodon, config: Path
) -> None:
    now = datetime.now(UTC)
    with Store.open(f"sqlite:///{config.parent / 'listener.db'}") as store:
        view = store.case(case)
        assert view is not None
        new = NewReply(
            "k1", case, view.mentions[0].id, "fediverse", f"{ACCOUNT}@social.example", "Hi", "U0ANA1234", "slack"
        )
        assert isinstance(store.want_reply(new, now), Reply)
    assert "replies" not in terminal("once").err
    assert standing(site) == ["Hi"]
    assert state(terminal, case) == "replied"


def test_doctor_says_who_answers_and_what_is_missing(config: Path, terminal: Terminal, site: FakeMastodon) -> None:
    said = terminal("doctor").out
    assert f"fediverse: answers in public as {ACCOUNT}@social.example" in " ".join(said.split())
    assert "news: posts of hackernews cannot be answered from here" in " ".join(said.split())
    config.write_text(CONFIG.format(url=site.url, keys=""))
    assert "fediverse: off; to answer in public, set replies = true" in " ".join(terminal("doctor").out.split())


SAVED = """
[[saved_reply]]
name = "late"
text = "Sorry {author}! {brand} sends a new one."
language = "en"
[[saved_reply]]
name = "long"
text = "%s"
""" % ("so sorry " * 60)


def test_a_saved_reply_is_shown_made_ready_and_published_with_a_yes_only(
    case: str, terminal: Terminal, site: FakeMastodon, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(CONFIG.format(url=site.url, keys=KEYS) + SAVED)
    monkeypatch.setattr("sys.stdin", StringIO("n\n"))
    said = terminal("cases", "reply", case, "--saved", "late")
    assert "Acme sends a new one." in said.out
    assert "{" not in said.out
    assert "Nothing was published." in said.out
    assert site.replies == []
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    assert terminal("cases", "reply", case, "--saved", "late").code == 0
    (published,) = standing(site)
    assert published.endswith("Acme sends a new one.")
    assert published.startswith("@alice")


def test_a_saved_reply_is_never_sent_unread_and_an_unknown_one_is_told(
    case: str, terminal: Terminal, site: FakeMastodon, config: Path
) -> None:
    none = terminal("cases", "reply", case, "--saved", "late")
    assert (none.code, "write [[saved_reply]]" in none.err) == (1, True)
    config.write_text(CONFIG.format(url=site.url, keys=KEYS) + SAVED)
    unknown = terminal("cases", "reply", case, "--saved", "lat")
    assert (unknown.code, "there are late, long" in unknown.err) == (1, True)
    assert terminal("cases", "reply", case, "--saved", "late", "--yes").code == 2
    assert terminal("cases", "reply", case, "--saved", "late", "--text", "Hi").code == 2
    assert site.replies == []


def test_doctor_names_a_saved_reply_that_a_platform_finds_too_long(
    config: Path, terminal: Terminal, site: FakeMastodon
) -> None:
    config.write_text(CONFIG.format(url=site.url, keys=KEYS) + SAVED)
    said = " ".join(terminal("doctor").out.split())
    assert 'saved reply "long" is too long for fediverse: mastodon counts 539, 500 is the most' in said
    assert 'saved reply "late"' not in said
