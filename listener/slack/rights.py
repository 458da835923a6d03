"""Who may do what: ids of people and of user groups, from the configuration.

Members of a group are asked of Slack and remembered for ten minutes; what was known is used on while Slack does not
answer. Whoever cannot be looked up is not let in.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import structlog
from slack_sdk import WebClient

from listener.cases.deeds import Deed
from listener.model import ReceiverError
from listener.slack.failures import translated

log = structlog.get_logger()

REMEMBERED = 600.0  # seconds


class Right(StrEnum):
    WORK = "work"
    RESOLVE = "resolve"
    CORRECT = "correct"
    SILENCE = "silence"
    REPLY = "reply"  # in public


NEEDED: Mapping[Deed, Right] = {
    Deed.CLAIM: Right.WORK,
    Deed.RELEASE: Right.WORK,
    Deed.REPLIED: Right.WORK,
    Deed.WAIT: Right.WORK,
    Deed.SNOOZE: Right.WORK,
    Deed.WAKE: Right.WORK,
    Deed.ESCALATE: Right.WORK,  # nobody who works a case may be kept from calling for help
    Deed.RESOLVE: Right.RESOLVE,
    Deed.REOPEN: Right.RESOLVE,
    Deed.IRRELEVANT: Right.RESOLVE,
    Deed.CORRECT: Right.CORRECT,
}


def is_group(who: str) -> bool:
    """Whether this is the id of a user group."""
    return who.startswith("S")


@dataclass(slots=True)
class Groups:
    """Members of user groups (scope usergroups:read), remembered."""

    client: WebClient
    clock: Callable[[], float] = time.monotonic
    _known: dict[str, tuple[float, frozenset[str]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def members(self, group: str) -> frozenset[str]:
        """User ids. Empty where Slack never told us."""
        with self._lock:
            at, known = self._known.get(group, (float("-inf"), frozenset[str]()))
        if self.clock() - at < REMEMBERED:
            return known
        try:
            with translated("usergroups.users.list", group):
                answer = self.client.usergroups_users_list(usergroup=group)
        except ReceiverError as error:
            log.warning("slack_group_unknown", group=group, cause=str(error))
            return known
        users = frozenset(str(one) for one in answer.get("users") or ())
        with self._lock:
            self._known[group] = (self.clock(), users)
        return users


@dataclass(frozen=True, slots=True)
class Rights:
    """The lists of the configuration. Any other list that is empty says the same as the one for working, but for replies: nobody."""

    may_work: Sequence[str] = ()
    may_resolve: Sequence[str] = ()
    may_correct: Sequence[str] = ()
    may_silence: Sequence[str] = ()
    members: Callable[[str], frozenset[str]] = lambda _group: frozenset()
    may_reply: Sequence[str] = ()

    def may(self, who: str, right: Right) -> bool:
        """Whether this user may. Asks Slack where a group is not known yet."""
        own = {
            Right.WORK: self.may_work,
            Right.RESOLVE: self.may_resolve,
            Right.CORRECT: self.may_correct,
            Right.SILENCE: self.may_silence,
            Right.REPLY: self.may_reply,
        }[right]
        if right is Right.REPLY and not own:
            return False  # what is published in the brand's name is nobody's by default
        allowed = own or self.may_work
        if not allowed or who in allowed:
            return True
        return any(who in self.members(one) for one in allowed if is_group(one))
