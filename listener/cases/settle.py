"""Decide what becomes of a page's new mentions: which case, which outcome, whom to tell.

Called by the store inside the page's transaction (docs/decisions/0002), so it is pure and quick. A mention joins an
open case of its author when it stands in the same thread, says the same words again, follows within three days on the
same touchpoint, or belongs to a grave story that nobody has closed yet; otherwise it opens one
(docs/decisions/0018). A case is told once to each receiver and then lives on as that message: later mentions edit it
and add an entry to its thread. Where another author posted the same text before, a new case is told as an entry there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any

from listener.cases.clock import ServiceHours, due_at, target_of
from listener.cases.copies import (
    COPY_WITHIN,
    FOLDED,
    Copied,
    Earlier,
    Recent,
    Wording,
    folded_line,
    like_line,
    likeness,
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
from listener.cases.routing import Route, destinations
from listener.cases.silences import Silence, SilenceKept, ended_line, lately_ended, silenced_line, silencing
from listener.cases.turns import Running, Turn, replay, turned
from listener.model import Case, CaseState, Line, NewNotification, NotificationKind, Outcome, Told, Triaged, Verdict
from listener.triage.urgency import with_history
from rules.vocabulary import Intent, Urgency

SAME_STORY = timedelta(hours=72)  # METHODS §7: posts of one author on one touchpoint within it join the open case
GRAVE_STORY = timedelta(days=30)  # from high on, a story stays one story until somebody closes its case
REPEATED_POINTS, REPEATED_MORE, REPEATED_CAP = 12, 3, 15  # METHODS §8.1, factor repeat_unanswered
_HANDLING = frozenset({"support"})  # whoever complains of being on hold is on hold about something
_COPIES_NAMED = 10  # cases in one entry


_UNANSWERED = frozenset({CaseState.NEW, CaseState.CLAIMED, CaseState.SNOOZED})
_THEIR_TURN = frozenset({CaseState.REPLIED, CaseState.WAITING})
_WANTING = frozenset({Intent.COMPLAINT, Intent.QUESTION, Intent.LEAVING})


def _sleeps_until_they_post(case: Case) -> bool:
    return read_snooze(case.snooze).next_post


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says about telling."""

    routes: tuple[Route, ...]
    hours: ServiceHours
    alert_max_age: timedelta = timedelta(hours=6)
    alerts: bool = True  # False: import and backfill count, and tell nobody


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
            page.know(found)
        for text in open_cases.texts:
            page.remember(text)
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
    part = _opening_part(case) if kind is NotificationKind.CASE_OPEN else f"rev{case.revision}"
    key = f"case:{case.ref}:{part}:{receiver}"
    return CaseNotification(NewNotification(key, kind, receiver, case.urgency, now, reason), case.id, mention_id)


@dataclass(slots=True)
class _Story:
    """A case while the page is settled: as it stood, as it stands, and what happened to it."""

    case: Case
    state_since: datetime
    receivers: list[str]
    stored: bool  # False: opened by this page
    joined: list[int]
    answered: bool = False  # by the brand, on this page
    clock: Running | None = None  # of a case without a time its answer is due: what was left when it was paused
    copies: list[tuple[str, str]] = field(default_factory=list)  # folded for it by this page: receiver, case


