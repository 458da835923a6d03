"""The documentation for people who write rules and queries is true: what it shows works, what it lists exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rules.check import check, run_tests
from rules.errors import QueryError
from rules.load import load_packs
from rules.pack import CONDITIONS, EXIT_REASONS, FACTORS, RULE_KEYS
from rules.query import parse
from rules.vocabulary import BuyerStatus, Emotion, Intent, Stage

DOCS = Path(__file__).parents[2] / "docs"
RULES = (DOCS / "rules.md").read_text(encoding="utf-8")
QUERIES = (DOCS / "queries.md").read_text(encoding="utf-8")


def test_the_first_rule_works_from_the_page_alone(tmp_path: Path) -> None:
    found = re.search(r"```toml\n(.*?)```", RULES, re.DOTALL)
    assert found is not None
    (tmp_path / "ours.toml").write_text(found.group(1), encoding="utf-8")
    ruleset = load_packs([tmp_path])
    assert [str(failure) for failure in run_tests(ruleset)] == []
    assert [str(finding) for finding in check(ruleset)] == []


def test_every_key_and_word_of_the_language_is_on_the_page() -> None:
    words = [*RULE_KEYS, *CONDITIONS, *FACTORS, *EXIT_REASONS]
    words += [
        each.value for kind in (Stage, Intent, Emotion, BuyerStatus) for each in kind if each is not Stage.UNCLEAR
    ]
    assert [word for word in words if word not in RULES] == []


PHRASES = [
    row.replace("\\|", "|") for row in re.findall(r"^\| `([^`]+)` \|", RULES[RULES.index("## Phrases") :], re.MULTILINE)
]


def test_every_phrase_on_the_page_can_be_read(tmp_path: Path) -> None:
    phrases = [row for row in PHRASES if "=" not in row[1:]]
    assert len(phrases) >= 10
    listed = ",".join(f"'''{phrase}'''" for phrase in phrases)
    (tmp_path / "p.toml").write_text(
        '[pack]\nname = "p"\nlang = "en"\nabout = "x"\n[groups]\nmachine = ["machine"]\n'
        f'[[rule]]\nid = "p.use.x"\nabout = "x"\nany = [{listed}]\nstage = "use"\nmatches = ["x"]\nignores = ["x"]\n',
        encoding="utf-8",
    )
    assert len(load_packs([tmp_path]).rules[0].any) == len(phrases)


@pytest.mark.parametrize(
    "query", re.findall(r"```\n([^\n]+)\n```", QUERIES) + re.findall(r"^\| `([^`…]+)`", QUERIES, re.MULTILINE)
)
def test_every_query_on_the_page_can_be_read(query: str) -> None:
    query = query.replace("\\|", "|")
    try:
        parse(query)
    except QueryError as error:
        assert "only excludes" in error.what  # noqa: PT017  # the row that shows how to exclude
