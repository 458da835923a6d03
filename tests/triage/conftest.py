"""One loaded model, one loaded set of lists: building them is what costs."""

from __future__ import annotations

import pytest

from listener.triage.language import Identifier
from listener.triage.sentiment import Lexicons, build_scorer
from listener.triage.signals import Signals, build_signals

LANGUAGES = ("en", "fr", "it", "es", "de")


@pytest.fixture(scope="session")
def identifier() -> Identifier:
    return Identifier(LANGUAGES)


@pytest.fixture(scope="session")
def scorer() -> Lexicons:
    return build_scorer(LANGUAGES, neutral=("Super Best", "Lovely"))


@pytest.fixture(scope="session")
def signals() -> Signals:
    return build_signals(LANGUAGES)
