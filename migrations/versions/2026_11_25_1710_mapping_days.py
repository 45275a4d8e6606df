"""Releases of the InterPro2GO mapping have a day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "e4a91c6d20f7"
down_revision = "5b1e93d7c40a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "interpro_go_release",
        sa.Column("source_version", sa.Text(), nullable=False),
        sa.Column("released_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("source_version", name=op.f("pk_interpro_go_release")),
    )


def downgrade() -> None:
    op.drop_table("interpro_go_release")
