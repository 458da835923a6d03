"""What the store may raise. Every message is for the operator: what happened and what to do next; no secrets.

StoreError
├── WrongUrl          the database URL cannot be used as it is
├── Unavailable       the database does not answer, is locked for too long, or ran out of room
├── SchemaMismatch    the tables are missing, older, or newer than this program
├── NotSupported      this database needs another tool for that
├── LeaseLost         another worker took over the source; nothing of this page was stored
├── BudgetExceeded    an account may not spend that much; nothing was counted
└── AmbiguousRef      several mentions begin with this reference
"""

from __future__ import annotations


class StoreError(Exception):
    """Base of all the store raises on purpose."""


class WrongUrl(StoreError):  # named for what happened, like the errors of connectors
    """The database URL cannot be used as it is."""


class Unavailable(StoreError):  # named for what happened, like the errors of connectors
    """The database cannot do its work now; the same call may succeed later."""


class SchemaMismatch(StoreError):  # named for what happened, like the errors of connectors
    """The tables are not the ones this program needs."""


class NotSupported(StoreError):  # named for what happened, like the errors of connectors
    """This database needs another tool for that."""


class LeaseLost(StoreError):  # named for what happened, like the errors of connectors
    """Another worker holds the source by now. Whatever this worker still has is read again by the other one."""


class BudgetExceeded(StoreError):
    """An account may not spend that much. `span` is "day" or "month"; `limit` and `spent` are millionths of a USD."""

    def __init__(self, span: str, limit: int, spent: int) -> None:
        super().__init__(f"{spent / 1e6:.2f} of {limit / 1e6:.2f} USD of the {span} are spent.")
        self.span, self.limit, self.spent = span, limit, spent


class AmbiguousRef(StoreError):  # named for what happened, like the errors of connectors
    """Several mentions begin with the reference given; `candidates` are the shortest ones that tell them apart."""

    def __init__(self, typed: str, candidates: tuple[str, ...]) -> None:
        super().__init__(f'several mentions begin with "{typed}": {", ".join(candidates)}. Type more characters.')
        self.candidates = candidates
