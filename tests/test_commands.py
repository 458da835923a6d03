"""Every command as a user calls it: exit codes, sentences, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.base import Page
from listener.cases.plan import Settled
from listener.cli import VERBS
from listener.model import NewNotification, NotificationKind
from listener.store import Store
from listener.store.tables import case_events
from rules.vocabulary import Urgency
from tests.fakes.commands import Terminal

CONFIG = """
[brand]
name = "Acme"
rivals = ["Polarex"]
[[receiver]]
name = "console"
type = "console"
[[route]]
name = "all"
to = ["console"]
[digest]
to = ["console"]
"""
POSTS = [
    {"id": "1", "platform": "x", "author": "ada", "published_at": "2026-11-16T09:00:00Z", "lang": "en",
     "text": "@Acme I paid three weeks ago and my order never arrived. Nobody answers."},
    {"id": "2", "platform": "x", "author": "bob", "published_at": "2026-11-17T09:00:00Z", "lang": "en",
     "text": "Acme support was lovely today, thank you!"},
    {"id": "3", "platform": "reviews", "author": "cleo", "published_at": "2026-11-18T09:00:00Z", "lang": "fr",
     "text": "Acme : colis jamais reçu, je veux être remboursée", "rating": 1},
]  # fmt: skip


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # relative paths and ./listener.toml are part of what is tested
    path = tmp_path / "listener.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def imported(config: Path, terminal: Terminal) -> Path:
    file = config.parent / "posts.jsonl"
    file.write_text("".join(json.dumps(post) + "\n" for post in POSTS))
    assert terminal("import", str(file)).code == 0
    return config


@pytest.mark.parametrize(
    "verb",
    [
        *VERBS,
        "db migrate",
        "db backup",
        "db purge",
        "rules test",
        "rules lint",
        "rules list",
        "query preview",
        "alerts preview",
        "routes test",
        "silence add",
        "silence list",
        "silence end",
        "slack manifest",
        "slack test",
        "connectors list",
        "connectors new",
    ],
)
def test_every_command_has_help_with_an_example(verb: str, terminal: Terminal) -> None:
    said = terminal(*verb.split(), "--help")
    assert said.code == 0
    assert (
        verb in ("db", "rules", "query", "connectors", "cases", "labels", "silence", "alerts", "routes")
        or "Example" in said.out
    )


def test_an_unknown_command_is_wrong_usage(terminal: Terminal) -> None:
    said = terminal("clasify", "x")
    assert said.code == 2
    assert "No such command" in said.err


def test_without_a_configuration_the_way_to_one_is_named(
    tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    said = terminal("status")
    assert said.code == 1
    assert "listener init" in said.err


def test_init_writes_a_configuration_that_doctor_accepts_and_does_not_overwrite(
    tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ("init", "--brand", 'Ac"me', "--timezone", "Europe/Rome", "--languages", "it,en")
    assert terminal(*arguments).code == 0
    assert terminal("doctor").code == 0
    again = terminal(*arguments)
    assert again.code == 1
    assert "--force" in again.err


def test_init_refuses_a_time_zone_that_does_not_exist_before_it_writes(
    tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = terminal("init", "--brand", "Acme", "--timezone", "Europe/Rom")
    assert said.code == 1
    assert "Europe/Rome" in said.err
    assert not (tmp_path / "listener.toml").exists()


def test_importing_twice_changes_nothing(imported: Path, terminal: Terminal) -> None:
    said = terminal("import", str(imported.parent / "posts.jsonl"))
    assert (said.code, said.out) == (0, "3 posts read, 0 new, 3 known before, 0 lines not readable.\n")


def test_lines_that_cannot_be_read_are_named_and_the_others_imported(config: Path, terminal: Terminal) -> None:
    file = config.parent / "posts.jsonl"
    file.write_text(json.dumps(POSTS[0]) + "\nnot json\n" + json.dumps({"id": "4"}) + "\n")
    said = terminal("import", str(file))
    assert said.code == 1
    assert "1 posts read, 1 new" in said.out
    assert f"{file}:2: " in said.err
    assert f"{file}:3: " in said.err


def test_a_file_that_is_not_there_is_said_so(config: Path, terminal: Terminal) -> None:
    said = terminal("import", "nowhere.jsonl")
    assert said.code == 1
    assert "no such file" in said.err


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"id,wording\n1,x\n", "no column 'text'"),
        ("b.csv", b"\xff\xfea\x00", "UTF-16"),
        ("c.csv", b"\n1\n", "column"),
    ],
)
def test_a_file_that_is_of_no_use_says_what_it_lacks(
    config: Path, terminal: Terminal, name: str, content: bytes, said: str
) -> None:
    (config.parent / name).write_bytes(content)
    answer = terminal("import", name)
    assert answer.code == 1
    assert said in answer.err
    assert "inside listener" not in answer.err


REVIEWS = "Wording,Nick,Stars,When\n" + "".join(f"Acme {n},ada{n},2,2026-11-1{n} 09:00\n" for n in range(5))


def test_a_dry_run_shows_the_first_three_posts_as_mapped_and_stores_nothing(
    tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # no configuration is needed
    (tmp_path / "a.csv").write_text(REVIEWS)
    maps = ("--map", "text=Wording", "--map", "author=Nick", "--map", "published_at=When")
    said = terminal("import", "a.csv", *maps, "--timezone", "Europe/Rome", "--platform", "Shop", "--dry-run")
    assert said.code == 0
    assert [
        word for word in ("Acme 0", "Acme 2", "ada1", "2026-11-12 08:00", "shop", "2.0") if word not in said.out
    ] == []
    assert "Acme 3" not in said.out
    assert "5 posts would be read, 0 lines are not readable. Nothing was stored." in said.out
    assert not (tmp_path / "listener.db").exists()


def test_an_import_as_mapped_is_stored(config: Path, terminal: Terminal) -> None:
    (config.parent / "a.csv").write_text(REVIEWS)
    maps = ("--map", "text=Wording", "--map", "author=Nick")
    assert "5 posts read, 5 new" in terminal("import", "a.csv", *maps).out


@pytest.mark.parametrize(
    ("pairs", "code", "said"),
    [
        (["text=Words"], 1, "no such column in the first line: text=Words (found: 'Wording', 'Nick', 'Stars', 'When')"),
        (["txt=Wording"], 2, "no field 'txt'; fields: id, text"),
        (["text=Wording", "text=Nick"], 2, "each field once"),
        (["text"], 2, "FIELD=COLUMN"),
    ],
)
def test_a_mapping_that_cannot_be_is_said_before_anything_is_stored(
    config: Path, terminal: Terminal, pairs: list[str], code: int, said: str
) -> None:
    (config.parent / "a.csv").write_text(REVIEWS)
    answer = terminal("import", "a.csv", *(word for pair in pairs for word in ("--map", pair)))
    assert answer.code == code
    assert said in " ".join(answer.err.split())
    assert not (config.parent / "listener.db").exists()


def test_an_import_cannot_take_the_name_of_a_polled_source(config: Path, terminal: Terminal) -> None:
    """It would throw away where that source stands, and nobody would poll it any more."""
    config.write_text(CONFIG + '[[source]]\nname = "hn"\nconnector = "hackernews"\n')
    (config.parent / "posts.jsonl").write_text(json.dumps(POSTS[0]))
    assert "another --source" in terminal("import", "posts.jsonl", "--source", "hn").err
    with Store.open(f"sqlite:///{config.parent / 'listener.db'}") as store:
        store.migrate()
        store.register_sources({"old": "hackernews"}, datetime.now(UTC))
        assert terminal("import", "posts.jsonl", "--source", "old").code == 1
        assert [source.connector for source in store.sources()] == ["hackernews"]


def test_a_terminal_that_knows_no_unicode_still_shows_the_rest(imported: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "listener", "--config", str(imported), "status"],
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict", "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        check=False,
    )
    assert shown.returncode == 0
    assert b"3 mentions" in shown.stdout


def test_evidence_cannot_act_on_the_terminal(config: Path, terminal: Terminal) -> None:
    said = terminal("classify", "Acme never arrived \x1b[2J \u202e I am leaving")
    assert not set("\x1b\u202e") & set(said.out)


def test_explain_says_why_and_what_became_of_it(imported: Path, terminal: Terminal) -> None:
    from listener.store import Store

    with Store.open(f"sqlite:///{imported.parent / 'listener.db'}") as store:
        (ref, *_) = [one.ref for one in store.counted(*_week())]
    said = terminal("explain", ref[:6])
    assert said.code == 0
    assert "outcome alerts-off" in said.out
    as_json = json.loads(terminal("explain", ref, "--json").out)
    assert as_json["verdict"]["stage"] == "purchase"
    assert terminal("explain", "zzzz").code == 1


def _week() -> tuple[object, object]:
    from listener.digest.week import Week

    week = Week.parse("2026-W47")
    return week.since, week.until


def test_the_digest_accounts_for_every_post_in_every_format(imported: Path, terminal: Terminal) -> None:
    for form in ("console", "html", "md", "csv", "json", "slack"):
        said = terminal("digest", "--week", "2026-W47", "--format", form)
        assert said.code == 0, said.err
        assert "Acme" in said.out
    assert json.loads(terminal("digest", "--week", "2026-W47", "--format", "json").out)["accounting"]["stored"] == 3


def test_a_week_that_is_none_is_explained(imported: Path, terminal: Terminal) -> None:
    said = terminal("digest", "--week", "2026-47")
    assert said.code == 1
    assert "2026-W47" in said.err


def test_a_digest_is_put_into_the_outbox_once(imported: Path, terminal: Terminal) -> None:
    assert "goes to console" in terminal("digest", "--week", "2026-W47", "--send").out
    assert "was sent before" in terminal("digest", "--week", "2026-W47", "--send").out
    sent = terminal("once")
    assert sent.code == 0
    assert "Acme" in sent.out


def test_a_week_that_was_sent_reads_as_it_was_sent(imported: Path, terminal: Terminal) -> None:
    asked = ("digest", "--week", "2026-W47", "--format", "md")
    terminal("digest", "--week", "2026-W47", "--send")
    sent = terminal(*asked).out
    terminal("digest", "decide", "Call the carrier", "--week", "2026-W47", "--who", "ana")
    assert terminal(*asked).out == sent
    again = terminal(*asked, "--recount").out
    assert "Call the carrier" in again
    assert again != sent


def test_a_decision_is_kept_until_it_is_done(imported: Path, terminal: Terminal) -> None:
    said = terminal("digest", "decide", "Call the carrier", "--week", "2026-W47", "--who", "ana")
    assert "Decision 1, 2026-W47" in said.out
    assert "1 week" in terminal("digest", "--week", "2026-W48", "--format", "md").out
    assert terminal("digest", "done", "1").out == "Decision 1 is done.\n"
    refused = terminal("digest", "done", "1")
    assert refused.code == 1
    assert "there is no open decision 1. None is open." in refused.err


def test_other_days_than_a_week_are_said_to_be_so(imported: Path, terminal: Terminal) -> None:
    said = terminal("digest", "--since", "2026-11-02", "--until", "2026-11-22", "--format", "md")
    assert "2–22 November 2026" in said.out
    assert "“week” means these 21 days" in said.out
    assert terminal("digest", "--since", "2026-11-02").code == 2
    assert terminal("digest", "--since", "2026-11-22", "--until", "2026-11-02").code == 1


def test_status_and_health_say_that_nothing_runs(imported: Path, terminal: Terminal) -> None:
    said = terminal("status")
    assert said.code == 0
    assert "not running" in said.out
    assert "3 mentions" in said.out
    assert json.loads(terminal("status", "--json").out)["mentions"] == 3
    ill = terminal("health")
    assert ill.code == 1
    assert "no daemon runs" in ill.out


def test_health_and_status_speak_of_what_the_configuration_names(imported: Path, terminal: Terminal) -> None:
    """A source or receiver that was removed would otherwise keep every probe red for ever."""
    long_ago = datetime.now(UTC) - timedelta(hours=3)
    with Store.open(f"sqlite:///{imported.parent / 'listener.db'}") as store:
        store.set_meta("heartbeat", {"at": datetime.now(UTC).isoformat(), "owner": "me"})
        store.register_sources({"gone": "hackernews"}, long_ago)
        lease = store.lease("gone", "me", long_ago, timedelta(minutes=1))
        assert lease is not None
        store.finish(lease, long_ago, long_ago, error="401", parked="401")
        store.stop_receiver("removed", "invalid_auth", long_ago)
        notice = NewNotification("k", NotificationKind.NOTICE, "removed", Urgency.LOW, long_ago, "test")
        store.enqueue([notice], long_ago)
        assert terminal("health").out == "healthy\n"
        assert "removed" in terminal("status").out
        store.enqueue([replace(notice, key="k2", receiver="console")], long_ago)
    said = terminal("health")
    assert (said.code, said.out) == (1, "the oldest message to console has been waiting for 180 minutes\n")


def test_classify_judges_a_text_with_and_without_a_configuration(
    config: Path, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = terminal("classify", "Arrived broken, I want my money back")
    assert said.code == 0
    assert "stage satisfaction" in said.out
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    config.unlink()
    assert terminal("classify", "Arrived broken, I want my money back").out


def test_classify_reads_and_writes_json_lines_and_names_bad_ones(
    config: Path, terminal: Terminal, tmp_path: Path
) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = [json.dumps(post) for post in POSTS] + ["[]", "{", json.dumps({"id": "9", "text": "lone \ud83d surrogate"})]
    source.write_text("\n".join(lines) + "\n")
    said = terminal("classify", "--input", str(source), "--output", str(target))
    assert said.code == 1
    assert f"{source}:4: " in said.err
    assert f"{source}:5: " in said.err
    verdicts = [json.loads(line) for line in target.read_text().splitlines()]
    assert [one["id"] for one in verdicts] == ["1", "2", "3", "9"]
    assert set(verdicts[0]) == {
        "id", "lang", "relevant", "stage", "stage_confidence", "secondary_stage", "urgency", "points", "intents", "touchpoints",
        "complaint_score", "sentiment", "sentiment_label", "emotions", "buyer_status", "lines", "ruleset",
    }  # fmt: skip


def test_classify_without_a_configuration_takes_the_brand_of_each_post(
    tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    post = {"id": "1", "lang": "en", "text": "Would you recommend Zorbix?"}
    (tmp_path / "in.jsonl").write_text(
        json.dumps(post) + "\n" + json.dumps({**post, "id": "2", "brand": "Zorbix"}) + "\n"
    )
    assert terminal("classify", "--input", "in.jsonl", "--output", "out.jsonl").code == 0
    _, named = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert (named["relevant"], named["stage"]) == (True, "consideration")


def test_classify_wants_one_text_or_one_file(terminal: Terminal) -> None:
    assert terminal("classify").code == 2
    assert terminal("classify", "x", "--input", "y").code == 2


def test_classify_imports_no_connector_library(tmp_path: Path) -> None:
    code = (
        "import sys; from listener.cli import main\n"
        "try: main(['classify', 'Arrived broken, I want my money back'])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('praw', 'tweepy', 'matplotlib', 'sqlmodel', 'slack_sdk') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert said.stdout.splitlines()[-1] == "[]"


def test_a_backup_is_a_database_and_never_overwrites(imported: Path, terminal: Terminal) -> None:
    assert terminal("db", "backup", "copy.db").code == 0
    assert terminal("db", "backup", "copy.db").code == 1
    assert (imported.parent / "copy.db").stat().st_size > 0
    assert "as needed" in terminal("db", "migrate").out


def test_resume_names_what_can_be_resumed(imported: Path, terminal: Terminal) -> None:
    said = terminal("resume", "care")
    assert said.code == 1
    assert "nothing" in said.err


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parent / "config" / "broken").glob("*.toml")), ids=lambda path: path.stem
)
def test_a_broken_configuration_ends_with_exit_code_1_and_no_traceback(path: Path, terminal: Terminal) -> None:
    said = terminal("--config", str(path), "doctor")
    assert said.code == 1
    assert said.err.startswith("Error: ")
    assert path.name in said.err
    assert "Traceback" not in said.err


PACK = """
[pack]
name = "mine"
lang = "en"
about = "Ours."

