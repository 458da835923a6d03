"""The command line as a user has it: arguments in, exit code and words out."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from listener.cli import main


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


class Terminal:
    """Runs `listener …` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Said:
        code = 0
        self._capsys.readouterr()
        try:
            main(list(arguments))
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        captured = self._capsys.readouterr()
        return Said(code, captured.out, captured.err)
