"""Answers with something strange in them: a source raises what it may raise and nothing else, polled or looking up."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from connectors import appstore, discourse, github, hackernews, lemmy, mastodon, stackexchange, youtube
from connectors.base import Connector, ConnectorError, SourceContext
from connectors.contract import START, Stored
from tests.fakes.appstore import APP, FakeAppStore
from tests.fakes.discourse import FakeDiscourse
from tests.fakes.github import FakeGitHub
from tests.fakes.hackernews import FakeHackerNews
from tests.fakes.http import Asked, FakeServer, Reply
from tests.fakes.known import look_up
from tests.fakes.lemmy import FakeLemmy
from tests.fakes.mastodon import FakeMastodon
from tests.fakes.stackexchange import FakeStackExchange
from tests.fakes.youtube import KEY_FILE, VIDEO, FakeYouTube

CONTEXT = SourceContext("strange", ("Acme",), "listener-tests", intranet=("127.0.0.0/8",))
STRANGE = (None, True, 0, -1, 10**30, 1.5, "", "x", "9" * 5000, "2026-13-99", "\ud83d", [], {}, [None], [{}], {"a": 1})

Publish = Callable[[Any, datetime], object]


@dataclass(frozen=True)
class Case:
    connector: Connector
    fake: type[FakeServer]
    publish: Publish
    settings: Callable[[FakeServer], dict[str, Any]] = lambda fake: {}


def _thread(fake: Any, at: datetime) -> None:
    one = fake.publish(at=at)
    for _ in range(7):
        fake.reply(one, at=at)


def _issue_and_discussion(fake: Any, at: datetime) -> None:
    fake.publish(at=at)
    fake.publish(at=at, kind="discussion")


def _topic_and_answer(fake: Any, at: datetime) -> None:
    fake.publish(at=at, number=1)
    fake.publish(at=at)


CASES = {
    "appstore": Case(appstore.connector, FakeAppStore, lambda fake, at: fake.publish(at=at), lambda _: {"app": APP}),
    "discourse": Case(discourse.connector, FakeDiscourse, _topic_and_answer),
    "github": Case(github.connector, FakeGitHub, lambda fake, at: fake.publish(at=at)),
    "github-token": Case(
        github.connector,
        FakeGitHub,
        _issue_and_discussion,
        lambda _: {"token_file": str(KEY_FILE), "discussions": True, "page_size": 4},
    ),
    "hackernews": Case(
        hackernews.connector, FakeHackerNews, lambda fake, at: fake.publish(at=at), lambda fake: {"item_url": fake.url}
    ),
    "lemmy": Case(lemmy.connector, FakeLemmy, lambda fake, at: fake.publish(at=at, home=fake.url)),
    "mastodon": Case(mastodon.connector, FakeMastodon, lambda fake, at: fake.publish(at=at, home=fake.url)),
    "stackexchange": Case(stackexchange.connector, FakeStackExchange, lambda fake, at: fake.publish(at=at)),
    "youtube": Case(
        youtube.connector,
        FakeYouTube,
        _thread,
        lambda _: {"videos": (VIDEO,), "key_file": str(KEY_FILE), "page_size": 4},
    ),
}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", CASES)
def test_whatever_an_answer_holds_nothing_but_the_errors_of_the_seam_is_raised(name: str, seed: int) -> None:
    case = CASES[name]
    chance = random.Random(seed)
    with strange(case.fake)() as fake, closing(_open(case, fake)) as source:
        for n in range(5):
            case.publish(fake, START - timedelta(minutes=n))
        stored = Stored()
        stored.poll(source, START)
        known = list(stored.mentions.values())
        assert known
        fake.chance = chance
        for n in range(1, 5):
            case.publish(fake, START + timedelta(minutes=n))
            with contextlib.suppress(ConnectorError):
                stored.poll(source, START + timedelta(minutes=n))
            if case.connector.recheck_batch:
                with contextlib.suppress(ConnectorError):
                    look_up(source, known, START + timedelta(minutes=n))


def _open(case: Case, fake: Any) -> Any:
    return case.connector.open(case.connector.settings(base_url=fake.url, **case.settings(fake)), CONTEXT)


def strange(kind: type[FakeServer]) -> Callable[[], Any]:
    """This fake, most of whose answers hold one to three strange values once `chance` is set."""

    class Strange(kind):  # type: ignore[misc, valid-type]
        chance: random.Random | None = None

        def answer(self, asked: Asked) -> Reply:
            reply: Reply = super().answer(asked)
            if self.chance is None or not reply.body or self.chance.random() < 0.3:
                return reply
            return Reply(reply.status, json.dumps(changed(json.loads(reply.body), self.chance)).encode(), reply.headers)

    return lambda: Strange().start()


def changed(answer: Any, chance: random.Random) -> Any:
    """With values put in the place of others, or left out."""
    for _ in range(chance.randint(1, 3)):
        places = list(_places(answer))
        if not places:
            break
        holder, key = chance.choice(places)
        if isinstance(holder, dict) and chance.random() < 0.2:
            del holder[key]
        else:
            holder[key] = json.loads(json.dumps(chance.choice(STRANGE)))
    return answer


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    pairs = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    for key, inner in pairs:
        yield node, key
        yield from _places(inner)
