"""The dead man's ping: sent while all is well, never otherwise, and its failures are one line in the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest
import structlog
from structlog.testing import capture_logs

from listener.store import Unavailable
from listener.watch.ping import Ping
from tests.fakes.http import Asked, FakeServer, Reply
from tests.fakes.story import NOON

SECRET = "7d2a-a-secret"


class FakeSwitch(FakeServer):
    def answer(self, asked: Asked) -> Reply:
        return Reply(200, b"OK")


class Health:
    """What `listener health` would find, said by the test."""

    def __init__(self) -> None:
        self.troubles: list[str] = []
        self.fault: Exception | None = None

    def __call__(self, at: datetime) -> Sequence[str]:
        if self.fault is not None:
            raise self.fault
        return self.troubles


@pytest.fixture
def switch() -> Iterator[FakeSwitch]:
    structlog.reset_defaults()
    with FakeSwitch().start() as switch:
        yield switch


def ping(address: str, health: Health, intranet: Sequence[str] = ("127.0.0.0/8",)) -> Ping:
    return Ping(address, timedelta(minutes=1), health, "listener/test", intranet)


def test_it_is_sent_while_all_is_well_and_never_otherwise(switch: FakeSwitch) -> None:
    health = Health()
    sent = ping(f"{switch.url}/{SECRET}", health)
    assert sent(NOON)
    health.troubles = ["receiver care is stopped: revoked"]
    assert not sent(NOON)
    health.fault = Unavailable("the database is gone")
    assert not sent(NOON)
    health.fault = RuntimeError("whatever")
    assert not sent(NOON)
    assert [(one.method, one.path) for one in switch.asked] == [("GET", f"/{SECRET}")]
    health.troubles, health.fault = [], None
    assert sent(NOON)
    assert len(switch.asked) == 2
    sent.close()


@pytest.mark.parametrize("fault", ["500", "429", "404", "html", "reset", "malformed", "401", "410"])
def test_failures_are_said_once_and_their_end_too(switch: FakeSwitch, fault: str) -> None:
    sent = ping(f"{switch.url}/{SECRET}", Health())
    switch.fail_next(fault, times=3)
    with capture_logs() as log:
        answers = [sent(NOON) for _ in range(5)]
    assert answers[-1]
    if fault not in ("html", "malformed"):  # with status 200: it was reached, which is all we want
        assert answers == [False] * 3 + [True] * 2
        assert [line["event"] for line in log] == ["ping_failed", "ping_works_again"]
    assert SECRET not in str(log)
    sent.close()


def test_an_address_inside_is_not_asked_unless_it_is_listed(switch: FakeSwitch) -> None:
    """An address is configuration, but the guard of all sources holds for it, too."""
    sent = ping(f"{switch.url}/{SECRET}", Health(), intranet=())
    with capture_logs() as log:
        assert not sent(NOON)
    assert switch.asked == []
    assert "intranet" in log[0]["cause"]
    assert SECRET not in str(log)
    sent.close()


@pytest.mark.parametrize(
    "address", ["", "not an address", "ftp://x.example/y", "http://", "https://[", "http://127.0.0.1:1/x"]
)
def test_a_wrong_address_harms_nothing(address: str) -> None:
    sent = ping(address, Health())
    with capture_logs() as log:
        assert not sent(NOON)
        assert not sent(NOON)
    assert [line["event"] for line in log] == ["ping_failed"]
    sent.close()
