"""Doing to a case what a person wants: the one way in for Slack's buttons, the command line and the daemon itself.

A use case only: it fills in what the configuration says (service hours, routes) and leaves the decision to
`cases.deeds` and its storing to `Store.transition`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from listener.cases.deeds import Decision, Deed, Refusal, Wish
from listener.cases.plan import read_case_ref
from listener.cases.routing import destinations
from listener.cases.telling import Rules
from listener.model import Case, Told
from listener.store import Store


class NoSuchCase(Exception):
    """No case is called so. The message names it."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where cases are worked."""

    store: Store
    rules: Rules

    def do(self, ref: str, wish: Wish, now: datetime) -> Decision | Refusal:
        """Do it, or say why not. Raises NoSuchCase."""
        found = read_case_ref(ref)
        done = None if found is None else self.store.transition(found, wish, self.rules.hours, self._wanted, now)
        if done is None:
            raise NoSuchCase(f"there is no case {ref!r}; `listener cases list` shows those that are open")
        return done

    def merge(self, ref: str, into: str, who: str, through: str, now: datetime) -> Case:
        """Give the posts of one case to another. Raises NoSuchCase."""
        one, other = read_case_ref(ref), read_case_ref(into)
        wish = Wish(Deed.RESOLVE, who, through)
        done = self.store.merge_cases(one, other, self._wanted, wish, now) if one and other and one != other else None
        if isinstance(done, Refusal):
            raise NoSuchCase(f"{done.case.ref} is not relevant: reopen it first, or leave it")
        if done is None:
            raise NoSuchCase(f"{ref!r} and {into!r} are not two cases; `listener cases list` shows those that are open")
        return done

    def split(self, mention: str, who: str, through: str, now: datetime) -> Case:
        """Give a post a case of its own; `mention` is its reference or the beginning of it. Raises NoSuchCase, StoreError."""
        told = self.store.told(mention)
        wish = Wish(Deed.REOPEN, who, through)
        done = told and self.store.split_case(told.ref, self.rules.hours, self._wanted, wish, now)
        if not done:
            raise NoSuchCase(
                f"no post {mention!r} shares a case with others; `listener cases show CASE` lists its posts"
            )
        return done

    def unfold(self, ref: str, who: str, through: str, now: datetime) -> Case:
        """Tell a case by itself that was folded as a near copy of another. Raises NoSuchCase."""
        found = read_case_ref(ref)
        wish = Wish(Deed.REOPEN, who, through)
        done = None if found is None else self.store.unfold_case(found, self._wanted, wish, now)
        if isinstance(done, Refusal):
            raise NoSuchCase(f"{done.case.ref} is closed or has no posts any more: there is nothing to tell")
        if done is None:
            raise NoSuchCase(
                f"{ref!r} is no case that was folded as a near copy; `listener cases show CASE` says which are"
            )
        return done

    def _wanted(self, lead: Told, case: Case) -> Sequence[tuple[str, str]]:
        found = destinations(self.rules.routes, lead.mention, lead.verdict, lead.source, case.urgency)
        return [(one.receiver, one.route) for one in found]
