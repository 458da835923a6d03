"""Puts a table of invented posts into a real store, as polls, a backfill, edits, removals and people would have done.

A line of a table: name, local day and time, author ("?" nobody named), source, stage (first/second), mood, touchpoints with their own
mood (`+`, `-`, `=`, or none), intents, buyer status, language, reactions, kind. The two sources are platforms of their own, so one
name on both is two people.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

from connectors.base import Author, Gap, Mention, Page, Removal
from listener.cases.clock import ServiceHours
from listener.cases.deeds import Deed, Refusal, Wish
from listener.cases.plan import NewMention, OpenCases, Revised, Settled
from listener.model import Line, Outcome, Sentiment, Triaged
from listener.store import Store
from rules.vocabulary import BuyerStatus, Intent, Stage, Urgency
from tests.fakes.story import settle_to, triaged

LONG = timedelta(days=400)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MOODS: Mapping[str, Sentiment] = {word[:3]: word for word in get_args(Sentiment)}
_MEASURE = {"neg": -0.6, "neu": 0.0, "pos": 0.6}
_OWN = {"+": 0.6, "-": -0.6, "=": 0.0}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table, read."""

    name: str
    source: str
    author: str
    triaged: Triaged


@dataclass(frozen=True, slots=True)
class Extras:
    """What the table has no column for: names of posts, and what is special about them."""

    urgency: Mapping[str, Urgency] = field(default_factory=dict)
    text: Mapping[str, str] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)
    leaves_for: Mapping[str, str] = field(default_factory=dict)


def read(table: str, monday: date, zone: str, extras: Extras | None = None) -> list[Row]:
    """The rows of a table of the week that begins on `monday`."""
    lines = [line.split() for line in table.strip().splitlines() if not line.startswith("#")]
    return [_row(line, monday, ZoneInfo(zone), extras or Extras()) for line in lines]


def _row(cells: Sequence[str], monday: date, zone: ZoneInfo, extras: Extras) -> Row:
    name, day, at, author, source, stages, mood, touched, intents, buyer, lang, reactions, kind = cells
    first, _, second = stages.partition("/")
    local = datetime.combine(monday + timedelta(days=_DAYS.index(day)), time.fromisoformat(at.rstrip("*")), zone)
    published = local.replace(fold=int(at.endswith("*"))).astimezone(UTC)
    touchpoints = {one.rstrip("+-="): _OWN.get(one[-1]) for one in touched.split(",") if one != "."}
    mention = Mention(
        platform=source,
        external_id=name,
        text=extras.text.get(name, f"Invented post {name} of {author} about {first} at Acme."),
        published_at=published,
        author=Author("" if author == "?" else author),
        url=f"https://{source}.example/{name}",
        engagement={"likes": int(reactions)},
    )
    asked = frozenset(Intent(word) for word in intents.split(",") if word != ".")
    low = Urgency.NORMAL if mood == "neg" else Urgency.LOW
    subject = kind.split("+")[0] if kind.startswith(("rival:", "own", "none")) else "brand"
    return Row(
        name,
        source,
        author,
        triaged(
            mention,
            relevant=subject != "none",
            subject=subject,
            lang=lang,
            stage=Stage(first),
            secondary_stage=Stage(second) if second else None,
            urgency=extras.urgency.get(name, low),
            intents=asked,
            touchpoints=touchpoints,
            sentiment=_MEASURE[mood],
            sentiment_label=_MOODS[mood],
            buyer_status=BuyerStatus(buyer) if buyer != "." else BuyerStatus.UNKNOWN,
            lines=(Line(0, "cue", "words", extras.rules[name]),) if name in extras.rules else (),
            promotional=kind.endswith("promo"),
            exit_to=extras.leaves_for.get(name),
        ),
    )


def settle_some(alerted: Collection[str]) -> Callable[..., Settled]:
    """Only these posts open a case; the others reach nobody."""
    settle = settle_to("care")

    def some(
        new: Sequence[NewMention], open_cases: OpenCases, next_case_id: Callable[[], int], now: datetime, /
    ) -> Settled:
        told = settle([one for one in new if one.mention.external_id in alerted], open_cases, next_case_id, now)
        rest = {one.id: Outcome.NO_ROUTE for one in new}
        return Settled({**rest, **told.outcomes}, drafts=told.drafts, changes=told.changes, events=told.events)

    return some


class Listening:
    """The store with its sources polled; every step says when it happened."""

    def __init__(self, store: Store, alerted: Collection[str] = ()) -> None:
        self.store = store
        self.settle = settle_some(alerted)

    def poll(self, source: str, at: datetime, gaps: Sequence[Gap] = ()) -> None:
        """A poll that finds nothing, and ends well."""
        self._page(source, at, Page((), {}, tuple(gaps)), [])

    def put(self, row: Row, delay: timedelta, source: str = "") -> None:
        """A poll that finds one post, so long after it was published."""
        mention = row.triaged.mention
        self._page(source or row.source, mention.published_at + delay, Page((mention,), {}), [row.triaged])

    def change(
        self, source: str, at: datetime, edited: Sequence[Triaged] = (), removed: Sequence[Removal] = ()
    ) -> None:
        """A poll that finds posts changed or gone."""
        page = Page((), {}, edited=tuple(one.mention for one in edited), removed=tuple(removed))
        self._page(source, at, page, [], edited)

    def deed(self, case: str, deed: Deed, at: datetime, **wish: object) -> None:
        """What a person does to a case."""
        hours = ServiceHours(ZoneInfo("UTC"))
        done = self.store.transition(case, Wish(deed, "ana", "cli", **wish), hours, lambda *_: (), at)  # type: ignore[arg-type]
        assert done is not None
        assert not isinstance(done, Refusal), done

    def _page(
        self, source: str, at: datetime, page: Page, found: Sequence[Triaged], edited: Sequence[Triaged] = ()
    ) -> None:
        lease = self.store.lease(source, "p", at, LONG, force=True)
        assert lease is not None
        self.store.record_page(
            lease, page, found, self.settle, at, edited, lambda _, found, *__: Revised(found.verdict)
        )
        self.store.finish(lease, at, at)
