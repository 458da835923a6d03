"""The times that answers are due, written anew from the histories of the cases, for hours or targets that were changed.

A case's `due_at` is there to be searched by; the truth is what `listener.cases.turns` reads in its history. Runs inside a
transaction of its caller.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from listener.cases.clock import ServiceHours
from listener.cases.plan import CLOSED_STATES
from listener.cases.turns import replay
from listener.store.pages import histories, lock_counter
from listener.store.tables import cases

_CHUNK = 500


def reset(connection: Connection, hours: ServiceHours) -> int:
    """Returns how many cases have another time now. A history older than the turns of its clock is left as it is."""
    lock_counter(connection)
    closed = sorted(state.value for state in CLOSED_STATES)
    dues = {
        row.id: row.due_at
        for row in connection.execute(sa.select(cases.c.id, cases.c.due_at).where(cases.c.state.not_in(closed)))
    }
    changed, ids = 0, sorted(dues)
    for start in range(0, len(ids), _CHUNK):
        for case_id, details in histories(connection, ids[start : start + _CHUNK]).items():
            clock = replay(details, hours)
            if clock is None or (due := clock.due(hours)) == dues[case_id]:
                continue
            connection.execute(cases.update().where(cases.c.id == case_id).values(due_at=due))
            changed += 1
    return changed
