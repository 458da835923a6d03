"""How often spikes are cried for nothing, and how soon a real one is found, on simulated posts.

    python -m bench.spikes [days]

The background is bursty on purpose: each hour's rate follows the day (an afternoon has seventeen times as many posts as a
night), times a gamma variable of mean 1 (shape `k`; Poisson where it is infinite), so counts are negative binomial and
all kinds rise together. The first 42 days teach, alarms are counted behind them. The last part plants bursts: for three
hours in the daytime one touchpoint has 2, 3 or 5 times its usual rate, at least so many authors as stated, and the
delay is from the first post of the burst. Budget: one false alarm a month over all kinds.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from listener.cases import spikes
from listener.cases.baseline import Baseline, measure
from listener.cases.spikes import BUDGETS, Heard, Stretch
from listener.model import SourceState
from rules.vocabulary import Urgency

START = datetime(2026, 1, 5, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LEARN = 42  # days
TOUCHPOINTS = ("delivery", "support", "app", "pricing", "checkout", "returns", "product_quality", "store")
SHAPE = [
    0.1,
    0.1,
    0.1,
    0.1,
    0.1,
    0.2,
    0.5,
    0.9,
    1.2,
    1.4,
    1.5,
    1.5,
    1.6,
    1.6,
    1.6,
    1.7,
    1.7,
    1.7,
    1.6,
    1.5,
    1.3,
    1.0,
    0.6,
    0.4,
]


def state(name: str = "forum", first: datetime = START - timedelta(days=100), **more: object) -> SourceState:
    """A source that listens."""
    plain = SourceState(name, "forum", None, first, None, 0, None, None, 0, ())
    return replace(plain, **more)  # type: ignore[arg-type]


def draw(rng: random.Random, mean: float) -> int:
    """A Poisson number."""
    number, left = 0, rng.expovariate(1.0)
    while left < mean:
        number += 1
        left += rng.expovariate(1.0)
    return number


def hour_of_posts(rng: random.Random, at: datetime, mean: float, kinds: frozenset[str] | None = None) -> list[Heard]:
    """Posts of one hour, each by an author of its own."""
    found = []
    for _ in range(draw(rng, mean)):
        sentiment = rng.choice(("negative", "negative", "neutral", "neutral", "positive"))
        touchpoint = TOUCHPOINTS[min(int(rng.expovariate(0.5)), len(TOUCHPOINTS) - 1)]
        of = {"all"}
        if sentiment != "neutral":
            mood = "complaint" if sentiment == "negative" else "praise"
            of |= {mood, f"{mood}:{touchpoint}"}
        number = rng.getrandbits(60)
        moment = at + timedelta(seconds=rng.random() * 3600)
        found.append(
            Heard(number, moment, f"a{number}", f"t{number}", "forum", kinds or frozenset(of), sentiment, "en", "use", Urgency.NORMAL)
        )  # fmt: skip
    return found


def background(rng: random.Random, days: int, a_day: float, burstiness: float | None) -> list[Heard]:
    """Posts of so many days, oldest first."""
    posts: list[Heard] = []
    total = sum(SHAPE)
    for number in range(days * 24):
        mean = a_day * SHAPE[number % 24] / total
        if burstiness is not None:
            mean *= rng.gammavariate(burstiness, 1 / burstiness)
        posts += hour_of_posts(rng, START + number * HOUR, mean)
    return sorted(posts, key=lambda post: post.at)


@dataclass
class Listening:
    """A detector with its memory, as the daemon drives it."""

    posts: Sequence[Heard]
    budget: float = BUDGETS["one a month"]
    every: timedelta = timedelta(minutes=5)
    kinds: int = 0
    found: list[spikes.Rise] = field(default_factory=list)
    known: list[Stretch] = field(default_factory=list)
    looks: int = 0

    def __post_init__(self) -> None:
        self.tallies: dict[str, dict[str, dict[date, list[int]]]] = {}
        seen = set()
        for post in self.posts:
            for kind in post.kinds:
                if (key := (kind, post.at.date(), post.at.hour, post.author)) in seen:
                    continue
                seen.add(key)
                days = self.tallies.setdefault(kind, {}).setdefault("forum", {})
                days.setdefault(post.at.date(), [0] * 24)[post.at.hour] += 1
        self.kinds = self.kinds or len(self.tallies)
        self._baselines: dict[tuple[str, date], Baseline | None] = {}

    def baseline(self, kind: str, now: datetime) -> Baseline | None:
        """Measured once a day here, to be quick; the daemon does so every hour."""
        key = (kind, now.date())
        if key not in self._baselines:
            known = {(now - number * DAY).date() for number in range(1, 60)}
            source = state()
            self._baselines[key] = measure(self.tallies.get(kind, {}), known, [source], [], now, UTC)
        return self._baselines[key]

    def run(self, since: datetime, until: datetime) -> list[spikes.Rise]:
        """Look every so often; spikes end as the daemon ends them."""
        now, sources, first = since, [state()], 0
        allowed = spikes.chance_allowed(self.budget, self.kinds)
        last_long = None
        while now < until:
            self.looks += 1
            while first < len(self.posts) and self.posts[first].at < now - 24 * HOUR:
                first += 1
            recent = []
            for post in self.posts[first:]:
                if post.at > now:
                    break
                recent.append(post)
            long = last_long != now.hour
            last_long = now.hour
            windows = spikes.WINDOWS if long else spikes.WINDOWS[:2]
            near = recent if long else [post for post in recent if post.at > now - 3 * HOUR]
            rising = spikes.rises(
                near, self.known, lambda kind, at=now: self.baseline(kind, at), lambda _: 0.0, sources, allowed, now, windows  # type: ignore[misc]
            )  # fmt: skip
            for rise in rising:
                self.found.append(rise)
                self.known.append(Stretch(rise.kind, rise.since))
            for place, one in enumerate(self.known):
                rise = self.found[place]
                of_kind = [post for post in recent if one.explains(post)]
                if one.until is None and spikes.is_calm(
                    one.kind, one.since, rise.window, of_kind, self.baseline(one.kind, now), sources, now
                ):
                    self.known[place] = replace(one, until=now)
            now += self.every
        return self.found


def false_alarms(a_day: float, burstiness: float | None, days: int, seed: int, every: timedelta) -> tuple[float, int]:
    """Alarms on posts without any burst: how many in 30 days, and how many in all."""
    posts = background(random.Random(seed), days, a_day, burstiness)
    found = Listening(posts, every=every).run(START + LEARN * DAY, START + days * DAY)
    return len(found) * 30 / (days - LEARN), len(found)


def delays(a_day: float, burstiness: float | None, factor: float, trials: int, seed: int) -> list[float | None]:
    """Minutes until a burst of three hours on one touchpoint was found; None: it was not."""
    rng = random.Random(seed)
    taught = background(rng, LEARN, a_day, burstiness)
    share = sum("complaint:delivery" in post.kinds for post in taught) / max(1, len(taught))
    result: list[float | None] = []
    of = frozenset({"all", "complaint", "complaint:delivery"})
    for trial in range(trials):
        begin = START + (LEARN + 1) * DAY + (9 + trial % 9) * HOUR
        usual = a_day * share * 1.6 / sum(SHAPE)
        burst = [
            post for hour in range(3) for post in hour_of_posts(rng, begin + hour * HOUR, usual * (factor - 1), of)
        ]
        day = background(rng, 2, a_day, burstiness)
        moved = [replace(post, at=post.at + LEARN * DAY) for post in day]
        posts = sorted(
            [*taught, *moved, *(replace(post, sentiment="negative") for post in burst)], key=lambda one: one.at
        )
        listening = Listening(posts, kinds=19)
        found = listening.run(begin, begin + 4 * HOUR)
        first = min((post.at for post in burst), default=begin)
        hit = next((rise for rise in found if rise.kind in of), None)
        when = max(post.at for post in hit.posts) if hit else None
        result.append(None if when is None else max(0.0, (when - first).total_seconds() / 60))
    return result


def main() -> None:
    """Print the figures."""
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 162
    print(f"false alarms in 30 days, budget 1, {days - LEARN} days behind {LEARN} that teach, a look every 5 minutes")
    print(f"{'posts a day':>12} {'Poisson':>12} {'k=1.5':>12} {'k=0.7':>12}")
    for a_day in (3, 10, 40, 150, 600):
        figures = [false_alarms(a_day, k, days, 7, timedelta(minutes=5)) for k in (None, 1.5, 0.7)]
        print(f"{a_day:>12} " + " ".join(f"{rate:>6.2f} ({number:>2})" for rate, number in figures), flush=True)
    begun = time.perf_counter()
    rate, number = false_alarms(40, 0.7, 72, 11, timedelta(minutes=1))
    print(
        f"a look every minute, 40 posts a day, k=0.7, 30 days: {rate:.2f} ({number}), {time.perf_counter() - begun:.0f} s"
    )
    print(
        "\nbursts of 3 hours in the daytime, one touchpoint, 40 trials: found, median minutes to the post that showed it"
    )
    for a_day in (40, 150, 600):
        for k in (None, 1.5):
            said = []
            for factor in (2, 3, 5, 10, 20):
                found = [one for one in delays(a_day, k, factor, 40, 3) if one is not None]
                middle = sorted(found)[len(found) // 2] if found else None
                said.append(
                    f"x{factor}: {len(found) / 40:4.0%} " + (f"{middle:4.0f} min" if middle is not None else "     –  ")
                )
            print(f"{a_day:>6} a day, {'Poisson' if k is None else f'k={k}':8} " + " · ".join(said), flush=True)


if __name__ == "__main__":
    main()
