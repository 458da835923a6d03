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
    GapLine,
    Label,
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
from listener.store.vitals import Vitals

__all__ = [
    "AmbiguousRef",
    "AuditLine",
    "Budget",
    "BudgetExceeded",
    "Changed",
    "GapLine",
    "Label",
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
    "Vitals",
    "WeekCount",
    "WrongUrl",
]
