"""How often a digest cries wolf: clear changes and emerging phrases where nothing changed.

    python -m bench.false_alarms [digests]

Reading the figures: every week is drawn from the same world as the eight before it, so each "clear" and each phrase is
false. The share of digests with a clear change at any of nine stages should stay near 5 % in a world of independent people
(Holm corrects for the stages). Bursts, where one post sets off others, are not in the test's model: that line says what they do
to it. Of phrases there may be at most one a digest (METHODS §6.2). "Found" is the other side: a new word planted by so many
people in the same weeks.
"""

from __future__ import annotations

import sys
import time
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from random import Random

from listener.digest.count import count
from listener.digest.figures import Digest, StageWeek
from listener.digest.given import Around, Spoken
from listener.model import Counted
from rules.vocabulary import Stage
from tests.fakes.digest_week import SETTINGS, WEEK, post, source

EARLIER = 8
STAGES = list(Stage)
_WORDS = [f"w{number:x}" for number in range(4_000)]
_SUMS = list(accumulate(1 / (rank + 2.7) for rank in range(len(_WORDS))))


def amount(random: Random, mean: float, bursts: float) -> int:
    """People of one stage in a week: Poisson, or with `bursts` negative binomial (variance `1 + bursts` times the mean)."""
    rate = random.gammavariate(mean / bursts, bursts) if bursts else mean
    total, waited = 0, random.expovariate(1.0)
    while waited < rate:
        total, waited = total + 1, waited + random.expovariate(1.0)
    return total


def changes(digests: int, people: int, bursts: float, seed: int) -> tuple[float, float]:
    """Share of digests with a clear change of some stage, and of the week as a whole."""
    random = Random(seed)
    weights = [random.uniform(0.3, 1.7) for _ in STAGES]
    means = [people * weight / sum(weights) for weight in weights]
    some = whole = 0
    for _ in range(digests):
        number, mentions = 0, []
        for stage, mean in zip(STAGES, means, strict=True):
            for _ in range(amount(random, mean, bursts)):
                mentions.append(post(number, stage=stage))
                number += 1
        earlier = [
            StageWeek(WEEK.previous(distance).first, stage, "neutral", "brand", True, here, here)
            for distance in range(1, EARLIER + 1)
            for stage, mean in zip(STAGES, means, strict=True)
            for here in (amount(random, mean, bursts),)
        ]
        digest = count(WEEK, mentions, earlier, [source("m")], settings=SETTINGS)
        clear = [stage.change.word.startswith("clear") for stage in (*digest.stages, digest.unclear)]
        some += any(clear)
        whole += digest.change.word.startswith("clear")
    return some / digests, whole / digests


def said(random: Random) -> str:
    """Twenty words of a vocabulary in which the second is half as frequent as the first."""
    return " ".join(_WORDS[bisect_left(_SUMS, random.random() * _SUMS[-1])] for _ in range(20))


def week(random: Random, people: int, planted: int) -> Digest:
    """A week in which nothing changed, but for a word that `planted` people use."""
    topic = said(random)  # the same five people quote one text in every week

    def texts() -> Iterator[tuple[str, str]]:
        for number in range(people):
            yield f"mastodon:{random.randrange(people * 3)}", topic if number < 5 else said(random)

    spoken = [Spoken(distance, author, "en", text) for distance in range(EARLIER, 0, -1) for author, text in texts()]
    mentions: list[Counted] = [
        post(number, author_key=author, text=f"{text} zipper" if number >= people - planted else text)
        for number, (author, text) in enumerate(texts())
    ]
    earlier = [
        StageWeek(WEEK.previous(distance).first, Stage.USE, "neutral", "brand", True, people, people)
        for distance in range(1, EARLIER + 1)
    ]
    return count(WEEK, mentions, earlier, [source("m")], settings=SETTINGS, around=Around(spoken=spoken))


def phrases(digests: int, people: int, planted: int, seed: int) -> tuple[float, int, float, float]:
    """False phrases a digest, the most in one, candidates a digest, share of digests that found what was planted."""
    random = Random(seed)
    false, found, tested = [], 0, 0
    for _ in range(digests):
        listed = week(random, people, planted).phrases
        real = [phrase for phrase in listed.phrases if "zipper" in phrase.text]
        found += bool(real)
        false.append(len(listed.phrases) - len(real))
        tested += listed.candidates
    return sum(false) / digests, max(false), tested / digests, found / digests


def main() -> int:
    """Print the figures; 1 where phrases are false more than once a digest."""
    digests = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    begun = time.perf_counter()
    print(f"clear changes where nothing changed, {digests} digests each: any of nine stages / the week as a whole")
    for people in (20, 60, 200, 600):
        calm, bursty = changes(digests, people, 0.0, 1), changes(digests, people, 1.0, 2)
        print(
            f"{people:5} people a week   independent {calm[0]:6.1%} / {calm[1]:6.1%}   "
            f"bursts (variance twice the mean) {bursty[0]:6.1%} / {bursty[1]:6.1%}",
            flush=True,
        )
    well = True
    few = max(20, digests // 8)
    print(f"emerging phrases where one word is new, {few} digests each")
    for people in (50, 150, 500):
        for planted in (3, 4, 5):
            false, most, tested, found = phrases(few, people, planted, 3)
            well = well and false <= 1
            print(
                f"{people:5} posts a week, new word by {planted}: {false:.2f} false a digest (most {most}) "
                f"of {tested:,.0f} tested; found in {found:.0%}",
                flush=True,
            )
    print(
        f"{time.perf_counter() - begun:.0f} s; {'within' if well else 'OUT OF'} the bound of one false phrase a digest"
    )
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
