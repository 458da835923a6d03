"""The manifest asks for what is used and nothing else; the environment changes nothing of the app."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from listener.slack import hearing, home
from listener.slack.look import load_words
from listener.slack.manifest import as_yaml, manifest
from tests.fakes.commands import Terminal
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_socket import FakeSocket
from tests.fakes.workplace import CONFIG, Workplace, until

SOURCES = Path(hearing.__file__).parent


def test_scopes_follow_what_is_used() -> None:
    quiet = manifest("Acme", interactive=False, groups=True)
    assert quiet["oauth_config"]["scopes"]["bot"] == ["chat:write", "channels:history", "groups:history", "files:write"]
    assert quiet["settings"]["socket_mode_enabled"] is False
    assert "event_subscriptions" not in quiet["settings"]
    full = manifest("Acme", interactive=True, groups=True)
    assert full["oauth_config"]["scopes"]["bot"][-2:] == ["commands", "usergroups:read"]
    assert full["settings"]["socket_mode_enabled"] is True


def test_over_http_slack_is_told_where_to_call() -> None:
    url = "https://hooks.example/slack/events"
    made = manifest("Acme", interactive=True, groups=False, url=url)
    assert json.dumps(made).count(url) == 3
    assert made["settings"]["socket_mode_enabled"] is False


def test_every_method_that_is_called_has_its_scope() -> None:
    called = {
        name
        for path in SOURCES.glob("*.py")
        for name in re.findall(r"client\.((?:chat|views|conversations|usergroups|apps|auth)_\w+)\(", path.read_text())
    }
    assert called == {
        "apps_connections_open",  # the app-level token's connections:write
        "auth_test",  # none
        "chat_delete", "chat_postEphemeral", "chat_postMessage", "chat_update",  # chat:write
        "chat_getPermalink",  # none
        "conversations_history", "conversations_replies",  # channels:history, groups:history
        "usergroups_users_list",  # usergroups:read
        "views_open", "views_publish", "views_update",  # none
    }  # fmt: skip


def test_yaml_says_what_json_says() -> None:
    assert as_yaml({"a": {"b": ["x: y", {"c": True, "d": ["é"]}], "e": {}}}) == (
        'a:\n  b:\n    - "x: y"\n    - c: true\n      d:\n        - "é"\n  e: {}\n'
    )


def test_the_command_reads_who_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(capsys)
    path = tmp_path / "listener.toml"
    text = CONFIG.replace("{base_url}", "https://slack.com/api/")
    lists = '[slack]\nmay_silence = ["S0CARE123"]\n[[source]]\nname = "hn"\nconnector = "hackernews"\n'
    path.write_text(text.replace("{more}", lists), encoding="utf-8")
    said = terminal("--config", str(path), "slack", "manifest", "--json")
    assert "usergroups:read" in json.loads(said.out)["oauth_config"]["scopes"]["bot"]
    assert terminal("slack", "manifest", "--url", "http://x.example").code == 2
    wrong = path.read_text(encoding="utf-8").replace("S0CARE123", "@care")
    path.write_text(wrong, encoding="utf-8")
    refused = terminal("--config", str(path), "slack", "manifest")
    assert refused.code == 1
    assert "no id of a Slack user (U…) or user group (S…)" in refused.err


def test_every_deed_of_every_menu_has_its_words_in_every_language() -> None:
    for language in ("en", "fr"):
        words = load_words(language)
        assert all(words.has("button", deed) for menu in home._MENU.values() for deed in menu)
        assert all(len(menu) <= 5 for menu in home._MENU.values())


def test_a_bolt_environment_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
        "SLACK_CLIENT_ID",
        "SLACK_CLIENT_SECRET",
        "SLACK_APP_TOKEN",
    ):
        monkeypatch.setenv(name, "of-another-program")
    with FakeSlack() as slack, FakeSocket(slack) as socket, Workplace(tmp_path, slack, language="fr") as work:
        work.customer_posts("My order never arrived.")
        work.deliver()
        with work.heard(socket):
            socket.click("U0ANA1234", "case_claim")
            until(lambda: work.case().case.owner == "U0ANA1234", socket)
            for number, what in enumerate(("case_snooze", "case_more"), 1):
                work.deliver()
                socket.click("U0ANA1234", what, option="edit" if what == "case_more" else "")
                until(lambda number=number: len(slack.views) == number, socket)  # type: ignore[misc]
            assert slack.counted("auth.test") == 0
            assert slack.views[0]["title"]["text"].startswith("Pause pour c-")
