"""A public reply from the button to the daemon: who may, what may be answered, and what was approved.

Nothing is published from here. What a person approved is handed to the desk once; the daemon publishes it, and the thread says
how it went.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from connectors.base import CannotReply
from listener.cases.deeds import Refusal, Why
from listener.cases.replies import Chosen, NewReply
from listener.model import CaseView, Told
from listener.slack import reply_windows
from listener.slack.answers import Place, refusal_said
from listener.slack.blocks import Block
from listener.slack.desk import Desk
from listener.slack.hearing import Body
from listener.slack.limits import BUTTON_URL
from listener.slack.look import Look
from listener.slack.outside import one_line, web_address
from listener.slack.rights import Right, Rights

log = structlog.get_logger()

THROUGH = "slack"


@dataclass(frozen=True, slots=True)
class Answering:
    """The way of a reply. `show` opens a window, `renew` changes one, `tell` says a sentence where the click was."""

    desk: Desk
    look: Look
    rights: Rights
    show: Callable[[str, Place, Block], None]
    tell: Callable[[Place, str], None]
    renew: Callable[[Place, Mapping[str, Any], Block], None]

    def begin(self, body: Body, place: Place, value: str) -> None:
        """The button was pressed; `value` is case and revision, or case and post."""
        ref, _, which = value.partition(":")
        view = self.desk.case(ref)
        if view is None or not view.mentions:
            self.tell(place, self._refused("unknown", case=ref))
            return
        if which.isascii() and which.isdigit() and len(which) < 8 and view.case.revision != int(which):
            self.tell(place, refusal_said(Refusal(Why.STALE, view.case), self.look))
            return
        told = _answered(view, which)
        chosen = self.desk.may_answer(told) if told is not None else CannotReply("gone", "")
        if not self.rights.may(place.user, Right.REPLY):
            log.info("slack_denied", user=place.user, right=Right.REPLY.value, case=ref)
            chosen = CannotReply("denied", "")
        if told is None or isinstance(chosen, CannotReply):
            why = self._why(chosen, told) if isinstance(chosen, CannotReply) else ""
            self.show(body["trigger_id"], place, reply_windows.cannot(view.case.ref, why, told, self.look))
            return
        errand = reply_windows.Errand(
            case=view.case.ref,
            revision=view.case.revision,
            mention=told.ref,
            source=chosen.source,
            platform=told.mention.platform,
            account=chosen.voice.account,
            key=secrets.token_hex(12),
            channel=place.channel,
            response_url=place.response_url,
        )
        window = reply_windows.write(errand, told, chosen.voice, self.look, self.desk.saved_replies(told))
        self.show(body["trigger_id"], place, window)

    def fill(self, body: Body, place: Place, name: str) -> None:
        """A saved reply was chosen: it replaces what stands in the field, to be read and changed there."""
        view = body["view"]
        errand = reply_windows.errand_of(view)
        place = Place(place.user, errand.channel, errand.response_url)
        told = self.desk.told(errand.mention)
        chosen = self.desk.may_answer(told) if told is not None else None
        text = self.desk.begun_reply(name, told, chosen.voice.opening) if told and isinstance(chosen, Chosen) else None
        if not self.rights.may(place.user, Right.REPLY):
            log.info("slack_denied", user=place.user, right=Right.REPLY.value, case=errand.case)
            self.tell(place, self._refused("denied"))
        elif told is None or text is None or not isinstance(chosen, Chosen):
            self.tell(place, self._refused("reply_changed"))
        else:
            begun = (text, reply_windows.turn_of(view) + 1)
            saved = self.desk.saved_replies(told)
            self.renew(place, view, reply_windows.write(errand, told, chosen.voice, self.look, saved, begun))

    def wrong(self, view: Mapping[str, Any]) -> dict[str, str]:
        """Of the first window: what keeps the text from being published."""
        return reply_windows.wrong(view, self.desk.reply_length, self.look)

    def onward(self, view: Mapping[str, Any]) -> dict[str, Any]:
        """Behind the first window comes the second, on top of it; behind that, nothing."""
        what = view.get("callback_id")
        if what == reply_windows.WRITE:
            return {"response_action": "push", "view": reply_windows.preview(view, self.look)}
        return {"response_action": "clear"} if what == reply_windows.PUBLISH else {}

    def publish(self, body: Body, place: Place) -> None:
        """A person has seen exactly this, and wants it published."""
        errand = reply_windows.errand_of(body["view"])
        place = Place(place.user, errand.channel, errand.response_url)
        if not self.rights.may(place.user, Right.REPLY):
            log.info("slack_denied", user=place.user, right=Right.REPLY.value, case=errand.case)
            self.tell(place, self._refused("denied"))
            return
        told = self.desk.told(errand.mention)
        new = told and NewReply(
            key=errand.key,
            case=errand.case,
            mention_id=told.id,
            source=errand.source,
            account=errand.account,
            text=errand.text,
            who=place.user,
            through=THROUGH,
            revision=errand.revision,
        )
        done = self.desk.answer(new) if new else None
        log.info("slack_reply", case=errand.case, refused=done.why.value if isinstance(done, Refusal) else None)
        if done is None:
            self.tell(place, self._refused("unknown", case=errand.case))
        elif isinstance(done, Refusal):
            self.tell(place, refusal_said(done, self.look))
        elif isinstance(done, CannotReply):
            self.tell(place, self._refused("reply_changed"))
        else:
            self.tell(place, self.look.words.word("ask", "publishing").format(case=errand.case))

    def _why(self, cannot: CannotReply, told: Told | None) -> str:
        words, platform = self.look.words, self.look.platform(told.mention.platform if told else "")
        if words.has("cannot_reply", cannot.reason):
            return words.word("cannot_reply", cannot.reason).format(platform=platform)
        return one_line(cannot.why, 500)

    def _refused(self, key: str, **values: str) -> str:
        return self.look.words.word("refusal", key).format(**values)


def _answered(view: CaseView, which: str) -> Told | None:
    """The post whose button it was, else the newest that can be opened."""
    there = [told for told in view.mentions if told.removed_at is None]
    named = [told for told in there if told.ref == which]
    addressed = [told for told in there if web_address(told.mention.url, BUTTON_URL)]
    return next(reversed(named or addressed), None)
