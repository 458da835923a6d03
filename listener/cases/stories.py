"""Which case a post belongs to, and what it repeats: the cases of a page's authors while the page is settled.

Pure. A post joins a case of its author in this order (docs/decisions/0018): the same thread, the same words again, the same
touchpoint within three days, a grave story that nobody has closed, and within three days where one of the two names no
touchpoint. Near copies by others are found among the texts of the last days.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain

from listener.cases.clock import ServiceHours
from listener.cases.copies import COPY_WITHIN, Earlier, Recent, Wording, likeness
from listener.cases.plan import CLOSED_STATES, NewMention, OpenCase, author_key, thread_key
from listener.cases.turns import Running, replay
from listener.model import Case, CaseState, Line, Verdict
from listener.triage.urgency import with_history
from rules.vocabulary import Intent, Urgency

SAME_STORY = timedelta(hours=72)  # METHODS §7: posts of one author on one touchpoint within it join the open case
GRAVE_STORY = timedelta(days=30)  # from high on, a story stays one story until somebody closes its case
REPEATED_POINTS, REPEATED_MORE, REPEATED_CAP = 12, 3, 15  # METHODS §8.1, factor repeat_unanswered
WANTING = frozenset({Intent.COMPLAINT, Intent.QUESTION, Intent.LEAVING})
_HANDLING = frozenset({"support"})  # whoever complains of being on hold is on hold about something


@dataclass(slots=True)
class Story:
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
class Copy:
    """That a post is a near copy of one that stands in a case."""

    of: Earlier
    story: Story
    likeness: float

    @property
    def can_tell(self) -> bool:
        """Whether somebody works on that case and was told of it."""
        return self.story.case.state not in CLOSED_STATES and bool(self.story.receivers)


class Stories:
    """The cases of one page: those that were open, and those that the page opens."""

    def __init__(self, hours: ServiceHours) -> None:
        self._hours = hours
        self.all: list[Story] = []
        self._texts, self._recent = dict[int, Earlier](), Recent()

    def know(self, found: OpenCase) -> None:
        """One that was open before the page."""
        clock = replay(found.clock, self._hours)
        self.all.append(Story(found.case, found.state_since, list(found.receivers), True, [], clock=clock))

    def remember(self, text: Earlier) -> None:
        """Words that later ones may repeat."""
        self._texts[text.mention_id] = text
        self._recent.add(text.mention_id, text.wording)

    def copies_of(self, new: NewMention, words: Wording) -> list[Copy]:
        """What this post may be a near copy of: first where the case can tell it, then the oldest."""
        by_case = {story.case.id: story for story in self.all}
        found = []
        for id_ in self._recent.near(words):
            text = self._texts[id_]
            story = by_case.get(text.case_id)
            if story is None or abs(new.mention.published_at - text.published_at) > COPY_WITHIN:
                continue
            if (alike := likeness(words, text.wording)) is not None:
                found.append(Copy(text, story, alike))
        return sorted(found, key=lambda one: (not one.can_tell, one.of.mention_id))

    def of_author(self, new: NewMention) -> list[Story]:
        """The cases of a post's author, the newest first."""
        return [story for story in reversed(self.all) if story.case.author_key == author_key(new.mention)]

    def home_of(self, new: NewMention, copies: Sequence[Copy]) -> Story | None:
        """The case that a post joins; None where it opens one. `copies`: what it may be a near copy of."""
        mine, about = self.of_author(new), new.verdict.touchpoints.keys() - _HANDLING
        again = {id(copy.story) for copy in copies}

        def is_grave(story: Story) -> bool:
            case = story.case
            grave = case.urgency >= Urgency.HIGH and case.state not in CLOSED_STATES
            return grave and quiet_for(story, new) <= GRAVE_STORY

        lately = [story for story in mine if quiet_for(story, new) <= SAME_STORY]
        kinds: tuple[Iterable[Story], ...] = (
            (story for story in mine if story.case.thread_key == thread_key(new.mention)),
            (story for story in mine if id(story) in again),
            (story for story in lately if story.case.touchpoints & about),
            (story for story in mine if is_grave(story)),
            (story for story in lately if not (about and story.case.touchpoints - _HANDLING)),
        )
        return next(chain.from_iterable(kinds), None)

    def lately_of(self, new: NewMention) -> str:
        """The newest other case of a post's author within three days, by its reference; "" where there is none."""
        return next((story.case.ref for story in self.of_author(new) if quiet_for(story, new) <= SAME_STORY), "")


def quiet_for(story: Story, new: NewMention) -> timedelta:
    """Between a post and the last one of a case."""
    return abs(new.mention.published_at - story.case.last_mention_at)


def with_story(verdict: Verdict, case: Case, posted: datetime) -> Verdict:
    """The verdict once the author's earlier posts count: asked before and, as far as known, unanswered."""
    answered = case.state in CLOSED_STATES or case.state in (CaseState.REPLIED, CaseState.WAITING)
    if answered or not verdict.intents & WANTING:
        return verdict
    if any(line.label == "repeated" for line in verdict.lines):
        return verdict  # the post itself says so; counting it twice would raise it twice
    points = min(REPEATED_POINTS + REPEATED_MORE * (case.mention_count - 1), REPEATED_CAP)
    days = (posted - case.last_mention_at).days
    ago = "the same day" if days < 1 else "1 day ago" if days == 1 else f"{days} days ago"
    return with_history(verdict, [Line(points, "repeated", f"own post {ago}, no answer seen", "case history")])
