"""What near copies cost: finding them among recent texts, and a page that is stored with and without them.

    python -m bench.copies_speed [recent texts] [posts of a page]

Reading the figures: "compared" is done before the page's transaction, with no lock held; "in the transaction" is what other
writers wait for. The texts are as long as a short post (about 100 characters), in one language, which is the worst case: only
texts of the same language are compared. "all copies" is a page on which everybody posts one text.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors.base import Author
from listener.cases.clock import ServiceHours
from listener.cases.routing import Route
from listener.cases.settle import Settler
from listener.cases.telling import Rules
from listener.model import Triaged
from listener.store import Store, pages
from listener.store.copies import NOTHING_ALIKE, RecentTexts
from listener.store.engine import writing
from tests import postgres
from tests.fakes.story import NOON, page, post, triaged

RULES = Rules((Route("all", ("care",)),), ServiceHours(ZoneInfo("UTC")), alert_max_age=timedelta(days=30))
TTL = timedelta(hours=5)
CHANCE = random.Random(7)
WORDS = ["".join(CHANCE.choices("abcdefghijklmnoprstuvw", k=CHANCE.randint(2, 10))) for _ in range(4000)]


def measure(url: str, recent: int, size: int) -> dict[str, float]:
    """Milliseconds of each kind of work; the database must be empty."""
    now = NOON + timedelta(days=3)
    with Store.open(url) as store:
        store.migrate()
        store.register_sources({"forum": "replay"}, NOON)
        lease = store.lease("forum", "bench", now, TTL)
        assert lease is not None
        settle = Settler("forum", RULES)
        for start in range(0, recent, 500):
            posts = [said(number) for number in range(start, min(start + 500, recent))]
            with writing(store.engine) as connection:
                pages.record(connection, lease, page(posts), posts, settle, now)
        texts = RecentTexts()
        begun = time.perf_counter()
        texts.alike(store.engine, [said(recent)], now)
        figures = {"first load": (time.perf_counter() - begun) * 1000}
        number = recent
        for name, text in (("unlike", ""), ("all copies", sentence())):
            for folding in ("", " without folding"):
                posts = [said(number := number + 1, text) for _ in range(size)]
                begun = time.perf_counter()
                alike = texts.alike(store.engine, posts, now)
                compared = time.perf_counter()
                with writing(store.engine) as connection:
                    pages.record(
                        connection, lease, page(posts), posts, settle, now, NOTHING_ALIKE if folding else alike
                    )
                if not folding:
                    figures[f"{name}: compared"] = (compared - begun) * 1000
                figures[f"{name}: in the transaction{folding}"] = (time.perf_counter() - compared) * 1000
        return figures


def sentence() -> str:
    return " ".join(CHANCE.choices(WORDS, k=16))


def said(number: int, text: str = "") -> Triaged:
    return triaged(post(number, text=text or sentence(), author=Author(f"a{number}"), published_at=NOON))


def main() -> None:
    """Print milliseconds."""
    given = [int(word) for word in sys.argv[1:3]]
    recent, size = (*given, *(20_000, 100)[len(given) :])
    print(f"{recent} recent texts, a page of {size}; milliseconds")
    with tempfile.TemporaryDirectory() as folder:
        _print("SQLite", measure(f"sqlite:///{Path(folder) / 'listener.db'}", recent, size))
    try:
        with postgres.server() as databases:
            url = databases.empty()
            _print("PostgreSQL", measure(url, recent, size))
            databases.drop(url)
    except postgres.NoPostgres as reason:
        print(f"PostgreSQL  {reason}")


def _print(database: str, figures: dict[str, float]) -> None:
    print("\n".join(f"{database:11}{name:45}{figure:>8,.1f}" for name, figure in figures.items()))


if __name__ == "__main__":
    main()
