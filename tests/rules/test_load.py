"""Loading packs: everything wrong is told at once, with file, line and remedy, and never as a traceback."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.errors import RulesError
from rules.load import builtin_packs, load_packs
from rules.ruleset import Ruleset

HEAD = '[pack]\nname = "p"\nlang = "en"\nabout = "x"\n'
RULE = '[[rule]]\nid = "p.use.x"\nabout = "X."\nany = ["one two"]\nstage = "use"\nmatches = ["one two"]\nignores = ["three"]\n'


def load(tmp_path: Path, text: str) -> Ruleset:
    pack = tmp_path / "p.toml"
    pack.write_text(text, encoding="utf-8")
    return load_packs([pack])


def test_a_good_pack_loads(tmp_path: Path) -> None:
    ruleset = load(tmp_path, HEAD + RULE)
    assert [rule.id for rule in ruleset.rules] == ["p.use.x"]
    assert ruleset.languages == ("en",)
    assert ruleset.rules[0].line == 5


def test_the_digest_changes_with_any_byte_of_any_pack(tmp_path: Path) -> None:
    one = load(tmp_path, HEAD + RULE).digest
    assert re.fullmatch(r"[0-9a-f]{8}", one)
    assert load(tmp_path, HEAD + RULE).digest == one
    assert load(tmp_path, HEAD + RULE + "# more\n").digest != one


def with_line(line: str, instead_of: str = "") -> str:
    text = HEAD + RULE
    if instead_of:
        return re.sub(rf"(?m)^{re.escape(instead_of)} = .*$", lambda _: line, text)
    return text + line + "\n"


@pytest.mark.parametrize(
    ("text", "line", "what", "remedy"),
    [
        ("x = [", 1, "not TOML", "missing quote"),
        (RULE, 1, "[pack] is missing", "[pack]"),
        (HEAD, 1, "holds no rule", "[[rule]]"),
        (HEAD + "[rules]\n" + RULE, 5, "unknown table 'rules'", "Did you mean 'rule'"),
        (HEAD.replace('"en"', '"english"') + RULE, 3, "no language", "en"),
        (HEAD + "[groups]\ng = []\n" + RULE, 6, "is empty", "words"),
        (HEAD + '[groups]\ng = ["<g>"]\n' + RULE, 6, "contains itself", "Write its words out"),
        (with_line('unles = ["x"]'), 12, "unknown key 'unles'", "Did you mean 'unless'"),
        (with_line('id = "q.use.x"', "id"), 6, "not possible", "p.<stage"),
        (with_line('stage = "usage"', "stage"), 9, "stage is 'usage'", "Did you mean 'use'"),
        (with_line("weight = 9"), 12, "weight is 9", "from 0.5 to 3"),
        (with_line("weight = 'a'"), 12, "weight is 'a'", "from 0.5 to 3"),
        (with_line('touchpoints = ["delivry"]'), 12, "'delivry'", "Did you mean 'delivery'"),
        (with_line('intents = ["complain"]'), 12, "'complain'", "Did you mean 'complaint'"),
        (with_line('emotions = "joy"'), 12, "not a list", '["…"'),
        (with_line('buyer = "seller"'), 12, "buyer is 'seller'", "buyer"),
        (with_line("sentiment = 2"), 12, "sentiment is 2", "-1 to 1"),
        (with_line("negatable = 1"), 12, "negatable is 1", "true, false"),
        (with_line('urgency = "high"'), 12, "not a table", "floor"),
        (with_line('urgency = { factor = "blockd", points = 5 }'), 12, "blockd", "Did you mean 'blocked'"),
        (with_line('urgency = { factor = "blocked", points = 500 }'), 12, "points is 500", "0 to 40"),
        (with_line('urgency = { factor = "blocked" }'), 12, "belong together", "points"),
        (with_line('urgency = { floor = "hi" }'), 12, "floor is 'hi'", "high"),
        (with_line('exit_reason = "prize"'), 12, "'prize'", "Did you mean 'price'"),
        (with_line("when = { rating_max = 2 }"), 12, "unknown condition", "rating_at_most"),
        (with_line("when = { rating_at_most = 'two' }"), 12, "rating_at_most is 'two'", "number"),
        (with_line("when = { in_question = 1 }"), 12, "in_question is 1", "true, false"),
        (with_line('when = { kind_is = "review" }'), 12, "not a list", '["…"'),
        (with_line("when = 3"), 12, "not a table", "rating_at_most"),
        (with_line('with_scope = "post"'), 12, "with_scope is 'post'", "sentence, text"),
        (with_line("matches = []", "matches"), 10, "'matches' is missing", "at least one post"),
        (with_line("ignores = [3]", "ignores"), 11, "is no test", "text ="),
        (with_line('ignores = [{ text = "a", follower = 1 }]', "ignores"), 11, "unknown fact", "followers"),
        (with_line("any = []", "any"), 8, "is empty", "phrase"),
        (with_line("", "any"), 5, "neither 'any' nor 'when'", "any ="),
        (with_line("", "stage"), 5, "says nothing", "stage"),
        (with_line('any = ["one", "(two"]', "any"), 8, "')' is missing", "pairs"),
        (with_line('any = ["one <grp>"]', "any"), 8, "not a group", "[groups]"),
        (with_line('any = ["{bran} x"]', "any"), 8, "unknown", "Did you mean 'brand'"),
        (with_line('any = ["…"]', "any"), 8, "no word", "Add a word"),
        (with_line('any = ["ab*"]', "any"), 8, "too short", "3 letters"),
        (with_line('any = ["a*b"]', "any"), 8, "stands inside", "end of a word"),
        (with_line('any = ["a …99 b"]', "any"), 8, "not possible", "…10"),
        (with_line('any = ["a? b"]', "any"), 8, "stands inside", "at the end"),
        (with_line('any = ["a|b"]', "any"), 8, "outside brackets", "(a|b)"),
        (with_line('any = ["a (|b)"]', "any"), 8, "empty", "[word]"),
        (with_line('any = ["imbattuto/a"]', "any"), 8, "uses '/'", "imbattuto(a)"),
        (with_line('any = ["((((((a))))))"]', "any"), 8, "deeper", "group"),
        (with_line('any = ["=two-words"]', "any"), 8, "single word", "before the one"),
        (HEAD + RULE + RULE, 12, "is taken", "id of its own"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_remedy(
    tmp_path: Path, text: str, line: int, what: str, remedy: str
) -> None:
    with pytest.raises(RulesError) as caught:
        load(tmp_path, text)
    problems = caught.value.problems
    assert all(problem.file.endswith("p.toml") for problem in problems)
    found = [problem for problem in problems if what in problem.what]
    assert found, str(caught.value)
    assert found[0].line == line, str(caught.value)
    assert remedy in found[0].remedy, str(caught.value)
    assert str(found[0]) in str(caught.value)


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(HEAD + RULE.replace('"use"', '"usage"'), encoding="utf-8")
    (tmp_path / "b.toml").write_text("x = [", encoding="utf-8")
    (tmp_path / "c.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RulesError) as caught:
        load_packs([tmp_path, tmp_path / "missing.toml"])
    assert [Path(problem.file).name for problem in caught.value.problems] == [
        "missing.toml",
        "a.toml",
        "b.toml",
        "c.toml",
    ]


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="holds no pack"):
        load_packs([tmp_path])


def test_touchpoints_of_the_configuration_are_allowed(tmp_path: Path) -> None:
    pack = tmp_path / "p.toml"
    pack.write_text(with_line('touchpoints = ["cabin"]'), encoding="utf-8")
    assert load_packs([pack], touchpoints=["cabin"]).rules[0].evidence.touchpoints == ("cabin",)


def test_the_packs_that_ship_are_found() -> None:
    assert all(pack.name.endswith(".toml") for pack in builtin_packs())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=2)
    ),
    max_leaves=5,
)
KEYS = st.sampled_from(
    ["id", "any", "with", "unless", "when", "stage", "urgency", "touchpoints", "matches", "ignores", "weight", "x"]
)


def toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + "}"
    return '"' + "".join(f"\\U{ord(c):08x}" if not 0xD800 <= ord(c) < 0xE000 else "?" for c in str(value)) + '"'


@given(st.dictionaries(KEYS, VALUES, max_size=6))
@settings(max_examples=100)
def test_a_rule_of_anything_loads_or_raises_rules_errors(
    tmp_path_factory: pytest.TempPathFactory, rule: dict[str, object]
) -> None:
    pack = tmp_path_factory.mktemp("any") / "p.toml"
    pack.write_text(
        HEAD + "[[rule]]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in rule.items()), encoding="utf-8"
    )
    with contextlib.suppress(RulesError):
        load_packs([pack])


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
@settings(max_examples=60)
def test_a_file_of_anything_loads_or_raises_rules_errors(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    pack = tmp_path_factory.mktemp("any") / "p.toml"
    pack.write_bytes(content)
    with contextlib.suppress(RulesError):
        load_packs([pack])
