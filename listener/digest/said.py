"""One counted post made ready to be counted in many ways: who, in which mood, at which stage, about what.

`Said` is made once per post; every tally of the week reads it. Here also live the few rules that all of them share: who
counts as a person, how a touchpoint was felt, which post is the better example, who counts as a buyer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from listener.digest.parts import Post
from listener.digest.text import safe_url, visible
from listener.model import Counted, Sentiment
from rules.vocabulary import BuyerStatus

SIGNS: Mapping[Sentiment, int] = {"negative": 0, "neutral": 1, "positive": 2}
MOODS: tuple[Sentiment, ...] = ("negative", "neutral", "positive")
UNHAPPY, NEUTRAL, HAPPY = range(3)
BUYERS: Mapping[BuyerStatus, int] = {
    BuyerStatus.BUYER: 2,
    BuyerStatus.EX_CUSTOMER: 2,
    BuyerStatus.NON_BUYER: 1,
    BuyerStatus.UNKNOWN: 0,
}
BUYER_WORDS = ("unknown", "non_buyer", "buyer")

_SPARE = 3  # candidates kept for each example shown, so that repeated words can be passed over
_FAINT = 0.05  # a touchpoint's own sentiment nearer to zero than this is neither unhappy nor happy

Rank = tuple[Any, ...]


@dataclass(slots=True)
class Said:
    """A counted post. `felt`: touchpoint -> how it was felt, in the order of their names."""

    post: Counted
    key: str  # of the shown stage
    second: str  # of the shown second stage; "" where there is none, or where it is shown as the first
    author: str
    sign: int
    engagement: int
    rank: Rank  # the most urgent first, then what most people saw; unique
    felt: dict[str, int]


def said(post: Counted, key: str, second: str) -> Said:
    """Make `post` ready."""
    sign = SIGNS[post.sentiment_label]
    engagement = engagement_of(post)
    return Said(
        post,
        key,
        second if second != key else "",
        author_of(post),
        sign,
        engagement,
        # A link to show counts more than no link.
        (-int(post.urgency), not post.url, -engagement, post.published_at, post.ref),
        {touchpoint: _felt(own, sign) for touchpoint, own in sorted(post.touchpoints.items())},
    )


def author_of(post: Counted) -> str:
    """Who wrote it. Where a platform names nobody, each post is taken as a person of its own."""
    return post.author_key if post.author_key.partition(":")[2] else f"?{post.ref}"


def engagement_of(post: Counted) -> int:
    """Likes, replies, reposts and the like, added up; a negative score counts as none."""
    return sum([value for value in post.engagement.values() if value > 0])


def unhappy_with(post: Counted, touchpoint: str) -> bool:
    """Whether a touchpoint is a reason to leave: blamed itself, or not judged in a post that is not happy."""
    own = post.touchpoints[touchpoint]
    return post.sentiment_label != "positive" if own is None else own < -_FAINT


def kind_to(post: Counted, touchpoint: str) -> bool:
    """Whether a touchpoint has kind words of its own, whatever the post's mood."""
    own = post.touchpoints[touchpoint]
    return own is not None and own > _FAINT


def standing(people: Iterable[str], buyers: Mapping[str, int]) -> tuple[int, int]:
    """Buyers and non-buyers among `people`."""
    found = [0, 0, 0]
    for author in people:
        found[buyers[author]] += 1
    return found[2], found[1]


def _felt(own: float | None, sign: int) -> int:
    """How a touchpoint was felt: by its own sentiment, else by the post's."""
    if own is None:
        return sign
    if own < -_FAINT:
        return UNHAPPY
    # Kind words in a complaint are mostly irony or politeness; a delight needs a post that is not one.
    return HAPPY if own > _FAINT and sign != UNHAPPY else NEUTRAL


@dataclass(slots=True)
class Best:
    """The best few posts by `rank`: at most one per author, and none that only repeats another's words."""

    keep: int
    kept: list[tuple[Rank, str, Counted, str]] = field(default_factory=list)

    def offer(self, rank: Rank, one: Said, key: str | None = None) -> None:
        """Consider a post; a smaller `rank` is better and must be unique, e.g. end with the post's ref."""
        room = self.keep * _SPARE
        if room == 0 or (len(self.kept) >= room and rank >= self.kept[-1][0]):
            return
        author = one.author
        if any(name == author and known < rank for known, name, _, _ in self.kept):
            return
        rest = [entry for entry in self.kept if entry[1] != author]
        rest.append((rank, author, one.post, one.key if key is None else key))
        rest.sort(key=_first)
        self.kept = rest[:room]

    def posts(self) -> tuple[Post, ...]:
        """The kept posts, best first; of those with the same words only the best."""
        shown = [example(post, key) for _, _, post, key in self.kept]
        by_words = {post.text.casefold(): post for post in reversed(shown)}
        return tuple(post for post in shown if by_words[post.text.casefold()] is post)[: self.keep]


def _first(entry: tuple[Rank, str, Counted, str]) -> Rank:
    return entry[0]


def example(post: Counted, key: str, times_usual: float | None = None) -> Post:
    """`post` as it is shown."""
    return Post(
        ref=visible(post.ref, 40),
        url=safe_url(post.url),
        text=visible(post.text),
        author=visible(post.author_key, 120),
        platform=visible(post.platform, 40),
        lang=visible(post.lang, 20),
        stage=key,
        sentiment=post.sentiment_label,
        urgency=post.urgency.word,
        engagement=engagement_of(post),
        published_at=post.published_at,
        source=visible(post.source, 60),
        times_usual=times_usual,
    )
