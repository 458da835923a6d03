"""Whether this process moves: its main loop and its scheduler leave marks, a probe and systemd's watchdog look at them.

The database is left out on purpose: a restart does not mend it. Times are seconds of a monotonic clock, so that a clock that
is set hurts nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable

LOOP_STALLS = 30.0  # seconds; the main loop turns every second
JOBS_STALL = 90.0  # the scheduler's heartbeat comes every 20 seconds
STARTS_WITHIN = 180.0  # rules are read before the first turn


class Pulse:
    """The marks of one process. Safe to share between threads: each mark is one assignment."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._started = monotonic()
        self._loop: float | None = None
        self._jobs: float | None = None

    def loop_turned(self) -> None:
        """The main loop is alive."""
        self._loop = self._monotonic()

    def jobs_ran(self) -> None:
        """The scheduler is alive, whatever became of its jobs."""
        self._jobs = self._monotonic()

    def why_dead(self) -> str | None:
        """What does not move, in a sentence; None while all does."""
        now = self._monotonic()
        for name, last, limit in (("main loop", self._loop, LOOP_STALLS), ("scheduler", self._jobs, JOBS_STALL)):
            if last is None and now - self._started > STARTS_WITHIN:
                return f"the {name} did not begin within {STARTS_WITHIN:.0f} s"
            if last is not None and now - last > limit:
                return f"the {name} has not moved for {now - last:.0f} s"
        return None
