"""Spikes: more distinct authors than a source's own past explains, of one kind of post.

A kind is a mood with a touchpoint ("complaint:checkout", "praise:support"), a mood ("complaint", "praise"), or "all".
Each kind has its own baseline; a post that a spike explains already counts for no other. Pure: posts, baselines and
the spikes there are come in, what rises and what has calmed down comes out. How likely a rise must be by chance, at most, follows
from the false alarms a month that are put up with, shared by all kinds, windows and looks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from listener.cases.baseline import HOUR, WINDOWS, Baseline, collected, is_settled, silent_since
from listener.model import SourceState
from rules.vocabulary import Intent, Urgency

ALL, COMPLAINT, PRAISE = "all", "complaint", "praise"
LEAST_AUTHORS = 5
PLAIN_AUTHORS, PLAIN_WINDOW, PLAIN_FACTOR = 8, 3, 3.0  # of sources that are too young for statistics
GRAVE_AUTHORS, GRAVE_SHARE = 20, 0.6  # more authors than expected, of whose posts so many are negative: critical
SHORTEST = timedelta(minutes=30)  # an open spike is not ended before
CALM = 0.05  # a rate that is at least so likely by chance is back to what is usual
LEFT_OUT_AT_MOST = timedelta(days=3)  # of a confirmed spike: what lasts longer becomes what is usual
_SHARE_OF_TOUCHPOINT = 0.6  # of the authors of a mood's spike: then it is the touchpoint's
_LOOKS = 2.0  # how much more often than once an hour and window a window that slides by the minute can alarm; bench/spikes.py
_MONTH_HOURS = 30 * 24

BUDGETS: Mapping[str, float] = {  # false alarms in 30 days
    "one a week": 30 / 7,
    "one a month": 1.0,
    "one a quarter": 1 / 3,
    "one a year": 1 / 12,
}


@dataclass(frozen=True, slots=True)
class Heard:
    """One post as far as spikes are concerned."""

    id: int
    at: datetime  # published
    author: str
    thread: str
    source: str
    kinds: frozenset[str]
    sentiment: str
    lang: str
    stage: str
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class Stretch:
    """A spike that there is or was, or an expected event: its posts are explained. `until` None: it goes on."""

    kind: str
    since: datetime
    until: datetime | None = None

    def explains(self, post: Heard) -> bool:
        """Whether the post belongs to it."""
        within = self.since <= post.at and (self.until is None or post.at <= self.until)
        return within and self.kind in post.kinds


@dataclass(frozen=True, slots=True)
class Rise:
    """More authors than are usual."""

    kind: str
    since: datetime
    window: int  # hours
    posts: tuple[Heard, ...]
    expected: float
    most: int  # 99.9 % of such windows have no more; of the plain rule: what it asks for, less one
    chance: float | None  # None: found by the plain rule

    @property
    def authors(self) -> int:
        """Distinct ones."""
        return len({post.author for post in self.posts})


def kinds_of(intents: Collection[Intent], sentiment: str, touchpoints: Iterable[str]) -> frozenset[str]:
    """The kinds that a post is of."""
    if {Intent.COMPLAINT, Intent.LEAVING} & set(intents) or (sentiment == "negative" and Intent.PRAISE not in intents):
        mood = COMPLAINT
    elif Intent.PRAISE in intents:
        mood = PRAISE
    else:
        return frozenset({ALL})
    return frozenset({ALL, mood, *(f"{mood}:{touchpoint}" for touchpoint in touchpoints)})


def holds_posts_of(one: str, other: str) -> bool:
    """Whether posts of one kind are posts of the other: `all` and `complaint:delivery`, but not two touchpoints."""
    if one == other or ALL in (one, other):
        return True
    return mood_of(one) == mood_of(other) and not (":" in one and ":" in other)


def mood_of(kind: str) -> str:
    """ "complaint", "praise" or "all"."""
    return kind.partition(":")[0]


def touchpoint_of(kind: str) -> str:
    """The touchpoint of a kind, "" where it has none."""
    return kind.partition(":")[2]


def chance_allowed(budget: float, kinds: int) -> float:
    """How unlikely a rise must be for `budget` false alarms in 30 days, over so many kinds and all windows."""
    return budget / (max(1, kinds) * len(WINDOWS) * _MONTH_HOURS * _LOOKS)


def rises(
    posts: Sequence[Heard],
    known: Sequence[Stretch],
    baselines: Callable[[str], Baseline | None],
    early: Callable[[str], float],
    sources: Sequence[SourceState],
    allowed: float,
    now: datetime,
    windows: Collection[int] = WINDOWS,
) -> list[Rise]:
    """What rises at `now`, each post explained once: the widest kind first, unless one touchpoint makes most of it.

    `early`: authors an hour of a kind so far, in sources that are too young for a baseline.
    """
    settled = {source.name for source in sources if is_settled(source, now)}
    young = {source.name: source for source in sources if source.name not in settled}
    explained = list(known)
    found: list[Rise] = []
    while True:
        rest = [post for post in posts if post.at <= now and not any(one.explains(post) for one in explained)]
        old = [post for post in rest if post.source in settled]
        rising = [
            rise
            for kind, of in _by_kind(old).items()
            if len(of) >= LEAST_AUTHORS and (baseline := baselines(kind)) is not None
            for rise in _against(kind, of, baseline, sources, allowed, now, windows)
        ]
        rising += _plainly(rest, young, early, now)
        if not rising:
            return found
        chosen = _choose(rising)
        found.append(chosen)
        explained.append(Stretch(chosen.kind, chosen.since))


def is_calm(
    kind: str,
    since: datetime,
    window: int,
    posts: Sequence[Heard],
    baseline: Baseline | None,
    sources: Sequence[SourceState],
    now: datetime,
) -> bool:
    """Whether an open spike is over: of late no more authors than usual, and nobody is deaf who heard it.

    `posts`: those of the kind since it began; `since`: when it was found.
    """
    if now - since < SHORTEST:
        return False
    deaf = {source.name for source in sources if silent_since(source) is not None}
    if deaf & {post.source for post in posts}:
        return False
    hours = max(1.0, window / 3)
    begin = now - hours * HOUR
    recent = len({post.author for post in posts if post.at > begin})
    if recent <= 1:
        return True
    if baseline is None:
        return recent < PLAIN_AUTHORS / PLAIN_WINDOW
    return baseline.chance(recent, baseline.expected(begin, now), hours) > CALM


def level(kind: str, posts: Sequence[Heard], expected: float) -> Urgency:
    """How urgent a spike is."""
    if mood_of(kind) == PRAISE:
        return Urgency.NORMAL
    authors = len({post.author for post in posts})
    negative = sum(post.sentiment == "negative" for post in posts)
    if authors - expected >= GRAVE_AUTHORS and negative > GRAVE_SHARE * len(posts):
        return Urgency.CRITICAL
    return Urgency.HIGH


def listening(baseline: Baseline, sources: Sequence[SourceState], since: datetime, until: datetime) -> float:
    """Which share of what is usual could be heard in a stretch."""
    return sum(baseline.weights.get(source.name, 0.0) * collected(source, since, until) for source in sources)


def _by_kind(posts: Sequence[Heard]) -> dict[str, list[Heard]]:
    found: dict[str, list[Heard]] = {}
    for post in posts:
        for kind in post.kinds:
            found.setdefault(kind, []).append(post)
    return found


def _against(
    kind: str,
    posts: Sequence[Heard],
    baseline: Baseline,
    sources: Sequence[SourceState],
    allowed: float,
    now: datetime,
    windows: Collection[int],
) -> Iterable[Rise]:
    for window in sorted(windows):
        begin = now - window * HOUR
        inside = tuple(post for post in posts if post.at > begin)
        authors = len({post.author for post in inside})
        if authors < LEAST_AUTHORS:
            continue
        expected = baseline.expected(begin, now, listening(baseline, sources, begin, now))
        chance = baseline.chance(authors, expected, window)
        if chance <= allowed:
            since = min(post.at for post in inside)
            yield Rise(kind, since, window, inside, expected, baseline.most(expected, window), chance)
            return


def _plainly(
    posts: Sequence[Heard], young: Mapping[str, SourceState], early: Callable[[str], float], now: datetime
) -> Iterable[Rise]:
    """Of sources that are too young: enough authors since each source's first success, which read older posts at once."""
    begin = now - PLAIN_WINDOW * HOUR
    heard = [
        post
        for post in posts
        if post.at > begin
        and (source := young.get(post.source)) is not None
        and source.first_success_at is not None
        and post.at >= source.first_success_at
    ]
    for kind, inside in _by_kind(heard).items():
        authors = len({post.author for post in inside})
        if authors < PLAIN_AUTHORS:
            continue
        expected = early(kind) * PLAIN_WINDOW
        if authors >= (asked := max(PLAIN_AUTHORS, PLAIN_FACTOR * expected)):
            yield Rise(
                kind, min(post.at for post in inside), PLAIN_WINDOW, tuple(inside), expected, int(asked) - 1, None
            )


def _choose(rising: Sequence[Rise]) -> Rise:
    most: dict[str, Rise] = {}
    for rise in rising:
        before = most.get(rise.kind)
        if before is None or rise.authors > before.authors:
            most[rise.kind] = rise
    for mood in (COMPLAINT, PRAISE):
        parts = [rise for kind, rise in most.items() if mood_of(kind) == mood and touchpoint_of(kind)]
        best = max(parts, key=lambda rise: (rise.authors, rise.kind), default=None)
        whole = most.get(mood)
        if best is not None and (whole is None or best.authors >= _SHARE_OF_TOUCHPOINT * whole.authors):
            return best
        if whole is not None:
            return whole
    return most[ALL]


def shape(posts: Sequence[Heard]) -> tuple[str, float]:
    """ "many" voices or one "thread" that travels, and the share of the posts in the largest thread."""
    if not posts:
        return "many", 0.0
    (_, largest), *_ = Counter(post.thread for post in posts).most_common(1)
    share = largest / len(posts)
    return ("thread" if share >= 0.5 else "many"), share
