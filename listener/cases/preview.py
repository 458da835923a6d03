"""What a team would have been told: stored mentions once more through cases, routes, silences, quiet hours and storm control.

Each post is taken as seen when it was published, and nobody works a case meanwhile. Pure: mentions and settings in,
counts out; whatever decides here is what decides in the daemon (`Settler`, `manners`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count, takewhile

from listener.cases.clock import ServiceHours
from listener.cases.copies import COPY_WITHIN, Earlier, Recent, Wording, wording
from listener.cases.manners import STORM_HOUR, manners, quiet_until
from listener.cases.plan import CaseChange, CaseDraft, NewMention, OpenCase, OpenCases, Settled, author_key, thread_key
from listener.cases.settle import Settler
from listener.cases.silences import Silence
from listener.cases.telling import Rules
from listener.model import NotificationKind, Outcome, Told, Triaged
from rules.vocabulary import Urgency

_OPEN, _ENTRY = NotificationKind.CASE_OPEN, NotificationKind.CASE_THREAD


@dataclass(frozen=True, slots=True)
class Wants:
    """How one receiver wants to be told."""

    quiet: ServiceHours | None = None
    singles_per_hour: int | None = None


@dataclass(slots=True)
class Heard:
    """What one receiver would have been told. Every opening is in exactly one of the first four counts."""

    critical: int = 0  # always sent singly
    singles: int = 0
    folded_at_opening: int = 0
    folded_in_storms: int = 0
    summaries: int = 0
    entries: int = 0  # later posts, in threads
    messages: list[datetime] = field(default_factory=list)  # singles, critical ones and summaries
    rules: Counter[str] = field(default_factory=Counter)  # rule -> openings it had a part in

    @property
    def cases(self) -> int:
        """How many cases it would have heard of."""
        return self.critical + self.singles + self.folded_at_opening + self.folded_in_storms

    def busiest(self) -> tuple[datetime, int] | None:
        """The clock hour (UTC) with the most messages, and how many."""
        by_hour = Counter(at.replace(minute=0, second=0, microsecond=0) for at in self.messages)
        return max(by_hour.items(), key=lambda one: (one[1], one[0]), default=None)

    def noisiest(self) -> tuple[str, int] | None:
        """The rule that had a part in the most openings, and in how many."""
        return max(self.rules.items(), key=lambda one: (one[1], one[0]), default=None)


@dataclass(frozen=True, slots=True)
class Preview:
    """What would have been told to whom, and what became of every mention."""

    heard: Mapping[str, Heard]  # receiver -> …
    outcomes: Mapping[Outcome, int]
    first: datetime | None  # when the oldest mention was published


@dataclass(frozen=True, slots=True)
class _Opening:
    at: datetime
    urgency: Urgency
    rules: tuple[str, ...]


def preview(mentions: Iterable[Told], rules: Rules, silences: Sequence[Silence], wants: Mapping[str, Wants]) -> Preview:
    """Replay `mentions` (oldest first). `wants` names every receiver."""
    openings: dict[str, list[_Opening]] = {name: [] for name in wants}
    heard = {name: Heard() for name in wants}
    outcomes: Counter[Outcome] = Counter()
    world, first = _World(rules, silences), None
    for told in mentions:
        at = told.mention.published_at
        first = first or at
        settled = world.settle(told)
        outcomes.update(settled.outcomes.values())
        cues = tuple(sorted({line.rule for line in told.verdict.lines if line.rule and line.points}))
        for planned in settled.notifications:
            one = planned.notification
            if one.kind is _OPEN and one.receiver in openings:
                openings[one.receiver].append(_Opening(at, one.urgency, cues))
            elif one.kind is _ENTRY and one.receiver in heard:
                heard[one.receiver].entries += 1
    for name, found in openings.items():
        _deliver(found, wants[name], heard[name])
    return Preview(heard, outcomes, first)


class _World:
    """The cases as they would stand."""

    def __init__(self, rules: Rules, silences: Sequence[Silence]) -> None:
        self._rules, self._silences = rules, tuple(silences)
        self._ids = count(1)
        self._cases: dict[int, OpenCase] = {}
        self._by_key: defaultdict[str, set[int]] = defaultdict(set)
        self._texts: dict[int, Earlier] = {}  # the oldest first
        self._recent = Recent()

    def settle(self, told: Told) -> Settled:
        """What becomes of one mention."""
        at, mention = told.mention.published_at, told.mention
        known = sorted(self._by_key[f"a:{author_key(mention)}"] | self._by_key[f"t:{thread_key(mention)}"])
        new = NewMention(told.id, told.ref, Triaged(mention, told.verdict))
        words = wording(new.triaged)
        texts = self._like(words, at)
        known = sorted({*known, *(text.case_id for text in texts)})
        open_cases = OpenCases(tuple(self._cases[id_] for id_ in known), self._silences, texts)
        settled = Settler(told.source, self._rules)([new], open_cases, lambda: next(self._ids), at)
        told_now = [one.notification.receiver for one in settled.notifications if one.notification.kind is _OPEN]
        for case in (*(draft.case for draft in settled.drafts), *(change.case for change in settled.changes)):
            before = self._cases.get(case.id)
            receivers = (*(before.receivers if before else ()), *told_now)
            self._cases[case.id] = OpenCase(case, before.state_since if before else at, receivers)
            self._by_key[f"a:{case.author_key}"].add(case.id)
            self._by_key[f"t:{case.thread_key}"].add(case.id)
        members: tuple[CaseDraft | CaseChange, ...] = (*settled.drafts, *settled.changes)
        for member in members:
            if new.id in member.mention_ids and settled.outcomes[new.id] is not Outcome.FOLDED_DUPLICATE:
                self._texts[new.id] = Earlier(new.id, member.case.id, at, words)
                self._recent.add(new.id, words)
        return settled

    def _like(self, words: Wording, at: datetime) -> tuple[Earlier, ...]:
        """The posts of the last days that one with these words may be a copy of."""
        old = list(takewhile(lambda id_: self._texts[id_].published_at < at - COPY_WITHIN, self._texts))
        self._recent.drop(old)
        for id_ in old:
            del self._texts[id_]
        return tuple(self._texts[id_] for id_ in sorted(self._recent.near(words)))


def _deliver(openings: Sequence[_Opening], wants: Wants, heard: Heard) -> None:
    """Hold, fold and send the openings of one receiver, as a claim would."""
    held: defaultdict[datetime, list[_Opening]] = defaultdict(list)
    due: list[tuple[datetime, _Opening]] = []
    for one in openings:
        heard.rules.update(one.rules)
        if one.urgency is Urgency.CRITICAL:
            heard.critical += 1
            heard.messages.append(one.at)
        elif wants.quiet is not None and manners(wants.quiet, None, one.at).quiet:
            held[quiet_until(wants.quiet, one.at) or datetime.max.replace(tzinfo=one.at.tzinfo)].append(one)
        else:
            due.append((one.at, one))
    for opens_at, night in held.items():
        if len(night) == 1:
            due.append((opens_at, night[0]))
        else:
            heard.folded_at_opening += len(night)
            heard.summaries += 1
            heard.messages.append(opens_at)
    sent: list[datetime] = []
    storm: datetime | None = None
    for at, _ in sorted(due, key=lambda one: one[0]):
        sent = [earlier for earlier in sent if earlier > at - STORM_HOUR]
        if wants.singles_per_hour is None or len(sent) < wants.singles_per_hour:
            sent.append(at)
            heard.singles += 1
            heard.messages.append(at)
            continue
        heard.folded_in_storms += 1
        if storm is None or storm <= at - STORM_HOUR:
            storm = at
            heard.summaries += 1
            heard.messages.append(at)
