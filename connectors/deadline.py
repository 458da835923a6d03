"""Reading from a socket with an end: however slowly the other side sends, a deadline for the whole holds.

A socket's own time-out begins anew with every byte that arrives, so one byte now and then keeps a reader for ever.
"""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class TimedReader(io.RawIOBase):
    """What arrives at a socket until `deadline` (on the clock `monotonic`). Raises TimeoutError behind it."""

    def __init__(self, sock: socket.socket, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._socket = sock
        self._monotonic = monotonic
        self.deadline = float("inf")

    def give(self, seconds: float) -> None:
        """Reading may go on for this long from now."""
        self.deadline = self._monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        left = self.deadline - self._monotonic()
        if left <= 0:
            raise TimeoutError("the time for the whole is over")
        self._socket.settimeout(left if left != float("inf") else None)
        return self._socket.recv_into(buffer)
