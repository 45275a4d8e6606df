"""Evaluation sets say whether proteins that gained protein binding alone count."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "5b1e93d7c40a"
down_revision = "c83d5a1f07be"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "evaluation_set",
        sa.Column("drops_binding_only", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.drop_constraint("uq_evaluation_set_old_new_pivot", "evaluation_set", type_="unique")
    op.create_unique_constraint(
        "uq_evaluation_set_old_new_pivot_binding",
        "evaluation_set",
        ["old_annotation_set_id", "new_annotation_set_id", "pivot_snapshot_id", "drops_binding_only"],
    )


def downgrade() -> None:
    # Here they could not be told from the others, and would be measured by another rule than they were made by.
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM evaluation_set WHERE drops_binding_only) THEN RAISE EXCEPTION "
        "'this schema cannot hold evaluation sets that drop protein binding alone; delete them first'; END IF; END $$"
    )
    op.drop_constraint("uq_evaluation_set_old_new_pivot_binding", "evaluation_set", type_="unique")
    op.create_unique_constraint(
        "uq_evaluation_set_old_new_pivot",
        "evaluation_set",
        ["old_annotation_set_id", "new_annotation_set_id", "pivot_snapshot_id"],
    )
    op.drop_column("evaluation_set", "drops_binding_only")