@dataclass(frozen=True, slots=True)
class _Copy:
    """That a post is a near copy of one that stands in a case."""

    of: Earlier
    story: _Story
    likeness: float

    @property
    def can_tell(self) -> bool:
        """Whether somebody works on that case and was told of it."""
        return self.story.case.state not in CLOSED_STATES and bool(self.story.receivers)


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
        self._silences, self._kept, self._noted = silences, Counter[int](), set[int]()
        self._stories: list[_Story] = []
        self._texts, self._recent = dict[int, Earlier](), Recent()
        self._copied: list[Copied] = []
        self._outcomes: dict[int, Outcome] = {}
        self._verdicts: dict[int, Verdict] = {}
        self._events: list[CaseEvent] = []
        self._notifications: dict[str, CaseNotification] = {}

    def know(self, found: OpenCase) -> None:
        clock = replay(found.clock, self._rules.hours)
        self._stories.append(_Story(found.case, found.state_since, list(found.receivers), True, [], clock=clock))

    def remember(self, text: Earlier) -> None:
        self._texts[text.mention_id] = text
        self._recent.add(text.mention_id, text.wording)

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
            copies = self._copies_of(new, words)
            story = self._story_of(new, copies)
            copy = next((one for one in copies if one.story is not story), None) if words.is_long else None
            outcome = self._join(story, new, copy) if story else self._open(new, copy)
            self._outcomes[new.id] = outcome
            if outcome is not Outcome.FOLDED_DUPLICATE:
                case = story.case if story else self._stories[-1].case
                self.remember(Earlier(new.id, case.id, new.mention.published_at, words))

    def _copies_of(self, new: NewMention, words: Wording) -> list[_Copy]:
        """What this post may be a near copy of: first where the case can tell it, then the oldest."""
        by_case = {story.case.id: story for story in self._stories}
        found = []
        for id_ in self._recent.near(words):
            text = self._texts[id_]
            story = by_case.get(text.case_id)
            if story is None or abs(new.mention.published_at - text.published_at) > COPY_WITHIN:
                continue
            if (alike := likeness(words, text.wording)) is not None:
                found.append(_Copy(text, story, alike))
        return sorted(found, key=lambda one: (not one.can_tell, one.of.mention_id))

    def _note_reply(self, new: NewMention) -> None:
        """A post of the brand itself in a case's thread answers it: the clock stops."""
        for story in self._stories:
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
            self._events.append(CaseEvent(case.id, self._now, "brand-replied", who, self._source, detail))
            for receiver in story.receivers:
                self._notify(story, new, receiver, NotificationKind.CASE_UPDATE, "brand-replied")
                self._notify_note(story, receiver, {"deed": "brand-replied", "who": who})

    def _notify_note(self, story: _Story, receiver: str, payload: Mapping[str, str]) -> None:
        case = story.case
        key = f"case:{case.ref}:note:rev{case.revision}:{receiver}"
        note = NewNotification(
            key, NotificationKind.CASE_NOTE, receiver, Urgency.NORMAL, self._now, "brand-replied", payload
        )
        self._notifications.setdefault(key, CaseNotification(note, case.id))

    def settled(self) -> Settled:
        touched = [story for story in self._stories if story.joined or story.answered]
        for story in self._stories:
            self._tell_of_copies(story)
        return Settled(
            outcomes=self._outcomes,
            verdicts=self._verdicts,
            drafts=tuple(CaseDraft(story.case, tuple(story.joined)) for story in touched if not story.stored),
            changes=tuple(CaseChange(story.case, tuple(story.joined)) for story in touched if story.stored),
            events=tuple(self._events),
            notifications=tuple(self._notifications.values()),
            silences=SilenceKept(dict(self._kept), frozenset(self._noted)),
            copies=tuple(self._copied),
        )

    def _stories_by(self, new: NewMention) -> list[_Story]:
        """The cases of a post's author, the newest first."""
        return [story for story in reversed(self._stories) if story.case.author_key == author_key(new.mention)]

    def _story_of(self, new: NewMention, copies: Sequence[_Copy]) -> _Story | None:
        mine, about = self._stories_by(new), new.verdict.touchpoints.keys() - _HANDLING
        again = {id(copy.story) for copy in copies}

        def is_grave(story: _Story) -> bool:
            case = story.case
            grave = case.urgency >= Urgency.HIGH and case.state not in CLOSED_STATES
            return grave and _quiet_for(story, new) <= GRAVE_STORY

        lately = [story for story in mine if _quiet_for(story, new) <= SAME_STORY]
        kinds: tuple[Iterable[_Story], ...] = (
            (story for story in mine if story.case.thread_key == thread_key(new.mention)),
            (story for story in mine if id(story) in again),
            (story for story in lately if story.case.touchpoints & about),
            (story for story in mine if is_grave(story)),
            (story for story in lately if not (about and story.case.touchpoints - _HANDLING)),
        )
        return next(chain.from_iterable(kinds), None)

    def _open(self, new: NewMention, copy: _Copy | None) -> Outcome:
        mention, verdict, case_id = new.mention, new.verdict, self._next_case_id()
        target = target_of(verdict.urgency, praise=_is_praise(verdict))
        other = next((story.case.ref for story in self._stories_by(new) if _quiet_for(story, new) <= SAME_STORY), "")
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
        story = _Story(case, self._now, [], False, [new.id])
        self._stories.append(story)
        # What is read back was for others to answer: a case without a clock, until its customer writes again.
        turn = turned(Turn.START, mention.published_at, target) if self._rules.alerts else {}
        detail: dict[str, Any] = {"mention": new.ref, **turn}
        if other:
            detail["same_author"] = other
            self._add_line(new, Line(0, ALSO, other))
        self._events.append(CaseEvent(case_id, self._now, "opened", through=self._source, detail=detail))
        return self._tell(story, new, Outcome.ALERTED, copy)

    def _add_line(self, new: NewMention, line: Line) -> None:
        verdict = self._verdicts.get(new.id, new.verdict)
        self._verdicts[new.id] = replace(verdict, lines=(*verdict.lines, line))

    def _join(self, story: _Story, new: NewMention, copy: _Copy | None) -> Outcome:
        before, mention = story.case, new.mention
        verdict = _with_story(new.verdict, before, mention.published_at)
        if verdict is not new.verdict:
            self._verdicts[new.id] = verdict
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
        self._events.append(CaseEvent(before.id, self._now, what, through=self._source, detail=detail))
        return self._tell(story, new, Outcome.JOINED_CASE, copy)

    def _count_in(self, story: _Story, new: NewMention, verdict: Verdict) -> Outcome:
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
        self._events.append(CaseEvent(case.id, self._now, "joined", through=self._source, detail=detail))
        return Outcome.ALERTS_OFF

    def _clock_after(self, story: _Story, posted: datetime, target: str) -> tuple[Turn, datetime | None]:
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

    def _tell(self, story: _Story, new: NewMention, told: Outcome, copy: _Copy | None) -> Outcome:
        if not self._rules.alerts:
            return Outcome.ALERTS_OFF
        if self._now - new.mention.published_at > self._rules.alert_max_age:
            # The message of a case that was told already still has to show the late post.
            for receiver in story.receivers:
                self._notify(story, new, receiver, NotificationKind.CASE_UPDATE, "skipped-old")
            return Outcome.SKIPPED_OLD
        verdict = self._verdicts.get(new.id, new.verdict)
        about = (self._silences, new.mention, verdict, self._source, story.case.urgency, self._now)
        if (silence := silencing(*about)) is not None:
            return self._keep_quiet(story, new, verdict, silence)
        wanted = destinations(self._rules.routes, new.mention, verdict, self._source, story.case.urgency)
        for receiver in story.receivers:
            self._notify(story, new, receiver, NotificationKind.CASE_UPDATE, "case")
            self._notify(story, new, receiver, NotificationKind.CASE_THREAD, "case")
        untold = [place for place in wanted if place.receiver not in story.receivers]
        folded = frozenset[str]() if copy is None else self._fold(story, new, copy, [one.receiver for one in untold])
        untold = [place for place in untold if place.receiver not in folded]
        for place in untold:
            story.receivers.append(place.receiver)
            self._notify(story, new, place.receiver, NotificationKind.CASE_OPEN, f"route:{place.route}")
        if untold and (ended := lately_ended(*about, self._noted)) is not None:
            self._noted.add(ended.id)
            self._add_line(new, ended_line(ended, self._now))
        if folded and not story.receivers:
            return Outcome.FOLDED_DUPLICATE
        return told if story.receivers else Outcome.NO_ROUTE

    def _fold(self, story: _Story, new: NewMention, copy: _Copy, untold: Sequence[str]) -> frozenset[str]:
        """The receivers that are told of a near copy in the thread of the case that they know; never what is critical."""
        first, ref = copy.story, copy.story.case.ref
        told = frozenset(first.receivers if copy.can_tell and story.case.urgency < Urgency.CRITICAL else ())
        folded = told.intersection(untold)
        self._copied.append(Copied(new.id, copy.of.mention_id, copy.likeness, bool(folded)))
        self._add_line(new, (folded_line if folded else like_line)(copy.likeness, ref))
        if folded:
            first.copies += [(receiver, story.case.ref) for receiver in first.receivers if receiver in folded]
            detail = {"mention": new.ref, "likeness": round(copy.likeness, 2)}
            for case, what, other in ((story.case, FOLDED, ref), (first.case, "copied", story.case.ref)):
                self._events.append(CaseEvent(case.id, self._now, what, "", self._source, detail | {"case": other}))
        return folded

    def _tell_of_copies(self, story: _Story) -> None:
        """One entry a page in the first case's thread, however many others posted the same."""
        case = story.case
        for receiver in story.receivers:
            refs = list(dict.fromkeys(ref for to, ref in story.copies if to == receiver))
            if not refs:
                continue
            payload = {
                "deed": "copies" if refs[1:] else "copy",
                "count": len(refs),
                "case": ", ".join(refs[:_COPIES_NAMED]),
            }
            key = f"case:{case.ref}:copies:{refs[0]}:{receiver}"
            note = NewNotification(
                key, NotificationKind.CASE_NOTE, receiver, Urgency.NORMAL, self._now, FOLDED, payload
            )
            self._notifications.setdefault(key, CaseNotification(note, case.id))

    def _keep_quiet(self, story: _Story, new: NewMention, verdict: Verdict, silence: Silence) -> Outcome:
        self._kept[silence.id] += 1
        self._verdicts[new.id] = replace(verdict, lines=(*verdict.lines, silenced_line(silence)))
        detail = {"mention": new.ref, "silence": silence.id}
        self._events.append(CaseEvent(story.case.id, self._now, "silenced", silence.who, self._source, detail))
        # The message of a case that was told already shows the case as it is; edits make no sound.
        for receiver in story.receivers:
            self._notify(story, new, receiver, NotificationKind.CASE_UPDATE, "silenced")
        return Outcome.SILENCED

    def _notify(self, story: _Story, new: NewMention, receiver: str, kind: NotificationKind, reason: str) -> None:
        case = story.case
        part = {
            NotificationKind.CASE_OPEN: _opening_part(case),
            NotificationKind.CASE_UPDATE: f"rev{case.revision}",
            NotificationKind.CASE_THREAD: f"thread:{new.ref}",
        }[kind]
        opening = self._notifications.get(f"case:{case.ref}:{_opening_part(case)}:{receiver}")
        if opening is not None:
            # Opened by this very page: the message will show this post too, and goes out as urgent as the case is now.
            raised = replace(opening.notification, urgency=case.urgency)
            self._notifications[raised.key] = replace(opening, notification=raised)
            return
        key = f"case:{case.ref}:{part}:{receiver}"
        notification = NewNotification(key, kind, receiver, case.urgency, self._now, reason)
        self._notifications.setdefault(key, CaseNotification(notification, case.id, new.id))


