"""Every key that a configuration may hold, with its type, its default and what it is for.

The descriptions are what `docs/configuration.md` prints, so the page cannot say anything else than the program does.
Keys of a connector are not here: they are the connector's own (`connectors.base.SourceSettings`). What `*_env` keys
may hold is checked for all tables alike, by `secrets.refuse_secrets`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from listener.cases.clock import ALWAYS, Target, Targets
from listener.cases.saved import SavedReply
from listener.config.values import (
    Account,
    BrandQuery,
    Clock,
    Duration,
    Flag,
    Holiday,
    Hours,
    Intranet,
    Language,
    Name,
    ReplyTarget,
    SavedText,
    SlackPeople,
    Text,
    WebAddress,
    Zone,
    at_least,
)
from rules.vocabulary import Intent, Stage

MOST_CALLS = 20  # of one group for one case; a group that is called all day stops to listen
FIVE_LANGUAGES = ("en", "fr", "it", "es", "de")
Level = Literal["low", "normal", "high", "critical"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Section(BaseModel):
    """A table of the file: no key that is not listed, no change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ListenerSection(Section):
    """The daemon itself."""

    database: str | None = Field(
        default=None,
        description="where mentions are kept: sqlite:///FILE or postgresql://HOST/NAME, without a password; "
        "listener.db beside this file if nothing is said",
    )
    database_env: str | None = Field(
        default=None, description="environment variable that holds the database URL, if it has a password"
    )
    database_file: Path | None = Field(default=None, description="file that holds the database URL, likewise")
    alert_max_age: Annotated[Duration, at_least(timedelta(minutes=1))] = Field(
        default=timedelta(hours=6), description="a post that is older when first seen is counted, never alerted"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="how much is logged")
    log_format: Literal["console", "json"] = Field(default="console", description="for people or for machines")
    interface_language: Literal["en", "fr"] = Field(default="en", description="language of alerts and digests")
    workers: int = Field(default=4, ge=1, le=64, strict=True, description="sources polled at the same time")
    intranet: tuple[Intranet, ...] = Field(
        default=(),
        description="hosts and networks of your own that sources may ask, though they are not public: "
        '"forum.corp.example", "*.corp.example", "10.20.0.0/16"',
    )
    metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        strict=True,
        description="port of /metrics for Prometheus, and of /healthz and /readyz for probes; none if nothing is said",
    )
    metrics_host: Text = Field(
        default="127.0.0.1",
        description='address of this machine that answers there; "0.0.0.0" or "::" for every network it is in. '
        "Whoever reaches it may read the numbers",
    )
    ping_url_env: str | None = Field(
        default=None,
        description="environment variable that holds an address which is asked while all is well, "
        "as healthchecks.io and others give out: they call you when it stops",
    )
    ping_url_file: Path | None = Field(
        default=None, description="file that holds that address, instead of ping_url_env"
    )
    ping_every: Annotated[Duration, at_least(timedelta(seconds=10))] = Field(
        default=timedelta(minutes=1), description="time between two of these"
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.ping_url_env is not None and self.ping_url_file is not None:
            raise ValueError("the address to ping is said twice; keep ping_url_env or ping_url_file")
        if sum(place is not None for place in (self.database, self.database_env, self.database_file)) > 1:
            raise ValueError("the database is said more than once; keep one of database, database_env, database_file")
        return self


def _rival(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


class Rival(Section):
    """A competitor: a name in quotes, or a table with its other names."""

    name: Text = Field(description="as the digest shows it")
    names: tuple[Text, ...] = Field(default=(), description="other spellings and handles")


class Brand(Section):
    """Who you listen for, and when your team answers."""

    name: Text = Field(description="the brand as the digest shows it; also searched for")
    names: tuple[Text, ...] = Field(default=(), description="other spellings, hashtags and handles, all searched for")
    products: tuple[Text, ...] = Field(default=(), description="product names; they make a post relevant")
    rivals: tuple[Annotated[Rival, BeforeValidator(_rival)], ...] = Field(
        default=(), description="competitors, as names or as { name, names }: for leaving, comparing, share of voice"
    )
    own_accounts: tuple[Account, ...] = Field(
        default=(), description="platform:handle of your own accounts; their posts are answers, not mentions"
    )
    exclude: tuple[Text, ...] = Field(default=(), description="words that make a post irrelevant")
    context: tuple[Text, ...] = Field(
        default=(), description="if the brand is a common word: one of these must occur too; empty: not needed"
    )
    query: BrandQuery | None = Field(
        default=None,
        description="what counts as a mention, as a query (docs/queries.md); any of the names and products if nothing is said",
    )
    languages: tuple[Language, ...] = Field(
        default=FIVE_LANGUAGES, min_length=1, description="languages your customers write, as two-letter codes"
    )
    timezone: Zone = Field(default="UTC", description="where your team sits: Europe/Paris, America/New_York, …")
    service_hours: Hours = Field(
        default=ALWAYS,
        description='when replies are due: "monday-friday 09:00-18:00" or { monday = "09:00-12:00, 13:00-18:00" }; '
        "around the clock if nothing is said",
    )
    holidays: tuple[Holiday, ...] = Field(default=(), description="days off: 2026-12-25")

    @property
    def all_names(self) -> tuple[str, ...]:
        """The name and its other spellings, each once: what a source searches for by default."""
        once: dict[str, str] = {}
        for name in (self.name, *self.names):
            once.setdefault(name.casefold(), name)
        return tuple(once.values())

    @property
    def search_terms(self) -> tuple[str, ...]:
        """What a source searches for by default: the words of the query, else the names."""
        if not self.query:
            return self.all_names
        from rules.query import parse

        return parse(self.query).terms() or self.all_names


class TargetKeys(Section):
    """How soon you want to answer, and what happens when nobody does. In service hours, from when the post was published."""

    critical: ReplyTarget = Field(default=Target(timedelta(hours=1)), description="first reply to a critical case")
    high: ReplyTarget = Field(default=Target(timedelta(hours=1)), description="likewise high")
    normal: ReplyTarget = Field(default=Target(timedelta(hours=4)), description="likewise normal")
    low: ReplyTarget = Field(default=Target(days=1), description="likewise low")
    praise: ReplyTarget = Field(
        default=Target(days=1),
        description="thanks for praise alone, below high; a question or complaint has its level's",
    )
    around_the_clock: frozenset[Literal["critical", "high", "normal", "low", "praise"]] = Field(
        default=frozenset({"critical"}),
        description="which of these run at night and on days off too, and have days of 24 hours; [] for none",
    )
    claim: Annotated[Duration, at_least(timedelta(minutes=1))] = Field(
        default=timedelta(minutes=15),
        description="the group of a receiver is called for a critical case at once, and again after each such time "
        "while nobody claims it",
    )
    escalate: Annotated[Duration, at_least(timedelta(minutes=1))] = Field(
        default=timedelta(minutes=45), description="then the calls end and the receiver's escalate_to is told"
    )
    remind: Annotated[Duration, at_least(timedelta(minutes=1))] = Field(
        default=timedelta(minutes=15),
        description="so long before the first reply to a high or critical case is due, its thread is reminded",
    )

    @model_validator(mode="after")
    def _few_calls(self) -> Self:
        if self.escalate < self.claim:
            raise ValueError("escalate comes before claim; write escalate as long as claim, or longer")
        if self.escalate > MOST_CALLS * self.claim:
            raise ValueError(f"the group would be called more than {MOST_CALLS} times; write a longer claim")
        return self

    @property
    def targets(self) -> Targets:
        return Targets(
            {name: getattr(self, name) for name in ("critical", "high", "normal", "low", "praise")},
            frozenset(self.around_the_clock),
            self.claim,
            self.escalate,
            self.remind,
        )


class SourceKeys(Section):
    """What every source may say; the other keys belong to its connector."""

    name: Name = Field(description="yours to choose; the source's history hangs on it")
    connector: str = Field(
        description="which platform: hackernews, mastodon, rss, …; `listener doctor` lists those installed"
    )
    every: Annotated[Duration, at_least(timedelta(seconds=10))] | None = Field(
        default=None, description="time between two polls; each connector has its own default"
    )
    enabled: Flag = Field(default=True, description="false: keep it, do not poll it")
    terms: tuple[Text, ...] | None = Field(
        default=None, min_length=1, description="words to search for; the brand's name and names if nothing is said"
    )
    account: Name | None = Field(
        default=None,
        description="the account whose limits and budget it shares with other sources (docs/connectors.md); "
        "sources with the same credential share one if nothing is said",
    )
    adaptive: Flag = Field(
        default=True,
        description="true: polled sooner while mentions come and later while none do, within the platform's limits",
    )


class AccountKeys(Section):
    """What the sources of one credential may spend together. Needed where a platform bills what is read."""

    name: Name = Field(description="yours to choose; sources name it as their account")
    budget_day: float | None = Field(
        default=None, gt=0, le=1e6, description="USD a UTC day; no limit if nothing is said"
    )
    budget_month: float | None = Field(default=None, gt=0, le=1e6, description="USD a UTC month, likewise")


_QUIET_HOURS = Field(
    default=None,
    description="when only critical is sent, in the notation of service_hours; the rest is held and becomes one summary "
    'at the end: "monday-sunday 00:00-07:00, 22:00-24:00"; never if nothing is said',
)
_SINGLES_PER_HOUR = Field(
    default=20,
    ge=1,
    le=100_000,
    strict=True,
    description="new cases told singly within an hour, critical ones not counted; further ones become one summary",
)


class ConsoleReceiver(Section):
    """Prints what Slack would show; needs nothing."""

    name: Name = Field(description="yours to choose; routes and the digest refer to it")
    type: Literal["console"] = Field(description="what kind of receiver this is")
    quiet_hours: Hours | None = _QUIET_HOURS
    singles_per_hour: int = _SINGLES_PER_HOUR


class SlackReceiver(Section):
    """A Slack channel."""

    name: Name = Field(description="yours to choose; routes and the digest refer to it")
    type: Literal["slack"] = Field(description="what kind of receiver this is")
    channel: Text = Field(description="the channel's id (C0123456789) or #name; invite the app to it")
    quiet_hours: Hours | None = _QUIET_HOURS
    singles_per_hour: int = _SINGLES_PER_HOUR
    token_env: str | None = Field(default=None, description="environment variable that holds the bot token")
    token_file: Path | None = Field(default=None, description="file that holds the bot token, instead of token_env")
    calls: str | None = Field(
        default=None,
        pattern=r"^S[A-Z0-9]{6,20}$",
        description="the id of a Slack user group that is called for a critical case nobody has claimed",
    )
    escalate_to: str | None = Field(
        default=None, description="the receiver that is told of a critical case nobody claimed ([targets], escalate)"
    )
    app_token_env: str | None = Field(
        default=None,
        description="environment variable that holds the app-level token (xapp-…): buttons, /mentions and App Home work",
    )
    app_token_file: Path | None = Field(default=None, description="file that holds it, instead of app_token_env")
    signing_secret_env: str | None = Field(
        default=None,
        description="environment variable that holds the app's signing secret, instead of an app-level token: "
        "Slack then calls an address of yours that leads to interactivity_port",
    )
    signing_secret_file: Path | None = Field(
        default=None, description="file that holds the signing secret, instead of signing_secret_env"
    )
    interactivity_port: int = Field(
        default=8484,
        ge=1,
        le=65535,
        strict=True,
        description="with a signing secret: the port on 127.0.0.1 where clicks arrive, at /slack/events",
    )
    base_url: WebAddress = Field(default="https://slack.com/api/", description="where Slack's API is; for tests")
    timeout: float = Field(default=30.0, gt=0, le=300, strict=True, description="seconds before a request is given up")

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        if (self.token_env is None) == (self.token_file is None):
            raise ValueError("a Slack receiver needs its bot token; write either token_env or token_file")
        ways = (self.app_token_env, self.app_token_file, self.signing_secret_env, self.signing_secret_file)
        if sum(way is not None for way in ways) > 1:
            raise ValueError(
                "clicks arrive one way; keep one of app_token_env, app_token_file, signing_secret_env, signing_secret_file"
            )
        return self


class SlackRights(Section):
    """Who may do what in Slack. Without any list everybody may who can see the button, but nobody answers in public."""

    may_work: tuple[SlackPeople, ...] = Field(
        default=(),
        description="ids of people (U…) and user groups (S…) who may claim, reply, snooze, escalate and look things up",
    )
    may_resolve: tuple[SlackPeople, ...] = Field(
        default=(),
        description="likewise: close and reopen cases, and say that one is not relevant; if empty as may_work",
    )
    may_correct: tuple[SlackPeople, ...] = Field(
        default=(), description="likewise: correct verdicts, add mentions; if empty as may_work"
    )
    may_silence: tuple[SlackPeople, ...] = Field(
        default=(), description="likewise: add and end silences; if empty as may_work"
    )
    may_reply: tuple[SlackPeople, ...] = Field(
        default=(),
        description="likewise: answer in public in the brand's name, where a source has replies = true; if empty nobody",
    )
    instances: int = Field(
        default=1,
        ge=1,
        le=10,
        strict=True,
        description="daemons that share one Slack app; more connections are a warning",
    )


class WebhookReceiver(Section):
    """Any web address: each notification as one JSON document."""

    name: Name = Field(description="yours to choose; routes and the digest refer to it")
    type: Literal["webhook"] = Field(description="what kind of receiver this is")
    url: WebAddress | None = Field(default=None, description="where to post, if the address is no secret")
    url_env: str | None = Field(default=None, description="environment variable that holds the address")
    url_file: Path | None = Field(default=None, description="file that holds the address")
    secret_env: str | None = Field(default=None, description="environment variable with the key that signs bodies")
    secret_file: Path | None = Field(default=None, description="file with that key, instead of secret_env")
    quiet_hours: Hours | None = _QUIET_HOURS
    singles_per_hour: int = _SINGLES_PER_HOUR
    timeout: float = Field(default=30.0, gt=0, le=300, strict=True, description="seconds before a request is given up")

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if sum(place is not None for place in (self.url, self.url_env, self.url_file)) != 1:
            raise ValueError("a webhook needs its address; write one of url, url_env, url_file")
        if self.secret_env is not None and self.secret_file is not None:
            raise ValueError("the signing key is said twice; keep secret_env or secret_file")
        return self


Receiver = ConsoleReceiver | SlackReceiver | WebhookReceiver
RECEIVERS: Mapping[str, type[Receiver]] = {
    "console": ConsoleReceiver,
    "slack": SlackReceiver,
    "webhook": WebhookReceiver,
}


class RouteKeys(Section):
    """Which mentions go where. Routes are read in order and the first that fits decides; what is not said fits all."""

    name: Name = Field(description="yours to choose; every notification names its route")
    to: tuple[str, ...] = Field(min_length=1, description="receivers, by name")
    urgency_at_least: Level = Field(default="low", description="low, normal, high or critical")
    stages: frozenset[Stage] = Field(default=frozenset(), description="stages of the journey")
    intents: frozenset[Intent] = Field(default=frozenset(), description="complaint, question, praise, …")
    touchpoints: frozenset[str] = Field(default=frozenset(), description="delivery, support, … or your own")
    sources: frozenset[str] = Field(default=frozenset(), description="sources, by name")
    platforms: frozenset[str] = Field(default=frozenset(), description="platforms, as posts carry them")
    languages: frozenset[Language] = Field(default=frozenset(), description="two-letter codes; und: unclear")
    sentiments: frozenset[Literal["negative", "neutral", "positive"]] = Field(
        default=frozenset(), description="negative, neutral, positive"
    )
    goes_on: Flag = Field(default=False, alias="continue", description="true: later routes are asked as well")


class SavedReplyKeys(Section):
    """A text that answers begin with: it fills the window or the editor, and a person reads and changes it before it goes out."""

    name: Name = Field(description="yours to choose; the window and `listener cases reply --saved` offer it so")
    text: SavedText = Field(
        description="what the field is filled with; `{author}` is the post's author, `{brand}` your brand"
    )
    language: Language | None = Field(
        default=None, description="offered first for posts in this language; for any if nothing is said"
    )
    touchpoints: frozenset[str] = Field(
        default=frozenset(), description="offered first for posts that speak of one of these; of anything if empty"
    )

    @property
    def saved(self) -> SavedReply:
        return SavedReply(self.name, self.text, self.language, self.touchpoints)


class Believed(Section):
    """A hypothesis: what the team believes, and which posts speak of it."""

    says: Text = Field(description="the hypothesis as a sentence; the digest prints it")
    query: BrandQuery = Field(description="which posts speak of it, as a query (docs/queries.md)")
    expects: Literal["unhappy", "happy"] = Field(
        default="unhappy", description="the mood that speaks for it; the opposite one speaks against it"
    )


class Digest(Section):
    """The weekly page."""

    enabled: Flag = Field(default=True, description="false: no digest is made by itself")
    day: Weekday = Field(default="monday", description="the day it is made, in the brand's time zone")
    time: Clock = Field(default=time(9), description='time of day: "09:00"')
    to: tuple[str, ...] = Field(default=(), description="receivers, by name")
    folder: Path = Field(default=Path("digests"), description="where the pages are kept")
    hypotheses: tuple[Believed, ...] = Field(
        default=(),
        description='what you believe, each with a query: { says = "…", query = "…", expects = "unhappy" or "happy" }; '
        "the digest counts who speaks for it and against it",
    )


class Spikes(Section):
    """Many authors with the same at once: one live message, with the single alerts of its kind in its thread."""

    enabled: Flag = Field(default=True, description="false: nobody looks for spikes")
    false_alarms: Literal["one a week", "one a month", "one a quarter", "one a year"] = Field(
        default="one a month",
        description="how many false alarms you put up with, over all kinds of posts; fewer mean that a rise is seen later",
    )


class Retention(Section):
    """How long words are kept. Counts stay."""

    text_days: int | None = Field(
        default=None,
        ge=1,
        le=3660,
        strict=True,
        description="days after publication until text and author are removed; if nothing is said, what the connector says",
    )


class Touchpoint(Section):
    """A touchpoint of your own, or who answers for one of ours."""

    owner: Text | None = Field(default=None, description="the team that answers for it, shown in the digest")


class Journey(Section):
    """How the journey is named and drawn for you."""

    stages: Mapping[Stage, Text] = Field(
        default={}, description="your label for a stage; two stages with one label are drawn as one"
    )
    touchpoints: Mapping[str, Touchpoint] = Field(default={}, description="a table each: [journey.touchpoints.NAME]")


class Rules(Section):
    """What triage is taught."""

    builtin: Flag = Field(default=True, description="use the packs that come with listener")
    packs: tuple[Path, ...] = Field(default=(), description="your own packs: TOML files, or folders of them")
    disable: tuple[Text, ...] = Field(default=(), description="ids of rules that shall not match")


TABLES: Mapping[str, type[Section]] = {
    "listener": ListenerSection,
    "brand": Brand,
    "targets": TargetKeys,
    "digest": Digest,
    "spikes": Spikes,
    "retention": Retention,
    "journey": Journey,
    "rules": Rules,
    "slack": SlackRights,
}
LISTS: Mapping[str, type[Section]] = {
    "source": SourceKeys,
    "account": AccountKeys,
    "receiver": ConsoleReceiver,
    "route": RouteKeys,
    "saved_reply": SavedReplyKeys,
}
