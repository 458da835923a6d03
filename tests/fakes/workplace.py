"""A team at work in Slack: a store, a channel, an app whose buttons are heard, and a clock that is set by hand.

    with FakeSlack() as slack, FakeSocket(slack) as socket, Workplace(folder, slack) as work, work.heard(socket):
        work.customer_posts("My order never arrived.")
        work.deliver()
        socket.click("U0ANA1234", "case_claim")

Everything between the fake Slack and the database is real: slack-sdk, bolt, the outbox, the receiver. All people are invented.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.base import Author, Mention
from listener import app as composition
from listener.cases.plan import case_ref
from listener.cases.settle import Settler
from listener.config import Config, parse_config
from listener.deliver import Outlet, deliver
from listener.importing import import_posts
from listener.interactive import StoreDesk
from listener.model import CaseView, Verdict
from listener.slack.actions import Clicks
from listener.slack.client import SlackReceiver
from listener.slack.rights import Groups, Rights
from listener.slack.socket import Patience, SocketLine
from listener.slack.wire import web_client
from listener.store import Store
from rules.vocabulary import Urgency
from tests.fakes.catalogue import CATALOGUE
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_socket import FakeSocket
from tests.fakes.story import verdict

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)  # a Monday; before today, as the fake stamps messages with the real time
CHANNEL = "C0CARE"
QUICK = Patience(ping=0.3, look=0.05, first=0.05, longest=0.2)

CONFIG = """
[listener]
database = "sqlite:///listener.db"
[brand]
name = "Acme"
languages = ["en"]
timezone = "Europe/Paris"
service_hours = "monday-friday 09:00-18:00"
[[receiver]]
name = "care"
type = "slack"
channel = "C0CARE"
token_env = "SLACK_BOT_TOKEN"
app_token_env = "SLACK_APP_TOKEN"
base_url = "{base_url}"
timeout = 2.0
[[route]]
name = "all"
to = ["care"]
[digest]
enabled = false
{more}
"""


class Workplace:
    """See the module's docstring."""

    def __init__(
        self, folder: Path, slack: FakeSlack, *, language: str = "en", more: str = "", database: str = ""
    ) -> None:
        self.slack = slack
        self.at = NOON
        text = CONFIG.format(base_url=slack.base_url, more=more)
        self.config: Config = parse_config(text, folder / "listener.toml", CATALOGUE)
        self.look = replace(composition.look(self.config), words=composition.load_words(language), interactive=True)
        self.rules = composition.telling_rules(self.config)
        self.level = Urgency.HIGH  # of the posts that follow
        self.store = Store.open(database or f"sqlite:///{folder / 'listener.db'}")
        self.store.migrate()
        self.desk = StoreDesk(self.store, self.rules, self.config, self.judge, "test:1:a", self.clock)
        receiver = SlackReceiver(
            "xoxb-test", CHANNEL, self.look, base_url=slack.base_url, timeout=2.0, clock=self.clock
        )
        self.outlet = Outlet("care", receiver, timedelta(seconds=1))
        self.line: SocketLine | None = None
        self._posts = 0

    def __enter__(self) -> Workplace:
        return self

    def __exit__(self, *exc: object) -> None:
        self.store.close()

    def clock(self) -> datetime:
        return self.at

    def judge(self, mention: Mention) -> Verdict:
        return verdict(urgency=self.level)

    def client(self) -> Any:
        return web_client("xoxb-test", self.slack.base_url, 2.0)

    @contextmanager
    def heard(self, socket: FakeSocket, **kwargs: Any) -> Iterator[Clicks]:
        """Clicks arrive meanwhile, over a real Socket Mode line."""
        said, client = self.config.slack, self.client()
        lists = (said.may_work, said.may_resolve, said.may_correct, said.may_silence)
        rights = Rights(*lists, Groups(client).members, said.may_reply)
        with ExitStack() as closing:
            clicks = Clicks(client, self.desk, self.look, rights)
            closing.callback(clicks.close)
            values: dict[str, Any] = {
                "note": lambda known: self.store.set_meta("slack.clicks:care", known),
                "clock": self.clock,
                "patience": QUICK,
            }
            self.line = SocketLine(clicks.app, "xapp-test", client, **(values | kwargs))
            self.line.start()
            closing.callback(self.line.stop)
            socket.wait_for_line()
            yield clicks

    def customer_posts(self, text: str, author: str = "ada", thread: str = "t1") -> None:
        """A post, stored and judged as a poll would do it."""
        self._posts += 1
        post = Mention(
            platform="forum",
            external_id=f"p{self._posts}",
            text=text,
            published_at=self.at - timedelta(minutes=2),
            author=Author(author, author, author.title(), 120),
            url=f"https://forum.example/t/{thread}/{self._posts}",
            thread_id=thread,
        )
        import_posts(
            [post],
            source="forum",
            store=self.store,
            judge=self.judge,
            settle=Settler("forum", self.rules),
            owner="test:1:a",
            clock=self.clock,
        )

    def deliver(self, seconds: int = 600) -> None:
        """Send until nothing waits any more; the clock moves on as the outbox asks."""
        since = self.at
        while self.at < since + timedelta(seconds=seconds):
            deliver(self.outlet, self.store, "test:1:b", self.clock)
            waiting = self.store.outbox(self.at + timedelta(days=1)).counts.get("care", {})
            if not any(waiting.get(state, 0) for state in waiting if state.value in ("pending", "sending")):
                return
            self.at += timedelta(seconds=1)

    def case(self) -> CaseView:
        """The first case."""
        found = self.store.case(case_ref(1))
        assert found is not None
        return found

    def message(self) -> dict[str, Any]:
        """The case's message as it stands in the channel."""
        return next(one for one in self.slack.messages(CHANNEL) if "thread_ts" not in one)

    def thread(self) -> list[str]:
        """The texts below it."""
        return [one["text"] for one in self.slack.messages(CHANNEL) if "thread_ts" in one]

    def shown(self) -> dict[str, Any]:
        """Message and thread, without what differs from run to run."""
        return {
            "text": self.message()["text"],
            "blocks": copy.deepcopy(self.message()["blocks"]),
            "thread": self.thread(),
        }


def until(what: Callable[[], bool], socket: FakeSocket, seconds: float = 10.0) -> None:
    """Wait until it is so."""
    socket._wait(what, seconds)
