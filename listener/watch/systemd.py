"""A word to systemd (sd_notify(3)): ready, stopping, still moving. Without systemd every call does nothing."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping


def notify(words: str, environ: Mapping[str, str] = os.environ) -> None:
    """Send "READY=1" and the like to the socket that NOTIFY_SOCKET names. Raises nothing: nobody may be there to read it."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):
        address = "\0" + address[1:]  # a name without a file (unix(7), "abstract")
    with contextlib.suppress(OSError, ValueError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(1.0)
        sender.sendto(words.encode(), address)


def is_watched(environ: Mapping[str, str] = os.environ, pid: int | None = None) -> bool:
    """Whether a watchdog waits for this process (sd_watchdog_enabled(3)); every turn of the main loop is often enough."""
    asked = environ.get("WATCHDOG_USEC", "")
    meant = environ.get("WATCHDOG_PID", "")
    return asked.isdecimal() and int(asked) > 0 and (not meant or meant == str(os.getpid() if pid is None else pid))
