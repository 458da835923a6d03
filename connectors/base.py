"""The seam between a platform and the daemon: `Mention`, `Page`, `Source`, `Connector` and the errors.

A connector turns one platform into pages of mentions. It never sees the store: it is given the cursor
that it returned with its last stored page, and it must be able to go on from any of them. Restarting
from a cursor may repeat a mention, never skip one. `connectors.contract` is the suite that proves it.

Errors, and what the daemon does with each:

    ConnectorError
    ├── Passing           try again later, with back-off
    │   ├── RateLimited   … and not before `retry_at`
    │   │   └── BudgetReached  the configured budget of the day or month is spent; the next one begins at `retry_at`
    │   ├── Unavailable   5xx, time-out, reset, a page that is not what the platform promised
    │   └── Malformed     the answer could not be read
    │       └── Refused   the platform refuses the very question (another 4xx)
    └── Parked            nothing will change until a person acts; told once
        ├── AccessDenied  credential missing, wrong, or without the right
        ├── OutOfBudget   the platform says that the account's credits are used up
        └── Gone          the thing asked for does not exist any more (410)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Cursor = Mapping[str, Any]  # JSON that only its connector reads; the daemon stores it as it is
Kind = Literal["post", "comment", "review", "article"]

TEXT_LIMIT = 10_000  # characters of a post that are kept; the rest is cut (DESIGN, promise 5)


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a mention, as the platform names them; never joined across platforms."""

    id: str  # stable within the platform; the handle where it has no other id; "" where nobody is named
    handle: str = ""  # without a leading "@"
    name: str = ""
    followers: int | None = None  # None: unknown, which is not 0


@dataclass(frozen=True, slots=True)
class Mention:
    """One public post, comment or review that a query found. Text is plain: no HTML, at most TEXT_LIMIT characters."""

    platform: str  # "hackernews", "mastodon", "x", …
    external_id: str  # unique within the platform, whatever source or query found it
    text: str
    published_at: datetime  # aware
    author: Author
    url: str = ""  # permalink, http(s) only
    title: str = ""
    kind: Kind = "post"
    lang: str | None = None  # BCP-47 as the platform says, or None
    parent_id: str | None = None  # external_id of what this answers
    thread_id: str | None = None  # external_id of the thread's root
    in_reply_to_brand: bool | None = None  # where the platform or file says so
    rating: float | None = None  # stars, 1 to 5
    engagement: Mapping[str, int] = field(default_factory=dict)  # "likes", "replies", "reposts", "score"
    brand: str | None = None  # the brand a file says the post is about, else None


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of a source's time line that has not been read. Open until a later page no longer lists it."""

    since: datetime
    until: datetime
    reason: str  # "page-cap", "expired-window", "rolled-over", …
    lost: bool = False  # the platform cannot give it back any more


