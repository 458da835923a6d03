"""The tests inside packs, and lint."""

from __future__ import annotations

from pathlib import Path

from rules.check import check, coverage, example_engine, run_tests
from rules.facts import Facts
from rules.load import load_packs
from rules.ruleset import Ruleset

HEAD = '[pack]\nname = "p"\nlang = "en"\nabout = "x"\n'


def rule(
    name: str, any_: str, matches: str = '["late parcel"]', ignores: str = '["hello"]', more: str = 'stage = "purchase"'
) -> str:
    return f'[[rule]]\nid = "p.x.{name}"\nabout = "x"\nany = {any_}\n{more}\nmatches = {matches}\nignores = {ignores}\n'


def load(tmp_path: Path, *rules: str) -> Ruleset:
    (tmp_path / "p.toml").write_text(HEAD + "".join(rules), encoding="utf-8")
    return load_packs([tmp_path])


def kinds(ruleset: Ruleset, *posts: Facts) -> list[tuple[str, str]]:
    return [(finding.kind, finding.rule.rpartition(".")[2]) for finding in check(ruleset, posts)]


def test_examples_that_hold_are_not_mentioned(tmp_path: Path) -> None:
    assert run_tests(load(tmp_path, rule("a", '["late parcel"]'))) == []


def test_examples_that_do_not_hold_are_told_both_ways(tmp_path: Path) -> None:
    failures = run_tests(
        load(tmp_path, rule("a", '["late parcel"]', matches='["my parcel"]', ignores='["a late parcel!"]'))
    )
    assert [(failure.expected, failure.words) for failure in failures] == [("match", ""), ("no match", "late parcel")]
    assert "p.toml:5" in str(failures[0])
    assert "Narrow" in str(failures[1])


def test_examples_meet_the_conditions_of_their_rule(tmp_path: Path) -> None:
    when = (
        "when = { followers_at_least = 5, rating_at_most = 2, sentiment_below = -0.2, in_reply_to_brand = true, "
        'platform_is = ["x"], kind_is = ["review"] }\nstage = "use"'
    )
    assert run_tests(load(tmp_path, rule("a", '["late"]', more=when))) == []


def test_an_example_may_state_its_own_facts(tmp_path: Path) -> None:
    ruleset = load(
        tmp_path,
        rule(
            "a", '["from {brand}"]', matches='[{ text = "from you", in_reply_to_brand = true }]', ignores='["from you"]'
        ),
    )
    assert [failure.text for failure in run_tests(ruleset)] == [
        "from you"
    ]  # "from" alone says too little without the name
    ruleset = load(
        tmp_path,
        rule("a", '["bought from {brand}"]', matches='[{ text = "bought from you", in_reply_to_brand = true }]'),
    )
    assert run_tests(ruleset) == []


def test_lint_is_silent_on_a_good_pack(tmp_path: Path) -> None:
    assert (
        kinds(load(tmp_path, rule("a", '["late parcel"]'), rule("b", '["broken screen"]', matches='["broken screen"]')))
        == []
    )


def test_lint_finds_a_dead_rule(tmp_path: Path) -> None:
    assert kinds(load(tmp_path, rule("a", '["later parcel"]'))) == [("dead", "a")]


def test_lint_finds_a_shadowed_rule(tmp_path: Path) -> None:
    two = '["late parcel", "late parcel again"]'
    ruleset = load(
        tmp_path, rule("a", '["late parcel"]', matches=two), rule("b", '["parcel"]', matches='["parcel", "my parcel"]')
    )
    assert ("shadowed", "a") in kinds(ruleset)
    assert ("shadowed", "b") not in kinds(ruleset)


def test_lint_finds_the_same_phrase_in_two_rules_and_twice_in_one(tmp_path: Path) -> None:
    ruleset = load(
        tmp_path, rule("a", '["late parcel", "late parcel"]'), rule("b", '["Late parcel!"]', more='stage = "use"')
    )
    found = check(ruleset)
    assert [(finding.kind, finding.rule) for finding in found if finding.kind == "overlap"] == [
        ("overlap", "p.x.a"),
        ("overlap", "p.x.b"),
    ]
    assert "disagree about the stage" in found[-1].remedy


def test_lint_finds_a_phrase_that_a_shorter_one_makes_superfluous(tmp_path: Path) -> None:
    found = check(load(tmp_path, rule("a", '["parcel", "late parcel"]')))
    assert [finding.what for finding in found] == ["phrase 'late parcel' adds nothing to 'parcel'"]


def test_lint_finds_phrases_that_every_post_tries(tmp_path: Path) -> None:
    ruleset = load(
        tmp_path, rule("a", '["{brand} … {n}", "(it|this|that|the) … (is|was|are)"]', matches='["acme 3", "this is"]')
    )
    assert kinds(ruleset) == [("slow", "a"), ("slow", "a")]


def test_lint_finds_rules_that_no_post_fires(tmp_path: Path) -> None:
    ruleset = load(tmp_path, rule("a", '["late parcel"]'), rule("b", '["broken"]', matches='["broken"]'))
    assert kinds(ruleset, Facts("late parcel", "en")) == [("silent", "b")]
    assert coverage(example_engine(ruleset), [Facts("late parcel", "en")] * 3) == {"p.x.a": 3}