def _is_praise(verdict: Verdict) -> bool:
    return Intent.PRAISE in verdict.intents and not verdict.intents & _WANTING


def _quiet_for(story: _Story, new: NewMention) -> timedelta:
    return abs(new.mention.published_at - story.case.last_mention_at)


def _opening_part(case: Case) -> str:
    """A later page may open the case again for a receiver whose first message died: a key of its own, or it stays untold."""
    return "open" if case.revision == 1 else f"open:rev{case.revision}"


def _with_story(verdict: Verdict, case: Case, posted: datetime) -> Verdict:
    """The verdict once the author's earlier posts count: asked before and, as far as known, unanswered."""
    answered = case.state in CLOSED_STATES or case.state in (CaseState.REPLIED, CaseState.WAITING)
    if answered or not verdict.intents & _WANTING:
        return verdict
    if any(line.label == "repeated" for line in verdict.lines):
        return verdict  # the post itself says so; counting it twice would raise it twice
    points = min(REPEATED_POINTS + REPEATED_MORE * (case.mention_count - 1), REPEATED_CAP)
    days = (posted - case.last_mention_at).days
    ago = "the same day" if days < 1 else "1 day ago" if days == 1 else f"{days} days ago"
    return with_history(verdict, [Line(points, "repeated", f"own post {ago}, no answer seen", "case history")])
