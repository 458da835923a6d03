"""App Store: the customer reviews of one app, in the countries that are named.

No account. The feed shows the newest 500 reviews of a country, 50 a page by number; a page is read together with those above
it until it reaches the last review that was read before, so nothing slips between two pages. From data centres the feed is now and
then empty: it is asked once more under its other address, and where it was full before, an empty one is marked as a gap and taken
for nothing else. Every review is about the app, so about the brand, whether it names it or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from connectors.base import (
    Author,
    Connector,
    Cursor,
    Gap,
    Json,
    Malformed,
    Mention,
    Page,
    Policy,
    SourceContext,
    SourceSettings,
)
from connectors.http import Client
from connectors.text import clean, label
from connectors.turns import Turns
from connectors.walk import Batch, Post, Reach, Timeline, walk

SITE = "The App Store"
PAGES = 10  # of one country; Apple shows no more
STEPS_BACK = 3  # pages looked through for the last review that was read; then the walk begins anew from the top
# The same feed under two addresses; one of them may be empty while the other is not.
ADDRESSES = (
    "/{country}/rss/customerreviews/page={page}/id={app}/sortby=mostrecent/json",
    "/{country}/rss/customerreviews/id={app}/sortBy=mostRecent/page={page}/json",
)


class AppStoreSettings(SourceSettings):
    """Keys of an App Store source."""

    app: int = Field(gt=0, description="the app's number: what follows id in its App Store address")
    countries: tuple[str, ...] = Field(
        default=("us",), min_length=1, description="stores to read, as two letters: us, gb, fr"
    )
    brand: str | None = Field(
        default=None, max_length=100, description="whom the reviews are about; default: the brand's first name"
    )
    page_cap: int = Field(
        default=PAGES, ge=1, le=PAGES, description="pages of 50 reviews read in one poll, for each country"
    )
    history: timedelta = Field(
        default=timedelta(days=30), gt=timedelta(0), description="how far the first poll reads back"
    )
    lookback: timedelta = Field(
        default=timedelta(days=1),
        ge=timedelta(0),
        description="how late a review may show up in the feed and still be found",
    )

    @field_validator("countries")
    @classmethod
    def _two_letters(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for country in value:
            if len(country) != 2 or not (country.isascii() and country.isalpha()):
                raise ValueError(f"{country!r} is no country; write two letters, such as us, gb, fr")
        return tuple(dict.fromkeys(country.lower() for country in value))

    @model_validator(mode="after")
    def _one_app(self) -> Self:
        if self.app >= 10**15:
            raise ValueError("app is the number behind id in the app's App Store address")
        return self


@dataclass(frozen=True, slots=True)
class _Row:
    """One review as the feed gives it."""

    at: datetime
    one: str
    mention: Mention | None


@dataclass(slots=True)
class _Feed:
    """What is known of one country's feed; kept in the cursor."""

    good: str = ""  # when it last held reviews
    empty: str = ""  # since when it is empty although it was not

    def gap(self) -> Gap | None:
        if not (self.good and self.empty):
            return None
        return Gap(datetime.fromisoformat(self.good), datetime.fromisoformat(self.empty), "empty-feed")


class AppStore:
    """A source: one timeline per country."""

    def __init__(self, settings: AppStoreSettings, context: SourceContext) -> None:
        self._settings = settings
        self._brand = settings.brand or (context.terms[0] if context.terms else None)
        base = settings.base_url or "https://itunes.apple.com"
        self._client = Client(SITE, base, context.user_agent, settings.timeout, intranet=context.intranet)
        self._turns = Turns()
        self._as_read: dict[str, int] = {}  # review -> what it said, to tell when its author changed it

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        settings = self._settings
        state = cursor or {}
        feeds = {country: _Feed(**state.get("feeds", {}).get(country, {})) for country in settings.countries}
        reviews = {
            country: _Reviews(self._client, settings.app, country, self._brand, feed, now)
            for country, feed in feeds.items()
        }
        for one in reviews.values():
            one.know(state)
        timelines: dict[str, Timeline] = dict(reviews)
        reach = Reach(settings.history, settings.lookback, settings.page_cap)
        for page in walk(self._turns.order(timelines), cursor, now, reach):
            marks = [gap for feed in feeds.values() if (gap := feed.gap())]
            lost = [gap for one in reviews.values() for gap in one.lost]
            said = [mention for one in reviews.values() for mention in one.take()]
            edited = tuple(
                mention for mention in said if cursor and self._as_read.get(mention.external_id) != _print(mention)
            )
            kept = {country: {"good": feed.good, "empty": feed.empty} for country, feed in feeds.items()}
            yield replace(page, cursor={**page.cursor, "feeds": kept}, gaps=(*page.gaps, *marks, *lost), edited=edited)
            # Only now the page is stored; before, a change would be forgotten with it.
            self._as_read |= {mention.external_id: _print(mention) for mention in said}
        for gone in [*self._as_read][: -PAGES * 50 * len(feeds)]:
            del self._as_read[gone]

    def close(self) -> None:
        self._client.close()


