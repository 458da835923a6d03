"""The tests inside the packs that ship with the program: every example of every rule."""

from __future__ import annotations

import pytest

from rules.check import example_engine, examples, run_example
from rules.load import builtin_packs, load_packs
from rules.ruleset import Example, Rule

RULESET = load_packs(builtin_packs())
ENGINE = example_engine(RULESET)
EXAMPLES = [
    pytest.param(rule, example, wanted, id=f"{rule.id}-{'matches' if wanted else 'ignores'}-{n}")
    for rule in RULESET.rules
    for n, (example, wanted) in enumerate(examples(rule))
]


@pytest.mark.parametrize(("rule", "example", "wanted"), EXAMPLES)
def test_an_example_comes_out_as_its_pack_says(rule: Rule, example: Example, wanted: bool) -> None:
    failure = run_example(ENGINE, rule, example, wanted)
    assert failure is None, str(failure)
