"""Publishing on a fake platform, and the ways in which it fails before and after the post was stored."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from tests.fakes.http import PATIENCE, Reply

# What the client sees; "stored-…": the post stands there all the same.
LOST = ("500", "time-out", "stored-500", "stored-time-out", "503-later", "stored-html")


class Writes:
    """Mix it in before FakeServer."""

    _stopping: threading.Event

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.write_faults: deque[str] = deque()  # of the next writes
        self.refusal = Reply.json({"error": "not allowed"}, 403)  # what "refused" is answered with

    def write(self, store: Callable[[], Reply]) -> Reply:
        """The answer to a write. Called without a lock: a write that hangs must not keep questions waiting."""
        fault = self.write_faults.popleft() if self.write_faults else ""
        if not fault:
            return store()
        if fault.startswith("stored-"):
            store()
        kind = fault.removeprefix("stored-")
        if kind == "time-out":
            self._stopping.wait(PATIENCE)
        if kind == "html":
            return Reply(200, b"<!DOCTYPE html><html><body>Be right back</body></html>", {"Content-Type": "text/html"})
        if kind == "429":
            return Reply.json({"error": "slow down"}, 429, Retry_After="30")
        if kind == "503-later":
            return Reply.json({"error": "later"}, 503, Retry_After="30")
        if kind == "refused":
            return self.refusal
        return Reply.json({"error": "oops"}, 500)
