"""Near copies that stand for one text."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards only: the way back is the backup."""
    op.create_table(
        "copy",
        sa.Column("mention_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("likeness", sa.Float(), nullable=False),
        sa.Column("folded", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unfolded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unfolded_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["first_id"], ["mention.id"], name=op.f("fk_copy_first_id_mention")),
        sa.ForeignKeyConstraint(["mention_id"], ["mention.id"], name=op.f("fk_copy_mention_id_mention")),
        sa.PrimaryKeyConstraint("mention_id", name=op.f("pk_copy")),
    )
    op.create_index(op.f("ix_copy_first_id"), "copy", ["first_id"], unique=False)
