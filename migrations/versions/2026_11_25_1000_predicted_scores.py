"""Predictions that are only measured are lists of terms and scores, one row a protein."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "c83d5a1f07be"
down_revision = "a0d6be41f572"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "predicted_scores",
        sa.Column("prediction_set_id", sa.Uuid(), nullable=False),
        sa.Column("protein_accession", sa.Text(), nullable=False),
        sa.Column("go_term_ids", ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("scores", ARRAY(sa.Double()), nullable=False),
        sa.CheckConstraint("cardinality(go_term_ids) = cardinality(scores)", name=op.f("ck_predicted_scores_parallel")),
        sa.ForeignKeyConstraint(
            ["prediction_set_id"],
            ["prediction_set.id"],
            name=op.f("fk_predicted_scores_prediction_set_id_prediction_set"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("prediction_set_id", "protein_accession", name=op.f("pk_predicted_scores")),
    )


def downgrade() -> None:
    op.execute(
        "INSERT INTO go_prediction (prediction_set_id, protein_accession, go_term_id, score) "
        "SELECT prediction_set_id, protein_accession, term, score "
        "FROM predicted_scores, unnest(go_term_ids, scores) AS listed (term, score)"
    )
    op.drop_table("predicted_scores")
