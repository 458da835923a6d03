"""Decide what becomes of a page's new mentions: which case, which outcome, whom to tell.

Called by the store inside the page's transaction (docs/decisions/0002), so it is pure and quick. A mention joins a case of its
author (`stories`) or opens one; either changes the case and its clock, and is told as `telling` decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from listener.cases.clock import due_at, target_of
from listener.cases.copies import (
    Earlier,
    wording,
)
from listener.cases.deeds import read_snooze, sooner
from listener.cases.plan import (
    ALSO,
    CLOSED_STATES,
    CaseChange,
    CaseDraft,
    CaseEvent,
    CaseNotification,
    NewMention,
    OpenCase,
    OpenCases,
    Revised,
    Settled,
    author_key,
    case_ref,
    thread_key,
)
from listener.cases.routing import destinations
from listener.cases.silences import Silence, silencing
from listener.cases.stories import WANTING, Copy, Stories, Story, with_story
from listener.cases.telling import Rules, Telling, opening_part
from listener.cases.turns import Turn, turned
from listener.model import Case, CaseState, Line, NewNotification, NotificationKind, Outcome, Told, Triaged, Verdict
from rules.vocabulary import Intent

_UNANSWERED = frozenset({CaseState.NEW, CaseState.CLAIMED, CaseState.SNOOZED})
_THEIR_TURN = frozenset({CaseState.REPLIED, CaseState.WAITING})


def _sleeps_until_they_post(case: Case) -> bool:
    return read_snooze(case.snooze).next_post


@dataclass(frozen=True, slots=True)
class Settler:
    """A `Settle` for one source: `settler(new, open_cases, next_case_id, now) -> Settled`."""

    source: str
    rules: Rules

    def __call__(
        self, new: Sequence[NewMention], open_cases: OpenCases, next_case_id: Callable[[], int], now: datetime, /
    ) -> Settled:
        page = _PageUnderWay(self.source, self.rules, open_cases.silences, next_case_id, now)
        for found in open_cases.cases:
            page.stories.know(found)
        for text in open_cases.texts:
            page.stories.remember(text)
        for mention in sorted(new, key=lambda one: (one.mention.published_at, one.id)):
            page.settle(mention)
        return page.settled()

    def revise(
        self, before: Told, found: Triaged, stood: OpenCase | None, silences: Sequence[Silence], now: datetime
    ) -> Revised:
        """A `Revise`: what an edited post changes. It raises its case or leaves it; nothing is taken back automatically."""
        if stood is None:
            return Revised(found.verdict)
        case, verdict = stood.case, found.verdict
        ruled_out = case.state is CaseState.NOT_RELEVANT  # by a person
        urgency = case.urgency if ruled_out else max(case.urgency, verdict.urgency)
        worse = urgency > case.urgency
        reopened = worse and case.state in CLOSED_STATES
        case = replace(
            case,
            state=case.state if not reopened else CaseState.CLAIMED if case.owner else CaseState.NEW,
            urgency=urgency,
            due_at=sooner(case.due_at, due_at(now, urgency, self.rules.hours)) if worse else case.due_at,
            revision=case.revision + 1,
            touchpoints=case.touchpoints | verdict.touchpoints.keys(),
        )
        tell = partial(_changed, case, before.id, now)
        told = [tell(receiver, NotificationKind.CASE_UPDATE, "post-edited") for receiver in stood.receivers]
        young = now - found.mention.published_at <= self.rules.alert_max_age
        silence = silencing(silences, found.mention, found.verdict, self.source, urgency, now)
        # Edited into something worse, or no copy any more: who did not know?
        if (worse or before.outcome is Outcome.FOLDED_DUPLICATE) and self.rules.alerts and young and silence is None:
            told += [
                tell(place.receiver, NotificationKind.CASE_OPEN, f"route:{place.route}")
                for place in destinations(self.rules.routes, found.mention, found.verdict, self.source, urgency)
                if place.receiver not in stood.receivers
            ]
        detail: dict[str, Any] = {"mention": before.ref} | ({"silence": silence.id} if silence else {})
        if worse:
            detail |= turned(Turn.HURRY, now, urgency.word)
        event = CaseEvent(case.id, now, "reopened" if reopened else "edited", through=self.source, detail=detail)
        return Revised(
            replace(verdict, relevant=False) if ruled_out else verdict, CaseChange(case), (event,), tuple(told)
        )


def _changed(
    case: Case, mention_id: int, now: datetime, receiver: str, kind: NotificationKind, reason: str
) -> CaseNotification:
    part = opening_part(case) if kind is NotificationKind.CASE_OPEN else f"rev{case.revision}"
    key = f"case:{case.ref}:{part}:{receiver}"
    return CaseNotification(NewNotification(key, kind, receiver, case.urgency, now, reason), case.id, mention_id)


class _PageUnderWay:
    def __init__(
        self,
        source: str,
        rules: Rules,
        silences: Sequence[Silence],
        next_case_id: Callable[[], int],
        now: datetime,
    ) -> None:
        self._source, self._rules, self._next_case_id, self._now = source, rules, next_case_id, now
        self.stories = Stories(rules.hours)
        self._telling = Telling(source, rules, silences, now)
        self._outcomes: dict[int, Outcome] = {}

    def settle(self, new: NewMention) -> None:
        verdict = new.verdict
        if verdict.subject == "own":
            self._outcomes[new.id] = Outcome.OWN_ACCOUNT
            self._note_reply(new)
        elif verdict.subject.startswith("rival:"):
            self._outcomes[new.id] = Outcome.ABOUT_RIVAL
        elif not verdict.relevant:
            self._outcomes[new.id] = Outcome.NOT_RELEVANT
        else:
            words = wording(new.triaged)
            copies = self.stories.copies_of(new, words)
            story = self.stories.home_of(new, copies)
            copy = next((one for one in copies if one.story is not story), None) if words.is_long else None
            outcome = self._join(story, new, copy) if story else self._open(new, copy)
            self._outcomes[new.id] = outcome
            if outcome is not Outcome.FOLDED_DUPLICATE:
                case = story.case if story else self.stories.all[-1].case
                self.stories.remember(Earlier(new.id, case.id, new.mention.published_at, words))

    def _note_reply(self, new: NewMention) -> None:
        """A post of the brand itself in a case's thread answers it: the clock stops."""
        for story in self.stories.all:
            case = story.case
            if case.thread_key != thread_key(new.mention) or case.state not in _UNANSWERED:
                continue
            if new.mention.published_at <= case.last_mention_at:
                continue  # the customer wrote again since
            grown = story.stored and not (story.joined or story.answered)
            revision = case.revision + 1 if grown else case.revision
            story.case = replace(case, state=CaseState.REPLIED, due_at=None, snooze=None, revision=revision)
            story.answered = True
            story.clock = None
            who = new.mention.author.handle or new.mention.author.name
            detail = {"mention": new.ref, "at": new.mention.published_at.isoformat()}
            detail |= turned(Turn.STOP, new.mention.published_at)
            self._telling.events.append(CaseEvent(case.id, self._now, "brand-replied", who, self._source, detail))
            for receiver in story.receivers:
                self._telling.notify(story, new, receiver, NotificationKind.CASE_UPDATE, "brand-replied")
                self._telling.notify_note(story, receiver, {"deed": "brand-replied", "who": who})

    def settled(self) -> Settled:
        touched = [story for story in self.stories.all if story.joined or story.answered]
        for story in self.stories.all:
            self._telling.tell_of_copies(story)
        return Settled(
            outcomes=self._outcomes,
            verdicts=self._telling.verdicts,
            drafts=tuple(CaseDraft(story.case, tuple(story.joined)) for story in touched if not story.stored),
            changes=tuple(CaseChange(story.case, tuple(story.joined)) for story in touched if story.stored),
            events=tuple(self._telling.events),
            notifications=tuple(self._telling.notifications.values()),
            silences=self._telling.kept_quiet,
            copies=tuple(self._telling.copied),
        )

    def _open(self, new: NewMention, copy: Copy | None) -> Outcome:
        mention, verdict, case_id = new.mention, new.verdict, self._next_case_id()
        target = target_of(verdict.urgency, praise=_is_praise(verdict))
        other = self.stories.lately_of(new)
        case = Case(
            id=case_id,
            ref=case_ref(case_id),
            platform=mention.platform,
            author_key=author_key(mention),
            thread_key=thread_key(mention),
            state=CaseState.NEW,
            urgency=verdict.urgency,
            opened_at=self._now,
            last_mention_at=mention.published_at,
            mention_count=1,
            revision=1,
            touchpoints=frozenset(verdict.touchpoints),
            due_at=due_at(mention.published_at, target, self._rules.hours) if self._rules.alerts else None,
        )
        story = Story(case, self._now, [], False, [new.id])
        self.stories.all.append(story)
        # What is read back was for others to answer: a case without a clock, until its customer writes again.
        turn = turned(Turn.START, mention.published_at, target) if self._rules.alerts else {}
        detail: dict[str, Any] = {"mention": new.ref, **turn}
        if other:
            detail["same_author"] = other
            self._telling.add_line(new, Line(0, ALSO, other))
        self._telling.events.append(CaseEvent(case_id, self._now, "opened", through=self._source, detail=detail))
        return self._telling.tell(story, new, Outcome.ALERTED, copy)

    def _join(self, story: Story, new: NewMention, copy: Copy | None) -> Outcome:
        before, mention = story.case, new.mention
        verdict = with_story(new.verdict, before, mention.published_at)
        if verdict is not new.verdict:
            self._telling.verdicts[new.id] = verdict
        if not self._rules.alerts:
            return self._count_in(story, new, verdict)
        reopened = before.state in CLOSED_STATES
        answered = before.state in _THEIR_TURN or (
            before.state is CaseState.SNOOZED and _sleeps_until_they_post(before)
        )
        urgency = max(before.urgency, verdict.urgency)
        target = target_of(urgency, praise=_is_praise(verdict))
        turn, due = self._clock_after(story, mention.published_at, target)
        ours = CaseState.CLAIMED if before.owner else CaseState.NEW
        story.case = replace(
            before,
            state=ours if reopened or answered else before.state,
            snooze=None if answered else before.snooze,
            urgency=urgency,
            last_mention_at=max(before.last_mention_at, mention.published_at),
            mention_count=before.mention_count + 1,
            # The store checks that a stored case grows by exactly one revision a page.
            revision=before.revision if story.joined or story.answered else before.revision + 1,
            touchpoints=before.touchpoints | verdict.touchpoints.keys(),
            due_at=due,
        )
        story.joined.append(new.id)
        what = "reopened" if reopened else "answered" if answered else "joined"
        detail = {"mention": new.ref, **turned(turn, mention.published_at, target)}
        self._telling.events.append(CaseEvent(before.id, self._now, what, through=self._source, detail=detail))
        return self._telling.tell(story, new, Outcome.JOINED_CASE, copy)

    def _count_in(self, story: Story, new: NewMention, verdict: Verdict) -> Outcome:
        """A post that was read back: the case holds it, and stands as it stood. Its level is raised where nobody was told of it."""
        case = story.case
        story.case = replace(
            case,
            urgency=case.urgency if story.receivers else max(case.urgency, verdict.urgency),
            last_mention_at=max(case.last_mention_at, new.mention.published_at),
            mention_count=case.mention_count + 1,
            revision=case.revision if story.joined or story.answered else case.revision + 1,
            touchpoints=case.touchpoints | verdict.touchpoints.keys(),
        )
        story.joined.append(new.id)
        detail = {"mention": new.ref}
        self._telling.events.append(CaseEvent(case.id, self._now, "joined", through=self._source, detail=detail))
        return Outcome.ALERTS_OFF

    def _clock_after(self, story: Story, posted: datetime, target: str) -> tuple[Turn, datetime | None]:
        """What a post of the customer does to the clock: it never gets more time while an answer is due already."""
        case, clock, hours = story.case, story.clock, self._rules.hours
        if case.state in CLOSED_STATES or (case.state in _THEIR_TURN and not (clock and clock.paused)):
            return Turn.START, due_at(posted, target, hours)
        if case.due_at is None and clock is not None and clock.paused:
            story.clock = None
            return Turn.GO_ON, replace(clock, since=posted).due(hours)
        if case.due_at is None:
            return Turn.START, due_at(posted, target, hours)
        return Turn.HURRY, sooner(case.due_at, due_at(posted, target, hours))


def _is_praise(verdict: Verdict) -> bool:
    return Intent.PRAISE in verdict.intents and not verdict.intents & WANTING
