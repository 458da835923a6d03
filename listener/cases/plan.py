"""What storing a page asks of the case logic, and what it gets back: plain values, no I/O.

The store finds out which mentions are new and which cases of their authors and threads are open, then calls a
`Settle` function inside its transaction. That function decides everything (which case, which outcome, whom to
tell) and returns a `Settled`; the store writes it. Here also live the keys that cases are found by and the short
names that people read and type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from connectors.base import Mention
from listener.cases.copies import Copied, Earlier
from listener.cases.silences import Silence, SilenceKept
from listener.model import Case, CaseState, NewNotification, Outcome, Told, Triaged, Verdict

ALSO = "same author"  # label of a verdict's line: another case of its author
CLOSED_STATES: frozenset[CaseState] = frozenset({CaseState.RESOLVED, CaseState.NOT_RELEVANT})

# Crockford's base 32 (https://www.crockford.com/base32.html): no I, L, O, U, so that a reference survives being
# read aloud or written by hand.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans({"I": "1", "L": "1", "O": "0"})
_SHORTEST = 4
# Odd, hence invertible modulo every power of two: neighbouring ids get unlike references, no two get the same.
# Changing it would rename every case that people have written down.
_SCRAMBLE = 0x9E3779B1


def author_key(mention: Mention) -> str:
    """The key that joins mentions of one author; never across platforms. A post without an author stands alone."""
    return f"{mention.platform}:{mention.author.id or f'?{mention.external_id}'}"


def thread_key(mention: Mention) -> str:
    """The key that joins mentions of one thread. A root post is its own thread, so that its answers find it."""
    return f"{mention.platform}:{mention.thread_id or mention.parent_id or mention.external_id}"


def case_ref(case_id: int) -> str:
    """The reference of the case with this id (1, 2, …): "c-" and 4 characters for the first million, then more."""
    if case_id < 1:
        raise ValueError(f"a case id starts at 1; got {case_id}")
    width, rest = _SHORTEST, case_id - 1
    while rest >= 32**width:
        rest -= 32**width
        width += 1
    # The addend keeps the very first case from being "c-0000".
    scrambled = (rest * _SCRAMBLE + _SCRAMBLE // 7) % 32**width
    letters = ""
    for _ in range(width):
        scrambled, digit = divmod(scrambled, 32)
        letters = _ALPHABET[digit] + letters
    return f"c-{letters}"


def read_case_ref(typed: str) -> str | None:
    """The reference a person meant ("c-7f3k", "7F3K", "C-7FOK" for "c-7F0K"), or None where it cannot be one."""
    letters = typed.strip().upper().removeprefix("C-").translate(_MISREAD)
    if len(letters) < _SHORTEST or any(letter not in _ALPHABET for letter in letters):
        return None
    return f"c-{letters}"


@dataclass(frozen=True, slots=True)
class NewMention:
    """A mention that was stored for the first time a moment ago, in this very transaction."""

    id: int
    ref: str
    triaged: Triaged

    @property
    def mention(self) -> Mention:
        """What the platform gave."""
        return self.triaged.mention

    @property
    def verdict(self) -> Verdict:
        """What triage concluded."""
        return self.triaged.verdict


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A stored case that a new mention may join: open, or resolved within the last seven days."""

    case: Case
    state_since: datetime  # for a resolved case: when it was resolved
    receivers: tuple[str, ...] = ()  # that were told of it or are about to be; the ones whose message died are left out
    clock: tuple[Mapping[str, Any], ...] = ()  # details of its history, where no answer is due: its clock may be paused


@dataclass(frozen=True, slots=True)
class OpenCases:
    """All cases that the authors and threads of one page may belong to, oldest first; and what keeps alerts quiet.

    Among them are the cases of `texts`: posts of the last days that one of the page may be a near copy of, the oldest first.
    """

    cases: tuple[OpenCase, ...] = ()
    silences: tuple[Silence, ...] = ()  # in force, or ended within a day
    texts: tuple[Earlier, ...] = ()

    def of_author(self, key: str) -> tuple[OpenCase, ...]:
        """The cases of this author."""
        return tuple(found for found in self.cases if found.case.author_key == key)

    def of_thread(self, key: str) -> tuple[OpenCase, ...]:
        """The cases of this thread."""
        return tuple(found for found in self.cases if found.case.thread_key == key)


@dataclass(frozen=True, slots=True)
class CaseDraft:
    """A case to open. Its id comes from `next_case_id`, its ref from `case_ref`, its revision is 1."""

    case: Case
    mention_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CaseChange:
    """An open case as it shall stand now: the whole case, its revision one higher than the one that was read."""

    case: Case
    mention_ids: tuple[int, ...] = ()  # the new mentions that join it


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One line of a case's history."""

    case_id: int
    at: datetime
    what: str  # "opened", "joined", "reopened", …
    who: str = ""  # empty: the daemon
    through: str = ""  # "poll", "slack", "cli", …
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseNotification:
    """A notification together with the case and the mention it is about."""

    notification: NewNotification
    case_id: int | None
    mention_id: int | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a page's new mentions. `outcomes` names every one of them; a case is opened or changed once."""

    outcomes: Mapping[int, Outcome]  # mention id -> outcome
    verdicts: Mapping[int, Verdict] = field(default_factory=dict)  # those that the author's history changed
    drafts: tuple[CaseDraft, ...] = ()
    changes: tuple[CaseChange, ...] = ()
    events: tuple[CaseEvent, ...] = ()
    notifications: tuple[CaseNotification, ...] = ()  # of one case and receiver: sent in this order
    silences: SilenceKept = field(default_factory=SilenceKept)
    copies: tuple[Copied, ...] = ()


class Settle(Protocol):
    """Decides what becomes of the new mentions of a page (oldest first). Pure; called with a database lock held."""

    def __call__(
        self,
        new: Sequence[NewMention],
        open_cases: OpenCases,
        next_case_id: Callable[[], int],
        now: datetime,
        /,
    ) -> Settled: ...


@dataclass(frozen=True, slots=True)
class Revised:
    """What follows from a stored post that reads otherwise now."""

    verdict: Verdict
    change: CaseChange | None = None
    events: tuple[CaseEvent, ...] = ()
    notifications: tuple[CaseNotification, ...] = ()


class Revise(Protocol):
    """Decides what an edited post changes. Pure; called with a database lock held."""

    def __call__(
        self, before: Told, found: Triaged, case: OpenCase | None, silences: Sequence[Silence], now: datetime, /
    ) -> Revised: ...


@dataclass(frozen=True, slots=True)
class Recorded:
    """What storing one page did."""

    new: int  # mentions stored for the first time
    seen: int  # mentions the page held, those stored before and those named twice included
    notifications: int  # put in the outbox
    outcomes: Mapping[Outcome, int] = field(default_factory=dict)  # of the new ones
    edited: int = 0  # posts stored before that read otherwise now
    removed: int = 0  # posts stored before that are gone
