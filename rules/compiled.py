"""Which of the two runs: the Python that stands here, or the same Python compiled to machine code by `make native`.

Compiled modules lie in a folder of their own with a list of the sources they were made of. `use()` takes them only where every
source is still the same, byte for byte, and this is the interpreter they were made for; so a module that was edited, or an
update, is never hidden by what was compiled before. Without a compiler nothing of this exists, and verdicts are the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from sysconfig import get_config_var
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "rules" / "_compiled"
LIST = "list.json"
PURE = "LISTENER_PURE_PYTHON"  # set to anything: the Python runs even where a compiled twin lies ready


class Compiled(MetaPathFinder):
    """Finds modules among compiled ones."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        """`files`: by the module's name."""
        self._files = dict(files)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        file = self._files.get(fullname)
        return None if file is None else spec_from_file_location(fullname, file)


def use() -> None:
    """Let compiled modules be imported instead of their sources, if there are any that are not out of date."""
    if not in_use() and PURE not in os.environ and (files := usable(FOLDER, ROOT)):
        sys.meta_path.insert(0, Compiled(files))


def in_use() -> bool:
    """Whether compiled modules are what runs."""
    return any(isinstance(finder, Compiled) for finder in sys.meta_path)


def usable(folder: Path, root: Path) -> dict[str, Path]:
    """The compiled modules in a folder by name; none where one source has changed since, or anything is missing or unreadable."""
    try:
        known = json.loads((folder / LIST).read_text(encoding="utf-8"))
        if known["interpreter"] != interpreter() or known["sources"] != digest(root, known["files"]):
            return {}
        files = {str(name): folder / str(file) for name, file in known["modules"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return files if all(file.is_file() for file in files.values()) else {}


def interpreter() -> str:
    """What a compiled module is made for, as its file name says it."""
    return str(get_config_var("EXT_SUFFIX"))


def digest(root: Path, files: Iterable[str]) -> str:
    """Of all these files and their names. Raises OSError where one is missing."""
    found = hashlib.sha256()
    for file in sorted(files):
        found.update(file.encode() + b"\0" + hashlib.sha256((root / file).read_bytes()).digest())
    return found.hexdigest()
