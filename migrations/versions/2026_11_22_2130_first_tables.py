"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy.dialects.postgresql import JSONB

revision = "ce0f4724dcb7"
down_revision = None
branch_labels = None
depends_on = None

TIMESTAMP = sa.DateTime(timezone=True)
NOW = sa.text("now()")
ZERO = sa.text("0")
EMPTY_OBJECT = sa.text("'{}'::jsonb")
EMPTY_LIST = sa.text("'{}'::text[]")
JOB_STATUS = sa.Enum("QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", name="job_status")
BATCH_STATUS = sa.Enum("PENDING", "RUNNING", "DONE", "FAILED", "CANCELLED", name="batch_status")
EXPERIMENT_RUN_STATUS = sa.Enum("PLANNED", "RUNNING", "DONE", "ABANDONED", name="experiment_run_status")


def foreign_key(table: str, column: str, target: str, ondelete: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}_{target.split('.', maxsplit=1)[0]}"
    return sa.ForeignKeyConstraint([column], [target], name=name, ondelete=ondelete)


def create_job() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("queue_name", sa.Text(), nullable=False),
        sa.Column("status", JOB_STATUS, server_default="QUEUED", nullable=False),
        sa.Column("payload", JSONB(), server_default=EMPTY_OBJECT, nullable=False),
        sa.Column("meta", JSONB(), server_default=EMPTY_OBJECT, nullable=False),
        sa.Column("result", JSONB()),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.Column("started_at", TIMESTAMP),
        sa.Column("finished_at", TIMESTAMP),
        sa.Column("available_at", TIMESTAMP),
        sa.Column("progress_current", sa.BigInteger()),
        sa.Column("progress_total", sa.BigInteger()),
        sa.Column("parent_job_id", sa.Uuid()),
        sa.Column("waits_for_job_id", sa.Uuid()),
        sa.Column("error_code", sa.Text()),
        sa.Column("error_message", sa.Text()),
        sa.Column("dedup_key", sa.String(length=16)),
        sa.Column("attempt", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("max_attempts", sa.Integer(), server_default=sa.text("5"), nullable=False),
        sa.Column("lease_token", sa.BigInteger()),
        sa.Column("leased_until", TIMESTAMP),
        sa.Column("worker", sa.Text()),
        sa.Column("trace_id", sa.String(length=32)),
        sa.Column("traceparent", sa.Text()),
        sa.Column("api_key_prefix", sa.String(length=8)),
        sa.Column("description", sa.Text()),
        sa.Column("findings", sa.Text()),
        sa.Column("tags", sa.ARRAY(sa.Text()), server_default=EMPTY_LIST, nullable=False),
        foreign_key("job", "parent_job_id", "job.id", "SET NULL"),
        foreign_key("job", "waits_for_job_id", "job.id", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
    )
    op.create_index("ix_job_created_at", "job", ["created_at"])
    op.create_index("ix_job_operation_created_at", "job", ["operation", "created_at"])
    op.create_index("ix_job_parent_job_id", "job", ["parent_job_id"])
    op.create_index("ix_job_status_created_at", "job", ["status", "created_at"])
    op.create_index("ix_job_waits_for_job_id", "job", ["waits_for_job_id"])
    op.create_index(
        "uq_job_dedup_key_active",
        "job",
        ["dedup_key"],
        unique=True,
        postgresql_where=sa.text("status IN ('QUEUED', 'RUNNING') AND dedup_key IS NOT NULL"),
    )


def create_job_event() -> None:
    op.create_table(
        "job_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("ts", TIMESTAMP, server_default=NOW, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), server_default="info", nullable=False),
        sa.Column("message", sa.Text()),
        sa.Column("fields", JSONB(), server_default=EMPTY_OBJECT, nullable=False),
        sa.CheckConstraint("level IN ('info', 'warning', 'error')", name=op.f("ck_job_event_level")),
        foreign_key("job_event", "job_id", "job.id", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_job_event"),
    )
    op.create_index("ix_job_event_event_ts", "job_event", ["event", "ts"])
    op.create_index("ix_job_event_job_id_ts", "job_event", ["job_id", "ts"])


def create_job_comment() -> None:
    op.create_table(
        "job_comment",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("author", sa.Text()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        foreign_key("job_comment", "job_id", "job.id", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_job_comment"),
    )
    op.create_index("ix_job_comment_job_id_created_at", "job_comment", ["job_id", "created_at"])


def create_job_batch() -> None:
    op.create_table(
        "job_batch",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("batch_index", sa.Integer(), nullable=False),
        sa.Column("status", BATCH_STATUS, server_default="PENDING", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("request", JSONB(), server_default=EMPTY_OBJECT, nullable=False),
        sa.Column("payload", JSONB(), server_default=EMPTY_OBJECT, nullable=False),
        sa.Column("counts", JSONB(), server_default=EMPTY_OBJECT, nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("lease_token", sa.BigInteger()),
        sa.Column("leased_until", TIMESTAMP),
        sa.Column("worker", sa.Text()),
        sa.Column("error_code", sa.Text()),
        sa.Column("error_message", sa.Text()),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.Column("started_at", TIMESTAMP),
        sa.Column("finished_at", TIMESTAMP),
        foreign_key("job_batch", "job_id", "job.id", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_job_batch"),
        sa.UniqueConstraint("job_id", "batch_index", name="uq_job_batch_job_id_batch_index"),
    )
    op.create_index(
        "ix_job_batch_running_leased_until",
        "job_batch",
        ["leased_until"],
        postgresql_where=sa.text("status = 'RUNNING'"),
    )


def create_outbox_event() -> None:
    op.create_table(
        "outbox_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("routing_key", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("subject", sa.Uuid()),
        sa.Column("body", JSONB(), nullable=False),
        sa.Column("headers", JSONB(), nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.Column("available_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.Column("sent_at", TIMESTAMP),
        sa.Column("attempts", sa.Integer(), server_default=ZERO, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox_event"),
        sa.UniqueConstraint("sequence", name="uq_outbox_event_sequence"),
    )
    op.create_index("ix_outbox_event_subject", "outbox_event", ["subject"])
    op.create_index(
        "ix_outbox_event_unsent",
        "outbox_event",
        ["available_at", "sequence"],
        postgresql_where=sa.text("sent_at IS NULL"),
    )


def create_inbox_event() -> None:
    op.create_table(
        "inbox_event",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("consumer", "event_id", name="pk_inbox_event"),
    )


def create_dead_letter() -> None:
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid()),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Uuid()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("headers", JSONB(), server_default=EMPTY_OBJECT, nullable=False),
        sa.Column("body", JSONB()),
        sa.Column("body_raw", sa.LargeBinary()),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.Column("replayed_at", TIMESTAMP),
        sa.Column("purged_at", TIMESTAMP),
        sa.PrimaryKeyConstraint("id", name="pk_dead_letter"),
    )
    op.create_index("ix_dead_letter_created_at", "dead_letter", ["created_at"])
    op.create_index("ix_dead_letter_queue", "dead_letter", ["queue"])


def create_sequence() -> None:
    op.create_table(
        "sequence",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("sequence", sa.Text(), nullable=False),
        sa.Column("sequence_hash", sa.String(length=32), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.Column("updated_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sequence"),
        sa.UniqueConstraint("sequence_hash", name="uq_sequence_sequence_hash"),
    )


def create_protein() -> None:
    op.create_table(
        "protein",
        sa.Column("accession", sa.Text(), nullable=False),
        sa.Column("canonical_accession", sa.Text(), nullable=False),
        sa.Column("is_canonical", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("isoform_index", sa.Integer()),
        sa.Column("entry_name", sa.Text()),
        sa.Column("reviewed", sa.Boolean()),
        sa.Column("taxonomy_id", sa.Integer()),
        sa.Column("organism", sa.Text()),
        sa.Column("gene_name", sa.Text()),
        sa.Column("length", sa.Integer()),
        sa.Column("sequence_id", sa.BigInteger()),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.Column("updated_at", TIMESTAMP, server_default=NOW, nullable=False),
        foreign_key("protein", "sequence_id", "sequence.id", "SET NULL"),
        sa.PrimaryKeyConstraint("accession", name="pk_protein"),
    )
    op.create_index("ix_protein_canonical_accession", "protein", ["canonical_accession"])
    op.create_index("ix_protein_entry_name", "protein", ["entry_name"])
    op.create_index("ix_protein_reviewed", "protein", ["reviewed"])
    op.create_index("ix_protein_sequence_id", "protein", ["sequence_id"])
    op.create_index("ix_protein_taxonomy_id", "protein", ["taxonomy_id"])


def create_protein_uniprot_metadata() -> None:
    op.create_table(
        "protein_uniprot_metadata",
        sa.Column("canonical_accession", sa.Text(), nullable=False),
        sa.Column("absorption", sa.Text()),
        sa.Column("active_site", sa.Text()),
        sa.Column("binding_site", sa.Text()),
        sa.Column("catalytic_activity", sa.Text()),
        sa.Column("cofactor", sa.Text()),
        sa.Column("dna_binding", sa.Text()),
        sa.Column("ec_number", sa.Text()),
        sa.Column("activity_regulation", sa.Text()),
        sa.Column("function_cc", sa.Text()),
        sa.Column("pathway", sa.Text()),
        sa.Column("kinetics", sa.Text()),
        sa.Column("ph_dependence", sa.Text()),
        sa.Column("redox_potential", sa.Text()),
        sa.Column("rhea_id", sa.Text()),
        sa.Column("site", sa.Text()),
        sa.Column("temperature_dependence", sa.Text()),
        sa.Column("keywords", sa.Text()),
        sa.Column("features", sa.Text()),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.Column("updated_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("canonical_accession", name="pk_protein_uniprot_metadata"),
    )


def create_ontology_snapshot() -> None:
    op.create_table(
        "ontology_snapshot",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("obo_url", sa.Text(), nullable=False),
        sa.Column("obo_version", sa.Text(), nullable=False),
        sa.Column("obo_sha256", sa.String(length=64), nullable=False),
        sa.Column("artifact_uri", sa.Text()),
        sa.Column("ia_url", sa.Text()),
        sa.Column("term_count", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("relationship_count", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("loaded_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ontology_snapshot"),
        sa.UniqueConstraint("obo_version", name="uq_ontology_snapshot_obo_version"),
    )


def create_go_term() -> None:
    op.create_table(
        "go_term",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("go_id", sa.String(length=15), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("aspect", sa.CHAR(length=1)),
        sa.Column("definition", sa.Text()),
        sa.Column("is_obsolete", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("alt_ids", sa.ARRAY(sa.Text()), server_default=EMPTY_LIST, nullable=False),
        sa.Column("replaced_by", sa.ARRAY(sa.Text()), server_default=EMPTY_LIST, nullable=False),
        sa.Column("consider", sa.ARRAY(sa.Text()), server_default=EMPTY_LIST, nullable=False),
        sa.Column("ontology_snapshot_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("aspect IN ('F', 'P', 'C')", name=op.f("ck_go_term_aspect")),
        foreign_key("go_term", "ontology_snapshot_id", "ontology_snapshot.id", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_go_term"),
        sa.UniqueConstraint("go_id", "ontology_snapshot_id", name="uq_go_term_snapshot"),
    )
    op.create_index("ix_go_term_ontology_snapshot_id", "go_term", ["ontology_snapshot_id"])


def create_go_term_relationship() -> None:
    op.create_table(
        "go_term_relationship",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("child_go_term_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_go_term_id", sa.BigInteger(), nullable=False),
        sa.Column("relation_type", sa.String(length=40), nullable=False),
        sa.Column("ontology_snapshot_id", sa.Uuid(), nullable=False),
        foreign_key("go_term_relationship", "child_go_term_id", "go_term.id", "CASCADE"),
        foreign_key("go_term_relationship", "ontology_snapshot_id", "ontology_snapshot.id", "CASCADE"),
        foreign_key("go_term_relationship", "parent_go_term_id", "go_term.id", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_go_term_relationship"),
        sa.UniqueConstraint(
            "child_go_term_id", "parent_go_term_id", "relation_type", name="uq_go_term_relationship_child_parent_type"
        ),
    )
    op.create_index("ix_go_term_relationship_ontology_snapshot_id", "go_term_relationship", ["ontology_snapshot_id"])
    op.create_index("ix_go_term_relationship_parent_go_term_id", "go_term_relationship", ["parent_go_term_id"])


def create_interpro_annotation() -> None:
    op.create_table(
        "interpro_annotation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("protein_accession", sa.Text(), nullable=False),
        sa.Column("source_db", sa.Text(), nullable=False),
        sa.Column("accession", sa.Text(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("evidence", sa.Text()),
        sa.Column("ipr_release", sa.Text(), nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.CheckConstraint('"end" >= start', name=op.f("ck_interpro_annotation_end_not_before_start")),
        sa.CheckConstraint("start >= 1", name=op.f("ck_interpro_annotation_start_is_positive")),
        foreign_key("interpro_annotation", "protein_accession", "protein.accession", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_interpro_annotation"),
    )
    op.create_index("ix_interpro_annotation_accession", "interpro_annotation", ["accession"])
    op.create_index("ix_interpro_annotation_protein_accession", "interpro_annotation", ["protein_accession"])


def create_interpro_go_mapping() -> None:
    op.create_table(
        "interpro_go_mapping",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ipr_accession", sa.String(length=32), nullable=False),
        sa.Column("go_id", sa.String(length=16), nullable=False),
        sa.Column("evidence", sa.Text()),
        sa.Column("source_version", sa.Text(), nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_interpro_go_mapping"),
        sa.UniqueConstraint("ipr_accession", "go_id", "source_version", name="uq_interpro_go_mapping_pair"),
    )
    op.create_index("ix_interpro_go_mapping_go_id", "interpro_go_mapping", ["go_id"])


def create_annotation_set() -> None:
    op.create_table(
        "annotation_set",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_version", sa.Text()),
        sa.Column("source_published_at", TIMESTAMP),
        sa.Column("content_sha256", sa.String(length=64)),
        sa.Column("annotation_count", sa.BigInteger(), server_default=ZERO, nullable=False),
        sa.Column("annotated_before", sa.Date()),
        sa.Column("ontology_snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid()),
        sa.Column("meta", JSONB(), server_default=EMPTY_OBJECT, nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        foreign_key("annotation_set", "job_id", "job.id", "SET NULL"),
        foreign_key("annotation_set", "ontology_snapshot_id", "ontology_snapshot.id", "RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_annotation_set"),
    )
    op.create_index("ix_annotation_set_ontology_snapshot_id", "annotation_set", ["ontology_snapshot_id"])
    op.create_index("ix_annotation_set_source", "annotation_set", ["source"])


def create_protein_go_annotation() -> None:
    op.create_table(
        "protein_go_annotation",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("annotation_set_id", sa.Uuid(), nullable=False),
        sa.Column("protein_accession", sa.Text(), nullable=False),
        sa.Column("go_term_id", sa.BigInteger(), nullable=False),
        sa.Column("qualifier", sa.Text()),
        sa.Column("is_negated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("evidence_code", sa.Text()),
        sa.Column("assigned_by", sa.Text()),
        sa.Column("db_reference", sa.Text()),
        sa.Column("with_from", sa.Text()),
        sa.Column("annotation_date", sa.String(length=8)),
        foreign_key("protein_go_annotation", "annotation_set_id", "annotation_set.id", "CASCADE"),
        foreign_key("protein_go_annotation", "go_term_id", "go_term.id", "CASCADE"),
        foreign_key("protein_go_annotation", "protein_accession", "protein.accession", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_protein_go_annotation"),
        sa.UniqueConstraint(
            "annotation_set_id",
            "protein_accession",
            "go_term_id",
            "evidence_code",
            "is_negated",
            name="uq_pga_set_protein_term_evidence",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_protein_go_annotation_evidence_code", "protein_go_annotation", ["evidence_code"])
    op.create_index("ix_protein_go_annotation_go_term_id", "protein_go_annotation", ["go_term_id"])
    op.create_index("ix_protein_go_annotation_protein_accession", "protein_go_annotation", ["protein_accession"])


def create_embedding_config() -> None:
    op.create_table(
        "embedding_config",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("model_name", sa.Text(), nullable=False),
        sa.Column("model_backend", sa.Text(), server_default="esm", nullable=False),
        sa.Column("weights_uri", sa.Text()),
        sa.Column("weights_digest", sa.String(length=64)),
        sa.Column("layer_indices", JSONB(), nullable=False),
        sa.Column("layer_agg", sa.Text(), server_default="mean", nullable=False),
        sa.Column("pooling", sa.Text(), server_default="mean", nullable=False),
        sa.Column("normalize_residues", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("normalize", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("max_length", sa.Integer(), server_default=sa.text("1022"), nullable=False),
        sa.Column("use_chunking", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("chunk_size", sa.Integer(), server_default=sa.text("512"), nullable=False),
        sa.Column("chunk_overlap", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("embedding_scale", sa.Double(), server_default=sa.text("1.0"), nullable=False),
        sa.Column("convention_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("dimension", sa.Integer()),
        sa.Column("is_language_model", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("licence", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("display_name", sa.Text()),
        sa.Column("family", sa.Text()),
        sa.Column("param_count", sa.BigInteger()),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "chunk_overlap >= 0 AND chunk_overlap < chunk_size", name=op.f("ck_embedding_config_overlap_below_size")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_embedding_config"),
    )
    op.create_index("ix_embedding_config_model_name", "embedding_config", ["model_name"])


def create_sequence_embedding() -> None:
    op.create_table(
        "sequence_embedding",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("sequence_id", sa.BigInteger(), nullable=False),
        sa.Column("embedding_config_id", sa.Uuid(), nullable=False),
        sa.Column("chunk_index_s", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("chunk_index_e", sa.Integer()),
        sa.Column("embedding", HALFVEC(), nullable=False),
        sa.Column("embedding_dim", sa.Integer(), nullable=False),
        sa.Column("convention_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("residues", sa.Integer()),
        sa.Column("truncated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        foreign_key("sequence_embedding", "embedding_config_id", "embedding_config.id", "RESTRICT"),
        foreign_key("sequence_embedding", "sequence_id", "sequence.id", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_sequence_embedding"),
        sa.UniqueConstraint(
            "sequence_id", "embedding_config_id", "chunk_index_s", name="uq_sequence_embedding_sequence_config_chunk"
        ),
        postgresql_with={"toast_tuple_target": 8160},
    )
    op.create_index("ix_sequence_embedding_embedding_config_id", "sequence_embedding", ["embedding_config_id"])


def create_query_set() -> None:
    op.create_table(
        "query_set",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("content_sha256", sa.String(length=64)),
        sa.Column("entry_count", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("residue_count", sa.BigInteger(), server_default=ZERO, nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_query_set"),
    )


def create_query_set_entry() -> None:
    op.create_table(
        "query_set_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("query_set_id", sa.Uuid(), nullable=False),
        sa.Column("sequence_id", sa.BigInteger(), nullable=False),
        sa.Column("accession", sa.Text(), nullable=False),
        sa.Column("species", sa.Text()),
        sa.Column("taxonomy_id", sa.Integer()),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        foreign_key("query_set_entry", "query_set_id", "query_set.id", "CASCADE"),
        foreign_key("query_set_entry", "sequence_id", "sequence.id", "RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_query_set_entry"),
        sa.UniqueConstraint("query_set_id", "accession", name="uq_query_set_entry_query_set_id_accession"),
    )
    op.create_index("ix_query_set_entry_accession", "query_set_entry", ["accession"])
    op.create_index("ix_query_set_entry_sequence_id", "query_set_entry", ["sequence_id"])


def create_scoring_config() -> None:
    op.create_table(
        "scoring_config",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("formula", sa.String(length=50), nullable=False),
        sa.Column("weights", JSONB(), server_default=EMPTY_OBJECT, nullable=False),
        sa.Column("evidence_weights", JSONB()),
        sa.Column("description", sa.Text()),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.CheckConstraint("formula IN ('linear', 'evidence_weighted')", name=op.f("ck_scoring_config_formula")),
        sa.PrimaryKeyConstraint("id", name="pk_scoring_config"),
        sa.UniqueConstraint("name", name="uq_scoring_config_name"),
    )


def create_prediction_set() -> None:
    op.create_table(
        "prediction_set",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="GENERATING", nullable=False),
        sa.Column("embedding_config_id", sa.Uuid(), nullable=False),
        sa.Column("annotation_set_id", sa.Uuid(), nullable=False),
        sa.Column("ontology_snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("query_set_id", sa.Uuid()),
        sa.Column("scoring_config_id", sa.Uuid()),
        sa.Column("job_id", sa.Uuid()),
        sa.Column("limit_per_entry", sa.Integer(), nullable=False),
        sa.Column("distance_threshold", sa.Double()),
        sa.Column("prediction_count", sa.BigInteger(), server_default=ZERO, nullable=False),
        sa.Column("meta", JSONB(), server_default=EMPTY_OBJECT, nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.CheckConstraint("status IN ('GENERATING', 'COMPLETE', 'ABANDONED')", name=op.f("ck_prediction_set_status")),
        foreign_key("prediction_set", "annotation_set_id", "annotation_set.id", "RESTRICT"),
        foreign_key("prediction_set", "embedding_config_id", "embedding_config.id", "RESTRICT"),
        foreign_key("prediction_set", "job_id", "job.id", "SET NULL"),
        foreign_key("prediction_set", "ontology_snapshot_id", "ontology_snapshot.id", "RESTRICT"),
        foreign_key("prediction_set", "query_set_id", "query_set.id", "SET NULL"),
        foreign_key("prediction_set", "scoring_config_id", "scoring_config.id", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_prediction_set"),
    )


def create_go_prediction() -> None:
    op.create_table(
        "go_prediction",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("prediction_set_id", sa.Uuid(), nullable=False),
        sa.Column("protein_accession", sa.Text(), nullable=False),
        sa.Column("go_term_id", sa.BigInteger(), nullable=False),
        sa.Column("ref_protein_accession", sa.Text(), nullable=False),
        sa.Column("distance", sa.Double(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("qualifier", sa.Text()),
        sa.Column("evidence_code", sa.Text()),
        sa.Column("vote_count", sa.Integer()),
        sa.Column("k_position", sa.Integer()),
        sa.Column("same_sequence", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("donor_accessions", sa.ARRAY(sa.Text())),
        sa.Column("donor_k_positions", sa.ARRAY(sa.Integer())),
        sa.Column("donor_sequence_ranks", sa.ARRAY(sa.Integer())),
        sa.Column("donor_distances", sa.ARRAY(sa.Double())),
        sa.Column("donor_count", sa.Integer()),
        foreign_key("go_prediction", "go_term_id", "go_term.id", "CASCADE"),
        foreign_key("go_prediction", "prediction_set_id", "prediction_set.id", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_go_prediction"),
        sa.UniqueConstraint(
            "prediction_set_id", "protein_accession", "go_term_id", name="uq_go_prediction_set_protein_term"
        ),
    )
    op.create_index("ix_go_prediction_go_term_id", "go_prediction", ["go_term_id"])


def create_go_prediction_features() -> None:
    op.create_table(
        "go_prediction_features",
        sa.Column("prediction_id", sa.BigInteger(), nullable=False),
        sa.Column("identity_nw", sa.Double()),
        sa.Column("similarity_nw", sa.Double()),
        sa.Column("alignment_score_nw", sa.Double()),
        sa.Column("gaps_pct_nw", sa.Double()),
        sa.Column("alignment_length_nw", sa.Double()),
        sa.Column("identity_sw", sa.Double()),
        sa.Column("similarity_sw", sa.Double()),
        sa.Column("alignment_score_sw", sa.Double()),
        sa.Column("gaps_pct_sw", sa.Double()),
        sa.Column("alignment_length_sw", sa.Double()),
        sa.Column("length_query", sa.Integer()),
        sa.Column("length_ref", sa.Integer()),
        sa.Column("go_term_frequency", sa.Integer()),
        sa.Column("ref_annotation_density", sa.Integer()),
        sa.Column("neighbor_distance_std", sa.Double()),
        sa.Column("neighbor_vote_fraction", sa.Double()),
        sa.Column("neighbor_min_distance", sa.Double()),
        sa.Column("neighbor_mean_distance", sa.Double()),
        sa.Column("query_taxonomy_id", sa.Integer()),
        sa.Column("ref_taxonomy_id", sa.Integer()),
        sa.Column("taxonomic_lca", sa.Integer()),
        sa.Column("taxonomic_distance", sa.Integer()),
        sa.Column("taxonomic_common_ancestors", sa.Integer()),
        sa.Column("taxonomic_relation", sa.String(length=20)),
        sa.Column("anc2vec_neighbor_cos", sa.Double()),
        sa.Column("anc2vec_neighbor_maxcos", sa.Double()),
        sa.Column("anc2vec_has_emb", sa.Double()),
        sa.Column("anc2vec_query_known_cos", sa.Double()),
        sa.Column("anc2vec_query_known_maxcos", sa.Double()),
        sa.Column("anc2vec_query_known_count", sa.Double()),
        sa.Column("tax_voters_same_frac", sa.Double()),
        sa.Column("tax_voters_close_frac", sa.Double()),
        sa.Column("tax_voters_mean_common_ancestors", sa.Double()),
        *(sa.Column(f"emb_pca_query_{component}", sa.Double()) for component in range(16)),
        foreign_key("go_prediction_features", "prediction_id", "go_prediction.id", "CASCADE"),
        sa.PrimaryKeyConstraint("prediction_id", name="pk_go_prediction_features"),
    )


def create_evaluation_set() -> None:
    op.create_table(
        "evaluation_set",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("old_annotation_set_id", sa.Uuid(), nullable=False),
        sa.Column("new_annotation_set_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid()),
        sa.Column("stats", JSONB(), server_default=EMPTY_OBJECT, nullable=False),
        sa.Column("groundtruth_uri", sa.String(length=512)),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        foreign_key("evaluation_set", "job_id", "job.id", "SET NULL"),
        foreign_key("evaluation_set", "new_annotation_set_id", "annotation_set.id", "RESTRICT"),
        foreign_key("evaluation_set", "old_annotation_set_id", "annotation_set.id", "RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_evaluation_set"),
        sa.UniqueConstraint("old_annotation_set_id", "new_annotation_set_id", name="uq_evaluation_set_old_new"),
    )
    op.create_index("ix_evaluation_set_created_at", "evaluation_set", ["created_at"])


def create_dataset() -> None:
    op.create_table(
        "dataset",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("operation", sa.String(length=64), nullable=False),
        sa.Column("job_id", sa.Uuid()),
        sa.Column("storage_backend", sa.String(length=32), nullable=False),
        sa.Column("key_prefix", sa.String(length=512), nullable=False),
        sa.Column("train_uri", sa.String(length=1024)),
        sa.Column("eval_uri", sa.String(length=1024)),
        sa.Column("manifest_uri", sa.String(length=1024), nullable=False),
        sa.Column("schema_sha", sa.String(length=16), nullable=False),
        sa.Column("schema_sha_v2", sa.String(length=64)),
        sa.Column("manifest_sha", sa.String(length=64)),
        sa.Column("n_train_rows", sa.BigInteger(), server_default=ZERO, nullable=False),
        sa.Column("n_eval_rows", sa.BigInteger(), server_default=ZERO, nullable=False),
        sa.Column("k", sa.Integer(), nullable=False),
        sa.Column("annotation_source", sa.String(length=32), nullable=False),
        sa.Column("embedding_config_id", sa.Uuid()),
        sa.Column("ontology_snapshot_id", sa.Uuid()),
        sa.Column("train_snapshot_pairs", JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("eval_snapshot_pair", sa.String(length=64)),
        sa.Column("producer_version", sa.String(length=64)),
        sa.Column("producer_git_sha", sa.String(length=40)),
        sa.Column("meta", JSONB(), server_default=EMPTY_OBJECT, nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        foreign_key("dataset", "embedding_config_id", "embedding_config.id", "SET NULL"),
        foreign_key("dataset", "job_id", "job.id", "SET NULL"),
        foreign_key("dataset", "ontology_snapshot_id", "ontology_snapshot.id", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_dataset"),
        sa.UniqueConstraint("name", name="uq_dataset_name"),
    )
    op.create_index("ix_dataset_created_at", "dataset", ["created_at"])


def create_reranker_model() -> None:
    op.create_table(
        "reranker_model",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("prediction_set_id", sa.Uuid()),
        sa.Column("evaluation_set_id", sa.Uuid()),
        sa.Column("dataset_id", sa.Uuid()),
        sa.Column("embedding_config_id", sa.Uuid()),
        sa.Column("ontology_snapshot_id", sa.Uuid()),
        sa.Column("category", sa.String(length=10), nullable=False),
        sa.Column("aspect", sa.String(length=3)),
        sa.Column("model_data", sa.Text()),
        sa.Column("artifact_uri", sa.String(length=512)),
        sa.Column("metrics", JSONB(), server_default=EMPTY_OBJECT, nullable=False),
        sa.Column("feature_importance", JSONB(), server_default=EMPTY_OBJECT, nullable=False),
        sa.Column("feature_schema_sha", sa.String(length=16)),
        sa.Column("schema_sha_v2", sa.String(length=64)),
        sa.Column("external_source", sa.Text()),
        sa.Column("producer_version", sa.String(length=64)),
        sa.Column("producer_git_sha", sa.String(length=40)),
        sa.Column("spec_yaml", sa.Text()),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.CheckConstraint("aspect IN ('bpo', 'mfo', 'cco')", name=op.f("ck_reranker_model_aspect")),
        sa.CheckConstraint("category IN ('nk', 'lk', 'pk')", name=op.f("ck_reranker_model_category")),
        sa.CheckConstraint(
            "model_data IS NOT NULL OR artifact_uri IS NOT NULL", name=op.f("ck_reranker_model_has_a_booster")
        ),
        foreign_key("reranker_model", "dataset_id", "dataset.id", "SET NULL"),
        foreign_key("reranker_model", "embedding_config_id", "embedding_config.id", "SET NULL"),
        foreign_key("reranker_model", "evaluation_set_id", "evaluation_set.id", "SET NULL"),
        foreign_key("reranker_model", "ontology_snapshot_id", "ontology_snapshot.id", "SET NULL"),
        foreign_key("reranker_model", "prediction_set_id", "prediction_set.id", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_reranker_model"),
        sa.UniqueConstraint("name", name="uq_reranker_model_name"),
    )


def create_evaluation_result() -> None:
    op.create_table(
        "evaluation_result",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("evaluation_set_id", sa.Uuid(), nullable=False),
        sa.Column("prediction_set_id", sa.Uuid(), nullable=False),
        sa.Column("scoring_config_id", sa.Uuid()),
        sa.Column("reranker_model_id", sa.Uuid()),
        sa.Column("reranker_config", JSONB()),
        sa.Column("job_id", sa.Uuid()),
        sa.Column("results", JSONB(), server_default=EMPTY_OBJECT, nullable=False),
        sa.Column("evaluator", JSONB(), server_default=EMPTY_OBJECT, nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        foreign_key("evaluation_result", "evaluation_set_id", "evaluation_set.id", "CASCADE"),
        foreign_key("evaluation_result", "job_id", "job.id", "SET NULL"),
        foreign_key("evaluation_result", "prediction_set_id", "prediction_set.id", "CASCADE"),
        foreign_key("evaluation_result", "reranker_model_id", "reranker_model.id", "SET NULL"),
        foreign_key("evaluation_result", "scoring_config_id", "scoring_config.id", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_evaluation_result"),
    )
    op.create_index(
        "ix_evaluation_result_evaluation_set_id_created_at", "evaluation_result", ["evaluation_set_id", "created_at"]
    )


def create_experiment_run() -> None:
    op.create_table(
        "experiment_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("hypothesis", sa.Text()),
        sa.Column("findings", sa.Text()),
        sa.Column("status", EXPERIMENT_RUN_STATUS, server_default="PLANNED", nullable=False),
        sa.Column("config", JSONB(), server_default=EMPTY_OBJECT, nullable=False),
        sa.Column("provenance", JSONB(), server_default=EMPTY_OBJECT, nullable=False),
        sa.Column("tags", sa.ARRAY(sa.Text()), server_default=EMPTY_LIST, nullable=False),
        sa.Column("plm", sa.Text()),
        sa.Column("k", sa.Integer()),
        sa.Column("reranker_spec_id", sa.Text()),
        sa.Column("feature_schema_sha", sa.String(length=16)),
        sa.Column("schema_sha_v2", sa.String(length=64)),
        sa.Column("eval_set_name", sa.Text()),
        sa.Column("eval_set_manifest_sha", sa.String(length=64)),
        sa.Column("propagation", sa.Text()),
        sa.Column("ensemble_spec", JSONB()),
        sa.Column("axis_tuple_shortid", sa.String(length=12)),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.Column("started_at", TIMESTAMP),
        sa.Column("finished_at", TIMESTAMP),
        sa.PrimaryKeyConstraint("id", name="pk_experiment_run"),
        sa.UniqueConstraint("name", name="uq_experiment_run_name"),
    )
    op.create_index("ix_experiment_run_status_created_at", "experiment_run", ["status", "created_at"])
    op.create_index(
        "uq_experiment_run_axis_tuple_shortid",
        "experiment_run",
        ["axis_tuple_shortid"],
        unique=True,
        postgresql_where=sa.text("axis_tuple_shortid IS NOT NULL"),
    )


def create_api_key() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("prefix", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("role", sa.Text()),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.Column("revoked_at", TIMESTAMP),
        sa.Column("last_used_at", TIMESTAMP),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("key_hash", name="uq_api_key_key_hash"),
    )
    op.create_index("ix_api_key_prefix", "api_key", ["prefix"])


def create_support_entry() -> None:
    op.create_table(
        "support_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("comment", sa.Text()),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.CheckConstraint("char_length(comment) <= 500", name=op.f("ck_support_entry_comment_length")),
        sa.PrimaryKeyConstraint("id", name="pk_support_entry"),
    )


def create_visitor_event() -> None:
    op.create_table(
        "visitor_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("visitor_hash", sa.String(length=16), nullable=False),
        sa.Column("path", sa.String(length=255), nullable=False),
        sa.Column("method", sa.String(length=8), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_visitor_event"),
    )
    op.create_index("ix_visitor_event_created_at", "visitor_event", ["created_at"])
    op.create_index("ix_visitor_event_day_visitor_hash", "visitor_event", ["day", "visitor_hash"])
    op.create_index("ix_visitor_event_path", "visitor_event", ["path"])


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    op.execute("CREATE SEQUENCE lease_token_seq")
    create_job()
    create_job_event()
    create_job_comment()
    create_job_batch()
    create_outbox_event()
    create_inbox_event()
    create_dead_letter()
    create_sequence()
    create_protein()
    create_protein_uniprot_metadata()
    create_ontology_snapshot()
    create_go_term()
    create_go_term_relationship()
    create_interpro_annotation()
    create_interpro_go_mapping()
    create_annotation_set()
    create_protein_go_annotation()
    create_embedding_config()
    create_sequence_embedding()
    create_query_set()
    create_query_set_entry()
    create_scoring_config()
    create_prediction_set()
    create_go_prediction()
    create_go_prediction_features()
    create_evaluation_set()
    create_dataset()
    create_reranker_model()
    create_evaluation_result()
    create_experiment_run()
    create_api_key()
    create_support_entry()
    create_visitor_event()


TABLES = (
    "job",
    "job_event",
    "job_comment",
    "job_batch",
    "outbox_event",
    "inbox_event",
    "dead_letter",
    "sequence",
    "protein",
    "protein_uniprot_metadata",
    "ontology_snapshot",
    "go_term",
    "go_term_relationship",
    "interpro_annotation",
    "interpro_go_mapping",
    "annotation_set",
    "protein_go_annotation",
    "embedding_config",
    "sequence_embedding",
    "query_set",
    "query_set_entry",
    "scoring_config",
    "prediction_set",
    "go_prediction",
    "go_prediction_features",
    "evaluation_set",
    "dataset",
    "reranker_model",
    "evaluation_result",
    "experiment_run",
    "api_key",
    "support_entry",
    "visitor_event",
)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    for enum in ("job_status", "batch_status", "experiment_run_status"):
        op.execute(f"DROP TYPE {enum}")
    op.execute("DROP SEQUENCE lease_token_seq")
    op.execute("DROP EXTENSION vector")
