"""Many workers at once on one database: each mention once, one case per author, each notification to one sender."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from zoneinfo import ZoneInfo

from connectors.base import Author, Mention, Page, Removal
from listener.cases.clock import ServiceHours
from listener.cases.deeds import Deed, Wish
from listener.cases.manners import Manners
from listener.cases.routing import Route
from listener.cases.settle import Settler
from listener.cases.telling import Rules
from listener.minding import Calls, mind
from listener.model import CaseState, NewNotification, NotificationKind, NotificationState, Receipt
from listener.store import Budget, LeaseLost, Store
from listener.working import Desk, NoSuchCase
from rules.vocabulary import Urgency
from tests.fakes.story import NOON, page, post, settle_to, triaged

TTL = timedelta(minutes=2)
DAY = timedelta(days=1)


def together(*work: Callable[[], object]) -> list[object]:
    """Run these at the same time; an error in any is ours."""
    with ThreadPoolExecutor(len(work)) as pool:
        return [future.result() for future in [pool.submit(one) for one in work]]


def test_sources_that_find_the_same_posts_at_once_store_each_once(store: Store) -> None:
    """Four sources, the same 60 posts of six authors in different orders and pages."""
    names = [f"forum-{number}" for number in range(4)]
    store.register_sources(dict.fromkeys(names, "replay"), NOON)
    posts = [triaged(post(number, author=Author(f"a{number % 6}"))) for number in range(60)]

    def poll(name: str, step: int) -> int:
        lease = store.lease(name, name, NOON, TTL)
        assert lease is not None
        mine = posts[::step]
        pages = [mine[start : start + 15] for start in range(0, len(mine), 15)]
        return sum(store.record_page(lease, page(one), one, settle_to("console"), NOON).new for one in pages)

    stored = together(
        *[lambda name=name, step=step: poll(name, step) for name, step in zip(names, (1, -1, 1, -1), strict=True)]
    )
    assert sum(int(str(number)) for number in stored) == 60
    counted = list(store.counted(NOON, NOON + DAY))
    assert len({one.ref for one in counted}) == len(counted) == 60
    assert len({one.case_ref for one in counted}) == store.totals().cases_open == 6
    assert sum(one.mentions for one in store.sources()) == 60
    for ref in {one.case_ref for one in counted}:
        view = store.case(ref or "")
        assert view is not None
        assert view.case.mention_count == len(view.mentions) == 10


def test_only_one_of_many_workers_gets_a_lease(store: Store) -> None:
    """A lease is one conditional UPDATE."""
    store.register_sources({"forum": "replay"}, NOON)
    leases = together(*[lambda owner=f"w{number}": store.lease("forum", owner, NOON, TTL) for number in range(8)])
    assert len([lease for lease in leases if lease is not None]) == 1


def test_many_senders_of_one_receiver_send_each_notification_once(store: Store) -> None:
    """While posts keep coming in."""
    store.register_sources({"forum": "replay"}, NOON)
    sent: list[str] = []

    def poll() -> None:
        for start in range(0, 60, 6):
            lease = store.lease("forum", "poller", NOON, TTL, force=True)
            assert lease is not None
            posts = [triaged(post(number, author=Author(f"a{number % 4}"))) for number in range(start, start + 6)]
            store.record_page(lease, page(posts), posts, settle_to("console"), NOON)
            store.finish(lease, NOON, NOON)

    def send(owner: str) -> None:
        idle = 0
        while idle < 50:
            delivery = store.claim("console", owner, NOON, TTL)
            if delivery is None:
                idle += 1
                continue
            idle = 0
            sent.append(delivery.key)
            assert store.mark_sent(delivery.id, owner, Receipt({}), NOON)

    together(poll, *[lambda owner=f"s{number}": send(owner) for number in range(4)])
    send("last")
    assert max(Counter(sent).values()) == 1
    counts = store.outbox(NOON).counts["console"]
    assert counts[NotificationState.SENT] == len(sent)
    assert set(counts) <= {NotificationState.SENT, NotificationState.FOLDED}
    # Four cases opened, 56 posts hung below them: those are never folded.
    assert len([key for key in sent if ":open:" in key or ":thread:" in key]) == 60


def test_two_writers_of_the_same_notices_enqueue_each_once(store: Store) -> None:
    """A digest that two schedulers make at the same minute goes out once."""
    notices = [
        NewNotification(f"digest:{number}:c", NotificationKind.DIGEST, "c", Urgency.LOW, NOON, "digest")
        for number in range(30)
    ]
    added = together(lambda: store.enqueue(notices, NOON), lambda: store.enqueue(notices[::-1], NOON))
    assert sum(int(str(number)) for number in added) == 30


RULES = Rules((Route("all", ("care", "chiefs")),), ServiceHours(ZoneInfo("UTC")))


def test_whatever_is_done_at_once_nobody_waits_for_each_other_for_ever(store: Store) -> None:
    """Pages, edits, removals, deeds, merges, reminders, senders, purges and people forgotten, all on the same few cases."""
    names = ("forum", "more")
    store.register_sources(dict.fromkeys(names, "forum"), NOON, dict.fromkeys(names, "shared"))
    desk = Desk(store, RULES)
    until = monotonic() + 4
    done: Counter[str] = Counter()

    def repeat(name: str, act: Callable[[int], object]) -> Callable[[], None]:
        def run() -> None:
            turn = 0
            while monotonic() < until:
                act(turn)
                done[name] += 1
                turn += 1

        return run

    def write(turn: int) -> Mention:
        return post(turn % 40, author=Author(f"a{turn % 7}", f"a{turn % 7}"), text=f"words {turn}", published_at=NOON)

    def record(source: str) -> Callable[[int], object]:
        settler = Settler(source, RULES)

        def act(turn: int) -> None:
            lease = store.lease(source, source, NOON, TTL, force=True)
            if lease is None:
                store.block_account("shared", NOON, "429")
                return
            fresh = [
                triaged(post(1000 + 5 * turn + n, author=Author(f"{source}{n}"), published_at=NOON)) for n in range(3)
            ]
            new = [triaged(write(turn)), *fresh]
            edited = [triaged(write(turn + n), urgency=Urgency(turn % 4)) for n in (1, 2)]
            gone = (Removal("forum", f"p{1000 + 5 * (turn - 2)}"),)
            found = Page(tuple(one.mention for one in new), {}, removed=gone)
            with suppress(LeaseLost):
                store.record_page(lease, found, new, settler, NOON, edited, settler.revise)
                store.finish(lease, NOON, NOON)

        return act

    def deed(turn: int) -> None:
        for case in store.cases_in(CaseState.NEW, CaseState.CLAIMED)[turn % 3 : 6]:
            wish = list(Deed)[turn % len(Deed)]
            desk.do(case.ref, Wish(wish, "ann", "cli", urgency=Urgency.CRITICAL), NOON)

    def rearrange(turn: int) -> None:
        found = store.cases_in(CaseState.NEW, CaseState.CLAIMED)[:4]
        with suppress(NoSuchCase):
            desk.merge(found[-1].ref, found[0].ref, "ann", "cli", NOON) if len(found) > 1 else None
        view = store.case(found[0].ref) if found else None
        with suppress(NoSuchCase):
            desk.split(view.mentions[0].ref, "ann", "cli", NOON) if view and view.mentions else None

    def send(owner: str, receiver: str) -> Callable[[int], object]:
        def act(turn: int) -> None:
            one = store.claim(receiver, owner, NOON, TTL, Manners(singles_per_hour=5 if turn % 50 else None))
            if one is not None and turn % 9:
                store.mark_sent(one.id, owner, Receipt({"ts": str(one.id)}), NOON)
            elif one is not None:
                store.mark_dead(one.id, owner, "refused", NOON)

        return act

    def purge(turn: int) -> None:
        store.purge({"forum": NOON + timedelta(days=turn % 2)}, NOON, 5)
        store.purge_outbox(NOON)

    work = {
        "forum": record("forum"),
        "more": record("more"),
        "deed": deed,
        "rearrange": rearrange,
        "care": send("s1", "care"),
        "care too": send("s2", "care"),
        "chiefs": send("s3", "chiefs"),
        "mind": lambda turn: mind(desk, Calls(), NOON + timedelta(minutes=turn)),
        "purge": purge,
        "forget": lambda turn: store.forget("forum", f"a{turn % 7}", "office", NOON),
        "money": lambda _: store.set_aside("shared", "post", 1, 1, Budget(None, None), NOON),
    }
    together(*(repeat(name, act) for name, act in work.items()))
    assert done.keys() == work.keys(), done
