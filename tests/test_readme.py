"""The README cannot lie: its commands are run, its links exist, its configuration loads."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from listener.cli import VERBS
from listener.config import parse_config
from listener.plugins import connectors
from tests.fakes.commands import Terminal

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SHELL = [
    line.partition("#")[0].strip()
    for block in re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if line.partition("#")[0].strip()
]
OURS = [line for line in SHELL if line.startswith("listener ")]
# These reach for the network: tests/test_first_minutes.py runs them against fakes.
OUTSIDE = {
    "listener run", "listener query preview acme --since 7d", "listener backfill --since 14d", "listener doctor --live",
    "listener slack test",
}  # fmt: skip


def test_the_readme_shows_commands() -> None:
    assert len(OURS) >= 8
    assert {"make demo", "make test"} <= set(SHELL)


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {line.split()[1] for line in SHELL if line.startswith("make ")} <= targets


def test_the_commands_of_the_readme_work_in_their_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", StringIO("q\n"))  # what `listener audit` asks
    (tmp_path / "posts.csv").write_text(
        "id,author,published_at,text\n1,ada,2026-11-18T10:00:00Z,Acme never sent my order. Nobody answers!\n"
    )
    terminal = Terminal(capsys)
    ref = "4f2c"
    for line in OURS:
        words = shlex.split(line)[1:]
        if line in OUTSIDE:
            assert terminal(*[word for word in words if not word.startswith("--")], "--help").code == 0
            continue
        said = terminal(*[ref if word == "4f2c" else word for word in words])
        if words[0] == "import":
            ref = _stored_ref(tmp_path)
        expected = 1 if words[0] == "health" else 0  # no daemon runs here
        assert said.code == expected, f"{line}: {said.err or said.out}"
    assert (tmp_path / "digest.html").stat().st_size > 1000


def _stored_ref(folder: Path) -> str:
    from listener.digest.week import Week
    from listener.store import Store

    week = Week.parse("2026-W47")
    with Store.open(f"sqlite:///{folder / 'listener.db'}") as store:
        return next(store.counted(week.since, week.until)).ref


def test_the_toml_of_the_readme_is_a_configuration() -> None:
    (block,) = re.findall(r"^```toml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    config = parse_config('[brand]\nname = "Acme"\n' + block, Path("listener.toml"), connectors())
    assert config.receivers[0].name == "care"


def test_every_link_of_every_page_leads_somewhere() -> None:
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "GLOSSARY.md")]
    pages += sorted((ROOT / "docs").rglob("*.md"))
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if not re.match(r"https?:|mailto:", target):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_connector_table_names_every_connector() -> None:
    table = set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE))
    assert table == set(connectors())


def test_no_page_names_a_package_registry() -> None:
    # Spelt in pieces, so that this file does not name one either.
    hosts = [
        ".".join(parts)
        for parts in (("pypi", "org"), ("pythonhosted", "org"), ("registry", "npmjs"), ("deb", "debian", "org"))
    ]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix not in (".png", ".db"):
            text = path.read_text(errors="replace").lower()
            assert not [host for host in hosts if host in text], name


def test_the_table_of_verbs_is_what_the_package_offers() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "listener", "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert all(verb in said.stdout for verb in VERBS)
