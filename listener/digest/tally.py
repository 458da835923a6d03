"""The one pass over a week's posts: what is remembered of each while they stream by.

Memory grows with the people of the week, not with their posts: examples are kept only as the best few, one per
author, by an order that does not depend on the order of reading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from listener.digest.figures import Post
from listener.digest.text import safe_url, visible
from listener.digest.week import Week
from listener.model import CaseState, Counted, Sentiment
from rules.vocabulary import BuyerStatus, Intent, Stage, Urgency

SIGNS: Mapping[Sentiment, int] = {"negative": 0, "neutral": 1, "positive": 2}
_QUOTE = range(24, 150)  # characters: a text this long can be read at a glance and still says something
_SPARE = 3  # candidates kept for each example shown, so that repeated words can be passed over
_FAINT = 0.05  # a touchpoint's own sentiment nearer to zero than this is neither unhappy nor happy


@dataclass(slots=True)
class Best:
    """The best few posts by `rank`: at most one per author, and none that only repeats another's words."""

    keep: int
    kept: list[tuple[tuple[Any, ...], str, Post]] = field(default_factory=list)

    def offer(self, rank: tuple[Any, ...], author: str, post: Counted, stage: str) -> None:
        """Consider `post`; a smaller `rank` is better and must be unique, e.g. end with the post's ref."""
        room = self.keep * _SPARE
        if room == 0 or (len(self.kept) >= room and rank >= self.kept[-1][0]):
            return
        if any(name == author and known < rank for known, name, _ in self.kept):
            return
        rest = [entry for entry in self.kept if entry[1] != author]
        rest.append((rank, author, _post(post, stage)))
        rest.sort(key=_first)
        self.kept = rest[:room]

    def posts(self) -> tuple[Post, ...]:
        """The kept posts, best first; of those with the same words only the best."""
        by_words = {post.text.casefold(): post for _, _, post in reversed(self.kept)}
        return tuple(post for _, _, post in self.kept if by_words[post.text.casefold()] is post)[: self.keep]


def _first(entry: tuple[tuple[Any, ...], str, Post]) -> tuple[Any, ...]:
    return entry[0]


@dataclass(slots=True)
class Group:
    """People with the signs of their posts, and the number of posts by sign."""

    people: dict[str, list[int]] = field(default_factory=dict)
    signs: list[int] = field(default_factory=lambda: [0, 0, 0])

    def add(self, author: str, sign: int) -> None:
        self.people.setdefault(author, [0, 0, 0])[sign] += 1
        self.signs[sign] += 1

    def people_by_sign(self) -> tuple[int, int, int]:
        """Unhappy, neutral and happy people: each person once, by the sign that prevails in their posts."""
        unhappy = sum(1 for signs in self.people.values() if signs[0] > signs[2])
        happy = sum(1 for signs in self.people.values() if signs[2] > signs[0])
        return unhappy, len(self.people) - unhappy - happy, happy


@dataclass(slots=True)
class Pile:
    """Posts of one kind with their people, the stages they stand in and the best examples."""

    keep: int
    people: set[str] = field(default_factory=set)
    posts: int = 0
    stages: Counter[str] = field(default_factory=Counter)
    best: Best = field(init=False)

    def __post_init__(self) -> None:
        self.best = Best(self.keep)

    def add(self, author: str, post: Counted, stage: str, rank: tuple[Any, ...]) -> None:
        if author not in self.people:
            self.stages[stage] += 1
        self.people.add(author)
        self.posts += 1
        self.best.offer(rank, author, post, stage)


@dataclass(slots=True)
class StageGroup:
    everybody: Group = field(default_factory=Group)
    touches: dict[str, Group] = field(default_factory=dict)
    quotes: tuple[Best, Best, Best] = field(default_factory=lambda: (Best(1), Best(1), Best(1)))


@dataclass(slots=True)
class Exit:
    pile: Pile
    reasons: dict[str, Pile] = field(default_factory=dict)
    rivals: dict[str, Pile] = field(default_factory=dict)


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
    sources: Counter[str] = field(default_factory=Counter)
    rivals: dict[str, Pile] = field(default_factory=dict)
    urgency: dict[str, Pile] = field(default_factory=dict)
    emotions: dict[str, Pile] = field(default_factory=dict)
    languages: dict[str, Pile] = field(default_factory=dict)
    platforms: dict[str, Pile] = field(default_factory=dict)
    intents: dict[str, Pile] = field(default_factory=dict)
    cases: dict[str, CaseState] = field(default_factory=dict)
    urgent_open: Pile = field(default_factory=lambda: Pile(1))
    top: Best = field(default_factory=lambda: Best(5))


def gather(week: Week, mentions: Iterable[Counted], stage_keys: Mapping[Stage, str], examples: int) -> WeekTally:
    """Read `mentions` once. Posts published outside `week` are no business of this digest and are left out."""
    tally = WeekTally(examples)
    since, until = week.since, week.until
    for post in mentions:
        if not since <= post.published_at < until:
            continue
        tally.sources[post.source] += 1
        kind = kind_of(post)
        tally.kinds[kind] += 1
        if kind == "rivals":
            _heap(tally.rivals, post.subject.partition(":")[2], post, "", 0)
        elif kind == "counted":
            _add(tally, post, stage_keys[post.stage], stage_keys)
    return tally


