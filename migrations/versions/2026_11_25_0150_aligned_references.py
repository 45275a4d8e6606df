"""Aligned references of predictions, and figures of pairs of sequences."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "e8a35c914b72"
down_revision = "e58a1c93d7f4"
branch_labels = None
depends_on = None

_NUMBERS = ("aligned_bit_scores", "aligned_identities", "aligned_e_values")
_MEASURES = ("identity", "similarity", "alignment_score", "gaps_pct", "alignment_length")


def upgrade() -> None:
    op.add_column("go_prediction", sa.Column("aligned_accessions", sa.ARRAY(sa.Text())))
    for name in _NUMBERS:
        op.add_column("go_prediction", sa.Column(name, sa.ARRAY(sa.Double())))
    op.create_table(
        "sequence_alignment",
        sa.Column("query_hash", sa.String(32), nullable=False),
        sa.Column("ref_hash", sa.String(32), nullable=False),
        *(sa.Column(f"{name}_{kind}", sa.Double(), nullable=False) for kind in ("nw", "sw") for name in _MEASURES),
        sa.Column("length_query", sa.Double(), nullable=False),
        sa.Column("length_ref", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("query_hash", "ref_hash", name="pk_sequence_alignment"),
    )


def downgrade() -> None:
    op.drop_table("sequence_alignment")
    for name in (*_NUMBERS, "aligned_accessions"):
        op.drop_column("go_prediction", name)
