"""Weights of a scoring formula by cell, and what becomes of a missing signal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "c4b7d20e91a6"
down_revision = "e8a35c914b72"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("scoring_config", sa.Column("cell_weights", JSONB()))
    op.add_column(
        "scoring_config", sa.Column("missing", sa.String(length=8), server_default=sa.text("'skip'"), nullable=False)
    )
    op.create_check_constraint(op.f("ck_scoring_config_missing"), "scoring_config", "missing IN ('skip', 'zero')")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_scoring_config_missing"), "scoring_config", type_="check")
    op.drop_column("scoring_config", "missing")
    op.drop_column("scoring_config", "cell_weights")
