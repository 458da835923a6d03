"""What people do: snoozes, corrections kept as labels, silences. And many cases in one message: summaries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards only: the way back is the backup."""
    op.add_column("case_", sa.Column("snooze", sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        "label",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("mention_id", sa.Integer(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("was", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("now", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ruleset", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["mention_id"], ["mention.id"], name=op.f("fk_label_mention_id_mention")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label")),
    )
    op.create_index(op.f("ix_label_at"), "label", ["at"], unique=False)
    op.create_index(op.f("ix_label_mention_id"), "label", ["mention_id"], unique=False)
    op.create_table(
        "silence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("fits", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("mentions", sa.Integer(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silence")),
    )
    op.create_index(op.f("ix_silence_ends_at"), "silence", ["ends_at"], unique=False)
    op.add_column("notification", sa.Column("summary_id", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_notification_receiver_sent_at"), "notification", ["receiver", "sent_at"], unique=False)
    op.create_index(
        op.f("ix_notification_summary_id"),
        "notification",
        ["summary_id"],
        unique=False,
        sqlite_where=sa.text("summary_id IS NOT NULL"),
        postgresql_where=sa.text("summary_id IS NOT NULL"),
    )
