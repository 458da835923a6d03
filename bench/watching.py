"""What watching costs: one reading of the vitals and one scrape, on a database with a long history.

    python -m bench.watching [mentions]

Reading the figures: `vitals` is what `health`, `/readyz` and `/metrics` ask the database, `scrape` a whole GET of
/metrics that had to ask it (others within five seconds cost the last column). Both must not grow with what is stored; run it
with 10000 and with 1000000 to see. Rows are written past the store's methods, so only their number and spread is real.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import sqlalchemy as sa

from listener import troubles
from listener.config import Config, parse_config
from listener.store import Store
from listener.watch.door import FRESH, Watch, WatchDoor
from listener.watch.pulse import Pulse
from tests import postgres
from tests.fakes.catalogue import CATALOGUE
from tests.fakes.story import NOON, page, post, settle_to, triaged

ROUNDS = 30
CONFIG = '[brand]\nname = "Acme"\n[digest]\nenabled = false\n[[route]]\nname = "all"\nto = ["r0"]\n'
CONFIG += "".join(f'[[source]]\nname = "s{number}"\nconnector = "hackernews"\n' for number in range(20))
CONFIG += "".join(f'[[receiver]]\nname = "r{number}"\ntype = "console"\n' for number in range(5))


def fill(store: Store, mentions: int) -> None:
    """One real mention, then copies of all its rows: a case for every second one, told to one of five receivers."""
    store.register_sources({f"s{number}": "hackernews" for number in range(20)}, NOON)
    lease = store.lease("s0", "bench", NOON, timedelta(minutes=5))
    assert lease is not None
    one = [triaged(post(1))]
    store.record_page(lease, page(one), one, settle_to("r0"), NOON)
    store.finish(lease, NOON, NOON)
    store.set_meta("heartbeat", {"at": NOON.isoformat(), "owner": "bench"})
    with store.engine.begin() as connection:
        numbers = (
            f"(WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {mentions}) SELECT i FROM n)"
            if store.kind == "sqlite"
            else f"generate_series(2, {mentions})"
        )
        text = "CAST(i AS TEXT)"
        hash_ = "(i % 97) * 62 % 97"  # scatters, the same on both
        changed = {
            "case_": {"id": "i", "ref": f"'c-' || {text}", "author_key": f"'forum:a' || {text}",
                      "state": f"CASE WHEN {hash_} < 60 THEN 'resolved' WHEN {hash_} < 90 THEN 'new' ELSE 'claimed' END",
                      "urgency": "i % 4", "thread_key": f"'forum:t' || {text}"},
            "mention": {"id": "i", "ref": f"'m' || {text}", "external_id": f"'e' || {text}", "source": "'s' || CAST(i % 20 AS TEXT)",
                        "author_key": f"'forum:a' || {text}", "case_id": "CASE WHEN i % 2 = 0 THEN i END"},
            "verdict": {"mention_id": "i"},
            "notification": {"id": "i", "key": f"'k' || {text}", "receiver": "'r' || CAST(i % 5 AS TEXT)", "case_id": "i", "mention_id": "i",
                             "urgency": "i % 4", "attempts": "CASE WHEN i % 3 = 0 THEN 1 ELSE 0 END",
                             "state": f"CASE WHEN {hash_} < 70 THEN 'sent' WHEN {hash_} < 80 THEN 'folded' WHEN {hash_} < 82 THEN 'dead' ELSE 'pending' END"},
        }  # fmt: skip
        for table in ("case_", "mention", "verdict", "notification"):
            columns = [row["name"] for row in sa.inspect(connection).get_columns(table)]
            source = "mention_id = 1" if table == "verdict" else "id = 1"
            where = "i % 2 = 0" if table in ("case_", "notification") else "TRUE"
            selected = ", ".join(changed[table].get(name, f'"{name}"') for name in columns)
            named = ", ".join(f'"{name}"' for name in columns)
            connection.exec_driver_sql(
                f"INSERT INTO {table} ({named}) SELECT {selected} FROM {table}, {numbers} AS numbers WHERE {source} AND {where}"
                if store.kind == "sqlite"
                else f"INSERT INTO {table} ({named}) SELECT {selected} FROM {table}, {numbers} AS numbers(i) WHERE {source} AND {where}".replace(
                    "% ", "%% "
                )
            )
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE" if store.kind == "sqlite" else "VACUUM ANALYZE")


def measure(store: Store, config: Config) -> dict[str, list[float]]:
    """Milliseconds, ROUNDS of each."""
    now = [0.0]
    watch = Watch(lambda at: troubles.vitals(store, at, config), config, Pulse(), lambda: NOON, lambda: now[0])
    door = WatchDoor(watch, 0)
    door.start()
    address = f"http://127.0.0.1:{door.port}/metrics"
    try:
        with httpx.Client(trust_env=False, timeout=60) as client:

            def scrape() -> None:
                now[0] += FRESH
                assert client.get(address).status_code == 200

            return {
                "vitals": _times(lambda: troubles.vitals(store, NOON, config)),
                "scrape": _times(scrape),
                "scrape, known": _times(lambda: client.get(address)),
            }
    finally:
        door.stop()


def _times(work: Callable[[], object]) -> list[float]:
    work()
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        times.append((time.perf_counter() - begun) * 1000)
    return times


def _print(name: str, url: str, mentions: int, config: Config) -> None:
    with Store.open(url) as store:
        store.migrate()
        fill(store, mentions)
        for what, times in measure(store, config).items():
            print(f"{name:<12}{what:<16}median {statistics.median(times):6.1f} ms   slowest {max(times):6.1f} ms")


def main() -> None:
    """Print milliseconds."""
    mentions = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print(f"{mentions} mentions, {mentions // 2} cases and notifications, 20 sources, 5 receivers")
    with tempfile.TemporaryDirectory() as folder:
        config = parse_config(CONFIG, Path(folder) / "listener.toml", CATALOGUE)
        _print("SQLite", f"sqlite:///{Path(folder) / 'listener.db'}", mentions, config)
        with contextlib.suppress(postgres.NoPostgres), postgres.server() as databases:
            url = databases.empty()
            _print("PostgreSQL", url, mentions, config)
            databases.drop(url)


if __name__ == "__main__":
    main()