def kind_of(post: Counted) -> str:
    """Which of the five kinds of `Accounting` a post belongs to; exactly one."""
    if post.subject == "own":
        return "own"
    if post.subject.startswith("rival:"):
        return "rivals"
    if not post.relevant or post.subject == "none":
        return "not_relevant"
    return "promotional" if post.promotional else "counted"


def author_of(post: Counted) -> str:
    """Who wrote it. Where a platform names nobody, each post is taken as a person of its own."""
    return post.author_key if post.author_key.partition(":")[2] else f"?{post.ref}"


def _add(tally: WeekTally, post: Counted, key: str, stage_keys: Mapping[Stage, str]) -> None:
    author, sign = author_of(post), SIGNS[post.sentiment_label]
    rank = _rank(post)
    tally.everybody.add(author, sign)
    tally.voices.setdefault((post.stage, sign), set()).add(author)
    tally.buyers[author] = max(tally.buyers.get(author, 0), _BUYER[post.buyer_status])
    stage = tally.stages.setdefault(key, StageGroup())
    stage.everybody.add(author, sign)
    if length := len(post.text.strip()):
        stage.quotes[sign].offer((length not in _QUOTE, *rank), author, post, key)
    for touchpoint, own in sorted(post.touchpoints.items()):
        felt = _felt(own, sign)
        stage.touches.setdefault(touchpoint, Group()).add(author, felt)
        if felt == SIGNS["negative"]:
            tally.pains.setdefault(touchpoint, Pile(tally.examples)).add(author, post, key, rank)
        elif felt == SIGNS["positive"]:
            joy = (sign != SIGNS["positive"], int(post.urgency), *rank[1:])
            tally.delights.setdefault(touchpoint, Pile(tally.examples)).add(author, post, key, joy)
    if Intent.LEAVING in post.intents or post.exit_to:
        _leave(tally, post, author, rank, stage_keys)
    _heap(tally.urgency, post.urgency.word, post, key, 0)
    for emotion in post.emotions:
        _heap(tally.emotions, emotion.value, post, key, 0)
    for intent in sorted(post.intents):
        _heap(tally.intents, intent.value, post, key, 1)
    _heap(tally.languages, post.lang, post, key, 0)
    _heap(tally.platforms, post.platform, post, key, 0)
    if post.case_ref is not None and post.case_state is not None:
        tally.cases[post.case_ref] = post.case_state
        if post.case_state is CaseState.NEW and post.urgency >= Urgency.HIGH:
            tally.urgent_open.add(author, post, key, rank)
    if engagement_of(post):
        tally.top.offer((-engagement_of(post), post.published_at, post.ref), author, post, key)


def _felt(own: float | None, sign: int) -> int:
    """How a touchpoint was felt: by its own sentiment, else by the post's."""
    if own is None:
        return sign
    if own < -_FAINT:
        return SIGNS["negative"]
    # Kind words in a complaint are mostly irony or politeness; a delight needs a post that is not one.
    return SIGNS["positive"] if own > _FAINT and sign != SIGNS["negative"] else SIGNS["neutral"]


def _leave(
    tally: WeekTally, post: Counted, author: str, rank: tuple[Any, ...], stage_keys: Mapping[Stage, str]
) -> None:
    # A statement of leaving is loyalty by definition; where it went wrong is the other stage, if triage kept one.
    where = post.secondary_stage if post.stage is Stage.LOYALTY and post.secondary_stage else post.stage
    key = stage_keys[where]
    door = tally.exits.setdefault(key, Exit(Pile(tally.examples)))
    door.pile.add(author, post, key, rank)
    for touchpoint, own in sorted(post.touchpoints.items()):
        if (own is None and post.sentiment_label != "positive") or (own is not None and own < -_FAINT):
            _heap(door.reasons, touchpoint, post, key, 0)
    if post.exit_to:
        _heap(door.rivals, post.exit_to, post, key, 0)


def _heap(piles: dict[str, Pile], name: str, post: Counted, key: str, keep: int) -> None:
    piles.setdefault(name, Pile(keep)).add(author_of(post), post, key, _rank(post))


def _rank(post: Counted) -> tuple[Any, ...]:
    # The most urgent first, then what most people saw; a link to show counts more than no link.
    return (-int(post.urgency), not post.url, -engagement_of(post), post.published_at, post.ref)


def engagement_of(post: Counted) -> int:
    """Likes, replies, reposts and the like, added up; a negative score counts as none."""
    return sum(max(0, value) for value in post.engagement.values())


def _post(post: Counted, stage: str) -> Post:
    return Post(
        ref=visible(post.ref, 40),
        url=safe_url(post.url),
        text=visible(post.text),
        author=visible(post.author_key, 120),
        platform=visible(post.platform, 40),
        lang=visible(post.lang, 20),
        stage=stage,
        sentiment=post.sentiment_label,
        urgency=post.urgency.word,
        engagement=engagement_of(post),
        published_at=post.published_at,
    )


_BUYER: Mapping[BuyerStatus, int] = {
    BuyerStatus.BUYER: 2,
    BuyerStatus.EX_CUSTOMER: 2,
    BuyerStatus.NON_BUYER: 1,
    BuyerStatus.UNKNOWN: 0,
}
