"""Calibrations are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "e58a1c93d7f4"
down_revision = "d41f7be60c25"
branch_labels = None
depends_on = None

_LINKS = ("evaluation_set", "prediction_set", "job")


def upgrade() -> None:
    op.create_table(
        "calibration_model",
        sa.Column("id", sa.Uuid(), nullable=False),
        *(sa.Column(f"{table}_id", sa.Uuid()) for table in _LINKS),
        sa.Column("artifact_uri", sa.String(512), nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("candidate_count", sa.BigInteger(), nullable=False),
        sa.Column("method", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("metrics", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibration_model")),
        *(
            sa.ForeignKeyConstraint(
                [f"{table}_id"],
                [f"{table}.id"],
                name=op.f(f"fk_calibration_model_{table}_id_{table}"),
                ondelete="SET NULL",
            )
            for table in _LINKS
        ),
    )


def downgrade() -> None:
    op.drop_table("calibration_model")
