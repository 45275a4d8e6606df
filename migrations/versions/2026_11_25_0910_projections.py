"""One fit of principal components per recipe."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "f19c4be27d83"
down_revision = "c4b7d20e91a6"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "embedding_projection",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("embedding_config_id", sa.Uuid(), nullable=False),
        sa.Column("annotation_set_id", sa.Uuid()),
        sa.Column("reference_digest", sa.String(32), nullable=False),
        sa.Column("artifact_uri", sa.String(512), nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("dimension", "component_count", "vector_count")),
        sa.Column("solver", sa.Text(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_embedding_projection")),
        sa.UniqueConstraint("embedding_config_id", name=op.f("uq_embedding_projection_embedding_config_id")),
        sa.ForeignKeyConstraint(
            ["embedding_config_id"],
            ["embedding_config.id"],
            name=op.f("fk_embedding_projection_embedding_config_id_embedding_config"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["annotation_set_id"],
            ["annotation_set.id"],
            name=op.f("fk_embedding_projection_annotation_set_id_annotation_set"),
            ondelete="SET NULL",
        ),
    )


def downgrade() -> None:
    op.drop_table("embedding_projection")
