"""Who is told of what a page's mention did to its case, and why not: routes, silences, age, near copies.

Pure. A case is told once to each receiver and then lives on as that message: later mentions edit it and add an entry to its
thread. What another author posted before is told as an entry there (docs/decisions/0018). Each decision keeps its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from listener.cases.clock import ServiceHours
from listener.cases.copies import FOLDED, Copied, folded_line, like_line
from listener.cases.plan import CaseEvent, CaseNotification, NewMention
from listener.cases.routing import Route, destinations
from listener.cases.silences import Silence, SilenceKept, ended_line, lately_ended, silenced_line, silencing
from listener.cases.stories import Copy, Story
from listener.model import Case, Line, NewNotification, NotificationKind, Outcome, Verdict
from rules.vocabulary import Urgency

_COPIES_NAMED = 10  # cases in one entry


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says about telling."""

    routes: tuple[Route, ...]
    hours: ServiceHours
    alert_max_age: timedelta = timedelta(hours=6)
    alerts: bool = True  # False: import and backfill count, and tell nobody


class Telling:
    """What one page makes known: verdicts with the lines that say why, events, notifications."""

    def __init__(self, source: str, rules: Rules, silences: Sequence[Silence], now: datetime) -> None:
        self._source, self._rules, self._now = source, rules, now
        self._silences, self._kept, self._noted = silences, Counter[int](), set[int]()
        self.verdicts: dict[int, Verdict] = {}  # those that differ from what the rules said of the post alone
        self.events: list[CaseEvent] = []
        self.copied: list[Copied] = []
        self.notifications: dict[str, CaseNotification] = {}

    @property
    def kept_quiet(self) -> SilenceKept:
        """What silences kept quiet, and which of them were told to have ended."""
        return SilenceKept(dict(self._kept), frozenset(self._noted))

    def add_line(self, new: NewMention, line: Line) -> None:
        """A line of the explanation."""
        verdict = self.verdicts.get(new.id, new.verdict)
        self.verdicts[new.id] = replace(verdict, lines=(*verdict.lines, line))

    def tell(self, story: Story, new: NewMention, told: Outcome, copy: Copy | None) -> Outcome:
        """Whom a post is told to; `told` is the outcome where it is told to somebody."""
        if not self._rules.alerts:
            return Outcome.ALERTS_OFF
        if self._now - new.mention.published_at > self._rules.alert_max_age:
            # The message of a case that was told already still has to show the late post.
            for receiver in story.receivers:
                self.notify(story, new, receiver, NotificationKind.CASE_UPDATE, "skipped-old")
            return Outcome.SKIPPED_OLD
        verdict = self.verdicts.get(new.id, new.verdict)
        about = (self._silences, new.mention, verdict, self._source, story.case.urgency, self._now)
        if (silence := silencing(*about)) is not None:
            return self._keep_quiet(story, new, verdict, silence)
        wanted = destinations(self._rules.routes, new.mention, verdict, self._source, story.case.urgency)
        for receiver in story.receivers:
            self.notify(story, new, receiver, NotificationKind.CASE_UPDATE, "case")
            self.notify(story, new, receiver, NotificationKind.CASE_THREAD, "case")
        untold = [place for place in wanted if place.receiver not in story.receivers]
        folded = frozenset[str]() if copy is None else self._fold(story, new, copy, [one.receiver for one in untold])
        untold = [place for place in untold if place.receiver not in folded]
        for place in untold:
            story.receivers.append(place.receiver)
            self.notify(story, new, place.receiver, NotificationKind.CASE_OPEN, f"route:{place.route}")
        if untold and (ended := lately_ended(*about, self._noted)) is not None:
            self._noted.add(ended.id)
            self.add_line(new, ended_line(ended, self._now))
        if folded and not story.receivers:
            return Outcome.FOLDED_DUPLICATE
        return told if story.receivers else Outcome.NO_ROUTE

    def _fold(self, story: Story, new: NewMention, copy: Copy, untold: Sequence[str]) -> frozenset[str]:
        """The receivers that are told of a near copy in the thread of the case that they know; never what is critical."""
        first, ref = copy.story, copy.story.case.ref
        told = frozenset(first.receivers if copy.can_tell and story.case.urgency < Urgency.CRITICAL else ())
        folded = told.intersection(untold)
        self.copied.append(Copied(new.id, copy.of.mention_id, copy.likeness, bool(folded)))
        self.add_line(new, (folded_line if folded else like_line)(copy.likeness, ref))
        if folded:
            first.copies += [(receiver, story.case.ref) for receiver in first.receivers if receiver in folded]
            detail = {"mention": new.ref, "likeness": round(copy.likeness, 2)}
            for case, what, other in ((story.case, FOLDED, ref), (first.case, "copied", story.case.ref)):
                self.events.append(CaseEvent(case.id, self._now, what, "", self._source, detail | {"case": other}))
        return folded

    def tell_of_copies(self, story: Story) -> None:
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
            self.notifications.setdefault(key, CaseNotification(note, case.id))

    def _keep_quiet(self, story: Story, new: NewMention, verdict: Verdict, silence: Silence) -> Outcome:
        self._kept[silence.id] += 1
        self.verdicts[new.id] = replace(verdict, lines=(*verdict.lines, silenced_line(silence)))
        detail = {"mention": new.ref, "silence": silence.id}
        self.events.append(CaseEvent(story.case.id, self._now, "silenced", silence.who, self._source, detail))
        # The message of a case that was told already shows the case as it is; edits make no sound.
        for receiver in story.receivers:
            self.notify(story, new, receiver, NotificationKind.CASE_UPDATE, "silenced")
        return Outcome.SILENCED

    def notify(self, story: Story, new: NewMention, receiver: str, kind: NotificationKind, reason: str) -> None:
        """One notification; a case that this page opens shows the post already."""
        case = story.case
        part = {
            NotificationKind.CASE_OPEN: opening_part(case),
            NotificationKind.CASE_UPDATE: f"rev{case.revision}",
            NotificationKind.CASE_THREAD: f"thread:{new.ref}",
        }[kind]
        opening = self.notifications.get(f"case:{case.ref}:{opening_part(case)}:{receiver}")
        if opening is not None:
            # Opened by this very page: the message will show this post too, and goes out as urgent as the case is now.
            raised = replace(opening.notification, urgency=case.urgency)
            self.notifications[raised.key] = replace(opening, notification=raised)
            return
        key = f"case:{case.ref}:{part}:{receiver}"
        notification = NewNotification(key, kind, receiver, case.urgency, self._now, reason)
        self.notifications.setdefault(key, CaseNotification(notification, case.id, new.id))

    def notify_note(self, story: Story, receiver: str, payload: Mapping[str, str]) -> None:
        """A line in the thread of a message."""
        case = story.case
        key = f"case:{case.ref}:note:rev{case.revision}:{receiver}"
        note = NewNotification(
            key, NotificationKind.CASE_NOTE, receiver, Urgency.NORMAL, self._now, "brand-replied", payload
        )
        self.notifications.setdefault(key, CaseNotification(note, case.id))


def opening_part(case: Case) -> str:
    """A later page may open the case again for a receiver whose first message died: a key of its own, or it stays untold."""
    return "open" if case.revision == 1 else f"open:rev{case.revision}"
