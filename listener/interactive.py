"""Slack's buttons, wired to the cases: one app for each app-level token or signing secret of the receivers.

Whatever fails here is logged and shows in `health`; alerts go out all the same. Nothing of Slack's is imported unless a
receiver asks for buttons.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from connectors.base import CannotReply, Mention
from listener import report, silencing, spiking, troubles
from listener.cases.asking import question
from listener.cases.clock import is_open
from listener.cases.deeds import Decision, Refusal, Why, Wish
from listener.cases.plan import CLOSED_STATES, NewMention, OpenCases, Settled, read_case_ref
from listener.cases.replies import Chosen, NewReply, Reply
from listener.cases.saved import in_order
from listener.cases.settle import Settler
from listener.cases.shelf import Move, No, Shelved, Standing
from listener.cases.telling import Rules
from listener.config import Config, SecretMissing
from listener.config.schema import SlackReceiver
from listener.faults import place
from listener.importing import ImportRefused, import_posts
from listener.model import Case, CaseState, CaseView, Outcome, Spike, Told, Verdict
from listener.replying import Repliers, as_published, begun, choose
from listener.slack.desk import Added, AddRefused, Dropped, Found
from listener.slack.look import Look
from listener.slack.reviewing import LastDigest, Review
from listener.store import AmbiguousRef, Store, StoreError
from listener.working import Desk, NoSuchCase
from rules.reading import NameTable
from rules.vocabulary import TOUCHPOINTS
from rules.words import prepare

if TYPE_CHECKING:
    from listener.slack.actions import Clicks

log = structlog.get_logger()

ADDED = "slack"  # the source under which posts added in Slack are filed
SEARCHED = timedelta(days=30)
TRIED = timedelta(days=14)  # over which an exclusion is tried
EXPECTED = timedelta(hours=24)  # how long a campaign lasts, as `listener spikes expected` has it
TIMEOUT = 10.0  # seconds a call of a click may take; the person is waiting


@dataclass(frozen=True, slots=True)
class StoreDesk:
    """`listener.slack.desk.Desk` on a store."""

    store: Store
    rules: Rules
    config: Config
    judge: Callable[[Mention], Verdict]
    owner: str
    clock: Callable[[], datetime]
    repliers: Repliers = field(default_factory=dict)
    _adding: threading.Lock = field(default_factory=threading.Lock)

    @property
    def touchpoints(self) -> Sequence[str]:
        return (*TOUCHPOINTS, *self.config.journey.touchpoints)

    def now(self) -> datetime:
        return self.clock()

    def do(self, ref: str, wish: Wish) -> Decision | Refusal | None:
        try:
            return Desk(self.store, self.rules).do(ref, wish, self.clock())
        except NoSuchCase:
            return None

    def case(self, ref: str) -> CaseView | None:
        known = read_case_ref(ref)
        return None if known is None else self.store.case(known)

    def told(self, ref: str) -> Told | None:
        try:
            return self.store.told(ref.strip().lower()) if len(ref.strip()) >= 4 else None
        except AmbiguousRef:
            return None

    def do_spike(self, deed: str, ref: str, revision: int, who: str) -> tuple[Why | None, Spike] | None:
        now, spike = self.clock(), self.store.spike(ref)
        if spike is None:
            return None
        if deed == "claim" and spike.owner is not None:
            return Why.DONE if spike.owner == who else Why.TAKEN, spike
        if spike.ended_at is not None:
            return Why.CLOSED, spike
        if spike.revision != revision:
            return Why.STALE, spike
        decides: Mapping[str, Callable[[Spike, str, datetime], Spike]] = {
            "claim": spiking.claimed,
            "end": spiking.end,
            "false": spiking.false_alarm,
            "expected": lambda one, who, at: spiking.expected(one, who, at + EXPECTED, at),
        }
        decided = decides[deed](spike, who, now)
        return (None, decided) if self.store.change_spike(decided, "deed", now) else (Why.STALE, spike)

    def may_answer(self, told: Told) -> Chosen | CannotReply:
        return choose(self.repliers, told)

    def saved_replies(self, told: Told) -> Sequence[str]:
        saved = [one.saved for one in self.config.saved_replies]
        return [one.name for one in in_order(saved, told.verdict.lang, tuple(told.verdict.touchpoints))]

    def begun_reply(self, name: str, told: Told, opening: str) -> str | None:
        found = next((one.saved for one in self.config.saved_replies if one.name == name), None)
        return None if found is None else begun(found, told, self.config.brand.name, opening)

    def reply_length(self, source: str, text: str) -> tuple[int, int]:
        voice = self.repliers[source].source.voice() if source in self.repliers else CannotReply("off", "")
        return (1, 0) if isinstance(voice, CannotReply) else (voice.measure(text), voice.longest)

    def answer(self, new: NewReply) -> Reply | Refusal | CannotReply | None:
        view = self.case(new.case)
        told = next((one for one in view.mentions if one.id == new.mention_id), None) if view else None
        if told is None:
            return None
        chosen = choose(self.repliers, told)
        if isinstance(chosen, CannotReply):
            return chosen
        is_shown = (chosen.source, chosen.voice.account) == (new.source, new.account)
        if not is_shown or new.text != as_published(new.text) or not new.text:
            return CannotReply("changed", "what may be answered from here has changed since it was shown")
        return self.store.want_reply(new, self.clock())

    def shelve(self, ref: str, move: Move) -> Shelved | No | None:
        return self.store.shelf_step(ref, move, self.clock())

    def shelf(self) -> Standing:
        return self.store.shelf_standing()

    def question(self, view: CaseView) -> str:
        told = self.store.praise_of(view.case.ref) or view.mentions[-1]
        return question(told.verdict.lang, self.config.brand.name)

    def waiting(self) -> Sequence[Case]:
        return self.store.cases_in(*(state for state in CaseState if state not in CLOSED_STATES))

    def find(self, words: str, most: int) -> Sequence[Found]:
        now, wanted = self.clock(), words.casefold().split()
        newest: deque[Found] = deque(maxlen=most)
        for post in self.store.counted(now - SEARCHED, now + timedelta(days=1)):
            text = post.text.casefold()
            if all(word in text for word in wanted):
                newest.append(Found(post.ref, post.case_ref, post.platform, post.text, post.url, post.published_at))
        return list(reversed(newest))

    def would_drop(self, words: str) -> Dropped:
        now, table = self.clock(), NameTable.of((words,))
        posts = of = in_cases = 0
        for post in self.store.counted(now - TRIED, now + timedelta(days=1)):
            if post.relevant:
                of += 1
                if table.find(prepare(post.text)).named:
                    posts += 1
                    in_cases += post.case_ref is not None
        return Dropped(posts, of, in_cases, TRIED.days)

    def troubles(self) -> Sequence[str]:
        return troubles.troubles(self.store, self.clock(), self.config)

    def review(self, week: str, who: str) -> Review:
        first, at = self.store.review_digest(week, who, self.clock())
        return Review(week, first, at)

    def last_digest(self) -> LastDigest | None:
        week = self.store.get_meta(report.MADE)
        if not isinstance(week, str):
            return None
        read = self.store.digest_review(week)
        return LastDigest(week, None if read is None else Review(week, *read))

    def opening(self) -> datetime | None:
        now = self.clock()
        spans = (since for since, _ in self.rules.hours.openings(now) if since > now)
        # Around the clock means that a day opens where another ends; nothing is waited for there.
        return next((since for since in spans if not is_open(self.rules.hours, since - timedelta(seconds=1))), None)

    def add(self, mention: Mention) -> Added:
        if not self._adding.acquire(timeout=TIMEOUT):
            raise AddRefused("another post is being added")
        try:
            return self._add(mention)
        except ImportRefused as error:
            raise AddRefused(str(error)) from None
        finally:
            self._adding.release()

    def _add(self, mention: Mention) -> Added:
        settler, done = Settler(ADDED, replace(self.rules, alerts=True)), [Added(None)]

        def judged(post: Mention) -> Verdict:
            found = self.judge(post)
            # The person who added it has said that it is about us.
            return found if found.relevant else replace(found, relevant=True, subject="brand")

        def settle(
            new: Sequence[NewMention], cases: OpenCases, next_case_id: Callable[[], int], now: datetime, /
        ) -> Settled:
            settled = settler(new, cases, next_case_id, now)
            cases_of = [(each.case.ref, each.mention_ids) for each in settled.drafts]
            cases_of += [(each.case.ref, each.mention_ids) for each in settled.changes]
            for one in new:
                outcome = settled.outcomes[one.id]
                case = next((ref for ref, ids in cases_of if one.id in ids), None)
                done[0] = Added(one.ref, outcome, case if _is_shown(outcome) else None)
            return settled

        import_posts(
            [mention], source=ADDED, store=self.store, judge=judged, settle=settle, owner=self.owner, clock=self.clock
        )
        return done[0]

    def silences(self) -> Sequence[str]:
        now = self.clock()
        return [silencing.say(one, now) for one in silencing.standing(self.store, now)]

    def silence(self, typed: str, who: str) -> str:
        now = self.clock()
        try:
            if (number := re.fullmatch(r"end\s+(\d{1,9})", typed.strip())) is not None:
                return silencing.say(silencing.end(self.store, int(number[1]), who, now), now)
            length, conditions, comment = silencing.typed(typed)
            return silencing.say(silencing.add(self.store, self.config, who, comment, conditions, length, now), now)
        except silencing.WrongSilence as error:
            return f"{error}."

    def note(self, key: str, value: Any) -> None:
        self.store.set_meta(key, value)


def _is_shown(outcome: Outcome) -> bool:
    return outcome in (Outcome.ALERTED, Outcome.JOINED_CASE)


@dataclass(frozen=True, slots=True)
class SlackApp:
    """One app of the configuration: the receivers that share a secret share it."""

    receiver: SlackReceiver  # the first of them
    token: str
    app_token: str | None
    signing_secret: str | None

    @property
    def key(self) -> tuple[str, str | None, str | None]:
        return self.token, self.app_token, self.signing_secret


def app_of(config: Config, receiver: SlackReceiver) -> SlackApp | None:
    """The app whose buttons this receiver shows; None where it shows none, or where its secret is missing."""
    try:
        token = config.secret(receiver, "token")
        app_token, signing = config.secret(receiver, "app_token"), config.secret(receiver, "signing_secret")
    except SecretMissing as error:
        log.error("slack_buttons_off", receiver=receiver.name, cause=str(error))
        return None
    if token is None or (app_token is None and signing is None):
        return None
    return SlackApp(
        receiver,
        token.get_secret_value(),
        app_token.get_secret_value() if app_token else None,
        signing.get_secret_value() if signing else None,
    )


def apps(config: Config) -> Sequence[SlackApp]:
    """Every app once."""
    once: dict[object, SlackApp] = {}
    for receiver in config.receivers:
        if isinstance(receiver, SlackReceiver) and (found := app_of(config, receiver)) is not None:
            once.setdefault(found.key, found)
    return tuple(once.values())


@contextmanager
def heard(config: Config, desk: StoreDesk, look: Look) -> Iterator[None]:
    """Clicks of every app are heard meanwhile. Raises nothing: without buttons, alerts still go out."""
    with ExitStack() as closing:
        for app in apps(config):
            try:
                open_app(config, app, desk, look, closing)
            except Exception as error:  # noqa: BLE001  # e.g. a port that is taken
                log.error("slack_buttons_failed", receiver=app.receiver.name, fault=place(error))
                _note_away(desk, app, type(error).__name__)
        yield


def _note_away(desk: StoreDesk, app: SlackApp, why: str) -> None:
    try:
        desk.note(troubles.CLICKS + app.receiver.name, {"state": "away", "since": desk.clock().isoformat(), "why": why})
    except StoreError as error:
        log.error("slack_line_not_noted", cause=str(error))


def open_app(config: Config, app: SlackApp, desk: StoreDesk, look: Look, closing: ExitStack) -> Clicks:
    """Hear one app's clicks until `closing` is closed. Raises OSError."""
    from listener.slack.actions import Clicks
    from listener.slack.door import WebDoor
    from listener.slack.rights import Groups, Rights
    from listener.slack.socket import SocketLine
    from listener.slack.wire import web_client

    receiver, said = app.receiver, config.slack
    client = web_client(app.token, receiver.base_url, min(receiver.timeout, TIMEOUT))
    lists = (said.may_work, said.may_resolve, said.may_correct, said.may_silence)
    rights = Rights(*lists, Groups(client).members, said.may_reply)
    clicks = Clicks(client, desk, replace(look, interactive=True), rights, signing_secret=app.signing_secret or "")
    closing.callback(clicks.close)
    if app.app_token is not None:
        line = SocketLine(
            clicks.app,
            app.app_token,
            client,
            note=partial(desk.note, troubles.CLICKS + receiver.name),
            clock=desk.clock,
            instances=said.instances,
        )
        line.start()
        closing.callback(line.stop)
    else:
        door = WebDoor(clicks.app, receiver.interactivity_port)
        door.start()
        closing.callback(door.stop)
        state = {"state": "connected", "since": desk.clock().isoformat(), "why": f"HTTP, port {door.port}"}
        desk.note(troubles.CLICKS + receiver.name, state)
    log.info("slack_buttons_on", receiver=receiver.name, way="socket" if app.app_token else "http")
    return clicks
