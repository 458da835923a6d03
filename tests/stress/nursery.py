"""Starts daemons by fork from a process that has imported everything, so that a hundred starts take seconds.

Reads one JSON command a line: {"start": CONFIG} answers the child's pid, {"reap": PID} waits for its end and answers its
status. The children run the real daemon; only the pauses are shorter (poll interval, tick, Slack's pace), as
values, not as patches.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import traceback
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from listener import app, schedule
from listener.cli.common import log_to_stderr
from listener.config import load_config
from listener.plugins import connectors
from listener.triage import verdict as _loaded_once_for_all_children  # noqa: F401

with contextlib.suppress(ImportError):  # an optional driver; without it there is no PostgreSQL to test
    import psycopg  # noqa: F401  # likewise

QUICK = timedelta(milliseconds=50)


def run(config_path: Path) -> None:
    """A daemon until SIGTERM, as `listener run` has it."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    log_to_stderr("error", "json")
    config = load_config(config_path, connectors())
    with app.daemon(config) as daemon:
        work = replace(
            daemon.work,
            tick=0.02,
            feeds={name: replace(feed, every=QUICK) for name, feed in daemon.work.feeds.items()},
            outlets=tuple(replace(outlet, pace=timedelta(0)) for outlet in daemon.work.outlets),
        )
        scheduler = schedule.start(work, stopping)
        while not stopping.wait(0.05):
            pass
        scheduler.shutdown(wait=True)


def main() -> None:
    for line in sys.stdin:
        command = json.loads(line)
        if "start" in command:
            pid = os.fork()
            if pid == 0:
                status = 1
                try:
                    run(Path(command["start"]))
                    status = 0
                except BaseException:  # whatever it was, the parent must see it and the child must end
                    traceback.print_exc()
                finally:
                    os._exit(status)
            print(pid, flush=True)
        else:
            print(os.waitpid(command["reap"], 0)[1], flush=True)


if __name__ == "__main__":
    main()
