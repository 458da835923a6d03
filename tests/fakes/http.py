"""The fake platform that connectors' authors are given, under the name that our own fakes have for it."""

from connectors.fakes import FAULTS, PATIENCE, Asked, FakeServer, Reply, _Handler

__all__ = ["FAULTS", "PATIENCE", "Asked", "FakeServer", "Reply", "_Handler"]
