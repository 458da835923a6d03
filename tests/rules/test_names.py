"""Names of rules, read without the rules."""

from __future__ import annotations

from pathlib import Path

from rules.load import builtin_packs, load_packs
from rules.names import Name, speaking


def test_the_names_read_cheaply_are_those_that_the_rules_themselves_would_leave() -> None:
    rules = load_packs(builtin_packs()).rules
    leave = {Name(rule.id, rule.lang) for rule in rules if rule.evidence.label or rule.evidence.floor is not None}
    assert 0 < len(leave) < len(rules)
    assert set(speaking(builtin_packs())) == leave


def test_a_pack_that_cannot_be_read_holds_no_names(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("[pack\n")
    (tmp_path / "odd.toml").write_text('rule = 3\n[pack]\nlang = "en"\n')
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    assert speaking([tmp_path, tmp_path / "nowhere"]) == []
