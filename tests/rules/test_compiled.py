"""Compiled modules: never in place of newer sources, and no other verdicts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rules.compiled import FOLDER, LIST, PURE, ROOT, digest, in_use, interpreter, usable

VERDICTS = """
from datetime import UTC, datetime
from hashlib import sha256

from bench.triage_speed import HOSTILE, LANGUAGES, mention, posts
from listener.demo.feed import demo_feed
from listener.triage.brand import BrandFacts
from listener.triage.verdict import build_triage
from rules.compiled import in_use
from rules.load import builtin_packs

triage = build_triage(builtin_packs(), BrandFacts("Ozelune", ("@ozelune", "@acme"), ("Mirelait",), {"Kaolvane": ()}), LANGUAGES)
other = triage.for_brand(BrandFacts("Acme", products=("Acme One",)))
texts = [*posts(300), *[(unit * 400)[:400] for _, unit in HOSTILE]]
mentions = [post for post, _ in demo_feed(datetime(2026, 6, 1, tzinfo=UTC))] + [mention(text) for text in texts]
said = sha256()
for one in mentions:
    for judge in (triage.judge, other.judge):
        verdict = judge(one)
        said.update(repr((sorted(verdict.intents), [getattr(verdict, name) for name in verdict.__slots__ if name != "intents"])).encode())
print("compiled" if in_use() else "Python", said.hexdigest())
"""


@pytest.fixture
def twins(tmp_path: Path) -> tuple[Path, Path]:
    """A source with its compiled twin: the folder of twins, the root of sources."""
    root, folder = tmp_path / "root", tmp_path / "twins"
    root.mkdir()
    folder.mkdir()
    (root / "words.py").write_text("x = 1\n", encoding="utf-8")
    (folder / "twin").write_bytes(b"")
    known = {
        "interpreter": interpreter(),
        "files": ["words.py"],
        "sources": digest(root, ["words.py"]),
        "modules": {"rules.words": "twin"},
    }
    (folder / LIST).write_text(json.dumps(known), encoding="utf-8")
    return folder, root


def test_twins_of_unchanged_sources_are_used(twins: tuple[Path, Path]) -> None:
    folder, root = twins
    assert usable(folder, root) == {"rules.words": folder / "twin"}


@pytest.mark.parametrize(
    "change",
    [
        lambda folder, root: (root / "words.py").write_text("x = 2\n", encoding="utf-8"),
        lambda folder, root: (root / "words.py").unlink(),
        lambda folder, root: (folder / "twin").unlink(),
        lambda folder, root: (folder / LIST).unlink(),
        lambda folder, root: (folder / LIST).write_text("{", encoding="utf-8"),
        lambda folder, root: (folder / LIST).write_text("[]", encoding="utf-8"),
        lambda folder, root: (folder / LIST).write_text(
            (folder / LIST).read_text(encoding="utf-8").replace(interpreter(), ".other"), encoding="utf-8"
        ),
    ],
    ids=["edited", "moved", "no twin", "no list", "broken list", "another list", "another interpreter"],
)
def test_twins_out_of_date_are_never_used(twins: tuple[Path, Path], change: Callable[[Path, Path], object]) -> None:
    folder, root = twins
    change(folder, root)
    assert usable(folder, root) == {}


def judged(**environment: str) -> list[str]:
    """What runs in a process of its own, and a digest of its verdicts."""
    kept = {name: value for name, value in os.environ.items() if name != PURE}
    done = subprocess.run(
        [sys.executable, "-c", VERDICTS],
        env={**kept, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert not done.returncode, done.stderr
    return done.stdout.split()


def test_python_runs_where_it_is_asked_for() -> None:
    assert judged(**{PURE: "1"})[0] == "Python"


def test_compiled_or_not_the_verdicts_are_the_same() -> None:
    print(f"this run: {'compiled' if in_use() else 'Python'}")
    if not usable(FOLDER, ROOT):
        pytest.skip("nothing is compiled here: `make native` compiles, and this test then compares")
    runs, verdicts = judged()
    assert runs == "compiled"
    assert judged(**{PURE: "1"}) == ["Python", verdicts]
