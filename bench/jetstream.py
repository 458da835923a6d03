"""How many messages of Bluesky's stream one poll reads and matches a second.

    python -m bench.jetstream [--messages N]

Two figures: messages opened and matched in memory, and the same through a WebSocket on loopback as the daemon reads it (the sender is a
thread of this process and takes its share). Most messages are posts that name no term, as on the network; the rest are deletions, likes
nobody asked for, and one mention in a thousand. Compare with what the network writes: some hundred posts a second. The posts are made
here from fragments.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

from bench.triage_speed import ENDINGS, MIDDLES, OPENINGS
from connectors.base import SourceContext
from connectors.bluesky import Bluesky, BlueskySettings
from connectors.bluesky_frames import Draft, State, micros, open_frame
from connectors.bluesky_posts import Terms
from tests.fakes.bluesky import FakeJetstream

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
TERMS = ("Acme", "Acme Home", "acmesupport", "@acme.example")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=int, default=40_000)
    count = parser.parse_args().messages
    with FakeJetstream().start() as fake:
        fill(fake, count, random.Random(7))
        size = sum(len(data) for _, data in fake.messages)
        print(f"{count:,} messages of {size / count:.0f} bytes, {len(TERMS)} terms")
        print(f"opened and matched   {count / best(lambda: in_memory(fake)):>9,.0f} messages/s")
        print(f"over a WebSocket     {count / best(lambda: over_the_wire(fake, count)):>9,.0f} messages/s")


def fill(fake: FakeJetstream, count: int, chance: random.Random) -> None:
    """Posts of the last minutes, a tenth of them deletions, a third with a link and an answer's references."""
    for n in range(count):
        at = NOW - timedelta(seconds=300) + n * timedelta(seconds=300) / count
        did = f"did:plc:{chance.randrange(10**12):024d}"
        text = f"{chance.choice(OPENINGS)} {chance.choice(MIDDLES)} {chance.choice(ENDINGS)}".replace("acme", "polarex")
        text = f"{text} {chance.choice(MIDDLES)}" if n % 2 else text
        if n % 10 == 0:
            fake.delete(f"at://{did}/app.bsky.feed.post/3l{n:011d}", at)
        elif n % 3 == 0:
            ref = {"uri": f"at://{did}/app.bsky.feed.post/3l{n:011d}", "cid": "bafyrei" + "a" * 52}
            facets = [{"index": {"byteStart": 0, "byteEnd": 5}, "features": [{"uri": "https://news.example/story"}]}]
            fake.publish(text, at, did=did, reply={"root": ref, "parent": ref}, facets=facets)
        else:
            fake.publish(f"Acme: {text}" if n % 1000 == 1 else text, at, did=did)


def in_memory(fake: FakeJetstream) -> None:
    state = State(micros(NOW - timedelta(hours=1)), {}, {})
    draft = Draft(state, Terms.of(TERMS))
    for _, data in fake.messages:
        frame = open_frame(data[4:])
        assert frame is not None
        draft.take(frame, frame.at)
    assert draft.mentions


def over_the_wire(fake: FakeJetstream, count: int) -> None:
    settings = BlueskySettings(
        hosts=(fake.url,), resolve_handles=False, idle=0.05, page_cap=1000, seconds=600, history=timedelta(hours=1)
    )
    with closing(Bluesky(settings, SourceContext("bench", TERMS, "bench", intranet=("127.0.0.1",)))) as source:
        scanned = sum(page.scanned for page in source.poll(None, NOW))
    assert scanned == count


def best(run: Callable[[], None]) -> float:
    """Seconds of the fastest of three."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return min(times)


if __name__ == "__main__":
    main()
