"""What happens to a post upstream happens here: edits, removals, accounts that are gone, authors who ask to be forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from connectors.base import Author, Cursor, Known, Looked, Malformed, Mention, Page, RateLimited, Removal, Unavailable
from listener.cases.clock import ServiceHours
from listener.cases.deeds import Decision, Deed, Refusal, Snooze, Why, Wish
from listener.cases.routing import Route
from listener.cases.settle import Settler
from listener.cases.telling import Rules
from listener.deliver import Outlet, deliver
from listener.ingest import Feed, Recheck, poll
from listener.model import Case, CaseState, Outcome, Verdict
from listener.recheck import recheck, trouble
from listener.slack.client import SlackReceiver
from listener.slack.look import Look, load_words
from listener.store import Store
from listener.working import Desk
from rules.vocabulary import Stage, Urgency
from tests.fakes.slack import FakeSlack, refused
from tests.fakes.story import verdict

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RULES = Rules((Route("all", ("care",)),), ServiceHours(ZoneInfo("UTC")))
SECRET = "my parcel to 12 Rose Lane never came"


@dataclass
class Forum:
    """A platform that can be asked for single posts; its source reads all it has, at every poll."""

    posts: dict[str, Mention] = field(default_factory=dict)
    gone: list[Removal] = field(default_factory=list)  # told by the next poll
    edited: list[Mention] = field(default_factory=list)
    fails: Exception | None = None
    poll_fails: Exception | None = None
    poison: dict[str, Exception] = field(default_factory=dict)  # posts that make a look-up fail
    asked: list[list[str]] = field(default_factory=list)

    def publish(self, name: str, text: str, author: str = "zoe", at: datetime = NOW) -> Mention:
        made = Mention(
            "forum", name, text, at, Author(author, f"{author}_x", f"{author.title()} Smith"), f"https://forum.example/{name}"
        )  # fmt: skip
        self.posts[name] = made
        return made

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        if self.poll_fails is not None:
            raise self.poll_fails
        yield Page(tuple(self.posts.values()), {}, edited=tuple(self.edited), removed=tuple(self.gone))
        self.gone, self.edited = [], []

    def recheck(self, posts: Sequence[Known], now: datetime) -> Looked:
        self.asked.append([post.external_id for post in posts])
        if self.fails is not None:
            raise self.fails
        if bad := [self.poison[one.external_id] for one in posts if one.external_id in self.poison]:
            raise bad[0]
        return Looked(
            tuple(self.posts[one.external_id] for one in posts if one.external_id in self.posts),
            tuple(Removal("forum", one.external_id) for one in posts if one.external_id not in self.posts),
        )

    def close(self) -> None: ...


@dataclass
class Team:
    """A store, a Slack channel and the daemon's steps."""

    store: Store
    slack: FakeSlack
    forum: Forum
    at: datetime = NOW

    def __post_init__(self) -> None:
        self.store.register_sources({"forum": "forum"}, NOW, {"forum": "forum:KEY"})
        settler = Settler("forum", RULES)
        self.feed = Feed(
            "forum", self.forum, timedelta(minutes=5), settler, settler.revise,
            recheck=Recheck(self.forum, 2, timedelta(hours=24), timedelta(days=30)),
        )  # fmt: skip
        receiver = SlackReceiver(
            "xoxb-test", "C0CARE", Look(load_words("en")), base_url=self.slack.base_url, clock=lambda: self.at
        )
        self.outlet = Outlet("care", receiver)

    def turn(self, after: timedelta = timedelta(minutes=10)) -> None:
        """Poll, then deliver."""
        self.at += after
        poll(self.feed, judge, self.store, "worker", lambda: self.at, force=True)
        deliver(self.outlet, self.store, "worker", lambda: self.at)

    def look_up(self, after: timedelta = timedelta(hours=25)) -> int:
        """Look up, then deliver; returns how many posts were removed."""
        self.at += after
        done = recheck({"forum": self.feed}, judge, self.store, lambda: self.at)
        deliver(self.outlet, self.store, "worker", lambda: self.at)
        return sum(one.removed for one in done)

    def shown(self) -> str:
        return json.dumps(self.slack.messages("C0CARE"), ensure_ascii=False)

    def kept(self) -> str:
        """All that the tables hold, as text."""
        with self.store.engine.connect() as connection:
            tables = ("mention", "verdict", "case_", "case_event", "notification", "audit")
            return "\n".join(
                str(row) for name in tables for row in connection.execute(sa.text(f"SELECT * FROM {name}"))
            )


