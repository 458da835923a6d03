"""The published schema is what the program writes.

`LISTENER_GOLDEN=write pytest tests/digest` writes docs/digest.schema.json anew; a field that changed its meaning or went
away needs another `SCHEMA_VERSION`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import jsonschema
import pytest

from listener.digest import form
from listener.digest.figures import Digest
from tests.digest.test_digest_forms import WEEKS

SCHEMA = Path(__file__).parents[2] / "docs" / "digest.schema.json"


def test_the_published_schema_is_the_program_s() -> None:
    text = json.dumps(form.schema(), ensure_ascii=False, indent=1) + "\n"
    if os.environ.get("LISTENER_GOLDEN") == "write":
        SCHEMA.write_text(text, encoding="utf-8")
    assert text == SCHEMA.read_text(encoding="utf-8")


@pytest.mark.parametrize("make", WEEKS.values(), ids=WEEKS)
def test_every_digest_fits_the_schema(make: Callable[[], Digest]) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(form.as_json(make())), schema, format_checker=jsonschema.FormatChecker())


def test_what_is_missing_or_of_another_kind_does_not_fit() -> None:
    schema, data = form.schema(), form.as_data(WEEKS["busy"]())
    for change in (
        lambda bad: bad.pop("headline"),
        lambda bad: bad["stages"][0]["tally"].update(authors="many"),
        lambda bad: bad.update(schema_version=99),
        lambda bad: bad["total"].update(net="0.5"),
    ):
        bad = deepcopy(data)
        change(bad)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)
