"""What a run of the contract suite prints, and when it fails for what was left out; each on a small suite of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = """
from pathlib import Path
from connectors.matrix import Matrix

def pytest_configure(config):
    Matrix.join(config, Path(__file__).parent, ["small"], ["small"])
"""
# The suite with its outcomes said beforehand: what the real tests find out is not the subject here.
SUITE = """
import inspect
import pytest
from connectors.contract import ConnectorContract, FAULTS

FAILS, SKIPS = set(), set()

def happen(name):
    if name in SKIPS:
        pytest.skip("not today")
    assert name not in FAILS

def quick(test):
    if "fault" in inspect.signature(test).parameters:
        def stub(self, fault):
            happen(fault)
    else:
        def stub(self):
            happen(test.__name__)
    stub.cells = getattr(test, "cells", ())
    return stub

class TestContract(ConnectorContract):
    def delete(self, fake, external_id): pass
    def edit(self, fake, external_id): pass

for name, test in vars(ConnectorContract).items():
    if name.startswith("test_"):
        setattr(TestContract, name, quick(test))
"""


def small(folder: Path, more: str = "", *arguments: str, conftest: str = CONFTEST) -> tuple[int, str]:
    """The exit code and the end of the output of a run of the small suite."""
    (folder / "conftest.py").write_text(conftest)
    (folder / "test_small.py").write_text(SUITE + more)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", *(arguments or ("-n", "0"))],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def row(output: str, name: str = "small") -> list[str]:
    return next(line.split()[1:] for line in output.splitlines() if line.startswith(name + " "))


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_whole_run_that_passes_shows_every_column(tmp_path: Path, workers: str) -> None:
    code, output = small(tmp_path, "", "-n", workers)
    assert (code, row(output)) == (0, ["✓"] * 11)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_one_outcome_that_fails_marks_its_column(tmp_path: Path, workers: str) -> None:
    code, output = small(tmp_path, "FAILS.add('503')", "-n", workers)
    assert (code, row(output)) == (1, ["✓"] * 4 + ["✗"] + ["✓"] * 6)


@pytest.mark.parametrize(
    "skips",
    [
        "SKIPS.add('reset')",
        (
            "TestContract.test_a_fault_in_the_first_poll_loses_nothing = "
            "pytest.mark.skip(TestContract.test_a_fault_in_the_first_poll_loses_nothing)"
        ),
    ],
    ids=["both", "one of two"],
)
def test_a_column_of_which_a_test_was_skipped_fails_the_run(tmp_path: Path, skips: str) -> None:
    code, output = small(tmp_path, skips)
    assert code == 1
    assert row(output)[7] == "·"
    assert "LEFT OUT  small (TestContract): not every test for reset was run" in output


@pytest.mark.parametrize(
    "change",
    [
        "TestContract.faults = {k: v for k, v in FAULTS.items() if k != 'html'}",
        "del TestContract.edit",
        (
            "for name in ('whatever_is_interrupted_nothing_is_lost', 'a_fault_between_two_pages_keeps_what_was_read'):"
            " setattr(TestContract, f'test_{name}', None)"
        ),
    ],
    ids=["HTML page", "edited", "restart"],
)
def test_a_column_that_a_connector_leaves_out_fails_the_run(
    tmp_path: Path, change: str, request: pytest.FixtureRequest
) -> None:
    column = request.node.callspec.id
    code, output = small(tmp_path, change)
    assert code == 1
    assert f"LEFT OUT  small (TestContract): not every test for {column} was run" in output


def test_what_cannot_happen_is_shown_with_its_reason_where_nobody_is_asked_over_a_network(tmp_path: Path) -> None:
    said = "del TestContract.edit\nTestContract.cannot = {'edited': 'it is carved in stone'}"
    code, output = small(tmp_path, said)
    assert (code, row(output)[10]) == (0, "–")
    assert "– small, edited: it is carved in stone" in output
    code, output = small(tmp_path, said, conftest=CONFTEST.replace('["small"])', '["another"])'))
    assert code == 1
    assert "asks over a network, so every cell can happen" in output


def test_an_installed_connector_without_a_contract_class_fails_the_run(tmp_path: Path) -> None:
    code, output = small(tmp_path, conftest=CONFTEST.replace('["small"], ', '["small", "absent"], '))
    assert code == 1
    assert "LEFT OUT  absent has no contract class" in output


def test_a_run_of_chosen_tests_is_not_expected_to_be_whole(tmp_path: Path) -> None:
    for arguments in (("-k", "reset"), ("test_small.py",), ("--deselect", "test_small.py::TestContract")):
        code, output = small(tmp_path, "", "-n", "0", *arguments)
        assert code in (0, 5), output
        assert "LEFT OUT" not in output
