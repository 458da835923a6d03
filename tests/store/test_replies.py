"""Public replies in both databases: one approval, one sender, one end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from listener.cases.clock import ServiceHours
from listener.cases.deeds import Refusal
from listener.cases.plan import case_ref
from listener.cases.replies import Ended, NewReply, Reply, ReplyState
from listener.cases.settle import Settler
from listener.cases.telling import Rules
from listener.importing import import_posts
from listener.model import CaseState
from listener.store import Store
from tests.fakes.story import post, verdict

NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)
HOURS = ServiceHours(ZoneInfo("UTC"))
TTL = timedelta(minutes=5)


@pytest.fixture
def case(store: Store) -> str:
    settler = Settler("forum", Rules((), HOURS))
    import_posts(
        [post(1)], source="forum", store=store, judge=lambda _: verdict(), settle=settler, owner="t:1:a",
        clock=lambda: NOW,
    )  # fmt: skip
    return case_ref(1)


def want(store: Store, case: str, key: str) -> Reply | Refusal | None:
    view = store.case(case)
    assert view is not None
    return store.want_reply(NewReply(key, case, view.mentions[0].id, "forum", "acme", "Hi", "ana", "cli"), NOW)


def test_of_many_approvals_at_once_one_is_kept_and_of_many_senders_one_gets_it(store: Store, case: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        asked = list(pool.map(lambda n: want(store, case, f"k{n}"), range(6)))
        claims = list(pool.map(lambda n: store.claim_reply(f"me:1:{n}", NOW, TTL, ["forum"]), range(6)))
    assert sum(isinstance(one, Reply) for one in asked) == 1
    (claimed,) = [one for one in claims if one is not None]
    assert claimed[0].state is ReplyState.SENDING
    assert not claimed[0].doubtful


def test_a_sender_that_overslept_cannot_end_what_another_has_taken(store: Store, case: str) -> None:
    asked = want(store, case, "k1")
    assert isinstance(asked, Reply)
    assert store.claim_reply("me:1:a", NOW, TTL, ["forum"]) is not None
    assert "me:1:a" in store.lease_owners()
    later = NOW + TTL
    taken = store.claim_reply("me:2:b", later, TTL, ["forum"])
    assert taken is not None
    assert (taken[0].doubtful, taken[0].attempts) == (True, 2)
    ended = Ended(ReplyState.PUBLISHED, "", "r1", "https://forum.example/r1")
    assert not store.finish_reply(asked.id, "me:1:a", ended, HOURS, later)
    assert not store.retry_reply(asked.id, "me:1:a", later, "late", doubtful=False)
    assert store.finish_reply(asked.id, "me:2:b", ended, HOURS, later)
    assert not store.finish_reply(asked.id, "me:2:b", ended, HOURS, later)
    view = store.case(case)
    assert view is not None
    assert view.case.state is CaseState.REPLIED
    assert len(store.audit_trail()) == 1
    assert store.claim_reply("me:2:b", later + TTL, TTL, ["forum"]) is None
