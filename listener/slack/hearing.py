"""Bolt's part: every envelope is acknowledged at once, and its work handed to a crew of threads.

Apart from what is worked, so that neither a slow database nor a slow Slack can delay the next acknowledgement, which is due
within 3 s (docs.slack.dev/tools/bolt-python/concepts/acknowledge).
"""

from __future__ import annotations

import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent import futures
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from listener.faults import place as fault_place

log = structlog.get_logger()

ANY = re.compile(".*", re.DOTALL)
WORKERS = 8
REMEMBERED = 1000  # envelopes whose repetition is dropped without a word
FINISHING = 5.0  # seconds that clicks in hand are given at the end

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ears:
    """What is done with each kind of envelope, after its acknowledgement."""

    clicked: Callable[[Body], None]
    entered: Callable[[Body], None]
    typed: Callable[[Body], None]
    shortcut: Callable[[Body], None]
    opened_home: Callable[[Body], None]
    wrong: Callable[[Mapping[str, Any]], Mapping[str, str]]  # of a submitted window: block -> sentence; quick
    onward: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda _view: {}  # what Slack shall show next; quick


class Crew:
    """Works envelopes in threads of its own, each of them once as far as this process remembers."""

    def __init__(self) -> None:
        self._pool = futures.ThreadPoolExecutor(WORKERS, "slack-click")
        self._in_hand: set[futures.Future[None]] = set()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, work: Callable[[Body], None], body: Body) -> None:
        """Work it, unless it was taken before."""
        if self._is_repeated(str(body.get("trigger_id") or body.get("event_id") or "")):
            return
        try:
            taken = self._pool.submit(work, body)
        except RuntimeError:  # the daemon is stopping
            log.warning("slack_click_dropped", cause="stopping")
            return
        with self._lock:
            self._in_hand = {one for one in self._in_hand if not one.done()} | {taken}

    def close(self) -> None:
        """Take nothing more; what is in hand may finish, for a while."""
        self._pool.shutdown(wait=False)
        with self._lock:
            left = set(self._in_hand)
        futures.wait(left, timeout=FINISHING)

    def _is_repeated(self, key: str) -> bool:
        """For politeness only: what a repetition would do is refused by the case's revision."""
        if not key:
            return False
        with self._lock:
            if key in self._seen:
                return True
            self._seen[key] = None
            while len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        return False


def listening(client: WebClient, crew: Crew, ears: Ears, signing_secret: str = "") -> App:
    """A bolt app that acknowledges everything, also what is not ours: Slack warns the person otherwise, even behind a link."""
    token = client.token

    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        # Without this bolt asks auth.test before the first acknowledgement, which then waits for Slack's Web API.
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=token)

    app = App(
        name="listener",
        logger=logging.Logger("listener.slack.bolt", level=logging.CRITICAL + 1),  # it would log what was typed
        client=client,
        authorize=authorize,
        signing_secret=signing_secret,
        token_verification_enabled=False,
        ignoring_self_events_enabled=False,
    )

    @app.action(ANY)
    def clicked(ack: Callable[..., Any], body: Body) -> None:
        ack()
        crew.take(ears.clicked, body)

    @app.view(ANY)
    def entered(ack: Callable[..., Any], body: Body) -> None:
        if wrong := ears.wrong(body["view"]):
            ack(response_action="errors", errors=wrong)
            return
        ack(**ears.onward(body["view"]))
        crew.take(ears.entered, body)

    @app.command(ANY)
    def typed(ack: Callable[..., Any], body: Body) -> None:
        ack()
        crew.take(ears.typed, body)

    @app.shortcut(ANY)
    def shortcut(ack: Callable[..., Any], body: Body) -> None:
        ack()
        crew.take(ears.shortcut, body)

    @app.event(ANY)
    def happened(body: Body) -> None:
        if (body.get("event") or {}).get("type") == "app_home_opened":
            crew.take(ears.opened_home, body)

    @app.error
    def failed(error: Exception) -> None:
        log.error("slack_listener_failed", fault=fault_place(error))

    return app


def carried(action: Mapping[str, Any]) -> str:
    """What our own buttons and menus carry: deed:case:revision."""
    if action.get("selected_option"):
        return str(action["selected_option"]["value"])
    return f"{str(action['action_id']).partition('_')[2]}:{action['value']}"
