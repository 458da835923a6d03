"""A connector of one's own: what `listener connectors new` writes installs, is found, reads, and passes its own tests."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from listener.cli.connectors import new_files
from listener.plugins import connectors
from listener.store import Store
from tests.connectors import example
from tests.fakes.commands import Terminal

CONFIG = """
[listener]
intranet = ["127.0.0.0/8"]
[brand]
name = "Acme"
[[source]]
name = "forum"
connector = "forum"
base_url = "{url}"
[[receiver]]
name = "console"
type = "console"
[[route]]
name = "all"
to = ["console"]
"""


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys)


@pytest.fixture(scope="session")
def forum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution as it is written, and beside it `site`, where it is installed without a network."""
    folder = tmp_path_factory.mktemp("distribution") / example.FOLDER
    for place, text in new_files(example.NAME):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text)
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(folder.parent / "site"), str(folder)]
    done = subprocess.run([sys.executable, *pip, *offline], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def run(forum: Path, *arguments: str, at: Path) -> subprocess.CompletedProcess[str]:
    """A Python with the distribution installed."""
    environment: Mapping[str, str] = {**os.environ, "PYTHONPATH": str(forum.parent / "site"), "COLUMNS": "120"}
    environment = {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, *arguments], cwd=at, env=environment, capture_output=True, text=True, check=False
    )


def fake_of(forum: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("fake_forum", forum / "tests" / "fake_forum.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_found_and_the_daemon_reads_with_it(forum: Path, tmp_path: Path) -> None:
    with fake_of(forum).FakeForum().start() as fake:
        fake.publish("Acme never sent my order. Nobody answers!", datetime.now(UTC), author="ada")
        (tmp_path / "listener.toml").write_text(CONFIG.format(url=fake.url))
        listed = run(forum, "-m", "listener", "connectors", "list", "--json", at=tmp_path)
        found = {one["name"]: one for one in json.loads(listed.stdout)}["forum"]
        assert found["distribution"] == "listener-forum"
        assert (found["needs"], found["every"], found["recheck"]) == ("none, or an API token", "5m", "1d")
        examined = run(forum, "-m", "listener", "doctor", at=tmp_path)
        assert examined.returncode == 0, examined.stdout + examined.stderr
        once = run(forum, "-m", "listener", "once", at=tmp_path)
        assert once.returncode == 0, once.stdout + once.stderr
        assert "never sent my order" in once.stdout
    with Store.open(f"sqlite:///{tmp_path}/listener.db") as store:
        assert [source.name for source in store.sources()] == ["forum"]


@pytest.mark.timeout(400)
def test_its_own_tests_pass_unchanged_and_end_as_the_page_shows(forum: Path) -> None:
    done = run(forum, "-m", "pytest", "-p", "no:cacheprovider", "-n", "0", at=forum)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = example.PAGE.read_text().partition("Its tests end with\n\n```text\n")[2].partition("```")[0]
    assert len(shown.splitlines()) == 3
    for line in shown.splitlines():
        assert line in done.stdout


def test_the_page_shows_what_the_command_writes_and_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: Terminal
) -> None:
    """`python -m tests.connectors.example` writes it anew."""
    page = example.PAGE.read_text()
    assert page == example.page(page)
    monkeypatch.chdir(tmp_path)
    said = terminal("connectors", "new", example.NAME)
    assert said.code == 0
    assert f"$ listener connectors new forum\n{said.out}```" in page
    for place, text in new_files(example.NAME):
        assert (tmp_path / example.FOLDER / place).read_text() == text


def test_what_is_written_keeps_the_rules_of_the_house(forum: Path) -> None:
    rules = Path(__file__).parents[1] / "pyproject.toml"
    # Which imports count as one's own (I001) depends on the folder that ruff is started in.
    for check in (["check", "--no-cache", "--ignore", "I001"], ["format", "--check", "--no-cache"]):
        done = run(forum, "-m", "ruff", *check, "--config", str(rules), str(forum), at=forum)
        assert done.returncode == 0, done.stdout
    assert (
        run(forum, "-m", "mypy", "--strict", "--cache-dir", os.devnull, "listener_forum.py", at=forum).returncode == 0
    )


@pytest.mark.parametrize("name", ["Forum", "2forum", "my-forum", "my forum", "class", "f" * 41, "_x", "../x"])
def test_what_is_no_name_is_refused(name: str, terminal: Terminal, tmp_path: Path) -> None:
    said = terminal("connectors", "new", name, "--dir", str(tmp_path / "new"))
    assert (said.code, "use lower-case letters" in said.err) == (2, True)
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten_and_no_name_is_taken_twice(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal("connectors", "new", "my_forum", "--dir", str(tmp_path)).code == 0
    again = terminal("connectors", "new", "my_forum", "--dir", str(tmp_path))
    assert (again.code, "is not empty" in again.err) == (1, True)
    taken = terminal("connectors", "new", "mastodon", "--dir", str(tmp_path / "other"))
    assert (taken.code, "listener has a connector of the name mastodon" in taken.err) == (1, True)


def test_the_list_names_every_installed_connector(terminal: Terminal) -> None:
    said = terminal("connectors", "list")
    assert said.code == 0
    first = {line.split()[0] for line in said.out.splitlines() if line[1:2].strip()}
    assert set(connectors()) <= first
