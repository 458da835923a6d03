"""What is clicked, typed and entered in Slack, worked through `Desk` once it is acknowledged (`hearing`).

What counts is in the database: a click that is delivered twice, or shows an older revision, is refused with a sentence
that only the person who clicked sees. A case's message is never edited from here; the outbox does that, until it is right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from listener.cases.deeds import Deed, Refusal, Why, Wish
from listener.cases.shelf import Step
from listener.faults import place as fault_place
from listener.model import ReceiverError
from listener.slack import command, home, modals, parts, reply_windows, reviewing, shelving
from listener.slack.answering import Answering
from listener.slack.answers import Answers, Place, exclusion_said, refusal_said, spike_refused
from listener.slack.blocks import Block
from listener.slack.desk import AddRefused, Desk
from listener.slack.failures import code_of, translate, translated
from listener.slack.hearing import Body, Crew, Ears, carried, listening
from listener.slack.look import Look
from listener.slack.outside import defuse
from listener.slack.rights import NEEDED, Right, Rights
from listener.slack.shared import mention_of, permalink

log = structlog.get_logger()

THROUGH = "slack"
MODALS = frozenset({"snooze", "irrelevant", "edit"})
GONE = frozenset({"hash_conflict", "not_found"})  # the window was changed by a later choice, or closed
TOO_LATE = frozenset({"expired_trigger_id", "trigger_expired", "exchanged_trigger_id", "invalid_trigger_id"})


class Clicks:
    """One Slack app's interactivity. `app` is what Socket Mode or the HTTP door dispatches to."""

    def __init__(self, client: WebClient, desk: Desk, look: Look, rights: Rights, *, signing_secret: str = "") -> None:
        self._client, self._desk, self._look, self._rights = client, desk, look, rights
        self._answers = Answers(client, look)
        self._replies = Answering(desk, look, rights, self._show, self._tell, self._renew)
        self._shelf = shelving.Shelving(desk, look, rights, self._show, self._tell)
        self._crew = Crew()
        ears = Ears(
            clicked=self._worked(self._clicked),
            entered=self._worked(self._entered),
            typed=self._worked(self._typed),
            shortcut=self._worked(self._shortcut),
            opened_home=self._worked(self._opened_home),
            wrong=self._wrong,
            onward=self._replies.onward,
        )
        self.app = listening(client, self._crew, ears, signing_secret)

    def close(self) -> None:
        """Take nothing more, and let what is being worked finish."""
        self._crew.close()

    def _worked(self, work: Callable[[Body, Place], None]) -> Callable[[Body], None]:
        """`work`, with an answer for the person also where it fails."""

        def guarded(body: Body) -> None:
            place = Place.of(body)
            try:
                work(body, place)
            except ReceiverError as error:
                log.warning("slack_answer_failed", cause=str(error))
            except Exception as error:  # noqa: BLE001  # nobody reads what a thread raises, and the person is waiting
                log.error("slack_click_failed", fault=fault_place(error))
                try:
                    self._tell(place, self._refused("failed"))
                except ReceiverError as unsaid:
                    log.warning("slack_answer_failed", cause=str(unsaid))

        return guarded

    # Buttons and menus

    def _clicked(self, body: Body, place: Place) -> None:
        action = body["actions"][0]
        name = str(action.get("action_id") or "")
        if name == "home_refresh":
            self._show_home(place.user)
        elif name == reviewing.ACTION:
            self._reviewed(body, place, str(action.get("value") or ""))
        elif name == "case_answer":
            self._replies.begin(body, place, str(action.get("value") or ""))
        elif name == reply_windows.SAVED:
            self._replies.fill(body, place, str((action.get("selected_option") or {}).get("value") or ""))
        elif name.startswith("case_") and name != "case_reply":
            self._wanted(body, place, carried(action))
        elif name.startswith("spike_"):
            self._spike(place, carried(action))

    def _reviewed(self, body: Body, place: Place, value: str) -> None:
        """The first who presses is kept; the message says so, also where it did not after an earlier press."""
        week, word = reviewing.week_of(value), self._look.words.word
        if week is None or not self._rights.may(place.user, Right.WORK):
            log.info("slack_denied", user=place.user, right=Right.WORK.value, case=value[:10])
            self._tell(place, self._refused("denied"))
            return
        review = self._desk.review(week, place.user)
        log.info("slack_digest_reviewed", week=week)
        shown = body.get("message") or {}
        said = reviewing.reviewed(shown, review, self._look)
        if place.channel and shown.get("ts"):
            with translated("chat.update", place.channel):
                self._client.chat_update(
                    channel=place.channel, ts=str(shown["ts"]), text=said.text, blocks=list(said.blocks)
                )
        mine = review.who == place.user
        when = self._look.moment(review.at)
        self._tell(
            place,
            word("digest", "reviewed_now" if mine else "reviewed_done").format(
                who=parts.person(review.who), week=week, when=when
            ),
        )

    def _wanted(self, body: Body, place: Place, value: str) -> None:
        what, ref, revision = value.split(":")
        if what == "explain":
            self._explain(body, place, ref)
        elif what in frozenset(Step):
            self._shelf.begin(body, place, Step(what), ref, int(revision))
        elif what in MODALS:
            origin = modals.Origin(ref, int(revision), place.channel, place.response_url, place.home)
            self._open(body["trigger_id"], place, what, origin)
        else:
            self._do(place, ref, Wish(Deed(what), place.user, THROUGH, int(revision)))

    def _spike(self, place: Place, value: str) -> None:
        what, ref, revision = value.split(":")
        if not self._may(place, Right.WORK if what == "claim" else Right.RESOLVE, ref):
            return
        done = self._desk.do_spike(what, ref, int(revision), place.user)
        why = done[0] if done else None
        log.info("slack_spike", deed=what, spike=ref, refused=why.value if why else None)
        if done is None:
            self._tell(place, self._refused("unknown", case=defuse(ref, 40)))
        elif why is not None:
            self._tell(place, spike_refused(why, done[1], self._look))

    def _do(self, place: Place, ref: str, wish: Wish) -> bool:
        """Whether anything was changed."""
        if not self._may(place, NEEDED[wish.deed], ref):
            return False
        done = self._desk.do(ref, wish)
        if done is None:
            self._tell(place, self._refused("unknown", case=ref))
            return False
        log.info(
            "slack_deed",
            deed=wish.deed.value,
            case=ref,
            refused=done.why.value if isinstance(done, Refusal) else None,
        )
        if isinstance(done, Refusal):
            said = refusal_said(done, self._look)
        else:
            said = f"{done.case.ref}: {parts.status(done.case, self._look)}"
        if place.home or isinstance(done, Refusal) or not place.shows_case:
            self._tell(place, said)
        return not isinstance(done, Refusal)

    def _try_exclusion(self, place: Place, words: str) -> None:
        """What leaving such posts out for good would have done. It is left to whoever runs listener to do it."""
        self._tell(place, exclusion_said(self._desk.would_drop(words), words, self._look))

    def _explain(self, body: Body, place: Place, ref: str) -> None:
        if not self._may(place, Right.WORK, ref):
            return
        view = self._desk.case(ref)
        if view is not None and view.mentions:
            name, blocks = view.case.ref, home.explanation(view, self._look)
        elif view is None and (told := self._desk.told(ref)) is not None:
            name, blocks = told.ref[:8], home.verdict(told, self._look)
        else:
            self._tell(place, self._refused("unknown", case=defuse(ref, 40)))
            return
        if place.home:  # no channel to answer in
            self._show(body["trigger_id"], place, modals.shown(name, blocks, self._look))
        else:
            self._answers.say(place, name, blocks)

    # Windows

    def _open(self, trigger: str, place: Place, what: str, origin: modals.Origin) -> None:
        right = Right.CORRECT if what == "edit" else NEEDED[Deed(what)]
        if not self._may(place, right, origin.case):
            return
        view = self._desk.case(origin.case)
        if view is None or not view.mentions:
            self._tell(place, self._refused("unknown", case=origin.case))
            return
        if view.case.revision != origin.revision:
            self._tell(place, refusal_said(Refusal(Why.STALE, view.case), self._look))
            return
        if what == "snooze":
            window = modals.snooze(origin, self._look, self._desk.opening())
        elif what == "irrelevant":
            window = modals.irrelevant(origin, self._look)
        else:
            window = modals.edit(origin, view, self._look, self._desk.touchpoints)
        self._show(trigger, place, window)

    def _show(self, trigger: str, place: Place, window: Block) -> None:
        try:
            with translated("views.open", place.channel, keep_api_errors=True):
                self._client.views_open(trigger_id=trigger, view=window)
        except SlackApiError as error:
            if code_of(error) not in TOO_LATE:
                raise translate(error, "views.open", place.channel) from None
            self._tell(place, self._refused("late"))

    def _renew(self, place: Place, view: Mapping[str, Any], window: Block) -> None:
        try:
            with translated("views.update", place.channel, keep_api_errors=True):
                self._client.views_update(view_id=view["id"], hash=view.get("hash"), view=window)
        except SlackApiError as error:
            if code_of(error) not in GONE:
                raise translate(error, "views.update", place.channel) from None

    def _wrong(self, view: Mapping[str, Any]) -> dict[str, str]:
        """What was entered wrongly, by block; Slack shows it in the window, which stays open."""
        if view.get("callback_id") == reply_windows.WRITE:
            return self._replies.wrong(view)
        if view.get("callback_id") == shelving.GRANT:
            return shelving.wrong(view, self._desk.now(), self._look)
        if view.get("callback_id") != "case_snooze":
            return {}
        read = modals.read_snooze(view["state"]["values"], self._desk.now(), None)
        return {"authors": self._look.words.word("ask", read)} if isinstance(read, str) else {}

    def _entered(self, body: Body, place: Place) -> None:
        view, what = body["view"], str(body["view"].get("callback_id") or "")
        if what == reply_windows.PUBLISH:
            self._replies.publish(body, place)
        if what in (shelving.ASK, shelving.GRANT):
            self._shelf.entered(body, place)
        if what not in {"case_snooze", "case_irrelevant", "case_edit"}:
            return
        origin, values = modals.origin_of(view), view["state"]["values"]
        place = Place(place.user, origin.channel, origin.response_url, origin.home, shows_case=not origin.home)
        if what == "case_snooze":
            span = modals.read_snooze(values, self._desk.now(), self._desk.opening())
            if not isinstance(span, str):
                self._do(place, origin.case, Wish(Deed.SNOOZE, place.user, THROUGH, origin.revision, snooze=span))
        elif what == "case_irrelevant":
            reason = modals.read_irrelevant(values)
            done = self._do(place, origin.case, Wish(Deed.IRRELEVANT, place.user, THROUGH, origin.revision, reason))
            if done and (words := modals.read_exclude(values)):
                self._try_exclusion(place, words)
        elif (case := self._desk.case(origin.case)) is not None and case.mentions:
            wish = modals.read_edit(values, case, place.user, origin.revision)
            if wish is not None:
                self._do(place, origin.case, wish)

    # Home, /mentions, shortcut

    def _opened_home(self, body: Body, place: Place) -> None:
        event = body["event"]
        if event.get("tab", "home") == "home":
            self._show_home(str(event.get("user") or ""))

    def _show_home(self, user: str, notice: str = "") -> None:
        desk = self._desk
        if self._rights.may(user, Right.WORK):
            view = home.home(
                desk.waiting(), user, self._look, desk.now(),
                troubles=desk.troubles(), digest=desk.last_digest(), notice=notice, shelf=desk.shelf(),
            )  # fmt: skip
        else:
            view = home.denied(self._look)
        with translated("views.publish", user):
            self._client.views_publish(user_id=user, view=view)

    def _typed(self, body: Body, place: Place) -> None:
        verb, rest = command.parse(str(body.get("text") or ""))
        if verb == "help":
            self._answers.say(place, command.help_text(self._look))
        elif verb == "explain":
            self._explain(body, place, rest)
        elif self._may(place, Right.SILENCE if verb == "silence" and rest else Right.WORK, ""):
            text, blocks = command.answer(verb, rest, place.user, self._desk, self._look)
            self._answers.say(place, text, blocks)

    def _shortcut(self, body: Body, place: Place) -> None:
        if body.get("callback_id") != "mention_add" or not self._may(place, Right.CORRECT, ""):
            return
        mention = mention_of(body.get("message") or {}, place.channel, permalink(self._client, place.channel, body))
        if mention is None:
            self._answers.say(place, self._look.words.word("added", "empty"))
            return
        try:
            added = self._desk.add(mention)
        except AddRefused as error:
            log.info("slack_add_refused", cause=str(error))
            self._answers.say(place, self._look.words.word("added", "busy"))
            return
        key = "known" if added.ref is None else "case" if added.case else "counted"
        said = self._look.words.word("added", key).format(case=added.case or "", mention=(added.ref or "")[:8])
        self._answers.say(place, said)

    # What is said

    def _may(self, place: Place, right: Right, ref: str) -> bool:
        if self._rights.may(place.user, right):
            return True
        log.info("slack_denied", user=place.user, right=right.value, case=ref)
        self._tell(place, self._refused("denied"))
        return False

    def _tell(self, place: Place, said: str) -> None:
        """A sentence, where the person looks."""
        if place.home:
            self._show_home(place.user, said)
        else:
            self._answers.say(place, said)

    def _refused(self, key: str, **values: str) -> str:
        return self._look.words.word("refusal", key).format(**values)
