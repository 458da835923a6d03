"""What a month of X costs: the real connector and the real tweepy against a fake X on loopback, with a clock of its own.

An invented brand is written about for a month: its name and products, posts to its care account, its own answers. The
connector polls every five minutes within a budget of $50. The fake bills as X documents: each resource once a UTC day,
authors too. Two months are run: an ordinary one, and one in which something goes wrong for three days.

Beside it stands what a plain poller would have paid for the same mentions: every 60 seconds, one query for each keyword,
since_id, authors expanded. It asks the fake in-process, without HTTP: it makes some 170,000 requests a month.

Read: neither what the connector counted nor what was billed may exceed the budget by more than one page ($1.50); the
forecast, asked when the month begins, must lie within 20 % of the ordinary month, which the budget does not stop; the
same mentions must cost at most 60 % of the plain poller's bill for posts. What is saved are own answers, and four fifths
of each post to the care account; authors cost the same either way, so where X bills them (it does not say) less of the
whole is saved. Looking stored posts up again is not in it.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from connectors.base import BudgetReached, Cursor, SourceContext
from connectors.x import X
from connectors.x_posts import id_at
from connectors.x_settings import XSettings
from tests.fakes.http import Asked
from tests.fakes.ledger import Ledger
from tests.fakes.x import OWNER, TOKEN, FakeX

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
DAYS = 31
EVERY = timedelta(minutes=5)
BUDGET = 50.0
PAGE_USD = 100 * 0.015
KEYWORDS = ("Acme", "Acme Kettle", "#acmekettle", "@acmecare")
PRODUCTS = ("Acme", "Acme Kettle", "my Acme Kettle", "Acme #acmekettle")
A_DAY = 90  # mentions
TO_US = 0.6  # of them speak to @acmecare, as posts to a care team do
ANSWERED = 0.5  # of those get an answer from the care account, which signs with its name


@dataclass(frozen=True)
class Post:
    at: datetime
    text: str
    author: str


@dataclass
class Run:
    """What one month brought."""

    mentions: set[str]
    ledger: Ledger
    bill: Counter[str]  # of the fake: what -> USD
    requests: int
    seconds: float
    reached: int = 0  # polls that the budget stopped
    forecast: float = 0.0

    @property
    def billed(self) -> float:
        return sum(self.bill.values())


def main() -> int:
    calm = list(month(random.Random(1), {}))
    storm = list(month(random.Random(2), {12: 12.0, 13: 9.0, 14: 5.0}))
    free = connector(calm, BUDGET / DAYS * 2, BUDGET)
    stormy = connector(storm, BUDGET / DAYS * 2, BUDGET)
    plain, plain_ids, asked = plain_poller(calm)
    print(f"{'':<28}{'mentions':>10}{'counted':>10}{'billed':>10}{'requests':>10}{'stopped':>9}{'seconds':>9}")
    for name, run in (("an ordinary month", free), ("one with three loud days", stormy)):
        print(
            f"{name:<28}{len(run.mentions):>10}{run.ledger.total():>10.2f}{run.billed:>10.2f}{run.requests:>10}"
            f"{run.reached:>9}{run.seconds:>9.0f}"
        )
    print(f"{'plain poller, every 60 s':<28}{len(plain_ids):>10}{'':>10}{sum(plain.values()):>10.2f}{asked:>10}")
    off = abs(free.forecast - free.billed) / free.billed
    print(f"forecast        {free.forecast:.2f} USD a month, {off:.0%} off")
    most = max(sum_ for run in (free, stormy) for sum_ in (run.ledger.total(), run.billed))
    print(f"dearest month   {most:.2f} USD of a budget of {BUDGET:.2f}")
    missed = free.mentions - plain_ids
    posts = _posts(free.bill) / _posts(plain)
    whole = free.billed / sum(plain.values())
    print(f"same mentions   {len(free.mentions) - len(missed)} of {len(free.mentions)}")
    print(f"  if X bills posts only         {_posts(free.bill):6.2f} USD, {posts:.0%} of {_posts(plain):.2f}")
    print(f"  if it bills their authors too {free.billed:6.2f} USD, {whole:.0%} of {sum(plain.values()):.2f}")
    again = 30 * len(free.mentions) * 0.005
    print(
        f"looking up again, not in it: {again:.0f} USD a month, daily for posts kept 30 days; {again * 7 / 30:.0f} for 7 days"
    )
    ok = most <= BUDGET + PAGE_USD and off <= 0.2 and posts <= 0.6 and not missed and not free.reached
    return 0 if ok else 1


def _posts(bill: Counter[str]) -> float:
    return bill["post"] + bill["owned"]


def month(chance: random.Random, loud: dict[int, float]) -> Iterator[Post]:
    """Posts from a week before the month to its end, oldest first; `loud` days (of the month) have that many times more."""
    answers: list[Post] = []
    for day in range(-7, DAYS):
        begins = BEGIN + timedelta(days=day)
        posts = []
        for _ in range(round(A_DAY * loud.get(day, 1.0) * chance.uniform(0.8, 1.2))):
            at = begins + timedelta(milliseconds=chance.randrange(86_400_000))
            # One post in ten is by one of twenty who often write.
            author = f"author{chance.randrange(20 if chance.random() < 0.1 else 4_000)}"
            what = chance.choice(PRODUCTS)
            if chance.random() < TO_US:
                posts.append(Post(at, f"@acmecare {what} does not work", author))
                if chance.random() < ANSWERED:
                    later = at + timedelta(minutes=chance.uniform(5, 300))
                    answers.append(Post(later, f"@{author} sorry! Write to us. The Acme team", "acmecare"))
            else:
                posts.append(Post(at, f"{what} seen today", author))
        due = [post for post in answers if post.at < begins + timedelta(days=1)]
        answers = [post for post in answers if post not in due]
        yield from sorted(posts + due, key=lambda post: post.at)


def connector(posts: list[Post], day: float | None, budget: float | None) -> Run:
    """The connector through the month, over HTTP."""
    ledger, started = Ledger(day, budget), time.monotonic()
    with FakeX(BEGIN).start() as fake, tempfile.TemporaryDirectory() as folder:
        waiting = publish(fake, posts, BEGIN)
        context = SourceContext("x", KEYWORDS[:3], "bench", purse=ledger, own_accounts=("x:acmecare",))
        run = Run(set(), ledger, fake.bill, 0, 0.0)
        with closing(X(settings(fake, Path(folder)), context)) as source:
            run.forecast = source.forecast(BEGIN).usd
            cursor: Cursor | None = None
            now = BEGIN
            while now < BEGIN + timedelta(days=DAYS):
                fake.clock = now
                waiting = publish(fake, waiting, now)
                try:
                    for page in source.poll(cursor, now):
                        cursor = page.cursor
                        run.mentions |= {mention.external_id for mention in page.mentions}
                except BudgetReached as stop:
                    run.reached += 1
                    now = max(now, (stop.retry_at or now) - EVERY)
                now += EVERY
        run.requests, run.seconds = len(fake.asked), time.monotonic() - started
    return run


def publish(fake: FakeX, posts: list[Post], until: datetime) -> list[Post]:
    """Publish what was written before `until`; returns the rest."""
    for number, post in enumerate(posts):
        if post.at > until:
            return posts[number:]
        fake.publish(post.text, post.at, author=post.author)
    return []


def settings(fake: FakeX, folder: Path) -> XSettings:
    keys = {"token": TOKEN, "consumer_key": "k", "consumer_secret": "s", "access_token_secret": "s"}
    keys["access_token"] = f"{OWNER}-token"
    for name, text in keys.items():
        (folder / name).write_text(text)
    files = {f"{name}_file": str(folder / name) for name in keys}
    return XSettings(base_url=fake.url, mentions=True, history=timedelta(minutes=5), **files)  # type: ignore[arg-type]


def plain_poller(posts: list[Post]) -> tuple[Counter[str], set[str], int]:
    """(what -> USD, ids, requests) of one query for each keyword every 60 seconds, asked of the fake without HTTP."""
    fake, found, asked = FakeX(BEGIN), set[str](), 0
    waiting = publish(fake, posts, BEGIN)
    newest = dict.fromkeys(KEYWORDS, str(id_at(BEGIN)))
    for minute in range(DAYS * 24 * 60):
        fake.clock = now = BEGIN + timedelta(minutes=minute)
        waiting = publish(fake, waiting, now)
        for keyword in KEYWORDS:
            word = f'"{keyword}"' if " " in keyword else keyword
            query = {"query": word, "max_results": "100", "expansions": "author_id", "since_id": newest[keyword]}
            headers = {"authorization": f"Bearer {TOKEN}"}
            question = Asked(
                "GET", "/2/tweets/search/recent", {name: [value] for name, value in query.items()}, headers
            )
            answer = json.loads(fake.answer(question).body)
            asked += 1
            found |= {post["id"] for post in answer.get("data", ())}
            newest[keyword] = answer["meta"].get("newest_id", newest[keyword])
    return fake.bill, found, asked


if __name__ == "__main__":
    sys.exit(main())
