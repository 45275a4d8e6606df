"""Jobs that wait for their key's turn, and pending batches by kind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "c7d20e61f4ab"
down_revision = "b1f0c7a52d31"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job", sa.Column("held_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_job_held", "job", ["api_key_prefix", "held_at"], postgresql_where=sa.text("held_at IS NOT NULL")
    )
    op.create_index("ix_job_batch_pending_kind", "job_batch", ["kind"], postgresql_where=sa.text("status = 'PENDING'"))


def downgrade() -> None:
    op.drop_index("ix_job_batch_pending_kind", "job_batch")
    op.drop_index("ix_job_held", "job")
    op.drop_column("job", "held_at")
