"""How fast a page is stored and a notification is claimed and marked, on SQLite and on PostgreSQL.

    python -m bench.store_speed [mentions] [mentions per page]

Reading the figures: a mention costs its row, its verdict, its share of a case and a notification, all durable on
SQLite (WAL, synchronous=NORMAL) and on a PostgreSQL without fsync, which flatters it. One writer at a time is the
design, so mentions/s is the ceiling of the whole daemon; a busy brand has a few a minute.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from connectors.base import Author
from listener.model import Receipt
from listener.store import Store
from tests import postgres
from tests.fakes.story import NOON, page, post, settle_to, triaged

TTL = timedelta(minutes=5)
CLAIMS = 500


def measure(url: str, mentions: int, per_page: int) -> dict[str, float]:
    """Seconds for each kind of work; the database must be empty."""
    posts = [triaged(post(number, author=Author(f"a{number // 3}"))) for number in range(mentions)]
    pages = [posts[start : start + per_page] for start in range(0, mentions, per_page)]
    with Store.open(url) as store:
        store.migrate()
        store.register_sources({"forum": "replay"}, NOON)
        lease = store.lease("forum", "bench", NOON, TTL)
        assert lease is not None
        settle = settle_to("console")

        def write() -> None:
            for one in pages:
                store.record_page(lease, page(one), one, settle, NOON)

        def deliver() -> None:
            for _ in range(CLAIMS):
                delivery = store.claim("console", "bench", NOON, TTL)
                assert delivery is not None
                store.mark_sent(delivery.id, "bench", Receipt({}), NOON)

        def count() -> None:
            assert sum(1 for _ in store.counted(NOON, NOON + timedelta(days=999))) == mentions

        return {
            "new mentions": mentions / _seconds(write),
            "known mentions": mentions / _seconds(write),
            "claimed and marked": CLAIMS / _seconds(deliver),
            "idle claims": 1000 / _seconds(lambda: [store.claim("nobody", "bench", NOON, TTL) for _ in range(1000)]),
            "counted": mentions / _seconds(count),
            "counted by week": mentions / _seconds(lambda: store.weekly(NOON, NOON + timedelta(days=999), [NOON])),
        }


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    """Print rows a second."""
    given = [int(word) for word in sys.argv[1:3]]
    mentions, per_page = (*given, *(10_000, 100)[len(given) :])
    print(f"{mentions} mentions of {-(-mentions // 3)} authors in pages of {per_page}; rows a second")
    with tempfile.TemporaryDirectory() as folder:
        _print("SQLite", measure(f"sqlite:///{Path(folder) / 'listener.db'}", mentions, per_page))
    try:
        with postgres.server() as databases:
            url = databases.empty()
            _print("PostgreSQL", measure(url, mentions, per_page))
            databases.drop(url)
    except postgres.NoPostgres as reason:
        print(f"PostgreSQL  {reason}")


def _print(database: str, figures: dict[str, float]) -> None:
    print("\n".join(f"{database:11}{name:20}{figure:>10,.0f}" for name, figure in figures.items()))


if __name__ == "__main__":
    main()
