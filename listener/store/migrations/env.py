"""Run by Alembic, on the connection and inside the transaction that `schema.migrate` has opened."""

from __future__ import annotations

from alembic import context

from listener.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite changes a column only by rebuilding its table
    compare_type=True,
)
context.run_migrations()