[[rule]]
id = "mine.use.brewer"
about = "The brewer leaks."
any = ["brewer leak(s|ed)"]
stage = "use"
matches = ["My brewer leaks"]
ignores = ["My brewer works"]
"""


def test_rules_can_be_tested_linted_and_listed(config: Path, terminal: Terminal) -> None:
    pack = config.parent / "mine.toml"
    pack.write_text(PACK)
    said = terminal("rules", "test", "--rules", str(pack))
    assert (said.code, said.out) == (0, "1 rules, 2 examples, 0 failed.\n")
    assert terminal("rules", "lint", "--rules", str(pack)).code == 0
    assert "mine.use.brewer" in terminal("rules", "list", "--rules", str(pack)).out
    pack.write_text(PACK.replace('"My brewer works"', '"It leaked: the brewer leaked"'))
    failed = terminal("rules", "test", "--rules", str(pack))
    assert failed.code == 1
    assert f"{pack}:" in failed.out
    pack.write_text(PACK.replace("stage = ", "stge = "))
    broken = terminal("rules", "test", "--rules", str(pack))
    assert broken.code == 1
    assert "stage" in broken.err


def test_the_shipped_rules_pass_their_own_tests(config: Path, terminal: Terminal) -> None:
    said = terminal("rules", "test")
    assert said.code == 0, said.out


def test_a_change_of_rules_is_replayed_without_changing_anything(imported: Path, terminal: Terminal) -> None:
    pack = imported.parent / "mine.toml"
    pack.write_text(
        PACK.replace("brewer leak(s|ed)", "lovely")
        .replace("My brewer leaks", "How lovely")
        .replace('stage = "use"', 'stage = "advocacy"\nweight = 3.0')
    )
    said = terminal("replay", "--rules", str(pack), "--since", "520w", "--diff")
    assert said.code == 0, said.err
    assert "3 mentions judged again" in said.out
    assert "→ advocacy" in said.out
    assert terminal("status").out.count("3 mentions")


def test_the_history_of_a_case_says_when_a_thing_was_noted_and_of_when_it_is(
    imported: Path, terminal: Terminal
) -> None:
    """A reply's own time is part of its detail."""
    ref = json.loads(terminal("cases", "list", "--all", "--json").out)[0]["ref"]
    with Store.open(f"sqlite:///{imported.parent / 'listener.db'}") as store:
        view = store.case(ref)
        assert view is not None
        noted = datetime(2026, 11, 20, 9, tzinfo=UTC)
        with store.engine.begin() as connection:
            row = {"case_id": view.case.id, "at": noted, "what": "brand-replied", "who": "", "through": "poll"}
            connection.execute(case_events.insert(), [{**row, "detail": {"at": "2026-11-19T08:00:00+00:00"}}])
    history = json.loads(terminal("cases", "show", ref, "--json").out)["history"]
    (told,) = [one for one in history if one["what"] == "brand-replied"]
    assert datetime.fromisoformat(told["at"]) == noted
    assert told["detail"] == {"at": "2026-11-19T08:00:00+00:00"}


