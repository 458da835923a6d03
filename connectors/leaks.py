"""Hear everything that a source says while it works, and find its secrets in it; for `connectors.contract`.

    with Ears() as ears:
        … poll …
    assert not ears.leaks(["the token"])

Logs are heard at DEBUG, of every library, with their tracebacks; so are structlog, standard output and errors. A secret is
found plain, URL-encoded, and in Base64 wherever it stands in what was encoded, as in a Basic header.
"""

from __future__ import annotations

import base64
import io
import logging
import traceback
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, quote_plus

from structlog.testing import capture_logs

# Set anew for each hearing: a connector that keeps a library from logging at DEBUG does so when it is opened.
LIBRARIES = (
    "httpcore",
    "httpx",
    "imaplib",
    "oauthlib",
    "praw",
    "prawcore",
    "requests",
    "requests_oauthlib",
    "tweepy",
    "urllib3",
    "websocket",
)
SHORTEST = 6  # characters; a shorter header value says too little to be found for itself
AROUND = 40  # characters shown on each side of a leak


class Ears(logging.Handler):
    """Hears from `with` to its end; what else is to be searched is given to `hear`."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._said: list[tuple[str, str]] = []
        self._undo = ExitStack()
        self._printed = io.StringIO()
        self._structured: list[Any] = []

    def __enter__(self) -> Self:
        root = logging.getLogger()
        for logger in (root, *map(logging.getLogger, LIBRARIES)):
            self._undo.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.DEBUG)
        root.addHandler(self)
        self._undo.callback(root.removeHandler, self)
        self._structured = self._undo.enter_context(capture_logs())
        self._undo.enter_context(redirect_stdout(self._printed))
        self._undo.enter_context(redirect_stderr(self._printed))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    def emit(self, record: logging.LogRecord) -> None:
        """What one log line holds, its arguments and traceback included."""
        self.hear(f"log of {record.name}", f"{self.format(record)} {record.args!r}")

    def hear(self, where: str, what: object) -> None:
        """Search this too: a page, a cursor, an error with all that a traceback would show of it."""
        if isinstance(what, BaseException):
            what = "".join(traceback.format_exception(what)) + repr(what)
        self._said.append((where, str(what)))

    def heard(self) -> list[str]:
        """Where something was heard, each place once."""
        return list(dict.fromkeys(where for where, _ in self._all()))

    def leaks(self, secrets: Iterable[str]) -> list[str]:
        """Where each secret was heard, with the words around it and the secret itself taken out."""
        wanted = {form for secret in secrets for form in forms(secret)}
        return [
            f"{where}: …{_around(said, form)}…"
            for where, said in self._all()
            for form in sorted(wanted)
            if form in said
        ]

    def _all(self) -> Iterator[tuple[str, str]]:
        yield from self._said
        yield from (("structlog", repr(one)) for one in self._structured)
        yield "output", self._printed.getvalue()


def forms(secret: str) -> set[str]:
    """How a secret may look where somebody finds it."""
    raw = secret.encode()
    found = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):  # bytes before it in the group of three that it begins in
            encoded = encode(b"\0" * shift + raw).decode()
            found.add(encoded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6])
    return {form for form in found if len(form) >= SHORTEST}


def sent_secrets(fake: Any) -> set[str]:
    """What a fake was told in confidence beside the configured secrets: session tokens, signatures."""
    headers = ("authorization", "cookie", "x-goog-api-key", "x-api-key", "api-key")
    asked = [one.headers for one in getattr(fake, "asked", ()) if hasattr(one, "headers")]
    values = (told.get(name, "") for told in asked for name in headers)
    return {value.split(" ", 1)[-1] for value in values if len(value.split(" ", 1)[-1]) >= SHORTEST}


def _around(said: str, form: str) -> str:
    before, _, behind = said.partition(form)
    return f"{before[-AROUND:]}[a secret]{behind[:AROUND]}"