@dataclass(frozen=True, slots=True)
class Removal:
    """What its platform says is gone: one post, or (without `external_id`) the account of an author with all their posts."""

    platform: str
    external_id: str = ""
    author_id: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One batch, stored in one transaction together with the cursor behind it."""

    mentions: tuple[Mention, ...]
    cursor: Cursor  # where to go on once this page is stored
    gaps: tuple[Gap, ...] = ()  # ALL gaps that are open after this page; the store closes the ones no longer listed
    scanned: int = 0  # posts the platform handed over, before matching
    edited: tuple[
        Mention, ...
    ] = ()  # posts that may be stored already, as they read now; those not stored are left alone
    removed: tuple[Removal, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What a source is told of a stored post that it is to look up again."""

    external_id: str
    url: str
    kind: Kind
    author_id: str
    parent_id: str | None
    thread_id: str | None
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look-up found. Posts in neither are asked for again later."""

    present: tuple[Mention, ...] = ()  # as they read now
    removed: tuple[Removal, ...] = ()


class Source(Protocol):
    """One configured connector at work. Not thread-safe; the daemon polls a source from one thread at a time."""

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        """Yield pages until nothing newer is left or the page cap is reached.

        `cursor` is None at the very first poll. `now` is aware UTC. A poll with nothing new yields no mention
        (it may yield an empty page to move its cursor). Raises `ConnectorError` only; pages yielded before count.
        """
        ...

    def close(self) -> None:
        """Release sockets. Idempotent."""
        ...


class Rechecking(Protocol):
    """A source that can look up stored posts again; its `Connector.recheck_batch` says how many at once."""

    def recheck(self, posts: Sequence[Known], now: datetime) -> Looked:
        """Ask whether these posts are still there and read as they did. Raises `ConnectorError` only."""
        ...


@dataclass(frozen=True, slots=True)
class Voice:
    """As whom a source answers in public, and what an answer may be."""

    account: str  # as its platform writes it, without a leading "@"
    longest: int  # of an answer, in the platform's own counting
    measure: Callable[[str], int]  # that counting
    opening: str = ""  # what an answer to a post begins with where the platform tells its author no other way


@dataclass(frozen=True, slots=True)
class CannotReply:
    """Why nothing can be answered, or not this post. `reason` is one word, `why` a sentence with what would allow it."""

    reason: str  # "off", "summons", "place", …
    why: str


@dataclass(frozen=True, slots=True)
class Approved:
    """An answer as a person approved it, to the letter."""

    text: str
    key: str  # the same at every try, and no other answer's
    at: datetime  # when it was approved


@dataclass(frozen=True, slots=True)
class Posted:
    """Where an answer stands."""

    external_id: str
    url: str


class Replying(Protocol):
    """A source that can answer posts in public, where its settings say so: `Connector.replies`, `ReplySettings`.

    Nothing is published but by `reply`, which a person asked for with this very text. A try whose answer was lost may have
    got through; so `find_reply` is asked before the next one.
    """

    def voice(self) -> Voice | CannotReply:
        """As whom, or which setting would allow it. No network."""
        ...

    def may_reply(self, post: Mention) -> Voice | CannotReply:
        """Whether the platform's rules let this post be answered from here, as far as can be told. No network."""
        ...

    def reply(self, post: Mention, approved: Approved, now: datetime) -> Posted:
        """Publish it. Raises `ConnectorError`: `Parked`, `Refused` and `BudgetReached` say that nothing was published,
        any other that nobody knows."""
        ...

    def find_reply(self, post: Mention, approved: Approved, now: datetime) -> Posted | None:
        """What an earlier try has published; None: nothing. Raises `ConnectorError` where that cannot be told."""
        ...


class Expected(Protocol):
    """What one query of a source would bring in a month."""

    @property
    def query(self) -> str: ...
    @property
    def posts(self) -> float: ...
    @property
    def usd(self) -> float: ...


class Forecast(Protocol):
    """What a source would bring and cost in a month."""

    @property
    def queries(self) -> Sequence[Expected]: ...
    @property
    def posts(self) -> float: ...
    @property
    def usd(self) -> float: ...
    @property
    def asked_usd(self) -> float:
        """What asking for it cost."""
        ...


class Forecasting(Protocol):
    """A source whose platform can be asked beforehand how much there is to read."""

    def forecast(self, now: datetime) -> Forecast:
        """Ask. Raises `ConnectorError` only."""
        ...


class Purse(Protocol):
    """What a source may spend. Its own money is the account's: all sources of one account share one purse.

    Money is set aside before the request that may cost it, so that a process killed in between has counted it already.
    """

    def set_aside(self, what: str, units: int, price: float, now: datetime) -> None:
        """Before a request: `units` (posts, requests, …) at `price` USD each may be billed. Raises BudgetReached."""
        ...

    def billed(self, what: str, set_aside: int, units: int, price: float, now: datetime) -> None:
        """Behind it: of the units set aside (for the same `now`) these were billed."""
        ...

    def left(self, now: datetime) -> float | None:
        """USD that may still be spent now; None without a budget."""
        ...


class NoBudget:
    """The purse of whoever spends nothing."""

    def set_aside(self, what: str, units: int, price: float, now: datetime) -> None:
        """See `Purse`."""

    def billed(self, what: str, set_aside: int, units: int, price: float, now: datetime) -> None:
        """See `Purse`."""

    def left(self, now: datetime) -> float | None:
        """See `Purse`."""
        return None


