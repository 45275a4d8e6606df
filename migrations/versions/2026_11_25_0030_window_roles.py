"""Evaluation sets say what their window is for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "b1f0c7a52d31"
down_revision = "ce0f4724dcb7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("evaluation_set", sa.Column("window_role", sa.String(8)))
    op.create_check_constraint(
        op.f("ck_evaluation_set_window_role"), "evaluation_set", "window_role IN ('valid', 'test')"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_evaluation_set_window_role"), "evaluation_set", type_="check")
    op.drop_column("evaluation_set", "window_role")
