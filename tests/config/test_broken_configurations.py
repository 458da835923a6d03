"""One file per way to be wrong; its first line is the sentence that a user must read ("…" at its end: and more)."""

from pathlib import Path

import pytest

from listener.config import ConfigError, load_config
from tests.fakes.catalogue import CATALOGUE

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.toml"))


def test_there_are_at_least_twelve_ways_to_be_wrong() -> None:
    assert len(BROKEN) >= 12


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_configuration_is_answered_with_one_sentence_that_names_place_and_remedy(path: Path) -> None:
    expected = path.read_text().splitlines()[0].removeprefix("# ")
    with pytest.raises(ConfigError) as caught:
        load_config(path, CATALOGUE)
    said = str(caught.value).removeprefix(f"{path}:").lstrip()
    if expected.endswith("…"):
        assert said.startswith(expected.removesuffix("…"))
    else:
        assert said == expected


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_configuration_says_what_to_do(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(path, CATALOGUE)
    assert all(problem.remedy for problem in caught.value.problems)


def test_a_secret_that_was_written_into_the_file_is_not_repeated() -> None:
    for path in BROKEN:
        with pytest.raises(ConfigError) as caught:
            load_config(path, CATALOGUE)
        assert "not-a-real-token" not in str(caught.value)
        assert "hunter2" not in str(caught.value)
