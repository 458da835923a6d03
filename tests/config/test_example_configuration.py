"""`config.example.toml` holds every key, runs as it is, and still loads when everything in it is switched on."""

import re
import tomllib
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.base import SourceSettings
from listener.config import parse_config, starter_config
from listener.config.phrases import keys_of
from listener.config.schema import LISTS, RECEIVERS, TABLES
from listener.plugins import connectors
from tests.fakes.catalogue import CATALOGUE

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
SWITCHED_OFF = re.compile(r"#(?=[\[a-z])")
INSTEAD = re.compile(r"  # instead of (\w+)$")


def switched_on(text: str) -> str:
    """The example with every key on, except those that stand for another one."""
    lines = [SWITCHED_OFF.sub("", line, count=1) if SWITCHED_OFF.match(line) else line for line in text.splitlines()]
    return "\n".join(line for line in lines if not INSTEAD.search(line))


def alternatives(text: str) -> list[str]:
    """For each key that stands for another one: the example with every key on and that exchange made."""
    lines = [SWITCHED_OFF.sub("", line, count=1) if SWITCHED_OFF.match(line) else line for line in text.splitlines()]
    found = []
    for index, line in enumerate(lines):
        if instead := INSTEAD.search(line):
            before = [i for i in range(index) if lines[i].startswith(f"{instead[1]} = ")][-1]
            exchanged = [*lines[:before], line, *lines[before + 1 : index], *lines[index + 1 :]]
            found.append("\n".join(each for i, each in enumerate(exchanged) if i == before or not INSTEAD.search(each)))
    return found


def test_the_example_is_what_init_writes() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == starter_config()


def test_the_example_runs_as_it_is_without_an_account() -> None:
    config = parse_config(EXAMPLE.read_text(), EXAMPLE, connectors())
    assert config.warnings == ()
    assert [source.connector for source in config.sources] == ["hackernews"]
    assert {receiver.type for receiver in config.receivers} == {"console"}


def test_the_example_loads_with_every_key_switched_on() -> None:
    config = parse_config(switched_on(EXAMPLE.read_text()), EXAMPLE, connectors())
    assert {receiver.type for receiver in config.receivers} == set(RECEIVERS)
    assert {source.connector for source in config.sources} == set(connectors())


def test_the_example_loads_with_each_alternative() -> None:
    texts = alternatives(EXAMPLE.read_text())
    assert len(texts) >= 6
    for text in texts:
        parse_config(text, EXAMPLE, connectors())


def test_every_key_stands_in_the_example() -> None:
    documents = [tomllib.loads(text) for text in (switched_on(EXAMPLE.read_text()), *alternatives(EXAMPLE.read_text()))]

    def missing(kind: str, keys: tuple[str, ...], tables: list[dict[str, Any]]) -> list[str]:
        return [f"{kind}.{key}" for key in keys if not any(key in table for table in tables)]

    found = [
        key for name, model in TABLES.items() for key in missing(name, keys_of(model), [d[name] for d in documents])
    ]
    for name in ("source", "account", "route"):
        found += missing(name, keys_of(LISTS[name]), [table for d in documents for table in d[name]])
    for kind, model in RECEIVERS.items():
        tables = [table for d in documents for table in d["receiver"] if table["type"] == kind]
        found += missing(kind, keys_of(model), tables)
    common = keys_of(LISTS["source"])
    found += missing("source", tuple(SourceSettings.model_fields), [table for d in documents for table in d["source"]])
    for name, installed in connectors().items():
        tables = [table for d in documents for table in d["source"] if table["connector"] == name]
        own = tuple(
            key for key in keys_of(installed.load().settings) if key not in (*common, *SourceSettings.model_fields)
        )
        found += missing(name, own, tables)
    assert found == []


def test_every_default_in_the_example_is_the_program_s_own() -> None:
    tables = tomllib.loads(switched_on(EXAMPLE.read_text()))
    for name, key in (
        ("listener", "alert_max_age"),
        ("listener", "log_level"),
        ("listener", "log_format"),
        ("listener", "interface_language"),
        ("listener", "workers"),
        ("digest", "enabled"),
        ("digest", "day"),
        ("digest", "time"),
        ("digest", "folder"),
        ("rules", "builtin"),
    ):
        model = TABLES[name]
        needed = {"name": "x"} if name == "brand" else {}
        assert getattr(model.model_validate(needed), key) == getattr(
            model.model_validate(needed | {key: tables[name][key]}), key
        ), f"{name}.{key}"


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cc"]), min_size=1, max_size=50).filter(str.strip))
@example('Ben "and" Jerry\\')
@example("@TIMEZONE@")
@example("\u202e\ud800’ & Söhne")
def test_a_starter_for_any_brand_loads(brand: str) -> None:
    config = parse_config(starter_config(brand, "America/New_York", ("en",)), Path("listener.toml"), CATALOGUE)
    assert config.brand.name == brand.encode("utf-8", "replace").decode().strip()
    assert config.brand.languages == ("en",)
