"""The one pass over a week's posts: what is remembered of each while they stream by.

Memory grows with the people of the week, not with their posts: examples are kept only as the best few, one per
author, by an order that does not depend on the order of reading. What a week says beyond its stages is tallied by others
that see the same posts (`Hearing`).
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from listener.digest.said import BUYERS, HAPPY, SIGNS, UNHAPPY, Best, Rank, Said, said, unhappy_with
from listener.digest.week import Week
from listener.model import DRILL, CaseState, Counted
from rules.vocabulary import Intent, Stage, Urgency

_QUOTE = range(24, 150)  # characters: a text this long can be read at a glance and still says something


class Hearing(Protocol):
    """Something that wants to see every counted post, once."""

    def add(self, one: Said) -> None: ...


@dataclass(slots=True)
class Group:
    """People with the signs of their posts, and the number of posts by sign."""

    people: dict[str, list[int]] = field(default_factory=dict)
    signs: list[int] = field(default_factory=lambda: [0, 0, 0])

    def add(self, author: str, sign: int) -> None:
        signs = self.people.get(author)
        if signs is None:
            signs = self.people[author] = [0, 0, 0]
        signs[sign] += 1
        self.signs[sign] += 1

    def people_by_sign(self) -> tuple[int, int, int]:
        """Unhappy, neutral and happy people: each person once, by the sign that prevails in their posts."""
        unhappy = sum(1 for signs in self.people.values() if signs[0] > signs[2])
        happy = sum(1 for signs in self.people.values() if signs[2] > signs[0])
        return unhappy, len(self.people) - unhappy - happy, happy


@dataclass(slots=True)
class Pile:
    """Posts of one kind with their people; where examples are kept, those and the stages the people stand in."""

    keep: int
    people: set[str] = field(default_factory=set)
    posts: int = 0
    stages: dict[str, set[str]] = field(default_factory=dict)  # stage -> people; somebody may stand in several
    best: Best = field(init=False)

    def __post_init__(self) -> None:
        self.best = Best(self.keep)

    def add(self, one: Said, rank: Rank | None = None, key: str | None = None) -> None:
        self.posts += 1
        if self.keep:
            self.stages.setdefault(one.key if key is None else key, set()).add(one.author)
            self.best.offer(one.rank if rank is None else rank, one, key)
        self.people.add(one.author)


def heap(piles: dict[str, Pile], name: str, one: Said, keep: int = 0) -> None:
    """Put a post on the pile of that name."""
    pile = piles.get(name)
    if pile is None:
        pile = piles[name] = Pile(keep)
    pile.add(one)


@dataclass(slots=True)
class StageGroup:
    everybody: Group = field(default_factory=Group)
    touches: dict[str, Group] = field(default_factory=dict)
    quotes: tuple[Best, Best, Best] = field(default_factory=lambda: (Best(1), Best(1), Best(1)))
    second: Pile = field(default_factory=lambda: Pile(0))


@dataclass(slots=True)
class Exit:
    pile: Pile
    reasons: dict[str, Pile] = field(default_factory=dict)
    rivals: dict[str, Pile] = field(default_factory=dict)


@dataclass(slots=True)
class Seen:
    """The posts of one source: how many, when published (seconds), how much later seen."""

    posts: int = 0
    published: array[float] = field(default_factory=lambda: array("d"))
    delays: array[float] = field(default_factory=lambda: array("d"))


@dataclass(slots=True)
class WeekTally:
    """All that one pass gathers."""

    examples: int
    everybody: Group = field(default_factory=Group)
    stages: dict[str, StageGroup] = field(default_factory=dict)
    voices: dict[tuple[Stage, int], set[str]] = field(default_factory=dict)
    buyers: dict[str, int] = field(default_factory=dict)  # author -> 2 buyer, 1 non-buyer, 0 did not say
    pains: dict[str, Pile] = field(default_factory=dict)
    delights: dict[str, Pile] = field(default_factory=dict)
    exits: dict[str, Exit] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)  # counted, promotional, rivals, own, not_relevant
    seen: dict[str, Seen] = field(default_factory=dict)  # by source, whatever the posts are about
    rivals: dict[str, Pile] = field(default_factory=dict)
    urgency: dict[str, Pile] = field(default_factory=dict)
    emotions: dict[str, Pile] = field(default_factory=dict)
    languages: dict[str, Pile] = field(default_factory=dict)
    platforms: dict[str, Pile] = field(default_factory=dict)
    sources: dict[str, Pile] = field(default_factory=dict)
    intents: dict[str, Pile] = field(default_factory=dict)
    rules: set[str] = field(default_factory=set)
    cases: dict[str, CaseState] = field(default_factory=dict)
    praising: set[str] = field(default_factory=set)  # cases with praise and without complaint
    urgent_open: Pile = field(default_factory=lambda: Pile(1))


def gather(
    week: Week,
    mentions: Iterable[Counted],
    stage_keys: Mapping[Stage, str],
    examples: int,
    hearing: Sequence[Hearing] = (),
    rivals: Sequence[Hearing] = (),
) -> WeekTally:
    """Read `mentions` once. Posts published outside `week` are no business of this digest and are left out, and so are drills.

    `hearing` sees every counted post, `rivals` those and every post about a rival that promotes nothing.
    """
    tally = WeekTally(examples)
    since, until = week.since, week.until
    for post in mentions:
        if not since <= post.published_at < until or post.subject == DRILL:
            continue
        seen = tally.seen.get(post.source)
        if seen is None:
            seen = tally.seen[post.source] = Seen()
        seen.posts += 1
        published = post.published_at.timestamp()
        seen.published.append(published)
        seen.delays.append(post.seen_at.timestamp() - published)
        tally.rules.update(post.rules)
        kind = kind_of(post)
        tally.kinds[kind] += 1
        if kind not in ("rivals", "counted"):
            continue
        second = stage_keys[post.secondary_stage] if post.secondary_stage is not None else ""
        one = said(post, stage_keys[post.stage], second)
        if kind == "rivals":
            heap(tally.rivals, post.subject.partition(":")[2], one)
        else:
            _add(tally, one)
            for other in hearing:
                other.add(one)
        for other in rivals:
            other.add(one)
    return tally


def kind_of(post: Counted) -> str:
    """Which of the five kinds of `Accounting` a post belongs to; exactly one."""
    if post.subject == "own":
        return "own"
    rival = post.subject.startswith("rival:")
    if not rival and (not post.relevant or post.subject == "none"):
        return "not_relevant"
    if post.promotional:
        return "promotional"  # whoever it is for: what people say of a rival is compared with what they say of us
    return "rivals" if rival else "counted"


def _add(tally: WeekTally, one: Said) -> None:
    post, author, sign, key, rank = one.post, one.author, one.sign, one.key, one.rank
    tally.everybody.add(author, sign)
    tally.voices.setdefault((post.stage, sign), set()).add(author)
    tally.buyers[author] = max(tally.buyers.get(author, 0), BUYERS[post.buyer_status])
    stage = tally.stages.get(key)
    if stage is None:
        stage = tally.stages[key] = StageGroup()
    stage.everybody.add(author, sign)
    if one.second:
        tally.stages.setdefault(one.second, StageGroup()).second.add(one)
    if length := len(post.text.strip()):
        stage.quotes[sign].offer((length not in _QUOTE, *rank), one)
    for touchpoint, felt in one.felt.items():
        stage.touches.setdefault(touchpoint, Group()).add(author, felt)
        if felt == UNHAPPY:
            heap(tally.pains, touchpoint, one, tally.examples)
        elif felt == HAPPY:
            joy = (sign != SIGNS["positive"], int(post.urgency), *rank[1:])
            tally.delights.setdefault(touchpoint, Pile(tally.examples)).add(one, joy)
    if Intent.LEAVING in post.intents or post.exit_to:
        _leave(tally, one)
    heap(tally.urgency, post.urgency.word, one)
    for emotion in post.emotions:
        heap(tally.emotions, emotion.value, one)
    for intent in sorted(post.intents):
        heap(tally.intents, intent.value, one, 1)
    heap(tally.languages, post.lang, one)
    heap(tally.platforms, post.platform, one)
    heap(tally.sources, post.source, one)
    if post.case_ref is not None and post.case_state is not None:
        tally.cases[post.case_ref] = post.case_state
        if post.case_state is CaseState.NEW and post.urgency >= Urgency.HIGH:
            tally.urgent_open.add(one)
        if Intent.PRAISE in post.intents and Intent.COMPLAINT not in post.intents:
            tally.praising.add(post.case_ref)


def _leave(tally: WeekTally, one: Said) -> None:
    # A statement of leaving is loyalty by definition; where it went wrong is the other stage, if triage kept one.
    post = one.post
    where = one.second if post.stage is Stage.LOYALTY and one.second else one.key
    door = tally.exits.setdefault(where, Exit(Pile(tally.examples)))
    door.pile.add(one, key=where)
    for touchpoint in one.felt:
        if unhappy_with(post, touchpoint):
            heap(door.reasons, touchpoint, one)
    if post.exit_to:
        heap(door.rivals, post.exit_to, one)
