"""What a verb says of a case: where it stands, and why nothing was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from listener.cases.deeds import Refusal
    from listener.model import Case


def refusal_said(refusal: Refusal) -> str:
    """Why nothing was changed, and what to do."""
    case = refusal.case
    said = {
        "done": f"{case.ref} is {state_of(case)} already.",
        "taken": f"{case.ref} is with {case.owner}. Ask them, or give it back first: `listener cases release {case.ref}`.",
        "stale": f"{case.ref} has changed since; look at it again: `listener cases show {case.ref}`.",
        "closed": f"{case.ref} is {state_of(case)}. `listener cases reopen {case.ref}` opens it again.",
        "open": f"{case.ref} is open already: {state_of(case)}.",
        "top": f"{case.ref} is critical; there is no level above. Claim it: `listener cases claim {case.ref}`.",
        "busy": f"A public reply to {case.ref} is on its way; `listener cases show {case.ref}` will say how it went.",
        "gone": f"{case.ref} has no posts any more: they were removed, or are in another case. There is nothing to work on.",
    }
    return said[refusal.why.value]


def state_of(case: Case) -> str:
    """`claimed, with ana`."""
    return f"{case.state.value}, with {case.owner}" if case.owner else case.state.value
