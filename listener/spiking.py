"""Every minute: see whether a kind of post rises above what is usual, keep the live messages of spikes up to date, end them.

A look reads the posts of the last three hours (once an hour those of a day), and the hours behind the baselines of kinds
that have enough authors to matter. What is usual is measured once an hour. Hours are counted day by day, a few days a look
where many are missing, as after an update; meanwhile only the days that were counted are judged by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo

import structlog

from listener.cases import spikes
from listener.cases.baseline import DAY, HOUR, WEEKDAY_DAYS, WINDOWS, Baseline, measure, silent_since, so_far
from listener.cases.newwords import new_words
from listener.cases.routing import Route, destinations
from listener.cases.spikes import LEAST_AUTHORS, Heard, Rise, Stretch
from listener.importing import CONNECTOR as IMPORT
from listener.model import SourceState, Spike, SpikeState, Told
from listener.readback import PREFIX as BACKFILL
from listener.store import Store
from rules.vocabulary import Urgency

log = structlog.get_logger()

EVERY = 60.0  # seconds
EDITS_APART = timedelta(minutes=2)
AFTER_A_PERSON = timedelta(hours=3)  # a spike that a person ended is not told anew for so long
DAYS_A_LOOK = 4  # of missing hours
NEAR = timedelta(hours=3)
LONGEST_READ = timedelta(days=2)  # of a spike that lasts longer only the newest posts are looked at
WORDS_BEFORE = timedelta(days=14)
EXAMPLES = 3
ROUTED_SHARE = 0.25  # of the posts: a receiver whose routes take so many hears of the spike
_ASKED = 40  # posts of a spike that are read whole, for routes and examples
_COUNTED = "spikes.counted"  # meta key: the hour in which hours were counted last


@dataclass(frozen=True, slots=True)
class SpikeSettings:
    """What the configuration says about spikes."""

    routes: tuple[Route, ...]
    zone: tzinfo = UTC
    budget: float = 1.0  # false alarms in 30 days, over all kinds
    names: tuple[str, ...] = ()  # the brand's own, which are no new words


@dataclass(slots=True)
class SpikeWatch:
    """Looks for spikes; remembers what was measured, so that a look is short."""

    store: Store
    settings: SpikeSettings
    _hour: datetime | None = None
    _long_at: datetime | None = None
    _baselines: dict[str, Baseline | None] = field(default_factory=dict)
    _early: dict[str, float] = field(default_factory=dict)
    _kinds: int = 0

    def look(self, now: datetime, stopping: Callable[[], bool] = lambda: False) -> int:
        """One look. Returns how many spikes began, changed or ended."""
        sources = listeners(self.store)
        self._count(sources, now, stopping)
        hour = now.replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._baselines, self._early, self._hour, self._kinds = {}, {}, hour, self.store.kinds_counted()
        known = self.store.spikes(now - WEEKDAY_DAYS * DAY)
        running = [one for one in known if one.ended_at is None]
        long = self._long_at is None or now - self._long_at >= HOUR
        if long:
            self._long_at = now
        since = min([now - (DAY if long else NEAR), *(one.begun_at for one in running)])
        posts = self.store.heard(
            max(since - timedelta(microseconds=1), now - LONGEST_READ), now, {one.name for one in sources}
        )
        done = sum(self._mind(one, posts, sources, now) for one in running)
        self._measure(posts, known, sources, now)
        allowed = spikes.chance_allowed(self.settings.budget, self._kinds)
        found = spikes.rises(
            posts,
            [_stretch(one) for one in known],
            self._baselines.get,
            lambda kind: self._early.get(kind, 0.0),
            sources,
            allowed,
            now,
            WINDOWS if long else WINDOWS[:2],
        )
        return done + sum(self._begin(rise, sources, now) for rise in found)

    def _count(self, sources: Sequence[SourceState], now: datetime, stopping: Callable[[], bool]) -> None:
        today, hour = now.date(), now.replace(minute=0, second=0, microsecond=0).isoformat()
        names, oldest = {one.name for one in sources}, today - timedelta(days=WEEKDAY_DAYS + 1)
        last = self.store.get_meta(_COUNTED)
        due: list[date] = []
        if last != hour:
            due = [today] if now.hour >= 6 else [today, today - timedelta(days=1)]
            if isinstance(last, str):  # a stretch that was read later belongs to its days
                for line in self.store.gaps(datetime.fromisoformat(last)):
                    if line.closed_at is not None:
                        due += _days(max(line.gap.since, now - WEEKDAY_DAYS * DAY), line.gap.until)
        counted = self.store.days_counted()
        first = min((one.first_success_at for one in sources if one.first_success_at is not None), default=now)
        missing = [day for day in reversed(_days(max(first, now - WEEKDAY_DAYS * DAY), now)) if day not in counted]
        for day in dict.fromkeys([*due, *missing[:DAYS_A_LOOK]]):
            if stopping():
                return
            self.store.count_day(day, names, oldest)
        if last != hour:
            self.store.set_meta(_COUNTED, hour)

    def _measure(
        self, posts: Sequence[Heard], known: Sequence[Spike], sources: Sequence[SourceState], now: datetime
    ) -> None:
        """Baselines of the kinds that may rise and that this hour has none of yet."""
        authors: dict[str, set[str]] = {}
        for post in posts:
            for kind in post.kinds:
                authors.setdefault(kind, set()).add(post.author)
        wanted = {kind for kind, of in authors.items() if len(of) >= LEAST_AUTHORS}
        wanted |= {one.kind for one in known if one.ended_at is None}
        wanted -= self._baselines.keys()
        if not wanted:
            return
        oldest = now.date() - timedelta(days=WEEKDAY_DAYS + 1)
        days = self.store.days_counted() - {now.date()}
        for kind, tally in self.store.hours(wanted, oldest).items():
            left_out = [
                stretch
                for one in known
                if spikes.holds_posts_of(one.kind, kind) and (stretch := _left_out(one, now)) is not None
            ]
            self._baselines[kind] = measure(tally, days, sources, left_out, now, self.settings.zone)
            self._early[kind] = so_far(tally, sources, now)

    def _begin(self, rise: Rise, sources: Sequence[SourceState], now: datetime) -> int:
        whole = self.store.told_many([post.id for post in _spread(rise.posts, _ASKED)])
        urgency = spikes.level(rise.kind, rise.posts, rise.expected)
        figures = {
            **self._figures(rise.kind, rise.posts, whole, rise.since, sources),
            "window": rise.window,
            "most": rise.most,
            "plain": rise.chance is None,
            "chance": rise.chance,
        }
        baseline = self._baselines.get(rise.kind)
        if rise.chance is not None and baseline is not None:
            hours = float(rise.window)
            figures["spread"] = round(baseline.variance(rise.expected, hours) / max(rise.expected, 1e-9), 2)
        spike = Spike(
            id=0,
            ref="",
            kind=rise.kind,
            state=SpikeState.OPEN,
            urgency=urgency,
            begun_at=rise.since,
            opened_at=now,
            last_at=max(post.at for post in rise.posts),
            ended_at=None,
            authors=rise.authors,
            posts=len(rise.posts),
            expected=rise.expected,
            revision=1,
            told_at=now,
            figures=figures,
        )
        kept = self.store.begin_spike(spike, receivers(self.settings.routes, whole, urgency), now)
        if kept is None:
            return 0
        log.info("spike_began", spike=kept.ref, kind=kept.kind, authors=kept.authors, expected=round(rise.expected, 2))
        return 1

    def _mind(self, spike: Spike, posts: Sequence[Heard], sources: Sequence[SourceState], now: datetime) -> int:
        """Show how a spike has grown, or that it is over."""
        of_kind = [post for post in posts if _stretch(spike).explains(post)]
        baseline, window = self._baselines.get(spike.kind), int(spike.figures.get("window", 3))
        over = spikes.is_calm(spike.kind, spike.opened_at, window, of_kind, baseline, sources, now)
        grown = len(of_kind) > spike.posts
        if not over and not (grown and now - spike.told_at >= EDITS_APART):
            return 0
        changed = replace(spike, revision=spike.revision + 1, told_at=now)
        if of_kind and grown:
            whole = self.store.told_many([post.id for post in _spread(of_kind, _ASKED)])
            begun = min(spike.begun_at, now - window * HOUR)  # the stretch that the message names
            hours, expected, most = (now - begun) / HOUR, spike.expected, int(spike.figures.get("most", 0))
            if spike.figures.get("plain"):
                expected = self._early.get(spike.kind, 0.0) * hours
            elif baseline is not None:
                expected = baseline.expected(begun, now, spikes.listening(baseline, sources, begun, now))
                most = baseline.most(expected, hours)
            changed = replace(
                changed,
                authors=max(spike.authors, len({post.author for post in of_kind})),
                posts=len(of_kind),
                expected=expected,
                last_at=max(post.at for post in of_kind),
                urgency=max(spike.urgency, spikes.level(spike.kind, of_kind, expected)),
                figures={
                    **spike.figures,
                    **self._figures(spike.kind, of_kind, whole, spike.begun_at, sources),
                    "most": most,
                },
            )
        if over:
            changed = replace(changed, state=SpikeState.ENDED, ended_at=now)
            log.info("spike_ended", spike=spike.ref, kind=spike.kind, authors=changed.authors)
        return int(self.store.change_spike(changed, "spike", now))

    def _figures(
        self, kind: str, posts: Sequence[Heard], whole: Sequence[Told], begun: datetime, sources: Sequence[SourceState]
    ) -> dict[str, object]:
        form, share = spikes.shape(posts)
        now = [(_author(told), f"{told.mention.title} {told.mention.text}") for told in whole]
        before = self.store.heard_words(kind, begun - WORDS_BEFORE, begun)
        words = new_words(now, before, self.settings.names)
        touchpoints = Counter(name for post in posts for one in post.kinds if (name := spikes.touchpoint_of(one)))
        return {
            "shape": form,
            "share": round(share, 2),
            "sentiments": dict(Counter(post.sentiment for post in posts).most_common()),
            "languages": dict(Counter(post.lang for post in posts).most_common(4)),
            "stages": dict(Counter(post.stage for post in posts if post.stage != "unclear").most_common(2)),
            "touchpoints": dict(touchpoints.most_common(3)),
            "words": [list(one) for one in words],
            "examples": [told.id for told in _examples(whole, [term for term, _ in words])],
            "sources": sum(one.first_success_at is not None for one in sources),
            "silent": sorted(one.name for one in sources if silent_since(one) is not None),
        }


def listeners(store: Store) -> list[SourceState]:
    """The sources that listen by themselves: no files that a person handed over, no reading back."""
    return [one for one in store.sources() if one.connector != IMPORT and not one.name.startswith(BACKFILL)]


def receivers(routes: Sequence[Route], posts: Sequence[Told], urgency: Urgency) -> list[tuple[str, str]]:
    """Who hears of a spike, with the route: whoever the routes would tell of a good part of its posts at its level."""
    counts: Counter[str] = Counter()
    route_of: dict[str, str] = {}
    for told in posts:
        level = max(urgency, told.verdict.urgency)
        for place in destinations(routes, told.mention, told.verdict, told.source, level):
            counts[place.receiver] += 1
            route_of.setdefault(place.receiver, place.route)
    return [(name, route_of[name]) for name, count in counts.items() if count >= ROUTED_SHARE * len(posts)]


def end(spike: Spike, who: str, now: datetime) -> Spike:
    """A person ends a spike: it was real, is left out of the baseline, and is not told anew for three hours."""
    figures = {**spike.figures, "ended_by": who}
    return _decided(
        replace(spike, state=SpikeState.ENDED, ended_at=now, owner=spike.owner or who, figures=figures), now
    )


def false_alarm(spike: Spike, who: str, now: datetime) -> Spike:
    """A person says that it is nothing: its hours are as usual as any, and it is not told anew for three hours."""
    return _decided(
        replace(spike, state=SpikeState.FALSE, ended_at=now, figures={**spike.figures, "ended_by": who}), now
    )


def expected(spike: Spike, who: str, until: datetime, now: datetime, because: str = "") -> Spike:
    """A person knows why: until then its kind is told singly, and nothing of it counts as usual."""
    figures = {**spike.figures, **({"because": because} if because else {})}
    known = replace(spike, state=SpikeState.EXPECTED, ended_at=until, owner=spike.owner or who, figures=figures)
    return _decided(known, now)


def called_off(spike: Spike, now: datetime) -> Spike:
    """An expected event is over before its time, or does not come: from now on its kind counts as ever."""
    return _decided(replace(spike, begun_at=min(spike.begun_at, now), ended_at=now), now)


def claimed(spike: Spike, who: str, now: datetime) -> Spike:
    """A person has it: it is real, and left out of the baseline."""
    return _decided(replace(spike, owner=who), now)


def announced(kind: str, who: str, since: datetime, until: datetime, now: datetime, because: str = "") -> Spike:
    """An event that is to come, or that nobody has noticed yet."""
    figures = {"announced": True, **({"because": because} if because else {})}
    return Spike(
        0, "", kind, SpikeState.EXPECTED, Urgency.LOW, since, now, since, until, 0, 0, 0.0, 1, now, who, figures
    )  # fmt: skip


def _decided(spike: Spike, now: datetime) -> Spike:
    return replace(spike, revision=spike.revision + 1, told_at=now)


def _stretch(spike: Spike) -> Stretch:
    """What a spike explains."""
    until = spike.ended_at
    if until is not None and spike.figures.get("ended_by"):
        until += AFTER_A_PERSON
    return Stretch(spike.kind, spike.begun_at, until)


def _left_out(spike: Spike, now: datetime) -> tuple[datetime, datetime] | None:
    if spike.state is SpikeState.FALSE or (spike.owner is None and spike.state is not SpikeState.EXPECTED):
        return None
    until = spike.ended_at or now
    if spike.state is not SpikeState.EXPECTED:
        until = min(until, spike.begun_at + spikes.LEFT_OUT_AT_MOST)
    return spike.begun_at, until


def _days(since: datetime, until: datetime) -> list[date]:
    """The UTC days that a stretch touches, oldest first."""
    first, last = since.astimezone(UTC).date(), until.astimezone(UTC).date()
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _spread(posts: Sequence[Heard], most: int) -> list[Heard]:
    """At most so many, one of each author, spread over all there are: neither the first nor the last alone."""
    firsts = list({post.author: post for post in reversed(posts)}.values())[::-1]
    step = max(1.0, len(firsts) / most)
    return [firsts[int(number * step)] for number in range(min(most, len(firsts)))]


def _examples(posts: Sequence[Told], words: Sequence[str]) -> list[Told]:
    """Up to three: those with the new words first, then the most urgent; of different platforms where there are some."""

    def rank(told: Told) -> tuple[int, int, int]:
        text = told.mention.text.casefold()
        return (-sum(word in text for word in words), -int(told.verdict.urgency), told.id)

    chosen: list[Told] = []
    left = sorted((told for told in posts if told.mention.text.strip()), key=rank)
    while left and len(chosen) < EXAMPLES:
        seen = {told.mention.platform for told in chosen}
        best = next((told for told in left if told.mention.platform not in seen), left[0])
        chosen.append(best)
        left.remove(best)
    return chosen


def _author(told: Told) -> str:
    return f"{told.mention.platform}:{told.mention.author.id or told.id}"
