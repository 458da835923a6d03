"""How long a look for spikes takes in a full store: `python -m bench.spikes_speed [mentions] [days]`.

A million posts over eight weeks are 750 an hour, far above what any one brand of this program's size has. Hours are
counted day by day before (its time is printed, too); then a look with the last three hours, one that also reads a day
(once an hour), and one in a process that was just started (as `listener once` does). Aim: a look below 100 ms.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from listener.cases.routing import Route
from listener.model import Outcome
from listener.spiking import SpikeSettings, SpikeWatch
from listener.store import Store
from listener.store.mapping import mention_values, verdict_values
from listener.store.tables import mentions, sources, verdicts
from rules.vocabulary import Intent
from tests.fakes.story import post, verdict

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
TOUCHPOINTS = (
    "delivery",
    "support",
    "app",
    "pricing",
    "checkout",
    "returns",
    "product_quality",
    "store",
    "website",
    "refunds",
)
CHUNK = 20_000


def fill(store: Store, number: int, days: int) -> None:
    """So many posts of four sources, half of them complaints, past all rules of the store: only their rows matter here."""
    rng = random.Random(2)
    names = [f"forum{one}" for one in range(4)]
    store.register_sources(dict.fromkeys(names, "forum"), NOW - days * DAY)
    kinds = [
        verdict(touchpoints={name: None}, intents=frozenset({intent}), sentiment_label=label)
        for name in TOUCHPOINTS
        for intent, label in ((Intent.COMPLAINT, "negative"), (Intent.PRAISE, "positive"), (Intent.QUESTION, "neutral"))
    ]
    with store.engine.begin() as connection:
        connection.execute(sources.update().values(first_success_at=NOW - days * DAY))
    for start in range(0, number, CHUNK):
        rows, judged = [], []
        for one in range(start, min(start + CHUNK, number)):
            at = NOW - days * DAY + days * DAY * (one / number)
            values = mention_values(post(one, published_at=at), f"{one:08x}", names[one % 4], at)
            rows.append({**values, "id": one + 1, "outcome": Outcome.JOINED_CASE.value})
            judged.append(verdict_values(one + 1, rng.choice(kinds), at))
        with store.engine.begin() as connection:
            connection.execute(mentions.insert(), rows)
            connection.execute(verdicts.insert(), judged)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    """Print milliseconds."""
    given = [int(word) for word in sys.argv[1:3]]
    number, days = (*given, *(1_000_000, 56)[len(given) :])
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{Path(folder) / 'listener.db'}") as store:
        store.migrate()
        print(f"{number} posts over {days} days stored in {_seconds(lambda: fill(store, number, days)):.0f} s")
        settings = SpikeSettings((Route("care", ("care",)),))
        watch = SpikeWatch(store, settings)
        print(f"first look, counts 4 days: {1000 * _seconds(lambda: watch.look(NOW)):.0f} ms")
        rest = _seconds(lambda: [watch.look(NOW + one * timedelta(seconds=1)) for one in range(days // 4 + 1)])
        print(f"all {days} days counted after {rest:.1f} s more")
        short = sorted(_seconds(lambda one=one: watch.look(NOW + one * MINUTE)) for one in range(1, 25))  # type: ignore[misc]
        print(f"a look (3 hours): median {1000 * short[12]:.0f} ms, longest {1000 * short[-1]:.0f} ms")
        fresh = SpikeWatch(store, settings)
        print(
            f"a look of a new process (a day, all baselines): {1000 * _seconds(lambda: fresh.look(NOW + 26 * MINUTE)):.0f} ms"
        )
        print(
            f"the look at the turn of an hour (counts today, all baselines): {1000 * _seconds(lambda: watch.look(NOW + 40 * MINUTE)):.0f} ms"
        )
        print(f"spikes found in this even stream: {len(store.spikes(NOW - DAY))}")


if __name__ == "__main__":
    main()
