"""Accounts with their ledger, the pace of sources, look-ups of stored posts, and an audit trail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards only: the way back is the backup."""
    op.create_table(
        "account",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("blocked_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_account")),
    )
    op.create_table(
        "spend",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("micro_usd", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "day", "what", name=op.f("pk_spend")),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.add_column("source", sa.Column("account", sa.Text(), nullable=True))
    op.add_column("source", sa.Column("pace", sa.Float(), nullable=True))
    op.add_column("mention", sa.Column("removed_why", sa.Text(), nullable=True))
    op.add_column("mention", sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("mention", sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE mention SET checked_at = seen_at")
    op.execute("UPDATE mention SET removed_why = 'retention' WHERE removed_at IS NOT NULL")
    op.create_index(op.f("ix_mention_source_checked_at"), "mention", ["source", "checked_at"], unique=False)
