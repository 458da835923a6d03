"""The page about the configuration is written from the schema, and says everything."""

from listener.config.phrases import keys_of
from listener.config.schema import LISTS, RECEIVERS, TABLES
from listener.plugins import connectors
from tests.config.reference import PAGE, render
from tests.fakes.catalogue import CATALOGUE


def ours() -> dict[str, object]:
    return {name: installed.load() for name, installed in connectors().items() if installed.distribution == "listener"}


def test_the_page_says_what_the_program_does() -> None:
    remedy = "run `python -m tests.config.reference`"
    assert PAGE.read_text(encoding="utf-8") == render(ours()), remedy


def test_every_key_has_a_row_and_every_row_a_meaning() -> None:
    page = render({name: installed.load() for name, installed in CATALOGUE.items()})
    for model in (*TABLES.values(), *LISTS.values(), *RECEIVERS.values()):
        for key in keys_of(model):
            assert f"| `{key}` |" in page
    core = page.partition("### connector")[0] + page.partition("## `[[receiver]]")[2]
    without = [line for line in core.splitlines() if line.startswith("| `") and line.endswith("|  |")]
    assert without == []
