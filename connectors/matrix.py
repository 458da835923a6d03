"""What a run of the contract suite showed: connector × what can go wrong, printed at the end of the run.

    def pytest_configure(config):  # in tests/conftest.py
        Matrix.join(config, Path(__file__).parent)

A cell is the outcome of the contract tests that this run really made for it; `connectors.contract.shows` says which test
shows what. It is added up where reports arrive, so tests may run in parallel. A run of the whole suite fails where a
connector in `expected` has no contract class, or where a cell was not run and the class does not say why it cannot be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import cast

import pytest

from connectors.base import Connector
from connectors.contract import CELLS, FAULT_CELLS, ConnectorContract

_SAID = (
    "contract"  # the property that carries (connector, class, cells) from where a test runs to where its report arrives
)
_CANNOT = "contract-cannot"
_MARKS = {True: "✓", False: "✗", None: "·"}

Row = tuple[str, str]  # connector, contract class


class Matrix:
    """A pytest plugin that adds up and prints."""

    def __init__(self, suite: Path, expected: Iterable[str] = (), off_the_network: Iterable[str] = ()) -> None:
        """`suite` is the folder of all contract tests; only connectors in `off_the_network` may say that a cell cannot be."""
        self._suite = suite.resolve()
        self._expected = tuple(expected)
        self._off_the_network = frozenset(off_the_network)
        self._cells: dict[Row, dict[str, bool]] = {}
        self._skipped: dict[Row, set[str]] = {}
        self._cannot: dict[Row, dict[str, str]] = {}
        self.missing: list[str] = []

    @classmethod
    def join(
        cls, config: pytest.Config, suite: Path, expected: Iterable[str] = (), off_the_network: Iterable[str] = ()
    ) -> None:
        """Take part in this run."""
        config.pluginmanager.register(cls(suite, expected, off_the_network), "contract-matrix")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Write on each contract test what it shows; the note travels with its report."""
        for one in items:
            if not isinstance(one, pytest.Function) or one.cls is None or not issubclass(one.cls, ConnectorContract):
                continue
            row = [connector_of(one.cls, one.module), one.cls.__name__]
            one.user_properties.append((_SAID, [*row, *cells_of(one)]))
            one.user_properties.append((_CANNOT, [*row, *(f"{cell}={why}" for cell, why in one.cls.cannot.items())]))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One more outcome. A column of which a test was skipped was not run."""
        if report.when != "call" and report.passed:
            return
        for name, said in report.user_properties:
            if name not in (_SAID, _CANNOT):
                continue
            connector, contract, *rest = cast("list[str]", said)
            if name == _SAID:
                cells = self._cells.setdefault((connector, contract), {})
                if report.skipped:
                    self._skipped.setdefault((connector, contract), set()).update(rest)
                    continue
                for cell in rest:
                    cells[cell] = cells.get(cell, True) and report.passed
            else:
                self._cannot[connector, contract] = dict(line.split("=", 1) for line in rest)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a whole run that left something out."""
        if self._is_whole(session):
            self.missing = list(self._left_out())
            if self.missing and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The table, and under it what was left out."""
        if not self._cells and not self.missing:
            return
        terminalreporter.section("connectors against what can go wrong")
        for line in self.lines():
            terminalreporter.write_line(line)
        for line in self.missing:
            terminalreporter.write_line(f"LEFT OUT  {line}", red=True)

    def lines(self) -> Iterator[str]:
        """The table; a row for each contract class, with its name where a connector has several."""
        connectors = [connector for connector, _ in self._cells]
        names = {row: row[0] if connectors.count(row[0]) == 1 else f"{row[0]} {row[1]}" for row in sorted(self._cells)}
        width = max(map(len, names.values()), default=0)
        yield " " * width + "".join(f"  {cell}" for cell in CELLS)
        for row, name in names.items():
            marks = (self._mark(row, cell).center(len(cell)) for cell in CELLS)
            yield (name.ljust(width) + "".join(f"  {mark}" for mark in marks)).rstrip()
        yield "✓ handled   ✗ not handled   · not run   – cannot happen"
        for row, name in names.items():
            for why, cells in _by_reason(self._cannot.get(row, {})).items():
                yield f"  – {name}, {', '.join(cells)}: {why}"

    def _mark(self, row: Row, cell: str) -> str:
        if cell in self._cannot.get(row, {}):
            return "–"
        return _MARKS[self._outcome(row, cell)]

    def _outcome(self, row: Row, cell: str) -> bool | None:
        """Whether it passed; None where it was not run, or not wholly."""
        outcome = self._cells[row].get(cell)
        return None if outcome and cell in self._skipped.get(row, ()) else outcome

    def _left_out(self) -> Iterator[str]:
        tested = {connector for connector, _ in self._cells}
        for name in self._expected:
            if name not in tested:
                yield f"{name} has no contract class: subclass connectors.contract.ConnectorContract in its test"
        for row in sorted(self._cells):
            cannot = self._cannot.get(row, {})
            if cannot and self._off_the_network and row[0] not in self._off_the_network:
                yield f"{row[0]} ({row[1]}) asks over a network, so every cell can happen: take its `cannot` away"
            for cell in CELLS:
                if self._outcome(row, cell) is None and cell not in cannot:
                    yield f"{row[0]} ({row[1]}): not every test for {cell} was run"

    def _is_whole(self, session: pytest.Session) -> bool:
        """Whether this run was asked for all contract tests, and came to its end."""
        config, option = session.config, session.config.option
        chosen = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "collectonly", "stepwise")
        if hasattr(config, "workerinput") or any(getattr(option, name, None) for name in chosen):
            return False
        if session.shouldstop or session.shouldfail or session.exitstatus not in (0, 1):
            return False
        folders = [(config.invocation_params.dir / argument).resolve() for argument in config.args]
        return any(self._suite.is_relative_to(folder) for folder in folders)


def _by_reason(cannot: Mapping[str, str]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for cell, why in cannot.items():
        reasons.setdefault(why, []).append(cell)
    return reasons


def connector_of(contract: type[ConnectorContract], module: object) -> str:
    """The connector that a contract class tests: its module's `connector`."""
    found = getattr(module, "connector", None)
    return found.name if isinstance(found, Connector) else contract.__module__.rpartition(".")[2].removeprefix("test_")


def cells_of(test: pytest.Function) -> list[str]:
    """What this test shows."""
    fault = getattr(test, "callspec", None) and test.callspec.params.get("fault")
    if fault is not None:
        return [FAULT_CELLS[fault]] if fault in FAULT_CELLS else []
    cells = getattr(test.function, "cells", ())
    own = {"deleted": "delete", "edited": "edit"}
    return [
        cell
        for cell in cells
        if cell not in own or getattr(test.cls, own[cell]) is not getattr(ConnectorContract, own[cell])
    ]