class _Reviews:
    """One country's reviews, newest first. A position is {"page": number, "until": moment, "id": of the last review read}."""

    def __init__(self, client: Client, app: int, country: str, brand: str | None, feed: _Feed, now: datetime) -> None:
        self.lost: list[Gap] = []
        self._client = client
        self._app = app
        self._country = country
        self._brand = brand
        self._feed = feed
        self._now = now
        self._seen: Mapping[str, Any] = {}
        self._is_first = True
        self._said: list[Mention] = []

    def know(self, state: Mapping[str, Any]) -> None:
        """What the cursor remembers: to tell a feed that rolled over from a first poll."""
        self._seen = state.get("seen", {})
        self._is_first = state.get("timelines", {}).get(self._country, {}).get("known") is None

    def take(self) -> list[Mention]:
        """The reviews read since this was asked last."""
        said, self._said = self._said, []
        return said

    def read(self, since: datetime, position: Json) -> Batch:
        place = position if isinstance(position, dict) else {}
        number, until, last = place.get("page"), _moment(place.get("until")), place.get("id")
        if not (isinstance(number, int) and 1 < number <= PAGES and until):
            number, until = 1, None
        rows = self._page(number)
        is_end, first = not rows, number
        while until is not None and first > 1 and not any(row.one == last or row.at > until for row in rows):
            if number - first == STEPS_BACK:
                return Batch((), {"page": 1})
            first -= 1
            rows = self._page(first) + rows
        if is_end and position is not None and number == 1:
            return Batch((), {"page": 1})  # empty for now: what was left unread is left
        posts = _in_order(rows)
        if is_end or number == PAGES:
            if rows and number == PAGES and not self._is_first and posts[-1].at > since and not self._knows(rows):
                self.lost.append(Gap(since, posts[-1].at, "rolled-over", lost=True))
            return Batch(posts, None)
        return Batch(posts, {"page": number + 1, "until": rows[-1].at.isoformat(), "id": rows[-1].one})

    def _knows(self, rows: list[_Row]) -> bool:
        return any(row.one in self._seen for row in rows)

    def _page(self, number: int) -> list[_Row]:
        """The reviews of a page; asked for under both addresses before it counts as empty."""
        rows: list[_Row] = []
        for address in ADDRESSES:
            path = address.format(country=self._country, page=number, app=self._app)
            rows = self._rows(self._client.json(path, self._now))
            if rows:
                break
        if number == 1:
            if rows:
                self._feed.good, self._feed.empty = self._now.isoformat(), ""
            elif self._feed.good and not self._feed.empty:
                self._feed.empty = self._now.isoformat()
        self._said += [row.mention for row in rows if row.mention]
        return rows

    def _rows(self, found: Any) -> list[_Row]:
        feed = found.get("feed") if isinstance(found, dict) else None
        if not isinstance(feed, dict):
            raise Malformed(f"{SITE} answered without a feed; its reviews may have moved")
        entries = feed.get("entry", [])  # no key: no review; one review: an object in place of a list
        rows: list[_Row] = []
        for entry in entries if isinstance(entries, list) else [entries]:
            # The first entry may be the app itself, which nobody has rated.
            if not isinstance(entry, dict) or "im:rating" not in entry or not (one := _label(entry, "id")):
                continue
            # Without a date, as the feed was for years, a review is as old as the one above it.
            at = _moment(_label(entry, "updated")) or (rows[-1].at if rows else self._now)
            rows.append(_Row(at, one, self._mention(one, entry, at)))
        return rows

    def _mention(self, one: str, entry: Mapping[str, Any], at: datetime) -> Mention | None:
        title, version = label(_label(entry, "title")), label(_label(entry, "im:version"), 40)
        text = clean(_label(entry, "content")) or title
        author = entry.get("author")
        author = author if isinstance(author, dict) else {}
        name = label(_label(author, "name"))
        # https://itunes.apple.com/us/reviews/id123456789
        number = urlsplit(label(_label(author, "uri"))).path.rpartition("/id")[2]
        if not text or not (name or number):
            return None
        rating = _label(entry, "im:rating")
        votes = _label(entry, "im:voteCount")
        return Mention(
            platform="appstore",
            external_id=one,
            text=text,
            published_at=at,
            author=Author(number if number.isdigit() else "", name=name or number),
            url=f"https://apps.apple.com/{self._country}/app/id{self._app}?see-all=reviews",
            title=f"{title} (version {version})" if version else title,
            kind="review",
            rating=float(rating) if rating in {"1", "2", "3", "4", "5"} else None,
            engagement={"likes": int(votes)} if votes.isdecimal() and len(votes) < 10 else {},
            brand=self._brand,
        )


def _in_order(rows: list[_Row]) -> tuple[Post, ...]:
    """The feed is not strictly in order: each review counts as no older than what is listed below it."""
    posts: list[Post] = []
    newest_below = datetime.min.replace(tzinfo=UTC)
    for row in reversed(rows):
        newest_below = max(newest_below, row.at)
        posts.append(Post(newest_below, row.mention))
    return tuple(reversed(posts))


def _print(mention: Mention) -> int:
    return hash((mention.text, mention.title, mention.rating))


def _label(entry: Mapping[str, Any], key: str) -> str:
    """Apple puts every value into an object of its own."""
    value = entry.get(key)
    inner = value.get("label") if isinstance(value, dict) else None
    return inner if isinstance(inner, str) else ""


def _moment(value: Json) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


connector = Connector(
    name="appstore",
    summary="App Store reviews of one app, by country",
    settings=AppStoreSettings,
    open=AppStore,
    every=timedelta(minutes=30),
    credentials="none",
    policy=Policy(
        note="reviews cannot be looked up by id: a deletion upstream is not seen; edits are, while they are among the newest 500"
    ),
)
