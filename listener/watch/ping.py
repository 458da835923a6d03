"""The dead man's ping: an address that is asked after each healthy minute, and that calls a person when it is not.

What is pinged (healthchecks.io, an Uptime Kuma, …) sits elsewhere, so it notices what nothing on this machine can say:
that the machine is gone. The address is a secret; neither it nor what it answers is logged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from connectors.base import ConnectorError
from connectors.http import Client
from listener.faults import place

log = structlog.get_logger()

TIMEOUT = 10.0  # seconds
_LARGEST = 64 * 1024  # bytes of an answer that nobody reads


class Ping:
    """One address. `troubles` are those of `listener health`: while there are any, nothing is sent."""

    def __init__(
        self,
        address: str,
        every: timedelta,
        troubles: Callable[[datetime], Sequence[str]],
        user_agent: str,
        intranet: Sequence[str] = (),
    ) -> None:
        self.every = every
        self._address = address
        self._troubles = troubles
        self._failing = False
        self._client = Client("ping_url", address, user_agent, TIMEOUT, size_limit=_LARGEST, intranet=intranet)

    def __call__(self, now: datetime) -> bool:
        """Ask the address if all is well; whether it was reached. Raises nothing. Not from two threads at once."""
        try:
            if self._troubles(now):
                return False
        except Exception as fault:  # noqa: BLE001  # a database that cannot be asked is a trouble, and logged elsewhere
            log.debug("ping_left_out", fault=place(fault))
            return False
        try:
            self._client.get(self._address, now)
        except ConnectorError as error:
            self._failed(str(error))
            return False
        except Exception as fault:  # noqa: BLE001  # whatever an address can be wrong in, alerts go on
            self._failed(place(fault))
            return False
        if self._failing:
            log.info("ping_works_again")
        self._failing = False
        return True

    def _failed(self, cause: str) -> None:
        if not self._failing:  # once, not every minute
            log.warning("ping_failed", cause=cause)
        self._failing = True

    def close(self) -> None:
        """Release sockets. Idempotent."""
        self._client.close()
