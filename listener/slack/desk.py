"""What a click asks of the daemon: the seam between Slack and the cases, so that this package knows no store.

`listener.interactive` is behind it. Every method may take as long as the database does, so none is called before Slack
was answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from connectors.base import CannotReply, Mention
from listener.cases.deeds import Decision, Refusal, Why, Wish
from listener.cases.replies import Chosen, NewReply, Reply
from listener.cases.shelf import Move, No, Shelved, Standing
from listener.model import Case, CaseView, Outcome, Spike, Told
from listener.slack.reviewing import LastDigest, Review


class AddRefused(Exception):  # named for what happened, like the errors of the other packages
    """A mention cannot be added now; the message says why."""


@dataclass(frozen=True, slots=True)
class Found:
    """A stored post that holds the words looked for."""

    ref: str
    case: str | None  # the case it belongs to
    platform: str
    text: str
    url: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Dropped:
    """What leaving posts with some words out would have done."""

    posts: int
    of: int  # relevant posts in that time
    in_cases: int
    days: int


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a post that a person added."""

    ref: str | None  # None: it was stored before
    outcome: Outcome | None = None
    case: str | None = None


class Desk(Protocol):
    """Where clicks are worked."""

    @property
    def touchpoints(self) -> Sequence[str]:
        """All that a verdict may name, ours and the team's."""
        ...

    def now(self) -> datetime:
        """The time of day, aware UTC."""
        ...

    def do(self, ref: str, wish: Wish) -> Decision | Refusal | None:
        """Do it, or say why not. None: there is no such case."""
        ...

    def case(self, ref: str) -> CaseView | None:
        """The case people call so."""
        ...

    def told(self, ref: str) -> Told | None:
        """The mention whose reference begins so. None: none, or several."""
        ...

    def do_spike(self, deed: str, ref: str, revision: int, who: str) -> tuple[Why | None, Spike] | None:
        """claim, end, expected or false: the spike as it stands then, and why nothing was done. None: there is none."""
        ...

    def may_answer(self, told: Told) -> Chosen | CannotReply:
        """Who can answer this post in public, or why nobody can."""
        ...

    def saved_replies(self, told: Told) -> Sequence[str]:
        """Names of the saved replies, those that fit this post first."""
        ...

    def begun_reply(self, name: str, told: Told, opening: str) -> str | None:
        """A saved reply made ready for this post. None: there is none of that name."""
        ...

    def reply_length(self, source: str, text: str) -> tuple[int, int]:
        """How long a reply is and may be, as the source's platform counts. Asks nobody, not even the database."""
        ...

    def answer(self, new: NewReply) -> Reply | Refusal | CannotReply | None:
        """Have it published, once. None: there is no such case."""
        ...

    def shelve(self, ref: str, move: Move) -> Shelved | No | None:
        """A step on the shelf for the praise in a case. None: there is no such case."""
        ...

    def shelf(self) -> Standing:
        """How many stand where on the shelf."""
        ...

    def question(self, view: CaseView) -> str:
        """A polite question to copy: may this praise be shown?"""
        ...

    def waiting(self) -> Sequence[Case]:
        """All cases that are not closed, the most urgent and longest due first."""
        ...

    def find(self, words: str, most: int) -> Sequence[Found]:
        """The newest posts of the last month that hold all these words."""
        ...

    def would_drop(self, words: str) -> Dropped:
        """What `exclude` in [brand] would have dropped lately with these words; changes nothing."""
        ...

    def troubles(self) -> Sequence[str]:
        """What is wrong with the daemon, a sentence each."""
        ...

    def review(self, week: str, who: str) -> Review:
        """Somebody has read the digest of a week. Gives back who was the first."""
        ...

    def last_digest(self) -> LastDigest | None:
        """The last digest that was made, and who reviewed it."""
        ...

    def opening(self) -> datetime | None:
        """When the team opens next; None where it is always open, or never."""
        ...

    def add(self, mention: Mention) -> Added:
        """Store a post that a person found. Raises AddRefused."""
        ...

    def silences(self) -> Sequence[str]:
        """Silences in force or planned, a line each."""
        ...

    def silence(self, typed: str, who: str) -> str:
        """Add a silence ("2h touchpoint:app launch noise") or end one ("end 7"). A sentence, also for what is wrong."""
        ...

    def note(self, key: str, value: Any) -> None:
        """Keep a JSON value for `status`, `health` and `slack test`."""
        ...
