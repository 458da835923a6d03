"""A year of posts, one week of it as a digest: seconds and memory, in SQLite and in PostgreSQL.

    python -m bench.digest_year [posts in the year] [folder to keep the SQLite file in]

Reading the figures: a digest reads its own week whole, counts the eight before it in SQL and reads as many of their words.
So the seconds should be the same in the middle of the year, where half of it is stored behind the week, and at its end, and
hardly grow when the year holds ten times as many weeks of the same size. Memory is the peak of a process of its own that
makes one digest and its page, and nothing else; the rules are loaded to say which of them matched nothing. A full year of
a million posts is what a large brand has; weeks are even here, so the week holds a 52nd of it.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterator
from datetime import timedelta
from hashlib import blake2b
from itertools import accumulate, islice
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from listener.cases.clock import ServiceHours
from listener.cases.plan import case_ref
from listener.cases.turns import Turn, turned
from listener.digest.given import DigestSettings
from listener.digest.week import Week
from listener.store import Store
from listener.store.tables import case_events, cases, counters, gaps, mentions, sources, verdicts
from rules.vocabulary import BuyerStatus, Emotion, Intent, Stage
from tests import postgres

END = Week.parse("2026-W47", "Europe/Paris")
CHUNK = 5_000
SECONDS, MEGABYTES = 3.0, 300.0
SOURCES = {"x-main": "x", "mastodon-main": "mastodon", "reddit-main": "reddit", "rss-main": "rss"}
TOUCHES = (
    "delivery",
    "checkout",
    "support",
    "app",
    "store",
    "pricing",
    "returns",
    "product_quality",
    "website",
    "refunds",
)
LANGUAGES = ("en",) * 5 + ("fr", "fr", "de", "it", "es")
_WORDS = [f"{'bdfgklmnprstvz'[n % 14]}{'aeiou'[n % 5]}{'klmnrst'[n % 7]}{n:x}" for n in range(4_000)]
_SUMS = list(accumulate(1 / (rank + 2.7) for rank in range(len(_WORDS))))  # Zipf and Mandelbrot


def text(random: Random, length: int = 20) -> str:
    """Words of a vocabulary in which the second is half as frequent as the first."""
    return " ".join(_WORDS[bisect_left(_SUMS, random.random() * _SUMS[-1])] for _ in range(length))


def rows(
    amount: int, weeks: int, seed: int = 1
) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None]]:
    """Posts, oldest first, spread evenly over the weeks that end with `END`: mention, verdict, case of a fifth of them."""
    random = Random(seed)
    first, span = END.previous(weeks - 1).since, (END.until - END.previous(weeks - 1).since).total_seconds()
    people = max(1, amount // 5)
    cases_so_far = 0
    for number in range(amount):
        published = first + timedelta(seconds=span * number / amount)
        name = random.choice(list(SOURCES))
        platform = SOURCES[name]
        author = f"{platform}:{int(random.random() ** 2 * people)}"
        lang = random.choice(LANGUAGES)
        mood = random.choice(("negative", "negative", "neutral", "neutral", "positive"))
        touches = random.sample(TOUCHES, random.choice((0, 1, 1, 2, 3)))
        kind = random.random()
        case = None
        if mood == "negative" and random.random() < 0.5:
            cases_so_far += 1
            case = {
                "id": cases_so_far, "ref": case_ref(cases_so_far), "platform": platform, "author_key": author,
                "thread_key": None, "state": "resolved", "state_since": published + timedelta(hours=2), "urgency": 1,
                "opened_at": published, "last_mention_at": published, "mention_count": 1, "revision": 2, "owner": "u",
                "touchpoints": touches, "due_at": None,
            }  # fmt: skip
        mention = {
            "id": number + 1, "ref": blake2b(str(number).encode(), digest_size=8).hexdigest(), "platform": platform,
            "external_id": str(number), "source": name, "url": f"https://{platform}.example/{number}", "title": "",
            "text": text(random), "kind": "post", "author_id": author.partition(":")[2], "author_handle": "h", "author_name": "n",
            "author_key": author, "thread_key": f"{platform}:{number}", "thread_id": None, "parent_id": None,
            "engagement": {"likes": int(random.paretovariate(1.1)) - 1, "replies": random.randrange(4)},
            "published_at": published, "seen_at": published + timedelta(minutes=random.randrange(30)),
            "case_id": None if case is None else case["id"], "outcome": "alerted" if case else "no-route",
        }  # fmt: skip
        verdict = {
            "mention_id": number + 1, "relevant": kind > 0.05,
            "subject": "none" if kind <= 0.05 else "rival:Polarex" if kind < 0.1 else "brand", "lang": lang,
            "stage": random.choice(list(Stage)).value, "stage_confidence": 0.8,
            "secondary_stage": random.choice((None, None, "purchase", "use")), "urgency": 1, "points": 20,
            "intents": [random.choice(list(Intent)).value], "touchpoints": dict.fromkeys(touches, None),
            "complaint_score": 0.5, "sentiment": 0.0, "sentiment_label": mood,
            "emotions": [random.choice(list(Emotion)).value], "buyer_status": random.choice(list(BuyerStatus)).value,
            "lines": [
                [0, "about", "names the brand", ""], [12, "blocked", "“words that fired”", f"{lang}.use.error"],
                [0, "purchase", "“words that fired”", f"{lang}.purchase.late"], [0, "mood", "“words”", ""],
            ],
            "ruleset": "r", "promotional": 0.1 < kind < 0.12, "exit_to": "Polarex" if kind > 0.99 else None, "near": "",
            "judged_at": published,
        }  # fmt: skip
        yield mention, verdict, case


def fill(store: Store, amount: int, weeks: int) -> None:
    """Write the year past the store's methods: its promises are not what is measured here."""
    begun = END.previous(weeks).since
    with store.engine.begin() as connection:
        connection.execute(
            sources.insert(),
            [
                {
                    "name": name, "connector": connector, "first_success_at": begun, "last_success_at": END.until,
                    "fence": 0, "failures": 0, "mentions": 0,
                }
                for name, connector in SOURCES.items()
            ],
        )  # fmt: skip
        tuesday = END.since + timedelta(days=1, hours=2)
        gap = {"source": "rss-main", "since": tuesday, "until": tuesday + timedelta(hours=9), "reason": "page-cap"}
        connection.execute(gaps.insert(), [{**gap, "lost": True, "opened_at": tuesday}])
    made = rows(amount, weeks)
    while chunk := list(islice(made, CHUNK)):
        with store.engine.begin() as connection:
            opened = [case for _, _, case in chunk if case is not None]
            if opened:
                connection.execute(cases.insert(), opened)
                clocks = [
                    {
                        "case_id": case["id"], "at": case["opened_at"], "what": "opened", "who": "", "through": "",
                        "detail": turned(Turn.START, case["opened_at"], "normal"),
                    }
                    for case in opened
                ]  # fmt: skip
                answered = [
                    {
                        "case_id": case["id"], "at": case["opened_at"] + timedelta(hours=1 + case["id"] % 6), "what": "replied",
                        "who": "u", "through": "cli", "detail": {},
                    }
                    for case in opened
                    if case["id"] % 3
                ]  # fmt: skip
                connection.execute(case_events.insert(), [*clocks, *answered])
            connection.execute(mentions.insert(), [mention for mention, _, _ in chunk])
            connection.execute(verdicts.insert(), [verdict for _, verdict, _ in chunk])
    with store.engine.begin() as connection:
        connection.execute(counters.delete())
        connection.execute(counters.insert(), [{"name": "case", "value": amount}])
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))


