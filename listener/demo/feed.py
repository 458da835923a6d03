"""The demo feed: an invented brand, five Sarah stories, a busy week and the five ordinary weeks before it.

`demo_feed` gives every post as a connector would, oldest first, each with the labels that a careful
colleague gave it (LABELLING's words). The labels are for tests and the quality bench; the pipeline never
sees them. All posts, people, products and companies are made up.

The posts are dated as days before the Sunday that closes the demo's week. That week is the last ISO week
which is over at `now`, so nothing lies in the future and "Tuesday evening" is one. The same `now` gives the
same feed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from importlib.resources import files
from typing import Any, Final

from connectors.base import Author, Mention
from listener.model import Sentiment
from rules.vocabulary import Intent, Stage, Urgency

STORY_FILE: Final = "sarah.jsonl"
WEEK_FILE: Final = "busy_week.jsonl"
EARLIER_FILE: Final = "earlier_weeks.jsonl"  # ordinary weeks, so that the digest has something to compare with
WEEKS: Final = 6  # the demo's week and the five before it

_AT = re.compile(r"-(?P<days>\d{1,2})d (?P<time>\d\d:\d\d)")
_SENTIMENTS: Final[Mapping[str, Sentiment]] = {"neg": "negative", "neu": "neutral", "pos": "positive"}


@dataclass(frozen=True, slots=True)
class DemoBrand:
    """What a configuration would say about the invented brand."""

    name: str
    names: tuple[str, ...]  # as customers write it
    products: tuple[str, ...]
    rivals: tuple[str, ...]
    own_accounts: Mapping[str, tuple[str, ...]]  # platform -> author ids, as in `Mention.author.id`
    languages: tuple[str, ...]
    category_phrases: tuple[str, ...]  # find the posts that name no brand yet: the first of each Sarah story


@dataclass(frozen=True, slots=True)
class Expected:
    """The label of one post read alone; `case_urgency` is the level its case has by then, where that is higher."""

    lang: str
    stage: Stage
    urgency: Urgency
    intents: frozenset[Intent]
    sentiment: Sentiment
    alt: Stage | None = None  # a second stage that a careful colleague could defend
    subject: str = "brand"  # "brand", "rival:<name>", "own", or "none"
    case_urgency: Urgency | None = None


def demo_brand() -> DemoBrand:
    """The brand that the feed is about, a maker of skin care with refills, a club and an app."""
    return DemoBrand(
        name="Ozelune",
        names=("Ozelune", "@ozelune", "@ozelune_help"),
        products=("Mirelait", "Sevanelle", "Brinolia"),  # cleanser, moisturiser, serum
        rivals=("Kaolvane", "Thessalba"),  # the one with the slow site, the one people leave for
        own_accounts={
            "x": ("ozelune", "ozelune_help"),
            "mastodon": ("ozelune@social.ozelune.example",),
            "bluesky": ("ozelune.bsky.example",),
            "reddit": ("OzeluneTeam",),
        },
        languages=("en", "fr", "it", "es", "de"),
        category_phrases=("face wash", "nettoyant visage", "detergente viso", "limpiador facial", "waschgel"),
    )


def demo_week(now: datetime) -> datetime:
    """Monday 00:00 UTC of the last ISO week that is over at `now` (aware): the week the digest is about."""
    if now.tzinfo is None:
        raise ValueError("demo_week: `now` has no time zone; pass an aware datetime such as datetime.now(UTC)")
    today = now.astimezone(UTC).date()
    this_monday = today - timedelta(days=today.weekday())
    return datetime.combine(this_monday - timedelta(days=7), time(), UTC)


def demo_feed(now: datetime) -> tuple[tuple[Mention, Expected], ...]:
    """All posts of the demo with their labels, oldest first; the last is from before the end of `demo_week(now)`."""
    sunday = demo_week(now) + timedelta(days=6)
    posts = [_read(line, sunday) for name in (STORY_FILE, WEEK_FILE, EARLIER_FILE) for line in _lines(name)]
    return tuple(sorted(posts, key=lambda post: (post[0].published_at, post[0].external_id)))


def _lines(name: str) -> Iterator[Mapping[str, Any]]:
    # Split on "\n" alone: str.splitlines also cuts at characters that a hostile post may hold.
    for line in files("listener.demo").joinpath(name).read_text(encoding="utf-8").split("\n"):
        if line:
            yield json.loads(line)


def _read(line: Mapping[str, Any], sunday: datetime) -> tuple[Mention, Expected]:
    mention = Mention(
        platform=line["platform"],
        external_id=line["id"],
        text=line["text"],
        published_at=_moment(line["at"], sunday),
        author=Author(
            id=line["author"], handle=line["author"], name=line["author_name"], followers=line.get("followers")
        ),
        url=line["url"],
        title=line.get("title", ""),
        kind=line.get("kind", "post"),
        lang=line.get("lang"),
        parent_id=line.get("parent"),
        thread_id=line.get("thread"),
        in_reply_to_brand=line.get("in_reply_to_brand"),
        rating=line.get("rating"),
        engagement={"likes": line["likes"], "replies": line["replies"]},
        brand=line.get("brand"),  # reviews and thread comments that do not name what they are about
    )
    return mention, _expected(line["expect"])


def _moment(at: str, sunday: datetime) -> datetime:
    """`at` is "-5d 18:07": the time of day in UTC, five days before the Sunday."""
    parts = _AT.fullmatch(at)
    if parts is None:
        raise ValueError(f"demo feed: at = {at!r} is not of the form '-5d 18:07'")
    clock = time.fromisoformat(parts["time"])
    return sunday - timedelta(days=int(parts["days"])) + timedelta(hours=clock.hour, minutes=clock.minute)


def _expected(label: Mapping[str, Any]) -> Expected:
    return Expected(
        lang=label["lang"],
        stage=Stage(label["stage"]),
        urgency=Urgency.of(label["urgency"]),
        intents=frozenset(Intent(word) for word in label["intents"]),
        sentiment=_SENTIMENTS[label["sentiment"]],
        alt=Stage(label["alt"]) if "alt" in label else None,
        subject=label.get("subject", "brand"),
        case_urgency=Urgency.of(label["case_urgency"]) if "case_urgency" in label else None,
    )
