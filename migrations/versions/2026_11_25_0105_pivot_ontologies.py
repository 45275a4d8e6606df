"""Evaluation sets have a pivot ontology and a waiver; information accretion is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "c7d2e91b4a60"
down_revision = "c7d20e61f4ab"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("evaluation_set", sa.Column("holdout_waiver", sa.Text()))
    op.add_column("evaluation_set", sa.Column("pivot_snapshot_id", sa.Uuid()))
    # Until now both sets were read with one ontology, which so was the pivot.
    op.execute(
        "UPDATE evaluation_set SET pivot_snapshot_id = annotation_set.ontology_snapshot_id "
        "FROM annotation_set WHERE annotation_set.id = evaluation_set.old_annotation_set_id"
    )
    op.alter_column("evaluation_set", "pivot_snapshot_id", nullable=False)
    op.create_foreign_key(
        op.f("fk_evaluation_set_pivot_snapshot_id_ontology_snapshot"),
        "evaluation_set",
        "ontology_snapshot",
        ["pivot_snapshot_id"],
        ["id"],
        ondelete="RESTRICT",
    )
    op.drop_constraint("uq_evaluation_set_old_new", "evaluation_set", type_="unique")
    op.create_unique_constraint(
        "uq_evaluation_set_old_new_pivot",
        "evaluation_set",
        ["old_annotation_set_id", "new_annotation_set_id", "pivot_snapshot_id"],
    )
    create_information_accretion_set()


def create_information_accretion_set() -> None:
    op.create_table(
        "information_accretion_set",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ontology_snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("annotation_set_id", sa.Uuid(), nullable=False),
        sa.Column("evidence_regime", sa.String(32), nullable=False),
        sa.Column("evidence_codes", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
        sa.Column("job_id", sa.Uuid()),
        sa.Column("artifact_uri", sa.String(512), nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("term_count", sa.Integer(), nullable=False),
        sa.Column("nonzero_count", sa.Integer(), nullable=False),
        sa.Column("annotation_count", sa.Integer(), nullable=False),
        sa.Column("protein_count", sa.Integer(), nullable=False),
        sa.Column("propagated_pairs", sa.BigInteger(), nullable=False),
        sa.Column("ia_max", sa.Double(), nullable=False),
        sa.Column("ia_mean", sa.Double(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_information_accretion_set")),
        sa.ForeignKeyConstraint(
            ["ontology_snapshot_id"],
            ["ontology_snapshot.id"],
            name="fk_information_accretion_set_ontology_snapshot",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["annotation_set_id"],
            ["annotation_set.id"],
            name=op.f("fk_information_accretion_set_annotation_set_id_annotation_set"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name=op.f("fk_information_accretion_set_job_id_job"), ondelete="SET NULL"
        ),
        sa.UniqueConstraint(
            "ontology_snapshot_id",
            "annotation_set_id",
            "evidence_regime",
            name="uq_information_accretion_set_snapshot_annotations_regime",
        ),
    )


def downgrade() -> None:
    op.drop_table("information_accretion_set")
    op.drop_constraint("uq_evaluation_set_old_new_pivot", "evaluation_set", type_="unique")
    op.drop_constraint(
        op.f("fk_evaluation_set_pivot_snapshot_id_ontology_snapshot"), "evaluation_set", type_="foreignkey"
    )
    op.drop_column("evaluation_set", "pivot_snapshot_id")
    op.drop_column("evaluation_set", "holdout_waiver")
    # Fails where one pair of sets was compared in two ontologies, which this schema cannot hold.
    op.create_unique_constraint(
        "uq_evaluation_set_old_new", "evaluation_set", ["old_annotation_set_id", "new_annotation_set_id"]
    )