def child(url: str, week: str) -> None:
    """Make one digest and its page; print what it cost."""
    from listener import gathering
    from listener.digest import html
    from rules.load import builtin_packs
    from rules.names import speaking

    wanted = Week.parse(week, END.time_zone)
    settings = DigestSettings(
        brand="Northwind", rivals=("Polarex",), equal_sources=frozenset(SOURCES), own_words=("northwind", "polarex")
    )
    known = gathering.Known(
        ServiceHours(zone=ZoneInfo(END.time_zone)),
        lambda: {name.id for name in speaking(builtin_packs())},
    )
    with Store.open(url) as store:
        begun, worked = time.perf_counter(), time.process_time()
        digest = gathering.build(store, wanted, settings, wanted.until + timedelta(hours=9), known)
        counted, worked = time.perf_counter() - begun, time.process_time() - worked
        page = html.render(digest)
        drawn = time.perf_counter() - begun - counted
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    said = {
        "posts": digest.accounting.stored, "people": digest.total.authors, "counted": counted, "worked": worked, "drawn": drawn,
        "megabytes": peak, "page": len(page), "phrases": len(digest.phrases.phrases), "tested": digest.phrases.candidates,
        "one_in": digest.phrases.one_in, "cases": sum(level.due for level in digest.response.levels),
    }  # fmt: skip
    print(json.dumps(said))


def measured(url: str, week: Week) -> dict[str, float]:
    """One digest in a process of its own."""
    code = "import sys; from bench.digest_year import child; child(sys.argv[1], sys.argv[2])"
    done = subprocess.run([sys.executable, "-c", code, url, week.name], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def show(database: str, url: str, weeks: int) -> bool:
    """Print what digests of the middle and of the end of the year cost; whether all are within bounds."""
    well = True
    for where, week in (("middle", END.previous(weeks // 2)), ("end", END)):
        best = min((measured(url, week) for _ in range(3)), key=lambda run: run["counted"])
        well = well and best["counted"] + best["drawn"] < SECONDS and best["megabytes"] < MEGABYTES
        print(
            f"{database:11}{where:8}{best['posts']:>8,.0f} posts {best['people']:>7,.0f} people {best['counted']:6.2f} s counted ({best['worked']:.2f} s of processor) "
            f"{best['drawn']:5.2f} s page {best['megabytes']:6.0f} MB; {best['cases']:,.0f} cases, {best['tested']:,.0f} phrases tested "
            f"(one post in {best['one_in']:.0f})",
            flush=True,
        )
    return well


def main() -> int:
    """Fill, measure, judge."""
    amount = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    weeks = 52
    print(
        f"{amount:,} posts over {weeks} weeks; bounds: {SECONDS:.0f} s and {MEGABYTES:.0f} MB; the best of three",
        flush=True,
    )
    well = True
    with tempfile.TemporaryDirectory() as folder:
        place = Path(sys.argv[2] if len(sys.argv) > 2 else folder) / f"year-{amount}.db"
        url = f"sqlite:///{place}"
        if not place.exists():
            with Store.open(url) as store:
                store.migrate()
                begun = time.perf_counter()
                fill(store, amount, weeks)
                print(
                    f"SQLite      filled in {time.perf_counter() - begun:.0f} s, {place.stat().st_size / 1e6:,.0f} MB",
                    flush=True,
                )
        well = show("SQLite", url, weeks) and well
    try:
        with postgres.server() as databases:
            url = databases.empty()
            with Store.open(url) as store:
                store.migrate()
                fill(store, amount, weeks)
            well = show("PostgreSQL", url, weeks) and well
            databases.drop(url)
    except postgres.NoPostgres as reason:
        print(f"PostgreSQL  {reason}")
    print("within bounds" if well else "OUT OF BOUNDS")
    return 0 if well else 1


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    sys.exit(main())
