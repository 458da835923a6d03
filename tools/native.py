"""Compile what every post runs through to machine code, with mypyc: `make native`. Optional; verdicts are the same.

    python -m tools.native            compile, unless what lies there is up to date
    python -m tools.native --remove   back to plain Python

Takes about half a minute and a C compiler. The sources are compiled in a folder of their own, then their twins are put where
`rules.compiled` looks for them. Nothing is left behind when compiling fails.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from json import dumps
from pathlib import Path

from rules.compiled import FOLDER, LIST, ROOT, digest, interpreter, usable

# What is called for every post, and for every phrase when packs are loaded. Nothing else gains from being compiled.
MODULES = (
    "rules.page", "rules.pack", "rules.phrases", "rules.words", "rules.steps", "rules.facts", "rules.index", "rules.walk",
    "rules.reading", "rules.engine",
    "listener.triage.table", "listener.triage.signals", "listener.triage.sentiment.lexicon", "listener.triage.language",
    "listener.triage.mixed", "listener.triage.relevance", "listener.triage.intents", "listener.triage.stages",
    "listener.triage.aspects", "listener.triage.urgency", "listener.triage.reasons", "listener.triage.verdict",
)  # fmt: skip
# What the compiler reads to know types: a change in one of them makes the twins out of date.
READ = (
    "tools/native.py",
    "rules/*.py",
    "listener/triage/**/*.py",
    "listener/__init__.py",
    "listener/model.py",
    "connectors/__init__.py",
    "connectors/base.py",
)
CONFIG = "[mypy]\nignore_missing_imports = true\nfollow_untyped_imports = false\n"
SETUP = """
from mypyc.build import mypycify
from setuptools import setup

setup(name="twins", packages=[], py_modules=[], ext_modules=mypycify({files!r}, opt_level="2", debug_level="0"))
"""


def main(arguments: list[str]) -> int:
    """Compile or remove; the answer is for the shell."""
    if arguments == ["--remove"]:
        shutil.rmtree(FOLDER, ignore_errors=True)
        print("removed; plain Python runs")
        return 0
    if set(MODULES) <= usable(FOLDER, ROOT).keys():
        print("the compiled modules are up to date")
        return 0
    shutil.rmtree(FOLDER, ignore_errors=True)
    if (lack := lacking()) is not None:
        print(f"not compiled: {lack}. Plain Python runs; verdicts are the same.")
        return 1
    print(f"compiling {len(MODULES)} modules, which takes about half a minute …", flush=True)
    with tempfile.TemporaryDirectory() as made:
        error = compile_in(Path(made))
        if error is not None:
            print(f"not compiled: {error}\nPlain Python runs; verdicts are the same.")
            return 1
    print(
        "compiled: triage takes about half the time. An edited module is read as Python until the next `make native`."
    )
    return 0


def lacking() -> str | None:
    """What is missing to compile, with the remedy, or None."""
    if not any(map(shutil.which, ("cc", "gcc", "clang"))):
        return "there is no C compiler (Debian, Ubuntu: apt install gcc)"
    missing = [name for name in ("mypyc", "setuptools") if find_spec(name) is None]
    return f"{' and '.join(missing)} is missing (pip install -c constraints.txt -e '.[native]')" if missing else None


def compile_in(folder: Path) -> str | None:
    """Compile copies of the sources in a folder, then move their twins to where they are looked for. What went wrong, or None."""
    read = sorted({str(file.relative_to(ROOT)) for pattern in READ for file in ROOT.glob(pattern)})
    for file in read:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, folder / file)
    before = digest(folder, read)
    sources = [module.replace(".", "/") + ".py" for module in MODULES]
    (folder / "mypy.ini").write_text(CONFIG, encoding="utf-8")
    (folder / "setup.py").write_text(SETUP.format(files=sources), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "setup.py", "build_ext", "--inplace"], cwd=folder, capture_output=True, text=True, check=False
    )
    suffix = interpreter()
    shared = list(folder.glob(f"*__mypyc{suffix}"))
    twins = {module: folder / (module.replace(".", "/") + suffix) for module in MODULES}
    if done.returncode or len(shared) != 1 or not all(twin.is_file() for twin in twins.values()):
        return "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:]) or "the compiler made nothing"
    twins[shared[0].name.removesuffix(suffix)] = shared[0]
    FOLDER.mkdir()
    for module, twin in twins.items():
        shutil.copy(twin, FOLDER / (module + suffix))
    known = {
        "interpreter": suffix,
        "files": read,
        "sources": before,
        "modules": {module: module + suffix for module in twins},
    }
    (FOLDER / LIST).write_text(dumps(known, indent=1), encoding="utf-8")  # last: without it nothing here is used
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
