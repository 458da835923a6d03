"""What an inbound source answered for is stored, whenever its process is killed.

The child is a daemon in small: it polls, and stores a page with its cursor as one line of a file. It is killed (SIGKILL)
at a random moment while several senders post, and started again, over and over.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from connectors.contract import START
from tests.fakes.inbound import FakeSender

ROOT = Path(__file__).parents[2]
SENDERS = 4

CHILD = """
import json, os, sys, time
from datetime import UTC, datetime
from pathlib import Path
from connectors.base import SourceContext
from connectors.inbound import InboundSettings, connector
from tests.connectors.test_inbound_kills import cursor_in

folder, port, polls = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "polls"
settings = InboundSettings(
    port=port, spool=folder / "spool", secret_file=str(folder / "key"), page_size=3, per_second=10000, per_minute=100000
)
source = connector.open(settings, SourceContext("hooks", (), "listener-tests"))
cursor = cursor_in(folder / "stored")
if not polls:
    next(iter(source.poll(cursor, datetime.now(UTC))), None)
    print("ready", flush=True)
    time.sleep(60)
with (folder / "stored").open("ab") as stored:
    stored.write(b"\\n")  # ends a line that the last kill cut off
    print("ready", flush=True)
    while True:
        for page in source.poll(cursor, datetime.now(UTC)):
            line = {"ids": [one.external_id for one in page.mentions], "cursor": page.cursor}
            stored.write(json.dumps(line).encode() + b"\\n")
            stored.flush()
            cursor = page.cursor
        time.sleep(0.01)
"""


def lines_in(path: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for line in path.read_bytes().splitlines() if path.exists() else []:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue  # blank, or cut off by a kill: that page was not stored
    return found


def cursor_in(path: Path) -> object:
    lines = lines_in(path)
    return lines[-1]["cursor"] if lines else None


class Senders:
    """Threads that post new ids without pause and remember which were answered for."""

    def __init__(self, sender: FakeSender) -> None:
        self._sender = sender
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.answered: set[str] = set()
        self.sent = 0
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def _send(self, name: int) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            ids = [f"{name}-{number}-{n}" for n in range(1 + number % 3)]
            try:
                answer = self._sender.post([{"id": one, "text": "Acme", "author": "ada"} for one in ids])
            except httpx.HTTPError:  # killed before it answered, or not yet there
                time.sleep(0.005)
                continue
            if answer.status_code == 200:
                with self._lock:
                    self.answered.update(ids)
            with self._lock:
                self.sent += len(ids)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def start(sender: FakeSender, how: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(sender.folder), str(sender.port), how]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline().startswith(("ready", "20"))  # or the log's first line
    return child


def kill(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGKILL)
    assert child.wait(timeout=30) == -signal.SIGKILL
    assert child.stdout is not None
    child.stdout.close()


def read_rest(sender: FakeSender, stored: list[str]) -> None:
    """The next process stores what is left."""
    with closing(sender.open()) as source:
        for page in source.poll(cursor_in(sender.folder / "stored"), START):  # type: ignore[arg-type]
            stored += [one.external_id for one in page.mentions]


@pytest.mark.parametrize("seed", range(2))
def test_a_kill_at_any_moment_loses_nothing_that_was_answered(seed: int) -> None:
    chance = random.Random(seed)
    with FakeSender() as sender:
        senders = Senders(sender)
        try:
            for _ in range(4):
                child = start(sender, "polls")
                time.sleep(chance.uniform(0.02, 0.5))
                kill(child)
        finally:
            senders.stop()
        stored = [str(one) for line in lines_in(sender.folder / "stored") for one in line["ids"]]  # type: ignore[attr-defined]
        read_rest(sender, stored)
    assert len(senders.answered) > 20
    assert senders.answered - set(stored) == set()


def test_a_kill_between_answer_and_poll_loses_nothing_and_repeats_nothing() -> None:
    with FakeSender() as sender:
        child = start(sender, "serves")
        senders = Senders(sender)
        time.sleep(0.5)
        kill(child)  # nothing was read since the first poll, which found an empty spool
        senders.stop()
        stored: list[str] = []
        read_rest(sender, stored)
    assert len(senders.answered) > 20
    assert senders.answered - set(stored) == set()
    assert len(stored) == len(set(stored))


def test_posts_sent_again_after_a_kill_are_one() -> None:
    """The answer was lost with the process, so the sender sends again: to the spool, and once more behind the cursor."""
    with FakeSender() as sender:
        child = start(sender, "serves")
        row = {
            "id": "1",
            "text": "Acme",
            "author": "ada",
            "published_at": datetime(2026, 11, 1, tzinfo=UTC).isoformat(),
        }
        assert sender.post(row).status_code == 200
        kill(child)
        child = start(sender, "serves")
        answer = sender.post(row)
        assert (answer.status_code, answer.json()["known"]) == (200, 1)
        kill(child)
        stored: list[str] = []
        read_rest(sender, stored)
    assert stored == ["1"]
