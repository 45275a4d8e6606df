"""Predictions of baselines have no embedding and no nearest donor."""

from __future__ import annotations

from alembic import op

revision = "d41f7be60c25"
down_revision = "c7d2e91b4a60"
branch_labels = None
depends_on = None

_OF_NEIGHBOURS = (
    ("prediction_set", "embedding_config_id"),
    ("go_prediction", "ref_protein_accession"),
    ("go_prediction", "distance"),
)


def upgrade() -> None:
    for table, column in _OF_NEIGHBOURS:
        op.alter_column(table, column, nullable=True)


def downgrade() -> None:
    # A baseline is what the earlier schema cannot hold; it can be predicted again.
    op.execute("DELETE FROM prediction_set WHERE embedding_config_id IS NULL")
    for table, column in _OF_NEIGHBOURS:
        op.alter_column(table, column, nullable=False)