def judge(mention: Mention) -> Verdict:
    made = verdict()
    return replace(made, urgency=Urgency.CRITICAL) if "poison" in mention.text else made


@pytest.fixture
def team(store: Store) -> Iterator[Team]:
    with FakeSlack() as slack:
        yield Team(store, slack, Forum())


def test_a_post_removed_upstream_leaves_database_and_slack_within_one_look_up(team: Team) -> None:
    team.forum.publish("1", SECRET)
    team.turn()
    team.forum.publish("2", f"{SECRET}, again", at=NOW + timedelta(minutes=12))
    team.turn()
    assert team.shown().count("Rose Lane") >= 3  # the message and the entry below it, in words and blocks
    del team.forum.posts["1"], team.forum.posts["2"]
    assert team.look_up() == 2
    assert "Rose Lane" not in team.shown()
    assert "Smith" not in team.shown()
    assert "removed on its platform" in team.shown()
    assert "Rose Lane" not in team.kept()
    assert "zoe" not in team.kept().lower()
    assert team.store.totals().mentions == 2  # counts stay
    team.turn()
    assert team.store.totals().mentions == 2


def test_what_was_removed_does_not_come_back_with_an_overlapping_poll(team: Team) -> None:
    post = team.forum.publish("1", SECRET)
    team.turn()
    del team.forum.posts["1"]
    team.look_up()
    team.forum.posts["1"] = post  # the platform's search lags behind
    team.turn()
    assert "Rose Lane" not in team.kept() + team.shown()
    assert team.store.totals().mentions == 1


def test_a_case_of_which_one_post_is_left_shows_only_that(team: Team) -> None:
    team.forum.publish("1", SECRET)
    team.forum.publish("2", "and the app crashes", at=NOW + timedelta(minutes=1))
    team.turn()
    team.forum.gone = [Removal("forum", "1")]
    del team.forum.posts["1"]
    team.turn()
    assert "Rose Lane" not in team.shown()
    assert "the app crashes" in team.shown()
    (case,) = {told.case_ref for told in team.store.counted(NOW - timedelta(days=1), NOW + timedelta(days=1))}
    assert case is not None
    view = team.store.case(case)
    assert view is not None
    assert view.case.state is CaseState.NEW


