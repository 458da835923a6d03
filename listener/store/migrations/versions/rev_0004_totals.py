"""What watching the daemon needs: numbers counted as things happen, and indexes for what waits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TRIED = "state IN ('pending', 'sending') AND attempts > 0"
_LEVEL = "CASE urgency WHEN 3 THEN 'critical' WHEN 2 THEN 'high' WHEN 1 THEN 'normal' ELSE 'low' END"


def upgrade() -> None:
    """Forwards only: the way back is the backup. What was stored before is counted once, here."""
    op.create_table(
        "total",
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("of", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("what", "of", "part", name=op.f("pk_total")),
    )
    for what, of, part, table, where in (
        ("verdict", "stage", _LEVEL, "verdict", "relevant"),
        ("outcome", "outcome", "''", "mention", "outcome IS NOT NULL"),
        ("case-opened", _LEVEL, "''", "case_", "TRUE"),
        ("sent", "receiver", "''", "notification", "state = 'sent'"),
    ):
        # Every word of these statements stands above.
        op.execute(
            f"INSERT INTO total SELECT '{what}', {of}, {part}, COUNT(*) FROM {table} WHERE {where} GROUP BY 2, 3"  # noqa: S608
        )
    op.drop_index(op.f("ix_case__state"), table_name="case_")
    op.create_index(op.f("ix_case__state_urgency_due_at"), "case_", ["state", "urgency", "due_at"], unique=False)
    op.create_index(
        "ix_notification_tried",
        "notification",
        ["receiver", "urgency", "created_at"],
        unique=False,
        sqlite_where=sa.text(_TRIED),
        postgresql_where=sa.text(_TRIED),
    )
