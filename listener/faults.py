"""Name a fault of the program for the log: its type and where it was raised, never its message, which may quote a post."""

from __future__ import annotations

import traceback
from pathlib import Path


def place(error: BaseException) -> str:
    """`TypeError at verdict.py:66 in judge`, the innermost frame."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""
    return type(error).__name__ + where
