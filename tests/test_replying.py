"""A public reply from the person's word to the platform: once, told, and never a second time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import (
    AccessDenied,
    Approved,
    BudgetReached,
    CannotReply,
    ConnectorError,
    Mention,
    Posted,
    RateLimited,
    Refused,
    Unavailable,
    Voice,
)
from listener.cases.deeds import Deed, Refusal, Why, Wish
from listener.cases.replies import GIVE_UP, NewReply, Reply, ReplyState
from listener.model import CaseState, Told
from listener.replying import Replier, as_published, choose, publish
from listener.store import Store
from listener.working import Desk
from tests.fakes.slack import FakeSlack
from tests.fakes.workplace import Workplace

ANA, BEN = "U0ANA1234", "U0BEN1234"
TEXT = "Sorry! A new one is on its way."
ME, NEXT = "here:1:a", "here:1:b"


class Killed(BaseException):
    """As the process would be: nothing behind it runs."""


class Platform:
    """A source that answers, and the platform behind it; `faults` are raised at a try, "kill" after it was stored."""

    def __init__(self) -> None:
        self.stands: list[tuple[str, str]] = []  # (post, text)
        self.faults: list[ConnectorError | str] = []
        self.blind: ConnectorError | None = None  # what a look-up raises
        self.looked = 0
        self.rule: CannotReply | Voice | None = None
        self.longest = 100

    def voice(self) -> Voice | CannotReply:
        return Voice("acmecare", self.longest, len)

    def may_reply(self, post: Mention) -> Voice | CannotReply:
        return self.rule or self.voice()

    def reply(self, post: Mention, approved: Approved, now: datetime) -> Posted:
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, ConnectorError):
            raise fault
        self.stands.append((post.external_id, approved.text))
        if fault == "kill":
            raise Killed
        if fault == "lost":
            raise Unavailable("it did not answer")
        return Posted("r1", "https://forum.example/r1")

    def find_reply(self, post: Mention, approved: Approved, now: datetime) -> Posted | None:
        self.looked += 1
        if self.blind is not None:
            raise self.blind
        return Posted("r1", "https://forum.example/r1") if (post.external_id, approved.text) in self.stands else None


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Workplace]:
    with FakeSlack() as slack, Workplace(tmp_path, slack) as work:
        work.customer_posts("My order never arrived.")
        work.deliver()
        yield work


@pytest.fixture
def platform() -> Platform:
    return Platform()


def wanted(team: Workplace, key: str = "k1", who: str = ANA, **changed: Any) -> Reply | Refusal | None:
    view = team.case()
    new: dict[str, Any] = {
        "key": key,
        "case": view.case.ref,
        "mention_id": view.mentions[-1].id,
        "source": "forum",
        "account": "acmecare",
        "text": TEXT,
        "who": who,
        "through": "slack",
        "revision": view.case.revision,
    }
    return team.store.want_reply(NewReply(**(new | changed)), team.at)


def work(team: Workplace, platform: Platform, owner: str = ME) -> list[Reply]:
    return publish({"forum": Replier("forum", platform)}, team.store, team.rules.hours, owner, team.clock)


def the_reply(store: Store, case: str) -> Reply:
    (reply,) = store.replies_to(case)
    return reply


def test_what_was_approved_is_published_and_the_case_is_answered(team: Workplace, platform: Platform) -> None:
    ref = team.case().case.ref
    asked = wanted(team)
    assert isinstance(asked, Reply)
    assert asked.state is ReplyState.WANTED
    (done,) = work(team, platform)
    assert (done.state, done.url, done.who, done.text) == (
        ReplyState.PUBLISHED,
        "https://forum.example/r1",
        ANA,
        TEXT,
    )
    assert platform.stands == [("p1", TEXT)]
    assert platform.looked == 0
    case = team.case().case
    assert (case.state, case.owner, case.due_at) == (CaseState.REPLIED, ANA, None)
    (event,) = [one for one in team.store.case_history(case.id) if one.what == "replied"]
    assert (event.who, event.detail["url"], event.detail["account"]) == (ANA, "https://forum.example/r1", "acmecare")
    (line,) = team.store.audit_trail()
    assert (line.who, line.what, line.detail["case"]) == (ANA, "reply-published", ref)
    assert work(team, platform) == []


@pytest.mark.parametrize("fault", ["kill", "lost"])
def test_a_reply_whose_sender_died_or_heard_nothing_is_found_and_not_sent_again(
    team: Workplace, platform: Platform, fault: str
) -> None:
    wanted(team)
    platform.faults.append(fault)
    if fault == "kill":
        with pytest.raises(Killed):
            work(team, platform)
        assert work(team, platform, NEXT) == [], "its lease holds"
        team.store.end_leases(ME, team.at)  # as the next process does that finds it dead
    else:
        (pending,) = work(team, platform)
        assert pending.doubtful
    assert work(team, platform, NEXT) == [], "the platform is given time to show it"
    team.at += timedelta(minutes=1)
    (done,) = work(team, platform, NEXT)
    assert done.state is ReplyState.PUBLISHED
    assert platform.stands == [("p1", TEXT)]
    assert team.case().case.state is CaseState.REPLIED


def test_a_sender_that_died_before_it_sent_is_followed_by_one_that_sends(team: Workplace, platform: Platform) -> None:
    wanted(team)
    assert team.store.claim_reply(ME, team.at, timedelta(minutes=5), ["forum"]) is not None
    team.at += timedelta(minutes=6)
    (done,) = work(team, platform, NEXT)
    assert done.state is ReplyState.PUBLISHED
    assert platform.looked == 1
    assert platform.stands == [("p1", TEXT)]


def test_where_it_cannot_be_looked_up_it_is_unknown_and_never_sent_again(team: Workplace, platform: Platform) -> None:
    wanted(team)
    platform.faults.append("lost")
    platform.blind = AccessDenied("the token may not read")
    work(team, platform)
    team.at += timedelta(minutes=1)
    (done,) = work(team, platform)
    assert done.state is ReplyState.UNKNOWN
    assert platform.stands == [("p1", TEXT)]
    case = team.case().case
    assert case.state is CaseState.NEW, "nobody knows that it was answered"
    team.deliver()
    (note,) = [text for text in team.thread() if "look" in text.casefold()]
    assert f"<@{ANA}>" in note
    assert "may not read" in note
    assert team.store.audit_trail()[0].what == "reply-unknown"
    team.at += timedelta(hours=2)
    assert work(team, platform) == []


@pytest.mark.parametrize(
    "error", [Refused("too long there"), AccessDenied("the token is over"), BudgetReached("spent")]
)
def test_a_refusal_is_told_to_the_person_and_the_clock_runs_on(
    team: Workplace, platform: Platform, error: ConnectorError
) -> None:
    due = team.case().case.due_at
    wanted(team)
    platform.faults.append(error)
    (done,) = work(team, platform)
    assert (done.state, done.error) == (ReplyState.REFUSED, str(error))
    assert (team.case().case.state, team.case().case.due_at) == (CaseState.NEW, due)
    team.deliver()
    (note,) = team.thread()
    assert f"<@{ANA}>" in note
    assert str(error) in note
    assert isinstance(wanted(team, "k2"), Reply), "they may try again"


def test_what_fails_for_long_is_given_up_and_said_not_to_stand_there(team: Workplace, platform: Platform) -> None:
    wanted(team)
    platform.faults += [Unavailable("away")] * 50
    ends = team.at + GIVE_UP + timedelta(minutes=2)
    states = []
    while team.at < ends:
        states += [one.state for one in work(team, platform)]
        team.at += timedelta(seconds=10)
    assert states[-1] is ReplyState.REFUSED
    assert states.count(ReplyState.WANTED) >= 4
    assert platform.stands == []
    assert "nothing was published" in the_reply(team.store, team.case().case.ref).error


def test_a_limit_that_ends_tomorrow_does_not_publish_tomorrow(team: Workplace, platform: Platform) -> None:
    wanted(team)
    platform.faults.append(RateLimited("slow down", team.at + timedelta(hours=20)))
    work(team, platform)
    team.at += GIVE_UP
    (done,) = work(team, platform)
    assert done.state is ReplyState.REFUSED
    assert platform.stands == []


def test_a_daemon_that_was_away_publishes_nothing_stale(team: Workplace, platform: Platform) -> None:
    wanted(team)
    team.at += timedelta(hours=3)
    (done,) = work(team, platform)
    assert done.state is ReplyState.REFUSED
    assert platform.stands == []


def test_of_two_who_answer_one_case_the_second_is_told(team: Workplace, platform: Platform) -> None:
    old = team.case().case.revision
    first = wanted(team)
    second = wanted(team, "k2", BEN)
    assert isinstance(second, Refusal)
    assert second.why is Why.BUSY
    assert wanted(team) == first, "the same approval, delivered twice, is the same reply"
    work(team, platform)
    late = wanted(team, "k3", BEN, revision=old)
    assert isinstance(late, Refusal)
    assert late.why is Why.STALE
    again = wanted(team)
    assert isinstance(again, Reply)
    assert again.state is ReplyState.PUBLISHED
    assert len(platform.stands) == 1


def test_a_closed_case_and_a_removed_post_are_not_answered(team: Workplace, platform: Platform) -> None:
    ref = team.case().case.ref
    Desk(team.store, team.rules).do(ref, Wish(Deed.RESOLVE, ANA, "slack"), team.at)
    closed = wanted(team)
    assert isinstance(closed, Refusal)
    assert closed.why is Why.CLOSED
    assert wanted(team, case="c-ZZZZ") is None


def test_a_post_that_goes_while_its_reply_waits_takes_the_reply_along(team: Workplace, platform: Platform) -> None:
    wanted(team)
    remove(team)
    (done,) = work(team, platform)
    assert (done.state, done.text) == (ReplyState.REFUSED, "")
    assert platform.stands == []


def test_the_words_of_a_reply_go_with_the_post_it_answered(team: Workplace, platform: Platform) -> None:
    wanted(team)
    work(team, platform)
    ref = team.case().case.ref
    remove(team)
    assert the_reply(team.store, ref).text == ""


def test_a_customer_who_wrote_again_meanwhile_is_still_to_be_answered(team: Workplace, platform: Platform) -> None:
    wanted(team)
    team.at += timedelta(minutes=5)
    team.customer_posts("Hello? Anybody?")
    (done,) = work(team, platform)
    assert done.state is ReplyState.PUBLISHED
    assert team.case().case.state is CaseState.NEW
    assert [one.what for one in team.store.case_history(team.case().case.id)].count("replied") == 1


def test_a_case_marked_replied_meanwhile_still_tells_where_the_reply_stands(
    team: Workplace, platform: Platform
) -> None:
    wanted(team)
    Desk(team.store, team.rules).do(team.case().case.ref, Wish(Deed.REPLIED, BEN, "slack"), team.at)
    work(team, platform)
    case = team.case().case
    assert (case.state, case.owner) == (CaseState.REPLIED, BEN)
    assert [one.who for one in team.store.case_history(case.id) if one.what == "replied"] == [BEN, ANA]
    team.deliver()
    assert len(team.thread()) == 2


def test_a_fault_of_a_connector_is_told_and_stops_nothing(team: Workplace, platform: Platform) -> None:
    wanted(team)
    platform.faults.append("kill")

    class Broken(Platform):
        def reply(self, post: Mention, approved: Approved, now: datetime) -> Posted:
            raise KeyError("a slip of ours")

    (done,) = work(team, Broken())
    assert done.state is ReplyState.UNKNOWN
    assert "slip" not in done.error


def test_the_source_that_found_the_post_answers_before_others_of_its_platform(team: Workplace) -> None:
    told: Told = team.case().mentions[0]
    own, other, stranger = Platform(), Platform(), Platform()
    repliers = {
        "other": Replier("forum", other),
        "forum": Replier("forum", own),
        "mastodon": Replier("mastodon", stranger),
    }
    chosen = choose(repliers, told)
    assert not isinstance(chosen, CannotReply)
    assert chosen.source == "forum"
    own.rule = CannotReply("summons", "own rule")
    chosen = choose(repliers, told)
    assert not isinstance(chosen, CannotReply)
    assert chosen.source == "other"
    other.rule = CannotReply("off", "other rule")
    assert choose(repliers, told) == own.rule, "of several reasons that of the post's own source"
    nowhere = choose({"mastodon": repliers["mastodon"]}, told)
    assert isinstance(nowhere, CannotReply)
    assert nowhere.reason == "platform"


def test_only_control_characters_and_outer_blanks_are_taken_from_what_was_typed() -> None:
    assert as_published("  Ça va :-)\r\n\x07<b>&amp; *x*</b>  ") == "Ça va :-)\n<b>&amp; *x*</b>"


def test_nothing_of_another_source_is_claimed(team: Workplace, platform: Platform) -> None:
    wanted(team, source="elsewhere")
    assert work(team, platform) == []
    assert publish({}, team.store, team.rules.hours, ME, team.clock) == []


def remove(team: Workplace) -> None:
    mention = team.case().mentions[0].mention
    team.store.forget(mention.platform, mention.author.id, "cli", datetime.now(UTC))