class SourceSettings(BaseModel):
    """The keys every `[[source]]` of this connector may hold beside `name`, `connector` and `every`.

    Subclass per connector. Secrets come only as `<name>_env` or `<name>_file` and are read by `read_secret`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str | None = Field(
        default=None, description="where the platform's API is; for tests and self-hosted sites"
    )
    timeout: float = Field(default=30.0, gt=0, le=300, description="seconds before a request is given up")
    page_cap: int = Field(default=5, ge=1, le=1000, description="pages read in one poll; what is left becomes a gap")


class ReplySettings(SourceSettings):
    """The keys of connectors whose sources can answer in public. The right to write has a credential of its own."""

    replies: bool = Field(
        default=False, description="answer posts in public where a person says so, word for word (docs/replies.md)"
    )
    reply_as: str | None = Field(default=None, description="the account that answers; it counts as one of your own")

    @field_validator("reply_as")
    @classmethod
    def _bare_account(cls, value: str | None) -> str | None:
        if value is not None and not (value := value.strip().removeprefix("u/").lstrip("@")):
            raise ValueError("reply_as is empty; write the account that answers")
        return value

    @model_validator(mode="after")
    def _as_somebody(self) -> Self:
        if self.replies and self.reply_as is None:
            raise ValueError("replies = true needs reply_as, the account that answers")
        return self


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What the daemon tells a source when it opens it."""

    name: str  # the source's name in the configuration
    terms: tuple[str, ...]  # words and phrases to search for: the brand's names, or the source's own `terms`
    user_agent: str
    languages: tuple[str, ...] = ()
    purse: Purse = field(default_factory=NoBudget)
    own_accounts: tuple[str, ...] = ()  # "platform:handle" of the brand itself
    intranet: tuple[str, ...] = ()  # hosts and networks that may be asked although they are not public


@dataclass(frozen=True, slots=True)
class Policy:
    """What the platform's terms ask of whoever stores its posts (PLATFORMS §8)."""

    retention: timedelta | None = timedelta(days=30)  # how long text is kept if the user says nothing; None: for good
    recheck: timedelta | None = None  # how often a stored post is looked up again; None: cannot be
    may_export: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Connector:
    """What the entry point `listener.connectors` names: how to configure and open one platform."""

    name: str
    summary: str  # one line for `init`, README and errors
    settings: type[SourceSettings]
    open: Callable[[Any, SourceContext], Source]  # (validated settings, context); does no network
    every: timedelta = timedelta(minutes=5)  # default polling interval
    least: timedelta | None = None  # the shortest interval that its limits bear while mentions come; None: `every`
    credentials: str = "none"  # one line: what the user must have
    policy: Policy = Policy()
    recheck_batch: int = 0  # posts its sources look up at once (`Rechecking`); 0: they cannot
    costs: bool = False  # bills what is read: its account must have a budget
    handed: bool = False  # its posts are brought to it (a webhook, a mailbox, a file): there is nothing to search
    replies: bool = False  # its sources can answer posts in public (`Replying`, `ReplySettings`)


class ConnectorError(Exception):
    """Base of all a source may raise. The message is for the operator: what happened, what to do next; no secrets."""


class Passing(ConnectorError):
    """Worth another try later."""


class RateLimited(Passing):
    """The platform asked to wait. `retry_at` (aware UTC) is when it may be asked again, None where it did not say."""

    def __init__(self, message: str, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class BudgetReached(RateLimited):
    """The budget that the user set for a day or month is spent. `retry_at` is when the next one begins."""


class Unavailable(Passing):
    """The platform did not answer, or answered with an error of its own."""


class Malformed(Passing):
    """The answer is not what the platform documents."""


class Refused(Malformed):
    """The platform refuses the question as it was put; a stored position may have become worthless."""


class Parked(ConnectorError):
    """Polling again changes nothing until a person acts."""


class AccessDenied(Parked):
    """The credential is missing, wrong, or lacks a right."""


class OutOfBudget(Parked):
    """The account's credits with the platform are used up."""


class Gone(Parked):
    """What the source asks for does not exist any more."""
