"""A message is only as good as its line number."""

import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from listener.config.places import locate
from listener.config.starter import toml_text

TEXT = '''# a comment with [brackets] and "quotes"
top = 1
[brand]
name = "Acme # not a comment"
names = [
  "a",  # one
  "b]", 'c"',
]
rivals = ["A", { name = "B", names = ["b1", "b2"] }]
"quoted key" = """
three
lines"""
dotted.inner."x.y" = 2026-12-25

[[route]]
name = "first"
[[route]]
name = \'\'\'
second\'\'\'
to = ["x"]
[route.more]
deep = { a = { b = 1 } }
[[route.part]]
q = 1
[[route.part]]
q = 2
'''


def test_every_key_and_entry_has_its_line() -> None:
    lines = locate(TEXT)
    assert lines[("top",)] == 2
    assert lines[("brand",)] == 3
    assert lines[("brand", "name")] == 4
    assert [lines[("brand", "names", i)] for i in range(3)] == [6, 7, 7]
    assert lines[("brand", "rivals", 1, "names", 1)] == 9
    assert lines[("brand", "quoted key")] == 10
    assert lines[("brand", "dotted", "inner", "x.y")] == 13
    assert lines[("route", 0)] == 15
    assert lines[("route", 1, "name")] == 18
    assert lines[("route", 1, "to", 0)] == 20
    assert lines[("route", 1, "more", "deep", "a", "b")] == 22
    assert lines[("route", 1, "part", 1, "q")] == 26


def paths(value: Any, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    """Every path in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path} | {found for key, each in inner for found in paths(each, (*path, key))}


def test_every_path_of_a_document_is_found_and_no_other() -> None:
    assert set(locate(TEXT)) | {()} == paths(tomllib.loads(TEXT))


SCALARS = st.one_of(
    st.integers(-9, 9).map(str),
    st.booleans().map(lambda truth: str(truth).lower()),
    st.text(max_size=8).map(toml_text),
    st.text('ab#[]{}=,.\n"', max_size=8).map(lambda text: "'''" + text + "'''"),
    st.text("ab#[]{}=,'.\n", max_size=8).map(lambda text: '"""' + text + '"""'),
)
KEYS = st.one_of(st.sampled_from(["a", "b-1", "c_2"]), st.text(max_size=4).map(toml_text))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda each: "[\n" + ", # x ]\n".join(each) + "]"),
        st.dictionaries(KEYS, inner, max_size=2).map(
            lambda each: "{" + ", ".join(f"{key} = {value}" for key, value in each.items()) + "}"
        ),
    ),
    max_leaves=6,
)
LINES = st.one_of(
    st.tuples(KEYS, VALUES).map(lambda pair: f"{pair[0]} = {pair[1]}"),
    st.tuples(KEYS, KEYS, VALUES).map(lambda part: f"{part[0]} . {part[1]}={part[2]} # c"),
    KEYS.map(lambda key: f"[{key}]"),
    KEYS.map(lambda key: f"[[ {key} ]]"),
    st.tuples(KEYS, KEYS).map(lambda part: f"[{part[0]}.{part[1]}]"),
    st.just(""),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_the_locator_agrees_with_the_parser_on_every_document(lines: list[str], end: str) -> None:
    text = end.join(lines)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        locate(text)  # must not raise either
        return
    assert set(locate(text)) | {()} == paths(document)