def test_a_source_that_is_given_another_connector_says_so_and_starts_anew(config: Path, terminal: Terminal) -> None:
    posts = config.parent / "posts.jsonl"
    posts.write_text("")
    config.write_text(CONFIG + '[[source]]\nname = "news"\nconnector = "replay"\npath = "posts.jsonl"\n')
    with Store.open(f"sqlite:///{config.parent / 'listener.db'}") as store:
        store.migrate()
        store.register_sources({"news": "rss"}, datetime.now(UTC))
        lease = store.lease("news", "me", datetime.now(UTC), timedelta(minutes=1))
        assert lease is not None
        store.record_page(lease, Page((), {"etag": "of a feed"}), [], _no_settle, datetime.now(UTC))
        store.finish(lease, datetime.now(UTC), datetime.now(UTC) + timedelta(hours=1))
    said = terminal("once")
    assert said.code == 0, said.err
    assert "news was read with rss and is read with replay from now on" in " ".join(said.out.split())
    assert "was read with" not in terminal("once").out


def _no_settle(*_: object) -> Settled:
    return Settled({})


def test_cases_are_listed_fifty_a_page(config: Path, terminal: Terminal) -> None:
    posts = [{**POSTS[0], "id": str(number), "author": f"a{number}"} for number in range(53)]
    (config.parent / "many.jsonl").write_text("".join(json.dumps(post) + "\n" for post in posts))
    assert terminal("import", "many.jsonl").code == 0
    every = [one["ref"] for one in json.loads(terminal("cases", "list", "--all", "--json").out)]
    first, second = terminal("cases", "list", "--all").out, terminal("cases", "list", "--all", "--page", "2").out
    assert "More are on the next page: --page 2" in first
    assert [ref in first for ref in every] == [True] * 50 + [False] * 3
    assert [ref in second for ref in every] == [False] * 50 + [True] * 3
    assert "More" not in second
    assert "No case" in terminal("cases", "list", "--mine").out
