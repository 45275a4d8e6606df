"""InterPro hits belong to sequences, so that queries have them as proteins do."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0d6be41f572"
down_revision = "f19c4be27d83"
branch_labels = None
depends_on = None

_HIT = ("sequence_id", "ipr_release", "source_db", "accession", "start", "end")


def upgrade() -> None:
    op.add_column("interpro_annotation", sa.Column("sequence_id", sa.BigInteger()))
    op.execute(
        "UPDATE interpro_annotation SET sequence_id = protein.sequence_id FROM protein "
        "WHERE protein.accession = protein_accession"
    )
    # A hit on a protein whose sequence is not known cannot be found any more; a hit is said once of a sequence.
    op.execute("DELETE FROM interpro_annotation WHERE sequence_id IS NULL")
    op.execute(
        "DELETE FROM interpro_annotation extra USING interpro_annotation kept WHERE extra.id > kept.id "
        "AND extra.sequence_id = kept.sequence_id AND extra.ipr_release = kept.ipr_release "
        "AND extra.source_db = kept.source_db AND extra.accession = kept.accession "
        'AND extra.start = kept.start AND extra."end" = kept."end"'
    )
    op.alter_column("interpro_annotation", "sequence_id", nullable=False)
    op.alter_column("interpro_annotation", "protein_accession", nullable=True)
    op.create_foreign_key(
        op.f("fk_interpro_annotation_sequence_id_sequence"),
        "interpro_annotation",
        "sequence",
        ["sequence_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_unique_constraint("uq_interpro_annotation_hit", "interpro_annotation", list(_HIT))


def downgrade() -> None:
    op.execute("DELETE FROM interpro_annotation WHERE protein_accession IS NULL")
    op.drop_constraint("uq_interpro_annotation_hit", "interpro_annotation")
    op.drop_constraint(op.f("fk_interpro_annotation_sequence_id_sequence"), "interpro_annotation")
    op.alter_column("interpro_annotation", "protein_accession", nullable=False)
    op.drop_column("interpro_annotation", "sequence_id")
