"""`make stress` runs the full form; the ordinary run has a short one."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "stress" in item.path.parts:
            item.add_marker(pytest.mark.stress)


@pytest.fixture
def full(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--stress-full"))
