"""The shelf: praise that the team would like to show, and whether its author allowed it. Decided here, stored in `store.shelf`.

Pure: an entry as it stands and a `Move` come in, the entry as it shall stand or a word why not comes out. States:
found (nobody asked) → asked → granted, refused; granted → withdrawn. A no stays a no: whoever refused or withdrew is not
asked again, but may say yes of their own accord, which needs evidence like any other yes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from listener.model import Told

LONGEST = 1000  # characters of anything that a person types here


class PraiseState(StrEnum):
    """Where an entry stands."""

    FOUND = "found"
    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What can be done. The words are those of the command line, of Slack's menu and of the audit trail."""

    SHELVE = "shelve"
    ASK = "ask"
    GRANT = "grant"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


class No(StrEnum):
    """Why nothing was changed; each has a sentence in every language of the interface."""

    DONE = "done"  # it is so already
    OFF = "off"  # it is not on the shelf
    SAID_NO = "said_no"  # its author refused or withdrew
    HELD = "held"  # permission is granted: only withdrawing ends it
    NOT_GRANTED = "not_granted"  # there is nothing to withdraw
    EVIDENCE = "evidence"  # a yes needs to be shown
    PAST = "past"  # permission until a time that is over
    STALE = "stale"  # the message showed an older revision of its case
    GONE = "gone"  # its words were removed


@dataclass(frozen=True, slots=True)
class Asked:
    """That the author was asked."""

    at: datetime
    who: str
    words: str = ""  # as they were put
    link: str = ""  # to the question


@dataclass(frozen=True, slots=True)
class Grant:
    """That the author said yes."""

    at: datetime
    who: str  # of the team, who saw it
    evidence: str  # a link to it, or a note that says where it is
    scope: str = ""  # "website with name"; empty: as it was asked
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Praise:
    """One entry of the shelf. It holds no word of the post: those are the mention's."""

    state: PraiseState
    since: datetime
    who: str  # who took the last step
    found_at: datetime
    found_by: str
    why: str = ""
    asked: Asked | None = None
    grant: Grant | None = None  # kept when it is withdrawn, to show what was allowed until then

    def may_be_shown(self, now: datetime) -> bool:
        """Whether the author's yes holds now."""
        return (
            self.state is PraiseState.GRANTED
            and self.grant is not None
            and (self.grant.until is None or self.grant.until > now)
        )


@dataclass(frozen=True, slots=True)
class Move:
    """What somebody wants. Of the texts and times each step takes its own."""

    step: Step
    who: str
    through: str  # "slack", "cli"
    revision: int | None = None  # of the case, as whoever clicked saw it
    why: str = ""  # of SHELVE
    words: str = ""  # of ASK, as is `link`
    link: str = ""
    evidence: str = ""  # of GRANT, as are `scope` and `until`
    scope: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shelved:
    """An entry with its post."""

    praise: Praise
    told: Told
    case: str | None = None  # the reference of its case


@dataclass(frozen=True, slots=True)
class ShelfStep:
    """That an entry came to a state."""

    at: datetime
    mention: str  # reference
    to: PraiseState


@dataclass(frozen=True, slots=True)
class Loyal:
    """An author who praised more than once."""

    platform: str
    handle: str
    name: str
    times: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How many entries stand where, and which waits longest for an answer."""

    counts: dict[PraiseState, int]
    longest: Shelved | None = None


STEPS: dict[PraiseState | None, tuple[Step, ...]] = {
    None: (Step.SHELVE,),
    PraiseState.FOUND: (Step.ASK, Step.GRANT, Step.REFUSE),
    PraiseState.ASKED: (Step.GRANT, Step.REFUSE),
    PraiseState.GRANTED: (Step.WITHDRAW,),
    PraiseState.REFUSED: (Step.GRANT,),
    PraiseState.WITHDRAWN: (Step.GRANT,),
}
"""What can follow: the entries of Slack's menu."""


def decide(entry: Praise | None, move: Move, now: datetime) -> Praise | No:
    """The entry as it shall stand, or why not."""
    refused = _refused(entry, move, now)
    if refused is not None:
        return refused
    if entry is None:
        return Praise(PraiseState.FOUND, now, move.who, now, move.who, move.why.strip()[:LONGEST])
    moved = replace(entry, since=now, who=move.who)
    match move.step:
        case Step.ASK:
            asked = Asked(now, move.who, move.words.strip()[:LONGEST], move.link.strip()[:LONGEST])
            return replace(moved, state=PraiseState.ASKED, asked=asked)
        case Step.GRANT:
            return replace(moved, state=PraiseState.GRANTED, grant=_grant(move, now))
        case Step.REFUSE:
            return replace(moved, state=PraiseState.REFUSED)
        case _:
            return replace(moved, state=PraiseState.WITHDRAWN)


def _grant(move: Move, now: datetime) -> Grant:
    return Grant(now, move.who, move.evidence.strip()[:LONGEST], move.scope.strip()[:LONGEST], move.until)


def _refused(entry: Praise | None, move: Move, now: datetime) -> No | None:
    if move.step is Step.SHELVE:
        return None if entry is None else No.DONE
    if entry is None:
        return No.OFF
    if move.step is Step.GRANT:
        return _grant_refused(entry, move, now)
    state, done = entry.state, _AFTER[move.step]
    if state is done:
        return No.DONE
    if move.step is Step.WITHDRAW:
        return None if state is PraiseState.GRANTED else No.NOT_GRANTED
    if state is PraiseState.GRANTED:
        return No.HELD
    return No.SAID_NO if state in (PraiseState.REFUSED, PraiseState.WITHDRAWN) else None


_AFTER = {Step.ASK: PraiseState.ASKED, Step.REFUSE: PraiseState.REFUSED, Step.WITHDRAW: PraiseState.WITHDRAWN}


def _grant_refused(entry: Praise, move: Move, now: datetime) -> No | None:
    if not move.evidence.strip():
        return No.EVIDENCE
    if move.until is not None and move.until <= now:
        return No.PAST
    known, wanted = entry.grant, _grant(move, now)
    if entry.state is not PraiseState.GRANTED or known is None:
        return None
    # Another evidence, scope or time is a new yes; the same once more is a click that came twice.
    same = (known.evidence, known.scope, known.until) == (wanted.evidence, wanted.scope, wanted.until)
    return No.DONE if same else None