def test_a_case_whose_posts_are_all_gone_is_closed_and_its_clock_stops(team: Team) -> None:
    team.forum.publish("1", SECRET)
    team.turn()
    team.forum.gone = [Removal("forum", author_id="zoe")]
    team.forum.posts.clear()
    team.turn()
    (counted,) = team.store.counted(NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert counted.case_ref is not None
    view = team.store.case(counted.case_ref)
    assert view is not None
    assert (view.case.state, view.case.due_at) == (CaseState.RESOLVED, None)
    history = team.store.case_history(view.case.id)
    assert [event.what for event in history] == ["opened", "removed", "resolved"]


def test_what_was_removed_before_it_was_told_is_never_told(team: Team) -> None:
    team.forum.publish("1", SECRET)
    team.at += timedelta(minutes=10)
    poll(team.feed, judge, team.store, "worker", lambda: team.at, force=True)
    team.forum.gone = [Removal("forum", "1")]
    team.forum.posts.clear()
    team.turn()
    assert team.slack.messages("C0CARE") == []


def test_an_entry_that_slack_lets_nobody_edit_is_deleted(team: Team) -> None:
    team.forum.publish("1", "first")
    team.turn()
    team.forum.publish("2", SECRET, at=NOW + timedelta(minutes=12))
    team.turn()
    team.forum.gone = [Removal("forum", "2")]
    del team.forum.posts["2"]
    team.slack.chance = lambda method: refused("cant_update_message") if method == "chat.update" else None
    team.turn()
    entries = [one for one in team.slack.messages("C0CARE") if one.get("thread_ts")]
    assert "Rose Lane" not in json.dumps(entries)


def test_an_edited_post_is_judged_anew_and_its_message_shows_it(team: Team) -> None:
    team.forum.publish("1", "where is my order")
    team.turn()
    team.forum.edited = [team.forum.publish("1", "where is my order, it holds poison")]
    team.turn()
    assert "holds poison" in team.shown()
    assert "(edited)" in team.shown()
    (counted,) = team.store.counted(NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert counted.urgency is Urgency.CRITICAL
    view = team.store.case(counted.case_ref or "")
    assert view is not None
    assert view.case.urgency is Urgency.CRITICAL
    before = team.slack.messages("C0CARE")
    team.look_up()  # reads the same: nothing is said again
    assert team.slack.messages("C0CARE") == before


def test_a_post_edited_into_a_mention_is_told(store: Store) -> None:
    with FakeSlack() as slack:
        team = Team(store, slack, Forum())

        def strict(mention: Mention) -> Verdict:
            return replace(verdict(), relevant="Acme" in mention.text)

        team.forum.publish("1", "nothing")
        poll(team.feed, strict, store, "worker", lambda: NOW, force=True)
        assert store.totals().outcomes == {Outcome.NOT_RELEVANT: 1}
        team.forum.edited = [team.forum.publish("1", "Acme broke it")]
        poll(team.feed, strict, store, "worker", lambda: NOW + timedelta(minutes=1), force=True)
        assert store.totals().outcomes == {Outcome.ALERTED: 1}
        deliver(team.outlet, store, "worker", lambda: NOW + timedelta(minutes=1))
        assert "Acme broke it" in team.shown()


def test_posts_are_asked_for_in_batches_the_longest_unseen_first_and_not_too_often(team: Team) -> None:
    for number in range(5):
        team.forum.publish(str(number), f"post {number}", author=f"a{number}")
    team.turn()
    team.look_up()
    assert [len(asked) for asked in team.forum.asked] == [2, 2, 1]
    team.look_up(timedelta(hours=1))
    assert len(team.forum.asked) == 3
    team.look_up(timedelta(days=40))  # nobody looks after posts whose words are gone
    assert len(team.forum.asked) == 3


def test_a_look_up_that_fails_is_tried_again_and_removes_nothing(team: Team) -> None:
    team.forum.publish("1", SECRET)
    team.turn()
    team.forum.fails = Unavailable("the forum cannot be reached; it is asked again later")
    del team.forum.posts["1"]
    assert team.look_up() == 0
    team.forum.fails = RateLimited("the forum asks to wait", team.at + timedelta(hours=2))
    assert team.look_up(timedelta(minutes=5)) == 0
    assert team.store.blocked_accounts(team.at).keys() == {"forum:KEY"}
    assert team.look_up(timedelta(minutes=5)) == 0
    assert len(team.forum.asked) == 2  # not asked while its account must wait
    team.forum.fails = None
    assert team.look_up(timedelta(hours=3)) == 1


@pytest.mark.parametrize("name", ["zoe", "@ZOE_x", "zoe_X"])
def test_an_author_is_forgotten_by_id_or_handle(team: Team, name: str) -> None:
    team.forum.publish("1", SECRET)
    team.forum.publish("2", "mine stays", author="bob")
    team.turn()
    assert team.store.written_by("forum", name) == 1
    assert team.store.forget("forum", name, "office", team.at) == 1
    deliver(team.outlet, team.store, "worker", lambda: team.at)
    assert "Rose Lane" not in team.kept() + team.shown()
    assert "mine stays" in team.shown()
    assert "asked to be forgotten" in team.shown()
    (line,) = team.store.audit_trail()
    assert (line.who, line.what, line.detail) == ("office", "forget-author", {"platform": "forum", "mentions": 1})
    assert team.store.forget("forum", name, "office", team.at) == 0


# Edits that meet what people decided


def opened(team: Team) -> Case:
    (case,) = team.store.cases_in(*CaseState)
    return case


def do(team: Team, deed: Deed, **more: object) -> None:
    desk = Desk(team.store, RULES)
    done = desk.do(opened(team).ref, Wish(deed, "ann", "cli", **more), team.at)  # type: ignore[arg-type]
    assert isinstance(done, Decision)


def test_what_a_person_called_irrelevant_is_not_told_anew_when_it_is_edited(team: Team) -> None:
    team.forum.publish("1", "where is my order")
    team.turn()
    do(team, Deed.IRRELEVANT)
    team.turn()
    before = len(team.slack.messages("C0CARE"))
    team.forum.edited = [team.forum.publish("1", "where is my order, it holds poison")]
    team.turn()
    assert opened(team).state is CaseState.NOT_RELEVANT
    assert team.store.totals().outcomes == {Outcome.NOT_RELEVANT: 1}
    (counted,) = team.store.counted(NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert not counted.relevant
    assert len(team.slack.messages("C0CARE")) == before


def test_what_a_person_corrected_stays_so_when_the_post_is_edited(team: Team) -> None:
    team.forum.publish("1", "where is my order")
    team.turn()
    do(team, Deed.CORRECT, changes={"stage": "use", "touchpoints": ["app"]}, urgency=Urgency.HIGH)
    team.forum.edited = [team.forum.publish("1", "where is my order now")]
    team.turn()
    (told,) = team.store.stored(NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert told.mention.text == "where is my order now"
    assert (told.verdict.stage, told.verdict.urgency) == (Stage.USE, Urgency.HIGH)
    assert set(told.verdict.touchpoints) == {"app"}


def test_a_resolved_case_comes_back_when_its_post_is_edited_into_something_worse(team: Team) -> None:
    team.forum.publish("1", "all is well again")
    team.turn()
    do(team, Deed.RESOLVE)
    team.forum.edited = [team.forum.publish("1", "all is poison again")]
    team.turn()
    case = opened(team)
    assert (case.state, case.urgency) == (CaseState.CLAIMED, Urgency.CRITICAL)  # with ann, who had resolved it
    assert case.due_at is not None
    assert team.store.case_history(case.id)[-1].what == "reopened"


def test_fewer_stars_under_the_same_words_are_an_edit(team: Team) -> None:
    team.forum.posts["1"] = replace(team.forum.publish("1", "the app"), rating=5.0)
    team.turn()
    team.forum.posts["1"] = replace(team.forum.posts["1"], rating=1.0)
    team.forum.edited = [team.forum.posts["1"]]
    team.turn()
    (told,) = team.store.stored(NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert (told.mention.rating, told.edited_at is not None) == (1.0, True)


def test_a_post_edited_and_removed_in_one_page_is_removed(team: Team) -> None:
    team.forum.publish("1", "hello")
    team.turn()
    team.forum.edited = [team.forum.publish("1", SECRET)]
    team.forum.gone = [Removal("forum", "1")]
    team.turn()
    team.turn()
    assert "Rose Lane" not in team.kept() + team.shown()
    assert "removed on its platform" in team.shown()


# Removals that meet deeds


def test_of_a_sleeping_case_whose_posts_are_gone_no_snooze_is_left(team: Team) -> None:
    team.forum.publish("1", SECRET)
    team.turn()
    do(team, Deed.SNOOZE, snooze=Snooze(until=NOW + timedelta(days=9)))
    team.store.forget("forum", "zoe", "office", team.at)
    assert (opened(team).state, opened(team).snooze) == (CaseState.RESOLVED, None)


def test_a_case_without_posts_cannot_be_reopened(team: Team) -> None:
    team.forum.publish("1", SECRET)
    team.turn()
    team.store.forget("forum", "zoe", "office", team.at)
    done = Desk(team.store, RULES).do(opened(team).ref, Wish(Deed.REOPEN, "ann", "cli"), team.at)
    assert isinstance(done, Refusal)
    assert done.why is Why.GONE


@pytest.mark.parametrize("handle", ["ÄNNE", "Änne", "änne"])
def test_an_author_is_forgotten_by_a_handle_of_any_alphabet(team: Team, handle: str) -> None:
    made = team.forum.publish("1", SECRET)
    team.forum.posts["1"] = replace(made, author=Author("77", "Änne", "Änne K."))
    team.turn()
    assert team.store.forget("forum", f"@{handle}", "office", team.at) == 1


def test_nothing_of_a_person_is_left_wherever_they_wrote_and_whatever_was_done(team: Team) -> None:
    """Edited, split, merged, corrected, answered by the brand: then forgotten. Every table is read."""
    mark = "Zqxjkv"
    for number in range(3):
        team.forum.publish(str(number), f"{mark} words {number}", author=mark, at=NOW + timedelta(minutes=number))
    team.turn()
    team.forum.edited = [team.forum.publish("1", f"{mark} poison", author=mark, at=NOW + timedelta(minutes=1))]
    team.turn()
    desk = Desk(team.store, RULES)
    view = team.store.case(opened(team).ref)
    assert view is not None
    alone = desk.split(view.mentions[0].ref, "ann", "cli", team.at)
    desk.do(alone.ref, Wish(Deed.CORRECT, "ann", "cli", reason=f"{mark} says so", changes={"stage": "use"}), team.at)
    for _ in range(12):
        deliver(team.outlet, team.store, "worker", lambda: team.at)
    desk.merge(alone.ref, view.case.ref, "ann", "cli", team.at)
    for _ in range(12):
        deliver(team.outlet, team.store, "worker", lambda: team.at)
    assert team.store.forget("forum", mark, "office", team.at) == 3
    for _ in range(12):
        deliver(team.outlet, team.store, "worker", lambda: team.at)
    with team.store.engine.connect() as connection:
        kept = {
            name: row
            for name in sa.inspect(team.store.engine).get_table_names()
            for row in connection.execute(sa.text(f'SELECT * FROM "{name}"'))
            if mark.lower() in str(row).lower()
        }
    assert kept.keys() <= {"case_event", "notification"}  # ann's own reason, in the history of the case
    assert all(str(row).count(mark) == 1 and f"{mark} says so" in str(row) for row in kept.values())
    assert mark.lower() not in team.shown().replace(f"{mark} says so", "").lower()


# Looking up


def test_a_limit_met_while_looking_up_holds_for_the_other_sources_of_the_account_at_once(store: Store) -> None:
    with FakeSlack() as slack:
        team = Team(store, slack, Forum())
        store.register_sources({"forum": "forum", "more": "forum"}, NOW, dict.fromkeys(("forum", "more"), "forum:KEY"))
        team.forum.publish("1", SECRET)
        team.turn()
        other = replace(team.feed, name="more")
        poll(other, judge, store, "worker", lambda: team.at, force=True)
        with store.engine.begin() as connection:  # a post of the other source, too
            connection.execute(sa.text("UPDATE mention SET source = 'forum'"))
        team.forum.publish("2", SECRET)
        poll(other, judge, store, "worker", lambda: team.at, force=True)
        at = team.at + timedelta(hours=25)
        team.forum.fails = RateLimited("the forum asks to wait", at + timedelta(hours=2))
        recheck({"forum": team.feed, "more": other}, judge, store, lambda: at)
        assert len(team.forum.asked) == 1


def test_a_source_of_no_account_that_must_wait_is_not_asked_by_look_ups_either(store: Store) -> None:
    with FakeSlack() as slack:
        team = Team(store, slack, Forum())
        store.register_sources({"forum": "forum"}, NOW)
        team.forum.publish("1", SECRET)
        team.turn()
        team.forum.fails = RateLimited("the forum asks to wait", team.at + timedelta(hours=30))
        team.look_up()
        team.look_up(timedelta(minutes=5))
        assert len(team.forum.asked) == 1


def test_a_post_that_cannot_be_looked_up_holds_up_no_other(team: Team) -> None:
    """The platform answers no question that holds it; `status` is told why it is left."""
    for number in range(9):
        team.forum.publish(str(number), f"post {number}", author=f"a{number}")
    team.feed = replace(team.feed, recheck=replace(_recheck(team), batch=100))
    team.turn()
    team.forum.poison = {"3": Malformed("the forum answers with half a page"), "7": KeyError("author")}
    del team.forum.posts["4"], team.forum.posts["8"]
    assert team.look_up() == 2
    said = trouble(team.store, "forum")
    assert said is not None
    assert (said["aside"], "3" in team.forum.asked[-1], "7" in team.forum.asked[-1]) == (2, False, False)
    asked = len(team.forum.asked)
    assert team.look_up(timedelta(minutes=5)) == 0
    assert len(team.forum.asked) == asked  # not before their next turn
    team.forum.poison = {}
    team.forum.posts.pop("3")
    assert team.look_up() == 1
    assert trouble(team.store, "forum") is None


def test_a_connector_that_answers_nothing_sets_no_post_aside(team: Team) -> None:
    for number in range(2):
        team.forum.publish(str(number), f"post {number}", author=f"a{number}")
    team.turn()
    del team.forum.posts["1"]
    team.forum.fails = KeyError("fault")
    assert team.look_up() == 0
    assert len(team.forum.asked) == 3  # both, and each alone
    team.forum.fails = None
    assert team.look_up(timedelta(minutes=5)) == 1


def test_an_outage_is_not_taken_for_a_bad_post(team: Team) -> None:
    team.forum.publish("1", SECRET)
    team.forum.publish("2", SECRET, author="yan")
    team.turn()
    team.forum.poll_fails = team.forum.fails = Unavailable("the forum does not answer")
    team.turn(timedelta(hours=25))
    team.look_up(timedelta(minutes=5))
    assert [sorted(asked) for asked in team.forum.asked] == [["1", "2"]]
    assert (trouble(team.store, "forum") or {})["why"] == "the forum does not answer"


def test_posts_too_old_to_be_looked_up_leave_the_index_of_those_that_are(team: Team) -> None:
    """However many are kept for good, a look-up reads only those that are due."""
    for number in range(4):
        team.forum.publish(str(number), "old", author=f"a{number}", at=NOW - timedelta(days=29))
    team.forum.publish("new", SECRET)
    team.turn()
    team.look_up(timedelta(days=3))
    assert team.forum.asked == [["new"]]
    with team.store.engine.connect() as connection:
        followed = sa.text("SELECT external_id FROM mention WHERE checked_at IS NOT NULL")
        assert list(connection.execute(followed).scalars()) == ["new"]


def test_posts_that_another_connector_found_are_not_looked_up_with_the_new_one(team: Team) -> None:
    team.store.register_sources({"backfill:forum:2026-10-01": "forum"}, NOW)
    team.forum.publish("1", SECRET)
    team.turn()
    team.forum.publish("2", SECRET)
    poll(replace(team.feed, name="backfill:forum:2026-10-01"), judge, team.store, "worker", lambda: team.at, force=True)
    team.store.register_sources({"forum": "mastodon"}, NOW)
    team.look_up()
    assert team.forum.asked == []


def _recheck(team: Team) -> Recheck:
    assert team.feed.recheck is not None
    return team.feed.recheck
