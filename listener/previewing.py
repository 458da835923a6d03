"""What a query would bring, asked of the platforms themselves before anything is stored or anybody is told.

Each source is read as its first poll would read it, with the words of the query instead of its own, for some pages. Whoever
is brought its posts (a webhook, a mailbox, a file) has nothing to search; whoever bills what is read is asked only by name.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connectors.base import ConnectorError, Mention, Source
from listener.backfill import NoHistory, with_history
from listener.config import Config
from listener.config.whole import SourceConfig
from listener.model import Triaged, Verdict
from listener.triage.relevance import query_facts
from rules.query import Query
from rules.vocabulary import Stage, Urgency
from rules.words import prepare

PAGES = 10  # of one source
PATIENCE = timedelta(seconds=60)  # with one source
_IDLE_STAGES = frozenset({Stage.UNCLEAR, Stage.AWARENESS})
_LEAST_POSTS, _LEAST_LETTERS = 3, 4  # of a word that is worth an exclusion


@dataclass(frozen=True, slots=True)
class Sampled:
    """What one source gave."""

    source: str
    since: datetime  # as far back as it was read: the time asked about, or later where there was more than fits
    read: int = 0  # posts the platform handed over
    found: tuple[Triaged, ...] = ()  # those that match, newest first
    error: str | None = None

    def a_day(self, now: datetime) -> float:
        """Matches a day, of the time that was read."""
        return len(self.found) / max((now - self.since) / timedelta(days=1), 1 / 24)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A word that would leave out posts which say nothing to the brand, and none that does."""

    word: str
    posts: int


def asking(config: Config, text: str) -> Config:
    """The configuration as it would be with this query."""
    return replace(config, brand=config.brand.model_copy(update={"query": text}))


def sought(source: SourceConfig, asked: Query, length: timedelta) -> SourceConfig:
    """The source looking for the words of the query, that far back, or for what is there now where it has no history."""
    with contextlib.suppress(NoHistory):
        source = replace(source, settings=with_history(source.settings, length))
    changes: dict[str, object] = {"page_cap": PAGES}
    if "terms" in type(source.settings).model_fields:  # they would come before the query's
        changes["terms"] = ()
    return replace(source, terms=asked.terms() or source.terms, settings=source.settings.model_copy(update=changes))


def sample(
    name: str,
    source: Source,
    judge: Callable[[Mention], Verdict],
    asked: Query,
    since: datetime,
    clock: Callable[[], datetime],
    progress: Callable[[int], object] = lambda _: None,
) -> Sampled:
    """Read `source` from now back to `since`, or as many pages as there are time for. Raises nothing of the source's."""
    begun = clock()
    read, oldest, cut = 0, begun, False
    found: dict[str, Mention] = {}
    try:
        for page in source.poll(None, begun):
            read += page.scanned
            for mention in page.mentions:
                oldest = min(oldest, mention.published_at)
                if mention.published_at >= since and asked.matches(query_facts(mention)):
                    found[mention.external_id] = mention
            cut = any(not gap.lost for gap in page.gaps)
            progress(read)
            if clock() - begun > PATIENCE:
                cut = True
                break
    except ConnectorError as error:
        return Sampled(name, oldest, read, _triaged(found.values(), judge), str(error))
    return Sampled(name, max(since, oldest) if cut else since, read, _triaged(found.values(), judge))


def _triaged(found: Iterable[Mention], judge: Callable[[Mention], Verdict]) -> tuple[Triaged, ...]:
    newest = sorted(found, key=lambda one: one.published_at, reverse=True)
    return tuple(Triaged(mention, judge(mention)) for mention in newest)


def is_noise(verdict: Verdict) -> bool:
    """Whether nobody would miss the post: not about the brand, or about it without wanting, praising or minding anything."""
    idle = not verdict.intents and verdict.urgency is Urgency.LOW and verdict.stage in _IDLE_STAGES
    return not verdict.relevant or idle


def exclusions(found: Sequence[Triaged], asked: Query, most: int = 5) -> list[Exclusion]:
    """Words of at least three posts that are noise and of no post that is not; those that leave out most first."""
    noise = [_words(one) for one in found if is_noise(one.verdict)]
    kept = set().union(*(_words(one) for one in found if not is_noise(one.verdict)))
    sought = {word for term in asked.terms() for word in prepare(term).folded}
    counts = Counter(word for words in noise for word in words - kept - sought)
    proposed: list[Exclusion] = []
    left = noise
    for word, _ in counts.most_common():
        # Words that always stand together would propose the same posts twice.
        more = sum(word in words for words in left)
        if more >= _LEAST_POSTS and len(proposed) < most:
            proposed.append(Exclusion(word, counts[word]))
            left = [words for words in left if word not in words]
    return proposed


def _words(one: Triaged) -> set[str]:
    text = f"{one.mention.title} {one.mention.text}"
    return {word for word in prepare(text).folded if len(word) >= _LEAST_LETTERS and word.isalpha()}
