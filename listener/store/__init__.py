"""What the daemon remembers, on SQLite or PostgreSQL. `Store` is the whole surface; its errors are in `errors`."""

from listener.store.errors import (
    AmbiguousRef,
    LeaseLost,
    NotSupported,
    SchemaMismatch,
    StoreError,
    Unavailable,
    WrongUrl,
)
from listener.store.store import Store
from listener.store.values import (
    Lease,
    NotificationRow,
    OutboxState,
    Purged,
    ReceiverState,
    SchemaState,
    Totals,
    WeekCount,
)

__all__ = [
    "AmbiguousRef",
    "Lease",
    "LeaseLost",
    "NotSupported",
    "NotificationRow",
    "OutboxState",
    "Purged",
    "ReceiverState",
    "SchemaMismatch",
    "SchemaState",
    "Store",
    "StoreError",
    "Totals",
    "Unavailable",
    "WeekCount",
    "WrongUrl",
]
