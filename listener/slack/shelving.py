"""The shelf in Slack: the menu on alerts of praise, its two windows, and the lines on the home page.

Nobody is asked from here: the window holds a question to copy, and what is saved is that a person asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import structlog

from listener.cases.shelf import LONGEST, Move, No, PraiseState, Standing, Step
from listener.slack import limits, modals
from listener.slack.answers import Place
from listener.slack.blocks import Block, plain
from listener.slack.desk import Desk
from listener.slack.hearing import Body
from listener.slack.look import Look
from listener.slack.outside import defuse, one_line
from listener.slack.rights import Right, Rights

log = structlog.get_logger()

THROUGH = "slack"
ASK, GRANT = "praise_ask", "praise_grant"  # callbacks of the windows


@dataclass(frozen=True, slots=True)
class Shelving:
    """The way of a step. `show` opens a window, `tell` says a sentence where the click was."""

    desk: Desk
    look: Look
    rights: Rights
    show: Callable[[str, Place, Block], None]
    tell: Callable[[Place, str], None]

    def begin(self, body: Body, place: Place, step: Step, case: str, revision: int) -> None:
        """An entry of the menu was chosen: done at once, or asked for in a window."""
        if not self._may(place, case):
            return
        if step not in (Step.ASK, Step.GRANT):
            self._do(place, case, Move(step, place.user, THROUGH, revision))
            return
        view = self.desk.case(case)
        if view is None or not view.mentions:
            self.tell(place, self._word("refusal", "unknown").format(case=defuse(case, 40)))
            return
        origin = modals.Origin(case, revision, place.channel, place.response_url, place.home)
        window = ask(origin, self.desk.question(view), self.look) if step is Step.ASK else grant(origin, self.look)
        self.show(body["trigger_id"], place, window)

    def entered(self, body: Body, place: Place) -> None:
        """A window was sent off."""
        view = body["view"]
        origin = modals.origin_of(view)
        place = Place(place.user, origin.channel, origin.response_url, origin.home, shows_case=not origin.home)
        if self._may(place, origin.case):
            self._do(place, origin.case, read(view, place.user, origin.revision))

    def _may(self, place: Place, case: str) -> bool:
        if self.rights.may(place.user, Right.CORRECT):
            return True
        log.info("slack_denied", user=place.user, right=Right.CORRECT.value, case=case)
        self.tell(place, self._word("refusal", "denied"))
        return False

    def _do(self, place: Place, case: str, move: Move) -> None:
        done = self.desk.shelve(case, move)
        log.info("slack_praise", step=move.step.value, case=case, refused=done.value if isinstance(done, No) else None)
        if done is None:
            self.tell(place, self._word("refusal", "unknown").format(case=defuse(case, 40)))
        elif isinstance(done, No):
            self.tell(place, self._word("shelf_no", done.value).format(case=defuse(case, 40)))
        else:
            self.tell(place, self._word("shelf", done.praise.state.value).format(case=defuse(case, 40)))

    def _word(self, table: str, key: str) -> str:
        return self.look.words.word(table, key)


def ask(origin: modals.Origin, question: str, look: Look) -> Block:
    """A question to copy, and where it was asked."""
    words: Block = {
        "type": "plain_text_input", "action_id": "words", "multiline": True, "max_length": LONGEST,
        "initial_value": one_line(question, LONGEST),
    }  # fmt: skip
    link: Block = {"type": "plain_text_input", "action_id": "link", "max_length": LONGEST}
    return _window(ASK, origin, look, ("words", words, False), ("link", link, True))


def grant(origin: modals.Origin, look: Look) -> Block:
    """Where the yes stands, for what and until when."""
    evidence: Block = {"type": "plain_text_input", "action_id": "evidence", "max_length": LONGEST}
    scope: Block = {"type": "plain_text_input", "action_id": "scope", "max_length": LONGEST}
    until: Block = {"type": "datepicker", "action_id": "until"}
    return _window(GRANT, origin, look, ("evidence", evidence, False), ("scope", scope, True), ("until", until, True))


def read(view: Mapping[str, Any], who: str, revision: int) -> Move:
    """What was entered."""
    held: dict[str, Mapping[str, Any]] = {
        name: next(iter(fields.values()), {}) for name, fields in view["state"]["values"].items()
    }
    said = {name: str(field.get("value") or "") for name, field in held.items()}
    if view["callback_id"] == ASK:
        return Move(Step.ASK, who, THROUGH, revision, words=said.get("words", ""), link=said.get("link", ""))
    day = str(held.get("until", {}).get("selected_date") or "")
    # The day itself still counts.
    until = datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), UTC) if day else None
    return Move(
        Step.GRANT, who, THROUGH, revision,
        evidence=said.get("evidence", ""), scope=said.get("scope", ""), until=until,
    )  # fmt: skip


def wrong(view: Mapping[str, Any], now: datetime, look: Look) -> dict[str, str]:
    """What keeps the yes in this window from being noted, by block."""
    move, found = read(view, "", 0), {}
    if not move.evidence.strip():
        found["evidence"] = look.words.word("shelf_no", No.EVIDENCE.value)
    if move.until is not None and move.until <= now:
        found["until"] = look.words.word("shelf_no", No.PAST.value)
    return found


def section(standing: Standing, look: Look) -> list[Block]:
    """For the home page: how many, and which waits longest for an answer. Nothing while the shelf is empty."""
    if not standing.counts:
        return []
    word = look.words.word
    counted = [
        word("shelf_count", state.value).format(count=standing.counts[state])
        for state in PraiseState
        if state in standing.counts
    ]
    lines = [", ".join(counted)]
    if (one := standing.longest) is not None:
        since = look.moment(one.praise.since)
        lines.append(word("shelf_count", "longest").format(case=one.case or one.told.ref[:8], since=since))
    return [
        {"type": "header", "text": plain(word("shelf_count", "title"), limits.HEADER_TEXT)},
        {"type": "section", "text": plain("\n".join(lines))},
    ]


def _window(callback: str, origin: modals.Origin, look: Look, *fields: tuple[str, Block, bool]) -> Block:
    word = look.words.word
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": origin.text(),
        "title": plain(word("ask", f"{callback}_title").format(case=origin.case), modals.TITLE),
        "submit": plain(word("ask", "submit"), modals.TITLE),
        "close": plain(word("ask", "close"), modals.TITLE),
        "blocks": [
            {
                "type": "input",
                "block_id": name,
                "optional": optional,
                "label": plain(word("ask", f"praise_{name}"), limits.FIELD_TEXT),
                "element": element,
            }
            for name, element, optional in fields
        ],
    }
