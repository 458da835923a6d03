"""Rows of files and posts that were sent to us, as mentions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.row import FIELDS, Defaults, mention

COLUMNS = {name: name for name in FIELDS}
DEFAULTS = Defaults(published_at=datetime(2026, 11, 22, tzinfo=UTC), zone=None, platform="import", brand=None)


@pytest.mark.parametrize(
    ("platform", "shown"),
    [("x", "4 & <more"), ("Twitter", "4 & <more"), ("mastodon", "4 &amp; &lt;more"), (None, "4 &amp; &lt;more")],
)
def test_what_was_exported_from_x_is_read_without_its_escapes_and_all_else_as_it_stands(
    platform: str | None, shown: str
) -> None:
    assert mention({"text": "4 &amp; &lt;more", "platform": platform}, COLUMNS, DEFAULTS).text == shown


def test_an_escape_is_taken_off_once() -> None:
    assert mention({"text": "write &amp;lt;", "platform": "x"}, COLUMNS, DEFAULTS).text == "write &lt;"
