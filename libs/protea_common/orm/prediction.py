"""Predicted GO terms, the runs that made them, and the features a re-ranker reads."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Connection,
    Enum,
    ForeignKey,
    String,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from protea_common.orm.annotation import AnnotationSet
from protea_common.orm.base import Base, CreatedAt, IdentityKey, JsonObject, UpperCaseEnum, UuidKey
from protea_common.orm.embedding import EmbeddingConfig
from protea_common.orm.ontology import GOTerm, OntologySnapshot
from protea_common.orm.query import QuerySet

__all__ = ["GOPrediction", "GOPredictionFeatures", "PredictedScores", "PredictionSet", "PredictionSetStatus"]


class PredictionSetStatus(UpperCaseEnum):
    """Whether a prediction set may be read: only a complete one may."""

    GENERATING = "GENERATING"
    COMPLETE = "COMPLETE"
    ABANDONED = "ABANDONED"


class PredictionSet(Base):
    """One run of predictions, with all that is needed to repeat it.

    Written by the predictor.
    The evaluator adds baselines, which are measured like predictions.

    Attributes
    ----------
    embedding_config_id
        Recipe of the vectors that neighbours were found with; null for a baseline, which needs none.
    query_set_id
        Proteins that were asked about; null once their set is deleted.
    scoring_config_id
        How votes became scores; null for the default.
    limit_per_entry
        Neighbours per query (K), in each pool.
    distance_threshold
        Neighbours farther away were dropped; null for none.
    prediction_count
        Rows of the set, counted as they are written.
    meta
        The receipt: metric, search backend, donor policy, feature families, sizes of the reference pools.
    """

    __tablename__ = "prediction_set"

    id: Mapped[UuidKey]
    status: Mapped[PredictionSetStatus] = mapped_column(
        Enum(PredictionSetStatus, name="status", native_enum=False, create_constraint=True, length=16),
        server_default=PredictionSetStatus.GENERATING,
    )
    embedding_config_id: Mapped[UUID | None] = mapped_column(ForeignKey("embedding_config.id", ondelete="RESTRICT"))
    annotation_set_id: Mapped[UUID] = mapped_column(ForeignKey("annotation_set.id", ondelete="RESTRICT"))
    ontology_snapshot_id: Mapped[UUID] = mapped_column(ForeignKey("ontology_snapshot.id", ondelete="RESTRICT"))
    query_set_id: Mapped[UUID | None] = mapped_column(ForeignKey("query_set.id", ondelete="SET NULL"))
    scoring_config_id: Mapped[UUID | None] = mapped_column(ForeignKey("scoring_config.id", ondelete="SET NULL"))
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))
    limit_per_entry: Mapped[int]
    distance_threshold: Mapped[float | None]
    prediction_count: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    meta: Mapped[JsonObject]
    created_at: Mapped[CreatedAt]

    embedding_config: Mapped[EmbeddingConfig | None] = relationship(lazy="raise")
    annotation_set: Mapped[AnnotationSet] = relationship(lazy="raise")
    ontology_snapshot: Mapped[OntologySnapshot] = relationship(lazy="raise")
    query_set: Mapped[QuerySet | None] = relationship(lazy="raise")
    predictions: Mapped[list[GOPrediction]] = relationship(
        back_populates="prediction_set", lazy="raise", passive_deletes="all"
    )


class GOPrediction(Base):
    """A term predicted for a protein: one row however many neighbours voted for it.

    Written by the predictor.
    The evaluator adds baselines, which are measured like predictions.

    Attributes
    ----------
    protein_accession
        As the query set names it; no foreign key, since it may be any FASTA identifier.
    ref_protein_accession, distance, qualifier, evidence_code
        The nearest donor, its distance, and the annotation it gave; null in a baseline, and for a term of no donor.
    score
        In [0, 1], higher is more likely; what a ranking sorts by.
    vote_count
        Distinct donors.
    k_position
        Rank of the nearest donor among the query's neighbours, from 1.
    same_sequence
        Whether the nearest donor has the query's own sequence.
    donor_accessions, donor_k_positions, donor_sequence_ranks, donor_distances
        The ledger: parallel, one element per distinct donor, by rank, so that a smaller K can be counted afterwards.
        Sequence ranks count distinct sequences. Null where the ledger was not kept.
    donor_count
        Length of the ledger.
    aligned_accessions, aligned_bit_scores, aligned_identities, aligned_e_values
        References that align with the query and carry the term: parallel, by falling bit score. Null where the set has
        no alignment channel.
    """

    __tablename__ = "go_prediction"
    __table_args__ = (
        # The first columns of this key serve look-ups by set, and by set and protein.
        UniqueConstraint(
            "prediction_set_id", "protein_accession", "go_term_id", name="uq_go_prediction_set_protein_term"
        ),
    )

    id: Mapped[IdentityKey]
    prediction_set_id: Mapped[UUID] = mapped_column(ForeignKey("prediction_set.id", ondelete="CASCADE"))
    protein_accession: Mapped[str]
    go_term_id: Mapped[int] = mapped_column(ForeignKey("go_term.id", ondelete="CASCADE"), index=True)
    ref_protein_accession: Mapped[str | None]
    distance: Mapped[float | None]
    score: Mapped[float]
    qualifier: Mapped[str | None]
    evidence_code: Mapped[str | None]
    vote_count: Mapped[int | None]
    k_position: Mapped[int | None]
    same_sequence: Mapped[bool] = mapped_column(server_default=text("false"))
    donor_accessions: Mapped[list[str] | None]
    donor_k_positions: Mapped[list[int] | None]
    donor_sequence_ranks: Mapped[list[int] | None]
    donor_distances: Mapped[list[float] | None]
    donor_count: Mapped[int | None]
    aligned_accessions: Mapped[list[str] | None]
    aligned_bit_scores: Mapped[list[float] | None]
    aligned_identities: Mapped[list[float] | None]
    aligned_e_values: Mapped[list[float] | None]

    prediction_set: Mapped[PredictionSet] = relationship(back_populates="predictions", lazy="raise")
    go_term: Mapped[GOTerm] = relationship(lazy="raise")


class PredictedScores(Base):
    """All terms predicted for a protein with their scores alone: for sets of millions that are only measured.

    Written by the predictor.

    Attributes
    ----------
    protein_accession
        As the query set names it.
    go_term_ids, scores
        Parallel: ids of the terms, ascending, and scores in [0, 1]. The terms outlive them, since a prediction set
        holds its ontology snapshot.
    """

    __tablename__ = "predicted_scores"
    __table_args__ = (CheckConstraint("cardinality(go_term_ids) = cardinality(scores)", name="parallel"),)

    prediction_set_id: Mapped[UUID] = mapped_column(
        ForeignKey("prediction_set.id", ondelete="CASCADE"), primary_key=True
    )
    protein_accession: Mapped[str] = mapped_column(primary_key=True)
    go_term_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    scores: Mapped[list[float]]


@event.listens_for(PredictedScores.__table__, "after_create")
def _keep_lists_plain(_table: Any, connection: Connection, **_: Any) -> None:
    """Compressed they would take half the space, and twenty times as long to write."""
    for name in ("go_term_ids", "scores"):
        connection.execute(text(f"ALTER TABLE predicted_scores ALTER COLUMN {name} SET STORAGE EXTERNAL"))


class GOPredictionFeatures(Base):
    """What a re-ranker reads about a prediction beside its own columns; null where a family was not computed.

    Written by the predictor.
    """

    __tablename__ = "go_prediction_features"

    prediction_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("go_prediction.id", ondelete="CASCADE"), primary_key=True
    )
    identity_nw: Mapped[float | None]
    similarity_nw: Mapped[float | None]
    alignment_score_nw: Mapped[float | None]
    gaps_pct_nw: Mapped[float | None]
    alignment_length_nw: Mapped[float | None]
    identity_sw: Mapped[float | None]
    similarity_sw: Mapped[float | None]
    alignment_score_sw: Mapped[float | None]
    gaps_pct_sw: Mapped[float | None]
    alignment_length_sw: Mapped[float | None]
    length_query: Mapped[int | None]
    length_ref: Mapped[int | None]
    go_term_frequency: Mapped[int | None]
    ref_annotation_density: Mapped[int | None]
    neighbor_distance_std: Mapped[float | None]
    neighbor_vote_fraction: Mapped[float | None]
    neighbor_min_distance: Mapped[float | None]
    neighbor_mean_distance: Mapped[float | None]
    query_taxonomy_id: Mapped[int | None]
    ref_taxonomy_id: Mapped[int | None]
    taxonomic_lca: Mapped[int | None]
    taxonomic_distance: Mapped[int | None]
    taxonomic_common_ancestors: Mapped[int | None]
    taxonomic_relation: Mapped[str | None] = mapped_column(String(20))
    anc2vec_neighbor_cos: Mapped[float | None]
    anc2vec_neighbor_maxcos: Mapped[float | None]
    anc2vec_has_emb: Mapped[float | None]
    anc2vec_query_known_cos: Mapped[float | None]
    anc2vec_query_known_maxcos: Mapped[float | None]
    anc2vec_query_known_count: Mapped[float | None]
    tax_voters_same_frac: Mapped[float | None]
    tax_voters_close_frac: Mapped[float | None]
    tax_voters_mean_common_ancestors: Mapped[float | None]
    emb_pca_query_0: Mapped[float | None]
    emb_pca_query_1: Mapped[float | None]
    emb_pca_query_2: Mapped[float | None]
    emb_pca_query_3: Mapped[float | None]
    emb_pca_query_4: Mapped[float | None]
    emb_pca_query_5: Mapped[float | None]
    emb_pca_query_6: Mapped[float | None]
    emb_pca_query_7: Mapped[float | None]
    emb_pca_query_8: Mapped[float | None]
    emb_pca_query_9: Mapped[float | None]
    emb_pca_query_10: Mapped[float | None]
    emb_pca_query_11: Mapped[float | None]
    emb_pca_query_12: Mapped[float | None]
    emb_pca_query_13: Mapped[float | None]
    emb_pca_query_14: Mapped[float | None]
    emb_pca_query_15: Mapped[float | None]
