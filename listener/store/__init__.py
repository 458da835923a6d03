"""What the daemon remembers, on SQLite or PostgreSQL. `Store` is the whole surface; its errors are in `errors`."""

from listener.store.errors import (
    AmbiguousRef,
    BudgetExceeded,
    LeaseLost,
    NotSupported,
    SchemaMismatch,
    StoreError,
    Unavailable,
    WrongUrl,
)
from listener.store.store import Store
from listener.store.values import (
    AuditLine,
    Budget,
    Changed,
    Lease,
    LedgerLine,
    NotificationRow,
    OutboxState,
    Purged,
    ReceiverState,
    SchemaState,
    Spent,
    Totals,
    WeekCount,
)

__all__ = [
    "AmbiguousRef",
    "AuditLine",
    "Budget",
    "BudgetExceeded",
    "Changed",
    "Lease",
    "LeaseLost",
    "LedgerLine",
    "NotSupported",
    "NotificationRow",
    "OutboxState",
    "Purged",
    "ReceiverState",
    "SchemaMismatch",
    "SchemaState",
    "Spent",
    "Store",
    "StoreError",
    "Totals",
    "Unavailable",
    "WeekCount",
    "WrongUrl",
]
